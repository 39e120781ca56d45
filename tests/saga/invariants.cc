#include "tests/saga/invariants.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"
#include "services/payments/domain/state_machine.h"
#include "services/payments/domain/step_transaction.h"
#include "services/payments/domain/way_back.h"
#include "tests/saga/book_invariants.h"
#include "tests/saga/bulk_invariants.h"
#include "tests/saga/order_invariants.h"
#include "tests/saga/payee_invariants.h"

namespace florin::saga {

using payments::Payment;
using payments::Step;

std::string Text(const Payment& payment) {
  return absl::StrCat(FormatId(IdKind::kPayment, payment.payment_id), " (",
                      std::string(payments::NameOf(payment.state)), " ", payment.failure_reason,
                      ")");
}

std::string Text(const Step& step) {
  return absl::StrCat("the ", std::string(payments::NameOf(step.kind)), " of ", step.amount_minor,
                      " (", std::string(payments::NameOf(step.state)), " ", step.failure_reason,
                      ") of ", FormatId(IdKind::kPayment, step.payment_id));
}

namespace {

using payments::State;
using payments::StepKind;
using payments::StepState;

// ---- Always

std::int64_t SumOf(const std::vector<Step>& steps, StepKind kind, StepState state) {
  std::int64_t sum = 0;
  for (const Step& step : steps) {
    if (step.kind == kind && step.state == state) sum += step.amount_minor;
  }
  return sum;
}

void WithinWhatWasAuthorized(World&, const View& view, const Complain& complain) {
  for (const Payment& payment : view.payments) {
    const std::vector<Step>& steps = view.steps.at(payment.payment_id);
    const payments::Counters& counters = payment.counters;
    const std::int64_t captured = payments::CapturedOf(payment);
    const std::int64_t refunded = SumOf(steps, StepKind::kRefund, StepState::kSucceeded);
    if (payment.authorization_timeout &&
        (counters.captured_minor != SumOf(steps, StepKind::kCapture, StepState::kSucceeded) ||
         counters.capturing_minor != SumOf(steps, StepKind::kCapture, StepState::kProcessing))) {
      complain(absl::StrCat("captures are counted wrongly: ", Text(payment)));
    }
    if (counters.captured_minor + counters.capturing_minor > payment.amount.minor_units) {
      complain(absl::StrCat("captured above what was authorized: ", Text(payment)));
    }
    if (refunded > captured || counters.refunded_minor + counters.disputed_minor > captured ||
        counters.refunded_minor !=
            refunded + SumOf(steps, StepKind::kRefund, StepState::kProcessing)) {
      complain(absl::StrCat("refunded above what was captured: ", Text(payment)));
    }
  }
}

// Whether what a step was about is with the payer, or on its way, and no longer the payee's.
bool IsAway(const View& view, const Step& step) {
  if (step.state == StepState::kFailed) return false;
  if (step.kind == StepKind::kRefund) return true;
  if (step.kind != StepKind::kDispute) return false;
  if (step.state == StepState::kProcessing) return true;
  for (const payments::Dispute& dispute : view.disputes.at(step.payment_id)) {
    if (dispute.dispute_id != step.step_id) continue;
    return dispute.state != payments::DisputeState::kWon &&
           dispute.state != payments::DisputeState::kWithdrawn;
  }
  return false;
}

// Of several payees nobody gives back more than he got; and what the parts of a conversion took
// from the payee and the house is that of the whole, rounded against the payee.
void EachGivesBackHisOwn(World&, const View& view, const Complain& complain) {
  for (const Payment& payment : view.payments) {
    if (!payment.pricing) continue;
    std::map<Uuid, std::int64_t> away;
    payments::Returned returned;
    std::int64_t back = 0;
    for (const Step& step : view.steps.at(payment.payment_id)) {
      if (!IsAway(view, step)) continue;
      away[payments::PayeeOf(payment, step)] += step.amount_minor;
      returned = payments::Sum(returned, step.returned);
      back += step.amount_minor;
    }
    for (const payments::Split& split : payment.pricing->splits) {
      if (away[split.destination_account_id] <= split.amount_minor) continue;
      complain(absl::StrCat("one of several gave back more than he got: ", Text(payment)));
    }
    if (returned != payment.counters.returned) {
      complain(absl::StrCat("what came back of a conversion is counted wrongly: ", Text(payment)));
    }
    const auto& conversion = payment.pricing->conversion;
    if (!conversion) continue;
    const std::int64_t sold = payment.amount.minor_units;
    const std::int64_t got = conversion->destination.minor_units;
    const bool all = back == sold;
    const bool exact = returned.payee_minor == got &&
                       returned.spread_minor == conversion->spread_minor &&
                       returned.rounding_minor == conversion->rounding_minor;
    // A refusal may leave a unit to the next part.
    if (returned.payee_minor > got || (all && !exact) ||
        (returned.payee_minor + 1) * sold < got * back) {
      complain(absl::StrCat("a conversion goes back at another rate: ", Text(payment)));
    }
  }
}

void CheckOverdrafts(const ledger::LoadedBook& book, const Complain& complain) {
  std::map<std::string, std::int64_t> posted;
  std::map<std::string, std::int64_t> pending;
  for (const auto& [id, account] : book.accounts) {
    const ledger::Counters& counters = account.counters;
    const std::string currency(account.terms.currency.code());
    posted[currency] += counters.credits_posted - counters.debits_posted;
    pending[currency] += counters.credits_pending - counters.debits_pending;
    if (account.terms.debits_must_not_exceed_credits &&
        counters.credits_posted + account.terms.credit_line_minor <
            counters.debits_posted + counters.debits_pending) {
      complain(FormatId(IdKind::kAccount, id) + " is overdrawn");
    }
  }
  for (const auto* sums : {&posted, &pending}) {
    for (const auto& [currency, sum] : *sums) {
      if (sum != 0) complain(absl::StrCat("debits are not credits in ", currency, ": ", sum));
    }
  }
}

void NobodyIsOverdrawn(World&, const View& view, const Complain& complain) {
  CheckOverdrafts(view.book, complain);
  CheckOverdrafts(view.other, complain);
}

// ---- At the end

void EverythingHasEndedOrWaits(World& world, const View& view, const Complain& complain) {
  const absl::Time now = world.kept().clock.Now();
  for (const Payment& payment : view.payments) {
    const bool at_the_rail =
        view.payouts.contains(payment.payment_id) &&
        view.payouts.at(payment.payment_id).stage == payments::PayoutStage::kSent &&
        world.RailIsSilent(payment.payment_id, now);
    const bool waits =
        at_the_rail ||
        (payment.state == State::kRequiresCapture && *payment.authorization_expire_time > now) ||
        (payment.state == State::kRequiresAction && payment.approval->expire_time > now);
    if (!waits && !payments::IsTerminal(payment.state)) {
      complain(absl::StrCat("neither ended nor waiting: ", Text(payment)));
    }
    for (const Step& step : view.steps.at(payment.payment_id)) {
      if (step.state == StepState::kProcessing) complain(absl::StrCat("not ended: ", Text(step)));
    }
    for (const payments::Dispute& dispute : view.disputes.at(payment.payment_id)) {
      if (!dispute.deciding_step_id.is_nil()) {
        complain(absl::StrCat("still being decided: a dispute of ", Text(payment)));
      }
    }
  }
}

void AKeyHasOneEffect(World& world, const View& view, const Complain& complain) {
  for (const std::string& what : view.disagreements) complain(what);
  for (const Payment& payment : view.payments) {
    if (!view.asked.contains(payment.payment_id)) {
      complain(absl::StrCat("a payment that no key stands for: ", Text(payment)));
    }
  }
  std::set<Uuid> steps;
  for (const auto& [id, promise] : view.step_promises) steps.insert(id);
  for (const Promise& promise : world.promises()) {
    if (promise.step && promise.ended && !steps.contains(promise.ended->step_id)) {
      complain(promise.key + " was told of a step that is not kept");
    }
  }
}

void WhatWasToldIsKept(World& world, const View& view, const Complain& complain) {
  std::map<Uuid, const Payment*> payments;
  std::map<Uuid, const Step*> steps;
  for (const Payment& payment : view.payments) {
    payments[payment.payment_id] = &payment;
    for (const Step& step : view.steps.at(payment.payment_id)) steps[step.step_id] = &step;
  }
  for (const Promise& promise : world.promises()) {
    if (promise.payment && payments.contains(promise.payment->payment_id)) {
      const Payment& kept = *payments.at(promise.payment->payment_id);
      const bool ended = payments::IsTerminal(promise.payment->state);
      // What a rail has paid it may return.
      const bool same =
          (kept.state == promise.payment->state &&
           kept.failure_reason == promise.payment->failure_reason) ||
          (kept.state == State::kReturned && promise.payment->state == State::kSucceeded);
      if (ended && !same) complain(absl::StrCat(promise.key, " was told otherwise: ", Text(kept)));
      const Money& asked = promise.payout ? promise.payout->amount : promise.request->amount;
      if (kept.amount != asked) complain(promise.key + " has another amount");
    }
    if (promise.ended && steps.contains(promise.ended->step_id) &&
        *steps.at(promise.ended->step_id) != *promise.ended) {
      complain(absl::StrCat(promise.key,
                            " was told otherwise: ", Text(*steps.at(promise.ended->step_id))));
    }
  }
}

// What is wrong with a payment's own transaction; empty: nothing.
std::string Disagreement(const View& view, const Payment& payment) {
  const ledger::Decision* const decision = DecisionOf(view, payment.transaction_id);
  const bool committed = decision != nullptr && decision->commitment() != nullptr;
  const ledger::LoadedBook& book = view.In(SourceBookOf(payment));
  const bool holds = committed && book.holds.contains(payment.transaction_id);
  const bool refused = decision != nullptr && decision->refusal() != nullptr;
  if (payment.failure_reason == InfoOf(Reason::kLimitExceeded).name) {
    // By one of each payment for itself the ledger was not even asked.
    return decision == nullptr || refused ? "" : "the ledger moved what a limit refuses";
  }
  if (payments::AreApart(payment)) return "";                          // In book_invariants.h.
  if (payment.kind == payments::Kind::kPayout && !refused) return "";  // Has a rail to agree with.
  switch (payment.state) {
    case State::kSucceeded:
      if (!committed) return "the ledger moved nothing";
      break;
    case State::kFailed:
      if (!refused) return "the ledger did not refuse";
      if (payment.failure_reason != InfoOf(decision->refusal()->reason).name)
        return "why it failed";
      return "";
    case State::kCanceled:
      if (!payment.authorization_timeout || !payment.authorization_expire_time) {
        return decision == nullptr ? "" : "the ledger decided what was canceled";
      }
      break;
    case State::kRequiresAction:
      return decision == nullptr ? "" : "the ledger decided what is not approved";
    case State::kProcessing:
      return "not ended";
    case State::kReturned:
      return "only what goes over a rail is returned";
    case State::kRequiresCapture:
      break;
  }
  if (!payment.authorization_timeout) {
    if (holds) return "a hold of what was to be moved";
    return decision->commitment()->postings.size() == payments::PostingsOf(payment).size()
               ? ""
               : "other postings";
  }
  if (!holds) return "no hold";
  const ledger::Hold& hold = book.holds.at(payment.transaction_id);
  const bool open = hold.state == ledger::HoldState::kOpen;
  if (open != (payment.state == State::kRequiresCapture)) return "the state of its hold";
  const std::int64_t left = payment.amount.minor_units - payment.counters.captured_minor;
  if (open && hold.postings.at(0).amount_minor != left) return "what is left of its hold";
  if (payment.state == State::kCanceled && payment.counters.captured_minor != 0) return "captured";
  return "";
}

void PaymentsAgreeWithTheLedger(World&, const View& view, const Complain& complain) {
  for (const Payment& payment : view.payments) {
    const std::string what = Disagreement(view, payment);
    if (!what.empty()) complain(absl::StrCat(Text(payment), ": ", what));
  }
}

// Refusals of the ledger that are told by another name, or mean what was wanted.
bool Explains(const Step& step, const std::string& refusal) {
  if (step.failure_reason == refusal) return true;
  return step.kind == StepKind::kCapture && refusal.starts_with("hold_");
}

void StepsAgreeWithTheLedger(World&, const View& view, const Complain& complain) {
  for (const auto& [payment, steps] : view.steps) {
    for (const Step& step : steps) {
      const ledger::Decision* const decision =
          DecisionOf(view, payments::TransactionIdOf(step, step.attempt));
      const bool committed = decision != nullptr && decision->commitment() != nullptr;
      if (committed != (step.state == StepState::kSucceeded)) {
        complain(absl::StrCat("the ledger has it otherwise: ", Text(step)));
      }
      if (decision != nullptr && decision->refusal() != nullptr &&
          !Explains(step, std::string(InfoOf(decision->refusal()->reason).name))) {
        complain(absl::StrCat("the ledger says why otherwise: ", Text(step)));
      }
    }
  }
}

void TheLedgerHasNothingElse(World& world, const View& view, const Complain& complain) {
  for (const std::string& name : {std::string(kBook), std::string(kOtherBook)}) {
    std::set<Uuid> known = OrderTransactions(world, view);
    known.merge(TransferTransactions(view, name));
    known.merge(BulkTransactions(view));
    for (const Payment& payment : view.payments) {
      if (SourceBookOf(payment) == name) known.insert(payment.transaction_id);
      for (const Step& step : view.steps.at(payment.payment_id)) {
        known.insert(payments::TransactionIdOf(step, 1));
        known.insert(payments::TransactionIdOf(step, 2));
      }
    }
    for (const auto& [id, decision] : view.In(name).decisions) {
      const auto& action = decision.command.action;
      const bool own = ledger::AccountOf(action) != nullptr ||
                       std::holds_alternative<ledger::ExpireHold>(action);
      if (!own && !known.contains(id)) {
        complain(absl::StrCat("a ", std::string(ledger::KindOf(action)), " of no payment"));
      }
    }
  }
}

void BalancesAreWhatWasPromised(World& world, const View& view, const Complain& complain) {
  const Balances promised = PromisedBalances(world, view);
  const auto at = [](const std::map<BookAccount, std::int64_t>& sums, const BookAccount& which) {
    const auto found = sums.find(which);
    return found == sums.end() ? 0 : found->second;
  };
  const std::set<Uuid> of_limits = LimitAccounts(view);
  for (const std::string& book : {std::string(kBook), std::string(kOtherBook)}) {
    for (const auto& [id, account] : view.In(book).accounts) {
      if (of_limits.contains(id)) continue;
      const ledger::Counters& counters = account.counters;
      const std::int64_t balance = counters.credits_posted - counters.debits_posted;
      const std::int64_t posted = at(promised.posted, {book, id});
      const std::int64_t held = at(promised.held, {book, id});
      if (balance != posted) {
        complain(absl::StrCat(FormatId(IdKind::kAccount, id), " has ", balance, ", not ", posted,
                              " as was promised"));
      }
      if (counters.debits_pending != held) {
        complain(absl::StrCat(FormatId(IdKind::kAccount, id), " has set aside ",
                              counters.debits_pending, ", not ", held));
      }
    }
  }
  for (const auto& [which, balance] : promised.posted) {
    if (balance == 0 || view.In(which.first).accounts.contains(which.second)) continue;
    complain("money is promised of nowhere");
  }
}

void ClearingIsWhatIsDisputed(World&, const View& view, const Complain& complain) {
  std::map<BookAccount, std::int64_t> expected;  // As the account's normal side has it.
  for (const Payment& payment : view.payments) {
    const std::string book = SourceBookOf(payment);
    const BookAccount clearing = {book, payments::DisputesAccount(payment.amount.currency)};
    std::int64_t disputed = 0;
    for (const payments::Dispute& dispute : view.disputes.at(payment.payment_id)) {
      const bool open = dispute.state == payments::DisputeState::kNeedsResponse ||
                        dispute.state == payments::DisputeState::kUnderReview;
      if (open) expected[clearing] += dispute.amount_minor;
      const bool counts = open || dispute.state == payments::DisputeState::kLost;
      if (counts) disputed += dispute.amount_minor;
    }
    if (payment.counters.disputed_minor != disputed) {
      complain(absl::StrCat("disputes are counted wrongly: ", Text(payment)));
    }
    for (const Step& step : view.steps.at(payment.payment_id)) {
      if (step.owed_minor == 0) continue;
      const Uuid payee = payments::PayeeOf(payment, step);
      expected[{book, payments::ReceivableAccount(payee)}] += step.owed_minor;
    }
  }
  for (const auto& [which, amount] : expected) {
    const auto account = view.In(which.first).accounts.find(which.second);
    std::int64_t balance = 0;
    if (account != view.In(which.first).accounts.end()) {
      const ledger::Counters& counters = account->second.counters;
      balance = counters.credits_posted - counters.debits_posted;
      if (account->second.terms.normal_side == ledger::NormalSide::kDebit) balance = -balance;
    }
    if (balance != amount || balance < 0) {
      complain(absl::StrCat("disputed or owed: ", amount, ", on the account: ", balance));
    }
  }
}

void AQuoteIsUsedOnce(World&, const View& view, const Complain& complain) {
  std::set<Uuid> used;
  for (const Payment& payment : view.payments) {
    if (!payment.pricing || !payment.pricing->conversion) continue;
    if (!used.insert(payment.pricing->conversion->quote_id).second) {
      complain(absl::StrCat("a quote is used twice: ", Text(payment)));
    }
  }
}

// Why each kind of promise may fail.
struct Failure {
  std::string_view kind;
  std::string_view reason;
};
constexpr Failure kFailures[] = {
    {"payment", "insufficient_funds"},     {"payment", "account_closed"},
    {"payment", "payment_canceled"},       {"payment", "authorization_expired"},
    {"payment", "approval_expired"},       {"payment", "approval_declined"},
    {"payment", "limit_exceeded"},         {"payment", "rail_rejected"},
    {"payment", "rail_returned"},          {"capture", "payment_not_capturable"},
    {"capture", "authorization_expired"},  {"capture", "capture_exceeds_authorization"},
    {"void", "payment_not_cancelable"},    {"void", "hold_already_captured"},
    {"void", "hold_already_voided"},       {"void", "hold_expired"},
    {"expiry", "payment_not_cancelable"},  {"expiry", "hold_already_captured"},
    {"expiry", "hold_already_voided"},     {"expiry", "hold_expired"},
    {"refund", "payment_not_refundable"},  {"refund", "refund_exceeds_captured"},
    {"refund", "insufficient_funds"},      {"refund", "account_closed"},
    {"dispute", "payment_not_disputable"}, {"accept", "dispute_closed"},
    {"accept", "account_closed"},          {"withdraw", "dispute_closed"},
    {"withdraw", "account_closed"},        {"resolve", "dispute_closed"},
    {"resolve", "account_closed"},
};

void FailuresHaveTheirReasons(World&, const View& view, const Complain& complain) {
  const auto check = [&complain](std::string_view kind, const std::string& reason) {
    const bool known = std::ranges::any_of(
        kFailures, [&](const Failure& row) { return row.kind == kind && row.reason == reason; });
    if (!known && !reason.empty()) {
      complain(absl::StrCat("a ", std::string(kind), " fails for ", reason));
    }
  };
  for (const Payment& payment : view.payments) {
    check("payment", payment.failure_reason);
    for (const Step& step : view.steps.at(payment.payment_id)) {
      check(payments::NameOf(step.kind), step.failure_reason);
    }
  }
}

constexpr Invariant kAlways[] = {
    {"within what was authorized", WithinWhatWasAuthorized},
    {"each gives back his own", EachGivesBackHisOwn},
    {"nobody is overdrawn, and debits are credits", NobodyIsOverdrawn},
    {"limits are kept", LimitsAreKept},
    {"ended payouts hold no fee", EndedPayoutsHoldNoFee},
    {"orders wait for their payers", OrdersWaitForTheirPayers},
    {"nobody is paid before, or without, the payer's book", CreditsAreCovered},
    {"bulks begin when they may", BulksBeginWhenTheyMay},
    {"who is paid was saved", WhoIsPaidWasSaved},
    {"payouts go to payees", PayoutsGoToPayees},
    {"all is held, or nothing is paid", AllIsHeldOrNothingPaid},
};

constexpr Invariant kAtTheEnd[] = {
    {"everything has ended or waits", EverythingHasEndedOrWaits},
    {"a key has one effect", AKeyHasOneEffect},
    {"what was told is kept", WhatWasToldIsKept},
    {"payments agree with the ledger", PaymentsAgreeWithTheLedger},
    {"steps agree with the ledger", StepsAgreeWithTheLedger},
    {"the ledger has nothing else", TheLedgerHasNothingElse},
    {"balances are what was promised", BalancesAreWhatWasPromised},
    {"clearing is what is disputed", ClearingIsWhatIsDisputed},
    {"a quote is used once", AQuoteIsUsedOnce},
    {"failures have their reasons", FailuresHaveTheirReasons},
    {"limits are whole", LimitsAreWhole},
    {"payouts agree with the rail", PayoutsAgreeWithTheRail},
    {"the rail pays what was asked", TheRailPaysWhatWasAsked},
    {"fees of payouts are taken once", FeesOfPayoutsAreTakenOnce},
    {"deposits have ended", DepositsHaveEnded},
    {"the nostro is what the rail has", TheNostroIsWhatTheRailHas},
    {"an occurrence is paid once", AnOccurrenceIsPaidOnce},
    {"orders begin as approved", OrdersBeginAsApproved},
    {"bulks are what was sent", BulksAreWhatWasSent},
    {"bulks have ended", BulksHaveEnded},
    {"items are what they say", ItemsAreWhatTheySay},
    {"transfers agree with both books", TransfersAgreeWithBothBooks},
    {"what is between books nets to zero", ClearingNetsToZero},
};

std::vector<std::string> CheckAll(World& world, std::span<const Invariant> invariants,
                                  std::vector<std::string> wrong) {
  const View view = Look(world);
  for (const Invariant& invariant : invariants) {
    invariant.check(world, view, [&](const std::string& what) {
      wrong.push_back(absl::StrCat(std::string(invariant.name), ": ", what));
    });
  }
  return wrong;
}

}  // namespace

std::span<const Invariant> Invariants() { return kAtTheEnd; }
std::span<const Invariant> AlwaysInvariants() { return kAlways; }

std::vector<std::string> CheckInvariants(World& world) {
  return CheckAll(world, kAtTheEnd, CheckAll(world, kAlways, {}));
}

void CheckAlways(World& world) {
  for (std::string& what : CheckAll(world, kAlways, {})) world.Wrong(std::move(what));
}

}  // namespace florin::saga
