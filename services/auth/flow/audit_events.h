// The events of auth's audit trail (docs/audit.md has the list of actions).
#pragma once

#include <string>

#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"

namespace florin::auth {

// One of now, under an id of its own, of which nothing but `action` and `origin` is known yet.
audit::Event NewEvent(Clock& clock, IdSource& ids, std::string action, audit::Origin origin);
// One of what a user did to what is theirs: the actor is the user, the subject as well.
audit::Event UserEvent(Clock& clock, IdSource& ids, std::string action, const Uuid& user_id,
                       audit::Origin origin);

}  // namespace florin::auth
