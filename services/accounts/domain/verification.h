// A verification of a customer's identity, as a value.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "services/accounts/domain/customer_machine.h"

namespace florin::accounts {

struct Verification {
  Uuid verification_id;
  Uuid user_id;
  Uuid customer_id;
  KycLevel level = KycLevel::kBasic;
  VerificationState state = VerificationState::kPending;
  std::string reason = {};  // Of a rejection: a code.
  absl::Time create_time;
  absl::Time update_time;
  absl::Time expire_time;

  friend bool operator==(const Verification&, const Verification&) = default;
};

// What whoever verifies says.
struct VerificationResult {
  bool approved = false;
  std::string reason = {};  // Unless approved: a code.

  friend bool operator==(const VerificationResult&, const VerificationResult&) = default;
};

// Whether `reason` is a code: 1 to 40 of a-z and `_`, so that no sentence about a person is kept.
bool IsReasonCode(std::string_view reason);

// The octets that say what a request asks for, as CanonicalCustomer.
std::string CanonicalVerification(const Uuid& customer_id, KycLevel level);

// What an approval of that level means for the customer.
inline KycEvent ApprovalOf(KycLevel level) {
  return level == KycLevel::kFull ? KycEvent::kApprovedFull : KycEvent::kApprovedBasic;
}

}  // namespace florin::accounts
