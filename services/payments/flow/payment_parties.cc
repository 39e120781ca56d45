#include "services/payments/flow/payment_parties.h"

#include <utility>

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kPaymentNotFound, "no such payment"); }

}  // namespace

Task<absl::StatusOr<SeenPayment>> PaymentParties::Find(rpc::Outgoing context, Uuid user_id,
                                                       Uuid payment_id) {
  absl::StatusOr<Payment> payment = co_await store_.FindPayment(payment_id);
  if (!payment.ok()) co_return payment.status();
  SeenPayment seen{.payment = *std::move(payment)};
  seen.payer = seen.payment.user_id == user_id;
  if (VisibleToPayee(seen.payment)) {
    std::vector<Uuid> ids = {seen.payment.destination_account_id};
    const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
    if (!found.ok()) co_return found.status();
    seen.payee = (*found)[0] && (*found)[0]->owner_user_id == user_id;
  }
  if (!seen.payer && !seen.payee) co_return NotFound();
  co_return seen;
}

Task<absl::StatusOr<Payment>> PaymentParties::FindAsPayee(rpc::Outgoing context, Uuid user_id,
                                                          Uuid payment_id) {
  absl::StatusOr<SeenPayment> seen = co_await Find(std::move(context), user_id, payment_id);
  if (!seen.ok()) co_return seen.status();
  if (!seen->payee) co_return NotFound();
  co_return std::move(seen->payment);
}

Task<absl::StatusOr<Payment>> PaymentParties::FindAsPayer(rpc::Outgoing context, Uuid user_id,
                                                          Uuid payment_id) {
  absl::StatusOr<SeenPayment> seen = co_await Find(std::move(context), user_id, payment_id);
  if (!seen.ok()) co_return seen.status();
  if (!seen->payer) co_return NotFound();
  co_return std::move(seen->payment);
}

}  // namespace florin::payments
