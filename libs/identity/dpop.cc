#include "libs/identity/dpop.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/crypto/json_members.h"
#include "libs/crypto/sha256.h"

namespace florin::identity {
namespace {

constexpr crypto::JwsForm kProof = {
    .type = "dpop+jwt", .key = crypto::JwsKey::kEmbedded, .longest = 4096};
constexpr std::size_t kMaxTokenId = 128;
// A nonce lives for one to two of them.
constexpr std::int64_t kNonceSpan = 60;

absl::Status Invalid(std::string_view why) { return Error(Reason::kInvalidDpopProof, why); }
absl::Status NoUri() { return Error(Reason::kInvalidField, "not an absolute http(s) URI"); }

bool IsUnreserved(char c) {  // RFC 3986 section 2.3
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

// Percent-encodings of unreserved characters decoded, others in upper case (RFC 3986 section
// 6.2.2).
absl::StatusOr<std::string> NormalizeEncoding(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>') return NoUri();
    if (c != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return NoUri();
    }
    const auto digit = [](char hex) {
      return hex <= '9' ? hex - '0' : absl::ascii_tolower(hex) - 'a' + 10;
    };
    const char octet = static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    if (IsUnreserved(octet)) {
      out += octet;
    } else {
      out += '%';
      out += absl::ascii_toupper(text[i + 1]);
      out += absl::ascii_toupper(text[i + 2]);
    }
    i += 2;
  }
  return out;
}

// RFC 3986 section 5.2.4, for a path that begins with a slash.
std::string RemoveDotSegments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);  // With its slash.
    path.remove_prefix(end);
    if (segment == "/.") {
      if (path.empty()) out += '/';
    } else if (segment == "/..") {
      out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out;
}

absl::StatusOr<std::string> NormalizeAuthority(std::string_view authority,
                                               std::string_view default_port) {
  if (authority.find('@') != authority.npos) return NoUri();
  FLORIN_ASSIGN_OR_RETURN(std::string host, NormalizeEncoding(authority));
  absl::AsciiStrToLower(&host);
  std::string port;
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    port = host.substr(colon + 1);
    host.erase(colon);
  }
  if (host.empty() || port.size() > 5 ||
      !std::all_of(port.begin(), port.end(), [](char c) { return absl::ascii_isdigit(c); })) {
    return NoUri();
  }
  return port.empty() || port == default_port ? host : absl::StrCat(host, ":", port);
}

// The members of a proof, and what they say of the request.
absl::Status CheckRequest(const crypto::JsonMembers& claims, const DpopRequest& request) {
  const auto* method = crypto::FindMember<std::string>(claims, "htm");
  if (method == nullptr || *method != request.method) {
    return Invalid("the proof is for another method");
  }
  const auto* url = crypto::FindMember<std::string>(claims, "htu");
  if (url == nullptr || url->find_first_of("?#") != url->npos) {
    return Invalid("the proof has no htu without query and fragment");
  }
  const absl::StatusOr<std::string> theirs = NormalizeHttpUri(*url);
  const absl::StatusOr<std::string> ours = NormalizeHttpUri(request.url);
  if (!theirs.ok() || !ours.ok() || *theirs != *ours) {
    return Invalid("the proof is for another URI");
  }
  const auto* hash = crypto::FindMember<std::string>(claims, "ath");
  if (!request.access_token.empty()) {
    const crypto::Digest digest = crypto::Sha256(request.access_token);
    const std::string expected = crypto::Base64UrlEncode(crypto::AsOctets(digest));
    if (hash == nullptr || *hash != expected) {
      return Invalid("the proof is for another access token");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> NormalizeHttpUri(std::string_view uri) {
  const std::size_t colon = uri.find("://");
  if (colon == uri.npos) return NoUri();
  std::string scheme(uri.substr(0, colon));
  absl::AsciiStrToLower(&scheme);
  if (scheme != "http" && scheme != "https") return NoUri();
  uri.remove_prefix(colon + 3);
  uri = uri.substr(0, uri.find_first_of("?#"));
  const std::size_t slash = std::min(uri.find('/'), uri.size());
  FLORIN_ASSIGN_OR_RETURN(
      const std::string authority,
      NormalizeAuthority(uri.substr(0, slash), scheme == "https" ? "443" : "80"));
  FLORIN_ASSIGN_OR_RETURN(std::string path, NormalizeEncoding(uri.substr(slash)));
  path = RemoveDotSegments(path);
  if (path.empty()) path += '/';
  return absl::StrCat(scheme, "://", authority, path);
}

absl::StatusOr<DpopProof> CheckDpopProof(const DpopRequest& request, absl::Time now) {
  const auto jws = crypto::UnverifiedJws::Parse(request.proof, kProof);
  if (!jws.ok()) return Invalid("the proof is not a JWS of its form");
  const auto claims = jws->Verify(*jws->embedded_key());
  if (!claims.ok()) return Invalid("the proof's signature is wrong");
  FLORIN_RETURN_IF_ERROR(CheckRequest(*claims, request));
  const auto* token_id = crypto::FindMember<std::string>(*claims, "jti");
  if (token_id == nullptr || token_id->empty() || token_id->size() > kMaxTokenId) {
    return Invalid("the proof has no proper jti");
  }
  const auto* issued_at = crypto::FindMember<std::int64_t>(*claims, "iat");
  if (issued_at == nullptr) return Invalid("the proof has no proper iat");
  DpopProof proof{.key_thumbprint = jws->embedded_key()->thumbprint(),
                  .token_id = *token_id,
                  .issued_at = absl::FromUnixSeconds(*issued_at)};
  if (proof.issued_at > now + kDpopSkew) return Invalid("the proof is not valid yet");
  if (proof.issued_at < now - kDpopAge) return Invalid("the proof is too old");
  if (claims->find("nonce") != claims->end()) {
    const auto* nonce = crypto::FindMember<std::string>(*claims, "nonce");
    if (nonce == nullptr) return Invalid("the proof has no proper nonce");
    proof.nonce = *nonce;
  }
  return proof;
}

DpopNonces::DpopNonces() : key_(crypto::RandomOctets(32)) {}

std::string DpopNonces::For(std::int64_t span) const {
  const std::string text = std::to_string(span);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = sizeof mac;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  // 128 bits suffice against guessing within two minutes.
  return crypto::Base64UrlEncode(std::string_view(reinterpret_cast<char*>(mac), 16));
}

std::string DpopNonces::Issue(absl::Time now) const {
  return For(absl::ToUnixSeconds(now) / kNonceSpan);
}

bool DpopNonces::Check(std::string_view nonce, absl::Time now) const {
  const std::int64_t span = absl::ToUnixSeconds(now) / kNonceSpan;
  return crypto::ConstantTimeEqual(nonce, For(span)) ||
         crypto::ConstantTimeEqual(nonce, For(span - 1));
}

bool ReplayCache::Use(const DpopProof& proof, absl::Time now) {
  const crypto::Digest digest = crypto::Sha256(absl::StrCat(proof.key_thumbprint, proof.token_id));
  const std::string key(crypto::AsOctets(digest));
  // CheckDpopProof() refuses it after that.
  const absl::Time until = proof.issued_at + kDpopAge;
  const std::lock_guard lock(mutex_);
  while (!by_expiry_.empty() && by_expiry_.begin()->first < now) {
    until_.erase(by_expiry_.begin()->second);
    by_expiry_.erase(by_expiry_.begin());
  }
  if (until_.size() >= capacity_ || !until_.emplace(key, until).second) return false;
  by_expiry_.emplace(until, key);
  return true;
}

std::size_t ReplayCache::size() const {
  const std::lock_guard lock(mutex_);
  return until_.size();
}

}  // namespace florin::identity
