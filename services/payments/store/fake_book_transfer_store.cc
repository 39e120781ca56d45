// FakeStore's side of BookTransferStore.
#include <algorithm>
#include <utility>

#include "libs/status/check.h"
#include "services/payments/store/fake_store.h"

namespace florin::payments {

void FakeStore::KeepTransfer(const Payment& payment) {
  if (!AreApart(payment)) return;
  transfers_.emplace(payment.payment_id, NewTransfer(payment));
}

Task<absl::StatusOr<BookTransfer>> FakeStore::FindTransfer(Uuid payment_id) {
  std::lock_guard lock(mutex_);
  const auto found = transfers_.find(payment_id);
  if (found == transfers_.end()) {
    co_return Error(Reason::kPaymentNotFound, "no transfer between books");
  }
  co_return found->second;
}

Task<absl::StatusOr<BookTransfer>> FakeStore::AdvanceTransfer(TransferStage from, BookTransfer to,
                                                              std::optional<Payment> ended) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Error(Reason::kUnavailable, "told to fail");
  const auto found = transfers_.find(to.payment_id);
  if (found == transfers_.end()) {
    co_return Error(Reason::kPaymentNotFound, "no transfer between books");
  }
  BookTransfer& kept = found->second;
  if (kept.stage != from) co_return kept;
  FLORIN_CHECK(NextStage(from, true) == to.stage || NextStage(from, false) == to.stage,
               "a transfer goes as its machine says");
  kept.stage = to.stage;
  kept.failure_reason = to.failure_reason;
  kept.update_time = to.update_time;
  Row* const row = FindAny(to.payment_id);
  if (ended && row->payment.state == State::kProcessing) {
    row->payment.state = ended->state;
    row->payment.failure_reason = ended->failure_reason;
    row->payment.update_time = ended->update_time;
    row->payment.limit_refusal = ended->limit_refusal;
  }
  co_return kept;
}

Task<absl::StatusOr<std::vector<BookPair>>> FakeStore::ListPairs() {
  std::lock_guard lock(mutex_);
  std::vector<BookPair> pairs;
  for (const auto& [id, transfer] : transfers_) {
    const BookPair pair{.books = transfer.books, .currency = transfer.amount.currency};
    if (std::ranges::find(pairs, pair) == pairs.end()) pairs.push_back(pair);
  }
  co_return pairs;
}

Task<absl::StatusOr<std::vector<BookTransfer>>> FakeStore::ListUnderWay(BookPair pair,
                                                                        absl::Time since) {
  std::lock_guard lock(mutex_);
  std::vector<BookTransfer> found;
  for (const auto& [id, transfer] : transfers_) {
    const TransferStage stage = transfer.stage;
    if (transfer.books != pair.books || transfer.amount.currency != pair.currency) continue;
    if (stage == TransferStage::kHolding || stage == TransferStage::kRefused) continue;
    if (!IsOver(stage) || transfer.update_time >= since) found.push_back(transfer);
  }
  co_return found;
}

}  // namespace florin::payments
