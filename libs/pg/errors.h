// The edge at which libpqxx's exceptions end. For libs/pg, and for a store that holds a connection
// of its own.
#pragma once

#include <functional>

#include "libs/status/status.h"

namespace florin::pg::internal {

// What became of one attempt at talking to PostgreSQL.
struct Attempt {
  absl::Status status;
  bool again = false;            // Another attempt may succeed.
  bool connection_lost = false;  // The connection is of no more use.
};

// Runs `work` and turns what it throws into an Attempt. `again` after a serialization failure, a
// deadlock, a lost connection and a COMMIT with an unknown outcome; the status is kUnavailable
// then, kInternal for any other exception.
//
// Messages bear the SQLSTATE; PostgreSQL's own text is added only where it names objects, never
// where it quotes values.
Attempt Catch(const std::function<absl::Status()>& work);

}  // namespace florin::pg::internal
