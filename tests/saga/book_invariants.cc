#include "tests/saga/book_invariants.h"

#include "absl/strings/str_cat.h"
#include "services/payments/domain/book_transfer.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::State;
using payments::TransferStage;

// In this book only: what is found in another one is no answer.
const ledger::Decision* DecisionIn(const View& view, const std::string& book, const Uuid& id) {
  const auto found = view.In(book).decisions.find(id);
  return found == view.In(book).decisions.end() ? nullptr : &found->second;
}

bool IsCommitted(const ledger::Decision* decision) {
  return decision != nullptr && decision->commitment() != nullptr;
}

std::string RefusalOf(const ledger::Decision* decision) {
  if (decision == nullptr || decision->refusal() == nullptr) return "";
  return std::string(InfoOf(decision->refusal()->reason).name);
}

// What was posted for a payment that succeeded; of one that did not, nothing.
std::string Objection(const View& view, const Payment& payment) {
  const payments::Books& books = *payment.books;
  const ledger::Decision* const hold = DecisionIn(view, books.source, payment.transaction_id);
  const ledger::Decision* const credit =
      DecisionIn(view, books.target, payments::CreditIdOf(payment.payment_id));
  const bool captured =
      IsCommitted(DecisionIn(view, books.source, payments::CaptureIdOf(payment.payment_id)));
  const bool voided =
      IsCommitted(DecisionIn(view, books.source, payments::VoidIdOf(payment.payment_id)));
  const TransferStage stage = view.transfers.at(payment.payment_id).stage;
  if (payment.state == State::kSucceeded) {
    if (!IsCommitted(hold) || !captured || voided) return "its hold was not captured";
    if (!IsCommitted(credit)) return "nothing was credited";
    if (stage != TransferStage::kCaptured) return "the stage of a transfer that has ended";
    const auto& postings = credit->commitment()->postings;
    const bool right = postings.size() == 1 &&
                       postings[0].credit_account_id == payment.destination_account_id &&
                       postings[0].amount_minor == payments::CreditedOf(payment).minor_units;
    return right ? "" : "something else was credited";
  }
  if (IsCommitted(credit) || captured) return "it was paid";
  if (payment.state == State::kRequiresAction || payment.state == State::kCanceled) {
    return hold == nullptr && credit == nullptr ? "" : "the ledger decided what is not approved";
  }
  if (payment.state != State::kFailed) return "it has not ended";
  if (!IsCommitted(hold)) {
    if (credit != nullptr) return "a credit was asked for without a hold";
    const bool told = payment.failure_reason == RefusalOf(hold) ||
                      payment.failure_reason == InfoOf(Reason::kLimitExceeded).name;
    return told ? "" : "why it failed";
  }
  if (!voided || stage != TransferStage::kVoided) return "its hold was not given up";
  return payment.failure_reason == RefusalOf(credit) ? "" : "why it was not credited";
}

std::int64_t CreditsOf(const ledger::LoadedBook& book, const Uuid& account_id) {
  const auto account = book.accounts.find(account_id);
  if (account == book.accounts.end()) return 0;
  return account->second.counters.credits_posted - account->second.counters.debits_posted;
}

}  // namespace

std::set<Uuid> TransferTransactions(const View& view, const std::string& book) {
  std::set<Uuid> known;
  for (const Payment& payment : view.payments) {
    if (!payments::AreApart(payment)) continue;
    if (payment.books->target == book) known.insert(payments::CreditIdOf(payment.payment_id));
    if (payment.books->source != book) continue;
    known.insert(payments::CaptureIdOf(payment.payment_id));
    known.insert(payments::VoidIdOf(payment.payment_id));
  }
  return known;
}

void CreditsAreCovered(World&, const View& view, const Complain& complain) {
  for (const Payment& payment : view.payments) {
    if (!payments::AreApart(payment)) continue;
    const bool credited = IsCommitted(
        DecisionIn(view, payment.books->target, payments::CreditIdOf(payment.payment_id)));
    const auto& holds = view.In(payment.books->source).holds;
    const auto hold = holds.find(payment.transaction_id);
    const bool covered =
        hold != holds.end() && (hold->second.state == ledger::HoldState::kOpen ||
                                hold->second.state == ledger::HoldState::kCaptured);
    if (credited && !covered) complain(absl::StrCat("money from nowhere: ", Text(payment)));
    const bool captured = hold != holds.end() && hold->second.state == ledger::HoldState::kCaptured;
    if (captured && !credited) complain(absl::StrCat("money to nowhere: ", Text(payment)));
  }
}

void TransfersAgreeWithBothBooks(World&, const View& view, const Complain& complain) {
  for (const Payment& payment : view.payments) {
    if (!payments::AreApart(payment)) continue;
    const std::string what = Objection(view, payment);
    if (!what.empty()) complain(absl::StrCat(Text(payment), ": ", what));
  }
}

// Each direction for itself, whatever payments say.
void ClearingNetsToZero(World& world, const View& view, const Complain& complain) {
  if (!world.terms().books) return;
  for (const auto& [source, target] :
       {std::pair(kBook, kOtherBook), std::pair(kOtherBook, kBook)}) {
    const Uuid clearing = payments::ClearingAccountOf(
        payments::Books{.source = source, .target = target}, *Currency::Parse("EUR"));
    const std::int64_t owed = CreditsOf(view.In(source), clearing);
    const std::int64_t due = -CreditsOf(view.In(target), clearing);
    if (owed == due) continue;
    complain(absl::StrCat("from ", source, " to ", target, ": owed ", owed, ", due ", due));
  }
}

}  // namespace florin::saga
