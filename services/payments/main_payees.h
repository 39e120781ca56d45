// Wiring of the check that payees were saved.
#pragma once

#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/payee_check.h"

namespace florin::payments {

// Reads the flags; ends the process where they are wrong.
class PayeeParts {
 public:
  // `accounts` is a channel to florin-accounts. References outlive this; before the first payment.
  PayeeParts(rpc::Channel& accounts, CreatePayment& create, Clock& clock);

  // Of payouts, too.
  PayeeCheck& check() { return check_; }

 private:
  accounts::v1::PayeesClient client_;
  PayeeCheck check_;
};

}  // namespace florin::payments
