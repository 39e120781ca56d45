#include "services/auth/flow/register_client.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/crypto/jwk.h"
#include "libs/telemetry/log.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/pushed_authorization.h"

namespace florin::auth {

Task<absl::StatusOr<Client>> RegisterClient::Run(Client client, audit::Origin origin) {
  FLORIN_CO_RETURN_IF_ERROR(CheckClient(client));
  if (!client.jwks.empty()) {
    const auto keys = crypto::ParseJwkSet(client.jwks);
    if (!keys.ok()) {
      const std::string why(keys.status().message());
      co_return Error(Reason::kInvalidClientMetadata, why, {.param = "jwks"});
    }
  }
  client.create_time = InMicroseconds(clock_.Now());
  client.disable_time = std::nullopt;
  audit::Event event = NewEvent(clock_, ids_, "auth.client.register", std::move(origin));
  event.actor = event.origin.caller;
  event.subject = client.client_id;
  absl::StatusOr<Client> kept = co_await store_.RegisterClient(client, std::move(event));
  if (!kept.ok()) co_return kept.status();
  Client same = *kept;
  same.create_time = client.create_time;
  same.disable_time = client.disable_time;
  if (same != client) {
    co_return Error(Reason::kClientExists, "a client of this id has other metadata");
  }
  telemetry::Log(telemetry::Severity::kInfo, "client registered", {{"client", client.client_id}});
  co_return kept;
}

}  // namespace florin::auth
