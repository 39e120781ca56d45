// The approval of a payment, or of an order that makes many, by its payer: what it is, and what may
// become of it. What it binds is in libs/sca; how its payer proves it, in flow/.
//
//   PENDING  --approve (payer, with a proof)-->  APPROVED  --redeem (its payment)-->  REDEEMED
//      |  \                                       /    |
//      |    ---------- decline (payer) ---------       |
//      |                      v                        |
//      |                  DECLINED                     |
//       ------- redeem for something else -------------   -->  VOID
//
// From its expiry on nothing but a repetition of what was done before is possible. REDEEMED,
// DECLINED and VOID are final. The store keeps the same rule once more in SQL.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::auth {

// What is approved; as sca::Subject.
enum class ApprovalKind { kPayment, kSchedule, kBulk };
enum class ApprovalState { kPending, kApproved, kDeclined, kRedeemed, kVoid };

// Names as they are stored: "schedule", "pending", … Parsing gives kInternal for any other text.
std::string_view NameOf(ApprovalKind kind);
absl::StatusOr<ApprovalKind> ParseApprovalKind(std::string_view name);
std::string_view NameOf(ApprovalState state);
absl::StatusOr<ApprovalState> ParseApprovalState(std::string_view name);

inline constexpr std::size_t kLongestPayeeName = 140;  // characters
inline constexpr std::size_t kLongestTerms = 400;      // characters

struct PaymentApproval {
  Uuid approval_id;
  Uuid user_id;            // The payer, who alone may see and approve it.
  Uuid payment_id;         // Or the schedule's or the bulk's, as `kind` says.
  Money amount;            // Of a schedule that of each payment, of a bulk the total.
  Uuid payee_account_id;   // Nil for a bulk.
  std::string payee_name;  // As the payer is shown it; of a bulk the payees'. Personal data.
  std::string nonce;       // sca::kNonceSize octets.
  absl::Time expire_time;  // Whole microseconds, as are all times that are stored.
  absl::Time create_time;
  ApprovalState state = ApprovalState::kPending;
  Uuid ceremony_id;  // What a passkey must answer; nil: nothing yet.
  std::optional<absl::Time> approve_time;
  std::optional<absl::Time> end_time;  // When it was redeemed, declined or voided.
  ApprovalKind kind = ApprovalKind::kPayment;
  std::string terms = {};  // Of an order: what else the payer is shown.

  friend bool operator==(const PaymentApproval&, const PaymentApproval&) = default;
};

// What is asked for, checked before it is kept: an amount of more than zero, a plain name, for an
// order plain terms, one payee's account unless it is a bulk, a nonce of the right size
// (`nonce_size` octets). Error: kInvalidField with the field's name.
absl::Status CheckApproval(const PaymentApproval& approval, std::size_t nonce_size);

// Whether both ask for the same: everything but times and what became of them.
bool AskForTheSame(const PaymentApproval& a, const PaymentApproval& b);

// Whether its time is over and it was not used before.
bool HasExpired(const PaymentApproval& approval, absl::Time now);

// The following change what is kept of an approval, all at once with the decision; they change
// nothing where they give an error, unless they say so.

// Before a proof is asked for or checked. Errors: kApprovalExpired, kApprovalDeclined,
// kApprovalUsed.
absl::Status CheckApprovable(const PaymentApproval& approval, absl::Time now);

// After the payer's proof was accepted. An approval that was given stays as it is. Errors: those of
// CheckApprovable().
absl::Status Approve(PaymentApproval& approval, absl::Time now);

// Errors: kApprovalExpired, kApprovalUsed.
absl::Status Decline(PaymentApproval& approval, absl::Time now);

// Uses it up for `payment_id`. `same_binding`: whether what that payment is about to execute is
// what the payer was shown; otherwise the approval is void from now on. Errors: kApprovalMismatch,
// which is the one that changes it; kApprovalUsed, kApprovalExpired, kApprovalDeclined,
// kApprovalPending, which is also the answer to `only_if_redeemed` if it is not.
absl::Status Redeem(PaymentApproval& approval, const Uuid& payment_id, bool same_binding,
                    bool only_if_redeemed, absl::Time now);

}  // namespace florin::auth
