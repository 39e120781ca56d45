// The parts of florin-accounts that are about interest and charges, put together.
#pragma once

#include <string>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "florin/ledger/v1/sandbox.rpc.h"
#include "libs/async/worker.h"
#include "libs/clock/ahead_clock.h"
#include "libs/pg/pool.h"
#include "services/accounts/flow/interest_job.h"
#include "services/accounts/flow/interest_plans.h"
#include "services/accounts/rpc/interest_rpc.h"
#include "services/accounts/store/pg_interest_store.h"

namespace florin::accounts {

class InterestParts {
 public:
  static std::vector<pg::Statement> Statements() { return PgInterestStore::Statements(); }

  // References outlive this. --sandbox says whether the days are those of the sandbox. Starts the
  // worker.
  InterestParts(Executor executor, pg::Pool& pool, rpc::Channel& ledger, const std::string& book);

  InterestJob& job() { return job_; }
  rpc::Service& service() { return rpc_; }
  // Waits for the round under way. While the Runtime still runs, on none of its threads.
  void Stop() { worker_.Stop(); }

 private:
  Task<absl::Status> Round();

  AheadClock clock_;
  PgInterestStore store_;
  ledger::v1::LedgerClient ledger_;
  ledger::v1::LedgerReaderClient reader_;
  ledger::v1::LedgerSandboxClient sandbox_;
  SandboxClock sandbox_clock_;
  InterestJob job_;
  InterestPlans plans_;
  InterestRpc rpc_;
  async::Worker worker_;
};

}  // namespace florin::accounts
