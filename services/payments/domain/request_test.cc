#include "services/payments/domain/request.h"

#include <set>

#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;

// Ids 1, 2, 3, …: accounts A and B of the user, C of somebody else.
Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
const Uuid kUser = Id(1);
const Uuid kStranger = Id(2);
const Uuid kA = Id(10);
const Uuid kB = Id(11);
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");

PaymentRequest Transfer() {
  return {.kind = Kind::kTransfer,
          .source_account_id = kA,
          .destination_account_id = kB,
          .amount = {.minor_units = 1250, .currency = kEur},
          .reference = "rent"};
}
PaymentRequest Deposit() {
  PaymentRequest request = Transfer();
  request.kind = Kind::kDeposit;
  request.source_account_id = Uuid();
  return request;
}
AccountFacts Facts(const Uuid& account, const Uuid& owner, const Currency& currency = kEur) {
  return {.account_id = account, .owner_user_id = owner, .currency = currency};
}

TEST(CheckAmountTest, Table) {
  EXPECT_EQ(CheckAmount("EUR", 1).value(), (Money{1, kEur}));
  EXPECT_EQ(CheckAmount("EUR", INT64_MAX).value(), (Money{INT64_MAX, kEur}));
  EXPECT_THAT(CheckAmount("EUR", 0), StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(CheckAmount("EUR", -1), StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(CheckAmount("EUR", 0).status(), StatusHasParam("amount.minor_units"));
  EXPECT_THAT(CheckAmount("eur", 1), StatusHasReason(Reason::kUnknownCurrency));
  EXPECT_THAT(CheckAmount("", 1).status(), StatusHasParam("amount.currency"));
}

TEST(CheckRequestTest, SourceAndDestinationDiffer) {
  PaymentRequest request = Transfer();
  EXPECT_THAT(CheckRequest(request), IsOk());
  request.destination_account_id = kA;
  EXPECT_THAT(CheckRequest(request), AllOf(StatusHasReason(Reason::kSameAccount),
                                           StatusHasParam("destination_account_id")));
}

TEST(CheckRequestTest, ReferencesArePlainTextOfAtMost140Characters) {
  PaymentRequest request = Deposit();
  request.reference = "";
  EXPECT_THAT(CheckRequest(request), IsOk());
  request.reference.clear();
  for (int i = 0; i < 140; ++i) request.reference += "é";
  EXPECT_THAT(CheckRequest(request), IsOk());
  for (const std::string& bad :
       {request.reference + "x", std::string("a\nb"), std::string("\xff")}) {
    request.reference = bad;
    EXPECT_THAT(CheckRequest(request), StatusHasReason(Reason::kInvalidReference));
  }
}

struct AccountCase {
  const char* name;
  PaymentRequest request;
  std::optional<AccountFacts> source;
  std::optional<AccountFacts> destination;
  std::optional<Reason> reason;  // Nothing: allowed.
  const char* param;
};

class CheckAccountsTest : public ::testing::TestWithParam<AccountCase> {};

TEST_P(CheckAccountsTest, Table) {
  const AccountCase& c = GetParam();
  const absl::Status status = CheckAccounts(kUser, c.request, c.source, c.destination);
  if (!c.reason) {
    EXPECT_THAT(status, IsOk());
  } else {
    EXPECT_THAT(status, AllOf(StatusHasReason(*c.reason), StatusHasParam(c.param)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, CheckAccountsTest,
    ::testing::Values(
        AccountCase{"OwnToOwn", Transfer(), Facts(kA, kUser), Facts(kB, kUser), {}, ""},
        AccountCase{"OwnToAnybody", Transfer(), Facts(kA, kUser), Facts(kB, kStranger), {}, ""},
        AccountCase{"UnknownSource",
                    Transfer(),
                    {},
                    Facts(kB, kUser),
                    Reason::kAccountNotFound,
                    "source_account_id"},
        AccountCase{"ForeignSource", Transfer(), Facts(kA, kStranger), Facts(kB, kUser),
                    Reason::kAccountNotFound, "source_account_id"},
        AccountCase{"UnknownDestination",
                    Transfer(),
                    Facts(kA, kUser),
                    {},
                    Reason::kAccountNotFound,
                    "destination_account_id"},
        AccountCase{"OtherCurrencyOfAmount", Transfer(), Facts(kA, kUser, kUsd), Facts(kB, kUser),
                    Reason::kCurrencyMismatch, "amount.currency"},
        AccountCase{"OtherCurrencyOfDestination", Transfer(), Facts(kA, kUser),
                    Facts(kB, kUser, kUsd), Reason::kCurrencyMismatch, "destination_account_id"},
        // A stranger's account must not betray its currency.
        AccountCase{"ForeignSourceOfOtherCurrency", Transfer(), Facts(kA, kStranger, kUsd),
                    Facts(kB, kUser), Reason::kAccountNotFound, "source_account_id"},
        AccountCase{"DepositToOwn", Deposit(), {}, Facts(kB, kUser), {}, ""},
        AccountCase{"DepositToForeign",
                    Deposit(),
                    {},
                    Facts(kB, kStranger),
                    Reason::kAccountNotFound,
                    "destination_account_id"},
        AccountCase{"DepositToUnknown",
                    Deposit(),
                    {},
                    {},
                    Reason::kAccountNotFound,
                    "destination_account_id"},
        AccountCase{"DepositOfOtherCurrency",
                    Deposit(),
                    {},
                    Facts(kB, kUser, kUsd),
                    Reason::kCurrencyMismatch,
                    "amount.currency"}),
    [](const auto& info) { return info.param.name; });

TEST(CanonicalRequestTest, EveryFieldTells) {
  std::set<std::string> seen = {CanonicalRequest(Transfer()), CanonicalRequest(Deposit())};
  PaymentRequest other = Transfer();
  other.source_account_id = Id(99);
  seen.insert(CanonicalRequest(other));
  other = Transfer();
  other.destination_account_id = Id(99);
  seen.insert(CanonicalRequest(other));
  other = Transfer();
  other.amount.minor_units = 1251;
  seen.insert(CanonicalRequest(other));
  other = Transfer();
  other.amount.currency = kUsd;
  seen.insert(CanonicalRequest(other));
  other = Transfer();
  other.reference = "rent;";
  seen.insert(CanonicalRequest(other));
  other = Transfer();
  other.authorization_timeout = absl::Hours(1);
  seen.insert(CanonicalRequest(other));
  other.authorization_timeout = absl::Hours(2);
  seen.insert(CanonicalRequest(other));
  EXPECT_EQ(seen.size(), 9u);
}

// Pinned: fingerprints of requests that were made before are kept.
TEST(CanonicalRequestTest, OfAPaymentMovedAtOnceNeverChanges) {
  EXPECT_EQ(CanonicalRequest(Transfer()),
            "8:transfer;36:00000000-0000-0000-0000-00000000000a;"
            "36:00000000-0000-0000-0000-00000000000b;3:EUR;4:1250;4:rent;");
}

TEST(CheckRequestTest, AnAuthorizationLastsAMinuteToThirtyDays) {
  PaymentRequest request = Transfer();
  for (const absl::Duration good : {kShortestAuthorization, kLongestAuthorization}) {
    request.authorization_timeout = good;
    EXPECT_THAT(CheckRequest(request), IsOk());
  }
  for (const absl::Duration bad : {kShortestAuthorization - absl::Seconds(1),
                                   kLongestAuthorization + absl::Seconds(1), -absl::Hours(1)}) {
    request.authorization_timeout = bad;
    EXPECT_THAT(CheckRequest(request), AllOf(StatusHasReason(Reason::kInvalidField),
                                             StatusHasParam("authorization_timeout_seconds")));
  }
  request = Deposit();
  request.authorization_timeout = absl::Hours(1);
  EXPECT_THAT(CheckRequest(request), StatusHasReason(Reason::kInvalidField));
  request = Transfer();
  request.authorization_timeout = absl::Hours(1);
  request.quote_id = Id(9);
  EXPECT_THAT(CheckRequest(request),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("capture_method")));
}

TEST(NewPaymentTest, IsTheRequestInProcessing) {
  const absl::Time now = absl::FromUnixMicros(1'000'001);
  const Payment payment = NewPayment(Id(5), kUser, Transfer(), now);
  EXPECT_EQ(payment.state, State::kProcessing);
  EXPECT_EQ(payment.user_id, kUser);
  EXPECT_EQ(payment.amount, (Money{1250, kEur}));
  EXPECT_EQ(payment.transaction_id, TransactionIdOf(Id(5)));
  EXPECT_EQ(payment.create_time, now);
  EXPECT_EQ(payment.update_time, now);
}

}  // namespace
}  // namespace florin::payments
