#include "services/auth/flow/register_user.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "services/auth/domain/email.h"

namespace florin::auth {
namespace {

crypto::Digest Fingerprint(const std::string& email) {
  return crypto::Sha256("florin.auth.v1.Auth/Register\n" + email);
}

Registering Refuse(absl::Status status, bool replayed = false) {
  return {.user = std::move(status), .replayed = replayed};
}

// One for each key, which is decided once.
audit::Event EventOf(const Registration& registration, audit::Origin origin) {
  audit::Event event;
  event.event_id = DeriveId("florin.auth.user.register", registration.idempotency_key);
  event.time = registration.user.create_time;
  event.action = "auth.user.register";
  event.actor = FormatId(IdKind::kUser, registration.user.user_id);
  event.subject = event.actor;
  event.origin = std::move(origin);
  return event;
}

absl::Status KeyReused(const char* param) {
  return Error(Reason::kIdempotencyKeyReused, "the key came with another request",
               {.param = param});
}

}  // namespace

Task<Registering> RegisterUser::Run(std::string idempotency_key, std::string email,
                                    std::string password, audit::Origin origin) {
  absl::StatusOr<std::string> normalized = NormalizeEmail(email);
  if (!normalized.ok()) co_return Refuse(normalized.status());
  absl::Status acceptable = rules_.Check(password, *normalized);
  if (!acceptable.ok()) co_return Refuse(std::move(acceptable));
  co_return co_await Decide(std::move(idempotency_key), *std::move(normalized), std::move(password),
                            std::move(origin));
}

Task<Registering> RegisterUser::Decide(std::string idempotency_key, std::string email,
                                       std::string password, audit::Origin origin) {
  const crypto::Digest fingerprint = Fingerprint(email);
  auto earlier = co_await store_.FindRegistration(idempotency_key);
  if (!earlier.ok()) co_return Refuse(earlier.status());
  if (earlier->has_value()) {
    co_return co_await Answer(**std::move(earlier), fingerprint, std::move(password));
  }
  absl::StatusOr<std::string> hash = co_await hasher_.Hash(password);
  if (!hash.ok()) co_return Refuse(hash.status());
  Registration registration;
  registration.idempotency_key = std::move(idempotency_key);
  registration.fingerprint = fingerprint;
  registration.user.user_id = ids_.NewId();
  registration.user.email = std::move(email);
  registration.user.password_hash = *std::move(hash);
  // What the database keeps, so that a replay says the same.
  registration.user.create_time = InMicroseconds(clock_.Now());
  registration.event = EventOf(registration, std::move(origin));
  absl::StatusOr<Registered> registered = co_await store_.Register(std::move(registration));
  if (!registered.ok()) co_return Refuse(registered.status());
  co_return co_await Answer(*std::move(registered), fingerprint, std::move(password));
}

Task<Registering> RegisterUser::Answer(Registered registered, crypto::Digest fingerprint,
                                       std::string password) {
  if (registered.created) co_return Registering{.user = *std::move(registered.user)};
  if (registered.fingerprint != fingerprint) co_return Refuse(KeyReused("email"));
  if (!registered.user) {
    absl::Status taken = Error(Reason::kEmailTaken, "a user has this e-mail", {.param = "email"});
    co_return Refuse(std::move(taken), true);
  }
  std::optional<std::string> hash = registered.user->password_hash;
  const absl::StatusOr<bool> same = co_await hasher_.Verify(std::move(hash), std::move(password));
  if (!same.ok()) co_return Refuse(same.status());
  if (!*same) co_return Refuse(KeyReused("password"));
  co_return Registering{.user = *std::move(registered.user), .replayed = true};
}

}  // namespace florin::auth
