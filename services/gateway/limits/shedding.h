// Which requests are refused when there are too many at once. Pure.
#pragma once

namespace florin::gateway {

// In the order in which they are given up, last first. What is under way is finished before what is
// new begins: a retry asks for the outcome of something that may have happened, and a read changes
// nothing.
enum class Priority {
  kRead,        // Reads, and retries of anything: refused only when nothing is left.
  kWrite,       // New writes.
  kCredential,  // New checks of a password: the most work, for whoever is not yet known.
};

// "read", "write", "credential".
const char* NameOf(Priority priority);

// Whether a request of `priority` begins while `running` others run, of at most `limit`: reads and
// retries may use all of it, new writes 80 %, new checks of credentials 50 %.
bool MayBegin(Priority priority, int running, int limit);

}  // namespace florin::gateway
