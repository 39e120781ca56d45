// How PostgreSQL executes the statements of the stores, before it has any statistics: by whole
// keys, and within one book, so that they run unchanged where a cluster distributes the tables by
// `book`.
#include <algorithm>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/pg/test_database.h"
#include "services/ledger/store/pg_book_reader.h"
#include "services/ledger/store/pg_log_store.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<pg::Statement> StatementsOfBooks() {
  std::vector<pg::Statement> statements = PgStore::Statements();
  for (const pg::Statement& statement : PgBookReader::Statements()) statements.push_back(statement);
  return statements;
}

std::vector<pg::Statement> AllStatements() {
  std::vector<pg::Statement> statements = StatementsOfBooks();
  for (const pg::Statement& statement : PgLogStore::Statements()) statements.push_back(statement);
  return statements;
}

// The number of parameters of a statement: the greatest $n.
int ParametersOf(const std::string& sql) {
  int count = 0;
  for (std::size_t at = sql.find('$'); at != std::string::npos; at = sql.find('$', at + 1)) {
    count = std::max(count, std::atoi(sql.c_str() + at + 1));
  }
  return count;
}

class PgStatementsTest : public ::testing::Test {
 protected:
  PgStatementsTest() {
    for (const std::string& setting : PgStore::Settings()) session_.exec("SET " + setting);
  }

  std::string PlanOf(const pg::Statement& statement) {
    session_.exec("PREPARE " + statement.name + " AS " + statement.sql);
    // With a book, since the partitions of none would be left out of the plan.
    std::string parameters = "'main'";
    for (int i = 1; i < ParametersOf(statement.sql); ++i) parameters += ", NULL";
    std::string plan;
    for (const pqxx::row& row :
         session_.exec("EXPLAIN EXECUTE " + statement.name + " (" + parameters + ")")) {
      plan += row[0].c_str() + std::string("\n");
    }
    return plan;
  }

 private:
  // Not the server of other tests, which may have statistics by now.
  static testing::Postgres& Empty() {
    static testing::Postgres postgres;
    static const bool ready = [] {
      pg::CreateTables(postgres, "ledger");
      return true;
    }();
    static_cast<void>(ready);
    return postgres;
  }

  pqxx::connection connection_{Empty().conninfo("ledger")};
  pqxx::nontransaction session_{connection_};
};

// Of tables without statistics PostgreSQL believes that `book = …` is met by few rows. No plan may
// trust in that: each finds rows by whole keys, or a batch would read its whole book.
TEST_F(PgStatementsTest, FindRowsByTheirKeysEvenWithoutStatistics) {
  for (const pg::Statement& statement : StatementsOfBooks()) {
    if (statement.name == "reader_trial_balance") continue;  // Is about the whole book.
    const std::string plan = PlanOf(statement);
    for (const char* trap : {"Seq Scan", "Bitmap", "Materialize", "Index Cond: (book = $1)\n"}) {
      const bool book_is_the_key = statement.sql.find("books") != std::string::npos;
      if (book_is_the_key && std::string(trap).starts_with("Index Cond")) continue;
      EXPECT_THAT(plan, Not(HasSubstr(trap))) << statement.name;
    }
  }
}

// Every scan of a table is on the condition of a book, which is the call's or a joined row's.
TEST_F(PgStatementsTest, ReadOneBookOnly) {
  int scans = 0;
  for (const pg::Statement& statement : AllStatements()) {
    if (statement.name == "list_books") continue;  // What it is for.
    const std::vector<std::string> plan = absl::StrSplit(PlanOf(statement), '\n');
    for (std::size_t i = 0; i < plan.size(); ++i) {
      static const std::regex kScan(
          ".* Scan (using \\w+ )?on (books|accounts|journal|entries|holds|"
          "metadata_index|tiles|tree_heads)\\w* .*");
      if (!std::regex_match(" " + plan[i], kScan)) continue;
      ++scans;
      std::string conditions;
      for (std::size_t j = i + 1; j < plan.size() && plan[j].find("->") == std::string::npos; ++j) {
        conditions += plan[j] + "\n";
      }
      static const std::regex kOfABook("\\bbook = (\\$1|\\(?\\w+\\.book\\b)");
      EXPECT_TRUE(std::regex_search(conditions, kOfABook))
          << statement.name << ": " << plan[i] << "\n"
          << conditions;
    }
  }
  EXPECT_GT(scans, 20);
}

// Every row that is inserted belongs to the call's book.
TEST_F(PgStatementsTest, WriteOneBookOnly) {
  int inserts = 0;
  for (const pg::Statement& statement : AllStatements()) {
    static const std::regex kInsert("INSERT INTO \\w+( AS \\w+)? \\(");
    static const std::regex kOfTheBook(
        "INSERT INTO \\w+( AS \\w+)? \\(book, [^)]*\\) +(SELECT |VALUES \\()\\$1, ");
    const auto count = [&statement](const std::regex& what) {
      return std::distance(std::sregex_iterator(statement.sql.begin(), statement.sql.end(), what),
                           {});
    };
    EXPECT_EQ(count(kInsert), count(kOfTheBook)) << statement.name;
    inserts += static_cast<int>(count(kInsert));
  }
  EXPECT_GT(inserts, 5);
}

}  // namespace
}  // namespace florin::ledger
