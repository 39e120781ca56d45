// Who a payment is for: its maker, and the owner of its destination.
#pragma once

#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/store/charge_store.h"

namespace florin::payments {

// A payment as a user sees it who is one of its parties, or both.
struct SeenPayment {
  Payment payment;
  bool payer = false;  // Made it.
  bool payee = false;  // Owns the destination, and money was set aside for or moved to it.
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
  Task<absl::StatusOr<Payment>> FindAsPayee(rpc::Outgoing context, Uuid user_id, Uuid payment_id);
  Task<absl::StatusOr<Payment>> FindAsPayer(rpc::Outgoing context, Uuid user_id, Uuid payment_id);

 private:
  ChargeStore& store_;
  AccountDirectory& accounts_;
};

}  // namespace florin::payments
