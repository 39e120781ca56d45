// By which limits a payment was judged, and what there was to decide by: derived from what is kept
// with its intent and from the ledger's accounts as they were then, so that nothing is written for
// it when the payment is made.
#pragma once

#include <string>
#include <vector>

#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "services/payments/domain/timeline.h"
#include "services/payments/flow/limit_directory.h"

namespace florin::payments {

// Thread-safe.
class LimitHistory {
 public:
  // References outlive this.
  LimitHistory(LimitDirectory& limits, ledger::v1::LedgerReaderClient& reader, std::string book)
      : limits_(limits), reader_(reader), book_(std::move(book)) {}

  // Those with a window that the payment uses, and the one that refused it. Limits of each payment
  // for itself that had room are not kept. Errors: those of the ledger's GetTransactions and
  // GetBalances, and of LimitDirectory::Forgotten().
  Task<absl::StatusOr<std::vector<JudgedLimit>>> Of(Payment payment);

 private:
  // Adds what the ledger has held for the payment.
  Task<absl::Status> AddUsed(const Payment& payment, std::vector<JudgedLimit>& judged);
  Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> CountersAt(
      const std::vector<LimitUse>& uses, std::int64_t sequence);

  LimitDirectory& limits_;
  ledger::v1::LedgerReaderClient& reader_;
  const std::string book_;
};

}  // namespace florin::payments
