// The parts of florin-accounts that are about payees, put together.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/accounts/flow/payees.h"
#include "services/accounts/rpc/payees_rpc.h"
#include "services/accounts/store/personal_data.h"
#include "services/accounts/store/pg_payee_store.h"

namespace florin::accounts {

class PayeeParts {
 public:
  static std::vector<pg::Statement> Statements() { return PgPayeeStore::Statements(); }

  // References outlive this. --payee_cooling_off says how long a new payee waits.
  PayeeParts(pg::Pool& pool, PersonalData& data, Store& accounts, Clock& clock, IdSource& ids);

  PayeeStore& store() { return store_; }
  rpc::Service& service() { return rpc_; }

 private:
  PgPayeeStore store_;
  Payees payees_;
  PayeesRpc rpc_;
};

}  // namespace florin::accounts
