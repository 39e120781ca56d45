// Column `request` of the journal: what a command said beyond the columns, as JSON. Nothing for
// most posts. Numbers are exact 64-bit integers; times are microseconds since 1970.
//
//   asked, balancing     amounts and "d", "c", "dc" or "" of each posting, where one is balancing
//   timeout_us           of a hold
//   amounts, final       of a capture
//   posting, at_original_time                    of a reversal
//   currency, normal_side, debits_must_not_exceed_credits, credits_must_not_exceed_debits,
//   credit_line_minor                            of an opening; the last also of its change
//   until_us             of the closing of a period
//   preconditions        [{account_id, version, least_balance_minor, most_balance_minor}]
//   linked_to_next
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/ledger/domain/command.h"

namespace florin::ledger {

// Pure. Nothing if the columns say all.
std::optional<std::string> WriteRequest(const Command& command);

// Completes `command`, whose columns have been read: action of the right kind with its subject and
// postings. Error: kInternal for anything that WriteRequest would not write.
absl::Status ReadRequest(std::string_view json, Command& command);

}  // namespace florin::ledger
