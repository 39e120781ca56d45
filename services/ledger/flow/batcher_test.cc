#include "services/ledger/flow/batcher.h"

#include <future>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/ledger/store/fake_store.h"

namespace florin::ledger {
namespace {

using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// Holds back commits until told, and notes how large each is.
class GatedStore : public FakeStore {
 public:
  explicit GatedStore(Executor executor) : executor_(executor), gate_(executor, Time::max()) {}

  Task<absl::StatusOr<std::vector<Outcome>>> Commit(std::string book,
                                                    std::vector<TransactionInput> inputs,
                                                    absl::Time now) override {
    sizes_.push_back(inputs.size());
    boost::system::error_code ignored;
    co_await gate_.async_wait(asio::redirect_error(use_task, ignored));
    co_return co_await FakeStore::Commit(std::move(book), std::move(inputs), now);
  }

  void Open() {
    asio::post(executor_, [this] { gate_.expires_at(Time::min()); });
  }
  const std::vector<std::size_t>& sizes() const { return sizes_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  Executor executor_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      gate_;
  std::vector<std::size_t> sizes_;
};

Task<void> Nothing() { co_return; }

class PostingBatcherTest : public ::testing::Test {
 protected:
  PostingBatcherTest() {
    EXPECT_THAT(runtime_.Run(store_.EnsureBook("main")), IsOk());
    std::vector<AccountTerms> accounts;
    for (const char* name : {"a", "b"}) {
      accounts.push_back({.account_id = DeriveId("test.account", name),
                          .currency = Currency::Parse("EUR").value()});
    }
    EXPECT_THAT(runtime_.Run(store_.OpenAccounts("main", accounts)), IsOk());
  }
  ~PostingBatcherTest() override { runtime_.Stop(); }

  std::vector<TransactionInput> Inputs(int count) {
    std::vector<TransactionInput> inputs;
    for (int i = 0; i < count; ++i) {
      inputs.push_back({.transaction_id = ids_.NewId(),
                        .postings = {{.debit_account_id = DeriveId("test.account", "a"),
                                      .credit_account_id = DeriveId("test.account", "b"),
                                      .amount_minor = 1}}});
    }
    return inputs;
  }

  std::future<absl::StatusOr<std::vector<Outcome>>> Post(std::vector<TransactionInput> inputs,
                                                         const std::string& book = "main") {
    return asio::co_spawn(runtime_.context(), batcher_.Post(book, std::move(inputs)),
                          asio::use_future);
  }

  // One thread takes tasks in order: everything posted before has reached the queue.
  void WaitUntilQueued() { runtime_.Run(Nothing()); }

  SequentialIds ids_;
  FakeClock clock_{kNow};
  async::Runtime runtime_{1};
  GatedStore store_{runtime_.executor()};
  PostingBatcher batcher_{runtime_.executor(), store_, clock_};
};

TEST_F(PostingBatcherTest, GathersWhileACommitIsUnderWayAndAnswersEachItsOwn) {
  auto first = Post(Inputs(1));
  std::vector<std::vector<TransactionInput>> requests;
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> answers;
  WaitUntilQueued();
  for (int i = 0; i < 10; ++i) {
    requests.push_back(Inputs(i + 1));
    answers.push_back(Post(requests.back()));
  }
  WaitUntilQueued();
  store_.Open();
  EXPECT_EQ(first.get().value().at(0).decision.commitment()->commit_time, kNow);
  for (int i = 0; i < 10; ++i) {
    const auto outcomes = answers[i].get();
    ASSERT_THAT(outcomes, IsOk());
    ASSERT_EQ(outcomes->size(), requests[i].size());
    for (std::size_t k = 0; k < outcomes->size(); ++k) {
      EXPECT_EQ((*outcomes)[k].decision.input, requests[i][k]);
    }
  }
  EXPECT_THAT(store_.sizes(), ElementsAre(1, 55));
}

TEST_F(PostingBatcherTest, SplitsWhatIsTooLargeForOneCommitBetweenRequests) {
  auto first = Post(Inputs(1));
  WaitUntilQueued();
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(Post(Inputs(700)));
  WaitUntilQueued();
  store_.Open();
  EXPECT_THAT(first.get(), IsOk());
  for (auto& answer : answers) EXPECT_EQ(answer.get().value().size(), 700u);
  EXPECT_THAT(store_.sizes(), ElementsAre(1, 1'400, 1'400, 700));
}

TEST_F(PostingBatcherTest, RefusesWhatWouldWaitBeyondTheLimitAndRecovers) {
  std::vector<std::future<absl::StatusOr<std::vector<Outcome>>>> answers;
  for (int i = 0; i < 25; ++i) answers.push_back(Post(Inputs(1'000)));
  WaitUntilQueued();
  store_.Open();
  for (int i = 0; i < 25; ++i) {
    const auto outcomes = answers[i].get();
    if (i < 20) {
      EXPECT_THAT(outcomes, IsOk());
    } else {
      EXPECT_THAT(outcomes, StatusHasReason(Reason::kOverloaded));
    }
  }
  EXPECT_THAT(Post(Inputs(1'000)).get(), IsOk());
}

TEST_F(PostingBatcherTest, AnUnknownBookIsRefused) {
  EXPECT_THAT(Post(Inputs(1), "none").get(), StatusHasReason(Reason::kBookNotFound));
}

}  // namespace
}  // namespace florin::ledger
