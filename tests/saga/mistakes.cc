#include "tests/saga/mistakes.h"

#include <utility>

#include "florin/ledger/v1/ledger.pb.h"

namespace florin::saga {
namespace {

using payments::Payment;
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

 private:
  const Mistake mistake_;
  int inserts_ = 0;
  int records_ = 0;
};

}  // namespace

std::unique_ptr<payments::FakeStore> MakeRows(Mistake mistake) {
  return std::make_unique<MistakenStore>(mistake);
}

void Spoil(Mistake mistake, Wire& wire) {
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
