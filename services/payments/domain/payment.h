// A payment as a value: what is moved, for whom, and how far it has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"
#include "services/payments/domain/limit.h"
#include "services/payments/domain/pricing.h"

namespace florin::payments {

// What kind of movement. Each kind has one method that creates it, so the kind also scopes
// idempotency keys.
enum class Kind {
  kTransfer,  // Between two accounts of Florin.
  kDeposit,   // From a rail into an account.
  kPayout,    // From an account over a rail to a beneficiary elsewhere (payout.h).
};

// How far a payment has come; state_machine.h has the ways between them.
enum class State {
  kProcessing,
  kSucceeded,
  kFailed,
  kRequiresAction,
  kCanceled,
  kRequiresCapture,
  kReturned,
};

// Names as they are stored: "transfer", "processing", … Parsing gives kInternal for any other text.
std::string_view NameOf(Kind kind);
std::string_view NameOf(State state);
absl::StatusOr<Kind> ParseKind(std::string_view name);
absl::StatusOr<State> ParseState(std::string_view name);

// What the payer of a payment is asked to approve beside what the payment says itself, and what
// was approved in the end.
struct ApprovalTerms {
  Uuid approval_id;        // ApprovalIdOf(payment_id): auth's.
  std::string payee_name;  // As the payer is shown it. Personal data: as `reference`.
  std::string nonce;       // sca::kNonceSize octets.
  absl::Time expire_time;
  std::string approved_binding;  // Digest of what was redeemed, octets; empty before.

  friend bool operator==(const ApprovalTerms&, const ApprovalTerms&) = default;
};

// What became of a payment's money after it was set aside or moved, in its minor units. Steps
// (step.h) change it; what is in flight is counted before the ledger is asked, so that no two steps
// can use the same money.
struct Counters {
  std::int64_t captured_minor = 0;   // Of an authorization: posted.
  std::int64_t capturing_minor = 0;  // Of an authorization: captures in flight.
  std::int64_t refunded_minor = 0;   // Refunds, those in flight included.
  std::int64_t disputed_minor = 0;   // Disputed, in flight or decided for the payer.
  std::int64_t upheld_minor = 0;  // Disputed and decided for the payee: not to be disputed again.
  // Why the rest of an authorization was released: kReleasedByCapture or the name of a reason.
  // Empty: it was not.
  std::string release_reason = {};
  // What refunds and disputes brought back of a conversion, those in flight included.
  Returned returned = {};

  friend bool operator==(const Counters&, const Counters&) = default;
};

// The books of the ledger that a payment's accounts are in.
struct Books {
  std::string source;
  std::string target;

  friend bool operator==(const Books&, const Books&) = default;
};

inline constexpr std::string_view kReleasedByCapture = "captured";

struct Payment {
  Uuid payment_id;
  Uuid user_id;  // Who made it. The owner of the destination may see it, too: VisibleToPayee().
  Kind kind = Kind::kTransfer;
  State state = State::kProcessing;
  Uuid source_account_id;       // Nil for a deposit.
  Uuid destination_account_id;  // Of several payees, the first who is not the payer; of a payout
                                // the rail's clearing account.
  Money amount;
  std::string reference;       // Personal data: never logged, never sent to the ledger.
  std::string failure_reason;  // Name of the reason where state is kFailed (the ledger's, or
                               // kRailRejected), kCanceled or kReturned; otherwise empty.
  Uuid transaction_id;         // TransactionIdOf(payment_id): the ledger transaction.
  absl::Time create_time;      // Whole microseconds, as are all times that are stored.
  absl::Time update_time;      // When `state` last changed.
  std::optional<ApprovalTerms> approval;  // Nothing: executed without.
  std::optional<Pricing> pricing;         // Nothing: moves its amount and that is all.
  // How long the money is set aside for the payee to capture it. Nothing: it is moved at once.
  std::optional<absl::Duration> authorization_timeout = {};
  std::optional<absl::Time> authorization_expire_time = {};  // The ledger's, once it is set aside.
  Counters counters = {};
  // What it uses of limits, decided with the intent; nothing for most.
  std::vector<LimitUse> limit_uses = {};
  // Where failure_reason is, or is to be, limit_exceeded.
  std::optional<LimitRefusal> limit_refusal = {};
  // Nothing: all of its accounts are in the usual book.
  std::optional<Books> books = {};

  friend bool operator==(const Payment&, const Payment&) = default;
};

// Whether its money goes from one book to another (book_transfer.h).
bool AreApart(const Payment& payment);

// How it was converted; nothing: all of it is in one currency.
const Conversion* ConversionOf(const Payment& payment);

// What the payer is debited in total: the amount, and the fee that he bears. Of a deposit the
// amount.
Money DebitedOf(const Payment& payment);
// What the payees are credited in total, in their currency.
Money CreditedOf(const Payment& payment);

// What limits are to judge a payment by, which is debited by order of its user; his customer's
// level is accounts', as are the payees' countries; of a payout that of its destination account is
// the beneficiary's. Nothing for a deposit.
std::optional<LimitedPayment> LimitedPaymentOf(const Payment& payment, KycLevel payer_level,
                                               const PayeeCountries& countries);

// What the accounts service says about an account. None of it but level and country ever changes;
// how old that may be is AccountDirectory's to say.
struct AccountFacts {
  Uuid account_id;
  Uuid owner_user_id;
  Currency currency;
  std::string holder_name;               // Whose account it is, by name. Personal data.
  KycLevel kyc_level = KycLevel::kNone;  // Of its customer.
  std::string book = {};                 // Of the ledger. Empty: the usual one.
  std::string country = {};              // Where they live; empty: not known. Personal data.
};

}  // namespace florin::payments
