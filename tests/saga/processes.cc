#include "tests/saga/processes.h"

#include <utility>

namespace florin::saga {
namespace {

rpc::ChannelOptions From(Owner owner) {
  return {.target = std::string(kWire) + "/" + std::to_string(owner),
          .service = "any",
          .certificates = {}};
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
      expiry_(store_, batcher_, clock) {
  kept_.wire.Serve(owner_, context_.get_executor(), service_);
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

PaymentsProcess::PaymentsProcess(Kept& kept, payments::FakeStore& rows, const Terms& terms,
                                 Owner owner)
    : kept_(kept),
      owner_(owner),
      store_(rows, kept.gates, owner),
      channel_(context_.get_executor(), From(owner)),
      directory_(accounts_, 100, kept.clock),
      settlement_(context_.get_executor(), store_, ledger_, chart_, kept.clock, kBook),
      pricing_(terms.fees, store_),
      create_(directory_, settlement_, kept.clock, kept.ids,
              {.store = store_, .approvals = approvals_, .policy = terms.policy}, pricing_),
      confirm_(store_, approvals_, settlement_, kept.clock),
      vain_(rows, kept.clock),
      recovery_(store_, settlement_, store_, confirm_, vain_, kept.clock),
      parties_(store_, directory_),
      steps_(context_.get_executor(), store_, settlement_, refund_accounts_, kept.clock),
      charge_recovery_(store_, steps_, vain_, kept.clock),
      rates_(kept.clock),
      create_quote_(store_, rates_, kept.clock, kept.ids,
                    {.spread_basis_points = 100, .life = absl::Seconds(30)}) {}

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

}  // namespace florin::saga
