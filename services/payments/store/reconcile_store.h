// What recovery could not end, and where payments and the ledger do not agree: what the Store
// (store.h) keeps, seen from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "services/payments/domain/discrepancy.h"
#include "services/payments/domain/recovery_failure.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// What recovery has taken up in vain: a payment, or a step of it.
struct VainAttempt {
  Payment payment;
  std::optional<Step> step;
  std::string reason;  // Its name.
};

enum class DiscrepancyState {
  kOpen,
  kAgreed,    // Found to agree again, without a person. Found once more, it is open again.
  kResolved,  // By a person. Final.
};
std::string_view NameOf(DiscrepancyState state);  // "open", …
absl::StatusOr<DiscrepancyState> ParseDiscrepancyState(std::string_view name);

struct KeptDiscrepancy {
  Discrepancy discrepancy;
  DiscrepancyState state = DiscrepancyState::kOpen;
  std::optional<Uuid> resolved_by = {};
  std::string note = {};
  absl::Time create_time;
  absl::Time update_time;

  friend bool operator==(const KeptDiscrepancy&, const KeptDiscrepancy&) = default;
};

// The walks through all there is. Names are stored.
enum class Walk { kPayments, kSteps, kLedger };
std::string_view NameOf(Walk walk);  // "payments", …

// Open discrepancies of a currency (empty: not known).
struct Exposure {
  std::string currency;
  std::int64_t discrepancies = 0;
  std::string at_risk_minor;  // A decimal number: the sum can exceed 64 bits.

  friend bool operator==(const Exposure&, const Exposure&) = default;
};

struct Resolution {
  Uuid discrepancy_id;
  Uuid user_id;
  std::string note;
  audit::Origin origin = {};
};

// Thread-safe. Every method is idempotent but RecordFailures. Errors besides those named:
// kUnavailable (the outcome of a write is then unknown), kInternal.
class ReconcileStore {
 public:
  virtual ~ReconcileStore() = default;

  // Counts a failure of each that is still in processing, and has it rest (RestAfter()) or parks
  // it, which opens a discrepancy. Gives those that it has parked. May count one twice after
  // kUnavailable, which parks it a little earlier.
  virtual Task<absl::StatusOr<std::vector<Discrepancy>>> RecordFailures(
      std::vector<VainAttempt> attempts, absl::Time now) = 0;
  // Of a payment and its steps, oldest first.
  virtual Task<absl::StatusOr<std::vector<RecoveryFailure>>> ListFailures(Uuid payment_id) = 0;
  // Has the workers take up again what is parked of a payment; its failures are counted anew, and
  // the discrepancies agreed. Gives how many. In the audit trail as payments.payment.retry.
  virtual Task<absl::StatusOr<int>> TakeUpAgain(Uuid payment_id, Uuid operator_id, absl::Time now,
                                                audit::Origin origin) = 0;

  // How far a walk has come; 0 at first.
  virtual Task<absl::StatusOr<std::int64_t>> PositionOf(Walk walk) = 0;
  // Opens discrepancies (or opens them again, if they were agreed), and moves the walk on, unless
  // somebody else has moved it further.
  virtual Task<absl::StatusOr<int>> RecordWalk(Walk walk, std::int64_t position,
                                               std::vector<Discrepancy> found, absl::Time now) = 0;
  // Opens discrepancies as RecordWalk() does, of no walk.
  virtual Task<absl::StatusOr<int>> OpenDiscrepancies(std::vector<Discrepancy> found,
                                                      absl::Time now) = 0;
  // Payments, or steps with their payments, that were made in this time (inclusive, exclusive); at
  // most `limit`, in no order: as many as that mean that there may be more.
  virtual Task<absl::StatusOr<std::vector<Payment>>> PaymentsMade(absl::Time from, absl::Time until,
                                                                  int limit) = 0;
  virtual Task<absl::StatusOr<std::vector<WholePayment>>> StepsMade(absl::Time from,
                                                                    absl::Time until,
                                                                    int limit) = 0;
  // Those of the payments that exist, with all their steps; in no order.
  virtual Task<absl::StatusOr<std::vector<WholePayment>>> WholePayments(
      std::vector<Uuid> payment_ids) = 0;

  // Newest (greatest id) first, at most `limit`; only those before `before`, if given.
  virtual Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> ListDiscrepancies(
      std::optional<DiscrepancyState> state, std::optional<Uuid> before, int limit) = 0;
  // Error: kDiscrepancyNotFound.
  virtual Task<absl::StatusOr<KeptDiscrepancy>> GetDiscrepancy(Uuid discrepancy_id) = 0;
  // Those of a payment, oldest first.
  virtual Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> DiscrepanciesOf(Uuid payment_id) = 0;
  // Ends one that is open; by the same user with the same note again: gives it. Errors:
  // kDiscrepancyNotFound, kDiscrepancyClosed. In the audit trail as payments.discrepancy.resolve.
  virtual Task<absl::StatusOr<KeptDiscrepancy>> Resolve(Resolution resolution, absl::Time now) = 0;
  // Those that are open and not parked have agreed meanwhile. Gives how many.
  virtual Task<absl::StatusOr<int>> Agree(std::vector<Uuid> discrepancy_ids, absl::Time now) = 0;
  // By currency, those included that have none open any more.
  virtual Task<absl::StatusOr<std::vector<Exposure>>> ListExposure() = 0;
};

// The events of the trail.
audit::Event Resolved(const Resolution& resolution, absl::Time now);
audit::Event TakenUpAgain(const Uuid& payment_id, const Uuid& operator_id, absl::Time now,
                          const audit::Origin& origin);

}  // namespace florin::payments
