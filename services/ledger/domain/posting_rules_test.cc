#include "services/ledger/domain/posting_rules.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Uuid Account(const std::string& name) { return DeriveId("test.account", name); }
Uuid Id(const std::string& name) { return DeriveId("test.transaction", name); }

ledger::Account Open(const std::string& name, const char* currency = "EUR") {
  return {.terms = {.account_id = Account(name), .currency = Currency::Parse(currency).value()}};
}

// A, B: no limits. wallet: 100 to spend. line: nothing, but a credit line of 50. asset: takes 100
// of credits. full: counters at the end. pending: 100, of which 60 are held. "none" is not in the
// book.
LoadedBook Book() {
  LoadedBook book{.state = {.last_sequence = 7, .last_commit_time = kNow - absl::Hours(1)}};
  const auto add = [&book](ledger::Account account) {
    book.accounts.emplace(account.terms.account_id, account);
  };
  add(Open("A"));
  add(Open("B"));
  add(Open("dollar", "USD"));
  add(Open("dollar2", "USD"));
  for (const char* name : {"wallet", "line", "pending"}) {
    ledger::Account account = Open(name);
    account.terms.normal_side = NormalSide::kCredit;
    account.terms.debits_must_not_exceed_credits = true;
    if (std::string(name) == "line") account.terms.credit_line_minor = 50;
    if (std::string(name) != "line") account.counters.credits_posted = 100;
    if (std::string(name) == "pending") account.counters.debits_pending = 60;
    add(account);
  }
  ledger::Account asset = Open("asset");
  asset.terms.credits_must_not_exceed_debits = true;
  asset.counters = {.debits_posted = 100};
  add(asset);
  ledger::Account full = Open("full");
  full.counters = {.debits_posted = kMax - 10, .credits_posted = kMax - 10};
  add(full);
  ledger::Account closed = Open("closed");
  closed.closed = true;
  add(closed);
  ledger::Account closed_dollar = Open("closed dollar", "USD");
  closed_dollar.closed = true;
  add(closed_dollar);
  return book;
}

Posting Post(const std::string& debit, const std::string& credit, std::int64_t amount_minor) {
  return {.debit_account_id = Account(debit),
          .credit_account_id = Account(credit),
          .amount_minor = amount_minor};
}

TransactionInput Input(const std::string& id, std::vector<Posting> postings,
                       Metadata metadata = {}) {
  return {
      .transaction_id = Id(id), .postings = std::move(postings), .metadata = std::move(metadata)};
}

TransactionInput Malformed(Reason reason, const std::string& param) {
  TransactionInput input = Input("new", {});
  input.malformed = Refusal{.reason = reason, .message = "", .param = param};
  return input;
}

std::string Times(std::size_t count, char c) { return std::string(count, c); }

Metadata Keys(int count) {
  Metadata metadata;
  for (int i = 0; i < count; ++i) metadata["key" + std::to_string(i)] = "";
  return metadata;
}

struct Case {
  TransactionInput input;
  std::optional<Reason> reason;  // Nothing: commits.
  std::string param;
};

// "known" is the id of a committed transaction: debit A, credit B, 5. Within each group the
// postings break every later rule, too, where they can: the reason shows the precedence.
std::vector<Case> Cases() {
  const std::vector<Posting> good = {Post("A", "B", 5)};
  return {
      {Input("known", {Post("none", "none", 0)}), Reason::kIdConflict,
       "postings[0].debit_account_id"},
      {Input("known", {}), Reason::kIdConflict, "postings"},
      {Input("known", {Post("A", "A", 5)}), Reason::kIdConflict, "postings[0].credit_account_id"},
      {Input("known", {Post("A", "B", -5)}), Reason::kIdConflict, "postings[0].amount_minor"},
      {Input("known", good, {{"", ""}}), Reason::kIdConflict, "metadata"},

      {Malformed(Reason::kInvalidId, "postings[0].debit_account_id"), Reason::kInvalidId,
       "postings[0].debit_account_id"},
      {Malformed(Reason::kInvalidField, "effective_time"), Reason::kInvalidField, "effective_time"},

      {Input("new", {}, {{"", ""}}), Reason::kTooManyItems, "postings"},
      {Input("new", std::vector<Posting>(64, Post("A", "B", 1))), std::nullopt, ""},
      {Input("new", std::vector<Posting>(65, Post("none", "none", 0))), Reason::kTooManyItems,
       "postings"},

      {Input("new", {Post("none", "none", 0)}), Reason::kSameAccount,
       "postings[0].credit_account_id"},
      {Input("new", {Post("A", "B", 5), Post("A", "A", 5)}), Reason::kSameAccount,
       "postings[1].credit_account_id"},

      {Input("new", {Post("none", "A", 0)}, {{"", ""}}), Reason::kInvalidAmount,
       "postings[0].amount_minor"},
      {Input("new", {Post("A", "B", 5), Post("none", "A", -1)}), Reason::kInvalidAmount,
       "postings[1].amount_minor"},
      {Input("new", {Post("A", "B", -kMax - 1)}), Reason::kInvalidAmount,
       "postings[0].amount_minor"},

      {Input("new", {Post("none", "A", 1)}, {{"", "value"}}), Reason::kInvalidMetadata, "metadata"},
      {Input("new", good, {{"Key", "value"}}), Reason::kInvalidMetadata, "metadata"},
      {Input("new", good, {{Times(40, 'k'), Times(200, 'v')}}), std::nullopt, ""},
      {Input("new", good, {{Times(41, 'k'), "value"}}), Reason::kInvalidMetadata, "metadata"},
      {Input("new", good, {{"key", Times(201, 'v')}}), Reason::kInvalidMetadata, "metadata.key"},
      {Input("new", good, {{"key", Times(1, '\0')}}), Reason::kInvalidMetadata, "metadata.key"},
      {Input("new", good, {{"key", "\xff"}}), Reason::kInvalidMetadata, "metadata.key"},
      {Input("new", good, Keys(16)), std::nullopt, ""},
      {Input("new", good, Keys(17)), Reason::kInvalidMetadata, "metadata"},

      {Input("new", {Post("closed dollar", "wallet", kMax), Post("none", "A", 1)}),
       Reason::kAccountNotFound, "postings[1].debit_account_id"},
      {Input("new", {Post("closed", "none", 1)}), Reason::kAccountNotFound,
       "postings[0].credit_account_id"},

      {Input("new", {Post("wallet", "closed dollar", 101)}), Reason::kAccountClosed,
       "postings[0].credit_account_id"},
      {Input("new", {Post("wallet", "A", 101), Post("closed", "A", 1)}), Reason::kAccountClosed,
       "postings[1].debit_account_id"},

      {Input("new", {Post("full", "A", 11), Post("wallet", "dollar", 101)}),
       Reason::kCurrencyMismatch, "postings[1].credit_account_id"},
      {Input("new", {Post("A", "B", 3), Post("dollar", "dollar2", 4)}), std::nullopt, ""},

      {Input("new", {Post("wallet", "B", 101), Post("full", "B", 11)}), Reason::kBalanceOverflow,
       "postings[1].amount_minor"},
      {Input("new", {Post("B", "full", 11)}), Reason::kBalanceOverflow, "postings[0].amount_minor"},
      {Input("new", {Post("A", "full", 10), Post("full", "B", 10)}), std::nullopt, ""},
      {Input("new", {Post("A", "B", kMax), Post("A", "dollar", 1)}), Reason::kCurrencyMismatch,
       "postings[1].credit_account_id"},
      {Input("new", {Post("A", "B", kMax), Post("A", "B", 1)}), Reason::kBalanceOverflow,
       "postings[1].amount_minor"},

      {Input("new", {Post("A", "asset", 101), Post("wallet", "B", 101)}),
       Reason::kInsufficientFunds, "postings[1].amount_minor"},
      {Input("new", {Post("wallet", "B", 100)}), std::nullopt, ""},
      {Input("new", {Post("wallet", "B", 60), Post("wallet", "A", 41)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},
      {Input("new", {Post("wallet", "B", 101), Post("A", "wallet", 1)}), std::nullopt, ""},
      {Input("new", {Post("line", "B", 50)}), std::nullopt, ""},
      {Input("new", {Post("line", "B", 51)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},
      {Input("new", {Post("pending", "B", 40)}), std::nullopt, ""},
      {Input("new", {Post("pending", "B", 41)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},
      {Input("new", {Post("line", "B", kMax)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},

      {Input("new", {Post("A", "asset", 100)}), std::nullopt, ""},
      {Input("new", {Post("A", "asset", 101)}), Reason::kCreditLimitExceeded,
       "postings[0].amount_minor"},
      {Input("new", {Post("A", "asset", 101), Post("asset", "B", 1)}), std::nullopt, ""},
  };
}

Effects Apply(std::vector<TransactionInput> inputs, LoadedBook book = Book()) {
  const TransactionInput known = Input("known", {Post("A", "B", 5)});
  book.decisions.emplace(known.transaction_id,
                         Decision{.input = known, .fate = Commitment{7, kNow - absl::Hours(1)}});
  return ApplyBatch(std::move(book), inputs, kNow);
}

TEST(PostingRulesTest, EveryCase) {
  int number = 0;
  for (const Case& row : Cases()) {
    SCOPED_TRACE(++number);
    const Effects effects = Apply({row.input});
    ASSERT_EQ(effects.outcomes.size(), 1u);
    const Decision& decision = effects.outcomes[0].decision;
    EXPECT_FALSE(effects.outcomes[0].replayed);
    EXPECT_EQ(decision.input, row.input);
    if (!row.reason) {
      ASSERT_NE(decision.commitment(), nullptr) << InfoOf(decision.refusal()->reason).name;
      EXPECT_EQ(effects.state.last_sequence, 8);
      continue;
    }
    ASSERT_NE(decision.refusal(), nullptr);
    EXPECT_EQ(InfoOf(decision.refusal()->reason).name, InfoOf(*row.reason).name);
    EXPECT_EQ(decision.refusal()->param, row.param);
    EXPECT_THAT(effects.entries, IsEmpty());
    EXPECT_THAT(effects.accounts, IsEmpty());
    EXPECT_EQ(effects.state, Book().state);
  }
}

TEST(PostingRulesTest, EveryReasonHasACaseInOrderOfPrecedence) {
  std::vector<Reason> of_cases;
  for (const Case& row : Cases()) {
    if (row.reason && std::find(of_cases.begin(), of_cases.end(), *row.reason) == of_cases.end()) {
      of_cases.push_back(*row.reason);
    }
  }
  std::vector<Reason> of_rules;
  for (const RefusalRule& rule : kRefusalRules) of_rules.push_back(rule.reason);
  EXPECT_EQ(of_cases, of_rules);
}

TEST(PostingRulesTest, WritesEntriesAndCounters) {
  const Effects effects = Apply(
      {Input("new", {Post("wallet", "A", 30), Post("B", "wallet", 10), Post("wallet", "A", 5)})});
  EXPECT_THAT(effects.entries, ElementsAre(Entry{.account_id = Account("wallet"),
                                                 .version = 1,
                                                 .sequence = 8,
                                                 .debit_minor = 35,
                                                 .credit_minor = 10,
                                                 .debits_posted_after = 35,
                                                 .credits_posted_after = 110},
                                           Entry{.account_id = Account("A"),
                                                 .version = 1,
                                                 .sequence = 8,
                                                 .credit_minor = 35,
                                                 .credits_posted_after = 35},
                                           Entry{.account_id = Account("B"),
                                                 .version = 1,
                                                 .sequence = 8,
                                                 .debit_minor = 10,
                                                 .debits_posted_after = 10}));
  ASSERT_EQ(effects.accounts.size(), 3u);
  for (const ledger::Account& account : effects.accounts) {
    EXPECT_EQ(account.version, 1);
    if (account.terms.account_id == Account("wallet")) {
      EXPECT_EQ(account.counters, (Counters{.debits_posted = 35, .credits_posted = 110}));
    }
  }
}

TEST(PostingRulesTest, LaterCommandsSeeEarlierOnes) {
  const Effects effects =
      Apply({Input("in", {Post("A", "line", 10)}), Input("out", {Post("line", "B", 60)}),
             Input("too much", {Post("line", "B", 1)})});
  EXPECT_NE(effects.outcomes[1].decision.commitment(), nullptr);
  ASSERT_NE(effects.outcomes[2].decision.refusal(), nullptr);
  EXPECT_EQ(effects.outcomes[2].decision.refusal()->reason, Reason::kInsufficientFunds);
}

TEST(PostingRulesTest, TheSameCommandIsAnsweredAsTheFirstTime) {
  const TransactionInput commits = Input("commits", {Post("A", "B", 1)}, {{"key", "value"}});
  const TransactionInput refused = Input("refused", {Post("wallet", "B", 101)});
  const Effects effects =
      Apply({commits, refused, commits, Input("fill", {Post("A", "wallet", 1)}), refused});
  EXPECT_EQ(effects.outcomes[2].decision, effects.outcomes[0].decision);
  EXPECT_TRUE(effects.outcomes[2].replayed);
  // Enough by now; but a "no" stays a "no".
  EXPECT_EQ(effects.outcomes[4].decision, effects.outcomes[1].decision);
  EXPECT_TRUE(effects.outcomes[4].replayed);
  EXPECT_EQ(effects.state.last_sequence, 9);
}

TEST(PostingRulesTest, ARefusalIsReplayedFromWhatIsLoaded) {
  LoadedBook book = Book();
  const TransactionInput refused = Input("refused", {Post("wallet", "B", 1)});
  const Decision decision{.input = refused,
                          .fate = Refusal{.reason = Reason::kInsufficientFunds, .param = "p"}};
  book.decisions.emplace(refused.transaction_id, decision);
  const Effects effects = Apply({refused, Input("refused", {Post("wallet", "B", 2)})}, book);
  EXPECT_EQ(effects.outcomes[0], (Outcome{.decision = decision, .replayed = true}));
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kIdConflict);
}

TEST(PostingRulesTest, AMalformedCommandLeavesItsIdFree) {
  const Effects effects =
      Apply({Input("new", {Post("A", "B", 0)}), Input("new", {Post("A", "B", 1)})});
  EXPECT_EQ(effects.outcomes[0].decision.refusal()->reason, Reason::kInvalidAmount);
  EXPECT_NE(effects.outcomes[1].decision.commitment(), nullptr);
  EXPECT_FALSE(effects.outcomes[1].replayed);
}

TEST(PostingRulesTest, OnlyBusinessRefusalsAndCommitsAreNewDecisions) {
  const TransactionInput once = Input("once", {Post("A", "B", 1)});
  const Effects effects = Apply({once, once, Input("once", {Post("A", "B", 2)}),
                                 Input("malformed", {}), Input("poor", {Post("line", "B", 51)})});
  std::vector<bool> is_new;
  for (const Outcome& outcome : effects.outcomes) is_new.push_back(IsNewDecision(outcome));
  EXPECT_THAT(is_new, ElementsAre(true, false, false, false, true));
}

TEST(PostingRulesTest, CommitTimesIncreaseWithTheSequence) {
  LoadedBook book = Book();
  book.state.last_commit_time = kNow + absl::Seconds(5);  // Another process's clock is ahead.
  const Effects effects =
      Apply({Input("1", {Post("A", "B", 1)}), Input("2", {Post("A", "B", 1)})}, book);
  EXPECT_EQ(*effects.outcomes[0].decision.commitment(),
            (Commitment{8, kNow + absl::Seconds(5) + absl::Microseconds(1)}));
  EXPECT_EQ(*effects.outcomes[1].decision.commitment(),
            (Commitment{9, kNow + absl::Seconds(5) + absl::Microseconds(2)}));
  EXPECT_EQ(Apply({Input("1", {Post("A", "B", 1)})}).state.last_commit_time, kNow);
  EXPECT_EQ(ApplyBatch(Book(), std::vector{Input("1", {Post("A", "B", 1)})},
                       kNow + absl::Nanoseconds(1'500))
                .state.last_commit_time,
            kNow + absl::Microseconds(1));
}

TEST(PostingRulesTest, FirstDifferenceNamesEveryField) {
  const TransactionInput first = Input("id", {Post("A", "B", 1)}, {{"key", "value"}});
  TransactionInput second = first;
  EXPECT_EQ(FirstDifference(first, second), std::nullopt);
  second.metadata["key"] = "other";
  EXPECT_EQ(FirstDifference(first, second), "metadata");
  second.effective_time = kNow;
  EXPECT_EQ(FirstDifference(first, second), "effective_time");
  second.postings[0].amount_minor = 2;
  EXPECT_EQ(FirstDifference(first, second), "postings[0].amount_minor");
  second.postings[0].credit_account_id = Account("C");
  EXPECT_EQ(FirstDifference(first, second), "postings[0].credit_account_id");
  second.postings[0].debit_account_id = Account("C");
  EXPECT_EQ(FirstDifference(first, second), "postings[0].debit_account_id");
  second.postings.clear();
  EXPECT_EQ(FirstDifference(first, second), "postings");
  second.malformed = Refusal{.reason = Reason::kInvalidId, .message = "", .param = "postings[3].x"};
  EXPECT_EQ(FirstDifference(first, second), "postings[3].x");
}

TEST(PostingRulesTest, NamesTheAccountsToLoadSortedAndOnce) {
  std::vector<Uuid> expected = {Account("A"), Account("B"), Account("wallet")};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(AccountsOf(std::vector{Input("1", {Post("A", "B", 1), Post("wallet", "A", 1)}),
                                   Input("2", {Post("A", "B", 1)})}),
            expected);
}

// Random batches with repeated ids, unknown accounts and amounts around the limits.
class RandomBatches : public ::testing::TestWithParam<unsigned> {
 protected:
  RandomBatches() {
    const std::vector<std::string> names = {"A",    "B",       "wallet", "line",   "asset",
                                            "full", "pending", "dollar", "closed", "none"};
    const auto pick = [this](std::size_t below) { return random_() % below; };
    for (int i = 0; i < 400; ++i) {
      std::vector<Posting> postings;
      for (std::size_t n = pick(3); n < 3; ++n) {
        postings.push_back(
            Post(names[std::min(pick(12), names.size() - 1) % (pick(4) + 7)], names[pick(7)],
                 static_cast<std::int64_t>(pick(60)) + (pick(20) == 0 ? kMax / 2 : 0)));
      }
      inputs_.push_back(Input(std::to_string(pick(300)), std::move(postings)));
    }
  }

  // The book after `effects`.
  static void Store(const Effects& effects, LoadedBook& book) {
    book.state = effects.state;
    for (const ledger::Account& account : effects.accounts) {
      book.accounts.at(account.terms.account_id) = account;
    }
    for (const Outcome& outcome : effects.outcomes) {
      if (!IsNewDecision(outcome)) continue;
      EXPECT_TRUE(
          book.decisions.emplace(outcome.decision.input.transaction_id, outcome.decision).second);
    }
  }

  std::mt19937 random_{GetParam()};
  std::vector<TransactionInput> inputs_;
};

TEST_P(RandomBatches, OneBatchIsItsCommandsOneByOne) {
  const Effects together = ApplyBatch(Book(), inputs_, kNow);
  LoadedBook book = Book();
  std::vector<Entry> entries;
  std::size_t commits = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Effects alone = ApplyBatch(book, std::span(inputs_).subspan(i, 1), kNow);
    ASSERT_EQ(alone.outcomes[0], together.outcomes[i]) << i;
    commits += alone.entries.empty() ? 0 : 1;
    entries.insert(entries.end(), alone.entries.begin(), alone.entries.end());
    Store(alone, book);
  }
  EXPECT_EQ(entries, together.entries);
  EXPECT_EQ(book.state, together.state);
  for (const ledger::Account& account : together.accounts) {
    EXPECT_EQ(account, book.accounts.at(account.terms.account_id));
  }
  EXPECT_GT(commits, 20u);
  EXPECT_LT(commits, 300u);
}

TEST_P(RandomBatches, KeepConservationAndLimits) {
  LoadedBook book = Book();
  const LoadedBook before = book;
  Store(ApplyBatch(book, inputs_, kNow), book);
  std::map<Currency, __int128> debits_less_credits;
  for (const auto& [id, account] : book.accounts) {
    const Counters& now = account.counters;
    const Counters& then = before.accounts.at(id).counters;
    debits_less_credits[account.terms.currency] +=
        static_cast<__int128>(now.debits_posted - then.debits_posted) -
        (now.credits_posted - then.credits_posted);
    const __int128 debits = static_cast<__int128>(now.debits_posted) + now.debits_pending;
    const __int128 credits = static_cast<__int128>(now.credits_posted) + now.credits_pending;
    if (account.terms.debits_must_not_exceed_credits) {
      EXPECT_LE(debits,
                static_cast<__int128>(now.credits_posted) + account.terms.credit_line_minor);
    }
    if (account.terms.credits_must_not_exceed_debits) {
      EXPECT_LE(credits, now.debits_posted);
    }
  }
  for (const auto& [currency, difference] : debits_less_credits) EXPECT_EQ(difference, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomBatches, ::testing::Range(1u, 51u));

}  // namespace
}  // namespace florin::ledger
