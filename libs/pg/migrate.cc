#include "libs/pg/migrate.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <pqxx/pqxx>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/crypto/sha256.h"
#include "libs/pg/errors.h"

namespace florin::pg {
namespace {

namespace fs = std::filesystem;

absl::Status Bad(const std::string& what, const std::string& which) {
  return Error(Reason::kInternal, absl::StrCat(what, ": ", which));
}

std::string Checksum(const Migration& migration) {
  return crypto::Hex(crypto::AsOctets(crypto::Sha256(migration.sql)));
}

absl::StatusOr<Migration> LoadMigration(const fs::path& path) {
  Migration migration{.name = path.filename().string()};
  const bool numbered = migration.name.size() > 5 && migration.name[4] == '_' &&
                        absl::SimpleAtoi(migration.name.substr(0, 4), &migration.number);
  if (!numbered || migration.number < 1) {
    return Bad("a migration is named NNNN_what.sql", path.string());
  }
  std::ifstream file(path, std::ios::binary);
  migration.sql.assign(std::istreambuf_iterator<char>(file), {});
  if (!file) return Bad("cannot read the migration", path.string());
  return migration;
}

std::string Table(pqxx::transaction_base& transaction, const std::string& schema) {
  return absl::StrCat(transaction.quote_name(schema), ".migrations");
}

// Held until the end of the transaction, so that migrators wait for each other.
void LockSchema(pqxx::work& transaction, const std::string& schema) {
  transaction.exec_params("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                          absl::StrCat("florin.migrations.", schema));
}

absl::Status CreateTable(pqxx::connection& connection, const std::string& schema) {
  pqxx::work transaction(connection);
  LockSchema(transaction, schema);
  // Not IF NOT EXISTS alone: that would ask for the right to create even where the table is there.
  const auto found = transaction.exec_params1(
      "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'migrations'", schema);
  if (found[0].as<int>() == 0) {
    transaction.exec(absl::StrCat("CREATE TABLE ", Table(transaction, schema),
                                  " (number integer PRIMARY KEY, name text NOT NULL, sha256 text "
                                  "NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"));
  }
  transaction.commit();
  return absl::OkStatus();
}

// How many of `migrations` are recorded; an error if the records are not those of a prefix of them.
absl::StatusOr<std::size_t> CheckRecorded(pqxx::work& transaction, const std::string& schema,
                                          const std::vector<Migration>& migrations) {
  const pqxx::result rows = transaction.exec(absl::StrCat(
      "SELECT number, name, sha256 FROM ", Table(transaction, schema), " ORDER BY number"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto name = rows[i][1].as<std::string>();
    if (i >= migrations.size() || rows[i][0].as<int>() != migrations[i].number) {
      return Bad("the database has a migration that this program does not know", name);
    }
    if (rows[i][2].as<std::string>() != Checksum(migrations[i])) {
      return Bad("this migration was changed after it was applied", migrations[i].name);
    }
  }
  return rows.size();
}

// Applies the next missing migration; whether there was one.
absl::StatusOr<bool> ApplyNext(pqxx::connection& connection, const std::string& schema,
                               const std::vector<Migration>& migrations) {
  pqxx::work transaction(connection);
  LockSchema(transaction, schema);
  FLORIN_ASSIGN_OR_RETURN(const std::size_t recorded,
                          CheckRecorded(transaction, schema, migrations));
  if (recorded == migrations.size()) return false;
  const Migration& next = migrations[recorded];
  transaction.exec(next.sql);
  transaction.exec_params(absl::StrCat("INSERT INTO ", Table(transaction, schema),
                                       " (number, name, sha256) VALUES ($1, $2, $3)"),
                          next.number, next.name, Checksum(next));
  transaction.commit();
  return true;
}

absl::StatusOr<int> ApplyMissing(const std::string& conninfo, const std::string& schema,
                                 const std::vector<Migration>& migrations) {
  pqxx::connection connection(conninfo);
  FLORIN_RETURN_IF_ERROR(CreateTable(connection, schema));
  for (int applied = 0;; ++applied) {
    FLORIN_ASSIGN_OR_RETURN(const bool more, ApplyNext(connection, schema, migrations));
    if (!more) return applied;
  }
}

}  // namespace

absl::StatusOr<std::vector<Migration>> LoadMigrations(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".sql") paths.push_back(it->path());
  }
  if (error) return Bad("cannot read the directory of migrations", directory);
  std::sort(paths.begin(), paths.end());

  std::vector<Migration> migrations;
  for (const fs::path& path : paths) {
    FLORIN_ASSIGN_OR_RETURN(Migration migration, LoadMigration(path));
    if (migration.number != static_cast<int>(migrations.size()) + 1) {
      return Bad(absl::StrFormat("expected migration %04d", migrations.size() + 1), migration.name);
    }
    migrations.push_back(std::move(migration));
  }
  return migrations;
}

absl::StatusOr<int> Migrate(const std::string& conninfo, const std::string& schema,
                            const std::vector<Migration>& migrations) {
  absl::StatusOr<int> applied = 0;
  const internal::Attempt attempt = internal::Catch([&] {
    applied = ApplyMissing(conninfo, schema, migrations);
    return applied.status();
  });
  if (!attempt.status.ok()) return attempt.status;
  return applied;
}

}  // namespace florin::pg
