#include "services/payments/domain/approval_policy.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/status/check.h"

namespace florin::payments {
namespace {

// RTS Art. 16: 30 EUR each, 100 EUR together.
constexpr LowValueLimits kMostInEuro{.single_minor = 3000, .total_minor = 10000};

absl::Status Wrong(const std::string& part, std::string_view why) {
  return Error(Reason::kInvalidField, "'" + part + "' " + std::string(why),
               {.param = "approval_policy"});
}

absl::Status AddCurrency(const std::string& part, ApprovalPolicy& policy) {
  const std::vector<std::string> fields = absl::StrSplit(part, ':');
  if (fields.size() != 3) return Wrong(part, "is not CURRENCY:SINGLE:TOTAL");
  const absl::StatusOr<Currency> currency = Currency::Parse(fields[0]);
  if (!currency.ok()) return Wrong(part, "does not begin with an ISO 4217 code");
  LowValueLimits limits;
  if (!absl::SimpleAtoi(fields[1], &limits.single_minor) ||
      !absl::SimpleAtoi(fields[2], &limits.total_minor) || limits.single_minor < 0 ||
      limits.total_minor < limits.single_minor) {
    return Wrong(part, "has no limits in minor units, the smaller first");
  }
  if (currency->code() == "EUR" && (limits.single_minor > kMostInEuro.single_minor ||
                                    limits.total_minor > kMostInEuro.total_minor)) {
    return Wrong(part, "exempts more than RTS Art. 16 does");
  }
  if (!policy.low_value.emplace(*currency, limits).second) {
    return Wrong(part, "names a currency again");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ApprovalPolicy> ParseApprovalPolicy(std::string_view text) {
  ApprovalPolicy policy;
  if (text.empty()) return policy;
  policy.enabled = true;
  if (text == "all") return policy;
  const std::vector<std::string> parts = absl::StrSplit(std::string(text), ',');
  for (const std::string& part : parts) FLORIN_RETURN_IF_ERROR(AddCurrency(part, policy));
  return policy;
}

std::string_view NameOf(Basis basis) {
  switch (basis) {
    case Basis::kOff:
      return "off";
    case Basis::kDeposit:
      return "deposit";
    case Basis::kOwnAccount:
      return "own_account";
    case Basis::kLowValue:
      return "low_value";
    case Basis::kNoExemption:
      return "no_exemption";
    case Basis::kAmount:
      return "amount";
    case Basis::kExemptionUsed:
      return "exemption_used";
  }
  FLORIN_CHECK(false, "every basis has a name");
  return {};
}

bool DependsOnUse(const ApprovalPolicy& policy, Kind kind, bool to_own_account) {
  return policy.enabled && kind != Kind::kDeposit && !to_own_account;
}

Verdict Judge(const ApprovalPolicy& policy, Kind kind, const Money& amount, bool to_own_account,
              const LowValueUse& use) {
  if (!policy.enabled) return {.needs_approval = false, .basis = Basis::kOff};
  if (kind == Kind::kDeposit) return {.needs_approval = false, .basis = Basis::kDeposit};
  if (to_own_account) return {.needs_approval = false, .basis = Basis::kOwnAccount};
  const auto limits = policy.low_value.find(amount.currency);
  if (limits == policy.low_value.end()) {
    return {.needs_approval = true, .basis = Basis::kNoExemption};
  }
  if (amount.minor_units > limits->second.single_minor) {
    return {.needs_approval = true, .basis = Basis::kAmount};
  }
  const std::optional<std::int64_t> total = CheckedAdd(use.total_minor, amount.minor_units);
  if (use.payments >= kMostLowValuePayments || !total || *total > limits->second.total_minor) {
    return {.needs_approval = true, .basis = Basis::kExemptionUsed};
  }
  return {.needs_approval = false, .basis = Basis::kLowValue};
}

LowValueUse After(LowValueUse use, const Money& amount) {
  ++use.payments;
  use.total_minor += amount.minor_units;  // Judge() has added it before.
  return use;
}

}  // namespace florin::payments
