#include "services/payments/rpc/quotes_rpc.h"

#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/rpc/pricing_proto.h"

namespace florin::payments {
namespace {

v1::Quote ToProto(const Quote& quote) {
  v1::Quote proto;
  proto.set_quote_id(FormatId(IdKind::kQuote, quote.quote_id));
  SetMoney(quote.converted.source, *proto.mutable_source_amount());
  SetMoney(quote.converted.destination, *proto.mutable_destination_amount());
  SetRate(quote.rate, *proto.mutable_rate());
  SetRate(quote.mid_rate, *proto.mutable_mid_rate());
  proto.set_spread_basis_points(quote.spread_basis_points);
  SetTime(quote.rate_time, *proto.mutable_rate_time());
  SetTime(quote.create_time, *proto.mutable_create_time());
  SetTime(quote.expire_time, *proto.mutable_expire_time());
  if (!quote.payment_id.is_nil()) {
    proto.set_payment_id(FormatId(IdKind::kPayment, quote.payment_id));
  }
  return proto;
}

absl::StatusOr<Currency> ParseCurrency(const std::string& code, std::string_view param) {
  const absl::StatusOr<Currency> currency = Currency::Parse(code);
  if (currency.ok()) return currency;
  return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = std::string(param)});
}

// An amount of zero is one that is not given.
std::optional<std::int64_t> Given(std::int64_t minor_units) {
  if (minor_units == 0) return std::nullopt;
  return minor_units;
}

}  // namespace

Task<absl::StatusOr<v1::Quote>> QuotesRpc::CreateQuote(rpc::Call& call,
                                                       const v1::CreateQuoteRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Currency source,
                             ParseCurrency(request.source_currency(), "source_currency"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Currency destination,
                             ParseCurrency(request.destination_currency(), "destination_currency"));
  const QuoteRequest wanted{.source = source,
                            .destination = destination,
                            .source_minor = Given(request.source_minor_units()),
                            .destination_minor = Given(request.destination_minor_units())};
  const absl::StatusOr<Quote> quote = co_await create_.Run(user, wanted);
  if (!quote.ok()) co_return quote.status();
  co_return ToProto(*quote);
}

Task<absl::StatusOr<v1::Quote>> QuotesRpc::GetQuote(rpc::Call& call,
                                                    const v1::GetQuoteRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kQuote, request.quote_id(), "quote_id"));
  const absl::StatusOr<Quote> quote = co_await store_.GetQuote(user, id);
  if (!quote.ok()) co_return quote.status();
  co_return ToProto(*quote);
}

}  // namespace florin::payments
