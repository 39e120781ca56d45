// The buckets of one process: GCRA states by key, bounded, the one not used for longest evicted
// first. What is evicted counts as unused, so a table that is too small admits too much rather than
// too little; an attacker who could turn it over needs more networks than it has rows.
//
// Thread-safe. Keys are spread over shards, each with its own lock, held for a few map operations;
// the buckets of one request are taken together under the locks of their shards.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/gateway/limits/gcra.h"

namespace florin::gateway {

class QuotaTable {
 public:
  // Holds at least `capacity` keys.
  explicit QuotaTable(std::size_t capacity);
  ~QuotaTable();
  QuotaTable(const QuotaTable&) = delete;

  // Take of gcra.h on the states at `now`.
  Outcome Take(const std::vector<Bucket>& buckets, std::int64_t cost, absl::Time now);

  // What Take would say, without taking anything.
  Outcome Peek(const std::vector<Bucket>& buckets, std::int64_t cost, absl::Time now);

  // Sets states that were learned elsewhere: a table shared with others knows better.
  void Learn(const std::vector<Bucket>& buckets, const std::vector<Debt>& debts, absl::Time now);

  std::size_t size() const;

 private:
  struct Shard;
  class Locks;
  std::size_t ShardOf(const std::string& key) const;
  std::vector<Debt> DebtsOf(const std::vector<Bucket>& buckets, absl::Time now);
  void Store(const std::vector<Bucket>& buckets, const std::vector<Debt>& debts, absl::Time now);

  const std::size_t shard_capacity_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace florin::gateway
