// API keys over real gRPC and mutual TLS, up to the service that is called with one.
#include "services/auth/rpc/api_keys_rpc.h"

#include "gmock/gmock.h"
#include "libs/identity/api_key_authenticator.h"
#include "services/auth/rpc/machine_access_fixture.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;

constexpr char kWrite[] = "api_keys:write";

class ApiKeysRpcTest : public MachineAccessTest {
 protected:
  ApiKeysRpcTest() { role_store_.Give(ann_, Role::kMerchant); }

  static v1::CreateApiKeyRequest Wish() {
    v1::CreateApiKeyRequest request;
    request.set_display_name("Shop");
    request.add_scopes("payments:write");
    request.add_scopes("accounts:read");
    return request;
  }
  absl::StatusOr<v1::CreateApiKeyResponse> Create(const v1::CreateApiKeyRequest& request,
                                                  const std::string& key = "key") {
    return runtime_.Run(Client("gateway").CreateApiKey(As(ann_, kWrite, key), request));
  }
  absl::StatusOr<v1::RotateApiKeyResponse> Rotate(const std::string& id, int overlap,
                                                  const std::string& key = "rotate") {
    v1::RotateApiKeyRequest request;
    request.set_api_key_id(id);
    request.set_overlap_seconds(overlap);
    return runtime_.Run(Client("gateway").RotateApiKey(As(ann_, kWrite, key), request));
  }
  absl::StatusOr<v1::ApiKey> Revoke(const Uuid& user, const std::string& id) {
    v1::RevokeApiKeyRequest request;
    request.set_api_key_id(id);
    return runtime_.Run(Client("gateway").RevokeApiKey(As(user, kWrite), request));
  }
  v1::ListApiKeysResponse List(const Uuid& user) {
    const v1::ListApiKeysRequest request;
    return runtime_.Run(Client("gateway").ListApiKeys(As(user, "api_keys:read"), request)).value();
  }
  // As a service that is called with the key.
  absl::StatusOr<rpc::Principal> Use(const std::string& secret) {
    return runtime_.Run(payments_.Authenticate(secret));
  }

  v1::ApiKeysClient Client(const std::string& caller) { return v1::ApiKeysClient(Channel(caller)); }

  identity::ApiKeyAuthenticator payments_{*Channel("payments"), clock_};
};

TEST_F(ApiKeysRpcTest, AKeyActsForItsOwnerWithItsScopes) {
  v1::CreateApiKeyRequest wish = Wish();
  wish.add_allowed_networks("203.0.113.0/24");
  const auto made = Create(wish);
  ASSERT_THAT(made, IsOk());
  const v1::ApiKey& key = made->api_key();
  EXPECT_EQ(key.mode(), "test");
  EXPECT_EQ(key.created_by(), Name(ann_)) << "the token names no client";
  ASSERT_EQ(key.secrets_size(), 1);
  EXPECT_EQ(made->secret().substr(0, 17), key.secrets(0).prefix());
  const auto principal = Use(made->secret());
  ASSERT_THAT(principal, IsOk());
  EXPECT_EQ(principal->user_id, Name(ann_));
  EXPECT_THAT(principal->scopes, ElementsAre("accounts:read", "payments:write"));
  EXPECT_EQ(principal->token_id, key.api_key_id());
  EXPECT_THAT(principal->allowed_networks, ElementsAre("203.0.113.0/24"));
  const auto listed = List(ann_);
  ASSERT_EQ(listed.api_keys_size(), 1);
  EXPECT_EQ(listed.api_keys(0).last_use_time().seconds(), 1'800'000'000);
  EXPECT_EQ(List(bob_).api_keys_size(), 0);
}

TEST_F(ApiKeysRpcTest, TheSecretIsGivenOnce) {
  const auto first = Create(Wish());
  ASSERT_THAT(first, IsOk());
  const auto replay = Create(Wish());
  ASSERT_THAT(replay, IsOk());
  EXPECT_EQ(replay->secret(), "");
  EXPECT_EQ(replay->api_key().SerializeAsString(), first->api_key().SerializeAsString());
  for (const auto& text : {List(ann_).DebugString(), replay->DebugString()}) {
    EXPECT_EQ(text.find(first->secret()), std::string::npos);
    EXPECT_EQ(text.find(first->secret().substr(17)), std::string::npos);
  }
  v1::CreateApiKeyRequest other = Wish();
  other.set_display_name("Other");
  EXPECT_THAT(Create(other), StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(ApiKeysRpcTest, ScopesNeverExceedTheOwners) {
  // Not even the scope by which she makes keys, nor those of roles that she has.
  role_store_.Give(ann_, Role::kAdmin);
  for (const char* scope : {"api_keys:write", "api_keys:read", "proposals:approve", "roles:approve",
                            "ledger:write", "*", ""}) {
    v1::CreateApiKeyRequest wish = Wish();
    wish.add_scopes(scope);
    const auto made = Create(wish);
    EXPECT_THAT(made, StatusHasReason(Reason::kInvalidScope)) << scope;
    EXPECT_THAT(made, StatusHasParam("scopes")) << scope;
  }
  v1::CreateApiKeyRequest none = Wish();
  none.clear_scopes();
  EXPECT_THAT(Create(none), StatusHasReason(Reason::kInvalidScope));
}

TEST_F(ApiKeysRpcTest, WhoIsNoMerchantAnyMoreMakesNoSecret) {
  const auto made = Create(Wish());
  ASSERT_THAT(made, IsOk());
  role_store_.Take(ann_, Role::kMerchant);
  EXPECT_THAT(Create(Wish(), "another"), StatusHasReason(Reason::kScopeMissing));
  EXPECT_THAT(Rotate(made->api_key().api_key_id(), 0), StatusHasReason(Reason::kScopeMissing));
  // But ends those that there are.
  EXPECT_THAT(Revoke(ann_, made->api_key().api_key_id()), IsOk());
}

// As if a key had been made when more was allowed than now.
TEST_F(ApiKeysRpcTest, AVerdictHasOnlyWhatTheOwnerHasNow) {
  const std::string secret = crypto::NewApiKey(crypto::ApiKeyMode::kTest);
  const ApiKey key{.api_key_id = SystemIds().NewId(),
                   .user_id = bob_,
                   .display_name = "old",
                   .mode = "test",
                   .scopes = {"accounts:read", "proposals:approve", "api_keys:write"},
                   .create_time = clock_.Now()};
  const NewSecret kept{.digest = crypto::Sha256(secret), .prefix = "flk_test_", .create_time = {}};
  const SecretRequest request{.idempotency_key = "old", .fingerprint = {}};
  ASSERT_THAT(runtime_.Run(key_store_.Create(key, kept, request)), IsOk());
  const auto principal = Use(secret);
  ASSERT_THAT(principal, IsOk());
  EXPECT_THAT(principal->scopes, ElementsAre("accounts:read"));
}

TEST_F(ApiKeysRpcTest, ARevokedKeyIsRefusedAfterTheCacheTime) {
  const auto made = Create(Wish());
  ASSERT_THAT(Use(made->secret()), IsOk());
  EXPECT_THAT(Revoke(bob_, made->api_key().api_key_id()), StatusHasReason(Reason::kApiKeyNotFound));
  const auto revoked = Revoke(ann_, made->api_key().api_key_id());
  ASSERT_THAT(revoked, IsOk());
  EXPECT_TRUE(revoked->has_revoke_time());
  clock_.Advance(identity::kApiKeyRemembered);
  EXPECT_THAT(Use(made->secret()), StatusHasReason(Reason::kTokenInvalid));
  const auto again = Revoke(ann_, made->api_key().api_key_id());
  EXPECT_EQ(again->revoke_time().seconds(), revoked->revoke_time().seconds());
  EXPECT_THAT(Rotate(made->api_key().api_key_id(), 60), StatusHasReason(Reason::kApiKeyRevoked));
}

TEST_F(ApiKeysRpcTest, ARotationOverlaps) {
  const auto made = Create(Wish());
  const auto rotated = Rotate(made->api_key().api_key_id(), 3600);
  ASSERT_THAT(rotated, IsOk());
  EXPECT_EQ(rotated->api_key().api_key_id(), made->api_key().api_key_id());
  EXPECT_NE(rotated->secret(), made->secret());
  EXPECT_EQ(Rotate(made->api_key().api_key_id(), 3600)->secret(), "");
  clock_.Advance(absl::Seconds(3599));
  EXPECT_THAT(Use(made->secret()), IsOk());
  EXPECT_THAT(Use(rotated->secret()), IsOk());
  // Its end is known: not even the memory outlasts it.
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Use(made->secret()), StatusHasReason(Reason::kTokenExpired));
  EXPECT_THAT(Use(rotated->secret()), IsOk());
}

TEST_F(ApiKeysRpcTest, WithoutOverlapTheOldSecretDiesAtOnce) {
  const auto made = Create(Wish());
  ASSERT_THAT(Rotate(made->api_key().api_key_id(), 0), IsOk());
  EXPECT_THAT(Use(made->secret()), StatusHasReason(Reason::kTokenExpired));
  for (const int overlap : {-1, 604'801}) {
    EXPECT_THAT(Rotate(made->api_key().api_key_id(), overlap, "r2"),
                StatusHasReason(Reason::kInvalidField));
  }
}

TEST_F(ApiKeysRpcTest, AnExpiredKeyIsRefused) {
  v1::CreateApiKeyRequest wish = Wish();
  wish.mutable_expire_time()->set_seconds(1'800'000'010);
  const auto made = Create(wish);
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(Use(made->secret()), IsOk());
  clock_.Advance(absl::Seconds(10));
  EXPECT_THAT(Use(made->secret()), StatusHasReason(Reason::kTokenExpired));
  EXPECT_THAT(Create(wish, "key2"), StatusHasParam("expire_time"));
  wish.mutable_expire_time()->set_seconds(INT64_MAX);
  EXPECT_THAT(Create(wish, "key2"), StatusHasReason(Reason::kInvalidField));
}

TEST_F(ApiKeysRpcTest, AKeyOfTheOtherModeIsRefused) {
  const std::string live = crypto::NewApiKey(crypto::ApiKeyMode::kLive);
  EXPECT_THAT(Use(live), StatusHasReason(Reason::kApiKeyWrongMode));
  EXPECT_THAT(Use(crypto::NewApiKey(crypto::ApiKeyMode::kTest)),
              StatusHasReason(Reason::kTokenInvalid));
  // A deployment that went live on the same database has no use for its test keys.
  const auto made = Create(Wish());
  ApiKeys live_keys(key_store_, role_store_, clock_, SystemIds(), crypto::ApiKeyMode::kLive);
  for (const char* mode : {"test", "live"}) {
    EXPECT_THAT(runtime_.Run(live_keys.Verify(crypto::Sha256(made->secret()), mode)),
                StatusHasReason(Reason::kApiKeyWrongMode))
        << mode;
  }
}

TEST_F(ApiKeysRpcTest, NetworksAreCheckedAndKeptInOneForm) {
  v1::CreateApiKeyRequest wish = Wish();
  wish.add_allowed_networks("2001:DB8::/32");
  EXPECT_THAT(Create(wish)->api_key().allowed_networks(), ElementsAre("2001:db8::/32"));
  wish.add_allowed_networks("203.0.113.1/24");
  EXPECT_THAT(Create(wish, "key2"), StatusHasReason(Reason::kInvalidNetwork));
  EXPECT_THAT(Create(wish, "key2"), StatusHasParam("allowed_networks[1]"));
  wish.clear_allowed_networks();
  for (int i = 0; i < 33; ++i) wish.add_allowed_networks("10.0.0.0/8");
  EXPECT_THAT(Create(wish, "key2"), StatusHasReason(Reason::kInvalidNetwork));
}

TEST_F(ApiKeysRpcTest, OnlyListedServicesVerifyAndOnlyTheScopeMakesKeys) {
  v1::VerifyApiKeyRequest verify;
  verify.set_secret_digest(std::string(32, 'x'));
  verify.set_mode("test");
  for (const char* caller : {"gateway", "payments", "accounts"}) {
    EXPECT_THAT(runtime_.Run(Client(caller).VerifyApiKey({}, verify)),
                StatusHasReason(Reason::kTokenInvalid));
  }
  EXPECT_THAT(runtime_.Run(Client("operator").VerifyApiKey({}, verify)),
              StatusHasReason(Reason::kCallerNotAllowed));
  verify.set_secret_digest("short");
  EXPECT_THAT(runtime_.Run(Client("gateway").VerifyApiKey({}, verify)),
              StatusHasReason(Reason::kInvalidField));
  EXPECT_THAT(runtime_.Run(Client("gateway").CreateApiKey(As(ann_, "api_keys:read", "k"), Wish())),
              StatusHasReason(Reason::kScopeMissing));
  EXPECT_THAT(runtime_.Run(Client("payments").CreateApiKey(As(ann_, kWrite, "k"), Wish())),
              StatusHasReason(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace florin::auth
