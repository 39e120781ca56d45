// What a process knows of a book from the batches it has decided, so that a batch reads only what
// none before it touched, and the next one can be decided while the last is still being written.
//
// Each batch draws an id, which is written with it (books.last_batch). So whoever has the book's
// lock sees which batch left it as it is. What is known here is as of last_batch(): it is true
// while the two are the same, whatever has happened since: if another process wrote to the book, if
// a commit failed, or if the database came back as of an earlier time, they differ, and all that is
// known must be forgotten.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {

// One book. All but turn() and callers() only by who has the turn.
class KnownBook {
 public:
  using Accounts = absl::flat_hash_map<Uuid, Account>;

  // `known_accounts` counts those of several books; outlives them.
  explicit KnownBook(std::shared_ptr<std::atomic<std::size_t>> known_accounts)
      : known_accounts_(std::move(known_accounts)) {}
  ~KnownBook() { Forget(); }
  KnownBook(const KnownBook&) = delete;

  // Held from before a batch is decided until it has the book's lock in the database and was added
  // here: so the batches of a process come to the lock in the order in which they were decided.
  std::mutex& turn() { return turn_; }

  // How many are committing to the book now.
  std::atomic<int>& callers() { return callers_; }

  const Uuid& last_batch() const { return last_batch_; }  // All zeros if nothing is known.
  const BookState& state() const { return state_; }
  // Every account that batches since the oldest remembered one have changed, and older ones.
  const Accounts& accounts() const { return accounts_; }

  // Whether what was read of decisions under `ids`, and of accounts that are not in accounts(),
  // while the book stood as `read_at` left it, is also true of it as last_batch() leaves it.
  bool StillTrue(const Uuid& read_at, const std::vector<Uuid>& ids) const;

  // `batch` was decided on what the book was as last_batch() left it.
  void Add(const Uuid& batch, const Effects& effects);
  void Forget();

 private:
  struct Batch {
    Uuid id;
    absl::flat_hash_set<Uuid> decided;  // Ids of its new decisions.
  };
  static constexpr std::size_t kRemembered = 4;

  std::mutex turn_;
  std::atomic<int> callers_ = 0;
  const std::shared_ptr<std::atomic<std::size_t>> known_accounts_;
  Uuid last_batch_;
  BookState state_;
  Accounts accounts_;
  std::deque<Batch> batches_;  // The last ones, each decided on the one before.
};

// Those of a process. Thread-safe.
class KnownBooks {
 public:
  // About 150 octets each.
  static constexpr std::size_t kMostAccounts = 500'000;

  explicit KnownBooks(std::size_t most_accounts = kMostAccounts) : most_accounts_(most_accounts) {}

  // Forgets all books first, if more than so many accounts are known.
  std::shared_ptr<KnownBook> Of(const std::string& book);

 private:
  const std::size_t most_accounts_;
  const std::shared_ptr<std::atomic<std::size_t>> known_accounts_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<KnownBook>> books_;  // Guarded by mutex_.
};

}  // namespace florin::ledger
