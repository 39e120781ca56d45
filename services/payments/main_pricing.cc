#include "services/payments/main_pricing.h"

#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"

ABSL_FLAG(std::string, fee_schedule, "",
          "File with the fees of payments, read at the start (docs/fees-and-fx.md); empty: free.");
ABSL_FLAG(std::string, fx_rates, "",
          "File with mid rates, read again when it changes (docs/fees-and-fx.md); empty: none, and "
          "no conversions.");
ABSL_FLAG(absl::Duration, fx_rate_max_age, absl::Minutes(5),
          "Rates older than this are not available.");
ABSL_FLAG(int, fx_spread_basis_points, 0,
          "What conversions cost of the mid rate, in hundredths of a percent: 0 to 9999.");
ABSL_FLAG(absl::Duration, quote_life, absl::Seconds(30),
          "How long a quote is good: up to an hour.");

namespace florin::payments {
namespace {

// Expired quotes are kept for so long, so that whoever is late is told why.
constexpr absl::Duration kRemembered = absl::Hours(24);
constexpr int kForgottenAtOnce = 1000;

Task<absl::Status> Forget(QuoteStore& store, Clock& clock) {
  const absl::Time before = clock.Now() - kRemembered;
  co_return (co_await store.ForgetQuotes(before, kForgottenAtOnce)).status();
}

absl::Status Wrong(std::string_view why) { return Error(Reason::kInvalidField, why); }

FeeSchedule ReadSchedule() {
  const std::string path = absl::GetFlag(FLAGS_fee_schedule);
  if (path.empty()) return {};
  const std::string text = config::ValueOrExit(config::ReadFile(path), "reading --fee_schedule");
  return config::ValueOrExit(ParseFeeSchedule(text), "reading --fee_schedule");
}

QuoteTerms ReadTerms() {
  const QuoteTerms terms{.spread_basis_points = absl::GetFlag(FLAGS_fx_spread_basis_points),
                         .life = absl::GetFlag(FLAGS_quote_life)};
  if (terms.spread_basis_points < 0 || terms.spread_basis_points > 9999) {
    config::ExitIfError(Wrong("0 to 9999"), "reading --fx_spread_basis_points");
  }
  if (terms.life < absl::Seconds(1) || terms.life > absl::Hours(1)) {
    config::ExitIfError(Wrong("1s to 1h"), "reading --quote_life");
  }
  return terms;
}

}  // namespace

PricingParts::PricingParts(Executor executor, pg::Pool& pool, Clock& clock)
    : store_(pool),
      pricing_(ReadSchedule(), store_),
      // Whatever the sandbox makes of the time, the file is of the real one.
      rates_(absl::GetFlag(FLAGS_fx_rates), absl::GetFlag(FLAGS_fx_rate_max_age), SystemClock()),
      create_(store_, rates_, clock, SystemIds(), ReadTerms()),
      service_(create_, store_) {
  config::ExitIfError(rates_.Load(), "reading --fx_rates");
  const async::WorkerPauses pauses{.usual = absl::Seconds(10), .longest = absl::Minutes(1)};
  forgetting_.emplace(
      std::move(executor), [this, &clock] { return Forget(store_, clock); }, pauses);
}

}  // namespace florin::payments
