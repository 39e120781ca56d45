#include "services/payments/domain/limit_table.h"

namespace florin::payments {

LimitTable::LimitTable(std::vector<Limit> limits) {
  for (Limit& limit : limits) {
    if (!limit.removed) {
      (limit.subject ? of_subject_[*limit.subject] : general_).push_back(limit);
    }
    const Uuid id = limit.limit_id;
    by_id_.emplace(id, std::move(limit));
  }
}

std::vector<Limit> LimitTable::Of(const Uuid& user_id, const Uuid& account_id) const {
  std::vector<Limit> limits = general_;
  for (const Uuid& subject : {user_id, account_id}) {
    const auto found = of_subject_.find(subject);
    if (found == of_subject_.end()) continue;
    limits.insert(limits.end(), found->second.begin(), found->second.end());
  }
  return limits;
}

const Limit* LimitTable::Find(const Uuid& limit_id) const {
  const auto found = by_id_.find(limit_id);
  return found == by_id_.end() ? nullptr : &found->second;
}

}  // namespace florin::payments
