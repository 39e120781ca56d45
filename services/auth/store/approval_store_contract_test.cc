// What every ApprovalStore does, shown for the one in PostgreSQL and the fake; and what the
// database refuses.
#include "libs/audit/pg_audit.h"
#include "services/auth/store/approval_store.h"

#include <boost/asio/use_future.hpp>
#include <future>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/auth/store/fake_approval_store.h"
#include "services/auth/store/pg_approval_store.h"

namespace florin::auth {
namespace {

const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'000'001);

testing::Postgres& Server() { return pg::TestDatabase("auth"); }

struct Fake {
  FakeApprovalStore store;
};

std::vector<pg::Statement> Statements() {
  std::vector<pg::Statement> all = PgApprovalStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  return all;
}

struct Real {
  pg::Pool pool{
      {.conninfo = Server().conninfo("auth"), .connections = 4, .statements = Statements()}};
  PgApprovalStore store{pool};
};

template <class Kind>
class ApprovalStoreContractTest : public ::testing::Test {
 protected:
  PaymentApproval NewApproval() {
    return {.approval_id = SystemIds().NewId(),
            .user_id = SystemIds().NewId(),
            .payment_id = SystemIds().NewId(),
            .amount = {.minor_units = INT64_MAX, .currency = *Currency::Parse("EUR")},
            .payee_account_id = SystemIds().NewId(),
            .payee_name = "Zoë \"Z\" \\ {Söhne}",
            .nonce = std::string("\0\xff", 2) + std::string(30, 'n'),
            .expire_time = kStart + absl::Minutes(5),
            .create_time = kStart};
  }
  PaymentApproval Inserted() {
    const PaymentApproval approval = NewApproval();
    EXPECT_THAT(runtime_.Run(kind_.store.InsertApproval(approval)), IsOk());
    return approval;
  }
  absl::StatusOr<PaymentApproval> Update(const Uuid& id, ApprovalStore::Rule rule) {
    return runtime_.Run(kind_.store.UpdateApproval(id, std::move(rule), audit::Origin()));
  }
  PaymentApproval Kept(const Uuid& id) {
    return runtime_.Run(kind_.store.FindApproval(id)).value();
  }

  async::Runtime runtime_{2};
  Kind kind_;
};

using Kinds = ::testing::Types<Fake, Real>;
TYPED_TEST_SUITE(ApprovalStoreContractTest, Kinds);

TYPED_TEST(ApprovalStoreContractTest, KeepsTheFirstUnderAnId) {
  const PaymentApproval first = this->Inserted();
  EXPECT_EQ(this->Kept(first.approval_id), first);
  PaymentApproval second = this->NewApproval();
  second.approval_id = first.approval_id;
  EXPECT_EQ(this->runtime_.Run(this->kind_.store.InsertApproval(second)).value(), first);
  EXPECT_EQ(this->Kept(first.approval_id), first);
  EXPECT_THAT(this->runtime_.Run(this->kind_.store.FindApproval(SystemIds().NewId())),
              StatusHasReason(Reason::kApprovalNotFound));
}

TYPED_TEST(ApprovalStoreContractTest, KeepsOrders) {
  PaymentApproval schedule = this->NewApproval();
  schedule.kind = ApprovalKind::kSchedule;
  schedule.terms = "Every day – until canceled";
  PaymentApproval bulk = this->NewApproval();
  bulk.kind = ApprovalKind::kBulk;
  bulk.terms = "3 payments";
  bulk.payee_account_id = Uuid();
  for (const PaymentApproval& order : {schedule, bulk}) {
    EXPECT_EQ(this->runtime_.Run(this->kind_.store.InsertApproval(order)).value(), order);
    EXPECT_EQ(this->Kept(order.approval_id), order);
    const auto approved = this->Update(order.approval_id, [](PaymentApproval& kept) {
      return Approve(kept, kStart + absl::Seconds(1));
    });
    EXPECT_EQ(approved->state, ApprovalState::kApproved);
  }
}

TYPED_TEST(ApprovalStoreContractTest, KeepsWhatARuleMakesOfIt) {
  const PaymentApproval approval = this->Inserted();
  const Uuid ceremony = SystemIds().NewId();
  PaymentApproval expected = approval;
  expected.ceremony_id = ceremony;
  EXPECT_EQ(*this->Update(approval.approval_id,
                          [&ceremony](PaymentApproval& kept) {
                            kept.ceremony_id = ceremony;
                            return absl::OkStatus();
                          }),
            expected);
  const absl::Time later = kStart + absl::Microseconds(1);
  ASSERT_THAT(Approve(expected, later), IsOk());
  EXPECT_EQ(*this->Update(approval.approval_id,
                          [later](PaymentApproval& kept) { return Approve(kept, later); }),
            expected);
  ASSERT_THAT(Redeem(expected, approval.payment_id, true, false, later), IsOk());
  const ApprovalStore::Rule redeem = [&approval, later](PaymentApproval& kept) {
    return Redeem(kept, approval.payment_id, true, false, later);
  };
  EXPECT_EQ(*this->Update(approval.approval_id, redeem), expected);
  EXPECT_EQ(*this->Update(approval.approval_id, redeem), expected);
  EXPECT_EQ(this->Kept(approval.approval_id), expected);
  EXPECT_THAT(this->Update(SystemIds().NewId(), redeem),
              StatusHasReason(Reason::kApprovalNotFound));
}

TYPED_TEST(ApprovalStoreContractTest, KeepsWhatARuleMadeBeforeItRefused) {
  const PaymentApproval approval = this->Inserted();
  EXPECT_THAT(this->Update(approval.approval_id,
                           [&approval](PaymentApproval& kept) {
                             return Redeem(kept, approval.payment_id, false, false, kStart);
                           }),
              StatusHasReason(Reason::kApprovalMismatch));
  EXPECT_EQ(this->Kept(approval.approval_id).state, ApprovalState::kVoid);
}

TYPED_TEST(ApprovalStoreContractTest, RulesOfOneApprovalRunOneAfterTheOther) {
  const PaymentApproval approval = this->Inserted();
  ASSERT_THAT(this->Update(approval.approval_id,
                           [](PaymentApproval& kept) { return Approve(kept, kStart); }),
              IsOk());
  std::vector<std::future<absl::StatusOr<PaymentApproval>>> running;
  for (int i = 0; i < 20; ++i) {
    // Half of them try it with something else.
    ApprovalStore::Rule rule = [i, &approval](PaymentApproval& kept) {
      return Redeem(kept, approval.payment_id, i % 2 == 0, false, kStart);
    };
    running.push_back(asio::co_spawn(
        this->runtime_.executor(),
        this->kind_.store.UpdateApproval(approval.approval_id, std::move(rule), audit::Origin()),
        asio::use_future));
  }
  int redeemed = 0;
  int mismatches = 0;
  for (auto& update : running) {
    const auto result = update.get();
    redeemed += result.ok();
    mismatches += ReasonOf(result.status()) == Reason::kApprovalMismatch;
  }
  // Whichever was first: all right ones succeed, or the first wrong one voids it.
  EXPECT_TRUE((redeemed == 10 && mismatches == 0) || (redeemed == 0 && mismatches == 1))
      << redeemed << " " << mismatches;
}

class ApprovalSchemaTest : public ApprovalStoreContractTest<Real> {};

TEST_F(ApprovalSchemaTest, TheDatabaseKeepsTheStateMachineAndWhatWasShown) {
  const PaymentApproval approval = Inserted();
  const std::string where = " WHERE approval_id = '" + approval.approval_id.ToString() + "'";
  const auto refuses = [](const std::string& statement) {
    pqxx::connection connection(Server().conninfo("auth"));
    pqxx::work transaction(connection);
    EXPECT_THROW(transaction.exec(statement), pqxx::sql_error) << statement;
  };
  const std::string update = "UPDATE payment_approvals SET ";
  refuses(update + "amount_minor = 1" + where);
  refuses(update + "payee_name = 'Mallory'" + where);
  refuses(update + "expire_time = expire_time + interval '1 hour'" + where);
  refuses(update + "state = 'redeemed', approve_time = now(), end_time = now()" + where);
  refuses(update + "state = 'approved'" + where);
  refuses("DELETE FROM payment_approvals" + where);
  ASSERT_THAT(Update(approval.approval_id,
                     [&approval](PaymentApproval& kept) {
                       return Redeem(kept, approval.payment_id, false, false, kStart);
                     }),
              StatusHasReason(Reason::kApprovalMismatch));
  refuses(update + "state = 'approved', approve_time = now(), end_time = NULL" + where);
}

}  // namespace
}  // namespace florin::auth
