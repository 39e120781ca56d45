#include "services/payments/main_charges.h"

#include <utility>

#include "absl/flags/flag.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"

ABSL_FLAG(
    std::string, refund_shortfall, "refuse",
    "What becomes of a refund that the payee's balance does not cover: refuse, or receivable: "
    "what is missing becomes the payee's debt.");

namespace florin::payments {
namespace {

bool MayOweOrExit() {
  return config::ValueOrExit(ParseShortfallPolicy(absl::GetFlag(FLAGS_refund_shortfall)),
                             "reading --refund_shortfall");
}

}  // namespace

ChargeParts::ChargeParts(Executor executor, pg::Pool& pool, Settlement& settlement,
                         AccountDirectory& accounts, ledger::v1::LedgerClient& ledger,
                         rpc::Channel& auth, std::string book, VainAttempts& vain, Clock& clock)
    : proposals_(&auth),
      store_(pool),
      accounts_(ledger, std::move(book)),
      parties_(store_, accounts),
      steps_(std::move(executor), store_, settlement, accounts_, clock),
      recovery_(store_, steps_, vain, clock),
      charges_(steps_, parties_, store_, SystemIds(), MayOweOrExit()),
      disputes_(steps_, parties_, store_, proposals_, SystemIds(), clock) {}

}  // namespace florin::payments
