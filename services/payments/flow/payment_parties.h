// Who a payment is for: its maker, and the owners of the accounts that it credits.
#pragma once

#include <vector>

#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/store/charge_store.h"

namespace florin::payments {

// A payment as a user sees it who is one of its parties, or both.
struct SeenPayment {
  Payment payment;
  bool payer = false;  // Made it.
  // The user's among the accounts that money was set aside for or moved to.
  std::vector<Uuid> payee_account_ids = {};

  bool IsPayee() const { return !payee_account_ids.empty(); }
  // Of a step or dispute about `payee_account_id`; nil: about whoever is the only payee.
  bool IsPayee(const Uuid& payee_account_id) const;
};

// Thread-safe.
class PaymentParties {
 public:
  // References outlive this.
  PaymentParties(ChargeStore& store, AccountDirectory& accounts)
      : store_(store), accounts_(accounts) {}

  // Error: kPaymentNotFound, also for whoever is no party; those of AccountDirectory::LookUp().
  // `context` is for calls made as this service.
  Task<absl::StatusOr<SeenPayment>> Find(rpc::Outgoing context, Uuid user_id, Uuid payment_id);
  // The same for its payee or its payer only.
  Task<absl::StatusOr<SeenPayment>> FindAsPayee(rpc::Outgoing context, Uuid user_id,
                                                Uuid payment_id);
  Task<absl::StatusOr<Payment>> FindAsPayer(rpc::Outgoing context, Uuid user_id, Uuid payment_id);

 private:
  ChargeStore& store_;
  AccountDirectory& accounts_;
};

}  // namespace florin::payments
