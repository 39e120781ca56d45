// API keys in the wrong place, of the wrong form or of somebody else (SECURITY attacks 7 and 8).
//
// What must happen to each: 401 without a word that helps, and where it is another's key 404 as for
// one that does not exist. The key that the attacks are made from is accepted in its one place.
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "libs/crypto/api_key.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/matchers.h"
#include "tests/e2e/operator.h"

namespace florin::security {
namespace {

using e2e::Answer;
using e2e::ApiUser;
using e2e::Outcome;
using e2e::SharedStack;

// A merchant with a key, and another one who is after it.
struct World {
  ApiUser victim{SharedStack()};
  ApiUser attacker{SharedStack()};
  std::string victims_token = TokenOfMerchant(victim);
  std::string attackers_token = TokenOfMerchant(attacker);
  Answer made = victim.Post(
      "/v1/api-keys",
      boost::json::object{{"display_name", "Shop"},
                          {"scopes", {"accounts:read", "payments:read", "payments:write"}}},
      {.token = victims_token});
  std::string key = made.Text("secret");
  std::string id = made.Text("api_key.api_key_id");

  static std::string TokenOfMerchant(ApiUser& user) {
    EXPECT_THAT(e2e::AssignRole(user.user_id(), "merchant"), IsOk());
    return e2e::TokenWith(user, "api_keys:read api_keys:write accounts:read");
  }
};

World& world() {
  static World world;
  return world;
}

// The same key with another character at this place.
std::string WithOther(std::size_t place) {
  std::string key = world().key;
  key.at(place) = key.at(place) == 'a' ? 'b' : 'a';
  return key;
}

// One GET of the accounts.
int Ask(const std::string& query, const std::vector<std::pair<std::string, std::string>>& headers) {
  e2e::HttpsClient client(SharedStack().Variable("FLORIN_URL"),
                          SharedStack().Variable("FLORIN_CA"));
  const auto response = client.Send({"GET", "/v1/accounts" + query, headers, ""});
  return response.ok() ? response->status : 0;
}

struct KeyAttack {
  std::string name;
  std::string (*forge)();
};
void PrintTo(const KeyAttack& attack, std::ostream* out) { *out << attack.name; }

const KeyAttack kAttacks[] = {
    {"WrongChecksum", [] { return WithOther(world().key.size() - 1); }},
    {"AnotherSecretUnderTheChecksum", [] { return WithOther(12); }},
    {"LiveKey", [] { return crypto::NewApiKey(crypto::ApiKeyMode::kLive); }},
    {"ModeChangedToLive",
     [] {
       return absl::StrReplaceAll(world().key, {{"flk_test_", "flk_live_"}});
     }},
    {"UnknownMode",
     [] {
       return absl::StrReplaceAll(world().key, {{"flk_test_", "flk_prod_"}});
     }},
    {"NeverIssued", [] { return crypto::NewApiKey(crypto::ApiKeyMode::kTest); }},
    {"Truncated", [] { return world().key.substr(0, world().key.size() - 1); }},
    {"ShownPrefixAlone", [] { return world().key.substr(0, 17); }},
    {"WithoutItsPrefix", [] { return world().key.substr(9); }},
    {"Extended", [] { return absl::StrCat(world().key, "0"); }},
    {"Twice", [] { return absl::StrCat(world().key, world().key); }},
    {"InUpperCase", [] { return absl::AsciiStrToUpper(world().key); }},
    {"PrefixInUpperCase",
     [] {
       return absl::StrReplaceAll(world().key, {{"flk_test_", "FLK_TEST_"}});
     }},
    {"IdOfAKey", [] { return world().id; }},
    {"DigestOfAKey", [] { return crypto::Hex(crypto::AsOctets(crypto::Sha256(world().key))); }},
    {"SqlInjection", [] { return std::string("flk_test_'OR'1'='1'--"); }},
    {"FiveThousandCharacters", [] { return absl::StrCat("flk_test_", std::string(5000, 'a')); }},
};

class KeyAttackTest : public ::testing::TestWithParam<KeyAttack> {};

TEST_P(KeyAttackTest, IsRefused) {
  const Answer answer = world().attacker.Get("/v1/accounts", {.token = GetParam().forge()});
  EXPECT_EQ(answer.status, 401) << answer;
  EXPECT_EQ(answer.headers.count("www-authenticate"), 1u);
  EXPECT_EQ(answer.body.contains("accounts"), false);
}

INSTANTIATE_TEST_SUITE_P(Forged, KeyAttackTest, ::testing::ValuesIn(kAttacks),
                         [](const auto& info) { return info.param.name; });

TEST(KeyControl, TheKeyThatTheForgeriesAreMadeFromIsGood) {
  ASSERT_EQ(Outcome(world().made), "200") << world().made;
  EXPECT_EQ(Ask("", {{"Authorization", absl::StrCat("Bearer ", world().key)}}), 200);
}

TEST(KeyAttack, KeyInTheUrlIsRefused) {
  const std::string& key = world().key;
  for (const char* name : {"api_key", "apikey", "key", "access_token", "token"}) {
    const std::string query = absl::StrCat("?", name, "=", key);
    EXPECT_EQ(Ask(query, {}), 401) << name;
    // Nor does it get by beside a good one.
    EXPECT_EQ(Ask(query, {{"Authorization", absl::StrCat("Bearer ", key)}}), 400) << name;
  }
  EXPECT_EQ(Ask(absl::StrCat("/", key), {}), 401);
  EXPECT_EQ(Ask(absl::StrCat("#", key), {}), 400);
}

TEST(KeyAttack, KeyInACookieIsRefused) {
  for (const char* name : {"api_key", "access_token", "__Host-florin-session"})
    EXPECT_EQ(Ask("", {{"Cookie", absl::StrCat(name, "=", world().key)}}), 401) << name;
}

TEST(KeyAttack, KeyInAnotherFieldOrSchemeIsRefused) {
  for (const char* field : {"X-Api-Key", "Api-Key", "X-Authorization", "Proxy-Authorization"})
    EXPECT_EQ(Ask("", {{field, world().key}}), 401) << field;
  for (const char* scheme : {"Basic", "ApiKey", "Token", "DPoP"})
    EXPECT_EQ(Ask("", {{"Authorization", absl::StrCat(scheme, " ", world().key)}}), 401) << scheme;
  EXPECT_EQ(Ask("", {{"Authorization", world().key}}), 401);
}

TEST(KeyAttack, KeyOfAnotherIsAsIfItWereNot) {
  const std::string nobodys = FormatId(IdKind::kApiKey, SystemIds().NewId());
  for (const char* verb : {":rotate", ":revoke"}) {
    const auto act = [verb](const std::string& id) {
      return world().attacker.Post(absl::StrCat("/v1/api-keys/", id, verb), boost::json::object(),
                                   {.token = world().attackers_token});
    };
    Answer theirs = act(world().id);
    Answer none = act(nobodys);
    EXPECT_EQ(Outcome(theirs), "404 api_key_not_found");
    theirs.body.erase("request_id");
    none.body.erase("request_id");
    EXPECT_EQ(absl::StrReplaceAll(boost::json::serialize(theirs.body), {{world().id, "ID"}}),
              absl::StrReplaceAll(boost::json::serialize(none.body), {{nobodys, "ID"}}));
  }
  const Answer list = world().attacker.Get("/v1/api-keys", {.token = world().attackers_token});
  ASSERT_EQ(Outcome(list), "200");
  EXPECT_EQ(boost::json::serialize(list.body).find(world().id), std::string::npos);
  EXPECT_EQ(Ask("", {{"Authorization", absl::StrCat("Bearer ", world().key)}}), 200);
}

TEST(KeyAttack, AKeyMakesNoKeyAndEndsNone) {
  const e2e::Sent with_key = {.token = world().key};
  const boost::json::object wish = {{"display_name", "Mine"}, {"scopes", {"accounts:read"}}};
  EXPECT_EQ(Outcome(world().attacker.Post("/v1/api-keys", wish, with_key)), "403 scope_missing");
  for (const char* verb : {":rotate", ":revoke"})
    EXPECT_EQ(Outcome(world().attacker.Post(absl::StrCat("/v1/api-keys/", world().id, verb),
                                            boost::json::object(), {.token = world().key})),
              "403 scope_missing");
  EXPECT_EQ(Outcome(world().attacker.Get("/v1/api-keys", with_key)), "403 scope_missing");
}

TEST(KeyAttack, NobodyGivesHimselfARole) {
  for (const char* scope : {"api_keys:write", "proposals:approve", "roles:approve"}) {
    ApiUser user(SharedStack());
    EXPECT_EQ(Outcome(e2e::LogIn(user, scope)), "400 invalid_scope") << scope;
  }
  const boost::json::object wish = {{"kind", "roles.assign"}, {"payload", "{}"}};
  EXPECT_EQ(Outcome(world().attacker.Post("/v1/proposals", wish)), "403 scope_missing");
  EXPECT_EQ(Outcome(world().attacker.Post("/florin.auth.v1.Roles/AssignRole",
                                          boost::json::object{{"role", "admin"}})),
            "404 method_not_found");
}

}  // namespace
}  // namespace florin::security
