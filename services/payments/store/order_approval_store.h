// Orders, schedules and bulks, that wait for their payer's approval: what ScheduleStore and
// BulkStore keep, seen from there.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/sca/payment_binding.h"
#include "services/payments/domain/bulk.h"
#include "services/payments/domain/schedule.h"

namespace florin::payments {

// What a payer is asked to approve, and under which id.
struct AskedApproval {
  Uuid approval_id;
  Uuid user_id;
  sca::PaymentBinding binding;
};

// What the payer of an order approves: made of what is kept, never of what a request says. The
// order must have terms. The nonce is a digest of the random one and of all that the order is, so
// that nothing of it can change after the approval: of a schedule CanonicalSchedule(), of a bulk
// its source, mode and the digest of its items. Pure.
AskedApproval AskedOf(const Schedule& schedule);
AskedApproval AskedOf(const Bulk& bulk);

// Whether the payer has approved the order as it is kept now: its payments need no approval of
// their own. Pure.
bool IsApproved(const Schedule& schedule);
bool IsApproved(const Bulk& bulk);

// The digest of a bulk's items, which are added in the order of their numbers: SHA-256 of
// CanonicalItem() of each, one after the other. Not thread-safe.
class BulkContent {
 public:
  void Add(const std::vector<BulkItem>& items) {
    for (const BulkItem& item : items) stream_.Add(CanonicalItem(item));
  }
  std::string octets() const { return std::string(crypto::AsOctets(stream_.digest())); }

 private:
  crypto::Sha256Stream stream_;
};

struct AwaitedOrder {
  AskedApproval asked;   // Of no meaning where the order never had terms.
  bool waiting = false;  // It requires action.
};

// What is started and given up is in the audit trail, by the same transaction, as
// payments.schedule.confirm and cancel, or payments.bulk.confirm and cancel. Thread-safe. Every
// method is idempotent, so that it may be repeated after kUnavailable. Errors besides those named:
// kUnavailable (the outcome of a write is then unknown), kInternal; kScheduleNotFound or
// kBulkNotFound, also for an order of another user.
class OrderApprovalStore {
 public:
  virtual ~OrderApprovalStore() = default;

  // Gives the order, and lets the worker look after it from `now` + kLease on, if it requires
  // action: its approval is about to be redeemed.
  virtual Task<absl::StatusOr<AwaitedOrder>> BeginConfirm(Uuid user_id, Uuid order_id,
                                                          absl::Time now) = 0;

  // The executing step: an order that requires action begins if what was `redeemed` is what is kept
  // of it, of a bulk with a digest of the items that are there, compared in the same transaction.
  // Gives the order as it is kept afterwards: in any other state as it was before. Error:
  // kApprovalMismatch, and then nothing has changed.
  virtual Task<absl::StatusOr<AwaitedOrder>> StartApproved(Uuid user_id, Uuid order_id,
                                                           crypto::Digest redeemed, absl::Time now,
                                                           audit::Origin origin) = 0;

  // Gives up an order that requires action: it is canceled for `reason`. Gives it as it is kept
  // afterwards: in any other state as it was before.
  virtual Task<absl::StatusOr<AwaitedOrder>> GiveUpAwaited(Uuid user_id, Uuid order_id,
                                                           Reason reason, absl::Time now,
                                                           audit::Origin origin) = 0;

  // Takes up to `limit` orders that require action and whose time to be looked after has come:
  // kLease after BeginConfirm(), or when their approvals expire. Holds them back from other claims
  // until they expire, or until `now` + kLease if that is later.
  virtual Task<absl::StatusOr<std::vector<AwaitedOrder>>> ClaimAwaiting(absl::Time now,
                                                                        int limit) = 0;
};

AwaitedOrder AwaitedOf(const Schedule& schedule);
AwaitedOrder AwaitedOf(const Bulk& bulk);

}  // namespace florin::payments
