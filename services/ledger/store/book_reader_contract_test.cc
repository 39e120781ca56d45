// The contract of BookReader, held by the fake and by PostgreSQL alike.
#include "services/ledger/store/book_reader.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/fake_store.h"
#include "services/ledger/store/pg_book_reader.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr absl::Duration kTick = absl::Microseconds(1);
const absl::Time kOpened = absl::FromUnixSeconds(1'700'000'000);
const absl::Time kNow = kOpened + absl::Hours(1);

// Each test has a book of its own.
testing::Postgres& Server() { return pg::TestDatabase("ledger"); }

pg::PoolOptions Options(std::vector<pg::Statement> statements) {
  return {.conninfo = Server().conninfo("ledger"),
          .connections = 2,
          .statements = std::move(statements),
          .settings = PgStore::Settings()};
}

Uuid AccountId(const std::string& name) { return DeriveId("test.account", name); }
Uuid TransactionId(const std::string& id) { return DeriveId("test.transaction", id); }

// Without limits.
AccountTerms Free(const std::string& name, const char* currency = "EUR") {
  return {.account_id = AccountId(name), .currency = Currency::Parse(currency).value()};
}

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

class BookReaderContract : public ::testing::TestWithParam<std::string> {
 protected:
  BookReaderContract() {
    if (GetParam() == "fake") {
      auto fake = std::make_shared<FakeStore>();
      store_ = fake;
      reader_ = fake;
    } else {
      pool_ = std::make_unique<pg::Pool>(Options(PgStore::Statements()));
      read_pool_ = std::make_unique<pg::Pool>(Options(PgBookReader::Statements()));
      store_ = std::make_shared<PgStore>(*pool_);
      reader_ = std::make_shared<PgBookReader>(*read_pool_);
    }
    EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_, {"payment_id"})), IsOk());
    Open({Free("a"), Free("b"), Free("c"), Free("d")});
  }

  void Open(std::vector<AccountTerms> accounts) {
    EXPECT_THAT(runtime_.Run(store_->OpenAccounts(book_, std::move(accounts), kOpened)), IsOk());
  }
  std::vector<Outcome> Commit(std::vector<Command> commands, absl::Time now = kNow) {
    return runtime_.Run(store_->Commit(book_, std::move(commands), now)).value();
  }
  std::int64_t Last() { return runtime_.Run(reader_->LastSequence(book_)).value(); }

  absl::StatusOr<Snapshot<std::vector<Balance>>> Balances(std::vector<Uuid> ids, AsOf as_of) {
    return runtime_.Run(reader_->GetBalances(book_, std::move(ids), as_of, 0));
  }
  absl::StatusOr<Snapshot<Statement>> List(const EntryQuery& query) {
    return runtime_.Run(reader_->ListEntries(book_, query, 0));
  }
  // All entries of an account, the oldest first.
  std::vector<StatementLine> LinesOf(const std::string& name) {
    const EntryQuery all{.account_id = AccountId(name), .oldest_first = true, .limit = 1'000'000};
    return List(all).value().value.lines;
  }
  absl::StatusOr<Snapshot<FoundTransactions>> Find(const std::string& key, const std::string& value,
                                                   int limit = 10,
                                                   std::optional<std::int64_t> before = {}) {
    return runtime_.Run(reader_->FindTransactions(book_, key, value, before, limit, 0));
  }
  Snapshot<News> After(std::vector<Uuid> ids, std::int64_t after, int limit) {
    return runtime_.Run(reader_->EntriesAfter(book_, std::move(ids), after, limit)).value();
  }

  const std::string book_ =
      std::string("reader ") + ::testing::UnitTest::GetInstance()->current_test_info()->name();
  async::Runtime runtime_{2};
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<pg::Pool> read_pool_;  // As on a replica: it knows only the reader's statements.
  std::shared_ptr<Store> store_;
  std::shared_ptr<BookReader> reader_;
};

INSTANTIATE_TEST_SUITE_P(Readers, BookReaderContract, ::testing::Values("fake", "postgres"),
                         [](const auto& info) { return info.param; });

TEST_P(BookReaderContract, AnUnknownBookIsNotFound) {
  const std::string none = "none";
  const std::vector<Uuid> ids = {AccountId("a")};
  const EntryQuery query{.account_id = ids[0]};
  const auto not_found = StatusHasReason(Reason::kBookNotFound);
  EXPECT_THAT(runtime_.Run(reader_->LastSequence(none)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetAccounts(none, ids, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetAccounts(none, {}, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetBalances(none, ids, 0, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetBalances(none, ids, kNow, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->ListEntries(none, query, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetDecision(none, ids[0], 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetDecisions(none, ids, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->DecisionsAfter(none, 0, 1, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->FindTransactions(none, "payment_id", "1", {}, 1, 0)),
              not_found);
  EXPECT_THAT(runtime_.Run(reader_->GetTrialBalance(none, 0)), not_found);
  EXPECT_THAT(runtime_.Run(reader_->EntriesAfter(none, ids, 0, 1)), not_found);
}

TEST_P(BookReaderContract, EveryReadSaysItsSequence) {
  const auto outcomes = Commit({Move("1", "a", "b", 1)});
  const std::int64_t last = outcomes[0].decision.sequence;
  EXPECT_EQ(last, 5) << "after four openings";
  const std::vector<Uuid> ids = {AccountId("a")};
  const EntryQuery query{.account_id = ids[0]};
  EXPECT_EQ(Last(), last);
  EXPECT_EQ(runtime_.Run(reader_->GetAccounts(book_, ids, last)).value().sequence, last);
  EXPECT_EQ(runtime_.Run(reader_->GetAccounts(book_, {}, last)).value().sequence, last);
  EXPECT_EQ(runtime_.Run(reader_->GetBalances(book_, ids, 0, last)).value().sequence, last);
  EXPECT_EQ(runtime_.Run(reader_->GetBalances(book_, ids, kNow, last)).value().sequence, last);
  EXPECT_EQ(runtime_.Run(reader_->ListEntries(book_, query, last)).value().sequence, last);
  EXPECT_EQ(runtime_.Run(reader_->GetDecision(book_, TransactionId("1"), last)).value().sequence,
            last);
  EXPECT_EQ(runtime_.Run(reader_->FindTransactions(book_, "payment_id", "1", {}, 1, last))
                .value()
                .sequence,
            last);
  EXPECT_EQ(runtime_.Run(reader_->GetTrialBalance(book_, last)).value().sequence, last);
  EXPECT_EQ(runtime_.Run(reader_->EntriesAfter(book_, ids, 0, 1)).value().sequence, last);
}

// Whatever else would be said: what is missing may be there later.
TEST_P(BookReaderContract, ABookThatIsBehindSaysSoFirst) {
  const std::int64_t beyond = Last() + 1;
  const std::vector<Uuid> ids = {AccountId("none")};
  const EntryQuery query{.account_id = ids[0]};
  const auto behind = StatusHasReason(Reason::kSequenceNotReached);
  EXPECT_THAT(runtime_.Run(reader_->GetAccounts(book_, ids, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->GetBalances(book_, ids, 0, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->GetBalances(book_, ids, beyond, 0)), behind);
  EXPECT_THAT(runtime_.Run(reader_->GetBalances(book_, ids, kNow, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->ListEntries(book_, query, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->GetDecision(book_, ids[0], beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->GetDecisions(book_, ids, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->DecisionsAfter(book_, 0, 1, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->FindTransactions(book_, "none", "1", {}, 1, beyond)), behind);
  EXPECT_THAT(runtime_.Run(reader_->GetTrialBalance(book_, beyond)), behind);
  Commit({Move("1", "a", "b", 1)});
  EXPECT_THAT(runtime_.Run(reader_->GetAccounts(book_, ids, beyond)), IsOk());
  EXPECT_THAT(runtime_.Run(reader_->ListEntries(book_, query, beyond)),
              StatusHasReason(Reason::kAccountNotFound));
}

TEST_P(BookReaderContract, GetsAccountsInTheOrderAskedWithoutUnknownOnes) {
  const std::vector<Uuid> ids = {AccountId("b"), AccountId("none"), AccountId("a"), AccountId("b")};
  const auto accounts = runtime_.Run(reader_->GetAccounts(book_, ids, 0));
  ASSERT_THAT(accounts, IsOk());
  const Account b{.terms = Free("b")};
  EXPECT_THAT(accounts->value, ElementsAre(b, Account{.terms = Free("a")}, b));
}

// What an account counted, from its entries one by one.
template <class Counts>
Balance Naive(const std::string& name, const std::vector<StatementLine>& lines, Counts counts) {
  Balance balance{
      .account_id = AccountId(name), .currency = Currency::Parse("EUR").value(), .counters = {}};
  for (const StatementLine& line : lines) {
    if (!counts(line)) continue;
    const Counters& change = line.entry.change;
    balance.counters.debits_posted += change.debits_posted;
    balance.counters.credits_posted += change.credits_posted;
    balance.counters.debits_pending += change.debits_pending;
    balance.counters.credits_pending += change.credits_pending;
    balance.version += 1;
  }
  return balance;
}

// Commands of every kind that moves money, some of them dated back, whether they can be met or not.
std::vector<Command> RandomCommands(std::mt19937& random, int first_id, absl::Time now) {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const auto pick = [&random](unsigned below) { return static_cast<int>(random() % below); };
  std::vector<Command> commands;
  for (int i = 0; i < 10; ++i) {
    const int debit = pick(4);
    const int credit = (debit + 1 + pick(3)) % 4;
    const std::vector<Posting> postings = {Between(names[debit], names[credit], 1 + pick(50))};
    const Uuid earlier = TransactionId(std::to_string(pick(first_id + i + 1)));
    const Action actions[] = {Post{postings},
                              Post{postings},
                              MakeHold{postings, {}},
                              MakeHold{postings, absl::Seconds(1 + pick(3))},
                              Capture{earlier, {1 + pick(10)}},
                              Capture{earlier, {}},
                              VoidHold{earlier},
                              ExpireHold{earlier},
                              Reverse{earlier, {}, pick(2) == 0}};
    commands.push_back(Do(std::to_string(first_id + i), actions[pick(std::size(actions))]));
    const bool at_original_time = std::holds_alternative<Reverse>(commands.back().action);
    if (!at_original_time && pick(2) == 0) {
      commands.back().effective_time = now - absl::Seconds(pick(30)) - absl::Microseconds(pick(9));
    }
  }
  return commands;
}

// One of every kind, so that none depends on luck. "x1" is over after a second.
std::vector<Command> OneOfEach(absl::Time now) {
  std::vector<Command> commands = {Do("x1", MakeHold{{Between("a", "b", 5)}, absl::Seconds(1)}),
                                   Do("x2", MakeHold{{Between("b", "c", 6)}, {}}),
                                   Do("x3", MakeHold{{Between("c", "d", 7)}, {}}),
                                   Do("x4", Capture{TransactionId("x2"), {4}}),
                                   Do("x5", VoidHold{TransactionId("x3")}),
                                   Move("x6", "d", "a", 8),
                                   Do("x7", Reverse{TransactionId("x6"), {}, true})};
  commands[3].effective_time = now - absl::Seconds(3);  // Before its hold.
  commands[5].effective_time = now - absl::Seconds(5);
  return commands;
}

TEST_P(BookReaderContract, BalancesInThePastAreTheSumOfWhatCounts) {
  std::mt19937 random(11);
  std::set<std::string> kinds;
  std::vector<Outcome> outcomes = Commit(OneOfEach(kNow));
  for (int batch = 0; batch < 20; ++batch) {
    const absl::Time now = kNow + absl::Seconds(batch + 1);
    const std::vector<Outcome> more = Commit(RandomCommands(random, batch * 10, now), now);
    outcomes.insert(outcomes.end(), more.begin(), more.end());
  }
  outcomes.push_back(
      Commit({Do("x8", ExpireHold{TransactionId("x1")})}, kNow + absl::Minutes(1))[0]);
  for (const Outcome& outcome : outcomes) {
    if (outcome.decision.commitment() == nullptr) continue;
    kinds.insert(std::string(KindOf(outcome.decision.command.action)));
  }
  EXPECT_THAT(kinds, ElementsAre("capture", "expire", "hold", "post", "reversal", "void"));

  const std::vector<std::string> names = {"c", "a", "d", "b"};
  std::map<std::string, std::vector<StatementLine>> lines;
  std::set<absl::Time> times;
  int dated_back = 0;
  for (const std::string& name : names) {
    lines[name] = LinesOf(name);
    for (const StatementLine& line : lines[name]) {
      for (const absl::Time time : {line.effective_time, line.commit_time}) {
        times.insert({time - kTick, time, time + kTick});
      }
      dated_back += line.effective_time < line.commit_time;
    }
  }
  EXPECT_GT(dated_back, 20);
  const auto expect = [&](const AsOf& as_of, auto counts) {
    const auto read =
        Balances({AccountId("c"), AccountId("a"), AccountId("d"), AccountId("b")}, as_of);
    ASSERT_THAT(read, IsOk());
    std::vector<Balance> naive;
    for (const std::string& name : names) naive.push_back(Naive(name, lines[name], counts));
    EXPECT_EQ(read->value, naive);
  };
  for (std::int64_t sequence = 0; sequence <= Last(); ++sequence) {
    SCOPED_TRACE(sequence);
    expect(sequence, [sequence](const StatementLine& l) { return l.entry.sequence <= sequence; });
  }
  for (const absl::Time time : times) {
    SCOPED_TRACE(absl::FormatTime(time, absl::UTCTimeZone()));
    expect(time, [time](const StatementLine& l) { return l.effective_time <= time; });
  }
}

TEST_P(BookReaderContract, BalancesAtTheEndsOfTime) {
  Commit({Move("1", "a", "b", 7)});
  const Balance nothing{
      .account_id = AccountId("a"), .currency = Free("a").currency, .counters = {}};
  Balance all = nothing;
  all.counters.debits_posted = 7;
  all.version = 1;
  const std::vector<Uuid> ids = {AccountId("none"), AccountId("a")};
  EXPECT_THAT(Balances(ids, 0)->value, ElementsAre(nothing));
  EXPECT_THAT(Balances(ids, 4)->value, ElementsAre(nothing)) << "opened, without entries";
  EXPECT_THAT(Balances(ids, 5)->value, ElementsAre(all));
  EXPECT_THAT(Balances(ids, absl::UnixEpoch())->value, ElementsAre(nothing));
  EXPECT_THAT(Balances(ids, kNow - kTick)->value, ElementsAre(nothing));
  EXPECT_THAT(Balances(ids, kNow)->value, ElementsAre(all));
  EXPECT_THAT(Balances(ids, kNow + absl::Hours(24 * 365))->value, ElementsAre(all));
  EXPECT_THAT(Balances({}, 5)->value, IsEmpty());
}

// Two holds of the most there can be, one after the other, both dated before either was resolved.
TEST_P(BookReaderContract, APendingBalanceOfThePastCanOverflow) {
  const absl::Time then = kNow - absl::Minutes(1);
  std::vector<Command> commands = {Do("1", MakeHold{{Between("a", "b", kMax)}, {}}),
                                   Do("2", VoidHold{TransactionId("1")}),
                                   Do("3", MakeHold{{Between("a", "b", kMax)}, {}})};
  commands[0].effective_time = then;
  commands[2].effective_time = then;
  for (const Outcome& outcome : Commit(commands)) EXPECT_NE(outcome.decision.commitment(), nullptr);
  EXPECT_THAT(Balances({AccountId("a")}, then), StatusHasReason(Reason::kBalanceOverflow));
  EXPECT_EQ(Balances({AccountId("a")}, kNow + absl::Seconds(1))->value[0].counters.debits_pending,
            kMax);
}

TEST_P(BookReaderContract, GivesADecisionAsItWasMade) {
  const auto outcomes = Commit({Move("1", "a", "b", 1), Do("2", VoidHold{TransactionId("none")})});
  for (const Outcome& outcome : outcomes) {
    const Uuid id = outcome.decision.command.transaction_id;
    const auto read = runtime_.Run(reader_->GetDecision(book_, id, 0));
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->value, outcome.decision);
  }
  EXPECT_THAT(runtime_.Run(reader_->GetDecision(book_, TransactionId("never"), 0)),
              StatusHasReason(Reason::kTransactionNotFound));
}

TEST_P(BookReaderContract, GivesManyDecisionsInOrder) {
  const std::int64_t before = Last();
  const auto outcomes = Commit(
      {Move("1", "a", "b", 1), Do("2", VoidHold{TransactionId("none")}), Move("3", "b", "a", 1)});
  const auto ids = [](std::vector<std::string> names) {
    std::vector<Uuid> all;
    for (const std::string& name : names) all.push_back(TransactionId(name));
    return all;
  };
  const auto decision = [&outcomes](std::size_t i) { return outcomes[i].decision; };
  EXPECT_THAT(runtime_.Run(reader_->GetDecisions(book_, ids({"3", "never", "1"}), 0))->value,
              ElementsAre(decision(0), decision(2)));
  EXPECT_THAT(runtime_.Run(reader_->GetDecisions(book_, {}, 0))->value, IsEmpty());
  EXPECT_THAT(runtime_.Run(reader_->DecisionsAfter(book_, before, 2, 0))->value,
              ElementsAre(decision(0), decision(1)));
  const auto rest = runtime_.Run(reader_->DecisionsAfter(book_, before + 1, 9, 0));
  EXPECT_THAT(rest->value, ElementsAre(decision(1), decision(2)));
  EXPECT_EQ(rest->sequence, before + 3);
  EXPECT_THAT(runtime_.Run(reader_->DecisionsAfter(book_, before + 3, 9, 0))->value, IsEmpty());
}

// Entries of "a": posts, holds and releases, some of them with a colour, each a second later.
class BookReaderPages : public BookReaderContract {
 protected:
  void MakeEntries(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string id = std::to_string(i);
      const Action actions[] = {Post{{Between("a", "b", i + 1)}},
                                MakeHold{{Between("a", "b", i + 1)}, {}},
                                VoidHold{TransactionId(std::to_string(i - 1))}};
      Command command = Do(id, actions[i % 3]);
      if (i % 4 < 2) command.metadata["colour"] = i % 4 == 0 ? "red" : "blue";
      const auto outcomes =
          Commit({command, Move("other " + id, "b", "c", 1)}, kNow + absl::Seconds(i));
      EXPECT_NE(outcomes[0].decision.commitment(), nullptr);
    }
  }

  // All pages of a query.
  std::vector<StatementLine> Walk(EntryQuery query) {
    std::vector<StatementLine> walked;
    do {
      const auto page = List(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      EXPECT_LE(page->value.lines.size(), static_cast<std::size_t>(query.limit));
      walked.insert(walked.end(), page->value.lines.begin(), page->value.lines.end());
      query.beyond = page->value.next;
    } while (query.beyond);
    return walked;
  }
};

INSTANTIATE_TEST_SUITE_P(Readers, BookReaderPages, ::testing::Values("fake", "postgres"),
                         [](const auto& info) { return info.param; });

bool Wanted(const EntryQuery& query, const StatementLine& line) {
  if (query.from_commit_time && line.commit_time < *query.from_commit_time) return false;
  if (query.until_commit_time && line.commit_time >= *query.until_commit_time) return false;
  const auto colour = line.metadata.find("colour");
  if (query.metadata &&
      (colour == line.metadata.end() || colour->second != query.metadata->second)) {
    return false;
  }
  return query.kinds.empty() ||
         std::find(query.kinds.begin(), query.kinds.end(), line.kind) != query.kinds.end();
}

TEST_P(BookReaderPages, ShowEachEntryOnceInOrderWhateverTheFilter) {
  MakeEntries(24);
  std::vector<StatementLine> all = LinesOf("a");
  ASSERT_EQ(all.size(), 24u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].entry.version, static_cast<std::int64_t>(i + 1));
  }
  std::vector<EntryQuery> queries(7, EntryQuery{.account_id = AccountId("a")});
  queries[1].kinds = {"hold"};
  queries[2].kinds = {"void", "post"};
  queries[3].metadata = {"colour", "red"};
  queries[4].metadata = {"colour", "blue"};
  queries[4].kinds = {"post"};
  queries[5].from_commit_time = all[5].commit_time;
  queries[5].until_commit_time = all[17].commit_time;
  queries[6] = queries[5];
  queries[6].metadata = {"colour", "red"};
  const std::pair<int, int> sizes[] = {{1, 1}, {2, 3}, {3, 2}, {100, 5}, {100, 5000}};
  for (const bool oldest_first : {true, false}) {
    for (EntryQuery query : queries) {
      query.oldest_first = oldest_first;
      std::vector<StatementLine> wanted;
      for (const StatementLine& line : all) {
        if (Wanted(query, line)) wanted.push_back(line);
      }
      if (!oldest_first) std::reverse(wanted.begin(), wanted.end());
      EXPECT_FALSE(wanted.empty());
      for (const auto& [limit, scan_limit] : sizes) {
        query.limit = limit;
        query.scan_limit = scan_limit;
        EXPECT_EQ(Walk(query), wanted) << limit << " " << scan_limit;
      }
    }
  }
}

TEST_P(BookReaderPages, LookAtABoundedNumberOfEntries) {
  MakeEntries(12);
  const std::vector<StatementLine> all = LinesOf("a");
  EntryQuery query{.account_id = AccountId("a"), .kinds = {"reversal"}, .scan_limit = 5};
  const auto newest = List(query);
  ASSERT_THAT(newest, IsOk());
  EXPECT_THAT(newest->value.lines, IsEmpty());
  EXPECT_EQ(newest->value.next, all[12 - 5].entry.sequence);
  EXPECT_EQ(newest->value.account.version, 12);
  query.oldest_first = true;
  EXPECT_EQ(List(query)->value.next, all[4].entry.sequence);
  query.scan_limit = 12;
  EXPECT_EQ(List(query)->value.next, std::nullopt);
}

TEST_P(BookReaderPages, TheBoundsOfTimeAreFromInclusiveToExclusive) {
  MakeEntries(6);
  const std::vector<StatementLine> all = LinesOf("a");
  const auto versions = [&](absl::Time from, absl::Time until) {
    const EntryQuery query{.account_id = AccountId("a"),
                           .oldest_first = true,
                           .from_commit_time = from,
                           .until_commit_time = until};
    std::vector<std::int64_t> versions;
    for (const StatementLine& line : Walk(query)) versions.push_back(line.entry.version);
    return versions;
  };
  EXPECT_THAT(versions(all[1].commit_time, all[3].commit_time), ElementsAre(2, 3));
  EXPECT_THAT(versions(all[1].commit_time + kTick, all[3].commit_time + kTick), ElementsAre(3, 4));
  EXPECT_THAT(versions(all[3].commit_time, all[3].commit_time), IsEmpty());
  EXPECT_THAT(versions(all[3].commit_time, all[1].commit_time), IsEmpty());
  EXPECT_THAT(versions(absl::UnixEpoch(), all[0].commit_time), IsEmpty());
  EXPECT_EQ(versions(absl::UnixEpoch(), kNow + absl::Hours(1)).size(), 6u);
}

TEST_P(BookReaderPages, AnAccountCanHaveNoEntriesOrNotExist) {
  const EntryQuery empty{.account_id = AccountId("d")};
  const auto read = List(empty);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->value.account.terms, Free("d"));
  EXPECT_THAT(read->value.lines, IsEmpty());
  EXPECT_EQ(read->value.next, std::nullopt);
  const EntryQuery none{.account_id = AccountId("none")};
  EXPECT_THAT(List(none), StatusHasReason(Reason::kAccountNotFound));
}

std::vector<std::string> FoundIn(const FoundTransactions& found,
                                 const std::vector<std::string>& ids) {
  std::vector<std::string> names;
  for (const Decision& decision : found.decisions) {
    for (const std::string& id : ids) {
      if (TransactionId(id) == decision.command.transaction_id) names.push_back(id);
    }
  }
  return names;
}

TEST_P(BookReaderContract, FindsCommittedTransactionsByIndexedMetadata) {
  const std::vector<std::string> ids = {"1", "2", "3", "4", "refused", "other", "early"};
  const auto with = [](Command command, const std::string& key, const std::string& value) {
    command.metadata[key] = value;
    return command;
  };
  Commit({with(Move("1", "a", "b", 1), "payment_id", "pay"),
          with(Move("2", "a", "b", 1), "payment_id", "pay"),
          with(Do("refused", VoidHold{TransactionId("none")}), "payment_id", "pay"),
          with(Move("other", "a", "b", 1), "payment_id", "pay2"),
          with(Move("early", "a", "b", 1), "order_id", "ord"),
          with(Do("3", MakeHold{{Between("a", "b", 1)}, {}}), "payment_id", "pay")});
  const auto all = Find("payment_id", "pay");
  ASSERT_THAT(all, IsOk());
  EXPECT_THAT(FoundIn(all->value, ids), ElementsAre("3", "2", "1"));
  EXPECT_EQ(all->value.next, std::nullopt);
  EXPECT_EQ(all->value.decisions[0],
            runtime_.Run(reader_->GetDecision(book_, TransactionId("3"), 0))->value);

  const auto first = Find("payment_id", "pay", 2);
  EXPECT_THAT(FoundIn(first->value, ids), ElementsAre("3", "2"));
  ASSERT_TRUE(first->value.next);
  const auto second = Find("payment_id", "pay", 2, first->value.next);
  EXPECT_THAT(FoundIn(second->value, ids), ElementsAre("1"));
  EXPECT_EQ(second->value.next, std::nullopt);
  EXPECT_THAT(FoundIn(Find("payment_id", "pay", 3)->value, ids), ElementsAre("3", "2", "1"));
  EXPECT_EQ(Find("payment_id", "pay", 3)->value.next, std::nullopt);

  EXPECT_THAT(Find("payment_id", "")->value.decisions, IsEmpty());
  EXPECT_THAT(Find("order_id", "ord"), AllOf(StatusHasReason(Reason::kMetadataKeyNotIndexed),
                                             StatusHasParam("metadata_key")));
  ASSERT_THAT(runtime_.Run(store_->EnsureBook(book_, {"order_id"})), IsOk());
  Commit({with(Move("4", "a", "b", 1), "order_id", "ord")});
  EXPECT_THAT(FoundIn(Find("order_id", "ord")->value, ids), ElementsAre("4"))
      << "from when on the key is indexed";
}

TEST_P(BookReaderContract, TheTrialBalanceSumsEachCurrencyBeyond64Bits) {
  Open({Free("x", "USD"), Free("y", "USD"), Free("z", "JPY")});
  Commit({Move("1", "a", "b", kMax), Move("2", "c", "d", kMax), Move("3", "b", "a", kMax),
          Move("4", "x", "y", 7), Do("5", MakeHold{{Between("y", "x", 5)}, {}})});
  const auto read = runtime_.Run(reader_->GetTrialBalance(book_, 0));
  ASSERT_THAT(read, IsOk());
  const std::string three = "27670116110564327421";
  const std::map<std::string, CurrencyTotals> expected = {{"EUR", {three, three, "0", "0", 4}},
                                                          {"JPY", {"0", "0", "0", "0", 1}},
                                                          {"USD", {"7", "7", "5", "5", 2}}};
  EXPECT_EQ(read->value, expected);
}

// Transactions with one to four entries.
TEST_P(BookReaderContract, NewsAreAllEntriesOnceInOrderHoweverTheyAreCut) {
  for (int i = 0; i < 30; ++i) {
    std::vector<Posting> postings = {Between("a", "b", 1)};
    if (i % 3 == 1) postings.push_back(Between("c", "b", 2));
    if (i % 3 == 2) postings = {Between("d", "c", 1), Between("b", "a", 3)};
    if (i % 7 == 0) postings = {Between("d", "c", 1)};
    Commit({Do(std::to_string(i), Post{postings})});
  }
  std::vector<StatementLine> expected;
  for (const char* name : {"a", "b", "c"}) {
    const std::vector<StatementLine> lines = LinesOf(name);
    expected.insert(expected.end(), lines.begin(), lines.end());
  }
  std::sort(expected.begin(), expected.end(), [](const StatementLine& x, const StatementLine& y) {
    return std::pair(x.entry.sequence, x.entry.account_id) <
           std::pair(y.entry.sequence, y.entry.account_id);
  });
  const std::vector<Uuid> ids = {AccountId("c"), AccountId("none"), AccountId("a"), AccountId("b")};
  for (const int limit : {3, 4, 10, 1000}) {
    std::vector<StatementLine> walked;
    std::int64_t after = 0;
    bool more = true;
    while (more) {
      const Snapshot<News> read = After(ids, after, limit);
      const News& news = read.value;
      EXPECT_LE(news.lines.size(), static_cast<std::size_t>(limit));
      EXPECT_TRUE(news.more || news.complete == read.sequence);
      ASSERT_TRUE(news.complete > after) << "comes forward";
      for (const StatementLine& line : news.lines) EXPECT_LE(line.entry.sequence, news.complete);
      walked.insert(walked.end(), news.lines.begin(), news.lines.end());
      after = news.complete;
      more = news.more;
    }
    EXPECT_EQ(walked, expected) << limit;
    EXPECT_EQ(after, Last());
  }
}

TEST_P(BookReaderContract, NewsBeginAfterTheSequence) {
  const auto outcomes =
      Commit({Move("1", "a", "b", 1), Move("2", "c", "d", 1), Move("3", "a", "b", 1)});
  const std::int64_t first = outcomes[0].decision.sequence;
  const News later = After({AccountId("a")}, first, 10).value;
  ASSERT_EQ(later.lines.size(), 1u);
  EXPECT_EQ(later.lines[0].transaction_id, TransactionId("3"));
  EXPECT_EQ(later.complete, first + 2);
  EXPECT_FALSE(later.more);
  const News other = After({AccountId("none")}, first, 10).value;
  EXPECT_THAT(other.lines, IsEmpty());
  EXPECT_EQ(other.complete, first + 2);
  const News ahead = After({AccountId("a")}, first + 100, 10).value;
  EXPECT_THAT(ahead.lines, IsEmpty());
  EXPECT_EQ(ahead.complete, first + 100) << "never back";
}

}  // namespace
}  // namespace florin::ledger
