// FakeStore's side of QuoteStore.
#include <utility>

#include "services/payments/store/fake_store.h"

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kQuoteNotFound, "no such quote"); }

}  // namespace

absl::Status FakeStore::UseQuote(const Payment& payment) {
  const Conversion* const conversion = ConversionOf(payment);
  if (conversion == nullptr) return absl::OkStatus();
  const auto quote = quotes_.find({payment.user_id, conversion->quote_id});
  if (quote == quotes_.end()) return NotFound();
  if (!quote->second.payment_id.is_nil()) return Error(Reason::kQuoteUsed, "used before");
  if (quote->second.expire_time <= payment.create_time) {
    return Error(Reason::kQuoteExpired, "the quote's time is over");
  }
  quote->second.payment_id = payment.payment_id;
  return absl::OkStatus();
}

Task<absl::StatusOr<Quote>> FakeStore::InsertQuote(Quote quote) {
  std::lock_guard lock(mutex_);
  quotes_.try_emplace({quote.user_id, quote.quote_id}, quote);
  co_return quote;
}

Task<absl::StatusOr<Quote>> FakeStore::GetQuote(Uuid user_id, Uuid quote_id) {
  std::lock_guard lock(mutex_);
  const auto quote = quotes_.find({user_id, quote_id});
  if (quote == quotes_.end()) co_return NotFound();
  co_return quote->second;
}

Task<absl::StatusOr<StoredIntent>> FakeStore::InsertWithQuote(Intent intent) {
  std::lock_guard lock(mutex_);
  const Payment& payment = intent.payment;
  const Key key(payment.user_id, payment.kind, intent.idempotency_key);
  if (const auto known = keys_.find(key); known != keys_.end()) {
    const Row& row = rows_.at(known->second);
    co_return StoredIntent{.payment = row.payment,
                           .same_request = row.fingerprint == intent.fingerprint};
  }
  FLORIN_CO_RETURN_IF_ERROR(UseQuote(payment));
  const Id id(payment.user_id, payment.payment_id);
  keys_.emplace(key, id);
  rows_.emplace(id, Row{payment, intent.fingerprint, payment.create_time + kLease,
                        intent.origin.request_id, intent.trace_id});
  co_return StoredIntent{.payment = payment, .same_request = true};
}

Task<absl::StatusOr<int>> FakeStore::ForgetQuotes(absl::Time before, int limit) {
  std::lock_guard lock(mutex_);
  int forgotten = 0;
  for (auto quote = quotes_.begin(); quote != quotes_.end() && forgotten < limit;) {
    const bool over = quote->second.payment_id.is_nil() && quote->second.expire_time < before;
    quote = over ? quotes_.erase(quote) : std::next(quote);
    forgotten += over;
  }
  co_return forgotten;
}

Task<absl::StatusOr<std::optional<StoredIntent>>> FakeStore::FindIntent(Intent intent) {
  std::lock_guard lock(mutex_);
  const Payment& payment = intent.payment;
  const auto known = keys_.find(Key(payment.user_id, payment.kind, intent.idempotency_key));
  if (known == keys_.end()) co_return std::optional<StoredIntent>();
  const Row& row = rows_.at(known->second);
  co_return std::optional<StoredIntent>(
      StoredIntent{.payment = row.payment, .same_request = row.fingerprint == intent.fingerprint});
}

}  // namespace florin::payments
