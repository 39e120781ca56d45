// The contract of LogStore, held by the fake and by PostgreSQL alike; below it what only PostgreSQL
// promises.
#include "services/ledger/store/log_store.h"

#include <future>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/merkle/test_tree.h"
#include "libs/status/matchers.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/store/log_fixture.h"

namespace florin::ledger {
namespace {

using merkle::Digest;
using merkle::SignedTreeHead;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MATCHER_P(IsHead, expected, "is that tree head") {
  return arg.head == expected.head && arg.key_id == expected.key_id &&
         arg.signature == expected.signature;
}

class LogStoreContract : public LogFixture {
 protected:
  // The extension from `from_size` to `size` over these leaves. Its signature is nobody's: the
  // store does not look at it.
  LogExtension Extension(const std::vector<Digest>& leaves, std::uint64_t from_size,
                         std::uint64_t size) {
    LogExtension extension;
    extension.from_size = from_size;
    merkle::TileBuilder builder;
    for (std::uint64_t i = 0; i < size; ++i) {
      for (merkle::Tile& tile : builder.Append(leaves.at(i))) {
        if (i >= from_size) extension.tiles.push_back(std::move(tile));
      }
    }
    extension.head.head = {.origin = proof::OriginOf(kTestLog, book_),
                           .size = size,
                           .root = builder.Root(),
                           .time = absl::FromUnixMicros(1'700'000'000'000'001) +
                                   absl::Microseconds(static_cast<std::int64_t>(size))};
    extension.head.key_id = "0123456789abcdef";
    extension.head.signature = std::string(63, '\0') + static_cast<char>(size % 100);
    return extension;
  }
  absl::StatusOr<SignedTreeHead> Append(const LogExtension& extension) {
    return runtime_.Run(log_store_->Append(book_, extension));
  }
  absl::StatusOr<std::vector<std::vector<Digest>>> Hashes(const std::vector<TilePart>& parts) {
    return runtime_.Run(log_store_->Hashes(book_, parts));
  }
  std::optional<SignedTreeHead> Latest() {
    return runtime_.Run(log_store_->LatestHead(book_)).value();
  }
};

INSTANTIATE_TEST_SUITE_P(Stores, LogStoreContract, ::testing::Values("fake", "postgres"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(LogStoreContract, RecordsAreTheJournalInOrder) {
  Fill(10);
  const std::vector<LogRecord> all = Records();
  ASSERT_THAT(all, SizeIs(12));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto record = proof::ParseRecord(all[i].line);
    ASSERT_THAT(record, IsOk());
    EXPECT_EQ(record->sequence, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(all[i].sequence, record->sequence);
    EXPECT_EQ(all[i].commit_time, record->commit_time);
    EXPECT_EQ(record->kind, i < 2 ? "open_account" : "post");
    EXPECT_EQ(runtime_.Run(log_store_->FindRecord(book_, record->transaction_id)).value(), all[i]);
  }
  EXPECT_THAT(runtime_.Run(log_store_->Records(book_, 7, 3)).value(),
              ElementsAre(all[7], all[8], all[9]));
  EXPECT_THAT(runtime_.Run(log_store_->Records(book_, 12, 3)).value(), IsEmpty());
  EXPECT_EQ(runtime_.Run(log_store_->FindRecord(book_, DeriveId("no", "one"))).value(),
            std::nullopt);
}

TEST_P(LogStoreContract, OfAnUnknownBookThereIsNothing) {
  const std::string none = "no such book";
  EXPECT_THAT(runtime_.Run(log_store_->Records(none, 0, 3)).value(), IsEmpty());
  EXPECT_EQ(runtime_.Run(log_store_->FindRecord(none, DeriveId("no", "one"))).value(),
            std::nullopt);
  EXPECT_FALSE(runtime_.Run(log_store_->LatestHead(none)).value().has_value());
  EXPECT_FALSE(runtime_.Run(log_store_->HeadAt(none, 1)).value().has_value());
  EXPECT_FALSE(runtime_.Run(log_store_->HeadAtLeast(none, 1)).value().has_value());
  EXPECT_THAT(runtime_.Run(log_store_->BacklogAfter(none, 0)),
              StatusHasReason(Reason::kBookNotFound));
}

TEST_P(LogStoreContract, HeadsAreFoundBySize) {
  EXPECT_FALSE(Latest().has_value());
  Fill(300);
  const std::vector<Digest> leaves = Leaves();
  std::vector<SignedTreeHead> heads;
  std::uint64_t from_size = 0;
  for (const std::uint64_t size : {1, 3, 256, 301}) {
    const LogExtension extension = Extension(leaves, from_size, size);
    const auto kept = Append(extension);
    ASSERT_THAT(kept, IsOk());
    EXPECT_THAT(*kept, IsHead(extension.head));
    heads.push_back(extension.head);
    from_size = size;
  }
  EXPECT_THAT(Latest().value(), IsHead(heads[3]));
  const auto at = [this](std::uint64_t size) {
    return runtime_.Run(log_store_->HeadAt(book_, size)).value();
  };
  const auto at_least = [this](std::uint64_t size) {
    return runtime_.Run(log_store_->HeadAtLeast(book_, size)).value();
  };
  EXPECT_THAT(at(3).value(), IsHead(heads[1]));
  EXPECT_FALSE(at(2).has_value());
  EXPECT_FALSE(at(302).has_value());
  EXPECT_THAT(at_least(1).value(), IsHead(heads[0]));
  EXPECT_THAT(at_least(2).value(), IsHead(heads[1]));
  EXPECT_THAT(at_least(4).value(), IsHead(heads[2]));
  EXPECT_THAT(at_least(301).value(), IsHead(heads[3]));
  EXPECT_FALSE(at_least(302).has_value());
}

TEST_P(LogStoreContract, HashesAreThoseOfTilesAndOfTheJournal) {
  Fill(598);
  const std::vector<Digest> leaves = Leaves();
  ASSERT_THAT(leaves, SizeIs(600));
  ASSERT_THAT(Append(Extension(leaves, 0, 600)), IsOk());
  const auto found = Hashes({{.level = 0, .index = 2, .width = 88},
                             {.level = 0, .index = 1, .width = 256},
                             {.level = 0, .index = 0, .width = 7},
                             {.level = 1, .index = 0, .width = 2},
                             {.level = 1, .index = 0, .width = 1}});
  ASSERT_THAT(found, IsOk());
  const auto between = [&leaves](std::ptrdiff_t begin, std::ptrdiff_t end) {
    return std::vector<Digest>(leaves.begin() + begin, leaves.begin() + end);
  };
  const Digest first = merkle::test::NaiveRoot(leaves, 0, 256);
  const Digest second = merkle::test::NaiveRoot(leaves, 256, 512);
  EXPECT_THAT(*found, ElementsAre(between(512, 600), between(256, 512), between(0, 7),
                                  std::vector<Digest>{first, second}, std::vector<Digest>{first}));
  EXPECT_THAT(Hashes({}).value(), IsEmpty());
}

TEST_P(LogStoreContract, WhatIsMissingIsAContradiction) {
  Fill(300);
  ASSERT_THAT(Append(Extension(Leaves(), 0, 302)), IsOk());
  for (const TilePart& part :
       {TilePart{.level = 0, .index = 1, .width = 256},
        TilePart{.level = 0, .index = 1, .width = 47}, TilePart{.level = 0, .index = 7, .width = 1},
        TilePart{.level = 1, .index = 0, .width = 2},
        TilePart{.level = 2, .index = 0, .width = 1}}) {
    EXPECT_THAT(Hashes({part}), StatusHasReason(Reason::kLogInconsistent)) << part.level;
  }
}

TEST_P(LogStoreContract, OnlyTheLatestHeadIsExtended) {
  Fill(600);
  const std::vector<Digest> leaves = Leaves();
  const LogExtension first = Extension(leaves, 0, 300);
  ASSERT_THAT(Append(first), IsOk());
  // Whoever thinks that the log is empty, or shorter than it is.
  EXPECT_THAT(Append(Extension(leaves, 0, 400)).value(), IsHead(first.head));
  EXPECT_THAT(Append(Extension(leaves, 200, 400)).value(), IsHead(first.head));
  EXPECT_THAT(Latest().value(), IsHead(first.head));
  EXPECT_THAT(Hashes({{.level = 1, .index = 0, .width = 2}}),
              StatusHasReason(Reason::kLogInconsistent));

  const LogExtension second = Extension(leaves, 300, 602);
  EXPECT_THAT(Append(second).value(), IsHead(second.head));
  // Again, as after a lost answer.
  EXPECT_THAT(Append(second).value(), IsHead(second.head));
  EXPECT_THAT(Append(first).value(), IsHead(second.head));
  EXPECT_THAT(Heads(), ElementsAre(IsHead(first.head), IsHead(second.head)));
}

TEST_P(LogStoreContract, ALongerLogThanThereIsCannotBeExtended) {
  Fill(10);
  EXPECT_THAT(Append(Extension(Leaves(), 5, 10)), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_FALSE(Latest().has_value());
}

TEST_P(LogStoreContract, TilesAreNeverWrittenTwice) {
  Fill(300);
  const std::vector<Digest> leaves = Leaves();
  ASSERT_THAT(Append(Extension(leaves, 0, 260)), IsOk());
  LogExtension other = Extension(leaves, 260, 300);
  other.tiles = Extension(leaves, 0, 300).tiles;
  EXPECT_THAT(Append(other), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_EQ(Latest()->head.size, 260u);
}

TEST_P(LogStoreContract, TheBacklogIsWhatNoHeadCovers) {
  Fill(3);
  const auto backlog = [this](std::uint64_t size) {
    return runtime_.Run(log_store_->BacklogAfter(book_, size));
  };
  const std::vector<LogRecord> records = Records();
  EXPECT_EQ(backlog(0).value(),
            (Backlog{.records = 5, .oldest_commit_time = records[0].commit_time}));
  EXPECT_EQ(backlog(4).value(),
            (Backlog{.records = 1, .oldest_commit_time = records[4].commit_time}));
  EXPECT_EQ(backlog(5).value(), (Backlog{.records = 0, .oldest_commit_time = std::nullopt}));
  EXPECT_THAT(backlog(6), StatusHasReason(Reason::kLogInconsistent));
}

TEST_P(LogStoreContract, LogsOfBooksAreApart) {
  const std::string other = NewBook();
  MakeBook(other);
  Fill(300);
  Fill(other, 4);
  ASSERT_THAT(Append(Extension(Leaves(), 0, 300)), IsOk());
  EXPECT_FALSE(runtime_.Run(log_store_->LatestHead(other)).value().has_value());
  EXPECT_EQ(runtime_.Run(log_store_->BacklogAfter(other, 0))->records, 6);
  const std::vector<TilePart> tile = {{.level = 0, .index = 0, .width = 256}};
  EXPECT_THAT(runtime_.Run(log_store_->Hashes(other, tile)),
              StatusHasReason(Reason::kLogInconsistent));
}

class PgLogStoreTest : public LogStoreContract {};
INSTANTIATE_TEST_SUITE_P(Postgres, PgLogStoreTest, ::testing::Values("postgres"));

TEST_P(PgLogStoreTest, OfSeveralWhoExtendAtOnceOneIsFirst) {
  Fill(600);
  const std::vector<Digest> leaves = Leaves();
  std::uint64_t from_size = 0;
  for (std::uint64_t size = 50; size <= 600; size += 50) {
    std::vector<std::future<absl::StatusOr<SignedTreeHead>>> appending;
    std::vector<LogExtension> extensions;
    for (std::uint64_t i = 0; i < 3; ++i) {
      extensions.push_back(Extension(leaves, from_size, size - i));
      appending.push_back(asio::co_spawn(
          runtime_.context(), log_store_->Append(book_, extensions.back()), asio::use_future));
    }
    std::vector<SignedTreeHead> kept;
    for (auto& one : appending) kept.push_back(one.get().value());
    const SignedTreeHead latest = Latest().value();
    for (const SignedTreeHead& one : kept) EXPECT_THAT(one, IsHead(latest));
    from_size = latest.head.size;
    EXPECT_EQ(latest.head.root, merkle::test::NaiveRoot(leaves, 0, from_size));
  }
  EXPECT_THAT(Heads(), SizeIs(12));
}

TEST_P(PgLogStoreTest, ARecordThatIsMissingIsFound) {
  Fill(10);
  RunAsSuperuser(absl::StrCat("DELETE FROM journal WHERE book = '", book_, "' AND sequence = 7"));
  EXPECT_THAT(Hashes({{.level = 0, .index = 0, .width = 6}}), IsOk());
  EXPECT_THAT(Hashes({{.level = 0, .index = 0, .width = 7}}),
              StatusHasReason(Reason::kLogInconsistent));
}

TEST_P(PgLogStoreTest, TheRuntimeRoleOnlyAppends) {
  Fill(300);
  ASSERT_THAT(Append(Extension(Leaves(), 0, 300)), IsOk());
  pqxx::connection connection(LogServer().conninfo("ledger"));
  for (const char* sql :
       {"UPDATE ledger.tree_heads SET key_id = 'x'", "DELETE FROM ledger.tree_heads",
        "UPDATE ledger.tiles SET root = root", "DELETE FROM ledger.tiles"}) {
    pqxx::work transaction(connection);
    EXPECT_THROW(transaction.exec(sql), pqxx::insufficient_privilege) << sql;
  }
}

}  // namespace
}  // namespace florin::ledger
