#include "services/accounts/rpc/interest_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/user_of.h"
#include "services/accounts/domain/account_statement.h"

namespace florin::accounts {
namespace {

// Each enumeration of ours begins with 0, each of the protos has "unspecified" before.
template <class Proto, class Enum>
Proto ToProto(Enum value) {
  return static_cast<Proto>(static_cast<int>(value) + 1);
}
static_assert(v1::InterestPlan::THIRTY_E_360 == static_cast<int>(DayCount::kThirtyE360) + 1);
static_assert(v1::Account::SAVINGS == static_cast<int>(AccountKind::kSavings) + 1);
static_assert(v1::InterestBooking::FEE == static_cast<int>(BookingKind::kFee) + 1);
static_assert(v1::InterestBooking::UNPAID == static_cast<int>(BookingState::kUnpaid) + 1);

absl::StatusOr<Uuid> ParseAccount(const std::string& id) {
  return ParseId(IdKind::kAccount, id, "account_id");
}

v1::InterestPlan ToProto(const InterestPlan& plan) {
  v1::InterestPlan proto;
  proto.set_plan_id(plan.plan_id);
  proto.set_version(plan.version);
  proto.set_currency(plan.currency);
  if (plan.account_kind) proto.set_account_kind(ToProto<v1::Account::Kind>(*plan.account_kind));
  proto.set_time_zone(plan.time_zone);
  proto.set_effective_date(DateText(plan.effective_date));
  proto.set_day_count(ToProto<v1::InterestPlan::DayCount>(plan.terms.convention));
  proto.set_credit_rate_ppm(static_cast<std::int32_t>(plan.terms.credit_rate));
  proto.set_debit_rate_ppm(static_cast<std::int32_t>(plan.terms.debit_rate));
  proto.set_monthly_fee_minor(plan.monthly_fee_minor);
  return proto;
}

absl::StatusOr<InterestPlan> FromProto(const v1::InterestPlan& proto) {
  InterestPlan plan{
      .plan_id = proto.plan_id(),
      .version = proto.version(),
      .currency = proto.currency(),
      .time_zone = proto.time_zone().empty() ? "UTC" : proto.time_zone(),
      .terms = {.credit_rate = proto.credit_rate_ppm(), .debit_rate = proto.debit_rate_ppm()},
      .monthly_fee_minor = proto.monthly_fee_minor()};
  if (proto.account_kind() < 0 || proto.account_kind() > v1::Account::SAVINGS) {
    return Error(Reason::kInvalidField, "a kind of accounts", {.param = "account_kind"});
  }
  if (proto.account_kind() != v1::Account::KIND_UNSPECIFIED) {
    plan.account_kind = static_cast<AccountKind>(proto.account_kind() - 1);
  }
  if (proto.day_count() < v1::InterestPlan::ACT_365_FIXED ||
      proto.day_count() > v1::InterestPlan::THIRTY_E_360) {
    return Error(Reason::kInvalidField, "ACT_365_FIXED, ACT_360 or THIRTY_E_360",
                 {.param = "day_count"});
  }
  plan.terms.convention = static_cast<DayCount>(proto.day_count() - 1);
  FLORIN_ASSIGN_OR_RETURN(plan.effective_date, ParseDate(proto.effective_date(), "effective_date"));
  return plan;
}

v1::InterestAssignment ToProto(const InterestAssignment& assignment) {
  v1::InterestAssignment proto;
  proto.set_account_id(FormatId(IdKind::kAccount, assignment.account_id));
  proto.set_plan_id(assignment.plan_id);
  proto.set_from_date(DateText(assignment.from_date));
  return proto;
}

v1::InterestBooking ToProto(const InterestBooking& booking) {
  v1::InterestBooking proto;
  proto.set_kind(ToProto<v1::InterestBooking::Kind>(booking.kind));
  proto.set_plan_id(booking.plan_id);
  proto.set_last_date(DateText(booking.last_day));
  proto.mutable_amount()->set_currency(booking.currency);
  proto.mutable_amount()->set_minor_units(booking.amount_minor);
  proto.set_state(ToProto<v1::InterestBooking::State>(booking.state));
  proto.set_attempt(booking.attempt);
  proto.set_reason(booking.reason);
  proto.set_transaction_id(FormatId(IdKind::kTransaction, TransactionIdOf(booking)));
  return proto;
}

v1::InterestDay ToProto(const InterestDay& day) {
  v1::InterestDay proto;
  proto.set_date(DateText(day.day));
  proto.set_plan_id(day.plan_id);
  proto.set_plan_version(day.plan_version);
  proto.set_balance_minor(day.balance_minor);
  proto.set_parts(TextOf(day.parts));
  proto.set_booked_minor(day.booked_minor);
  proto.set_carried_parts(TextOf(day.carried));
  return proto;
}

// Who asks.
absl::StatusOr<InterestPlans::Acting> ActingOf(const rpc::Call& call) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  return InterestPlans::Acting{.user_id = user, .origin = audit::OriginOfCall(call)};
}

}  // namespace

Task<absl::StatusOr<v1::InterestPlan>> InterestRpc::PutInterestPlan(
    rpc::Call& call, const v1::InterestPlan& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(InterestPlans::Acting acting, ActingOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(InterestPlan plan, FromProto(request));
  const absl::StatusOr<InterestPlan> put = co_await plans_.Put(std::move(acting), std::move(plan));
  if (!put.ok()) co_return put.status();
  co_return ToProto(*put);
}

Task<absl::StatusOr<v1::ListInterestPlansResponse>> InterestRpc::ListInterestPlans(
    rpc::Call& call, const v1::ListInterestPlansRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(UserOf(call).status());
  std::optional<std::string> plan_id;
  if (!request.plan_id().empty()) plan_id = request.plan_id();
  const absl::StatusOr<std::vector<InterestPlan>> plans =
      co_await store_.ListPlans(std::move(plan_id));
  if (!plans.ok()) co_return plans.status();
  v1::ListInterestPlansResponse response;
  for (const InterestPlan& plan : *plans) *response.add_plans() = ToProto(plan);
  co_return response;
}

Task<absl::StatusOr<v1::InterestAssignment>> InterestRpc::AssignInterestPlan(
    rpc::Call& call, const v1::AssignInterestPlanRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(InterestPlans::Acting acting, ActingOf(call));
  InterestAssignment assignment{.account_id = {}, .from_date = {}, .plan_id = request.plan_id()};
  FLORIN_CO_ASSIGN_OR_RETURN(assignment.account_id, ParseAccount(request.account_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(assignment.from_date, ParseDate(request.from_date(), "from_date"));
  const absl::StatusOr<InterestAssignment> assigned =
      co_await plans_.Assign(std::move(acting), std::move(assignment));
  if (!assigned.ok()) co_return assigned.status();
  co_return ToProto(*assigned);
}

Task<absl::StatusOr<v1::AccountInterest>> InterestRpc::GetAccountInterest(
    rpc::Call& call, const v1::GetAccountInterestRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(UserOf(call).status());
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(request.account_id()));
  const absl::StatusOr<AccountInterest> interest = co_await store_.GetInterest(account);
  if (!interest.ok()) co_return interest.status();
  v1::AccountInterest response;
  response.set_account_id(request.account_id());
  for (const InterestAssignment& one : interest->assignments) {
    *response.add_assignments() = ToProto(one);
  }
  if (interest->next_day) response.set_next_date(DateText(*interest->next_day));
  response.set_unbooked_parts(TextOf(interest->carried));
  const std::optional<Capitalised> whole = Capitalise(interest->carried);
  if (!whole) co_return Error(Reason::kInternal, "more interest than can be booked");
  response.set_unbooked_minor(whole->booked_minor);
  for (const InterestBooking& one : interest->bookings) *response.add_bookings() = ToProto(one);
  co_return response;
}

Task<absl::StatusOr<v1::ListInterestDaysResponse>> InterestRpc::ListInterestDays(
    rpc::Call& call, const v1::ListInterestDaysRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(UserOf(call).status());
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(request.account_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(const int size, ParsePageSize(request.page_size()));
  absl::CivilDay before(9999, 12, 31);
  if (!request.before_date().empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(before, ParseDate(request.before_date(), "before_date"));
  }
  const absl::StatusOr<std::vector<InterestDay>> days =
      co_await store_.ListDays(account, before, size);
  if (!days.ok()) co_return days.status();
  v1::ListInterestDaysResponse response;
  for (const InterestDay& day : *days) *response.add_days() = ToProto(day);
  co_return response;
}

}  // namespace florin::accounts
