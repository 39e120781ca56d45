// Keeps in the audit trail who tried to get rights and did not.
#pragma once

#include <string>

#include "libs/audit/recorder.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "libs/rpc/context.h"

namespace florin::auth {

// Roles, API keys and proposals give rights: whoever is told no is recorded, as who changes them is
// by their stores. Thread-safe. The arguments of the constructor outlive it.
class RefusedAttempts {
 public:
  struct Attempt {
    std::string action;   // docs/audit.md
    std::string actor;    // The call's user; for a method of services, its caller.
    std::string subject;  // Empty if it has no id yet.
  };

  RefusedAttempts(audit::Recorder& recorder, Clock& clock, IdSource& ids)
      : recorder_(recorder), clock_(clock), ids_(ids) {}

  // What to answer the call, which attempted that and got `refused`: the same, or kUnavailable
  // where it could not be recorded. Only what the caller may not do is recorded; a malformed
  // request, an unknown id and a part that fails are not.
  Task<absl::Status> Note(const rpc::Call& call, Attempt attempt, absl::Status refused);

 private:
  audit::Recorder& recorder_;
  Clock& clock_;
  IdSource& ids_;
};

}  // namespace florin::auth
