// What the stores of authenticators, throttles and e-mailed tokens do, shown for those in
// PostgreSQL and the fakes.
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_authenticator_store.h"
#include "services/auth/store/fake_email_token_store.h"
#include "services/auth/store/fake_throttle_store.h"
#include "services/auth/store/pg_authenticator_store.h"
#include "services/auth/store/pg_email_token_store.h"
#include "services/auth/store/pg_store.h"
#include "services/auth/store/pg_throttle_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

// Each test makes users of its own.
testing::Postgres& Server() { return pg::TestDatabase("auth"); }

struct Fake {
  FakeStore users;
  FakeAuthenticatorStore store{users};
  FakeThrottleStore throttles{users};
  FakeEmailTokenStore tokens{users};
};

std::vector<pg::Statement> AllStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (const auto& statements : {audit::InsertStatements(), PgAuthenticatorStore::Statements(),
                                 PgThrottleStore::Statements(), PgEmailTokenStore::Statements()}) {
    all.insert(all.end(), statements.begin(), statements.end());
  }
  return all;
}

struct Real {
  pg::Pool pool{
      {.conninfo = Server().conninfo("auth"), .connections = 8, .statements = AllStatements()}};
  PgStore users{pool};
  PgAuthenticatorStore store{pool};
  PgThrottleStore throttles{pool};
  PgEmailTokenStore tokens{pool};
};

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);

template <class Kind>
class AuthenticatorStoreTest : public ::testing::Test {
 protected:
  AuthenticatorStore& store() { return kind_.store; }
  ThrottleStore& throttles() { return kind_.throttles; }
  EmailTokenStore& tokens() { return kind_.tokens; }

  template <class T>
  T Run(Task<absl::StatusOr<T>> task) {
    absl::StatusOr<T> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }
  // How many of fifty concurrent calls were told yes.
  int CountYes(const std::function<Task<absl::StatusOr<bool>>()>& call) {
    std::vector<std::future<absl::StatusOr<bool>>> answers;
    for (int i = 0; i < 50; ++i) {
      answers.push_back(asio::co_spawn(runtime_.context(), call(), asio::use_future));
    }
    int yes = 0;
    for (auto& answer : answers) yes += answer.get().value();
    return yes;
  }

  User NewUser() {
    const Uuid id = SystemIds().NewId();
    const Registration wish{.idempotency_key = id.ToString(),
                            .fingerprint = crypto::Sha256("x"),
                            .user = {.user_id = id,
                                     .email = id.ToString() + "@example.com",
                                     .password_hash = "$argon2id$first",
                                     .create_time = kNow},
                            .event = SomeEvent()};
    return *Run(kind_.users.Register(wish)).user;
  }
  TotpSecret NewTotp(const User& user) {
    return {.factor_id = SystemIds().NewId(),
            .user_id = user.user_id,
            .sealed = std::string("\0sealed\xff", 8),
            .create_time = kNow};
  }
  TotpSecret ConfirmedTotp(const User& user, std::int64_t counter) {
    TotpSecret secret = NewTotp(user);
    EXPECT_TRUE(Run(store().PutTotp(secret)));
    EXPECT_TRUE(
        Run(store().ConfirmTotp(user.user_id, secret.factor_id, counter, kNow, SomeEvent())));
    secret.confirm_time = kNow;
    return secret;
  }
  Passkey NewPasskey(const User& user, std::uint32_t sign_count = 1) {
    return {.factor_id = SystemIds().NewId(),
            .user_id = user.user_id,
            .credential_id = crypto::RandomOctets(32),
            .label = "Phone, blue",
            .key = {.algorithm = -7, .octets = std::string(64, '\0')},
            .sign_count = sign_count,
            .backup_eligible = true,
            .backed_up = false,
            .create_time = kNow + absl::Seconds(1)};
  }
  Challenge NewChallenge(std::optional<Uuid> user_id) {
    return {.challenge_id = SystemIds().NewId(),
            .purpose = "login",
            .user_id = user_id,
            .octets = crypto::RandomOctets(32),
            .expire_time = kNow + absl::Minutes(5)};
  }
  EmailToken NewToken(const User& user, EmailPurpose purpose) {
    return {.token_hash = crypto::Sha256(crypto::RandomOctets(32)),
            .purpose = purpose,
            .user_id = user.user_id,
            .email = user.email,
            .expire_time = kNow + absl::Minutes(30)};
  }
  std::vector<Lane> NewLanes(int count) {
    std::vector<Lane> lanes;
    for (int i = 0; i < count; ++i) lanes.push_back({.name = SystemIds().NewId().ToString()});
    return lanes;
  }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(AuthenticatorStoreTest, Kinds);

TYPED_TEST(AuthenticatorStoreTest, FindsAUserById) {
  const User user = this->NewUser();
  EXPECT_EQ(this->Run(this->store().FindUser(user.user_id)), user);
  EXPECT_EQ(this->Run(this->store().FindUser(SystemIds().NewId())), std::nullopt);
}

TYPED_TEST(AuthenticatorStoreTest, ALaterUnconfirmedSecretReplacesTheEarlier) {
  const User user = this->NewUser();
  EXPECT_EQ(this->Run(this->store().FindTotp(user.user_id)), std::nullopt);
  const TotpSecret first = this->NewTotp(user);
  TotpSecret second = this->NewTotp(user);
  EXPECT_TRUE(this->Run(this->store().PutTotp(first)));
  EXPECT_TRUE(this->Run(this->store().PutTotp(second)));
  EXPECT_EQ(this->Run(this->store().FindTotp(user.user_id)), second);
  EXPECT_THAT(this->Run(this->store().ListFactors(user.user_id)), IsEmpty());
  EXPECT_FALSE(
      this->Run(this->store().ConfirmTotp(user.user_id, first.factor_id, 7, kNow, SomeEvent())));
  EXPECT_TRUE(
      this->Run(this->store().ConfirmTotp(user.user_id, second.factor_id, 7, kNow, SomeEvent())));
  EXPECT_FALSE(
      this->Run(this->store().ConfirmTotp(user.user_id, second.factor_id, 8, kNow, SomeEvent())));
  second.confirm_time = kNow;
  EXPECT_EQ(this->Run(this->store().FindTotp(user.user_id)), second);
  EXPECT_FALSE(this->Run(this->store().PutTotp(first)));
}

TYPED_TEST(AuthenticatorStoreTest, ACounterCountsOnceAndNoneBeforeIt) {
  const User user = this->NewUser();
  const TotpSecret secret = this->ConfirmedTotp(user, 7);
  const auto accept = [&](std::int64_t counter) {
    return this->Run(this->store().AcceptTotp(user.user_id, secret.factor_id, counter, kNow));
  };
  EXPECT_FALSE(accept(6));
  EXPECT_FALSE(accept(7));  // The one that confirmed.
  EXPECT_TRUE(accept(9));
  EXPECT_FALSE(accept(9));
  EXPECT_FALSE(accept(8));
  EXPECT_TRUE(accept(10));
}

TYPED_TEST(AuthenticatorStoreTest, OfFiftyCallsWithOneCounterOneIsToldYes) {
  const User user = this->NewUser();
  const TotpSecret secret = this->ConfirmedTotp(user, 7);
  EXPECT_EQ(this->CountYes(
                [&] { return this->store().AcceptTotp(user.user_id, secret.factor_id, 8, kNow); }),
            1);
}

TYPED_TEST(AuthenticatorStoreTest, AnUnconfirmedOrAnothersSecretAcceptsNothing) {
  const User user = this->NewUser();
  const TotpSecret unconfirmed = this->NewTotp(user);
  this->Run(this->store().PutTotp(unconfirmed));
  EXPECT_FALSE(this->Run(this->store().AcceptTotp(user.user_id, unconfirmed.factor_id, 8, kNow)));
  const User other = this->NewUser();
  const TotpSecret secret = this->ConfirmedTotp(other, 7);
  EXPECT_FALSE(this->Run(this->store().AcceptTotp(user.user_id, secret.factor_id, 8, kNow)));
}

TYPED_TEST(AuthenticatorStoreTest, KeepsPasskeys) {
  const User user = this->NewUser();
  Passkey first = this->NewPasskey(user);
  const Passkey second = this->NewPasskey(user);
  EXPECT_TRUE(this->Run(this->store().AddPasskey(second, SomeEvent())));
  EXPECT_TRUE(this->Run(this->store().AddPasskey(first, SomeEvent())));
  EXPECT_EQ(this->Run(this->store().FindPasskey(first.credential_id)), first);
  EXPECT_EQ(this->Run(this->store().FindPasskey("nobody's")), std::nullopt);
  EXPECT_THAT(this->Run(this->store().ListPasskeys(user.user_id)), ElementsAre(first, second));
  EXPECT_THAT(this->Run(this->store().ListPasskeys(this->NewUser().user_id)), IsEmpty());
  // A credential id belongs to one user.
  Passkey taken = this->NewPasskey(this->NewUser());
  taken.credential_id = first.credential_id;
  EXPECT_FALSE(this->Run(this->store().AddPasskey(taken, SomeEvent())));
  EXPECT_EQ(this->Run(this->store().FindPasskey(first.credential_id)), first);
}

TYPED_TEST(AuthenticatorStoreTest, ASignatureCounterMustGrow) {
  const User user = this->NewUser();
  Passkey passkey = this->NewPasskey(user, 4'294'967'290u);
  this->Run(this->store().AddPasskey(passkey, SomeEvent()));
  const auto accept = [&](std::uint32_t count) {
    return this->Run(this->store().AcceptPasskey(passkey.credential_id, count, true, kNow));
  };
  EXPECT_FALSE(accept(4'294'967'290u));
  EXPECT_FALSE(accept(0));
  EXPECT_TRUE(accept(4'294'967'295u));
  EXPECT_FALSE(accept(4'294'967'295u));
  passkey.sign_count = 4'294'967'295u;
  passkey.backed_up = true;
  EXPECT_EQ(this->Run(this->store().FindPasskey(passkey.credential_id)), passkey);
  EXPECT_FALSE(this->Run(this->store().AcceptPasskey("nobody's", 1, true, kNow)));
}

TYPED_TEST(AuthenticatorStoreTest, ANullCounterStaysNull) {
  const Passkey passkey = this->NewPasskey(this->NewUser(), 0);
  this->Run(this->store().AddPasskey(passkey, SomeEvent()));
  EXPECT_TRUE(this->Run(this->store().AcceptPasskey(passkey.credential_id, 0, true, kNow)));
  EXPECT_TRUE(this->Run(this->store().AcceptPasskey(passkey.credential_id, 0, true, kNow)));
  EXPECT_TRUE(this->Run(this->store().AcceptPasskey(passkey.credential_id, 1, true, kNow)));
  EXPECT_FALSE(this->Run(this->store().AcceptPasskey(passkey.credential_id, 0, true, kNow)));
}

TYPED_TEST(AuthenticatorStoreTest, ARecoveryCodeWorksOnceAndUntilReplaced) {
  const User user = this->NewUser();
  const crypto::Digest a = crypto::Sha256("a");
  const crypto::Digest b = crypto::Sha256("b");
  const crypto::Digest c = crypto::Sha256("c");
  const auto replace = [&](std::vector<crypto::Digest> hashes) {
    this->Run(this->store().ReplaceRecoveryCodes(user.user_id, SystemIds().NewId(), hashes, kNow,
                                                 SomeEvent()));
  };
  const auto use = [&](const User& who, const crypto::Digest& hash) {
    return this->Run(this->store().UseRecoveryCode(who.user_id, hash, kNow, SomeEvent()));
  };
  EXPECT_EQ(use(user, a), std::nullopt);
  replace({a, b});
  EXPECT_EQ(use(this->NewUser(), a), std::nullopt);
  EXPECT_THAT(use(user, a), Optional(1));
  EXPECT_EQ(use(user, a), std::nullopt);
  replace({b, c});
  EXPECT_EQ(use(user, a), std::nullopt);
  EXPECT_THAT(use(user, b), Optional(1));
  EXPECT_THAT(use(user, c), Optional(0));
}

TYPED_TEST(AuthenticatorStoreTest, ListsAndRemovesFactors) {
  const User user = this->NewUser();
  const TotpSecret totp = this->ConfirmedTotp(user, 7);
  const Passkey passkey = this->NewPasskey(user);
  this->Run(this->store().AddPasskey(passkey, SomeEvent()));
  const Uuid codes = SystemIds().NewId();
  this->Run(this->store().ReplaceRecoveryCodes(user.user_id, codes,
                                               {crypto::Sha256("a"), crypto::Sha256("b")},
                                               kNow + absl::Seconds(2), SomeEvent()));
  const absl::Time used = kNow + absl::Seconds(3);
  this->Run(this->store().AcceptTotp(user.user_id, totp.factor_id, 8, used));
  this->Run(this->store().UseRecoveryCode(user.user_id, crypto::Sha256("a"), used, SomeEvent()));

  const Factor expected[] = {{.factor_id = totp.factor_id,
                              .kind = FactorKind::kTotp,
                              .create_time = kNow,
                              .last_use_time = used},
                             {.factor_id = passkey.factor_id,
                              .kind = FactorKind::kPasskey,
                              .label = "Phone, blue",
                              .create_time = kNow + absl::Seconds(1)},
                             {.factor_id = codes,
                              .kind = FactorKind::kRecoveryCodes,
                              .create_time = kNow + absl::Seconds(2),
                              .last_use_time = used,
                              .codes_left = 1}};
  EXPECT_THAT(this->Run(this->store().ListFactors(user.user_id)),
              ElementsAre(expected[0], expected[1], expected[2]));

  const User other = this->NewUser();
  for (const Factor& factor : expected) {
    EXPECT_FALSE(
        this->Run(this->store().RemoveFactor(other.user_id, factor.factor_id, SomeEvent())));
    EXPECT_TRUE(this->Run(this->store().RemoveFactor(user.user_id, factor.factor_id, SomeEvent())));
    EXPECT_FALSE(
        this->Run(this->store().RemoveFactor(user.user_id, factor.factor_id, SomeEvent())));
  }
  EXPECT_THAT(this->Run(this->store().ListFactors(user.user_id)), IsEmpty());
  EXPECT_EQ(this->Run(this->store().FindTotp(user.user_id)), std::nullopt);
  EXPECT_EQ(this->Run(this->store().FindPasskey(passkey.credential_id)), std::nullopt);
}

TYPED_TEST(AuthenticatorStoreTest, AChallengeIsTakenOnceByWhomItIsFor) {
  const User user = this->NewUser();
  const Challenge anybodys = this->NewChallenge(std::nullopt);
  const Challenge users = this->NewChallenge(user.user_id);
  const auto take = [&](const Challenge& challenge, const char* purpose,
                        std::optional<Uuid> user_id, absl::Time now) {
    return this->Run(this->store().TakeChallenge(challenge.challenge_id, purpose, user_id, now));
  };
  this->Run(this->store().PutChallenge(anybodys, kNow));
  this->Run(this->store().PutChallenge(users, kNow));
  EXPECT_EQ(take(users, "register", user.user_id, kNow), std::nullopt);
  EXPECT_EQ(take(users, "login", std::nullopt, kNow), std::nullopt);
  EXPECT_EQ(take(users, "login", this->NewUser().user_id, kNow), std::nullopt);
  EXPECT_EQ(take(anybodys, "login", user.user_id, kNow), std::nullopt);
  EXPECT_EQ(take(users, "login", user.user_id, users.expire_time), std::nullopt);
  EXPECT_EQ(take(users, "login", user.user_id, users.expire_time - absl::Microseconds(1)), users);
  EXPECT_EQ(take(users, "login", user.user_id, kNow), std::nullopt);
  EXPECT_EQ(take(anybodys, "login", std::nullopt, kNow), anybodys);
}

TYPED_TEST(AuthenticatorStoreTest, AnApprovalEndsOnce) {
  const User user = this->NewUser();
  const ApprovalRequest request{.approval_id = SystemIds().NewId(),
                                .user_id = user.user_id,
                                .octets = std::string("pay\0ann", 7),
                                .nonce = crypto::RandomOctets(32),
                                .create_time = kNow,
                                .expire_time = kNow + absl::Minutes(5)};
  EXPECT_EQ(this->Run(this->store().FindApproval(request.approval_id)), std::nullopt);
  this->Run(this->store().PutApproval(request));
  this->Run(this->store().PutApproval(request));
  EXPECT_EQ(this->Run(this->store().FindApproval(request.approval_id)), request);
  const ApprovalEnd end{.approval_id = request.approval_id,
                        .approved = true,
                        .factor_id = SystemIds().NewId(),
                        .credential = "{}",
                        .end_time = kNow};
  EXPECT_EQ(this->CountYes([&] { return this->store().EndApproval(end); }), 1);
  EXPECT_EQ(this->Run(this->store().FindApproval(request.approval_id)), std::nullopt);
}

TYPED_TEST(AuthenticatorStoreTest, ARefusedApprovalHasNoFactor) {
  const ApprovalRequest request{.approval_id = SystemIds().NewId(),
                                .user_id = this->NewUser().user_id,
                                .octets = "pay",
                                .nonce = crypto::RandomOctets(32),
                                .create_time = kNow,
                                .expire_time = kNow};
  this->Run(this->store().PutApproval(request));
  EXPECT_TRUE(
      this->Run(this->store().EndApproval({.approval_id = request.approval_id, .end_time = kNow})));
}

TYPED_TEST(AuthenticatorStoreTest, FiveAttemptsAreAdmittedHoweverManyComeAtOnce) {
  const std::vector<Lane> lanes = this->NewLanes(2);
  EXPECT_EQ(this->CountYes([&] { return this->throttles().Admit(lanes, kNow); }), 5);
  EXPECT_FALSE(this->Run(this->throttles().Admit(lanes, kNow + absl::Minutes(29))));
  EXPECT_TRUE(this->Run(this->throttles().Admit(lanes, kNow + absl::Minutes(30))));
  EXPECT_FALSE(this->Run(this->throttles().Admit(lanes, kNow + absl::Minutes(89))));
}

TYPED_TEST(AuthenticatorStoreTest, OneBlockedLaneRefusesAndTheOthersDoNotCount) {
  const std::vector<Lane> lanes = this->NewLanes(2);
  for (int i = 0; i < 5; ++i) this->Run(this->throttles().Admit({lanes[0]}, kNow));
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(this->Run(this->throttles().Admit(lanes, kNow)));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(this->Run(this->throttles().Admit({lanes[1]}, kNow)));
  EXPECT_FALSE(this->Run(this->throttles().Admit({lanes[1]}, kNow)));
}

TYPED_TEST(AuthenticatorStoreTest, ASuccessClearsALaneOrTakesOneAttemptBack) {
  std::vector<Lane> lanes = this->NewLanes(2);
  lanes[1].cleared_by_success = false;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(this->Run(this->throttles().Admit(lanes, kNow)));
  this->Run(this->throttles().Succeed(lanes));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(this->Run(this->throttles().Admit({lanes[0]}, kNow))) << i;
  }
  EXPECT_TRUE(this->Run(this->throttles().Admit({lanes[1]}, kNow)));
  EXPECT_FALSE(this->Run(this->throttles().Admit({lanes[1]}, kNow)));
  // Of lanes that were never used.
  this->Run(this->throttles().Succeed(this->NewLanes(2)));
}

TYPED_TEST(AuthenticatorStoreTest, ANetworkIsNewsOnceAndNeverTheFirst) {
  const User user = this->NewUser();
  const User other = this->NewUser();
  const auto note = [&](const User& who, const char* network) {
    return this->Run(this->throttles().NoteNetwork(who.user_id, crypto::Sha256(network), kNow));
  };
  EXPECT_FALSE(note(user, "home"));
  EXPECT_FALSE(note(user, "home"));
  EXPECT_TRUE(note(user, "away"));
  EXPECT_FALSE(note(user, "away"));
  EXPECT_FALSE(note(other, "away"));
}

TYPED_TEST(AuthenticatorStoreTest, KnowsAUsersDevices) {
  const User user = this->NewUser();
  const crypto::Digest device = crypto::Sha256(crypto::RandomOctets(32));
  const auto knows = [&](const std::string& email, const crypto::Digest& hash) {
    return this->Run(this->throttles().KnowsDevice(email, hash));
  };
  EXPECT_FALSE(knows(user.email, device));
  this->Run(this->throttles().AddDevice(user.user_id, device, kNow));
  this->Run(this->throttles().AddDevice(user.user_id, device, kNow));
  EXPECT_TRUE(knows(user.email, device));
  EXPECT_FALSE(knows(this->NewUser().email, device));
  EXPECT_FALSE(knows(user.email, crypto::Sha256("other")));
  EXPECT_FALSE(knows("nobody@example.com", device));
}

TYPED_TEST(AuthenticatorStoreTest, AnEmailTokenSetsAPasswordOnce) {
  const User user = this->NewUser();
  EmailToken token = this->NewToken(user, EmailPurpose::kPasswordReset);
  this->Run(this->tokens().Put(token));
  const auto find = [&](EmailPurpose purpose, absl::Time now) {
    return this->Run(this->tokens().Find(purpose, token.token_hash, now));
  };
  EXPECT_EQ(find(EmailPurpose::kPasswordReset, kNow), token);
  EXPECT_EQ(find(EmailPurpose::kEmailVerification, kNow), std::nullopt);
  EXPECT_EQ(find(EmailPurpose::kPasswordReset, token.expire_time), std::nullopt);
  EXPECT_FALSE(this->Run(this->tokens().SetPassword(token.token_hash, "$argon2id$late",
                                                    token.expire_time, SomeEvent())));
  EXPECT_FALSE(this->Run(this->tokens().VerifyAddress(token.token_hash, kNow, SomeEvent())));
  EXPECT_EQ(this->CountYes([&] {
    return this->tokens().SetPassword(token.token_hash, "$argon2id$second", kNow, SomeEvent());
  }),
            1);
  EXPECT_EQ(this->Run(this->store().FindUser(user.user_id))->password_hash, "$argon2id$second");
  token.use_time = kNow;
  EXPECT_EQ(find(EmailPurpose::kPasswordReset, kNow), token);
  // The same again, as after a COMMIT whose answer was lost, does not bring it back.
  token.use_time.reset();
  this->Run(this->tokens().Put(token));
  EXPECT_FALSE(this->Run(
      this->tokens().SetPassword(token.token_hash, "$argon2id$third", kNow, SomeEvent())));
}

TYPED_TEST(AuthenticatorStoreTest, ANewerTokenVoidsTheOlderOfItsPurpose) {
  const User user = this->NewUser();
  const EmailToken older = this->NewToken(user, EmailPurpose::kPasswordReset);
  const EmailToken newer = this->NewToken(user, EmailPurpose::kPasswordReset);
  const EmailToken address = this->NewToken(user, EmailPurpose::kEmailVerification);
  for (const EmailToken& token : {older, address, newer}) this->Run(this->tokens().Put(token));
  EXPECT_FALSE(
      this->Run(this->tokens().SetPassword(older.token_hash, "$argon2id$x", kNow, SomeEvent())));
  EXPECT_TRUE(
      this->Run(this->tokens().SetPassword(newer.token_hash, "$argon2id$x", kNow, SomeEvent())));
  EXPECT_TRUE(this->Run(this->tokens().VerifyAddress(address.token_hash, kNow, SomeEvent())));
  EXPECT_FALSE(this->Run(this->tokens().VerifyAddress(address.token_hash, kNow, SomeEvent())));
}

TYPED_TEST(AuthenticatorStoreTest, ATokenVerifiesTheAddressItWasSentToAndNoOther) {
  const User user = this->NewUser();
  EmailToken token = this->NewToken(user, EmailPurpose::kEmailVerification);
  token.email = "former@example.com";
  this->Run(this->tokens().Put(token));
  EXPECT_FALSE(this->Run(this->tokens().VerifyAddress(token.token_hash, kNow, SomeEvent())));
}

// Runs `statement` and takes it back: kCanceled if PostgreSQL let it, kInternal if not.
absl::StatusOr<bool> Try(const char* statement) {
  async::Runtime runtime(1);
  pg::Pool pool({.conninfo = Server().conninfo("auth"), .connections = 1});
  const std::function<absl::StatusOr<bool>(pqxx::work&)> run =
      [statement](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec(statement);
    return Error(Reason::kCanceled, "taken back");
  };
  return runtime.Run(pool.Transact<bool>(run));
}

// What was approved is evidence, and a passkey stays whose it is.
TEST(AuthenticatorGrants, TheRuntimeRoleRewritesNoEvidence) {
  EXPECT_THAT(Try("UPDATE passkeys SET sign_count = 1"), StatusHasReason(Reason::kCanceled));
  for (const char* statement :
       {"UPDATE approvals SET octets = 'x'", "DELETE FROM approvals",
        "UPDATE approval_ends SET approved = true", "DELETE FROM approval_ends",
        "UPDATE passkeys SET user_id = user_id", "UPDATE passkeys SET public_key = 'x'",
        "UPDATE recovery_codes SET code_hash = 'x'", "DELETE FROM known_devices",
        "TRUNCATE totp_secrets", "DELETE FROM email_tokens"}) {
    EXPECT_THAT(Try(statement), StatusHasReason(Reason::kInternal)) << statement;
  }
}

}  // namespace
}  // namespace florin::auth
