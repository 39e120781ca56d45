// A payment that waits for its payer's approval: how it begins, starts and is given up. The
// approval itself is auth's; what it binds is in libs/sca.
#pragma once

#include <string>
#include <string_view>

#include "services/payments/domain/payment.h"

namespace florin::payments {

// How long the payer has.
inline constexpr absl::Duration kApprovalTime = absl::Minutes(5);

// The id of a payment's approval: follows from the payment's, so that every attempt uses the same
// one.
Uuid ApprovalIdOf(const Uuid& payment_id);

// What a payment made at `now` asks of its payer. `nonce`: random, sca::kNonceSize octets.
ApprovalTerms NewTerms(const Uuid& payment_id, std::string payee_name, std::string nonce,
                       absl::Time now);

// The new payment (NewPayment()) that waits for its approval instead of being executed.
Payment AwaitApproval(Payment payment, ApprovalTerms terms);

// The payment after its approval was redeemed for `binding`; it must require action.
Payment StartApproved(Payment payment, std::string binding, absl::Time now);

// The payment after it was given up; it must require action. `reason`: kPaymentCanceled by its
// owner, any other by auth.
Payment GiveUp(Payment payment, Reason reason, absl::Time now);

// Whether this ends the payment that waits: auth's answer about the approval (kApprovalMismatch,
// kApprovalUsed, kApprovalExpired, kApprovalDeclined), or that its user has lost the right to pay
// from the source (PaysFor(): kHolderRoleMissing, kAccountNotFound).
bool EndsPayment(Reason reason);

// What the owner of a canceled payment is told: the reason, with the payment's id in metadata
// `payment_id`. The same for every replay.
absl::Status CancellationOf(const Payment& payment);

}  // namespace florin::payments
