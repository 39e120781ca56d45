#include "services/payments/main_payees.h"

#include <string>

#include "absl/flags/flag.h"
#include "libs/config/config.h"

ABSL_FLAG(bool, require_payee, false,
          "Payers pay accounts of others only once they have saved them as payees "
          "(docs/payees.md).");
ABSL_FLAG(
    std::string, payee_cooling_off_above, "",
    "CURRENCY:AMOUNT,... in minor units: up to so much a new payee is paid at once, more only "
    "after florin-accounts' --payee_cooling_off. With --require_payee.");

ABSL_FLAG(std::string, payout_payees, "anybody",
          "Whom payouts go to: anybody; approved: who was not saved as a payee, or is new, only "
          "with the payer's approval, whatever --approval_policy exempts; saved: nobody else "
          "(docs/payees.md).");

namespace florin::payments {
namespace {

PayeePolicy PolicyOrExit() {
  return {.required = absl::GetFlag(FLAGS_require_payee),
          .payouts = config::ValueOrExit(ParsePayoutPayees(absl::GetFlag(FLAGS_payout_payees)),
                                         "reading --payout_payees"),
          .while_cooling_off =
              config::ValueOrExit(ParseAmounts(absl::GetFlag(FLAGS_payee_cooling_off_above)),
                                  "reading --payee_cooling_off_above")};
}

}  // namespace

PayeeParts::PayeeParts(rpc::Channel& accounts, CreatePayment& create, Clock& clock)
    : client_(&accounts), check_(client_, PolicyOrExit(), clock) {
  if (absl::GetFlag(FLAGS_require_payee)) create.RequirePayees(check_);
}

}  // namespace florin::payments
