#include "libs/pg/test_database.h"

#include <cstdlib>
#include <set>

#include "libs/pg/migrate.h"
#include "libs/status/check.h"

namespace florin::pg {

void CreateTables(testing::Postgres& postgres, const std::string& service) {
  postgres.CreateSchema(service);
  const char* source = std::getenv("FLORIN_SOURCE_DIR");
  const auto migrations = LoadMigrations(std::string(source == nullptr ? "." : source) +
                                         "/services/" + service + "/store/migrations");
  FLORIN_CHECK(migrations.ok(), "the migrations of a service can be read");
  const auto applied = Migrate(postgres.conninfo(service + "_owner"), service, *migrations);
  FLORIN_CHECK(applied.ok(), "the migrations of a service can be applied");
}

testing::Postgres& TestDatabase(const std::string& service) {
  static testing::Postgres postgres;
  static std::set<std::string> services;
  if (services.insert(service).second) CreateTables(postgres, service);
  return postgres;
}

}  // namespace florin::pg
