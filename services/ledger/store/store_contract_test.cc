// The contract of Store, held by the fake and by PostgreSQL alike; below it what only PostgreSQL
// promises: grants, constraints, and several processes on one book.
#include <algorithm>
#include <future>
#include <limits>
#include <memory>
#include <random>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/posting_rules.h"
#include "services/ledger/store/fake_store.h"
#include "services/ledger/store/pg_book_reader.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
const absl::Time kOpened = kNow - absl::Hours(1);

// Each test has a book of its own.
testing::Postgres& Server() { return pg::TestDatabase("ledger"); }

std::vector<pg::Statement> AllStatements() {
  std::vector<pg::Statement> statements = PgStore::Statements();
  for (const pg::Statement& statement : PgBookReader::Statements()) statements.push_back(statement);
  return statements;
}

pg::PoolOptions Options() {
  return {.conninfo = Server().conninfo("ledger"),
          .connections = 2,
          .statements = AllStatements(),
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

Uuid TransactionId(const std::string& id) { return DeriveId("test.transaction", id); }

Posting Between(const std::string& debit, const std::string& credit, std::int64_t amount_minor) {
  return {.debit_account_id = AccountId(debit),
          .credit_account_id = AccountId(credit),
          .amount_minor = amount_minor};
}

Command Do(const std::string& id, Action action) {
  Command command;
  command.transaction_id = TransactionId(id);
  command.action = std::move(action);
  return command;
}

Command Move(const std::string& id, const std::string& debit, const std::string& credit,
             std::int64_t amount_minor) {
  return Do(id, Post{{Between(debit, credit, amount_minor)}});
}

std::vector<Posting>& PostingsIn(Command& command) {
  return std::get<Post>(command.action).postings;
}

const Reason* ReasonOf(const Outcome& outcome) {
  const Refusal* refusal = outcome.decision.refusal();
  return refusal == nullptr ? nullptr : &refusal->reason;
}

class StoreTest : public ::testing::Test {
 protected:
  explicit StoreTest(std::string kind) {
    if (kind == "fake") {
      auto fake = std::make_shared<FakeStore>();
      store_ = fake;
      reader_ = fake;
    } else {
      pool_ = std::make_unique<pg::Pool>(Options());
      store_ = std::make_shared<PgStore>(*pool_);
      reader_ = std::make_shared<PgBookReader>(*pool_);
    }
    EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_, {"payment_id"})), IsOk());
  }

  // Opens "rail" (no limits) and the wallets "a" and "b".
  void OpenThree() {
    const std::vector<AccountTerms> three = {Free("rail"), Wallet("a"), Wallet("b")};
    ASSERT_THAT(Open(three), IsOk());
  }
  absl::StatusOr<std::vector<Account>> Open(std::vector<AccountTerms> accounts) {
    return runtime_.Run(store_->OpenAccounts(book_, std::move(accounts), kOpened));
  }
  std::vector<Outcome> Commit(std::vector<Command> inputs, absl::Time now = kNow) {
    return runtime_.Run(store_->Commit(book_, std::move(inputs), now)).value();
  }
  Account Get(const std::string& name) {
    const std::vector<Uuid> ids = {AccountId(name)};
    return runtime_.Run(reader_->GetAccounts(book_, ids, 0)).value().value.at(0);
  }
  // The latest entries first.
  Statement List(const std::string& name) {
    const EntryQuery query{.account_id = AccountId(name)};
    return runtime_.Run(reader_->ListEntries(book_, query, 0)).value().value;
  }
  absl::StatusOr<Decision> Decided(const Uuid& transaction_id) {
    const auto read = runtime_.Run(reader_->GetDecision(book_, transaction_id, 0));
    if (!read.ok()) return read.status();
    return read->value;
  }

  // The suite's name and the test's, which may contain a slash.
  const std::string book_ =
      std::string(::testing::UnitTest::GetInstance()->current_test_info()->name());
  async::Runtime runtime_{2};
  std::unique_ptr<pg::Pool> pool_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<BookReader> reader_;
};

class StoreContract : public StoreTest, public ::testing::WithParamInterface<std::string> {
 protected:
  StoreContract() : StoreTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, ::testing::Values("fake", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(StoreContract, BooksAreMadeOnce) {
  OpenThree();
  EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_, {"order_id", "payment_id"})), IsOk());
  EXPECT_THAT(runtime_.Run(store_->ListBooks()).value(), ::testing::Contains(book_).Times(1));
  EXPECT_TRUE(runtime_.Run(store_->HasBook(book_)).value());
  EXPECT_FALSE(runtime_.Run(store_->HasBook("no such book")).value());
  EXPECT_EQ(Get("a").terms, Wallet("a"));
}

TEST_P(StoreContract, AnUnknownBookIsRefused) {
  const std::string none = "no such book";
  EXPECT_THAT(runtime_.Run(store_->OpenAccounts(none, {Free("a")}, kNow)),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(runtime_.Run(store_->Commit(none, {Move("1", "a", "b", 1)}, kNow)),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(runtime_.Run(store_->DryRun(none, {Move("1", "a", "b", 1)}, kNow)),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(runtime_.Run(store_->ExpiredHolds(none, kNow, 1)),
              StatusHasReason(Reason::kBookNotFound));
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
  EXPECT_THAT(runtime_.Run(reader_->GetAccounts(book_, {AccountId("new")}, 0)).value().value,
              IsEmpty());
  EXPECT_THAT(Open({Wallet("twice"), Free("twice")}), StatusHasReason(Reason::kIdConflict));
}

TEST_P(StoreContract, CommitsAndShowsWhatItCommitted) {
  OpenThree();
  Command input = Move("1", "rail", "a", 10);
  PostingsIn(input).push_back(Between("rail", "b", 7));
  input.effective_time = absl::FromUnixMicros(-123'456);
  input.metadata = {{"payment_id", "pay_1"}, {"text", "\"quoted\" \\ {x,y} NULL"}, {"empty", ""}};
  const std::vector<Outcome> outcomes = Commit({input, Move("2", "a", "b", 4)});
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].decision,
            (Decision{.command = input,
                      .sequence = 4,
                      .commit_time = kNow,
                      .fate = Commitment{.postings = PostingsIn(input),
                                         .effective_time = *input.effective_time}}));
  EXPECT_FALSE(outcomes[0].replayed);
  EXPECT_EQ(outcomes[1].decision.sequence, 5);

  EXPECT_EQ(Decided(input.transaction_id).value(), outcomes[0].decision);
  EXPECT_EQ(Get("rail").counters, (Counters{.debits_posted = 17}));
  EXPECT_EQ(Get("a").counters, (Counters{.debits_posted = 4, .credits_posted = 10}));
  EXPECT_EQ(Get("a").version, 2);
  EXPECT_EQ(Get("b").counters, (Counters{.credits_posted = 11}));

  const Statement statement = List("a");
  EXPECT_EQ(statement.account, Get("a"));
  ASSERT_EQ(statement.lines.size(), 2u);
  EXPECT_EQ(statement.lines[0].entry, (Entry{.account_id = AccountId("a"),
                                             .version = 2,
                                             .sequence = 5,
                                             .change = {.debits_posted = 4},
                                             .after = {.debits_posted = 4, .credits_posted = 10}}));
  EXPECT_EQ(statement.lines[0].effective_time, statement.lines[0].commit_time);
  EXPECT_EQ(statement.lines[1].entry.after, (Counters{.credits_posted = 10}));
  EXPECT_EQ(statement.lines[1].transaction_id, input.transaction_id);
  EXPECT_EQ(statement.lines[1].kind, "post");
  EXPECT_EQ(statement.lines[1].effective_time, *input.effective_time);
  EXPECT_EQ(statement.lines[1].commit_time, kNow);
  EXPECT_EQ(statement.lines[1].metadata, input.metadata);
}

TEST_P(StoreContract, ReplaysWhatItCommittedBefore) {
  OpenThree();
  Command input = Move("1", "rail", "a", 10);
  input.metadata = {{"key", "value"}};
  const Outcome first = Commit({input})[0];
  const Outcome again = Commit({input}, kNow + absl::Hours(1))[0];
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.decision, first.decision);
  EXPECT_EQ(Get("a").version, 1);
}

TEST_P(StoreContract, NamesTheFieldOfAConflict) {
  OpenThree();
  Command input = Move("1", "rail", "a", 10);
  Commit({input});
  PostingsIn(input)[0].amount_minor = 11;
  const Outcome conflict = Commit({input})[0];
  ASSERT_NE(conflict.decision.refusal(), nullptr);
  EXPECT_EQ(conflict.decision.refusal()->reason, Reason::kIdConflict);
  EXPECT_EQ(conflict.decision.refusal()->param, "postings[0].amount_minor");
  EXPECT_EQ(Get("a").counters.credits_posted, 10);
}

TEST_P(StoreContract, ARefusalStaysARefusal) {
  OpenThree();
  Command input = Move("1", "a", "b", 10);
  input.metadata = {{"key", "value"}};
  const Outcome first = Commit({input})[0];
  ASSERT_NE(first.decision.refusal(), nullptr);
  EXPECT_EQ(first.decision.refusal()->reason, Reason::kInsufficientFunds);
  Commit({Move("2", "rail", "a", 100)});
  const Outcome again = Commit({input})[0];
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.decision, first.decision);
  EXPECT_EQ(Decided(input.transaction_id).value(), first.decision);
  input.metadata["key"] = "other";
  EXPECT_EQ(Commit({input})[0].decision.refusal()->param, "metadata");
}

TEST_P(StoreContract, AMalformedCommandIsNotRemembered) {
  OpenThree();
  EXPECT_NE(Commit({Move("1", "rail", "a", 0)})[0].decision.refusal(), nullptr);
  EXPECT_THAT(Decided(Move("1", "", "", 0).transaction_id),
              StatusHasReason(Reason::kTransactionNotFound));
  EXPECT_NE(Commit({Move("1", "rail", "a", 1)})[0].decision.commitment(), nullptr);
}

TEST_P(StoreContract, SequenceAndCommitTimeIncreaseFromBatchToBatch) {
  OpenThree();
  Commit({Move("1", "rail", "a", 1)});
  const Outcome second = Commit({Move("2", "rail", "a", 1)}, kNow - absl::Hours(1))[0];
  EXPECT_EQ(second.decision.sequence, 5);
  EXPECT_EQ(second.decision.commit_time, kNow + absl::Microseconds(1));
}

TEST_P(StoreContract, BooksAreSeparate) {
  OpenThree();
  const std::string other = book_ + ".other";
  ASSERT_THAT(runtime_.Run(store_->EnsureBook(other, {})), IsOk());
  ASSERT_THAT(runtime_.Run(store_->OpenAccounts(other, {Free("rail"), Wallet("a")}, kOpened)),
              IsOk());
  Commit({Move("1", "rail", "a", 10)});
  const auto outcomes = runtime_.Run(store_->Commit(other, {Move("1", "rail", "a", 3)}, kNow));
  ASSERT_THAT(outcomes, IsOk());
  EXPECT_FALSE(outcomes->at(0).replayed);
  EXPECT_EQ(outcomes->at(0).decision.sequence, 3);
  EXPECT_EQ(Get("a").counters.credits_posted, 10);
}

// A command of every kind, with all that it can say: what is stored is what was decided.
std::vector<Command> OneOfEveryKind() {
  Command hold = Do("hold", MakeHold{{Between("a", "b", 30)}, absl::Seconds(60)});
  hold.metadata = {{"payment_id", "pay_1"}};
  Command sweep = Do("sweep", Post{{Between("a", "b", kMax)}});
  std::get<Post>(sweep.action).postings[0].balancing_debit = true;
  Command checked = Move("checked", "rail", "a", 1);
  checked.preconditions = {
      {.account_id = AccountId("a"), .version = 3},
      {.account_id = AccountId("b"), .least_balance_minor = -kMax, .most_balance_minor = kMax}};
  Command first = Move("first", "rail", "a", 2);
  first.linked_to_next = true;
  Command dated = Move("dated", "rail", "b", 9);
  dated.effective_time = kOpened + absl::Minutes(1);
  return {Move("fund", "rail", "a", 100),
          hold,
          Do("part", Capture{TransactionId("hold"), {10}}),
          checked,
          Do("rest", Capture{TransactionId("hold"), {5}, true}),
          first,
          Move("second", "rail", "b", 3),
          dated,
          Do("undo", Reverse{TransactionId("dated"), 0, true}),
          Do("hold 2", MakeHold{{Between("a", "b", 1)}, absl::Microseconds(1)}),
          Do("hold 3", MakeHold{{Between("a", "b", 1)}, {}}),
          Do("void", VoidHold{TransactionId("hold 3")}),
          Do("line", SetCreditLine{AccountId("b"), 40}),
          Do("close", CloseAccount{AccountId("b")}),
          Move("shut", "rail", "b", 1),
          Do("late", Capture{TransactionId("hold 2"), {}}),
          Do("expire", ExpireHold{TransactionId("hold 2")}),
          Do("reopen", ReopenAccount{AccountId("b")}),
          Do("freeze", FreezeAccount{AccountId("a"), {.credits = true}}),
          sweep,
          Do("period", ClosePeriod{kNow})};
}

TEST_P(StoreContract, KeepsEveryKindAsItWasDecided) {
  OpenThree();
  const std::vector<Outcome> outcomes = Commit(OneOfEveryKind());
  std::set<std::string_view> committed;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Decision& decision = outcomes[i].decision;
    EXPECT_EQ(decision.sequence, static_cast<std::int64_t>(4 + i));
    const auto kept = Decided(decision.command.transaction_id);
    ASSERT_THAT(kept, IsOk());
    EXPECT_EQ(*kept, decision) << i;
    if (decision.refusal() == nullptr) committed.insert(KindOf(decision.command.action));
  }
  EXPECT_EQ(committed.size(), std::variant_size_v<Action> - 1);  // All but the opening.
  for (const Outcome& again : Commit(OneOfEveryKind(), kNow + absl::Hours(1))) {
    EXPECT_TRUE(again.replayed);
  }
  const auto opening = Decided(OpeningIdOf(AccountId("b")));
  ASSERT_THAT(opening, IsOk());
  EXPECT_EQ(std::get<OpenAccount>(opening->command.action).terms, Wallet("b"));
  EXPECT_EQ(opening->commit_time, kOpened + absl::Microseconds(2));
  EXPECT_EQ(Get("b").terms.credit_line_minor, 40);
  EXPECT_EQ(Get("a").frozen, (Freeze{.debits = false, .credits = true}));
  Commit({Do("thaw", FreezeAccount{AccountId("a"), {}})}, kNow + absl::Hours(2));
  EXPECT_EQ(Get("a").frozen, Freeze());
}

TEST_P(StoreContract, AHoldIsFoundWhenItsTimeIsOver) {
  OpenThree();
  const auto hold = [](const std::string& id, absl::Duration timeout) {
    return Do(id, MakeHold{{Between("a", "b", 1)}, timeout});
  };
  Commit({Move("fund", "rail", "a", 9), hold("3", absl::Seconds(30)), hold("1", absl::Seconds(10)),
          hold("2", absl::Seconds(20)), hold("void", absl::Seconds(1)),
          Do("voided", VoidHold{TransactionId("void")}),
          Do("endless", MakeHold{{Between("a", "b", 1)}, {}})});
  const auto expired = [this](absl::Duration after, int limit) {
    return runtime_.Run(store_->ExpiredHolds(book_, kNow + after, limit)).value();
  };
  EXPECT_THAT(expired(absl::Seconds(5), 9), IsEmpty());
  EXPECT_THAT(expired(absl::Seconds(40), 9),
              ElementsAre(TransactionId("1"), TransactionId("2"), TransactionId("3")));
  EXPECT_THAT(expired(absl::Seconds(40), 1), ElementsAre(TransactionId("1")));
  Commit({Do("sweep", ExpireHold{TransactionId("1")})}, kNow + absl::Seconds(15));
  EXPECT_THAT(expired(absl::Seconds(25), 9), ElementsAre(TransactionId("2")));
  EXPECT_EQ(Get("a").counters, (Counters{.credits_posted = 9, .debits_pending = 3}));
}

TEST_P(StoreContract, WhatWasReversedStaysReversed) {
  OpenThree();
  Command two = Move("two", "rail", "a", 5);
  PostingsIn(two).push_back(Between("rail", "b", 6));
  Commit({two, Move("one", "rail", "a", 1)});
  Commit(
      {Do("undo", Reverse{TransactionId("two"), 1}), Do("all", Reverse{TransactionId("one"), {}})});
  EXPECT_EQ(*ReasonOf(Commit({Do("again", Reverse{TransactionId("two"), 1})})[0]),
            Reason::kAlreadyReversed);
  EXPECT_EQ(*ReasonOf(Commit({Do("whole", Reverse{TransactionId("two"), {}})})[0]),
            Reason::kAlreadyReversed);
  EXPECT_EQ(*ReasonOf(Commit({Do("one again", Reverse{TransactionId("one"), 0})})[0]),
            Reason::kAlreadyReversed);
  EXPECT_EQ(ReasonOf(Commit({Do("other", Reverse{TransactionId("two"), 0})})[0]), nullptr);
}

TEST_P(StoreContract, TheBooksStayClosed) {
  OpenThree();
  Commit({Do("period", ClosePeriod{kNow - absl::Minutes(1)})});
  Command dated = Move("dated", "rail", "a", 1);
  dated.effective_time = kNow - absl::Minutes(2);
  EXPECT_EQ(*ReasonOf(Commit({dated})[0]), Reason::kPeriodClosed);
}

TEST_P(StoreContract, ADryRunDecidesNothing) {
  OpenThree();
  const std::vector<Command> commands = {Move("1", "rail", "a", 5), Move("2", "a", "b", 6)};
  const auto tried = runtime_.Run(store_->DryRun(book_, commands, kNow));
  ASSERT_THAT(tried, IsOk());
  EXPECT_EQ(Get("a").version, 0);
  EXPECT_THAT(Decided(TransactionId("1")), StatusHasReason(Reason::kTransactionNotFound));
  EXPECT_EQ(Commit(commands), *tried);
}

// Random batches give the same outcomes and accounts in both stores.
TEST_P(StoreContract, RandomBatchesAgreeWithTheRules) {
  OpenThree();
  std::mt19937 random(7);
  const std::vector<std::string> names = {"rail", "a", "b", "none"};
  FakeStore model;
  ASSERT_THAT(runtime_.Run(model.EnsureBook(book_, {})), IsOk());
  ASSERT_THAT(
      runtime_.Run(model.OpenAccounts(book_, {Free("rail"), Wallet("a"), Wallet("b")}, kOpened)),
      IsOk());
  const auto pick = [&random](unsigned below) { return random() % below; };
  const auto any_id = [&] { return std::to_string(pick(150)); };
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<Command> commands;
    for (int i = 0; i < 20; ++i) {
      const std::vector<Posting> postings = {Between(names[std::min(pick(9), 3ul) % (pick(2) + 3)],
                                                     names[pick(3)],
                                                     static_cast<std::int64_t>(pick(30)))};
      const Action actions[] = {Post{postings},
                                MakeHold{postings, absl::Microseconds(1 + pick(50))},
                                Capture{TransactionId(any_id()), {3}},
                                VoidHold{TransactionId(any_id())},
                                ExpireHold{TransactionId(any_id())},
                                Reverse{TransactionId(any_id()), {}}};
      commands.push_back(Do(any_id(), actions[pick(2) == 0 ? 0 : pick(6)]));
      commands.back().linked_to_next = i < 19 && pick(8) == 0;
    }
    EXPECT_EQ(Commit(commands), runtime_.Run(model.Commit(book_, commands, kNow)).value());
    for (const char* name : {"rail", "a", "b"}) {
      EXPECT_EQ(Get(name),
                runtime_.Run(model.GetAccounts(book_, {AccountId(name)}, 0)).value().value.at(0));
    }
  }
  EXPECT_GT(Get("a").version, 20);
}

TEST_P(StoreContract, RacingSpendersGetExactlyWhatIsThere) {
  OpenThree();
  Commit({Move("fund", "rail", "a", 10)});
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> spenders;
  for (int i = 0; i < 64; ++i) {
    std::vector<Command> spend = {Move(std::to_string(i), "a", "b", 1)};
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
    std::vector<Command> inputs;
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
  EXPECT_EQ(List("a").lines.at(0).entry.sequence, 103);
}

TEST_F(PgStoreTest, TheRuntimeRoleCannotChangeHistory) {
  OpenThree();
  Commit({Move("1", "rail", "a", 1), Move("2", "b", "a", 1)});
  for (const char* sql : {
           "UPDATE journal SET sequence = sequence",
           "DELETE FROM journal",
           "TRUNCATE journal",
           "UPDATE journal_3 SET sequence = sequence",
           "DELETE FROM metadata_index",
           "UPDATE tiles SET root = root",
           "DELETE FROM tree_heads",
           "UPDATE holds SET debit_account_ids = '{}'",
           "DELETE FROM holds",
           "UPDATE entries SET debit_minor = debit_minor",
           "UPDATE entries SET credits_posted_after = 2",
           "DELETE FROM entries",
           "TRUNCATE entries",
           "DELETE FROM accounts",
           "DELETE FROM books",
           "UPDATE accounts SET debits_must_not_exceed_credits = false",
           "UPDATE accounts SET currency = 'USD'",
           "UPDATE migrations SET sha256 = ''",
       }) {
    EXPECT_THAT(ErrorOf("ledger", sql), HasSubstr("permission denied")) << sql;
  }
  for (const char* sql : {"DROP TABLE entries", "ALTER TABLE entries DROP COLUMN debit_minor"}) {
    EXPECT_THAT(ErrorOf("ledger", sql), HasSubstr("must be owner")) << sql;
  }
  EXPECT_THAT(ErrorOf("ledger", "CREATE TABLE other (id integer)"), HasSubstr("permission denied"));
}

// What the rules promise, the database would refuse as well.
TEST_F(PgStoreTest, ConstraintsAreASecondLine) {
  OpenThree();
  Commit({Move("1", "rail", "a", 1)});
  EXPECT_THAT(ErrorOf("ledger",
                      "INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, "
                      "debit_account_ids, credit_account_ids, amounts_minor, metadata) "
                      "SELECT book, sequence, gen_random_uuid(), kind, committed_at, "
                      "debit_account_ids, credit_account_ids, amounts_minor, metadata "
                      "FROM journal"),
              HasSubstr("_book_sequence_idx"));
  EXPECT_THAT(ErrorOf("ledger",
                      "INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, "
                      "debit_account_ids, credit_account_ids, amounts_minor, metadata) "
                      "SELECT book, sequence + 1000, transaction_id, kind, committed_at, "
                      "debit_account_ids, credit_account_ids, amounts_minor, metadata "
                      "FROM journal"),
              HasSubstr("_pkey"));
  const std::string entry =
      "INSERT INTO entries (book, account_id, sequence, version, debit_minor, credit_minor, "
      "debits_posted_after, credits_posted_after) SELECT book, account_id, ";
  EXPECT_THAT(ErrorOf("ledger", entry + "sequence, 2, 1, 0, 1, 0 FROM entries"),
              HasSubstr("_pkey"));
  EXPECT_THAT(ErrorOf("ledger", entry + "sequence + 1, 2, -1, 0, 1, 0 FROM entries"),
              HasSubstr("entries_debit_minor_check"));
}

}  // namespace
}  // namespace florin::ledger
