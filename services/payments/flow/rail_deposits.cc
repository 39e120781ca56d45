#include "services/payments/flow/rail_deposits.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/iban.h"
#include "services/payments/flow/rail_booking.h"

namespace florin::payments {
namespace {

constexpr int kTakenAtOnce = 100;
// More than the longest way through the stages.
constexpr int kMostSteps = 5;

bool IsOver(const RailDeposit& deposit) {
  return deposit.stage == DepositStage::kCredited || deposit.stage == DepositStage::kUnmatched;
}

}  // namespace

Task<absl::Status> RailDeposits::Receive(std::string rail, RailEntry entry) {
  RailDeposit told = DepositOf(rail, entry, NowInMicroseconds(clock_));
  absl::StatusOr<RailDeposit> deposit = co_await deposits_.ReceiveDeposit(told);
  if (!deposit.ok()) co_return deposit.status();
  if (!SameDeposit(told, *deposit)) {
    // Whoever reconciles will find it; to credit either again would be worse.
    telemetry::Log(telemetry::Severity::kError, "a rail's id stands for two deposits",
                   {{"rail", rail}, {"deposit_id", told.deposit_id}});
    co_return absl::OkStatus();
  }
  for (int i = 0; i < kMostSteps && !IsOver(*deposit); ++i) {
    deposit = co_await Step(*std::move(deposit));
    if (!deposit.ok()) co_return deposit.status();
    if (!IsOver(*deposit)) continue;
    telemetry::Count("florin_rail_deposits_total",
                     {{"rail", rail}, {"result", std::string(NameOf(deposit->stage))}});
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<RailDeposit>> RailDeposits::Step(RailDeposit deposit) {
  if (deposit.stage == DepositStage::kReceived) co_return co_await FindOwner(std::move(deposit));
  if (deposit.stage == DepositStage::kCrediting) co_return co_await Credit(std::move(deposit));
  co_return co_await BookIn(std::move(deposit), DepositStage::kUnmatched);
}

Task<absl::StatusOr<RailDeposit>> RailDeposits::FindOwner(RailDeposit deposit) {
  deposit.stage = DepositStage::kSuspending;
  if (const std::optional<Uuid> account = ParseVirtualIban(deposit.account_reference)) {
    std::vector<Uuid> ids = {*account};
    rpc::Outgoing context;
    const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
    if (!found.ok()) co_return found.status();
    const std::optional<KnownAccount>& facts = found->front();
    if (facts && facts->currency == deposit.amount.currency) {
      deposit.stage = DepositStage::kCrediting;
      deposit.account_id = facts->account_id;
      deposit.user_id = facts->owner_user_id;
      deposit.payment_id = ids_.NewId();
    }
  }
  co_return co_await deposits_.AdvanceDeposit(DepositStage::kReceived, std::move(deposit));
}

Task<absl::StatusOr<RailDeposit>> RailDeposits::Credit(RailDeposit deposit) {
  std::vector<Uuid> ids = {deposit.account_id};
  rpc::Outgoing context;
  const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  Payment paid = PaymentOf(deposit, NowInMicroseconds(clock_));
  const std::optional<KnownAccount>& facts = found->front();
  if (facts && !facts->book.empty() && facts->book != settlement_.book()) {
    paid.books = Books{.source = settlement_.book(), .target = facts->book};
  }
  std::vector<Intent> one;
  one.push_back({.payment = std::move(paid),
                 .idempotency_key = IdempotencyKeyOf(deposit),
                 .fingerprint = crypto::Sha256(CanonicalDeposit(deposit))});
  auto stored = co_await payments_.InsertIntents(std::move(one));
  if (!stored.ok()) co_return stored.status();
  Payment payment = std::move(stored->front().payment);
  if (payment.state == State::kProcessing) {
    absl::StatusOr<Payment> settled = co_await settlement_.Settle(std::move(payment));
    if (!settled.ok()) co_return settled.status();
    payment = *std::move(settled);
  }
  if (payment.state == State::kSucceeded) {
    co_return co_await BookIn(std::move(deposit), DepositStage::kCredited);
  }
  // Closed meanwhile, or full.
  deposit.stage = DepositStage::kSuspending;
  co_return co_await deposits_.AdvanceDeposit(DepositStage::kCrediting, std::move(deposit));
}

Task<absl::StatusOr<RailDeposit>> RailDeposits::BookIn(RailDeposit deposit, DepositStage to) {
  const std::map<std::string, std::string> metadata = {{"rail", deposit.rail},
                                                       {"rail_deposit", deposit.deposit_id}};
  const absl::StatusOr<LedgerAnswer> answer =
      co_await Book(settlement_, chart_, HouseAccountsOf(deposit), BookingOf(deposit), metadata);
  if (!answer.ok()) co_return answer.status();
  if (!answer->committed) {
    telemetry::Log(telemetry::Severity::kError, "the ledger refuses a booking of a deposit",
                   {{"rail", deposit.rail},
                    {"deposit_id", deposit.deposit_id},
                    {"reason", answer->refusal_reason}});
    co_return Error(Reason::kInternal, "the ledger refuses a booking of the deposit");
  }
  if (to == DepositStage::kUnmatched && suspense_ != nullptr) {
    // Before the deposit says that it has ended: until then it is notified again.
    SuspenseItem item = ItemOf(deposit, NowInMicroseconds(clock_));
    FLORIN_CO_RETURN_IF_ERROR(co_await suspense_->KeepItem(std::move(item)));
  }
  const DepositStage from = deposit.stage;
  deposit.stage = to;
  co_return co_await deposits_.AdvanceDeposit(from, std::move(deposit));
}

Task<absl::StatusOr<int>> RailInbox::RunOnce() {
  int taken = 0;
  for (const auto& [name, rail] : rails_) {
    const absl::StatusOr<std::vector<RailEntry>> entries =
        co_await rail->Notifications(kTakenAtOnce);
    if (!entries.ok()) co_return entries.status();
    taken += static_cast<int>(entries->size());
    for (const RailEntry& entry : *entries) {
      absl::Status done = co_await Handle(name, entry);
      if (done.ok()) done = co_await rail->Acknowledge(entry.number);
      if (done.ok()) continue;
      telemetry::Log(telemetry::Severity::kWarning, "a rail's notification waits",
                     {{"rail", name}, {"error", std::string(done.message())}});
    }
  }
  co_return taken;
}

Task<absl::Status> RailInbox::Handle(std::string rail, const RailEntry& entry) {
  if (entry.event == RailEvent::kDeposit) {
    co_return co_await deposits_.Receive(std::move(rail), entry);
  }
  co_return co_await payouts_.Notified(entry.payout_id);
}

}  // namespace florin::payments
