#include "services/auth/flow/audit_events.h"

#include <utility>

namespace florin::auth {

audit::Event NewEvent(Clock& clock, IdSource& ids, std::string action, audit::Origin origin) {
  audit::Event event;
  event.event_id = ids.NewId();
  event.time = clock.Now();
  event.action = std::move(action);
  event.origin = std::move(origin);
  return event;
}

audit::Event UserEvent(Clock& clock, IdSource& ids, std::string action, const Uuid& user_id,
                       audit::Origin origin) {
  audit::Event event = NewEvent(clock, ids, std::move(action), std::move(origin));
  event.actor = FormatId(IdKind::kUser, user_id);
  event.subject = event.actor;
  return event;
}

}  // namespace florin::auth
