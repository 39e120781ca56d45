#include "services/auth/pages/csrf.h"

#include "libs/crypto/sha256.h"

namespace florin::auth {
namespace {

absl::Status Forged(const char* why) { return Error(Reason::kForgedForm, why); }

}  // namespace

std::string FormToken(std::string_view secret) {
  // The secret has 256 random bits and a fixed length: a plain digest is a MAC of the purpose.
  const crypto::Digest digest = crypto::Sha256("florin.auth.form\n" + std::string(secret));
  return crypto::Base64UrlEncode(crypto::AsOctets(digest));
}

absl::Status CheckOrigin(const WebRequest& request, std::string_view origin) {
  const bool says_site = !request.fetch_site().empty();
  if (says_site && request.fetch_site() != "same-origin") {
    return Forged("the form comes from another site");
  }
  if (request.origin() == origin) return absl::OkStatus();
  const bool says_nothing = request.origin().empty() || request.origin() == "null";
  if (!says_nothing) return Forged("the form comes from another origin");
  return says_site ? absl::OkStatus() : Forged("the browser does not say where the form is from");
}

absl::Status CheckForm(const WebRequest& request, std::string_view origin,
                       std::string_view secret) {
  FLORIN_RETURN_IF_ERROR(CheckOrigin(request, origin));
  if (secret.empty()) return Forged("the form's cookie is missing");
  if (!crypto::ConstantTimeEqual(FormField(request, "csrf"), FormToken(secret))) {
    return Forged("the form's token is missing or another's");
  }
  return absl::OkStatus();
}

std::string OriginOf(std::string_view issuer) {
  const std::size_t scheme = issuer.find("://");
  if (scheme == std::string_view::npos) return {};
  return std::string(issuer.substr(0, issuer.find('/', scheme + 3)));
}

}  // namespace florin::auth
