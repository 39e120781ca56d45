#include "services/ledger/domain/posting_rules.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ledger/domain/command_rules.h"

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

Posting Move(const std::string& debit, const std::string& credit, std::int64_t amount_minor) {
  return {.debit_account_id = Account(debit),
          .credit_account_id = Account(credit),
          .amount_minor = amount_minor};
}

Command Do(const std::string& id, Action action, Metadata metadata = {}) {
  Command command;
  command.transaction_id = Id(id);
  command.action = std::move(action);
  command.metadata = std::move(metadata);
  return command;
}

Command Input(const std::string& id, std::vector<Posting> postings, Metadata metadata = {}) {
  return Do(id, Post{std::move(postings)}, std::move(metadata));
}

void AddHold(LoadedBook& book, const std::string& id, HoldState state, absl::Time expire_time,
             Posting left) {
  book.holds.emplace(
      Id(id),
      Hold{.hold_id = Id(id), .state = state, .expire_time = expire_time, .postings = {left}});
}

void AddDecision(LoadedBook& book, const Command& command, std::vector<Posting> moved) {
  book.decisions.emplace(command.transaction_id,
                         Decision{.command = command,
                                  .sequence = 7,
                                  .commit_time = kNow - absl::Hours(1),
                                  .fate = Commitment{.postings = std::move(moved),
                                                     .effective_time = kNow - absl::Hours(1)}});
}

// What happened before: "known" and "undone" moved 5 from A to B; "undone" was reversed. The holds
// "held" (60 of pending), "late" (its time is over), "taken", "dropped" and "swept".
void AddHistory(LoadedBook& book) {
  const std::vector<Posting> five = {Move("A", "B", 5)};
  for (const char* id : {"known", "undone"}) AddDecision(book, Input(id, five), five);
  book.reversed[Id("undone")].insert(0);
  const std::vector<Posting> sixty = {Move("pending", "B", 60)};
  AddDecision(book, Do("held", MakeHold{sixty, {}}), sixty);
  AddHold(book, "held", HoldState::kOpen, kNow + absl::Hours(1), sixty[0]);
  AddHold(book, "late", HoldState::kOpen, kNow, Move("late", "B", 30));
  AddHold(book, "taken", HoldState::kCaptured, kNow, Move("late", "B", 0));
  AddHold(book, "dropped", HoldState::kVoided, kNow, Move("late", "B", 0));
  AddHold(book, "swept", HoldState::kExpired, kNow, Move("late", "B", 0));
}

// A, B: no limits. wallet: 100 to spend. line: nothing, but a credit line of 50. asset: takes 100
// of credits. full: counters at the end. pending: 100, of which 60 are held. late: 100, of which 30
// are held too long. "none" is not in the book. The books are closed until two hours ago.
LoadedBook Book() {
  LoadedBook book{.state = {.last_sequence = 7,
                            .last_commit_time = kNow - absl::Hours(1),
                            .closed_until = kNow - absl::Hours(2)}};
  const auto add = [&book](ledger::Account account) {
    book.accounts.emplace(account.terms.account_id, account);
  };
  add(Open("A"));
  add(Open("B"));
  add(Open("dollar", "USD"));
  add(Open("dollar2", "USD"));
  for (const char* name : {"wallet", "line", "pending", "late"}) {
    ledger::Account account = Open(name);
    account.terms.normal_side = NormalSide::kCredit;
    account.terms.debits_must_not_exceed_credits = true;
    if (std::string(name) == "line") account.terms.credit_line_minor = 50;
    if (std::string(name) != "line") account.counters.credits_posted = 100;
    if (std::string(name) == "pending") account.counters.debits_pending = 60;
    if (std::string(name) == "late") account.counters.debits_pending = 30;
    add(account);
  }
  book.accounts.at(Account("B")).counters.credits_pending = 90;
  ledger::Account overdrawn = Open("overdrawn");
  overdrawn.terms.debits_must_not_exceed_credits = true;
  overdrawn.terms.credit_line_minor = 50;
  overdrawn.counters = {.debits_posted = 15, .debits_pending = 5};
  add(overdrawn);
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
  for (const char* name : {"no debits", "no credits"}) {
    ledger::Account frozen = Open(name);
    frozen.frozen.debits = std::string(name) == "no debits";
    frozen.frozen.credits = std::string(name) == "no credits";
    add(frozen);
  }
  AddHistory(book);
  return book;
}

Command Malformed(Reason reason, const std::string& param) {
  Command input = Input("new", {});
  input.malformed = Refuse(reason, "", param);
  return input;
}

std::string Times(std::size_t count, char c) { return std::string(count, c); }

Metadata Keys(int count) {
  Metadata metadata;
  for (int i = 0; i < count; ++i) metadata["key" + std::to_string(i)] = "";
  return metadata;
}

Posting UpTo(Posting posting, bool debit, bool credit) {
  posting.balancing_debit = debit;
  posting.balancing_credit = credit;
  return posting;
}

Command Dated(Command command, absl::Time effective_time) {
  command.effective_time = effective_time;
  return command;
}

Command If(Command command, Precondition precondition) {
  command.preconditions.push_back(precondition);
  return command;
}

Precondition Version(const std::string& account, std::int64_t version) {
  Precondition precondition;
  precondition.account_id = Account(account);
  precondition.version = version;
  return precondition;
}

Precondition Balance(const std::string& account, std::optional<std::int64_t> least,
                     std::optional<std::int64_t> most) {
  Precondition precondition;
  precondition.account_id = Account(account);
  precondition.least_balance_minor = least;
  precondition.most_balance_minor = most;
  return precondition;
}

Command TakeFrom(const std::string& hold, std::vector<std::int64_t> amounts, bool final = false) {
  return Do("new", Capture{Id(hold), std::move(amounts), final});
}

Command UndoOf(const std::string& id, std::optional<std::int64_t> posting = {},
               bool at_original_time = false) {
  return Do("new", Reverse{Id(id), posting, at_original_time});
}

struct Case {
  Command input;
  std::optional<Reason> reason;  // Nothing: commits.
  std::string param;
};

// "known" is the id of a committed transaction: debit A, credit B, 5. Within each group the
// postings break every later rule, too, where they can: the reason shows the precedence.
std::vector<Case> Cases() {
  const std::vector<Posting> good = {Move("A", "B", 5)};
  return {
      {Input("known", {Move("none", "none", 0)}), Reason::kIdConflict,
       "postings[0].debit_account_id"},
      {Input("known", {}), Reason::kIdConflict, "postings"},
      {Input("known", {Move("A", "A", 5)}), Reason::kIdConflict, "postings[0].credit_account_id"},
      {Input("known", {Move("A", "B", -5)}), Reason::kIdConflict, "postings[0].amount_minor"},
      {Input("known", good, {{"", ""}}), Reason::kIdConflict, "metadata"},

      {Malformed(Reason::kInvalidId, "postings[0].debit_account_id"), Reason::kInvalidId,
       "postings[0].debit_account_id"},
      {Malformed(Reason::kInvalidField, "effective_time"), Reason::kInvalidField, "effective_time"},
      {Dated(Do("new", CloseAccount{Account("none")}), kNow), Reason::kInvalidField,
       "effective_time"},
      {Dated(UndoOf("none", {}, true), kNow), Reason::kInvalidField, "effective_time"},
      {UndoOf("none", -1), Reason::kInvalidField, "reversal.posting"},
      {UndoOf("none", 64), Reason::kInvalidField, "reversal.posting"},
      {Malformed(Reason::kMissingField, "change"), Reason::kMissingField, "change"},
      {Malformed(Reason::kLinkedChainOpen, "linked_to_next"), Reason::kLinkedChainOpen,
       "linked_to_next"},

      {Input("new", {}, {{"", ""}}), Reason::kTooManyItems, "postings"},
      {Input("new", std::vector<Posting>(64, Move("A", "B", 1))), std::nullopt, ""},
      {Input("new", std::vector<Posting>(65, Move("none", "none", 0))), Reason::kTooManyItems,
       "postings"},

      {Input("new", {Move("none", "none", 0)}), Reason::kSameAccount,
       "postings[0].credit_account_id"},
      {Input("new", {Move("A", "B", 5), Move("A", "A", 5)}), Reason::kSameAccount,
       "postings[1].credit_account_id"},

      {Input("new", {Move("none", "A", 0)}, {{"", ""}}), Reason::kInvalidAmount,
       "postings[0].amount_minor"},
      {Input("new", {Move("A", "B", 5), Move("none", "A", -1)}), Reason::kInvalidAmount,
       "postings[1].amount_minor"},
      {Input("new", {Move("A", "B", -kMax - 1)}), Reason::kInvalidAmount,
       "postings[0].amount_minor"},

      {TakeFrom("none", {5, -1}), Reason::kInvalidAmount, "capture.amounts_minor[1]"},
      {TakeFrom("none", {0, 0}, true), Reason::kInvalidAmount, "capture.amounts_minor"},

      {Do("new", MakeHold{{Move("none", "A", 1)}, absl::ZeroDuration()}), Reason::kInvalidTimeout,
       "hold.timeout"},
      {Do("new", MakeHold{good, kLongestHold + absl::Microseconds(1)}), Reason::kInvalidTimeout,
       "hold.timeout"},
      {Do("new", MakeHold{good, kLongestHold}), std::nullopt, ""},

      {Do("new", SetCreditLine{Account("none"), -1}), Reason::kInvalidLimits, "credit_line_minor"},

      {If(Input("new", {Move("none", "A", 1)}, {{"", ""}}), Balance("none", {}, {})),
       Reason::kInvalidPrecondition, "preconditions[0]"},
      {If(Input("new", good), Version("none", -1)), Reason::kInvalidPrecondition,
       "preconditions[0]"},

      {Input("new", {Move("none", "A", 1)}, {{"", "value"}}), Reason::kInvalidMetadata, "metadata"},
      {Input("new", good, {{"Key", "value"}}), Reason::kInvalidMetadata, "metadata"},
      {Input("new", good, {{Times(40, 'k'), Times(200, 'v')}}), std::nullopt, ""},
      {Input("new", good, {{Times(41, 'k'), "value"}}), Reason::kInvalidMetadata, "metadata"},
      {Input("new", good, {{"key", Times(201, 'v')}}), Reason::kInvalidMetadata, "metadata.key"},
      {Input("new", good, {{"key", Times(1, '\0')}}), Reason::kInvalidMetadata, "metadata.key"},
      {Input("new", good, {{"key", "\xff"}}), Reason::kInvalidMetadata, "metadata.key"},
      {Input("new", good, Keys(16)), std::nullopt, ""},
      {Input("new", good, Keys(17)), Reason::kInvalidMetadata, "metadata"},

      {Input("new", {Move("closed dollar", "wallet", kMax), Move("none", "A", 1)}),
       Reason::kAccountNotFound, "postings[1].debit_account_id"},
      {Input("new", {Move("closed", "none", 1)}), Reason::kAccountNotFound,
       "postings[0].credit_account_id"},

      {If(Input("new", {Move("wallet", "closed dollar", 101)}), Version("none", 0)),
       Reason::kAccountNotFound, "preconditions[0].account_id"},
      {Do("new", CloseAccount{Account("none")}), Reason::kAccountNotFound, "account_id"},
      {If(TakeFrom("none", {}), Version("none", 0)), Reason::kHoldNotFound, "capture.hold_id"},
      {Do("new", VoidHold{Id("known")}), Reason::kHoldNotFound, "void.hold_id"},
      {If(UndoOf("none"), Version("none", 0)), Reason::kTransactionNotFound,
       "reversal.transaction_id"},

      {Input("new", {Move("wallet", "closed dollar", 101)}), Reason::kAccountClosed,
       "postings[0].credit_account_id"},
      {Input("new", {Move("wallet", "A", 101), Move("closed", "A", 1)}), Reason::kAccountClosed,
       "postings[1].debit_account_id"},

      {Do("new", CloseAccount{Account("closed")}), Reason::kAccountClosed, "account_id"},
      {Do("new", CloseAccount{Account("pending")}), std::nullopt, ""},
      {Do("new", ReopenAccount{Account("A")}), Reason::kAccountNotClosed, "account_id"},
      {Do("new", ReopenAccount{Account("closed")}), std::nullopt, ""},

      {Input("new", {Move("no debits", "dollar", 1)}), Reason::kAccountFrozen,
       "postings[0].debit_account_id"},
      {Input("new", {Move("wallet", "A", 101), Move("dollar", "no credits", 1)}),
       Reason::kAccountFrozen, "postings[1].credit_account_id"},
      {Do("new", MakeHold{{Move("no debits", "A", 1)}, {}}), Reason::kAccountFrozen,
       "postings[0].debit_account_id"},
      {Input("new", {Move("no debits", "A", 1), Move("closed", "A", 1)}), Reason::kAccountClosed,
       "postings[1].debit_account_id"},
      {Input("new", {Move("A", "no debits", 1), Move("no credits", "A", 1)}), std::nullopt, ""},
      {Do("new", FreezeAccount{Account("none")}), Reason::kAccountNotFound, "account_id"},
      {Do("new", FreezeAccount{Account("closed"), {.debits = true}}), std::nullopt, ""},
      {Do("new", CloseAccount{Account("no debits")}), std::nullopt, ""},

      {Input("new", {Move("full", "A", 11), Move("wallet", "dollar", 101)}),
       Reason::kCurrencyMismatch, "postings[1].credit_account_id"},
      {Input("new", {Move("A", "B", 3), Move("dollar", "dollar2", 4)}), std::nullopt, ""},

      {Dated(TakeFrom("taken", {1}), kNow + absl::Hours(1)), Reason::kHoldAlreadyCaptured,
       "capture.hold_id"},
      {Do("new", VoidHold{Id("dropped")}), Reason::kHoldAlreadyVoided, "void.hold_id"},
      {Do("new", VoidHold{Id("swept")}), Reason::kHoldExpired, "void.hold_id"},
      {TakeFrom("late", {}), Reason::kHoldExpired, "capture.hold_id"},
      {Do("new", VoidHold{Id("late")}), Reason::kHoldExpired, "void.hold_id"},
      {Do("new", ExpireHold{Id("late")}), std::nullopt, ""},
      {Do("new", ExpireHold{Id("held")}), Reason::kHoldNotExpired, "expire.hold_id"},

      {UndoOf("held"), Reason::kNotReversible, "reversal.transaction_id"},
      {UndoOf("undone", 1), Reason::kNotReversible, "reversal.posting"},
      {Dated(UndoOf("undone"), kNow + absl::Hours(1)), Reason::kAlreadyReversed,
       "reversal.transaction_id"},
      {UndoOf("known", 0, true), std::nullopt, ""},

      {If(Dated(Input("new", {Move("wallet", "B", 101)}), kNow + absl::Microseconds(1)),
          Version("A", 1)),
       Reason::kEffectiveTimeInFuture, "effective_time"},
      {Do("new", ClosePeriod{kNow + absl::Microseconds(1)}), Reason::kEffectiveTimeInFuture,
       "until"},
      {Dated(Input("new", good), kNow), std::nullopt, ""},
      {If(Dated(Input("new", good), kNow - absl::Hours(2) - absl::Microseconds(1)),
          Version("A", 1)),
       Reason::kPeriodClosed, "effective_time"},
      {Do("new", ClosePeriod{kNow - absl::Hours(2)}), Reason::kPeriodClosed, "until"},
      {Do("new", ClosePeriod{kNow}), std::nullopt, ""},
      {Dated(Input("new", good), kNow - absl::Hours(2)), std::nullopt, ""},

      {If(Input("new", {Move("wallet", "B", 101)}), Version("wallet", 1)),
       Reason::kPreconditionFailed, "preconditions[0].version"},
      {If(Input("new", good), Balance("wallet", 101, {})), Reason::kPreconditionFailed,
       "preconditions[0].least_balance_minor"},
      {If(Input("new", good), Balance("asset", {}, 99)), Reason::kPreconditionFailed,
       "preconditions[0].most_balance_minor"},
      {If(If(Input("new", good), Balance("wallet", 100, 100)), Balance("asset", 100, 100)),
       std::nullopt, ""},

      {TakeFrom("held", {61}), Reason::kCaptureExceedsHold, "capture.amounts_minor[0]"},
      {TakeFrom("held", {1, 1}), Reason::kCaptureExceedsHold, "capture.amounts_minor"},
      {TakeFrom("held", {60}), std::nullopt, ""},

      {Input("new", {UpTo(Move("line", "B", 5), true, false), Move("wallet", "B", 101)}),
       Reason::kNothingToMove, "postings[0].amount_minor"},
      {Input("new", {UpTo(Move("A", "B", 5), false, true)}), Reason::kNothingToMove,
       "postings[0].amount_minor"},

      {Input("new", {Move("wallet", "B", 101), Move("full", "B", 11)}), Reason::kBalanceOverflow,
       "postings[1].amount_minor"},
      {Do("new", MakeHold{{Move("full", "A", 11)}, {}}), Reason::kBalanceOverflow,
       "postings[0].amount_minor"},
      {Do("new", MakeHold{{Move("full", "A", 10)}, {}}), std::nullopt, ""},
      {Input("new", {Move("B", "full", 11)}), Reason::kBalanceOverflow, "postings[0].amount_minor"},
      {Input("new", {Move("A", "full", 10), Move("full", "B", 10)}), std::nullopt, ""},
      {Input("new", {Move("A", "B", kMax), Move("A", "dollar", 1)}), Reason::kCurrencyMismatch,
       "postings[1].credit_account_id"},
      {Input("new", {Move("A", "overdrawn", kMax), Move("A", "B", 1)}), Reason::kBalanceOverflow,
       "postings[1].amount_minor"},

      {Input("new", {Move("A", "asset", 101), Move("wallet", "B", 101)}),
       Reason::kInsufficientFunds, "postings[1].amount_minor"},
      {Input("new", {Move("wallet", "B", 100)}), std::nullopt, ""},
      {Input("new", {Move("wallet", "B", 60), Move("wallet", "A", 41)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},
      {Input("new", {Move("wallet", "B", 101), Move("A", "wallet", 1)}), std::nullopt, ""},
      {Input("new", {Move("line", "B", 50)}), std::nullopt, ""},
      {Input("new", {Move("line", "B", 51)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},
      {Input("new", {Move("pending", "B", 40)}), std::nullopt, ""},
      {Input("new", {Move("pending", "B", 41)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},
      {Input("new", {Move("line", "A", kMax)}), Reason::kInsufficientFunds,
       "postings[0].amount_minor"},

      {Input("new", {Move("A", "asset", 100)}), std::nullopt, ""},
      {Input("new", {Move("A", "asset", 101)}), Reason::kCreditLimitExceeded,
       "postings[0].amount_minor"},
      {Input("new", {Move("A", "asset", 101), Move("asset", "B", 1)}), std::nullopt, ""},
      {Do("new", MakeHold{{Move("A", "asset", 101)}, {}}), Reason::kCreditLimitExceeded,
       "postings[0].amount_minor"},

      {Do("new", SetCreditLine{Account("A"), 1}), Reason::kInvalidLimits, "credit_line_minor"},
      {Do("new", SetCreditLine{Account("A"), 0}), std::nullopt, ""},
      {Do("new", SetCreditLine{Account("line"), 0}), std::nullopt, ""},
      {Do("new", SetCreditLine{Account("overdrawn"), 19}), Reason::kCreditLineInUse,
       "credit_line_minor"},
      {Do("new", SetCreditLine{Account("overdrawn"), 20}), std::nullopt, ""},
  };
}

Effects Apply(std::vector<Command> inputs, LoadedBook book = Book()) {
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
    EXPECT_EQ(decision.command, row.input);
    if (!row.reason) {
      ASSERT_NE(decision.commitment(), nullptr) << InfoOf(decision.refusal()->reason).name;
      EXPECT_EQ(decision.sequence, 8);
      EXPECT_EQ(decision.commit_time, kNow);
      EXPECT_EQ(effects.state.last_sequence, 8);
      continue;
    }
    ASSERT_NE(decision.refusal(), nullptr);
    EXPECT_EQ(InfoOf(decision.refusal()->reason).name, InfoOf(*row.reason).name);
    EXPECT_EQ(decision.refusal()->param, row.param);
    EXPECT_THAT(effects.entries, IsEmpty());
    EXPECT_THAT(effects.accounts, IsEmpty());
    EXPECT_THAT(effects.holds, IsEmpty());
    BookState state = Book().state;
    if (decision.refusal()->remembered) {
      state.last_sequence = 8;
      state.last_commit_time = kNow;
    }
    EXPECT_EQ(effects.state, state);
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
  EXPECT_EQ(of_rules.back(), Reason::kLinkedTransactionFailed);  // Only in groups, below.
  of_rules.pop_back();
  EXPECT_EQ(of_cases, of_rules);
}

TEST(PostingRulesTest, WritesEntriesAndCounters) {
  const Effects effects = Apply(
      {Input("new", {Move("wallet", "A", 30), Move("B", "wallet", 10), Move("wallet", "A", 5)})});
  const auto entry = [](const std::string& account, Counters change, Counters after) {
    return Entry{.account_id = Account(account),
                 .version = 1,
                 .sequence = 8,
                 .change = change,
                 .after = after};
  };
  EXPECT_THAT(
      effects.entries,
      ElementsAre(entry("wallet", {.debits_posted = 35, .credits_posted = 10},
                        {.debits_posted = 35, .credits_posted = 110}),
                  entry("A", {.credits_posted = 35}, {.credits_posted = 35}),
                  entry("B", {.debits_posted = 10}, {.debits_posted = 10, .credits_pending = 90})));
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
      Apply({Input("in", {Move("A", "line", 10)}), Input("out", {Move("line", "B", 60)}),
             Input("too much", {Move("line", "B", 1)})});
  EXPECT_NE(effects.outcomes[1].decision.commitment(), nullptr);
  ASSERT_NE(effects.outcomes[2].decision.refusal(), nullptr);
  EXPECT_EQ(effects.outcomes[2].decision.refusal()->reason, Reason::kInsufficientFunds);
}

TEST(PostingRulesTest, TheSameCommandIsAnsweredAsTheFirstTime) {
  const Command commits = Input("commits", {Move("A", "B", 1)}, {{"key", "value"}});
  const Command refused = Input("refused", {Move("wallet", "B", 101)});
  const Effects effects =
      Apply({commits, refused, commits, Input("fill", {Move("A", "wallet", 1)}), refused});
  EXPECT_EQ(effects.outcomes[2].decision, effects.outcomes[0].decision);
  EXPECT_TRUE(effects.outcomes[2].replayed);
  // Enough by now; but a "no" stays a "no".
  EXPECT_EQ(effects.outcomes[4].decision, effects.outcomes[1].decision);
  EXPECT_TRUE(effects.outcomes[4].replayed);
  EXPECT_EQ(effects.state.last_sequence, 10);
}

TEST(PostingRulesTest, ARefusalIsReplayedFromWhatIsLoaded) {
  LoadedBook book = Book();
  const Command refused = Input("refused", {Move("wallet", "B", 1)});
  const Decision decision{.command = refused,
                          .sequence = 3,
                          .commit_time = kNow - absl::Hours(3),
                          .fate = Refuse(Reason::kInsufficientFunds, "", "p")};
  book.decisions.emplace(refused.transaction_id, decision);
  const Effects effects = Apply({refused, Input("refused", {Move("wallet", "B", 2)})}, book);
  EXPECT_EQ(effects.outcomes[0], (Outcome{.decision = decision, .replayed = true}));
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kIdConflict);
}

TEST(PostingRulesTest, AMalformedCommandLeavesItsIdFree) {
  const Effects effects =
      Apply({Input("new", {Move("A", "B", 0)}), Input("new", {Move("A", "B", 1)})});
  EXPECT_EQ(effects.outcomes[0].decision.refusal()->reason, Reason::kInvalidAmount);
  EXPECT_NE(effects.outcomes[1].decision.commitment(), nullptr);
  EXPECT_FALSE(effects.outcomes[1].replayed);
}

TEST(PostingRulesTest, OnlyBusinessRefusalsAndCommitsAreNewDecisions) {
  const Command once = Input("once", {Move("A", "B", 1)});
  const Effects effects = Apply({once, once, Input("once", {Move("A", "B", 2)}),
                                 Input("malformed", {}), Input("poor", {Move("line", "B", 51)})});
  std::vector<bool> is_new;
  for (const Outcome& outcome : effects.outcomes) is_new.push_back(IsNewDecision(outcome));
  EXPECT_THAT(is_new, ElementsAre(true, false, false, false, true));
}

TEST(PostingRulesTest, CommitTimesIncreaseWithTheSequence) {
  LoadedBook book = Book();
  book.state.last_commit_time = kNow + absl::Seconds(5);  // Another process's clock is ahead.
  const Effects effects =
      Apply({Input("1", {Move("A", "B", 1)}), Input("2", {Move("A", "B", 1)})}, book);
  for (int i = 0; i < 2; ++i) {
    const Decision& decision = effects.outcomes[i].decision;
    EXPECT_EQ(decision.sequence, 8 + i);
    EXPECT_EQ(decision.commit_time, kNow + absl::Seconds(5) + absl::Microseconds(1 + i));
    EXPECT_EQ(decision.commitment()->effective_time, decision.commit_time);
  }
  EXPECT_EQ(Apply({Input("1", {Move("A", "B", 1)})}).state.last_commit_time, kNow);
  EXPECT_EQ(ApplyBatch(Book(), std::vector{Input("1", {Move("A", "B", 1)})},
                       kNow + absl::Nanoseconds(1'500))
                .state.last_commit_time,
            kNow + absl::Microseconds(1));
}

TEST(PostingRulesTest, NamesWhatToLoadSortedAndOnce) {
  const auto ids = [](std::vector<Uuid> list) {
    std::sort(list.begin(), list.end());
    return list;
  };
  const References references = ReferencesOf(
      std::vector{Input("1", {Move("A", "B", 1), Move("wallet", "A", 1)}),
                  If(Input("2", {Move("A", "B", 1)}), Version("asset", 1)), TakeFrom("held", {}),
                  Do("4", Reverse{Id("known"), {}}), Do("5", CloseAccount{Account("line")})});
  EXPECT_EQ(references.accounts, ids({Account("A"), Account("B"), Account("wallet"),
                                      Account("asset"), Account("line")}));
  EXPECT_EQ(references.decisions,
            ids({Id("1"), Id("2"), Id("new"), Id("4"), Id("5"), Id("known")}));
  EXPECT_THAT(references.holds, ElementsAre(Id("held")));
  EXPECT_THAT(references.reversed, ElementsAre(Id("known")));

  LoadedBook loaded;
  loaded.holds.emplace(Id("held"), Book().holds.at(Id("held")));
  loaded.decisions.emplace(Id("known"), Book().decisions.at(Id("known")));
  const References other = ReferencesOf(std::vector{TakeFrom("held", {}), UndoOf("known")});
  EXPECT_EQ(AccountsOf(other, loaded), ids({Account("A"), Account("B"), Account("pending")}));
}

// The counters of an account after `effects`.
Counters CountersOf(const Effects& effects, const std::string& name) {
  for (const ledger::Account& account : effects.accounts) {
    if (account.terms.account_id == Account(name)) return account.counters;
  }
  return Book().accounts.at(Account(name)).counters;
}

TEST(HoldTest, CountsAsPendingAndAgainstTheLimit) {
  const Effects effects =
      Apply({Do("hold", MakeHold{{Move("wallet", "A", 70)}, absl::Seconds(60)}),
             Input("31", {Move("wallet", "B", 31)}), Input("30", {Move("wallet", "B", 30)})});
  const Commitment& held = *effects.outcomes[0].decision.commitment();
  EXPECT_THAT(held.postings, ElementsAre(Move("wallet", "A", 70)));
  EXPECT_EQ(held.expire_time, kNow + absl::Seconds(60));
  EXPECT_THAT(effects.made, ElementsAre(Hold{.hold_id = Id("hold"),
                                             .expire_time = kNow + absl::Seconds(60),
                                             .postings = {Move("wallet", "A", 70)}}));
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kInsufficientFunds);
  EXPECT_NE(effects.outcomes[2].decision.commitment(), nullptr);
  EXPECT_EQ(CountersOf(effects, "wallet"),
            (Counters{.debits_posted = 30, .credits_posted = 100, .debits_pending = 70}));
  EXPECT_EQ(effects.entries[0].change, (Counters{.debits_pending = 70}));
  EXPECT_EQ(effects.entries[1].change, (Counters{.credits_pending = 70}));
}

TEST(HoldTest, IsCapturedInPartsUntilNothingIsLeft) {
  const auto take = [](const std::string& id, std::vector<std::int64_t> amounts, bool final) {
    return Do(id, Capture{Id("held"), std::move(amounts), final});
  };
  const Effects effects =
      Apply({take("1", {10}, false), take("2", {51}, false), take("3", {50}, false),
             take("4", {}, false), Do("5", VoidHold{Id("held")})});
  EXPECT_THAT(effects.outcomes[0].decision.commitment()->postings,
              ElementsAre(Move("pending", "B", 10)));
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kCaptureExceedsHold);
  EXPECT_NE(effects.outcomes[2].decision.commitment(), nullptr);
  EXPECT_EQ(effects.outcomes[3].decision.refusal()->reason, Reason::kHoldAlreadyCaptured);
  EXPECT_EQ(effects.outcomes[4].decision.refusal()->reason, Reason::kHoldAlreadyCaptured);
  EXPECT_EQ(CountersOf(effects, "pending"), (Counters{.debits_posted = 60, .credits_posted = 100}));
  EXPECT_EQ(CountersOf(effects, "B"), (Counters{.credits_posted = 60, .credits_pending = 30}));
  ASSERT_EQ(effects.holds.size(), 1u);
  EXPECT_EQ(effects.holds[0].state, HoldState::kCaptured);
  EXPECT_EQ(effects.holds[0].postings[0].amount_minor, 0);
  EXPECT_EQ(effects.entries[0].change, (Counters{.debits_posted = 10, .debits_pending = -10}));
}

TEST(HoldTest, AFinalCaptureAndAVoidReleaseTheRest) {
  const Effects captured = Apply({TakeFrom("held", {10}, true)});
  EXPECT_EQ(CountersOf(captured, "pending"),
            (Counters{.debits_posted = 10, .credits_posted = 100}));
  EXPECT_EQ(captured.holds[0].state, HoldState::kCaptured);
  const Effects voided = Apply({Do("new", VoidHold{Id("held")})});
  EXPECT_EQ(CountersOf(voided, "pending"), (Counters{.credits_posted = 100}));
  EXPECT_EQ(voided.holds[0].state, HoldState::kVoided);
  EXPECT_THAT(voided.outcomes[0].decision.commitment()->postings, IsEmpty());
}

TEST(HoldTest, AClosedAccountsHoldsResolve) {
  const Effects effects =
      Apply({Do("close", CloseAccount{Account("pending")}),
             Do("more", MakeHold{{Move("pending", "A", 1)}, {}}),
             Do("capture", Capture{Id("held"), {10}}), Do("void", VoidHold{Id("held")})});
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kAccountClosed);
  EXPECT_NE(effects.outcomes[2].decision.commitment(), nullptr);
  EXPECT_NE(effects.outcomes[3].decision.commitment(), nullptr);
}

TEST(HoldTest, AnExpiryRefusedIsNotRemembered) {
  const Effects early = Apply({Do("expire", ExpireHold{Id("held")})});
  EXPECT_FALSE(IsNewDecision(early.outcomes[0]));
  const Effects due = Apply({Do("expire", ExpireHold{Id("late")})});
  EXPECT_EQ(due.holds[0].state, HoldState::kExpired);
  EXPECT_EQ(CountersOf(due, "late"), (Counters{.credits_posted = 100}));
}

TEST(ReversalTest, MovesBackOnceAllOrAPosting) {
  const std::vector<Posting> two = {Move("A", "wallet", 7), Move("A", "line", 3)};
  const auto undo = [](const std::string& id, std::optional<std::int64_t> posting) {
    return Do(id, Reverse{Id("two"), posting});
  };
  const Effects effects =
      Apply({Input("two", two), undo("1", 1), undo("again", 1), undo("all", {}), undo("0", 0)});
  EXPECT_THAT(effects.outcomes[1].decision.commitment()->postings,
              ElementsAre(Move("line", "A", 3)));
  EXPECT_EQ(effects.outcomes[2].decision.refusal()->reason, Reason::kAlreadyReversed);
  EXPECT_EQ(effects.outcomes[3].decision.refusal()->reason, Reason::kAlreadyReversed);
  EXPECT_THAT(effects.outcomes[4].decision.commitment()->postings,
              ElementsAre(Move("wallet", "A", 7)));
}

TEST(ReversalTest, KeepsTheOriginalDateIfAskedAndTheLimitsAlways) {
  const Effects dated = Apply({UndoOf("known", {}, true)});
  EXPECT_EQ(dated.outcomes[0].decision.commitment()->effective_time, kNow - absl::Hours(1));
  const Effects poor =
      Apply({Input("in", {Move("A", "line", 10)}), Input("out", {Move("line", "B", 60)}),
             Do("undo", Reverse{Id("in"), {}})});
  EXPECT_EQ(poor.outcomes[2].decision.refusal()->reason, Reason::kInsufficientFunds);
  EXPECT_EQ(poor.outcomes[2].decision.refusal()->param, "reversal.transaction_id");
}

TEST(BalancingTest, MovesWhatIsThere) {
  const auto moved = [](Posting posting) {
    return Apply({Input("new", {posting})})
        .outcomes[0]
        .decision.commitment()
        ->postings[0]
        .amount_minor;
  };
  EXPECT_EQ(moved(UpTo(Move("wallet", "B", kMax), true, false)), 100);
  EXPECT_EQ(moved(UpTo(Move("wallet", "B", 99), true, false)), 99);
  EXPECT_EQ(moved(UpTo(Move("pending", "A", kMax), true, false)), 40);
  EXPECT_EQ(moved(UpTo(Move("wallet", "asset", kMax), true, true)), 100);
  EXPECT_EQ(moved(UpTo(Move("wallet", "overdrawn", kMax), false, true)), 15);
  const Effects twice = Apply({Input("new", {UpTo(Move("wallet", "A", 60), true, false),
                                             UpTo(Move("wallet", "B", 60), true, false)})});
  EXPECT_THAT(twice.outcomes[0].decision.commitment()->postings,
              ElementsAre(Move("wallet", "A", 60), Move("wallet", "B", 40)));
}

Command Linked(Command command) {
  command.linked_to_next = true;
  return command;
}

TEST(GroupTest, CommitsTogether) {
  const Effects effects =
      Apply({Linked(Input("1", {Move("A", "line", 10)})),
             Linked(Input("2", {Move("line", "B", 60)})), Input("3", {Move("A", "line", 5)})});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(effects.outcomes[i].decision.sequence, 8 + i);
  EXPECT_EQ(CountersOf(effects, "line"), (Counters{.debits_posted = 60, .credits_posted = 15}));
}

TEST(GroupTest, OneRefusalRefusesAllAndIsRemembered) {
  const std::vector<Command> group = {
      Linked(Do("1", MakeHold{{Move("A", "wallet", 10)}, {}})),
      Linked(Do("2", Capture{Id("held"), {5}})), Linked(Do("3", Reverse{Id("known"), {}})),
      Linked(Input("4", {Move("wallet", "B", 101)})), Input("5", {Move("A", "B", 1)})};
  std::vector<Command> twice = group;
  twice.insert(twice.end(), group.begin(), group.end());
  const Effects effects = Apply(twice);
  for (int i = 0; i < 5; ++i) {
    const Reason reason = i == 3 ? Reason::kInsufficientFunds : Reason::kLinkedTransactionFailed;
    EXPECT_EQ(effects.outcomes[i].decision.refusal()->reason, reason) << i;
    EXPECT_EQ(effects.outcomes[i].decision.sequence, 8 + i);
    EXPECT_EQ(effects.outcomes[5 + i].decision, effects.outcomes[i].decision);
    EXPECT_TRUE(effects.outcomes[5 + i].replayed);
  }
  EXPECT_THAT(effects.entries, IsEmpty());
  EXPECT_THAT(effects.made, IsEmpty());
  for (const char* name : {"A", "B", "wallet", "pending"}) {
    EXPECT_EQ(CountersOf(effects, name), Book().accounts.at(Account(name)).counters) << name;
  }
  for (const Hold& hold : effects.holds) EXPECT_EQ(hold, Book().holds.at(hold.hold_id));
  EXPECT_NE(Apply({group[0], group[1], Input("5", {Move("A", "B", 1)}), UndoOf("known")})
                .outcomes[3]
                .decision.commitment(),
            nullptr);
}

TEST(GroupTest, AMalformedOneLeavesAllIdsFree) {
  const Effects effects = Apply({Linked(Input("1", {Move("A", "B", 1)})),
                                 Input("2", {Move("A", "B", 0)}), Input("1", {Move("A", "B", 1)})});
  EXPECT_EQ(effects.outcomes[0].decision.refusal()->reason, Reason::kLinkedTransactionFailed);
  EXPECT_FALSE(IsNewDecision(effects.outcomes[0]));
  EXPECT_NE(effects.outcomes[2].decision.commitment(), nullptr);
  EXPECT_EQ(effects.state.last_sequence, 8);
}

TEST(GroupTest, IsDecidedAsAWholeOrNotAtAll) {
  const Effects effects =
      Apply({Linked(Input("known", {Move("A", "B", 5)})), Input("new", {Move("A", "B", 1)}),
             Linked(Input("x", {Move("A", "B", 1)})), Input("x", {Move("A", "B", 1)})});
  EXPECT_EQ(effects.outcomes[0].decision.refusal()->reason, Reason::kIdConflict);
  EXPECT_EQ(effects.outcomes[0].decision.refusal()->param, "linked_to_next");
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kLinkedTransactionFailed);
  EXPECT_EQ(effects.outcomes[2].decision.refusal()->reason, Reason::kLinkedTransactionFailed);
  EXPECT_EQ(effects.outcomes[3].decision.refusal()->reason, Reason::kIdConflict);
  for (const Outcome& outcome : effects.outcomes) EXPECT_FALSE(IsNewDecision(outcome));
}

TEST(AccountCommandTest, OpensClosesAndReopens) {
  const ledger::Account fresh = Open("fresh");
  const Effects effects = Apply(
      {Do("open", OpenAccount{fresh.terms}), Input("in", {Move("A", "fresh", 5)}),
       Do("close", CloseAccount{Account("fresh")}), Input("shut", {Move("A", "fresh", 5)}),
       Do("reopen", ReopenAccount{Account("fresh")}), Input("again", {Move("A", "fresh", 5)})});
  EXPECT_EQ(effects.outcomes[3].decision.refusal()->reason, Reason::kAccountClosed);
  ASSERT_EQ(effects.opened.size(), 1u);
  EXPECT_EQ(effects.opened[0].terms, fresh.terms);
  EXPECT_EQ(effects.opened[0].counters, (Counters{.credits_posted = 10}));
  EXPECT_FALSE(effects.opened[0].closed);
  EXPECT_EQ(effects.opened[0].version, 2);
}

TEST(AccountCommandTest, AFrozenSideTakesNothingNew) {
  const Effects effects =
      Apply({Input("before", {Move("A", "B", 5)}), Do("hold", MakeHold{{Move("A", "B", 4)}, {}}),
             Do("hold 2", MakeHold{{Move("A", "B", 2)}, {}}),
             Do("freeze", FreezeAccount{Account("A"), {.debits = true}}),
             Input("out", {Move("A", "B", 1)}), Input("in", {Move("B", "A", 1)}),
             Do("take", Capture{Id("hold"), {3}, true}), Do("free", VoidHold{Id("hold 2")}),
             Do("undo in", Reverse{Id("in"), {}}), Do("undo", Reverse{Id("before"), {}}),
             Do("other side", FreezeAccount{Account("A"), {.credits = true}}),
             Input("out 2", {Move("A", "B", 1)}), Input("in 2", {Move("B", "A", 1)}),
             Do("thaw", FreezeAccount{Account("A"), {}}), Input("in 3", {Move("B", "A", 1)})});
  std::vector<std::string> fates;
  for (const Outcome& outcome : effects.outcomes) {
    const Refusal* refusal = outcome.decision.refusal();
    fates.emplace_back(refusal == nullptr ? "" : InfoOf(refusal->reason).name);
  }
  ASSERT_THAT(fates, ElementsAre("", "", "", "", "account_frozen", "", "", "", "account_frozen", "",
                                 "", "", "account_frozen", "", ""));
  EXPECT_EQ(effects.outcomes[8].decision.refusal()->param, "reversal.transaction_id");
  EXPECT_TRUE(effects.outcomes[8].decision.refusal()->remembered);
}

TEST(PeriodTest, ClosedBooksTakeNothingDatedBefore) {
  const Command late = Dated(Input("late", {Move("A", "B", 1)}), kNow - absl::Minutes(1));
  const Effects effects =
      Apply({Do("close", ClosePeriod{kNow}), late, Do("undo", Reverse{Id("known"), {}, true}),
             Do("undo now", Reverse{Id("known"), {}})});
  EXPECT_EQ(effects.state.closed_until, kNow);
  EXPECT_EQ(effects.outcomes[1].decision.refusal()->reason, Reason::kPeriodClosed);
  EXPECT_EQ(effects.outcomes[2].decision.refusal()->reason, Reason::kPeriodClosed);
  EXPECT_EQ(effects.outcomes[2].decision.refusal()->param, "reversal.at_original_time");
  EXPECT_NE(effects.outcomes[3].decision.commitment(), nullptr);
}

// Random batches of all kinds with repeated ids, groups, unknown accounts and amounts around the
// limits.
class RandomBatches : public ::testing::TestWithParam<unsigned> {
 protected:
  RandomBatches() {
    for (int i = 0; i < 400; ++i) {
      inputs_.push_back(Do(std::to_string(Pick(300)), RandomAction()));
      inputs_.back().linked_to_next = Pick(12) == 0;
    }
    inputs_.back().linked_to_next = false;
  }

  std::int64_t Pick(unsigned below) { return static_cast<std::int64_t>(random_() % below); }
  Uuid AnyId() { return Pick(4) == 0 ? Id("held") : Id(std::to_string(Pick(300))); }
  Uuid AnyAccount() { return Account(kNames[Pick(7)]); }

  std::vector<Posting> RandomPostings() {
    std::vector<Posting> postings;
    for (std::int64_t n = Pick(3); n < 3; ++n) {
      const std::int64_t debit = std::min<std::int64_t>(Pick(12), 9) % (Pick(4) + 7);
      postings.push_back(
          UpTo(Move(kNames[debit], kNames[Pick(7)], Pick(60) + (Pick(20) == 0 ? kMax / 2 : 0)),
               Pick(10) == 0, Pick(10) == 0));
    }
    return postings;
  }

  Action RandomAction() {
    switch (Pick(12)) {
      case 0:
      case 1:
        return MakeHold{RandomPostings(), {}};
      case 2:
        return Capture{AnyId(), {}, false};
      case 3:
        return Capture{AnyId(), {Pick(20)}, Pick(2) == 0};
      case 4:
        return VoidHold{AnyId()};
      case 5:
        return Reverse{AnyId(), {}};
      case 6:
        return ReopenAccount{AnyAccount()};
      case 7:
        return Pick(3) == 0 ? Action(CloseAccount{AnyAccount()}) : SetCreditLine{AnyAccount(), 60};
      default:
        return Post{RandomPostings()};
    }
  }

  // The commands and groups, one after the other.
  std::vector<std::span<const Command>> Groups() const {
    std::vector<std::span<const Command>> groups;
    for (std::size_t first = 0, i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].linked_to_next) continue;
      groups.push_back(std::span(inputs_).subspan(first, i + 1 - first));
      first = i + 1;
    }
    return groups;
  }

  // The book after `effects`.
  static void Store(const Effects& effects, LoadedBook& book) {
    book.state = effects.state;
    for (const ledger::Account& account : effects.accounts) {
      book.accounts.at(account.terms.account_id) = account;
    }
    for (const Hold& hold : effects.made) book.holds.emplace(hold.hold_id, hold);
    for (const Hold& hold : effects.holds) book.holds.at(hold.hold_id) = hold;
    for (const Outcome& outcome : effects.outcomes) {
      if (!IsNewDecision(outcome)) continue;
      EXPECT_TRUE(
          book.decisions.emplace(outcome.decision.command.transaction_id, outcome.decision).second);
      const auto* reverse = std::get_if<Reverse>(&outcome.decision.command.action);
      if (reverse == nullptr || outcome.decision.commitment() == nullptr) continue;
      const std::size_t count = outcome.decision.commitment()->postings.size();
      for (std::size_t i = 0; i < count; ++i) {
        book.reversed[reverse->transaction_id].insert(static_cast<std::int64_t>(i));
      }
    }
  }

  static constexpr const char* kNames[] = {"A",    "B",       "wallet", "line",   "asset",
                                           "full", "pending", "dollar", "closed", "none"};
  std::mt19937 random_{GetParam()};
  std::vector<Command> inputs_;
};

TEST_P(RandomBatches, OneBatchIsItsCommandsOneByOne) {
  const Effects together = ApplyBatch(Book(), inputs_, kNow);
  LoadedBook book = Book();
  std::vector<Entry> entries;
  std::size_t commits = 0;
  std::size_t next = 0;
  for (const std::span<const Command> group : Groups()) {
    const Effects alone = ApplyBatch(book, group, kNow);
    for (const Outcome& outcome : alone.outcomes) {
      ASSERT_EQ(outcome, together.outcomes[next]) << next;
      ++next;
    }
    commits += alone.entries.empty() ? 0 : 1;
    entries.insert(entries.end(), alone.entries.begin(), alone.entries.end());
    Store(alone, book);
  }
  EXPECT_EQ(entries, together.entries);
  EXPECT_EQ(book.state, together.state);
  for (const ledger::Account& account : together.accounts) {
    EXPECT_EQ(account, book.accounts.at(account.terms.account_id));
  }
  for (const Hold& hold : together.made) EXPECT_EQ(hold, book.holds.at(hold.hold_id));
  EXPECT_GT(commits, 5u);
  EXPECT_LT(commits, 300u);
}

TEST_P(RandomBatches, KeepConservationAndLimits) {
  LoadedBook book = Book();
  const LoadedBook before = book;
  Store(ApplyBatch(book, inputs_, kNow), book);
  std::map<Currency, __int128> debits_less_credits;
  std::map<Currency, __int128> pending;
  for (const auto& [id, account] : book.accounts) {
    const Counters& now = account.counters;
    const Counters& then = before.accounts.at(id).counters;
    debits_less_credits[account.terms.currency] +=
        static_cast<__int128>(now.debits_posted - then.debits_posted) -
        (now.credits_posted - then.credits_posted);
    pending[account.terms.currency] +=
        static_cast<__int128>(now.debits_pending - then.debits_pending) -
        (now.credits_pending - then.credits_pending);
    EXPECT_GE(now.debits_pending, 0);
    EXPECT_GE(now.credits_pending, 0);
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
  for (const auto& [currency, difference] : pending) EXPECT_EQ(difference, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomBatches, ::testing::Range(1u, 51u));

}  // namespace
}  // namespace florin::ledger
