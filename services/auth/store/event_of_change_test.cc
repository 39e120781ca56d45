// In PostgreSQL: a change and its event are one, and what did not happen has no event.
#include <string>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/clock/clock.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/pg_api_key_store.h"
#include "services/auth/store/pg_approval_store.h"
#include "services/auth/store/pg_authenticator_store.h"
#include "services/auth/store/pg_oauth_store.h"
#include "services/auth/store/pg_proposal_store.h"
#include "services/auth/store/pg_session_store.h"
#include "services/auth/store/pg_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

florin::testing::Postgres& Server() { return pg::TestDatabase("auth"); }

std::vector<pg::Statement> Statements() {
  std::vector<pg::Statement> all = audit::InsertStatements();
  for (const auto& more :
       {PgStore::Statements(), PgAuthenticatorStore::Statements(), PgOAuthStore::Statements(),
        PgSessionStore::Statements(), PgApiKeyStore::Statements(), PgProposalStore::Statements(),
        PgApprovalStore::Statements()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);

class EventOfChangeTest : public ::testing::Test {
 protected:
  EventOfChangeTest() {
    Registration registration{.idempotency_key = user_id_.ToString(),
                              .fingerprint = crypto::Sha256("x"),
                              .user = {.user_id = user_id_,
                                       .email = user_id_.ToString() + "@example.com",
                                       .password_hash = "$argon2id$x",
                                       .create_time = kNow},
                              .event = SomeEvent()};
    Run(users_.Register(registration));
    shop_.client_id = "shop-" + user_id_.ToString();
    shop_.client_name = "Shop";
    shop_.redirect_uris = {"https://shop.example/back"};
    shop_.auth_method = ClientAuthMethod::kPrivateKeyJwt;
    shop_.jwks = R"({"keys":[]})";
    shop_.grant_types = {"authorization_code", "refresh_token"};
    shop_.scopes = {"payments:read"};
    shop_.create_time = kNow;
  }

  template <class T>
  T Run(Task<absl::StatusOr<T>> task) {
    absl::StatusOr<T> result = runtime_.Run(std::move(task));
    EXPECT_THAT(result, IsOk());
    return *std::move(result);
  }

  // "", "allowed", or the reason of the refusal.
  std::string Recorded(const audit::Event& event) {
    std::function<absl::StatusOr<std::string>(pqxx::work&)> look =
        [&event](pqxx::work& transaction) -> absl::StatusOr<std::string> {
      const pqxx::result rows = transaction.exec_params(
          "SELECT CASE WHEN allowed THEN 'allowed' ELSE reason END FROM audit_events "
          "WHERE event_id = $1::uuid",
          event.event_id.ToString());
      return rows.empty() ? std::string() : std::string(rows[0][0].c_str());
    };
    return runtime_.Run(pool_.Transact<std::string>(std::move(look))).value();
  }

  int CountOf(const std::string& action, const std::string& subject) {
    std::function<absl::StatusOr<int>(pqxx::work&)> look =
        [&](pqxx::work& transaction) -> absl::StatusOr<int> {
      return transaction
          .exec_params("SELECT count(*) FROM audit_events WHERE action = $1 AND subject = $2",
                       action, subject)[0][0]
          .as<int>();
    };
    return runtime_.Run(pool_.Transact<int>(std::move(look))).value();
  }

  // A code of a new grant, good for a minute.
  Grant GrantWithCode(const crypto::Digest& code) {
    const PushedRequest pushed{.request_uri = crypto::Sha256(SystemIds().NewId().ToString()),
                               .client_id = shop_.client_id,
                               .request = {.redirect_uri = "https://shop.example/back",
                                           .scopes = {"payments:read"},
                                           .code_challenge = std::string(43, 'c')},
                               .expires_at = kNow + absl::Minutes(1)};
    Run(oauth_.PushRequest(pushed));
    const Grant grant{.grant_id = SystemIds().NewId(),
                      .client_id = shop_.client_id,
                      .user_id = user_id_,
                      .session_id = "ses_1",
                      .auth_time = kNow,
                      .acr = "urn:florin:acr:pwd",
                      .amr = {"pwd"},
                      .scopes = {"payments:read"},
                      .create_time = kNow};
    const Code redeemable{.code = code,
                          .grant_id = grant.grant_id,
                          .redirect_uri = "https://shop.example/back",
                          .code_challenge = std::string(43, 'c'),
                          .expires_at = kNow + absl::Minutes(1)};
    const audit::Event granted = SomeEvent();
    EXPECT_TRUE(Run(oauth_.GrantRequest(pushed.request_uri, grant, redeemable, granted)));
    EXPECT_EQ(Recorded(granted), "allowed");
    const audit::Event again = SomeEvent();
    Grant other = grant;
    other.grant_id = SystemIds().NewId();
    EXPECT_FALSE(Run(oauth_.GrantRequest(pushed.request_uri, other, redeemable, again)));
    EXPECT_EQ(Recorded(again), "");
    return grant;
  }
  IssuedAccessToken NewToken(const Grant& grant) const {
    return {.token_id = SystemIds().NewId(),
            .grant_id = grant.grant_id,
            .client_id = shop_.client_id,
            .expires_at = kNow + absl::Minutes(5)};
  }

  async::Runtime runtime_{2};
  pg::Pool pool_{
      {.conninfo = Server().conninfo("auth"), .connections = 2, .statements = Statements()}};
  PgStore users_{pool_};
  PgAuthenticatorStore factors_{pool_};
  PgOAuthStore oauth_{pool_};
  PgSessionStore sessions_{pool_};
  PgApiKeyStore keys_{pool_};
  PgProposalStore proposals_{pool_};
  PgApprovalStore approvals_{pool_};
  const Uuid user_id_ = SystemIds().NewId();
  Client shop_;
};

TEST_F(EventOfChangeTest, OfFactors) {
  Passkey passkey;
  passkey.factor_id = SystemIds().NewId();
  passkey.user_id = user_id_;
  passkey.credential_id = crypto::RandomOctets(16);
  passkey.label = "phone";
  passkey.key = {.algorithm = -7, .octets = std::string(65, 'k')};
  passkey.create_time = kNow;
  const audit::Event added = SomeEvent();
  const audit::Event twice = SomeEvent();
  EXPECT_TRUE(Run(factors_.AddPasskey(passkey, added)));
  passkey.factor_id = SystemIds().NewId();
  EXPECT_FALSE(Run(factors_.AddPasskey(passkey, twice)));
  EXPECT_EQ(Recorded(added), "allowed");
  EXPECT_EQ(Recorded(twice), "");
  const audit::Event nothing = SomeEvent();
  EXPECT_FALSE(Run(factors_.RemoveFactor(user_id_, SystemIds().NewId(), nothing)));
  EXPECT_EQ(Recorded(nothing), "");
  const audit::Event no_code = SomeEvent();
  EXPECT_EQ(Run(factors_.UseRecoveryCode(user_id_, crypto::Sha256("none"), kNow, no_code)),
            std::nullopt);
  EXPECT_EQ(Recorded(no_code), "");
}

TEST_F(EventOfChangeTest, OfSessionsThatEnd) {
  Session session{.session_id = SystemIds().NewId(),
                  .user_id = user_id_,
                  .proofs = {Proof::kPassword},
                  .create_time = kNow,
                  .auth_time = kNow,
                  .active_time = kNow};
  for (const bool all : {false, true}) {
    session.session_id = SystemIds().NewId();
    Run(sessions_.Insert(session, crypto::Sha256(session.session_id.ToString()), absl::UnixEpoch(),
                         SomeEvent()));
    const audit::Event ended = SomeEvent();
    const audit::Event again = SomeEvent();
    for (const audit::Event& event : {ended, again}) {
      if (all) {
        Run(sessions_.EndOthers(user_id_, std::nullopt, event));
      } else {
        Run(sessions_.End(user_id_, session.session_id, event));
      }
    }
    EXPECT_EQ(Recorded(ended), "allowed");
    EXPECT_EQ(Recorded(again), "");
  }
}

TEST_F(EventOfChangeTest, OfClients) {
  const audit::Event made = SomeEvent();
  const audit::Event again = SomeEvent();
  Run(oauth_.RegisterClient(shop_, made));
  Run(oauth_.RegisterClient(shop_, again));
  EXPECT_EQ(Recorded(made), "allowed");
  EXPECT_EQ(Recorded(again), "");
  const audit::Event nobody = SomeEvent();
  EXPECT_EQ(Run(oauth_.DisableClient("nobody", kNow, nobody)), std::nullopt);
  EXPECT_EQ(Recorded(nobody), "");
}

TEST_F(EventOfChangeTest, AReusedCodeIsARefusalOnRecord) {
  Run(oauth_.RegisterClient(shop_, SomeEvent()));
  const crypto::Digest code = crypto::Sha256(SystemIds().NewId().ToString());
  const Grant grant = GrantWithCode(code);
  const audit::Event issued = SomeEvent();
  const audit::Event reused = SomeEvent();
  const audit::Event unknown = SomeEvent();
  EXPECT_EQ(Run(oauth_.RedeemCode(code, NewToken(grant), std::nullopt, kNow, issued)),
            Redemption::kDone);
  EXPECT_EQ(Run(oauth_.RedeemCode(code, NewToken(grant), std::nullopt, kNow, reused)),
            Redemption::kReused);
  EXPECT_EQ(
      Run(oauth_.RedeemCode(crypto::Sha256("none"), NewToken(grant), std::nullopt, kNow, unknown)),
      Redemption::kRefused);
  EXPECT_EQ(Recorded(issued), "allowed");
  EXPECT_EQ(Recorded(reused), "invalid_grant");
  EXPECT_EQ(Recorded(unknown), "");
}

TEST_F(EventOfChangeTest, OfApiKeysOnceHoweverOftenTheyAreSent) {
  const ApiKey key{.api_key_id = SystemIds().NewId(),
                   .user_id = user_id_,
                   .display_name = "till",
                   .mode = "test",
                   .scopes = {"payments:read"},
                   .created_by = FormatId(IdKind::kUser, user_id_),
                   .create_time = kNow};
  const SecretRequest request{.idempotency_key = "key", .fingerprint = crypto::Sha256("wish")};
  const NewSecret secret{.digest = crypto::Sha256(key.api_key_id.ToString()),
                         .prefix = "flk_test_12345678",
                         .create_time = kNow};
  const std::string id = FormatId(IdKind::kApiKey, key.api_key_id);
  for (int i = 0; i < 2; ++i) {
    Run(keys_.Create(key, secret, request));
    Run(keys_.Revoke(user_id_, key.api_key_id, kNow, audit::Origin()));
  }
  EXPECT_EQ(CountOf("auth.api_key.create", id), 1);
  EXPECT_EQ(CountOf("auth.api_key.revoke", id), 1);
}

TEST_F(EventOfChangeTest, OfProposalsByEachWhoDecided) {
  Proposal proposal{.proposal_id = SystemIds().NewId(),
                    .kind = "roles.assign",
                    .payload = "{}",
                    .payload_digest = std::string(64, 'a'),
                    .maker = FormatId(IdKind::kUser, user_id_),
                    .people_needed = 2,
                    .create_time = kNow,
                    .expire_time = kNow + absl::Hours(24)};
  const std::string id = FormatId(IdKind::kProposal, proposal.proposal_id);
  Run(proposals_.Insert(proposal, {.idempotency_key = id, .fingerprint = crypto::Sha256("x")}));
  EXPECT_EQ(CountOf("auth.proposal.create", id), 1);
  const std::string checker = FormatId(IdKind::kUser, SystemIds().NewId());
  const ProposalStore::Decision approve = [&](Proposal before) {
    return Approve(std::move(before), checker, std::string(64, 'a'), kNow);
  };
  const ProposalStore::Decision by_maker = [&](Proposal before) {
    return Approve(std::move(before), proposal.maker, std::string(64, 'a'), kNow);
  };
  const auto refused =
      runtime_.Run(proposals_.Decide(proposal.proposal_id, by_maker, audit::Origin()));
  EXPECT_THAT(refused, StatusHasReason(Reason::kSelfApproval));
  EXPECT_EQ(CountOf("auth.proposal.approve", id), 0);
  for (int i = 0; i < 2; ++i) {
    Run(proposals_.Decide(proposal.proposal_id, approve, audit::Origin()));
  }
  EXPECT_EQ(CountOf("auth.proposal.approve", id), 1);
}

TEST_F(EventOfChangeTest, OfAnApprovalThatBecameVoidAsARefusal) {
  const PaymentApproval approval{
      .approval_id = SystemIds().NewId(),
      .user_id = user_id_,
      .payment_id = SystemIds().NewId(),
      .amount = {.minor_units = 100, .currency = *Currency::Parse("EUR")},
      .payee_account_id = SystemIds().NewId(),
      .payee_name = "Shop",
      .nonce = std::string(32, 'n'),
      .expire_time = kNow + absl::Minutes(5),
      .create_time = kNow};
  Run(approvals_.InsertApproval(approval));
  const std::string id = FormatId(IdKind::kApproval, approval.approval_id);
  const ApprovalStore::Rule give = [](PaymentApproval& kept) { return Approve(kept, kNow); };
  Run(approvals_.UpdateApproval(approval.approval_id, give, audit::Origin()));
  EXPECT_EQ(CountOf("auth.approval.approve", id), 1);
  const ApprovalStore::Rule alter = [&](PaymentApproval& kept) {
    return Redeem(kept, approval.payment_id, false, false, kNow);
  };
  EXPECT_THAT(runtime_.Run(approvals_.UpdateApproval(approval.approval_id, alter, audit::Origin())),
              StatusHasReason(Reason::kApprovalMismatch));
  EXPECT_EQ(CountOf("auth.approval.redeem", id), 1);
}

TEST_F(EventOfChangeTest, OfSessions) {
  Session session;
  session.session_id = SystemIds().NewId();
  session.user_id = user_id_;
  session.proofs = {Proof::kPassword};
  session.create_time = session.auth_time = session.active_time = kNow;
  const audit::Event begun = SomeEvent();
  EXPECT_TRUE(Run(sessions_.Insert(session, crypto::Sha256(session.session_id.ToString()),
                                   absl::UnixEpoch(), begun)));
  EXPECT_EQ(Recorded(begun), "allowed");
}

}  // namespace
}  // namespace florin::auth
