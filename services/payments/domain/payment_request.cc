#include "services/payments/domain/payment_request.h"

#include <algorithm>
#include <array>
#include <utility>

namespace florin::payments {
namespace {

using enum MoneyRequestState;
using enum MoneyRequestEvent;

constexpr std::array kStates = {std::pair(kOpen, std::string_view("open")),
                                std::pair(kPaying, std::string_view("paying")),
                                std::pair(kPaid, std::string_view("paid")),
                                std::pair(kDeclined, std::string_view("declined")),
                                std::pair(kWithdrawn, std::string_view("withdrawn")),
                                std::pair(kExpired, std::string_view("expired"))};
constexpr std::array kEvents = {std::pair(kPay, std::string_view("pay")),
                                std::pair(kPaymentSucceeded, std::string_view("payment_succeeded")),
                                std::pair(kPaymentFailed, std::string_view("payment_failed")),
                                std::pair(kDecline, std::string_view("decline")),
                                std::pair(kWithdraw, std::string_view("withdraw"))};

constexpr std::array<MoneyRequestTransition, 5> kTransitions = {{
    {kOpen, kPay, kPaying},
    {kPaying, kPaymentSucceeded, kPaid},
    {kPaying, kPaymentFailed, kOpen},
    {kOpen, kDecline, kDeclined},
    {kOpen, kWithdraw, kWithdrawn},
}};

absl::Status Closed(MoneyRequestState state) {
  if (state == kExpired) return Error(Reason::kPaymentRequestExpired, "its time is over");
  return Error(Reason::kPaymentRequestClosed, "it is not open",
               {.metadata = {{"state", std::string(NameOf(state))}}});
}

void Move(MoneyRequest& request, MoneyRequestState to, absl::Time now) {
  request.state = to;
  request.update_time = now;
}

}  // namespace

std::string_view NameOf(MoneyRequestState state) {
  return std::ranges::find(kStates, state, &decltype(kStates)::value_type::first)->second;
}
std::string_view NameOf(MoneyRequestEvent event) {
  return std::ranges::find(kEvents, event, &decltype(kEvents)::value_type::first)->second;
}
absl::StatusOr<MoneyRequestState> ParseMoneyRequestState(std::string_view name) {
  const auto row = std::ranges::find(kStates, name, &decltype(kStates)::value_type::second);
  if (row == kStates.end()) return Error(Reason::kInternal, "no such name is stored");
  return row->first;
}

std::span<const MoneyRequestTransition> MoneyRequestTransitions() { return kTransitions; }

std::optional<MoneyRequestState> NextState(MoneyRequestState from, MoneyRequestEvent event) {
  for (const MoneyRequestTransition& row : kTransitions) {
    if (row.from == from && row.event == event) return row.to;
  }
  return std::nullopt;
}

MoneyRequestState StateAt(const MoneyRequest& request, absl::Time now) {
  return request.state == kOpen && request.expire_time <= now ? kExpired : request.state;
}

bool IsFor(const MoneyRequest& request, const Uuid& user_id) {
  return request.payer_user_id.is_nil() || request.payer_user_id == user_id;
}

absl::Status BeginToPay(MoneyRequest& request, const Paying& paying, absl::Time now) {
  const MoneyRequestState state = StateAt(request, now);
  if ((state == kPaying || state == kPaid) && request.paying == paying) return absl::OkStatus();
  const std::optional<MoneyRequestState> next = NextState(state, kPay);
  if (!next) return Closed(state);
  Move(request, *next, now);
  request.paying = paying;
  return absl::OkStatus();
}

void Conclude(MoneyRequest& request, const Paying& paying, const std::optional<Payment>& payment,
              absl::Time now) {
  if (request.state != kPaying || request.paying != paying) return;
  if (payment && payment->state == State::kRequiresAction) {
    request.payment_id = payment->payment_id;
    return;
  }
  const bool paid = payment && payment->state == State::kSucceeded;
  Move(request, *NextState(kPaying, paid ? kPaymentSucceeded : kPaymentFailed), now);
  request.payment_id = paid ? payment->payment_id : Uuid();
  if (!paid) request.paying.reset();
}

absl::Status Close(MoneyRequest& request, MoneyRequestEvent event, absl::Time now) {
  const MoneyRequestState state = StateAt(request, now);
  if (state == *NextState(kOpen, event)) return absl::OkStatus();
  const std::optional<MoneyRequestState> next = NextState(state, event);
  if (!next) return Closed(state);
  Move(request, *next, now);
  return absl::OkStatus();
}

PaymentRequest PaymentOf(const MoneyRequest& request) {
  return {.kind = Kind::kTransfer,
          .source_account_id = request.paying ? request.paying->source_account_id : Uuid(),
          .destination_account_id = request.destination_account_id,
          .amount = request.amount,
          .reference = request.reference};
}

std::string PaymentKey(const MoneyRequest& request) {
  return "request " + FormatId(IdKind::kPaymentRequest, request.request_id) + ' ' +
         request.paying->key;
}

std::string CanonicalMoneyRequest(const MoneyRequest& request, absl::Duration life) {
  return CanonicalRequest(PaymentOf(request)) + request.payer_user_id.ToString() + ';' +
         std::to_string(absl::ToInt64Seconds(life));
}

}  // namespace florin::payments
