// Wiring of limits.
#pragma once

#include <string>
#include <vector>

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/worker.h"
#include "libs/clock/clock.h"
#include "libs/pg/pool.h"
#include "services/payments/rpc/limits_rpc.h"
#include "services/payments/store/pg_limit_store.h"

namespace florin::payments {

// Outlives the calls under way: destroy it after the Runtime has stopped.
class LimitParts {
 public:
  // References outlive this; `pool` has Statements(), the channels are to these services.
  LimitParts(Executor executor, pg::Pool& pool, AccountDirectory& accounts,
             ledger::v1::LedgerClient& ledger, rpc::Channel& ledger_channel, rpc::Channel& auth,
             std::string book, Clock& clock);
  // Before the executor stops.
  void Stop() { reading_.Stop(); }

  static std::vector<pg::Statement> Statements() { return PgLimitStore::Statements(); }
  LimitDirectory& directory() { return directory_; }
  LimitBuckets& buckets() { return buckets_; }
  LimitsRpc& service() { return service_; }

 private:
  auth::v1::ProposalsClient proposals_;
  ledger::v1::LedgerReaderClient reader_;
  PgLimitStore store_;
  LimitDirectory directory_;
  LimitBuckets buckets_;
  LimitsRpc service_;
  async::Worker reading_;  // Every second, so that payments find the limits in memory.
};

}  // namespace florin::payments
