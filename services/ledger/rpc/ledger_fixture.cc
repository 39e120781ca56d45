#include "services/ledger/rpc/ledger_fixture.h"

#include <utility>

#include "gtest/gtest.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"

namespace florin::ledger {
namespace {

// The example of RFC 8410, section 10.3: everybody's key.
constexpr char kExampleKey[] =
    "-----BEGIN "
    "PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END "
    "PRIVATE KEY-----\n";

}  // namespace

pg::PoolOptions LedgerFixture::Database() const {
  pg::PoolOptions options{.conninfo = postgres_.conninfo("ledger"),
                          .connections = 2,
                          .statements = PgStore::Statements(),
                          .settings = PgStore::Settings()};
  for (auto& more : {PgBookReader::Statements(), PgLogStore::Statements()}) {
    options.statements.insert(options.statements.end(), more.begin(), more.end());
  }
  return options;
}

LedgerFixture::LedgerFixture(absl::Time now)
    : clock_(now),
      pool_(Database()),
      read_pool_(Database()),
      signer_(crypto::FileSigner::FromPem(kExampleKey).value()),
      sealer_(store_, log_store_, *signer_, clock_, kTestedLog),
      proofs_(store_, log_store_, signer_->public_key()) {
  pg::CreateTables(postgres_, "ledger");
  EXPECT_THAT(runtime_.Run(store_.EnsureBook("main", {"payment_id"})), IsOk());
  rpc::ServerOptions options{.listen = "127.0.0.1:0", .certificates = CertificatesOf("ledger")};
  server_ = rpc::Server::Start(runtime_.executor(), options, {&ledger_, &reads_, &proofs_}).value();
}

LedgerFixture::~LedgerFixture() {
  server_->Drain(absl::Seconds(1));
  runtime_.Stop();
}

rpc::CertificateFiles LedgerFixture::CertificatesOf(const std::string& name) const {
  return rpc::CertificateFiles::In(certificates_.directory(), name);
}

std::unique_ptr<rpc::Channel> LedgerFixture::Connect(const std::string& caller) {
  rpc::ChannelOptions options{.target = "127.0.0.1:" + std::to_string(server_->port()),
                              .service = "ledger",
                              .certificates = CertificatesOf(caller)};
  return std::make_unique<rpc::Channel>(runtime_.executor(), options);
}

void LedgerFixture::Seal() { EXPECT_THAT(runtime_.Run(sealer_.RunOnce()), IsOk()); }

}  // namespace florin::ledger
