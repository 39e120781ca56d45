// What every ApprovalStore promises, held against PostgreSQL and the fake; and what the database
// refuses whatever the program does.
#include "libs/audit/pg_audit.h"
#include "services/payments/store/approval_store.h"
#include "services/payments/store/store_test_values.h"

#include <memory>

#include "libs/async/runtime.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/request.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_approval_store.h"
#include "services/payments/store/pg_store.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Each test works for users of its own.

std::vector<pg::Statement> ApprovalStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (pg::Statement& statement : audit::InsertStatements()) all.push_back(std::move(statement));
  for (pg::Statement& statement : PgApprovalStore::Statements()) {
    all.push_back(std::move(statement));
  }
  return all;
}

struct FakeApprovalSubject {
  FakeStore store;
  Store& payments() { return store; }
  ApprovalStore& approvals() { return store; }
};

struct PgApprovalSubject {
  pg::Pool pool{{.conninfo = Server().conninfo("payments"),
                 .connections = 4,
                 .statements = ApprovalStatements(),
                 .settings = pg::KeyedAccessSettings()}};
  PgStore store{pool};
  PgApprovalStore approval_store{pool};
  Store& payments() { return store; }
  ApprovalStore& approvals() { return approval_store; }
};

template <class S>
class ApprovalStoreContractTest : public ::testing::Test {
 protected:
  template <class Result, class... Parameters, class... Arguments>
  Result Call(Task<Result> (ApprovalStore::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.approvals().*method)(std::forward<Arguments>(arguments)...));
  }

  Intent NewIntent(const std::string& key, std::int64_t minor_units, Currency currency = kEur) {
    const PaymentRequest request{.kind = Kind::kTransfer,
                                 .source_account_id = SystemIds().NewId(),
                                 .destination_account_id = SystemIds().NewId(),
                                 .amount = {.minor_units = minor_units, .currency = currency},
                                 .reference = "Café \"1\", {a} \\ NULL"};
    return {.payment = NewPayment(SystemIds().NewId(), user_, request, kStart),
            .idempotency_key = key,
            .fingerprint = crypto::Sha256(CanonicalRequest(request))};
  }
  static ApprovalTerms TermsOf(const Intent& intent) {
    return NewTerms(intent.payment.payment_id, "Zoë \"Z\" \\ {Söhne}",
                    std::string("\0\xff", 2) + std::string(30, 'n'), kStart);
  }
  Judged Insert(const Intent& intent) {
    auto judged = Call(&ApprovalStore::InsertJudged, intent, TermsOf(intent), policy_);
    EXPECT_THAT(judged, IsOk());
    return *std::move(judged);
  }
  // A payment that requires action.
  Payment Awaiting(const std::string& key = "key") {
    return Insert(NewIntent(key, 100'000)).stored.payment;
  }
  Basis Pay(const std::string& key, std::int64_t minor_units, Currency currency = kEur) {
    return Insert(NewIntent(key, minor_units, currency)).verdict->basis;
  }
  Payment Kept(const Payment& payment) {
    return runtime_.Run(subject_.payments().GetPayment(user_, payment.payment_id)).value();
  }
  absl::StatusOr<Payment> Start(const Payment& payment) {
    return Call(&ApprovalStore::Start, user_, payment.payment_id,
                sca::BindingDigest(BindingOf(payment)), kStart + absl::Seconds(1), audit::Origin());
  }
  std::vector<Payment> Claim(absl::Time now) {
    std::vector<Payment> mine;
    const auto claimed = Call(&ApprovalStore::ClaimAwaiting, now, 1000);
    for (const Payment& payment : *claimed) {
      if (payment.user_id == user_) mine.push_back(payment);
    }
    return mine;
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const ApprovalPolicy policy_ = *ParseApprovalPolicy("EUR:3000:10000,USD:3000:3000");
};

using ApprovalSubjects = ::testing::Types<FakeApprovalSubject, PgApprovalSubject>;
TYPED_TEST_SUITE(ApprovalStoreContractTest, ApprovalSubjects);

TYPED_TEST(ApprovalStoreContractTest, AnAuthorizationThatNeedsAnApprovalIsKeptWhole) {
  Intent intent = this->NewIntent("key", 3001);
  intent.payment.authorization_timeout = absl::Hours(1);
  const Judged judged = this->Insert(intent);
  EXPECT_EQ(this->Kept(intent.payment), judged.stored.payment);
  EXPECT_EQ(judged.stored.payment.authorization_timeout, absl::Hours(1));
  Payment started = *this->Start(judged.stored.payment);
  started.state = State::kRequiresCapture;
  started.authorization_expire_time = kStart + absl::Hours(1);
  EXPECT_THAT(this->runtime_.Run(this->subject_.payments().RecordResults({started})), IsOk());
  EXPECT_EQ(this->Kept(intent.payment), started);
}

TYPED_TEST(ApprovalStoreContractTest, APaymentThatNeedsAnApprovalIsKeptWhole) {
  Intent intent = this->NewIntent("key", 3001);
  // Else it would be bound by no limit once it is approved.
  intent.payment.limit_uses = {{.limit_id = SystemIds().NewId(),
                                .control_account_id = SystemIds().NewId(),
                                .units = 3001,
                                .window = absl::Hours(24)}};
  const Judged judged = this->Insert(intent);
  EXPECT_EQ(judged.verdict, (Verdict{.needs_approval = true, .basis = Basis::kAmount}));
  const Payment expected = AwaitApproval(intent.payment, this->TermsOf(intent));
  EXPECT_EQ(judged.stored.payment, expected);
  EXPECT_TRUE(judged.stored.same_request);
  EXPECT_EQ(this->Kept(expected), expected);
}

TYPED_TEST(ApprovalStoreContractTest, AnExemptPaymentIsInProcessing) {
  const Intent intent = this->NewIntent("key", 3000);
  const Judged judged = this->Insert(intent);
  EXPECT_EQ(judged.verdict, (Verdict{.needs_approval = false, .basis = Basis::kLowValue}));
  EXPECT_EQ(judged.stored.payment, intent.payment);
  EXPECT_EQ(this->Kept(intent.payment), intent.payment);
}

TYPED_TEST(ApprovalStoreContractTest, AKeyIsJudgedOnce) {
  const Intent first = this->NewIntent("key", 100'000);
  this->Insert(first);
  Intent second = first;
  second.payment.payment_id = SystemIds().NewId();
  const Judged again = this->Insert(second);
  EXPECT_EQ(again.verdict, std::nullopt);
  EXPECT_EQ(again.stored.payment, AwaitApproval(first.payment, this->TermsOf(first)));
  EXPECT_TRUE(again.stored.same_request);
  EXPECT_FALSE(this->Insert(this->NewIntent("key", 100'000)).stored.same_request);
  // A key of the other way of inserting, too.
  const auto direct = this->runtime_.Run(
      this->subject_.payments().InsertIntents({this->NewIntent("key", 100'000)}));
  EXPECT_EQ(direct->front().payment.payment_id, first.payment.payment_id);
  const Intent plain = this->NewIntent("plain", 5);
  ASSERT_THAT(this->runtime_.Run(this->subject_.payments().InsertIntents({plain})), IsOk());
  EXPECT_EQ(this->Insert(this->NewIntent("plain", 5)).stored.payment, plain.payment);
}

TYPED_TEST(ApprovalStoreContractTest, TheSixthLowValuePaymentIsNotExempt) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(this->Pay("key" + std::to_string(i), 1, i % 2 == 0 ? kEur : kUsd), Basis::kLowValue);
  }
  EXPECT_EQ(this->Pay("sixth", 1), Basis::kExemptionUsed);
}

TYPED_TEST(ApprovalStoreContractTest, TheTotalOfACurrencyIsLimited) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(this->Pay("key" + std::to_string(i), 3000), Basis::kLowValue);
  }
  EXPECT_EQ(this->Pay("more", 1001), Basis::kExemptionUsed);
  EXPECT_EQ(this->Pay("dollars", 3000, kUsd), Basis::kLowValue);
  EXPECT_EQ(this->Pay("rest", 1000), Basis::kLowValue);
}

TYPED_TEST(ApprovalStoreContractTest, AReplayUsesNoExemption) {
  const Intent intent = this->NewIntent("key", 1);
  for (int i = 0; i < 10; ++i) this->Insert(intent);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(this->Pay("other" + std::to_string(i), 1), Basis::kLowValue);
  }
}

TYPED_TEST(ApprovalStoreContractTest, PaymentsAtOnceDoNotOverdrawTheExemption) {
  std::vector<std::future<absl::StatusOr<Judged>>> running;
  for (int i = 0; i < 20; ++i) {
    const Intent intent = this->NewIntent("key" + std::to_string(i), 1);
    running.push_back(asio::co_spawn(
        this->runtime_.executor(),
        this->subject_.approvals().InsertJudged(intent, this->TermsOf(intent), this->policy_),
        asio::use_future));
  }
  int exempt = 0;
  for (auto& judged : running) exempt += !judged.get()->verdict->needs_approval;
  EXPECT_EQ(exempt, 5);
}

TYPED_TEST(ApprovalStoreContractTest, AStrongAuthenticationSetsTheUseBack) {
  for (int i = 0; i < 5; ++i) this->Pay("key" + std::to_string(i), 1);
  const Payment payment = this->Insert(this->NewIntent("sixth", 1)).stored.payment;
  EXPECT_EQ(payment.state, State::kRequiresAction);
  ASSERT_THAT(this->Start(payment), IsOk());
  EXPECT_EQ(this->Pay("after", 1), Basis::kLowValue);
}

TYPED_TEST(ApprovalStoreContractTest, StartsWhatWasApprovedOnce) {
  const Payment payment = this->Awaiting();
  const crypto::Digest digest = sca::BindingDigest(BindingOf(payment));
  const Payment expected =
      StartApproved(payment, std::string(crypto::AsOctets(digest)), kStart + absl::Seconds(1));
  EXPECT_EQ(this->Start(payment).value(), expected);
  EXPECT_EQ(this->Kept(payment), expected);
  const auto again = this->Call(&ApprovalStore::Start, this->user_, payment.payment_id, digest,
                                kStart + absl::Seconds(9), audit::Origin());
  EXPECT_EQ(again.value(), expected);
  // From here on it is like any other payment in processing.
  const auto due = this->runtime_.Run(
      this->subject_.payments().ClaimUnfinished(kStart + absl::Seconds(1) + kLease, 1000));
  EXPECT_THAT(*due, ::testing::Contains(expected));
  const Payment ended = *ApplyAnswer(expected, {.committed = true}, kStart + absl::Seconds(2));
  EXPECT_THAT(this->runtime_.Run(this->subject_.payments().RecordResults({ended})).value(),
              ElementsAre(ended));
}

TYPED_TEST(ApprovalStoreContractTest, StartsNothingElse) {
  const Payment payment = this->Awaiting();
  Payment changed = payment;
  changed.amount.minor_units += 1;
  EXPECT_THAT(this->Start(changed), StatusHasReason(Reason::kApprovalMismatch));
  EXPECT_EQ(this->Kept(payment), payment);
  const crypto::Digest digest = sca::BindingDigest(BindingOf(payment));
  EXPECT_THAT(this->Call(&ApprovalStore::Start, SystemIds().NewId(), payment.payment_id, digest,
                         kStart, audit::Origin()),
              StatusHasReason(Reason::kPaymentNotFound));
  EXPECT_THAT(this->Call(&ApprovalStore::Start, this->user_, SystemIds().NewId(), digest, kStart,
                         audit::Origin()),
              StatusHasReason(Reason::kPaymentNotFound));
}

TYPED_TEST(ApprovalStoreContractTest, WhatWasGivenUpStays) {
  const Payment payment = this->Awaiting();
  const absl::Time later = kStart + absl::Seconds(1);
  const Payment expected = GiveUp(payment, Reason::kApprovalExpired, later);
  EXPECT_EQ(this->Call(&ApprovalStore::GiveUp, this->user_, payment.payment_id,
                       Reason::kApprovalExpired, later, audit::Origin())
                .value(),
            expected);
  EXPECT_EQ(this->Call(&ApprovalStore::GiveUp, this->user_, payment.payment_id,
                       Reason::kPaymentCanceled, later, audit::Origin())
                .value(),
            expected);
  EXPECT_EQ(this->Start(payment).value(), expected);
  EXPECT_EQ(
      this->Call(&ApprovalStore::BeginConfirm, this->user_, payment.payment_id, later).value(),
      expected);
  EXPECT_THAT(this->Call(&ApprovalStore::GiveUp, SystemIds().NewId(), payment.payment_id,
                         Reason::kPaymentCanceled, later, audit::Origin()),
              StatusHasReason(Reason::kPaymentNotFound));

  const Payment started = this->Start(this->Awaiting("other")).value();
  EXPECT_EQ(this->Call(&ApprovalStore::GiveUp, this->user_, started.payment_id,
                       Reason::kPaymentCanceled, later, audit::Origin())
                .value(),
            started);
}

TYPED_TEST(ApprovalStoreContractTest, LooksAfterPaymentsWhenTheyExpireOrAreConfirmed) {
  const Payment payment = this->Awaiting();
  const absl::Time expiry = payment.approval->expire_time;
  EXPECT_THAT(this->Claim(expiry - absl::Microseconds(1)), IsEmpty());
  EXPECT_EQ(
      this->Call(&ApprovalStore::BeginConfirm, this->user_, payment.payment_id, kStart).value(),
      payment);
  EXPECT_THAT(this->Claim(kStart + kLease - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(this->Claim(kStart + kLease), ElementsAre(payment));
  // Whoever took it may be gone.
  EXPECT_THAT(this->Claim(kStart + 2 * kLease - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(this->Claim(kStart + 2 * kLease), ElementsAre(payment));
  EXPECT_THAT(
      this->Call(&ApprovalStore::BeginConfirm, this->user_, payment.payment_id, expiry - kLease),
      IsOk());
  EXPECT_THAT(this->Claim(expiry - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(this->Claim(expiry), ElementsAre(payment));
  EXPECT_THAT(this->Claim(expiry + kLease - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(this->Claim(expiry + kLease), ElementsAre(payment));
  EXPECT_THAT(
      this->Call(&ApprovalStore::BeginConfirm, SystemIds().NewId(), payment.payment_id, kStart),
      StatusHasReason(Reason::kPaymentNotFound));
  // Nobody takes it for one in processing.
  const auto unfinished =
      this->runtime_.Run(this->subject_.payments().ClaimUnfinished(expiry + kLease, 1000));
  EXPECT_THAT(*unfinished, ::testing::Not(::testing::Contains(payment)));
}

// What the audit trail has of a payment, in PostgreSQL.
class ApprovalEventsTest : public ApprovalStoreContractTest<PgApprovalSubject> {
 protected:
  // "create:usr:", action, who acted (the user, or a name) and why, in their order.
  std::vector<std::string> EventsOf(const Payment& payment) {
    pqxx::connection connection(Server().conninfo("payments"));
    pqxx::work transaction(connection);
    std::vector<std::string> events;
    for (const pqxx::row& row : transaction.exec_params(
             "SELECT split_part(action, '.', 3) || ':' || split_part(actor, '_', 1) || ':' || "
             "reason FROM audit_events WHERE subject = $1 ORDER BY event_time, action",
             FormatId(IdKind::kPayment, payment.payment_id))) {
      events.push_back(row[0].c_str());
    }
    return events;
  }
};

TEST_F(ApprovalEventsTest, AreOfWhatHappenedOnce) {
  const Payment payment = Awaiting();
  ASSERT_THAT(EventsOf(payment), ElementsAre(::testing::StartsWith("create:usr:")));
  for (int i = 0; i < 2; ++i) ASSERT_THAT(Start(payment), IsOk());
  // Without an origin it was the worker.
  EXPECT_THAT(EventsOf(payment), ElementsAre(::testing::_, "confirm:payments:"));
}

TEST_F(ApprovalEventsTest, SayWhoGaveAPaymentUpAndWhy) {
  const Payment payment = Awaiting();
  audit::Origin origin;
  origin.caller = "gateway";
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(Call(&ApprovalStore::GiveUp, user_, payment.payment_id, Reason::kPaymentCanceled,
                     kStart + absl::Seconds(1), origin),
                IsOk());
  }
  EXPECT_THAT(EventsOf(payment), ElementsAre(::testing::_, "cancel:usr:payment_canceled"));
}

// What the schema refuses to the runtime role.
class ApprovalSchemaTest : public ApprovalStoreContractTest<PgApprovalSubject> {
 protected:
};

TEST_F(ApprovalSchemaTest, TheDatabaseKeepsTheStateMachineAndTheTerms) {
  const Payment payment = Awaiting();
  const std::string where = " WHERE payment_id = '" + payment.payment_id.ToString() + "'";
  const auto refuses = [&where](const std::string& change) {
    pqxx::connection connection(Server().conninfo("payments"));
    pqxx::work transaction(connection);
    EXPECT_THROW(transaction.exec("UPDATE payments SET " + change + where), pqxx::sql_error)
        << change;
  };
  refuses("amount_minor = amount_minor + 1");
  refuses("destination_account_id = gen_random_uuid()");
  refuses("payee_name = 'Mallory'");
  refuses("approval_nonce = decode(repeat('00', 32), 'hex')");
  refuses("approval_expire_time = approval_expire_time + interval '1 hour'");
  // Not without an approval, and not past the ledger.
  refuses("state = 'processing'");
  refuses("state = 'succeeded'");
  refuses("state = 'succeeded', approved_binding = decode(repeat('00', 32), 'hex')");
  ASSERT_THAT(Start(payment), IsOk());
  refuses("state = 'requires_action', approved_binding = NULL");
  refuses("approved_binding = decode(repeat('00', 32), 'hex')");
  refuses("state = 'canceled', failure_reason = 'payment_canceled', approved_binding = NULL");
}

}  // namespace
}  // namespace florin::payments
