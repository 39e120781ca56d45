// Makes requests for money, and pays them.
//
// Paying: 1. the request is begun to be paid, by one payer; 2. a payment by CreatePayment under a
// key that follows from the request and the payer's, judged by the approval policy as any other;
// 3. what became of it is kept. Whoever crashes in between is made up for by the worker: the
// payment has one key. Why a payment was refused before it was kept never changes (owners,
// currencies and fees of accounts do not), so that opening the request again is safe then, too.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/store/money_request_store.h"

namespace florin::payments {

// Thread-safe.
class PayRequest {
 public:
  struct Created {
    MoneyRequest request;
    bool replayed = false;
  };
  struct Paid {
    MoneyRequest request;
    bool replayed = false;
  };

  // References outlive this.
  PayRequest(MoneyRequestStore& store, AccountDirectory& accounts, CreatePayment& create,
             Clock& clock, IdSource& ids)
      : store_(store), accounts_(accounts), create_(create), clock_(clock), ids_(ids) {}

  // Makes the request that `wanted` (payee, destination, amount, reference, payer) asks for, good
  // for `life`, or gives the one that the key stands for. Errors: kInvalidField (param
  // `expires_in_seconds`), kInvalidReference; kAccountNotFound, kCurrencyMismatch;
  // kIdempotencyKeyReused; kUnavailable.
  Task<absl::StatusOr<Created>> Create(rpc::Outgoing context, MoneyRequest wanted,
                                       absl::Duration life, std::string idempotency_key);

  // Whether the request is for this user, or theirs. Error: kPaymentRequestNotFound.
  Task<absl::StatusOr<MoneyRequest>> Find(Uuid user_id, Uuid request_id);

  // Errors: kPaymentRequestNotFound; those of BeginToPay() and of CreatePayment::Run(); why the
  // payment failed or was given up (FailureOf(), CancellationOf()).
  Task<absl::StatusOr<Paid>> Run(rpc::Outgoing context, Uuid request_id, Paying paying,
                                 audit::Origin origin = {});

  // For the worker: looks what became of payments that somebody has left. Gives how many requests
  // there were. Error: kUnavailable, kInternal of the store.
  Task<absl::StatusOr<int>> RunOnce();

 private:
  // Makes the payment of a request that is being paid, or finds it, and keeps what became of it.
  Task<absl::StatusOr<CreatePayment::Outcome>> Settle(rpc::Outgoing context, MoneyRequest request,
                                                      audit::Origin origin);

  MoneyRequestStore& store_;
  AccountDirectory& accounts_;
  CreatePayment& create_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::payments
