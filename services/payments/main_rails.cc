#include "services/payments/main_rails.h"

#include <utility>

#include "libs/ids/ids.h"

namespace florin::payments {

std::vector<pg::Statement> RailParts::Statements() {
  std::vector<pg::Statement> all = PgClockStore::Statements();
  for (auto& more : PgPayoutStore::Statements()) all.push_back(std::move(more));
  for (auto& more : PgDepositStore::Statements()) all.push_back(std::move(more));
  for (auto& more : PgSandboxRailStore::Statements()) all.push_back(std::move(more));
  for (auto& more : PgSuspenseStore::Statements()) all.push_back(std::move(more));
  return all;
}

void RailParts::Start(process::Process& process, pg::Pool& pool, rpc::Channel& ledger,
                      rpc::Channel& auth, Rest rest, std::function<void()> wake) {
  clock_store_.emplace(pool);
  payout_store_.emplace(pool);
  deposit_store_.emplace(pool);
  rail_store_.emplace(pool);
  suspense_store_.emplace(pool);
  rail_.emplace(*rail_store_, clock_);
  payouts_.emplace(Payouts::Parts{.payments = rest.payments,
                                  .payouts = *payout_store_,
                                  .accounts = rest.accounts,
                                  .settlement = rest.settlement,
                                  .chart = rest.chart,
                                  .confirm = rest.confirm,
                                  .approving = rest.approving,
                                  .rails = rails(),
                                  .clock = clock_,
                                  .ids = SystemIds(),
                                  .limits = &rest.limits,
                                  .pricing = &rest.pricing,
                                  .payees = &rest.payees,
                                  .suspense = &*suspense_store_});
  deposits_.emplace(rest.payments, *deposit_store_, rest.accounts, rest.settlement, rest.chart,
                    clock_, SystemIds(), &*suspense_store_);
  proposals_.emplace(&auth);
  suspense_.emplace(Suspense::Parts{.store = *suspense_store_,
                                    .payments = rest.payments,
                                    .accounts = rest.accounts,
                                    .settlement = rest.settlement,
                                    .payouts = *payouts_,
                                    .rails = rails(),
                                    .proposals = *proposals_,
                                    .clock = clock_,
                                    .ids = SystemIds()});
  suspense_rpc_.emplace(*suspense_store_, *suspense_);
  inbox_.emplace(rails(), *payouts_, *deposits_);
  payouts_rpc_.emplace(*payouts_, rest.approval_page);
  deposits_rpc_.emplace(rest.accounts);
  ledger_sandbox_.emplace(&ledger);
  time_.emplace(*clock_store_, *ledger_sandbox_, clock_, rest.book, [this, wake] {
    wake();
    // Not before it is there: its first round may be under way.
    if (started_) worker_->Wake();
  });
  sandbox_rpc_.emplace(sandbox_ ? &*time_ : nullptr, sandbox_ ? &*rail_ : nullptr);
  if (sandbox_) {
    // If it cannot be read now, the worker goes on trying, and nothing else works either.
    const auto kept = process.runtime().Run(clock_store_->GoAhead(absl::ZeroDuration()));
    if (kept.ok()) clock_.GoAhead(*kept);
  }
  worker_.emplace(process.executor(), [this] { return Round(); });
  started_ = true;
}

Task<absl::Status> RailParts::Round() {
  absl::Status followed = absl::OkStatus();
  if (sandbox_) followed = co_await time_->Follow();
  const absl::StatusOr<int> notified = co_await inbox_->RunOnce();
  const absl::StatusOr<int> driven = co_await payouts_->RunOnce();
  const absl::StatusOr<int> resolved = co_await suspense_->RunOnce();
  if (!followed.ok()) co_return followed;
  if (!notified.ok()) co_return notified.status();
  co_return driven.ok() ? resolved.status() : driven.status();
}

void RailParts::Stop() { worker_->Stop(); }

}  // namespace florin::payments
