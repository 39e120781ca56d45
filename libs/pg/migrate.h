// Schema migrations: numbered, forward only, each in a transaction of its own, recorded with its
// checksum.
#pragma once

#include <string>
#include <vector>

#include "libs/status/status.h"

namespace florin::pg {

struct Migration {
  int number = 0;    // NNNN of the file name
  std::string name;  // the file name
  std::string sql;
};

// Reads NNNN_name.sql files from `directory`, in order. Errors: a gap or a duplicate in the
// numbers, an unreadable file.
absl::StatusOr<std::vector<Migration>> LoadMigrations(const std::string& directory);

// Applies what is missing, as the migration role (conninfo's user, owner of `schema`), one migrator
// at a time (advisory lock). Records number, name and SHA-256 in `schema`.migrations. Returns how
// many were applied. Errors: kInternal if a recorded migration differs from the file or is unknown
// to this program; kUnavailable.
absl::StatusOr<int> Migrate(const std::string& conninfo, const std::string& schema,
                            const std::vector<Migration>& migrations);

}  // namespace florin::pg
