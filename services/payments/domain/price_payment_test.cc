#include "services/payments/domain/price_payment.h"

#include <map>
#include <random>

#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Eq;

Uuid Id(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes = {};
  bytes[15] = number;
  return Uuid(bytes);
}
const Uuid kPayer = Id(10);
const Uuid kPayee = Id(11);
const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");

PaymentRequest Transfer(std::int64_t minor, const Currency& currency = kEur) {
  return {.kind = Kind::kTransfer,
          .source_account_id = kPayer,
          .destination_account_id = kPayee,
          .amount = {.minor_units = minor, .currency = currency},
          .reference = ""};
}

FeeSchedule Schedule(const std::string& text) { return *ParseFeeSchedule(text); }

Quote QuoteOf(const Converted& converted) {
  return {.quote_id = Id(20),
          .user_id = Id(1),
          .converted = converted,
          .rate = {1},
          .mid_rate = {2},
          .spread_basis_points = 100};
}
Quote SomeQuote() { return QuoteOf({{10000, kEur}, {10890, kUsd}, 109, 1}); }

Payment Priced(const PaymentRequest& request, const FeeSchedule& schedule,
               const std::optional<Quote>& quote = std::nullopt) {
  Payment payment = NewPayment(Id(5), Id(1), request, absl::UnixEpoch());
  absl::StatusOr<std::optional<Pricing>> pricing = PricePayment(request, schedule, quote);
  EXPECT_THAT(pricing, IsOk());
  payment.pricing = *std::move(pricing);
  return payment;
}

// What the postings leave on each account, credits less debits.
std::map<Uuid, std::int64_t> BalancesOf(const Payment& payment) {
  std::map<Uuid, std::int64_t> balances;
  for (const LedgerPosting& posting : PostingsOf(payment)) {
    EXPECT_GT(posting.amount_minor, 0);
    balances[posting.debit_account_id] -= posting.amount_minor;
    balances[posting.credit_account_id] += posting.amount_minor;
  }
  return balances;
}

TEST(PricePaymentTest, WhatIsFreeHasNoPricing) {
  EXPECT_THAT(Priced(Transfer(100), {}).pricing, Eq(std::nullopt));
  EXPECT_THAT(Priced(Transfer(100), Schedule("transfer USD payer fixed=5")).pricing,
              Eq(std::nullopt));
  EXPECT_THAT(Priced(Transfer(100), Schedule("fx EUR payer fixed=5")).pricing, Eq(std::nullopt));
  EXPECT_THAT(Priced(Transfer(99), Schedule("transfer EUR payer basis_points=100")).pricing,
              Eq(std::nullopt));
}

TEST(PricePaymentTest, AFeeIsInTheSameTransaction) {
  const Uuid income = HouseAccountId({Role::kFeeIncome, kEur});
  const Payment payer = Priced(Transfer(1000), Schedule("transfer EUR payer fixed=25"));
  EXPECT_THAT(PostingsOf(payer),
              ElementsAre(LedgerPosting{kPayer, kPayee, 1000}, LedgerPosting{kPayer, income, 25}));
  EXPECT_EQ(DebitedOf(payer), (Money{1025, kEur}));
  EXPECT_EQ(CreditedOf(payer), (Money{1000, kEur}));
  EXPECT_THAT(HouseAccountsOf(payer), ElementsAre(HouseAccount{Role::kFeeIncome, kEur}));

  const Payment payee = Priced(Transfer(1000), Schedule("transfer EUR payee fixed=25"));
  EXPECT_THAT(PostingsOf(payee),
              ElementsAre(LedgerPosting{kPayer, kPayee, 975}, LedgerPosting{kPayer, income, 25}));
  EXPECT_EQ(DebitedOf(payee), (Money{1000, kEur}));
  EXPECT_EQ(CreditedOf(payee), (Money{975, kEur}));

  const Payment split = Priced(Transfer(1000), Schedule("transfer EUR split:5000 fixed=25"));
  EXPECT_THAT(PostingsOf(split),
              ElementsAre(LedgerPosting{kPayer, kPayee, 987}, LedgerPosting{kPayer, income, 25}));
  EXPECT_EQ(DebitedOf(split), (Money{1012, kEur}));
}

TEST(PricePaymentTest, ADepositsFeeComesOutOfIt) {
  PaymentRequest request = Transfer(1000);
  request.kind = Kind::kDeposit;
  request.source_account_id = Uuid();
  const Payment payment = Priced(request, Schedule("deposit EUR payee fixed=25"));
  EXPECT_THAT(PostingsOf(payment),
              ElementsAre(LedgerPosting{SandboxRailAccount(kEur), kPayee, 975},
                          LedgerPosting{SandboxRailAccount(kEur),
                                        HouseAccountId({Role::kFeeIncome, kEur}), 25}));
  EXPECT_THAT(HouseAccountsOf(payment), ElementsAre(HouseAccount{Role::kInboundClearing, kEur},
                                                    HouseAccount{Role::kFeeIncome, kEur}));
}

TEST(PricePaymentTest, AFeeLeavesSomethingForThePayee) {
  const FeeSchedule schedule = Schedule("transfer EUR payee fixed=25");
  EXPECT_THAT(PricePayment(Transfer(25), schedule, std::nullopt),
              StatusHasReason(Reason::kAmountTooSmall));
  EXPECT_EQ(CreditedOf(Priced(Transfer(26), schedule)).minor_units, 1);
}

TEST(PricePaymentTest, AConversionIsOneTransaction) {
  PaymentRequest request = Transfer(10000);
  request.quote_id = Id(20);
  const Payment payment =
      Priced(request, Schedule("fx EUR payer fixed=25\ntransfer EUR payer fixed=99"), SomeQuote());
  const Uuid position = HouseAccountId({Role::kFxPosition, kUsd});
  EXPECT_THAT(
      PostingsOf(payment),
      ElementsAre(LedgerPosting{kPayer, HouseAccountId({Role::kFxPosition, kEur}), 10000},
                  LedgerPosting{position, kPayee, 10890},
                  LedgerPosting{position, HouseAccountId({Role::kFxSpreadIncome, kUsd}), 109},
                  LedgerPosting{position, HouseAccountId({Role::kFxGainLoss, kUsd}), 1},
                  LedgerPosting{kPayer, HouseAccountId({Role::kFeeIncome, kEur}), 25}));
  EXPECT_EQ(DebitedOf(payment), (Money{10025, kEur}));
  EXPECT_EQ(CreditedOf(payment), (Money{10890, kUsd}));
  EXPECT_EQ(HouseAccountsOf(payment).size(), 5u);
}

TEST(CheckQuoteTest, TheQuoteIsForThisPayment) {
  PaymentRequest request = Transfer(10000);
  EXPECT_THAT(CheckQuote(request, SomeQuote(), kUsd), IsOk());
  EXPECT_THAT(
      CheckQuote(request, SomeQuote(), kEur),
      AllOf(StatusHasReason(Reason::kQuoteMismatch), StatusHasParam("destination_account_id")));
  request.amount.minor_units = 10001;
  EXPECT_THAT(CheckQuote(request, SomeQuote(), kUsd),
              AllOf(StatusHasReason(Reason::kQuoteMismatch), StatusHasParam("amount.minor_units")));
  request.amount = {10000, kUsd};
  EXPECT_THAT(CheckQuote(request, SomeQuote(), kUsd),
              AllOf(StatusHasReason(Reason::kQuoteMismatch), StatusHasParam("amount.currency")));
}

TEST(PricePaymentTest, SeveralPayeesShareTheirPartOfTheFee) {
  PaymentRequest request = Transfer(100);
  request.splits = {{Id(30), 50}, {Id(31), 49}, {Id(32), 1}};
  EXPECT_THAT(
      BalancesOf(Priced(request, {})),
      Eq(std::map<Uuid, std::int64_t>{{kPayer, -100}, {Id(30), 50}, {Id(31), 49}, {Id(32), 1}}));
  // 10 of 100: 5, 4.9 and 0.1, of which the first one that was rounded bears the unit that is left.
  const Payment payment = Priced(request, Schedule("transfer EUR payee fixed=10"));
  EXPECT_THAT(payment.pricing->splits,
              ElementsAre(Split{Id(30), 50, 5}, Split{Id(31), 49, 5}, Split{Id(32), 1, 0}));
  EXPECT_THAT(PricePayment(request, Schedule("transfer EUR payee fixed=100"), std::nullopt),
              StatusHasReason(Reason::kAmountTooSmall));
}

TEST(PricePaymentTest, Properties) {
  std::mt19937_64 random(20261127);
  for (const char* code : {"JPY", "EUR", "KWD", "BHD", "CLF"}) {
    const Currency currency = *Currency::Parse(code);
    for (int i = 0; i < 500; ++i) {
      const std::string bearer = i % 3 == 0   ? "payer"
                                 : i % 3 == 1 ? "payee"
                                              : "split:" + std::to_string(random() % 10001);
      const FeeSchedule schedule = Schedule(std::string("transfer ") + code + " " + bearer +
                                            " fixed=" + std::to_string(random() % 9) +
                                            " basis_points=" + std::to_string(random() % 500));
      PaymentRequest request = Transfer(0, currency);
      const std::size_t payees = 1 + random() % 50;
      for (std::size_t j = 0; j < payees; ++j) {
        const std::int64_t part = 20 + static_cast<std::int64_t>(random() % 100'000);
        request.splits.push_back({Id(static_cast<std::uint8_t>(100 + j)), part});
        request.amount.minor_units += part;
      }
      if (payees == 1) request.splits.clear();
      const Payment payment = Priced(request, schedule);
      const std::map<Uuid, std::int64_t> balances = BalancesOf(payment);
      std::int64_t sum = 0;
      std::int64_t credited = 0;
      for (const auto& [id, balance] : balances) {
        sum += balance;
        const bool house = id == HouseAccountId({Role::kFeeIncome, currency});
        if (id != kPayer && !house) credited += balance;
      }
      EXPECT_EQ(sum, 0);
      EXPECT_EQ(-balances.at(kPayer), DebitedOf(payment).minor_units);
      EXPECT_EQ(credited, CreditedOf(payment).minor_units);
      EXPECT_LE(credited, request.amount.minor_units);
    }
  }
}

PayoutRequest Payout(std::int64_t minor) {
  return {.source_account_id = kPayer,
          .amount = {.minor_units = minor, .currency = kEur},
          .beneficiary = {},
          .reference = "",
          .rail = "sandbox"};
}

TEST(PricePayoutTest, TheFeeIsSetAsideBeyondTheAmount) {
  EXPECT_EQ(*PricePayout(Payout(100), {}), std::nullopt);
  EXPECT_EQ(*PricePayout(Payout(100), Schedule("transfer EUR payer fixed=5")), std::nullopt);
  EXPECT_EQ(*PricePayout(Payout(99), Schedule("payout EUR payer basis_points=100")), std::nullopt);
  const FeeSchedule schedule = Schedule("payout EUR payer fixed=5 returned=give_back");
  const std::optional<Pricing> pricing = *PricePayout(Payout(100), schedule);
  ASSERT_TRUE(pricing.has_value());
  EXPECT_EQ(pricing->fee, (Fee{Bearer::kPayer, 5, 0, true}));
  EXPECT_THAT(
      pricing->postings,
      ElementsAre(LedgerPosting{kPayer, HouseAccountId({Role::kOutboundClearing, kEur}), 100},
                  LedgerPosting{kPayer, HouseAccountId({Role::kFeeIncome, kEur}), 5}));
  EXPECT_EQ(ParsePricing(TextOf(*pricing)).value(), *pricing);
  EXPECT_THAT(PricePayout(Payout(INT64_MAX), schedule), StatusHasReason(Reason::kInvalidAmount));
}

TEST(PricingTest, IsReadAsItWasWritten) {
  PaymentRequest request = Transfer(100);
  request.splits = {{Id(30), 60}, {Id(31), 40}};
  Pricing pricing = *Priced(request, Schedule("transfer EUR split:1 fixed=10")).pricing;
  EXPECT_EQ(ParsePricing(TextOf(pricing)).value(), pricing);
  request = Transfer(10000);
  request.quote_id = Id(20);
  pricing = *Priced(request, {}, SomeQuote()).pricing;
  EXPECT_EQ(ParsePricing(TextOf(pricing)).value(), pricing);
  for (const char* bad :
       {"", "1", "1\n", "2\nfee payer 1 0\n", "1\nfee payer 1\n", "1\nfee payer 1 0 0\n",
        "1\nfee nobody 1 0\n", "1\nfee payer x 0\n", "1\nmoon 1\n", "1\nback_if_returned\n",
        "1\nfee payer 1 0\nback_if_returned 1\n", "1\nfee payer 1 0",
        "1\nfee payer 1 0\nfee payer 1 0\n"}) {
    EXPECT_THAT(ParsePricing(bad), StatusHasReason(Reason::kInternal)) << bad;
  }
}

TEST(CheckRequestTest, Splits) {
  PaymentRequest good = Transfer(100);
  good.destination_account_id = Id(30);
  good.splits = {{Id(30), 60}, {Id(31), 40}};
  EXPECT_THAT(CheckRequest(good), IsOk());
  const auto refused = [](const PaymentRequest& request, Reason reason, const char* param) {
    EXPECT_THAT(CheckRequest(request), AllOf(StatusHasReason(reason), StatusHasParam(param)));
  };
  PaymentRequest bad = good;
  bad.splits[1].amount_minor = 41;
  refused(bad, Reason::kInvalidSplit, "splits");
  bad = good;
  bad.splits[1].destination_account_id = Id(30);
  refused(bad, Reason::kInvalidSplit, "splits[1].destination_account_id");
  bad = good;
  bad.splits = {{Id(30), 100}, {Id(31), 0}};
  refused(bad, Reason::kInvalidSplit, "splits[1].amount.minor_units");
  bad.splits = {{Id(30), 110}, {Id(31), -10}};
  refused(bad, Reason::kInvalidSplit, "splits[1].amount.minor_units");
  bad.splits = {{Id(30), INT64_MAX}, {Id(31), INT64_MAX}, {Id(32), 102}};
  refused(bad, Reason::kInvalidSplit, "splits[1].amount.minor_units");
  bad = good;
  bad.splits[1].destination_account_id = kPayer;
  refused(bad, Reason::kSameAccount, "splits[1].destination_account_id");
  bad = good;
  bad.quote_id = Id(20);
  refused(bad, Reason::kInvalidSplit, "quote_id");
  bad = Transfer(51);
  bad.splits.clear();
  for (std::uint8_t i = 0; i < 51; ++i) bad.splits.push_back({Id(100 + i), 1});
  refused(bad, Reason::kInvalidSplit, "splits");
}

TEST(CheckPayeesTest, EachOfThem) {
  PaymentRequest request = Transfer(100);
  request.splits = {{Id(30), 60}, {Id(31), 40}};
  const AccountFacts source{.account_id = kPayer, .owner_user_id = Id(1), .currency = kEur};
  const AccountFacts one{.account_id = Id(30), .owner_user_id = Id(2), .currency = kEur};
  const AccountFacts dollars{.account_id = Id(31), .owner_user_id = Id(2), .currency = kUsd};
  EXPECT_THAT(CheckPayees(Id(1), request, source, {one, one}), IsOk());
  EXPECT_THAT(CheckPayees(Id(1), request, source, {one, dollars}),
              AllOf(StatusHasReason(Reason::kCurrencyMismatch),
                    StatusHasParam("splits[1].destination_account_id")));
  EXPECT_THAT(CheckPayees(Id(1), request, source, {one, std::nullopt}),
              AllOf(StatusHasReason(Reason::kAccountNotFound),
                    StatusHasParam("splits[1].destination_account_id")));
  EXPECT_THAT(
      CheckPayees(Id(2), request, source, {one, one}),
      AllOf(StatusHasReason(Reason::kAccountNotFound), StatusHasParam("source_account_id")));
}

// Pinned: the fingerprints of requests that were made before there were quotes and splits.
TEST(CanonicalRequestTest, StaysTheSameForRequestsWithoutAPrice) {
  const PaymentRequest plain = Transfer(1250);
  EXPECT_EQ(CanonicalRequest(plain), "8:transfer;36:" + kPayer.ToString() +
                                         ";36:" + kPayee.ToString() + ";3:EUR;4:1250;0:;");
  PaymentRequest quoted = plain;
  quoted.quote_id = Id(20);
  PaymentRequest split = plain;
  split.splits = {{kPayee, 1250}};
  PaymentRequest other = split;
  other.splits = {{kPayee, 1249}, {Id(31), 1}};
  EXPECT_NE(CanonicalRequest(quoted), CanonicalRequest(plain));
  EXPECT_NE(CanonicalRequest(split), CanonicalRequest(plain));
  EXPECT_NE(CanonicalRequest(other), CanonicalRequest(split));
  PaymentRequest swapped = other;
  std::swap(swapped.splits[0].amount_minor, swapped.splits[1].amount_minor);
  EXPECT_NE(CanonicalRequest(swapped), CanonicalRequest(other));
}

}  // namespace
}  // namespace florin::payments
