// What every BookTransferStore promises, held against PostgreSQL and the fake; and what the
// database refuses whatever the program does.
#include "services/payments/store/book_transfer_store.h"

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/approval.h"
#include "services/payments/store/store_subjects.h"

namespace florin::payments {
namespace {

using S = TransferStage;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

template <class S>
class BookTransferStoreTest : public ::testing::Test {
 protected:
  // Each test has books of its own.
  Intent NewIntent(const std::string& key) {
    const PaymentRequest request{.source_account_id = SystemIds().NewId(),
                                 .destination_account_id = SystemIds().NewId(),
                                 .amount = {.minor_units = 1250, .currency = kEur},
                                 .reference = "rent"};
    Intent intent{.payment = NewPayment(SystemIds().NewId(), user_, request, kStart),
                  .idempotency_key = key,
                  .fingerprint = crypto::Sha256(CanonicalRequest(request))};
    intent.payment.books = pair_.books;
    return intent;
  }
  Payment Insert(const std::string& key) {
    std::vector<Intent> one = {NewIntent(key)};
    return runtime_.Run(subject_.payments().InsertIntents(std::move(one)))->front().payment;
  }
  absl::StatusOr<BookTransfer> Find(const Payment& payment) {
    return runtime_.Run(subject_.transfers().FindTransfer(payment.payment_id));
  }
  // As the answer to what its stage asks.
  absl::StatusOr<BookTransfer> Advance(const Payment& payment, const BookTransfer& from,
                                       const LedgerAnswer& answer) {
    const absl::Time now = kStart + absl::Microseconds(77);
    const BookTransfer next = *ApplyAnswer(from, answer, now);
    std::optional<Payment> ended = EndOf(payment, next, answer, now);
    return runtime_.Run(subject_.transfers().AdvanceTransfer(from.stage, next, std::move(ended)));
  }
  Payment Kept(const Payment& payment) {
    return runtime_.Run(subject_.payments().GetPayment(user_, payment.payment_id)).value();
  }
  std::vector<BookTransfer> UnderWay(absl::Time since = absl::FromUnixSeconds(4'000'000'000)) {
    return runtime_.Run(subject_.transfers().ListUnderWay(pair_, since)).value();
  }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const BookPair pair_{
      .books = {.source = "a" + user_.ToString(), .target = "b-" + user_.ToString()},
      .currency = kEur};
  const LedgerAnswer yes_{.committed = true};
  const LedgerAnswer no_{.refusal_reason = "account_closed", .final = true};
};

using BookTransferSubjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(BookTransferStoreTest, BookTransferSubjects);

TYPED_TEST(BookTransferStoreTest, BeginsWithItsPayment) {
  const Payment payment = this->Insert("key");
  EXPECT_EQ(payment.books, this->pair_.books);
  EXPECT_EQ(this->Kept(payment), payment);
  const auto transfer = this->Find(payment);
  ASSERT_THAT(transfer, IsOk());
  EXPECT_EQ(*transfer, NewTransfer(payment));
  EXPECT_THAT(this->runtime_.Run(this->subject_.transfers().ListPairs()).value(),
              Contains(this->pair_).Times(1));
  EXPECT_THAT(this->UnderWay(), IsEmpty());
  // A known key has no second one.
  std::vector<Intent> again = {this->NewIntent("key")};
  const Uuid other = again[0].payment.payment_id;
  ASSERT_THAT(this->runtime_.Run(this->subject_.payments().InsertIntents(std::move(again))),
              IsOk());
  EXPECT_THAT(this->runtime_.Run(this->subject_.transfers().FindTransfer(other)),
              StatusHasReason(Reason::kPaymentNotFound));
}

TYPED_TEST(BookTransferStoreTest, WhatIsWithinABookHasNone) {
  Intent intent = this->NewIntent("key");
  intent.payment.books =
      Books{.source = this->pair_.books.source, .target = this->pair_.books.source};
  const Payment payment = intent.payment;
  std::vector<Intent> one = {intent};
  ASSERT_THAT(this->runtime_.Run(this->subject_.payments().InsertIntents(std::move(one))), IsOk());
  EXPECT_EQ(this->Kept(payment), payment);
  EXPECT_THAT(this->Find(payment), StatusHasReason(Reason::kPaymentNotFound));
}

TYPED_TEST(BookTransferStoreTest, APaymentThatIsJudgedHasOneToo) {
  Intent intent = this->NewIntent("key");
  intent.payment.limit_uses.push_back({.limit_id = SystemIds().NewId(),
                                       .control_account_id = SystemIds().NewId(),
                                       .units = 1250,
                                       .window = absl::Hours(24)});
  const Payment payment = intent.payment;
  ApprovalTerms terms =
      NewTerms(payment.payment_id, "Zoë", std::string(sca::kNonceSize, 'n'), payment.create_time);
  ASSERT_THAT(this->runtime_.Run(this->subject_.approvals().InsertJudged(
                  std::move(intent), std::move(terms), *ParseApprovalPolicy("all"))),
              IsOk());
  EXPECT_EQ(this->Kept(payment).state, State::kRequiresAction);
  // What it uses of limits is not lost while it waits.
  EXPECT_EQ(this->Kept(payment).limit_uses, payment.limit_uses);
  EXPECT_EQ(this->Find(payment)->stage, S::kHolding);
}

TYPED_TEST(BookTransferStoreTest, GoesToItsEndOnceAndItsPaymentWithIt) {
  const Payment payment = this->Insert("key");
  const BookTransfer holding = *this->Find(payment);
  const auto crediting = this->Advance(payment, holding, this->yes_);
  ASSERT_THAT(crediting, IsOk());
  EXPECT_EQ(crediting->stage, S::kCrediting);
  EXPECT_EQ(*this->Find(payment), *crediting);
  EXPECT_THAT(this->UnderWay(), Contains(*crediting));
  // Whoever comes late changes nothing, whatever they were told.
  EXPECT_EQ(*this->Advance(payment, holding, this->no_), *crediting);
  EXPECT_EQ(this->Kept(payment).state, State::kProcessing);
  const auto capturing = this->Advance(payment, *crediting, this->yes_);
  ASSERT_THAT(capturing, IsOk());
  EXPECT_THAT(this->UnderWay(), Contains(*capturing));
  EXPECT_EQ(this->Kept(payment).state, State::kProcessing);
  const auto captured = this->Advance(payment, *capturing, this->yes_);
  ASSERT_THAT(captured, IsOk());
  EXPECT_EQ(this->Kept(payment).state, State::kSucceeded);
  EXPECT_EQ(this->Kept(payment).update_time, kStart + absl::Microseconds(77));
  EXPECT_THAT(this->UnderWay(), IsEmpty());
  EXPECT_THAT(this->UnderWay(kStart), Contains(*captured));
  EXPECT_EQ(*this->Advance(payment, *capturing, this->yes_), *captured);
}

TYPED_TEST(BookTransferStoreTest, ARefusedCreditEndsWithTheVoid) {
  const Payment payment = this->Insert("key");
  const auto crediting = this->Advance(payment, *this->Find(payment), this->yes_);
  const auto voiding = this->Advance(payment, *crediting, this->no_);
  ASSERT_THAT(voiding, IsOk());
  EXPECT_EQ(voiding->failure_reason, "account_closed");
  EXPECT_EQ(this->Kept(payment).state, State::kProcessing);
  EXPECT_THAT(this->UnderWay(), Contains(*voiding));
  ASSERT_THAT(this->Advance(payment, *voiding, this->yes_), IsOk());
  EXPECT_EQ(this->Kept(payment).state, State::kFailed);
  EXPECT_EQ(this->Kept(payment).failure_reason, "account_closed");
}

TYPED_TEST(BookTransferStoreTest, ARefusedHoldKeepsWhatALimitSaid) {
  const Payment payment = this->Insert("key");
  LedgerAnswer no = this->no_;
  no.refusal_reason = "limit_exceeded";
  no.limit_refusal = LimitRefusal{.limit_id = SystemIds().NewId(), .remaining = 7};
  ASSERT_THAT(this->Advance(payment, *this->Find(payment), no), IsOk());
  EXPECT_EQ(this->Kept(payment).state, State::kFailed);
  EXPECT_EQ(this->Kept(payment).limit_refusal, no.limit_refusal);
  EXPECT_THAT(this->UnderWay(kStart), IsEmpty());
}

// As the runtime role, whatever the program does.
TEST(BookTransferGrantsTest, TheDatabaseKeepsTheStages) {
  pqxx::connection connection(Server().conninfo("payments"));
  const auto refused = [&connection](const std::string& sql) {
    pqxx::work work(connection);
    try {
      work.exec(sql);
    } catch (const pqxx::sql_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  PgSubject real;
  async::Runtime runtime(1);
  const PaymentRequest request{.source_account_id = SystemIds().NewId(),
                               .destination_account_id = SystemIds().NewId(),
                               .amount = {.minor_units = 1, .currency = kEur}};
  Intent intent{.payment = NewPayment(SystemIds().NewId(), SystemIds().NewId(), request, kStart),
                .idempotency_key = "key",
                .fingerprint = crypto::Sha256("")};
  intent.payment.books = Books{.source = "main", .target = "other"};
  const std::string where = " WHERE payment_id = '" + intent.payment.payment_id.ToString() + "'";
  std::vector<Intent> one = {std::move(intent)};
  ASSERT_THAT(runtime.Run(real.payments().InsertIntents(std::move(one))), IsOk());
  EXPECT_THAT(refused("UPDATE book_transfers SET stage = 'capturing'" + where),
              ::testing::HasSubstr("cannot go from holding to capturing"));
  EXPECT_THAT(refused("UPDATE book_transfers SET amount_minor = 2" + where),
              ::testing::HasSubstr("permission denied"));
  EXPECT_THAT(refused("DELETE FROM book_transfers" + where),
              ::testing::HasSubstr("permission denied"));
  EXPECT_THAT(refused("UPDATE payments SET target_book = 'main'" + where),
              ::testing::HasSubstr("permission denied"));
  runtime.Stop();
}

}  // namespace
}  // namespace florin::payments
