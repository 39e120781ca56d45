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

// What is approved: one payment, or an order that makes many.
enum class Subject {
  kPayment,
  kSchedule,  // Payments of one amount to one payee, again and again (RTS Art. 14).
  kBulk,      // Payments to several payees at once (RTS Art. 5(3)(b)).
};

struct PaymentBinding {
  Uuid payment_id;         // Or the schedule's or the bulk's, as `subject` says.
  Money amount;            // Of a schedule that of each payment, of a bulk the total.
  Uuid payee_account_id;   // Nil for a bulk.
  std::string payee_name;  // As shown to the payer, UTF-8; of a bulk the payees' names.
  absl::Time expire_time;  // Whole microseconds.
  std::string nonce;       // kNonceSize octets.
  Subject subject = Subject::kPayment;
  std::string terms = {};  // Of an order: what else the payer is shown. UTF-8.

  friend bool operator==(const PaymentBinding&, const PaymentBinding&) = default;
};

// Of the id that stands for the subject.
IdKind IdKindOf(Subject subject);

// "florin-sca-v1", then seven fields, each as four octets of its length (big endian) and itself:
// payment id ("pay_…"), minor units (decimal), currency (ISO 4217), payee account id ("acc_…"),
// payee name, expiry (microseconds since 1970-01-01T00:00:00Z, decimal), nonce. Lengths first, so
// that no field can pass for the end of another: equal for equal bindings only.
//
// Of an order "florin-sca-order-v1", then the same with the id of the schedule ("sch_…") or the
// bulk ("blk_…"), for a bulk an empty payee account id, and the terms as an eighth field.
std::string CanonicalOctets(const PaymentBinding& binding);

// SHA-256 of CanonicalOctets().
crypto::Digest BindingDigest(const PaymentBinding& binding);

}  // namespace florin::sca
