#include "services/ledger/domain/plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/money/money.h"
#include "libs/status/check.h"
#include "services/ledger/domain/command_rules.h"

namespace florin::ledger {
namespace {

using Objection = std::optional<Refusal>;

// All sums of limits are differences of non-negative numbers, which cannot overflow.
bool DebitsPassLimit(const AccountTerms& terms, const Counters& after) {
  return terms.debits_must_not_exceed_credits && after.debits_posted - after.credits_posted >
                                                     terms.credit_line_minor - after.debits_pending;
}

bool CreditsPassLimit(const AccountTerms& terms, const Counters& after) {
  return terms.credits_must_not_exceed_debits &&
         after.credits_posted - after.debits_posted > -after.credits_pending;
}

std::int64_t BalanceOf(const Account& account) {
  const std::int64_t credits_less_debits =
      account.counters.credits_posted - account.counters.debits_posted;
  return account.terms.normal_side == NormalSide::kCredit ? credits_less_debits
                                                          : -credits_less_debits;
}

// A posting's amount, after balancing, given what the accounts count so far.
std::int64_t AmountOf(const Posting& posting, const Counters& debit, const Counters& credit) {
  std::int64_t amount = posting.amount_minor;
  if (posting.balancing_debit) {
    amount = std::min(amount, debit.credits_posted - debit.debits_posted - debit.debits_pending);
  }
  if (posting.balancing_credit) {
    amount =
        std::min(amount, credit.debits_posted - credit.credits_posted - credit.credits_pending);
  }
  return amount;
}

// Adds to `counter`; false if it and `other`, the other counter of its side, would not fit 64 bits
// together.
bool Count(std::int64_t amount_minor, std::int64_t& change, std::int64_t& counter,
           std::int64_t other) {
  const auto both = CheckedAdd(counter, other);
  FLORIN_CHECK(both.has_value(), "posted and pending of a side fit 64 bits");
  if (!CheckedAdd(*both, amount_minor)) return false;
  change += amount_minor;  // At most the counter, which fits.
  counter += amount_minor;
  return true;
}

bool CountDebit(Touch& touch, std::int64_t amount_minor, bool pending) {
  Counters& after = touch.after;
  return pending ? Count(amount_minor, touch.change.debits_pending, after.debits_pending,
                         after.debits_posted)
                 : Count(amount_minor, touch.change.debits_posted, after.debits_posted,
                         after.debits_pending);
}

bool CountCredit(Touch& touch, std::int64_t amount_minor, bool pending) {
  Counters& after = touch.after;
  return pending ? Count(amount_minor, touch.change.credits_pending, after.credits_pending,
                         after.credits_posted)
                 : Count(amount_minor, touch.change.credits_posted, after.credits_posted,
                         after.credits_pending);
}

class Planner {
 public:
  Planner(const WorkingBook& book, FindDecision decision_of, const Command& command)
      : book_(book),
        decision_of_(decision_of),
        command_(command),
        commit_time_(book.NextCommitTime()) {}

  std::variant<Plan, Refusal> Run() {
    Objection objection = CheckExistence();
    if (!objection) objection = CheckState();
    if (!objection) objection = CheckLimits();
    if (objection) return *std::move(objection);
    plan_.commitment.effective_time = effective_time_;
    return std::move(plan_);
  }

 private:
  const Action& action() const { return command_.action; }
  const Reverse* reverse() const { return std::get_if<Reverse>(&action()); }
  const Capture* capture() const { return std::get_if<Capture>(&action()); }

  // ---- 3. Existence

  Objection CheckExistence() {
    if (const auto* postings = PostingsOf(action())) {
      if (Objection objection = CheckAccountsExist(*postings)) return objection;
    }
    if (const Uuid* hold_id = HoldOf(action())) {
      hold_ = book_.FindHold(*hold_id);
      if (hold_ == nullptr) {
        return Refuse(Reason::kHoldNotFound, "the book has no such hold", HoldField());
      }
    }
    if (reverse() != nullptr) {
      original_ = decision_of_(reverse()->transaction_id);
      if (original_ == nullptr || original_->commitment() == nullptr) {
        return Refuse(Reason::kTransactionNotFound, "the book has no such transaction",
                      "reversal.transaction_id");
      }
    }
    if (const Uuid* id = AccountOf(action())) {
      account_ = book_.FindAccount(*id);
      const bool opens = std::holds_alternative<OpenAccount>(action());
      FLORIN_CHECK(!opens || account_ == nullptr, "an account is opened under one id only");
      if (!opens && account_ == nullptr) return NoAccount("account_id");
    }
    for (std::size_t i = 0; i < command_.preconditions.size(); ++i) {
      if (book_.FindAccount(command_.preconditions[i].account_id) == nullptr) {
        return NoAccount(absl::StrCat("preconditions[", i, "].account_id"));
      }
    }
    return std::nullopt;
  }

  static Objection NoAccount(std::string param) {
    return Refuse(Reason::kAccountNotFound, "the book has no such account", std::move(param));
  }

  Objection CheckAccountsExist(const std::vector<Posting>& postings) const {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      if (book_.FindAccount(postings[i].debit_account_id) == nullptr) {
        return NoAccount(PostingField(i, "debit_account_id"));
      }
      if (book_.FindAccount(postings[i].credit_account_id) == nullptr) {
        return NoAccount(PostingField(i, "credit_account_id"));
      }
    }
    return std::nullopt;
  }

  std::string HoldField() const { return std::string(KindOf(action())) + ".hold_id"; }

  // ---- 4. State

  Objection CheckState() {
    Objection objection;
    if (const auto* postings = PostingsOf(action())) {
      objection = CheckOpen(*postings);
      if (!objection) objection = CheckNotFrozen(*postings);
      if (!objection) objection = CheckCurrencies(*postings);
    }
    if (account_ != nullptr) objection = CheckAccountState();
    if (hold_ != nullptr) objection = CheckHoldState();
    if (reverse() != nullptr) objection = CheckReversible();
    if (!objection) objection = CheckDates();
    if (!objection) objection = CheckPreconditions();
    return objection;
  }

  Objection CheckOpen(const std::vector<Posting>& postings) const {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      if (book_.FindAccount(postings[i].debit_account_id)->closed) {
        return Closed(PostingField(i, "debit_account_id"));
      }
      if (book_.FindAccount(postings[i].credit_account_id)->closed) {
        return Closed(PostingField(i, "credit_account_id"));
      }
    }
    return std::nullopt;
  }

  static Objection Closed(std::string param) {
    return Refuse(Reason::kAccountClosed, "the account takes no new debits and credits",
                  std::move(param));
  }

  Objection CheckNotFrozen(const std::vector<Posting>& postings) const {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      if (book_.FindAccount(postings[i].debit_account_id)->frozen.debits) {
        return Frozen(PostingField(i, "debit_account_id"));
      }
      if (book_.FindAccount(postings[i].credit_account_id)->frozen.credits) {
        return Frozen(PostingField(i, "credit_account_id"));
      }
    }
    return std::nullopt;
  }

  static Objection Frozen(std::string param) {
    return Refuse(Reason::kAccountFrozen, "the account is frozen on that side", std::move(param));
  }

  Objection CheckCurrencies(const std::vector<Posting>& postings) const {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      if (book_.FindAccount(postings[i].debit_account_id)->terms.currency !=
          book_.FindAccount(postings[i].credit_account_id)->terms.currency) {
        return Refuse(Reason::kCurrencyMismatch, "both accounts must have the same currency",
                      PostingField(i, "credit_account_id"));
      }
    }
    return std::nullopt;
  }

  Objection CheckAccountState() const {
    if (std::holds_alternative<CloseAccount>(action()) && account_->closed) {
      return Closed("account_id");
    }
    if (std::holds_alternative<ReopenAccount>(action()) && !account_->closed) {
      return Refuse(Reason::kAccountNotClosed, "the account is open", "account_id");
    }
    return std::nullopt;
  }

  Objection CheckHoldState() const {
    switch (hold_->state) {
      case HoldState::kCaptured:
        return Refuse(Reason::kHoldAlreadyCaptured, "nothing is left of the hold", HoldField());
      case HoldState::kVoided:
        return Refuse(Reason::kHoldAlreadyVoided, "the hold was voided", HoldField());
      case HoldState::kExpired:
        return Refuse(Reason::kHoldExpired, "the hold's time is over", HoldField());
      case HoldState::kOpen:
        break;
    }
    const bool over = hold_->expire_time <= commit_time_;
    const bool expires = std::holds_alternative<ExpireHold>(action());
    if (over && !expires) {
      return Refuse(Reason::kHoldExpired, "the hold's time is over", HoldField());
    }
    if (!over && expires) {
      return Refuse(Reason::kHoldNotExpired, "the hold's time is not over", HoldField());
    }
    return std::nullopt;
  }

  Objection CheckReversible() {
    const Action& original = original_->command.action;
    const std::vector<Posting>& moved = original_->commitment()->postings;
    if (!std::holds_alternative<Post>(original) && !std::holds_alternative<Capture>(original)) {
      return Refuse(Reason::kNotReversible, "only a post or a capture can be reversed",
                    "reversal.transaction_id");
    }
    const auto count = static_cast<std::int64_t>(moved.size());
    if (reverse()->posting.value_or(0) >= count) {
      return Refuse(Reason::kNotReversible, "the transaction has no such posting",
                    "reversal.posting");
    }
    for (std::int64_t i = 0; i < count; ++i) {
      if (reverse()->posting.value_or(i) == i) plan_.reversed.push_back(i);
    }
    for (const std::int64_t i : plan_.reversed) {
      const Posting& posting = moved[static_cast<std::size_t>(i)];
      if (book_.FindAccount(posting.debit_account_id)->closed ||
          book_.FindAccount(posting.credit_account_id)->closed) {
        return Closed("reversal.transaction_id");
      }
    }
    for (const std::int64_t i : plan_.reversed) {
      const Posting& posting = moved[static_cast<std::size_t>(i)];
      // It goes the other way.
      if (book_.FindAccount(posting.credit_account_id)->frozen.debits ||
          book_.FindAccount(posting.debit_account_id)->frozen.credits) {
        return Frozen("reversal.transaction_id");
      }
    }
    for (const std::int64_t i : plan_.reversed) {
      if (book_.IsReversed(reverse()->transaction_id, i)) {
        return Refuse(Reason::kAlreadyReversed, absl::StrCat("posting ", i, " was reversed before"),
                      "reversal.transaction_id");
      }
    }
    return std::nullopt;
  }

  Objection CheckDates() {
    effective_time_ = command_.effective_time.value_or(commit_time_);
    std::string param = "effective_time";
    if (reverse() != nullptr && reverse()->at_original_time) {
      effective_time_ = original_->commitment()->effective_time;
      param = "reversal.at_original_time";
    }
    const auto* close = std::get_if<ClosePeriod>(&action());
    if (effective_time_ > commit_time_ || (close != nullptr && close->until > commit_time_)) {
      return Refuse(Reason::kEffectiveTimeInFuture, "that time has not come",
                    close != nullptr ? "until" : std::move(param));
    }
    if (close != nullptr && close->until <= book_.closed_until()) {
      return Refuse(Reason::kPeriodClosed, "the books are closed until then or later", "until");
    }
    if (effective_time_ < book_.closed_until()) {
      return Refuse(Reason::kPeriodClosed, "the books are closed for that time", std::move(param));
    }
    return std::nullopt;
  }

  Objection CheckPreconditions() const {
    for (std::size_t i = 0; i < command_.preconditions.size(); ++i) {
      const Precondition& wanted = command_.preconditions[i];
      const Account& account = *book_.FindAccount(wanted.account_id);
      const std::int64_t balance = BalanceOf(account);
      const char* field = nullptr;
      if (wanted.version.value_or(account.version) != account.version) field = "version";
      if (balance < wanted.least_balance_minor.value_or(balance)) field = "least_balance_minor";
      if (balance > wanted.most_balance_minor.value_or(balance)) field = "most_balance_minor";
      if (field != nullptr) {
        return Refuse(Reason::kPreconditionFailed, "the account is not as expected",
                      absl::StrCat("preconditions[", i, "].", field));
      }
    }
    return std::nullopt;
  }

  // ---- 5. Limits, and with them the plan

  Objection CheckLimits() {
    if (const auto* post = std::get_if<Post>(&action())) return Move(post->postings, false);
    if (const auto* hold = std::get_if<MakeHold>(&action())) return PlanHold(*hold);
    if (hold_ != nullptr) return Resolve();
    if (reverse() != nullptr) return PlanReversal();
    if (const auto* close = std::get_if<ClosePeriod>(&action())) plan_.closed_until = close->until;
    return PlanAccount();
  }

  Touch& TouchOf(const Uuid& id) {
    for (Touch& touch : plan_.touches) {
      if (touch.account.terms.account_id == id) return touch;
    }
    const Account& account = *book_.FindAccount(id);
    plan_.touches.push_back({.account = account, .change = {}, .after = account.counters});
    return plan_.touches.back();
  }

  // Posts or holds `postings`.
  Objection Move(const std::vector<Posting>& postings, bool pending) {
    plan_.touches.reserve(2 * postings.size());  // So that references stay valid.
    for (std::size_t i = 0; i < postings.size(); ++i) {
      Touch& debit = TouchOf(postings[i].debit_account_id);
      Touch& credit = TouchOf(postings[i].credit_account_id);
      const std::int64_t amount = AmountOf(postings[i], debit.after, credit.after);
      if (amount <= 0) {
        return Refuse(Reason::kNothingToMove, "the balancing amount is zero",
                      PostingField(i, "amount_minor"));
      }
      if (debit.change.debits_posted + debit.change.debits_pending == 0) debit.debited_by = i;
      if (credit.change.credits_posted + credit.change.credits_pending == 0) {
        credit.credited_by = i;
      }
      if (!CountDebit(debit, amount, pending) || !CountCredit(credit, amount, pending)) {
        return Refuse(Reason::kBalanceOverflow, "the account cannot count that much",
                      AmountField(i));
      }
      plan_.commitment.postings.push_back({.debit_account_id = postings[i].debit_account_id,
                                           .credit_account_id = postings[i].credit_account_id,
                                           .amount_minor = amount});
    }
    return CheckAccountLimits();
  }

  // A reversal's postings are not the caller's.
  std::string AmountField(std::size_t posting) const {
    return reverse() != nullptr ? "reversal.transaction_id" : PostingField(posting, "amount_minor");
  }

  Objection CheckAccountLimits() const {
    Objection credit_limit;  // Said only if no account lacks funds.
    for (const Touch& touch : plan_.touches) {
      if (DebitsPassLimit(touch.account.terms, touch.after)) {
        return Refuse(Reason::kInsufficientFunds, "the account cannot cover the amount",
                      AmountField(touch.debited_by));
      }
      if (CreditsPassLimit(touch.account.terms, touch.after) && !credit_limit) {
        credit_limit = Refuse(Reason::kCreditLimitExceeded, "credits would exceed debits",
                              AmountField(touch.credited_by));
      }
    }
    return credit_limit;
  }

  Objection PlanHold(const MakeHold& hold) {
    if (Objection objection = Move(hold.postings, true)) return objection;
    plan_.hold = Hold{.hold_id = command_.transaction_id, .postings = plan_.commitment.postings};
    if (hold.timeout) {
      plan_.hold->expire_time = commit_time_ + *hold.timeout;
      plan_.commitment.expire_time = plan_.hold->expire_time;
    }
    return std::nullopt;
  }

  // Captures, voids or expires.
  Objection Resolve() {
    plan_.hold = *hold_;
    plan_.touches.reserve(2 * hold_->postings.size());
    const auto* asked = capture();
    if (asked != nullptr && !asked->amounts_minor.empty() &&
        asked->amounts_minor.size() != hold_->postings.size()) {
      return Refuse(Reason::kCaptureExceedsHold, "one amount for each posting of the hold",
                    "capture.amounts_minor");
    }
    bool left = false;
    for (std::size_t i = 0; i < hold_->postings.size(); ++i) {
      const std::int64_t held = hold_->postings[i].amount_minor;
      std::int64_t captured = 0;
      if (asked != nullptr)
        captured = asked->amounts_minor.empty() ? held : asked->amounts_minor[i];
      if (captured > held) {
        return Refuse(Reason::kCaptureExceedsHold, "less than that is left of the hold",
                      absl::StrCat("capture.amounts_minor[", i, "]"));
      }
      const bool releases = asked == nullptr || asked->final;
      ResolvePosting(hold_->postings[i], captured, releases ? held - captured : 0);
      plan_.hold->postings[i].amount_minor = releases ? 0 : held - captured;
      left |= plan_.hold->postings[i].amount_minor > 0;
    }
    if (!left) plan_.hold->state = ResolvedState();
    return std::nullopt;
  }

  HoldState ResolvedState() const {
    if (capture() != nullptr) return HoldState::kCaptured;
    return std::holds_alternative<VoidHold>(action()) ? HoldState::kVoided : HoldState::kExpired;
  }

  // Cannot pass a limit: what is posted was pending.
  void ResolvePosting(const Posting& posting, std::int64_t captured, std::int64_t released) {
    if (captured + released == 0) return;
    Touch& debit = TouchOf(posting.debit_account_id);
    Touch& credit = TouchOf(posting.credit_account_id);
    const bool counted = CountDebit(debit, -captured - released, true) &&
                         CountCredit(credit, -captured - released, true) &&
                         CountDebit(debit, captured, false) && CountCredit(credit, captured, false);
    FLORIN_CHECK(counted, "what was pending can be posted");
    if (captured > 0) {
      plan_.commitment.postings.push_back({.debit_account_id = posting.debit_account_id,
                                           .credit_account_id = posting.credit_account_id,
                                           .amount_minor = captured});
    }
  }

  Objection PlanReversal() {
    std::vector<Posting> back;
    for (const std::int64_t i : plan_.reversed) {
      const Posting& moved = original_->commitment()->postings[static_cast<std::size_t>(i)];
      back.push_back({.debit_account_id = moved.credit_account_id,
                      .credit_account_id = moved.debit_account_id,
                      .amount_minor = moved.amount_minor});
    }
    return Move(back, false);
  }

  Objection PlanAccount() {
    if (const auto* open = std::get_if<OpenAccount>(&action())) {
      plan_.account = Account{.terms = open->terms, .counters = {}};
    }
    if (account_ != nullptr) plan_.account = *account_;
    if (std::holds_alternative<CloseAccount>(action())) plan_.account->closed = true;
    if (std::holds_alternative<ReopenAccount>(action())) plan_.account->closed = false;
    if (const auto* freeze = std::get_if<FreezeAccount>(&action())) {
      plan_.account->frozen = freeze->frozen;
    }
    const auto* line = std::get_if<SetCreditLine>(&action());
    if (line == nullptr) return std::nullopt;
    AccountTerms& terms = plan_.account->terms;
    if (!terms.debits_must_not_exceed_credits && line->credit_line_minor > 0) {
      return Refuse(Reason::kInvalidLimits, "a credit line needs debits_must_not_exceed_credits",
                    "credit_line_minor");
    }
    terms.credit_line_minor = line->credit_line_minor;
    if (!DebitsPassLimit(terms, plan_.account->counters)) return std::nullopt;
    return Refuse(Reason::kCreditLineInUse, "the account uses more than that", "credit_line_minor");
  }

  const WorkingBook& book_;
  const FindDecision decision_of_;
  const Command& command_;
  const absl::Time commit_time_;
  const Hold* hold_ = nullptr;          // That the command resolves.
  const Decision* original_ = nullptr;  // That it reverses.
  const Account* account_ = nullptr;    // That it changes.
  absl::Time effective_time_;
  Plan plan_;
};

}  // namespace

std::variant<Plan, Refusal> PlanCommand(const WorkingBook& book, FindDecision decision_of,
                                        const Command& command) {
  return Planner(book, decision_of, command).Run();
}

}  // namespace florin::ledger
