#include "services/payments/store/limit_changes.h"

#include <utility>

namespace florin::payments {
namespace {

std::string ActionOf(LimitChange::Kind kind) {
  switch (kind) {
    case LimitChange::Kind::kCreate:
      return "payments.limit.create";
    case LimitChange::Kind::kSetMaximum:
      return "payments.limit.change";
    case LimitChange::Kind::kRemove:
      return "payments.limit.remove";
  }
  return {};
}

}  // namespace

audit::Event EventOf(const LimitChange& change, const Limit& limit) {
  audit::Event event;
  event.actor = FormatId(IdKind::kUser, change.user_id);
  event.subject = FormatId(IdKind::kLimit, limit.limit_id);
  event.event_id =
      DeriveId("florin.payments.limit_change", event.actor + " " + change.idempotency_key);
  event.time = change.time;
  event.action = ActionOf(change.kind);
  event.origin = change.origin;
  event.details = {{"scope", std::string(NameOf(limit.scope))},
                   {"currency", std::string(limit.currency.code())},
                   {"measure", std::string(NameOf(limit.measure))},
                   {"maximum", std::to_string(limit.maximum())}};
  if (limit.maxima.size() > 1) {
    event.details["maximum_before"] = std::to_string(limit.maxima[limit.maxima.size() - 2]);
  }
  if (limit.window) {
    event.details["window_seconds"] = std::to_string(absl::ToInt64Seconds(*limit.window));
  }
  if (limit.kyc_level) event.details["kyc_level"] = std::string(NameOf(*limit.kyc_level));
  if (!limit.country.empty()) event.details["country"] = limit.country;
  if (limit.subject) {
    const bool account = limit.scope == LimitScope::kAccount;
    event.details[account ? "account" : "user"] =
        FormatId(account ? IdKind::kAccount : IdKind::kUser, *limit.subject);
  }
  return event;
}

absl::Status LimitNotFound() { return Error(Reason::kLimitNotFound, "no such limit"); }

absl::Status TooManyLimits() {
  return Error(Reason::kInvalidLimit, "too many limits: remove one first", {.param = "scope"});
}

absl::Status TooManyMaxima() {
  return Error(Reason::kInvalidLimit, "changed too often: remove it and create another",
               {.param = "maximum"});
}

bool AreAlike(const Limit& one, const Limit& other) {
  return one.scope == other.scope && one.subject == other.subject && one.country == other.country &&
         one.kyc_level == other.kyc_level && one.currency == other.currency;
}

}  // namespace florin::payments
