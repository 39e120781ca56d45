// The rail, and the stores of payouts, deposits, schedules, bulks, limits and transfers between
// books, as a process sees them: as disturbed_stores.h has the others.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "services/payments/flow/sandbox_rail.h"
#include "tests/saga/disturbed_stores.h"
#include "tests/saga/stores.h"

namespace florin::saga {

class DisturbedPayoutStore : public payments::PayoutStore {
 public:
  DisturbedPayoutStore(payments::PayoutStore& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  template <class T>
  using Result = Task<absl::StatusOr<T>>;

  Result<payments::Payout> FindPayout(Uuid payment_id) override {
    return disturbance_.Of("FindPayout", kept_.FindPayout(payment_id));
  }
  Result<payments::Payout> Advance(Uuid payment_id, payments::PayoutStage from,
                                   payments::PayoutStage to, std::string code,
                                   absl::Time now) override {
    return disturbance_.Of("Advance", kept_.Advance(payment_id, from, to, std::move(code), now));
  }
  Result<std::vector<payments::Payout>> ClaimPayouts(absl::Time now, int limit) override {
    return disturbance_.Of("ClaimPayouts", kept_.ClaimPayouts(now, limit));
  }
  Task<absl::Status> Postpone(Uuid payment_id, absl::Time until) override {
    return disturbance_.Of("Postpone", kept_.Postpone(payment_id, until));
  }

 private:
  payments::PayoutStore& kept_;
  Disturbance disturbance_;
};

class DisturbedDepositStore : public payments::DepositStore {
 public:
  DisturbedDepositStore(payments::DepositStore& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  Task<absl::StatusOr<payments::RailDeposit>> ReceiveDeposit(
      payments::RailDeposit deposit) override {
    return disturbance_.Of("ReceiveDeposit", kept_.ReceiveDeposit(std::move(deposit)));
  }
  Task<absl::StatusOr<payments::RailDeposit>> AdvanceDeposit(
      payments::DepositStage from, payments::RailDeposit changed) override {
    return disturbance_.Of("AdvanceDeposit", kept_.AdvanceDeposit(from, std::move(changed)));
  }

 private:
  payments::DepositStore& kept_;
  Disturbance disturbance_;
};

// What schedules and bulks have in common: their approvals.
template <class Store>
class DisturbedOrderStore : public Store {
 public:
  DisturbedOrderStore(Store& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  template <class T>
  using Result = Task<absl::StatusOr<T>>;

  Result<payments::AwaitedOrder> BeginConfirm(Uuid user_id, Uuid order_id,
                                              absl::Time now) override {
    return disturbance_.Of("BeginConfirm", kept_.BeginConfirm(user_id, order_id, now));
  }
  Result<payments::AwaitedOrder> StartApproved(Uuid user_id, Uuid order_id, crypto::Digest redeemed,
                                               absl::Time now, audit::Origin origin) override {
    return disturbance_.Of(
        "StartApproved", kept_.StartApproved(user_id, order_id, redeemed, now, std::move(origin)));
  }
  Result<payments::AwaitedOrder> GiveUpAwaited(Uuid user_id, Uuid order_id, Reason reason,
                                               absl::Time now, audit::Origin origin) override {
    return disturbance_.Of("GiveUpAwaited",
                           kept_.GiveUpAwaited(user_id, order_id, reason, now, std::move(origin)));
  }
  Result<std::vector<payments::AwaitedOrder>> ClaimAwaiting(absl::Time now, int limit) override {
    return disturbance_.Of("ClaimAwaiting", kept_.ClaimAwaiting(now, limit));
  }

 protected:
  Store& kept_;
  Disturbance disturbance_;
};

class DisturbedScheduleStore : public DisturbedOrderStore<payments::ScheduleStore> {
 public:
  using DisturbedOrderStore::DisturbedOrderStore;

  Result<payments::StoredSchedule> InsertSchedule(payments::ScheduleIntent intent) override {
    return disturbance_.Of("InsertSchedule", kept_.InsertSchedule(std::move(intent)));
  }
  Result<payments::Schedule> GetSchedule(Uuid user_id, Uuid schedule_id) override {
    return disturbance_.Of("GetSchedule", kept_.GetSchedule(user_id, schedule_id));
  }
  Result<std::vector<payments::Schedule>> ListSchedules(Uuid user_id, std::optional<Uuid> before,
                                                        int limit) override {
    return disturbance_.Of("ListSchedules", kept_.ListSchedules(user_id, before, limit));
  }
  Result<payments::Schedule> ChangeSchedule(Uuid user_id, Uuid schedule_id,
                                            payments::ScheduleEvent event, absl::Time now,
                                            audit::Origin origin) override {
    return disturbance_.Of("ChangeSchedule", kept_.ChangeSchedule(user_id, schedule_id, event, now,
                                                                  std::move(origin)));
  }
  Result<int> BeginOccurrences(absl::Time now, int limit) override {
    return disturbance_.Of("BeginOccurrences", kept_.BeginOccurrences(now, limit));
  }
  Result<std::vector<payments::DueOccurrence>> ClaimOccurrences(absl::Time now,
                                                                int limit) override {
    return disturbance_.Of("ClaimOccurrences", kept_.ClaimOccurrences(now, limit));
  }
  Task<absl::Status> RecordOccurrence(payments::Occurrence ended) override {
    return disturbance_.Of("RecordOccurrence", kept_.RecordOccurrence(std::move(ended)));
  }
  Result<std::vector<payments::Occurrence>> ListOccurrences(Uuid user_id, Uuid schedule_id,
                                                            std::optional<int> before,
                                                            int limit) override {
    return disturbance_.Of("ListOccurrences",
                           kept_.ListOccurrences(user_id, schedule_id, before, limit));
  }
};

// Gives a few items at a time, so that small bulks have several batches, too.
class DisturbedBulkStore : public DisturbedOrderStore<payments::BulkStore> {
 public:
  using DisturbedOrderStore::DisturbedOrderStore;
  using Items = std::vector<payments::BulkItem>;

  Result<payments::StoredBulk> InsertBulk(payments::BulkIntent intent) override {
    return disturbance_.Of("InsertBulk", kept_.InsertBulk(std::move(intent)));
  }
  Result<payments::Bulk> GetBulk(Uuid user_id, Uuid bulk_id) override {
    return disturbance_.Of("GetBulk", kept_.GetBulk(user_id, bulk_id));
  }
  Result<payments::BulkProgress> GetProgress(Uuid user_id, Uuid bulk_id) override {
    return disturbance_.Of("GetProgress", kept_.GetProgress(user_id, bulk_id));
  }
  Result<payments::Bulk> AddItems(Uuid user_id, Uuid bulk_id, Items items) override {
    return disturbance_.Of("AddItems", kept_.AddItems(user_id, bulk_id, std::move(items)));
  }
  Result<payments::Bulk> ChangeBulk(Uuid user_id, Uuid bulk_id, payments::BulkEvent event,
                                    absl::Time now, audit::Origin origin) override {
    return disturbance_.Of("ChangeBulk",
                           kept_.ChangeBulk(user_id, bulk_id, event, now, std::move(origin)));
  }
  Result<payments::Bulk> AwaitApproval(Uuid user_id, Uuid bulk_id, payments::OrderTerms terms,
                                       int items, absl::Time now, audit::Origin origin) override {
    return disturbance_.Of("AwaitApproval", kept_.AwaitApproval(user_id, bulk_id, std::move(terms),
                                                                items, now, std::move(origin)));
  }
  Result<Items> ListItems(Uuid user_id, Uuid bulk_id, std::optional<payments::ItemState> state,
                          int after, int limit) override {
    return disturbance_.Of("ListItems", kept_.ListItems(user_id, bulk_id, state, after, limit));
  }
  Result<std::optional<payments::Bulk>> ClaimBulk(absl::Time now) override {
    return disturbance_.Of("ClaimBulk", kept_.ClaimBulk(now));
  }
  Result<std::optional<Items>> TakeItems(Uuid bulk_id, payments::BulkState expected, absl::Time now,
                                         int limit) override {
    return disturbance_.Of("TakeItems",
                           kept_.TakeItems(bulk_id, expected, now, std::min(limit, kAtOnce)));
  }
  Task<absl::Status> RecordItems(Uuid bulk_id, Items items) override {
    return disturbance_.Of("RecordItems", kept_.RecordItems(bulk_id, std::move(items)));
  }
  Task<absl::Status> RecordCaptured(payments::Bulk bulk, Items items,
                                    std::vector<payments::Payment> payments) override {
    return disturbance_.Of("RecordCaptured", kept_.RecordCaptured(std::move(bulk), std::move(items),
                                                                  std::move(payments)));
  }
  Task<absl::Status> RecordReleased(Uuid bulk_id, Items items) override {
    return disturbance_.Of("RecordReleased", kept_.RecordReleased(bulk_id, std::move(items)));
  }
  Result<int> FailUntouched(Uuid bulk_id, int limit) override {
    return disturbance_.Of("FailUntouched", kept_.FailUntouched(bulk_id, limit));
  }
  Result<payments::BulkState> Advance(Uuid bulk_id, absl::Time now) override {
    return disturbance_.Of("Advance of a bulk", kept_.Advance(bulk_id, now));
  }

 private:
  static constexpr int kAtOnce = 3;
};

class DisturbedLimitStore : public payments::LimitStore {
 public:
  DisturbedLimitStore(payments::LimitStore& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  Task<absl::StatusOr<payments::StoredLimit>> ChangeLimit(payments::LimitChange change) override {
    return disturbance_.Of("ChangeLimit", kept_.ChangeLimit(std::move(change)));
  }
  Task<absl::StatusOr<std::vector<payments::Limit>>> ListLimits(absl::Time now) override {
    return disturbance_.Of("ListLimits", kept_.ListLimits(now));
  }
  Task<absl::StatusOr<std::vector<payments::Limit>>> FindLimits(
      std::vector<Uuid> limit_ids) override {
    return disturbance_.Of("FindLimits", kept_.FindLimits(std::move(limit_ids)));
  }

 private:
  payments::LimitStore& kept_;
  Disturbance disturbance_;
};

class DisturbedTransferStore : public payments::BookTransferStore {
 public:
  DisturbedTransferStore(payments::BookTransferStore& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  template <class T>
  using Result = Task<absl::StatusOr<T>>;

  Result<payments::BookTransfer> FindTransfer(Uuid payment_id) override {
    return disturbance_.Of("FindTransfer", kept_.FindTransfer(payment_id));
  }
  Result<payments::BookTransfer> AdvanceTransfer(payments::TransferStage from,
                                                 payments::BookTransfer to,
                                                 std::optional<payments::Payment> ended) override {
    return disturbance_.Of("AdvanceTransfer",
                           kept_.AdvanceTransfer(from, std::move(to), std::move(ended)));
  }
  Result<std::vector<payments::BookPair>> ListPairs() override {
    return disturbance_.Of("ListPairs", kept_.ListPairs());
  }
  Result<std::vector<payments::BookTransfer>> ListUnderWay(payments::BookPair pair,
                                                           absl::Time since) override {
    return disturbance_.Of("ListUnderWay", kept_.ListUnderWay(std::move(pair), since));
  }

 private:
  payments::BookTransferStore& kept_;
  Disturbance disturbance_;
};

// A rail that may be out of reach, whose answers may be lost, and which notifies in any order. What
// else it does to payouts is asked of it by their beneficiaries (domain/sandbox_rail.h).
class DisturbedRail : public payments::Rail {
 public:
  DisturbedRail(payments::SandboxRailStore& memory, Clock& clock, Gates& gates, Owner owner)
      : rail_(memory, clock), disturbance_(gates, owner) {}

  Task<absl::StatusOr<payments::RailStatus>> Submit(payments::RailPayout payout) override {
    return disturbance_.Of("Submit", rail_.Submit(std::move(payout)));
  }
  Task<absl::StatusOr<payments::RailStatus>> StatusOf(Uuid payout_id) override {
    return disturbance_.Of("StatusOf", rail_.StatusOf(payout_id));
  }
  Task<absl::StatusOr<std::vector<payments::RailEntry>>> Notifications(int limit) override {
    auto entries = co_await disturbance_.Of("Notifications", rail_.Notifications(limit));
    if (entries.ok() && ++rounds_ % 2 == 0) std::ranges::reverse(*entries);
    co_return entries;
  }
  Task<absl::Status> Acknowledge(std::int64_t number) override {
    return disturbance_.Of("Acknowledge", rail_.Acknowledge(number));
  }
  Task<absl::StatusOr<payments::RailStatement>> Statement(std::string cursor, int limit) override {
    return disturbance_.Of("Statement", rail_.Statement(std::move(cursor), limit));
  }

 private:
  payments::SandboxRail rail_;
  Disturbance disturbance_;
  int rounds_ = 0;
};

}  // namespace florin::saga
