// Where flows record events that belong to no other transaction: refusals above all.
//
//   audit::Event event{
//       .event_id = ids.NewId(), .time = clock.Now(), .action = "auth.session.begin"};
//   FLORIN_CO_RETURN_IF_ERROR(co_await recorder.Record(std::move(event)));
//
// What a store writes in a transaction of its own records its events in that same transaction:
// audit::Insert (pg_audit.h).
#pragma once

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "libs/status/status.h"

namespace florin::audit {

// Thread-safe. pg_audit.h has the real one, fake_recorder.h one for tests.
class Recorder {
 public:
  virtual ~Recorder() = default;
  // Durable when it returns OK. Idempotent by event_id. Error: kUnavailable, after which the caller
  // does not say yes to what could not be recorded. Counts
  // florin_audit_events_total{action,decision}.
  virtual Task<absl::Status> Record(Event event) = 0;
};

}  // namespace florin::audit
