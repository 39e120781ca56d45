#include "tests/saga/mistakes.h"

#include <utility>

#include "florin/ledger/v1/ledger.pb.h"
#include "services/payments/domain/book_transfer.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::PayoutStage;
using payments::StoredStep;

class MistakenStore : public payments::FakeStore {
 public:
  explicit MistakenStore(Mistake mistake) : mistake_(mistake) {}

  Task<absl::StatusOr<std::vector<payments::StoredIntent>>> InsertIntents(
      std::vector<payments::Intent> intents) override {
    if (mistake_ == Mistake::kForgottenKeys) {
      for (payments::Intent& intent : intents) {
        intent.idempotency_key += "-" + std::to_string(++inserts_);
      }
    }
    return FakeStore::InsertIntents(std::move(intents));
  }

  Task<absl::StatusOr<std::vector<Payment>>> RecordResults(std::vector<Payment> ended) override {
    if (mistake_ == Mistake::kLostResults && ++records_ % 4 == 0) co_return ended;
    co_return co_await FakeStore::RecordResults(std::move(ended));
  }

  Task<absl::StatusOr<StoredStep>> BeginStep(payments::StepIntent intent) override {
    const Uuid id = intent.step.step_id;
    absl::StatusOr<StoredStep> stored = co_await FakeStore::BeginStep(std::move(intent));
    if (!stored.ok() || mistake_ != Mistake::kNoReservation || stored->step.step_id != id) {
      co_return stored;
    }
    const Payment& payment = stored->charge.payment;
    Tamper(payment.user_id, payment.payment_id, [&stored](Payment& row) {
      const std::int64_t amount = stored->step.amount_minor;
      if (stored->step.state != payments::StepState::kProcessing) return;
      if (stored->step.kind == payments::StepKind::kRefund) row.counters.refunded_minor -= amount;
    });
    co_return stored;
  }

  Task<absl::StatusOr<std::vector<StoredStep>>> RecordSteps(
      std::vector<payments::StepResult> results) override {
    if (mistake_ == Mistake::kWrongDebt) {
      for (payments::StepResult& result : results) {
        if (result.answer.moved_minor.size() == 3) {
          result.answer.moved_minor[2] = result.step.amount_minor + 1;
        }
      }
    }
    return FakeStore::RecordSteps(std::move(results));
  }

  Task<absl::StatusOr<payments::Payout>> Advance(Uuid payment_id, PayoutStage from, PayoutStage to,
                                                 std::string code, absl::Time now) override {
    if (mistake_ == Mistake::kDeafToRejections && to == PayoutStage::kRejecting) {
      to = PayoutStage::kSettling;
    }
    return FakeStore::Advance(payment_id, from, to, std::move(code), now);
  }

  Task<absl::StatusOr<payments::BookTransfer>> AdvanceTransfer(
      payments::TransferStage from, payments::BookTransfer to,
      std::optional<Payment> ended) override {
    using Stage = payments::TransferStage;
    auto kept = co_await FakeStore::AdvanceTransfer(from, to, std::move(ended));
    if (!kept.ok() || kept->stage != Stage::kCrediting) co_return kept;
    const bool early = mistake_ == Mistake::kEarlyVoid && ++credits_ % 3 == 0;
    if (mistake_ != Mistake::kNoCredit && !early) co_return kept;
    to.stage = early ? Stage::kVoiding : Stage::kCapturing;
    if (early) to.failure_reason = InfoOf(Reason::kAccountClosed).name;
    co_return co_await FakeStore::AdvanceTransfer(Stage::kCrediting, std::move(to), std::nullopt);
  }

 private:
  const Mistake mistake_;
  int credits_ = 0;
  int inserts_ = 0;
  int records_ = 0;
};

class MistakenRail : public payments::FakeSandboxRailStore {
 public:
  Task<absl::StatusOr<payments::TakenPayout>> Take(
      payments::TakenPayout payout, std::vector<payments::PlannedEntry> entries) override {
    payout.payout_id = DeriveId("florin.saga.submission", std::to_string(++submissions_));
    for (payments::PlannedEntry& planned : entries) planned.entry.payout_id = payout.payout_id;
    return FakeSandboxRailStore::Take(std::move(payout), std::move(entries));
  }

 private:
  int submissions_ = 0;
};

class MistakenDeposits : public payments::FakeDepositStore {
 public:
  Task<absl::StatusOr<payments::RailDeposit>> ReceiveDeposit(
      payments::RailDeposit deposit) override {
    deposit.deposit_id += "-" + std::to_string(++received_);
    return FakeDepositStore::ReceiveDeposit(std::move(deposit));
  }

 private:
  int received_ = 0;
};

class MistakenSchedules : public payments::FakeScheduleStore {
 public:
  explicit MistakenSchedules(Mistake mistake) : mistake_(mistake) {}

  Task<absl::StatusOr<payments::StoredSchedule>> InsertSchedule(
      payments::ScheduleIntent intent) override {
    if (mistake_ == Mistake::kUnapprovedOrders) {
      intent.schedule.state = payments::ScheduleState::kActive;
    }
    return FakeScheduleStore::InsertSchedule(std::move(intent));
  }
  Task<absl::StatusOr<payments::AwaitedOrder>> StartApproved(Uuid user_id, Uuid order_id,
                                                             crypto::Digest redeemed,
                                                             absl::Time now,
                                                             audit::Origin origin) override {
    if (mistake_ == Mistake::kOrdersGivenUp && ++started_ % 3 == 0) {
      co_return Error(Reason::kApprovalMismatch, "on purpose");
    }
    co_return co_await FakeScheduleStore::StartApproved(user_id, order_id, redeemed, now,
                                                        std::move(origin));
  }
  Task<absl::StatusOr<std::vector<payments::AwaitedOrder>>> ClaimAwaiting(absl::Time now,
                                                                          int limit) override {
    if (mistake_ == Mistake::kUnwatchedOrders) now = absl::InfinitePast();
    return FakeScheduleStore::ClaimAwaiting(now, limit);
  }
  Task<absl::StatusOr<int>> BeginOccurrences(absl::Time now, int limit) override {
    if (mistake_ == Mistake::kEarlyOccurrences) now += absl::Hours(1);
    return FakeScheduleStore::BeginOccurrences(now, limit);
  }
  Task<absl::StatusOr<std::vector<payments::DueOccurrence>>> ClaimOccurrences(absl::Time now,
                                                                              int limit) override {
    auto claimed = co_await FakeScheduleStore::ClaimOccurrences(now, limit);
    if (mistake_ == Mistake::kLeftOccurrences) {
      std::erase_if(*claimed, [](const auto& due) { return due.occurrence.number % 3 == 0; });
    }
    co_return claimed;
  }
  Task<absl::Status> RecordOccurrence(payments::Occurrence ended) override {
    if (mistake_ == Mistake::kOtherOccurrences) ended.state = payments::OccurrenceState::kSucceeded;
    return FakeScheduleStore::RecordOccurrence(std::move(ended));
  }

 private:
  const Mistake mistake_;
  int started_ = 0;
};

class MistakenLimits : public payments::FakeLimitStore {
 public:
  explicit MistakenLimits(payments::LimitScope forgotten) : forgotten_(forgotten) {}

  Task<absl::StatusOr<std::vector<payments::Limit>>> ListLimits(absl::Time now) override {
    auto limits = co_await FakeLimitStore::ListLimits(now);
    if (limits.ok()) {
      std::erase_if(*limits, [this](const auto& limit) { return limit.scope == forgotten_; });
    }
    co_return limits;
  }

 private:
  const payments::LimitScope forgotten_;
};

// What posts of limits are: fundings, and holds.
void SpoilLimits(Mistake mistake, ledger::v1::TransactionInput& input) {
  if (mistake == Mistake::kOneMore && input.metadata().contains("limit_id")) {
    input.mutable_postings(0)->set_amount_minor(input.postings(0).amount_minor() + 1);
  }
  if (mistake == Mistake::kShortWindows && input.metadata().contains("limits_of") &&
      input.has_hold()) {
    auto& timeout = *input.mutable_hold()->mutable_timeout();
    timeout.set_seconds(timeout.seconds() / 20);
  }
}

// Of a payment between books, in its target book.
bool IsCredit(const ledger::v1::TransactionInput& input) {
  const auto payment = input.metadata().find("payment_id");
  if (payment == input.metadata().end()) return false;
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kPayment, payment->second, "payment_id");
  return id.ok() &&
         input.transaction_id() == FormatId(IdKind::kTransaction, payments::CreditIdOf(*id));
}

}  // namespace

Stores MakeStores(Mistake mistake) {
  Stores stores;
  stores.rows = std::make_unique<MistakenStore>(mistake);
  stores.schedules = std::make_unique<MistakenSchedules>(mistake);
  if (mistake == Mistake::kNewRailIds) stores.rail = std::make_unique<MistakenRail>();
  if (mistake == Mistake::kOtherCountries) {
    stores.limits = std::make_unique<MistakenLimits>(payments::LimitScope::kCountry);
  }
  if (mistake == Mistake::kOtherPayees) {
    stores.limits = std::make_unique<MistakenLimits>(payments::LimitScope::kPayee);
  }
  if (mistake == Mistake::kDepositsAnew) stores.deposits = std::make_unique<MistakenDeposits>();
  return stores;
}

void Spoil(Mistake mistake, Wire& wire) {
  if (mistake == Mistake::kCreditsAnew) {
    wire.Rewrite([sent = 0](const std::string& method, std::string& request) mutable {
      ledger::v1::PostTransactionsRequest posts;
      if (!method.ends_with("/PostTransactions") || !posts.ParseFromString(request)) return;
      for (auto& input : *posts.mutable_transactions()) {
        if (!IsCredit(input)) continue;
        const Uuid fresh = DeriveId("florin.saga.fresh", std::to_string(++sent));
        input.set_transaction_id(FormatId(IdKind::kTransaction, fresh));
      }
      request = posts.SerializeAsString();
    });
  }
  if (mistake == Mistake::kOneMore || mistake == Mistake::kShortWindows) {
    wire.Rewrite([mistake](const std::string& method, std::string& request) {
      ledger::v1::PostTransactionsRequest posts;
      if (!method.ends_with("/PostTransactions") || !posts.ParseFromString(request)) return;
      for (auto& input : *posts.mutable_transactions()) SpoilLimits(mistake, input);
      request = posts.SerializeAsString();
    });
  }
  if (mistake != Mistake::kNewTransactionIds) return;
  wire.Rewrite([sent = 0](const std::string& method, std::string& request) mutable {
    if (!method.ends_with("/PostTransactions")) return;
    ledger::v1::PostTransactionsRequest posts;
    if (!posts.ParseFromString(request)) return;
    for (auto& input : *posts.mutable_transactions()) {
      // Holds keep their ids, so that captures find them.
      if (input.has_hold()) continue;
      const Uuid fresh = DeriveId("florin.saga.fresh", std::to_string(++sent));
      input.set_transaction_id(FormatId(IdKind::kTransaction, fresh));
    }
    request = posts.SerializeAsString();
  });
}

}  // namespace florin::saga
