// For tests of stores: an event of no matter what.
#pragma once

#include <string>
#include <utility>

#include "libs/audit/event.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"

namespace florin::auth {

inline audit::Event SomeEvent(std::string action = "auth.store.test") {
  audit::Event event;
  event.event_id = SystemIds().NewId();
  event.time = SystemClock().Now();
  event.action = std::move(action);
  return event;
}

}  // namespace florin::auth
