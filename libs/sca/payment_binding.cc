#include "libs/sca/payment_binding.h"

#include <cstdint>
#include <string_view>

namespace florin::sca {
namespace {

constexpr std::string_view kPaymentVersion = "florin-sca-v1";
constexpr std::string_view kOrderVersion = "florin-sca-order-v1";

void AppendField(std::string_view field, std::string& out) {
  const auto size = static_cast<std::uint32_t>(field.size());
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
  out += field;
}

}  // namespace

IdKind IdKindOf(Subject subject) {
  switch (subject) {
    case Subject::kPayment:
      break;
    case Subject::kSchedule:
      return IdKind::kSchedule;
    case Subject::kBulk:
      return IdKind::kBulk;
  }
  return IdKind::kPayment;
}

std::string CanonicalOctets(const PaymentBinding& binding) {
  const bool order = binding.subject != Subject::kPayment;
  std::string out(order ? kOrderVersion : kPaymentVersion);
  AppendField(FormatId(IdKindOf(binding.subject), binding.payment_id), out);
  AppendField(std::to_string(binding.amount.minor_units), out);
  AppendField(binding.amount.currency.code(), out);
  const bool one_payee = !order || !binding.payee_account_id.is_nil();
  AppendField(one_payee ? FormatId(IdKind::kAccount, binding.payee_account_id) : "", out);
  AppendField(binding.payee_name, out);
  AppendField(std::to_string(absl::ToUnixMicros(binding.expire_time)), out);
  AppendField(binding.nonce, out);
  if (order) AppendField(binding.terms, out);
  return out;
}

crypto::Digest BindingDigest(const PaymentBinding& binding) {
  return crypto::Sha256(CanonicalOctets(binding));
}

}  // namespace florin::sca
