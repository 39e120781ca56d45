#include "tests/saga/bulk_invariants.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/payments/store/order_approval_store.h"

namespace florin::saga {
namespace {

using payments::Bulk;
using payments::BulkMode;
using payments::BulkState;
using payments::ItemState;
using payments::Payment;
using payments::State;

using PaymentsById = std::map<Uuid, const Payment*>;

std::string TextOfBulk(const Bulk& bulk) {
  return absl::StrCat(FormatId(IdKind::kBulk, bulk.bulk_id), " (",
                      std::string(payments::NameOf(bulk.mode)), ", ",
                      std::string(payments::NameOf(bulk.state)), " ", bulk.cancel_reason, ")");
}

std::string TextOfItem(const SeenBulk& bulk, const SeenItem& seen) {
  const payments::BulkItem& item = seen.item;
  return absl::StrCat(item.item_id, " (", item.amount_minor, ", ",
                      std::string(payments::NameOf(item.state)), " ", item.failure_reason, ") of ",
                      TextOfBulk(bulk.bulk));
}

std::string NameOfReason(Reason reason) { return std::string(InfoOf(reason).name); }

bool HasMoved(const View& view, const Uuid& transaction_id) {
  const ledger::Decision* const decision = DecisionOf(view, transaction_id);
  return decision != nullptr && decision->commitment() != nullptr;
}

// Whether the money of an item is set aside, or was until it was paid.
bool IsHeldOrPaid(const View& view, const SeenItem& seen) {
  const auto hold = view.book.holds.find(seen.hold_id);
  return hold != view.book.holds.end() && (hold->second.state == ledger::HoldState::kOpen ||
                                           hold->second.state == ledger::HoldState::kCaptured);
}

bool IsAllOrNothing(const Bulk& bulk) { return bulk.mode == BulkMode::kAllOrNothing; }

bool MayHaveBegun(BulkState state) {
  return state != BulkState::kDraft && state != BulkState::kRequiresAction &&
         state != BulkState::kCanceled;
}

// Why an item can never be paid; empty: it may be.
std::string WhyNever(const World& world, const Bulk& bulk, const Uuid& destination) {
  const Uuid owner = world.OwnerOf(destination);
  if (owner.is_nil()) return NameOfReason(Reason::kAccountNotFound);
  for (const Person& person : world.people()) {
    if (std::ranges::find(person.usd, destination) == person.usd.end()) continue;
    return NameOfReason(Reason::kCurrencyMismatch);
  }
  const bool apart =
      world.BookOf(destination) != kBook || world.BookOf(bulk.source_account_id) != kBook;
  return apart && IsAllOrNothing(bulk) ? NameOfReason(Reason::kInvalidField) : "";
}

// Whether an item is refused since nobody has approved its bulk.
bool LacksApproval(const World& world, const Bulk& bulk, const Uuid& destination) {
  return world.terms().policy.enabled && !payments::IsApproved(bulk) &&
         world.OwnerOf(destination) != bulk.user_id;
}

// Whether it may be refused since its payer has not saved, or just saved, whom it pays.
bool LacksPayee(const World& world, const Bulk& bulk, const SeenItem& seen) {
  const std::string& reason = seen.item.failure_reason;
  return world.terms().payees.required &&
         world.OwnerOf(seen.item.destination_account_id) != bulk.user_id &&
         (reason == NameOfReason(Reason::kPayeeNotFound) ||
          reason == NameOfReason(Reason::kPayeeCoolingOff));
}

// What is wrong with an item that has failed; empty: nothing.
std::string WrongWithFailed(const World& world, const View& view, const Bulk& bulk,
                            const SeenItem& seen, const Payment* payment) {
  const std::string& reason = seen.item.failure_reason;
  const Uuid& destination = seen.item.destination_account_id;
  if (payment != nullptr) {
    if (IsAllOrNothing(bulk)) return "a payment was made all the same";
    if (payment->state != State::kFailed) return "its payment has not failed";
    return payment->failure_reason == reason ? "" : "its payment has failed for something else";
  }
  if (HasMoved(view, seen.transaction_id)) return "it was paid";
  if (IsHeldOrPaid(view, seen)) return "its money is still set aside";
  if (reason == NameOfReason(Reason::kApprovalPending)) {
    return LacksApproval(world, bulk, destination) ? "" : "no approval of its own was to be had";
  }
  if (reason == WhyNever(world, bulk, destination) && !reason.empty()) return "";
  if (LacksPayee(world, bulk, seen)) return "";
  if (!IsAllOrNothing(bulk)) return "no payment was tried";
  if (reason == NameOfReason(Reason::kBulkItemFailed)) return "";
  if (reason == NameOfReason(Reason::kLimitExceeded)) {
    return world.terms().limited ? "" : "there is no limit";
  }
  const ledger::Decision* const hold = DecisionOf(view, seen.hold_id);
  const bool refused = hold != nullptr && hold->refusal() != nullptr;
  if (!refused) return "the ledger did not refuse";
  return reason == NameOfReason(hold->refusal()->reason) ? "" : "the ledger says why otherwise";
}

std::string WrongWithSucceeded(const World& world, const View& view, const SeenBulk& bulk,
                               const SeenItem& seen, const Payment* payment) {
  const payments::BulkItem& item = seen.item;
  if (payment == nullptr || payment->payment_id != item.payment_id) return "it has no payment";
  if (payment->state != State::kSucceeded) return "nothing was paid";
  if (!HasMoved(view, payment->transaction_id)) return "the ledger moved nothing";
  if (!WhyNever(world, bulk.bulk, item.destination_account_id).empty()) return "nobody can be paid";
  const bool same = payment->amount.minor_units == item.amount_minor &&
                    payment->amount.currency == bulk.bulk.currency &&
                    payment->source_account_id == bulk.bulk.source_account_id &&
                    payment->destination_account_id == item.destination_account_id &&
                    payment->reference == item.reference;
  return same ? "" : "something else was paid";
}

// Items of the promise that are in the bulk, and no others; those that were said to be there.
std::string WrongItems(const WantedBulk& wanted, const SeenBulk& kept) {
  const Bulk& bulk = kept.bulk;
  if (bulk.mode != wanted.mode || bulk.source_account_id != wanted.source_account_id) {
    return "it is another one";
  }
  std::set<std::string> there;
  std::int64_t total = 0;
  for (const SeenItem& seen : kept.items) {
    const auto asked =
        std::ranges::find(wanted.items, seen.item.item_id, &payments::BulkItem::item_id);
    if (asked == wanted.items.end()) return "an item that nobody has sent";
    if (!payments::Difference(*asked, seen.item).empty()) return "an item with other content";
    if (!there.insert(seen.item.item_id).second) return "an item is there twice";
    if (seen.item.number != std::ssize(there)) return "its items are numbered wrongly";
    total += seen.item.amount_minor;
  }
  if (bulk.item_count != std::ssize(there)) return "its items are counted wrongly";
  if (bulk.total_minor != total) return "its total is wrong";
  return std::ranges::includes(there, wanted.added) ? "" : "an item was said to be there";
}

}  // namespace

std::set<Uuid> BulkTransactions(const View& view) {
  std::set<Uuid> known;
  for (const SeenBulk& bulk : view.bulks) {
    if (!IsAllOrNothing(bulk.bulk)) continue;
    for (const SeenItem& seen : bulk.items) known.insert({seen.hold_id, seen.void_id});
  }
  return known;
}

void BulksBeginWhenTheyMay(World& world, const View& view, const Complain& complain) {
  for (const SeenBulk& bulk : view.bulks) {
    for (const SeenItem& seen : bulk.items) {
      const bool held = DecisionOf(view, seen.hold_id) != nullptr;
      const bool paid = seen.payment_id || HasMoved(view, seen.transaction_id);
      if ((held || paid) && !MayHaveBegun(bulk.bulk.state)) {
        complain(absl::StrCat("begun: ", TextOfItem(bulk, seen)));
      }
      if (held && !IsAllOrNothing(bulk.bulk)) {
        complain(absl::StrCat("set aside: ", TextOfItem(bulk, seen)));
      }
      if (paid && LacksApproval(world, bulk.bulk, seen.item.destination_account_id)) {
        complain(absl::StrCat("nobody has approved ", TextOfItem(bulk, seen)));
      }
    }
  }
}

void AllIsHeldOrNothingPaid(World&, const View& view, const Complain& complain) {
  for (const SeenBulk& bulk : view.bulks) {
    if (!IsAllOrNothing(bulk.bulk)) continue;
    const auto is_paid = [&view](const SeenItem& seen) {
      return seen.payment_id || HasMoved(view, seen.transaction_id);
    };
    if (std::ranges::none_of(bulk.items, is_paid)) continue;
    for (const SeenItem& seen : bulk.items) {
      if (IsHeldOrPaid(view, seen)) continue;
      complain(absl::StrCat("others are paid, and not ", TextOfItem(bulk, seen)));
    }
  }
}

void BulksAreWhatWasSent(World& world, const View& view, const Complain& complain) {
  std::map<Uuid, const SeenBulk*> unclaimed;
  for (const SeenBulk& bulk : view.bulks) unclaimed[bulk.bulk.bulk_id] = &bulk;
  for (const Promise& promise : world.promises()) {
    if (!promise.collected) continue;
    const auto kept = unclaimed.find(promise.collected->bulk_id);
    if (kept == unclaimed.end()) {
      complain(promise.key + " was told of a bulk that is not kept, or is another's");
      continue;
    }
    const std::string what = WrongItems(*promise.bulk, *kept->second);
    if (!what.empty()) complain(absl::StrCat(promise.key, ": ", what));
    const Bulk& bulk = kept->second->bulk;
    if (IsOver(promise.collected->state) && promise.collected->state != bulk.state) {
      complain(absl::StrCat(promise.key, " was told otherwise: ", TextOfBulk(bulk)));
    }
    unclaimed.erase(kept);
  }
  // Their clients gave up before they knew of them.
  for (const auto& [id, bulk] : unclaimed) {
    if (bulk->bulk.state == BulkState::kDraft && bulk->items.empty()) continue;
    complain(absl::StrCat("nobody has filled ", TextOfBulk(bulk->bulk)));
  }
}

void BulksHaveEnded(World& world, const View& view, const Complain& complain) {
  for (const SeenBulk& seen : view.bulks) {
    const Bulk& bulk = seen.bulk;
    if (payments::IsWorkedOn(bulk.state)) complain("still worked on: " + TextOfBulk(bulk));
    std::map<ItemState, payments::ItemSum> sums;
    int own_reasons = 0;
    for (const SeenItem& item : seen.items) {
      ++sums[item.item.state].items;
      sums[item.item.state].total_minor += item.item.amount_minor;
      own_reasons += item.item.state == ItemState::kFailed &&
                     item.item.failure_reason != InfoOf(Reason::kBulkItemFailed).name;
    }
    const auto told = world.Read(world.stores().bulks->GetProgress(bulk.user_id, bulk.bulk_id));
    if (!told.ok() || told->sums != sums) complain("other sums than items: " + TextOfBulk(bulk));
    const int succeeded = sums[ItemState::kSucceeded].items;
    const int failed = sums[ItemState::kFailed].items;
    const bool begun = MayHaveBegun(bulk.state);
    const int ended = begun ? succeeded + failed : sums[ItemState::kPending].items;
    if (ended != std::ssize(seen.items)) complain("items are left: " + TextOfBulk(bulk));
    const bool has_failed = bulk.state == BulkState::kFailed;
    const bool together = has_failed ? succeeded == 0 && own_reasons > 0 : failed == 0;
    if (begun && (IsAllOrNothing(bulk) ? !together : has_failed)) {
      complain(
          absl::StrCat(succeeded, " items are paid, ", failed, " are not: ", TextOfBulk(bulk)));
    }
  }
}

void ItemsAreWhatTheySay(World& world, const View& view, const Complain& complain) {
  PaymentsById payments;
  for (const Payment& payment : view.payments) payments[payment.payment_id] = &payment;
  for (const SeenBulk& bulk : view.bulks) {
    for (const SeenItem& seen : bulk.items) {
      const Payment* const payment = seen.payment_id ? payments.at(*seen.payment_id) : nullptr;
      std::string what;
      if (seen.item.state == ItemState::kFailed) {
        what = WrongWithFailed(world, view, bulk.bulk, seen, payment);
      } else if (seen.item.state == ItemState::kSucceeded) {
        what = WrongWithSucceeded(world, view, bulk, seen, payment);
      } else if (payment != nullptr) {
        what = "a payment of what has not ended";
      }
      if (!what.empty()) complain(absl::StrCat(what, ": ", TextOfItem(bulk, seen)));
    }
  }
}

}  // namespace florin::saga
