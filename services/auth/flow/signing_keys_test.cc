#include "services/auth/flow/signing_keys.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/fake_recorder.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;

class SigningKeysTest : public ::testing::Test {
 protected:
  SigningKeysTest() : clock_(absl::FromUnixSeconds(1'800'000'000)) {
    char name[] = "/tmp/florin_signing_keys_XXXXXX";
    directory_ = mkdtemp(name);
    first_ = Add("2026-01");
    keys_ = SigningKeys::Load(directory_, clock_).value();
  }
  ~SigningKeysTest() override { std::filesystem::remove_all(directory_); }

  // Gives the kid.
  std::string Add(const std::string& name) {
    const crypto::SigningKey key = crypto::SigningKey::Generate();
    const std::string path = directory_ + "/" + name + ".pem";
    std::ofstream(path) << key.ToPem();
    chmod(path.c_str(), 0600);
    return key.public_key().kid();
  }
  void Remove(const std::string& name) {
    std::filesystem::remove(directory_ + "/" + name + ".pem");
  }

  std::string Current() const { return keys_->current().public_key().kid(); }
  std::vector<std::string> Published() const {
    std::vector<std::string> kids;
    for (const auto& key : keys_->published()) kids.push_back(key.kid());
    return kids;
  }

  FakeClock clock_;
  std::string directory_;
  std::string first_;
  std::unique_ptr<SigningKeys> keys_;
};

TEST_F(SigningKeysTest, TheNewestSignsAtOnceAtTheStart) {
  EXPECT_EQ(Current(), first_);
  const std::string second = Add("2026-02");
  keys_ = SigningKeys::Load(directory_, clock_).value();
  EXPECT_EQ(Current(), second);
  EXPECT_THAT(Published(), ElementsAre(first_, second));
}

TEST_F(SigningKeysTest, ANewKeyIsPublishedAtOnceAndSignsTenSecondsLater) {
  const std::string second = Add("2026-02");
  EXPECT_THAT(Published(), ElementsAre(first_));
  ASSERT_THAT(keys_->Reload(), IsOk());
  EXPECT_THAT(Published(), ElementsAre(first_, second));
  EXPECT_EQ(Current(), first_);
  clock_.Advance(absl::Seconds(9));
  ASSERT_THAT(keys_->Reload(), IsOk());
  EXPECT_EQ(Current(), first_);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Current(), second);
}

TEST_F(SigningKeysTest, ALesserNameNeverSigns) {
  const std::string earlier = Add("2025-12");
  ASSERT_THAT(keys_->Reload(), IsOk());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Current(), first_);
  EXPECT_THAT(Published(), ElementsAre(earlier, first_));
}

TEST_F(SigningKeysTest, AWithdrawnKeyIsGone) {
  const std::string second = Add("2026-02");
  Remove("2026-01");
  ASSERT_THAT(keys_->Reload(), IsOk());
  EXPECT_THAT(Published(), ElementsAre(second));
  EXPECT_EQ(Current(), second) << "the only key signs, however new";
}

TEST_F(SigningKeysTest, ABadDirectoryChangesNothing) {
  std::ofstream(directory_ + "/2026-02.pem") << "half written";
  EXPECT_THAT(keys_->Reload(), StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(Current(), first_);
  Remove("2026-02");
  Remove("2026-01");
  EXPECT_THAT(keys_->Reload(), StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(Published(), ElementsAre(first_));
  EXPECT_THAT(SigningKeys::Load(directory_, clock_), StatusHasReason(Reason::kInvalidField));
}

TEST_F(SigningKeysTest, KeysThatComeAndGoAreRecorded) {
  async::Runtime runtime(1);
  audit::FakeRecorder recorder;
  recorder.SetAnswer(Error(Reason::kUnavailable, "no database yet"));
  runtime.Run(keys_->RecordChanges(recorder));
  const std::string second = Add("2026-02");
  Remove("2026-01");
  ASSERT_THAT(keys_->Reload(), IsOk());
  recorder.SetAnswer(absl::OkStatus());
  runtime.Run(keys_->RecordChanges(recorder));
  runtime.Run(keys_->RecordChanges(recorder));
  std::vector<std::string> changes;
  for (const audit::Event& event : recorder.events())
    changes.push_back(event.action + " " + event.subject);
  EXPECT_THAT(changes, ElementsAre("auth.signing_key.publish " + first_,
                                   "auth.signing_key.publish " + second,
                                   "auth.signing_key.withdraw " + first_));
  runtime.Stop();
}

}  // namespace
}  // namespace florin::auth
