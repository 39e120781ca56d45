// The signed logs in PostgreSQL: tables `tiles` and `tree_heads` beside the journal (migrations/).
//
// Whoever appends to a book's log holds an advisory lock on it for that transaction, so that heads
// follow each other, from however many processes, without holding up who posts.
#pragma once

#include "libs/pg/pool.h"
#include "services/ledger/store/log_store.h"

namespace florin::ledger {

class PgLogStore : public LogStore {
 public:
  // The statements that the pool must prepare; its settings are PgStore::Settings().
  static std::vector<pg::Statement> Statements();

  // `log` is what all books' logs are named after (proof::OriginOf); it is not stored. `pool` is
  // not owned and outlives the store.
  PgLogStore(pg::Pool& pool, std::string log) : pool_(pool), log_(std::move(log)) {}

  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> LatestHead(std::string book) override;
  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> HeadAt(std::string book,
                                                                     std::uint64_t size) override;
  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> HeadAtLeast(
      std::string book, std::uint64_t size) override;
  Task<absl::StatusOr<std::vector<LogRecord>>> Records(std::string book,
                                                       std::int64_t after_sequence,
                                                       int limit) override;
  Task<absl::StatusOr<std::optional<LogRecord>>> FindRecord(std::string book,
                                                            Uuid transaction_id) override;
  Task<absl::StatusOr<std::vector<std::vector<merkle::Digest>>>> Hashes(
      std::string book, std::vector<TilePart> parts) override;
  Task<absl::StatusOr<merkle::SignedTreeHead>> Append(std::string book,
                                                      LogExtension extension) override;
  Task<absl::StatusOr<Backlog>> BacklogAfter(std::string book, std::uint64_t size) override;

 private:
  // The head that `statement` finds by the book and `size`, if it asks for one.
  Task<absl::StatusOr<std::optional<merkle::SignedTreeHead>>> FindHead(
      const char* statement, std::string book, std::optional<std::uint64_t> size);

  pg::Pool& pool_;
  const std::string log_;
};

}  // namespace florin::ledger
