#include "services/auth/domain/role.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

TEST(Roles, GiveTheUnionOfTheirScopes) {
  EXPECT_THAT(ScopesOf({}), ElementsAre("accounts:read", "accounts:write", "authenticators:read",
                                        "authenticators:write", "payments:read", "payments:write"));
  EXPECT_THAT(
      ScopesOf({Role::kMerchant}),
      ElementsAre("accounts:read", "accounts:write", "authenticators:read", "authenticators:write",
                  "payments:read", "payments:write", "api_keys:read", "api_keys:write"));
  EXPECT_THAT(
      ScopesOf({Role::kMerchant, Role::kOperator}),
      ElementsAre("accounts:read", "accounts:write", "authenticators:read", "authenticators:write",
                  "payments:read", "payments:write", "api_keys:read", "api_keys:write",
                  "proposals:read", "proposals:write", "proposals:approve", "disputes:resolve",
                  "limits:read", "limits:write", "interest:read", "interest:write",
                  "reconciliation:read", "reconciliation:write", "suspense:read", "suspense:write",
                  "customers:read", "customers:write"));
  EXPECT_THAT(ScopesOf({Role::kAdmin}), IsSupersetOf({"proposals:approve", "roles:approve"}));
}

TEST(Roles, OnlyAdminsApproveRoles) {
  for (const Roles& roles : {Roles{}, Roles{Role::kMerchant}, Roles{Role::kOperator},
                             Roles{Role::kMerchant, Role::kOperator}}) {
    EXPECT_FALSE(HasScope(roles, "roles:approve"));
  }
  EXPECT_TRUE(HasScope({Role::kAdmin}, "roles:approve"));
  EXPECT_FALSE(HasScope({Role::kAdmin}, "ledger:write"));
  EXPECT_FALSE(HasScope({Role::kAdmin}, ""));
}

TEST(Roles, WhatMakesPowerIsNotForKeys) {
  for (const Scope& scope : UserScopes()) {
    const bool makes_power =
        scope.name.substr(0, 9) == "api_keys:" || scope.name.substr(0, 15) == "authenticators:" ||
        scope.name.substr(0, 10) == "proposals:" || scope.name.substr(0, 9) == "disputes:" ||
        scope.name.substr(0, 6) == "roles:" || scope.name.substr(0, 10) == "customers:" ||
        scope.name.substr(0, 7) == "limits:" || scope.name.substr(0, 9) == "interest:" ||
        scope.name.substr(0, 15) == "reconciliation:" || scope.name.substr(0, 9) == "suspense:";
    EXPECT_EQ(scope.for_api_keys, !makes_power) << scope.name;
  }
}

TEST(Roles, HaveNames) {
  for (const Role role : {Role::kMerchant, Role::kOperator, Role::kAdmin}) {
    const auto parsed = ParseAssignableRole(NameOf(role));
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(*parsed, role);
  }
  for (const char* name : {"customer", "", "Admin", "admin ", "root"}) {
    EXPECT_THAT(ParseAssignableRole(name), StatusHasReason(Reason::kInvalidRole)) << name;
    EXPECT_THAT(ParseAssignableRole(name), StatusHasParam("role"));
  }
}

TEST(Roles, OperatorsAndAdminsTakeTwoPeople) {
  EXPECT_FALSE(NeedsProposal(Role::kMerchant));
  EXPECT_TRUE(NeedsProposal(Role::kOperator));
  EXPECT_TRUE(NeedsProposal(Role::kAdmin));
}

// A row of the table in docs/api.md.
std::string Row(const Scope& scope) {
  std::string row = "| " + std::string(scope.name) + " |";
  for (const Role role : {Role::kCustomer, Role::kMerchant, Role::kOperator, Role::kAdmin}) {
    row += HasScope({role}, scope.name) ? " yes |" : " – |";
  }
  return row + (scope.for_api_keys ? " yes |" : " – |");
}

TEST(Roles, AreDocumented) {
  std::vector<std::string> expected;
  for (const Scope& scope : UserScopes()) expected.push_back(Row(scope));
  std::ifstream page(std::string(std::getenv("FLORIN_SOURCE_DIR")) + "/docs/api.md");
  std::vector<std::string> rows;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (line.empty()) in_table = false;
    if (in_table && line.substr(0, 2) == "| ") rows.push_back(line);
    if (line.substr(0, 9) == "| scope |") in_table = true;
  }
  EXPECT_EQ(rows, expected);
}

}  // namespace
}  // namespace florin::auth
