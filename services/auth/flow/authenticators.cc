#include "services/auth/flow/authenticators.h"

#include <algorithm>
#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/status/check.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/network_prefix.h"

namespace florin::auth {

audit::Origin OriginOf(Network from) {
  audit::Origin origin;
  origin.caller = std::move(from.caller);
  origin.client_address = std::move(from.address);
  origin.request_id = std::move(from.request_id);
  return origin;
}

// As the database keeps it.
absl::Time Authenticators::Now() const { return InMicroseconds(parts_.clock.Now()); }

Task<absl::StatusOr<User>> Authenticators::UserWith(Uuid user_id) {
  absl::StatusOr<std::optional<User>> user = co_await parts_.store.FindUser(user_id);
  if (!user.ok()) co_return user.status();
  if (!user->has_value()) co_return Error(Reason::kInternal, "there is no such user");
  co_return **std::move(user);
}

Task<absl::StatusOr<Authenticators::Attempt>> Authenticators::Begin(Guess guess,
                                                                    std::string subject,
                                                                    std::string email,
                                                                    Network network) {
  std::string known_device;
  if (!network.device.empty()) {
    const crypto::Digest device = crypto::Sha256(network.device);
    const absl::StatusOr<bool> knows =
        co_await parts_.throttles.KnowsDevice(std::move(email), device);
    if (!knows.ok()) co_return knows.status();
    if (*knows) known_device = crypto::Hex(crypto::AsOctets(device));
  }
  Attempt attempt;
  attempt.lanes = LanesOf(guess, subject, known_device, NetworkPrefix(network.address));
  const absl::StatusOr<bool> admitted = co_await parts_.throttles.Admit(attempt.lanes, Now());
  if (!admitted.ok()) co_return admitted.status();
  attempt.admitted = *admitted;
  co_return attempt;
}

Task<absl::StatusOr<Authenticators::Attempt>> Authenticators::BeginFor(Guess guess, Uuid user_id,
                                                                       Network network) {
  FLORIN_CO_ASSIGN_OR_RETURN(User user, co_await UserWith(user_id));
  co_return co_await Begin(guess, user_id.ToString(), std::move(user.email), std::move(network));
}

Task<absl::Status> Authenticators::Succeed(Attempt attempt) {
  const absl::StatusOr<bool> succeeded =
      co_await parts_.throttles.Succeed(std::move(attempt.lanes));
  co_return succeeded.status();
}

audit::Event Authenticators::EventOf(const char* action, const Uuid& user_id, Network from) const {
  return UserEvent(parts_.clock, parts_.ids, action, user_id, OriginOf(std::move(from)));
}

Task<absl::Status> Authenticators::Record(audit::Event event, absl::Status ended) {
  if (!audit::IsDecision(ended)) co_return absl::OkStatus();
  if (!ended.ok()) {
    event = audit::Refuse(std::move(event), *ReasonOf(ended));
    event.actor.clear();  // Nobody proved to be the user.
  }
  co_return co_await parts_.audit.Record(std::move(event));
}

Task<absl::Status> Authenticators::NoteNetwork(Uuid user_id, std::string address,
                                               audit::Event& event) {
  const std::string network = NetworkPrefix(address);
  if (network.empty()) co_return absl::OkStatus();
  const crypto::Digest hash =
      crypto::Sha256("florin.auth.network\n" + user_id.ToString() + "\n" + network);
  const absl::StatusOr<bool> news = co_await parts_.throttles.NoteNetwork(user_id, hash, Now());
  if (!news.ok()) co_return news.status();
  if (!*news) co_return absl::OkStatus();
  event.details["new_network"] = "true";
  telemetry::Count("florin_auth_new_networks_total");
  co_await Notify(user_id, "Somebody logged in to your account from a network that is new to us.");
  co_return absl::OkStatus();
}

Task<void> Authenticators::GiveBack(Attempt attempt) {
  if (!attempt.admitted) co_return;
  for (Lane& lane : attempt.lanes) lane.cleared_by_success = false;
  // Lost, it only leaves the throttle stricter.
  static_cast<void>(co_await parts_.throttles.Succeed(std::move(attempt.lanes)));
}

Task<absl::StatusOr<std::vector<Factor>>> Authenticators::ListFactors(Uuid user_id) {
  return parts_.store.ListFactors(user_id);
}

Task<absl::StatusOr<std::vector<FactorKind>>> Authenticators::SecondFactorsOf(Uuid user_id) {
  const absl::StatusOr<std::vector<Factor>> factors = co_await parts_.store.ListFactors(user_id);
  if (!factors.ok()) co_return factors.status();
  bool has[3] = {};
  for (const Factor& factor : *factors) {
    has[static_cast<int>(factor.kind)] |=
        factor.kind != FactorKind::kRecoveryCodes || factor.codes_left > 0;
  }
  std::vector<FactorKind> kinds;
  for (const FactorKind kind : {FactorKind::kPasskey, FactorKind::kTotp}) {
    if (has[static_cast<int>(kind)]) kinds.push_back(kind);
  }
  if (!kinds.empty() && has[static_cast<int>(FactorKind::kRecoveryCodes)]) {
    kinds.push_back(FactorKind::kRecoveryCodes);
  }
  co_return kinds;
}

Task<absl::Status> Authenticators::RemoveFactor(Uuid user_id, Uuid factor_id, Network from) {
  const absl::StatusOr<std::vector<Factor>> factors = co_await parts_.store.ListFactors(user_id);
  if (!factors.ok()) co_return factors.status();
  const bool there = std::any_of(factors->begin(), factors->end(), [factor_id](const Factor& each) {
    return each.factor_id == factor_id;
  });
  if (!there) co_return Error(Reason::kFactorNotFound, "no such authenticator");
  // Sessions first: if that fails, the call can be repeated.
  FLORIN_CO_RETURN_IF_ERROR(co_await parts_.sessions.EndSessionsOf(user_id, OriginOf(from)));
  audit::Event event = EventOf("auth.factor.remove", user_id, std::move(from));
  event.details["factor_id"] = FormatId(IdKind::kFactor, factor_id);
  const absl::StatusOr<bool> removed =
      co_await parts_.store.RemoveFactor(user_id, factor_id, std::move(event));
  if (!removed.ok()) co_return removed.status();
  co_await Notify(user_id, "A way to log in to your account was removed.");
  co_return absl::OkStatus();
}

}  // namespace florin::auth
