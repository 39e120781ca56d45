// The sandbox's clock as payments tells it: a real server over mutual TLS.
#include "services/ledger/rpc/sandbox_service.h"

#include <memory>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::ledger {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);

class SandboxServiceTest : public ::testing::Test {
 protected:
  ~SandboxServiceTest() override { runtime_.Stop(); }

  absl::StatusOr<v1::SetClockAheadResponse> Tell(SandboxRpc& service, std::int64_t seconds,
                                                 const std::string& caller = "payments") {
    absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "ledger")},
        {&service});
    EXPECT_THAT(server, IsOk());
    rpc::Channel channel(
        runtime_.executor(),
        {.target = "127.0.0.1:" + std::to_string((*server)->port()),
         .service = "ledger",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), caller)});
    v1::LedgerSandboxClient client(&channel);
    v1::SetClockAheadRequest request;
    request.mutable_ahead()->set_seconds(seconds);
    rpc::Outgoing context;
    return runtime_.Run(client.SetClockAhead(context, request));
  }

  testing::TestCertificates certificates_{{"ledger", "payments", "accounts", "auth"}};
  async::Runtime runtime_{1};
  FakeClock system_{kStart};
  AheadClock clock_{system_};
  int woken_ = 0;
  SandboxRpc sandbox_{clock_, true, [this] { ++woken_; }};
};

TEST_F(SandboxServiceTest, PutsTheClockAheadAndNeverBack) {
  const auto hour = Tell(sandbox_, 3600);
  ASSERT_THAT(hour, IsOk());
  EXPECT_EQ(hour->ahead().seconds(), 3600);
  EXPECT_EQ(clock_.Now(), kStart + absl::Hours(1));
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(Tell(sandbox_, 60)->ahead().seconds(), 3600);
  EXPECT_EQ(clock_.Now(), kStart + absl::Hours(1));
  EXPECT_EQ(woken_, 1) << "nothing has become due";
}

TEST_F(SandboxServiceTest, RefusesWhatIsNoSandboxOrNobodysTime) {
  SandboxRpc real(clock_, false, [this] { ++woken_; });
  EXPECT_THAT(Tell(real, 3600), StatusHasReason(Reason::kSandboxDisabled));
  EXPECT_THAT(Tell(sandbox_, -1), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Tell(sandbox_, 3661LL * 24 * 3600), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Tell(sandbox_, 3600, "auth"), StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_EQ(clock_.Now(), kStart);
  EXPECT_EQ(woken_, 0);
}

}  // namespace
}  // namespace florin::ledger
