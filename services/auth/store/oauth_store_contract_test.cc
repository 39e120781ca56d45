// What every OAuthStore does, shown for the one in PostgreSQL and the fake.
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_oauth_store.h"
#include "services/auth/store/pg_oauth_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;

// Each test uses clients, users and secrets of its own.
florin::testing::Postgres& Server() { return pg::TestDatabase("auth"); }

struct Fake {
  FakeOAuthStore store;
};

std::vector<pg::Statement> Statements() {
  std::vector<pg::Statement> all = PgOAuthStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  return all;
}

struct Real {
  pg::Pool pool{
      {.conninfo = Server().conninfo("auth"), .connections = 8, .statements = Statements()}};
  PgOAuthStore store{pool};
};

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);

template <class Kind>
class OAuthStoreContractTest : public ::testing::Test {
 protected:
  OAuthStoreContractTest() : name_(std::to_string(++count_)) {}

  OAuthStore& store() { return kind_.store; }
  std::string Name(const std::string& what) const { return absl::StrCat(what, "-", name_); }
  crypto::Digest Secret(const std::string& what) const { return crypto::Sha256(Name(what)); }

  template <class T>
  T Run(Task<absl::StatusOr<T>> task) {
    absl::StatusOr<T> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }

  Client Shop(const std::string& id = "shop") {
    return {.client_id = Name(id),
            .type = ClientType::kConfidential,
            .client_name = "Shöp \"one\"",
            .redirect_uris = {"https://shop.example/a,b", "https://shop.example/{c}"},
            .auth_method = ClientAuthMethod::kPrivateKeyJwt,
            .jwks = R"({"keys":[]})",
            .certificate_thumbprint = "",
            .grant_types = {"authorization_code", "refresh_token"},
            .scopes = {"accounts:read", "openid"},
            .dpop_bound_access_tokens = true,
            .require_mtls = false,
            .cors_origins = {},
            .first_party = true,
            .create_time = kNow};
  }
  // Registered.
  Client Register(const std::string& id = "shop") {
    return Run(store().RegisterClient(Shop(id), SomeEvent()));
  }

  PushedRequest Pushed(const std::string& uri = "uri") {
    return {.request_uri = Secret(uri),
            .client_id = Name("shop"),
            .request = {.redirect_uri = "https://shop.example/cb",
                        .scopes = {"openid", "accounts:read"},
                        .state = "s",
                        .nonce = "n",
                        .code_challenge = "c",
                        .prompt = {"login"},
                        .max_age = absl::Seconds(0),
                        .login_hint = "ann@example.com",
                        .acr_values = {"urn:florin:acr:mfa"}},
            .key_thumbprint = "jkt",
            .expires_at = kNow + absl::Seconds(60)};
  }
  Grant GrantOf(Uuid user_id, absl::Time at = kNow) {
    return {.grant_id = SystemIds().NewId(),
            .client_id = Name("shop"),
            .user_id = user_id,
            .session_id = Name("ses"),
            .auth_time = at - absl::Minutes(1),
            .acr = "urn:florin:acr:pwd",
            .amr = {"pwd", "otp"},
            .scopes = {"openid", "accounts:read"},
            .nonce = "n",
            .create_time = at};
  }
  Code CodeOf(const Grant& grant, const std::string& code = "code") {
    return {.code = Secret(code),
            .grant_id = grant.grant_id,
            .redirect_uri = "https://shop.example/cb",
            .code_challenge = "c",
            .key_thumbprint = "jkt",
            .expires_at = grant.create_time + absl::Seconds(60)};
  }
  // A grant with a code that is not redeemed.
  Grant Granted(Uuid user_id, absl::Time at = kNow, const std::string& code = "code") {
    Register();
    PushedRequest pushed = Pushed("uri of " + code);
    pushed.expires_at = at + absl::Seconds(60);
    Run(store().PushRequest(pushed));
    const Grant grant = GrantOf(user_id, at);
    EXPECT_TRUE(
        Run(store().GrantRequest(pushed.request_uri, grant, CodeOf(grant, code), SomeEvent())));
    return grant;
  }
  IssuedAccessToken Access(std::optional<Uuid> grant_id, absl::Time at = kNow) {
    return {.token_id = SystemIds().NewId(),
            .grant_id = grant_id,
            .client_id = Name("shop"),
            .expires_at = at + absl::Minutes(5)};
  }
  RefreshToken Refresh(const Grant& grant, const std::string& token, absl::Time at = kNow) {
    return {.token = Secret(token),
            .grant_id = grant.grant_id,
            .key_thumbprint = "jkt",
            .certificate_thumbprint = "x5t",
            .state = {.used_at = at, .expires_at = grant.create_time + kRefreshLifetime}};
  }
  // A grant whose code was redeemed for the refresh token "first".
  Grant Redeemed() {
    const Grant grant = Granted(SystemIds().NewId());
    EXPECT_EQ(Run(store().RedeemCode(Secret("code"), Access(grant.grant_id),
                                     Refresh(grant, "first"), kNow, SomeEvent())),
              Redemption::kDone);
    return grant;
  }
  Redemption Use(const Grant& grant, const std::string& token, std::optional<std::string> next,
                 absl::Time now) {
    std::optional<RefreshToken> replacement;
    if (next) replacement = Refresh(grant, *next, now);
    return Run(store().UseRefreshToken(Secret(token), Access(grant.grant_id, now), replacement, now,
                                       SomeEvent()));
  }
  bool IsRevoked(const Grant& grant) {
    return Run(store().FindGrant(grant.grant_id))->revoke_time.has_value();
  }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;

 private:
  static inline int count_ = 0;
  const std::string name_;
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(OAuthStoreContractTest, Kinds);

TYPED_TEST(OAuthStoreContractTest, AClientIsTheOneThatWasRegisteredFirst) {
  const Client shop = this->Shop();
  EXPECT_EQ(this->Run(this->store().RegisterClient(shop, SomeEvent())), shop);
  Client other = shop;
  other.client_name = "Other";
  EXPECT_EQ(this->Run(this->store().RegisterClient(other, SomeEvent())), shop);
  EXPECT_EQ(this->Run(this->store().FindClient(shop.client_id)), shop);
  EXPECT_EQ(this->Run(this->store().FindClient("nobody")), std::nullopt);
}

TYPED_TEST(OAuthStoreContractTest, ListsClientsInPages) {
  for (const char* id : {"list-b", "list-a", "list-c"}) this->Register(id);
  const auto first = this->Run(this->store().ListClients("list-", 2));
  ASSERT_EQ(first.size(), 2u);
  EXPECT_LT(first[0].client_id, first[1].client_id);
  const auto second = this->Run(this->store().ListClients(this->Name("list-b"), 1));
  ASSERT_EQ(second.size(), 1u);
  EXPECT_GT(second[0].client_id, this->Name("list-b"));
}

TYPED_TEST(OAuthStoreContractTest, ListsTheOriginsOfClientsThatAreNotDisabled) {
  const std::string mine = "https://" + this->Name("shop") + ".example";
  const std::string shared = "https://" + this->Name("both") + ".example";
  Client shop = this->Shop();
  shop.cors_origins = {shared, mine};
  this->Run(this->store().RegisterClient(shop, SomeEvent()));
  Client other = this->Shop();
  other.client_id = this->Name("other");
  other.cors_origins = {shared};
  this->Run(this->store().RegisterClient(other, SomeEvent()));
  // Those of other tests are there as well.
  const auto listed = [this](const std::string& origin) {
    const std::vector<std::string> all = this->Run(this->store().ListCorsOrigins());
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    return std::count(all.begin(), all.end(), origin);
  };
  EXPECT_EQ(listed(mine), 1);
  EXPECT_EQ(listed(shared), 1);
  this->Run(this->store().DisableClient(shop.client_id, kNow, SomeEvent()));
  EXPECT_EQ(listed(mine), 0);
  EXPECT_EQ(listed(shared), 1) << "the other client has it, too";
}

TYPED_TEST(OAuthStoreContractTest, DisablingAClientRevokesItsGrants) {
  const Grant grant = this->Redeemed();
  const auto disabled =
      this->Run(this->store().DisableClient(this->Name("shop"), kNow, SomeEvent()));
  ASSERT_TRUE(disabled);
  EXPECT_EQ(disabled->disable_time, kNow);
  EXPECT_TRUE(this->IsRevoked(grant));
  const auto again = this->Run(
      this->store().DisableClient(this->Name("shop"), kNow + absl::Hours(1), SomeEvent()));
  EXPECT_EQ(again, disabled);
  EXPECT_EQ(this->Run(this->store().DisableClient("nobody", kNow, SomeEvent())), std::nullopt);
}

TYPED_TEST(OAuthStoreContractTest, AnAssertionIsUsedOnce) {
  this->Register();
  this->Register("other");
  const Uuid attempt = SystemIds().NewId();
  const auto use = [this](const char* client, const char* jti, Uuid by) {
    return this->Run(this->store().UseAssertion(this->Name(client), jti, by, kNow));
  };
  EXPECT_TRUE(use("shop", "1", attempt));
  EXPECT_TRUE(use("shop", "1", attempt));  // As after a COMMIT whose answer was lost.
  EXPECT_FALSE(use("shop", "1", SystemIds().NewId()));
  EXPECT_TRUE(use("shop", "2", SystemIds().NewId()));
  EXPECT_TRUE(use("other", "1", SystemIds().NewId()));
}

TYPED_TEST(OAuthStoreContractTest, APushedRequestIsFoundByItsClientUntilItExpires) {
  this->Register();
  const PushedRequest pushed = this->Pushed();
  this->Run(this->store().PushRequest(pushed));
  const auto find = [&](const std::string& client, absl::Time now) {
    return this->Run(this->store().FindRequest(pushed.request_uri, client, now));
  };
  EXPECT_EQ(find(pushed.client_id, kNow), pushed);
  EXPECT_EQ(find(pushed.client_id, pushed.expires_at - absl::Microseconds(1)), pushed);
  EXPECT_EQ(find(pushed.client_id, pushed.expires_at), std::nullopt);
  EXPECT_EQ(find("other", kNow), std::nullopt);
  EXPECT_EQ(this->Run(this->store().FindRequest(this->Secret("none"), pushed.client_id, kNow)),
            std::nullopt);

  PushedRequest bare = this->Pushed("bare");
  bare.request = {.redirect_uri = "https://shop.example/cb", .scopes = {"openid"}};
  bare.key_thumbprint = "";
  this->Run(this->store().PushRequest(bare));
  EXPECT_EQ(this->Run(this->store().FindRequest(bare.request_uri, bare.client_id, kNow)), bare);
}

TYPED_TEST(OAuthStoreContractTest, ARequestIsUsedUpOnce) {
  this->Register();
  const PushedRequest pushed = this->Pushed();
  this->Run(this->store().PushRequest(pushed));
  const Grant grant = this->GrantOf(SystemIds().NewId());
  const Code code = this->CodeOf(grant);
  const auto give = [&](const Grant& one, const Code& with) {
    return this->Run(this->store().GrantRequest(pushed.request_uri, one, with, SomeEvent()));
  };
  Grant foreign = grant;
  foreign.client_id = "other";
  EXPECT_FALSE(give(foreign, code));
  Grant late = grant;
  late.create_time = pushed.expires_at;
  EXPECT_FALSE(give(late, code));
  EXPECT_TRUE(give(grant, code));
  EXPECT_TRUE(give(grant, code));  // As after a COMMIT whose answer was lost.
  const Grant second = this->GrantOf(grant.user_id);
  EXPECT_FALSE(give(second, this->CodeOf(second, "second")));
  EXPECT_FALSE(this->Run(
      this->store().DenyRequest(pushed.request_uri, pushed.client_id, SystemIds().NewId(), kNow)));
  EXPECT_EQ(this->Run(this->store().FindRequest(pushed.request_uri, pushed.client_id, kNow)),
            std::nullopt);
  EXPECT_EQ(this->Run(this->store().FindGrant(grant.grant_id)), grant);
  EXPECT_EQ(this->Run(this->store().FindGrant(second.grant_id)), std::nullopt);
  EXPECT_EQ(this->Run(this->store().FindCode(code.code)), code);
  EXPECT_EQ(this->Run(this->store().FindCode(this->Secret("second"))), std::nullopt);
}

TYPED_TEST(OAuthStoreContractTest, ARequestIsHeldForItsUser) {
  this->Register();
  const PushedRequest pushed = this->Pushed();
  this->Run(this->store().PushRequest(pushed));
  const absl::Time until = pushed.expires_at + absl::Minutes(15);
  const auto hold = [&](const std::string& client, absl::Time now, absl::Time to) {
    return this->Run(this->store().HoldRequest(pushed.request_uri, client, now, to));
  };
  const auto found = [&](absl::Time at) {
    return this->Run(this->store().FindRequest(pushed.request_uri, pushed.client_id, at))
        .has_value();
  };
  EXPECT_FALSE(hold("other", kNow, until));
  EXPECT_FALSE(hold(pushed.client_id, pushed.expires_at, until));  // Too late.
  EXPECT_FALSE(found(pushed.expires_at));
  EXPECT_TRUE(hold(pushed.client_id, kNow, until));
  EXPECT_TRUE(hold(pushed.client_id, kNow, kNow));  // Never shorter.
  EXPECT_TRUE(found(until - absl::Seconds(1)));
  EXPECT_FALSE(found(until));
  EXPECT_TRUE(this->Run(
      this->store().DenyRequest(pushed.request_uri, pushed.client_id, SystemIds().NewId(), kNow)));
  EXPECT_FALSE(hold(pushed.client_id, kNow, until));
}

TYPED_TEST(OAuthStoreContractTest, ADeniedRequestIsUsedUp) {
  this->Register();
  const PushedRequest pushed = this->Pushed();
  this->Run(this->store().PushRequest(pushed));
  const Uuid attempt = SystemIds().NewId();
  const auto deny = [&](const std::string& client, Uuid by, absl::Time now) {
    return this->Run(this->store().DenyRequest(pushed.request_uri, client, by, now));
  };
  EXPECT_FALSE(deny("other", attempt, kNow));
  EXPECT_FALSE(deny(pushed.client_id, attempt, pushed.expires_at));
  EXPECT_TRUE(deny(pushed.client_id, attempt, kNow));
  EXPECT_TRUE(deny(pushed.client_id, attempt, kNow));
  EXPECT_FALSE(deny(pushed.client_id, SystemIds().NewId(), kNow));
  const Grant grant = this->GrantOf(SystemIds().NewId());
  EXPECT_FALSE(this->Run(
      this->store().GrantRequest(pushed.request_uri, grant, this->CodeOf(grant), SomeEvent())));
}

TYPED_TEST(OAuthStoreContractTest, ConsentsAddUpUntilRevoked) {
  const Grant grant = this->Redeemed();
  const auto find = [&] {
    return this->Run(this->store().FindConsent(grant.user_id, grant.client_id));
  };
  EXPECT_EQ(find(), std::nullopt);
  Consent consent = {
      .user_id = grant.user_id, .client_id = grant.client_id, .scopes = {"openid"}, .time = kNow};
  this->Run(this->store().RecordConsent(consent));
  EXPECT_EQ(find(), consent);
  consent.scopes = {"openid", "accounts:read"};
  consent.time = kNow + absl::Seconds(1);
  this->Run(this->store().RecordConsent(consent));
  ASSERT_TRUE(find());
  EXPECT_THAT(find()->scopes, ElementsAre("accounts:read", "openid"));
  EXPECT_EQ(find()->time, consent.time);
  EXPECT_FALSE(this->IsRevoked(grant));
  this->Run(this->store().RevokeConsent(grant.user_id, grant.client_id, kNow, SomeEvent()));
  EXPECT_EQ(find(), std::nullopt);
  EXPECT_TRUE(this->IsRevoked(grant));
  EXPECT_EQ(this->Use(grant, "first", std::nullopt, kNow), Redemption::kRefused);
}

TYPED_TEST(OAuthStoreContractTest, ListsTheGrantsOfAUser) {
  const Uuid user = SystemIds().NewId();
  const Grant older = this->Granted(user, kNow, "1");
  const Grant newer = this->Granted(user, kNow + absl::Hours(1), "2");
  this->Granted(SystemIds().NewId(), kNow, "3");
  EXPECT_THAT(this->Run(this->store().ListGrants(user, kNow)), ElementsAre(newer, older));
  EXPECT_THAT(this->Run(this->store().ListGrants(user, kNow + absl::Minutes(1))),
              ElementsAre(newer));
  EXPECT_TRUE(this->Run(this->store().RevokeGrant(newer.grant_id, kNow, SomeEvent())));
  EXPECT_THAT(this->Run(this->store().ListGrants(user, kNow)), ElementsAre(older));
  EXPECT_FALSE(this->Run(this->store().RevokeGrant(SystemIds().NewId(), kNow, SomeEvent())));
}

TYPED_TEST(OAuthStoreContractTest, ACodeIsRedeemedOnceAndReuseRevokesItsGrant) {
  const Grant grant = this->Granted(SystemIds().NewId());
  const IssuedAccessToken access = this->Access(grant.grant_id);
  const auto redeem = [&](const IssuedAccessToken& by) {
    return this->Run(this->store().RedeemCode(this->Secret("code"), by,
                                              this->Refresh(grant, "first"), kNow, SomeEvent()));
  };
  EXPECT_EQ(redeem(access), Redemption::kDone);
  EXPECT_EQ(redeem(access), Redemption::kDone);  // As after a COMMIT whose answer was lost.
  EXPECT_TRUE(this->Run(this->store().FindCode(this->Secret("code")))->redeemed);
  EXPECT_EQ(this->Run(this->store().FindAccessToken(access.token_id)), access);
  EXPECT_EQ(this->Run(this->store().FindRefreshToken(this->Secret("first"))),
            this->Refresh(grant, "first"));
  EXPECT_FALSE(this->IsRevoked(grant));
  EXPECT_EQ(redeem(this->Access(grant.grant_id)), Redemption::kReused);
  EXPECT_TRUE(this->IsRevoked(grant));
  EXPECT_TRUE(this->Run(this->store().FindAccessToken(access.token_id))->revoked);
}

TYPED_TEST(OAuthStoreContractTest, ACodeExpires) {
  const Grant grant = this->Granted(SystemIds().NewId());
  const auto redeem = [&](absl::Time now) {
    return this->Run(this->store().RedeemCode(this->Secret("code"), this->Access(grant.grant_id),
                                              std::nullopt, now, SomeEvent()));
  };
  EXPECT_EQ(redeem(kNow + absl::Seconds(60)), Redemption::kRefused);
  EXPECT_FALSE(this->IsRevoked(grant));
  EXPECT_EQ(redeem(kNow + absl::Seconds(59)), Redemption::kDone);
  EXPECT_EQ(this->Run(this->store().RedeemCode(this->Secret("none"), this->Access(grant.grant_id),
                                               std::nullopt, kNow, SomeEvent())),
            Redemption::kRefused);
}

TYPED_TEST(OAuthStoreContractTest, FiftyRedemptionsAtOnceHaveOneSuccess) {
  const Grant grant = this->Granted(SystemIds().NewId());
  std::vector<std::future<absl::StatusOr<Redemption>>> answers;
  std::vector<IssuedAccessToken> tokens;
  for (int i = 0; i < 50; ++i) {
    tokens.push_back(this->Access(grant.grant_id));
    answers.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->store().RedeemCode(this->Secret("code"), tokens.back(),
                                 this->Refresh(grant, absl::StrCat("r", i)), kNow, SomeEvent()),
        asio::use_future));
  }
  int done = 0;
  for (auto& answer : answers) {
    const auto redemption = answer.get();
    ASSERT_THAT(redemption, IsOk());
    EXPECT_NE(*redemption, Redemption::kRefused);
    done += *redemption == Redemption::kDone;
  }
  EXPECT_EQ(done, 1);
  int kept = 0;
  for (const IssuedAccessToken& token : tokens) {
    const auto found = this->Run(this->store().FindAccessToken(token.token_id));
    if (!found) continue;
    ++kept;
    EXPECT_TRUE(found->revoked);
  }
  EXPECT_EQ(kept, 1);
}

TYPED_TEST(OAuthStoreContractTest, ARefreshTokenIsReplacedAndItsReuseRevokesTheGrant) {
  const Grant grant = this->Redeemed();
  const absl::Time later = kNow + absl::Hours(1);
  EXPECT_EQ(this->Use(grant, "first", "second", later), Redemption::kDone);
  EXPECT_EQ(this->Run(this->store().FindRefreshToken(this->Secret("first")))->state.replaced_at,
            later);
  // The answer was lost: once more, and what it had is replaced as well.
  const absl::Time retry = later + kRefreshGrace;
  EXPECT_EQ(this->Use(grant, "first", "third", retry), Redemption::kDone);
  EXPECT_EQ(this->Run(this->store().FindRefreshToken(this->Secret("second")))->state.replaced_at,
            retry);
  EXPECT_EQ(this->Use(grant, "third", "fourth", later + absl::Minutes(1)), Redemption::kDone);
  EXPECT_FALSE(this->IsRevoked(grant));
  EXPECT_EQ(this->Use(grant, "first", "thief", later + absl::Minutes(2)), Redemption::kReused);
  EXPECT_TRUE(this->IsRevoked(grant));
  EXPECT_EQ(this->Use(grant, "fourth", "fifth", later + absl::Minutes(2)), Redemption::kRefused);
  for (const char* token : {"thief", "fifth"}) {
    EXPECT_EQ(this->Run(this->store().FindRefreshToken(this->Secret(token))), std::nullopt);
  }
}

TYPED_TEST(OAuthStoreContractTest, ARefreshTokenThatIsNotReplacedLivesByItsUse) {
  const Grant grant = this->Redeemed();
  const absl::Time used = kNow + kRefreshIdle - absl::Seconds(1);
  EXPECT_EQ(this->Use(grant, "first", std::nullopt, used), Redemption::kDone);
  const auto token = this->Run(this->store().FindRefreshToken(this->Secret("first")));
  EXPECT_EQ(token->state.used_at, used);
  EXPECT_EQ(token->state.replaced_at, std::nullopt);
  EXPECT_EQ(this->Use(grant, "first", std::nullopt, used + kRefreshIdle), Redemption::kRefused);
  EXPECT_FALSE(this->IsRevoked(grant));
  EXPECT_EQ(this->Use(grant, "none", std::nullopt, kNow), Redemption::kRefused);
}

TYPED_TEST(OAuthStoreContractTest, ARepeatedUseOfARefreshTokenIsTheSameUse) {
  const Grant grant = this->Redeemed();
  const IssuedAccessToken access = this->Access(grant.grant_id);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(
        this->Run(this->store().UseRefreshToken(this->Secret("first"), access,
                                                this->Refresh(grant, "second"), kNow, SomeEvent())),
        Redemption::kDone);
  }
  EXPECT_EQ(this->Run(this->store().FindRefreshToken(this->Secret("second")))->state.replaced_at,
            std::nullopt);
}

TYPED_TEST(OAuthStoreContractTest, TwentyUsesOfARefreshTokenAtOnceLeaveOneToGoOnWith) {
  const Grant grant = this->Redeemed();
  std::vector<std::future<absl::StatusOr<Redemption>>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->store().UseRefreshToken(this->Secret("first"), this->Access(grant.grant_id),
                                      this->Refresh(grant, absl::StrCat("r", i)), kNow,
                                      SomeEvent()),
        asio::use_future));
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), IsOk());
  int live = 0;
  for (int i = 0; i < 20; ++i) {
    const auto token =
        this->Run(this->store().FindRefreshToken(this->Secret(absl::StrCat("r", i))));
    live += token && !token->state.replaced_at;
  }
  EXPECT_EQ(live, 1);
  EXPECT_FALSE(this->IsRevoked(grant));
}

TYPED_TEST(OAuthStoreContractTest, SessionsAndUsersTakeTheirGrantsAlong) {
  const Uuid user = SystemIds().NewId();
  const Grant first = this->Granted(user, kNow, "1");
  EXPECT_EQ(this->Run(this->store().RevokeSession(first.session_id, kNow)), 1);
  EXPECT_EQ(this->Run(this->store().RevokeSession(first.session_id, kNow)), 0);
  EXPECT_TRUE(this->IsRevoked(first));
  const Grant second = this->Granted(user, kNow, "2");
  EXPECT_EQ(this->Run(this->store().RevokeUser(user, kNow)), 1);
  EXPECT_TRUE(this->IsRevoked(second));
  EXPECT_EQ(this->Run(this->store().RedeemCode(this->Secret("2"), this->Access(second.grant_id),
                                               std::nullopt, kNow, SomeEvent())),
            Redemption::kRefused);
}

TYPED_TEST(OAuthStoreContractTest, AccessTokensAreRevokedAloneOrWithTheirGrant) {
  const Grant grant = this->Redeemed();
  const absl::Time far = kNow + absl::Hours(24 * 365 * 50);  // Before those of all other tests.
  const IssuedAccessToken alone = this->Access(std::nullopt, far);
  const IssuedAccessToken other = this->Access(std::nullopt, far);
  this->Run(this->store().KeepAccessToken(alone, SomeEvent()));
  this->Run(this->store().KeepAccessToken(other, SomeEvent()));
  EXPECT_EQ(this->Run(this->store().FindAccessToken(alone.token_id)), alone);
  EXPECT_TRUE(this->Run(this->store().RevokeAccessToken(alone.token_id, kNow, SomeEvent())));
  EXPECT_TRUE(this->Run(this->store().RevokeAccessToken(alone.token_id, kNow, SomeEvent())));
  EXPECT_TRUE(this->Run(this->store().FindAccessToken(alone.token_id))->revoked);
  EXPECT_FALSE(this->Run(this->store().FindAccessToken(other.token_id))->revoked);
  EXPECT_FALSE(this->Run(this->store().RevokeAccessToken(SystemIds().NewId(), kNow, SomeEvent())));
  const absl::Time late = far + absl::Minutes(1);
  IssuedAccessToken granted = this->Access(grant.grant_id, late);
  this->Run(this->store().KeepAccessToken(granted, SomeEvent()));
  EXPECT_THAT(this->Run(this->store().ListRevokedAccessTokens(far, 1)),
              ElementsAre(alone.token_id));
  this->Run(this->store().RevokeGrant(grant.grant_id, kNow, SomeEvent()));
  EXPECT_THAT(this->Run(this->store().ListRevokedAccessTokens(far, 2)),
              ElementsAre(granted.token_id, alone.token_id));
  EXPECT_THAT(this->Run(this->store().ListRevokedAccessTokens(granted.expires_at, 2)),
              ElementsAre());
  this->Run(this->store().DeleteExpired(granted.expires_at, 1000));
}

TYPED_TEST(OAuthStoreContractTest, DeletesWhatIsOfNoMoreUse) {
  // Long before what the other tests keep.
  const absl::Time past = kNow - absl::Hours(24 * 365);
  const Grant grant = this->Granted(SystemIds().NewId(), past);
  this->Run(this->store().UseAssertion(this->Name("shop"), "1", grant.grant_id, past));
  const IssuedAccessToken access = this->Access(grant.grant_id, past);
  this->Run(this->store().RedeemCode(this->Secret("code"), access,
                                     this->Refresh(grant, "first", past), past, SomeEvent()));
  EXPECT_EQ(this->Run(this->store().DeleteExpired(past - absl::Microseconds(1), 100)), 0);
  EXPECT_EQ(this->Run(this->store().DeleteExpired(access.expires_at, 100)), 3);
  EXPECT_EQ(this->Run(this->store().FindAccessToken(access.token_id)), std::nullopt);
  // The grant's code and refresh token are known for what they are as long as it is kept.
  const absl::Time end = past + kGrantKept;
  EXPECT_EQ(this->Run(this->store().DeleteExpired(end - absl::Microseconds(1), 100)), 0);
  EXPECT_TRUE(this->Run(this->store().FindCode(this->Secret("code"))));
  EXPECT_EQ(this->Run(this->store().DeleteExpired(end, 100)), 1);
  EXPECT_EQ(this->Run(this->store().FindGrant(grant.grant_id)), std::nullopt);
  EXPECT_EQ(this->Run(this->store().FindCode(this->Secret("code"))), std::nullopt);
  EXPECT_EQ(this->Run(this->store().FindRefreshToken(this->Secret("first"))), std::nullopt);
  // In batches.
  this->Granted(SystemIds().NewId(), past, "1");
  this->Granted(SystemIds().NewId(), past, "2");
  EXPECT_EQ(this->Run(this->store().DeleteExpired(end, 1)), 2);  // A request and a grant.
  EXPECT_EQ(this->Run(this->store().DeleteExpired(end, 1)), 2);
  EXPECT_EQ(this->Run(this->store().DeleteExpired(end, 1)), 0);
}

// Runs `statement` and takes it back: kCanceled if PostgreSQL let it, kInternal if not.
absl::StatusOr<bool> Try(async::Runtime& runtime, const char* statement) {
  pg::Pool pool({.conninfo = Server().conninfo("auth"), .connections = 1});
  const std::function<absl::StatusOr<bool>(pqxx::work&)> run =
      [statement](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec(statement);
    return Error(Reason::kCanceled, "taken back");
  };
  return runtime.Run(pool.Transact<bool>(run));
}

TEST(OAuthGrants, TheRuntimeRoleChangesOnlyWhatItMust) {
  async::Runtime runtime(1);
  for (const char* statement :
       {"UPDATE oauth_clients SET disable_time = now()", "DELETE FROM oauth_requests",
        "UPDATE oauth_codes SET redeemed_by = NULL", "DELETE FROM oauth_consents"}) {
    EXPECT_THAT(Try(runtime, statement), StatusHasReason(Reason::kCanceled)) << statement;
  }
  for (const char* statement :
       {"DELETE FROM oauth_clients", "UPDATE oauth_clients SET redirect_uris = '{}'",
        "UPDATE oauth_clients SET first_party = true", "UPDATE oauth_clients SET jwks = ''",
        "UPDATE oauth_grants SET scopes = '{}'", "UPDATE oauth_grants SET user_id = grant_id",
        "UPDATE oauth_codes SET code_challenge = ''", "UPDATE oauth_codes SET expires_at = now()",
        "UPDATE oauth_refresh_tokens SET key_thumbprint = ''",
        "UPDATE oauth_assertions SET attempt = attempt", "TRUNCATE oauth_codes",
        "UPDATE oauth_requests SET redirect_uri = ''"}) {
    EXPECT_THAT(Try(runtime, statement), StatusHasReason(Reason::kInternal)) << statement;
  }
}

}  // namespace
}  // namespace florin::auth
