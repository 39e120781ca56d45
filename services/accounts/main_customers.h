// The parts of florin-accounts that are about customers and their personal data, put together.
#pragma once

#include <memory>
#include <vector>

#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/worker.h"
#include "libs/audit/recorder.h"
#include "libs/pg/pool.h"
#include "services/accounts/flow/customer_changes.h"
#include "services/accounts/flow/leave_customer.h"
#include "services/accounts/flow/sandbox_verifier.h"
#include "services/accounts/flow/verifications.h"
#include "services/accounts/rpc/customers_rpc.h"
#include "services/accounts/store/personal_data.h"
#include "services/accounts/store/pg_customer_store.h"
#include "services/accounts/store/pg_sealing.h"

namespace florin::accounts {

// How personal data are sealed, from the files of --data_keys and --index_keys. Ends the process
// with one clear line if one cannot be used.
std::unique_ptr<PersonalData> PersonalDataOrExit();

class CustomerParts {
 public:
  static std::vector<pg::Statement> Statements();

  // References outlive this. --sandbox_verifier says who verifies. Starts the workers.
  CustomerParts(Executor executor, pg::Pool& pool, PersonalData& data, HolderStore& holders,
                PayeeStore& payees, ledger::v1::LedgerClient& ledger,
                ledger::v1::LedgerReaderClient& reader, audit::Recorder& recorder,
                FreezeTelling& telling, const std::string& book);

  rpc::Service& service() { return rpc_; }
  // Waits for the rounds under way. While the Runtime still runs, on none of its threads.
  void Stop();

 private:
  PgCustomerStore store_;
  PgSealing sealing_;
  const std::unique_ptr<IdentityVerifier> verifier_;  // Null: operators decide.
  CustomerChanges changes_;
  Verifications verifications_;
  LeaveCustomer leave_;
  CustomersRpc rpc_;
  async::Worker sealing_worker_;
  async::Worker worker_;
};

}  // namespace florin::accounts
