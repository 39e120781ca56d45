// What the database lets each role do, whatever the code would try: history is append-only, and
// schemas are apart.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

constexpr const char* kServices[] = {"ledger", "auth", "accounts", "payments"};

void ExpectDenied(const std::string& role, const std::string& sql) {
  const CommandResult result = SharedStack().Sql(role, sql);
  EXPECT_NE(result.status, 0) << role << ": " << sql;
  EXPECT_TRUE(absl::StrContains(result.output, "permission denied")) << role << ": " << sql << "\n"
                                                                     << result.output;
}

std::vector<std::string> Tables(const std::string& schema) {
  return absl::StrSplit(
      SharedStack().Query(absl::StrCat("SELECT tablename FROM pg_tables WHERE schemaname = '",
                                       schema, "' ORDER BY tablename")),
      '\n', absl::SkipEmpty());
}

TEST(DatabaseGrants, TheLedgersHistoryIsAppendOnly) {
  // Something to change, so that nothing is denied only because there is nothing.
  ApiUser user(SharedStack());
  user.Deposit(user.OpenAccount("EUR"), 1);
  for (const char* table : {"entries", "transactions"}) {
    const std::string column = SharedStack().Query(absl::StrCat(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'ledger' AND "
        "table_name = '",
        table, "' AND data_type = 'bigint' ORDER BY ordinal_position LIMIT 1"));
    ASSERT_NE(column, "") << table;
    ASSERT_NE(SharedStack().Query(absl::StrCat("SELECT count(*) FROM ledger.", table)), "0");
    ExpectDenied("ledger", absl::StrCat("UPDATE ", table, " SET ", column, " = ", column));
    ExpectDenied("ledger", absl::StrCat("DELETE FROM ", table));
    ExpectDenied("ledger", absl::StrCat("TRUNCATE ", table));
  }
}

TEST(DatabaseGrants, NoRuntimeRoleDeletesOrDefines) {
  for (const std::string service : kServices) {
    ExpectDenied(service, absl::StrCat("CREATE TABLE ", service, ".intruder (id int)"));
    for (const std::string& table : Tables(service)) {
      ExpectDenied(service, absl::StrCat("TRUNCATE ", service, ".", table));
      EXPECT_NE(SharedStack().Sql(service, absl::StrCat("DROP TABLE ", service, ".", table)).status,
                0)
          << service << "." << table;
      EXPECT_NE(SharedStack()
                    .Sql(service, absl::StrCat("ALTER TABLE ", service, ".", table,
                                               " ADD COLUMN intruder int"))
                    .status,
                0)
          << service << "." << table;
    }
  }
}

TEST(DatabaseGrants, NoRoleReadsAnotherSchema) {
  for (const std::string reader : kServices)
    for (const std::string owner : kServices) {
      if (reader == owner) continue;
      const std::vector<std::string> tables = Tables(owner);
      ASSERT_FALSE(tables.empty()) << owner;
      for (const std::string& table : tables) {
        ExpectDenied(reader, absl::StrCat("SELECT count(*) FROM ", owner, ".", table));
        ExpectDenied(absl::StrCat(reader, "_owner"),
                     absl::StrCat("SELECT count(*) FROM ", owner, ".", table));
      }
    }
}

}  // namespace
}  // namespace florin::e2e
