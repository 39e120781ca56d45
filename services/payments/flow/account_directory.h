// Whose accounts are whose, as the accounts service says, remembered.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "florin/accounts/v1/accounts.rpc.h"
#include "libs/async/task.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/payment.h"

namespace florin::payments {

// Owner and currency of an account never change, so an answer is kept for as long as there is room.
// That an account does not exist is not kept: it may be opened at any moment. Whether it is closed
// is the ledger's business. Thread-safe.
class AccountDirectory {
 public:
  // Keeps at most `capacity` accounts. `accounts` outlives this.
  AccountDirectory(accounts::v1::AccountsClient& accounts, std::size_t capacity);

  // The facts of each of `ids` (at most 100), in order; nothing for an account that does not exist.
  // Errors: kUnavailable, kDeadlineExceeded of the accounts service.
  Task<absl::StatusOr<std::vector<std::optional<AccountFacts>>>> LookUp(rpc::Outgoing context,
                                                                        std::vector<Uuid> ids);

 private:
  std::optional<AccountFacts> Recall(const Uuid& id);
  void Keep(const AccountFacts& facts);

  accounts::v1::AccountsClient& accounts_;
  const std::size_t generation_size_;
  std::mutex mutex_;
  // Two generations: when the young one is full, it becomes the old one and the old one is
  // forgotten. What is used moves to the young one, so that busy accounts stay. Guarded by mutex_.
  absl::flat_hash_map<Uuid, AccountFacts> young_;
  absl::flat_hash_map<Uuid, AccountFacts> old_;
};

}  // namespace florin::payments
