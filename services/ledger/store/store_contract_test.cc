// The contract of Store, held by the fake and by PostgreSQL alike; below it what only PostgreSQL
// promises: grants, constraints, and several processes on one book.
#include <algorithm>
#include <cstdlib>
#include <future>
#include <limits>
#include <memory>
#include <random>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/migrate.h"
#include "libs/pg/pool.h"
#include "libs/status/matchers.h"
#include "libs/testing/postgres.h"
#include "services/ledger/domain/posting_rules.h"
#include "services/ledger/store/fake_store.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// One server for all tests, started when first needed; each test has a book of its own.
testing::Postgres& Server() {
  static const auto server = [] {
    auto postgres = std::make_unique<testing::Postgres>();
    postgres->CreateSchema("ledger");
    const char* source = std::getenv("FLORIN_SOURCE_DIR");
    const auto migrations = pg::LoadMigrations(std::string(source == nullptr ? "." : source) +
                                               "/services/ledger/store/migrations");
    EXPECT_THAT(migrations, IsOk());
    EXPECT_THAT(pg::Migrate(postgres->conninfo("ledger_owner"), "ledger", *migrations), IsOk());
    return postgres;
  }();
  return *server;
}

pg::PoolOptions Options() {
  return {.conninfo = Server().conninfo("ledger"),
          .connections = 2,
          .statements = PgStore::Statements(),
          .settings = PgStore::Settings()};
}

// Runs `sql` as `role`; the error's first line, or nothing.
std::string ErrorOf(const std::string& role, const std::string& sql) {
  pqxx::connection connection(Server().conninfo(role));
  pqxx::work transaction(connection);
  try {
    transaction.exec(sql);
    transaction.commit();
    return "";
  } catch (const pqxx::sql_error& error) {
    return error.what();
  }
}

Uuid AccountId(const std::string& name) { return DeriveId("test.account", name); }

AccountTerms Free(const std::string& name) {
  return {.account_id = AccountId(name), .currency = Currency::Parse("EUR").value()};
}

AccountTerms Wallet(const std::string& name) {
  AccountTerms terms = Free(name);
  terms.normal_side = NormalSide::kCredit;
  terms.debits_must_not_exceed_credits = true;
  return terms;
}

TransactionInput Move(const std::string& id, const std::string& debit, const std::string& credit,
                      std::int64_t amount_minor) {
  return {.transaction_id = DeriveId("test.transaction", id),
          .postings = {{.debit_account_id = AccountId(debit),
                        .credit_account_id = AccountId(credit),
                        .amount_minor = amount_minor}}};
}

class StoreTest : public ::testing::Test {
 protected:
  explicit StoreTest(std::string kind) {
    if (kind == "fake") {
      store_ = std::make_unique<FakeStore>();
    } else {
      pool_ = std::make_unique<pg::Pool>(Options());
      store_ = std::make_unique<PgStore>(*pool_);
    }
    EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_)), IsOk());
  }

  // Opens "rail" (no limits) and the wallets "a" and "b".
  void OpenThree() {
    const std::vector<AccountTerms> three = {Free("rail"), Wallet("a"), Wallet("b")};
    ASSERT_THAT(Open(three), IsOk());
  }
  absl::StatusOr<std::vector<Account>> Open(std::vector<AccountTerms> accounts) {
    return runtime_.Run(store_->OpenAccounts(book_, std::move(accounts)));
  }
  std::vector<Outcome> Commit(std::vector<TransactionInput> inputs, absl::Time now = kNow) {
    return runtime_.Run(store_->Commit(book_, std::move(inputs), now)).value();
  }
  Account Get(const std::string& name) {
    const std::vector<Uuid> ids = {AccountId(name)};
    return runtime_.Run(store_->GetAccounts(book_, ids)).value().at(0);
  }
  absl::StatusOr<Statement> List(const std::string& name, std::optional<std::int64_t> before = {},
                                 int limit = 100) {
    return runtime_.Run(store_->ListEntries(book_, AccountId(name), before, limit));
  }

  // The suite's name and the test's, which may contain a slash.
  const std::string book_ =
      std::string(::testing::UnitTest::GetInstance()->current_test_info()->name());
  async::Runtime runtime_{2};
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<Store> store_;
};

class StoreContract : public StoreTest, public ::testing::WithParamInterface<std::string> {
 protected:
  StoreContract() : StoreTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, ::testing::Values("fake", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(StoreContract, BooksAreMadeOnce) {
  OpenThree();
  EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_)), IsOk());
  EXPECT_TRUE(runtime_.Run(store_->HasBook(book_)).value());
  EXPECT_FALSE(runtime_.Run(store_->HasBook("no such book")).value());
  EXPECT_EQ(Get("a").terms, Wallet("a"));
}

TEST_P(StoreContract, AnUnknownBookIsRefused) {
  const std::string none = "no such book";
  EXPECT_THAT(runtime_.Run(store_->OpenAccounts(none, {Free("a")})),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(runtime_.Run(store_->Commit(none, {Move("1", "a", "b", 1)}, kNow)),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(runtime_.Run(store_->GetAccounts(none, {AccountId("a")})),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(runtime_.Run(store_->ListEntries(none, AccountId("a"), {}, 1)),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(runtime_.Run(store_->GetDecision(none, AccountId("a"))),
              StatusHasReason(Reason::kTransactionNotFound));
}

TEST_P(StoreContract, KeepsTheTermsOfAccounts) {
  AccountTerms line = Wallet("line");
  line.credit_line_minor = kMax;
  AccountTerms asset = Free("asset");
  asset.currency = Currency::Parse("JPY").value();
  asset.credits_must_not_exceed_debits = true;
  const auto opened = Open({line, asset, line});
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(*opened,
              ElementsAre(Account{.terms = line}, Account{.terms = asset}, Account{.terms = line}));
  EXPECT_EQ(Get("line"), Account{.terms = line});
  EXPECT_EQ(Get("asset"), Account{.terms = asset});
}

TEST_P(StoreContract, OpeningAgainGivesTheAccountAsItIs) {
  OpenThree();
  Commit({Move("1", "rail", "a", 5)});
  const auto again = Open({Wallet("a")});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->at(0).counters.credits_posted, 5);
}

TEST_P(StoreContract, OpeningWithOtherTermsIsAConflictAndOpensNone) {
  OpenThree();
  AccountTerms other = Wallet("b");
  other.credit_line_minor = 1;
  EXPECT_THAT(Open({Wallet("new"), other}), AllOf(StatusHasReason(Reason::kIdConflict),
                                                  StatusHasParam("accounts[1].credit_line_minor")));
  EXPECT_THAT(runtime_.Run(store_->GetAccounts(book_, {AccountId("new")})).value(), IsEmpty());
  EXPECT_THAT(Open({Wallet("twice"), Free("twice")}), StatusHasReason(Reason::kIdConflict));
}

TEST_P(StoreContract, GetsAccountsInTheOrderAskedWithoutUnknownOnes) {
  OpenThree();
  const std::vector<Uuid> ids = {AccountId("b"), AccountId("none"), AccountId("a")};
  const auto accounts = runtime_.Run(store_->GetAccounts(book_, ids));
  ASSERT_THAT(accounts, IsOk());
  EXPECT_THAT(*accounts, ElementsAre(Account{.terms = Wallet("b")}, Account{.terms = Wallet("a")}));
}

TEST_P(StoreContract, CommitsAndShowsWhatItCommitted) {
  OpenThree();
  TransactionInput input = Move("1", "rail", "a", 10);
  input.postings.push_back({AccountId("rail"), AccountId("b"), 7});
  input.effective_time = absl::FromUnixMicros(-123'456);
  input.metadata = {{"payment_id", "pay_1"}, {"text", "\"quoted\" \\ {x,y} NULL"}, {"empty", ""}};
  const std::vector<Outcome> outcomes = Commit({input, Move("2", "a", "b", 4)});
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0], (Outcome{{input, Commitment{1, kNow}}, false}));
  EXPECT_EQ(outcomes[1].decision.commitment()->sequence, 2);

  EXPECT_EQ(runtime_.Run(store_->GetDecision(book_, input.transaction_id)).value(),
            outcomes[0].decision);
  EXPECT_EQ(Get("rail").counters, (Counters{.debits_posted = 17}));
  EXPECT_EQ(Get("a").counters, (Counters{.debits_posted = 4, .credits_posted = 10}));
  EXPECT_EQ(Get("a").version, 2);
  EXPECT_EQ(Get("b").counters, (Counters{.credits_posted = 11}));

  const auto statement = List("a");
  ASSERT_THAT(statement, IsOk());
  EXPECT_EQ(statement->account, Get("a"));
  ASSERT_EQ(statement->lines.size(), 2u);
  EXPECT_EQ(statement->lines[0].entry, (Entry{AccountId("a"), 2, 2, 4, 0, 4, 10}));
  EXPECT_EQ(statement->lines[0].effective_time, statement->lines[0].commit_time);
  EXPECT_EQ(statement->lines[1], (StatementLine{.entry = {AccountId("a"), 1, 1, 0, 10, 0, 10},
                                                .transaction_id = input.transaction_id,
                                                .effective_time = *input.effective_time,
                                                .commit_time = kNow,
                                                .metadata = input.metadata}));
}

TEST_P(StoreContract, ReplaysWhatItCommittedBefore) {
  OpenThree();
  TransactionInput input = Move("1", "rail", "a", 10);
  input.metadata = {{"key", "value"}};
  const Outcome first = Commit({input})[0];
  const Outcome again = Commit({input}, kNow + absl::Hours(1))[0];
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.decision, first.decision);
  EXPECT_EQ(Get("a").version, 1);
}

TEST_P(StoreContract, NamesTheFieldOfAConflict) {
  OpenThree();
  TransactionInput input = Move("1", "rail", "a", 10);
  Commit({input});
  input.postings[0].amount_minor = 11;
  const Outcome conflict = Commit({input})[0];
  ASSERT_NE(conflict.decision.refusal(), nullptr);
  EXPECT_EQ(conflict.decision.refusal()->reason, Reason::kIdConflict);
  EXPECT_EQ(conflict.decision.refusal()->param, "postings[0].amount_minor");
  EXPECT_EQ(Get("a").counters.credits_posted, 10);
}

TEST_P(StoreContract, ARefusalStaysARefusal) {
  OpenThree();
  TransactionInput input = Move("1", "a", "b", 10);
  input.metadata = {{"key", "value"}};
  const Outcome first = Commit({input})[0];
  ASSERT_NE(first.decision.refusal(), nullptr);
  EXPECT_EQ(first.decision.refusal()->reason, Reason::kInsufficientFunds);
  Commit({Move("2", "rail", "a", 100)});
  const Outcome again = Commit({input})[0];
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.decision, first.decision);
  EXPECT_EQ(runtime_.Run(store_->GetDecision(book_, input.transaction_id)).value(), first.decision);
  input.metadata["key"] = "other";
  EXPECT_EQ(Commit({input})[0].decision.refusal()->param, "metadata");
}

TEST_P(StoreContract, AMalformedCommandIsNotRemembered) {
  OpenThree();
  EXPECT_NE(Commit({Move("1", "rail", "a", 0)})[0].decision.refusal(), nullptr);
  EXPECT_THAT(runtime_.Run(store_->GetDecision(book_, Move("1", "", "", 0).transaction_id)),
              StatusHasReason(Reason::kTransactionNotFound));
  EXPECT_NE(Commit({Move("1", "rail", "a", 1)})[0].decision.commitment(), nullptr);
}

TEST_P(StoreContract, SequenceAndCommitTimeIncreaseFromBatchToBatch) {
  OpenThree();
  Commit({Move("1", "rail", "a", 1)});
  const Outcome second = Commit({Move("2", "rail", "a", 1)}, kNow - absl::Hours(1))[0];
  EXPECT_EQ(*second.decision.commitment(), (Commitment{2, kNow + absl::Microseconds(1)}));
}

TEST_P(StoreContract, ListsEntriesInPages) {
  OpenThree();
  for (int i = 0; i < 5; ++i) Commit({Move(std::to_string(i), "rail", "a", i + 1)});
  const auto versions = [](const Statement& statement) {
    std::vector<std::int64_t> versions;
    for (const StatementLine& line : statement.lines) versions.push_back(line.entry.version);
    return versions;
  };
  EXPECT_THAT(versions(List("a", {}, 2).value()), ElementsAre(5, 4));
  EXPECT_THAT(versions(List("a", 4, 2).value()), ElementsAre(3, 2));
  EXPECT_THAT(versions(List("a", 2, 2).value()), ElementsAre(1));
  EXPECT_THAT(versions(List("b").value()), IsEmpty());
  EXPECT_THAT(List("none"), StatusHasReason(Reason::kAccountNotFound));
}

TEST_P(StoreContract, BooksAreSeparate) {
  OpenThree();
  const std::string other = book_ + ".other";
  ASSERT_THAT(runtime_.Run(store_->EnsureBook(other)), IsOk());
  ASSERT_THAT(runtime_.Run(store_->OpenAccounts(other, {Free("rail"), Wallet("a")})), IsOk());
  Commit({Move("1", "rail", "a", 10)});
  const auto outcomes = runtime_.Run(store_->Commit(other, {Move("1", "rail", "a", 3)}, kNow));
  ASSERT_THAT(outcomes, IsOk());
  EXPECT_FALSE(outcomes->at(0).replayed);
  EXPECT_EQ(outcomes->at(0).decision.commitment()->sequence, 1);
  EXPECT_EQ(Get("a").counters.credits_posted, 10);
}

// Random batches give the same outcomes, accounts and statements in both stores.
TEST_P(StoreContract, RandomBatchesAgreeWithTheRules) {
  OpenThree();
  std::mt19937 random(7);
  const std::vector<std::string> names = {"rail", "a", "b", "none"};
  LoadedBook model;
  for (const AccountTerms& terms : {Free("rail"), Wallet("a"), Wallet("b")}) {
    model.accounts.emplace(terms.account_id, Account{.terms = terms});
  }
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<TransactionInput> inputs;
    for (int i = 0; i < 20; ++i) {
      inputs.push_back(Move(std::to_string(random() % 150),
                            names[std::min(random() % 9, 3ul) % (random() % 2 + 3)],
                            names[random() % 3], static_cast<std::int64_t>(random() % 30)));
    }
    const Effects expected = ApplyBatch(model, inputs, kNow);
    EXPECT_EQ(Commit(inputs), expected.outcomes);
    model.state = expected.state;
    for (const Account& account : expected.accounts) {
      model.accounts.at(account.terms.account_id) = account;
      EXPECT_EQ(runtime_.Run(store_->GetAccounts(book_, {account.terms.account_id})).value().at(0),
                account);
    }
    for (const Outcome& outcome : expected.outcomes) {
      if (IsNewDecision(outcome)) {
        model.decisions.emplace(outcome.decision.input.transaction_id, outcome.decision);
      }
    }
  }
  EXPECT_GT(model.state.last_sequence, 20);
}

TEST_P(StoreContract, RacingSpendersGetExactlyWhatIsThere) {
  OpenThree();
  Commit({Move("fund", "rail", "a", 10)});
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> spenders;
  for (int i = 0; i < 64; ++i) {
    std::vector<TransactionInput> spend = {Move(std::to_string(i), "a", "b", 1)};
    spenders.push_back(asio::co_spawn(
        runtime_.context(), store_->Commit(book_, std::move(spend), kNow), asio::use_future));
  }
  int committed = 0;
  for (auto& spender : spenders) {
    committed += spender.get().value().at(0).decision.commitment() != nullptr;
  }
  EXPECT_EQ(committed, 10);
  EXPECT_EQ(Get("b").counters.credits_posted, 10);
}

class PgStoreTest : public StoreTest {
 protected:
  PgStoreTest() : StoreTest("postgres") {}
};

// Two stores with their own connections stand for two processes.
TEST_F(PgStoreTest, ProcessesOnOneBookAgree) {
  OpenThree();
  pg::Pool other_pool(Options());
  PgStore other(other_pool);
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> commits;
  for (int i = 0; i < 40; ++i) {
    // Every id twice: once through each.
    std::vector<TransactionInput> inputs;
    for (int k = 0; k < 5; ++k)
      inputs.push_back(Move(std::to_string(i / 2 * 5 + k), "rail", "a", 1));
    Store& store = i % 2 == 0 ? *store_ : other;
    commits.push_back(asio::co_spawn(
        runtime_.context(), store.Commit(book_, std::move(inputs), kNow), asio::use_future));
  }
  int replayed = 0;
  for (auto& commit : commits) {
    const auto outcomes = commit.get();
    ASSERT_THAT(outcomes, IsOk());
    for (const Outcome& outcome : *outcomes) {
      ASSERT_NE(outcome.decision.commitment(), nullptr);
      replayed += outcome.replayed;
    }
  }
  EXPECT_EQ(replayed, 100);
  EXPECT_EQ(Get("a").counters.credits_posted, 100);
  EXPECT_EQ(Get("a").version, 100);
  EXPECT_EQ(List("a", {}, 1).value().lines.at(0).entry.sequence, 100);
}

TEST_F(PgStoreTest, AClosedAccountTakesNoMoreEntries) {
  OpenThree();
  ASSERT_EQ(ErrorOf("ledger_owner", "UPDATE accounts SET closed = true WHERE book = '" + book_ +
                                        "' AND account_id = '" + AccountId("a").ToString() + "'"),
            "");
  EXPECT_TRUE(Get("a").closed);
  EXPECT_EQ(Commit({Move("1", "rail", "a", 1)})[0].decision.refusal()->reason,
            Reason::kAccountClosed);
}

TEST_F(PgStoreTest, TheRuntimeRoleCannotChangeHistory) {
  OpenThree();
  Commit({Move("1", "rail", "a", 1), Move("2", "b", "a", 1)});
  for (const char* sql : {
           "UPDATE transactions SET sequence = sequence",
           "DELETE FROM transactions",
           "TRUNCATE transactions",
           "UPDATE refusals SET reason = reason",
           "DELETE FROM refusals",
           "TRUNCATE refusals",
           "UPDATE entries SET debit_minor = debit_minor",
           "DELETE FROM entries",
           "TRUNCATE entries",
           "DELETE FROM accounts",
           "DELETE FROM books",
           "UPDATE accounts SET credit_line_minor = 1000000",
           "UPDATE accounts SET debits_must_not_exceed_credits = false",
           "INSERT INTO accounts (book, account_id, currency, normal_side, "
           "debits_must_not_exceed_credits, credits_must_not_exceed_debits, credit_line_minor, "
           "credits_posted) VALUES ('x', gen_random_uuid(), 'EUR', 'credit', true, false, 0, 1)",
           "UPDATE migrations SET sha256 = ''",
       }) {
    EXPECT_THAT(ErrorOf("ledger", sql), HasSubstr("permission denied")) << sql;
  }
  for (const char* sql : {"DROP TABLE entries", "ALTER TABLE entries DROP COLUMN debit_minor"}) {
    EXPECT_THAT(ErrorOf("ledger", sql), HasSubstr("must be owner")) << sql;
  }
  EXPECT_THAT(ErrorOf("ledger", "CREATE TABLE other (id integer)"), HasSubstr("permission denied"));
}

// The number of parameters of a statement: the greatest $n.
int ParametersOf(const std::string& sql) {
  int count = 0;
  for (std::size_t at = sql.find('$'); at != std::string::npos; at = sql.find('$', at + 1)) {
    count = std::max(count, std::atoi(sql.c_str() + at + 1));
  }
  return count;
}

// Of tables without statistics PostgreSQL believes that `book = …` is met by few rows. No plan may
// trust in that: each finds rows by whole keys, or a batch would read its whole book.
TEST_F(PgStoreTest, StatementsFindRowsByTheirKeysEvenWithoutStatistics) {
  pqxx::connection connection(Server().conninfo("ledger"));
  pqxx::nontransaction session(connection);
  for (const std::string& setting : PgStore::Settings()) session.exec("SET " + setting);
  session.exec("SET plan_cache_mode = force_generic_plan");
  for (const pg::Statement& statement : PgStore::Statements()) {
    session.exec("PREPARE " + statement.name + " AS " + statement.sql);
    std::string nulls = "NULL";
    for (int i = 1; i < ParametersOf(statement.sql); ++i) nulls += ", NULL";
    std::string plan;
    for (const pqxx::row& row :
         session.exec("EXPLAIN EXECUTE " + statement.name + " (" + nulls + ")")) {
      plan += row[0].c_str() + std::string("\n");
    }
    for (const char* trap : {"Seq Scan", "Bitmap", "Materialize", "Index Cond: (book = $1)\n"}) {
      const bool book_is_the_key = statement.sql.find("books") != std::string::npos;
      if (book_is_the_key && std::string(trap).starts_with("Index Cond")) continue;
      EXPECT_THAT(plan, ::testing::Not(HasSubstr(trap))) << statement.name;
    }
  }
}

// What the rules promise, the database would refuse as well.
TEST_F(PgStoreTest, ConstraintsAreASecondLine) {
  OpenThree();
  AccountTerms asset = Free("asset");
  asset.credits_must_not_exceed_debits = true;
  ASSERT_THAT(Open({asset}), IsOk());
  Commit({Move("1", "rail", "a", 1)});
  const std::string a =
      " WHERE book = '" + book_ + "' AND account_id = '" + AccountId("a").ToString() + "'";
  const std::string of_asset =
      " WHERE book = '" + book_ + "' AND account_id = '" + asset.account_id.ToString() + "'";
  EXPECT_THAT(ErrorOf("ledger", "UPDATE accounts SET debits_posted = 2" + a),
              HasSubstr("debits_within_limit"));
  EXPECT_THAT(ErrorOf("ledger", "UPDATE accounts SET debits_pending = 2" + a),
              HasSubstr("debits_within_limit"));
  EXPECT_THAT(ErrorOf("ledger", "UPDATE accounts SET credits_posted = 1" + of_asset),
              HasSubstr("credits_within_limit"));
  EXPECT_THAT(ErrorOf("ledger", "UPDATE accounts SET credits_posted = -1" + of_asset),
              HasSubstr("accounts_credits_posted_check"));
  EXPECT_THAT(ErrorOf("ledger",
                      "INSERT INTO transactions (book, sequence, transaction_id, "
                      "committed_at, debit_account_ids, credit_account_ids, "
                      "amounts_minor, metadata) SELECT book, sequence, "
                      "gen_random_uuid(), committed_at, debit_account_ids, "
                      "credit_account_ids, amounts_minor, metadata FROM transactions"),
              HasSubstr("transactions_book_sequence_key"));
}

}  // namespace
}  // namespace florin::ledger
