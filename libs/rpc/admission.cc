#include "libs/rpc/admission.h"

#include <grpc/grpc_security_constants.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/metadata_keys.h"
#include "libs/rpc/peer_certificate.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::rpc {
namespace {

std::string Metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto& all = context.client_metadata();
  const auto found = all.find(key);
  return found == all.end() ? std::string()
                            : std::string(found->second.data(), found->second.size());
}

Outgoing ReadContext(const grpc::CallbackServerContext& context, absl::Time latest) {
  Outgoing incoming;
  incoming.deadline = std::min(DeadlineOf(context), latest);
  incoming.request_id = Metadata(context, kRequestIdKey);
  if (incoming.request_id.empty())
    incoming.request_id = FormatId(IdKind::kRequest, SystemIds().NewId());
  incoming.traceparent = Metadata(context, kTraceparentKey);
  incoming.client_address = Metadata(context, kClientAddressKey);
  incoming.idempotency_key = Metadata(context, kIdempotencyKeyKey);
  incoming.user_token = Metadata(context, kAuthorizationKey);
  const std::string_view bearer(kBearerPrefix);
  if (incoming.user_token.starts_with(bearer)) {
    incoming.user_token.erase(0, bearer.size());
  } else {
    incoming.user_token.clear();
  }
  return incoming;
}

absl::Status CheckScopes(const Policy& policy, const Principal& principal) {
  for (const std::string& scope : policy.scopes) {
    if (!principal.HasScope(scope)) {
      return Error(Reason::kScopeMissing, "the token lacks a scope",
                   {.metadata = {{"scope", scope}}});
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Peer> PeerOf(const grpc::CallbackServerContext& context) {
  const auto identities = context.auth_context()->FindPropertyValues("peer_spiffe_id");
  if (identities.size() != 1)
    return Error(Reason::kCallerNotAllowed, "the certificate has no SPIFFE identity");
  const std::string_view identity(identities[0].data(), identities[0].size());
  const std::string_view domain(kTrustDomain);
  if (!identity.starts_with(domain))
    return Error(Reason::kCallerNotAllowed, "the certificate is of another trust domain");
  const auto pems = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  const std::string pem =
      pems.size() == 1 ? std::string(pems[0].data(), pems[0].size()) : std::string();
  FLORIN_ASSIGN_OR_RETURN(const absl::Time not_after, NotAfterOfPem(pem));
  return Peer{std::string(identity.substr(domain.size())), not_after};
}

absl::StatusOr<std::string> CallerOf(const absl::StatusOr<Peer>& peer, absl::Time now) {
  if (!peer.ok()) return peer.status();
  if (now >= peer->not_after)
    return Error(Reason::kCallerNotAllowed, "the caller's certificate has expired");
  return peer->service;
}

absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  const bool none = deadline == std::chrono::system_clock::time_point::max();
  return none ? absl::InfiniteFuture() : absl::FromChrono(deadline);
}

Arrival ReadArrival(const grpc::CallbackServerContext& context, absl::Time latest) {
  return {CallerOf(PeerOf(context), SystemClock().Now()), ReadContext(context, latest)};
}

Task<absl::StatusOr<Call>> Admit(const Endpoint* endpoint, Arrival arrival) {
  if (!arrival.caller.ok()) co_return arrival.caller.status();
  const Policy& policy = endpoint->policy;
  if (!policy.Allows(*arrival.caller))
    co_return Error(Reason::kCallerNotAllowed, *arrival.caller + " may not call " + endpoint->name);
  Principal principal;
  if (policy.needs_user) {
    if (arrival.incoming.user_token.empty())
      co_return Error(Reason::kTokenMissing, "an access token is required");
    std::string token = arrival.incoming.user_token;
    FLORIN_CO_ASSIGN_OR_RETURN(principal,
                               co_await endpoint->authenticator->Authenticate(std::move(token)));
    FLORIN_CO_RETURN_IF_ERROR(CheckScopes(policy, principal));
    FLORIN_CO_RETURN_IF_ERROR(CheckStepUp(policy.step_up, principal, endpoint->clock->Now()));
  }
  if (policy.needs_idempotency_key)
    FLORIN_CO_RETURN_IF_ERROR(CheckIdempotencyKey(arrival.incoming.idempotency_key));
  co_return Call(*std::move(arrival.caller), std::move(arrival.incoming), std::move(principal),
                 policy.needs_user);
}

namespace {

Task<absl::StatusOr<std::string>> Handle(const Endpoint* endpoint, Arrival arrival,
                                         std::string request, bool* replayed) {
  FLORIN_CO_ASSIGN_OR_RETURN(Call call, co_await Admit(endpoint, std::move(arrival)));
  absl::StatusOr<std::string> response = co_await endpoint->method(call, std::move(request));
  *replayed = call.replayed();
  co_return response;
}

}  // namespace

Task<Answer> AnswerCall(const Endpoint* endpoint, Arrival arrival, std::string request) {
  const absl::Time start = SystemClock().Now();
  const std::string traceparent = arrival.incoming.traceparent;
  Answer answer{.response = std::string()};
  answer.response =
      co_await Handle(endpoint, std::move(arrival), std::move(request), &answer.replayed);
  Record(*endpoint, answer.response.status(), SystemClock().Now() - start, traceparent);
  co_return answer;
}

void Record(const Endpoint& endpoint, const absl::Status& status, absl::Duration took,
            const std::string& traceparent) {
  const std::string reason(status.ok() ? "ok" : InfoOf(*ReasonOf(status)).name);
  telemetry::Count("florin_rpc_requests_total", {{"method", endpoint.name}, {"reason", reason}});
  telemetry::Observe("florin_rpc_seconds", {{"method", endpoint.name}}, took);
  if (ReasonOf(status) == Reason::kInternal) {
    telemetry::Log(telemetry::Severity::kError, "call failed inside",
                   {{"method", endpoint.name}, {"message", std::string(status.message())}},
                   traceparent);
  }
}

}  // namespace florin::rpc
