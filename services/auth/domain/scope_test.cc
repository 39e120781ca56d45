#include "services/auth/domain/scope.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

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
    const auto result = GrantScopes(requested);
    ASSERT_THAT(result, IsOk()) << requested;
    EXPECT_EQ(*result, granted);
  }
}

TEST(GrantScopes, RefusesWhatUsersDoNotHave) {
  for (const char* requested :
       {"ledger:write", "accounts", "accounts:read ledger:write", "Accounts:read", " ",
        " accounts:read", "accounts:read ", "accounts:read  payments:read",
        "accounts:read,payments:read", "accounts:read\tpayments:read", "*"}) {
    EXPECT_THAT(GrantScopes(requested), StatusHasReason(Reason::kInvalidScope)) << requested;
    EXPECT_THAT(GrantScopes(requested), StatusHasParam("scope")) << requested;
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

}  // namespace
}  // namespace florin::auth
