// The sealer over both log stores; and what it does when something stands in its way: faults at
// every step, other sealers, altered books, clocks, signers.
#include "services/ledger/flow/sealer.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/pkcs11_signer.h"
#include "libs/crypto/signing_key.h"
#include "libs/merkle/test_tree.h"
#include "libs/status/check.h"
#include "libs/telemetry/metrics.h"
#include "services/ledger/flow/log_proofs.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/store/log_fixture.h"

namespace florin::ledger {
namespace {

using merkle::Digest;
using merkle::SignedTreeHead;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::unique_ptr<crypto::FileSigner> NewSigner() {
  return crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
}

// A log store on which one call fails, before or after it has had its effect, or something else
// happens just before an append.
class FaultyLogStore : public LogStore {
 public:
  explicit FaultyLogStore(LogStore& store) : store_(store) {}

  // The call with this number, from 1 on, fails.
  void FailAt(int call, bool after_effect) {
    calls_ = 0;
    fail_at_ = call;
    after_effect_ = after_effect;
  }
  bool has_failed() const { return calls_ >= fail_at_; }
  // Before the next append. Once.
  std::function<Task<absl::Status>()> before_append;

  Task<absl::StatusOr<std::optional<SignedTreeHead>>> LatestHead(std::string book) override {
    return Try(store_.LatestHead(std::move(book)));
  }
  Task<absl::StatusOr<std::optional<SignedTreeHead>>> HeadAt(std::string book,
                                                             std::uint64_t size) override {
    return Try(store_.HeadAt(std::move(book), size));
  }
  Task<absl::StatusOr<std::optional<SignedTreeHead>>> HeadAtLeast(std::string book,
                                                                  std::uint64_t size) override {
    return Try(store_.HeadAtLeast(std::move(book), size));
  }
  Task<absl::StatusOr<std::vector<LogRecord>>> Records(std::string book, std::int64_t after,
                                                       int limit) override {
    return Try(store_.Records(std::move(book), after, limit));
  }
  Task<absl::StatusOr<std::optional<LogRecord>>> FindRecord(std::string book, Uuid id) override {
    return Try(store_.FindRecord(std::move(book), id));
  }
  Task<absl::StatusOr<std::vector<std::vector<Digest>>>> Hashes(
      std::string book, std::vector<TilePart> parts) override {
    return Try(store_.Hashes(std::move(book), std::move(parts)));
  }
  Task<absl::StatusOr<SignedTreeHead>> Append(std::string book, LogExtension extension) override {
    const auto before = std::exchange(before_append, nullptr);
    if (before) FLORIN_CO_RETURN_IF_ERROR(co_await before());
    co_return co_await Try(store_.Append(std::move(book), std::move(extension)));
  }
  Task<absl::StatusOr<Backlog>> BacklogAfter(std::string book, std::uint64_t size) override {
    return Try(store_.BacklogAfter(std::move(book), size));
  }

 private:
  template <class T>
  Task<absl::StatusOr<T>> Try(Task<absl::StatusOr<T>> call) {
    const bool fails = ++calls_ == fail_at_;
    if (fails && !after_effect_) co_return Error(Reason::kUnavailable, "told to fail");
    absl::StatusOr<T> result = co_await std::move(call);
    if (fails) co_return Error(Reason::kUnavailable, "told to fail");
    co_return result;
  }

  LogStore& store_;
  int calls_ = 0;
  int fail_at_ = 0;
  bool after_effect_ = false;
};

// Signs as another does, unless told to fail.
class FaultySigner : public crypto::Signer {
 public:
  explicit FaultySigner(crypto::Signer& signer) : signer_(signer) {}
  absl::StatusOr<std::string> Sign(std::string_view message) override {
    if (fails) return Error(Reason::kUnavailable, "told to fail");
    return signer_.Sign(message);
  }
  const crypto::SignerKey& public_key() const override { return signer_.public_key(); }
  bool fails = false;

 private:
  crypto::Signer& signer_;
};

class SealerTest : public LogFixture {
 protected:
  using LogFixture::LogFixture;

  std::unique_ptr<Sealer> NewSealer(SealerLimits limits = {}) {
    return NewSealer(*log_store_, *signer_, limits);
  }
  std::unique_ptr<Sealer> NewSealer(LogStore& log_store, crypto::Signer& signer,
                                    SealerLimits limits = {}) {
    return std::make_unique<Sealer>(*store_, log_store, signer, clock_, kTestLog, limits);
  }
  absl::Status Run(Sealer& sealer) { return runtime_.Run(sealer.RunOnce()); }

  // That the log covers the book's `size` records, and that all of its heads are what they should
  // be: signed, and one history.
  void ExpectSealed(std::uint64_t size) {
    const std::vector<Digest> leaves = Leaves();
    ASSERT_THAT(leaves, SizeIs(size));
    const std::vector<SignedTreeHead> heads = Heads();
    ASSERT_FALSE(heads.empty());
    EXPECT_EQ(heads.back().head.size, size);
    absl::Time before = absl::InfinitePast();
    for (const SignedTreeHead& one : heads) {
      EXPECT_TRUE(merkle::Verify(one, signer_->public_key())) << one.head.size;
      EXPECT_EQ(one.head.origin, absl::StrCat("florin.test/", book_));
      EXPECT_EQ(one.head.root, merkle::test::NaiveRoot(leaves, 0, one.head.size));
      EXPECT_GT(one.head.time, before);
      before = one.head.time;
    }
  }
  std::vector<std::uint64_t> Sizes() {
    std::vector<std::uint64_t> sizes;
    for (const SignedTreeHead& one : Heads()) sizes.push_back(one.head.size);
    return sizes;
  }
  double Metric(const std::string& name) {
    const std::string metrics = telemetry::RenderMetrics();
    const std::string line = absl::StrCat(name, "{book=\"", book_, "\"} ");
    const std::size_t at = metrics.find(line);
    if (at == std::string::npos) return -1;
    return std::strtod(metrics.c_str() + at + line.size(), nullptr);
  }
  void RunSql(const std::string& sql, const std::string& condition) {
    RunAsSuperuser(absl::StrCat(sql, " WHERE book = '", book_, "' AND ", condition));
  }

  FakeClock clock_{absl::FromUnixSeconds(1'700'000'100)};
  std::unique_ptr<crypto::FileSigner> signer_ = NewSigner();
};

INSTANTIATE_TEST_SUITE_P(Stores, SealerTest, ::testing::Values("fake", "postgres"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(SealerTest, SealsInChunksAndOnlyWhatIsNew) {
  Fill(98);
  const auto sealer = NewSealer({.chunk_records = 30});
  EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_THAT(Sizes(), ElementsAre(30u, 60u, 90u, 100u));
  EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_THAT(Sizes(), SizeIs(4));
  Fill(1);
  EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_THAT(Sizes(), ElementsAre(30u, 60u, 90u, 100u, 101u));
  ExpectSealed(101);
}

TEST_P(SealerTest, ARoundEndsAndTheNextGoesOn) {
  Fill(98);
  const auto sealer = NewSealer({.chunk_records = 10, .chunks = 4});
  EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_THAT(Sizes(), ElementsAre(10u, 20u, 30u, 40u));
  EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_THAT(Run(*sealer), IsOk());
  ExpectSealed(100);
}

TEST_P(SealerTest, AnEmptyBookHasNoHead) {
  const std::string empty = NewBook();
  EXPECT_THAT(runtime_.Run(store_->EnsureBook(empty, {})), IsOk());
  made_.push_back(empty);
  EXPECT_THAT(Run(*NewSealer()), IsOk());
  EXPECT_FALSE(runtime_.Run(log_store_->LatestHead(empty)).value().has_value());
  ExpectSealed(2);
}

// Invariant 10 of DESIGN: every decision is proved included, every two heads consistent; and each
// path is the one that the definitions of the RFC give.
TEST_P(SealerTest, EveryProofIsTheOneOfTheReference) {
  Fill(998);
  ASSERT_THAT(Run(*NewSealer({.chunk_records = 37})), IsOk());
  const std::vector<Digest> leaves = Leaves();
  const std::vector<SignedTreeHead> heads = Heads();
  ASSERT_THAT(heads, SizeIs(28));
  const auto include = [&](std::uint64_t index, const SignedTreeHead& head) {
    const auto path = runtime_.Run(ProveInclusion(*log_store_, book_, index, head.head.size));
    ASSERT_THAT(path, IsOk());
    EXPECT_EQ(*path, merkle::test::NaiveInclusionPath(leaves, index, head.head.size));
    EXPECT_TRUE(
        merkle::VerifyInclusion(leaves[index], index, head.head.size, *path, head.head.root));
  };
  for (std::uint64_t index = 0; index < leaves.size(); ++index) {
    const auto smallest = runtime_.Run(log_store_->HeadAtLeast(book_, index + 1)).value();
    include(index, smallest.value());
    if (index % 10 == 0) include(index, heads.back());
  }
  for (const SignedTreeHead& first : heads) {
    for (const SignedTreeHead& second : heads) {
      if (first.head.size > second.head.size) continue;
      const auto path =
          runtime_.Run(ProveConsistency(*log_store_, book_, first.head.size, second.head.size));
      ASSERT_THAT(path, IsOk());
      EXPECT_EQ(*path,
                merkle::test::NaiveConsistencyPath(leaves, first.head.size, second.head.size));
      EXPECT_TRUE(merkle::VerifyConsistency(first.head.size, first.head.root, second.head.size,
                                            second.head.root, *path));
    }
  }
}

// Wherever it is stopped, with or without its memory, it goes on.
TEST_P(SealerTest, RestartsAtEveryStep) {
  FaultyLogStore faulty(*log_store_);
  auto sealer = NewSealer(faulty, *signer_, {.chunk_records = 100});
  std::uint64_t size = 2;
  bool reached = true;
  for (int call = 1; reached; ++call) {
    reached = false;
    for (const bool after_effect : {false, true}) {
      for (const bool keeps_memory : {false, true}) {
        Fill(130);  // Two chunks, sometimes with a tile that becomes complete.
        size += 130;
        if (!keeps_memory) sealer = NewSealer(faulty, *signer_, {.chunk_records = 100});
        faulty.FailAt(call, after_effect);
        const absl::Status status = Run(*sealer);
        if (faulty.has_failed()) {
          reached = true;
          EXPECT_THAT(status, StatusHasReason(Reason::kUnavailable));
        }
        if (!keeps_memory) sealer = NewSealer(faulty, *signer_, {.chunk_records = 100});
        faulty.FailAt(-1, false);
        EXPECT_THAT(Run(*sealer), IsOk());
        EXPECT_EQ(Sizes().back(), size);
      }
    }
    ASSERT_LT(call, 30);
  }
  ExpectSealed(size);
}

TEST_P(SealerTest, TwoSealersTakeTurns) {
  const auto first = NewSealer({.chunk_records = 70});
  const auto second = NewSealer({.chunk_records = 90});
  std::uint64_t size = 2;
  for (int i = 0; i < 12; ++i) {
    const int more = 1 + i * 13;
    Fill(more);
    size += static_cast<std::uint64_t>(more);
    EXPECT_THAT(Run(i % 3 == 0 ? *first : *second), IsOk());
    EXPECT_EQ(Sizes().back(), size);
  }
  ExpectSealed(size);
}

// The other one is faster, between our reading and our appending.
TEST_P(SealerTest, WhatAnotherSealedMeanwhileIsGoneOnFrom) {
  FaultyLogStore faulty(*log_store_);
  faulty.FailAt(-1, false);
  const auto slow = NewSealer(faulty, *signer_, {.chunk_records = 100});
  const auto fast = NewSealer({.chunk_records = 33});
  Fill(298);
  Sealer* const other = fast.get();
  faulty.before_append = [other] { return other->RunOnce(); };
  EXPECT_THAT(Run(*slow), IsOk());
  // The slow one's head of 100 was discarded: sizes and times of heads increase.
  EXPECT_THAT(Sizes(), ElementsAre(33u, 66u, 99u, 132u, 165u, 198u, 231u, 264u, 297u, 300u));
  Fill(1);
  EXPECT_THAT(Run(*slow), IsOk());
  ExpectSealed(301);
}

TEST_P(SealerTest, TimesOfHeadsIncreaseWhateverTheClockDoes) {
  const auto sealer = NewSealer();
  for (const int seconds : {100, 50, 50, 0, 200}) {
    clock_.Set(absl::FromUnixSeconds(1'700'000'000 + seconds) + absl::Nanoseconds(1));
    Fill(1);
    EXPECT_THAT(Run(*sealer), IsOk());
  }
  ExpectSealed(7);
  EXPECT_EQ(Heads().back().head.time, absl::FromUnixSeconds(1'700'000'200));
}

TEST_P(SealerTest, NothingIsStoredWithoutSignature) {
  FaultySigner signer(*signer_);
  const auto sealer = NewSealer(*log_store_, signer);
  Fill(300);
  signer.fails = true;
  EXPECT_THAT(Run(*sealer), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Heads(), IsEmpty());
  signer.fails = false;
  EXPECT_THAT(Run(*sealer), IsOk());
  ExpectSealed(302);
}

TEST_P(SealerTest, AnotherKeyGoesOnFromTheLastHead) {
  Fill(300);
  EXPECT_THAT(Run(*NewSealer()), IsOk());
  const auto next = NewSigner();
  Fill(300);
  EXPECT_THAT(Run(*NewSealer(*log_store_, *next)), IsOk());
  const std::vector<SignedTreeHead> heads = Heads();
  ASSERT_THAT(heads, SizeIs(2));
  EXPECT_TRUE(merkle::Verify(heads[0], signer_->public_key()));
  EXPECT_TRUE(merkle::Verify(heads[1], next->public_key()));
  EXPECT_EQ(heads[1].head.root, merkle::test::NaiveRoot(Leaves(), 0, 602));
}

TEST_P(SealerTest, MeasuresWhatWaits) {
  Fill(10);
  clock_.Set(kOpened + absl::Seconds(60));
  const auto sealer = NewSealer({.chunk_records = 3, .chunks = 1});
  EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_EQ(Metric("florin_ledger_unsealed_records"), 12);
  EXPECT_NEAR(Metric("florin_ledger_unsealed_age_seconds"), 60, 1);
  EXPECT_EQ(Metric("florin_ledger_sealed_sequence"), 3);
  EXPECT_EQ(Metric("florin_ledger_log_inconsistent"), 0);
  for (int i = 0; i < 4; ++i) EXPECT_THAT(Run(*sealer), IsOk());
  EXPECT_EQ(Metric("florin_ledger_unsealed_records"), 0);
  EXPECT_EQ(Metric("florin_ledger_unsealed_age_seconds"), 0);
  EXPECT_EQ(Metric("florin_ledger_sealed_sequence"), 12);
}

// What only PostgreSQL lets somebody do.
class AlteredLogTest : public SealerTest {
 protected:
  AlteredLogTest() : SealerTest("postgres") {
    Fill(298);
    sealer_ = NewSealer();
    EXPECT_THAT(Run(*sealer_), IsOk());
    sealed_ = Sizes();
    Fill(5);
  }
  void ExpectRefused(Sealer& sealer, const std::string& why) {
    for (int round = 0; round < 2; ++round) {
      const absl::Status status = Run(sealer);
      EXPECT_THAT(status, StatusHasReason(Reason::kLogInconsistent));
      EXPECT_THAT(std::string(status.message()), HasSubstr(why));
      EXPECT_EQ(Metric("florin_ledger_log_inconsistent"), 1);
    }
  }

  std::unique_ptr<Sealer> sealer_;     // Knows the tree of 300.
  std::vector<std::uint64_t> sealed_;  // Before the alteration
};

TEST_F(AlteredLogTest, ARecordUnderTheLastHead) {
  RunSql("UPDATE journal SET amounts_minor = '{77}'", "sequence = 290");
  const auto fresh = NewSealer();
  ExpectRefused(*fresh, "another root");
  EXPECT_EQ(Sizes(), sealed_);
  // The other books are sealed nevertheless.
  const std::string other = NewBook();
  MakeBook(other);
  EXPECT_THAT(Run(*fresh), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_TRUE(runtime_.Run(log_store_->LatestHead(other)).value().has_value());
  // Put right, it goes on. Fill() moves 1, 2, 3, … from sequence 3 on.
  RunSql("UPDATE journal SET amounts_minor = '{288}'", "sequence = 290");
  EXPECT_THAT(Run(*fresh), IsOk());
  EXPECT_EQ(Metric("florin_ledger_log_inconsistent"), 0);
  ExpectSealed(305);
}

TEST_F(AlteredLogTest, ARecordThatIsGone) {
  RunSql("DELETE FROM journal", "sequence = 290");
  ExpectRefused(*NewSealer(), "ends at 33 hashes");
  EXPECT_EQ(Sizes(), sealed_);
}

TEST_F(AlteredLogTest, ARecordThatIsNotSealedAndGone) {
  RunSql("DELETE FROM journal", "sequence = 302");
  ExpectRefused(*sealer_, "no record 302");
  ExpectRefused(*NewSealer(), "no record 302");
  EXPECT_EQ(Sizes(), sealed_);
}

TEST_F(AlteredLogTest, ATileAboveTheEdge) {
  RunSql("UPDATE tiles SET root = decode(repeat('ab', 32), 'hex')", "level = 0");
  ExpectRefused(*NewSealer(), "another root");
  EXPECT_EQ(Sizes(), sealed_);
}

TEST_F(AlteredLogTest, AForgedTreeHead) {
  RunSql("UPDATE tree_heads SET root = decode(repeat('ab', 32), 'hex')", "size = 300");
  ExpectRefused(*sealer_, "another root");
  ExpectRefused(*NewSealer(), "another root");
  EXPECT_EQ(Sizes(), sealed_);
}

TEST_F(AlteredLogTest, AForgedSignature) {
  RunSql("UPDATE tree_heads SET signature = decode(repeat('ab', 64), 'hex')", "size = 300");
  ExpectRefused(*sealer_, "not what was signed");
  ExpectRefused(*NewSealer(), "not what was signed");
}

TEST_F(AlteredLogTest, ATreeHeadThatIsGone) {
  RunSql("DELETE FROM tree_heads", "size = 300");
  ExpectRefused(*sealer_, "there was one of 300");
  // Who has not seen it meets the tile that came with it.
  ExpectRefused(*NewSealer(), "two histories");
  EXPECT_THAT(Heads(), IsEmpty());
}

TEST_F(AlteredLogTest, AnOriginThatIsAnotherThanBefore) {
  PgLogStore renamed(*pool_, "florin.other");
  const auto sealer = std::make_unique<Sealer>(*store_, renamed, *signer_, clock_, "florin.other");
  ExpectRefused(*sealer, "another origin");
}

TEST_F(AlteredLogTest, SeveralProcessesAtOnceMakeOneHistory) {
  std::vector<std::unique_ptr<Sealer>> sealers;
  for (int i = 0; i < 3; ++i) sealers.push_back(NewSealer({.chunk_records = 20 + i}));
  std::uint64_t size = 305;
  for (int round = 0; round < 6; ++round) {
    std::vector<std::future<absl::Status>> running;
    for (const auto& sealer : sealers) {
      running.push_back(asio::co_spawn(runtime_.context(), sealer->RunOnce(), asio::use_future));
    }
    for (auto& one : running) EXPECT_THAT(one.get(), IsOk());
    EXPECT_EQ(Sizes().back(), size);
    Fill(150);
    size += 150;
  }
  EXPECT_THAT(Run(*sealers[0]), IsOk());
  ExpectSealed(size);
}

// A key that never leaves its token signs the tree heads.
class TokenTest : public SealerTest {
 protected:
  TokenTest() : SealerTest("fake") {
    char name[] = "/tmp/florin_sealer_XXXXXX";
    directory_ = mkdtemp(name);
    std::filesystem::create_directory(directory_ + "/tokens");
    std::ofstream(directory_ + "/softhsm2.conf")
        << "directories.tokendir = " << directory_ << "/tokens\nobjectstore.backend = file\n"
        << "log.level = ERROR\n";
    setenv("SOFTHSM2_CONF", (directory_ + "/softhsm2.conf").c_str(), 1);
    WriteSecret("key.pem", crypto::SigningKey::Generate().ToPem());
    WriteSecret("pin", "271828\n");
    Softhsm("--init-token --free --so-pin 314159 --label florin");
    Softhsm("--import " + directory_ + "/key.pem --token florin --label ledger-log --id 01");
  }
  ~TokenTest() override {
    unsetenv("SOFTHSM2_CONF");
    std::filesystem::remove_all(directory_);
  }

  void WriteSecret(const std::string& name, const std::string& content) {
    std::ofstream(directory_ + "/" + name) << content;
    chmod((directory_ + "/" + name).c_str(), 0600);
  }
  static void Softhsm(const std::string& arguments) {
    const std::string command = "softhsm2-util --pin 271828 " + arguments + " >/dev/null";
    FLORIN_CHECK(std::system(command.c_str()) == 0, "softhsm2-util makes tokens");
  }

  std::string directory_;
};

TEST_F(TokenTest, AKeyInSoftHsmSignsTreeHeads) {
  const auto token = crypto::Pkcs11Signer::Open({.module = "/usr/lib/softhsm/libsofthsm2.so",
                                                 .token = "florin",
                                                 .key = "ledger-log",
                                                 .pin_file = directory_ + "/pin"});
  ASSERT_THAT(token, IsOk());
  const crypto::SignerKey& key = (*token)->public_key();
  EXPECT_EQ(key.algorithm(), "es256");
  Fill(300);
  ASSERT_THAT(Run(*NewSealer(*log_store_, **token, {.chunk_records = 100})), IsOk());
  const std::vector<SignedTreeHead> heads = Heads();
  ASSERT_THAT(heads, SizeIs(4));
  for (const SignedTreeHead& one : heads) {
    EXPECT_TRUE(merkle::Verify(one, key));
    EXPECT_EQ(one.head.root, merkle::test::NaiveRoot(Leaves(), 0, one.head.size));
  }
  // By an outsider, who has the public key alone.
  const auto outside = crypto::SignerKey::FromPem(key.ToPem());
  ASSERT_THAT(outside, IsOk());
  EXPECT_TRUE(merkle::Verify(heads.back(), *outside));
}

}  // namespace
}  // namespace florin::ledger
