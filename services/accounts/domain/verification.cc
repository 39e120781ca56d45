#include "services/accounts/domain/verification.h"

#include <algorithm>

namespace florin::accounts {

bool IsReasonCode(std::string_view reason) {
  return !reason.empty() && reason.size() <= 40 &&
         std::ranges::all_of(reason, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

std::string CanonicalVerification(const Uuid& customer_id, KycLevel level) {
  return "verification;" + customer_id.ToString() + ";" + std::string(NameOf(level));
}

}  // namespace florin::accounts
