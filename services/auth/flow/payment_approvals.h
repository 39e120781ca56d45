// Approvals of payments: dynamic linking (Commission Delegated Regulation (EU) 2018/389, "RTS",
// Art. 5).
//
// One set of octets (libs/sca) is made of what is kept of the approval. The payer is shown the very
// fields it is made of, an authenticator's proof is asked for and accepted for these octets alone
// (a passkey signs their digest; a one-time code is accepted for this approval and used up), and
// the payment redeems the approval by their digest, which it makes of its own row.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/crypto/sha256.h"
#include "libs/sca/payment_binding.h"
#include "services/auth/domain/payment_approval.h"
#include "services/auth/flow/payer_prover.h"
#include "services/auth/store/approval_store.h"

namespace florin::auth {

// Pure.
sca::Subject SubjectOf(ApprovalKind kind);
sca::PaymentBinding BindingOf(const PaymentApproval& approval);

// Thread-safe. An approval of another user is answered as one that does not exist:
// kApprovalNotFound. Errors besides those named: kUnavailable, kInternal.
class PaymentApprovals {
 public:
  // References outlive this.
  PaymentApprovals(ApprovalStore& store, PayerProver& prover, Clock& clock)
      : store_(store), prover_(prover), clock_(clock) {}

  // Keeps what is asked for (times and state of `approval` are set here, but for its expiry).
  // Idempotent. Errors: kInvalidField; kIdConflict: the id stands for another approval.
  Task<absl::StatusOr<PaymentApproval>> Ask(PaymentApproval approval);

  // Error: kApprovalNotFound.
  Task<absl::StatusOr<PaymentApproval>> Get(Uuid user_id, Uuid approval_id);

  // The ceremony that a passkey must answer; a later one replaces it. Errors: kApprovalNotFound,
  // those of CheckApprovable() and PayerProver::Begin().
  Task<absl::StatusOr<PayerProver::Ceremony>> Begin(Uuid user_id, Uuid approval_id);

  // Approves, if the payer's proof is one for this approval: of the ceremony that was begun last,
  // or a one-time code, which needs none. An approval that was given is given again, and no proof
  // looked at. Errors: kInvalidField unless exactly one proof; kApprovalNotFound, those of
  // Approve() and of the prover; kInvalidCredentials for a passkey's before Begin().
  Task<absl::StatusOr<PaymentApproval>> Approve(Uuid user_id, Uuid approval_id,
                                                PayerProver::Proof proof,
                                                audit::Origin origin = {});

  // Errors: kApprovalNotFound and those of Decline().
  Task<absl::StatusOr<PaymentApproval>> Decline(Uuid user_id, Uuid approval_id,
                                                audit::Origin origin = {});

  // For payments, which made `binding` of what it is about to execute. Errors: kApprovalNotFound
  // and those of Redeem().
  Task<absl::StatusOr<PaymentApproval>> Redeem(Uuid approval_id, Uuid payment_id,
                                               crypto::Digest binding, bool only_if_redeemed,
                                               audit::Origin origin = {});

 private:
  absl::Time Now();  // In whole microseconds.

  ApprovalStore& store_;
  PayerProver& prover_;
  Clock& clock_;
};

}  // namespace florin::auth
