// The buckets of limits in the ledger (domain/limit_chain.h): opened and funded when first needed.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/async/task.h"
#include "services/payments/domain/limit_chain.h"
#include "services/payments/flow/limit_directory.h"

namespace florin::payments {

// Thread-safe.
class LimitBuckets {
 public:
  // References outlive this.
  LimitBuckets(LimitDirectory& limits, ledger::v1::LedgerClient& ledger,
               ledger::v1::LedgerReaderClient& reader, std::string book)
      : limits_(limits), ledger_(ledger), reader_(reader), book_(std::move(book)) {}

  // Opens and funds the buckets of `uses` with every maximum that their limits are known to have
  // had; those that this process has seen so are not looked at again. Errors: kUnavailable,
  // kDeadlineExceeded, kOverloaded; kInternal if the ledger refuses, or a limit has never been.
  Task<absl::Status> Prepare(std::vector<LimitUse> uses);

  // Forgets that the buckets are there, after the ledger has denied it.
  void Forget(const std::vector<LimitUse>& uses);

  // What the control accounts hold for payments that count still, in order; 0 for one that is not
  // open yet. At least as of `sequence`. Errors: those of the ledger's GetAccounts.
  Task<absl::StatusOr<std::vector<std::int64_t>>> HeldOf(std::vector<Uuid> control_account_ids,
                                                         std::int64_t sequence = 0);

  // What is told of a payment that the ledger has refused for `use`, at `sequence` of the book.
  // Errors: as HeldOf().
  Task<absl::StatusOr<LimitRefusal>> RefusalOf(LimitUse use, std::int64_t sequence);

 private:
  struct Bucket {
    Uuid control_account_id;
    Limit limit;
    std::size_t done = 0;  // Of its limit's maxima.
  };

  // Those that have not had every maximum, as far as is known here.
  absl::StatusOr<std::vector<Bucket>> Unfunded(const LimitTable& table, const LimitTable& forgotten,
                                               const std::vector<LimitUse>& uses);
  Task<absl::Status> Open(const std::vector<Bucket>& buckets);
  Task<absl::Status> Fund(const std::vector<Bucket>& buckets);

  LimitDirectory& limits_;
  ledger::v1::LedgerClient& ledger_;
  ledger::v1::LedgerReaderClient& reader_;
  const std::string book_;
  std::mutex mutex_;
  absl::flat_hash_map<Uuid, std::size_t> funded_;  // By control account. Guarded by mutex_.
};

// As the ledger is asked to post it.
ledger::v1::TransactionInput InputOf(const LimitTransaction& transaction,
                                     const std::string& metadata_key,
                                     const std::string& metadata_value);

}  // namespace florin::payments
