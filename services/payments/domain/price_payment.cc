#include "services/payments/domain/price_payment.h"

#include <utility>

#include "libs/status/check.h"
#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

absl::Status Mismatch(std::string_view param) {
  return Error(Reason::kQuoteMismatch, "the quote is for something else",
               {.param = std::string(param)});
}

FeeKind KindOf(const PaymentRequest& request) {
  if (request.kind == Kind::kDeposit) return FeeKind::kDeposit;
  return request.quote_id.is_nil() ? FeeKind::kTransfer : FeeKind::kFx;
}

// Each payee bears of the payees' share what is his part of the amount.
std::vector<Split> WithFees(std::vector<Split> splits, std::int64_t payee_minor) {
  if (splits.empty()) return splits;
  std::vector<std::int64_t> weights;
  weights.reserve(splits.size());
  for (const Split& split : splits) weights.push_back(split.amount_minor);
  const std::vector<std::int64_t> fees = Allocate(payee_minor, weights);
  for (std::size_t i = 0; i < splits.size(); ++i) splits[i].fee_minor = fees[i];
  return splits;
}

std::vector<Credited> PayeesOf(const PaymentRequest& request, const Pricing& pricing) {
  std::vector<Credited> payees;
  for (const Split& split : pricing.splits) {
    payees.push_back({split.destination_account_id, split.amount_minor - split.fee_minor});
  }
  if (!payees.empty()) return payees;
  const std::int64_t cut = pricing.fee ? pricing.fee->payee_minor : 0;
  const std::int64_t credited = pricing.conversion ? pricing.conversion->destination.minor_units
                                                   : request.amount.minor_units - cut;
  return {{request.destination_account_id, credited}};
}

std::vector<LedgerPosting> PostingsOf(const PaymentRequest& request, const Pricing& pricing) {
  Filling filling{.payer_account_id = request.source_account_id,
                  .payees = PayeesOf(request, pricing),
                  .currencies = {request.amount.currency}};
  if (const auto& fee = pricing.fee) {
    // FeeOf() has cut it from one number.
    filling.amounts[Term::kFee] = fee->payer_minor + fee->payee_minor;
  }
  if (request.kind == Kind::kDeposit) return Fill(TemplateOf(PostingEvent::kDeposit), filling);
  if (!pricing.conversion) return Fill(TemplateOf(PostingEvent::kTransfer), filling);
  filling.currencies.push_back(pricing.conversion->destination.currency);
  filling.amounts[Term::kSold] = request.amount.minor_units;
  filling.amounts[Term::kSpread] = pricing.conversion->spread_minor;
  filling.amounts[Term::kRounding] = pricing.conversion->rounding_minor;
  return Fill(TemplateOf(PostingEvent::kFxTransfer), filling);
}

}  // namespace

absl::Status CheckQuote(const PaymentRequest& request, const Quote& quote,
                        const Currency& destination) {
  const Converted& converted = quote.converted;
  if (request.amount.currency != converted.source.currency) return Mismatch("amount.currency");
  if (request.amount.minor_units != converted.source.minor_units) {
    return Mismatch("amount.minor_units");
  }
  if (destination != converted.destination.currency) return Mismatch("destination_account_id");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Pricing>> PricePayment(const PaymentRequest& request,
                                                    const FeeSchedule& schedule,
                                                    const std::optional<Quote>& quote) {
  FLORIN_CHECK(quote.has_value() != request.quote_id.is_nil(), "the quote is the one named");
  // Captures of parts have one posting each.
  if (request.authorization_timeout) return std::nullopt;
  Pricing pricing;
  if (const FeeRule* rule = schedule.Find(KindOf(request), request.amount.currency)) {
    FLORIN_ASSIGN_OR_RETURN(const Fee fee, FeeOf(*rule, request.amount.minor_units));
    if (fee.payer_minor != 0 || fee.payee_minor != 0) pricing.fee = fee;
  }
  if (quote) {
    pricing.conversion = Conversion{.quote_id = quote->quote_id,
                                    .destination = quote->converted.destination,
                                    .rate = quote->rate,
                                    .mid_rate = quote->mid_rate,
                                    .spread_minor = quote->converted.spread_minor,
                                    .rounding_minor = quote->converted.rounding_minor};
  }
  pricing.splits = WithFees(request.splits, pricing.fee ? pricing.fee->payee_minor : 0);
  if (pricing == Pricing()) return std::nullopt;
  for (const Credited& payee : PayeesOf(request, pricing)) {
    if (payee.amount_minor <= 0) {
      return Error(Reason::kAmountTooSmall, "the fee leaves nothing for a payee",
                   {.param = "amount.minor_units"});
    }
  }
  pricing.postings = PostingsOf(request, pricing);
  return std::optional<Pricing>(std::move(pricing));
}

absl::StatusOr<std::optional<Pricing>> PricePayout(const PayoutRequest& request,
                                                   const FeeSchedule& schedule) {
  const FeeRule* const rule = schedule.Find(FeeKind::kPayout, request.amount.currency);
  if (rule == nullptr) return std::nullopt;
  FLORIN_ASSIGN_OR_RETURN(const Fee fee, FeeOf(*rule, request.amount.minor_units));
  if (fee.payer_minor == 0) return std::nullopt;
  const Filling reserved{
      .payer_account_id = request.source_account_id,
      .payees = {},
      .currencies = {request.amount.currency},
      .amounts = {{Term::kAmount, request.amount.minor_units}, {Term::kFee, fee.payer_minor}}};
  return std::optional<Pricing>(
      Pricing{.fee = fee,
              .conversion = {},
              .splits = {},
              .postings = Fill(TemplateOf(PostingEvent::kPayoutReserved), reserved)});
}

}  // namespace florin::payments
