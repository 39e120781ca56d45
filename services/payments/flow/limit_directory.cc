#include "services/payments/flow/limit_directory.h"

#include <utility>

namespace florin::payments {

std::shared_ptr<const LimitTable> LimitDirectory::Fresh() {
  const absl::Time now = clock_.Now();
  const std::lock_guard lock(mutex_);
  // A clock that was set back makes nothing fresh.
  if (now < read_time_ || now - read_time_ > kLimitStaleness) return nullptr;
  return table_;
}

Task<absl::Status> LimitDirectory::Refresh() {
  // Before the read: what is changed while it lasts may be missing.
  const absl::Time now = clock_.Now();
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++begun_;
  }
  absl::StatusOr<std::vector<Limit>> limits = co_await store_.ListLimits(now);
  if (!limits.ok()) co_return limits.status();
  auto table = std::make_shared<const LimitTable>(*std::move(limits));
  const std::lock_guard lock(mutex_);
  // Of two reads at once the later one counts, whatever the clock says: it may have been set back.
  if (number < shown_) co_return absl::OkStatus();
  shown_ = number;
  table_ = std::move(table);
  read_time_ = now;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::shared_ptr<const LimitTable>>> LimitDirectory::Current() {
  std::shared_ptr<const LimitTable> table = Fresh();
  if (table != nullptr) co_return table;
  FLORIN_CO_RETURN_IF_ERROR(co_await Refresh());
  const std::lock_guard lock(mutex_);
  co_return table_;
}

Task<absl::StatusOr<LimitTable>> LimitDirectory::Forgotten(std::vector<Uuid> ids) {
  const absl::StatusOr<std::shared_ptr<const LimitTable>> table = co_await Current();
  if (!table.ok()) co_return table.status();
  std::erase_if(ids, [&](const Uuid& id) { return (*table)->Find(id) != nullptr; });
  if (ids.empty()) co_return LimitTable();
  absl::StatusOr<std::vector<Limit>> found = co_await store_.FindLimits(std::move(ids));
  if (!found.ok()) co_return found.status();
  co_return LimitTable(*std::move(found));
}

Task<absl::Status> LimitDirectory::Judge(Payment& payment, KycLevel payer_level,
                                         PayeeCountries countries) {
  std::shared_ptr<const LimitTable> table = Fresh();
  if (table == nullptr) {
    absl::StatusOr<std::shared_ptr<const LimitTable>> read = co_await Current();
    if (!read.ok()) co_return read.status();
    table = *std::move(read);
  }
  if (table->empty()) co_return absl::OkStatus();
  const std::optional<LimitedPayment> limited = LimitedPaymentOf(payment, payer_level, countries);
  if (!limited) co_return absl::OkStatus();
  const std::vector<Limit> limits = table->Of(payment.user_id, payment.source_account_id);
  LimitVerdict verdict = payments::Judge(limits, *limited);
  payment.limit_uses = std::move(verdict.uses);
  payment.limit_refusal = verdict.refusal;
  co_return absl::OkStatus();
}

}  // namespace florin::payments
