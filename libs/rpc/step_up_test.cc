#include "libs/rpc/step_up.h"

#include "florin/options/v1/policy.pb.h"
#include "florin/testing/v1/vault.rpc.h"
#include "gmock/gmock.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const absl::Time kLogin = absl::FromUnixSeconds(1'790'000'000);

Principal LoggedIn(const std::string& acr) {
  Principal principal;
  principal.user_id = "usr_1";
  principal.scopes = {"vault:open"};
  principal.auth_time = kLogin;
  principal.acr = acr;
  return principal;
}

TEST(StepUpTest, AClassIncludesThoseBeforeIt) {
  const char* const classes[] = {"", kAcrPassword, kAcrTwoFactors, kAcrPhishingResistant};
  for (int demanded = 0; demanded < 4; ++demanded) {
    for (int shown = 0; shown < 4; ++shown) {
      const StepUp step_up{.acr = classes[demanded]};
      const absl::Status status = CheckStepUp(step_up, LoggedIn(classes[shown]), kLogin);
      EXPECT_EQ(status.ok(), shown >= demanded) << classes[demanded] << " " << classes[shown];
    }
  }
  EXPECT_THAT(CheckStepUp({.acr = kAcrPassword}, LoggedIn("urn:other:acr"), kLogin),
              StatusHasReason(Reason::kStepUpRequired));
}

TEST(StepUpTest, TheAgeCountsToTheSecond) {
  const StepUp step_up{.acr = kAcrTwoFactors, .max_age = absl::Minutes(5)};
  const Principal principal = LoggedIn(kAcrTwoFactors);
  EXPECT_THAT(CheckStepUp(step_up, principal, kLogin + absl::Seconds(300)), IsOk());
  EXPECT_THAT(CheckStepUp(step_up, principal, kLogin - absl::Seconds(5)), IsOk());
  EXPECT_THAT(CheckStepUp(step_up, principal, kLogin + absl::Seconds(301)),
              StatusHasReason(Reason::kStepUpRequired));
  // A client's own token: nobody logged in.
  EXPECT_THAT(CheckStepUp({.max_age = absl::Minutes(5)}, Principal(), kLogin),
              StatusHasReason(Reason::kStepUpRequired));
}

TEST(StepUpTest, ARefusalSaysWhatWillDo) {
  const StepUp step_up{.acr = kAcrTwoFactors, .max_age = absl::Minutes(5)};
  EXPECT_THAT(DetailOf(CheckStepUp(step_up, Principal(), kLogin)).metadata,
              ElementsAre(Pair("acr_values", "urn:florin:acr:mfa urn:florin:acr:phr"),
                          Pair("max_age", "300")));
  EXPECT_THAT(DetailOf(CheckStepUp({.acr = kAcrPhishingResistant}, Principal(), kLogin)).metadata,
              ElementsAre(Pair("acr_values", "urn:florin:acr:phr")));
}

TEST(StepUpTest, APolicyWithAnAgeAloneMeansTwoFactors) {
  options::v1::MethodPolicy policy;
  policy.set_access(options::v1::MethodPolicy::USER);
  EXPECT_EQ(StepUpOf(policy), StepUp());
  EXPECT_THAT(CheckStepUp(StepUpOf(policy), Principal(), kLogin), IsOk());
  policy.set_strong_auth_max_age_minutes(5);
  EXPECT_EQ(StepUpOf(policy), (StepUp{.acr = kAcrTwoFactors, .max_age = absl::Minutes(5)}));
  policy.set_acr(kAcrPassword);
  EXPECT_EQ(StepUpOf(policy), (StepUp{.acr = kAcrPassword, .max_age = absl::Minutes(5)}));
}

TEST(StepUpDeathTest, APolicyThatCannotBeKeptEndsTheProcess) {
  options::v1::MethodPolicy policy;
  policy.set_access(options::v1::MethodPolicy::USER);
  policy.set_acr("urn:other:acr");
  EXPECT_DEATH(StepUpOf(policy), "the class is known");
  policy.set_access(options::v1::MethodPolicy::SERVICE);
  policy.set_acr(kAcrPassword);
  EXPECT_DEATH(StepUpOf(policy), "only users authenticate");
}

// The token is the acr of a user who logged in at kLogin.
class TokensAreClasses : public Authenticator {
 public:
  Task<absl::StatusOr<Principal>> Authenticate(std::string token) override {
    co_return LoggedIn(token);
  }
};

class OpenVault : public florin::testing::v1::VaultService {
  Task<absl::StatusOr<florin::testing::v1::OpenResponse>> Open(
      Call&, const florin::testing::v1::OpenRequest&) override {
    co_return florin::testing::v1::OpenResponse();
  }
};

TEST(StepUpTest, TheServerHoldsAMethodToItsPolicy) {
  const testing::TestCertificates certificates({"testing", "gateway"});
  async::Runtime runtime(2);
  TokensAreClasses tokens;
  OpenVault vault;
  FakeClock clock(kLogin);
  const auto server =
      Server::Start(runtime.executor(),
                    {.listen = "127.0.0.1:0",
                     .certificates = CertificateFiles::In(certificates.directory(), "testing"),
                     .authenticator = &tokens,
                     .clock = &clock},
                    {&vault});
  Channel channel(runtime.executor(),
                  {.target = "127.0.0.1:" + std::to_string((*server)->port()),
                   .service = "testing",
                   .certificates = CertificateFiles::In(certificates.directory(), "gateway")});
  const florin::testing::v1::VaultClient client(&channel);
  const auto open = [&](const std::string& acr) {
    Outgoing context;
    context.user_token = acr;
    return runtime.Run(client.Open(context, florin::testing::v1::OpenRequest())).status();
  };
  clock.Advance(absl::Minutes(5));
  EXPECT_THAT(open(kAcrTwoFactors), IsOk());
  EXPECT_THAT(open(kAcrPassword), StatusHasReason(Reason::kStepUpRequired));
  clock.Advance(absl::Seconds(1));
  EXPECT_THAT(open(kAcrPhishingResistant), StatusHasReason(Reason::kStepUpRequired));
}

}  // namespace
}  // namespace florin::rpc
