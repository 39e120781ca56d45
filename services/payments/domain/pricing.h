// What was decided about a payment beyond moving its amount: the fee, the conversion, several
// payees; and the postings that follow. Kept with the payment's intent, so that it never changes
// with the schedule or the rates. Plain transfers and deposits have none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/payments/domain/fees.h"
#include "services/payments/domain/fx.h"
#include "services/payments/domain/posting_template.h"

namespace florin::payments {

// One payee of several.
struct Split {
  Uuid destination_account_id;
  std::int64_t amount_minor = 0;
  std::int64_t fee_minor = 0;  // His share of the payees' share of the fee: he gets so much less.

  friend bool operator==(const Split&, const Split&) = default;
};

// By a quote, which this payment has used up. What is sold is the payment's amount.
struct Conversion {
  Uuid quote_id;
  Money destination;
  Rate rate;
  Rate mid_rate;
  std::int64_t spread_minor = 0;
  std::int64_t rounding_minor = 0;

  friend bool operator==(const Conversion&, const Conversion&) = default;
};

// What went back of a conversion, in minor units of the payee's currency.
struct Returned {
  std::int64_t payee_minor = 0;     // Taken from the payee.
  std::int64_t spread_minor = 0;    // Given up by the house, of what it earned
  std::int64_t rounding_minor = 0;  // and of what roundings left to it.

  friend bool operator==(const Returned&, const Returned&) = default;
};

struct Pricing {
  std::optional<Fee> fee;
  std::optional<Conversion> conversion;
  std::vector<Split> splits;  // Of a payment to several payees, in the order of the request.
  std::vector<LedgerPosting> postings;

  friend bool operator==(const Pricing&, const Pricing&) = default;
};

// As it is stored, and as what an approval binds: lines of words without free text, equal for equal
// pricings only.
std::string TextOf(const Pricing& pricing);
// Reads what TextOf() writes. Error: kInternal for anything else.
absl::StatusOr<Pricing> ParsePricing(std::string_view text);

}  // namespace florin::payments
