#include "services/payments/store/order_rows.h"

#include "absl/strings/escaping.h"

namespace florin::payments {

std::string OctetsIn(const pqxx::field& hex) {
  return hex.is_null() ? std::string() : absl::HexStringToBytes(hex.c_str());
}

absl::StatusOr<std::optional<OrderTerms>> ReadOrderTerms(const pqxx::row& row, int at) {
  if (row[at].is_null()) return std::optional<OrderTerms>();
  OrderTerms terms{.payee_name = row[at + 1].c_str(),
                   .terms = row[at + 2].c_str(),
                   .nonce = OctetsIn(row[at + 3]),
                   .expire_time = absl::FromUnixMicros(row[at + 4].as<std::int64_t>()),
                   .approved_binding = OctetsIn(row[at + 5])};
  FLORIN_ASSIGN_OR_RETURN(terms.approval_id, ReadUuid(row[at]));
  return std::optional<OrderTerms>(std::move(terms));
}

OrderTermsParams::OrderTermsParams(const std::optional<OrderTerms>& terms) {
  if (!terms) return;
  approval_id = terms->approval_id.ToString();
  payee_name = terms->payee_name;
  text = terms->terms;
  nonce = ByteaOf(terms->nonce);
  expire_micros = absl::ToUnixMicros(terms->expire_time);
}

}  // namespace florin::payments
