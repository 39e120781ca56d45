#include "services/auth/flow/signing_keys.h"

#include <functional>
#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::auth {
namespace {

constexpr absl::Duration kReloadInterval = absl::Seconds(5);
constexpr absl::Duration kPublishedBeforeUse = absl::Seconds(10);

}  // namespace

absl::StatusOr<std::unique_ptr<SigningKeys>> SigningKeys::Load(std::string directory,
                                                               Clock& clock) {
  FLORIN_ASSIGN_OR_RETURN(crypto::KeyRing ring, crypto::KeyRing::Load(directory));
  return std::unique_ptr<SigningKeys>(
      new SigningKeys(std::move(directory), clock, std::move(ring)));
}

SigningKeys::SigningKeys(std::string directory, Clock& clock, crypto::KeyRing ring)
    : directory_(std::move(directory)), clock_(clock), ring_(std::move(ring)), reader_(1) {
  for (const crypto::SigningKey& key : ring_.keys) {
    published_at_[key.public_key().kid()] = absl::InfinitePast();
    Note("publish", key.public_key().kid());
  }
}

crypto::SigningKey SigningKeys::current() const {
  const absl::Time published_by = clock_.Now() - kPublishedBeforeUse;
  const std::lock_guard lock(mutex_);
  for (auto key = ring_.keys.rbegin(); key != ring_.keys.rend(); ++key) {
    if (published_at_.at(key->public_key().kid()) <= published_by) return *key;
  }
  return ring_.current();  // All keys were replaced at once.
}

std::vector<crypto::VerificationKey> SigningKeys::published() const {
  const std::lock_guard lock(mutex_);
  std::vector<crypto::VerificationKey> keys;
  keys.reserve(ring_.keys.size());
  for (const crypto::SigningKey& key : ring_.keys) keys.push_back(key.public_key());
  return keys;
}

absl::Status SigningKeys::Reload() {
  FLORIN_ASSIGN_OR_RETURN(crypto::KeyRing ring, crypto::KeyRing::Load(directory_));
  const absl::Time now = clock_.Now();
  const std::lock_guard lock(mutex_);
  std::map<std::string, absl::Time> published_at;
  for (const crypto::SigningKey& key : ring.keys) {
    const std::string& kid = key.public_key().kid();
    const auto known = published_at_.find(kid);
    published_at[kid] = known == published_at_.end() ? now : known->second;
    if (known == published_at_.end()) {
      telemetry::Log(telemetry::Severity::kInfo, "new signing key", {{"kid", kid}});
      Note("publish", kid);
    }
  }
  for (const auto& [kid, since] : published_at_) {
    if (published_at.find(kid) == published_at.end()) {
      telemetry::Log(telemetry::Severity::kInfo, "signing key withdrawn", {{"kid", kid}});
      Note("withdraw", kid);
    }
  }
  ring_ = std::move(ring);
  published_at_ = std::move(published_at);
  return absl::OkStatus();
}

// Derived ids: every process, and every start of it, sees the same change.
void SigningKeys::Note(const char* verb, const std::string& kid) {
  audit::Event event;
  event.action = std::string("auth.signing_key.") + verb;
  event.event_id = DeriveId("florin." + event.action, kid);
  event.time = clock_.Now();
  event.actor = "auth";
  event.subject = kid;
  unrecorded_.push_back(std::move(event));
}

Task<void> SigningKeys::RecordChanges(audit::Recorder& recorder) {
  std::vector<audit::Event> changes;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(unrecorded_);
  }
  for (audit::Event& change : changes) {
    const absl::Status recorded = co_await recorder.Record(change);
    if (recorded.ok()) continue;
    const std::lock_guard lock(mutex_);  // The next round tries again.
    unrecorded_.push_back(std::move(change));
  }
}

Task<void> SigningKeys::Watch(audit::Recorder& recorder) {
  while (true) {
    co_await RecordChanges(recorder);
    co_await async::Sleep(kReloadInterval);
    std::function<absl::Status()> reload = [this] { return Reload(); };
    const absl::Status status = co_await reader_.Run<absl::Status>(std::move(reload));
    telemetry::SetGauge("florin_auth_signing_keys_readable", {}, status.ok() ? 1 : 0);
    if (status.ok()) continue;
    telemetry::Log(telemetry::Severity::kError, "signing keys not reloaded, the last ones go on",
                   {{"error", std::string(status.message())}});
  }
}

}  // namespace florin::auth
