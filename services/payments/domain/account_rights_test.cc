#include "services/payments/domain/account_rights.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;

const Uuid kOwner = DeriveId("test", "owner");
const Uuid kUser = DeriveId("test", "user");
const Uuid kOther = DeriveId("test", "other");

KnownAccount AccountOf(const Uuid& owner, AccountKind kind) {
  return {{.account_id = DeriveId("test", "account"),
           .owner_user_id = owner,
           .currency = *Currency::Parse("EUR"),
           .holder_name = ""},
          kind};
}

TEST(PaysForTest, TheOwnerAndWhoeverMayPay) {
  const std::vector<AccountHolder> holders = {{.user_id = kOther, .may_pay = false},
                                              {.user_id = kUser, .may_pay = true}};
  EXPECT_EQ(PaysFor(kOwner, kOwner, {}).value(), kOwner);
  EXPECT_EQ(PaysFor(kUser, kOwner, holders).value(), kOwner);
  EXPECT_THAT(
      PaysFor(kOther, kOwner, holders).status(),
      AllOf(StatusHasReason(Reason::kHolderRoleMissing), StatusHasParam("source_account_id")));
  EXPECT_THAT(PaysFor(kUser, kOwner, {}).status(), AllOf(StatusHasReason(Reason::kAccountNotFound),
                                                         StatusHasParam("source_account_id")));
}

TEST(CheckPocketsTest, MoveMoneyBetweenAccountsOfOneOwner) {
  constexpr AccountKind kKinds[] = {AccountKind::kWallet, AccountKind::kMerchant,
                                    AccountKind::kSavings};
  for (const AccountKind from : kKinds) {
    for (const AccountKind to : kKinds) {
      for (const bool one_owner : {true, false}) {
        const absl::Status status = CheckPockets(
            AccountOf(kOwner, from), {AccountOf(one_owner ? kOwner : kUser, to)}, false);
        const bool pocket = from == AccountKind::kSavings || to == AccountKind::kSavings;
        if (one_owner || !pocket) {
          EXPECT_THAT(status, IsOk());
          continue;
        }
        EXPECT_THAT(status,
                    AllOf(StatusHasReason(Reason::kInvalidField),
                          StatusHasParam(to == AccountKind::kSavings ? "destination_account_id"
                                                                     : "source_account_id")));
      }
    }
  }
}

TEST(CheckPocketsTest, NobodysMoneyGoesIntoNone) {
  EXPECT_THAT(CheckPockets(std::nullopt, {AccountOf(kUser, AccountKind::kWallet)}, false), IsOk());
  EXPECT_THAT(CheckPockets(std::nullopt, {AccountOf(kUser, AccountKind::kSavings)}, false),
              StatusHasReason(Reason::kInvalidField));
}

TEST(CheckPocketsTest, OfSeveralTheOneIsNamed) {
  EXPECT_THAT(
      CheckPockets(
          AccountOf(kOwner, AccountKind::kWallet),
          {AccountOf(kUser, AccountKind::kWallet), AccountOf(kUser, AccountKind::kSavings)}, true),
      AllOf(StatusHasReason(Reason::kInvalidField),
            StatusHasParam("splits[1].destination_account_id")));
}

}  // namespace
}  // namespace florin::payments
