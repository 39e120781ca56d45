// How the approval of an order travels between the program and the order's row. Only for sources of
// payments' store.
#pragma once

#include <optional>
#include <string>

#include <pqxx/pqxx>

#include "services/payments/domain/order_approval.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {

// In the order that ReadOrderTerms expects, of the row `row`.
#define FLORIN_ORDER_TERMS(row)                                                                  \
  row ".approval_id, " row ".payee_name, " row ".approval_terms, encode(" row                    \
      ".approval_nonce, 'hex'), (extract(epoch FROM " row                                        \
      ".approval_expire_time) * 1000000)::bigint, encode(" row ".approved_binding, 'hex'), " row \
      ".cancel_reason"
inline constexpr int kOrderTermsColumns = 7;

// From column `at` on; nothing for an order without. The last column is not read.
absl::StatusOr<std::optional<OrderTerms>> ReadOrderTerms(const pqxx::row& row, int at);

// As statements bind them; NULL where there are none.
struct OrderTermsParams {
  explicit OrderTermsParams(const std::optional<OrderTerms>& terms);

  std::optional<std::string> approval_id, payee_name, text, nonce;
  std::optional<std::int64_t> expire_micros;
};

// Octets from the text of encode(…, 'hex'); empty for NULL.
std::string OctetsIn(const pqxx::field& hex);

}  // namespace florin::payments
