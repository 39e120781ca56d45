#include "services/auth/main_audit.h"

#include <utility>

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/telemetry/log.h"

ABSL_FLAG(std::string, audit_key, "",
          "Private key that signs the heads of the audit trail: PKCS #8 PEM, mode 0600, Ed25519 or "
          "P-256. Without it the trail is kept, but nothing is signed.");
ABSL_FLAG(std::string, audit_origin, "florin.local",
          "What the logs of all services are named after; ORIGIN/audit/auth stands in each head. "
          "Never change it for a log that exists.");

namespace florin::auth {
namespace {

constexpr async::WorkerPauses kPauses{.usual = absl::Milliseconds(250),
                                      .longest = absl::Seconds(4)};

std::string Origin() { return audit::OriginOf(absl::GetFlag(FLAGS_audit_origin), "auth"); }

std::unique_ptr<crypto::Signer> OpenSigner() {
  const std::string file = absl::GetFlag(FLAGS_audit_key);
  if (!file.empty()) return config::ValueOrExit(crypto::FileSigner::Load(file), "--audit_key");
  telemetry::Log(telemetry::Severity::kInfo, "the audit trail is not signed: no --audit_key");
  return nullptr;
}

}  // namespace

std::vector<pg::Statement> AuditTrail::Statements() {
  std::vector<pg::Statement> statements = audit::ChainStatements();
  for (pg::Statement& statement : audit::PgReader::Statements())
    statements.push_back(std::move(statement));
  return statements;
}

AuditTrail::AuditTrail(Executor executor, pg::Pool& pool)
    : recorder_(pool), reader_(pool, Origin()), rpc_(reader_), signer_(OpenSigner()) {
  if (signer_ == nullptr) return;
  chainer_.emplace(pool, *signer_, SystemClock(), Origin());
  chaining_.emplace(
      executor, [this] { return chainer_->RunOnce(); }, kPauses);
}

void AuditTrail::Stop() {
  if (chaining_) chaining_->Stop();
}

}  // namespace florin::auth
