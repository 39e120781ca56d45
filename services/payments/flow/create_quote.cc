#include "services/payments/flow/create_quote.h"

#include <utility>

#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

absl::Status InvalidAmount(std::string_view param) {
  return Error(Reason::kInvalidAmount, "one amount, of more than zero",
               {.param = std::string(param)});
}

absl::Status CheckRequest(const QuoteRequest& request) {
  if (request.source == request.destination) {
    return Error(Reason::kCurrencyMismatch, "there is nothing to convert",
                 {.param = "destination_currency"});
  }
  if (request.source_minor.has_value() == request.destination_minor.has_value()) {
    return InvalidAmount("destination_minor_units");
  }
  if (request.source_minor && *request.source_minor <= 0) {
    return InvalidAmount("source_minor_units");
  }
  if (request.destination_minor && *request.destination_minor <= 0) {
    return InvalidAmount("destination_minor_units");
  }
  return absl::OkStatus();
}

absl::StatusOr<Converted> Convert(const QuoteRequest& request, const Rate& mid, const Rate& rate) {
  absl::StatusOr<Converted> converted =
      request.source_minor
          ? ConvertSource({*request.source_minor, request.source}, request.destination, mid, rate)
          : ConvertDestination(request.source, {*request.destination_minor, request.destination},
                               mid, rate);
  if (ReasonOf(converted.status()) != Reason::kInvalidAmount) return converted;
  return InvalidAmount(request.source_minor ? "source_minor_units" : "destination_minor_units");
}

}  // namespace

absl::StatusOr<Quote> CreateQuote::Make(const Uuid& user_id, const QuoteRequest& request) {
  FLORIN_RETURN_IF_ERROR(CheckRequest(request));
  FLORIN_ASSIGN_OR_RETURN(const MidRate mid, rates_.Find(request.source, request.destination));
  const Rate rate = WithSpread(mid.rate, terms_.spread_basis_points);
  FLORIN_ASSIGN_OR_RETURN(const Converted converted, Convert(request, mid.rate, rate));
  const absl::Time now = NowInMicroseconds(clock_);
  return Quote{.quote_id = ids_.NewId(),
               .user_id = user_id,
               .converted = converted,
               .rate = rate,
               .mid_rate = mid.rate,
               .spread_basis_points = terms_.spread_basis_points,
               .rate_time = absl::FromUnixMicros(absl::ToUnixMicros(mid.time)),
               .create_time = now,
               .expire_time = now + terms_.life};
}

Task<absl::StatusOr<Quote>> CreateQuote::Run(Uuid user_id, QuoteRequest request) {
  absl::StatusOr<Quote> quote = Make(user_id, request);
  if (!quote.ok()) co_return quote.status();
  co_return co_await store_.InsertQuote(*std::move(quote));
}

}  // namespace florin::payments
