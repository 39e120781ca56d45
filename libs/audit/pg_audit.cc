#include "libs/audit/pg_audit.h"

#include <utility>

#include "libs/pg/array.h"
#include "libs/status/check.h"
#include "libs/telemetry/metrics.h"

namespace florin::audit {
namespace {

constexpr char kInsert[] =
    "INSERT INTO audit_events (event_id, event_time, action, actor, on_behalf_of, subject, "
    "  allowed, reason, caller, client_address, request_id, details) "
    "SELECT event_id, timestamptz 'epoch' + micros * interval '1 microsecond', action, actor, "
    "  on_behalf_of, subject, allowed, reason, caller, client_address, request_id, details "
    "FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], "
    "  $7::boolean[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) "
    "AS n (event_id, micros, action, actor, on_behalf_of, subject, allowed, reason, caller, "
    "  client_address, request_id, details) "
    "ON CONFLICT (event_id) DO NOTHING";

}  // namespace

std::vector<pg::Statement> InsertStatements() { return {{"audit_insert", kInsert}}; }

void Insert(pqxx::transaction_base& transaction, const std::vector<Event>& events) {
  if (events.empty()) return;
  pg::Array ids;
  pg::Array times;
  pg::Array actions;
  pg::Array actors;
  pg::Array on_behalf_of;
  pg::Array subjects;
  pg::Array allowed;
  pg::Array reasons;
  pg::Array callers;
  pg::Array addresses;
  pg::Array requests;
  pg::Array details;
  for (const Event& given : events) {
    FLORIN_CHECK(CheckAction(given.action).ok(), "an action is a name of ours");
    const Event event = Fit(given);
    ids.Add(event.event_id);
    times.Add(absl::ToUnixMicros(event.time));
    actions.Add(event.action);
    actors.Add(event.actor);
    on_behalf_of.Add(event.on_behalf_of);
    subjects.Add(event.subject);
    allowed.Add(event.decision == Decision::kAllowed);
    reasons.Add(event.reason);
    callers.Add(event.origin.caller);
    addresses.Add(event.origin.client_address);
    requests.Add(event.origin.request_id);
    details.Add(EncodeDetails(event.details));
  }
  transaction.exec_prepared("audit_insert", ids.literal(), times.literal(), actions.literal(),
                            actors.literal(), on_behalf_of.literal(), subjects.literal(),
                            allowed.literal(), reasons.literal(), callers.literal(),
                            addresses.literal(), requests.literal(), details.literal());
}

void CountEvent(const Event& event) {
  telemetry::Count("florin_audit_events_total",
                   {{"action", event.action}, {"decision", std::string(NameOf(event.decision))}});
}

Task<absl::Status> PgRecorder::Record(Event event) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&event](pqxx::work& transaction) -> absl::StatusOr<bool> {
    Insert(transaction, {event});
    return true;
  };
  const absl::StatusOr<bool> recorded = co_await pool_.Transact<bool>(std::move(work));
  if (!recorded.ok()) {
    telemetry::Count("florin_audit_failures_total", {{"action", event.action}});
    co_return Error(Reason::kUnavailable, "what happened could not be recorded");
  }
  CountEvent(event);
  co_return absl::OkStatus();
}

}  // namespace florin::audit
