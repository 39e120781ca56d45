#include "services/payments/flow/pay_request.h"

#include <utility>

#include "libs/text/text.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/passing.h"

namespace florin::payments {
namespace {

constexpr int kLookedAtAtOnce = 50;

absl::Status NotFound() {
  return Error(Reason::kPaymentRequestNotFound, "no such payment request");
}

absl::Status CheckWanted(const MoneyRequest& wanted, absl::Duration life) {
  if (life < kShortestMoneyRequest || life > kLongestMoneyRequest) {
    return Error(Reason::kInvalidField, "one minute to 366 days", {.param = "expires_in_seconds"});
  }
  const std::optional<std::size_t> length = CountPlainCharacters(wanted.reference);
  if (!length || *length > kLongestReference) {
    return Error(Reason::kInvalidReference,
                 "at most 140 characters of UTF-8 without control characters",
                 {.param = "reference"});
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<PayRequest::Created>> PayRequest::Create(rpc::Outgoing context,
                                                             MoneyRequest wanted,
                                                             absl::Duration life,
                                                             std::string idempotency_key) {
  FLORIN_CO_RETURN_IF_ERROR(CheckWanted(wanted, life));
  std::vector<Uuid> ids = {wanted.destination_account_id};
  const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  // As money that comes into the payee's own account.
  PaymentRequest incoming = PaymentOf(wanted);
  incoming.kind = Kind::kDeposit;
  FLORIN_CO_RETURN_IF_ERROR(CheckAccounts(wanted.user_id, incoming, std::nullopt, found->front()));
  const absl::Time now = NowInMicroseconds(clock_);
  wanted.request_id = ids_.NewId();
  wanted.expire_time = now + life;
  wanted.create_time = wanted.update_time = now;
  const Uuid request_id = wanted.request_id;
  const crypto::Digest fingerprint = crypto::Sha256(CanonicalMoneyRequest(wanted, life));
  MoneyRequestIntent intent{.request = std::move(wanted),
                            .idempotency_key = std::move(idempotency_key),
                            .fingerprint = fingerprint};
  absl::StatusOr<StoredMoneyRequest> stored = co_await store_.InsertRequest(std::move(intent));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->request.request_id != request_id;
  co_return Created{.request = std::move(stored->request), .replayed = replayed};
}

Task<absl::StatusOr<MoneyRequest>> PayRequest::Find(Uuid user_id, Uuid request_id) {
  absl::StatusOr<MoneyRequest> request = co_await store_.GetRequest(request_id);
  if (!request.ok()) co_return request.status();
  if (request->user_id != user_id && !IsFor(*request, user_id)) co_return NotFound();
  co_return request;
}

Task<absl::StatusOr<PayRequest::Paid>> PayRequest::Run(rpc::Outgoing context, Uuid request_id,
                                                       Paying paying, audit::Origin origin) {
  const absl::StatusOr<MoneyRequest> seen = co_await Find(paying.user_id, request_id);
  if (!seen.ok()) co_return seen.status();
  if (!IsFor(*seen, paying.user_id)) co_return NotFound();
  // What cannot be a payment does not keep others from paying, not for a moment.
  MoneyRequest tried = *seen;
  tried.paying = paying;
  FLORIN_CO_RETURN_IF_ERROR(CheckRequest(PaymentOf(tried)));
  absl::StatusOr<MoneyRequest> begun =
      co_await store_.BeginPayment(request_id, paying, NowInMicroseconds(clock_));
  if (!begun.ok()) co_return begun.status();
  if (begun->state == MoneyRequestState::kPaid) {
    co_return Paid{.request = *std::move(begun), .replayed = true};
  }
  const absl::StatusOr<CreatePayment::Outcome> made =
      co_await Settle(std::move(context), *std::move(begun), std::move(origin));
  if (!made.ok()) co_return made.status();
  if (made->payment.state == State::kFailed) co_return FailureOf(made->payment);
  if (made->payment.state == State::kCanceled) co_return CancellationOf(made->payment);
  absl::StatusOr<MoneyRequest> ended = co_await store_.GetRequest(request_id);
  if (!ended.ok()) co_return ended.status();
  co_return Paid{.request = *std::move(ended), .replayed = made->replayed};
}

Task<absl::StatusOr<CreatePayment::Outcome>> PayRequest::Settle(rpc::Outgoing context,
                                                                MoneyRequest request,
                                                                audit::Origin origin) {
  const Paying paying = *request.paying;
  PaymentRequest payment = PaymentOf(request);
  std::string key = PaymentKey(request);
  absl::StatusOr<CreatePayment::Outcome> made = co_await create_.Run(
      std::move(context), paying.user_id, std::move(key), std::move(payment), std::move(origin));
  if (DecidesNothing(made.status())) co_return made.status();
  std::optional<Payment> ended;
  if (made.ok()) ended = made->payment;
  const absl::StatusOr<MoneyRequest> kept = co_await store_.EndPayment(
      request.request_id, paying, std::move(ended), NowInMicroseconds(clock_));
  if (!kept.ok()) co_return kept.status();
  co_return made;
}

Task<absl::StatusOr<int>> PayRequest::RunOnce() {
  absl::StatusOr<std::vector<MoneyRequest>> left =
      co_await store_.ClaimPaying(NowInMicroseconds(clock_), kLookedAtAtOnce);
  if (!left.ok()) co_return left.status();
  for (MoneyRequest& request : *left) {
    rpc::Outgoing context;
    audit::Origin origin{.caller = "payments"};
    // One that cannot be settled now keeps no other from it, and is claimed again.
    const auto settled = co_await Settle(std::move(context), std::move(request), std::move(origin));
    (void)settled;
  }
  co_return static_cast<int>(left->size());
}

}  // namespace florin::payments
