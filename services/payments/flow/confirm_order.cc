#include "services/payments/flow/confirm_order.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/approval.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

std::string TextOf(const AwaitedOrder& order) {
  const sca::PaymentBinding& binding = order.asked.binding;
  return FormatId(sca::IdKindOf(binding.subject), binding.payment_id);
}

void Count(const AwaitedOrder& order, std::string result) {
  const bool bulk = order.asked.binding.subject == sca::Subject::kBulk;
  telemetry::Count("florin_order_approvals_total",
                   {{"kind", bulk ? "bulk" : "schedule"}, {"result", std::move(result)}});
}

}  // namespace

Task<absl::Status> ConfirmOrder::Ask(rpc::Outgoing context, AwaitedOrder order) {
  co_return co_await approvals_.Ask(std::move(context), std::move(order.asked));
}

Task<absl::Status> ConfirmOrder::Run(rpc::Outgoing context, Uuid user_id, Uuid order_id,
                                     audit::Origin origin) {
  absl::StatusOr<AwaitedOrder> order =
      co_await store_.BeginConfirm(user_id, order_id, NowInMicroseconds(clock_));
  if (!order.ok()) co_return order.status();
  if (!order->waiting) co_return absl::OkStatus();
  co_return co_await Start(std::move(context), *std::move(order), false, std::move(origin));
}

Task<absl::Status> ConfirmOrder::Start(rpc::Outgoing context, AwaitedOrder order,
                                       bool only_if_redeemed, audit::Origin origin) {
  const sca::PaymentBinding& binding = order.asked.binding;
  const crypto::Digest digest = sca::BindingDigest(binding);
  AskedApproval asked = order.asked;
  const absl::Status redeemed =
      co_await approvals_.Redeem(std::move(context), std::move(asked), only_if_redeemed);
  if (!redeemed.ok()) co_return co_await GiveUp(std::move(order), redeemed, std::move(origin));
  const absl::StatusOr<AwaitedOrder> started = co_await store_.StartApproved(
      order.asked.user_id, binding.payment_id, digest, NowInMicroseconds(clock_), origin);
  if (!started.ok()) {
    co_return co_await GiveUp(std::move(order), started.status(), std::move(origin));
  }
  Count(order, "approved");
  co_return absl::OkStatus();
}

Task<absl::Status> ConfirmOrder::GiveUp(AwaitedOrder order, absl::Status why,
                                        audit::Origin origin) {
  const Reason reason = ReasonOf(why).value_or(Reason::kInternal);
  if (!EndsPayment(reason)) co_return why;
  const absl::StatusOr<AwaitedOrder> given_up =
      co_await store_.GiveUpAwaited(order.asked.user_id, order.asked.binding.payment_id, reason,
                                    NowInMicroseconds(clock_), std::move(origin));
  if (given_up.ok()) Count(order, std::string(InfoOf(reason).name));
  co_return given_up.status();
}

Task<absl::StatusOr<int>> ConfirmOrder::RunOnce() {
  absl::StatusOr<std::vector<AwaitedOrder>> claimed =
      co_await store_.ClaimAwaiting(NowInMicroseconds(clock_), kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  const int count = static_cast<int>(claimed->size());
  for (AwaitedOrder& order : *claimed) {
    const std::string id = TextOf(order);
    const Uuid user_id = order.asked.user_id;
    const Uuid order_id = order.asked.binding.payment_id;
    rpc::Outgoing context;
    audit::Origin nobody;
    // One that cannot be decided now keeps no other from it, and is claimed again.
    const absl::Status done =
        co_await Start(std::move(context), std::move(order), true, std::move(nobody));
    if (done.ok() || ReasonOf(done) == Reason::kApprovalPending) continue;
    telemetry::Log(telemetry::Severity::kWarning, "an order's approval is not known",
                   {{"order_id", id}, {"error", std::string(done.message())}});
    // Its approval may be redeemed, and the claim holds it back until that expires: not so long.
    const absl::StatusOr<AwaitedOrder> soon =
        co_await store_.BeginConfirm(user_id, order_id, NowInMicroseconds(clock_));
    if (!soon.ok()) co_return soon.status();
  }
  co_return count;
}

}  // namespace florin::payments
