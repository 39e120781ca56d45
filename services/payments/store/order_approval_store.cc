#include "services/payments/store/order_approval_store.h"

#include <optional>
#include <string_view>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

std::string NonceOf(std::string_view context, const OrderTerms& terms, std::string_view order) {
  const crypto::Digest digest =
      crypto::Sha256(std::string(context) + terms.nonce + std::string(order));
  return std::string(crypto::AsOctets(digest));
}

const OrderTerms& TermsIn(const std::optional<OrderTerms>& terms) {
  FLORIN_CHECK(terms.has_value(), "only orders with terms are approved");
  return *terms;
}

template <class Order>
bool IsApprovedAsKept(const Order& order) {
  if (!order.approval || order.approval->approved_binding.empty()) return false;
  const crypto::Digest digest = sca::BindingDigest(AskedOf(order).binding);
  return crypto::AsOctets(digest) == order.approval->approved_binding;
}

template <class Order>
AwaitedOrder Awaited(Order order, bool waiting) {
  if (!order.approval) order.approval.emplace();
  return {.asked = AskedOf(order), .waiting = waiting};
}

}  // namespace

AskedApproval AskedOf(const Schedule& schedule) {
  const OrderTerms& terms = TermsIn(schedule.approval);
  return {.approval_id = terms.approval_id,
          .user_id = schedule.user_id,
          .binding = {
              .payment_id = schedule.schedule_id,
              .amount = schedule.amount,
              .payee_account_id = schedule.destination_account_id,
              .payee_name = terms.payee_name,
              .expire_time = terms.expire_time,
              .nonce = NonceOf("florin.payments.schedule.v1", terms, CanonicalSchedule(schedule)),
              .subject = sca::Subject::kSchedule,
              .terms = terms.terms}};
}

AskedApproval AskedOf(const Bulk& bulk) {
  const OrderTerms& terms = TermsIn(bulk.approval);
  return {.approval_id = terms.approval_id,
          .user_id = bulk.user_id,
          .binding = {.payment_id = bulk.bulk_id,
                      .amount = {.minor_units = bulk.total_minor, .currency = bulk.currency},
                      .payee_account_id = Uuid(),
                      .payee_name = terms.payee_name,
                      .expire_time = terms.expire_time,
                      .nonce = NonceOf("florin.payments.bulk.v1", terms,
                                       bulk.content + CanonicalBulk(bulk)),
                      .subject = sca::Subject::kBulk,
                      .terms = terms.terms}};
}

bool IsApproved(const Schedule& schedule) { return IsApprovedAsKept(schedule); }
bool IsApproved(const Bulk& bulk) { return IsApprovedAsKept(bulk); }

AwaitedOrder AwaitedOf(const Schedule& schedule) {
  return Awaited(schedule, schedule.state == ScheduleState::kRequiresAction);
}
AwaitedOrder AwaitedOf(const Bulk& bulk) {
  return Awaited(bulk, bulk.state == BulkState::kRequiresAction);
}

}  // namespace florin::payments
