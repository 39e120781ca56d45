// Page tokens of ListEntries: they stand for the last entry of the page before and fit only the
// account that they were given for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::ledger {

std::string EntryPageToken(const Uuid& account_id, std::int64_t last_version);

// Error: kInvalidPageToken for anything that EntryPageToken did not give for this account.
absl::StatusOr<std::int64_t> ParseEntryPageToken(const Uuid& account_id, std::string_view token);

}  // namespace florin::ledger
