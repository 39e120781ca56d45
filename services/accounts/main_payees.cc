#include "services/accounts/main_payees.h"

#include "absl/flags/flag.h"

ABSL_FLAG(absl::Duration, payee_cooling_off, absl::ZeroDuration(),
          "How long a new payee waits before it may be paid any amount (docs/payees.md); 0: not at "
          "all.");

namespace florin::accounts {

PayeeParts::PayeeParts(pg::Pool& pool, PersonalData& data, Store& accounts, Clock& clock,
                       IdSource& ids)
    : store_(pool, data),
      payees_(accounts, store_, absl::GetFlag(FLAGS_payee_cooling_off), clock, ids),
      rpc_(store_, payees_) {}

}  // namespace florin::accounts
