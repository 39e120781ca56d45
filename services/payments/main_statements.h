// The pool of the database, for all parts of payments together.
#pragma once

#include <vector>

#include "libs/pg/pool.h"
#include "libs/process/process.h"

namespace florin::payments {

// What it has to prepare.
std::vector<pg::Statement> AllStatements();
pg::PoolOptions DatabaseOf(process::Process& process);

}  // namespace florin::payments
