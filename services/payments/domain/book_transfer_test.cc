#include "services/payments/domain/book_transfer.h"

#include <array>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/status/matchers.h"
#include "services/payments/domain/book_clearing.h"

namespace florin::payments {
namespace {

using S = TransferStage;
using ::testing::ElementsAre;

const Currency kEur = *Currency::Parse("EUR");
const absl::Time kCreated = absl::FromUnixMicros(1'790'000'000'000'001);
const absl::Time kDecided = kCreated + absl::Seconds(1);
constexpr S kStages[] = {S::kHolding, S::kCrediting, S::kCapturing, S::kCaptured,
                         S::kRefused, S::kVoiding,   S::kVoided};

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}

PaymentRequest Request(Kind kind = Kind::kTransfer) {
  return {.kind = kind,
          .source_account_id = kind == Kind::kDeposit ? Uuid() : Id(10),
          .destination_account_id = Id(11),
          .amount = {.minor_units = 1250, .currency = kEur},
          .reference = "rent"};
}
Payment Apart(Kind kind = Kind::kTransfer) {
  Payment payment = NewPayment(Id(5), Id(1), Request(kind), kCreated);
  payment.books = Books{.source = "main", .target = "other"};
  return payment;
}
std::optional<KnownAccount> In(const std::string& book) {
  return KnownAccount{{.currency = kEur, .book = book}};
}
LedgerAnswer Refused(const std::string& reason, bool final = true) {
  return {.refusal_reason = reason, .final = final};
}

// All stages and answers: only the ways of the table lead anywhere, and each ends.
TEST(TransferStageTest, GoesAsTheTableSays) {
  const auto next = [](S from, bool committed) { return NextStage(from, committed); };
  EXPECT_EQ(next(S::kHolding, true), S::kCrediting);
  EXPECT_EQ(next(S::kHolding, false), S::kRefused);
  EXPECT_EQ(next(S::kCrediting, true), S::kCapturing);
  EXPECT_EQ(next(S::kCrediting, false), S::kVoiding);
  EXPECT_EQ(next(S::kCapturing, true), S::kCaptured);
  EXPECT_EQ(next(S::kVoiding, true), S::kVoided);
  int ways = 0;
  for (const S from : kStages) {
    for (const bool committed : {true, false}) ways += next(from, committed).has_value();
  }
  EXPECT_EQ(ways, 6);
  // A capture or a void that is refused is for a person: nothing must be made of it.
  EXPECT_FALSE(next(S::kCapturing, false).has_value());
  EXPECT_FALSE(next(S::kVoiding, false).has_value());
  for (const S stage : {S::kCaptured, S::kRefused, S::kVoided}) EXPECT_TRUE(IsOver(stage));
  for (const S stage : {S::kHolding, S::kCrediting, S::kCapturing, S::kVoiding}) {
    EXPECT_FALSE(IsOver(stage));
  }
}

TEST(TransferStageTest, NamesComeBack) {
  std::set<std::string_view> names;
  for (const S stage : kStages) {
    EXPECT_EQ(ParseTransferStage(NameOf(stage)).value(), stage);
    names.insert(NameOf(stage));
  }
  EXPECT_EQ(names.size(), std::size(kStages));
  EXPECT_THAT(ParseTransferStage("held"), StatusHasReason(Reason::kInternal));
}

TEST(ApplyAnswerTest, WhatTheLedgerForgetsDecidesNothing) {
  for (const S stage : kStages) {
    BookTransfer transfer = NewTransfer(Apart());
    transfer.stage = stage;
    EXPECT_FALSE(ApplyAnswer(transfer, Refused("account_not_found", false), kDecided).has_value());
  }
}

TEST(ApplyAnswerTest, TheFirstRefusalIsWhyThePaymentFails) {
  const Payment payment = Apart();
  std::optional<BookTransfer> transfer = NewTransfer(payment);
  const LedgerAnswer yes{.committed = true};
  transfer = ApplyAnswer(*transfer, yes, kDecided);
  EXPECT_FALSE(EndOf(payment, *transfer, yes, kDecided).has_value());
  transfer = ApplyAnswer(*transfer, Refused("account_frozen"), kDecided);
  ASSERT_EQ(transfer->stage, S::kVoiding);
  EXPECT_FALSE(EndOf(payment, *transfer, yes, kDecided).has_value());
  transfer = ApplyAnswer(*transfer, yes, kDecided + absl::Seconds(1));
  ASSERT_EQ(transfer->stage, S::kVoided);
  EXPECT_EQ(transfer->failure_reason, "account_frozen");
  EXPECT_EQ(transfer->update_time, kDecided + absl::Seconds(1));
  const std::optional<Payment> ended = EndOf(payment, *transfer, yes, kDecided);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->state, State::kFailed);
  EXPECT_EQ(ended->failure_reason, "account_frozen");
}

TEST(ApplyAnswerTest, ThePaymentSucceedsWithTheCaptureOnly) {
  const Payment payment = Apart();
  BookTransfer transfer = NewTransfer(payment);
  const LedgerAnswer yes{.committed = true};
  for (const S stage : {S::kCrediting, S::kCapturing}) {
    transfer = *ApplyAnswer(transfer, yes, kDecided);
    EXPECT_EQ(transfer.stage, stage);
    EXPECT_FALSE(EndOf(payment, transfer, yes, kDecided).has_value());
  }
  transfer = *ApplyAnswer(transfer, yes, kDecided);
  EXPECT_EQ(EndOf(payment, transfer, yes, kDecided)->state, State::kSucceeded);
}

TEST(BooksOfTest, InTheUsualBookNothingIsSaid) {
  EXPECT_EQ(BooksOf("main", Request(), In("main"), {In("main")}).value(), std::nullopt);
  EXPECT_EQ(BooksOf("main", Request(), In(""), {In("main")}).value(), std::nullopt);
  EXPECT_EQ(BooksOf("main", Request(Kind::kDeposit), std::nullopt, {In("")}).value(), std::nullopt);
  EXPECT_EQ(BooksOf("main", Request(), In("other"), {In("other")}).value(),
            (Books{.source = "other", .target = "other"}));
  EXPECT_EQ(BooksOf("main", Request(), In("other"), {In("")}).value(),
            (Books{.source = "other", .target = "main"}));
  EXPECT_EQ(BooksOf("main", Request(Kind::kDeposit), std::nullopt, {In("other")}).value(),
            (Books{.source = "main", .target = "other"}));
}

TEST(BooksOfTest, WhatCannotGoBetweenBooksIsRefusedByName) {
  const auto param = [](PaymentRequest request, const std::string& source,
                        std::vector<std::optional<KnownAccount>> payees) -> std::string {
    const auto books = BooksOf("main", request, In(source), payees);
    if (books.ok()) return "";
    EXPECT_THAT(books, StatusHasReason(Reason::kInvalidField));
    return DetailOf(books.status()).param;
  };
  PaymentRequest quoted = Request();
  quoted.quote_id = Id(9);
  EXPECT_EQ(param(quoted, "main", {In("other")}), "quote_id");
  EXPECT_EQ(param(quoted, "other", {In("other")}), "");
  PaymentRequest manual = Request();
  manual.authorization_timeout = absl::Hours(1);
  EXPECT_EQ(param(manual, "main", {In("other")}), "capture_method");
  EXPECT_EQ(param(manual, "other", {In("other")}), "");
  PaymentRequest split = Request();
  split.splits.resize(2);
  EXPECT_EQ(param(split, "main", {In("main"), In("other")}), "splits[1].destination_account_id");
  EXPECT_EQ(param(split, "main", {In("other"), In("other")}), "splits[0].destination_account_id");
  EXPECT_EQ(param(split, "other", {In("other"), In("other")}), "");
}

TEST(BookPostingsTest, GoByTheClearingAccountOfTheirDirection) {
  const Payment payment = Apart();
  const Uuid clearing = ClearingAccountOf(*payment.books, kEur);
  EXPECT_THAT(PostingsOf(payment), ElementsAre(LedgerPosting{Id(10), clearing, 1250}));
  EXPECT_THAT(CreditPostingsOf(payment), ElementsAre(LedgerPosting{clearing, Id(11), 1250}));
  EXPECT_THAT(PostingsOf(Apart(Kind::kDeposit)),
              ElementsAre(LedgerPosting{SandboxRailAccount(kEur), clearing, 1250}));
  EXPECT_NE(clearing, ClearingAccountOf({.source = "other", .target = "main"}, kEur));
  EXPECT_NE(clearing, ClearingAccountOf(*payment.books, *Currency::Parse("USD")));
}

// Whoever bears it, the fee stays in the payer's book.
TEST(BookPostingsTest, AFeeDoesNotGoOver) {
  Payment payment = Apart();
  payment.pricing = Pricing{.fee = Fee{.payer_minor = 20, .payee_minor = 50}};
  const Uuid clearing = ClearingAccountOf(*payment.books, kEur);
  EXPECT_THAT(PostingsOf(payment),
              ElementsAre(LedgerPosting{Id(10), clearing, 1200},
                          LedgerPosting{Id(10), HouseAccountId({Role::kFeeIncome, kEur}), 70}));
  EXPECT_THAT(CreditPostingsOf(payment), ElementsAre(LedgerPosting{clearing, Id(11), 1200}));
  EXPECT_EQ(NewTransfer(payment).amount.minor_units, 1200);
}

// Pinned: with another derivation, a payment under way while Florin is upgraded would be posted
// twice.
TEST(BookPostingsTest, IdsNeverChange) {
  const std::string payment = "pay_00000000000000000000000005";
  EXPECT_EQ(CreditIdOf(Id(5)), DeriveId("florin.payments.book_transfer", "credit " + payment));
  EXPECT_EQ(CaptureIdOf(Id(5)), DeriveId("florin.payments.book_transfer", "capture " + payment));
  EXPECT_EQ(VoidIdOf(Id(5)), DeriveId("florin.payments.book_transfer", "void " + payment));
  EXPECT_EQ(ClearingAccountOf({.source = "a", .target = "b"}, kEur),
            DeriveId("florin.payments.book_clearing", "a b EUR"));
}

LedgerRecord Moved(const Uuid& id, std::vector<LedgerPosting> postings) {
  return {.transaction_id = id, .committed = true, .postings = std::move(postings)};
}
std::optional<DiscrepancyKind> KindOf(const Payment& payment, std::vector<LedgerRecord> records) {
  const auto found = Compare(payment, LedgerRecords(std::move(records)));
  if (!found) return std::nullopt;
  return found->kind;
}

TEST(CompareTest, APaymentBetweenBooksHasMovedInBothOrNeither) {
  using K = DiscrepancyKind;
  Payment payment = Apart();
  const LedgerRecord held = Moved(payment.transaction_id, HoldPostingsOf(payment));
  const LedgerRecord credited = Moved(CreditIdOf(Id(5)), CreditPostingsOf(payment));
  const LedgerRecord captured = Moved(CaptureIdOf(Id(5)), HoldPostingsOf(payment));
  EXPECT_EQ(KindOf(payment, {held, credited}), K::kUnfinished);
  payment.state = State::kSucceeded;
  EXPECT_EQ(KindOf(payment, {held, credited, captured}), std::nullopt);
  EXPECT_EQ(KindOf(payment, {held, credited}), K::kMissingInLedger);
  EXPECT_EQ(KindOf(payment, {held, captured}), K::kMissingInLedger);
  LedgerRecord more = credited;
  more.postings[0].amount_minor += 1;
  EXPECT_EQ(KindOf(payment, {held, more, captured}), K::kAmountDiffers);
  payment.state = State::kFailed;
  payment.failure_reason = "account_closed";
  EXPECT_EQ(KindOf(payment, {held}), std::nullopt);  // It was voided.
  EXPECT_EQ(KindOf(payment, {held, credited}), K::kMovedAlthoughEnded);
  EXPECT_EQ(KindOf(payment, {held, captured}), K::kMovedAlthoughEnded);
}

TEST(ClearingTest, WhatDiffersIsAtRisk) {
  Clearing clearing{.pair = {.books = {.source = "main", .target = "other"}, .currency = kEur},
                    .owed_minor = 900,
                    .due_minor = 1000,
                    .under_way_minor = 100};
  EXPECT_TRUE(clearing.Agrees());
  EXPECT_EQ(Check(clearing), std::nullopt);
  for (const std::int64_t difference : {-7, 7}) {
    clearing.under_way_minor = 100 + difference;
    const std::optional<Discrepancy> found = Check(clearing);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->kind, DiscrepancyKind::kClearingDiffers);
    EXPECT_EQ(found->at_risk_minor, 7);
    EXPECT_EQ(found->currency, kEur);
    EXPECT_EQ(found->discrepancy_id, DiscrepancyIdOf(clearing.pair));
  }
  // As much as can be said of what fits no number.
  clearing.owed_minor = std::numeric_limits<std::int64_t>::min();
  clearing.due_minor = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(Check(clearing)->at_risk_minor, std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace florin::payments
