// A program with an API key, and the people who give rights, against real processes.
#include <string>

#include "absl/strings/str_cat.h"
#include "florin/auth/v1/api_keys.rpc.h"
#include "florin/auth/v1/proposals.rpc.h"
#include "gtest/gtest.h"
#include "libs/crypto/api_key.h"
#include "libs/ids/ids.h"
#include "libs/status/matchers.h"
#include "tests/e2e/operator.h"

namespace florin::e2e {
namespace {

// Without the services' memory, what happens to a key shows at once. That they remember for 30
// seconds, and no longer, is ApiKeyAuthenticatorTest's to show, with a clock that it moves.
const bool kForgetful = AddSharedStackOptions({"--api-key-memory", "0"});

const char kManage[] = "api_keys:read api_keys:write";

// A merchant with money and a key.
class MachineAccess : public ::testing::Test {
 protected:
  MachineAccess() {
    EXPECT_THAT(AssignRole(user_.user_id(), "merchant"), IsOk());
    manage_ = TokenWith(user_, kManage);
    account_ = user_.OpenAccount("EUR");
    other_account_ = user_.OpenAccount("EUR");
    user_.Deposit(account_, 100);
  }

  Answer Create(const boost::json::object& more = {}) {
    boost::json::object wish = {{"display_name", "Shop"},
                                {"scopes", {"accounts:read", "payments:write"}}};
    for (const auto& member : more) wish[member.key()] = member.value();
    return user_.Post("/v1/api-keys", wish, {.token = manage_});
  }
  // A key that works, as a request sends it.
  Sent NewKey(const boost::json::object& more = {}) {
    made_ = Create(more);
    EXPECT_EQ(Outcome(made_), "200") << made_;
    return {.token = made_.Text("secret")};
  }
  std::string id() const { return made_.Text("api_key.api_key_id"); }
  Answer Act(const std::string& verb, const boost::json::object& body = {}) {
    return user_.Post(absl::StrCat("/v1/api-keys/", id(), ":", verb), body, {.token = manage_});
  }
  std::string Read(const Sent& key) {
    return Outcome(user_.Get(absl::StrCat("/v1/accounts/", account_), {.token = key.token}));
  }
  std::string Pay(const Sent& key) {
    return Outcome(user_.Pay(account_, other_account_, 1, {.token = key.token}));
  }

  ApiUser user_{SharedStack()};
  std::string manage_;
  std::string account_;
  std::string other_account_;
  Answer made_;
};

// What auth's audit trail says was done to something, in order; what was refused, with the reason.
std::string TrailOf(const std::string& subject) {
  return SharedStack().Query(absl::StrCat(
      "SELECT string_agg(action || ' ' || actor || CASE WHEN allowed THEN '' ELSE ' ' || reason "
      "END, ', ' ORDER BY event_time, event_id) FROM auth.audit_events WHERE subject = '",
      subject, "' AND action ~ '^auth.(api_key|role|proposal)[.]'"));
}

// Has a time of the key's row, or of its secrets', come.
void Expire(const std::string& table, const std::string& prefix) {
  SharedStack().Query(absl::StrCat(
      "UPDATE auth.", table, " AS t SET expire_time = now() FROM auth.api_key_secrets AS s ",
      "WHERE s.prefix = '", prefix, "' AND s.api_key_id = t.api_key_id",
      table == "api_keys" ? "" : " AND s.secret_digest = t.secret_digest"));
}

TEST_F(MachineAccess, AKeyActsForItsOwnerWithinItsScopes) {
  const Sent key = NewKey();
  EXPECT_EQ(key.token->substr(0, 9), "flk_test_");
  EXPECT_EQ(Read(key), "200");
  EXPECT_EQ(Pay(key), "200");
  EXPECT_EQ(user_.Balance(other_account_), 1);

  const Sent reader = NewKey({{"scopes", {"accounts:read"}}});
  EXPECT_EQ(Read(reader), "200");
  EXPECT_EQ(Pay(reader), "403 scope_missing");
  EXPECT_EQ(Outcome(user_.Get("/v1/payments", {.token = reader.token})), "403 scope_missing");

  ApiUser stranger(SharedStack());
  EXPECT_EQ(Outcome(user_.Get(absl::StrCat("/v1/accounts/", stranger.OpenAccount("EUR")), reader)),
            "404 account_not_found");
  const Answer listed = user_.Get("/v1/api-keys", {.token = manage_});
  ASSERT_EQ(Outcome(listed), "200");
  const boost::json::object& first = listed.body.at("api_keys").at(0).as_object();
  EXPECT_TRUE(first.contains("last_use_time")) << first;
  EXPECT_EQ(boost::json::serialize(listed.body).find(*key.token), std::string::npos);
}

TEST_F(MachineAccess, OnlyMerchantsMakeKeysAndOnlyWithScopesOfTheirOwn) {
  ApiUser customer(SharedStack());
  EXPECT_EQ(Outcome(LogIn(customer, "api_keys:write")), "400 invalid_scope");
  EXPECT_EQ(Outcome(customer.Post("/v1/api-keys", boost::json::object{{"display_name", "Shop"}})),
            "403 scope_missing");
  for (const char* scope : {"api_keys:write", "authenticators:write", "roles:approve", "openid"}) {
    EXPECT_EQ(Outcome(Create({{"scopes", {"accounts:read", scope}}})), "400 invalid_scope");
  }
  EXPECT_THAT(RemoveRole(user_.user_id(), "merchant"), IsOk());
  EXPECT_EQ(Outcome(LogIn(user_, "api_keys:write")), "400 invalid_scope");
  // The token of before lives on for its minutes.
  EXPECT_EQ(Outcome(Create()), "403 scope_missing");
}

TEST_F(MachineAccess, ASecretIsShownOnce) {
  const boost::json::object wish = {{"display_name", "Shop"}, {"scopes", {"accounts:read"}}};
  const Sent sent = {.key = Fresh("key"), .token = manage_};
  const Answer first = user_.Post("/v1/api-keys", wish, sent);
  const Answer replay = user_.Post("/v1/api-keys", wish, sent);
  EXPECT_FALSE(first.replayed());
  EXPECT_TRUE(replay.replayed());
  EXPECT_EQ(replay.Text("api_key.api_key_id"), first.Text("api_key.api_key_id"));
  EXPECT_NE(first.Text("secret"), "");
  EXPECT_EQ(replay.Text("secret"), "");
  const std::string secret = first.Text("secret");
  EXPECT_EQ(
      SharedStack().Query(absl::StrCat("SELECT count(*) FROM auth.api_key_secrets WHERE position('",
                                       secret.substr(17), "' IN api_key_secrets::text) > 0")),
      "0");
}

TEST_F(MachineAccess, AKeyIsRefusedFromElsewhere) {
  const Sent here = NewKey({{"allowed_networks", {"203.0.113.0/24", "127.0.0.0/8", "::1/128"}}});
  EXPECT_EQ(Read(here), "200");
  const Sent elsewhere = NewKey({{"allowed_networks", {"203.0.113.0/24", "2001:db8::/32"}}});
  EXPECT_EQ(Read(elsewhere), "403 network_not_allowed");
  EXPECT_EQ(Pay(elsewhere), "403 network_not_allowed");
  EXPECT_EQ(user_.Balance(other_account_), 0);
  EXPECT_EQ(Outcome(Create({{"allowed_networks", {"127.0.0.1/8"}}})), "400 invalid_network");
}

TEST_F(MachineAccess, ARevokedKeyIsRefusedEverywhere) {
  const Sent key = NewKey();
  EXPECT_EQ(Read(key), "200");
  EXPECT_EQ(Pay(key), "200");
  EXPECT_EQ(Outcome(Act("revoke")), "200");
  EXPECT_EQ(Read(key), "401 token_invalid");
  EXPECT_EQ(Pay(key), "401 token_invalid");
  EXPECT_EQ(Outcome(Act("rotate")), "422 api_key_revoked");
  EXPECT_EQ(Outcome(Act("revoke")), "200");
  EXPECT_EQ(
      TrailOf(id()),
      absl::StrCat("auth.api_key.create ", user_.user_id(), ", auth.api_key.revoke ",
                   user_.user_id(), ", auth.api_key.rotate ", user_.user_id(), " api_key_revoked"));
}

TEST_F(MachineAccess, AKeyEndsWhenItExpires) {
  EXPECT_EQ(Outcome(Create({{"expire_time", "2020-01-01T00:00:00Z"}})), "400 invalid_field");
  const Sent key = NewKey({{"expire_time", "2999-01-01T00:00:00Z"}});
  EXPECT_EQ(Read(key), "200");
  Expire("api_keys", key.token->substr(0, 17));
  EXPECT_EQ(Read(key), "401 token_expired");
  EXPECT_EQ(Pay(key), "401 token_expired");
  EXPECT_EQ(Outcome(Act("rotate")), "422 api_key_revoked");
}

TEST_F(MachineAccess, ARotationOverlaps) {
  const Sent before = NewKey();
  const Answer rotated = Act("rotate", {{"overlap_seconds", 3600}});
  ASSERT_EQ(Outcome(rotated), "200") << rotated;
  const Sent after = {.token = rotated.Text("secret")};
  EXPECT_EQ(Read(before), "200");
  EXPECT_EQ(Pay(after), "200");
  Expire("api_key_secrets", before.token->substr(0, 17));
  EXPECT_EQ(Read(before), "401 token_expired");
  EXPECT_EQ(Read(after), "200");
  // Without an overlap the one before dies at once.
  const Answer again = Act("rotate");
  ASSERT_EQ(Outcome(again), "200") << again;
  EXPECT_EQ(Read(after), "401 token_expired");
  EXPECT_EQ(Read({.token = again.Text("secret")}), "200");
}

TEST_F(MachineAccess, AKeyManagesNothing) {
  const Sent key = NewKey();
  // Even if its row were to say otherwise.
  SharedStack().Query(absl::StrCat(
      "UPDATE auth.api_keys AS k SET scopes = scopes || ARRAY['api_keys:read', 'api_keys:write', "
      "'proposals:write', 'authenticators:write'] FROM auth.api_key_secrets AS s "
      "WHERE s.api_key_id = k.api_key_id AND s.prefix = '",
      key.token->substr(0, 17), "'"));
  EXPECT_EQ(Read(key), "200");
  const Sent with_key = {.token = key.token};
  EXPECT_EQ(Outcome(user_.Get("/v1/api-keys", with_key)), "403 scope_missing");
  for (const std::string& path :
       {std::string("/v1/api-keys"), absl::StrCat("/v1/api-keys/", id(), ":rotate"),
        absl::StrCat("/v1/api-keys/", id(), ":revoke"), std::string("/v1/proposals"),
        std::string("/v1/users/me/authenticators/totp")}) {
    EXPECT_EQ(Outcome(user_.Post(path, boost::json::object(), with_key)), "403 scope_missing")
        << path;
  }
  // It makes payments, and is not the person who approves them: auth takes no keys, though the
  // scope is among the key's.
  const std::string approval =
      absl::StrCat("/v1/approvals/", FormatId(IdKind::kApproval, SystemIds().NewId()));
  for (const char* verb : {":begin", ":approve", ":decline"})
    EXPECT_EQ(Outcome(user_.Post(approval + verb, boost::json::object(), with_key)),
              "401 token_invalid")
        << verb;
  // Nor from a gateway that lets it through.
  ServiceCaller gateway("auth", "gateway");
  rpc::Outgoing context;
  context.user_token = *key.token;
  const auto listed =
      gateway.runtime().Run(auth::v1::ApiKeysClient(gateway.channel()).ListApiKeys(context, {}));
  EXPECT_THAT(listed, StatusHasReason(Reason::kTokenInvalid));
}

TEST_F(MachineAccess, ALiveKeyIsForAnotherDeployment) {
  EXPECT_EQ(Read({.token = crypto::NewApiKey(crypto::ApiKeyMode::kLive)}),
            "401 api_key_wrong_mode");
  EXPECT_EQ(Read({.token = crypto::NewApiKey(crypto::ApiKeyMode::kTest)}), "401 token_invalid");
}

// Two admins, whom the operator's certificate makes without a proposal, and nobody after them.
class People : public ::testing::Test {
 protected:
  struct World {
    ApiUser ann{SharedStack()};
    ApiUser bob{SharedStack()};
    Sent as_ann;
    Sent as_bob;

    World() {
      EXPECT_THAT(AssignRole(ann.user_id(), "admin"), IsOk());
      EXPECT_THAT(AssignRole(bob.user_id(), "admin"), IsOk());
      const std::string scopes = "proposals:read proposals:write proposals:approve roles:approve";
      as_ann.token = TokenWith(ann, scopes);
      as_bob.token = TokenWith(bob, scopes);
    }
  };
  static World& world() {
    static World world;
    return world;
  }

  static Answer Propose(const std::string& kind, const std::string& payload) {
    const Answer proposed =
        world().ann.Post("/v1/proposals", boost::json::object{{"kind", kind}, {"payload", payload}},
                         {.token = world().as_ann.token});
    EXPECT_EQ(Outcome(proposed), "200") << proposed;
    return proposed;
  }
  static std::string PathOf(const Answer& proposal, const std::string& verb) {
    return absl::StrCat("/v1/proposals/", proposal.Text("proposal_id"), verb);
  }
  static Answer Approve(ApiUser& user, const Sent& as, const Answer& proposal) {
    return user.Post(PathOf(proposal, ":approve"),
                     boost::json::object{{"payload_digest", proposal.Text("payload_digest")}},
                     {.token = as.token});
  }
  static std::string RolePayload(const ApiUser& user, const std::string& role) {
    return absl::StrCat(R"({"role":")", role, R"(","user_id":")", user.user_id(), R"("})");
  }
  // Does what was approved, as a service.
  static absl::StatusOr<auth::v1::Proposal> Consume(const std::string& service,
                                                    const Answer& proposal,
                                                    const std::string& digest,
                                                    const std::string& execution_id) {
    ServiceCaller caller("auth", service);
    auth::v1::ConsumeProposalRequest request;
    request.set_proposal_id(proposal.Text("proposal_id"));
    request.set_kind(proposal.Text("kind"));
    request.set_payload_digest(digest);
    request.set_execution_id(execution_id);
    return caller.runtime().Run(
        auth::v1::ProposalsClient(caller.channel()).ConsumeProposal(rpc::Outgoing(), request));
  }
};

TEST_F(People, AnOperatorIsMadeByTwoAdmins) {
  ApiUser eve(SharedStack());
  ASSERT_EQ(world().as_ann.token->empty(), false);
  EXPECT_THAT(AssignRole(eve.user_id(), "operator"), StatusHasReason(Reason::kProposalNeeded));
  EXPECT_THAT(AssignRole(eve.user_id(), "admin"), StatusHasReason(Reason::kProposalNeeded));
  const Answer proposed = Propose("roles.assign", RolePayload(eve, "operator"));
  const std::string id = proposed.Text("proposal_id");
  EXPECT_EQ(Outcome(Approve(world().ann, world().as_ann, proposed)), "403 self_approval");
  EXPECT_THAT(AssignRole(eve.user_id(), "operator", id),
              StatusHasReason(Reason::kProposalNotApproved));
  EXPECT_EQ(Approve(world().bob, world().as_bob, proposed).Text("state"), "APPROVED");
  EXPECT_THAT(AssignRole(world().bob.user_id(), "operator", id),
              StatusHasReason(Reason::kProposalAltered));
  EXPECT_THAT(AssignRole(eve.user_id(), "admin", id), StatusHasReason(Reason::kProposalAltered));
  EXPECT_THAT(RemoveRole(eve.user_id(), "operator", id), StatusHasReason(Reason::kProposalAltered));
  EXPECT_EQ(Outcome(LogIn(eve, "proposals:approve")), "400 invalid_scope");
  EXPECT_THAT(AssignRole(eve.user_id(), "operator", id), IsOk());
  EXPECT_EQ(Outcome(LogIn(eve, "proposals:approve")), "200");
  EXPECT_EQ(Outcome(LogIn(eve, "roles:approve")), "400 invalid_scope");
  EXPECT_EQ(Outcome(LogIn(eve, "api_keys:write")), "400 invalid_scope");

  const std::string trail =
      "auth.role.assign operator proposal_needed, auth.role.assign operator proposal_needed, "
      "auth.role.assign operator proposal_not_approved, "
      "auth.role.assign operator proposal_altered, auth.role.remove operator proposal_altered, "
      "auth.role.assign operator";
  EXPECT_EQ(TrailOf(eve.user_id()), trail);
  EXPECT_EQ(TrailOf(id),
            absl::StrCat("auth.proposal.create ", world().ann.user_id(), ", auth.proposal.approve ",
                         world().ann.user_id(), " self_approval, auth.proposal.approve ",
                         world().bob.user_id(), ", auth.proposal.execute auth"));

  // An operator decides on money, not on who is one.
  const Sent as_eve = {.token = TokenWith(eve, "proposals:read proposals:approve")};
  const Answer another = Propose("roles.assign", RolePayload(world().bob, "operator"));
  EXPECT_EQ(Outcome(Approve(eve, as_eve, another)), "403 scope_missing");
  const Answer adjustment = Propose("payments.adjustment", R"({"minor_units":100})");
  EXPECT_EQ(Approve(eve, as_eve, adjustment).Text("state"), "APPROVED");

  // What is taken away counts at once, whatever the token says.
  const Answer removal = Propose("roles.remove", RolePayload(eve, "operator"));
  EXPECT_EQ(Approve(world().bob, world().as_bob, removal).Text("state"), "APPROVED");
  EXPECT_THAT(RemoveRole(eve.user_id(), "operator", removal.Text("proposal_id")), IsOk());
  EXPECT_EQ(TrailOf(eve.user_id()), trail + ", auth.role.remove operator");
  const Answer late = Propose("payments.adjustment", R"({"minor_units":101})");
  EXPECT_EQ(Outcome(Approve(eve, as_eve, late)), "403 scope_missing");
}

TEST_F(People, WhatTwoApprovedIsExecutedOnceAndUnaltered) {
  const Answer proposal = Propose("payments.adjustment", R"({"minor_units":250,"reason":"fee"})");
  const std::string digest = proposal.Text("payload_digest");
  EXPECT_THAT(Consume("payments", proposal, digest, "pay_1"),
              StatusHasReason(Reason::kProposalNotApproved));
  Answer altered = proposal;
  altered.body["payload_digest"] = std::string(64, '0');
  EXPECT_EQ(Outcome(Approve(world().bob, world().as_bob, altered)), "409 proposal_altered");
  EXPECT_EQ(Approve(world().bob, world().as_bob, proposal).Text("state"), "APPROVED");
  EXPECT_THAT(Consume("accounts", proposal, digest, "pay_1"),
              StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(Consume("payments", proposal, std::string(64, '0'), "pay_1"),
              StatusHasReason(Reason::kProposalAltered));
  EXPECT_THAT(Consume("payments", proposal, digest, "pay_1"), IsOk());
  EXPECT_THAT(Consume("payments", proposal, digest, "pay_1"), IsOk());
  EXPECT_THAT(Consume("payments", proposal, digest, "pay_2"),
              StatusHasReason(Reason::kProposalExecuted));
  EXPECT_EQ(world().ann.Get(PathOf(proposal, ""), {.token = world().as_ann.token}).Text("state"),
            "EXECUTED");
}

TEST_F(People, WhoIsNoOperatorSeesNoProposal) {
  const Answer proposal = Propose("accounts.limits", R"({"limit":1})");
  ApiUser eve(SharedStack());
  EXPECT_EQ(Outcome(eve.Get("/v1/proposals")), "403 scope_missing");
  EXPECT_EQ(Outcome(eve.Get(PathOf(proposal, ""))), "403 scope_missing");
  EXPECT_EQ(Outcome(Approve(eve, {.token = eve.token()}, proposal)), "403 scope_missing");
  EXPECT_EQ(Outcome(world().ann.Post(PathOf(proposal, ":reject"), boost::json::object(),
                                     {.token = world().as_ann.token})),
            "403 self_approval");
  EXPECT_EQ(Outcome(world().bob.Post(PathOf(proposal, ":withdraw"), boost::json::object(),
                                     {.token = world().as_bob.token})),
            "403 not_the_maker");
  EXPECT_EQ(world()
                .ann
                .Post(PathOf(proposal, ":withdraw"), boost::json::object(),
                      {.token = world().as_ann.token})
                .Text("state"),
            "WITHDRAWN");
}

}  // namespace
}  // namespace florin::e2e
