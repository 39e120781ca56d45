#include "services/ledger/flow/batcher.h"

#include <future>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/ahead_clock.h"
#include "libs/status/matchers.h"
#include "services/ledger/store/fake_store.h"

namespace florin::ledger {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// Holds back commits until told, and notes how large each is.
class GatedStore : public FakeStore {
 public:
  explicit GatedStore(Executor executor) : executor_(executor), gate_(executor, Time::max()) {}

  Task<absl::StatusOr<std::vector<Outcome>>> Commit(std::string book, std::vector<Command> commands,
                                                    absl::Time now) override {
    for (const Command& command : commands) commits_[command.transaction_id] = sizes_.size();
    sizes_.push_back(commands.size());
    boost::system::error_code ignored;
    co_await gate_.async_wait(asio::redirect_error(use_task, ignored));
    co_return co_await FakeStore::Commit(std::move(book), std::move(commands), now);
  }

  void Open() {
    asio::post(executor_, [this] { gate_.expires_at(Time::min()); });
  }
  const std::vector<std::size_t>& sizes() const { return sizes_; }
  // Which commit a transaction was in, counted from 0.
  std::size_t CommitOf(const Uuid& transaction_id) const { return commits_.at(transaction_id); }

 private:
  using Time = std::chrono::steady_clock::time_point;
  Executor executor_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      gate_;
  std::vector<std::size_t> sizes_;
  std::map<Uuid, std::size_t> commits_;
};

Task<void> Nothing() { co_return; }

class PostingBatcherTest : public ::testing::Test {
 protected:
  PostingBatcherTest() {
    EXPECT_THAT(runtime_.Run(store_.EnsureBook("main", {})), IsOk());
    std::vector<AccountTerms> accounts;
    for (const char* name : {"a", "b"}) {
      accounts.push_back({.account_id = DeriveId("test.account", name),
                          .currency = Currency::Parse("EUR").value()});
    }
    EXPECT_THAT(runtime_.Run(store_.OpenAccounts("main", accounts, kNow - absl::Hours(1))), IsOk());
  }
  ~PostingBatcherTest() override { runtime_.Stop(); }

  std::vector<Command> Posts(int count) {
    std::vector<Command> commands;
    for (int i = 0; i < count; ++i) {
      commands.emplace_back();
      commands.back().transaction_id = ids_.NewId();
      commands.back().action = Post{{{.debit_account_id = DeriveId("test.account", "a"),
                                      .credit_account_id = DeriveId("test.account", "b"),
                                      .amount_minor = 1}}};
    }
    return commands;
  }

  std::future<absl::StatusOr<std::vector<Outcome>>> Submit(
      std::vector<Command> commands, const std::string& book = "main",
      const std::string& caller = "payments", absl::Time deadline = absl::InfiniteFuture()) {
    return asio::co_spawn(runtime_.context(),
                          batcher_.Post(book, std::move(commands), caller, deadline),
                          asio::use_future);
  }

  // One thread takes tasks in order: everything posted before has reached the queue.
  void WaitUntilQueued() { runtime_.Run(Nothing()); }

  SequentialIds ids_;
  FakeClock clock_{kNow};
  async::Runtime runtime_{1};
  GatedStore store_{runtime_.executor()};
  std::vector<std::string> committed_;  // Told by the batcher, on the runtime's thread.
  PostingBatcher batcher_{runtime_.executor(), store_, clock_,
                          [this](const std::string& book) { committed_.push_back(book); }};
};

TEST_F(PostingBatcherTest, GathersWhileACommitIsUnderWayAndAnswersEachItsOwn) {
  auto first = Submit(Posts(1));
  std::vector<std::vector<Command>> requests;
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> answers;
  WaitUntilQueued();
  for (int i = 0; i < 10; ++i) {
    requests.push_back(Posts(i + 1));
    answers.push_back(Submit(requests.back()));
  }
  WaitUntilQueued();
  store_.Open();
  EXPECT_EQ(first.get().value().at(0).decision.commit_time, kNow);
  for (int i = 0; i < 10; ++i) {
    const auto outcomes = answers[i].get();
    ASSERT_THAT(outcomes, IsOk());
    ASSERT_EQ(outcomes->size(), requests[i].size());
    for (std::size_t k = 0; k < outcomes->size(); ++k) {
      EXPECT_EQ((*outcomes)[k].decision.command, requests[i][k]);
    }
  }
  EXPECT_THAT(store_.sizes(), ElementsAre(1, 55));
}

TEST_F(PostingBatcherTest, SplitsWhatIsTooLargeForOneCommitBetweenRequests) {
  auto first = Submit(Posts(1));
  WaitUntilQueued();
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(Submit(Posts(700)));
  WaitUntilQueued();
  store_.Open();
  EXPECT_THAT(first.get(), IsOk());
  for (auto& answer : answers) EXPECT_EQ(answer.get().value().size(), 700u);
  // The first did not wait for the one under way, since it is large enough by itself.
  EXPECT_THAT(store_.sizes(), UnorderedElementsAre(1, 700, 1'400, 1'400));
}

TEST_F(PostingBatcherTest, RefusesWhatWouldWaitBeyondTheLimitAndRecovers) {
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> answers;
  for (int i = 0; i < 25; ++i) answers.push_back(Submit(Posts(1'000)));
  WaitUntilQueued();
  store_.Open();
  for (int i = 0; i < 25; ++i) {
    const auto outcomes = answers[i].get();
    if (i <= 21) {  // Two are under way, twenty wait.
      EXPECT_THAT(outcomes, IsOk());
    } else {
      EXPECT_THAT(outcomes, StatusHasReason(Reason::kOverloaded));
      EXPECT_THAT(DetailOf(outcomes.status()).metadata, Contains(Key("retry_after_ms")));
    }
  }
  EXPECT_THAT(Submit(Posts(1'000)).get(), IsOk());
}

TEST_F(PostingBatcherTest, ACallerWithMuchToPostLeavesRoomForTheOthers) {
  auto first = Submit(Posts(1));
  WaitUntilQueued();
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> many;
  for (int i = 0; i < 40; ++i) many.push_back(Submit(Posts(100)));
  const std::vector<Command> commands = Posts(100);
  auto few = Submit(commands, "main", "accounts");
  WaitUntilQueued();
  store_.Open();
  EXPECT_THAT(few.get(), IsOk());
  for (auto& answer : many) EXPECT_THAT(answer.get(), IsOk());
  EXPECT_THAT(first.get(), IsOk());
  EXPECT_LE(store_.CommitOf(commands[99].transaction_id), 3u) << "one of the next two";
  EXPECT_THAT(store_.sizes(), UnorderedElementsAre(1, 100, 1'000, 1'000, 1'000, 1'000));
}

TEST_F(PostingBatcherTest, WhatWaitsBeyondItsDeadlineIsNotDecided) {
  auto first = Submit(Posts(1));
  WaitUntilQueued();
  auto late = Submit(Posts(2), "main", "payments", kNow + absl::Seconds(1));
  auto in_time = Submit(Posts(3), "main", "payments", kNow + absl::Seconds(3));
  WaitUntilQueued();
  clock_.Advance(absl::Seconds(2));
  store_.Open();
  EXPECT_THAT(late.get(), StatusHasReason(Reason::kDeadlineExceeded));
  EXPECT_THAT(in_time.get(), IsOk());
  EXPECT_THAT(first.get(), IsOk());
  EXPECT_THAT(store_.sizes(), ElementsAre(1, 3));
}

// A sandbox's clock is ahead; the deadlines of its callers are not.
TEST_F(PostingBatcherTest, DeadlinesAreOfTheClockOfCalls) {
  AheadClock ahead(clock_);
  ahead.GoAhead(absl::Hours(1));
  PostingBatcher batcher(runtime_.executor(), store_, ahead, nullptr, &clock_);
  store_.Open();
  const auto outcomes =
      runtime_.Run(batcher.Post("main", Posts(1), "payments", kNow + absl::Seconds(1)));
  ASSERT_THAT(outcomes, IsOk());
  EXPECT_EQ(outcomes->at(0).decision.commit_time, kNow + absl::Hours(1));
}

TEST_F(PostingBatcherTest, TellsOfEachCommitThatDecidedSomething) {
  store_.Open();
  const std::vector<Command> commands = Posts(2);
  EXPECT_THAT(Submit(commands).get(), IsOk());
  EXPECT_THAT(committed_, ElementsAre("main"));
  EXPECT_THAT(Submit(commands).get(), IsOk());
  EXPECT_THAT(committed_, ElementsAre("main")) << "a repetition decides nothing";
  EXPECT_THAT(Submit(Posts(1)).get(), IsOk());
  EXPECT_THAT(committed_, ElementsAre("main", "main"));
}

TEST_F(PostingBatcherTest, AnUnknownBookIsRefused) {
  EXPECT_THAT(Submit(Posts(1), "none").get(), StatusHasReason(Reason::kBookNotFound));
}

}  // namespace
}  // namespace florin::ledger
