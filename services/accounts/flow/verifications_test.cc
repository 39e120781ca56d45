#include "services/accounts/flow/verifications.h"

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/accounts/flow/sandbox_verifier.h"
#include "services/accounts/store/fake_store.h"

namespace florin::accounts {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Says what a test has it say, when the test has it.
class VerifierDouble : public IdentityVerifier {
 public:
  Task<absl::Status> Begin(Subject subject) override {
    begun.push_back(subject.verification_id);
    co_return answer;
  }
  Task<absl::StatusOr<std::vector<Result>>> Collect() override {
    co_return std::exchange(results, {});
  }
  // Not while a call is under way.
  std::vector<Uuid> begun;
  std::vector<Result> results;
  absl::Status answer;
};

class VerificationsTest : public ::testing::Test {
 protected:
  ~VerificationsTest() override { runtime_.Stop(); }

  void SetUp() override { SetFamilyName("Brien"); }

  Uuid NewCustomer() {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Zoë",
                      .create_time = clock_.Now()};
    RequestKey key{.idempotency_key = "customer", .fingerprint = crypto::Sha256("")};
    EXPECT_THAT(runtime_.Run(store_.InsertCustomer(customer, key)), IsOk());
    return customer.customer_id;
  }
  void SetFamilyName(const std::string& name) {
    Decide decide = [&name](const CustomerRecord& before) -> absl::StatusOr<Decided> {
      Decided decided{.after = before};
      decided.after.profile = {.kind = CustomerKind::kPerson,
                               .given_name = "Zoë",
                               .family_name = name,
                               .birth_date = "1990-02-28",
                               .nationality = "IE"};
      return decided;
    };
    audit::Event event;
    const CustomerRef ref{.user_id = user_, .customer_id = customer_};
    EXPECT_THAT(runtime_.Run(store_.Change(ref, decide, event)), IsOk());
  }
  Verifications::Request Asking(const std::string& key, KycLevel level = KycLevel::kBasic) {
    return {.user_id = user_, .customer_id = customer_, .level = level, .idempotency_key = key};
  }
  absl::StatusOr<Verifications::Outcome> Ask(Verifications& flow, const std::string& key,
                                             KycLevel level = KycLevel::kBasic) {
    return runtime_.Run(flow.Run(Asking(key, level)));
  }
  Verification Now(const Uuid& id) { return runtime_.Run(store_.FindVerification(id)).value(); }
  KycLevel Level() {
    const CustomerRef ref{.user_id = user_, .customer_id = customer_};
    return runtime_.Run(store_.Get(ref)).value().customer.kyc_level;
  }
  int Round(Verifications& flow) { return runtime_.Run(flow.RunOnce()).value(); }

  FakeClock clock_{absl::FromUnixMicros(1'790'000'000'000'001)};
  FakeStore store_;
  VerifierDouble verifier_;
  SandboxVerifier sandbox_;
  async::Runtime runtime_{1};
  Verifications flow_{store_, &verifier_, clock_, SystemIds()};
  Verifications sandboxed_{store_, &sandbox_, clock_, SystemIds()};
  Verifications unverified_{store_, nullptr, clock_, SystemIds()};
  const Uuid user_ = SystemIds().NewId();
  const Uuid operator_ = SystemIds().NewId();
  const Uuid customer_ = NewCustomer();
};

TEST_F(VerificationsTest, TheRowIsThereBeforeTheVerifierIsAskedAndAnswersLater) {
  const auto asked = Ask(flow_, "key");
  ASSERT_THAT(asked, IsOk());
  EXPECT_FALSE(asked->replayed);
  EXPECT_EQ(asked->verification.state, VerificationState::kPending);
  const Uuid id = asked->verification.verification_id;
  EXPECT_THAT(verifier_.begun, ElementsAre(id));
  EXPECT_EQ(Round(flow_), 0);
  verifier_.results.push_back({.verification_id = id, .result = {.approved = true}});
  EXPECT_EQ(Round(flow_), 1);
  EXPECT_EQ(Now(id).state, VerificationState::kApproved);
  EXPECT_EQ(Level(), KycLevel::kBasic);
}

TEST_F(VerificationsTest, ARetryAsksNobody) {
  const auto first = Ask(flow_, "key");
  const auto again = Ask(flow_, "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->verification, first->verification);
  EXPECT_THAT(verifier_.begun, SizeIs(1));
  EXPECT_THAT(Ask(flow_, "key", KycLevel::kFull), StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(VerificationsTest, OneAtATime) {
  ASSERT_THAT(Ask(flow_, "key"), IsOk());
  EXPECT_THAT(Ask(flow_, "2"), StatusHasReason(Reason::kVerificationPending));
}

TEST_F(VerificationsTest, NeedsWhatItVerifies) {
  EXPECT_THAT(Ask(flow_, "key", KycLevel::kFull).status(), StatusHasParam("profile.address"));
  EXPECT_THAT(verifier_.begun, IsEmpty());
}

TEST_F(VerificationsTest, WhatACrashKeptFromBeingAskedIsAskedAgain) {
  verifier_.answer = Error(Reason::kUnavailable, "told to fail");
  const Uuid id = Ask(flow_, "key")->verification.verification_id;
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(Round(flow_), 0);
  clock_.Advance(absl::Seconds(1));
  verifier_.answer = absl::OkStatus();
  EXPECT_EQ(Round(flow_), 1);
  EXPECT_THAT(verifier_.begun, ElementsAre(id, id));
}

TEST_F(VerificationsTest, TheSilentOneExpires) {
  const Uuid id = Ask(flow_, "key")->verification.verification_id;
  clock_.Advance(absl::Hours(7 * 24) - absl::Microseconds(1));
  EXPECT_EQ(Round(flow_), 1);
  EXPECT_EQ(Now(id).state, VerificationState::kPending);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Round(flow_), 1);
  EXPECT_EQ(Now(id).state, VerificationState::kExpired);
  EXPECT_THAT(Ask(flow_, "2"), IsOk());
}

TEST_F(VerificationsTest, ALateOrSecondResultHasNoEffect) {
  const Uuid id = Ask(flow_, "key")->verification.verification_id;
  clock_.Advance(absl::Hours(7 * 24));
  EXPECT_EQ(Round(flow_), 1);
  verifier_.results = {{.verification_id = id, .result = {.approved = true}},
                       {.verification_id = id, .result = {.approved = true}},
                       {.verification_id = SystemIds().NewId(), .result = {.approved = true}}};
  EXPECT_EQ(Round(flow_), 3);
  EXPECT_EQ(Now(id).state, VerificationState::kExpired);
  EXPECT_EQ(Level(), KycLevel::kNone);
}

TEST_F(VerificationsTest, AResultThatIsLostIsAskedForAgain) {
  SetFamilyName("Reject blurred");
  const Uuid id = Ask(sandboxed_, "key")->verification.verification_id;
  store_.SetFinishing(false);  // The database is away when the result comes.
  EXPECT_THAT(runtime_.Run(sandboxed_.RunOnce()), StatusHasReason(Reason::kUnavailable));
  store_.SetFinishing(true);
  clock_.Advance(absl::Seconds(10));
  Round(sandboxed_);
  Round(sandboxed_);
  EXPECT_EQ(Now(id).state, VerificationState::kRejected);
}

TEST_F(VerificationsTest, TheSandboxGoesByTheName) {
  const auto ends = [this](const std::string& name) {
    SetFamilyName(name);
    const Uuid id = Ask(sandboxed_, name)->verification.verification_id;
    Round(sandboxed_);
    return Now(id);
  };
  const Verification rejected = ends("Reject document_expired");
  EXPECT_EQ(rejected.state, VerificationState::kRejected);
  EXPECT_EQ(rejected.reason, "document_expired");
  EXPECT_EQ(Level(), KycLevel::kNone);
  // A verifier's sentence is not kept.
  EXPECT_EQ(ends("Reject Zoë's passport").reason, "other");
  EXPECT_EQ(ends("Twice").state, VerificationState::kApproved);
  EXPECT_EQ(Level(), KycLevel::kBasic);
  EXPECT_EQ(ends("Brien").state, VerificationState::kApproved);
  EXPECT_EQ(ends("Silent").state, VerificationState::kPending);
}

TEST_F(VerificationsTest, WithoutAVerifierAnOperatorDecidesButNotOnThemselves) {
  const Uuid id = Ask(unverified_, "key")->verification.verification_id;
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Round(unverified_), 0);
  const auto decide = [&](const Uuid& who, bool approve, const std::string& reason) {
    Verifications::Decision decision{.operator_id = who,
                                     .verification_id = id,
                                     .result = {.approved = approve, .reason = reason}};
    return runtime_.Run(unverified_.DecideBy(decision));
  };
  EXPECT_THAT(decide(user_, true, ""), StatusHasReason(Reason::kSelfApproval));
  EXPECT_THAT(decide(operator_, false, "Looks odd"), StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(Now(id).state, VerificationState::kPending);
  EXPECT_EQ(decide(operator_, true, "")->state, VerificationState::kApproved);
  EXPECT_EQ(Level(), KycLevel::kBasic);
  // What was decided stays.
  EXPECT_EQ(decide(operator_, false, "odd")->state, VerificationState::kApproved);
  std::vector<std::string> actors;
  for (const audit::Event& event : store_.events()) actors.push_back(event.actor);
  EXPECT_THAT(actors, Contains(FormatId(IdKind::kUser, operator_)).Times(1));
}

TEST_F(VerificationsTest, EventsHaveNothingOfTheProfile) {
  SetFamilyName("Plantedname");
  ASSERT_THAT(Ask(sandboxed_, "key"), IsOk());
  Round(sandboxed_);
  EXPECT_EQ(Level(), KycLevel::kBasic);
  for (const audit::Event& event : store_.events()) {
    EXPECT_EQ(audit::EncodeEvent(audit::Fit(event)).find("Planted"), std::string::npos);
  }
}

}  // namespace
}  // namespace florin::accounts
