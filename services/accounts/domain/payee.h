// Whom a user pays: an account of Florin, or an IBAN elsewhere, under the name that the user gave.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/accounts/domain/name_match.h"

namespace florin::accounts {

enum class PayeeState { kActive, kDeleted };

// What is kept of others: sealed under the customer's key.
struct PayeeDetails {
  std::string name;
  std::string iban;  // Canonical; empty for an account of Florin.

  friend bool operator==(const PayeeDetails&, const PayeeDetails&) = default;
};

struct Payee {
  Uuid payee_id;
  Uuid user_id;
  Uuid customer_id;
  std::optional<Uuid> account_id = {};
  PayeeDetails details;  // Empty once it is deleted.
  NameMatch name_match = NameMatch::kNotAvailable;
  PayeeState state = PayeeState::kActive;
  absl::Time create_time;
  absl::Time usable_time;  // From when on it may be paid any amount.

  friend bool operator==(const Payee&, const Payee&) = default;
};

inline constexpr int kMostPayees = 1000;  // Of a user, without deleted ones.

// An IBAN without spaces and in capitals: two letters, two check digits, 11 to 30 letters and
// digits, and the check digits right (ISO 13616-1, ISO 7064 MOD 97-10). Error: kInvalidField with
// param `iban`.
absl::StatusOr<std::string> CanonicalIban(std::string_view text);

// Whether a payee with that match may be saved. Error: kPayeeNameMismatch, whose metadata
// `name_match` says which, and nothing of the holder's name.
absl::Status CheckAccepted(NameMatch match, bool accept_name);

// The octets of details as they are sealed, and back. Error: kInternal.
std::string EncodeDetails(const PayeeDetails& details);
absl::StatusOr<PayeeDetails> DecodeDetails(std::string_view octets);

// The octets that say what a request asks for.
std::string CanonicalPayee(const Payee& payee, bool accept_name);

}  // namespace florin::accounts
