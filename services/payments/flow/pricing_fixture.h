// PaymentsFixture with a schedule that a test chooses, and quotes for EUR in USD: mid 1.10, a
// spread of one percent, good for 30 seconds.
#pragma once

#include "services/payments/flow/create_quote.h"
#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {

class FixedRate : public RateSource {
 public:
  explicit FixedRate(Clock& clock) : clock_(clock) {}
  absl::StatusOr<MidRate> Find(const Currency& source, const Currency& destination) override {
    if (source.code() != "EUR" || destination.code() != "USD") {
      return Error(Reason::kRateNotAvailable, "EUR in USD only");
    }
    return MidRate{.rate = {1'100'000'000'000}, .time = clock_.Now()};
  }

 private:
  Clock& clock_;
};

class PricingFixture : public PaymentsFixture {
 protected:
  // From now on, as after a restart.
  void UseSchedule(const std::string& text) { pricing_.emplace(*ParseFeeSchedule(text), store_); }

  static Uuid House(Role role, const std::string& currency) {
    return HouseAccountId({role, *Currency::Parse(currency)});
  }
  Quote GetQuote(std::int64_t source_minor) { return GetQuote(source_minor, user_); }
  Quote GetQuote(std::int64_t source_minor, const Uuid& user) {
    const QuoteRequest request{.source = *Currency::Parse("EUR"),
                               .destination = *Currency::Parse("USD"),
                               .source_minor = source_minor,
                               .destination_minor = std::nullopt};
    return runtime_.Run(create_quote_.Run(user, request)).value();
  }
  Quote Stored(const Quote& quote) {
    return runtime_.Run(store_.GetQuote(user_, quote.quote_id)).value();
  }
  // From A to D, by the quote.
  PaymentRequest Converting(const Quote& quote) const {
    PaymentRequest request = Transfer(quote.converted.source.minor_units);
    request.destination_account_id = d_;
    request.quote_id = quote.quote_id;
    return request;
  }
  PaymentRequest To(const std::vector<Split>& splits) const {
    PaymentRequest request = Transfer(0);
    for (const Split& split : splits) request.amount.minor_units += split.amount_minor;
    request.destination_account_id = splits.front().destination_account_id;
    request.splits = splits;
    return request;
  }

  FixedRate rates_{clock_};
  CreateQuote create_quote_{
      store_, rates_, clock_, SystemIds(), {.spread_basis_points = 100, .life = absl::Seconds(30)}};
};

}  // namespace florin::payments
