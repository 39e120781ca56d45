#include "libs/sca/payment_binding.h"

#include <cstdint>
#include <string_view>

namespace florin::sca {
namespace {

constexpr std::string_view kVersion = "florin-sca-v1";

void AppendField(std::string_view field, std::string& out) {
  const auto size = static_cast<std::uint32_t>(field.size());
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
  out += field;
}

}  // namespace

std::string CanonicalOctets(const PaymentBinding& binding) {
  std::string out(kVersion);
  AppendField(FormatId(IdKind::kPayment, binding.payment_id), out);
  AppendField(std::to_string(binding.amount.minor_units), out);
  AppendField(binding.amount.currency.code(), out);
  AppendField(FormatId(IdKind::kAccount, binding.payee_account_id), out);
  AppendField(binding.payee_name, out);
  AppendField(std::to_string(absl::ToUnixMicros(binding.expire_time)), out);
  AppendField(binding.nonce, out);
  return out;
}

crypto::Digest BindingDigest(const PaymentBinding& binding) {
  return crypto::Sha256(CanonicalOctets(binding));
}

}  // namespace florin::sca
