// What every ProposalStore does, shown for the one in PostgreSQL and the fake; and what the tables
// of machine access refuse whoever asks.
#include <boost/asio/use_future.hpp>
#include <future>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_proposal_store.h"
#include "services/auth/store/pg_proposal_store.h"

namespace florin::auth {
namespace {

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);

struct Fake {
  FakeProposalStore store;
};

std::vector<pg::Statement> Statements() {
  std::vector<pg::Statement> all = PgProposalStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  return all;
}

struct Real {
  pg::Pool pool{{.conninfo = pg::TestDatabase("auth").conninfo("auth"),
                 .connections = 4,
                 .statements = Statements()}};
  PgProposalStore store{pool};
};

template <class Kind>
class ProposalStoreContractTest : public ::testing::Test {
 protected:
  ProposalStore& store() { return kind_.store; }

  Proposal Wish() {
    const std::string payload = R"({"note":"Käse \"x\"","to":"acc_1"})";
    return {.proposal_id = SystemIds().NewId(),
            .kind = "payments.adjustment",
            .payload = payload,
            .payload_digest = crypto::Hex(crypto::AsOctets(crypto::Sha256(payload))),
            .maker = maker_,
            .create_time = kNow,
            .expire_time = kNow + kProposalLifetime};
  }
  StoredProposal Insert(const Proposal& proposal, const std::string& key,
                        const std::string& content = "same") {
    ProposalRequest request{.idempotency_key = key, .fingerprint = crypto::Sha256(content)};
    auto stored = runtime_.Run(store().Insert(proposal, std::move(request)));
    EXPECT_THAT(stored, IsOk());
    return *std::move(stored);
  }
  Proposal Inserted() { return Insert(Wish(), SystemIds().NewId().ToString()).proposal; }
  absl::StatusOr<Proposal> Decide(const Uuid& id, const ProposalStore::Decision& decide) {
    return runtime_.Run(store().Decide(id, decide, audit::Origin()));
  }
  Proposal Get(const Uuid& id) { return runtime_.Run(store().Get(id)).value(); }
  Proposal Approved() {
    const Proposal proposal = Inserted();
    return *Decide(proposal.proposal_id, [](const Proposal& before) {
      return Approve(before, "usr_checker", before.payload_digest, kNow);
    });
  }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;
  const std::string maker_ = "usr_" + SystemIds().NewId().ToString();
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(ProposalStoreContractTest, Kinds);

TYPED_TEST(ProposalStoreContractTest, KeepsAProposalOnceForEachRequest) {
  const Proposal wish = this->Wish();
  const StoredProposal stored = this->Insert(wish, "key");
  EXPECT_TRUE(stored.same_request);
  EXPECT_EQ(stored.proposal, wish);
  EXPECT_EQ(this->Get(wish.proposal_id), wish);
  EXPECT_EQ(this->Insert(this->Wish(), "key").proposal, wish);
  EXPECT_FALSE(this->Insert(this->Wish(), "key", "other").same_request);
  Proposal others = this->Wish();
  others.maker += "2";
  EXPECT_EQ(this->Insert(others, "key").proposal, others);
  const Uuid unknown = SystemIds().NewId();
  EXPECT_THAT(this->runtime_.Run(this->store().Get(unknown)),
              StatusHasReason(Reason::kProposalNotFound));
  EXPECT_THAT(this->Decide(unknown, [](Proposal proposal) { return proposal; }),
              StatusHasReason(Reason::kProposalNotFound));
}

TYPED_TEST(ProposalStoreContractTest, KeepsWhatIsDecided) {
  const Proposal approved = this->Approved();
  EXPECT_EQ(approved.state, ProposalState::kApproved);
  EXPECT_EQ(this->Get(approved.proposal_id), approved);
  const Execution execution = {.executor = "payments",
                               .kind = approved.kind,
                               .payload_digest = approved.payload_digest,
                               .execution_id = "pay_1"};
  const auto executed = this->Decide(approved.proposal_id, [&](const Proposal& before) {
    return Execute(before, execution, kNow + absl::Seconds(1));
  });
  ASSERT_THAT(executed, IsOk());
  EXPECT_EQ(executed->decisions.size(), 2u);
  EXPECT_EQ(this->Get(approved.proposal_id), *executed);
}

TYPED_TEST(ProposalStoreContractTest, ARefusalLeavesEverythingAsItWas) {
  const Proposal approved = this->Approved();
  EXPECT_THAT(this->Decide(approved.proposal_id,
                           [](const Proposal&) -> absl::StatusOr<Proposal> {
                             return Error(Reason::kProposalAltered, "no");
                           }),
              StatusHasReason(Reason::kProposalAltered));
  EXPECT_EQ(this->Get(approved.proposal_id), approved);
}

TYPED_TEST(ProposalStoreContractTest, OfManyExecutionsAtOnceOneIsIt) {
  const Proposal approved = this->Approved();
  std::vector<std::future<absl::StatusOr<Proposal>>> answers;
  for (int i = 0; i < 50; ++i) {
    const Execution execution = {.executor = "payments",
                                 .kind = approved.kind,
                                 .payload_digest = approved.payload_digest,
                                 .execution_id = "pay_" + std::to_string(i)};
    ProposalStore::Decision decide = [execution](const Proposal& before) {
      return Execute(before, execution, kNow);
    };
    answers.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->store().Decide(approved.proposal_id, std::move(decide), audit::Origin()),
        asio::use_future));
  }
  int executed = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    executed += result.ok();
    if (result.ok()) continue;
    EXPECT_THAT(result, StatusHasReason(Reason::kProposalExecuted));
  }
  EXPECT_EQ(executed, 1);
}

TYPED_TEST(ProposalStoreContractTest, OfTwoCheckersAtOnceOneCompletesIt) {
  for (int round = 0; round < 10; ++round) {
    const Proposal proposal = this->Inserted();
    std::vector<std::future<absl::StatusOr<Proposal>>> answers;
    for (const std::string checker : {"usr_a", "usr_b"}) {
      ProposalStore::Decision decide = [checker](const Proposal& before) {
        return Approve(before, checker, before.payload_digest, kNow);
      };
      answers.push_back(asio::co_spawn(
          this->runtime_.context(),
          this->store().Decide(proposal.proposal_id, std::move(decide), audit::Origin()),
          asio::use_future));
    }
    int approved = 0;
    for (auto& answer : answers) approved += answer.get().ok();
    EXPECT_EQ(approved, 1);
    EXPECT_EQ(this->Get(proposal.proposal_id).decisions.size(), 1u);
  }
}

TYPED_TEST(ProposalStoreContractTest, ListsByPages) {
  const Uuid before = SystemIds().NewId();
  std::vector<Uuid> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(this->Approved().proposal_id);
  const auto first = this->runtime_.Run(this->store().List(before, 2)).value();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].proposal_id, ids[0]);
  EXPECT_EQ(first[1].proposal_id, ids[1]);
  EXPECT_EQ(first[1].decisions.size(), 1u);
  const auto second = this->runtime_.Run(this->store().List(ids[1], 2)).value();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].proposal_id, ids[2]);
}

class MachineAccessTables : public ::testing::Test {
 protected:
  // Runs `statements` and takes them back: kCanceled if PostgreSQL let them, kInternal if not.
  absl::StatusOr<bool> Try(const std::string& role, const std::string& statements) {
    pg::Pool pool({.conninfo = pg::TestDatabase("auth").conninfo(role), .connections = 1});
    const std::function<absl::StatusOr<bool>(pqxx::work&)> run =
        [&statements](pqxx::work& transaction) -> absl::StatusOr<bool> {
      transaction.exec(statements);
      return Error(Reason::kCanceled, "taken back");
    };
    return runtime_.Run(pool.Transact<bool>(run));
  }
  async::Runtime runtime_{1};
};

TEST_F(MachineAccessTables, TheRuntimeRoleRewritesNoHistory) {
  for (const char* statement : {"DELETE FROM api_keys",
                                "UPDATE api_keys SET scopes = '{accounts:write}'",
                                "UPDATE api_keys SET user_id = user_id",
                                "UPDATE api_keys SET expire_time = NULL",
                                "DELETE FROM api_key_secrets",
                                "UPDATE api_key_secrets SET secret_digest = secret_digest",
                                "DELETE FROM role_changes",
                                "UPDATE role_changes SET changed_by = 'x'",
                                "UPDATE user_roles SET role = 'admin'",
                                "DELETE FROM user_roles",
                                "DELETE FROM founders",
                                "UPDATE founders SET place = 1",
                                "DELETE FROM proposals",
                                "UPDATE proposals SET payload = '{}'",
                                "UPDATE proposals SET payload_digest = 'x'",
                                "UPDATE proposals SET maker = 'x'",
                                "UPDATE proposals SET expire_time = now()",
                                "UPDATE proposal_decisions SET actor = 'x'",
                                "DELETE FROM proposal_decisions",
                                "DROP TRIGGER four_eyes ON proposal_decisions"}) {
    EXPECT_THAT(Try("auth", statement), StatusHasReason(Reason::kInternal)) << statement;
  }
  EXPECT_THAT(Try("auth", "UPDATE api_keys SET revoke_time = now()"),
              StatusHasReason(Reason::kCanceled));
}

// Whatever the program above does.
TEST_F(MachineAccessTables, TheTablesKnowMakerAndChecker) {
  const std::string proposal =
      "INSERT INTO proposals (proposal_id, kind, payload, payload_digest, maker, people_needed, "
      "create_time, expire_time, idempotency_key, fingerprint) VALUES "
      "('00000000-0000-0000-0000-000000000001', 'k', '{}', repeat('0', 64), 'usr_m', 2, now(), "
      "now() + interval '1 day', 'k', decode(repeat('00', 32), 'hex'));";
  const auto decision = [](int number, const std::string& what, const std::string& actor) {
    return "INSERT INTO proposal_decisions VALUES ('00000000-0000-0000-0000-000000000001', " +
           std::to_string(number) + ", '" + what + "', '" + actor + "', now());";
  };
  EXPECT_THAT(Try("auth", proposal + decision(1, "approved", "usr_c") +
                              decision(2, "executed", "payments")),
              StatusHasReason(Reason::kCanceled));
  EXPECT_THAT(Try("auth", proposal + decision(1, "withdrawn", "usr_m")),
              StatusHasReason(Reason::kCanceled));
  for (const std::string& wrong :
       {decision(1, "approved", "usr_m"), decision(1, "rejected", "usr_m"),
        decision(1, "approved", "usr_c") + decision(2, "approved", "usr_c"),
        decision(1, "executed", "payments") + decision(2, "executed", "accounts")}) {
    EXPECT_THAT(Try("auth", proposal + wrong), StatusHasReason(Reason::kInternal)) << wrong;
  }
}

}  // namespace
}  // namespace florin::auth
