#include "libs/crypto/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/crypto/evp.h"
#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::crypto {
namespace {

constexpr std::size_t kMaxKeys = 8;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 4096;
constexpr std::size_t kSaltLength = 32;  // As long as the digest (RFC 7518 section 3.5).

absl::Status Invalid(std::string_view why) { return Error(Reason::kInvalidField, why); }

absl::StatusOr<std::string> Text(const JsonMembers& members, const std::string& name) {
  const auto* value = FindMember<std::string>(members, name);
  if (value == nullptr) return Invalid(absl::StrCat("the key has no proper ", name));
  return *value;
}

absl::StatusOr<std::string> Octets(const JsonMembers& members, const std::string& name) {
  FLORIN_ASSIGN_OR_RETURN(const std::string text, Text(members, name));
  return Base64UrlDecode(text);
}

// What all kinds have in common (RFC 7517 section 4). `own` are the members of the kind.
absl::Status CheckMembers(const JsonMembers& members, std::string_view algorithm,
                          const std::set<std::string_view>& own) {
  static constexpr std::string_view kShared[] = {"kty", "alg", "kid", "use", "key_ops", "ext"};
  for (const auto& [name, value] : members) {
    if (own.find(name) == own.end() &&
        std::find(std::begin(kShared), std::end(kShared), name) == std::end(kShared)) {
      return Invalid("the key has a member that a public key for signatures does not have");
    }
  }
  const auto is = [&members](const char* name, std::string_view value) {
    const auto* text = FindMember<std::string>(members, name);
    return members.find(name) == members.end() || (text != nullptr && *text == value);
  };
  if (!is("alg", algorithm)) return Invalid("the key is for another algorithm");
  if (!is("use", "sig")) return Invalid("the key is not for signatures");
  if (members.find("key_ops") != members.end()) {
    const auto* operations = FindMember<std::vector<std::string>>(members, "key_ops");
    if (operations == nullptr || *operations != std::vector<std::string>{"verify"}) {
      return Invalid("the key is not for verifying");
    }
  }
  const auto* kid = FindMember<std::string>(members, "kid");
  if (members.find("kid") != members.end() &&
      (kid == nullptr || kid->empty() || kid->size() > 128)) {
    return Invalid("a kid has 1 to 128 octets");
  }
  return absl::OkStatus();
}

// A number without leading zeros (RFC 7518 section 2, Base64urlUInt).
using Number = std::unique_ptr<BIGNUM, evp::Freer<BN_free>>;
absl::StatusOr<Number> NumberOf(const std::string& octets) {
  if (octets.empty() || octets.front() == '\0') return Invalid("a number with leading zeros");
  return Number(BN_bin2bn(evp::Bytes(octets), static_cast<int>(octets.size()), nullptr));
}

absl::StatusOr<evp::Key> RsaKey(const std::string& modulus, const std::string& exponent) {
  FLORIN_ASSIGN_OR_RETURN(const Number n, NumberOf(modulus));
  FLORIN_ASSIGN_OR_RETURN(const Number e, NumberOf(exponent));
  if (BN_num_bits(n.get()) < kMinRsaBits || BN_num_bits(n.get()) > kMaxRsaBits ||
      BN_is_odd(n.get()) == 0) {
    return Invalid("an RSA key has 2048 to 4096 bits");
  }
  if (BN_num_bits(e.get()) < 17 || BN_num_bits(e.get()) > 32 || BN_is_odd(e.get()) == 0) {
    return Invalid("an RSA exponent is odd, at least 65537 and below 2^32");
  }
  using Builder = std::unique_ptr<OSSL_PARAM_BLD, evp::Freer<OSSL_PARAM_BLD_free>>;
  using Built = std::unique_ptr<OSSL_PARAM, evp::Freer<OSSL_PARAM_free>>;
  const Builder builder(OSSL_PARAM_BLD_new());
  FLORIN_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                   OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
               "two numbers make parameters");
  const Built parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const evp::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return Invalid("no RSA key");
  }
  return evp::Key(key);
}

bool VerifyPs256(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key))) return false;
  const evp::DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;  // The context's.
  return EVP_DigestVerifyInit(context.get(), &padding, EVP_sha256(), nullptr, key) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(padding, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, kSaltLength) == 1 &&
         EVP_DigestVerify(context.get(), evp::Bytes(signature), signature.size(),
                          evp::Bytes(message), message.size()) == 1;
}

bool VerifyEdDsa(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  if (signature.size() != evp::kSignatureSize) return false;
  const evp::DigestContext context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), evp::Bytes(signature), signature.size(),
                          evp::Bytes(message), message.size()) == 1;
}

}  // namespace

struct PublicJwk::State {
  std::string algorithm;
  evp::Key key;
  std::string kid;
  std::string thumbprint;
};

namespace {

// What a kind makes of a key: the algorithm, the key, and the text that its thumbprint hashes, the
// required members in lexicographic order without white space (RFC 7638 section 3).
struct Kind {
  std::string_view algorithm;
  evp::Key key;
  std::string canonical;
};

absl::StatusOr<Kind> ReadEc(const JsonMembers& members) {
  FLORIN_RETURN_IF_ERROR(CheckMembers(members, "ES256", {"crv", "x", "y"}));
  FLORIN_ASSIGN_OR_RETURN(const std::string curve, Text(members, "crv"));
  if (curve != "P-256") return Invalid("the curve is not P-256");
  FLORIN_ASSIGN_OR_RETURN(const std::string x, Text(members, "x"));
  FLORIN_ASSIGN_OR_RETURN(const std::string y, Text(members, "y"));
  evp::Point point;
  FLORIN_ASSIGN_OR_RETURN(point.x, Base64UrlDecode(x));
  FLORIN_ASSIGN_OR_RETURN(point.y, Base64UrlDecode(y));
  evp::Key key = evp::PublicKeyOf(point);
  if (key == nullptr) return Invalid("no point of P-256");
  return Kind{"ES256", std::move(key),
              absl::StrCat(R"({"crv":"P-256","kty":"EC","x":")", x, R"(","y":")", y, R"("})")};
}

absl::StatusOr<Kind> ReadRsa(const JsonMembers& members) {
  FLORIN_RETURN_IF_ERROR(CheckMembers(members, "PS256", {"n", "e"}));
  FLORIN_ASSIGN_OR_RETURN(const std::string modulus, Octets(members, "n"));
  FLORIN_ASSIGN_OR_RETURN(const std::string exponent, Octets(members, "e"));
  FLORIN_ASSIGN_OR_RETURN(evp::Key key, RsaKey(modulus, exponent));
  return Kind{"PS256", std::move(key),
              absl::StrCat(R"({"e":")", Base64UrlEncode(exponent), R"(","kty":"RSA","n":")",
                           Base64UrlEncode(modulus), R"("})")};
}

absl::StatusOr<Kind> ReadOkp(const JsonMembers& members) {
  FLORIN_RETURN_IF_ERROR(CheckMembers(members, "EdDSA", {"crv", "x"}));
  FLORIN_ASSIGN_OR_RETURN(const std::string curve, Text(members, "crv"));
  if (curve != "Ed25519") return Invalid("the curve is not Ed25519");
  FLORIN_ASSIGN_OR_RETURN(const std::string octets, Octets(members, "x"));
  if (octets.size() != 32) return Invalid("an Ed25519 key has 32 octets");
  evp::Key key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, evp::Bytes(octets), octets.size()));
  if (key == nullptr) return Invalid("no Ed25519 key");
  return Kind{
      "EdDSA", std::move(key),
      absl::StrCat(R"({"crv":"Ed25519","kty":"OKP","x":")", Base64UrlEncode(octets), R"("})")};
}

absl::StatusOr<Kind> ReadKind(const JsonMembers& members) {
  FLORIN_ASSIGN_OR_RETURN(const std::string type, Text(members, "kty"));
  if (type == "EC") return ReadEc(members);
  if (type == "RSA") return ReadRsa(members);
  if (type == "OKP") return ReadOkp(members);
  return Invalid("no key of a kind for signatures");
}

}  // namespace

absl::StatusOr<PublicJwk> PublicJwk::FromMembers(const JsonMembers& members) {
  FLORIN_ASSIGN_OR_RETURN(Kind kind, ReadKind(members));
  const auto* kid = FindMember<std::string>(members, "kid");
  PublicJwk result;
  result.state_ = std::make_shared<const State>(
      State{std::string(kind.algorithm), std::move(kind.key), kid == nullptr ? "" : *kid,
            Base64UrlEncode(AsOctets(Sha256(kind.canonical)))});
  return result;
}

absl::StatusOr<PublicJwk> PublicJwk::Parse(std::string_view json) {
  const absl::StatusOr<JsonMembers> members = ParseJsonMembers(json);
  if (!members.ok()) return Invalid("the key is not one strict JSON object");
  return FromMembers(*members);
}

const std::string& PublicJwk::algorithm() const { return state_->algorithm; }
const std::string& PublicJwk::kid() const { return state_->kid; }
const std::string& PublicJwk::thumbprint() const { return state_->thumbprint; }

bool PublicJwk::Verify(std::string_view message, std::string_view signature) const {
  EVP_PKEY* key = state_->key.get();
  if (state_->algorithm == "ES256") return evp::VerifyEs256(key, message, signature);
  if (state_->algorithm == "PS256") return VerifyPs256(key, message, signature);
  return VerifyEdDsa(key, message, signature);
}

absl::StatusOr<std::vector<PublicJwk>> ParseJwkSet(std::string_view json) {
  using Objects = std::vector<std::shared_ptr<const JsonObject>>;
  const absl::StatusOr<JsonMembers> members = ParseJsonMembers(json);
  if (!members.ok()) return Invalid("the key set is not one strict JSON object");
  const auto* objects = FindMember<Objects>(*members, "keys");
  if (objects == nullptr || objects->size() > kMaxKeys || members->size() != 1) {
    return Invalid("a key set has one member, keys, with 1 to 8 keys");
  }
  std::vector<PublicJwk> keys;
  std::set<std::string> names;
  for (const std::shared_ptr<const JsonObject>& object : *objects) {
    FLORIN_ASSIGN_OR_RETURN(PublicJwk key, PublicJwk::FromMembers(object->members));
    if (objects->size() > 1 && (key.kid().empty() || !names.insert(key.kid()).second)) {
      return Invalid("several keys have different kids");
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace florin::crypto
