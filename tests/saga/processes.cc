#include "tests/saga/processes.h"

#include <utility>

namespace florin::saga {
namespace {

rpc::ChannelOptions From(Owner owner) {
  return {.target = std::string(kWire) + "/" + std::to_string(owner),
          .service = "any",
          .certificates = {}};
}

payments::Rails RailsOf(payments::Rail& rail) {
  return {{std::string(payments::kSandboxRail), &rail}};
}

}  // namespace

absl::StatusOr<payments::MidRate> OneRate::Find(const Currency& source,
                                                const Currency& destination) {
  if (source.code() != "EUR" || destination.code() != "USD") {
    return Error(Reason::kRateNotAvailable, "EUR in USD only");
  }
  return payments::MidRate{.rate = {1'100'000'000'000}, .time = clock_.Now()};
}

LedgerProcess::LedgerProcess(Kept& kept, Clock& clock, Owner owner)
    : kept_(kept),
      owner_(owner),
      store_(kept.ledger, kept.gates, owner),
      batcher_(context_.get_executor(), store_, clock),
      service_(store_, batcher_, clock),
      watch_(context_.get_executor(), kept.ledger),
      reader_(kept.ledger, watch_, clock),
      expiry_(store_, batcher_, clock) {
  kept_.wire.Serve(owner_, context_.get_executor(), service_);
  kept_.wire.Serve(owner_, context_.get_executor(), reader_);
}

LedgerProcess::~LedgerProcess() {
  kept_.wire.Withdraw(owner_);
  kept_.gates.Drop(owner_);
}

void LedgerProcess::Sweep() {
  if (std::exchange(sweeping_, true)) return;
  asio::co_spawn(context_, SweepOnce(this), asio::detached);
}

Task<void> LedgerProcess::SweepOnce(LedgerProcess* self) {
  const absl::Status ignored = co_await self->expiry_.RunOnce();
  static_cast<void>(ignored);  // The next round begins anew.
  self->sweeping_ = false;
}

PaymentsProcess::PaymentsProcess(Kept& kept, Stores& stores, const Terms& terms, Owner owner)
    : kept_(kept),
      owner_(owner),
      store_(*stores.rows, kept.gates, owner),
      payout_store_(*stores.rows, kept.gates, owner),
      deposit_store_(*stores.deposits, kept.gates, owner),
      schedule_store_(*stores.schedules, kept.gates, owner),
      bulk_store_(*stores.bulks, kept.gates, owner),
      limit_store_(*stores.limits, kept.gates, owner),
      transfer_store_(*stores.rows, kept.gates, owner),
      rail_(*stores.rail, kept.clock, kept.gates, owner),
      channel_(context_.get_executor(), From(owner)),
      directory_(accounts_, 100, kept.clock),
      payee_check_(payees_, terms.payees, kept.clock),
      limits_(limit_store_, kept.clock),
      buckets_(limits_, ledger_, reader_, kBook),
      settlement_(context_.get_executor(), store_, ledger_, chart_, kept.clock, kBook, &buckets_),
      book_transfers_({.transfers = transfer_store_,
                       .store = store_,
                       .settlement = settlement_,
                       .ledger = ledger_,
                       .reader = reader_,
                       .limits = terms.limited ? &limits_ : nullptr,
                       .clock = kept.clock}),
      pricing_(terms.fees, store_),
      create_(directory_, settlement_, kept.clock, kept.ids,
              {.store = store_, .approvals = approvals_, .policy = terms.policy}, pricing_,
              terms.limited ? &limits_ : nullptr),
      confirm_(store_, approvals_, settlement_, kept.clock),
      vain_(*stores.rows, kept.clock),
      recovery_(store_, settlement_, store_, confirm_, vain_, kept.clock),
      parties_(store_, directory_),
      steps_(context_.get_executor(), store_, settlement_, refund_accounts_, kept.clock),
      charge_recovery_(store_, steps_, vain_, kept.clock),
      rates_(kept.clock),
      create_quote_(store_, rates_, kept.clock, kept.ids,
                    {.spread_basis_points = 100, .life = absl::Seconds(30)}),
      payouts_({.payments = store_,
                .payouts = payout_store_,
                .accounts = directory_,
                .settlement = settlement_,
                .chart = chart_,
                .confirm = confirm_,
                .approving = {.store = store_, .approvals = approvals_, .policy = terms.policy},
                .rails = RailsOf(rail_),
                .clock = kept.clock,
                .ids = kept.ids,
                .limits = terms.limited ? &limits_ : nullptr,
                .pricing = &pricing_,
                .payees = &payee_check_}),
      rail_deposits_(store_, deposit_store_, directory_, settlement_, chart_, kept.clock, kept.ids),
      inbox_(RailsOf(rail_), payouts_, rail_deposits_),
      confirm_order_(schedule_store_, approvals_, kept.clock),
      create_schedule_(schedule_store_, directory_, kept.clock, kept.ids, terms.policy,
                       confirm_order_),
      schedule_worker_(schedule_store_, create_, kept.clock),
      confirm_bulk_(bulk_store_, approvals_, kept.clock),
      bulk_orders_(bulk_store_, directory_, kept.clock, kept.ids, terms.policy, confirm_bulk_),
      bulk_worker_(context_.get_executor(), bulk_store_,
                   {.create = create_,
                    .accounts = directory_,
                    .settlement = settlement_,
                    .chart = chart_,
                    .pricing = pricing_,
                    .policy = terms.policy,
                    .limits = terms.limited ? &limits_ : nullptr},
                   kept.clock) {
  create_.RequirePayees(payee_check_);
}

PaymentsProcess::~PaymentsProcess() {
  kept_.wire.Forget(owner_);
  kept_.gates.Drop(owner_);
}

void PaymentsProcess::Recover() {
  if (std::exchange(recovering_, true)) return;
  asio::co_spawn(context_, RecoverOnce(this), asio::detached);
}

Task<void> PaymentsProcess::RecoverOnce(PaymentsProcess* self) {
  const absl::StatusOr<int> payments = co_await self->recovery_.RunOnce();
  const absl::StatusOr<int> steps = co_await self->charge_recovery_.RunOnce();
  static_cast<void>(payments.ok() && steps.ok());  // What is left is claimed again.
  self->recovering_ = false;
}

void PaymentsProcess::WorkOnRails() {
  if (std::exchange(on_rails_, true)) return;
  asio::co_spawn(context_, WorkOnRailsOnce(this), asio::detached);
}

Task<void> PaymentsProcess::WorkOnRailsOnce(PaymentsProcess* self) {
  const absl::StatusOr<int> notified = co_await self->inbox_.RunOnce();
  const absl::StatusOr<int> driven = co_await self->payouts_.RunOnce();
  static_cast<void>(notified.ok() && driven.ok());  // The next round begins anew.
  self->on_rails_ = false;
}

void PaymentsProcess::WorkOnSchedules() {
  if (std::exchange(on_schedules_, true)) return;
  asio::co_spawn(context_, WorkOnSchedulesOnce(this), asio::detached);
}

Task<void> PaymentsProcess::WorkOnSchedulesOnce(PaymentsProcess* self) {
  const absl::StatusOr<int> ended = co_await self->schedule_worker_.RunOnce();
  const absl::StatusOr<int> awaiting = co_await self->confirm_order_.RunOnce();
  static_cast<void>(ended.ok() && awaiting.ok());  // What is left is claimed again.
  self->on_schedules_ = false;
}

void PaymentsProcess::WorkOnBulks() {
  if (std::exchange(on_bulks_, true)) return;
  asio::co_spawn(context_, WorkOnBulksOnce(this), asio::detached);
}

Task<void> PaymentsProcess::WorkOnBulksOnce(PaymentsProcess* self) {
  const absl::StatusOr<int> awaiting = co_await self->confirm_bulk_.RunOnce();
  const absl::StatusOr<int> batches = co_await self->bulk_worker_.RunOnce();
  static_cast<void>(awaiting.ok() && batches.ok());  // What is left is claimed again.
  self->on_bulks_ = false;
}

}  // namespace florin::saga
