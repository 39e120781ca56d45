#include "libs/identity/key_set.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "absl/cleanup/cleanup.h"

namespace florin::identity {
namespace {

constexpr absl::Duration kFreshFor = absl::Minutes(5);
constexpr absl::Duration kBetweenFetches = absl::Seconds(1);
// Also true if the clock was set back.
bool HasPassed(absl::Duration since, absl::Time then, absl::Time now) {
  return now < then || now - then >= since;
}

}  // namespace

KeySet::KeySet(rpc::Channel& auth, Clock& clock, std::function<void()> withdrawn)
    : auth_(&auth), clock_(clock), withdrawn_(std::move(withdrawn)) {}

Task<absl::StatusOr<crypto::VerificationKey>> KeySet::Find(std::string kid) {
  Plan plan = Decide(kid);
  if (plan.make) {
    co_await Make(plan.fetch);
  } else if (plan.fetch != nullptr) {
    co_await Wait(plan.fetch);
  }
  if (plan.key) co_return *std::move(plan.key);
  co_return Lookup(kid);
}

KeySet::Plan KeySet::Decide(const std::string& kid) {
  const absl::Time now = clock_.Now();
  const std::lock_guard lock(mutex_);
  Plan plan;
  if (keys_) {
    if (const auto known = keys_->find(kid); known != keys_->end()) plan.key = known->second;
  }
  const bool wanted = !plan.key || HasPassed(kFreshFor, fetched_at_, now);
  if (!wanted) return plan;
  if (fetch_ != nullptr) {
    if (!plan.key) plan.fetch = fetch_;
  } else if (!tried_at_ || HasPassed(kBetweenFetches, *tried_at_, now)) {
    tried_at_ = now;
    fetch_ = std::make_shared<Fetch>();
    plan.fetch = fetch_;
    plan.make = true;
  }
  return plan;
}

absl::StatusOr<crypto::VerificationKey> KeySet::Lookup(const std::string& kid) const {
  const std::lock_guard lock(mutex_);
  if (!keys_) return Error(Reason::kUnavailable, "auth's keys could not be had yet");
  const auto key = keys_->find(kid);
  if (key == keys_->end()) return Error(Reason::kTokenInvalid, "auth has no key of this id");
  return key->second;
}

Task<void> KeySet::Make(std::shared_ptr<Fetch> fetch) {
  // However this coroutine ends, nobody waits for ever.
  const auto finish = absl::MakeCleanup([this, fetch] { Finish(fetch); });
  const auth::v1::GetJsonWebKeySetRequest request;
  rpc::Outgoing context;
  const auto published = co_await auth_.GetJsonWebKeySet(std::move(context), request);
  if (published.ok()) Accept(*published);
}

Task<void> KeySet::Wait(std::shared_ptr<Fetch> fetch) {
  const Executor executor = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void()>(
      [](auto handler, KeySet* self, std::shared_ptr<Fetch> awaited, Executor resume_on) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        std::function<void()> resume = [shared, resume_on,
                                        guard = asio::make_work_guard(resume_on)] {
          asio::post(resume_on, [shared] { std::move (*shared)(); });
        };
        {
          const std::lock_guard lock(self->mutex_);
          if (!awaited->done) {
            awaited->waiting.push_back(std::move(resume));
            return;
          }
        }
        resume();
      },
      use_task, this, std::move(fetch), executor);
}

void KeySet::Accept(const auth::v1::JsonWebKeySet& published) {
  Keys keys;
  for (const auth::v1::JsonWebKey& jwk : published.keys()) {
    // Keys of kinds that this version does not know are no error: auth may be newer.
    if (jwk.kty() != "EC" || jwk.crv() != "P-256" || jwk.alg() != "ES256") continue;
    const absl::StatusOr<crypto::VerificationKey> key =
        crypto::VerificationKey::FromJwk(jwk.x(), jwk.y());
    if (key.ok()) keys.emplace(key->kid(), *key);
  }
  const absl::Time now = clock_.Now();
  bool withdrawn = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [kid, key] : keys_.value_or(Keys())) {
      if (keys.find(kid) == keys.end()) withdrawn = true;
    }
    keys_ = std::move(keys);
    fetched_at_ = now;
  }
  if (withdrawn) withdrawn_();
}

void KeySet::Finish(const std::shared_ptr<Fetch>& fetch) {
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock(mutex_);
    fetch->done = true;
    waiting.swap(fetch->waiting);
    if (fetch_ == fetch) fetch_ = nullptr;
  }
  for (const std::function<void()>& resume : waiting) resume();
}

}  // namespace florin::identity
