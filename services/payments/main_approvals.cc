#include "services/payments/main_approvals.h"

#include <string>

#include "absl/flags/flag.h"
#include "libs/config/config.h"

ABSL_FLAG(
    std::string, approval_policy, "",
    "Which transfers to accounts of other users, and which payouts, their payers must approve "
    "(RTS Art. 5): none if empty; all; or CURRENCY:SINGLE:TOTAL,... in minor units: all but "
    "low values of these currencies (RTS Art. 16), e.g. EUR:3000:10000.");

namespace florin::payments {

ApprovalParts::ApprovalParts(pg::Pool& pool, rpc::Channel& auth)
    : policy_(config::ValueOrExit(ParseApprovalPolicy(absl::GetFlag(FLAGS_approval_policy)),
                                  "reading --approval_policy")),
      client_(&auth),
      store_(pool),
      approvals_(client_) {}

}  // namespace florin::payments
