// The parts of florin-accounts that are about what becomes of accounts, put together.
#pragma once

#include <string>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/accounts/flow/account_changes.h"
#include "services/accounts/flow/close_account.h"
#include "services/accounts/flow/dormancy.h"
#include "services/accounts/flow/freeze_telling.h"
#include "services/accounts/rpc/account_states_rpc.h"
#include "services/accounts/store/personal_data.h"
#include "services/accounts/store/pg_account_state_store.h"

namespace florin::accounts {

class AccountStateParts {
 public:
  static std::vector<pg::Statement> Statements();

  // References outlive this. --dormant_after says when accounts sleep. Starts the workers.
  // `settle` is called before an account is closed.
  AccountStateParts(Executor executor, pg::Pool& pool, PersonalData& data,
                    ledger::v1::LedgerClient& ledger, ledger::v1::LedgerReaderClient& reader,
                    Clock& clock, const std::string& book, CloseAccount::Settle settle);

  rpc::Service& service() { return rpc_; }
  FreezeTelling& telling() { return telling_; }
  // Waits for the rounds under way. While the Runtime still runs, on none of its threads.
  void Stop();

 private:
  PgAccountStateStore store_;
  FreezeTelling telling_;
  AccountChanges changes_;
  CloseAccount close_;
  Dormancy dormancy_;
  AccountStatesRpc rpc_;
  async::Worker worker_;
  async::Worker sleep_worker_;
};

}  // namespace florin::accounts
