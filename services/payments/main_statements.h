// What the pool of the database has to prepare, for all parts of payments together.
#pragma once

#include <vector>

#include "libs/pg/pool.h"

namespace florin::payments {

std::vector<pg::Statement> AllStatements();

}  // namespace florin::payments
