// The book while a batch is being decided: what was loaded, as the commands so far have left it,
// with what a store will have to write. A group of commands can be taken back. Pure, no rules.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {

class WorkingBook {
 public:
  WorkingBook(LoadedBook book, absl::Time now);

  // Null where there is none. Pointers are valid until the next change.
  const Account* FindAccount(const Uuid& id) const;
  const Hold* FindHold(const Uuid& id) const;
  bool IsReversed(const Uuid& transaction_id, std::int64_t posting) const;
  absl::Time closed_until() const { return book_.state.closed_until; }

  // When the next decision will be dated: strictly after the last.
  absl::Time NextCommitTime() const;
  std::int64_t NextSequence() const { return book_.state.last_sequence + 1; }
  // Takes the next place for `decision`.
  void Date(Decision& decision);

  void Change(const Account& account);  // Opens it if it is new.
  void Change(const Hold& hold);        // Makes it if it is new.
  void Add(const Entry& entry);
  void MarkReversed(const Uuid& transaction_id, std::int64_t posting);
  void ClosePeriod(absl::Time until) { book_.state.closed_until = until; }

  // From Begin() on, changes are noted, so that Rollback() can undo them all.
  void Begin();
  void Rollback();
  void End() { noting_ = false; }

  // The decision that was loaded under an id.
  const Decision* LoadedDecision(const Uuid& id) const;

  // All but the outcomes.
  Effects Finish() &&;

 private:
  template <class Value>
  struct Undo {
    Uuid id;
    std::optional<Value> before;
  };
  template <class Value>
  struct Changes {
    absl::flat_hash_map<Uuid, bool> is_new;  // Of all that changed.
    std::vector<Undo<Value>> undo;
  };

  template <class Value>
  void Note(Changes<Value>& changes, const absl::flat_hash_map<Uuid, Value>& values,
            const Uuid& id);
  template <class Value>
  void Undone(Changes<Value>& changes, absl::flat_hash_map<Uuid, Value>& values);

  LoadedBook book_;
  const absl::Time now_;
  std::vector<Entry> entries_;
  Changes<Account> accounts_;
  Changes<Hold> holds_;
  bool noting_ = false;
  BookState state_before_;
  std::size_t entries_before_ = 0;
  std::vector<std::pair<Uuid, std::int64_t>> reversed_since_;
};

}  // namespace florin::ledger
