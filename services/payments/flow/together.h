// Several coroutines at once.
#pragma once

#include <vector>

#include "libs/async/task.h"

namespace florin::payments {

// Runs `tasks` on `executor` at the same time, and ends when all have. What they refer to outlives
// the call.
Task<void> Together(Executor executor, std::vector<Task<void>> tasks);

}  // namespace florin::payments
