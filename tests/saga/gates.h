// Where coroutines of the simulated processes wait for their fate: whatever takes time in a real
// process passes a gate, and the scheduler says which of those that wait goes on next.
//
// Not thread-safe: the simulation has one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libs/async/task.h"

namespace florin::saga {

// A process that runs, by number; a process that was started again is another one.
using Owner = int;

class Gates {
 public:
  // Waits until it is let through. False: what it was about got lost.
  Task<bool> Pass(Owner owner, const char* what);

  std::size_t waiting() const { return waiting_.size(); }
  // Lets one through, and says which.
  std::string Open(std::size_t index, bool lost);
  // Its process has crashed: nobody waits any more. Its io_context is still there.
  void Drop(Owner owner);

 private:
  struct Waiting {
    Owner owner;
    const char* what;
    std::function<void(bool)> go_on;
  };
  std::vector<Waiting> waiting_;
};

}  // namespace florin::saga
