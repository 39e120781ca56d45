#include "services/payments/flow/payee_check.h"

#include "libs/rpc/timestamp.h"
#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using ::testing::IsEmpty;

class PayeeCheckTest : public PaymentsFixture {
 protected:
  PayeeCheckTest() { create_.RequirePayees(check_); }

  PaymentRequest ToStranger(std::int64_t minor_units) const {
    PaymentRequest request = Transfer(minor_units);
    request.destination_account_id = c_;
    return request;
  }

  accounts::v1::PayeesClient payees_{&accounts_channel_};
  PayeeCheck check_{
      payees_, {.required = true, .while_cooling_off = {{*Currency::Parse("EUR"), 100}}}, clock_};
};

TEST_F(PayeeCheckTest, OnlyWhoWasSavedIsPaid) {
  EXPECT_THAT(Create(ToStranger(10), "key"), StatusHasReason(Reason::kPayeeNotFound));
  EXPECT_THAT(Payments(), IsEmpty());
  payees_double_.Save(user_, c_, clock_.Now());
  EXPECT_THAT(Create(ToStranger(500), "key"), IsOk());
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 500);
}

TEST_F(PayeeCheckTest, OnesOwnAccountsNeedNoSaving) {
  EXPECT_THAT(Create(Transfer(500), "key"), IsOk());
  EXPECT_THAT(Create(Deposit(500), "key"), IsOk());
}

TEST_F(PayeeCheckTest, ANewPayeeIsPaidLittleUntilItsTime) {
  payees_double_.Save(user_, c_, clock_.Now() + absl::Hours(1));
  EXPECT_THAT(Create(ToStranger(100), "1"), IsOk());
  EXPECT_THAT(Create(ToStranger(101), "2"), StatusHasReason(Reason::kPayeeCoolingOff));
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Create(ToStranger(101), "2"), IsOk());
}

TEST_F(PayeeCheckTest, ARetryIsAnsweredThoughThePayeeIsGone) {
  payees_double_.Save(user_, c_, clock_.Now());
  const auto made = Create(ToStranger(10), "key");
  ASSERT_THAT(made, IsOk());
  payees_double_.Clear();
  const auto again = Create(ToStranger(10), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->payment, made->payment);
  EXPECT_THAT(Create(ToStranger(10), "new"), StatusHasReason(Reason::kPayeeNotFound));
}

TEST_F(PayeeCheckTest, EachOfSeveralMustBeSavedForItsShare) {
  payees_double_.Save(user_, c_, clock_.Now() + absl::Hours(1));
  PaymentRequest request = Transfer(300);
  request.destination_account_id = Uuid();
  request.splits = {{.destination_account_id = b_, .amount_minor = 200},
                    {.destination_account_id = c_, .amount_minor = 100}};
  EXPECT_THAT(Create(request, "1"), IsOk());
  request.splits = {{.destination_account_id = b_, .amount_minor = 199},
                    {.destination_account_id = c_, .amount_minor = 101}};
  EXPECT_THAT(Create(request, "2"), StatusHasReason(Reason::kPayeeCoolingOff));
}

}  // namespace
}  // namespace florin::payments
