#include "services/accounts/domain/holder.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

const absl::Time kNow = absl::FromUnixMicros(1'790'000'000'000'001);
const absl::Time kLater = kNow + absl::Hours(1);

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[15] = number;
  return Uuid(bytes);
}
const Uuid kOwner = Id(1);
const Uuid kAnn = Id(2);
const Uuid kBob = Id(3);
const Uuid kStranger = Id(4);

Holder HolderOf(const Uuid& user, HolderRole role, HolderState state) {
  Holder holder{.holder_id = Id(100 + user.bytes()[15]),
                .account_id = Id(50),
                .user_id = user,
                .role = role,
                .state = state,
                .invited_by = kOwner,
                .create_time = kNow,
                .update_time = kNow};
  if (state == HolderState::kActive) holder.customer_id = Id(200 + user.bytes()[15]);
  return holder;
}

AccountHolding Held(std::vector<Holder> holders = {}) {
  return {.account = {.account_id = Id(50),
                      .user_id = kOwner,
                      .customer_id = Id(60),
                      .currency = *Currency::Parse("EUR"),
                      .state = AccountState::kOpen,
                      .create_time = kNow},
          .owner = {.customer_id = Id(60)},
          .holders = std::move(holders),
          .as_customer = std::nullopt};
}

constexpr HolderRole kRoles[] = {HolderRole::kOwner, HolderRole::kPayer, HolderRole::kViewer};
constexpr HolderState kStates[] = {HolderState::kInvited, HolderState::kActive,
                                   HolderState::kEnded};

TEST(HolderRules, EachRoleAllowsWhatItSays) {
  EXPECT_TRUE(Allows(HolderRole::kOwner, HolderAction::kManage));
  EXPECT_TRUE(Allows(HolderRole::kOwner, HolderAction::kPay));
  EXPECT_TRUE(Allows(HolderRole::kOwner, HolderAction::kView));
  EXPECT_FALSE(Allows(HolderRole::kPayer, HolderAction::kManage));
  EXPECT_TRUE(Allows(HolderRole::kPayer, HolderAction::kPay));
  EXPECT_TRUE(Allows(HolderRole::kPayer, HolderAction::kView));
  EXPECT_FALSE(Allows(HolderRole::kViewer, HolderAction::kManage));
  EXPECT_FALSE(Allows(HolderRole::kViewer, HolderAction::kPay));
  EXPECT_TRUE(Allows(HolderRole::kViewer, HolderAction::kView));
}

TEST(HolderRules, OnlyWhoHasAcceptedHasARole) {
  EXPECT_EQ(RoleOf(Held(), kOwner), HolderRole::kOwner);
  EXPECT_EQ(RoleOf(Held(), kAnn), std::nullopt);
  for (const HolderRole role : kRoles) {
    for (const HolderState state : kStates) {
      const AccountHolding held = Held({HolderOf(kAnn, role, state)});
      EXPECT_EQ(RoleOf(held, kAnn),
                state == HolderState::kActive ? std::optional<HolderRole>(role) : std::nullopt)
          << NameOf(role) << " " << NameOf(state);
    }
  }
}

TEST(HolderRules, OnlyOwnersSayWhoHolds) {
  for (const HolderRole role : kRoles) {
    const AccountHolding held = Held({HolderOf(kAnn, role, HolderState::kActive)});
    Holder asked = HolderOf(kBob, HolderRole::kViewer, HolderState::kInvited);
    asked.invited_by = kAnn;
    if (role == HolderRole::kOwner) {
      EXPECT_THAT(Invite(held, asked), IsOk());
      continue;
    }
    EXPECT_THAT(Invite(held, asked), StatusHasReason(Reason::kHolderRoleMissing));
    EXPECT_THAT(ChangeRole(held, kAnn, kAnn, HolderRole::kOwner, kLater),
                StatusHasReason(Reason::kHolderRoleMissing));
    EXPECT_THAT(Remove(held, kAnn, kAnn, kLater), StatusHasReason(Reason::kHolderRoleMissing));
  }
  Holder asked = HolderOf(kBob, HolderRole::kViewer, HolderState::kInvited);
  asked.invited_by = kStranger;
  EXPECT_THAT(Invite(Held(), asked), StatusHasReason(Reason::kAccountNotFound));
  // Who is invited, or holds it no more, is a stranger.
  for (const HolderState state : {HolderState::kInvited, HolderState::kEnded}) {
    asked.invited_by = kAnn;
    const AccountHolding held = Held({HolderOf(kAnn, HolderRole::kOwner, state)});
    EXPECT_THAT(Invite(held, asked), StatusHasReason(Reason::kAccountNotFound));
    EXPECT_THAT(Remove(held, kAnn, kAnn, kLater), StatusHasReason(Reason::kAccountNotFound));
  }
}

TEST(HolderRules, NobodyIsInvitedTwice) {
  const Holder asked = HolderOf(kAnn, HolderRole::kPayer, HolderState::kInvited);
  EXPECT_EQ(Invite(Held(), asked).value(), asked);
  for (const HolderState state : {HolderState::kInvited, HolderState::kActive}) {
    EXPECT_THAT(
        Invite(Held({HolderOf(kAnn, HolderRole::kViewer, state)}), asked).status(),
        ::testing::AllOf(StatusHasReason(Reason::kInvalidHolder), StatusHasParam("user_id")));
  }
  EXPECT_THAT(Invite(Held({HolderOf(kAnn, HolderRole::kViewer, HolderState::kEnded)}), asked),
              IsOk());
  EXPECT_THAT(Invite(Held(), HolderOf(kOwner, HolderRole::kPayer, HolderState::kInvited)),
              StatusHasReason(Reason::kInvalidHolder));
}

TEST(HolderRules, ThereIsRoomForTwenty) {
  std::vector<Holder> holders;
  for (std::uint8_t i = 0; i < kMostHolders; ++i) {
    holders.push_back(HolderOf(Id(20 + i), HolderRole::kViewer,
                               i % 2 == 0 ? HolderState::kInvited : HolderState::kActive));
  }
  const Holder asked = HolderOf(kAnn, HolderRole::kPayer, HolderState::kInvited);
  EXPECT_THAT(Invite(Held(holders), asked), StatusHasReason(Reason::kInvalidHolder));
  holders.front().state = HolderState::kEnded;
  EXPECT_THAT(Invite(Held(holders), asked), IsOk());
}

TEST(HolderRules, ACustomerThatMayBeginNothingInvitesNobody) {
  const Holder asked = HolderOf(kAnn, HolderRole::kPayer, HolderState::kInvited);
  AccountHolding held = Held();
  held.owner.state = CustomerState::kSuspended;
  EXPECT_THAT(Invite(held, asked), StatusHasReason(Reason::kCustomerNotActive));
  held.owner = {.customer_id = Id(60), .leaving = true};
  EXPECT_THAT(Invite(held, asked), StatusHasReason(Reason::kCustomerNotActive));
}

TEST(HolderRules, AnInvitationIsAcceptedOnceAndAsACustomerOfTheirs) {
  AccountHolding held = Held({HolderOf(kAnn, HolderRole::kPayer, HolderState::kInvited)});
  EXPECT_THAT(Accept(held, kAnn, kLater), StatusHasReason(Reason::kCustomerNotFound));
  held.as_customer = CustomerStanding{.customer_id = Id(70), .state = CustomerState::kSuspended};
  EXPECT_THAT(Accept(held, kAnn, kLater), StatusHasReason(Reason::kCustomerNotActive));
  held.as_customer = CustomerStanding{.customer_id = Id(70)};
  EXPECT_THAT(Accept(held, kBob, kLater), StatusHasReason(Reason::kHolderNotFound));
  EXPECT_THAT(Accept(held, kOwner, kLater), StatusHasReason(Reason::kHolderNotFound));
  const auto accepted = Accept(held, kAnn, kLater);
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(accepted->state, HolderState::kActive);
  EXPECT_EQ(accepted->customer_id, Id(70));
  EXPECT_EQ(accepted->role, HolderRole::kPayer);
  EXPECT_EQ(accepted->update_time, kLater);
  held.holders = {*accepted};
  held.as_customer = CustomerStanding{.customer_id = Id(71)};
  EXPECT_EQ(Accept(held, kAnn, kLater + absl::Hours(1)).value(), *accepted);
  held.holders[0].state = HolderState::kEnded;
  EXPECT_THAT(Accept(held, kAnn, kLater), StatusHasReason(Reason::kHolderNotFound));
}

TEST(HolderRules, ARoleChangesForThoseWhoHoldOrAreInvited) {
  for (const HolderState state : {HolderState::kInvited, HolderState::kActive}) {
    const AccountHolding held = Held({HolderOf(kAnn, HolderRole::kViewer, state)});
    const auto changed = ChangeRole(held, kOwner, kAnn, HolderRole::kPayer, kLater);
    ASSERT_THAT(changed, IsOk());
    EXPECT_EQ(changed->role, HolderRole::kPayer);
    EXPECT_EQ(changed->state, state);
    EXPECT_EQ(changed->update_time, kLater);
    EXPECT_EQ(ChangeRole(held, kOwner, kAnn, HolderRole::kViewer, kLater).value(), held.holders[0]);
  }
  EXPECT_THAT(ChangeRole(Held({HolderOf(kAnn, HolderRole::kViewer, HolderState::kEnded)}), kOwner,
                         kAnn, HolderRole::kPayer, kLater),
              StatusHasReason(Reason::kHolderNotFound));
}

TEST(HolderRules, TheAccountsOwnOwnerStays) {
  const AccountHolding held = Held({HolderOf(kAnn, HolderRole::kOwner, HolderState::kActive)});
  for (const Uuid& by : {kOwner, kAnn}) {
    EXPECT_THAT(ChangeRole(held, by, kOwner, HolderRole::kViewer, kLater),
                StatusHasReason(Reason::kLastOwner));
    EXPECT_THAT(Remove(held, by, kOwner, kLater), StatusHasReason(Reason::kLastOwner));
  }
  EXPECT_THAT(Leave(held, kOwner, kLater), StatusHasReason(Reason::kLastOwner));
}

TEST(HolderRules, AHoldingEndsOnce) {
  for (const HolderState state : {HolderState::kInvited, HolderState::kActive}) {
    AccountHolding held = Held({HolderOf(kAnn, HolderRole::kPayer, state)});
    const auto removed = Remove(held, kOwner, kAnn, kLater);
    ASSERT_THAT(removed, IsOk());
    EXPECT_EQ(removed->state, HolderState::kEnded);
    EXPECT_EQ(removed->update_time, kLater);
    EXPECT_EQ(Leave(held, kAnn, kLater).value(), *removed);
    held.holders = {*removed};
    EXPECT_EQ(Remove(held, kOwner, kAnn, kLater + absl::Hours(1)).value(), *removed);
    EXPECT_EQ(Leave(held, kAnn, kLater + absl::Hours(1)).value(), *removed);
  }
  EXPECT_THAT(Remove(Held(), kOwner, kAnn, kLater), StatusHasReason(Reason::kHolderNotFound));
  EXPECT_THAT(Leave(Held(), kAnn, kLater), StatusHasReason(Reason::kHolderNotFound));
}

TEST(HolderRules, NamesAreRead) {
  for (const HolderRole role : kRoles) EXPECT_EQ(ParseHolderRole(NameOf(role)).value(), role);
  for (const HolderState state : kStates) EXPECT_EQ(ParseHolderState(NameOf(state)).value(), state);
  EXPECT_THAT(ParseHolderRole("boss"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(ParseHolderState("gone"), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::accounts
