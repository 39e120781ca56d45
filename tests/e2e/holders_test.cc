// Accounts that several people hold, and what they are for, through HTTPS: who sees, who pays, and
// from when on nobody does any more.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HoldersE2eTest : public ::testing::Test {
 protected:
  static std::string NewCustomer(ApiUser& user, const std::string& name) {
    const Answer made = user.Post("/v1/customers", boost::json::object{{"display_name", name}});
    EXPECT_EQ(Outcome(made), "200") << made;
    return made.Text("customer_id");
  }
  static Answer Open(ApiUser& user, const std::string& customer, const std::string& kind) {
    return user.Post(
        "/v1/accounts",
        boost::json::object{{"customer_id", customer}, {"currency", "EUR"}, {"kind", kind}});
  }
  Answer Invite(ApiUser& by, const ApiUser& user, const std::string& role, const Sent& sent = {}) {
    const boost::json::object body = {{"user_id", user.user_id()}, {"role", role}};
    return by.Post(absl::StrCat("/v1/accounts/", account_, "/holders"), body, sent);
  }
  Answer Accept(ApiUser& user, const std::string& customer) {
    return user.Post(absl::StrCat("/v1/holdings/", account_, ":accept"),
                     boost::json::object{{"customer_id", customer}});
  }
  Answer Leave(ApiUser& user) {
    return user.Post(absl::StrCat("/v1/holdings/", account_, ":leave"), boost::json::object{});
  }
  std::string HolderPath(const ApiUser& user, const std::string& rest = "") const {
    return absl::StrCat("/v1/accounts/", account_, "/holders/", user.user_id(), rest);
  }
  Answer Remove(ApiUser& by, const ApiUser& user) {
    return by.Post(HolderPath(user, ":remove"), boost::json::object{});
  }
  Answer Change(ApiUser& by, const ApiUser& user, const std::string& role) {
    return by.Patch(HolderPath(user), boost::json::object{{"role", role}});
  }
  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/accounts/", account_, rest);
  }

  ApiUser zoe_{SharedStack()};
  ApiUser ann_{SharedStack()};
  const std::string zoes_ = NewCustomer(zoe_, "Zoë Householder");
  const std::string anns_ = NewCustomer(ann_, "Ann Quuxholder");
  const std::string account_ = Open(zoe_, zoes_, "WALLET").Text("account_id");
};

TEST_F(HoldersE2eTest, AJointAccountIsSeenAndPaidFromByRole) {
  zoe_.Deposit(account_, 10'000);
  const std::string own = ann_.OpenAccount("EUR");
  EXPECT_EQ(Outcome(ann_.Get(Path())), "404 account_not_found");
  const Answer invited = Invite(zoe_, ann_, "VIEWER");
  ASSERT_EQ(Outcome(invited), "200") << invited;
  EXPECT_EQ(invited.Text("state"), "INVITED");
  EXPECT_EQ(Outcome(ann_.Get(Path())), "404 account_not_found");
  EXPECT_EQ(Outcome(ann_.Pay(account_, own, 1)), "404 account_not_found");
  const Answer holdings = ann_.Get("/v1/holdings");
  EXPECT_THAT(boost::json::serialize(holdings.body), HasSubstr("Zoë Householder"));

  const Answer accepted = Accept(ann_, anns_);
  ASSERT_EQ(Outcome(accepted), "200") << accepted;
  EXPECT_EQ(accepted.Text("owner_name"), "Zoë Householder");
  const Answer seen = ann_.Get(Path());
  EXPECT_EQ(seen.Text("role"), "VIEWER");
  EXPECT_EQ(seen.Text("balance.posted.minor_units"), "10000");
  EXPECT_EQ(Outcome(ann_.Get(Path("/entries"))), "200");
  EXPECT_EQ(Outcome(ann_.Get(
                Path("/statement?first_date=2026-01-01&last_date=2026-01-31&time_zone=UTC"))),
            "200");
  EXPECT_THAT(boost::json::serialize(ann_.Get("/v1/accounts").body), HasSubstr(account_));
  EXPECT_THAT(boost::json::serialize(zoe_.Get(Path("/holders")).body), HasSubstr("Ann Quuxholder"));
  EXPECT_EQ(Outcome(ann_.Pay(account_, own, 1)), "403 holder_role_missing");

  ASSERT_EQ(Outcome(Change(zoe_, ann_, "PAYER")), "200");
  EXPECT_EQ(Outcome(ann_.Pay(account_, own, 2500)), "200");
  EXPECT_EQ(ann_.Balance(own), 2500);
  EXPECT_EQ(zoe_.Balance(account_), 7500);

  // From the answer on.
  ASSERT_EQ(Outcome(Remove(zoe_, ann_)), "200");
  EXPECT_EQ(Outcome(ann_.Pay(account_, own, 1)), "404 account_not_found");
  EXPECT_EQ(Outcome(ann_.Get(Path())), "404 account_not_found");
  EXPECT_THAT(boost::json::serialize(ann_.Get("/v1/accounts").body), Not(HasSubstr(account_)));
  EXPECT_EQ(zoe_.Balance(account_), 7500);
}

TEST_F(HoldersE2eTest, OnlyOwnersManageAndTheAccountsOwnStays) {
  ApiUser bob(SharedStack());
  ASSERT_EQ(Outcome(Invite(zoe_, ann_, "PAYER")), "200");
  ASSERT_EQ(Outcome(Accept(ann_, anns_)), "200");
  EXPECT_EQ(Outcome(Invite(ann_, bob, "VIEWER")), "403 holder_role_missing");
  EXPECT_EQ(Outcome(Change(ann_, ann_, "OWNER")), "403 holder_role_missing");
  EXPECT_EQ(Outcome(Remove(ann_, zoe_)), "403 holder_role_missing");
  EXPECT_EQ(Outcome(Invite(bob, bob, "OWNER")), "404 account_not_found");
  EXPECT_EQ(Outcome(bob.Get(Path("/holders"))), "404 account_not_found");
  ASSERT_EQ(Outcome(Change(zoe_, ann_, "OWNER")), "200");
  EXPECT_EQ(Outcome(Invite(ann_, bob, "VIEWER")), "200");
  EXPECT_EQ(Outcome(Remove(ann_, zoe_)), "409 last_owner");
  EXPECT_EQ(Outcome(Change(ann_, zoe_, "VIEWER")), "409 last_owner");
  EXPECT_EQ(Outcome(Leave(zoe_)), "409 last_owner");
  EXPECT_EQ(Outcome(Leave(ann_)), "200");
  EXPECT_EQ(Outcome(Leave(ann_)), "200");
  EXPECT_EQ(Outcome(Accept(ann_, anns_)), "404 holder_not_found");
}

TEST_F(HoldersE2eTest, BadInputNamesTheField) {
  const Answer no_role = Invite(zoe_, ann_, "ROLE_UNSPECIFIED");
  EXPECT_EQ(Outcome(no_role), "400 invalid_holder");
  EXPECT_EQ(no_role.Text("param"), "role");
  EXPECT_EQ(Outcome(Invite(zoe_, ann_, "BOSS")), "400 invalid_field");
  const Answer oneself = Invite(zoe_, zoe_, "PAYER");
  EXPECT_EQ(Outcome(oneself), "400 invalid_holder");
  EXPECT_EQ(oneself.Text("param"), "user_id");
  EXPECT_EQ(Outcome(Remove(zoe_, ann_)), "404 holder_not_found");
  EXPECT_EQ(Outcome(Change(zoe_, ann_, "PAYER")), "404 holder_not_found");
  EXPECT_EQ(Outcome(Accept(ann_, anns_)), "404 holder_not_found");
  ASSERT_EQ(Outcome(Invite(zoe_, ann_, "PAYER", {.key = "invitation"})), "200");
  const Answer again = Invite(zoe_, ann_, "PAYER", {.key = "invitation"});
  EXPECT_EQ(Outcome(again), "200");
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(Outcome(Invite(zoe_, ann_, "VIEWER", {.key = "invitation"})),
            "409 idempotency_key_reused");
  EXPECT_EQ(Outcome(Invite(zoe_, ann_, "VIEWER")), "400 invalid_holder");
  EXPECT_EQ(Outcome(Accept(ann_, zoes_)), "404 customer_not_found");
  EXPECT_EQ(Outcome(Open(zoe_, zoes_, "GOLD")), "400 invalid_field");
}

TEST_F(HoldersE2eTest, ASavingsPocketMovesMoneyBetweenItsOwnersAccountsOnly) {
  const Answer opened = Open(zoe_, zoes_, "SAVINGS");
  ASSERT_EQ(Outcome(opened), "200") << opened;
  EXPECT_EQ(opened.Text("kind"), "SAVINGS");
  const std::string pocket = opened.Text("account_id");
  const std::string anns = ann_.OpenAccount("EUR");
  zoe_.Deposit(account_, 1000);
  ann_.Deposit(anns, 1000);
  EXPECT_EQ(Outcome(zoe_.Pay(account_, pocket, 600)), "200");
  EXPECT_EQ(Outcome(zoe_.Pay(pocket, account_, 100)), "200");
  const Answer away = zoe_.Pay(pocket, anns, 1);
  EXPECT_EQ(Outcome(away), "400 invalid_field");
  EXPECT_EQ(away.Text("param"), "source_account_id");
  const Answer in = ann_.Pay(anns, pocket, 1);
  EXPECT_EQ(Outcome(in), "400 invalid_field");
  EXPECT_EQ(in.Text("param"), "destination_account_id");
  const boost::json::object deposit = {{"destination_account_id", pocket},
                                       {"amount", {{"currency", "EUR"}, {"minor_units", "1"}}}};
  EXPECT_EQ(Outcome(zoe_.Post("/v1/deposits", deposit)), "400 invalid_field");
  EXPECT_EQ(zoe_.Balance(pocket), 500);
}

TEST_F(HoldersE2eTest, AHoldingIsExportedAndEndsWithItsCustomer) {
  ASSERT_EQ(Outcome(Invite(zoe_, ann_, "PAYER")), "200");
  ASSERT_EQ(Outcome(Accept(ann_, anns_)), "200");
  const Answer exported = ann_.Get(absl::StrCat("/v1/customers/", anns_, ":export"));
  const std::string text = boost::json::serialize(exported.body);
  EXPECT_THAT(text, HasSubstr(account_));
  EXPECT_THAT(text, Not(HasSubstr("Householder")));
  ASSERT_EQ(
      Outcome(ann_.Post(absl::StrCat("/v1/customers/", anns_, ":erase"), boost::json::object{})),
      "200");
  EXPECT_EQ(Outcome(ann_.Get(Path())), "404 account_not_found");
  EXPECT_THAT(boost::json::serialize(zoe_.Get(Path("/holders")).body),
              Not(HasSubstr("Quuxholder")));
}

}  // namespace
}  // namespace florin::e2e
