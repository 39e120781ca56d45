// What every RoleStore does, shown for the one in PostgreSQL and the fake.
#include <boost/asio/use_future.hpp>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_role_store.h"
#include "services/auth/store/pg_role_store.h"
#include "services/auth/store/pg_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);

std::vector<pg::Statement> AllStatements() {
  std::vector<pg::Statement> all = PgRoleStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  for (pg::Statement& statement : PgStore::Statements()) all.push_back(std::move(statement));
  return all;
}

struct Fake {
  FakeRoleStore store;
  void AddUser(async::Runtime&, const Uuid& user_id) { store.AddUser(user_id); }
};

struct Real {
  pg::Pool pool{{.conninfo = pg::TestDatabase("auth").conninfo("auth"),
                 .connections = 4,
                 .statements = AllStatements()}};
  PgRoleStore store{pool};

  // No test has founders of another one.
  Real() {
    async::Runtime runtime(1);  // Outlives the pool, whose threads complete on it.
    pg::Pool owner({.conninfo = pg::TestDatabase("auth").conninfo("auth_owner"), .connections = 1});
    const std::function<absl::StatusOr<bool>(pqxx::work&)> empty =
        [](pqxx::work& transaction) -> absl::StatusOr<bool> {
      transaction.exec("DELETE FROM founders");
      return true;
    };
    EXPECT_THAT(runtime.Run(owner.Transact(empty)), IsOk());
  }
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
class RoleStoreContractTest : public ::testing::Test {
 protected:
  RoleStoreContractTest() { kind_.AddUser(runtime_, ann_); }

  RoleStore& store() { return kind_.store; }
  Uuid NewUser() {
    const Uuid user = SystemIds().NewId();
    kind_.AddUser(runtime_, user);
    return user;
  }
  static RoleChange Wish(const Uuid& user, Role role, bool assigned = true) {
    return {.change_id = SystemIds().NewId(),
            .user_id = user,
            .role = role,
            .assigned = assigned,
            .changed_by = "operator",
            .proposal_id = SystemIds().NewId(),
            .change_time = kNow};
  }
  StoredRoleChange Change(const RoleChange& change) {
    auto stored = runtime_.Run(store().Change(change));
    EXPECT_THAT(stored, IsOk());
    return *std::move(stored);
  }
  Roles RolesOf(const Uuid& user) { return runtime_.Run(store().RolesOf(user)).value(); }

  async::Runtime runtime_{2};  // Outlives the pool, whose threads complete on it.
  Kind kind_;
  const Uuid ann_ = SystemIds().NewId();
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(RoleStoreContractTest, Kinds);

TYPED_TEST(RoleStoreContractTest, GivesAndTakesRoles) {
  EXPECT_THAT(this->RolesOf(this->ann_), IsEmpty());
  EXPECT_THAT(this->Change(this->Wish(this->ann_, Role::kMerchant)).roles,
              ElementsAre(Role::kMerchant));
  EXPECT_THAT(this->Change(this->Wish(this->ann_, Role::kAdmin)).roles,
              ElementsAre(Role::kMerchant, Role::kAdmin));
  // Twice is no error, nor is taking what is not there.
  EXPECT_TRUE(this->Change(this->Wish(this->ann_, Role::kAdmin)).made);
  EXPECT_TRUE(this->Change(this->Wish(this->ann_, Role::kOperator, false)).made);
  EXPECT_THAT(this->Change(this->Wish(this->ann_, Role::kMerchant, false)).roles,
              ElementsAre(Role::kAdmin));
  EXPECT_THAT(this->RolesOf(this->ann_), ElementsAre(Role::kAdmin));
}

TYPED_TEST(RoleStoreContractTest, AChangeTakesEffectOnce) {
  const RoleChange grant = this->Wish(this->ann_, Role::kOperator);
  EXPECT_TRUE(this->Change(grant).made);
  EXPECT_TRUE(this->Change(grant).made);
  this->Change(this->Wish(this->ann_, Role::kOperator, false));
  RoleChange replay = grant;
  replay.change_time += absl::Seconds(1);
  const StoredRoleChange stored = this->Change(replay);
  EXPECT_TRUE(stored.same_change);
  EXPECT_FALSE(stored.made);
  EXPECT_THAT(stored.roles, IsEmpty());

  RoleChange other = grant;
  other.role = Role::kAdmin;
  EXPECT_FALSE(this->Change(other).same_change);
  other = grant;
  other.assigned = false;
  EXPECT_FALSE(this->Change(other).same_change);
  other = grant;
  other.proposal_id.reset();
  EXPECT_FALSE(this->Change(other).same_change);
  EXPECT_THAT(this->RolesOf(this->ann_), IsEmpty());
}

TYPED_TEST(RoleStoreContractTest, KnowsItsUsers) {
  const Uuid stranger = SystemIds().NewId();
  EXPECT_TRUE(this->runtime_.Run(this->store().UserExists(this->ann_)).value());
  EXPECT_FALSE(this->runtime_.Run(this->store().UserExists(stranger)).value());
  EXPECT_THAT(this->RolesOf(stranger), IsEmpty());
  for (const bool founding : {false, true}) {
    const RoleChange change = this->Wish(stranger, Role::kAdmin);
    EXPECT_THAT(
        this->runtime_.Run(founding ? this->store().Found(change) : this->store().Change(change)),
        StatusHasReason(Reason::kUserNotFound));
  }
}

TYPED_TEST(RoleStoreContractTest, OfManyAtOnceTwoAreTheFirstAdmins) {
  std::vector<RoleChange> wishes;
  for (int i = 0; i < 8; ++i) wishes.push_back(this->Wish(this->NewUser(), Role::kAdmin));
  std::vector<std::future<absl::StatusOr<StoredRoleChange>>> answers;
  for (const RoleChange& wish : wishes) {
    answers.push_back(
        asio::co_spawn(this->runtime_.context(), this->store().Found(wish), asio::use_future));
  }
  std::vector<RoleChange> founders;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto answer = answers[i].get();
    if (answer.ok()) {
      founders.push_back(wishes[i]);
    } else {
      EXPECT_THAT(answer, StatusHasReason(Reason::kProposalNeeded));
      EXPECT_THAT(this->RolesOf(wishes[i].user_id), IsEmpty());
    }
  }
  ASSERT_EQ(founders.size(), 2u);
  // Neither a removal nor a repetition makes room.
  this->Change(this->Wish(founders[0].user_id, Role::kAdmin, false));
  EXPECT_THAT(this->runtime_.Run(this->store().Found(this->Wish(this->ann_, Role::kAdmin))),
              StatusHasReason(Reason::kProposalNeeded));
  EXPECT_THAT(
      this->runtime_.Run(this->store().Found(this->Wish(founders[0].user_id, Role::kAdmin))),
      StatusHasReason(Reason::kProposalNeeded));
  EXPECT_THAT(this->runtime_.Run(this->store().Found(founders[0])), IsOk());
  EXPECT_THAT(this->RolesOf(founders[0].user_id), IsEmpty());
}

TYPED_TEST(RoleStoreContractTest, OnePersonIsNotBothFirstAdmins) {
  EXPECT_THAT(this->runtime_.Run(this->store().Found(this->Wish(this->ann_, Role::kAdmin))),
              IsOk());
  EXPECT_THAT(this->runtime_.Run(this->store().Found(this->Wish(this->ann_, Role::kAdmin))),
              StatusHasReason(Reason::kProposalNeeded));
  EXPECT_THAT(this->runtime_.Run(this->store().Found(this->Wish(this->NewUser(), Role::kAdmin))),
              IsOk());
}

}  // namespace
}  // namespace florin::auth
