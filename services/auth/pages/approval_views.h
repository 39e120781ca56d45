// The page on which a payer approves a payment, from values to HTML. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/money/money.h"
#include "services/auth/domain/payment_approval.h"
#include "services/auth/pages/html.h"

namespace florin::auth {

// What the payer is asked to approve, exactly as it is bound (RTS Art. 5(1)(a)), and how they can.
struct ApprovalView {
  std::string token;        // Of the forms; see csrf.h.
  std::string approval_id;  // `apr_…`
  std::string amount;       // AmountText().
  std::string payee_name;
  std::string payee_account_id;  // `acc_…`; empty for a bulk.
  absl::Time expire_time;
  std::string passkey_options;  // JSON for the script; empty: no passkey button.
  bool totp = false;            // One-time codes will do.
  std::string error;            // A sentence; empty if all is well.
  ApprovalKind kind = ApprovalKind::kPayment;
  std::string terms = {};  // Of an order.
};
// Where neither passkeys nor codes will do, the page says how to get one, and only declines.
std::string RenderApproval(const ApprovalView& view);

// How an approval ended, or that it was given.
enum class ApprovalEndView { kApproved, kPaid, kDeclined, kExpired, kVoid, kUnknown };
std::string RenderApprovalEnd(ApprovalEndView end, ApprovalKind kind = ApprovalKind::kPayment);

// "1 234.50 EUR": the currency's decimals after a point, thousands parted by U+202F, so that no
// locale reads it as another amount. `amount` is not negative.
std::string AmountText(const Money& amount);

}  // namespace florin::auth
