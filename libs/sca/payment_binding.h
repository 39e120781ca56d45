// What a payer approves, as octets: dynamic linking (Commission Delegated Regulation (EU) 2018/389,
// Art. 5). Payments makes these octets of the payment that it is about to execute, auth of the
// approval that it has shown to the payer and had signed; any difference voids the approval. Pure.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"

namespace florin::sca {

// Octets of a nonce: two approvals never have the same digest.
inline constexpr std::size_t kNonceSize = 32;

struct PaymentBinding {
  Uuid payment_id;
  Money amount;
  Uuid payee_account_id;
  std::string payee_name;  // As shown to the payer, UTF-8.
  absl::Time expire_time;  // Whole microseconds.
  std::string nonce;       // kNonceSize octets.

  friend bool operator==(const PaymentBinding&, const PaymentBinding&) = default;
};

// "florin-sca-v1", then seven fields, each as four octets of its length (big endian) and itself:
// payment id ("pay_…"), minor units (decimal), currency (ISO 4217), payee account id ("acc_…"),
// payee name, expiry (microseconds since 1970-01-01T00:00:00Z, decimal), nonce. Lengths first, so
// that no field can pass for the end of another: equal for equal bindings only.
std::string CanonicalOctets(const PaymentBinding& binding);

// SHA-256 of CanonicalOctets().
crypto::Digest BindingDigest(const PaymentBinding& binding);

}  // namespace florin::sca
