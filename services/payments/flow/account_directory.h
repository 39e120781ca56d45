// Whose accounts are whose, as the accounts service says, remembered.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "florin/accounts/v1/accounts.rpc.h"
#include "libs/async/task.h"
#include "libs/clock/clock.h"
#include "libs/rpc/context.h"
#include "services/payments/domain/account_rights.h"

namespace florin::payments {

// Owner, currency, kind and book of an account never change, but its holder's name is personal data
// that may be erased, and their KYC level and country may change: an answer is given for ten
// minutes at most, however often it is used, and is out of memory after twenty (at the next
// look-up). That an account does not exist is not kept: it may be opened at any moment. Whether it
// is closed is the ledger's business. Thread-safe.
class AccountDirectory {
 public:
  // Keeps at most `capacity` accounts. `accounts` and `clock` outlive this.
  AccountDirectory(accounts::v1::AccountsClient& accounts, std::size_t capacity,
                   Clock& clock = SystemClock());

  // The facts of each of `ids` (at most 100), in order; nothing for an account that does not exist.
  // Errors: kUnavailable, kDeadlineExceeded of the accounts service.
  Task<absl::StatusOr<std::vector<std::optional<KnownAccount>>>> LookUp(rpc::Outgoing context,
                                                                        std::vector<Uuid> ids);

  // For whom `user_id` pays from `source` at this moment: themselves if it is theirs, or nothing,
  // otherwise as PaysFor(). Who holds an account besides its owner is asked of the accounts service
  // each time, so that after the answer to a removal nobody pays any more. Errors: those of
  // PaysFor(); as LookUp().
  Task<absl::StatusOr<Uuid>> PayerFrom(rpc::Outgoing context, Uuid user_id,
                                       std::optional<KnownAccount> source);

  // Whether nothing leaves the account until its owner wakes it, at this moment. Errors: as
  // LookUp().
  Task<absl::StatusOr<bool>> IsDormant(rpc::Outgoing context, Uuid id);

 private:
  struct Kept {
    KnownAccount facts;
    absl::Time until;
  };
  using Generation = absl::flat_hash_map<Uuid, Kept>;

  // What the accounts service says of it now; nothing, if there is no such account.
  Task<absl::StatusOr<accounts::v1::LookUpAccountsResponse>> AskOf(rpc::Outgoing context, Uuid id);
  Task<absl::StatusOr<std::vector<AccountHolder>>> HoldersOf(rpc::Outgoing context, Uuid id);
  std::optional<KnownAccount> Recall(const Uuid& id);
  // With mutex_ held.
  void Keep(Kept kept, absl::Time now);
  void EndGeneration(absl::Time now);

  accounts::v1::AccountsClient& accounts_;
  const std::size_t generation_size_;
  Clock& clock_;
  std::mutex mutex_;
  // Two generations: when the young one is full, or its time is over, it becomes the old one and
  // the old one is forgotten. What is used moves to the young one, so that busy accounts stay for
  // their time. Guarded by mutex_.
  Generation young_;
  Generation old_;
  absl::Time generation_end_ = absl::InfiniteFuture();
};

}  // namespace florin::payments
