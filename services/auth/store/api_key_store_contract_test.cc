// What every ApiKeyStore does, shown for the one in PostgreSQL and the fake.
#include <boost/asio/use_future.hpp>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_api_key_store.h"
#include "services/auth/store/pg_api_key_store.h"
#include "services/auth/store/pg_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);

std::vector<pg::Statement> AllStatements() {
  std::vector<pg::Statement> all = PgApiKeyStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  for (pg::Statement& statement : PgStore::Statements()) all.push_back(std::move(statement));
  return all;
}

struct Fake {
  FakeApiKeyStore store;
  void AddUser(async::Runtime&, const Uuid&) {}
};

struct Real {
  pg::Pool pool{{.conninfo = pg::TestDatabase("auth").conninfo("auth"),
                 .connections = 4,
                 .statements = AllStatements()}};
  PgApiKeyStore store{pool};

  void AddUser(async::Runtime& runtime, const Uuid& user_id) {
    PgStore users(pool);
    const std::string name = user_id.ToString();
    Registration registration{.idempotency_key = "key of " + name,
                              .fingerprint = crypto::Sha256(name),
                              .user = {.user_id = user_id,
                                       .email = name + "@example.com",
                                       .password_hash = "$argon2id$x",
                                       .create_time = kNow}};
    registration.event = SomeEvent();
    ASSERT_THAT(runtime.Run(users.Register(std::move(registration))), IsOk());
  }
};

template <class Kind>
class ApiKeyStoreContractTest : public ::testing::Test {
 protected:
  ApiKeyStoreContractTest() {
    kind_.AddUser(runtime_, ann_);
    kind_.AddUser(runtime_, bob_);
  }

  ApiKeyStore& store() { return kind_.store; }

  ApiKey Wish(const Uuid& user_id) {
    return {.api_key_id = SystemIds().NewId(),
            .user_id = user_id,
            .display_name = "Build \"server\", Käse",
            .mode = "test",
            .scopes = {"accounts:read", "payments:write"},
            .allowed_networks = {"203.0.113.0/24", "2001:db8::/32"},
            .created_by = "usr_ann",
            .create_time = kNow,
            .expire_time = kNow + absl::Hours(1)};
  }
  NewSecret Secret(absl::Time create_time = kNow) {
    const std::string name = SystemIds().NewId().ToString();
    secrets_.push_back(crypto::Sha256(name));
    return {.digest = secrets_.back(),
            .prefix = "flk_test_" + name.substr(28, 8),
            .create_time = create_time};
  }
  static SecretRequest Request(const std::string& key, const std::string& content = "same") {
    return {.idempotency_key = key, .fingerprint = crypto::Sha256(content)};
  }

  StoredApiKey Create(const ApiKey& key, const NewSecret& secret, const SecretRequest& request) {
    auto stored = runtime_.Run(store().Create(key, secret, request));
    EXPECT_THAT(stored, IsOk());
    return *std::move(stored);
  }
  // A key of Ann's.
  ApiKey Created(const std::string& idempotency_key = "key") {
    return Create(Wish(ann_), Secret(), Request(idempotency_key)).key;
  }
  absl::StatusOr<StoredApiKey> Rotate(const Uuid& user, const ApiKey& key, const NewSecret& secret,
                                      absl::Time others_expire, const SecretRequest& request) {
    return runtime_.Run(store().Rotate(user, key.api_key_id, secret, others_expire, request));
  }
  std::optional<FoundApiKey> Find(const crypto::Digest& digest) {
    auto found = runtime_.Run(store().FindBySecret(digest));
    EXPECT_THAT(found, IsOk());
    return *std::move(found);
  }
  std::vector<ApiKey> List(const Uuid& user_id, std::optional<Uuid> after = {}, int limit = 10) {
    auto keys = runtime_.Run(store().List(user_id, after, limit));
    EXPECT_THAT(keys, IsOk());
    return *std::move(keys);
  }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;
  const Uuid ann_ = SystemIds().NewId();
  const Uuid bob_ = SystemIds().NewId();
  std::vector<crypto::Digest> secrets_;  // In the order in which they were made.
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(ApiKeyStoreContractTest, Kinds);

TYPED_TEST(ApiKeyStoreContractTest, KeepsAKeyWithItsSecret) {
  const ApiKey wish = this->Wish(this->ann_);
  const NewSecret secret = this->Secret();
  const StoredApiKey stored = this->Create(wish, secret, this->Request("key"));
  EXPECT_TRUE(stored.made);
  EXPECT_TRUE(stored.same_request);
  ApiKey expected = wish;
  expected.secrets = {{.prefix = secret.prefix, .create_time = kNow}};
  EXPECT_EQ(stored.key, expected);
  const auto found = this->Find(secret.digest);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->key, expected);
  EXPECT_EQ(found->secret_expire_time, std::nullopt);
  EXPECT_THAT(this->List(this->ann_), ElementsAre(expected));
  EXPECT_FALSE(this->Find(crypto::Sha256("another")).has_value());
}

TYPED_TEST(ApiKeyStoreContractTest, ARequestMakesOneKeyAndOneSecret) {
  const ApiKey wish = this->Wish(this->ann_);
  const NewSecret secret = this->Secret();
  const ApiKey first = this->Create(wish, secret, this->Request("key")).key;
  // As after a COMMIT whose answer was lost.
  EXPECT_TRUE(this->Create(wish, secret, this->Request("key")).made);
  const NewSecret later = this->Secret();
  const StoredApiKey replay = this->Create(this->Wish(this->ann_), later, this->Request("key"));
  EXPECT_FALSE(replay.made);
  EXPECT_TRUE(replay.same_request);
  EXPECT_EQ(replay.key, first);
  EXPECT_FALSE(this->Find(later.digest).has_value());
  const StoredApiKey other =
      this->Create(this->Wish(this->ann_), this->Secret(), this->Request("key", "other"));
  EXPECT_FALSE(other.same_request);
  EXPECT_EQ(this->List(this->ann_).size(), 1u);
  // Keys of requests are each user's own.
  EXPECT_TRUE(this->Create(this->Wish(this->bob_), this->Secret(), this->Request("key")).made);
}

TYPED_TEST(ApiKeyStoreContractTest, ARotationLetsTheOldSecretLiveOn) {
  const ApiKey key = this->Created();
  const absl::Time later = kNow + absl::Minutes(1);
  const absl::Time end = later + absl::Minutes(5);
  const NewSecret secret = this->Secret(later);
  const auto rotated = this->Rotate(this->ann_, key, secret, end, this->Request("r"));
  ASSERT_THAT(rotated, IsOk());
  EXPECT_TRUE(rotated->made);
  ASSERT_EQ(rotated->key.secrets.size(), 2u);
  EXPECT_EQ(rotated->key.secrets[0], (ApiKeySecret{.prefix = secret.prefix, .create_time = later}));
  EXPECT_EQ(rotated->key.secrets[1].expire_time, end);
  EXPECT_EQ(this->Find(this->secrets_[0])->secret_expire_time, end);
  EXPECT_EQ(this->Find(this->secrets_[1])->secret_expire_time, std::nullopt);

  // A second one cuts none longer, and the first secret keeps its end.
  const auto again =
      this->Rotate(this->ann_, key, this->Secret(later), end + absl::Hours(1), this->Request("r2"));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(this->Find(this->secrets_[0])->secret_expire_time, end);
  EXPECT_EQ(this->Find(this->secrets_[1])->secret_expire_time, end + absl::Hours(1));
}

TYPED_TEST(ApiKeyStoreContractTest, ARotationIsMadeOnceForEachRequest) {
  const ApiKey key = this->Created();
  const NewSecret secret = this->Secret();
  const auto first = this->Rotate(this->ann_, key, secret, kNow, this->Request("r"));
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(this->Rotate(this->ann_, key, secret, kNow, this->Request("r"))->made);
  const auto replay =
      this->Rotate(this->ann_, key, this->Secret(), kNow - absl::Hours(1), this->Request("r"));
  ASSERT_THAT(replay, IsOk());
  EXPECT_FALSE(replay->made);
  EXPECT_EQ(replay->key, first->key);
  EXPECT_FALSE(
      this->Rotate(this->ann_, key, this->Secret(), kNow, this->Request("r", "x"))->same_request);
  // The key of the creating request is another method's.
  EXPECT_TRUE(this->Rotate(this->ann_, key, this->Secret(), kNow, this->Request("key"))->made);
}

TYPED_TEST(ApiKeyStoreContractTest, NobodyTouchesAnothersKey) {
  const ApiKey key = this->Created();
  EXPECT_THAT(this->Rotate(this->bob_, key, this->Secret(), kNow, this->Request("r")),
              StatusHasReason(Reason::kApiKeyNotFound));
  EXPECT_THAT(
      this->runtime_.Run(this->store().Revoke(this->bob_, key.api_key_id, kNow, audit::Origin())),
      StatusHasReason(Reason::kApiKeyNotFound));
  EXPECT_TRUE(this->List(this->bob_).empty());
  EXPECT_EQ(this->Find(this->secrets_[0])->key, key);
}

TYPED_TEST(ApiKeyStoreContractTest, ARevocationIsForEver) {
  const ApiKey key = this->Created();
  for (const absl::Duration later : {absl::Seconds(1), absl::Seconds(2)}) {
    const auto revoked = this->runtime_.Run(
        this->store().Revoke(this->ann_, key.api_key_id, kNow + later, audit::Origin()));
    ASSERT_THAT(revoked, IsOk());
    EXPECT_EQ(revoked->revoke_time, kNow + absl::Seconds(1));
  }
  EXPECT_TRUE(this->Find(this->secrets_[0])->key.revoke_time.has_value());
  EXPECT_THAT(this->Rotate(this->ann_, key, this->Secret(), kNow, this->Request("r")),
              StatusHasReason(Reason::kApiKeyRevoked));
}

TYPED_TEST(ApiKeyStoreContractTest, AReplayedRotationIsAnsweredAfterTheKeysEnd) {
  const ApiKey key = this->Created();
  ASSERT_THAT(this->Rotate(this->ann_, key, this->Secret(), kNow, this->Request("r")), IsOk());
  ASSERT_THAT(
      this->runtime_.Run(this->store().Revoke(this->ann_, key.api_key_id, kNow, audit::Origin())),
      IsOk());
  EXPECT_THAT(this->Rotate(this->ann_, key, this->Secret(), kNow, this->Request("r")), IsOk());
  EXPECT_THAT(this->Rotate(this->ann_, key, this->Secret(), kNow, this->Request("r2")),
              StatusHasReason(Reason::kApiKeyRevoked));
}

TYPED_TEST(ApiKeyStoreContractTest, AnExpiredKeyIsNotRotated) {
  const ApiKey key = this->Created();
  EXPECT_THAT(
      this->Rotate(this->ann_, key, this->Secret(*key.expire_time), kNow, this->Request("r")),
      StatusHasReason(Reason::kApiKeyRevoked));
}

TYPED_TEST(ApiKeyStoreContractTest, RotationsAtOnceAreAllMadeAndOnceEach) {
  const ApiKey key = this->Created();
  std::vector<std::future<absl::StatusOr<StoredApiKey>>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(
        asio::co_spawn(this->runtime_.context(),
                       this->store().Rotate(this->ann_, key.api_key_id, this->Secret(), kNow,
                                            this->Request("r" + std::to_string(i % 4))),
                       asio::use_future));
  }
  int made = 0;
  for (auto& answer : answers) {
    const auto stored = answer.get();
    ASSERT_THAT(stored, IsOk());
    made += stored->made;
  }
  EXPECT_EQ(made, 4);
  const ApiKey rotated = this->List(this->ann_).front();
  EXPECT_EQ(rotated.secrets.size(), 5u);
  int unlimited = 0;
  for (const ApiKeySecret& secret : rotated.secrets) unlimited += !secret.expire_time;
  EXPECT_EQ(unlimited, 1);
}

TYPED_TEST(ApiKeyStoreContractTest, ListsByPages) {
  std::vector<Uuid> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(this->Created("key" + std::to_string(i)).api_key_id);
  }
  std::sort(ids.begin(), ids.end());
  const auto first = this->List(this->ann_, {}, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].api_key_id, ids[0]);
  EXPECT_EQ(first[1].api_key_id, ids[1]);
  EXPECT_EQ(first[1].secrets.size(), 1u);
  const auto second = this->List(this->ann_, ids[1], 2);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].api_key_id, ids[2]);
}

TYPED_TEST(ApiKeyStoreContractTest, NotesAUseOnceAMinute) {
  const ApiKey key = this->Created();
  const std::pair<absl::Duration, absl::Duration> uses[] = {
      {absl::ZeroDuration(), absl::ZeroDuration()},
      {absl::Seconds(59), absl::ZeroDuration()},
      {absl::Seconds(60), absl::Seconds(60)},
      {absl::Seconds(1), absl::Seconds(60)},
      {absl::Hours(1), absl::Hours(1)},
  };
  for (const auto& [at, noted] : uses) {
    ASSERT_THAT(this->runtime_.Run(this->store().NoteUse(key.api_key_id, kNow + at)), IsOk());
    EXPECT_EQ(this->List(this->ann_).front().last_use_time, kNow + noted) << at;
  }
}

}  // namespace
}  // namespace florin::auth
