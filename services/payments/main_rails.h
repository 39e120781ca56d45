// Wiring of payouts, rails, what is in suspense and the sandbox's clock.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/worker.h"
#include "libs/clock/ahead_clock.h"
#include "libs/process/process.h"
#include "services/payments/flow/payouts.h"
#include "services/payments/flow/rail_deposits.h"
#include "services/payments/flow/sandbox_rail.h"
#include "services/payments/flow/sandbox_time.h"
#include "services/payments/flow/suspense.h"
#include "services/payments/rpc/payouts_rpc.h"
#include "services/payments/rpc/sandbox_rpc.h"
#include "services/payments/rpc/suspense_rpc.h"
#include "services/payments/store/pg_clock_store.h"
#include "services/payments/store/pg_deposit_store.h"
#include "services/payments/store/pg_payout_store.h"
#include "services/payments/store/pg_sandbox_rail_store.h"
#include "services/payments/store/pg_suspense_store.h"

namespace florin::payments {

// Made in two steps, since everything else needs its clock. Outlives the calls under way: destroy
// it after the Runtime has stopped.
class RailParts {
 public:
  // `sandbox`: whether this deployment is one. If not, the clock is the system's for ever.
  explicit RailParts(bool sandbox) : sandbox_(sandbox), clock_(SystemClock()) {}

  Clock& clock() { return clock_; }
  static std::vector<pg::Statement> Statements();

  // What the rest of payments has made. References outlive this.
  struct Rest {
    Store& payments;
    AccountDirectory& accounts;
    Settlement& settlement;
    ChartAccounts& chart;
    ConfirmPayment& confirm;
    CreatePayment::Approving approving;
    LimitDirectory& limits;
    PaymentPricing& pricing;
    PayeeCheck& payees;
    std::string book;
    std::string approval_page;
  };
  // Once, before serving. `pool` has Statements(). `wake` is told when the sandbox's clock was put
  // forward; short, never blocks. References outlive this.
  void Start(process::Process& process, pg::Pool& pool, rpc::Channel& ledger, rpc::Channel& auth,
             Rest rest, std::function<void()> wake);
  std::vector<rpc::Service*> services() {
    return {&*payouts_rpc_, &*deposits_rpc_, &*sandbox_rpc_, &*suspense_rpc_};
  }
  // Those there are, once started.
  Rails rails() { return sandbox_ ? Rails{{std::string(kSandboxRail), &*rail_}} : Rails(); }
  // Before the executor stops.
  void Stop();

 private:
  Task<absl::Status> Round();

  const bool sandbox_;
  AheadClock clock_;
  std::optional<PgPayoutStore> payout_store_;
  std::optional<PgDepositStore> deposit_store_;
  std::optional<PgSandboxRailStore> rail_store_;
  std::optional<SandboxRail> rail_;
  std::optional<Payouts> payouts_;
  std::optional<RailDeposits> deposits_;
  std::optional<RailInbox> inbox_;
  std::optional<PgSuspenseStore> suspense_store_;
  std::optional<auth::v1::ProposalsClient> proposals_;
  std::optional<Suspense> suspense_;
  std::optional<SuspenseRpc> suspense_rpc_;
  std::optional<PayoutsRpc> payouts_rpc_;
  std::optional<DepositsRpc> deposits_rpc_;
  std::optional<PgClockStore> clock_store_;
  std::optional<ledger::v1::LedgerSandboxClient> ledger_sandbox_;
  std::optional<SandboxTime> time_;
  std::optional<SandboxRpc> sandbox_rpc_;
  std::optional<async::Worker> worker_;
  std::atomic<bool> started_ = false;
};

}  // namespace florin::payments
