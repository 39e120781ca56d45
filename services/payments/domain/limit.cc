#include "services/payments/domain/limit.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/status/check.h"

namespace florin::payments {
namespace {

absl::Status Invalid(const char* param, const char* what) {
  return Error(Reason::kInvalidLimit, what, {.param = param});
}

absl::Status NoName(const char* what) { return Error(Reason::kInternal, what); }

absl::Status Garbled() {
  return Error(Reason::kInternal, "a payment's limits are not as they were written");
}

void AddUse(const Limit& limit, const Uuid& control_account_id, std::int64_t amount_minor,
            LimitVerdict& verdict) {
  const std::int64_t units = limit.measure == LimitMeasure::kCount ? 1 : amount_minor;
  if (limit.window) {
    verdict.uses.push_back({.limit_id = limit.limit_id,
                            .control_account_id = control_account_id,
                            .units = units,
                            .window = *limit.window,
                            .swept = limit.WasLowered()});
    return;
  }
  if (units <= limit.maximum()) return;
  if (verdict.refusal && verdict.refusal->remaining <= limit.maximum()) return;
  verdict.refusal = {.limit_id = limit.limit_id, .remaining = limit.maximum()};
}

// Several payees in one country are one payment there.
void AddCountries(const Limit& limit, const LimitedPayment& payment, LimitVerdict& verdict) {
  std::map<std::string, std::int64_t> amounts;
  const auto add = [&amounts](const std::string& country, std::int64_t amount_minor) {
    amounts[country.empty() ? std::string(kUnknownCountry) : country] += amount_minor;
  };
  if (payment.payees.empty()) add(payment.country, payment.debited.minor_units);
  for (const LimitedPayment::Payee& payee : payment.payees) add(payee.country, payee.amount_minor);
  for (const auto& [country, amount_minor] : amounts) {
    if (!limit.country.empty() && limit.country != country) continue;
    const Uuid control =
        ControlAccountOf(limit, payment.user_id, payment.source_account_id, Uuid(), country);
    AddUse(limit, control, amount_minor, verdict);
  }
}

bool IsCountryCode(std::string_view text) {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

absl::StatusOr<LimitUse> ParseUse(const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  std::int64_t seconds = 0;
  LimitUse use;
  if (words.size() != 5 || !absl::SimpleAtoi(words[2], &use.units) ||
      !absl::SimpleAtoi(words[3], &seconds) || (words[4] != "kept" && words[4] != "swept")) {
    return Garbled();
  }
  FLORIN_ASSIGN_OR_RETURN(use.limit_id, Uuid::Parse(words[0]));
  FLORIN_ASSIGN_OR_RETURN(use.control_account_id, Uuid::Parse(words[1]));
  use.window = absl::Seconds(seconds);
  use.swept = words[4] == "swept";
  return use;
}

}  // namespace

std::string_view NameOf(LimitScope scope) {
  switch (scope) {
    case LimitScope::kUser:
      return "user";
    case LimitScope::kAccount:
      return "account";
    case LimitScope::kPayee:
      return "payee";
    case LimitScope::kCountry:
      return "country";
  }
  FLORIN_CHECK(false, "every scope has a name");
  return {};
}

std::string_view NameOf(LimitMeasure measure) {
  return measure == LimitMeasure::kAmount ? "amount" : "count";
}

std::string_view NameOf(KycLevel level) {
  switch (level) {
    case KycLevel::kNone:
      return "none";
    case KycLevel::kBasic:
      return "basic";
    case KycLevel::kFull:
      return "full";
  }
  FLORIN_CHECK(false, "every level has a name");
  return {};
}

absl::StatusOr<LimitScope> ParseLimitScope(std::string_view name) {
  for (const LimitScope scope :
       {LimitScope::kUser, LimitScope::kAccount, LimitScope::kPayee, LimitScope::kCountry}) {
    if (name == NameOf(scope)) return scope;
  }
  return NoName("no scope of a limit has this name");
}

absl::StatusOr<LimitMeasure> ParseLimitMeasure(std::string_view name) {
  for (const LimitMeasure measure : {LimitMeasure::kAmount, LimitMeasure::kCount}) {
    if (name == NameOf(measure)) return measure;
  }
  return NoName("no measure of a limit has this name");
}

absl::StatusOr<KycLevel> ParseKycLevel(std::string_view name) {
  for (const KycLevel level : {KycLevel::kNone, KycLevel::kBasic, KycLevel::kFull}) {
    if (name == NameOf(level)) return level;
  }
  return NoName("no KYC level has this name");
}

bool Limit::WasLowered() const {
  return std::ranges::adjacent_find(maxima, std::ranges::greater()) != maxima.end();
}

absl::Status CheckMaximum(std::int64_t maximum) {
  if (maximum >= 0 && maximum <= kLargestMaximum) return absl::OkStatus();
  return Invalid("maximum", "0 to 10^15");
}

absl::Status CheckLimit(const Limit& limit) {
  FLORIN_RETURN_IF_ERROR(CheckMaximum(limit.maximum()));
  if (limit.scope != LimitScope::kCountry && !limit.country.empty()) {
    return Invalid("country", "only of a limit of countries");
  }
  if (!limit.country.empty() && !IsCountryCode(limit.country)) {
    return Invalid("country", "two capital letters");
  }
  if (!limit.window) {
    if (limit.measure == LimitMeasure::kAmount) return absl::OkStatus();
    return Invalid("window_seconds", "payments are counted over a time");
  }
  if (*limit.window < kShortestWindow || *limit.window > kLongestWindow ||
      *limit.window != absl::Trunc(*limit.window, absl::Seconds(1))) {
    return Invalid("window_seconds", "whole seconds, one minute to 366 days");
  }
  return absl::OkStatus();
}

bool IsAbout(const Limit& limit, const Uuid& user_id, const Uuid& source_account_id,
             KycLevel payer_level, const Currency& currency) {
  if (limit.removed || limit.currency != currency) return false;
  if (limit.kyc_level && *limit.kyc_level != payer_level) return false;
  if (!limit.subject) return true;
  return *limit.subject == (limit.scope == LimitScope::kAccount ? source_account_id : user_id);
}

LimitVerdict Judge(std::span<const Limit> limits, const LimitedPayment& payment) {
  LimitVerdict verdict;
  for (const Limit& limit : limits) {
    if (!IsAbout(limit, payment.user_id, payment.source_account_id, payment.payer_level,
                 payment.debited.currency)) {
      continue;
    }
    if (limit.scope == LimitScope::kCountry) {
      AddCountries(limit, payment, verdict);
      continue;
    }
    const auto control = [&limit, &payment](const Uuid& payee) {
      return ControlAccountOf(limit, payment.user_id, payment.source_account_id, payee);
    };
    if (limit.scope != LimitScope::kPayee) {
      AddUse(limit, control(Uuid()), payment.debited.minor_units, verdict);
      continue;
    }
    for (const LimitedPayment::Payee& payee : payment.payees) {
      AddUse(limit, control(payee.account_id), payee.amount_minor, verdict);
    }
  }
  // What is refused already uses nothing.
  if (verdict.refusal) verdict.uses.clear();
  std::ranges::stable_sort(verdict.uses, {}, &LimitUse::window);
  return verdict;
}

Uuid ControlAccountOf(const Limit& limit, const Uuid& user_id, const Uuid& source_account_id,
                      const Uuid& payee_account_id, std::string_view country) {
  std::string bucket = FormatId(IdKind::kLimit, limit.limit_id) + " ";
  switch (limit.scope) {
    case LimitScope::kUser:
      bucket += FormatId(IdKind::kUser, user_id);
      break;
    case LimitScope::kAccount:
      bucket += FormatId(IdKind::kAccount, source_account_id);
      break;
    case LimitScope::kPayee:
      bucket +=
          FormatId(IdKind::kUser, user_id) + " " + FormatId(IdKind::kAccount, payee_account_id);
      break;
    case LimitScope::kCountry:
      bucket += "country " + std::string(country);
      break;
  }
  return DeriveId("florin.payments.limit", bucket);
}

std::string TextOf(std::span<const LimitUse> uses) {
  std::string text;
  for (const LimitUse& use : uses) {
    text += use.limit_id.ToString() + ' ' + use.control_account_id.ToString() + ' ' +
            std::to_string(use.units) + ' ' + std::to_string(absl::ToInt64Seconds(use.window)) +
            (use.swept ? " swept\n" : " kept\n");
  }
  return text;
}

absl::StatusOr<std::vector<LimitUse>> ParseLimitUses(std::string_view text) {
  std::vector<LimitUse> uses;
  std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  if (lines.size() < 2 || !lines.back().empty()) return Garbled();
  lines.pop_back();
  for (const std::string& line : lines) {
    const absl::StatusOr<LimitUse> use = ParseUse(line);
    if (!use.ok()) return Garbled();
    uses.push_back(*use);
  }
  return uses;
}

std::string TextOf(const LimitRefusal& refusal) {
  return refusal.limit_id.ToString() + ' ' + std::to_string(refusal.remaining);
}

absl::StatusOr<LimitRefusal> ParseLimitRefusal(std::string_view text) {
  const std::vector<std::string> words = absl::StrSplit(std::string(text), ' ');
  LimitRefusal refusal;
  if (words.size() != 2 || !absl::SimpleAtoi(words[1], &refusal.remaining)) return Garbled();
  FLORIN_ASSIGN_OR_RETURN(refusal.limit_id, Uuid::Parse(words[0]));
  return refusal;
}

}  // namespace florin::payments
