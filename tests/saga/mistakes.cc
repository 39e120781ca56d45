#include "tests/saga/mistakes.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "florin/ledger/v1/ledger.pb.h"
#include "services/payments/domain/book_transfer.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::PayoutStage;
using payments::StoredStep;
using Items = std::vector<payments::BulkItem>;

class MistakenStore : public payments::FakeStore {
 public:
  explicit MistakenStore(Mistake mistake) : mistake_(mistake) {}

  Task<absl::StatusOr<std::vector<payments::StoredIntent>>> InsertIntents(
      std::vector<payments::Intent> intents) override {
    for (payments::Intent& intent : intents) Spoil(intent);
    return FakeStore::InsertIntents(std::move(intents));
  }

  Task<absl::StatusOr<payments::Judged>> InsertJudged(payments::Intent intent,
                                                      payments::ApprovalTerms terms,
                                                      payments::ApprovalPolicy policy) override {
    Spoil(intent);
    if (mistake_ == Mistake::kUnaskedPayees && intent.payment.kind == payments::Kind::kPayout) {
      policy.enabled = false;
    }
    return FakeStore::InsertJudged(std::move(intent), std::move(terms), std::move(policy));
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
  void Spoil(payments::Intent& intent) {
    std::string& key = intent.idempotency_key;
    if (mistake_ == Mistake::kForgottenKeys) key += "-" + std::to_string(++inserts_);
    if (intent.payment.kind == payments::Kind::kPayout) SpoilFee(intent.payment);
    if (!key.starts_with("item ")) return;
    if (mistake_ == Mistake::kItemsAnew && !items_.insert(key).second) key += "-again";
    if (mistake_ == Mistake::kUnlimitedItems) intent.payment.limit_uses.clear();
  }

  void SpoilFee(Payment& payout) const {
    if (!payout.pricing || !payout.pricing->fee) return;
    if (mistake_ == Mistake::kFreePayouts) payout.pricing.reset();
    if (mistake_ != Mistake::kOtherFees) return;
    payout.pricing->fee->back_if_returned = !payout.pricing->fee->back_if_returned;
  }

  const Mistake mistake_;
  std::set<std::string> items_;  // Keys of those that were tried.
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

class MistakenBulks : public ListedBulks {
 public:
  MistakenBulks(payments::Store& payments, Mistake mistake)
      : ListedBulks(payments), mistake_(mistake) {}

  Task<absl::StatusOr<payments::Bulk>> AddItems(Uuid user_id, Uuid bulk_id, Items items) override {
    if (mistake_ == Mistake::kLostItems) {
      std::erase_if(items, [this](const auto&) { return ++added_ % 5 == 0; });
    }
    return ListedBulks::AddItems(user_id, bulk_id, std::move(items));
  }
  Task<absl::StatusOr<payments::Bulk>> ChangeBulk(Uuid user_id, Uuid bulk_id,
                                                  payments::BulkEvent event, absl::Time now,
                                                  audit::Origin origin) override {
    const bool spoilt =
        mistake_ == Mistake::kCanceledBulks && event == payments::BulkEvent::kCancel;
    if (spoilt) event = payments::BulkEvent::kSubmit;
    auto changed =
        co_await ListedBulks::ChangeBulk(user_id, bulk_id, event, now, std::move(origin));
    if (spoilt && changed.ok()) changed->state = payments::BulkState::kCanceled;
    co_return changed;
  }
  Task<absl::StatusOr<payments::Bulk>> AwaitApproval(Uuid user_id, Uuid bulk_id,
                                                     payments::OrderTerms terms, int items,
                                                     absl::Time now,
                                                     audit::Origin origin) override {
    auto kept =
        co_await ListedBulks::AwaitApproval(user_id, bulk_id, std::move(terms), items, now, origin);
    if (mistake_ != Mistake::kUnapprovedBulks || !kept.ok() || !kept->approval) co_return kept;
    const crypto::Digest redeemed = sca::BindingDigest(payments::AskedOf(*kept).binding);
    const auto started =
        co_await ListedBulks::StartApproved(user_id, bulk_id, redeemed, now, std::move(origin));
    if (!started.ok()) co_return started.status();
    co_return co_await ListedBulks::GetBulk(user_id, bulk_id);
  }
  Task<absl::StatusOr<std::optional<Items>>> TakeItems(Uuid bulk_id, payments::BulkState expected,
                                                       absl::Time now, int limit) override {
    auto taken = co_await ListedBulks::TakeItems(bulk_id, expected, now, limit);
    if (!taken.ok() || !taken->has_value()) co_return taken;
    if (mistake_ == Mistake::kLeftItems && expected == payments::BulkState::kPaying) {
      const auto left = std::ranges::stable_partition(
          **taken, [](const auto& item) { return item.number % 3 != 0; });
      Items items(left.begin(), left.end());
      (*taken)->erase(left.begin(), left.end());
      for (payments::BulkItem& item : items) {
        item.state = payments::ItemState::kFailed;
        item.failure_reason = InfoOf(Reason::kInsufficientFunds).name;
      }
      const absl::Status ignored = co_await ListedBulks::RecordItems(bulk_id, std::move(items));
      static_cast<void>(ignored);  // It does not fail.
    }
    if (mistake_ == Mistake::kLeftHolds && expected == payments::BulkState::kReleasing) {
      const absl::Status ignored = co_await ListedBulks::RecordReleased(bulk_id, **taken);
      static_cast<void>(ignored);  // It does not fail.
      (*taken)->clear();
    }
    co_return taken;
  }
  Task<absl::Status> RecordItems(Uuid bulk_id, Items items) override {
    for (payments::BulkItem& item : items) {
      if (mistake_ == Mistake::kOtherItems && !item.payment_id.is_nil()) {
        item.state = payments::ItemState::kSucceeded;
      }
      // Of a bulk of all or nothing no payment is made before.
      if (mistake_ == Mistake::kPartOfAll && item.payment_id.is_nil()) {
        item.state = payments::ItemState::kHeld;
      }
    }
    return ListedBulks::RecordItems(bulk_id, std::move(items));
  }

 private:
  const Mistake mistake_;
  int added_ = 0;
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

class MistakenPayees : public payments::PayeesDouble {
 public:
  explicit MistakenPayees(Mistake mistake) : mistake_(mistake) {}

  Task<absl::StatusOr<accounts::v1::LookUpPayeesResponse>> LookUpPayees(
      rpc::Call& call, const accounts::v1::LookUpPayeesRequest& request) override {
    if (mistake_ == Mistake::kAnyPayee) co_return Everybody(request);
    auto response = co_await PayeesDouble::LookUpPayees(call, request);
    if (mistake_ == Mistake::kNoCoolingOff) {
      for (auto& payee : *response->mutable_payees()) {
        SetTime(absl::UnixEpoch(), *payee.mutable_usable_time());
      }
    }
    co_return response;
  }
  void Delete(const Uuid& user_id, const std::string& payee) override {
    if (mistake_ != Mistake::kDeletedPayees) PayeesDouble::Delete(user_id, payee);
  }

 private:
  static accounts::v1::LookUpPayeesResponse Everybody(
      const accounts::v1::LookUpPayeesRequest& request) {
    accounts::v1::LookUpPayeesResponse response;
    for (const std::string& id : request.account_ids()) {
      response.add_payees()->set_account_id(id);
    }
    for (const std::string& iban : request.ibans()) response.add_payees()->set_iban(iban);
    for (auto& payee : *response.mutable_payees()) {
      SetTime(absl::UnixEpoch(), *payee.mutable_usable_time());
    }
    return response;
  }

  const Mistake mistake_;
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

// Of a booking of what the rail has rejected: the amount, then the fee.
void SpoilRejection(ledger::v1::TransactionInput& input) {
  const auto step = input.metadata().find("step");
  if (step == input.metadata().end() || step->second != payments::NameOf(PayoutStage::kRejecting)) {
    return;
  }
  if (input.postings_size() == 2) input.mutable_postings()->RemoveLast();
}

// Of a payment between books, in its target book.
bool IsCredit(const ledger::v1::TransactionInput& input) {
  const auto payment = input.metadata().find("payment_id");
  if (payment == input.metadata().end()) return false;
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kPayment, payment->second, "payment_id");
  return id.ok() &&
         input.transaction_id() == FormatId(IdKind::kTransaction, payments::CreditIdOf(*id));
}

void RenameAnew(ledger::v1::TransactionInput& input, int number) {
  const Uuid fresh = DeriveId("florin.saga.fresh", std::to_string(number));
  input.set_transaction_id(FormatId(IdKind::kTransaction, fresh));
}

// Every transaction that the ledger is asked for.
void RewriteInputs(Wire& wire, std::function<void(ledger::v1::TransactionInput&)> rewrite) {
  wire.Rewrite([rewrite = std::move(rewrite)](const std::string& method, std::string& request) {
    ledger::v1::PostTransactionsRequest posts;
    if (!method.ends_with("/PostTransactions") || !posts.ParseFromString(request)) return;
    for (auto& input : *posts.mutable_transactions()) rewrite(input);
    request = posts.SerializeAsString();
  });
}

}  // namespace

Stores MakeStores(Mistake mistake) {
  Stores stores;
  stores.rows = std::make_unique<MistakenStore>(mistake);
  stores.schedules = std::make_unique<MistakenSchedules>(mistake);
  stores.bulks = std::make_unique<MistakenBulks>(*stores.rows, mistake);
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

std::unique_ptr<payments::PayeesDouble> MakePayees(Mistake mistake) {
  return std::make_unique<MistakenPayees>(mistake);
}

void Spoil(Mistake mistake, Wire& wire) {
  switch (mistake) {
    case Mistake::kCreditsAnew:
      return RewriteInputs(wire, [sent = 0](auto& input) mutable {
        if (IsCredit(input)) RenameAnew(input, ++sent);
      });
    case Mistake::kOneMore:
    case Mistake::kShortWindows:
      return RewriteInputs(wire, [mistake](auto& input) { SpoilLimits(mistake, input); });
    case Mistake::kKeptFees:
      return RewriteInputs(wire, SpoilRejection);
    case Mistake::kNewTransactionIds:
      return RewriteInputs(wire, [sent = 0](auto& input) mutable {
        // Holds keep their ids, so that captures find them.
        if (!input.has_hold()) RenameAnew(input, ++sent);
      });
    default:
      return;
  }
}

}  // namespace florin::saga
