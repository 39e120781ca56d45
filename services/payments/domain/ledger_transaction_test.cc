#include "services/payments/domain/ledger_transaction.h"

#include "libs/status/matchers.h"
#include "services/payments/domain/request.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
const Currency kEur = *Currency::Parse("EUR");
const absl::Time kCreated = absl::FromUnixSeconds(100);
const absl::Time kDecided = absl::FromUnixSeconds(101);

Payment Processing(Kind kind) {
  PaymentRequest request{.kind = kind,
                         .source_account_id = kind == Kind::kTransfer ? Id(10) : Uuid(),
                         .destination_account_id = Id(11),
                         .amount = {.minor_units = 1250, .currency = kEur},
                         .reference = "rent"};
  return NewPayment(Id(5), Id(1), request, kCreated);
}

TEST(PostingsOfTest, ATransferDebitsTheSource) {
  EXPECT_THAT(PostingsOf(Processing(Kind::kTransfer)),
              ElementsAre(LedgerPosting{Id(10), Id(11), 1250}));
}

TEST(PostingsOfTest, ADepositDebitsTheRailOfItsCurrency) {
  EXPECT_THAT(PostingsOf(Processing(Kind::kDeposit)),
              ElementsAre(LedgerPosting{SandboxRailAccount(kEur), Id(11), 1250}));
  EXPECT_NE(SandboxRailAccount(kEur), SandboxRailAccount(*Currency::Parse("USD")));
}

// Pinned: with another derivation, a payment under way while Florin is upgraded would be posted
// twice.
TEST(TransactionIdOfTest, NeverChanges) {
  EXPECT_EQ(TransactionIdOf(Id(5)),
            DeriveId("florin.payments.transaction", "pay_00000000000000000000000005"));
  EXPECT_EQ(SandboxRailAccount(kEur), DeriveId("florin.payments.rail.sandbox", "EUR"));
}

TEST(ApplyAnswerTest, ACommitSucceeds) {
  const LedgerAnswer answer{.committed = true};
  const std::optional<Payment> payment = ApplyAnswer(Processing(Kind::kTransfer), answer, kDecided);
  ASSERT_TRUE(payment.has_value());
  EXPECT_EQ(payment->state, State::kSucceeded);
  EXPECT_EQ(payment->failure_reason, "");
  EXPECT_EQ(payment->create_time, kCreated);
  EXPECT_EQ(payment->update_time, kDecided);
}

TEST(ApplyAnswerTest, AHoldRequiresCaptureUntilTheLedgersTime) {
  Payment authorizing = Processing(Kind::kTransfer);
  authorizing.authorization_timeout = absl::Hours(1);
  const LedgerAnswer answer{.committed = true, .expire_time = kDecided + absl::Hours(1)};
  const std::optional<Payment> payment = ApplyAnswer(authorizing, answer, kDecided);
  ASSERT_TRUE(payment.has_value());
  EXPECT_EQ(payment->state, State::kRequiresCapture);
  EXPECT_EQ(payment->authorization_expire_time, kDecided + absl::Hours(1));
}

TEST(ApplyAnswerTest, AFinalRefusalFailsWithItsReason) {
  const LedgerAnswer answer{
      .committed = false, .refusal_reason = "insufficient_funds", .final = true};
  const std::optional<Payment> payment = ApplyAnswer(Processing(Kind::kTransfer), answer, kDecided);
  ASSERT_TRUE(payment.has_value());
  EXPECT_EQ(payment->state, State::kFailed);
  EXPECT_EQ(payment->failure_reason, "insufficient_funds");
}

TEST(ApplyAnswerTest, ARefusalThatTheLedgerForgetsDecidesNothing) {
  const LedgerAnswer answer{
      .committed = false, .refusal_reason = "account_not_found", .final = false};
  EXPECT_THAT(ApplyAnswer(Processing(Kind::kDeposit), answer, kDecided), Eq(std::nullopt));
}

TEST(SourceFrozenTest, IsWhatTheLedgerSaysOfItsDebits) {
  const LedgerAnswer frozen{.refusal_reason = "account_frozen",
                            .final = true,
                            .refusal_param = "postings[1].debit_account_id"};
  Payment transfer = Processing(Kind::kTransfer);
  transfer.source_account_id = DeriveId("test", "source");
  EXPECT_TRUE(IsSourceFrozen(transfer, frozen));
  LedgerAnswer other = frozen;
  other.refusal_param = "postings[0].credit_account_id";
  EXPECT_FALSE(IsSourceFrozen(transfer, other));
  other = frozen;
  other.refusal_reason = "account_closed";
  EXPECT_FALSE(IsSourceFrozen(transfer, other));
  other = frozen;
  other.final = false;
  EXPECT_FALSE(IsSourceFrozen(transfer, other));
  EXPECT_FALSE(IsSourceFrozen(transfer, LedgerAnswer{.committed = true}));
  transfer.source_account_id = Uuid();
  EXPECT_FALSE(IsSourceFrozen(transfer, frozen));
  EXPECT_EQ(RefusedByDormancy(frozen).refusal_reason, "account_dormant");
}

TEST(FailureOfTest, IsTheLedgersReasonWithThePaymentsId) {
  Payment payment = Processing(Kind::kTransfer);
  payment.state = State::kFailed;
  payment.failure_reason = "insufficient_funds";
  const absl::Status failure = FailureOf(payment);
  EXPECT_THAT(failure, StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_EQ(DetailOf(failure).metadata.at("payment_id"), "pay_00000000000000000000000005");
}

TEST(FailureOfTest, AReasonOfANewerLedgerIsInternal) {
  Payment payment = Processing(Kind::kTransfer);
  payment.state = State::kFailed;
  payment.failure_reason = "moon_is_full";
  EXPECT_THAT(FailureOf(payment), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::payments
