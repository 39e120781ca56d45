// What two people have agreed on, used up by what is done by it.
#pragma once

#include <string>

#include "florin/auth/v1/proposals.rpc.h"
#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "libs/status/status.h"

namespace florin::payments {

// An approved proposal, as auth keeps it (proposals.proto).
struct Agreement {
  std::string proposal_id;   // "prp_…"
  std::string kind;          // As "payments.limit".
  std::string payload;       // Canonical JSON (RFC 8785): just that was agreed on.
  std::string execution_id;  // Of what is done by it, and by nothing else, however often.
};

// Errors: those of auth's ConsumeProposal. `context` is for calls made as this service.
Task<absl::Status> Consume(auth::v1::ProposalsClient& proposals, rpc::Outgoing context,
                           Agreement agreement);

}  // namespace florin::payments
