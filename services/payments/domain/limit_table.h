// All limits at one moment, found by whom they are about.
#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/payments/domain/limit.h"

namespace florin::payments {

// Immutable; thread-safe.
class LimitTable {
 public:
  LimitTable() = default;
  explicit LimitTable(std::vector<Limit> limits);

  // Whether no payment is limited.
  bool empty() const { return general_.empty() && of_subject_.empty(); }
  // Those of everybody, of this user and of this account; of whatever currency and level. Without
  // removed ones.
  std::vector<Limit> Of(const Uuid& user_id, const Uuid& account_id) const;
  // Removed ones included; null if there is none.
  const Limit* Find(const Uuid& limit_id) const;

 private:
  std::vector<Limit> general_;
  absl::flat_hash_map<Uuid, std::vector<Limit>> of_subject_;
  absl::flat_hash_map<Uuid, Limit> by_id_;
};

}  // namespace florin::payments
