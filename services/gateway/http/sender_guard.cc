#include "services/gateway/http/sender_guard.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"

namespace florin::gateway {
namespace {

bool IsVisibleAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

absl::Status OfAnother(std::string_view why) { return Error(Reason::kTokenInvalid, why); }

}  // namespace

absl::StatusOr<SentToken> ReadToken(const Request& request) {
  const std::string field = request.authorization.value_or("");
  absl::string_view rest = field;
  SentToken sent;
  if (absl::StartsWithIgnoreCase(rest, "DPoP ")) {
    sent.scheme = TokenScheme::kDpop;
    rest.remove_prefix(5);
  } else if (absl::StartsWithIgnoreCase(rest, "Bearer ")) {
    rest.remove_prefix(7);
  } else {
    return Error(Reason::kTokenMissing, "there is no access token");
  }
  sent.token = std::string(absl::StripAsciiWhitespace(rest));
  if (sent.token.empty() || !IsVisibleAscii(sent.token))
    return Error(Reason::kTokenInvalid, "the access token is malformed");
  return sent;
}

absl::Status SenderGuard::Check(const Request& request, const SentToken& sent,
                                const rpc::Principal& principal) {
  // Beside any other binding. What binds to a certificate is sent as a bearer token (RFC 8705
  // section 3).
  if (!principal.certificate_thumbprint.empty() &&
      !crypto::ConstantTimeEqual(request.peer.certificate_thumbprint,
                                 principal.certificate_thumbprint))
    return OfAnother("the token is bound to a certificate that was not shown");
  const bool bound = !principal.key_thumbprint.empty();
  if (sent.scheme == TokenScheme::kBearer) {
    return bound ? OfAnother("the token is bound to a key: send it with a DPoP proof")
                 : absl::OkStatus();
  }
  if (!bound) return OfAnother("the token is bound to no key");
  const absl::Time now = clock_.Now();
  const std::string proof = request.dpop.value_or("");
  const std::string url = absl::StrCat(issuer_, request.target.substr(0, request.target.find('?')));
  const identity::DpopRequest dpop = {
      .proof = proof, .method = request.method, .url = url, .access_token = sent.token};
  FLORIN_ASSIGN_OR_RETURN(const identity::DpopProof checked, identity::CheckDpopProof(dpop, now));
  if (!crypto::ConstantTimeEqual(checked.key_thumbprint, principal.key_thumbprint))
    return Error(Reason::kInvalidDpopProof, "the proof is of another key");
  if (!nonces_.Check(checked.nonce, now))
    return Error(Reason::kUseDpopNonce, "the proof has no nonce of ours");
  if (!replays_.Use(checked, now))
    return Error(Reason::kInvalidDpopProof, "the proof was used before");
  return absl::OkStatus();
}

}  // namespace florin::gateway
