#include "services/payments/store/payment_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"

namespace florin::payments {
namespace {

std::string OctetsOf(const pqxx::field& hex) {
  return hex.is_null() ? std::string() : absl::HexStringToBytes(hex.c_str());
}

absl::StatusOr<ApprovalTerms> ReadTerms(const pqxx::row& row) {
  ApprovalTerms terms{.payee_name = row[14].c_str(),
                      .nonce = OctetsOf(row[15]),
                      .expire_time = absl::FromUnixMicros(row[16].as<std::int64_t>()),
                      .approved_binding = OctetsOf(row[17])};
  FLORIN_ASSIGN_OR_RETURN(terms.approval_id, ReadUuid(row[13]));
  return terms;
}

}  // namespace

absl::StatusOr<Uuid> ReadUuid(const pqxx::field& field) {
  return field.is_null() ? Uuid() : Uuid::Parse(field.c_str());
}

std::optional<std::string> TextOrNull(const Uuid& id) {
  if (id.is_nil()) return std::nullopt;
  return id.ToString();
}

absl::StatusOr<Payment> ReadPayment(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[6].c_str()));
  Payment payment{.amount = {.minor_units = row[7].as<std::int64_t>(), .currency = currency},
                  .reference = row[8].c_str(),
                  .failure_reason = row[9].c_str(),
                  .create_time = absl::FromUnixMicros(row[11].as<std::int64_t>()),
                  .update_time = absl::FromUnixMicros(row[12].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(payment.payment_id, ReadUuid(row[0]));
  FLORIN_ASSIGN_OR_RETURN(payment.user_id, ReadUuid(row[1]));
  FLORIN_ASSIGN_OR_RETURN(payment.kind, ParseKind(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payment.state, ParseState(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(payment.source_account_id, ReadUuid(row[4]));
  FLORIN_ASSIGN_OR_RETURN(payment.destination_account_id, ReadUuid(row[5]));
  FLORIN_ASSIGN_OR_RETURN(payment.transaction_id, ReadUuid(row[10]));
  if (!row[13].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(payment.approval, ReadTerms(row));
  }
  if (!row[18].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(payment.pricing, ParsePricing(row[18].c_str()));
  }
  if (!row[19].is_null()) payment.authorization_timeout = absl::Seconds(row[19].as<int>());
  if (!row[20].is_null()) {
    payment.authorization_expire_time = absl::FromUnixMicros(row[20].as<std::int64_t>());
  }
  payment.counters = {.captured_minor = row[21].as<std::int64_t>(),
                      .capturing_minor = row[22].as<std::int64_t>(),
                      .refunded_minor = row[23].as<std::int64_t>(),
                      .disputed_minor = row[24].as<std::int64_t>(),
                      .upheld_minor = row[25].as<std::int64_t>(),
                      .release_reason = row[26].c_str(),
                      .returned = ReadReturned(row, 31)};
  if (!row[27].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(payment.limit_uses, ParseLimitUses(row[27].c_str()));
  }
  if (!row[28].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(payment.limit_refusal, ParseLimitRefusal(row[28].c_str()));
  }
  if (!row[29].is_null()) {
    payment.books = Books{.source = row[29].c_str(), .target = row[30].c_str()};
  }
  return payment;
}

Returned ReadReturned(const pqxx::row& row, int first) {
  const auto number = [&row](int column) { return row[column].as<std::int64_t>(0); };
  return {.payee_minor = number(first),
          .spread_minor = number(first + 1),
          .rounding_minor = number(first + 2)};
}

absl::StatusOr<std::vector<Payment>> ReadPayments(const pqxx::result& rows) {
  std::vector<Payment> payments;
  payments.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadPayment(row));
    payments.push_back(std::move(payment));
  }
  return payments;
}

std::string ByteaOf(std::string_view octets) { return "\\x" + crypto::Hex(octets); }

namespace {

// NULL where there is none.
void AddText(const std::string& text, pg::Array& column) {
  if (text.empty()) {
    column.AddNull();
  } else {
    column.Add(text);
  }
}

}  // namespace

IntentArrays::IntentArrays(const std::vector<Intent>& intents) {
  for (const Intent& intent : intents) {
    const Payment& payment = intent.payment;
    user_ids.Add(payment.user_id);
    payment_ids.Add(payment.payment_id);
    kinds.Add(NameOf(payment.kind));
    keys.Add(intent.idempotency_key);
    fingerprints.Add(ByteaOf(crypto::AsOctets(intent.fingerprint)));
    if (payment.source_account_id.is_nil()) {
      sources.AddNull();
    } else {
      sources.Add(payment.source_account_id);
    }
    destinations.Add(payment.destination_account_id);
    currencies.Add(payment.amount.currency.code());
    amounts.Add(payment.amount.minor_units);
    references.Add(payment.reference);
    transaction_ids.Add(payment.transaction_id);
    created.Add(absl::ToUnixMicros(payment.create_time));
    next_attempts.Add(absl::ToUnixMicros(payment.create_time + kLease));
    if (payment.pricing) {
      pricings.Add(TextOf(*payment.pricing));
    } else {
      pricings.AddNull();
    }
    if (payment.authorization_timeout) {
      authorization_timeouts.Add(absl::ToInt64Seconds(*payment.authorization_timeout));
    } else {
      authorization_timeouts.AddNull();
    }
    if (payment.limit_uses.empty()) {
      limit_uses.AddNull();
    } else {
      limit_uses.Add(TextOf(payment.limit_uses));
    }
    if (payment.limit_refusal) {
      limit_refusals.Add(TextOf(*payment.limit_refusal));
    } else {
      limit_refusals.AddNull();
    }
    AddText(intent.origin.request_id, request_ids);
    AddText(intent.trace_id, trace_ids);
    if (payment.books) {
      source_books.Add(payment.books->source);
      target_books.Add(payment.books->target);
    } else {
      source_books.AddNull();
      target_books.AddNull();
    }
    if (AreApart(payment)) {
      transfer_ids.Add(payment.payment_id);
      transfer_amounts.Add(CreditedOf(payment).minor_units);
      ++transfers;
    }
    if (!intent.payout) continue;
    payout_ids.Add(payment.payment_id);
    payout_names.Add(intent.payout->beneficiary.name);
    payout_accounts.Add(intent.payout->beneficiary.account);
    payout_are_ibans.Add(intent.payout->beneficiary.is_iban ? "true" : "false");
    payout_rails.Add(intent.payout->rail);
    ++payouts;
  }
}

absl::StatusOr<std::vector<StoredIntent>> FindIntents(pqxx::work& transaction,
                                                      const IntentArrays& arrays) {
  const pqxx::result rows =
      transaction.exec_prepared("find_intents", arrays.user_ids.literal(), arrays.kinds.literal(),
                                arrays.keys.literal(), arrays.fingerprints.literal());
  std::vector<StoredIntent> stored;
  stored.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Payment payment, ReadPayment(row));
    stored.push_back(StoredIntent{.payment = std::move(payment),
                                  .same_request = row[kPaymentColumns].as<bool>()});
  }
  return stored;
}

void InsertPayouts(pqxx::work& transaction, const IntentArrays& arrays) {
  if (arrays.payouts == 0) return;
  transaction.exec_prepared("insert_payouts", arrays.payout_ids.literal(),
                            arrays.payout_names.literal(), arrays.payout_accounts.literal(),
                            arrays.payout_are_ibans.literal(), arrays.payout_rails.literal());
}

void InsertTransfers(pqxx::work& transaction, const IntentArrays& arrays) {
  if (arrays.transfers == 0) return;
  transaction.exec_prepared("insert_transfers", arrays.transfer_ids.literal(),
                            arrays.transfer_amounts.literal());
}

std::size_t InsertNewIntents(pqxx::work& transaction, const IntentArrays& arrays) {
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_intents", arrays.user_ids.literal(), arrays.payment_ids.literal(),
      arrays.kinds.literal(), arrays.keys.literal(), arrays.fingerprints.literal(),
      arrays.sources.literal(), arrays.destinations.literal(), arrays.currencies.literal(),
      arrays.amounts.literal(), arrays.references.literal(), arrays.transaction_ids.literal(),
      arrays.created.literal(), arrays.next_attempts.literal(), arrays.pricings.literal(),
      arrays.authorization_timeouts.literal(), arrays.limit_uses.literal(),
      arrays.limit_refusals.literal(), arrays.request_ids.literal(), arrays.trace_ids.literal(),
      arrays.source_books.literal(), arrays.target_books.literal());
  InsertPayouts(transaction, arrays);
  InsertTransfers(transaction, arrays);
  return static_cast<std::size_t>(inserted.affected_rows());
}

audit::Event EventOf(const Payment& payment, std::string action, absl::Time time,
                     const audit::Origin& origin, std::string actor) {
  const std::string user_id = FormatId(IdKind::kUser, payment.user_id);
  audit::Event event;
  event.subject = FormatId(IdKind::kPayment, payment.payment_id);
  event.event_id = DeriveId("florin." + action, event.subject);
  event.time = time;
  event.action = std::move(action);
  event.actor = actor.empty() ? user_id : std::move(actor);
  if (event.actor != user_id) event.on_behalf_of = user_id;
  event.origin = origin;
  event.details = {{"amount_minor", std::to_string(payment.amount.minor_units)},
                   {"currency", std::string(payment.amount.currency.code())},
                   {"destination", FormatId(IdKind::kAccount, payment.destination_account_id)},
                   {"kind", std::string(NameOf(payment.kind))}};
  if (payment.authorization_timeout) {
    event.details["authorization_seconds"] =
        std::to_string(absl::ToInt64Seconds(*payment.authorization_timeout));
  }
  if (!payment.source_account_id.is_nil()) {
    event.details["source"] = FormatId(IdKind::kAccount, payment.source_account_id);
  }
  if (payment.pricing) {
    const std::size_t payees = std::max<std::size_t>(payment.pricing->splits.size(), 1);
    event.details["debited_minor"] = std::to_string(DebitedOf(payment).minor_units);
    event.details["payees"] = std::to_string(payees);
    if (const auto& fx = payment.pricing->conversion) {
      event.details["quote"] = FormatId(IdKind::kQuote, fx->quote_id);
    }
  }
  return event;
}

}  // namespace florin::payments
