// Makes bulks and fills them: what a user asks for, checked before it is kept.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/approval_policy.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/store/bulk_store.h"

namespace florin::payments {

// The facts of the accounts that `items` go to, by id; those that do not exist are not there.
// Errors: kUnavailable, kDeadlineExceeded.
Task<absl::StatusOr<std::map<Uuid, KnownAccount>>> LookUpPayees(AccountDirectory& accounts,
                                                                rpc::Outgoing context,
                                                                std::vector<BulkItem> items);

// Thread-safe.
class BulkOrders {
 public:
  struct Outcome {
    Bulk bulk;
    bool replayed = false;
  };

  // References outlive this.
  BulkOrders(BulkStore& store, AccountDirectory& accounts, Clock& clock, IdSource& ids,
             ApprovalPolicy policy)
      : store_(store), accounts_(accounts), clock_(clock), ids_(ids), policy_(std::move(policy)) {}

  // Makes an empty bulk, or gives the one that the key stands for. Errors: kAccountNotFound, also
  // for an account of another user; kIdempotencyKeyReused; kUnavailable.
  Task<absl::StatusOr<Outcome>> Create(rpc::Outgoing context, Uuid user_id, Uuid source_account_id,
                                       BulkMode mode, std::string idempotency_key);

  // Adds items (id, destination, amount, reference). Errors: kInvalidField unless there are 1 to
  // kMostItemsAtOnce; those of CheckItem() and BulkStore::AddItems(); kInvalidField with param
  // `items[N].destination_account_id` if the policy might ask for an approval of that payment.
  Task<absl::StatusOr<Bulk>> Add(rpc::Outgoing context, Uuid user_id, Uuid bulk_id,
                                 std::vector<BulkItem> items);

 private:
  Task<absl::Status> Judge(rpc::Outgoing context, Uuid user_id, std::vector<BulkItem> items);

  BulkStore& store_;
  AccountDirectory& accounts_;
  Clock& clock_;
  IdSource& ids_;
  const ApprovalPolicy policy_;
};

}  // namespace florin::payments
