#include "services/auth/domain/authentication.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StrengthTest, IsThatOfWhatWasShownTogether) {
  EXPECT_EQ(StrengthOf({}), Strength::kNone);
  EXPECT_EQ(StrengthOf({Proof::kTotp}), Strength::kNone);
  EXPECT_EQ(StrengthOf({Proof::kRecoveryCode}), Strength::kNone);
  EXPECT_EQ(StrengthOf({Proof::kPassword}), Strength::kPassword);
  EXPECT_EQ(StrengthOf({Proof::kPassword, Proof::kTotp}), Strength::kTwoFactors);
  EXPECT_EQ(StrengthOf({Proof::kPassword, Proof::kRecoveryCode}), Strength::kTwoFactors);
  EXPECT_EQ(StrengthOf({Proof::kPasskey}), Strength::kPhishingResistant);
  EXPECT_EQ(StrengthOf({Proof::kPassword, Proof::kPasskey}), Strength::kPhishingResistant);
}

TEST(StrengthTest, HasNamesThatAreReadBack) {
  for (const Strength strength :
       {Strength::kPassword, Strength::kTwoFactors, Strength::kPhishingResistant}) {
    EXPECT_EQ(StrengthFromAcr(AcrOf(strength)), strength);
  }
  EXPECT_EQ(AcrOf(Strength::kPhishingResistant), "urn:florin:acr:phr");
  for (const char* other : {"", "urn:florin:acr:", "urn:florin:acr:PHR", "phr", "0"}) {
    EXPECT_EQ(StrengthFromAcr(other), std::nullopt) << other;
  }
}

TEST(AmrTest, NamesTheMethods) {
  EXPECT_THAT(AmrOf({}), IsEmpty());
  EXPECT_THAT(AmrOf({Proof::kPassword}), ElementsAre("pwd"));
  EXPECT_THAT(AmrOf({Proof::kPassword, Proof::kTotp}), ElementsAre("pwd", "otp", "mfa"));
  EXPECT_THAT(AmrOf({Proof::kPassword, Proof::kRecoveryCode}), ElementsAre("pwd", "otp", "mfa"));
  EXPECT_THAT(AmrOf({Proof::kPasskey}), ElementsAre("swk", "user", "mfa"));
}

TEST(ProofsTest, AreKeptAsBits) {
  const Proofs proofs = {Proof::kPassword, Proof::kPasskey};
  EXPECT_EQ(proofs.bits(), 9);
  EXPECT_EQ(Proofs::FromBits(9), proofs);
  EXPECT_EQ(Proofs::FromBits(0xf0), Proofs());
}

}  // namespace
}  // namespace florin::auth
