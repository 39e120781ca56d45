#include "services/payments/flow/create_payment.h"

#include <utility>
#include <vector>

#include "libs/crypto/sha256.h"

namespace florin::payments {

CreatePayment::CreatePayment(Executor executor, Store& store, AccountDirectory& accounts,
                             Settlement& settlement, Clock& clock, IdSource& ids)
    : store_(store),
      accounts_(accounts),
      settlement_(settlement),
      clock_(clock),
      ids_(ids),
      intents_(executor,
               [this](std::vector<Intent> batch) { return store_.InsertIntents(std::move(batch)); },
               {.max_batch = 200, .max_waiting = 10'000}) {}

Task<absl::StatusOr<CreatePayment::Outcome>> CreatePayment::Run(rpc::Outgoing context, Uuid user_id,
                                                                std::string idempotency_key,
                                                                PaymentRequest request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckRequest(request));
  FLORIN_CO_RETURN_IF_ERROR(co_await CheckParties(std::move(context), user_id, request));

  const Uuid payment_id = ids_.NewId();
  Intent intent{.payment = NewPayment(payment_id, user_id, request, NowInMicroseconds(clock_)),
                .idempotency_key = std::move(idempotency_key),
                .fingerprint = crypto::Sha256(CanonicalRequest(request))};
  absl::StatusOr<StoredIntent> stored = co_await intents_.Submit(std::move(intent));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->payment.payment_id != payment_id;
  if (stored->payment.state != State::kProcessing) {
    co_return Outcome{.payment = std::move(stored->payment), .replayed = replayed};
  }
  absl::StatusOr<Payment> ended = co_await settlement_.Settle(std::move(stored->payment));
  if (!ended.ok()) co_return ended.status();
  co_return Outcome{.payment = *std::move(ended), .replayed = replayed};
}

Task<absl::Status> CreatePayment::CheckParties(rpc::Outgoing context, Uuid user_id,
                                               const PaymentRequest& request) {
  std::vector<Uuid> ids = {request.destination_account_id};
  if (request.kind == Kind::kTransfer) ids.push_back(request.source_account_id);
  const absl::StatusOr<std::vector<std::optional<AccountFacts>>> found =
      co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  const std::optional<AccountFacts> source =
      request.kind == Kind::kTransfer ? (*found)[1] : std::nullopt;
  co_return CheckAccounts(user_id, request, source, (*found)[0]);
}

}  // namespace florin::payments
