// For tests: the ledger as its callers see it, all of its services on a real server over mutual
// TLS, on a PostgreSQL of its own with the book "main". Time stands still unless it is moved.
#pragma once

#include <memory>
#include <string>

#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signer.h"
#include "libs/pg/pool.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/testing/certificates.h"
#include "libs/testing/postgres.h"
#include "services/ledger/flow/batcher.h"
#include "services/ledger/flow/book_watch.h"
#include "services/ledger/flow/sealer.h"
#include "services/ledger/rpc/ledger_service.h"
#include "services/ledger/rpc/proof_service.h"
#include "services/ledger/rpc/reader_service.h"
#include "services/ledger/store/pg_book_reader.h"
#include "services/ledger/store/pg_log_store.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {

// What the logs of its books are named after.
inline constexpr char kTestedLog[] = "florin.local";

class LedgerFixture {
 public:
  explicit LedgerFixture(absl::Time now);
  ~LedgerFixture();

  // Connects as `caller`: ledger, payments, accounts, auth, gateway, operator or auditor.
  std::unique_ptr<rpc::Channel> Connect(const std::string& caller);
  // Signs a tree head over all that is decided, by the same key always.
  void Seal();

  async::Runtime& runtime() { return runtime_; }
  FakeClock& clock() { return clock_; }
  const testing::Postgres& postgres() const { return postgres_; }
  BookReader& reader() { return reader_; }
  BookWatch& watch() { return watch_; }

 private:
  // A pool of connections as the runtime role, with the statements of all stores.
  pg::PoolOptions Database() const;
  rpc::CertificateFiles CertificatesOf(const std::string& name) const;

  testing::Postgres postgres_;
  testing::TestCertificates certificates_{
      {"ledger", "payments", "accounts", "auth", "gateway", "operator", "auditor"}};
  FakeClock clock_;
  async::Runtime runtime_{2};
  pg::Pool pool_;
  pg::Pool read_pool_;  // Watches ask often; they shall not wait for commits.
  PgStore store_{pool_};
  PgBookReader reader_{read_pool_};
  PgLogStore log_store_{pool_, kTestedLog};
  BookWatch watch_{runtime_.executor(), reader_};
  PostingBatcher batcher_{runtime_.executor(), store_, clock_,
                          [this](const std::string& book) { watch_.Wake(book); }};
  std::unique_ptr<crypto::Signer> signer_;
  Sealer sealer_;
  LedgerRpc ledger_{store_, batcher_, clock_};
  LedgerReaderRpc reads_{reader_, watch_, clock_};
  LedgerProofRpc proofs_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace florin::ledger
