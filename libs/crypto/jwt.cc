#include "libs/crypto/jwt.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/crypto/json_members.h"
#include "libs/crypto/jws.h"
#include "libs/crypto/sha256.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kMaxToken = 4096;
constexpr JwsForm kAccessToken = {.type = "at+jwt", .key = JwsKey::kNamed, .longest = kMaxToken};

absl::Status Invalid(std::string_view why) { return Error(Reason::kTokenInvalid, why); }

absl::Status Improper(std::string_view name) {
  return Invalid(
      absl::StrCat("the token has no proper ", absl::string_view(name.data(), name.size())));
}

template <class T>
absl::StatusOr<T> Get(const JsonMembers& members, const std::string& name) {
  const T* value = FindMember<T>(members, name);
  if (value == nullptr) return Improper(name);
  return *value;
}

// Nothing in `field` if there is no such member.
template <class T>
absl::Status GetOptional(const JsonMembers& members, const std::string& name, T& field) {
  if (members.find(name) == members.end()) return absl::OkStatus();
  FLORIN_ASSIGN_OR_RETURN(field, Get<T>(members, name));
  return absl::OkStatus();
}

absl::StatusOr<UnverifiedJws> ParseAccessToken(std::string_view token) {
  FLORIN_ASSIGN_OR_RETURN(UnverifiedJws jws, UnverifiedJws::Parse(token, kAccessToken));
  if (jws.algorithm() != "ES256") return Invalid("the token's algorithm is not ES256");
  return jws;
}

absl::StatusOr<Confirmation> ReadConfirmation(const JsonMembers& payload) {
  Confirmation confirmation;
  std::shared_ptr<const JsonObject> object;
  FLORIN_RETURN_IF_ERROR(GetOptional(payload, "cnf", object));
  if (object == nullptr) return confirmation;
  const JsonMembers& members = object->members;
  FLORIN_RETURN_IF_ERROR(GetOptional(members, "jkt", confirmation.key_thumbprint));
  FLORIN_RETURN_IF_ERROR(GetOptional(members, "x5t#S256", confirmation.certificate_thumbprint));
  if (members.size() != 1 || confirmation.empty()) return Improper("cnf");
  return confirmation;
}

absl::Status ReadAuthentication(const JsonMembers& payload, AccessTokenClaims& claims) {
  std::optional<std::int64_t> seconds;
  if (payload.find("auth_time") != payload.end()) {
    FLORIN_ASSIGN_OR_RETURN(seconds, Get<std::int64_t>(payload, "auth_time"));
  }
  if (seconds) claims.auth_time = absl::FromUnixSeconds(*seconds);
  FLORIN_RETURN_IF_ERROR(GetOptional(payload, "client_id", claims.client_id));
  FLORIN_RETURN_IF_ERROR(GetOptional(payload, "acr", claims.acr));
  FLORIN_RETURN_IF_ERROR(GetOptional(payload, "amr", claims.amr));
  FLORIN_RETURN_IF_ERROR(GetOptional(payload, "sid", claims.session_id));
  FLORIN_ASSIGN_OR_RETURN(claims.confirmation, ReadConfirmation(payload));
  return absl::OkStatus();
}

absl::StatusOr<AccessTokenClaims> ReadClaims(const JsonMembers& payload, absl::Time& not_before) {
  AccessTokenClaims claims;
  const std::pair<const char*, std::string*> texts[] = {
      {"iss", &claims.issuer},  {"sub", &claims.subject},  {"aud", &claims.audience},
      {"scope", &claims.scope}, {"jti", &claims.token_id},
  };
  for (const auto& [name, field] : texts) {
    FLORIN_ASSIGN_OR_RETURN(*field, Get<std::string>(payload, name));
  }
  const std::pair<const char*, absl::Time*> times[] = {
      {"iat", &claims.issued_at}, {"nbf", &not_before}, {"exp", &claims.expires_at}};
  for (const auto& [name, field] : times) {
    FLORIN_ASSIGN_OR_RETURN(const std::int64_t seconds, Get<std::int64_t>(payload, name));
    *field = absl::FromUnixSeconds(seconds);
  }
  if (claims.subject.empty()) return Invalid("the token has no subject");
  FLORIN_RETURN_IF_ERROR(ReadAuthentication(payload, claims));
  return claims;
}

void AddText(boost::json::object& payload, const char* name, const std::string& value) {
  if (!value.empty()) payload[name] = value;
}

void AddMethods(boost::json::object& payload, const std::vector<std::string>& amr) {
  if (!amr.empty()) payload["amr"] = boost::json::array(amr.begin(), amr.end());
}

}  // namespace

std::string SignAccessToken(const AccessTokenClaims& claims, const SigningKey& key) {
  const std::int64_t issued_at = absl::ToUnixSeconds(claims.issued_at);
  boost::json::object payload = {
      {"iss", claims.issuer},   {"sub", claims.subject},
      {"aud", claims.audience}, {"scope", claims.scope},
      {"jti", claims.token_id}, {"iat", issued_at},
      {"nbf", issued_at},       {"exp", absl::ToUnixSeconds(claims.expires_at)},
  };
  AddText(payload, "client_id", claims.client_id);
  if (claims.auth_time) payload["auth_time"] = absl::ToUnixSeconds(*claims.auth_time);
  AddText(payload, "acr", claims.acr);
  AddMethods(payload, claims.amr);
  AddText(payload, "sid", claims.session_id);
  boost::json::object confirmation;
  AddText(confirmation, "jkt", claims.confirmation.key_thumbprint);
  AddText(confirmation, "x5t#S256", claims.confirmation.certificate_thumbprint);
  if (!confirmation.empty()) payload["cnf"] = confirmation;
  return SignJws(kAccessToken.type, boost::json::serialize(payload), key);
}

absl::StatusOr<AccessTokenClaims> VerifyAccessToken(std::string_view token, const KeyLookup& keys,
                                                    const TokenExpectations& expect,
                                                    absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(const UnverifiedJws jws, ParseAccessToken(token));
  const std::optional<VerificationKey> key = keys(jws.kid());
  if (!key) return Invalid("the token's key is not known");
  FLORIN_ASSIGN_OR_RETURN(const JsonMembers payload, jws.Verify(*key));
  absl::Time not_before;
  FLORIN_ASSIGN_OR_RETURN(AccessTokenClaims claims, ReadClaims(payload, not_before));
  if (claims.issuer != expect.issuer) return Invalid("the token is of another issuer");
  if (claims.audience != expect.audience) return Invalid("the token is for another audience");
  if (claims.expires_at <= now) return Error(Reason::kTokenExpired, "the token has expired");
  if (std::max(claims.issued_at, not_before) > now + expect.skew) {
    return Invalid("the token is not valid yet");
  }
  return claims;
}

absl::StatusOr<std::string> UnverifiedKeyId(std::string_view token) {
  FLORIN_ASSIGN_OR_RETURN(const UnverifiedJws jws, ParseAccessToken(token));
  return jws.kid();
}

std::string SignIdToken(const IdTokenClaims& claims, const SigningKey& key) {
  boost::json::object payload = {
      {"iss", claims.issuer},
      {"sub", claims.subject},
      {"aud", claims.audience},
      {"iat", absl::ToUnixSeconds(claims.issued_at)},
      {"exp", absl::ToUnixSeconds(claims.expires_at)},
      {"auth_time", absl::ToUnixSeconds(claims.auth_time)},
  };
  AddText(payload, "nonce", claims.nonce);
  AddText(payload, "acr", claims.acr);
  AddMethods(payload, claims.amr);
  AddText(payload, "sid", claims.session_id);
  if (!claims.access_token.empty()) {
    // The left half of its hash.
    const Digest digest = Sha256(claims.access_token);
    payload["at_hash"] = Base64UrlEncode(AsOctets(digest).substr(0, digest.size() / 2));
  }
  return SignJws("JWT", boost::json::serialize(payload), key);
}

}  // namespace florin::crypto
