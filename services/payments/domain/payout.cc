#include "services/payments/domain/payout.h"

#include <algorithm>
#include <utility>

#include "libs/status/check.h"
#include "libs/text/text.h"
#include "services/payments/domain/iban.h"

namespace florin::payments {
namespace {

using S = PayoutStage;
using E = PayoutEvent;

constexpr PayoutTransition kTransitions[] = {
    {std::nullopt, E::kCreate, Actor::kOwner, S::kCreated},
    {S::kCreated, E::kLedgerReserved, Actor::kLedger, S::kReserved},
    {S::kCreated, E::kLedgerRefused, Actor::kLedger, S::kRefused},
    {S::kCreated, E::kGivenUp, Actor::kAuth, S::kCanceled, "the payment was given up"},
    {S::kReserved, E::kSend, Actor::kWorker, S::kSending},
    {S::kReserved, E::kCancel, Actor::kOwner, S::kCanceling},
    {S::kSending, E::kBooked, Actor::kLedger, S::kSent},
    {S::kSending, E::kLedgerRefused, Actor::kLedger, S::kCanceling, "for good"},
    {S::kCanceling, E::kBooked, Actor::kLedger, S::kCanceled},
    {S::kSent, E::kRailSettled, Actor::kRail, S::kSettling},
    {S::kSent, E::kRailRejected, Actor::kRail, S::kRejecting},
    {S::kSettling, E::kBooked, Actor::kLedger, S::kSettled},
    {S::kRejecting, E::kBooked, Actor::kLedger, S::kRejected},
    {S::kSettled, E::kRailReturned, Actor::kRail, S::kReturning},
    {S::kReturning, E::kBooked, Actor::kLedger, S::kReturned},
};

constexpr std::pair<S, std::string_view> kNames[] = {
    {S::kCreated, "created"},     {S::kReserved, "reserved"},   {S::kSending, "sending"},
    {S::kSent, "sent"},           {S::kSettling, "settling"},   {S::kRejecting, "rejecting"},
    {S::kReturning, "returning"}, {S::kCanceling, "canceling"}, {S::kSettled, "settled"},
    {S::kRejected, "rejected"},   {S::kReturned, "returned"},   {S::kCanceled, "canceled"},
    {S::kRefused, "refused"},
};

constexpr std::size_t kLongestName = 70;
constexpr std::size_t kLongestAccount = 34;

absl::Status Invalid(std::string_view why, std::string_view field) {
  return Error(Reason::kInvalidBeneficiary, why, {.param = "beneficiary." + std::string(field)});
}

// Length first, so that no field can pass for the end of another.
void AppendField(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
  out += ';';
}

std::string ReasonName(Reason reason) { return std::string(InfoOf(reason).name); }

std::int64_t FeeMinorOf(const Payment& payment) {
  return payment.pricing && payment.pricing->fee ? payment.pricing->fee->payer_minor : 0;
}

bool IsBackIfReturned(const Payment& payment) {
  return FeeMinorOf(payment) > 0 && payment.pricing->fee->back_if_returned;
}

// The templates of what is booked by a transaction of its own.
std::vector<PostingEvent> EventsOf(const Payment& payment, S stage) {
  switch (stage) {
    case S::kSettling:
      return {PostingEvent::kPayoutSettled};
    case S::kRejecting:
      return {PostingEvent::kPayoutRejected};
    case S::kReturning:
      return {IsBackIfReturned(payment) ? PostingEvent::kPayoutReturnedFeeBack
                                        : PostingEvent::kPayoutReturned,
              PostingEvent::kPayoutReturnSettledNet};
    default:
      return {};
  }
}

Uuid BookingIdOf(const Uuid& payment_id, PayoutStage stage, int attempt) {
  return DeriveId("florin.payments.payout", std::string(NameOf(stage)) + ":" +
                                                FormatId(IdKind::kPayment, payment_id) +
                                                (attempt == 1 ? "" : ".2"));
}

}  // namespace

std::string_view NameOf(PayoutStage stage) {
  const auto* const found =
      std::ranges::find(kNames, stage, &std::pair<S, std::string_view>::first);
  FLORIN_CHECK(found != std::end(kNames), "every stage has a name");
  return found->second;
}

std::string_view NameOf(PayoutEvent event) {
  switch (event) {
    case E::kCreate:
      return "create";
    case E::kLedgerReserved:
      return "ledger_reserved";
    case E::kLedgerRefused:
      return "ledger_refused";
    case E::kGivenUp:
      return "given_up";
    case E::kCancel:
      return "cancel";
    case E::kSend:
      return "send";
    case E::kBooked:
      return "booked";
    case E::kRailSettled:
      return "rail_settled";
    case E::kRailRejected:
      return "rail_rejected";
    case E::kRailReturned:
      return "rail_returned";
  }
  FLORIN_CHECK(false, "every event has a name");
  return {};
}

absl::StatusOr<PayoutStage> ParsePayoutStage(std::string_view name) {
  for (const auto& [stage, known] : kNames) {
    if (name == known) return stage;
  }
  return Error(Reason::kInternal, "no stage of a payout has this name");
}

std::span<const PayoutTransition> PayoutTransitions() { return kTransitions; }

bool MayAdvance(PayoutStage from, PayoutStage to) {
  return std::ranges::any_of(kTransitions, [from, to](const PayoutTransition& row) {
    return row.from == from && row.to == to;
  });
}

bool IsTerminal(PayoutStage stage) {
  return std::ranges::none_of(kTransitions,
                              [stage](const PayoutTransition& row) { return row.from == stage; });
}

absl::StatusOr<Beneficiary> CheckBeneficiary(std::string_view name, std::string_view iban,
                                             std::string_view account) {
  const std::optional<std::size_t> length = CountPlainCharacters(name);
  if (!length || *length == 0 || *length > kLongestName) {
    return Invalid("1 to 70 characters of UTF-8 without control characters", "name");
  }
  if (iban.empty() == account.empty()) return Invalid("one of iban and account", "iban");
  if (!iban.empty()) {
    std::optional<std::string> parsed = ParseIban(iban);
    if (!parsed) return Invalid("not an IBAN, or its check digits do not fit", "iban");
    return Beneficiary{.name = std::string(name), .account = *std::move(parsed), .is_iban = true};
  }
  const bool visible = std::ranges::all_of(account, [](char c) { return c > ' ' && c <= '~'; });
  if (!visible || account.size() > kLongestAccount) {
    return Invalid("1 to 34 visible ASCII characters", "account");
  }
  return Beneficiary{.name = std::string(name), .account = std::string(account)};
}

std::string PayeeNameOf(const Beneficiary& beneficiary) {
  return beneficiary.name + " (" + beneficiary.account + ")";
}

std::string CanonicalPayout(const PayoutRequest& request) {
  std::string out;
  AppendField(out, NameOf(Kind::kPayout));
  AppendField(out, request.source_account_id.ToString());
  AppendField(out, request.amount.currency.code());
  AppendField(out, std::to_string(request.amount.minor_units));
  AppendField(out, request.beneficiary.name);
  AppendField(out, request.beneficiary.is_iban ? "iban" : "account");
  AppendField(out, request.beneficiary.account);
  AppendField(out, request.reference);
  AppendField(out, request.rail);
  return out;
}

Payment NewPayout(const Uuid& payment_id, const Uuid& user_id, const PayoutRequest& request,
                  absl::Time now) {
  const HouseAccount clearing{Role::kOutboundClearing, request.amount.currency};
  return Payment{.payment_id = payment_id,
                 .user_id = user_id,
                 .kind = Kind::kPayout,
                 .state = State::kProcessing,
                 .source_account_id = request.source_account_id,
                 .destination_account_id = HouseAccountId(clearing),
                 .amount = request.amount,
                 .reference = request.reference,
                 .failure_reason = "",
                 .transaction_id = TransactionIdOf(payment_id),
                 .create_time = now,
                 .update_time = now};
}

Payment AtStage(Payment payment, PayoutStage stage, const std::string& code, absl::Time now) {
  std::optional<State> next;
  std::string reason;
  if (stage == S::kSettled) {
    next = NextState(payment.state, Event::kRailSettled, Actor::kRail);
  } else if (stage == S::kRejected) {
    next = NextState(payment.state, Event::kRailRejected, Actor::kRail);
    reason = ReasonName(Reason::kRailRejected);
  } else if (stage == S::kReturned) {
    next = NextState(payment.state, Event::kRailReturned, Actor::kRail);
    reason = ReasonName(Reason::kRailReturned);
  } else if (stage == S::kCanceled && payment.state == State::kProcessing) {
    next = NextState(payment.state, Event::kCancelUnsent, Actor::kOwner);
    reason = code.empty() ? ReasonName(Reason::kPaymentCanceled) : code;
  } else {
    return payment;
  }
  FLORIN_CHECK(next.has_value(), "a stage is reached from the one before");
  payment.state = *next;
  payment.failure_reason = std::move(reason);
  payment.update_time = now;
  return payment;
}

std::vector<Uuid> BookingIdsOf(const Uuid& payment_id) {
  std::vector<Uuid> ids;
  for (const PayoutTransition& row : kTransitions) {
    if (!row.from || row.event != E::kBooked) continue;
    ids.push_back(BookingIdOf(payment_id, *row.from, 1));
    if (HasSecondAttempt(*row.from)) ids.push_back(BookingIdOf(payment_id, *row.from, 2));
  }
  return ids;
}

StepTransaction BookingOf(const Payout& payout, int attempt) {
  const Payment& payment = payout.payment;
  StepTransaction transaction{.transaction_id =
                                  BookingIdOf(payment.payment_id, payout.stage, attempt)};
  if (payout.stage == S::kSending || payout.stage == S::kCanceling) {
    const bool sends = payout.stage == S::kSending;
    transaction.kind = sends ? StepTransaction::Kind::kCapture : StepTransaction::Kind::kVoid;
    transaction.hold_id = payment.transaction_id;
    transaction.amount_minor = DebitedOf(payment).minor_units;
    transaction.whole = FeeMinorOf(payment) > 0;
    transaction.final = sends;
    return transaction;
  }
  const Currency& currency = payment.amount.currency;
  const Uuid back_to =
      attempt == 1 ? payment.source_account_id : HouseAccountId({Role::kSuspense, currency});
  const Filling filling{
      .payer_account_id = back_to,
      .payees = {},
      .currencies = {currency},
      .amounts = {{Term::kAmount, payment.amount.minor_units}, {Term::kFee, FeeMinorOf(payment)}}};
  for (const PostingEvent event : EventsOf(payment, payout.stage)) {
    for (const LedgerPosting& posting : Fill(TemplateOf(event), filling)) {
      transaction.postings.push_back(
          {posting.debit_account_id, posting.credit_account_id, posting.amount_minor});
    }
  }
  FLORIN_CHECK(!transaction.postings.empty(), "only stages on the way book");
  return transaction;
}

bool HasSecondAttempt(PayoutStage stage) {
  return stage == S::kRejecting || stage == S::kReturning;
}

std::vector<HouseAccount> HouseAccountsOf(const Payout& payout) {
  const Currency& currency = payout.payment.amount.currency;
  std::vector<HouseAccount> accounts;
  switch (payout.stage) {
    case S::kSettling:
      accounts = {{Role::kOutboundClearing, currency}, {Role::kNostro, currency}};
      break;
    case S::kRejecting:
      accounts = {{Role::kOutboundClearing, currency}, {Role::kSuspense, currency}};
      break;
    case S::kReturning:
      accounts = {{Role::kInboundClearing, currency},
                  {Role::kNostro, currency},
                  {Role::kSuspense, currency}};
      break;
    default:
      break;
  }
  if (FeeComesBack(payout)) accounts.push_back({Role::kFeeIncome, currency});
  return accounts;
}

bool FeeComesBack(const Payout& payout) {
  const bool rejected = payout.stage == S::kRejecting || payout.stage == S::kRejected;
  const bool returned = payout.stage == S::kReturning || payout.stage == S::kReturned;
  return (rejected && FeeMinorOf(payout.payment) > 0) ||
         (returned && IsBackIfReturned(payout.payment));
}

FeeState FeeStateOf(const Payout& payout) {
  if (FeeMinorOf(payout.payment) == 0) return FeeState::kNone;
  switch (payout.stage) {
    case S::kCreated:
      // The payment ends first: refused by the ledger, or not approved.
      return IsTerminal(payout.payment.state) ? FeeState::kNotTaken : FeeState::kHeld;
    case S::kReserved:
    case S::kSending:
    case S::kCanceling:
      return FeeState::kHeld;
    case S::kSent:
    case S::kSettling:
    case S::kRejecting:
    case S::kReturning:
    case S::kSettled:
      return FeeState::kTaken;
    case S::kRejected:
      return FeeState::kGivenBack;
    case S::kReturned:
      return IsBackIfReturned(payout.payment) ? FeeState::kGivenBack : FeeState::kTaken;
    case S::kCanceled:
    case S::kRefused:
      return FeeState::kNotTaken;
  }
  FLORIN_CHECK(false, "every stage says what became of the fee");
  return FeeState::kNone;
}

std::string_view NameOf(FeeState state) {
  switch (state) {
    case FeeState::kNone:
      return "none";
    case FeeState::kHeld:
      return "held";
    case FeeState::kTaken:
      return "taken";
    case FeeState::kNotTaken:
      return "not_taken";
    case FeeState::kGivenBack:
      return "given_back";
  }
  FLORIN_CHECK(false, "every state of a fee has a name");
  return {};
}

PayoutStage BookedStageOf(PayoutStage stage) {
  for (const PayoutTransition& row : kTransitions) {
    if (row.from == stage && row.event == E::kBooked) return row.to;
  }
  FLORIN_CHECK(false, "only stages on the way are booked");
  return stage;
}

absl::Duration PauseAfter(int asked) {
  const absl::Duration longest = absl::Minutes(5);
  if (asked >= 8) return longest;
  return std::min(longest, absl::Seconds(2) * (1 << asked));
}

absl::Status FailureOf(const Payout& payout) {
  absl::Status failure = FailureOf(payout.payment);
  if (ReasonOf(failure) != Reason::kRailRejected) return failure;
  ErrorDetail detail = DetailOf(failure);
  detail.metadata["rail_code"] = payout.code;
  return Error(Reason::kRailRejected, "the rail rejected the payout", std::move(detail));
}

}  // namespace florin::payments
