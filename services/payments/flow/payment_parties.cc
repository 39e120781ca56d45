#include "services/payments/flow/payment_parties.h"

#include <algorithm>
#include <utility>

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kPaymentNotFound, "no such payment"); }

}  // namespace

bool SeenPayment::IsPayee(const Uuid& payee_account_id) const {
  if (payee_account_id.is_nil()) return IsPayee();
  return std::ranges::count(payee_account_ids, payee_account_id) > 0;
}

Task<absl::StatusOr<SeenPayment>> PaymentParties::Find(rpc::Outgoing context, Uuid user_id,
                                                       Uuid payment_id) {
  absl::StatusOr<Payment> payment = co_await store_.FindPayment(payment_id);
  if (!payment.ok()) co_return payment.status();
  SeenPayment seen{.payment = *std::move(payment)};
  seen.payer = seen.payment.user_id == user_id;
  if (VisibleToPayee(seen.payment)) {
    std::vector<Uuid> ids = PayeesOf(seen.payment);
    const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
    if (!found.ok()) co_return found.status();
    for (const std::optional<KnownAccount>& account : *found) {
      if (!account || account->owner_user_id != user_id) continue;
      seen.payee_account_ids.push_back(account->account_id);
    }
  }
  if (!seen.payer && !seen.IsPayee()) co_return NotFound();
  co_return seen;
}

Task<absl::StatusOr<SeenPayment>> PaymentParties::FindAsPayee(rpc::Outgoing context, Uuid user_id,
                                                              Uuid payment_id) {
  absl::StatusOr<SeenPayment> seen = co_await Find(std::move(context), user_id, payment_id);
  if (!seen.ok()) co_return seen.status();
  if (!seen->IsPayee()) co_return NotFound();
  co_return seen;
}

Task<absl::StatusOr<Payment>> PaymentParties::FindAsPayer(rpc::Outgoing context, Uuid user_id,
                                                          Uuid payment_id) {
  absl::StatusOr<SeenPayment> seen = co_await Find(std::move(context), user_id, payment_id);
  if (!seen.ok()) co_return seen.status();
  if (!seen->payer) co_return NotFound();
  co_return std::move(seen->payment);
}

}  // namespace florin::payments
