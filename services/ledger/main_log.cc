#include "services/ledger/main_log.h"

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/crypto/pkcs11_signer.h"
#include "libs/merkle/tree_head.h"
#include "libs/telemetry/log.h"
#include "services/ledger/proof/receipt.h"

ABSL_FLAG(std::string, log_origin, "florin.local",
          "What the signed logs of all books are named after; ORIGIN/BOOK stands in each tree "
          "head. Never change it for a log that exists.");
ABSL_FLAG(std::string, log_key, "",
          "Private key that signs tree heads: PKCS #8 PEM, mode 0600, Ed25519 or P-256. Without it "
          "and without a token, nothing is sealed.");
ABSL_FLAG(std::string, log_pkcs11_module, "",
          "Instead of --log_key: PKCS #11 library of the token that holds the key (P-256).");
ABSL_FLAG(std::string, log_pkcs11_token, "", "Label of the token.");
ABSL_FLAG(std::string, log_pkcs11_key, "", "Label of the key on the token.");
ABSL_FLAG(std::string, log_pkcs11_pin_file, "", "File with the PIN of the token, mode 0600.");

namespace florin::ledger {
namespace {

// Under load a round takes as long as it needs; when there is little to do, a receipt is ready
// within this time.
constexpr async::WorkerPauses kPauses{.usual = absl::Milliseconds(250),
                                      .longest = absl::Seconds(4)};

// Null if no key is configured.
std::unique_ptr<crypto::Signer> OpenSigner() {
  const std::string file = absl::GetFlag(FLAGS_log_key);
  const crypto::Pkcs11Config token{.module = absl::GetFlag(FLAGS_log_pkcs11_module),
                                   .token = absl::GetFlag(FLAGS_log_pkcs11_token),
                                   .key = absl::GetFlag(FLAGS_log_pkcs11_key),
                                   .pin_file = absl::GetFlag(FLAGS_log_pkcs11_pin_file)};
  if (!file.empty() && !token.module.empty()) {
    config::ExitIfError(Error(Reason::kInvalidField, "not together with --log_pkcs11_module"),
                        "--log_key");
  }
  if (!file.empty()) return config::ValueOrExit(crypto::FileSigner::Load(file), "--log_key");
  if (!token.module.empty()) {
    return config::ValueOrExit(crypto::Pkcs11Signer::Open(token), "--log_pkcs11_module");
  }
  telemetry::Log(telemetry::Severity::kInfo, "nothing is sealed: there is no --log_key");
  return nullptr;
}

std::optional<crypto::SignerKey> KeyOf(const std::unique_ptr<crypto::Signer>& signer) {
  if (signer == nullptr) return std::nullopt;
  return signer->public_key();
}

}  // namespace

std::string LogOrigin(const std::string& book) {
  const std::string origin = absl::GetFlag(FLAGS_log_origin);
  const merkle::TreeHead head{
      .origin = proof::OriginOf(origin, book), .size = 1, .root = {}, .time = absl::UnixEpoch()};
  config::ExitIfError(merkle::ParseCheckpoint(merkle::CheckpointText(head)).status(),
                      "--log_origin");
  return origin;
}

SignedLog::SignedLog(Executor executor, Store& store, pg::Pool& pool, const std::string& origin)
    : log_store_(pool, origin), signer_(OpenSigner()), proofs_(store, log_store_, KeyOf(signer_)) {
  if (signer_ == nullptr) return;
  sealer_.emplace(store, log_store_, *signer_, SystemClock(), origin);
  sealing_.emplace(
      executor, [this] { return sealer_->RunOnce(); }, kPauses);
}

void SignedLog::Stop() {
  if (sealing_) sealing_->Stop();
}

}  // namespace florin::ledger
