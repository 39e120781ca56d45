#include "services/auth/domain/scope.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GrantScopes, GrantsWhatIsAskedFor) {
  const std::pair<const char*, const char*> cases[] = {
      {"",
       "accounts:read accounts:write authenticators:read authenticators:write payments:read "
       "payments:write"},
      {"accounts:read", "accounts:read"},
      {"payments:write accounts:read", "accounts:read payments:write"},
      {"payments:read payments:read", "payments:read"},
      {"payments:write payments:read accounts:write accounts:read",
       "accounts:read accounts:write payments:read payments:write"},
  };
  for (const auto& [requested, granted] : cases) {
    const auto result = GrantScopes(requested, {});
    ASSERT_THAT(result, IsOk()) << requested;
    EXPECT_EQ(*result, granted);
  }
}

TEST(GrantScopes, RefusesWhatUsersDoNotHave) {
  for (const char* requested :
       {"ledger:write", "accounts", "accounts:read ledger:write", "Accounts:read", " ",
        " accounts:read", "accounts:read ", "accounts:read  payments:read",
        "accounts:read,payments:read", "accounts:read\tpayments:read", "*"}) {
    EXPECT_THAT(GrantScopes(requested, {Role::kAdmin}), StatusHasReason(Reason::kInvalidScope))
        << requested;
    EXPECT_THAT(GrantScopes(requested, {}), StatusHasParam("scope")) << requested;
    EXPECT_THAT(CheckScopes(requested), StatusHasReason(Reason::kInvalidScope)) << requested;
  }
}

TEST(SplitScopes, OrdersThemAndTakesEachOnce) {
  const auto scopes = SplitScopes("payments:read openid");
  ASSERT_THAT(scopes, IsOk());
  EXPECT_EQ(*scopes, (std::vector<std::string>{"openid", "payments:read"}));
  EXPECT_EQ(JoinScopes(*scopes), "openid payments:read");
  EXPECT_EQ(JoinScopes({}), "");
  for (const char* text : {"", " ", "openid openid", "openid ", " openid", "OpenID", "a"}) {
    EXPECT_THAT(SplitScopes(text), StatusHasReason(Reason::kInvalidScope)) << text;
  }
  for (const std::string& scope : AllScopes()) EXPECT_TRUE(IsScope(scope)) << scope;
  EXPECT_FALSE(IsScope(""));
}

TEST(PresentScopes, LoseWhatTheUserLost) {
  const std::vector<std::string> granted = {"openid", "accounts:read", "api_keys:write",
                                            "roles:approve", "retired:scope"};
  EXPECT_THAT(PresentScopes(granted, {}), ElementsAre("openid", "accounts:read"));
  EXPECT_THAT(PresentScopes(granted, {Role::kMerchant}),
              ElementsAre("openid", "accounts:read", "api_keys:write"));
  EXPECT_THAT(PresentScopes({}, {Role::kAdmin}), IsEmpty());
}

TEST(GrantScopes, GoesByTheRoles) {
  const struct {
    Roles roles;
    const char* requested;
    bool granted;
  } cases[] = {
      {{}, "api_keys:write", false},
      {{Role::kOperator}, "api_keys:write", false},
      {{Role::kMerchant}, "api_keys:write", true},
      {{Role::kMerchant}, "accounts:read api_keys:read", true},
      {{Role::kMerchant}, "proposals:write", false},
      {{Role::kMerchant}, "customers:read", false},
      {{Role::kOperator}, "customers:read customers:write", true},
      {{Role::kOperator}, "proposals:approve", true},
      {{Role::kOperator}, "proposals:approve roles:approve", false},
      {{Role::kAdmin}, "proposals:approve roles:approve", true},
  };
  for (const auto& [roles, requested, granted] : cases) {
    EXPECT_EQ(GrantScopes(requested, roles).ok(), granted) << requested;
    EXPECT_THAT(CheckScopes(requested), IsOk());
  }
}

TEST(GrantScopes, PowerOverOthersIsAskedForByName) {
  EXPECT_EQ(*GrantScopes("", {Role::kAdmin, Role::kMerchant}), *GrantScopes("", {}));
}

TEST(GrantKeyScopes, AreASubsetOfTheOwnersThatKeysCanHave) {
  const auto granted =
      GrantKeyScopes({"payments:write", "accounts:read", "payments:write"}, {Role::kMerchant});
  ASSERT_THAT(granted, IsOk());
  EXPECT_THAT(*granted, ElementsAre("accounts:read", "payments:write"));
  const Roles all = {Role::kMerchant, Role::kOperator, Role::kAdmin};
  for (const char* scope :
       {"api_keys:write", "api_keys:read", "authenticators:write", "proposals:approve",
        "roles:approve", "openid", "ledger:write", "", "accounts:read payments:read"}) {
    EXPECT_THAT(GrantKeyScopes({"accounts:read", scope}, all),
                StatusHasReason(Reason::kInvalidScope))
        << scope;
  }
  EXPECT_THAT(GrantKeyScopes({}, all), StatusHasReason(Reason::kInvalidScope));
  EXPECT_THAT(GrantKeyScopes({}, all), StatusHasParam("scopes"));
}

TEST(PresentKeyScopes, LoseWhatTheOwnerLost) {
  const std::vector<std::string> kept = {"accounts:read", "api_keys:write", "proposals:approve",
                                         "retired:scope"};
  EXPECT_THAT(PresentKeyScopes(kept, {Role::kMerchant, Role::kOperator}),
              ElementsAre("accounts:read"));
  EXPECT_THAT(PresentKeyScopes({}, {}), IsEmpty());
}

}  // namespace
}  // namespace florin::auth
