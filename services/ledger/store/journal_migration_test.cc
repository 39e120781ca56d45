// What 0002_journal.sql makes of the books of 0001, and move_book().
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/migrate.h"
#include "libs/pg/pool.h"
#include "libs/status/matchers.h"
#include "libs/testing/postgres.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/pg_book_reader.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {
namespace {

using ::testing::ElementsAre;

constexpr char kOldBook[] = R"(
  INSERT INTO books VALUES ('old', 2, '2026-01-02 00:00:00+00'), ('empty', 0, at_micros(0));
  INSERT INTO accounts (book, account_id, currency, normal_side, debits_must_not_exceed_credits,
      credits_must_not_exceed_debits, credit_line_minor, debits_posted, credits_posted, version,
      opened_at) VALUES
    ('old', '00000000-0000-8000-8000-00000000000a', 'EUR', 'debit', false, false, 0, 7, 0, 2,
     '2026-01-01 00:00:00+00'),
    ('old', '00000000-0000-8000-8000-00000000000b', 'EUR', 'credit', true, false, 50, 0, 7, 2,
     '2026-01-03 00:00:00+00');
  INSERT INTO transactions VALUES
    ('old', 1, '00000000-0000-8000-8000-000000000001', '2026-01-01 12:00:00+00',
     '2025-12-31 00:00:00+00', '{00000000-0000-8000-8000-00000000000a}',
     '{00000000-0000-8000-8000-00000000000b}', '{3}', '{"key": "value"}'),
    ('old', 2, '00000000-0000-8000-8000-000000000002', '2026-01-02 00:00:00+00',
     '2026-01-03 00:00:00+00', '{00000000-0000-8000-8000-00000000000a}',
     '{00000000-0000-8000-8000-00000000000b}', '{4}', '{}');
  INSERT INTO refusals VALUES
    ('old', '00000000-0000-8000-8000-000000000003', '2026-01-01 13:00:00+00', 'insufficient_funds',
     'no', 'p', NULL, '{00000000-0000-8000-8000-00000000000b}',
     '{00000000-0000-8000-8000-00000000000a}', '{99}', '{}');
  INSERT INTO entries VALUES
    ('old', '00000000-0000-8000-8000-00000000000a', 1, 1, 3, 0, 3, 0),
    ('old', '00000000-0000-8000-8000-00000000000b', 1, 1, 0, 3, 0, 3),
    ('old', '00000000-0000-8000-8000-00000000000a', 2, 2, 4, 0, 7, 0),
    ('old', '00000000-0000-8000-8000-00000000000b', 2, 2, 0, 4, 0, 7);
)";

class JournalMigrationTest : public ::testing::Test {
 protected:
  JournalMigrationTest() {
    postgres_.CreateSchema("ledger");
    const char* source = std::getenv("FLORIN_SOURCE_DIR");
    migrations_ = pg::LoadMigrations(std::string(source == nullptr ? "." : source) +
                                     "/services/ledger/store/migrations")
                      .value();
    const std::vector<pg::Migration> first(migrations_.begin(), migrations_.begin() + 1);
    EXPECT_THAT(pg::Migrate(owner_, "ledger", first), IsOk());
    Execute(kOldBook);
    EXPECT_THAT(pg::Migrate(owner_, "ledger", migrations_), IsOk());
    std::vector<pg::Statement> statements = PgStore::Statements();
    for (const pg::Statement& one : PgBookReader::Statements()) statements.push_back(one);
    pool_ = std::make_unique<pg::Pool>(pg::PoolOptions{.conninfo = postgres_.conninfo("ledger"),
                                                       .connections = 1,
                                                       .statements = statements,
                                                       .settings = PgStore::Settings()});
    store_ = std::make_unique<PgStore>(*pool_);
    reader_ = std::make_unique<PgBookReader>(*pool_);
  }

  void Execute(const std::string& sql) {
    pqxx::connection connection(owner_);
    pqxx::work transaction(connection);
    transaction.exec(sql);
    transaction.commit();
  }
  std::string Ask(const std::string& sql) {
    pqxx::connection connection(owner_);
    pqxx::work transaction(connection);
    return transaction.exec(sql)[0][0].as<std::string>();
  }

  static Uuid Id(const std::string& last) {
    return Uuid::Parse("00000000-0000-8000-8000-00000000000" + last).value();
  }
  Decision DecisionOf(const Uuid& id) {
    return runtime_.Run(reader_->GetDecision("old", id, 0)).value().value;
  }
  Statement StatementOf(const Uuid& account_id) {
    const EntryQuery query{.account_id = account_id};
    return runtime_.Run(reader_->ListEntries("old", query, 0)).value().value;
  }
  Command Move(const std::string& id, std::int64_t amount_minor) {
    Command command;
    command.transaction_id = DeriveId("test", id);
    command.action = Post{{{.debit_account_id = Id("a"),
                            .credit_account_id = Id("b"),
                            .amount_minor = amount_minor}}};
    return command;
  }

  testing::Postgres postgres_;
  const std::string owner_ = postgres_.conninfo("ledger_owner");
  std::vector<pg::Migration> migrations_;
  async::Runtime runtime_{1};
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<PgStore> store_;
  std::unique_ptr<PgBookReader> reader_;
};

TEST_F(JournalMigrationTest, NumbersOpeningsThenTransactionsThenRefusals) {
  const Decision opening_a = DecisionOf(OpeningIdOf(Id("a")));
  const Decision opening_b = DecisionOf(OpeningIdOf(Id("b")));
  EXPECT_EQ(opening_a.sequence, 1);
  EXPECT_EQ(opening_b.sequence, 2);
  EXPECT_LT(opening_a.commit_time, opening_b.commit_time);
  const AccountTerms& terms = std::get<OpenAccount>(opening_b.command.action).terms;
  EXPECT_EQ(terms.account_id, Id("b"));
  EXPECT_EQ(terms.credit_line_minor, 50);
  EXPECT_TRUE(terms.debits_must_not_exceed_credits);
  EXPECT_EQ(terms.normal_side, NormalSide::kCredit);

  const Decision first = DecisionOf(Id("1"));
  EXPECT_EQ(first.sequence, 3);
  EXPECT_LT(opening_b.commit_time, first.commit_time);
  EXPECT_EQ(first.command.metadata, (Metadata{{"key", "value"}}));
  EXPECT_EQ(first.commitment()->effective_time, *first.command.effective_time);
  EXPECT_EQ(DecisionOf(Id("2")).sequence, 4);
  EXPECT_EQ(DecisionOf(Id("2")).command.effective_time, std::nullopt) << "was in the future";
  const Decision refused = DecisionOf(Id("3"));
  EXPECT_EQ(refused.sequence, 5);
  EXPECT_LT(DecisionOf(Id("2")).commit_time, refused.commit_time);
  EXPECT_EQ(refused.refusal()->reason, Reason::kInsufficientFunds);
}

TEST_F(JournalMigrationTest, GoesOnFromThere) {
  const Statement statement = StatementOf(Id("b"));
  ASSERT_EQ(statement.lines.size(), 2u);
  EXPECT_EQ(statement.lines[0].entry.sequence, 4);
  const std::vector<Command> commands = {Move("next", 1)};
  const auto outcomes =
      runtime_.Run(store_->Commit("old", commands, absl::FromUnixSeconds(1'800'000'000)));
  ASSERT_THAT(outcomes, IsOk());
  EXPECT_EQ(outcomes->at(0).decision.sequence, 6);
  const auto reopened = runtime_.Run(store_->OpenAccounts(
      "old", {std::get<OpenAccount>(DecisionOf(OpeningIdOf(Id("a"))).command.action).terms},
      absl::FromUnixSeconds(1'800'000'001)));
  ASSERT_THAT(reopened, IsOk());
  EXPECT_EQ(reopened->at(0).version, 3);
}

TEST_F(JournalMigrationTest, ABookMovesToPartitionsOfItsOwn) {
  const auto commit = [this](const std::string& id) {
    const std::vector<Command> commands = {Move(id, 1)};
    return runtime_.Run(store_->Commit("old", commands, absl::FromUnixSeconds(1'800'000'000)))
        .value()
        .at(0);
  };
  const Outcome before = commit("before");
  Execute("CALL move_book('old', 'big')");
  EXPECT_EQ(Ask("SELECT count(*) FROM journal_big"), "6");
  EXPECT_EQ(Ask("SELECT count(*) FROM journal_default"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM entries_big"), "6");
  EXPECT_EQ(commit("before").decision, before.decision);
  EXPECT_EQ(commit("after").decision.sequence, 7);
  EXPECT_EQ(Ask("SELECT count(*) FROM journal_big"), "7");
  EXPECT_EQ(StatementOf(Id("a")).lines.size(), 4u);
}

}  // namespace
}  // namespace florin::ledger
