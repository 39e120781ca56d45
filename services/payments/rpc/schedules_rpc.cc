#include "services/payments/rpc/schedules_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/rpc/number_pages.h"
#include "services/payments/rpc/order_next_action.h"

namespace florin::payments {
namespace {

// The enums of the API have an unspecified value before those of the domain, in the same order.
template <class Proto, class Value>
Proto ToProto(Value value) {
  return static_cast<Proto>(static_cast<int>(value) + 1);
}

absl::Status Invalid(std::string_view why, std::string_view param) {
  return Error(Reason::kInvalidSchedule, why, {.param = std::string(param)});
}

absl::StatusOr<Frequency> ParseFrequency(v1::Recurrence::Frequency frequency) {
  switch (frequency) {
    case v1::Recurrence::ONCE:
      return Frequency::kOnce;
    case v1::Recurrence::DAILY:
      return Frequency::kDaily;
    case v1::Recurrence::WEEKLY:
      return Frequency::kWeekly;
    case v1::Recurrence::MONTHLY:
      return Frequency::kMonthly;
    case v1::Recurrence::YEARLY:
      return Frequency::kYearly;
    default:
      return Invalid("how often", "recurrence.frequency");
  }
}

absl::StatusOr<CatchUp> ParseCatchUp(v1::Schedule::CatchUp catch_up) {
  switch (catch_up) {
    case v1::Schedule::CATCH_UP_UNSPECIFIED:
    case v1::Schedule::ALL:
      return CatchUp::kAll;
    case v1::Schedule::LATEST_ONLY:
      return CatchUp::kLatestOnly;
    case v1::Schedule::SKIP:
      return CatchUp::kSkip;
    default:
      return Invalid("no such policy", "catch_up");
  }
}

absl::StatusOr<RecurrenceRule> ParseRule(const v1::Recurrence& proto) {
  RecurrenceRule rule{.interval = proto.interval() == 0 ? 1 : proto.interval(),
                      .day_of_month = proto.day_of_month(),
                      .zone_name = proto.time_zone()};
  FLORIN_ASSIGN_OR_RETURN(rule.frequency, ParseFrequency(proto.frequency()));
  const std::optional<absl::CivilDay> first = ParseDay(proto.first_date());
  if (!first) return Invalid("YYYY-MM-DD", "recurrence.first_date");
  rule.first_day = *first;
  const std::optional<int> minute = ParseMinuteOfDay(proto.local_time());
  if (!minute) return Invalid("HH:MM", "recurrence.local_time");
  rule.minute_of_day = *minute;
  if (!IsZoneName(rule.zone_name) || !absl::LoadTimeZone(rule.zone_name, &rule.zone)) {
    return Invalid("a name of the IANA database", "recurrence.time_zone");
  }
  if (!proto.end_date().empty()) {
    rule.last_day = ParseDay(proto.end_date());
    if (!rule.last_day) return Invalid("YYYY-MM-DD", "recurrence.end_date");
  }
  if (proto.count() != 0) rule.count = proto.count();
  if (rule.frequency == Frequency::kMonthly && rule.day_of_month == 0) {
    rule.day_of_month = first->day();
  }
  return rule;
}

absl::StatusOr<Schedule> ParseSchedule(const v1::CreateScheduleRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid source, ParseId(IdKind::kAccount, proto.source_account_id(), "source_account_id"));
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid destination,
      ParseId(IdKind::kAccount, proto.destination_account_id(), "destination_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  FLORIN_ASSIGN_OR_RETURN(RecurrenceRule rule, ParseRule(proto.recurrence()));
  FLORIN_ASSIGN_OR_RETURN(const CatchUp catch_up, ParseCatchUp(proto.catch_up()));
  return Schedule{.source_account_id = source,
                  .destination_account_id = destination,
                  .amount = amount,
                  .reference = proto.reference(),
                  .rule = std::move(rule),
                  .catch_up = catch_up};
}

void SetRule(const RecurrenceRule& rule, v1::Recurrence& proto) {
  proto.set_frequency(ToProto<v1::Recurrence::Frequency>(rule.frequency));
  proto.set_interval(rule.interval);
  proto.set_day_of_month(rule.day_of_month);
  proto.set_first_date(FormatDay(rule.first_day));
  proto.set_local_time(FormatMinuteOfDay(rule.minute_of_day));
  proto.set_time_zone(rule.zone_name);
  if (rule.last_day) proto.set_end_date(FormatDay(*rule.last_day));
  proto.set_count(rule.count.value_or(0));
}

v1::Schedule ToProto(const Schedule& schedule, const std::string& approval_page) {
  v1::Schedule proto;
  proto.set_schedule_id(FormatId(IdKind::kSchedule, schedule.schedule_id));
  proto.set_state(ToProto<v1::Schedule::State>(schedule.state));
  proto.set_source_account_id(FormatId(IdKind::kAccount, schedule.source_account_id));
  proto.set_destination_account_id(FormatId(IdKind::kAccount, schedule.destination_account_id));
  proto.mutable_amount()->set_currency(std::string(schedule.amount.currency.code()));
  proto.mutable_amount()->set_minor_units(schedule.amount.minor_units);
  proto.set_reference(schedule.reference);
  SetRule(schedule.rule, *proto.mutable_recurrence());
  proto.set_catch_up(ToProto<v1::Schedule::CatchUp>(schedule.catch_up));
  if (schedule.next_time) {
    proto.set_next_number(schedule.next_number);
    SetTime(*schedule.next_time, *proto.mutable_next_time());
  }
  SetTime(schedule.create_time, *proto.mutable_create_time());
  SetTime(schedule.update_time, *proto.mutable_update_time());
  if (schedule.state == ScheduleState::kRequiresAction) {
    *proto.mutable_next_action() = NextActionOf(AskedOf(schedule), approval_page);
  }
  proto.set_cancel_reason(schedule.cancel_reason);
  return proto;
}

v1::Occurrence ToProto(const Occurrence& occurrence) {
  v1::Occurrence proto;
  proto.set_number(occurrence.number);
  SetTime(occurrence.due_time, *proto.mutable_due_time());
  proto.set_state(ToProto<v1::Occurrence::State>(occurrence.state));
  if (!occurrence.payment_id.is_nil()) {
    proto.set_payment_id(FormatId(IdKind::kPayment, occurrence.payment_id));
  }
  proto.set_failure_reason(occurrence.failure_reason);
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::CreateSchedule(
    rpc::Call& call, const v1::CreateScheduleRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Schedule wanted, ParseSchedule(request));
  FLORIN_CO_ASSIGN_OR_RETURN(wanted.user_id, UserOf(call));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<florin::payments::CreateSchedule::Outcome> outcome = co_await create_.Run(
      std::move(context), std::move(wanted), call.idempotency_key(), audit::OriginOfCall(call));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  co_return ToProto(outcome->schedule, approval_page_);
}

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::ConfirmSchedule(
    rpc::Call& call, const v1::ConfirmScheduleRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kSchedule, request.schedule_id(), "schedule_id"));
  rpc::Outgoing context = call.AsService();
  FLORIN_CO_RETURN_IF_ERROR(
      co_await confirm_.Run(std::move(context), user, id, audit::OriginOfCall(call)));
  const absl::StatusOr<Schedule> schedule = co_await store_.GetSchedule(user, id);
  if (!schedule.ok()) co_return schedule.status();
  co_return ToProto(*schedule, approval_page_);
}

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::GetSchedule(
    rpc::Call& call, const v1::GetScheduleRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kSchedule, request.schedule_id(), "schedule_id"));
  const absl::StatusOr<Schedule> schedule = co_await store_.GetSchedule(user, id);
  if (!schedule.ok()) co_return schedule.status();
  co_return ToProto(*schedule, approval_page_);
}

Task<absl::StatusOr<v1::ListSchedulesResponse>> SchedulesRpc::ListSchedules(
    rpc::Call& call, const v1::ListSchedulesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<Schedule>> schedules =
      co_await store_.ListSchedules(user, page.after, page.size + 1);
  if (!schedules.ok()) co_return schedules.status();
  v1::ListSchedulesResponse response;
  response.set_next_page_token(
      CutPage(page, *schedules, [](const Schedule& schedule) { return schedule.schedule_id; }));
  for (const Schedule& schedule : *schedules) {
    *response.add_schedules() = ToProto(schedule, approval_page_);
  }
  co_return response;
}

Task<absl::StatusOr<v1::ListOccurrencesResponse>> SchedulesRpc::ListOccurrences(
    rpc::Call& call, const v1::ListOccurrencesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kSchedule, request.schedule_id(), "schedule_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<int> before, NumberOf(page.after));
  absl::StatusOr<std::vector<Occurrence>> occurrences =
      co_await store_.ListOccurrences(user, id, before, page.size + 1);
  if (!occurrences.ok()) co_return occurrences.status();
  v1::ListOccurrencesResponse response;
  response.set_next_page_token(CutPage(
      page, *occurrences, [](const Occurrence& occurrence) { return PagedBy(occurrence.number); }));
  for (const Occurrence& occurrence : *occurrences) {
    *response.add_occurrences() = ToProto(occurrence);
  }
  co_return response;
}

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::CancelSchedule(
    rpc::Call& call, const v1::CancelScheduleRequest& request) {
  co_return co_await Change(call, request.schedule_id(), ScheduleEvent::kCancel);
}

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::PauseSchedule(
    rpc::Call& call, const v1::PauseScheduleRequest& request) {
  co_return co_await Change(call, request.schedule_id(), ScheduleEvent::kPause);
}

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::ResumeSchedule(
    rpc::Call& call, const v1::ResumeScheduleRequest& request) {
  co_return co_await Change(call, request.schedule_id(), ScheduleEvent::kResume);
}

Task<absl::StatusOr<v1::Schedule>> SchedulesRpc::Change(rpc::Call& call, std::string schedule_id,
                                                        ScheduleEvent event) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kSchedule, schedule_id, "schedule_id"));
  const absl::StatusOr<Schedule> schedule = co_await store_.ChangeSchedule(
      user, id, event, NowInMicroseconds(clock_), audit::OriginOfCall(call));
  if (!schedule.ok()) co_return schedule.status();
  co_return ToProto(*schedule, approval_page_);
}

}  // namespace florin::payments
