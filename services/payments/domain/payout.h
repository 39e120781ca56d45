// A payout: a payment over a rail to somebody elsewhere. Its saga as a value, as data and as ledger
// transactions.
//
//   created    the intent is kept; where its payer must approve it, it waits for that
//   reserved   the ledger has set the money aside (P1). Only now, and before, it can be canceled
//   sending    to be sent, whatever happens; the ledger moves the money to the rail's clearing
//              account (P2)
//   sent       submitted to the rail, or about to be: whatever is not known is found out by asking
//   settling   the rail has paid; to be booked (P3)
//   rejecting  the rail has not and will not; to be booked (P4)
//   returning  the rail has paid and got it back; to be booked (P5, or P8 where its fee is given
//              back, and P6, at once)
//   canceling  to be released (P7)
//
// A fee (its payment's pricing) is set aside with the amount, taken when the amount goes to the
// clearing account, and comes back with what the rail rejects; so that it is never taken of what
// was not paid.
//
// Each stage is durable before what it says is done, each booking has one id, and the rail knows
// the payout by the payment's id: so that every step may be repeated by anybody, after any crash.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/payments/domain/posting_template.h"
#include "services/payments/domain/rail.h"
#include "services/payments/domain/state_machine.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {

enum class PayoutStage {
  kCreated,
  kReserved,
  kSending,
  kSent,
  kSettling,
  kRejecting,
  kReturning,
  kCanceling,
  kSettled,   // The payment is SUCCEEDED.
  kRejected,  // The payment is FAILED by the rail.
  kReturned,  // The payment is RETURNED.
  kCanceled,  // The payment is CANCELED.
  kRefused,   // The payment is FAILED by the ledger.
};

enum class PayoutEvent {
  kCreate,
  kLedgerReserved,
  kLedgerRefused,
  kGivenUp,
  kCancel,
  kSend,
  kBooked,
  kRailSettled,
  kRailRejected,
  kRailReturned,
};

// Names as they are stored: "created", … Parsing gives kInternal for any other text.
std::string_view NameOf(PayoutStage stage);
std::string_view NameOf(PayoutEvent event);
absl::StatusOr<PayoutStage> ParsePayoutStage(std::string_view name);

struct PayoutTransition {
  std::optional<PayoutStage> from;  // Nothing: the payout does not exist yet.
  PayoutEvent event;
  Actor by;
  PayoutStage to;
  std::string_view guard = {};
};

// Every transition there is; no two from and to the same stages.
std::span<const PayoutTransition> PayoutTransitions();
bool MayAdvance(PayoutStage from, PayoutStage to);
bool IsTerminal(PayoutStage stage);

struct Payout {
  Payment payment;  // Of kind kPayout.
  Beneficiary beneficiary;
  std::string rail;
  PayoutStage stage = PayoutStage::kCreated;
  // Why the rail rejected or returned it (ISO 20022), or the reason why the ledger would not send
  // it.
  std::string code = {};
  int asked = 0;  // How often the rail was asked in vain.

  friend bool operator==(const Payout&, const Payout&) = default;
};

// What has become of a payout's fee.
enum class FeeState {
  kNone,       // It costs nothing.
  kHeld,       // Set aside, or to be, with the amount.
  kTaken,      // The house has it.
  kNotTaken,   // It never was taken: the payout was canceled or refused.
  kGivenBack,  // It was, and is in the account again: rejected; returned, where the fee says so.
};
// As of the payout's stage: what is to be booked has not happened yet.
FeeState FeeStateOf(const Payout& payout);
// "none", "held", …
std::string_view NameOf(FeeState state);
// Whether what goes back in a stage (rejecting, returning, and after) has the fee with it.
bool FeeComesBack(const Payout& payout);

struct PayoutRequest {
  Uuid source_account_id;
  Money amount;
  Beneficiary beneficiary;
  std::string reference;
  std::string rail;
};

// Error: kInvalidBeneficiary with the param to blame, unless the name has 1 to 70 plain characters
// and exactly one of `iban` and `account` is given: an IBAN, or 1 to 34 visible ASCII characters.
absl::StatusOr<Beneficiary> CheckBeneficiary(std::string_view name, std::string_view iban,
                                             std::string_view account);

// Whom the payer is shown, and approves: name and account.
std::string PayeeNameOf(const Beneficiary& beneficiary);

// What a request asks for: equal for equal requests only.
std::string CanonicalPayout(const PayoutRequest& request);

// The payment that records the intent.
Payment NewPayout(const Uuid& payment_id, const Uuid& user_id, const PayoutRequest& request,
                  absl::Time now);

// The payment as reaching `stage` leaves it: a state of its own where the stage says so. `code` as
// of Payout. The payment must be in the state that the stage before has.
Payment AtStage(Payment payment, PayoutStage stage, const std::string& code, absl::Time now);

// The ids of all bookings that a payout can have, whatever its way.
std::vector<Uuid> BookingIdsOf(const Uuid& payment_id);

// What the ledger is to book in a stage that ends in "-ing". `attempt` 2, after the first was
// refused for good: what goes back to the payer goes to suspense (2200), since their account takes
// nothing more.
StepTransaction BookingOf(const Payout& payout, int attempt);
bool HasSecondAttempt(PayoutStage stage);
// The accounts of the house that the booking is on.
std::vector<HouseAccount> HouseAccountsOf(const Payout& payout);
// The stage after the booking.
PayoutStage BookedStageOf(PayoutStage stage);

// When the rail is asked again after `asked` times in vain: 2 s, then twice as long each time, up
// to five minutes.
absl::Duration PauseAfter(int asked);

// What the owner of a failed payout is told: as FailureOf(payment), with the rail's code in
// metadata `rail_code`.
absl::Status FailureOf(const Payout& payout);

}  // namespace florin::payments
