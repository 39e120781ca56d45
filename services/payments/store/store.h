// Where payments are kept: each inserted once as an intent, and ended once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/payment.h"
#include "services/payments/domain/rail.h"

namespace florin::payments {

// Whom a payout pays, and by which rail.
struct PayoutTerms {
  Beneficiary beneficiary;
  std::string rail;
};

// A payment about to be made, and the request that makes it. The key is unique for each user and
// kind of payment.
struct Intent {
  Payment payment;  // In processing.
  std::string idempotency_key;
  crypto::Digest fingerprint;
  audit::Origin origin = {};  // For the audit trail, where the payment is judged.
  // Of a payout whom, and by which rail. Kept beside the payment, in the same transaction.
  std::optional<PayoutTerms> payout = {};
  // Of the trace (W3C Trace Context) that the request belongs to; empty: a worker's.
  std::string trace_id = {};
};

// What is kept under an idempotency key. It is this intent's own payment if the ids agree,
// otherwise an earlier one's.
struct StoredIntent {
  Payment payment;
  bool same_request = false;  // Whether its request had the intent's fingerprint.
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class Store {
 public:
  virtual ~Store() = default;

  // None of them has a conversion (QuoteStore::InsertWithQuote()).
  //
  // Inserts those intents whose key is new, and gives what is kept under each intent's key
  // afterwards, in order. Of several intents with one key, even in one call, one is inserted.
  virtual Task<absl::StatusOr<std::vector<StoredIntent>>> InsertIntents(
      std::vector<Intent> intents) = 0;

  // Records how payments ended or were authorized (state, failure_reason, limit_refusal,
  // update_time, authorization_expire_time), and gives each as it is kept afterwards, in order: a
  // payment that is not in processing any more stays as it is. The payments have been inserted.
  virtual Task<absl::StatusOr<std::vector<Payment>>> RecordResults(std::vector<Payment> ended) = 0;

  // InsertIntents() and RecordResults() in one commit. `writes` is not null.
  struct Writes {
    std::vector<Intent> intents;
    std::vector<Payment> ended;
  };
  struct Written {
    std::vector<StoredIntent> intents;
    std::vector<Payment> ended;
  };
  virtual Task<absl::StatusOr<Written>> Write(std::shared_ptr<const Writes> writes) = 0;

  // Error: kPaymentNotFound, also for a payment of another user.
  virtual Task<absl::StatusOr<Payment>> GetPayment(Uuid user_id, Uuid payment_id) = 0;

  // The user's payments, newest (greatest id) first, at most `limit`; only those before `before`,
  // if given.
  virtual Task<absl::StatusOr<std::vector<Payment>>> ListPayments(Uuid user_id,
                                                                  std::optional<Uuid> before,
                                                                  int limit) = 0;

  // Takes up to `limit` payments in processing, but for payouts (PayoutStore::ClaimPayouts()), that
  // nobody has taken up since `now` - kLease, the
  // longest waiting first, and holds them back from other claims until `now` + kLease. A new
  // payment is held by the request that makes it.
  virtual Task<absl::StatusOr<std::vector<Payment>>> ClaimUnfinished(absl::Time now, int limit) = 0;
};

// How long whoever takes a payment up has it for himself. A promise about work, not about safety:
// two may work on one payment, since the ledger and RecordResults are idempotent.
inline constexpr absl::Duration kLease = absl::Seconds(3);

}  // namespace florin::payments
