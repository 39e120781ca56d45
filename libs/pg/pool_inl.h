// Template parts of pool.h: they keep the result of the last attempt, everything else is in
// pool.cc.
#pragma once

#include <optional>
#include <utility>

namespace florin::pg {

namespace internal {

template <class T, class Transaction>
std::function<absl::Status(Transaction&)> Keeping(
    const std::function<absl::StatusOr<T>(Transaction&)>& work, std::optional<T>& kept) {
  return [&work, &kept](Transaction& transaction) -> absl::Status {
    FLORIN_ASSIGN_OR_RETURN(kept, work(transaction));
    return absl::OkStatus();
  };
}

}  // namespace internal

template <class T>
Task<absl::StatusOr<T>> Pool::Transact(std::function<absl::StatusOr<T>(pqxx::work&)> work) {
  std::optional<T> kept;
  Writing attempt = internal::Keeping<T, pqxx::work>(work, kept);
  const absl::Status status = co_await Run(std::move(attempt));
  if (!status.ok()) co_return status;
  co_return *std::move(kept);
}

template <class T>
Task<absl::StatusOr<T>> Pool::Read(std::function<absl::StatusOr<T>(pqxx::transaction_base&)> work) {
  std::optional<T> kept;
  Reading attempt = internal::Keeping<T, pqxx::transaction_base>(work, kept);
  const absl::Status status = co_await RunReading(std::move(attempt));
  if (!status.ok()) co_return status;
  co_return *std::move(kept);
}

}  // namespace florin::pg
