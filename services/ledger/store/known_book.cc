#include "services/ledger/store/known_book.h"

#include <algorithm>
#include <utility>

namespace florin::ledger {

bool KnownBook::StillTrue(const Uuid& read_at, const std::vector<Uuid>& ids) const {
  const auto read = std::find_if(batches_.begin(), batches_.end(),
                                 [&](const Batch& batch) { return batch.id == read_at; });
  if (read == batches_.end()) return false;
  return std::none_of(read + 1, batches_.end(), [&](const Batch& later) {
    return std::any_of(ids.begin(), ids.end(),
                       [&](const Uuid& id) { return later.decided.contains(id); });
  });
}

void KnownBook::Add(const Uuid& batch, const Effects& effects) {
  const std::size_t before = accounts_.size();
  for (const auto* accounts : {&effects.opened, &effects.accounts}) {
    for (const Account& account : *accounts) {
      accounts_.insert_or_assign(account.terms.account_id, account);
    }
  }
  *known_accounts_ += accounts_.size() - before;
  Batch added{.id = batch, .decided = {}};
  for (const Outcome& outcome : effects.outcomes) {
    if (IsNewDecision(outcome)) added.decided.insert(outcome.decision.command.transaction_id);
  }
  batches_.push_back(std::move(added));
  if (batches_.size() > kRemembered) batches_.pop_front();
  state_ = effects.state;
  last_batch_ = batch;
}

void KnownBook::Forget() {
  *known_accounts_ -= accounts_.size();
  accounts_.clear();
  batches_.clear();
  last_batch_ = Uuid();
}

std::shared_ptr<KnownBook> KnownBooks::Of(const std::string& book) {
  std::lock_guard lock(mutex_);
  if (*known_accounts_ > most_accounts_) books_.clear();
  std::shared_ptr<KnownBook>& known = books_[book];
  if (known == nullptr) known = std::make_shared<KnownBook>(known_accounts_);
  return known;
}

}  // namespace florin::ledger
