// Rails' statements in memory, for tests of what uses a RailReconcileStore.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "services/payments/store/fake_deposit_store.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/rail_reconcile_store.h"

namespace florin::payments {

// Thread-safe.
class FakeRailReconcileStore : public RailReconcileStore {
 public:
  // Both outlive this.
  FakeRailReconcileStore(FakeStore& payouts, FakeDepositStore& deposits)
      : payouts_(payouts), deposits_(deposits) {}

  Task<absl::StatusOr<RailProgress>> ProgressOf(std::string rail) override;
  Task<absl::StatusOr<RailProgress>> KeepStatement(std::string rail, std::string cursor,
                                                   RailStatement page) override;
  Task<absl::StatusOr<std::vector<RailSubject>>> LinesAfter(std::string rail, std::int64_t after,
                                                            int limit) override;
  Task<absl::StatusOr<std::vector<RailSubject>>> ExecutedPayouts(std::string rail, absl::Time from,
                                                                 absl::Time until,
                                                                 int limit) override;
  Task<absl::StatusOr<std::vector<RailSubject>>> ReceivedDeposits(std::string rail, absl::Time from,
                                                                  absl::Time until,
                                                                  int limit) override;
  Task<absl::StatusOr<std::vector<RailCase>>> CasesOf(std::string rail,
                                                      std::vector<RailSubject> subjects) override;
  Task<absl::StatusOr<int>> RecordCompared(std::string rail, RailProgress progress) override;
  Task<absl::StatusOr<std::vector<SettlementSums>>> SettlementSumsOf() override;

  // Makes RecordCompared fail with kUnavailable, as if the process had crashed before it.
  void FailRecords(bool fail);

 private:
  FakeStore& payouts_;
  FakeDepositStore& deposits_;
  std::mutex mutex_;
  bool fail_ = false;                             // Guarded by mutex_.
  std::map<std::string, RailProgress> progress_;  // Guarded by mutex_.
  // By rail and position. Guarded by mutex_.
  std::map<std::string, std::map<std::int64_t, RailEntry>> lines_;
};

}  // namespace florin::payments
