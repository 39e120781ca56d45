// What the payer of an order, of a schedule or a bulk, is asked to approve once for all of its
// payments (RTS Art. 5(3)(b) and 14), and what was approved in the end. The approval itself is
// auth's; what it binds is in store/order_approval_store.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"

namespace florin::payments {

// As ApprovalTerms of one payment.
struct OrderTerms {
  Uuid approval_id;        // OrderApprovalIdOf().
  std::string payee_name;  // The payees, as the payer is shown them. Personal data.
  std::string terms;       // What else the payer is shown.
  std::string nonce;       // sca::kNonceSize octets.
  absl::Time expire_time;
  std::string approved_binding = {};  // Digest of what was redeemed, octets; empty before.

  friend bool operator==(const OrderTerms&, const OrderTerms&) = default;
};

// The id of an order's approval: follows from the order's (`kind`: kSchedule or kBulk), so that
// every attempt uses the same one.
Uuid OrderApprovalIdOf(IdKind kind, const Uuid& order_id);

// "Ada Lovelace, Bob and 12 more": `names` that fit, in their order, of `payees` in all; at most
// 140 characters. Names must be plain text; at least one payee.
std::string PayeesText(const std::vector<std::string>& names, int payees);

}  // namespace florin::payments
