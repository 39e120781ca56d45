// For tests: a private PostgreSQL with the tables of a service, as its migrations make them.
#pragma once

#include <string>

#include "libs/testing/postgres.h"

namespace florin::pg {

// The schema `service`, its roles and what services/`service`/store/migrations makes in it, found
// below FLORIN_SOURCE_DIR or the working directory. Ends the process if a migration fails.
void CreateTables(testing::Postgres& postgres, const std::string& service);

// One server with the tables of `service` for all tests of a program, started when first needed:
// the tests keep their data apart. Main thread only.
testing::Postgres& TestDatabase(const std::string& service);

}  // namespace florin::pg
