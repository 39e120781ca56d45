// One-time codes and recovery codes.
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/totp.h"
#include "services/auth/flow/authenticators.h"

namespace florin::auth {
namespace {

constexpr absl::Duration kEnrolmentLifetime = absl::Minutes(30);
constexpr int kRecoveryCodes = 10;
constexpr std::size_t kRecoveryOctets = 10;  // 80 bits: 16 characters.
constexpr std::size_t kGroup = 4;
constexpr char kCrockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

absl::Status Wrong() {
  return Error(Reason::kInvalidCredentials, "what was sent does not prove who it is");
}

// What a sealed secret is bound to.
std::string PlaceOf(const TotpSecret& secret) {
  return absl::StrCat("auth.totp_secrets.sealed_secret.", secret.factor_id.ToString());
}

// "0ab1-…", four groups of four.
std::string NewRecoveryCode() {
  const std::string octets = crypto::RandomOctets(kRecoveryOctets);
  std::string code;
  unsigned buffer = 0;
  int bits = 0;
  std::size_t characters = 0;
  for (const char c : octets) {
    buffer = (buffer << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) {
      if (characters > 0 && characters % kGroup == 0) code += '-';
      code += kCrockford[buffer >> (bits - 5) & 31];
      ++characters;
    }
  }
  return code;
}

// As people may have written it down: Crockford's base32 has no i, l and o.
std::string ReadRecoveryCode(std::string_view text) {
  std::string code;
  for (char c : text) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == 'i' || c == 'l') c = '1';
    if (c == 'o') c = '0';
    code += c;
  }
  return code;
}

// A fast hash will do: 80 random bits cannot be guessed against it.
crypto::Digest HashRecoveryCode(Uuid user_id, std::string_view code) {
  return crypto::Sha256(
      absl::StrCat("florin-recovery-code-v1\n", user_id.ToString(), "\n", ReadRecoveryCode(code)));
}

}  // namespace

Task<absl::StatusOr<TotpEnrolment>> Authenticators::BeginTotp(Uuid user_id) {
  const absl::StatusOr<User> user = co_await UserWith(user_id);
  if (!user.ok()) co_return user.status();
  const std::string octets = crypto::NewTotpSecret();
  TotpSecret secret;
  secret.factor_id = parts_.ids.NewId();
  secret.user_id = user_id;
  secret.sealed = parts_.data_keys.Seal(octets, PlaceOf(secret));
  secret.create_time = Now();
  const absl::StatusOr<bool> put = co_await parts_.store.PutTotp(std::move(secret));
  if (!put.ok()) co_return put.status();
  if (!*put) co_return Error(Reason::kFactorExists, "the user has one-time codes");
  TotpEnrolment enrolment;
  enrolment.secret = crypto::Base32Encode(octets);
  enrolment.uri = crypto::TotpUri(octets, options_.issuer_name, user->email);
  co_return enrolment;
}

Task<absl::StatusOr<Factor>> Authenticators::ConfirmTotp(Uuid user_id, std::string code,
                                                         Network from) {
  const absl::Time now = Now();
  const absl::StatusOr<std::optional<TotpSecret>> secret = co_await parts_.store.FindTotp(user_id);
  if (!secret.ok()) co_return secret.status();
  if (!secret->has_value() || (*secret)->confirm_time ||
      (*secret)->create_time + kEnrolmentLifetime <= now) {
    co_return Error(Reason::kChallengeExpired, "no enrolment is under way");
  }
  const absl::StatusOr<std::string> octets =
      parts_.data_keys.Open((*secret)->sealed, PlaceOf(**secret));
  if (!octets.ok()) co_return octets.status();
  const std::optional<std::int64_t> counter = crypto::MatchTotp(*octets, code, now);
  if (!counter) co_return Error(Reason::kInvalidCode, "the code is wrong", {.param = "code"});
  audit::Event event = EventOf("auth.totp.add", user_id, std::move(from));
  event.details["factor_id"] = FormatId(IdKind::kFactor, (*secret)->factor_id);
  const absl::StatusOr<bool> confirmed = co_await parts_.store.ConfirmTotp(
      user_id, (*secret)->factor_id, *counter, now, std::move(event));
  if (!confirmed.ok()) co_return confirmed.status();
  if (!*confirmed) co_return Error(Reason::kChallengeExpired, "the enrolment was replaced");
  co_await Notify(user_id, "One-time codes were set up for your account.");
  Factor factor;
  factor.factor_id = (*secret)->factor_id;
  factor.kind = FactorKind::kTotp;
  factor.create_time = (*secret)->create_time;
  co_return factor;
}

Task<absl::StatusOr<std::optional<Uuid>>> Authenticators::AcceptCode(Uuid user_id,
                                                                     std::string code) {
  const absl::Time now = Now();
  const absl::StatusOr<std::optional<TotpSecret>> secret = co_await parts_.store.FindTotp(user_id);
  if (!secret.ok()) co_return secret.status();
  if (!secret->has_value() || !(*secret)->confirm_time) co_return std::nullopt;
  const absl::StatusOr<std::string> octets =
      parts_.data_keys.Open((*secret)->sealed, PlaceOf(**secret));
  if (!octets.ok()) co_return octets.status();
  const std::optional<std::int64_t> counter = crypto::MatchTotp(*octets, code, now);
  if (!counter) co_return std::nullopt;
  const absl::StatusOr<bool> accepted =
      co_await parts_.store.AcceptTotp(user_id, (*secret)->factor_id, *counter, now);
  if (!accepted.ok()) co_return accepted.status();
  if (!*accepted) co_return std::nullopt;
  co_return std::make_optional((*secret)->factor_id);
}

Task<absl::StatusOr<Uuid>> Authenticators::VerifyTotp(Uuid user_id, std::string code,
                                                      Network network) {
  audit::Event event = EventOf("auth.totp.verify", user_id, network);
  absl::StatusOr<Uuid> factor_id = co_await CheckTotp(user_id, std::move(code), std::move(network));
  FLORIN_CO_RETURN_IF_ERROR(co_await Record(std::move(event), factor_id.status()));
  co_return factor_id;
}

Task<absl::StatusOr<Uuid>> Authenticators::CheckTotp(Uuid user_id, std::string code,
                                                     Network network) {
  absl::StatusOr<Attempt> attempt = co_await BeginFor(Guess::kTotp, user_id, std::move(network));
  if (!attempt.ok()) co_return attempt.status();
  // In a block no code is looked at, so that none is used up.
  if (!attempt->admitted) co_return Wrong();
  const absl::StatusOr<std::optional<Uuid>> factor_id =
      co_await AcceptCode(user_id, std::move(code));
  if (!factor_id.ok()) co_return factor_id.status();
  if (!factor_id->has_value()) co_return Wrong();
  FLORIN_CO_RETURN_IF_ERROR(co_await Succeed(*std::move(attempt)));
  co_return **factor_id;
}

Task<absl::StatusOr<std::vector<std::string>>> Authenticators::IssueRecoveryCodes(Uuid user_id,
                                                                                  Network from) {
  std::vector<std::string> codes;
  std::vector<crypto::Digest> hashes;
  for (int i = 0; i < kRecoveryCodes; ++i) {
    codes.push_back(NewRecoveryCode());
    hashes.push_back(HashRecoveryCode(user_id, codes.back()));
  }
  const absl::StatusOr<bool> replaced = co_await parts_.store.ReplaceRecoveryCodes(
      user_id, parts_.ids.NewId(), std::move(hashes), Now(),
      EventOf("auth.recovery_codes.issue", user_id, std::move(from)));
  if (!replaced.ok()) co_return replaced.status();
  co_await Notify(user_id, "Recovery codes were made for your account.");
  co_return codes;
}

Task<absl::StatusOr<int>> Authenticators::UseRecoveryCode(Uuid user_id, std::string code,
                                                          Network network) {
  audit::Event event = EventOf("auth.recovery_code.use", user_id, network);
  absl::StatusOr<Attempt> attempt =
      co_await BeginFor(Guess::kRecoveryCode, user_id, std::move(network));
  if (!attempt.ok()) co_return attempt.status();
  std::optional<int> left;
  if (attempt->admitted) {
    const crypto::Digest hash = HashRecoveryCode(user_id, code);
    FLORIN_CO_ASSIGN_OR_RETURN(left,
                               co_await parts_.store.UseRecoveryCode(user_id, hash, Now(), event));
  }
  if (!left) {
    FLORIN_CO_RETURN_IF_ERROR(co_await Record(std::move(event), Wrong()));
    co_return Wrong();
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await Succeed(*std::move(attempt)));
  co_await Notify(user_id, "A recovery code of your account was used.");
  co_return *left;
}

}  // namespace florin::auth
