// Captures, refunds and disputes of payments: what the Store (store.h) keeps, seen from there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/step.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// A step about to begin, and the request that asks for it. The key is unique for each user and
// kind.
struct StepIntent {
  Step step;  // In processing.
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};
};

// What is kept under an idempotency key or of a step, with its payment and dispute as they are now.
// It is this intent's own step if the ids agree, otherwise an earlier one's.
struct StoredStep {
  Step step;
  Charge charge;
  bool same_request = true;  // Whether it was asked for with the intent's fingerprint.
};

// What the ledger said about a step, and when.
struct StepResult {
  Step step;  // `attempt`: the transaction that the answer is about.
  LedgerAnswer answer;
  absl::Time time;
};

struct EvidenceIntent {
  Uuid dispute_id;
  Uuid user_id;
  std::string idempotency_key;
  crypto::Digest fingerprint;
  std::vector<std::string> texts;
  audit::Origin origin = {};
};

struct Evidence {
  std::string text;
  absl::Time create_time;

  friend bool operator==(const Evidence&, const Evidence&) = default;
};

// Steps that begin are in the audit trail, by the same transaction, refused ones included, as
// payments.capture.create, payments.payment.cancel, payments.payment.expire,
// payments.refund.create, payments.dispute.open, accept, withdraw and resolve; evidence as
// payments.dispute.respond. Thread-safe. Every method is idempotent, so that it may be repeated
// after kUnavailable. Errors besides those named: kUnavailable (the outcome of a write is then
// unknown), kInternal.
class ChargeStore {
 public:
  virtual ~ChargeStore() = default;

  // Anybody's payment: the caller judges who may see it. Error: kPaymentNotFound.
  virtual Task<absl::StatusOr<Payment>> FindPayment(Uuid payment_id) = 0;

  // If the key is new: reserves what the step is about (step_rules.h) and inserts it, or inserts it
  // as refused; in one transaction that holds the payment. Errors: kPaymentNotFound,
  // kDisputeNotFound.
  virtual Task<absl::StatusOr<StoredStep>> BeginStep(StepIntent intent) = 0;

  // Ends steps as the ledger decided (ApplyAnswer()) together with their payments and disputes, and
  // gives them as they are kept afterwards, in order: a step that has ended before stays as it is.
  // The steps were begun, and the answers are final.
  virtual Task<absl::StatusOr<std::vector<StoredStep>>> RecordSteps(
      std::vector<StepResult> results) = 0;

  // Takes up to `limit` steps in processing that nobody has taken up since `now` - kLease, as
  // Store::ClaimUnfinished().
  virtual Task<absl::StatusOr<std::vector<StoredStep>>> ClaimSteps(absl::Time now, int limit) = 0;
  // Takes up to `limit` payments that require capture and whose time to be captured is over, and
  // holds them back from other claims until `now` + kLease.
  virtual Task<absl::StatusOr<std::vector<Payment>>> ClaimExpired(absl::Time now, int limit) = 0;

  // Error: kRefundNotFound, whatever the kind; also for a step of another payment or kind.
  virtual Task<absl::StatusOr<Step>> GetStep(Uuid payment_id, StepKind kind, Uuid step_id) = 0;
  // The payment's steps of a kind, newest (greatest id) first, at most `limit`; only those before
  // `before`, if given, and those about one of `payees`, if there are any.
  virtual Task<absl::StatusOr<std::vector<Step>>> ListSteps(Uuid payment_id, StepKind kind,
                                                            std::vector<Uuid> payees,
                                                            std::optional<Uuid> before,
                                                            int limit) = 0;

  // Error: kDisputeNotFound.
  virtual Task<absl::StatusOr<Dispute>> GetDispute(Uuid dispute_id) = 0;
  // The payment's disputes, oldest first.
  virtual Task<absl::StatusOr<std::vector<Dispute>>> ListDisputes(Uuid payment_id) = 0;
  virtual Task<absl::StatusOr<std::vector<Evidence>>> ListEvidence(Uuid dispute_id) = 0;

  // Adds the payee's texts if the key is new, and puts the dispute under review. Errors:
  // kDisputeNotFound; kDisputeClosed unless it needs a response or is under review, nobody decides
  // it and the response is not overdue; kInvalidEvidence for too many texts; kIdempotencyKeyReused.
  virtual Task<absl::StatusOr<Dispute>> AddEvidence(EvidenceIntent intent, absl::Time now) = 0;
  // Puts disputes under review whose response is overdue, and gives how many.
  virtual Task<absl::StatusOr<int>> EndResponseTimes(absl::Time now) = 0;
};

// What AddEvidence() needs of a dispute with `texts` texts of evidence so far. Pure.
absl::Status MayRespond(const Dispute& dispute, int texts, int more, absl::Time now);

// The dispute that the step is about, if there is one (yet); else nil. Pure.
Uuid DisputeOf(const Step& step);

// What the audit trail says of a step. Pure.
audit::Event EventOf(const StepIntent& intent, const Charge& charge);

}  // namespace florin::payments
