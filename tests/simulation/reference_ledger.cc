#include "tests/simulation/reference_ledger.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "absl/strings/str_cat.h"
#include "libs/text/text.h"
#include "services/ledger/domain/command_rules.h"  // Ids of openings, names of kinds, sizes.

namespace florin::simulation {
namespace {

using ledger::Action;
using ledger::Command;
using ledger::Posting;

using Wide = __int128;  // No sum here overflows it.
using Maybe = std::optional<Objection>;

constexpr Wide kMost = std::numeric_limits<std::int64_t>::max();

// ---- What the command alone shows

Maybe ShapeOfPostings(const std::vector<Posting>& postings) {
  if (postings.empty() || postings.size() > ledger::kMostPostings) {
    return Objection{Reason::kTooManyItems, {"postings"}};
  }
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const std::string path = absl::StrCat("postings[", i, "].");
    if (postings[i].debit_account_id == postings[i].credit_account_id) {
      return Objection{Reason::kSameAccount, {path + "credit_account_id"}};
    }
    if (postings[i].amount_minor < 1) {
      return Objection{Reason::kInvalidAmount, {path + "amount_minor"}};
    }
  }
  return {};
}

Maybe ShapeOf(const ledger::Post& post) { return ShapeOfPostings(post.postings); }
Maybe ShapeOf(const ledger::MakeHold& hold) {
  if (Maybe objection = ShapeOfPostings(hold.postings)) return objection;
  if (!hold.timeout) return {};
  const bool too_short = *hold.timeout < absl::Microseconds(1);
  if (!too_short && *hold.timeout <= ledger::kLongestHold) return {};
  return Objection{Reason::kInvalidTimeout, {"hold.timeout"}};
}
Maybe ShapeOf(const ledger::Capture& capture) {
  if (capture.amounts_minor.empty()) return {};
  const std::string path = "capture.amounts_minor";
  if (capture.amounts_minor.size() > ledger::kMostPostings) {
    return Objection{Reason::kTooManyItems, {path}};
  }
  Wide sum = 0;
  for (std::size_t i = 0; i < capture.amounts_minor.size(); ++i) {
    if (capture.amounts_minor[i] < 0) {
      return Objection{Reason::kInvalidAmount, {absl::StrCat(path, "[", i, "]")}};
    }
    sum += capture.amounts_minor[i];
  }
  if (sum == 0) return Objection{Reason::kInvalidAmount, {path}};
  return {};
}
Maybe ShapeOf(const ledger::Reverse& reverse) {
  const std::int64_t posting = reverse.posting.value_or(0);
  if (posting >= 0 && posting < static_cast<std::int64_t>(ledger::kMostPostings)) return {};
  return Objection{Reason::kInvalidField, {"reversal.posting"}};
}
Maybe ShapeOf(const ledger::OpenAccount& open) {
  const ledger::AccountTerms& terms = open.terms;
  if (terms.debits_must_not_exceed_credits && terms.credits_must_not_exceed_debits) {
    return Objection{Reason::kInvalidLimits, {"credits_must_not_exceed_debits"}};
  }
  if (terms.credit_line_minor == 0) return {};
  if (terms.credit_line_minor > 0 && terms.debits_must_not_exceed_credits) return {};
  return Objection{Reason::kInvalidLimits, {"credit_line_minor"}};
}
Maybe ShapeOf(const ledger::SetCreditLine& line) {
  if (line.credit_line_minor >= 0) return {};
  return Objection{Reason::kInvalidLimits, {"credit_line_minor"}};
}
Maybe ShapeOf(const ledger::VoidHold&) { return {}; }
Maybe ShapeOf(const ledger::ExpireHold&) { return {}; }
Maybe ShapeOf(const ledger::CloseAccount&) { return {}; }
Maybe ShapeOf(const ledger::ReopenAccount&) { return {}; }
Maybe ShapeOf(const ledger::ClosePeriod&) { return {}; }
Maybe ShapeOf(const ledger::FreezeAccount&) { return {}; }

bool MovesNothing(const Action& action) {
  return std::holds_alternative<ledger::OpenAccount>(action) ||
         std::holds_alternative<ledger::CloseAccount>(action) ||
         std::holds_alternative<ledger::ReopenAccount>(action) ||
         std::holds_alternative<ledger::SetCreditLine>(action) ||
         std::holds_alternative<ledger::FreezeAccount>(action) ||
         std::holds_alternative<ledger::ClosePeriod>(action);
}

Maybe ShapeOfTime(const Command& command) {
  const auto* reverse = std::get_if<ledger::Reverse>(&command.action);
  const bool other_time = reverse != nullptr && reverse->at_original_time;
  if (!command.effective_time || (!MovesNothing(command.action) && !other_time)) return {};
  return Objection{Reason::kInvalidField, {"effective_time"}};
}

Maybe ShapeOfPreconditions(const std::vector<ledger::Precondition>& preconditions) {
  if (preconditions.size() > ledger::kMostPreconditions) {
    return Objection{Reason::kInvalidPrecondition, {"preconditions"}};
  }
  for (std::size_t i = 0; i < preconditions.size(); ++i) {
    const ledger::Precondition& one = preconditions[i];
    const bool empty = !one.version && !one.least_balance_minor && !one.most_balance_minor;
    if (!empty && one.version.value_or(0) >= 0) continue;
    return Objection{Reason::kInvalidPrecondition, {absl::StrCat("preconditions[", i, "]")}};
  }
  return {};
}

Maybe ShapeOfMetadata(const ledger::Metadata& metadata) {
  Objection objection{Reason::kInvalidMetadata, {"metadata"}};
  if (metadata.size() > ledger::kMostMetadata) return objection;
  for (const auto& [key, value] : metadata) {
    if (key.empty() || key.size() > ledger::kLongestMetadataKey) return objection;
    if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != key.npos) {
      return objection;
    }
    if (value.size() > ledger::kLongestMetadataValue || !CountPlainCharacters(value)) {
      return Objection{Reason::kInvalidMetadata, {"metadata." + key}};
    }
  }
  return {};
}

Maybe ShapeOf(const Command& command) {
  if (command.malformed) return Objection{command.malformed->reason, {command.malformed->param}};
  Maybe objection = std::visit([](const auto& kind) { return ShapeOf(kind); }, command.action);
  if (!objection) objection = ShapeOfTime(command);
  if (!objection) objection = ShapeOfPreconditions(command.preconditions);
  if (!objection) objection = ShapeOfMetadata(command.metadata);
  return objection;
}

// ---- What the book says to it

struct Sums {
  Wide debits_posted = 0;
  Wide credits_posted = 0;
  Wide debits_pending = 0;
  Wide credits_pending = 0;
};

Sums SumsOf(const ledger::Counters& counters) {
  return {counters.debits_posted, counters.credits_posted, counters.debits_pending,
          counters.credits_pending};
}

// The limits, as the proto's Account says them.
bool LacksFunds(const ledger::AccountTerms& terms, const Sums& sums) {
  return terms.debits_must_not_exceed_credits &&
         sums.debits_posted + sums.debits_pending > sums.credits_posted + terms.credit_line_minor;
}
bool IsOvercredited(const ledger::AccountTerms& terms, const Sums& sums) {
  return terms.credits_must_not_exceed_debits &&
         sums.credits_posted + sums.credits_pending > sums.debits_posted;
}

// Money that moves from debit to credit, posted and pending; what a hold gives back is negative.
struct Movement {
  Uuid debit;
  Uuid credit;
  std::int64_t posted = 0;
  std::int64_t pending = 0;
};

// All that a command does.
struct Change {
  ledger::Commitment commitment;
  std::vector<Movement> movements;
  std::optional<ledger::Hold> hold;
  std::optional<ReferenceAccount> account;  // Without the entries of `movements`.
  std::set<std::pair<Uuid, std::int64_t>> reversed;
  std::optional<absl::Time> closed_until;
};

// Decides one command about one book; changes nothing.
class Decider {
 public:
  Decider(const ReferenceBook& book, const Command& command, absl::Time commit_time)
      : book_(book), command_(command), commit_time_(commit_time) {
    change_.commitment.effective_time = command.effective_time.value_or(commit_time);
  }

  Maybe Run() {
    Maybe objection = Existence();
    if (!objection) {
      objection = std::visit([this](const auto& kind) { return State(kind); }, command_.action);
    }
    if (!objection) objection = Dates();
    if (!objection) objection = Preconditions();
    if (!objection) {
      objection = std::visit([this](const auto& kind) { return Limits(kind); }, command_.action);
    }
    return objection;
  }

  const Change& change() const { return change_; }

 private:
  bool Exists(const Uuid& account) const { return book_.accounts.contains(account); }
  const ReferenceAccount& At(const Uuid& account) const { return book_.accounts.at(account); }

  Maybe Existence() const {
    Maybe objection =
        std::visit([this](const auto& kind) { return Existence(kind); }, command_.action);
    for (std::size_t i = 0; !objection && i < command_.preconditions.size(); ++i) {
      if (Exists(command_.preconditions[i].account_id)) continue;
      objection =
          Objection{Reason::kAccountNotFound, {absl::StrCat("preconditions[", i, "].account_id")}};
    }
    return objection;
  }

  // Whether `is_fine` of all accounts of the postings, in order; else `reason`.
  template <class Predicate>
  static Maybe EachAccount(const std::vector<Posting>& postings, Reason reason,
                           const Predicate& is_fine) {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      const std::string path = absl::StrCat("postings[", i, "].");
      if (!is_fine(postings[i].debit_account_id)) {
        return Objection{reason, {path + "debit_account_id"}};
      }
      if (!is_fine(postings[i].credit_account_id)) {
        return Objection{reason, {path + "credit_account_id"}};
      }
    }
    return {};
  }

  Maybe PostingsExist(const std::vector<Posting>& postings) const {
    return EachAccount(postings, Reason::kAccountNotFound,
                       [this](const Uuid& id) { return Exists(id); });
  }
  Maybe HoldExists(const Uuid& id, const char* param) const {
    if (book_.holds.contains(id)) return {};
    return Objection{Reason::kHoldNotFound, {param}};
  }
  Maybe AccountExists(const Uuid& id) const {
    if (Exists(id)) return {};
    return Objection{Reason::kAccountNotFound, {"account_id"}};
  }

  Maybe Existence(const ledger::Post& post) const { return PostingsExist(post.postings); }
  Maybe Existence(const ledger::MakeHold& hold) const { return PostingsExist(hold.postings); }
  Maybe Existence(const ledger::Capture& c) const {
    return HoldExists(c.hold_id, "capture.hold_id");
  }
  Maybe Existence(const ledger::VoidHold& v) const { return HoldExists(v.hold_id, "void.hold_id"); }
  Maybe Existence(const ledger::ExpireHold& e) const {
    return HoldExists(e.hold_id, "expire.hold_id");
  }
  Maybe Existence(const ledger::Reverse& reverse) const {
    const ledger::Decision* original = book_.Find(reverse.transaction_id);
    if (original != nullptr && original->commitment() != nullptr) return {};
    return Objection{Reason::kTransactionNotFound, {"reversal.transaction_id"}};
  }
  Maybe Existence(const ledger::CloseAccount& close) const {
    return AccountExists(close.account_id);
  }
  Maybe Existence(const ledger::ReopenAccount& open) const {
    return AccountExists(open.account_id);
  }
  Maybe Existence(const ledger::SetCreditLine& line) const {
    return AccountExists(line.account_id);
  }
  Maybe Existence(const ledger::FreezeAccount& freeze) const {
    return AccountExists(freeze.account_id);
  }
  Maybe Existence(const ledger::OpenAccount&) const { return {}; }
  Maybe Existence(const ledger::ClosePeriod&) const { return {}; }

  Maybe PostingsFit(const std::vector<Posting>& postings) const {
    Maybe objection = EachAccount(postings, Reason::kAccountClosed,
                                  [this](const Uuid& id) { return !At(id).closed; });
    for (std::size_t i = 0; !objection && i < postings.size(); ++i) {
      const std::string path = absl::StrCat("postings[", i, "].");
      if (At(postings[i].debit_account_id).frozen.debits) {
        objection = Objection{Reason::kAccountFrozen, {path + "debit_account_id"}};
      } else if (At(postings[i].credit_account_id).frozen.credits) {
        objection = Objection{Reason::kAccountFrozen, {path + "credit_account_id"}};
      }
    }
    for (std::size_t i = 0; !objection && i < postings.size(); ++i) {
      const Currency debit = At(postings[i].debit_account_id).terms.currency;
      if (debit == At(postings[i].credit_account_id).terms.currency) continue;
      objection = Objection{Reason::kCurrencyMismatch,
                            {absl::StrCat("postings[", i, "].credit_account_id")}};
    }
    return objection;
  }

  Maybe HoldIs(const Uuid& id, bool over, const char* param) const {
    const ledger::Hold& hold = book_.holds.at(id);
    std::optional<Reason> reason;
    if (hold.state == ledger::HoldState::kCaptured) reason = Reason::kHoldAlreadyCaptured;
    if (hold.state == ledger::HoldState::kVoided) reason = Reason::kHoldAlreadyVoided;
    if (hold.state == ledger::HoldState::kExpired) reason = Reason::kHoldExpired;
    if (!reason && (commit_time_ >= hold.expire_time) != over) {
      reason = over ? Reason::kHoldNotExpired : Reason::kHoldExpired;
    }
    if (!reason) return {};
    return Objection{*reason, {param}};
  }

  Maybe State(const ledger::Post& post) { return PostingsFit(post.postings); }
  Maybe State(const ledger::MakeHold& hold) { return PostingsFit(hold.postings); }
  Maybe State(const ledger::Capture& c) { return HoldIs(c.hold_id, false, "capture.hold_id"); }
  Maybe State(const ledger::VoidHold& v) { return HoldIs(v.hold_id, false, "void.hold_id"); }
  Maybe State(const ledger::ExpireHold& e) { return HoldIs(e.hold_id, true, "expire.hold_id"); }
  Maybe State(const ledger::Reverse& reverse) {
    const ledger::Decision& original = *book_.Find(reverse.transaction_id);
    const std::vector<Posting>& moved = original.commitment()->postings;
    if (!std::holds_alternative<ledger::Post>(original.command.action) &&
        !std::holds_alternative<ledger::Capture>(original.command.action)) {
      return Objection{Reason::kNotReversible, {"reversal.transaction_id"}};
    }
    const auto count = static_cast<std::int64_t>(moved.size());
    if (reverse.posting && *reverse.posting >= count) {
      return Objection{Reason::kNotReversible, {"reversal.posting"}};
    }
    bool closed = false;
    bool frozen = false;
    bool before = false;
    for (std::int64_t i = 0; i < count; ++i) {
      if (reverse.posting && *reverse.posting != i) continue;
      const Posting& posting = moved[static_cast<std::size_t>(i)];
      closed |= At(posting.debit_account_id).closed || At(posting.credit_account_id).closed;
      frozen |= At(posting.credit_account_id).frozen.debits;
      frozen |= At(posting.debit_account_id).frozen.credits;
      before |= book_.reversed.contains({reverse.transaction_id, i});
      change_.reversed.emplace(reverse.transaction_id, i);
    }
    if (reverse.at_original_time) {
      change_.commitment.effective_time = original.commitment()->effective_time;
    }
    if (closed) return Objection{Reason::kAccountClosed, {"reversal.transaction_id"}};
    if (frozen) return Objection{Reason::kAccountFrozen, {"reversal.transaction_id"}};
    if (before) return Objection{Reason::kAlreadyReversed, {"reversal.transaction_id"}};
    return {};
  }
  Maybe State(const ledger::CloseAccount& close) {
    if (!At(close.account_id).closed) return {};
    return Objection{Reason::kAccountClosed, {"account_id"}};
  }
  Maybe State(const ledger::ReopenAccount& open) {
    if (At(open.account_id).closed) return {};
    return Objection{Reason::kAccountNotClosed, {"account_id"}};
  }
  Maybe State(const ledger::SetCreditLine&) { return {}; }
  Maybe State(const ledger::FreezeAccount&) { return {}; }
  Maybe State(const ledger::OpenAccount&) { return {}; }
  Maybe State(const ledger::ClosePeriod&) { return {}; }

  Maybe Dates() const {
    if (const auto* close = std::get_if<ledger::ClosePeriod>(&command_.action)) {
      if (close->until > commit_time_) {
        return Objection{Reason::kEffectiveTimeInFuture, {"until"}};
      }
      if (close->until <= book_.closed_until) return Objection{Reason::kPeriodClosed, {"until"}};
      return {};
    }
    const auto* reverse = std::get_if<ledger::Reverse>(&command_.action);
    const bool original = reverse != nullptr && reverse->at_original_time;
    const std::string param = original ? "reversal.at_original_time" : "effective_time";
    const absl::Time effective = change_.commitment.effective_time;
    if (effective > commit_time_) return Objection{Reason::kEffectiveTimeInFuture, {param}};
    if (effective < book_.closed_until) return Objection{Reason::kPeriodClosed, {param}};
    return {};
  }

  Maybe Preconditions() const {
    for (std::size_t i = 0; i < command_.preconditions.size(); ++i) {
      const ledger::Precondition& wanted = command_.preconditions[i];
      const ledger::Account account = book_.AccountNow(wanted.account_id);
      const Sums sums = SumsOf(account.counters);
      Wide balance = sums.debits_posted - sums.credits_posted;
      if (account.terms.normal_side == ledger::NormalSide::kCredit) balance = -balance;
      const std::string path = absl::StrCat("preconditions[", i, "].");
      Objection objection{Reason::kPreconditionFailed, {}};
      if (wanted.version && *wanted.version != account.version) {
        objection.params.push_back(path + "version");
      }
      if (wanted.least_balance_minor && balance < *wanted.least_balance_minor) {
        objection.params.push_back(path + "least_balance_minor");
      }
      if (wanted.most_balance_minor && balance > *wanted.most_balance_minor) {
        objection.params.push_back(path + "most_balance_minor");
      }
      if (!objection.params.empty()) return objection;
    }
    return {};
  }

  // Moves `postings` one after the other, each seeing what those before it did; the limits bind
  // after the last.
  Maybe Move(const std::vector<Posting>& postings, bool pending) {
    const bool reverses = std::holds_alternative<ledger::Reverse>(command_.action);
    std::map<Uuid, Sums> after;
    Objection funds{Reason::kInsufficientFunds, {}};
    Objection credits{Reason::kCreditLimitExceeded, {}};
    for (const Posting& posting : postings) {
      for (const Uuid& id : {posting.debit_account_id, posting.credit_account_id}) {
        after.emplace(id, SumsOf(book_.AccountNow(id).counters));
      }
    }
    const auto param = [reverses](std::size_t i) -> std::string {
      if (reverses) return "reversal.transaction_id";
      return absl::StrCat("postings[", i, "].amount_minor");
    };
    for (std::size_t i = 0; i < postings.size(); ++i) {
      Sums& debit = after.at(postings[i].debit_account_id);
      Sums& credit = after.at(postings[i].credit_account_id);
      Wide amount = postings[i].amount_minor;
      if (postings[i].balancing_debit) {
        amount =
            std::min(amount, debit.credits_posted - debit.debits_posted - debit.debits_pending);
      }
      if (postings[i].balancing_credit) {
        amount =
            std::min(amount, credit.debits_posted - credit.credits_posted - credit.credits_pending);
      }
      if (amount < 1) return Objection{Reason::kNothingToMove, {param(i)}};
      (pending ? debit.debits_pending : debit.debits_posted) += amount;
      (pending ? credit.credits_pending : credit.credits_posted) += amount;
      if (debit.debits_posted + debit.debits_pending > kMost ||
          credit.credits_posted + credit.credits_pending > kMost) {
        return Objection{Reason::kBalanceOverflow, {param(i)}};
      }
      const auto exact = static_cast<std::int64_t>(amount);
      change_.movements.push_back({.debit = postings[i].debit_account_id,
                                   .credit = postings[i].credit_account_id,
                                   .posted = pending ? 0 : exact,
                                   .pending = pending ? exact : 0});
      change_.commitment.postings.push_back({.debit_account_id = postings[i].debit_account_id,
                                             .credit_account_id = postings[i].credit_account_id,
                                             .amount_minor = exact});
    }
    for (std::size_t i = 0; i < postings.size(); ++i) {
      const Uuid& debit = postings[i].debit_account_id;
      const Uuid& credit = postings[i].credit_account_id;
      if (LacksFunds(At(debit).terms, after.at(debit))) funds.params.push_back(param(i));
      if (IsOvercredited(At(credit).terms, after.at(credit))) credits.params.push_back(param(i));
    }
    if (!funds.params.empty()) return funds;
    if (!credits.params.empty()) return credits;
    return {};
  }

  Maybe Limits(const ledger::Post& post) { return Move(post.postings, false); }

  Maybe Limits(const ledger::MakeHold& asked) {
    if (Maybe objection = Move(asked.postings, true)) return objection;
    if (asked.timeout) change_.commitment.expire_time = commit_time_ + *asked.timeout;
    ledger::Hold hold;
    hold.hold_id = command_.transaction_id;
    hold.expire_time = change_.commitment.expire_time.value_or(absl::InfiniteFuture());
    hold.postings = change_.commitment.postings;
    change_.hold = hold;
    return {};
  }

  Maybe Limits(const ledger::Reverse& reverse) {
    std::vector<Posting> back;
    for (const auto& [id, number] : change_.reversed) {
      const auto& moved = book_.Find(reverse.transaction_id)->commitment()->postings;
      Posting posting = moved[static_cast<std::size_t>(number)];
      std::swap(posting.debit_account_id, posting.credit_account_id);
      back.push_back(posting);
    }
    return Move(back, false);
  }

  Maybe Limits(const ledger::Capture& capture) {
    ledger::Hold hold = book_.holds.at(capture.hold_id);
    std::vector<std::int64_t> amounts = capture.amounts_minor;
    if (amounts.empty()) {
      for (const Posting& posting : hold.postings) amounts.push_back(posting.amount_minor);
    }
    if (amounts.size() != hold.postings.size()) {
      return Objection{Reason::kCaptureExceedsHold, {"capture.amounts_minor"}};
    }
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      if (amounts[i] <= hold.postings[i].amount_minor) continue;
      return Objection{Reason::kCaptureExceedsHold,
                       {absl::StrCat("capture.amounts_minor[", i, "]")}};
    }
    Resolve(hold, amounts, capture.final, ledger::HoldState::kCaptured);
    return {};
  }
  Maybe Limits(const ledger::VoidHold& release) {
    ledger::Hold hold = book_.holds.at(release.hold_id);
    Resolve(hold, std::vector<std::int64_t>(hold.postings.size()), true,
            ledger::HoldState::kVoided);
    return {};
  }
  Maybe Limits(const ledger::ExpireHold& release) {
    ledger::Hold hold = book_.holds.at(release.hold_id);
    Resolve(hold, std::vector<std::int64_t>(hold.postings.size()), true,
            ledger::HoldState::kExpired);
    return {};
  }

  // Posts `amounts` of what is held; `all` gives back the rest. `state` once nothing is left.
  void Resolve(ledger::Hold hold, const std::vector<std::int64_t>& amounts, bool all,
               ledger::HoldState state) {
    bool left = false;
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      Posting& held = hold.postings[i];
      const std::int64_t gone = all ? held.amount_minor : amounts[i];
      held.amount_minor -= gone;
      left |= held.amount_minor > 0;
      if (gone == 0) continue;
      change_.movements.push_back({.debit = held.debit_account_id,
                                   .credit = held.credit_account_id,
                                   .posted = amounts[i],
                                   .pending = -gone});
      if (amounts[i] == 0) continue;
      change_.commitment.postings.push_back({.debit_account_id = held.debit_account_id,
                                             .credit_account_id = held.credit_account_id,
                                             .amount_minor = amounts[i]});
    }
    if (!left) hold.state = state;
    change_.hold = hold;
  }

  Maybe Limits(const ledger::OpenAccount& open) {
    change_.account = ReferenceAccount{.terms = open.terms, .entries = {}};
    return {};
  }
  Maybe Limits(const ledger::CloseAccount& close) {
    change_.account = At(close.account_id);
    change_.account->closed = true;
    return {};
  }
  Maybe Limits(const ledger::ReopenAccount& open) {
    change_.account = At(open.account_id);
    change_.account->closed = false;
    return {};
  }
  Maybe Limits(const ledger::SetCreditLine& line) {
    change_.account = At(line.account_id);
    ledger::AccountTerms& terms = change_.account->terms;
    terms.credit_line_minor = line.credit_line_minor;
    if (line.credit_line_minor > 0 && !terms.debits_must_not_exceed_credits) {
      return Objection{Reason::kInvalidLimits, {"credit_line_minor"}};
    }
    if (!LacksFunds(terms, SumsOf(book_.AccountNow(line.account_id).counters))) return {};
    return Objection{Reason::kCreditLineInUse, {"credit_line_minor"}};
  }
  Maybe Limits(const ledger::FreezeAccount& freeze) {
    change_.account = At(freeze.account_id);
    change_.account->frozen = freeze.frozen;
    return {};
  }
  Maybe Limits(const ledger::ClosePeriod& close) {
    change_.closed_until = close.until;
    return {};
  }

  const ReferenceBook& book_;
  const Command& command_;
  const absl::Time commit_time_;
  Change change_;
};

// ---- What follows from a decision

// One entry for each account that `movements` name.
void Enter(const std::vector<Movement>& movements, std::int64_t sequence, ReferenceBook& book) {
  std::map<Uuid, ledger::Counters> changes;
  for (const Movement& movement : movements) {
    changes[movement.debit].debits_posted += movement.posted;
    changes[movement.debit].debits_pending += movement.pending;
    changes[movement.credit].credits_posted += movement.posted;
    changes[movement.credit].credits_pending += movement.pending;
  }
  for (const auto& [id, change] : changes) {
    ledger::Counters after = book.AccountNow(id).counters;
    after.debits_posted += change.debits_posted;
    after.credits_posted += change.credits_posted;
    after.debits_pending += change.debits_pending;
    after.credits_pending += change.credits_pending;
    std::vector<ledger::Entry>& entries = book.accounts.at(id).entries;
    entries.push_back({.account_id = id,
                       .version = static_cast<std::int64_t>(entries.size()) + 1,
                       .sequence = sequence,
                       .change = change,
                       .after = after});
  }
}

// The commitment of `change`, which the book has from now on.
ledger::Commitment Take(const Change& change, ReferenceBook& book) {
  const auto sequence = static_cast<std::int64_t>(book.journal.size()) + 1;
  if (change.account) {
    book.accounts.insert_or_assign(change.account->terms.account_id, *change.account);
  }
  Enter(change.movements, sequence, book);
  if (change.hold) book.holds.insert_or_assign(change.hold->hold_id, *change.hold);
  book.reversed.insert(change.reversed.begin(), change.reversed.end());
  if (change.closed_until) book.closed_until = *change.closed_until;
  return change.commitment;
}

// ---- Ids that were seen before

void Compare(const std::vector<Posting>& a, const std::vector<Posting>& b,
             std::vector<std::string>& differ) {
  if (a.size() != b.size()) return differ.push_back("postings");
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::string path = absl::StrCat("postings[", i, "].");
    if (a[i].debit_account_id != b[i].debit_account_id) differ.push_back(path + "debit_account_id");
    if (a[i].credit_account_id != b[i].credit_account_id) {
      differ.push_back(path + "credit_account_id");
    }
    if (a[i].amount_minor != b[i].amount_minor) differ.push_back(path + "amount_minor");
    if (a[i].balancing_debit != b[i].balancing_debit) differ.push_back(path + "balancing_debit");
    if (a[i].balancing_credit != b[i].balancing_credit) differ.push_back(path + "balancing_credit");
  }
}

using Names = std::vector<std::string>;

void Compare(const ledger::Post& a, const ledger::Post& b, Names& differ) {
  Compare(a.postings, b.postings, differ);
}
void Compare(const ledger::MakeHold& a, const ledger::MakeHold& b, Names& differ) {
  Compare(a.postings, b.postings, differ);
  if (a.timeout != b.timeout) differ.push_back("hold.timeout");
}
void Compare(const ledger::Capture& a, const ledger::Capture& b, Names& differ) {
  if (a.hold_id != b.hold_id) differ.push_back("capture.hold_id");
  if (a.amounts_minor != b.amounts_minor) differ.push_back("capture.amounts_minor");
  if (a.final != b.final) differ.push_back("capture.final");
}
void Compare(const ledger::VoidHold& a, const ledger::VoidHold& b, Names& differ) {
  if (a.hold_id != b.hold_id) differ.push_back("void.hold_id");
}
void Compare(const ledger::ExpireHold& a, const ledger::ExpireHold& b, Names& differ) {
  if (a.hold_id != b.hold_id) differ.push_back("expire.hold_id");
}
void Compare(const ledger::Reverse& a, const ledger::Reverse& b, Names& differ) {
  if (a.transaction_id != b.transaction_id) differ.push_back("reversal.transaction_id");
  if (a.posting != b.posting) differ.push_back("reversal.posting");
  if (a.at_original_time != b.at_original_time) differ.push_back("reversal.at_original_time");
}
void Compare(const ledger::OpenAccount& first, const ledger::OpenAccount& second, Names& differ) {
  const ledger::AccountTerms& a = first.terms;
  const ledger::AccountTerms& b = second.terms;
  if (a.currency != b.currency) differ.push_back("currency");
  if (a.normal_side != b.normal_side) differ.push_back("normal_side");
  if (a.debits_must_not_exceed_credits != b.debits_must_not_exceed_credits) {
    differ.push_back("debits_must_not_exceed_credits");
  }
  if (a.credits_must_not_exceed_debits != b.credits_must_not_exceed_debits) {
    differ.push_back("credits_must_not_exceed_debits");
  }
  if (a.credit_line_minor != b.credit_line_minor) differ.push_back("credit_line_minor");
}
void Compare(const ledger::CloseAccount& a, const ledger::CloseAccount& b, Names& differ) {
  if (a.account_id != b.account_id) differ.push_back("account_id");
}
void Compare(const ledger::ReopenAccount& a, const ledger::ReopenAccount& b, Names& differ) {
  if (a.account_id != b.account_id) differ.push_back("account_id");
}
void Compare(const ledger::SetCreditLine& a, const ledger::SetCreditLine& b, Names& differ) {
  if (a.account_id != b.account_id) differ.push_back("account_id");
  if (a.credit_line_minor != b.credit_line_minor) differ.push_back("credit_line_minor");
}
void Compare(const ledger::FreezeAccount& a, const ledger::FreezeAccount& b, Names& differ) {
  if (a.account_id != b.account_id) differ.push_back("account_id");
  if (a.frozen.debits != b.frozen.debits) differ.push_back("freeze.debits");
  if (a.frozen.credits != b.frozen.credits) differ.push_back("freeze.credits");
}
void Compare(const ledger::ClosePeriod& a, const ledger::ClosePeriod& b, Names& differ) {
  if (a.until != b.until) differ.push_back("until");
}

// All fields in which a command differs from the one that was decided under its id.
Names DifferingFields(const Command& first, const Command& second) {
  if (second.malformed) return {second.malformed->param};
  Names differ;
  if (first.action.index() != second.action.index()) {
    differ.push_back("kind");
  } else {
    std::visit(
        [&]<class Kind>(const Kind& kind) { Compare(kind, std::get<Kind>(second.action), differ); },
        first.action);
  }
  if (first.effective_time != second.effective_time) differ.push_back("effective_time");
  if (first.metadata != second.metadata) differ.push_back("metadata");
  if (first.preconditions != second.preconditions) differ.push_back("preconditions");
  if (first.linked_to_next != second.linked_to_next) differ.push_back("linked_to_next");
  return differ;
}

// What the command alone shows, or the use of its id, leaves the id free for another command.
bool LeavesIdFree(Reason reason) {
  static const std::set<Reason> reasons = {
      Reason::kIdConflict,    Reason::kInvalidId,       Reason::kInvalidField,
      Reason::kMissingField,  Reason::kLinkedChainOpen, Reason::kTooManyItems,
      Reason::kSameAccount,   Reason::kInvalidAmount,   Reason::kInvalidTimeout,
      Reason::kInvalidLimits, Reason::kInvalidMetadata, Reason::kInvalidPrecondition};
  return reasons.contains(reason);
}

Verdict Refused(const Command& command, const Objection& objection, bool remembered) {
  ledger::Refusal refusal{.reason = objection.reason,
                          .message = "",
                          .param = objection.params.empty() ? "" : objection.params[0],
                          .remembered = remembered};
  return {.outcome = {.decision = {.command = command, .commit_time = {}, .fate = refusal}},
          .params = objection.params};
}

Verdict Committed(const Command& command, const ledger::Commitment& commitment) {
  return {.outcome = {.decision = {.command = command, .commit_time = {}, .fate = commitment}},
          .params = {}};
}

// The place of the first that repeats an id of those before it; the end if none does.
std::size_t FirstRepeated(const std::vector<Command>& group) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (group[k].transaction_id == group[i].transaction_id) return i;
    }
  }
  return group.size();
}

}  // namespace

absl::Time ReferenceBook::LastCommitTime() const {
  return journal.empty() ? absl::UnixEpoch() : journal.back().outcome.decision.commit_time;
}

const ledger::Decision* ReferenceBook::Find(const Uuid& id) const {
  const auto place = places.find(id);
  return place == places.end() ? nullptr : &journal[place->second].outcome.decision;
}

ledger::Account ReferenceBook::AccountNow(const Uuid& id) const {
  const ReferenceAccount& account = accounts.at(id);
  ledger::Counters sum;
  for (const ledger::Entry& entry : account.entries) {
    sum.debits_posted += entry.change.debits_posted;
    sum.credits_posted += entry.change.credits_posted;
    sum.debits_pending += entry.change.debits_pending;
    sum.credits_pending += entry.change.credits_pending;
  }
  return {.terms = account.terms,
          .counters = sum,
          .version = static_cast<std::int64_t>(account.entries.size()),
          .closed = account.closed,
          .frozen = account.frozen};
}

std::vector<Verdict> ReferenceLedger::Commit(const std::vector<Command>& commands, absl::Time now) {
  std::vector<Verdict> verdicts;
  std::vector<Command> group;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    group.push_back(commands[i]);
    if (commands[i].linked_to_next && i + 1 < commands.size()) continue;
    for (Verdict& verdict : DecideGroup(group, now)) verdicts.push_back(std::move(verdict));
    group.clear();
  }
  return verdicts;
}

std::vector<Verdict> ReferenceLedger::DryRun(const std::vector<Command>& commands,
                                             absl::Time now) const {
  ReferenceLedger copy = *this;
  return copy.Commit(commands, now);
}

std::vector<Verdict> ReferenceLedger::DecideGroup(const std::vector<Command>& group,
                                                  absl::Time now) {
  std::vector<Verdict> verdicts;
  const auto known = std::count_if(group.begin(), group.end(), [this](const Command& command) {
    return book_.places.contains(command.transaction_id);
  });
  if (known > 0) {
    const bool all = known == static_cast<std::ptrdiff_t>(group.size());
    for (const Command& command : group) {
      const bool seen = book_.places.contains(command.transaction_id);
      const Objection conflict{Reason::kIdConflict, {"linked_to_next"}};
      const Objection broken{Reason::kLinkedTransactionFailed, {}};
      verdicts.push_back(all ? Repeat(command) : Refused(command, seen ? conflict : broken, false));
    }
    return verdicts;
  }

  std::optional<ReferenceBook> before;  // One command alone changes nothing if it is refused.
  if (group.size() > 1) before = book_;
  Maybe objection;
  std::size_t breaker = FirstRepeated(group);
  if (breaker < group.size()) objection = Objection{Reason::kIdConflict, {"transaction_id"}};
  for (std::size_t i = 0; !objection && i < group.size(); ++i) {
    breaker = i;
    objection = ShapeOf(group[i]);
  }
  for (std::size_t i = 0; !objection && i < group.size(); ++i) {
    breaker = i;
    const absl::Time commit_time = std::max(now, book_.LastCommitTime() + absl::Microseconds(1));
    Decider decider(book_, group[i], commit_time);
    objection = decider.Run();
    if (!objection) {
      const ledger::Commitment commitment = Take(decider.change(), book_);
      verdicts.push_back(Record(Committed(group[i], commitment), now));
    }
  }
  if (!objection) return verdicts;

  if (before) book_ = *std::move(before);
  verdicts.clear();
  const bool remembered = !LeavesIdFree(objection->reason) &&
                          !std::holds_alternative<ledger::ExpireHold>(group[breaker].action);
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Objection other{Reason::kLinkedTransactionFailed, {}};
    Verdict verdict = Refused(group[i], i == breaker ? *objection : other, remembered);
    verdicts.push_back(remembered ? Record(std::move(verdict), now) : std::move(verdict));
  }
  return verdicts;
}

Verdict ReferenceLedger::Repeat(const Command& command) const {
  Verdict first = book_.journal[book_.places.at(command.transaction_id)];
  const Names differ = DifferingFields(first.outcome.decision.command, command);
  if (!differ.empty()) return Refused(command, {Reason::kIdConflict, differ}, false);
  first.outcome.replayed = true;
  return first;
}

Verdict ReferenceLedger::Record(Verdict verdict, absl::Time now) {
  ledger::Decision& decision = verdict.outcome.decision;
  decision.commit_time = std::max(now, book_.LastCommitTime() + absl::Microseconds(1));
  book_.places.emplace(decision.command.transaction_id, book_.journal.size());
  decision.sequence = static_cast<std::int64_t>(book_.journal.size()) + 1;
  book_.journal.push_back(verdict);
  return verdict;
}

ReferenceLedger::Opening ReferenceLedger::OpenAccounts(
    const std::vector<ledger::AccountTerms>& accounts, absl::Time now) {
  std::vector<Command> commands;
  for (const ledger::AccountTerms& terms : accounts) {
    Command command;
    command.transaction_id = ledger::OpeningIdOf(terms.account_id);
    command.action = ledger::OpenAccount{terms};
    commands.push_back(std::move(command));
  }
  ReferenceBook before = book_;
  const std::vector<Verdict> verdicts = Commit(commands, now);
  Opening opening;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const ledger::Refusal* refusal = verdicts[i].outcome.decision.refusal();
    if (refusal == nullptr) continue;
    opening.objection = Objection{refusal->reason, {}};
    for (const std::string& param : verdicts[i].params) {
      opening.objection->params.push_back(absl::StrCat("accounts[", i, "].", param));
    }
    book_ = std::move(before);
    return opening;
  }
  for (const ledger::AccountTerms& terms : accounts) {
    opening.accounts.push_back(book_.AccountNow(terms.account_id));
  }
  return opening;
}

std::vector<Uuid> ReferenceLedger::ExpiredHolds(absl::Time now, int limit) const {
  std::set<std::pair<absl::Time, Uuid>> over;
  for (const auto& [id, hold] : book_.holds) {
    if (hold.state == ledger::HoldState::kOpen && hold.expire_time <= now) {
      over.emplace(hold.expire_time, id);
    }
  }
  std::vector<Uuid> ids;
  for (const auto& [time, id] : over) {
    if (static_cast<int>(ids.size()) < limit) ids.push_back(id);
  }
  return ids;
}

}  // namespace florin::simulation
