#include "tests/saga/payee_invariants.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::PayoutPayees;

// Of a payment: when it was looked whether its payee is saved.
struct Looked {
  absl::Time from;
  absl::Time until;
};

// From when its intent was made until the ledger has decided it, if it has.
Looked LookedAt(World& world, const View& view, absl::Time from, const Uuid& transaction_id) {
  const ledger::Decision* const decision = DecisionOf(view, transaction_id);
  const absl::Time until = decision == nullptr ? world.kept().clock.Now() : decision->commit_time;
  return {from - kBack, until + kBack};
}

// Whether `user` may have been free to pay it so much at some time then.
bool MayPay(const World& world, const Uuid& user, const std::string& payee, std::int64_t amount,
            const Looked& looked) {
  const auto& free = world.terms().payees.while_cooling_off;
  return std::ranges::any_of(world.payees(), [&](const SavedPayee& saved) {
    const bool little = amount <= free.at(*Currency::Parse("EUR"));
    return saved.user == user && saved.payee == payee && saved.saved <= looked.until &&
           saved.deleted >= looked.from && (little || saved.usable_time <= looked.until);
  });
}

// Whether it was all the time.
bool MayAlwaysPay(const World& world, const Uuid& user, const std::string& payee,
                  const Looked& looked) {
  return std::ranges::any_of(world.payees(), [&](const SavedPayee& saved) {
    return saved.user == user && saved.payee == payee && saved.saved <= looked.from &&
           saved.usable_time <= looked.from && saved.deleted >= looked.until;
  });
}

}  // namespace

void WhoIsPaidWasSaved(World& world, const View& view, const Complain& complain) {
  if (!world.terms().payees.required) return;
  // Of all or nothing it was looked before the money was set aside.
  std::map<Uuid, Looked> held;
  for (const SeenBulk& seen : view.bulks) {
    if (seen.bulk.mode != payments::BulkMode::kAllOrNothing) continue;
    for (const SeenItem& item : seen.items) {
      if (!item.payment_id) continue;
      held[*item.payment_id] = LookedAt(world, view, seen.bulk.create_time, item.hold_id);
    }
  }
  for (const Payment& payment : view.payments) {
    const auto asked = view.asked.find(payment.payment_id);
    if (payment.kind != payments::Kind::kTransfer || asked == view.asked.end()) continue;
    const auto at = held.find(payment.payment_id);
    const Looked looked = at != held.end()
                              ? at->second
                              : LookedAt(world, view, payment.create_time, payment.transaction_id);
    std::vector<payments::Split> shares = asked->second.request.splits;
    if (shares.empty()) {
      shares.push_back({.destination_account_id = asked->second.request.destination_account_id,
                        .amount_minor = payment.amount.minor_units});
    }
    for (const payments::Split& share : shares) {
      const Uuid& payee = share.destination_account_id;
      if (world.OwnerOf(payee) == payment.user_id) continue;
      if (MayPay(world, payment.user_id, FormatId(IdKind::kAccount, payee), share.amount_minor,
                 looked)) {
        continue;
      }
      complain("to somebody who was not saved in time: " + Text(payment));
    }
  }
}

void PayoutsGoToPayees(World& world, const View& view, const Complain& complain) {
  const PayoutPayees policy = world.terms().payees.payouts;
  if (policy == PayoutPayees::kAnybody) return;
  for (const auto& [id, payout] : view.payouts) {
    const Payment& payment = payout.payment;
    const std::string& payee = payout.beneficiary.account;
    const Looked looked = LookedAt(world, view, payment.create_time, payment.transaction_id);
    const bool saved = MayPay(world, payment.user_id, payee, payment.amount.minor_units, looked);
    // Nobody is asked to approve what a limit refuses.
    const bool anyway = policy == PayoutPayees::kApproved &&
                        (payment.approval.has_value() || payment.limit_refusal.has_value());
    if (!saved && !anyway) complain("to somebody who was not saved in time: " + Text(payment));
    if (!world.terms().policy.enabled && payment.approval &&
        MayAlwaysPay(world, payment.user_id, payee, looked)) {
      complain("approved though it goes to who was saved: " + Text(payment));
    }
    world.Count(saved ? "payout to who was saved" : "payout to anybody");
  }
}

}  // namespace florin::saga
