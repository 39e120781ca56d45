#include "services/ledger/flow/book_watch.h"

#include <atomic>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/ledger/store/fake_store.h"

namespace florin::ledger {
namespace {

constexpr absl::Duration kNever = absl::Hours(1);
constexpr absl::Duration kSoon = absl::Milliseconds(1);
constexpr absl::Duration kAtMost = absl::Seconds(60);  // A ring that does not come.

// Says what it is told to, and counts how often it is asked.
class ToldReader : public FakeStore {
 public:
  Task<absl::StatusOr<std::int64_t>> LastSequence(std::string) override {
    ++asked_;
    if (failures_ > 0 && failures_-- > 0) co_return Error(Reason::kUnavailable, "told to fail");
    co_return last_sequence_.load();
  }

  void Set(std::int64_t last_sequence) { last_sequence_ = last_sequence; }
  void Fail(int times) { failures_ = times; }
  int asked() const { return asked_; }

 private:
  std::atomic<std::int64_t> last_sequence_ = 5;
  std::atomic<int> failures_ = 0;
  std::atomic<int> asked_ = 0;
};

Task<void> Nothing() { co_return; }

class BookWatchTest : public ::testing::Test {
 protected:
  ~BookWatchTest() override { runtime_.Stop(); }

  std::shared_ptr<async::Bell> NewBell() { return std::make_shared<async::Bell>(); }
  bool Rings(const std::shared_ptr<async::Bell>& bell, absl::Duration longest = kAtMost) {
    return runtime_.Run(bell->Wait(longest));
  }
  // One thread takes tasks in order, and the reader never waits: pollers have done what they were
  // woken for.
  void WaitForPollers() {
    for (int i = 0; i < 3; ++i) runtime_.Run(Nothing());
  }

  ToldReader reader_;
  async::Runtime runtime_{1};
};

TEST_F(BookWatchTest, FindsWhatOthersCommitByAsking) {
  BookWatch watch(runtime_.executor(), reader_, kSoon);
  const auto bell = NewBell();
  const BookWatch::Watcher watcher = watch.Watch("main", bell);
  EXPECT_TRUE(Rings(bell)) << "for what was there, too";
  for (std::int64_t last = 6; last < 20; ++last) {
    reader_.Set(last);
    EXPECT_TRUE(Rings(bell));
  }
}

TEST_F(BookWatchTest, AsksAtOnceAfterACommitOfThisProcess) {
  BookWatch watch(runtime_.executor(), reader_, kNever);
  const auto bell = NewBell();
  const BookWatch::Watcher watcher = watch.Watch("main", bell);
  EXPECT_TRUE(Rings(bell));
  reader_.Set(6);
  watch.Wake("other");
  watch.Wake("main");
  EXPECT_TRUE(Rings(bell));
}

TEST_F(BookWatchTest, DoesNotRingForWhatTheReaderHasNotComeTo) {
  BookWatch watch(runtime_.executor(), reader_, kNever);
  const auto bell = NewBell();
  const BookWatch::Watcher watcher = watch.Watch("main", bell);
  EXPECT_TRUE(Rings(bell));
  const int asked = reader_.asked();
  watch.Wake("main");
  WaitForPollers();
  EXPECT_EQ(reader_.asked(), asked + 1);
  EXPECT_FALSE(Rings(bell, kSoon));
  reader_.Set(4);  // Another replica, further behind.
  watch.Wake("main");
  WaitForPollers();
  EXPECT_FALSE(Rings(bell, kSoon));
}

TEST_F(BookWatchTest, AsksOncePerBookHoweverManyWatchAndNotWhenNobodyDoes) {
  BookWatch watch(runtime_.executor(), reader_, kNever);
  const auto first = NewBell();
  const auto second = NewBell();
  {
    const BookWatch::Watcher one = watch.Watch("main", first);
    const BookWatch::Watcher two = watch.Watch("main", second);
    EXPECT_TRUE(Rings(first));
    EXPECT_TRUE(Rings(second));
    EXPECT_EQ(reader_.asked(), 1);
    {
      const BookWatch::Watcher other = watch.Watch("other", NewBell());
      WaitForPollers();
      EXPECT_EQ(reader_.asked(), 2);
    }
    reader_.Set(6);
    watch.Wake("main");
    EXPECT_TRUE(Rings(first));
    EXPECT_TRUE(Rings(second));
    EXPECT_EQ(reader_.asked(), 3);
  }
  WaitForPollers();
  reader_.Set(7);
  watch.Wake("main");
  WaitForPollers();
  EXPECT_EQ(reader_.asked(), 3);
  EXPECT_FALSE(Rings(first, kSoon)) << "who has left is not rung for";

  const BookWatch::Watcher again = watch.Watch("main", first);
  EXPECT_TRUE(Rings(first));
}

TEST_F(BookWatchTest, WhoStaysIsRungForWhenOthersHaveLeft) {
  BookWatch watch(runtime_.executor(), reader_, kNever);
  const auto bell = NewBell();
  const BookWatch::Watcher stays = watch.Watch("main", bell);
  EXPECT_TRUE(Rings(bell));
  { const BookWatch::Watcher leaves = watch.Watch("main", NewBell()); }
  reader_.Set(6);
  watch.Wake("main");
  EXPECT_TRUE(Rings(bell));
}

TEST_F(BookWatchTest, GoesOnAfterFailures) {
  reader_.Fail(3);
  BookWatch watch(runtime_.executor(), reader_, kSoon);
  const auto bell = NewBell();
  const BookWatch::Watcher watcher = watch.Watch("main", bell);
  EXPECT_TRUE(Rings(bell));
  EXPECT_GE(reader_.asked(), 4);
}

}  // namespace
}  // namespace florin::ledger
