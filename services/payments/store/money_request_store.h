// Requests for money.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/crypto/sha256.h"
#include "services/payments/domain/payment_request.h"

namespace florin::payments {

// As ScheduleIntent and StoredSchedule.
struct MoneyRequestIntent {
  MoneyRequest request;
  std::string idempotency_key;
  crypto::Digest fingerprint;
};
struct StoredMoneyRequest {
  MoneyRequest request;
  bool same_request = false;
};

// How long whoever pays has it for himself before a worker looks after it. About work, not safety.
inline constexpr absl::Duration kMoneyRequestLease = absl::Seconds(10);

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable (the outcome of a write is then unknown), kInternal.
class MoneyRequestStore {
 public:
  virtual ~MoneyRequestStore() = default;

  // Keeps a request under a new key of its payee, and gives what is kept under it afterwards.
  virtual Task<absl::StatusOr<StoredMoneyRequest>> InsertRequest(MoneyRequestIntent intent) = 0;

  // Whoever asks. Error: kPaymentRequestNotFound.
  virtual Task<absl::StatusOr<MoneyRequest>> GetRequest(Uuid request_id) = 0;

  // The payee's, newest (greatest id) first, at most `limit`; only those before `before`, if given.
  virtual Task<absl::StatusOr<std::vector<MoneyRequest>>> ListRequests(Uuid user_id,
                                                                       std::optional<Uuid> before,
                                                                       int limit) = 0;

  // BeginToPay(), with its errors; of several at once one begins. Error: kPaymentRequestNotFound.
  virtual Task<absl::StatusOr<MoneyRequest>> BeginPayment(Uuid request_id, Paying paying,
                                                          absl::Time now) = 0;
  // Conclude().
  virtual Task<absl::StatusOr<MoneyRequest>> EndPayment(Uuid request_id, Paying paying,
                                                        std::optional<Payment> payment,
                                                        absl::Time now) = 0;
  // Close(), with its errors. Error: kPaymentRequestNotFound.
  virtual Task<absl::StatusOr<MoneyRequest>> CloseRequest(Uuid request_id, MoneyRequestEvent event,
                                                          absl::Time now) = 0;

  // Takes up to `limit` requests that are being paid and that nobody has looked at since `now` -
  // kMoneyRequestLease.
  virtual Task<absl::StatusOr<std::vector<MoneyRequest>>> ClaimPaying(absl::Time now,
                                                                      int limit) = 0;
};

}  // namespace florin::payments
