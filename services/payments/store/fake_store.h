// The payments in memory, for tests of what uses a Store.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe.
class FakeStore : public Store {
 public:
  Task<absl::StatusOr<std::vector<StoredIntent>>> InsertIntents(
      std::vector<Intent> intents) override;
  Task<absl::StatusOr<std::vector<Payment>>> RecordResults(std::vector<Payment> ended) override;
  Task<absl::StatusOr<Payment>> GetPayment(Uuid user_id, Uuid payment_id) override;
  Task<absl::StatusOr<std::vector<Payment>>> ListPayments(Uuid user_id, std::optional<Uuid> before,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimUnfinished(absl::Time now, int limit) override;

  // Makes RecordResults fail with kUnavailable, as if the database had gone after the ledger's
  // answer.
  void FailRecords(bool fail);

 private:
  struct Row {
    Payment payment;
    crypto::Digest fingerprint;
    absl::Time next_attempt_time;
  };
  using Id = std::pair<Uuid, Uuid>;                 // user, payment
  using Key = std::tuple<Uuid, Kind, std::string>;  // user, kind, idempotency key

  std::mutex mutex_;
  std::map<Id, Row> rows_;     // Guarded by mutex_.
  std::map<Key, Id> keys_;     // Guarded by mutex_.
  bool fail_records_ = false;  // Guarded by mutex_.
};

}  // namespace florin::payments
