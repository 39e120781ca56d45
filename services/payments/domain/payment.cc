#include "services/payments/domain/payment.h"

#include "libs/status/check.h"

namespace florin::payments {

std::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kTransfer:
      return "transfer";
    case Kind::kDeposit:
      return "deposit";
    case Kind::kPayout:
      return "payout";
  }
  FLORIN_CHECK(false, "every kind has a name");
  return {};
}

std::string_view NameOf(State state) {
  switch (state) {
    case State::kProcessing:
      return "processing";
    case State::kSucceeded:
      return "succeeded";
    case State::kFailed:
      return "failed";
    case State::kRequiresAction:
      return "requires_action";
    case State::kCanceled:
      return "canceled";
    case State::kRequiresCapture:
      return "requires_capture";
    case State::kReturned:
      return "returned";
  }
  FLORIN_CHECK(false, "every state has a name");
  return {};
}

absl::StatusOr<Kind> ParseKind(std::string_view name) {
  for (const Kind kind : {Kind::kTransfer, Kind::kDeposit, Kind::kPayout}) {
    if (name == NameOf(kind)) return kind;
  }
  return Error(Reason::kInternal, "no kind of payment has this name");
}

absl::StatusOr<State> ParseState(std::string_view name) {
  for (const State state :
       {State::kProcessing, State::kSucceeded, State::kFailed, State::kRequiresAction,
        State::kCanceled, State::kRequiresCapture, State::kReturned}) {
    if (name == NameOf(state)) return state;
  }
  return Error(Reason::kInternal, "no state of a payment has this name");
}

bool AreApart(const Payment& payment) {
  return payment.books && payment.books->source != payment.books->target;
}

Money DebitedOf(const Payment& payment) {
  Money debited = payment.amount;
  // FeeOf() has added it before.
  if (payment.pricing && payment.pricing->fee) {
    debited.minor_units += payment.pricing->fee->payer_minor;
  }
  return debited;
}

const Conversion* ConversionOf(const Payment& payment) {
  return payment.pricing && payment.pricing->conversion ? &*payment.pricing->conversion : nullptr;
}

Money CreditedOf(const Payment& payment) {
  if (const Conversion* fx = ConversionOf(payment)) return fx->destination;
  Money credited = payment.amount;
  if (payment.pricing && payment.pricing->fee)
    credited.minor_units -= payment.pricing->fee->payee_minor;
  return credited;
}

std::optional<LimitedPayment> LimitedPaymentOf(const Payment& payment, KycLevel payer_level,
                                               const PayeeCountries& countries) {
  if (payment.source_account_id.is_nil()) return std::nullopt;
  LimitedPayment limited{.user_id = payment.user_id,
                         .source_account_id = payment.source_account_id,
                         .payer_level = payer_level,
                         .debited = DebitedOf(payment)};
  if (payment.pricing && !payment.pricing->splits.empty()) {
    for (const Split& split : payment.pricing->splits) {
      limited.payees.push_back({split.destination_account_id, split.amount_minor});
    }
  } else if (payment.kind != Kind::kPayout && !payment.destination_account_id.is_nil()) {
    limited.payees.push_back({payment.destination_account_id, limited.debited.minor_units});
  }
  const auto country_of = [&countries](const Uuid& account_id) {
    const auto country = countries.find(account_id);
    return country == countries.end() ? std::string() : country->second;
  };
  for (LimitedPayment::Payee& payee : limited.payees) payee.country = country_of(payee.account_id);
  if (limited.payees.empty()) limited.country = country_of(payment.destination_account_id);
  return limited;
}

}  // namespace florin::payments
