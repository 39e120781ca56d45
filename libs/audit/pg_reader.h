// Reads what pg_chainer.h has chained.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libs/audit/reader.h"
#include "libs/pg/pool.h"

namespace florin::audit {

class PgReader : public Reader {
 public:
  // `pool` has Statements() and outlives this.
  PgReader(pg::Pool& pool, std::string origin) : pool_(pool), origin_(std::move(origin)) {}
  static std::vector<pg::Statement> Statements();

  const std::string& origin() const override { return origin_; }
  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> LatestHead() override;
  Task<absl::StatusOr<std::vector<ChainedEvent>>> Query(Filter filter, std::uint64_t after,
                                                        int limit) override;
  Task<absl::StatusOr<Stretch>> Read(std::uint64_t after, std::uint64_t until, int limit) override;

 private:
  pg::Pool& pool_;
  const std::string origin_;
};

}  // namespace florin::audit
