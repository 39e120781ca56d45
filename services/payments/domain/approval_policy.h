// Which payments their payer must approve by strong customer authentication with dynamic linking,
// and which are exempt (Commission Delegated Regulation (EU) 2018/389, "RTS", Art. 5, 13, 15, 16).
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "libs/money/money.h"
#include "libs/status/status.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

// Payments that may follow each other on the low-value exemption (RTS Art. 16(c)).
inline constexpr int kMostLowValuePayments = 5;

// The low-value exemption for one currency (RTS Art. 16), in minor units.
struct LowValueLimits {
  std::int64_t single_minor = 0;  // At most, each.
  std::int64_t total_minor = 0;   // At most, all since the last strong authentication.

  friend bool operator==(const LowValueLimits&, const LowValueLimits&) = default;
};

// The default asks for no approval.
struct ApprovalPolicy {
  // Whether transfers to accounts of other users and payouts need one, unless exempt.
  bool enabled = false;
  // Currencies with a low-value exemption; the others have none.
  std::map<Currency, LowValueLimits> low_value;

  friend bool operator==(const ApprovalPolicy&, const ApprovalPolicy&) = default;
};

// From the text of a flag:
//
//   (empty)           no approvals
//   all               every transfer to somebody else
//   EUR:3000:10000    the same, but with the low-value exemption for EUR: 30.00 each, 100.00
//                     together. More currencies follow after commas.
//
// Error: kInvalidField, naming the part that is wrong; also limits for EUR beyond those of Art. 16.
absl::StatusOr<ApprovalPolicy> ParseApprovalPolicy(std::string_view text);

// What a payer had exempted since the last strong authentication.
struct LowValueUse {
  int payments = 0;              // In all currencies.
  std::int64_t total_minor = 0;  // In the payment's currency.

  friend bool operator==(const LowValueUse&, const LowValueUse&) = default;
};

// Why a payment needs an approval, or why not. Names are for logs and metrics.
enum class Basis {
  kOff,           // Not: the policy asks for none.
  kDeposit,       // Not: nothing leaves an account of the user.
  kOwnAccount,    // Not: to oneself (RTS Art. 15).
  kLowValue,      // Not: exempt (RTS Art. 16). Counts as use.
  kNoExemption,   // The currency has no exemption.
  kAmount,        // More than the exemption covers at once.
  kExemptionUsed  // The exemption is used up.
};
std::string_view NameOf(Basis basis);

struct Verdict {
  bool needs_approval = false;
  Basis basis = Basis::kOff;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// `to_own_account`: whether the payer owns the destination, too.
Verdict Judge(const ApprovalPolicy& policy, Kind kind, const Money& amount, bool to_own_account,
              const LowValueUse& use);

// Whether Judge() depends on the use: then it must be asked where the use is kept.
bool DependsOnUse(const ApprovalPolicy& policy, Kind kind, bool to_own_account);

// `use` after one more exempted payment that Judge() allowed.
LowValueUse After(LowValueUse use, const Money& amount);

}  // namespace florin::payments
