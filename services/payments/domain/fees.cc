#include "services/payments/domain/fees.h"

#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/status/check.h"
#include "services/payments/domain/exact_ratio.h"

namespace florin::payments {
namespace {

constexpr int kWhole = 10'000;  // Basis points.

absl::Status Wrong(std::string_view line, std::string_view why) {
  return Error(Reason::kInvalidField, "'" + std::string(line) + "' " + std::string(why),
               {.param = "fee_schedule"});
}

std::optional<std::int64_t> ParseMinor(std::string_view text) {
  std::int64_t value = 0;
  const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (text.empty() || !digits || !absl::SimpleAtoi(std::string(text), &value)) return std::nullopt;
  return value;
}

std::optional<int> ParseBasisPoints(std::string_view text) {
  const std::optional<std::int64_t> value = ParseMinor(text);
  if (!value || *value > kWhole) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<FeeKind> ParseKindOfFee(std::string_view text) {
  if (text == "transfer") return FeeKind::kTransfer;
  if (text == "deposit") return FeeKind::kDeposit;
  if (text == "fx") return FeeKind::kFx;
  if (text == "payout") return FeeKind::kPayout;
  return std::nullopt;
}

bool SetBearer(std::string_view text, FeeRule& rule) {
  if (text.starts_with("split:")) {
    const std::optional<int> share = ParseBasisPoints(text.substr(6));
    rule.bearer = Bearer::kSplit;
    rule.payer_basis_points = share.value_or(0);
    return share.has_value();
  }
  const absl::StatusOr<Bearer> bearer = ParseBearer(text);
  if (!bearer.ok() || *bearer == Bearer::kSplit) return false;
  rule.bearer = *bearer;
  return true;
}

bool AddTier(std::string_view value, FeeRule& rule) {
  const std::vector<std::string> parts = absl::StrSplit(std::string(value), ':');
  if (parts.size() != 3) return false;
  const std::optional<std::int64_t> from = ParseMinor(parts[0]);
  const std::optional<std::int64_t> fixed = ParseMinor(parts[1]);
  const std::optional<int> basis_points = ParseBasisPoints(parts[2]);
  if (!from || !fixed || !basis_points) return false;
  const bool ascends = rule.tiers.empty() ? *from == 0 : *from > rule.tiers.back().from_minor;
  rule.tiers.push_back({*from, *fixed, *basis_points});
  return ascends;
}

// What a line says of its fee. Each term stands once, tiers apart.
struct Terms {
  std::optional<std::int64_t> fixed, least, most;
  std::optional<int> basis_points;
  std::optional<bool> back_if_returned;
};

bool Once(std::optional<std::int64_t>& target, std::string_view value) {
  if (target) return false;
  target = ParseMinor(value);
  return target.has_value();
}

bool AddTerm(std::string_view term, Terms& terms, FeeRule& rule) {
  const std::size_t equals = term.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = term.substr(0, equals);
  const std::string_view value = term.substr(equals + 1);
  if (name == "fixed") return Once(terms.fixed, value);
  if (name == "min") return Once(terms.least, value);
  if (name == "max") return Once(terms.most, value);
  if (name == "tier") return AddTier(value, rule);
  if (name == "returned") {
    if (terms.back_if_returned || (value != "keep" && value != "give_back")) return false;
    terms.back_if_returned = value == "give_back";
    return true;
  }
  if (name != "basis_points" || terms.basis_points) return false;
  terms.basis_points = ParseBasisPoints(value);
  return terms.basis_points.has_value();
}

absl::StatusOr<FeeRule> ParseRule(std::string_view line) {
  const std::vector<std::string> words =
      absl::StrSplit(std::string(line), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (words.size() < 4) return Wrong(line, "is not KIND CURRENCY BEARER TERM…");
  const std::optional<FeeKind> kind = ParseKindOfFee(words[0]);
  if (!kind) return Wrong(line, "begins with no kind: transfer, deposit, fx or payout");
  const absl::StatusOr<Currency> currency = Currency::Parse(words[1]);
  if (!currency.ok()) return Wrong(line, "has no ISO 4217 code");
  FeeRule rule{.kind = *kind, .currency = *currency};
  if (!SetBearer(words[2], rule)) return Wrong(line, "says no bearer: payer, payee or split:BP");
  if (rule.kind == FeeKind::kDeposit && rule.bearer != Bearer::kPayee) {
    return Wrong(line, "charges a payer who is no customer: the payee bears a deposit's fee");
  }
  if (rule.kind == FeeKind::kFx && rule.bearer != Bearer::kPayer) {
    return Wrong(line, "cuts an amount that was quoted: the payer bears a conversion's fee");
  }
  if (rule.kind == FeeKind::kPayout && rule.bearer != Bearer::kPayer) {
    return Wrong(line, "charges a payee who is no customer: the payer bears a payout's fee");
  }
  Terms terms;
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (!AddTerm(words[i], terms, rule)) return Wrong(line, "has a term that is none");
  }
  if (terms.back_if_returned && rule.kind != FeeKind::kPayout) {
    return Wrong(line, "says what is returned, which only payouts are");
  }
  rule.back_if_returned = terms.back_if_returned.value_or(false);
  const bool flat = terms.fixed || terms.basis_points;
  if (flat == !rule.tiers.empty()) return Wrong(line, "has tiers or one price, not both");
  if (flat) rule.tiers = {{0, terms.fixed.value_or(0), terms.basis_points.value_or(0)}};
  rule.least_minor = terms.least.value_or(0);
  rule.most_minor = terms.most;
  if (rule.most_minor && *rule.most_minor < rule.least_minor) {
    return Wrong(line, "has a maximum below its minimum");
  }
  return rule;
}

absl::Status TooMuch() {
  return Error(Reason::kInvalidAmount, "the amount and its fee do not fit",
               {.param = "amount.minor_units"});
}

}  // namespace

std::string_view NameOf(Bearer bearer) {
  switch (bearer) {
    case Bearer::kPayer:
      return "payer";
    case Bearer::kPayee:
      return "payee";
    case Bearer::kSplit:
      return "split";
  }
  FLORIN_CHECK(false, "every bearer has a name");
  return {};
}

absl::StatusOr<Bearer> ParseBearer(std::string_view name) {
  for (const Bearer bearer : {Bearer::kPayer, Bearer::kPayee, Bearer::kSplit}) {
    if (name == NameOf(bearer)) return bearer;
  }
  return Error(Reason::kInternal, "no bearer of a fee has this name");
}

const FeeRule* FeeSchedule::Find(FeeKind kind, const Currency& currency) const {
  for (const FeeRule& rule : rules) {
    if (rule.kind == kind && rule.currency == currency) return &rule;
  }
  return nullptr;
}

absl::StatusOr<FeeSchedule> ParseFeeSchedule(std::string_view text) {
  FeeSchedule schedule;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  for (const std::string& whole : lines) {
    const std::string line = whole.substr(0, whole.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    FLORIN_ASSIGN_OR_RETURN(FeeRule rule, ParseRule(line));
    if (schedule.Find(rule.kind, rule.currency) != nullptr) {
      return Wrong(line, "has a rule for its kind and currency before");
    }
    schedule.rules.push_back(std::move(rule));
  }
  return schedule;
}

absl::StatusOr<Fee> FeeOf(const FeeRule& rule, std::int64_t amount_minor) {
  const FeeTier* tier = &rule.tiers.front();
  for (const FeeTier& candidate : rule.tiers) {
    if (candidate.from_minor <= amount_minor) tier = &candidate;
  }
  const std::optional<std::int64_t> part =
      ExactRatio({amount_minor, tier->basis_points}, {kWhole}, Rounding::kDown);
  const std::optional<std::int64_t> sum =
      part ? CheckedAdd(*part, tier->fixed_minor) : std::nullopt;
  if (!sum) return TooMuch();
  std::int64_t total = std::max(*sum, rule.least_minor);
  if (rule.most_minor) total = std::min(total, *rule.most_minor);

  Fee fee{.bearer = rule.bearer, .back_if_returned = rule.back_if_returned};
  if (rule.bearer == Bearer::kPayer) fee.payer_minor = total;
  if (rule.bearer == Bearer::kSplit) {
    // No more than `total`, so it fits.
    fee.payer_minor = *ExactRatio({total, rule.payer_basis_points}, {kWhole}, Rounding::kDown);
  }
  fee.payee_minor = total - fee.payer_minor;
  if (!CheckedAdd(amount_minor, fee.payer_minor)) return TooMuch();
  return fee;
}

std::vector<std::int64_t> Allocate(std::int64_t total, const std::vector<std::int64_t>& weights) {
  std::int64_t sum = 0;
  for (const std::int64_t weight : weights) {
    const std::optional<std::int64_t> more = CheckedAdd(sum, weight);
    FLORIN_CHECK(weight >= 0 && more, "weights are parts of an amount");
    sum = *more;
  }
  FLORIN_CHECK(sum > 0 && total >= 0, "there is something to cut, and something to cut it by");
  std::vector<std::int64_t> parts;
  std::vector<bool> rounded;
  std::int64_t left = total;
  for (const std::int64_t weight : weights) {
    // No more than `total`, so it fits; the product has less than 128 bits.
    parts.push_back(*ExactRatio({total, weight}, {sum}, Rounding::kDown));
    rounded.push_back(*ExactRatio({total, weight}, {sum}, Rounding::kUp) != parts.back());
    left -= parts.back();
  }
  // Each that was rounded lost less than one unit, so there are more of them than units.
  for (std::size_t i = 0; left > 0; ++i) {
    if (!rounded[i]) continue;
    ++parts[i];
    --left;
  }
  return parts;
}

}  // namespace florin::payments
