#include "libs/pg/migrate.h"

#include <filesystem>
#include <fstream>
#include <future>

#include <pqxx/pqxx>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "libs/testing/postgres.h"

namespace florin::pg {
namespace {

class LoadMigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "/migrations-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void Write(const std::string& name, const std::string& sql) {
    std::ofstream(directory_ + "/" + name) << sql;
  }

  std::string directory_;
};

TEST_F(LoadMigrationsTest, ReadsFilesInOrder) {
  Write("0002_second.sql", "SELECT 2");
  Write("0001_first.sql", "SELECT 1");
  Write("notes.txt", "not a migration");
  const auto migrations = LoadMigrations(directory_);
  ASSERT_THAT(migrations, IsOk());
  ASSERT_EQ(migrations->size(), 2u);
  EXPECT_EQ((*migrations)[0].name, "0001_first.sql");
  EXPECT_EQ((*migrations)[1].number, 2);
  EXPECT_EQ((*migrations)[1].sql, "SELECT 2");
}

TEST_F(LoadMigrationsTest, RefusesAGap) {
  Write("0001_first.sql", "");
  Write("0003_third.sql", "");
  EXPECT_THAT(LoadMigrations(directory_), StatusHasReason(Reason::kInternal));
}

TEST_F(LoadMigrationsTest, RefusesADuplicate) {
  Write("0001_first.sql", "");
  Write("0001_other.sql", "");
  EXPECT_THAT(LoadMigrations(directory_), StatusHasReason(Reason::kInternal));
}

TEST_F(LoadMigrationsTest, RefusesAnotherName) {
  Write("first.sql", "");
  EXPECT_THAT(LoadMigrations(directory_), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(LoadMigrations(directory_ + "/none"), StatusHasReason(Reason::kInternal));
}

// One server; every test has a schema of its own.
class MigrateTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { postgres_ = new testing::Postgres; }
  static void TearDownTestSuite() {
    delete postgres_;
    postgres_ = nullptr;
  }

  void SetUp() override {
    schema_ = "schema" + std::to_string(++schemas_);
    postgres_->CreateSchema(schema_);
  }

  absl::StatusOr<int> Apply(const std::vector<Migration>& migrations) {
    return Migrate(postgres_->conninfo(schema_ + "_owner"), schema_, migrations);
  }

  std::vector<Migration> Two() const {
    return {{1, "0001_table.sql", "CREATE TABLE kept (value integer)"},
            {2, "0002_row.sql",
             "INSERT INTO kept (value) VALUES (1); GRANT SELECT ON kept TO " + schema_}};
  }

  int CountRowsAsRuntimeRole() {
    pqxx::connection connection(postgres_->conninfo(schema_));
    pqxx::work transaction(connection);
    return transaction.exec1("SELECT count(*) FROM kept")[0].as<int>();
  }

  static testing::Postgres* postgres_;
  static int schemas_;
  std::string schema_;
};

testing::Postgres* MigrateTest::postgres_ = nullptr;
int MigrateTest::schemas_ = 0;

TEST_F(MigrateTest, AppliesWhatIsMissingOnce) {
  std::vector<Migration> migrations = Two();
  const Migration second = migrations.back();
  migrations.pop_back();
  EXPECT_EQ(Apply(migrations).value(), 1);
  migrations.push_back(second);
  EXPECT_EQ(Apply(migrations).value(), 1);
  EXPECT_EQ(Apply(migrations).value(), 0);
  EXPECT_EQ(CountRowsAsRuntimeRole(), 1);
}

TEST_F(MigrateTest, RefusesAChangedMigration) {
  std::vector<Migration> migrations = Two();
  ASSERT_THAT(Apply(migrations), IsOk());
  migrations[0].sql += " ";
  EXPECT_THAT(Apply(migrations), StatusHasReason(Reason::kInternal));
}

TEST_F(MigrateTest, RefusesAnUnknownMigration) {
  std::vector<Migration> migrations = Two();
  ASSERT_THAT(Apply(migrations), IsOk());
  migrations.pop_back();
  EXPECT_THAT(Apply(migrations), StatusHasReason(Reason::kInternal));
}

TEST_F(MigrateTest, AFailedMigrationLeavesNothing) {
  std::vector<Migration> migrations = Two();
  const std::string good = migrations[1].sql;
  migrations[1].sql = good + "; SELECT no_such_column FROM kept";
  EXPECT_THAT(Apply(migrations), StatusHasReason(Reason::kInternal));
  migrations[1].sql = good;
  EXPECT_EQ(Apply(migrations).value(), 1);
  EXPECT_EQ(CountRowsAsRuntimeRole(), 1);
}

TEST_F(MigrateTest, MigratorsAtTheSameTimeApplyEachOnce) {
  std::vector<std::future<absl::StatusOr<int>>> migrators;
  for (int i = 0; i < 4; ++i) {
    migrators.push_back(std::async(std::launch::async, [this] { return Apply(Two()); }));
  }
  int applied = 0;
  for (auto& migrator : migrators) applied += migrator.get().value();
  EXPECT_EQ(applied, 2);
  EXPECT_EQ(CountRowsAsRuntimeRole(), 1);
}

TEST_F(MigrateTest, SaysWhenTheDatabaseCannotBeReached) {
  EXPECT_THAT(Migrate("host=/nonexistent dbname=postgres", "any", {}),
              StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::pg
