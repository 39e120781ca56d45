#include "libs/crypto/jwt.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "libs/crypto/json_members.h"
#include "libs/crypto/sha256.h"

namespace florin::crypto {
namespace {

using Members = std::map<std::string, JsonMember>;

constexpr std::size_t kMaxToken = 4096;
constexpr char kAlgorithm[] = "ES256";
constexpr char kType[] = "at+jwt";

absl::Status Invalid(std::string_view why) { return Error(Reason::kTokenInvalid, why); }

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  // header "." payload
};

absl::StatusOr<Parts> Split(std::string_view token) {
  if (token.size() > kMaxToken) return Invalid("the token is too long");
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == token.npos || first == last ||
      token.substr(first + 1, last - first - 1).find('.') != token.npos) {
    return Invalid("the token has not three parts");
  }
  return Parts{.header = token.substr(0, first),
               .payload = token.substr(first + 1, last - first - 1),
               .signature = token.substr(last + 1),
               .signed_text = token.substr(0, last)};
}

absl::StatusOr<Members> Decode(std::string_view part) {
  const absl::StatusOr<std::string> text = Base64UrlDecode(part);
  if (!text.ok()) return Invalid("a part of the token is not base64url");
  absl::StatusOr<Members> members = ParseJsonMembers(*text);
  if (!members.ok()) return Invalid("a part of the token is not one strict JSON object");
  return members;
}

template <class T>
absl::StatusOr<T> Get(const Members& members, const std::string& name) {
  const auto member = members.find(name);
  const T* value = member == members.end() ? nullptr : std::get_if<T>(&member->second);
  if (value == nullptr) return Invalid(absl::StrCat("the token has no proper ", name));
  return *value;
}

// Gives the kid. Exactly alg, kid and typ: none of the members that name or carry another key.
absl::StatusOr<std::string> CheckHeader(std::string_view part) {
  FLORIN_ASSIGN_OR_RETURN(const Members header, Decode(part));
  FLORIN_ASSIGN_OR_RETURN(const std::string algorithm, Get<std::string>(header, "alg"));
  FLORIN_ASSIGN_OR_RETURN(const std::string type, Get<std::string>(header, "typ"));
  FLORIN_ASSIGN_OR_RETURN(std::string kid, Get<std::string>(header, "kid"));
  if (algorithm != kAlgorithm) return Invalid("the token's algorithm is not ES256");
  if (type != kType) return Invalid("the token is no access token");
  if (header.size() != 3) return Invalid("the token's header has members beside alg, kid and typ");
  return kid;
}

absl::StatusOr<AccessTokenClaims> ReadClaims(const Members& payload, absl::Time& not_before) {
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
  if (payload.contains("auth_time")) {
    FLORIN_ASSIGN_OR_RETURN(const auto seconds, Get<std::int64_t>(payload, "auth_time"));
    claims.auth_time = absl::FromUnixSeconds(seconds);
  }
  if (payload.contains("acr")) {
    FLORIN_ASSIGN_OR_RETURN(claims.acr, Get<std::string>(payload, "acr"));
  }
  return claims;
}

}  // namespace

std::string SignAccessToken(const AccessTokenClaims& claims, const SigningKey& key) {
  const boost::json::object header = {
      {"alg", kAlgorithm}, {"kid", key.public_key().kid()}, {"typ", kType}};
  const std::int64_t issued_at = absl::ToUnixSeconds(claims.issued_at);
  boost::json::object payload = {
      {"iss", claims.issuer},   {"sub", claims.subject},
      {"aud", claims.audience}, {"scope", claims.scope},
      {"jti", claims.token_id}, {"iat", issued_at},
      {"nbf", issued_at},       {"exp", absl::ToUnixSeconds(claims.expires_at)},
  };
  if (claims.auth_time) payload["auth_time"] = absl::ToUnixSeconds(*claims.auth_time);
  if (!claims.acr.empty()) payload["acr"] = claims.acr;
  if (!claims.amr.empty())
    payload["amr"] = boost::json::array(claims.amr.begin(), claims.amr.end());
  const std::string text = absl::StrCat(Base64UrlEncode(boost::json::serialize(header)), ".",
                                        Base64UrlEncode(boost::json::serialize(payload)));
  return absl::StrCat(text, ".", Base64UrlEncode(key.Sign(text)));
}

absl::StatusOr<AccessTokenClaims> VerifyAccessToken(std::string_view token, const KeyLookup& keys,
                                                    const TokenExpectations& expect,
                                                    absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(const Parts parts, Split(token));
  FLORIN_ASSIGN_OR_RETURN(const std::string kid, CheckHeader(parts.header));
  const std::optional<VerificationKey> key = keys(kid);
  if (!key) return Invalid("the token's key is not known");
  const absl::StatusOr<std::string> signature = Base64UrlDecode(parts.signature);
  if (!signature.ok() || !key->Verify(parts.signed_text, *signature)) {
    return Invalid("the token's signature is wrong");
  }
  FLORIN_ASSIGN_OR_RETURN(const Members payload, Decode(parts.payload));
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
  FLORIN_ASSIGN_OR_RETURN(const Parts parts, Split(token));
  return CheckHeader(parts.header);
}

}  // namespace florin::crypto
