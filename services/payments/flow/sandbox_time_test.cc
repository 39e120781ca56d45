// The sandbox's time over a real channel to a ledger that only has a clock.
#include "services/payments/flow/sandbox_time.h"

#include <memory>
#include <mutex>

#include "libs/async/runtime.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/payments/store/fake_clock_store.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);

// Thread-safe.
class ClockDouble : public ledger::v1::LedgerSandboxService {
 public:
  Task<absl::StatusOr<ledger::v1::SetClockAheadResponse>> SetClockAhead(
      rpc::Call&, const ledger::v1::SetClockAheadRequest& request) override {
    std::lock_guard lock(mutex_);
    if (!available_) co_return Error(Reason::kUnavailable, "told to fail");
    told_ = absl::Seconds(request.ahead().seconds()) + absl::Nanoseconds(request.ahead().nanos());
    co_return ledger::v1::SetClockAheadResponse();
  }
  absl::Duration told() {
    std::lock_guard lock(mutex_);
    return told_;
  }
  void SetAvailable(bool available) {
    std::lock_guard lock(mutex_);
    available_ = available;
  }

 private:
  std::mutex mutex_;
  absl::Duration told_;    // Guarded by mutex_.
  bool available_ = true;  // Guarded by mutex_.
};

class SandboxTimeTest : public ::testing::Test {
 protected:
  SandboxTimeTest() {
    absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "ledger")},
        {&double_});
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
    channel_.emplace(runtime_.executor(),
                     rpc::ChannelOptions{.target = "127.0.0.1:" + std::to_string(server_->port()),
                                         .service = "ledger",
                                         .certificates = rpc::CertificateFiles::In(
                                             certificates_.directory(), "payments")});
    ledger_.emplace(&*channel_);
    time_.emplace(store_, *ledger_, clock_, "main", [this] { ++woken_; });
  }
  ~SandboxTimeTest() override { runtime_.Stop(); }

  testing::TestCertificates certificates_{{"ledger", "payments"}};
  ClockDouble double_;
  async::Runtime runtime_{1};
  FakeClock system_{kStart};
  AheadClock clock_{system_};
  FakeClockStore store_;
  int woken_ = 0;
  std::unique_ptr<rpc::Server> server_;
  std::optional<rpc::Channel> channel_;
  std::optional<ledger::v1::LedgerSandboxClient> ledger_;
  std::optional<SandboxTime> time_;
};

TEST_F(SandboxTimeTest, GoesForwardOnceForEveryTarget) {
  const absl::Time target = kStart + absl::Hours(24);
  EXPECT_THAT(runtime_.Run(time_->AdvanceTo(target)), IsOk());
  EXPECT_EQ(clock_.Now(), target);
  EXPECT_EQ(double_.told(), absl::Hours(24));
  EXPECT_EQ(woken_, 1);
  system_.Advance(absl::Seconds(5));
  EXPECT_THAT(runtime_.Run(time_->AdvanceTo(target)), IsOk());
  EXPECT_THAT(runtime_.Run(time_->AdvanceTo(kStart)), IsOk());
  EXPECT_EQ(clock_.Now(), target + absl::Seconds(5));
  EXPECT_EQ(woken_, 1);
}

TEST_F(SandboxTimeTest, IsFollowedAfterARestartAndWhereTheLedgerWasAway) {
  double_.SetAvailable(false);
  EXPECT_THAT(runtime_.Run(time_->AdvanceTo(kStart + absl::Hours(1))),
              StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(woken_, 1);
  AheadClock restarted(system_);
  SandboxTime again(store_, *ledger_, restarted, "main", [this] { ++woken_; });
  double_.SetAvailable(true);
  EXPECT_THAT(runtime_.Run(again.Follow()), IsOk());
  EXPECT_EQ(restarted.Now(), kStart + absl::Hours(1));
  EXPECT_EQ(double_.told(), absl::Hours(1));
}

TEST_F(SandboxTimeTest, HasAnEnd) {
  EXPECT_THAT(runtime_.Run(time_->AdvanceTo(kStart + kMostAhead + absl::Seconds(1))),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("target_time")));
  EXPECT_THAT(runtime_.Run(time_->AdvanceTo(absl::InfiniteFuture())),
              StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(clock_.Now(), kStart);
}

}  // namespace
}  // namespace florin::payments
