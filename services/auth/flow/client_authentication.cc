#include "services/auth/flow/client_authentication.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "libs/crypto/jws.h"
#include "libs/crypto/sha256.h"
#include "libs/telemetry/metrics.h"

namespace florin::auth {
namespace {

constexpr char kAssertionType[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr crypto::JwsForm kAssertion = {
    .type = "JWT", .type_may_be_absent = true, .key = crypto::JwsKey::kNamedIfNeeded};
constexpr absl::Duration kLongest = absl::Minutes(5);
constexpr absl::Duration kSkew = absl::Seconds(10);
constexpr std::size_t kMaxTokenId = 128;

absl::Status Refused() {
  return Error(Reason::kInvalidClient, "the client did not prove who it is");
}

std::string Value(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

std::optional<crypto::UnverifiedJws> Parse(const std::string& assertion) {
  absl::StatusOr<crypto::UnverifiedJws> jws = crypto::UnverifiedJws::Parse(assertion, kAssertion);
  if (!jws.ok()) return std::nullopt;
  return *std::move(jws);
}

// The client that a request says it comes from; empty if it says none, or two.
std::string ClaimedId(const Parameters& parameters) {
  std::string id = Value(parameters, "client_id");
  const std::string assertion = Value(parameters, "client_assertion");
  if (assertion.empty()) return id;
  const auto jws = Parse(assertion);
  if (!jws) return "";
  const auto* issuer = crypto::FindMember<std::string>(jws->unverified_payload(), "iss");
  if (issuer == nullptr || (!id.empty() && id != *issuer)) return "";
  return *issuer;
}

// The claims, if one of the client's keys signed them.
std::optional<crypto::JsonMembers> Verify(const crypto::UnverifiedJws& jws, const Client& client) {
  const auto keys = crypto::ParseJwkSet(client.jwks);
  if (!keys.ok()) return std::nullopt;
  for (const crypto::PublicJwk& key : *keys) {
    const bool meant = jws.kid().empty() ? keys->size() == 1 : jws.kid() == key.kid();
    // A key that has no kid is known by its thumbprint.
    if (!meant && jws.kid() != key.thumbprint()) continue;
    if (auto claims = jws.Verify(key); claims.ok()) return *std::move(claims);
  }
  return std::nullopt;
}

// A time that may be absent: whether it is a number, and not ahead.
bool IsNotAhead(const crypto::JsonMembers& claims, const std::string& name, absl::Time now) {
  if (claims.find(name) == claims.end()) return true;
  const auto* seconds = crypto::FindMember<std::int64_t>(claims, name);
  return seconds != nullptr && absl::FromUnixSeconds(*seconds) <= now + kSkew;
}

struct Assertion {
  std::string token_id;
  absl::Time expires_at;
};

std::optional<Assertion> CheckClaims(const crypto::JsonMembers& claims, const Client& client,
                                     const std::string& issuer, absl::Time now) {
  const auto is = [&claims](const char* name, const std::string& value) {
    const auto* text = crypto::FindMember<std::string>(claims, name);
    return text != nullptr && *text == value;
  };
  if (!is("iss", client.client_id) || !is("sub", client.client_id) || !is("aud", issuer)) {
    return std::nullopt;
  }
  const auto* seconds = crypto::FindMember<std::int64_t>(claims, "exp");
  if (seconds == nullptr) return std::nullopt;
  const absl::Time expires_at = absl::FromUnixSeconds(*seconds);
  if (expires_at <= now || expires_at > now + kLongest + kSkew) return std::nullopt;
  if (!IsNotAhead(claims, "iat", now) || !IsNotAhead(claims, "nbf", now)) return std::nullopt;
  const auto* token_id = crypto::FindMember<std::string>(claims, "jti");
  if (token_id == nullptr || token_id->empty() || token_id->size() > kMaxTokenId) {
    return std::nullopt;
  }
  return Assertion{*token_id, expires_at};
}

}  // namespace

Task<absl::StatusOr<Client>> ClientAuthenticator::Authenticate(ShownByClient shown) {
  const Parameters& parameters = shown.parameters;
  // No client has a secret to send.
  if (!shown.authorization.empty() || parameters.contains("client_secret")) co_return Refused();
  const absl::StatusOr<std::optional<Client>> found =
      co_await store_.FindClient(ClaimedId(parameters));
  if (!found.ok()) co_return found.status();
  if (!found->has_value() || (*found)->disable_time) co_return Refused();
  const Client& client = **found;
  const std::string type = Value(parameters, "client_assertion_type");
  const std::string assertion = Value(parameters, "client_assertion");
  const bool asserts = client.auth_method == ClientAuthMethod::kPrivateKeyJwt;
  if (type != (asserts ? kAssertionType : "") || assertion.empty() == asserts) co_return Refused();
  absl::Status proven = absl::OkStatus();
  if (asserts) {
    proven = co_await CheckAssertion(client, assertion);
  } else if (client.auth_method == ClientAuthMethod::kSelfSignedTlsClientAuth &&
             !crypto::ConstantTimeEqual(shown.certificate_thumbprint,
                                        client.certificate_thumbprint)) {
    proven = Refused();
  }
  telemetry::Count("florin_auth_clients_total", {{"outcome", proven.ok() ? "known" : "refused"}});
  if (!proven.ok()) co_return proven;
  co_return client;
}

Task<absl::Status> ClientAuthenticator::CheckAssertion(Client client, std::string assertion) {
  const absl::Time now = clock_.Now();
  const std::optional<crypto::UnverifiedJws> jws = Parse(assertion);
  if (!jws) co_return Refused();
  const std::optional<crypto::JsonMembers> claims = Verify(*jws, client);
  if (!claims) co_return Refused();
  const std::optional<Assertion> good = CheckClaims(*claims, client, issuer_, now);
  if (!good) co_return Refused();
  const absl::StatusOr<bool> first = co_await store_.UseAssertion(client.client_id, good->token_id,
                                                                  ids_.NewId(), good->expires_at);
  if (!first.ok()) co_return first.status();
  co_return *first ? absl::OkStatus() : Refused();
}

}  // namespace florin::auth
