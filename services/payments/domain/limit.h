// Limits: how much, or how often, somebody may pay. They are data; what they mean for a payment is
// decided here, and the ledger enforces it in the commit that moves the money
// (docs/adr/0011-limits-are-holds-on-control-accounts.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::payments {

inline constexpr absl::Duration kShortestWindow = absl::Minutes(1);
inline constexpr absl::Duration kLongestWindow = absl::Hours(24 * 366);
// So that all that a bucket was ever granted can be counted.
inline constexpr std::int64_t kLargestMaximum = 1'000'000'000'000'000;
inline constexpr std::size_t kMostMaxima = 1000;

// What counts for the country of whoever is paid where it is not known: a code that is no country's
// for ever (ISO 3166-1, user-assigned).
inline constexpr std::string_view kUnknownCountry = "ZZ";

// Whose payments are added up. Names are stored: "user", "account", "payee", "country".
enum class LimitScope {
  kUser,     // Of the user who pays, from whatever account.
  kAccount,  // From one account.
  kPayee,    // Of the user who pays, to one account.
  kCountry,  // To whoever is paid in one country, whoever pays.
};
// "amount", "count".
enum class LimitMeasure {
  kAmount,  // What the payer is debited, in minor units.
  kCount,   // Payments.
};
// How far the identity of an account's customer was verified, as accounts says: "none", "basic",
// "full".
enum class KycLevel { kNone, kBasic, kFull };

// Parsing gives kInternal for any other text.
std::string_view NameOf(LimitScope scope);
std::string_view NameOf(LimitMeasure measure);
std::string_view NameOf(KycLevel level);
absl::StatusOr<LimitScope> ParseLimitScope(std::string_view name);
absl::StatusOr<LimitMeasure> ParseLimitMeasure(std::string_view name);
absl::StatusOr<KycLevel> ParseKycLevel(std::string_view name);

struct Limit {
  Uuid limit_id;
  LimitScope scope = LimitScope::kUser;
  // Only of this user (all but kAccount) or this account (kAccount). Nothing: of each for
  // themselves; of kCountry: of all together.
  std::optional<Uuid> subject = {};
  // Of kCountry: two capital letters, only to this one. Empty: to each for itself.
  std::string country = {};
  // Only from accounts of customers of this level. Nothing: of any.
  std::optional<KycLevel> kyc_level = {};
  Currency currency;
  LimitMeasure measure = LimitMeasure::kAmount;
  // Rolling: the time after which a payment no longer counts. Nothing: each payment for itself.
  std::optional<absl::Duration> window = {};
  // Every maximum that it has had, the first one first; the last one holds. Zero: no payment at
  // all.
  std::vector<std::int64_t> maxima = {};
  bool removed = false;
  absl::Time create_time = {};
  absl::Time update_time = {};

  std::int64_t maximum() const { return maxima.back(); }
  // Whether a maximum was ever less than the one before.
  bool WasLowered() const;

  friend bool operator==(const Limit&, const Limit&) = default;
};

// Errors: kInvalidLimit, with the param to blame, unless the maximum is zero to kLargestMaximum,
// the window is in whole seconds from kShortestWindow to kLongestWindow, a count has a window, and
// only a limit of countries has a country, of two capital letters.
absl::Status CheckLimit(const Limit& limit);
absl::Status CheckMaximum(std::int64_t maximum);

// What limits look at.
struct LimitedPayment {
  struct Payee {
    Uuid account_id;
    std::int64_t amount_minor = 0;  // What of the debited is for this payee.
    std::string country = {};       // Empty: not known.
  };
  Uuid user_id;
  Uuid source_account_id;
  KycLevel payer_level = KycLevel::kNone;
  Money debited;
  std::vector<Payee> payees = {};  // None: to nobody's account of Florin.
  std::string country = {};        // Without payees: where it goes. Empty: not known.
};

// Of the accounts that are paid; of those that are not there it is not known.
using PayeeCountries = std::map<Uuid, std::string>;

// What a payment uses of a limit with a window.
struct LimitUse {
  Uuid limit_id;
  Uuid control_account_id;  // ControlAccountOf() its bucket.
  std::int64_t units = 0;   // Minor units, or one payment.
  absl::Duration window;
  // The limit was lowered: what its bucket has too much is taken out first.
  bool swept = false;

  friend bool operator==(const LimitUse&, const LimitUse&) = default;
};

// Why a limit refuses a payment.
struct LimitRefusal {
  Uuid limit_id;
  std::int64_t remaining = 0;

  friend bool operator==(const LimitRefusal&, const LimitRefusal&) = default;
};

// What limits mean for a payment. Decided once, with its intent.
struct LimitVerdict {
  std::vector<LimitUse> uses = {};  // By window, the shortest first.
  // By a limit of each payment for itself, the least one.
  std::optional<LimitRefusal> refusal = {};
};
LimitVerdict Judge(std::span<const Limit> limits, const LimitedPayment& payment);

// Whether the limit is about payments of this user from this account.
bool IsAbout(const Limit& limit, const Uuid& user_id, const Uuid& source_account_id,
             KycLevel payer_level, const Currency& currency);

// The bucket of `limit` that a payment goes into: its account in the ledger. Follows from its
// arguments, so that every attempt uses the same one. `payee_account_id` matters to kPayee only,
// `country` to kCountry.
Uuid ControlAccountOf(const Limit& limit, const Uuid& user_id, const Uuid& source_account_id,
                      const Uuid& payee_account_id, std::string_view country = {});

// As they are stored with a payment: lines of words, equal for equal values only. Parsing gives
// kInternal for anything else.
std::string TextOf(std::span<const LimitUse> uses);
absl::StatusOr<std::vector<LimitUse>> ParseLimitUses(std::string_view text);
std::string TextOf(const LimitRefusal& refusal);
absl::StatusOr<LimitRefusal> ParseLimitRefusal(std::string_view text);

}  // namespace florin::payments
