// A program with an API key, and the people who give rights, against real processes.
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "florin/auth/v1/roles.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/rpc/channel.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

std::string PortOf(const std::string& service) {
  std::ifstream ports(SharedStack().home() + "/ports");
  std::string name;
  for (std::string port; ports >> name >> port;) {
    if (name == service) return port;
  }
  ADD_FAILURE() << "no port of " << service;
  return "0";
}

// As whoever has the operator's certificate.
absl::StatusOr<auth::v1::UserRoles> AssignRole(const std::string& user_id, const std::string& role,
                                               const std::string& proposal_id = "") {
  async::Runtime runtime(1);
  const std::string certificates = SharedStack().Variable("FLORIN_CERTS");
  rpc::Channel channel(runtime.executor(),
                       {.target = "127.0.0.1:" + PortOf("auth"),
                        .service = "auth",
                        .certificates = rpc::CertificateFiles::In(certificates, "operator")});
  const auth::v1::RolesClient client(&channel);
  auth::v1::ChangeRoleRequest request;
  request.set_user_id(user_id);
  request.set_role(role);
  request.set_proposal_id(proposal_id);
  rpc::Outgoing context;
  context.idempotency_key = Fresh("role");
  return runtime.Run(client.AssignRole(context, request));
}

Answer LogIn(ApiUser& user, const std::string& scope) {
  return user.Post(
      "/v1/login",
      boost::json::object{{"email", user.email()}, {"password", user.password()}, {"scope", scope}},
      {.key = "", .token = ""});
}

// A token with these scopes, which the user must have.
std::string TokenWith(ApiUser& user, const std::string& scope) {
  const Answer answer = LogIn(user, scope);
  EXPECT_EQ(Outcome(answer), "200") << answer;
  return answer.Text("access_token");
}

TEST(MachineAccess, AKeyPaysAsItsOwnerUntilItIsRevoked) {
  ApiUser user(SharedStack());
  const std::string account = user.OpenAccount("EUR");
  user.Deposit(account, 100);
  EXPECT_EQ(Outcome(LogIn(user, "api_keys:write")), "400 invalid_scope");
  ASSERT_THAT(AssignRole(user.user_id(), "merchant"), IsOk());
  const Sent manage = {.token = TokenWith(user, "api_keys:read api_keys:write")};
  const boost::json::object wish = {{"display_name", "Shop"}, {"scopes", {"accounts:read"}}};
  const Answer made = user.Post("/v1/api-keys", wish, manage);
  ASSERT_EQ(Outcome(made), "200") << made;
  const std::string secret = made.Text("secret");
  EXPECT_EQ(secret.substr(0, 9), "flk_test_");
  const Answer replay = user.Post("/v1/api-keys", wish, manage);
  EXPECT_TRUE(replay.replayed());
  EXPECT_EQ(replay.Text("secret"), "");

  const Sent with_key = {.token = secret};
  const std::string path = absl::StrCat("/v1/accounts/", account);
  EXPECT_EQ(Outcome(user.Get(path, with_key)), "200");
  EXPECT_EQ(Outcome(user.Pay(account, account, 1, with_key)), "403 scope_missing");
  EXPECT_EQ(Outcome(user.Get("/v1/api-keys", with_key)), "403 scope_missing");
  ApiUser stranger(SharedStack());
  EXPECT_EQ(Outcome(user.Get(absl::StrCat("/v1/accounts/", stranger.OpenAccount("EUR")), with_key)),
            "404 account_not_found");
  EXPECT_EQ(Outcome(user.Get(absl::StrCat(path, "?api_key=", secret), {.token = ""})),
            "401 token_missing");
  std::string mistyped = secret;
  mistyped[20] = mistyped[20] == 'a' ? 'b' : 'a';
  EXPECT_EQ(Outcome(user.Get(path, {.token = mistyped})), "401 token_invalid");

  const std::string revoke =
      absl::StrCat("/v1/api-keys/", made.Text("api_key.api_key_id"), ":revoke");
  EXPECT_EQ(Outcome(user.Post(revoke, boost::json::object(), manage)), "200");
}

TEST(MachineAccess, AKeyIsRefusedFromElsewhere) {
  ApiUser user(SharedStack());
  ASSERT_THAT(AssignRole(user.user_id(), "merchant"), IsOk());
  const Sent manage = {.key = Fresh("key"), .token = TokenWith(user, "api_keys:write")};
  const boost::json::object wish = {{"display_name", "Shop"},
                                    {"scopes", {"accounts:read"}},
                                    {"allowed_networks", {"203.0.113.0/24"}}};
  const Answer made = user.Post("/v1/api-keys", wish, manage);
  ASSERT_EQ(Outcome(made), "200") << made;
  EXPECT_EQ(Outcome(user.Get("/v1/accounts", {.token = made.Text("secret")})),
            "403 network_not_allowed");
}

TEST(MachineAccess, AnOperatorIsMadeByTwoAdmins) {
  ApiUser ann(SharedStack());
  ApiUser bob(SharedStack());
  ApiUser eve(SharedStack());
  EXPECT_THAT(AssignRole(eve.user_id(), "operator"), StatusHasReason(Reason::kProposalNeeded));
  ASSERT_THAT(AssignRole(ann.user_id(), "admin"), IsOk());
  ASSERT_THAT(AssignRole(bob.user_id(), "admin"), IsOk());
  EXPECT_THAT(AssignRole(eve.user_id(), "admin"), StatusHasReason(Reason::kProposalNeeded));

  const std::string scopes = "proposals:read proposals:write proposals:approve roles:approve";
  const Sent as_ann = {.token = TokenWith(ann, scopes)};
  const Sent as_bob = {.token = TokenWith(bob, scopes)};
  const boost::json::object wish = {
      {"kind", "roles.assign"},
      {"payload", absl::StrCat(R"({"role":"operator","user_id":")", eve.user_id(), R"("})")}};
  const Answer proposed = ann.Post("/v1/proposals", wish, as_ann);
  ASSERT_EQ(Outcome(proposed), "200") << proposed;
  const std::string id = proposed.Text("proposal_id");
  const std::string approve = absl::StrCat("/v1/proposals/", id, ":approve");
  const boost::json::object digest = {{"payload_digest", proposed.Text("payload_digest")}};
  EXPECT_EQ(Outcome(ann.Post(approve, digest, as_ann)), "403 self_approval");
  EXPECT_THAT(AssignRole(eve.user_id(), "operator", id),
              StatusHasReason(Reason::kProposalNotApproved));
  EXPECT_EQ(bob.Post(approve, digest, as_bob).Text("state"), "APPROVED");
  EXPECT_THAT(AssignRole(bob.user_id(), "operator", id), StatusHasReason(Reason::kProposalAltered));
  EXPECT_THAT(AssignRole(eve.user_id(), "operator", id), IsOk());
  EXPECT_EQ(Outcome(LogIn(eve, "proposals:approve")), "200");
  EXPECT_EQ(Outcome(LogIn(eve, "roles:approve")), "400 invalid_scope");
}

}  // namespace
}  // namespace florin::e2e
