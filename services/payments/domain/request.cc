#include "services/payments/domain/request.h"

#include <set>
#include <utility>

#include "libs/status/check.h"
#include "libs/text/text.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/state_machine.h"

namespace florin::payments {
namespace {

absl::Status AccountNotFound(std::string_view param) {
  return Error(Reason::kAccountNotFound, "no such account", {.param = std::string(param)});
}

absl::Status CurrencyMismatch(std::string_view param) {
  return Error(Reason::kCurrencyMismatch, "the accounts and the amount have one currency",
               {.param = std::string(param)});
}

// Length first, so that no field can pass for the end of another.
void AppendField(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
  out += ';';
}

std::string ParamOfSplit(std::size_t i, std::string_view field) {
  return "splits[" + std::to_string(i) + "]." + std::string(field);
}

absl::Status InvalidSplit(std::string_view why, std::string_view param) {
  return Error(Reason::kInvalidSplit, why, {.param = std::string(param)});
}

absl::Status CheckSplits(const PaymentRequest& request) {
  if (request.splits.empty()) return absl::OkStatus();
  if (request.splits.size() > kMostSplits) return InvalidSplit("at most 50 payees", "splits");
  if (!request.quote_id.is_nil()) {
    return InvalidSplit("a payment to several payees has one currency", "quote_id");
  }
  std::set<Uuid> payees;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < request.splits.size(); ++i) {
    const Split& split = request.splits[i];
    if (split.destination_account_id == request.source_account_id) {
      return Error(Reason::kSameAccount, "source and destination are the same account",
                   {.param = ParamOfSplit(i, "destination_account_id")});
    }
    if (!payees.insert(split.destination_account_id).second) {
      return InvalidSplit("each payee once", ParamOfSplit(i, "destination_account_id"));
    }
    const std::optional<std::int64_t> more = CheckedAdd(sum, split.amount_minor);
    if (split.amount_minor <= 0 || !more) {
      return InvalidSplit("more than zero, and no more than the amount",
                          ParamOfSplit(i, "amount.minor_units"));
    }
    sum = *more;
  }
  if (sum == request.amount.minor_units) return absl::OkStatus();
  return InvalidSplit("the shares do not add up to the amount", "splits");
}

}  // namespace

absl::StatusOr<Money> CheckAmount(std::string_view currency, std::int64_t minor_units) {
  const absl::StatusOr<Currency> parsed = Currency::Parse(currency);
  if (!parsed.ok()) {
    return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = "amount.currency"});
  }
  if (minor_units <= 0) {
    return Error(Reason::kInvalidAmount, "the amount must be more than zero",
                 {.param = "amount.minor_units"});
  }
  return Money{.minor_units = minor_units, .currency = *parsed};
}

absl::Status CheckRequest(const PaymentRequest& request) {
  FLORIN_RETURN_IF_ERROR(CheckSplits(request));
  if (request.kind == Kind::kTransfer &&
      request.source_account_id == request.destination_account_id) {
    return Error(Reason::kSameAccount, "source and destination are the same account",
                 {.param = "destination_account_id"});
  }
  const std::optional<std::size_t> length = CountPlainCharacters(request.reference);
  if (!length || *length > kLongestReference) {
    return Error(Reason::kInvalidReference,
                 "at most 140 characters of UTF-8 without control characters",
                 {.param = "reference"});
  }
  if (request.authorization_timeout &&
      (request.kind != Kind::kTransfer || *request.authorization_timeout < kShortestAuthorization ||
       *request.authorization_timeout > kLongestAuthorization)) {
    return Error(Reason::kInvalidField, "a transfer is authorized for one minute to 30 days",
                 {.param = "authorization_timeout_seconds"});
  }
  if (request.authorization_timeout && (!request.quote_id.is_nil() || !request.splits.empty())) {
    return Error(Reason::kInvalidField, "what is captured later has no quote and no splits",
                 {.param = "capture_method"});
  }
  return absl::OkStatus();
}

absl::Status CheckAccounts(const Uuid& user_id, const PaymentRequest& request,
                           const std::optional<AccountFacts>& source,
                           const std::optional<AccountFacts>& destination) {
  const bool transfer = request.kind == Kind::kTransfer;
  if (transfer && (!source || source->owner_user_id != user_id)) {
    return AccountNotFound("source_account_id");
  }
  if (!destination || (!transfer && destination->owner_user_id != user_id)) {
    return AccountNotFound("destination_account_id");
  }
  if (transfer && source->currency != request.amount.currency) {
    return CurrencyMismatch("amount.currency");
  }
  if (request.quote_id.is_nil() && destination->currency != request.amount.currency) {
    return CurrencyMismatch(transfer ? "destination_account_id" : "amount.currency");
  }
  return absl::OkStatus();
}

absl::Status CheckPayees(const Uuid& user_id, const PaymentRequest& request,
                         const std::optional<AccountFacts>& source,
                         const std::vector<std::optional<AccountFacts>>& destinations) {
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    const absl::Status status = CheckAccounts(user_id, request, source, destinations[i]);
    if (status.ok()) continue;
    ErrorDetail detail = DetailOf(status);
    if (detail.param != "destination_account_id") return status;
    detail.param = ParamOfSplit(i, detail.param);
    return Error(*ReasonOf(status), std::string(status.message()), std::move(detail));
  }
  return absl::OkStatus();
}

std::string CanonicalRequest(const PaymentRequest& request) {
  std::string out;
  AppendField(out, NameOf(request.kind));
  AppendField(out, request.source_account_id.ToString());
  AppendField(out, request.destination_account_id.ToString());
  AppendField(out, request.amount.currency.code());
  AppendField(out, std::to_string(request.amount.minor_units));
  AppendField(out, request.reference);
  // What a request does not use is not there, so that its fingerprint is that of earlier versions.
  if (!request.quote_id.is_nil()) {
    AppendField(out, "quote");
    AppendField(out, request.quote_id.ToString());
  }
  if (!request.splits.empty()) AppendField(out, "splits");
  for (const Split& split : request.splits) {
    AppendField(out, split.destination_account_id.ToString());
    AppendField(out, std::to_string(split.amount_minor));
  }
  if (request.authorization_timeout) {
    AppendField(out, "manual");
    AppendField(out, std::to_string(absl::ToInt64Seconds(*request.authorization_timeout)));
  }
  return out;
}

Payment NewPayment(const Uuid& payment_id, const Uuid& user_id, const PaymentRequest& request,
                   absl::Time now) {
  const std::optional<State> state = NextState(std::nullopt, Event::kCreate, Actor::kOwner);
  FLORIN_CHECK(state.has_value(), "an owner may create a payment");
  return Payment{.payment_id = payment_id,
                 .user_id = user_id,
                 .kind = request.kind,
                 .state = *state,
                 .source_account_id = request.source_account_id,
                 .destination_account_id = request.destination_account_id,
                 .amount = request.amount,
                 .reference = request.reference,
                 .failure_reason = "",
                 .transaction_id = TransactionIdOf(payment_id),
                 .create_time = now,
                 .update_time = now,
                 .authorization_timeout = request.authorization_timeout};
}

}  // namespace florin::payments
