// The parts of florin-accounts that are about who holds an account, put together.
#pragma once

#include <vector>

#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/accounts/flow/holders.h"
#include "services/accounts/rpc/holders_rpc.h"
#include "services/accounts/store/personal_data.h"
#include "services/accounts/store/pg_holder_store.h"

namespace florin::accounts {

class HolderParts {
 public:
  static std::vector<pg::Statement> Statements() { return PgHolderStore::Statements(); }

  // References outlive this.
  HolderParts(pg::Pool& pool, PersonalData& data, Clock& clock, IdSource& ids)
      : store_(pool, data), holders_(store_, clock, ids), rpc_(store_, holders_) {}

  HolderStore& store() { return store_; }
  rpc::Service& service() { return rpc_; }

 private:
  PgHolderStore store_;
  Holders holders_;
  HoldersRpc rpc_;
};

}  // namespace florin::accounts
