#include "services/accounts/flow/interest_plans.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "services/accounts/domain/account_statement.h"

namespace florin::accounts {
namespace {

absl::StatusOr<absl::TimeZone> LoadZone(const std::string& name) {
  absl::TimeZone zone;
  // absl also reads paths, and fixed offsets under names of its own.
  const bool is_name = name.find_first_not_of(
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                           "0123456789_+-/") == std::string::npos;
  if (!is_name || name.starts_with('/') || !absl::LoadTimeZone(name, &zone)) {
    return Error(Reason::kInvalidField, "an IANA name like Europe/Berlin", {.param = "time_zone"});
  }
  return zone;
}

audit::Event EventOf(const InterestPlans::Acting& acting, std::string action, std::string subject,
                     absl::Time now) {
  audit::Event event;
  event.time = now;
  event.action = std::move(action);
  event.actor = FormatId(IdKind::kUser, acting.user_id);
  event.subject = std::move(subject);
  event.origin = acting.origin;
  return event;
}

}  // namespace

Task<absl::StatusOr<InterestPlan>> InterestPlans::Put(Acting acting, InterestPlan plan) {
  FLORIN_CO_RETURN_IF_ERROR(CheckPlan(plan));
  FLORIN_CO_ASSIGN_OR_RETURN(const absl::TimeZone zone, LoadZone(plan.time_zone));
  const absl::Time now = InMicroseconds(clock_.Now());
  audit::Event event = EventOf(acting, "accounts.interest_plan.put", plan.plan_id, now);
  // One for each version, and for whoever was first to make it.
  event.event_id = DeriveId("florin.accounts.interest_plan.put",
                            plan.plan_id + " " + std::to_string(plan.version));
  event.details["version"] = std::to_string(plan.version);
  event.details["effective_date"] = DateText(plan.effective_date);
  event.details["credit_rate_ppm"] = std::to_string(plan.terms.credit_rate);
  event.details["debit_rate_ppm"] = std::to_string(plan.terms.debit_rate);
  event.details["monthly_fee_minor"] = std::to_string(plan.monthly_fee_minor);
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  co_return co_await store_.PutPlan(std::move(plan), today, now, std::move(event));
}

Task<absl::StatusOr<InterestAssignment>> InterestPlans::Assign(Acting acting,
                                                               InterestAssignment assignment) {
  const absl::StatusOr<absl::TimeZone> zone = co_await ZoneOf(assignment);
  if (!zone.ok()) co_return zone.status();
  const absl::Time now = InMicroseconds(clock_.Now());
  const std::string account = FormatId(IdKind::kAccount, assignment.account_id);
  audit::Event event = EventOf(acting, "accounts.interest_plan.assign", account, now);
  event.event_id = DeriveId("florin.accounts.interest_plan.assign",
                            account + " " + DateText(assignment.from_date));
  event.details["plan_id"] = assignment.plan_id;
  event.details["from_date"] = DateText(assignment.from_date);
  const absl::Time due_time = ClosingTime(assignment.from_date, *zone);
  const absl::CivilDay today = absl::ToCivilDay(now, *zone);
  co_return co_await store_.Assign(std::move(assignment), acting.user_id, today, now, due_time,
                                   std::move(event));
}

Task<absl::StatusOr<absl::TimeZone>> InterestPlans::ZoneOf(InterestAssignment assignment) {
  std::optional<std::string> plan_id = assignment.plan_id;
  if (assignment.plan_id.empty()) {
    const absl::StatusOr<AccountInterest> interest =
        co_await store_.GetInterest(assignment.account_id);
    if (!interest.ok()) co_return interest.status();
    for (const InterestAssignment& one : interest->assignments) {
      if (!one.plan_id.empty()) plan_id = one.plan_id;
    }
  }
  const absl::StatusOr<std::vector<InterestPlan>> versions = co_await store_.ListPlans(plan_id);
  if (!versions.ok()) co_return versions.status();
  if (versions->empty()) co_return absl::UTCTimeZone();
  co_return LoadZone(versions->front().time_zone);
}

}  // namespace florin::accounts
