#include "libs/crypto/jws.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"

namespace florin::crypto {
namespace {

absl::Status Invalid(std::string_view why) { return Error(Reason::kTokenInvalid, why); }

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  // header "." payload
};

absl::StatusOr<Parts> Split(std::string_view compact, std::size_t longest) {
  if (compact.size() > longest) return Invalid("the token is too long");
  const std::size_t first = compact.find('.');
  const std::size_t last = compact.rfind('.');
  if (first == compact.npos || first == last ||
      compact.substr(first + 1, last - first - 1).find('.') != compact.npos) {
    return Invalid("the token has not three parts");
  }
  return Parts{.header = compact.substr(0, first),
               .payload = compact.substr(first + 1, last - first - 1),
               .signature = compact.substr(last + 1),
               .signed_text = compact.substr(0, last)};
}

absl::StatusOr<JsonMembers> Decode(std::string_view part) {
  const absl::StatusOr<std::string> text = Base64UrlDecode(part);
  if (!text.ok()) return Invalid("a part of the token is not base64url");
  absl::StatusOr<JsonMembers> members = ParseJsonMembers(*text);
  if (!members.ok()) return Invalid("a part of the token is not one strict JSON object");
  return members;
}

struct Header {
  std::string algorithm;
  std::string kid;
  std::optional<PublicJwk> key;
};

// typ: its value may omit "application/" (RFC 7515 section 4.1.9), and has to, here.
absl::Status CheckType(const JsonMembers& members, const JwsForm& form) {
  if (members.find("typ") == members.end() && form.type_may_be_absent) return absl::OkStatus();
  const auto* type = FindMember<std::string>(members, "typ");
  if (type == nullptr ||
      !absl::EqualsIgnoreCase(absl::string_view(*type),
                              absl::string_view(form.type.data(), form.type.size()))) {
    return Invalid("the token is of another type");
  }
  return absl::OkStatus();
}

absl::StatusOr<Header> ReadHeader(const JsonMembers& members, const JwsForm& form) {
  FLORIN_RETURN_IF_ERROR(CheckType(members, form));
  const auto* algorithm = FindMember<std::string>(members, "alg");
  if (algorithm == nullptr || std::find(std::begin(kJwsAlgorithms), std::end(kJwsAlgorithms),
                                        *algorithm) == std::end(kJwsAlgorithms)) {
    return Invalid("the token's algorithm is none of ours");
  }
  Header header{.algorithm = *algorithm};
  const bool embedded = form.key == JwsKey::kEmbedded;
  const auto* kid = FindMember<std::string>(members, "kid");
  const auto* jwk = FindMember<std::shared_ptr<const JsonObject>>(members, "jwk");
  std::size_t known = 1 + members.count("typ");
  if (embedded) {
    if (jwk == nullptr) return Invalid("the token has no key with it");
    const absl::StatusOr<PublicJwk> key = PublicJwk::FromMembers((*jwk)->members);
    if (!key.ok()) return Invalid("the token's key is none of a kind that we take");
    header.key = *key;
    ++known;
  } else if (kid != nullptr) {
    if (kid->empty()) return Invalid("the token's kid is empty");
    header.kid = *kid;
    ++known;
  } else if (form.key == JwsKey::kNamed) {
    return Invalid("the token has no kid");
  }
  if (members.size() != known) return Invalid("the token's header has members too many");
  return header;
}

}  // namespace

absl::StatusOr<UnverifiedJws> UnverifiedJws::Parse(std::string_view compact, const JwsForm& form) {
  FLORIN_ASSIGN_OR_RETURN(const Parts parts, Split(compact, form.longest));
  FLORIN_ASSIGN_OR_RETURN(const JsonMembers members, Decode(parts.header));
  FLORIN_ASSIGN_OR_RETURN(Header header, ReadHeader(members, form));
  UnverifiedJws jws;
  FLORIN_ASSIGN_OR_RETURN(jws.payload_, Decode(parts.payload));
  absl::StatusOr<std::string> signature = Base64UrlDecode(parts.signature);
  if (!signature.ok()) return Invalid("the token's signature is not base64url");
  jws.algorithm_ = std::move(header.algorithm);
  jws.kid_ = std::move(header.kid);
  jws.key_ = std::move(header.key);
  jws.signed_text_ = std::string(parts.signed_text);
  jws.signature_ = *std::move(signature);
  return jws;
}

absl::StatusOr<JsonMembers> UnverifiedJws::Verify(const PublicJwk& key) const {
  if (algorithm_ != key.algorithm()) return Invalid("the token's algorithm is not its key's");
  if (!key.Verify(signed_text_, signature_)) return Invalid("the token's signature is wrong");
  return payload_;
}

absl::StatusOr<JsonMembers> UnverifiedJws::Verify(const VerificationKey& key) const {
  if (algorithm_ != "ES256") return Invalid("the token's algorithm is not ES256");
  if (!key.Verify(signed_text_, signature_)) return Invalid("the token's signature is wrong");
  return payload_;
}

std::string SignJws(std::string_view type, std::string_view payload, const SigningKey& key) {
  const boost::json::object header = {{"alg", "ES256"},
                                      {"kid", key.public_key().kid()},
                                      {"typ", boost::json::string_view(type.data(), type.size())}};
  const std::string text =
      absl::StrCat(Base64UrlEncode(boost::json::serialize(header)), ".", Base64UrlEncode(payload));
  return absl::StrCat(text, ".", Base64UrlEncode(key.Sign(text)));
}

}  // namespace florin::crypto
