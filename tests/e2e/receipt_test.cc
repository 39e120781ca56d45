// A receipt as an app gets it, verified by nothing but the public key of the ledger's log.
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/signer.h"
#include "libs/status/matchers.h"
#include "services/ledger/proof/receipt.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

crypto::SignerKey LogKey() {
  std::ifstream file(SharedStack().Variable("FLORIN_LOG_KEY"));
  const std::string pem(std::istreambuf_iterator<char>(file), {});
  return crypto::SignerKey::FromPem(pem).value();
}

// Asks until the log has come to the payment, which is soon.
Answer ReceiptOf(ApiUser& user, const std::string& payment_id) {
  const std::string path = absl::StrCat("/v1/payments/", payment_id, "/receipt");
  Answer answer = user.Get(path);
  for (int i = 0; i < 600 && Outcome(answer) == "503 not_sealed_yet"; ++i) {
    EXPECT_TRUE(answer.headers.contains("retry-after")) << answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    answer = user.Get(path);
  }
  return answer;
}

absl::StatusOr<ledger::proof::Record> Verify(const Answer& answer) {
  const std::string text = boost::json::serialize(answer.body.at("receipt"));
  const auto receipt = ledger::proof::ParseReceipt(text);
  if (!receipt.ok()) return receipt.status();
  EXPECT_EQ(receipt->origin, "florin.local/main");
  EXPECT_EQ(receipt->algorithm, "ed25519");
  return ledger::proof::VerifyReceipt(*receipt, LogKey());
}

class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() { user_.Deposit(a_, 10000); }

  ApiUser user_{SharedStack()};
  const std::string a_ = user_.OpenAccount("EUR");
  const std::string b_ = user_.OpenAccount("EUR");
};

TEST_F(ReceiptTest, ProvesAPaymentOffline) {
  const Answer payment = user_.Pay(a_, b_, 1250);
  ASSERT_EQ(Outcome(payment), "200") << payment;
  const Answer answer = ReceiptOf(user_, payment.Text("payment_id"));
  ASSERT_EQ(Outcome(answer), "200") << answer;
  const auto record = Verify(answer);
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(FormatId(IdKind::kTransaction, record->transaction_id), payment.Text("transaction_id"));
  EXPECT_EQ(record->kind, "post");
  EXPECT_FALSE(record->refused.has_value());
  EXPECT_EQ(record->metadata.at("payment_id"), payment.Text("payment_id"));
  ASSERT_EQ(record->postings.size(), 1u);
  EXPECT_EQ(FormatId(IdKind::kAccount, record->postings[0].debit_account_id), a_);
  EXPECT_EQ(FormatId(IdKind::kAccount, record->postings[0].credit_account_id), b_);
  EXPECT_EQ(record->postings[0].amount_minor, 1250);
  // The same for ever.
  EXPECT_EQ(ReceiptOf(user_, payment.Text("payment_id")).body, answer.body);
}

TEST_F(ReceiptTest, ProvesARefusal) {
  const Answer refused = user_.Pay(a_, b_, 10001);
  ASSERT_EQ(Outcome(refused), "422 insufficient_funds") << refused;
  const Answer answer = ReceiptOf(user_, refused.Text("metadata.payment_id"));
  ASSERT_EQ(Outcome(answer), "200") << answer;
  const auto record = Verify(answer);
  ASSERT_THAT(record, IsOk());
  ASSERT_TRUE(record->refused.has_value());
  EXPECT_EQ(record->refused->reason, "insufficient_funds");
}

TEST_F(ReceiptTest, IsOnlyForWhoseThePaymentIs) {
  const Answer payment = user_.Pay(a_, b_, 1);
  ApiUser other(SharedStack());
  const std::string path = absl::StrCat("/v1/payments/", payment.Text("payment_id"), "/receipt");
  EXPECT_EQ(Outcome(other.Get(path)), "404 payment_not_found");
  ApiUser writer(SharedStack(), "payments:write");
  EXPECT_EQ(Outcome(writer.Get(path)), "403 scope_missing");
}

}  // namespace
}  // namespace florin::e2e
