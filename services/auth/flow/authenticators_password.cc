// Passwords and known devices.
#include <utility>

#include "libs/crypto/sha256.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/email.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/authenticators.h"

namespace florin::auth {
namespace {

constexpr std::size_t kDeviceOctets = 32;

void CountPassword(const char* outcome) {
  telemetry::Count("florin_auth_passwords_total", {{"outcome", outcome}});
}

}  // namespace

Task<absl::StatusOr<VerifiedUser>> Authenticators::VerifyPassword(std::string email,
                                                                  std::string password,
                                                                  Network network) {
  audit::Event event =
      NewEvent(parts_.clock, parts_.ids, "auth.password.verify", OriginOf(network));
  std::string address = network.address;
  absl::StatusOr<VerifiedUser> verified =
      co_await CheckPassword(std::move(email), std::move(password), std::move(network), event);
  if (verified.ok()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await NoteNetwork(verified->user_id, std::move(address), event));
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await Record(std::move(event), verified.status()));
  co_return verified;
}

Task<absl::StatusOr<VerifiedUser>> Authenticators::CheckPassword(std::string email,
                                                                 std::string password,
                                                                 Network network,
                                                                 audit::Event& event) {
  const absl::StatusOr<std::string> normalized = NormalizeEmail(email);
  // What is no address is nobody's, and throttled as one.
  const std::string subject = normalized.ok() ? *normalized : email;
  absl::StatusOr<Attempt> attempt =
      co_await Begin(Guess::kPassword, subject, subject, std::move(network));
  if (!attempt.ok()) co_return attempt.status();
  std::optional<User> user;
  if (normalized.ok()) {
    absl::StatusOr<std::optional<User>> found = co_await parts_.users.FindUserByEmail(subject);
    if (!found.ok()) co_return found.status();
    user = *std::move(found);
    if (user) event.actor = event.subject = FormatId(IdKind::kUser, user->user_id);
  }
  std::optional<std::string> hash;
  if (user) hash = user->password_hash;
  // Blocked or not, user or not: one hash.
  const absl::StatusOr<bool> matches = co_await parts_.hasher.Verify(std::move(hash), password);
  if (!matches.ok()) {
    co_await GiveBack(*std::move(attempt));
    co_return matches.status();
  }
  if (!*matches || !attempt->admitted) {
    CountPassword(attempt->admitted ? "refused" : "blocked");
    if (!attempt->admitted) event.details["blocked"] = "true";
    co_return Error(Reason::kInvalidCredentials, "what was sent does not prove who it is");
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await Succeed(*std::move(attempt)));
  CountPassword("verified");
  if (parts_.hasher.NeedsRehash(user->password_hash)) co_await Rehash(*user, std::move(password));
  absl::StatusOr<std::vector<FactorKind>> factors = co_await SecondFactorsOf(user->user_id);
  if (!factors.ok()) co_return factors.status();
  VerifiedUser verified;
  verified.user_id = user->user_id;
  verified.email = std::move(user->email);
  verified.second_factors = *std::move(factors);
  co_return verified;
}

// The user is in either way: if this fails, the next login tries again.
Task<void> Authenticators::Rehash(User user, std::string password) {
  absl::StatusOr<std::string> hash = co_await parts_.hasher.Hash(std::move(password));
  if (!hash.ok()) co_return;
  const absl::StatusOr<bool> replaced = co_await parts_.users.ReplacePasswordHash(
      user.user_id, std::move(user.password_hash), *std::move(hash));
  telemetry::Count("florin_auth_rehashes_total",
                   {{"outcome", replaced.ok() && *replaced ? "done" : "left"}});
}

Task<absl::StatusOr<std::string>> Authenticators::RememberDevice(Uuid user_id) {
  std::string device = crypto::Base64UrlEncode(crypto::RandomOctets(kDeviceOctets));
  const absl::StatusOr<bool> added =
      co_await parts_.throttles.AddDevice(user_id, crypto::Sha256(device), Now());
  if (!added.ok()) co_return added.status();
  co_return device;
}

}  // namespace florin::auth
