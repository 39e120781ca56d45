// Suspense in memory, for tests of what uses a SuspenseStore.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/payments/store/suspense_store.h"

namespace florin::payments {

// Thread-safe.
class FakeSuspenseStore : public SuspenseStore {
 public:
  Task<absl::Status> KeepItem(SuspenseItem item) override;
  Task<absl::StatusOr<KeptSuspense>> FindItem(Uuid item_id) override;
  Task<absl::StatusOr<std::vector<KeptSuspense>>> ListItems(std::optional<SuspenseState> state,
                                                            std::optional<Uuid> before,
                                                            int limit) override;
  Task<absl::StatusOr<std::optional<StoredResolution>>> FindResolution(
      Uuid operator_id, std::string idempotency_key, crypto::Digest fingerprint) override;
  Task<absl::StatusOr<StoredResolution>> Begin(SuspenseResolution resolution,
                                               std::string idempotency_key,
                                               crypto::Digest fingerprint,
                                               audit::Origin origin) override;
  Task<absl::StatusOr<KeptSuspense>> End(Uuid payment_id, ResolutionState state,
                                         std::string failure_reason, std::string rail_code,
                                         absl::Time now) override;
  Task<absl::StatusOr<std::vector<KeptSuspense>>> ClaimPending(absl::Time now, int limit) override;

  // Makes End() fail with kUnavailable, as if the database had gone after the ledger's answer.
  void FailEnds(bool fail);
  std::vector<audit::Event> events();

 private:
  struct Row {
    SuspenseResolution resolution;
    std::string key;
    crypto::Digest fingerprint;
    absl::Time next_attempt_time;
  };
  // Under mutex_.
  KeptSuspense KeptOf(const SuspenseItem& item) const;
  std::optional<StoredResolution> Known(const Uuid& operator_id, const std::string& key,
                                        const crypto::Digest& fingerprint) const;

  std::mutex mutex_;  // Guards everything below.
  std::map<Uuid, SuspenseItem> items_;
  std::vector<Row> resolutions_;  // In the order in which they were begun.
  std::vector<audit::Event> events_;
  bool fail_ends_ = false;
};

}  // namespace florin::payments
