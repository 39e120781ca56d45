// How a payment travels between the program and its row. Only for sources of payments' store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "libs/audit/event.h"
#include "libs/crypto/sha256.h"
#include "libs/pg/array.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// What went back of a conversion, as ReadReturned expects it, of a row of any table.
#define FLORIN_RETURNED_COLUMNS(row) \
  row ".returned_minor, " row ".returned_spread_minor, " row ".returned_rounding_minor"

// The columns of a payment, in the order that ReadPayment expects, of the row `p`.
#define FLORIN_PAYMENT_COLUMNS                                                                \
  "p.payment_id, p.user_id, p.kind, p.state, p.source_account_id, p.destination_account_id, " \
  "p.currency, p.amount_minor, p.reference, p.failure_reason, p.transaction_id, "             \
  "(extract(epoch FROM p.create_time) * 1000000)::bigint, "                                   \
  "(extract(epoch FROM p.update_time) * 1000000)::bigint, "                                   \
  "p.approval_id, p.payee_name, encode(p.approval_nonce, 'hex'), "                            \
  "(extract(epoch FROM p.approval_expire_time) * 1000000)::bigint, "                          \
  "encode(p.approved_binding, 'hex'), p.pricing, "                                            \
  "p.authorization_timeout_seconds, "                                                         \
  "(extract(epoch FROM p.authorization_expire_time) * 1000000)::bigint, "                     \
  "p.captured_minor, p.capturing_minor, p.refunded_minor, p.disputed_minor, "                 \
  "p.upheld_minor, p.release_reason, p.limit_uses, p.limit_refusal, "                         \
  "p.source_book, p.target_book, " FLORIN_RETURNED_COLUMNS("p")
inline constexpr int kPaymentColumns = 34;

// Times travel as microseconds since the epoch, exactly.
#define FLORIN_TIME(micros) "timestamptz 'epoch' + " micros " * interval '1 microsecond'"

// Greater than every id that Florin makes: the first page lists what is below it.
inline constexpr char kGreatestId[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

// NULL is the nil id. Error: kInvalidId.
absl::StatusOr<Uuid> ReadUuid(const pqxx::field& field);
std::optional<std::string> TextOrNull(const Uuid& id);

// From three columns, of which `first` is the first; NULL is 0.
Returned ReadReturned(const pqxx::row& row, int first);

absl::StatusOr<Payment> ReadPayment(const pqxx::row& row);
absl::StatusOr<std::vector<Payment>> ReadPayments(const pqxx::result& rows);

// As the bytea type reads it.
std::string ByteaOf(std::string_view octets);

// What the audit trail says of a payment: `action` is payments.payment.create, confirm or cancel,
// each of which happens to a payment once. `actor` empty: its user.
audit::Event EventOf(const Payment& payment, std::string action, absl::Time time,
                     const audit::Origin& origin, std::string actor = "");

// The columns that insert_intents and find_intents bind.
struct IntentArrays {
  explicit IntentArrays(const std::vector<Intent>& intents);

  pg::Array user_ids, payment_ids, kinds, keys, fingerprints, sources, destinations, currencies,
      amounts, references, transaction_ids, created, next_attempts, pricings,
      authorization_timeouts, limit_uses, limit_refusals, request_ids, trace_ids, source_books,
      target_books;
  // Of those that are payouts; statement insert_payouts.
  pg::Array payout_ids, payout_names, payout_accounts, payout_are_ibans, payout_rails;
  int payouts = 0;
  // Of those that are between two books; statement insert_transfers.
  pg::Array transfer_ids, transfer_amounts;
  int transfers = 0;
};

// What is kept under each intent's key, for those that have anything, in order. Needs the statement
// find_intents.
absl::StatusOr<std::vector<StoredIntent>> FindIntents(pqxx::work& transaction,
                                                      const IntentArrays& arrays);

// Inserts what is kept beside those of the intents that are payouts, or between two books, and were
// inserted.
void InsertTransfers(pqxx::work& transaction, const IntentArrays& arrays);
void InsertPayouts(pqxx::work& transaction, const IntentArrays& arrays);

// Inserts intents under new keys (statement insert_intents), with their payouts, and gives how
// many.
std::size_t InsertNewIntents(pqxx::work& transaction, const IntentArrays& arrays);

}  // namespace florin::payments
