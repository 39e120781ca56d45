// Where limits are kept, with every maximum that they have had.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/limit.h"

namespace florin::payments {

// So long removed limits are known to everybody without asking. A payment that used one and has not
// ended by then asks for it (FindLimits): rows of limits stay for ever.
inline constexpr absl::Duration kRemovedLimitsStay = absl::Hours(7 * 24);
// At once, of all kinds together, removed ones not counted.
inline constexpr int kMostLimits = 10'000;
// With the same scope, subject, level and currency: what a payment can have to use is bounded.
inline constexpr int kMostLimitsAlike = 5;

// What an operator does to a limit.
struct LimitChange {
  enum class Kind { kCreate, kSetMaximum, kRemove };
  Kind kind = Kind::kCreate;
  std::optional<Limit> limit = {};  // Of kCreate: checked (CheckLimit()), with one maximum.
  Uuid limit_id = {};               // Of the others.
  std::int64_t maximum = 0;         // Of kSetMaximum.
  Uuid user_id;                     // Who.
  std::string idempotency_key;
  crypto::Digest fingerprint;
  absl::Time time;  // Whole microseconds.
  audit::Origin origin = {};
};

// What is kept under an idempotency key: the limit as that change left it.
struct StoredLimit {
  Limit limit;
  bool same_request = false;  // Whether its request had the change's fingerprint.
  bool replayed = false;      // An earlier request made it.
};

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class LimitStore {
 public:
  virtual ~LimitStore() = default;

  // Does it once for each key of its user; the audit trail says who. Errors, and then nothing has
  // changed: kLimitNotFound, also for one that is removed; kInvalidLimit (param `scope`) beyond
  // kMostLimits or kMostLimitsAlike, (param `maximum`) beyond kMostMaxima.
  virtual Task<absl::StatusOr<StoredLimit>> ChangeLimit(LimitChange change) = 0;

  // All limits, by id; those that were removed before `now` - kRemovedLimitsStay left out.
  virtual Task<absl::StatusOr<std::vector<Limit>>> ListLimits(absl::Time now) = 0;
  // Those of `limit_ids` that there have ever been, by id, whenever they were removed.
  virtual Task<absl::StatusOr<std::vector<Limit>>> FindLimits(std::vector<Uuid> limit_ids) = 0;
};

}  // namespace florin::payments
