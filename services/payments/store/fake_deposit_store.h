// Rails' deposits in memory, for tests of what uses a DepositStore.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libs/status/check.h"
#include "services/payments/store/deposit_store.h"

namespace florin::payments {

// Thread-safe.
class FakeDepositStore : public DepositStore {
 public:
  Task<absl::StatusOr<RailDeposit>> ReceiveDeposit(RailDeposit deposit) override {
    std::lock_guard lock(mutex_);
    const std::pair key(deposit.rail, deposit.deposit_id);
    co_return kept_.try_emplace(key, std::move(deposit)).first->second;
  }

  Task<absl::StatusOr<RailDeposit>> AdvanceDeposit(DepositStage from,
                                                   RailDeposit changed) override {
    FLORIN_CHECK(MayAdvance(from, changed.stage), "a deposit goes as its machine says");
    std::lock_guard lock(mutex_);
    if (fail_) co_return Error(Reason::kUnavailable, "told to fail");
    RailDeposit& kept = kept_.at({changed.rail, changed.deposit_id});
    if (kept.stage != from) co_return kept;
    kept.stage = changed.stage;
    if (kept.payment_id.is_nil()) {
      kept.account_id = changed.account_id;
      kept.user_id = changed.user_id;
      kept.payment_id = changed.payment_id;
    }
    co_return kept;
  }

  // Every deposit, by rail and id.
  std::vector<RailDeposit> All() {
    std::lock_guard lock(mutex_);
    std::vector<RailDeposit> all;
    for (const auto& [key, deposit] : kept_) all.push_back(deposit);
    return all;
  }

  // Makes AdvanceDeposit fail with kUnavailable, as if the database had gone after the ledger's
  // answer.
  void FailAdvances(bool fail) {
    std::lock_guard lock(mutex_);
    fail_ = fail;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, RailDeposit> kept_;  // Guarded by mutex_.
  bool fail_ = false;                                                // Guarded by mutex_.
};

}  // namespace florin::payments
