// Passkeys.
#include <utility>

#include "libs/text/text.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/authenticators.h"

namespace florin::auth {
namespace {

constexpr absl::Duration kChallengeLifetime = absl::Minutes(5);
constexpr std::size_t kChallengeOctets = 32;
constexpr std::size_t kMaxPasskeys = 20;
constexpr std::size_t kMaxLabel = 64;
constexpr char kLogin[] = "passkey_login";
constexpr char kRegistration[] = "passkey_registration";

absl::Status Wrong() {
  return Error(Reason::kInvalidCredentials, "what was sent does not prove who it is");
}

// What an authenticator knows its user by: the id says nothing of the person.
std::string HandleOf(const Uuid& user_id) {
  return std::string(user_id.bytes().begin(), user_id.bytes().end());
}

}  // namespace

Task<absl::StatusOr<Challenge>> Authenticators::NewChallenge(std::string purpose,
                                                             std::optional<Uuid> user_id) {
  const absl::Time now = Now();
  Challenge challenge;
  challenge.challenge_id = parts_.ids.NewId();
  challenge.purpose = std::move(purpose);
  challenge.user_id = user_id;
  challenge.octets = crypto::RandomOctets(kChallengeOctets);
  challenge.expire_time = now + kChallengeLifetime;
  const absl::StatusOr<bool> put = co_await parts_.store.PutChallenge(challenge, now);
  if (!put.ok()) co_return put.status();
  co_return challenge;
}

Task<absl::StatusOr<Ceremony>> Authenticators::BeginPasskeyLogin() {
  const absl::StatusOr<Challenge> challenge = co_await NewChallenge(kLogin, std::nullopt);
  if (!challenge.ok()) co_return challenge.status();
  Ceremony ceremony;
  ceremony.challenge_id = challenge->challenge_id;
  ceremony.options = crypto::PasskeyRequestOptions(options_.relying_party, challenge->octets, {});
  co_return ceremony;
}

Task<absl::StatusOr<Passkey>> Authenticators::AcceptAssertion(std::string challenge,
                                                              std::string credential) {
  const absl::StatusOr<crypto::PasskeyAssertion> assertion =
      crypto::ParsePasskeyAssertion(credential);
  if (!assertion.ok()) co_return Wrong();
  absl::StatusOr<std::optional<Passkey>> passkey =
      co_await parts_.store.FindPasskey(assertion->credential_id);
  if (!passkey.ok()) co_return passkey.status();
  if (!passkey->has_value()) co_return Wrong();
  crypto::StoredPasskey stored;
  stored.key = (*passkey)->key;
  stored.sign_count = (*passkey)->sign_count;
  stored.backup_eligible = (*passkey)->backup_eligible;
  const absl::StatusOr<crypto::AssertedPasskey> asserted =
      crypto::VerifyPasskeyAssertion(options_.relying_party, challenge, stored, *assertion);
  if (!asserted.ok() || assertion->user_handle != HandleOf((*passkey)->user_id)) co_return Wrong();
  const absl::StatusOr<bool> accepted = co_await parts_.store.AcceptPasskey(
      (*passkey)->credential_id, asserted->sign_count, asserted->backed_up, Now());
  if (!accepted.ok()) co_return accepted.status();
  if (!*accepted) co_return Wrong();
  co_return **std::move(passkey);
}

Task<absl::StatusOr<VerifiedPasskey>> Authenticators::FinishPasskeyLogin(Uuid challenge_id,
                                                                         std::string credential,
                                                                         Network from) {
  audit::Event event = NewEvent(parts_.clock, parts_.ids, "auth.passkey.verify", OriginOf(from));
  absl::StatusOr<VerifiedPasskey> verified =
      co_await CheckPasskey(challenge_id, std::move(credential));
  if (verified.ok()) {
    event.actor = event.subject = FormatId(IdKind::kUser, verified->user_id);
    event.details["factor_id"] = FormatId(IdKind::kFactor, verified->factor_id);
    FLORIN_CO_RETURN_IF_ERROR(
        co_await NoteNetwork(verified->user_id, std::move(from.address), event));
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await Record(std::move(event), verified.status()));
  co_return verified;
}

Task<absl::StatusOr<VerifiedPasskey>> Authenticators::CheckPasskey(Uuid challenge_id,
                                                                   std::string credential) {
  absl::StatusOr<std::optional<Challenge>> challenge =
      co_await parts_.store.TakeChallenge(challenge_id, kLogin, std::nullopt, Now());
  if (!challenge.ok()) co_return challenge.status();
  if (!challenge->has_value()) co_return Wrong();
  const absl::StatusOr<Passkey> passkey =
      co_await AcceptAssertion(std::move((*challenge)->octets), std::move(credential));
  if (!passkey.ok()) co_return passkey.status();
  VerifiedPasskey verified;
  verified.user_id = passkey->user_id;
  verified.factor_id = passkey->factor_id;
  co_return verified;
}

Task<absl::StatusOr<Ceremony>> Authenticators::BeginPasskeyRegistration(Uuid user_id) {
  const absl::StatusOr<User> user = co_await UserWith(user_id);
  if (!user.ok()) co_return user.status();
  const absl::StatusOr<std::vector<Passkey>> passkeys = co_await parts_.store.ListPasskeys(user_id);
  if (!passkeys.ok()) co_return passkeys.status();
  if (passkeys->size() >= kMaxPasskeys) {
    co_return Error(Reason::kTooManyFactors, "the user has 20 passkeys");
  }
  std::vector<std::string> excluded;
  for (const Passkey& passkey : *passkeys) excluded.push_back(passkey.credential_id);
  const absl::StatusOr<Challenge> challenge = co_await NewChallenge(kRegistration, user_id);
  if (!challenge.ok()) co_return challenge.status();
  crypto::PasskeyUser named;
  named.handle = HandleOf(user_id);
  named.name = user->email;
  Ceremony ceremony;
  ceremony.challenge_id = challenge->challenge_id;
  ceremony.options =
      crypto::PasskeyCreationOptions(options_.relying_party, challenge->octets, named, excluded);
  co_return ceremony;
}

Task<absl::StatusOr<Factor>> Authenticators::FinishPasskeyRegistration(
    Uuid user_id, Uuid challenge_id, std::string credential, std::string label, Network from) {
  const std::size_t characters = CountPlainCharacters(label).value_or(0);
  if (characters == 0 || characters > kMaxLabel) {
    co_return Error(Reason::kInvalidField, "1 to 64 characters", {.param = "label"});
  }
  const absl::Time now = Now();
  const absl::StatusOr<std::optional<Challenge>> challenge =
      co_await parts_.store.TakeChallenge(challenge_id, kRegistration, user_id, now);
  if (!challenge.ok()) co_return challenge.status();
  if (!challenge->has_value()) {
    co_return Error(Reason::kChallengeExpired, "no such registration is under way");
  }
  const absl::StatusOr<crypto::PasskeyRegistration> registration =
      crypto::ParsePasskeyRegistration(credential);
  if (!registration.ok()) co_return registration.status();
  absl::StatusOr<crypto::NewPasskey> made = crypto::VerifyPasskeyRegistration(
      options_.relying_party, (*challenge)->octets, *registration);
  if (!made.ok()) co_return made.status();
  Passkey passkey;
  passkey.factor_id = parts_.ids.NewId();
  passkey.user_id = user_id;
  passkey.credential_id = std::move(made->credential_id);
  passkey.label = label;
  passkey.key = std::move(made->key);
  passkey.sign_count = made->sign_count;
  passkey.backup_eligible = made->backup_eligible;
  passkey.backed_up = made->backed_up;
  passkey.create_time = now;
  Factor factor;
  factor.factor_id = passkey.factor_id;
  factor.label = std::move(label);
  factor.create_time = now;
  audit::Event event = EventOf("auth.passkey.add", user_id, std::move(from));
  event.details["factor_id"] = FormatId(IdKind::kFactor, factor.factor_id);
  const absl::StatusOr<bool> added =
      co_await parts_.store.AddPasskey(std::move(passkey), std::move(event));
  if (!added.ok()) co_return added.status();
  if (!*added) co_return Error(Reason::kFactorExists, "the passkey is registered");
  co_await Notify(user_id, "A passkey was added to your account.");
  co_return factor;
}

}  // namespace florin::auth
