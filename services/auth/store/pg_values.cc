#include "services/auth/store/pg_values.h"

#include "absl/strings/escaping.h"

namespace florin::auth::pgvalues {

std::string OctetsOf(const pqxx::field& field) { return absl::HexStringToBytes(field.c_str()); }

Uuid UuidOf(const pqxx::field& field) {
  const absl::StatusOr<Uuid> id = Uuid::Parse(field.c_str());
  FLORIN_CHECK(id.ok(), "PostgreSQL writes a uuid as one");
  return *id;
}

}  // namespace florin::auth::pgvalues
