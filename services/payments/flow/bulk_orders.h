// Makes bulks and fills them: what a user asks for, checked before it is kept.
#pragma once

#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/approval_policy.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/confirm_order.h"
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
             ApprovalPolicy policy, ConfirmOrder& confirm)
      : store_(store),
        accounts_(accounts),
        clock_(clock),
        ids_(ids),
        policy_(std::move(policy)),
        confirm_(confirm) {}

  // Makes an empty bulk, or gives the one that the key stands for. Errors: kAccountNotFound, also
  // for an account of another user; kIdempotencyKeyReused; kUnavailable.
  Task<absl::StatusOr<Outcome>> Create(rpc::Outgoing context, Uuid user_id, Uuid source_account_id,
                                       BulkMode mode, std::string idempotency_key);

  // Adds items (id, destination, amount, reference). Errors: kInvalidField unless there are 1 to
  // kMostItemsAtOnce; those of CheckItem() and BulkStore::AddItems().
  Task<absl::StatusOr<Bulk>> Add(Uuid user_id, Uuid bulk_id, std::vector<BulkItem> items);

  // Submits a bulk: it is paid from now on, or, where the policy could ask for an approval of one
  // of its payments, waits for one of all of them, which its payer is asked for (RTS Art. 5(3)(b)).
  // Submitting again changes nothing, and asks again. Errors: kBulkNotFound; those of Apply();
  // those of PaymentApprovals::Ask(); kUnavailable, also while items are still being added; both:
  // repeat.
  Task<absl::StatusOr<Bulk>> Submit(rpc::Outgoing context, Uuid user_id, Uuid bulk_id,
                                    audit::Origin origin);

 private:
  // Whom a bulk pays beside its payer, distinct accounts of the items that there are.
  struct Others {
    std::vector<std::string> names;  // Of the first.
    int payees = 0;
    int items_seen = 0;  // All.
  };
  Task<absl::StatusOr<Others>> FindOthers(rpc::Outgoing context, Bulk bulk);
  Task<absl::StatusOr<Bulk>> Await(Bulk bulk, Others others, audit::Origin origin);

  BulkStore& store_;
  AccountDirectory& accounts_;
  Clock& clock_;
  IdSource& ids_;
  const ApprovalPolicy policy_;
  ConfirmOrder& confirm_;
};

}  // namespace florin::payments
