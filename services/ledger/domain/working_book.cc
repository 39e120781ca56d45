#include "services/ledger/domain/working_book.h"

#include <algorithm>

namespace florin::ledger {
namespace {

constexpr absl::Duration kTick = absl::Microseconds(1);

template <class Value>
const Value* Find(const absl::flat_hash_map<Uuid, Value>& values, const Uuid& id) {
  const auto found = values.find(id);
  return found == values.end() ? nullptr : &found->second;
}

// The changed values, new ones apart, each in order of id.
template <class Value>
void Sort(const absl::flat_hash_map<Uuid, bool>& is_new,
          const absl::flat_hash_map<Uuid, Value>& values, std::vector<Value>& made,
          std::vector<Value>& changed) {
  std::vector<Uuid> ids;
  ids.reserve(is_new.size());
  for (const auto& [id, made_here] : is_new) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const Uuid& id : ids) (is_new.at(id) ? made : changed).push_back(values.at(id));
}

}  // namespace

WorkingBook::WorkingBook(LoadedBook book, absl::Time now)
    : book_(std::move(book)), now_(absl::FromUnixMicros(absl::ToUnixMicros(now))) {}

const Account* WorkingBook::FindAccount(const Uuid& id) const { return Find(book_.accounts, id); }
const Hold* WorkingBook::FindHold(const Uuid& id) const { return Find(book_.holds, id); }
const Decision* WorkingBook::LoadedDecision(const Uuid& id) const {
  return Find(book_.decisions, id);
}

bool WorkingBook::IsReversed(const Uuid& transaction_id, std::int64_t posting) const {
  const std::set<std::int64_t>* postings = Find(book_.reversed, transaction_id);
  return postings != nullptr && postings->contains(posting);
}

absl::Time WorkingBook::NextCommitTime() const {
  return std::max(now_, book_.state.last_commit_time + kTick);
}

void WorkingBook::Date(Decision& decision) {
  book_.state.last_commit_time = NextCommitTime();
  book_.state.last_sequence += 1;
  decision.sequence = book_.state.last_sequence;
  decision.commit_time = book_.state.last_commit_time;
}

template <class Value>
void WorkingBook::Note(Changes<Value>& changes, const absl::flat_hash_map<Uuid, Value>& values,
                       const Uuid& id) {
  const auto before = values.find(id);
  const bool known = before != values.end();
  changes.is_new.emplace(id, !known);
  if (!noting_) return;
  changes.undo.push_back({.id = id, .before = {}});
  if (known) changes.undo.back().before = before->second;
}

void WorkingBook::Change(const Account& account) {
  Note(accounts_, book_.accounts, account.terms.account_id);
  book_.accounts.insert_or_assign(account.terms.account_id, account);
}

void WorkingBook::Change(const Hold& hold) {
  Note(holds_, book_.holds, hold.hold_id);
  book_.holds.insert_or_assign(hold.hold_id, hold);
}

void WorkingBook::Add(const Entry& entry) { entries_.push_back(entry); }

void WorkingBook::MarkReversed(const Uuid& transaction_id, std::int64_t posting) {
  book_.reversed[transaction_id].insert(posting);
  if (noting_) reversed_since_.emplace_back(transaction_id, posting);
}

void WorkingBook::Begin() {
  noting_ = true;
  state_before_ = book_.state;
  entries_before_ = entries_.size();
  accounts_.undo.clear();
  holds_.undo.clear();
  reversed_since_.clear();
}

// What was made in the group is gone; what it only changed stays among the changes, with the value
// that it had.
template <class Value>
void WorkingBook::Undone(Changes<Value>& changes, absl::flat_hash_map<Uuid, Value>& values) {
  for (auto undo = changes.undo.rbegin(); undo != changes.undo.rend(); ++undo) {
    if (undo->before) {
      values.insert_or_assign(undo->id, *undo->before);
    } else {
      values.erase(undo->id);
      changes.is_new.erase(undo->id);
    }
  }
}

void WorkingBook::Rollback() {
  Undone(accounts_, book_.accounts);
  Undone(holds_, book_.holds);
  for (const auto& [id, posting] : reversed_since_) book_.reversed[id].erase(posting);
  entries_.resize(entries_before_);
  book_.state = state_before_;
  noting_ = false;
}

Effects WorkingBook::Finish() && {
  Effects effects;
  effects.entries = std::move(entries_);
  effects.state = book_.state;
  Sort(accounts_.is_new, book_.accounts, effects.opened, effects.accounts);
  Sort(holds_.is_new, book_.holds, effects.made, effects.holds);
  return effects;
}

}  // namespace florin::ledger
