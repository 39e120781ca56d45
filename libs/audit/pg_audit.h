// The audit trail in PostgreSQL: the tables audit_events, audit_links and audit_heads of a
// service's schema, which its migration makes (docs/audit.md has the text). The runtime role may
// insert and select, nothing else.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "libs/audit/recorder.h"
#include "libs/pg/pool.h"

namespace florin::audit {

// For the pool of everybody who inserts or records.
std::vector<pg::Statement> InsertStatements();

// Records events in this transaction: they are there if and only if it commits. One statement,
// however many. Event ids that are there already are left as they are, so that a transaction may
// run again. Throws as pqxx does; the caller's pool catches. Fits the events; counts nothing, since
// the transaction may not commit: CountEvent() is for after it.
void Insert(pqxx::transaction_base& transaction, const std::vector<Event>& events);

// florin_audit_events_total{action,decision}: alerts watch it.
void CountEvent(const Event& event);

// Runs `work`, which says by the vector what it did, in a transaction, with these events in it.
// Counts them after the commit. `work` may run several times. Errors: those of Transact().
template <class T>
Task<absl::StatusOr<T>> TransactNoting(
    pg::Pool& pool, std::function<absl::StatusOr<T>(pqxx::work&, std::vector<Event>&)> work) {
  std::vector<Event> events;
  std::function<absl::StatusOr<T>(pqxx::work&)> both = [&work, &events](pqxx::work& transaction) {
    events.clear();
    absl::StatusOr<T> done = work(transaction, events);
    if (done.ok()) Insert(transaction, events);
    return done;
  };
  absl::StatusOr<T> done = co_await pool.Transact<T>(std::move(both));
  if (done.ok()) {
    for (const Event& event : events) CountEvent(event);
  }
  co_return done;
}

// Runs `work` in a transaction, with `event` in it if what `work` gives is true (has a value, is
// not zero): whether it took effect. Counts the event after the commit. Errors: those of
// Transact().
template <class T>
Task<absl::StatusOr<T>> TransactWith(pg::Pool& pool, Event event,
                                     std::function<absl::StatusOr<T>(pqxx::work&)> work) {
  std::function<absl::StatusOr<T>(pqxx::work&, std::vector<Event>&)> noting =
      [work = std::move(work), event = std::move(event)](pqxx::work& transaction,
                                                         std::vector<Event>& events) {
        absl::StatusOr<T> done = work(transaction);
        if (done.ok() && static_cast<bool>(*done)) events.push_back(event);
        return done;
      };
  return TransactNoting<T>(pool, std::move(noting));
}

// Records each event in a transaction of its own. Thread-safe. `pool` has InsertStatements() and
// outlives this.
class PgRecorder : public Recorder {
 public:
  explicit PgRecorder(pg::Pool& pool) : pool_(pool) {}
  Task<absl::Status> Record(Event event) override;

 private:
  pg::Pool& pool_;
};

}  // namespace florin::audit
