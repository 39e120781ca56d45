#include "services/gateway/limits/quota_table.h"

#include <algorithm>

namespace florin::gateway {
namespace {

constexpr std::size_t kShards = 64;

}  // namespace

struct QuotaTable::Shard {
  struct Row {
    std::string key;
    absl::Time full_at;  // The theoretical arrival time.
  };
  std::mutex mutex;
  // Guarded by mutex:
  std::list<Row> rows;  // The one used last comes first.
  absl::flat_hash_map<std::string, std::list<Row>::iterator> by_key;
};

// Holds the locks of the shards of some buckets, taken in the order of the shards.
class QuotaTable::Locks {
 public:
  Locks(const QuotaTable& table, const std::vector<Bucket>& buckets) {
    std::vector<std::size_t> shards;
    for (const Bucket& bucket : buckets) shards.push_back(table.ShardOf(bucket.key));
    std::sort(shards.begin(), shards.end());
    shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
    for (const std::size_t shard : shards) held_.emplace_back(table.shards_[shard]->mutex);
  }

 private:
  std::vector<std::unique_lock<std::mutex>> held_;
};

QuotaTable::QuotaTable(std::size_t capacity)
    : shard_capacity_(std::max<std::size_t>(1, (capacity + kShards - 1) / kShards)) {
  for (std::size_t i = 0; i < kShards; ++i) shards_.push_back(std::make_unique<Shard>());
}
QuotaTable::~QuotaTable() = default;

std::size_t QuotaTable::ShardOf(const std::string& key) const {
  return absl::Hash<std::string>()(key) % kShards;
}

std::vector<Debt> QuotaTable::DebtsOf(const std::vector<Bucket>& buckets, absl::Time now) {
  std::vector<Debt> debts;
  for (const Bucket& bucket : buckets) {
    Shard& shard = *shards_[ShardOf(bucket.key)];
    const auto row = shard.by_key.find(bucket.key);
    debts.push_back(row == shard.by_key.end() ? absl::ZeroDuration() : row->second->full_at - now);
  }
  return debts;
}

void QuotaTable::Store(const std::vector<Bucket>& buckets, const std::vector<Debt>& debts,
                       absl::Time now) {
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    Shard& shard = *shards_[ShardOf(buckets[i].key)];
    if (const auto known = shard.by_key.find(buckets[i].key); known != shard.by_key.end()) {
      known->second->full_at = now + debts[i];
      shard.rows.splice(shard.rows.begin(), shard.rows, known->second);
      continue;
    }
    if (shard.rows.size() >= shard_capacity_) {
      shard.by_key.erase(shard.rows.back().key);
      shard.rows.pop_back();
    }
    shard.rows.push_front({buckets[i].key, now + debts[i]});
    shard.by_key[buckets[i].key] = shard.rows.begin();
  }
}

Outcome QuotaTable::Take(const std::vector<Bucket>& buckets, std::int64_t cost, absl::Time now) {
  const Locks locks(*this, buckets);
  std::vector<Debt> debts = DebtsOf(buckets, now);
  Outcome outcome = gateway::Take(buckets, cost, debts);
  Store(buckets, debts, now);
  return outcome;
}

Outcome QuotaTable::Peek(const std::vector<Bucket>& buckets, std::int64_t cost, absl::Time now) {
  const Locks locks(*this, buckets);
  std::vector<Debt> debts = DebtsOf(buckets, now);
  return gateway::Take(buckets, cost, debts);
}

void QuotaTable::Learn(const std::vector<Bucket>& buckets, const std::vector<Debt>& debts,
                       absl::Time now) {
  const Locks locks(*this, buckets);
  Store(buckets, debts, now);
}

std::size_t QuotaTable::size() const {
  std::size_t size = 0;
  for (const auto& shard : shards_) {
    std::lock_guard lock(shard->mutex);
    size += shard->rows.size();
  }
  return size;
}

}  // namespace florin::gateway
