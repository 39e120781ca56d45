// What every SessionStore and LoginStore does, shown for those in PostgreSQL and the fakes.
#include <memory>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_login_store.h"
#include "services/auth/store/fake_session_store.h"
#include "services/auth/store/pg_login_store.h"
#include "services/auth/store/pg_session_store.h"
#include "services/auth/store/pg_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

const absl::Time kStart = absl::FromUnixMicros(1'800'000'000'123'456);

// Each test uses users and secrets of its own.
testing::Postgres& Server() { return pg::TestDatabase("auth"); }

std::vector<pg::Statement> Statements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (const auto& more :
       {audit::InsertStatements(), PgSessionStore::Statements(), PgLoginStore::Statements()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

struct Fake {
  FakeSessionStore sessions;
  FakeLoginStore logins;
  Uuid NewUser(async::Runtime&) { return SystemIds().NewId(); }
};

struct Real {
  pg::Pool pool{
      {.conninfo = Server().conninfo("auth"), .connections = 2, .statements = Statements()}};
  PgSessionStore sessions{pool};
  PgLoginStore logins{pool};
  PgStore users{pool};

  Uuid NewUser(async::Runtime& runtime) {
    const Uuid id = SystemIds().NewId();
    const Registration wish = {.idempotency_key = id.ToString(),
                               .fingerprint = crypto::Sha256("x"),
                               .user = {.user_id = id,
                                        .email = id.ToString() + "@example.com",
                                        .password_hash = "$argon2id$x",
                                        .create_time = kStart},
                               .event = SomeEvent()};
    EXPECT_THAT(runtime.Run(users.Register(wish)), IsOk());
    return id;
  }
};

template <class Kind>
class SessionStoreContractTest : public ::testing::Test {
 protected:
  SessionStoreContractTest() : user_(NewUser()) {}

  Uuid NewUser() { return kind_.NewUser(runtime_); }
  SessionStore& sessions() { return kind_.sessions; }
  LoginStore& logins() { return kind_.logins; }
  template <class T>
  T Ok(Task<absl::StatusOr<T>> task) {
    absl::StatusOr<T> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }
  crypto::Digest Secret(const std::string& name) const {
    return crypto::Sha256(name + user_.ToString());
  }
  Session NewSession(absl::Time time = kStart) const {
    return {.session_id = SystemIds().NewId(),
            .user_id = user_,
            .proofs = {Proof::kPassword},
            .create_time = time,
            .auth_time = time,
            .active_time = time,
            .client_address = "192.0.2.1",
            .user_agent = "Browser/1.0"};
  }
  Session Started(const std::string& secret, absl::Time time = kStart) {
    const Session session = NewSession(time);
    EXPECT_TRUE(Ok(sessions().Insert(session, Secret(secret), absl::UnixEpoch(), SomeEvent())));
    return session;
  }
  std::optional<Session> Find(const std::string& secret) {
    return Ok(sessions().Find(Secret(secret)));
  }
  Login NewLogin() const {
    Login login;
    login.request_uri = "urn:ietf:params:oauth:request_uri:abc";
    login.client_id = "client";
    login.demand = Strength::kTwoFactors;
    login.create_time = kStart;
    return login;
  }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;
  const Uuid user_;
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(SessionStoreContractTest, Kinds);

TYPED_TEST(SessionStoreContractTest, FindsASessionByItsSecretOnly) {
  const Session session = this->Started("a");
  EXPECT_EQ(this->Find("a"), session);
  EXPECT_EQ(this->Find("b"), std::nullopt);
  // As after a COMMIT whose answer was lost.
  this->Ok(this->sessions().Insert(session, this->Secret("a"), absl::UnixEpoch(), SomeEvent()));
  EXPECT_EQ(this->Ok(this->sessions().List(this->user_)).size(), 1u);
}

TYPED_TEST(SessionStoreContractTest, ANewSecretReplacesTheOldOne) {
  Session session = this->Started("a");
  session.proofs = {Proof::kPassword, Proof::kTotp};
  session.auth_time = session.active_time = kStart + absl::Minutes(7);
  session.client_address = "2001:db8::1";
  const auto renew = [&](const char* from, const char* to) {
    return this->Ok(this->sessions().Renew(this->Secret(from), this->Secret(to), session));
  };
  EXPECT_TRUE(renew("a", "b"));
  EXPECT_EQ(this->Find("a"), std::nullopt);
  EXPECT_EQ(this->Find("b"), session);
  EXPECT_TRUE(renew("a", "b"));  // The same again: its COMMIT's answer was lost.
  EXPECT_FALSE(renew("a", "c"));
  EXPECT_EQ(this->Find("b"), session);
}

TYPED_TEST(SessionStoreContractTest, ActivityMovesForwardOnly) {
  Session session = this->Started("a");
  const auto touch = [&](const char* secret, absl::Duration after) {
    return this->Ok(this->sessions().Touch(this->Secret(secret), kStart + after));
  };
  EXPECT_TRUE(touch("a", absl::Seconds(10)));
  EXPECT_TRUE(touch("a", absl::Seconds(5)));
  EXPECT_FALSE(touch("b", absl::Seconds(5)));
  session.active_time = kStart + absl::Seconds(10);
  EXPECT_EQ(this->Find("a"), session);
}

TYPED_TEST(SessionStoreContractTest, ListsAUsersSessionsLatestActiveFirst) {
  const Session older = this->Started("a");
  const Session newer = this->Started("b", kStart + absl::Seconds(1));
  EXPECT_EQ(this->Ok(this->sessions().List(this->user_)), (std::vector<Session>{newer, older}));
  EXPECT_TRUE(this->Ok(this->sessions().List(this->NewUser())).empty());
}

TYPED_TEST(SessionStoreContractTest, EndsOneOfTheUsersOwn) {
  const Session session = this->Started("a");
  EXPECT_FALSE(this->Ok(this->sessions().End(this->NewUser(), session.session_id, SomeEvent())));
  EXPECT_EQ(this->Find("a"), session);
  EXPECT_TRUE(this->Ok(this->sessions().End(this->user_, session.session_id, SomeEvent())));
  EXPECT_EQ(this->Find("a"), std::nullopt);
  EXPECT_FALSE(this->Ok(this->sessions().End(this->user_, session.session_id, SomeEvent())));
}

TYPED_TEST(SessionStoreContractTest, EndsAllOthersOrAll) {
  this->Started("a");
  const Session mine = this->Started("b");
  this->Started("c");
  EXPECT_EQ(this->Ok(this->sessions().EndOthers(this->user_, mine.session_id, SomeEvent())), 2);
  EXPECT_EQ(this->Find("a"), std::nullopt);
  EXPECT_EQ(this->Find("b"), mine);
  EXPECT_EQ(this->Ok(this->sessions().EndOthers(this->user_, std::nullopt, SomeEvent())), 1);
  EXPECT_EQ(this->Find("b"), std::nullopt);
}

TYPED_TEST(SessionStoreContractTest, ForgetsExpiredOnesOfTheSameUser) {
  this->Started("a");
  this->Ok(this->sessions().Insert(this->NewSession(kStart + absl::Hours(13)), this->Secret("b"),
                                   kStart + absl::Hours(1), SomeEvent()));
  EXPECT_EQ(this->Find("a"), std::nullopt);
  EXPECT_NE(this->Find("b"), std::nullopt);
}

TYPED_TEST(SessionStoreContractTest, KeepsALoginAndReplacesItOnce) {
  Login login = this->NewLogin();
  this->Ok(this->logins().Insert(login, this->Secret("a"), absl::UnixEpoch()));
  EXPECT_EQ(this->Ok(this->logins().Find(this->Secret("a"))), login);
  EXPECT_TRUE(this->Ok(this->logins().NoteCeremony(this->Secret("a"), "chl_1")));
  login.ceremony = "chl_1";
  EXPECT_EQ(this->Ok(this->logins().Find(this->Secret("a"))), login);

  login.step = LoginStep::kSecond;
  login.user_id = this->user_;
  login.proofs = {Proof::kPassword};
  login.auth_time = kStart + absl::Seconds(9);
  login.ceremony = "";
  const auto replace = [&](const char* from, const char* to) {
    return this->Ok(this->logins().Replace(this->Secret(from), this->Secret(to), login));
  };
  EXPECT_TRUE(replace("a", "b"));
  EXPECT_EQ(this->Ok(this->logins().Find(this->Secret("a"))), std::nullopt);
  EXPECT_EQ(this->Ok(this->logins().Find(this->Secret("b"))), login);
  EXPECT_TRUE(replace("a", "b"));
  EXPECT_FALSE(replace("a", "c"));
  EXPECT_FALSE(this->Ok(this->logins().NoteCeremony(this->Secret("a"), "chl_2")));

  EXPECT_TRUE(this->Ok(this->logins().Remove(this->Secret("b"))));
  EXPECT_FALSE(this->Ok(this->logins().Remove(this->Secret("b"))));
}

TYPED_TEST(SessionStoreContractTest, ForgetsLoginsThatNobodyFinished) {
  Login old = this->NewLogin();
  old.create_time = kStart - absl::Hours(1000);
  this->Ok(this->logins().Insert(old, this->Secret("a"), absl::UnixEpoch()));
  this->Ok(this->logins().Insert(this->NewLogin(), this->Secret("b"), kStart - absl::Hours(999)));
  EXPECT_EQ(this->Ok(this->logins().Find(this->Secret("a"))), std::nullopt);
  EXPECT_NE(this->Ok(this->logins().Find(this->Secret("b"))), std::nullopt);
}

}  // namespace
}  // namespace florin::auth
