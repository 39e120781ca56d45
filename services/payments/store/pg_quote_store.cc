#include "services/payments/store/pg_quote_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"
#include "services/payments/store/payment_rows.h"
#include "services/payments/store/quote_use.h"

namespace florin::payments {
namespace {

constexpr char kInsertQuote[] =
    "INSERT INTO quotes (user_id, quote_id, source_currency, source_minor, destination_currency, "
    "destination_minor, spread_minor, rounding_minor, rate, mid_rate, spread_basis_points, "
    "rate_time, create_time, expire_time) "
    "VALUES ($1::uuid, $2::uuid, $3, $4::bigint, $5, $6::bigint, $7::bigint, $8::bigint, "
    "$9::bigint, $10::bigint, $11::integer, " FLORIN_TIME("$12::bigint") ", "
    FLORIN_TIME("$13::bigint") ", " FLORIN_TIME("$14::bigint") ") "
    "ON CONFLICT (user_id, quote_id) DO NOTHING";

constexpr char kGetQuote[] =
    "SELECT source_currency, source_minor, destination_currency, destination_minor, spread_minor, "
    "rounding_minor, rate, mid_rate, spread_basis_points, "
    "(extract(epoch FROM rate_time) * 1000000)::bigint, "
    "(extract(epoch FROM create_time) * 1000000)::bigint, "
    "(extract(epoch FROM expire_time) * 1000000)::bigint, payment_id "
    "FROM quotes WHERE user_id = $1::uuid AND quote_id = $2::uuid";

// Locks it: whoever comes second waits, and then finds it used.
constexpr char kLockQuote[] =
    "SELECT payment_id IS NOT NULL, expire_time <= " FLORIN_TIME("$3::bigint") " "
    "FROM quotes WHERE user_id = $1::uuid AND quote_id = $2::uuid FOR UPDATE";

constexpr char kUseQuote[] =
    "UPDATE quotes SET payment_id = $3::uuid WHERE user_id = $1::uuid AND quote_id = $2::uuid";

constexpr char kForgetQuotes[] =
    "DELETE FROM quotes AS q USING (SELECT user_id, quote_id FROM quotes "
    "WHERE payment_id IS NULL AND expire_time < " FLORIN_TIME("$1::bigint") " "
    "ORDER BY expire_time LIMIT $2::integer FOR UPDATE SKIP LOCKED) AS over "
    "WHERE q.user_id = over.user_id AND q.quote_id = over.quote_id";

absl::Status NotFound() { return Error(Reason::kQuoteNotFound, "no such quote"); }

absl::StatusOr<Quote> ReadQuote(const Uuid& user_id, const Uuid& quote_id, const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency source, Currency::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const Currency destination, Currency::Parse(row[2].c_str()));
  Quote quote{.quote_id = quote_id,
              .user_id = user_id,
              .converted = {.source = {row[1].as<std::int64_t>(), source},
                            .destination = {row[3].as<std::int64_t>(), destination},
                            .spread_minor = row[4].as<std::int64_t>(),
                            .rounding_minor = row[5].as<std::int64_t>()},
              .rate = {row[6].as<std::int64_t>()},
              .mid_rate = {row[7].as<std::int64_t>()},
              .spread_basis_points = row[8].as<int>(),
              .rate_time = absl::FromUnixMicros(row[9].as<std::int64_t>()),
              .create_time = absl::FromUnixMicros(row[10].as<std::int64_t>()),
              .expire_time = absl::FromUnixMicros(row[11].as<std::int64_t>())};
  if (!row[12].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(quote.payment_id, Uuid::Parse(row[12].c_str()));
  }
  return quote;
}

void Insert(pqxx::work& transaction, const Quote& quote) {
  const Converted& converted = quote.converted;
  transaction.exec_prepared(
      "insert_quote", quote.user_id.ToString(), quote.quote_id.ToString(),
      std::string(converted.source.currency.code()), converted.source.minor_units,
      std::string(converted.destination.currency.code()), converted.destination.minor_units,
      converted.spread_minor, converted.rounding_minor, quote.rate.units, quote.mid_rate.units,
      quote.spread_basis_points, absl::ToUnixMicros(quote.rate_time),
      absl::ToUnixMicros(quote.create_time), absl::ToUnixMicros(quote.expire_time));
}

absl::StatusOr<StoredIntent> InsertUsing(pqxx::work& transaction, const Intent& intent,
                                         std::vector<audit::Event>& events) {
  const Payment& payment = intent.payment;
  const IntentArrays arrays({intent});
  // First, so that of one key at once the second waits here and then is a replay.
  if (InsertNewIntents(transaction, arrays) == 0) {
    FLORIN_ASSIGN_OR_RETURN(std::vector<StoredIntent> known, FindIntents(transaction, arrays));
    FLORIN_CHECK(known.size() == 1, "an insert ran into the key");
    return std::move(known.front());
  }
  FLORIN_RETURN_IF_ERROR(UseQuote(transaction, payment));
  events.push_back(EventOf(payment, "payments.payment.create", payment.create_time, intent.origin));
  return StoredIntent{.payment = payment, .same_request = true};
}

}  // namespace

absl::Status UseQuote(pqxx::work& transaction, const Payment& payment) {
  const Conversion* const conversion = ConversionOf(payment);
  if (conversion == nullptr) return absl::OkStatus();
  const std::string user_id = payment.user_id.ToString();
  const std::string quote_id = conversion->quote_id.ToString();
  const pqxx::result rows = transaction.exec_prepared("lock_quote", user_id, quote_id,
                                                      absl::ToUnixMicros(payment.create_time));
  if (rows.empty()) return NotFound();
  if (rows[0][0].as<bool>()) return Error(Reason::kQuoteUsed, "another payment has used it");
  if (rows[0][1].as<bool>()) return Error(Reason::kQuoteExpired, "the quote's time is over");
  transaction.exec_prepared("use_quote", user_id, quote_id, payment.payment_id.ToString());
  return absl::OkStatus();
}

std::vector<pg::Statement> PgQuoteStore::Statements() {
  return {{"insert_quote", kInsertQuote},
          {"get_quote", kGetQuote},
          {"lock_quote", kLockQuote},
          {"use_quote", kUseQuote},
          {"forget_quotes", kForgetQuotes}};
}

Task<absl::StatusOr<Quote>> PgQuoteStore::InsertQuote(Quote quote) {
  std::function<absl::StatusOr<Quote>(pqxx::work&)> work =
      [&quote](pqxx::work& transaction) -> absl::StatusOr<Quote> {
    Insert(transaction, quote);
    return quote;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Quote>> PgQuoteStore::GetQuote(Uuid user_id, Uuid quote_id) {
  std::function<absl::StatusOr<Quote>(pqxx::transaction_base&)> work =
      [user_id, quote_id](pqxx::transaction_base& transaction) -> absl::StatusOr<Quote> {
    const pqxx::result rows =
        transaction.exec_prepared("get_quote", user_id.ToString(), quote_id.ToString());
    if (rows.empty()) return NotFound();
    return ReadQuote(user_id, quote_id, rows[0]);
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredIntent>> PgQuoteStore::InsertWithQuote(Intent intent) {
  std::function<absl::StatusOr<StoredIntent>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&intent](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return InsertUsing(transaction, intent, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<int>> PgQuoteStore::ForgetQuotes(absl::Time before, int limit) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [before, limit](pqxx::work& transaction) -> absl::StatusOr<int> {
    const pqxx::result forgotten =
        transaction.exec_prepared("forget_quotes", absl::ToUnixMicros(before), limit);
    return static_cast<int>(forgotten.affected_rows());
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::optional<StoredIntent>>> PgQuoteStore::FindIntent(Intent intent) {
  std::function<absl::StatusOr<std::optional<StoredIntent>>(pqxx::work&)> work =
      [&intent](pqxx::work& transaction) -> absl::StatusOr<std::optional<StoredIntent>> {
    const IntentArrays arrays({intent});
    FLORIN_ASSIGN_OR_RETURN(std::vector<StoredIntent> known, FindIntents(transaction, arrays));
    if (known.empty()) return std::optional<StoredIntent>();
    return std::optional<StoredIntent>(std::move(known.front()));
  };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
