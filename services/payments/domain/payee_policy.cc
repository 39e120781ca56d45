#include "services/payments/domain/payee_policy.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace florin::payments {

absl::StatusOr<std::map<Currency, std::int64_t>> ParseAmounts(std::string_view text) {
  std::map<Currency, std::int64_t> amounts;
  if (text.empty()) return amounts;
  const std::string all(text);
  for (const std::string& entry : std::vector<std::string>(absl::StrSplit(all, ','))) {
    const std::vector<std::string> parts = absl::StrSplit(entry, ':');
    std::int64_t minor = 0;
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &minor) || minor < 0) {
      return Error(Reason::kInvalidField, "amounts are CURRENCY:MINOR_UNITS, separated by commas");
    }
    FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(parts[0]));
    if (!amounts.emplace(currency, minor).second) {
      return Error(Reason::kInvalidField, "a currency is there twice");
    }
  }
  return amounts;
}

absl::StatusOr<PayoutPayees> ParsePayoutPayees(std::string_view text) {
  if (text == "anybody") return PayoutPayees::kAnybody;
  if (text == "approved") return PayoutPayees::kApproved;
  if (text == "saved") return PayoutPayees::kSaved;
  return Error(Reason::kInvalidField, "payouts go to anybody, approved or saved payees");
}

namespace {

// Whether it may be paid the amount by now.
bool IsUsable(const PayeePolicy& policy, absl::Time usable_time, const Money& amount,
              absl::Time now) {
  if (now >= usable_time) return true;
  const auto free = policy.while_cooling_off.find(amount.currency);
  return free != policy.while_cooling_off.end() && amount.minor_units <= free->second;
}

absl::Status IsNew(absl::Time usable_time, std::string param) {
  const std::string from =
      absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", usable_time, absl::UTCTimeZone());
  return Error(Reason::kPayeeCoolingOff, "the payee is new",
               {.param = std::move(param), .metadata = {{"usable_time", from}}});
}

}  // namespace

absl::Status CheckSaved(const PayeePolicy& policy, std::optional<absl::Time> usable_time,
                        const Money& amount, absl::Time now) {
  if (!policy.required) return absl::OkStatus();
  if (!usable_time) {
    return Error(Reason::kPayeeNotFound, "save the payee first",
                 {.param = "destination_account_id"});
  }
  if (IsUsable(policy, *usable_time, amount, now)) return absl::OkStatus();
  return IsNew(*usable_time, "destination_account_id");
}

absl::StatusOr<bool> NeedsApproval(const PayeePolicy& policy, std::optional<absl::Time> usable_time,
                                   const Money& amount, absl::Time now) {
  if (policy.payouts == PayoutPayees::kAnybody) return false;
  if (usable_time && IsUsable(policy, *usable_time, amount, now)) return false;
  if (policy.payouts == PayoutPayees::kApproved) return true;
  if (usable_time) return IsNew(*usable_time, "beneficiary");
  return Error(Reason::kPayeeRequired, "save the payee first", {.param = "beneficiary"});
}

}  // namespace florin::payments
