// A decision as the evidence that the signed log holds of it (proof/record.h). Pure.
#pragma once

#include "services/ledger/domain/command.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger {

// Of a decision that is kept: one with a sequence.
proof::Record RecordOf(const Decision& decision);

}  // namespace florin::ledger
