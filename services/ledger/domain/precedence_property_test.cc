// Properties of the order in which objections count and of sums near the end of 64 bits, over many
// random commands; the single cases are in posting_rules_test.cc.
#include <algorithm>
#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {
namespace {

using Wide = __int128;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Uuid Id(const std::string& name) { return DeriveId("test.property", name); }

Account Named(const std::string& name) {
  return {.terms = {.account_id = Id(name), .currency = Currency::Parse("EUR").value()},
          .counters = {}};
}

void Add(const Account& account, LoadedBook& book) {
  book.accounts.emplace(account.terms.account_id, account);
}

Posting Move(const std::string& debit, const std::string& credit, std::int64_t amount_minor) {
  return {
      .debit_account_id = Id(debit), .credit_account_id = Id(credit), .amount_minor = amount_minor};
}

Command Do(const std::string& id, Action action) {
  Command command;
  command.transaction_id = Id(id);
  command.action = std::move(action);
  return command;
}

Outcome Decide(const LoadedBook& book, const Command& command) {
  return ApplyBatch(book, std::vector{command}, kNow).outcomes.at(0);
}

// Nothing: it commits.
std::optional<Reason> ReasonFor(const LoadedBook& book, const Command& command) {
  const Outcome outcome = Decide(book, command);
  const Refusal* refusal = outcome.decision.refusal();
  return refusal == nullptr ? std::optional<Reason>() : refusal->reason;
}

// "a" and "b" have no limits, "wallet" has nothing to spend, "closed" is closed, "frozen" pays
// nothing, "known" is decided.
LoadedBook SmallBook() {
  LoadedBook book;
  for (const char* name : {"a", "b", "wallet", "closed", "frozen"}) {
    Account account = Named(name);
    account.terms.debits_must_not_exceed_credits = std::string(name) == "wallet";
    account.closed = std::string(name) == "closed";
    account.frozen.debits = std::string(name) == "frozen";
    Add(account, book);
  }
  const Command known = Do("known", Post{{Move("a", "b", 1)}});
  book.decisions.emplace(known.transaction_id,
                         Decision{.command = known,
                                  .sequence = 1,
                                  .commit_time = kNow - absl::Hours(1),
                                  .fate = Commitment{.postings = {Move("a", "b", 1)},
                                                     .effective_time = kNow - absl::Hours(1)}});
  book.state.last_sequence = 1;
  book.state.last_commit_time = kNow - absl::Hours(1);
  return book;
}

// One posting that breaks each step's rule, in order of the steps.
struct Breach {
  Posting posting;
  Reason reason;
};
std::vector<Breach> Breaches() {
  return {{Move("a", "b", 0), Reason::kInvalidAmount},
          {Move("a", "none", 1), Reason::kAccountNotFound},
          {Move("closed", "b", 1), Reason::kAccountClosed},
          {Move("frozen", "b", 1), Reason::kAccountFrozen},
          {Move("wallet", "b", 1), Reason::kInsufficientFunds}};
}

class PrecedenceProperty : public ::testing::TestWithParam<unsigned> {};

// Whatever else a command breaks, and in whatever order: the earliest step has the word.
TEST_P(PrecedenceProperty, TheEarliestStepHasTheWord) {
  std::mt19937 random(GetParam());
  const std::vector<Breach> breaches = Breaches();
  for (unsigned mask = 1; mask < 32; ++mask) {
    std::vector<Posting> postings = {Move("a", "b", 2)};
    std::optional<Reason> first;
    for (std::size_t i = 0; i < breaches.size(); ++i) {
      if ((mask >> i & 1) == 0) continue;
      postings.push_back(breaches[i].posting);
      if (!first) first = breaches[i].reason;
    }
    std::shuffle(postings.begin(), postings.end(), random);
    EXPECT_EQ(ReasonFor(SmallBook(), Do("new", Post{postings})), first) << mask;
    EXPECT_EQ(ReasonFor(SmallBook(), Do("new", MakeHold{postings, {}})), first) << mask;
    EXPECT_EQ(ReasonFor(SmallBook(), Do("known", Post{postings})), Reason::kIdConflict) << mask;
  }
}

// A group is one command as far as the order of checks goes: what one of them shows by itself comes
// before what the book says to another. Else a command that no store can keep would be remembered.
TEST_P(PrecedenceProperty, TheShapeOfAGroupComesBeforeWhatTheBookSays) {
  std::mt19937 random(GetParam());
  const std::vector<Breach> breaches = Breaches();
  std::vector<Command> group = {Do("1", Post{{breaches[0].posting}}),
                                Do("2", Post{{breaches[1 + random() % 4].posting}}),
                                Do("3", Post{{Move("a", "b", 1)}})};
  std::shuffle(group.begin(), group.end(), random);
  group[0].linked_to_next = true;
  group[1].linked_to_next = true;
  const Effects effects = ApplyBatch(SmallBook(), group, kNow);
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Outcome& outcome = effects.outcomes[i];
    const bool breaks = group[i].transaction_id == Id("1");
    ASSERT_NE(outcome.decision.refusal(), nullptr);
    EXPECT_EQ(outcome.decision.refusal()->reason,
              breaks ? Reason::kInvalidAmount : Reason::kLinkedTransactionFailed);
    EXPECT_FALSE(IsNewDecision(outcome)) << "its id is free for the group put right";
  }
  EXPECT_EQ(effects.state, SmallBook().state);
}

// ---- Sums near the end of 64 bits, against the same in 128

class OverflowProperty : public ::testing::TestWithParam<unsigned> {
 protected:
  // Small, or near the end, or in the middle.
  std::int64_t Any() {
    switch (random_() % 4) {
      case 0:
        return static_cast<std::int64_t>(random_() % 5);
      case 1:
        return kMax - static_cast<std::int64_t>(random_() % 5);
      case 2:
        return kMax / 2 + static_cast<std::int64_t>(random_() % 5) - 2;
      default:
        return static_cast<std::int64_t>(random_() % 100);
    }
  }

  // An account of which posted and pending of each side fit 64 bits, within its limit.
  Account AnyAccount(const std::string& name) {
    Account account = Named(name);
    const auto side = [this](std::int64_t& posted, std::int64_t& pending) {
      posted = Any();
      pending = std::min(Any(), kMax - posted);
    };
    side(account.counters.debits_posted, account.counters.debits_pending);
    side(account.counters.credits_posted, account.counters.credits_pending);
    if (random_() % 3 != 0) {
      account.terms.debits_must_not_exceed_credits = true;
      account.terms.credit_line_minor = Any();
      if (Lacks(account.terms, account.counters, 0)) account.terms = Named(name).terms;
    } else if (random_() % 2 == 0) {
      account.terms.credits_must_not_exceed_debits = true;
      if (Overcredited(account.terms, account.counters, 0)) account.terms = Named(name).terms;
    }
    return account;
  }

  static bool Lacks(const AccountTerms& terms, const Counters& now, Wide more) {
    return terms.debits_must_not_exceed_credits &&
           static_cast<Wide>(now.debits_posted) + now.debits_pending + more >
               static_cast<Wide>(now.credits_posted) + terms.credit_line_minor;
  }
  static bool Overcredited(const AccountTerms& terms, const Counters& now, Wide more) {
    return terms.credits_must_not_exceed_debits &&
           static_cast<Wide>(now.credits_posted) + now.credits_pending + more > now.debits_posted;
  }

  static std::optional<Reason> Expected(const Account& debit, const Account& credit,
                                        const Posting& posting) {
    const Counters& d = debit.counters;
    const Counters& c = credit.counters;
    Wide amount = posting.amount_minor;
    if (posting.balancing_debit) {
      amount = std::min<Wide>(
          amount, static_cast<Wide>(d.credits_posted) - d.debits_posted - d.debits_pending);
    }
    if (posting.balancing_credit) {
      amount = std::min<Wide>(
          amount, static_cast<Wide>(c.debits_posted) - c.credits_posted - c.credits_pending);
    }
    if (amount <= 0) return Reason::kNothingToMove;
    const Wide debits = static_cast<Wide>(d.debits_posted) + d.debits_pending + amount;
    const Wide credits = static_cast<Wide>(c.credits_posted) + c.credits_pending + amount;
    if (debits > kMax || credits > kMax) return Reason::kBalanceOverflow;
    if (Lacks(debit.terms, d, amount)) return Reason::kInsufficientFunds;
    if (Overcredited(credit.terms, c, amount)) return Reason::kCreditLimitExceeded;
    return std::nullopt;
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(OverflowProperty, PostsAndHoldsCountAsIn128Bits) {
  for (int i = 0; i < 200; ++i) {
    const Account debit = AnyAccount("debit");
    const Account credit = AnyAccount("credit");
    LoadedBook book;
    Add(debit, book);
    Add(credit, book);
    Posting posting = Move("debit", "credit", std::max<std::int64_t>(Any(), 1));
    posting.balancing_debit = random_() % 4 == 0;
    posting.balancing_credit = random_() % 4 == 0;
    const std::optional<Reason> expected = Expected(debit, credit, posting);
    EXPECT_EQ(ReasonFor(book, Do("post", Post{{posting}})), expected) << i;
    EXPECT_EQ(ReasonFor(book, Do("hold", MakeHold{{posting}, {}})), expected) << i;
  }
}

TEST_P(OverflowProperty, CreditLinesAndPreconditionsCompareAsIn128Bits) {
  for (int i = 0; i < 200; ++i) {
    Account account = AnyAccount("account");
    account.terms.debits_must_not_exceed_credits = true;
    account.terms.credits_must_not_exceed_debits = false;
    LoadedBook book;
    Add(account, book);
    Add(Named("a"), book);
    Add(Named("b"), book);
    const std::int64_t line = Any();
    AccountTerms terms = account.terms;
    terms.credit_line_minor = line;
    EXPECT_EQ(
        ReasonFor(book, Do("line", SetCreditLine{Id("account"), line})),
        Lacks(terms, account.counters, 0) ? std::optional(Reason::kCreditLineInUse) : std::nullopt);
    const Wide balance =
        static_cast<Wide>(account.counters.debits_posted) - account.counters.credits_posted;
    Command checked = Do("checked", Post{{Move("a", "b", 1)}});
    const std::int64_t least = random_() % 2 == 0 ? Any() : -Any();
    checked.preconditions = {{.account_id = Id("account"), .least_balance_minor = least}};
    EXPECT_EQ(ReasonFor(book, checked),
              balance < least ? std::optional(Reason::kPreconditionFailed) : std::nullopt);
  }
}

// What is held can always be captured or released, in any parts, and ends where it began.
TEST_P(OverflowProperty, WhatIsHeldResolvesWhole) {
  for (int i = 0; i < 100; ++i) {
    const Account debit = AnyAccount("debit");
    const Account credit = AnyAccount("credit");
    LoadedBook book;
    Add(debit, book);
    Add(credit, book);
    const Posting posting = Move("debit", "credit", std::max<std::int64_t>(Any(), 1));
    if (Expected(debit, credit, posting)) continue;
    const std::int64_t part = std::max<std::int64_t>(posting.amount_minor / 3, 1);
    const std::vector<Command> commands = {Do("hold", MakeHold{{posting}, {}}),
                                           Do("part", Capture{Id("hold"), {part}, false}),
                                           Do("rest", VoidHold{Id("hold")})};
    const Effects effects = ApplyBatch(book, commands, kNow);
    EXPECT_NE(effects.outcomes[1].decision.commitment(), nullptr);
    const bool left = part < posting.amount_minor;
    EXPECT_EQ(effects.outcomes[2].decision.commitment() != nullptr, left);
    for (const Account& account : effects.accounts) {
      const bool is_debit = account.terms.account_id == Id("debit");
      Counters expected = is_debit ? debit.counters : credit.counters;
      (is_debit ? expected.debits_posted : expected.credits_posted) += part;
      EXPECT_EQ(account.counters, expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PrecedenceProperty, ::testing::Range(1u, 41u));
INSTANTIATE_TEST_SUITE_P(Seeds, OverflowProperty, ::testing::Range(1u, 41u));

}  // namespace
}  // namespace florin::ledger
