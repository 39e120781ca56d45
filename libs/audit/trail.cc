#include "libs/audit/trail.h"

#include <utility>

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/telemetry/log.h"

ABSL_FLAG(std::string, audit_key, "",
          "Private key that signs the heads of the audit trail: PKCS #8 PEM, mode 0600, Ed25519 or "
          "P-256. Without it the trail is kept, but nothing is signed.");
ABSL_FLAG(
    std::string, audit_origin, "florin.local",
    "What the audit logs of all services are named after; ORIGIN/audit/SERVICE stands in each "
    "head. Never change it for a log that exists.");

namespace florin::audit {
namespace {

constexpr async::WorkerPauses kPauses{.usual = absl::Milliseconds(250),
                                      .longest = absl::Seconds(4)};

std::string LogOf(const std::string& service) {
  return OriginOf(absl::GetFlag(FLAGS_audit_origin), service);
}

std::unique_ptr<crypto::Signer> OpenSigner() {
  const std::string file = absl::GetFlag(FLAGS_audit_key);
  if (!file.empty()) return config::ValueOrExit(crypto::FileSigner::Load(file), "--audit_key");
  telemetry::Log(telemetry::Severity::kInfo, "the audit trail is not signed: no --audit_key");
  return nullptr;
}

}  // namespace

std::vector<pg::Statement> Trail::Statements() {
  std::vector<pg::Statement> all = InsertStatements();
  for (const auto& statements : {ChainStatements(), PgReader::Statements()})
    all.insert(all.end(), statements.begin(), statements.end());
  return all;
}

Trail::Trail(Executor executor, pg::Pool& pool, const std::string& service)
    : recorder_(pool), reader_(pool, LogOf(service)), rpc_(reader_), signer_(OpenSigner()) {
  if (signer_ == nullptr) return;
  chainer_.emplace(pool, *signer_, SystemClock(), LogOf(service));
  chaining_.emplace(
      executor, [this] { return chainer_->RunOnce(); }, kPauses);
}

void Trail::Stop() {
  if (chaining_) chaining_->Stop();
}

}  // namespace florin::audit
