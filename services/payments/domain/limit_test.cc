#include "services/payments/domain/limit.h"

#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/limit_table.h"
#include "services/payments/domain/payment.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Currency kEur = Currency::Parse("EUR").value();
const Currency kUsd = Currency::Parse("USD").value();
Uuid Id(const char* name) { return DeriveId("test", name); }

Limit Daily(const char* name, std::int64_t maximum) {
  return {.limit_id = Id(name),
          .scope = LimitScope::kUser,
          .currency = kEur,
          .measure = LimitMeasure::kAmount,
          .window = absl::Hours(24),
          .maxima = {maximum}};
}
LimitedPayment Pays(std::int64_t minor_units) {
  return {.user_id = Id("ann"),
          .source_account_id = Id("a"),
          .debited = {.minor_units = minor_units, .currency = kEur},
          .payees = {{Id("b"), minor_units}}};
}

TEST(CheckLimitTest, NamesWhatIsWrong) {
  const auto refuses = [](const Limit& limit, const char* param) {
    EXPECT_THAT(CheckLimit(limit),
                AllOf(StatusHasReason(Reason::kInvalidLimit), StatusHasParam(param)));
  };
  EXPECT_THAT(CheckLimit(Daily("day", 0)), IsOk());
  EXPECT_THAT(CheckLimit(Daily("day", kLargestMaximum)), IsOk());
  refuses(Daily("day", -1), "maximum");
  refuses(Daily("day", kLargestMaximum + 1), "maximum");
  Limit limit = Daily("day", 1);
  for (const absl::Duration bad : {absl::Seconds(59), absl::Hours(24 * 366) + absl::Seconds(1),
                                   absl::Hours(1) + absl::Milliseconds(1), absl::ZeroDuration()}) {
    limit.window = bad;
    refuses(limit, "window_seconds");
  }
  limit.window.reset();
  EXPECT_THAT(CheckLimit(limit), IsOk());
  limit.measure = LimitMeasure::kCount;
  refuses(limit, "window_seconds");
}

TEST(LimitTest, KnowsWhetherItWasLowered) {
  Limit limit = Daily("day", 5);
  EXPECT_FALSE(limit.WasLowered());
  limit.maxima = {5, 5, 7};
  EXPECT_FALSE(limit.WasLowered());
  limit.maxima = {5, 4, 7};
  EXPECT_TRUE(limit.WasLowered());
  EXPECT_EQ(limit.maximum(), 7);
}

TEST(JudgeTest, ThoseThatAreAboutThePaymentByWindow) {
  Limit weekly = Daily("week", 5000);
  weekly.window = absl::Hours(7 * 24);
  weekly.maxima = {6000, 5000};
  Limit count = Daily("count", 3);
  count.measure = LimitMeasure::kCount;
  Limit dollars = Daily("dollars", 1);
  dollars.currency = kUsd;
  Limit bobs = Daily("bob", 1);
  bobs.subject = Id("bob");
  Limit account = Daily("account", 900);
  account.scope = LimitScope::kAccount;
  account.subject = Id("a");
  Limit full = Daily("full", 1);
  full.kyc_level = KycLevel::kFull;
  Limit removed = Daily("removed", 1);
  removed.removed = true;
  const std::vector<Limit> limits = {
      weekly, Daily("day", 1000), count, dollars, bobs, account, full, removed};
  const LimitVerdict verdict = Judge(limits, Pays(700));
  EXPECT_FALSE(verdict.refusal.has_value());
  ASSERT_THAT(verdict.uses, SizeIs(4));
  EXPECT_EQ(verdict.uses[0].limit_id, Id("day"));
  EXPECT_EQ(verdict.uses[0].units, 700);
  EXPECT_FALSE(verdict.uses[0].swept);
  EXPECT_EQ(verdict.uses[1].limit_id, Id("count"));
  EXPECT_EQ(verdict.uses[1].units, 1);
  EXPECT_EQ(verdict.uses[2].limit_id, Id("account"));
  EXPECT_EQ(verdict.uses[3].limit_id, Id("week"));
  EXPECT_EQ(verdict.uses[3].window, absl::Hours(7 * 24));
  EXPECT_TRUE(verdict.uses[3].swept);
  LimitedPayment verified = Pays(700);
  verified.payer_level = KycLevel::kFull;
  EXPECT_THAT(Judge(limits, verified).uses, SizeIs(5));
}

TEST(JudgeTest, WithoutAWindowEachPaymentIsJudgedAndTheLeastMaximumNamed) {
  Limit each = Daily("each", 500);
  each.window.reset();
  Limit less = Daily("less", 400);
  less.window.reset();
  const std::vector<Limit> limits = {Daily("day", 600), each, less};
  EXPECT_FALSE(Judge(limits, Pays(400)).refusal.has_value());
  const LimitVerdict refused = Judge(limits, Pays(501));
  ASSERT_TRUE(refused.refusal.has_value());
  EXPECT_EQ(*refused.refusal, (LimitRefusal{.limit_id = Id("less"), .remaining = 400}));
  EXPECT_THAT(refused.uses, IsEmpty());
  // Leaves nothing to hold.
  EXPECT_THAT(Judge(std::vector<Limit>{each}, Pays(1)).uses, IsEmpty());
}

TEST(JudgeTest, EachPayeeOfSeveralForHimself) {
  Limit payee = Daily("payee", 500);
  payee.scope = LimitScope::kPayee;
  const std::vector<Limit> limits = {payee};
  LimitedPayment payment = Pays(700);
  payment.payees = {{Id("b"), 300}, {Id("c"), 400}};
  const LimitVerdict verdict = Judge(limits, payment);
  ASSERT_THAT(verdict.uses, SizeIs(2));
  EXPECT_EQ(verdict.uses[0].units, 300);
  EXPECT_EQ(verdict.uses[1].units, 400);
  EXPECT_NE(verdict.uses[0].control_account_id, verdict.uses[1].control_account_id);
  payment.payees.clear();
  EXPECT_THAT(Judge(limits, payment).uses, IsEmpty());
}

Limit ToCountry(const char* name, const std::string& country) {
  Limit limit = Daily(name, 500);
  limit.scope = LimitScope::kCountry;
  limit.country = country;
  return limit;
}

TEST(JudgeTest, ACountryIsOfEverybodyWhoPaysThere) {
  const std::vector<Limit> limits = {ToCountry("fr", "FR"), ToCountry("each", ""),
                                     ToCountry("unknown", "ZZ")};
  LimitedPayment payment = Pays(1000);
  payment.payees = {
      {Id("b"), 300, "FR"}, {Id("c"), 400, "FR"}, {Id("d"), 200, "DE"}, {Id("e"), 100, ""}};
  const LimitVerdict verdict = Judge(limits, payment);
  std::map<std::pair<Uuid, Uuid>, std::int64_t> used;
  for (const LimitUse& use : verdict.uses) {
    used[{use.limit_id, use.control_account_id}] = use.units;
  }
  const auto bucket = [&](std::size_t limit, std::string_view country) {
    const Limit& one = limits[limit];
    return std::pair(one.limit_id, ControlAccountOf(one, Id("ann"), Id("a"), Uuid(), country));
  };
  const std::map<std::pair<Uuid, Uuid>, std::int64_t> expected = {{bucket(0, "FR"), 700},
                                                                  {bucket(1, "FR"), 700},
                                                                  {bucket(1, "DE"), 200},
                                                                  {bucket(1, "ZZ"), 100},
                                                                  {bucket(2, "ZZ"), 100}};
  EXPECT_EQ(used, expected);
  LimitedPayment bobs = payment;
  bobs.user_id = Id("bob");
  bobs.source_account_id = Id("other");
  EXPECT_EQ(Judge(limits, bobs).uses, verdict.uses) << "whoever pays";
  // Elsewhere it is nobody's business; to nobody's account it is not known where.
  payment.payees = {{Id("d"), 1000, "DE"}};
  EXPECT_THAT(Judge(std::vector<Limit>{limits[0]}, payment).uses, IsEmpty());
  payment.payees.clear();
  EXPECT_THAT(Judge(std::vector<Limit>{limits[2]}, payment).uses, SizeIs(1));
  payment.country = "FR";
  EXPECT_THAT(Judge(std::vector<Limit>{limits[2]}, payment).uses, IsEmpty());
  EXPECT_EQ(Judge(std::vector<Limit>{limits[0]}, payment).uses.at(0).units, 1000);
  Limit count = ToCountry("count", "FR");
  count.measure = LimitMeasure::kCount;
  payment.payees = {{Id("b"), 300, "FR"}, {Id("c"), 400, "FR"}};
  EXPECT_EQ(Judge(std::vector<Limit>{count}, payment).uses.at(0).units, 1);
  Limit bobs_own = ToCountry("bob", "FR");
  bobs_own.subject = Id("bob");
  EXPECT_THAT(Judge(std::vector<Limit>{bobs_own}, payment).uses, IsEmpty());
}

TEST(CheckLimitTest, OnlyALimitOfCountriesHasOne) {
  for (const char* good : {"", "FR", "ZZ"}) EXPECT_THAT(CheckLimit(ToCountry("x", good)), IsOk());
  for (const char* bad : {"F", "fr", "FRA", "F1"}) {
    EXPECT_THAT(CheckLimit(ToCountry("x", bad)),
                AllOf(StatusHasReason(Reason::kInvalidLimit), StatusHasParam("country")))
        << bad;
  }
  Limit user = Daily("x", 1);
  user.country = "FR";
  EXPECT_THAT(CheckLimit(user), StatusHasParam("country"));
}

TEST(ControlAccountTest, IsOneForEachBucket) {
  std::set<Uuid> accounts;
  const Uuid ann = Id("ann");
  const Uuid a = Id("a");
  const Uuid b = Id("b");
  const Uuid other = Id("other");
  for (const LimitScope scope : {LimitScope::kUser, LimitScope::kAccount, LimitScope::kPayee}) {
    for (const char* limit_name : {"one", "two"}) {
      Limit limit = Daily(limit_name, 1);
      limit.scope = scope;
      const Uuid control = ControlAccountOf(limit, ann, a, b);
      accounts.insert(control);
      accounts.insert(ControlAccountOf(limit, Id("bob"), Id("c"), Id("d")));
      // What the bucket is not about makes no other one.
      EXPECT_EQ(ControlAccountOf(limit, ann, other, b) == control, scope != LimitScope::kAccount);
      EXPECT_EQ(ControlAccountOf(limit, ann, a, other) == control, scope != LimitScope::kPayee);
      EXPECT_EQ(ControlAccountOf(limit, other, a, b) == control, scope == LimitScope::kAccount);
    }
  }
  EXPECT_THAT(accounts, SizeIs(12));
}

TEST(LimitTextTest, IsReadAsItWasWritten) {
  const std::vector<LimitUse> uses = {{Id("x"), Id("y"), 700, absl::Hours(24), false},
                                      {Id("z"), Id("w"), 1, absl::Minutes(1), true}};
  EXPECT_EQ(ParseLimitUses(TextOf(uses)).value(), uses);
  const LimitRefusal refusal{.limit_id = Id("x"), .remaining = 12};
  EXPECT_EQ(ParseLimitRefusal(TextOf(refusal)).value(), refusal);
  const std::string text = TextOf(uses);
  for (const std::string& bad : {std::string(), std::string("\n"), text.substr(0, text.size() - 1),
                                 text + "x\n", Id("x").ToString() + " 1 2 3 kept\n"}) {
    EXPECT_THAT(ParseLimitUses(bad), StatusHasReason(Reason::kInternal)) << bad;
  }
  for (const char* bad : {"", "x 1", "1"}) EXPECT_FALSE(ParseLimitRefusal(bad).ok()) << bad;
}

TEST(LimitTableTest, FindsWhatIsAboutWhom) {
  EXPECT_TRUE(LimitTable().empty());
  Limit anns = Daily("ann", 1);
  anns.subject = Id("ann");
  Limit account = Daily("account", 1);
  account.scope = LimitScope::kAccount;
  account.subject = Id("a");
  Limit removed = Daily("removed", 1);
  removed.removed = true;
  EXPECT_TRUE(LimitTable({removed}).empty());
  EXPECT_FALSE(LimitTable({anns}).empty());
  const LimitTable table({anns, account, removed, Daily("all", 1)});
  EXPECT_THAT(table.Of(Id("ann"), Id("a")), SizeIs(3));
  EXPECT_THAT(table.Of(Id("bob"), Id("a")), SizeIs(2));
  EXPECT_THAT(table.Of(Id("bob"), Id("b")), SizeIs(1));
  EXPECT_EQ(*table.Find(Id("removed")), removed);
  EXPECT_EQ(table.Find(Id("none")), nullptr);
}

TEST(LimitedPaymentTest, IsWhatItsUserDebitsHisAccountBy) {
  Payment payment{.user_id = Id("ann"),
                  .source_account_id = Id("a"),
                  .destination_account_id = Id("b"),
                  .amount = {1000, kEur}};
  payment.pricing = Pricing{.fee = Fee{.bearer = Bearer::kPayer, .payer_minor = 25}};
  const PayeeCountries countries = {{Id("b"), "FR"}, {Id("d"), "DE"}};
  const auto limited = LimitedPaymentOf(payment, KycLevel::kBasic, countries);
  ASSERT_TRUE(limited.has_value());
  EXPECT_EQ(limited->debited.minor_units, 1025);
  EXPECT_EQ(limited->payer_level, KycLevel::kBasic);
  ASSERT_THAT(limited->payees, SizeIs(1));
  EXPECT_EQ(limited->payees[0].amount_minor, 1025);
  EXPECT_EQ(limited->payees[0].country, "FR");
  payment.pricing->splits = {{Id("c"), 400}, {Id("d"), 600}};
  const auto split = LimitedPaymentOf(payment, KycLevel::kBasic, countries);
  ASSERT_THAT(split->payees, SizeIs(2));
  EXPECT_EQ(split->payees[0].country, "");
  EXPECT_EQ(split->payees[1].country, "DE");
  // What payouts have in common, the account on the way to the rail, is nobody's.
  Payment payout = payment;
  payout.kind = Kind::kPayout;
  payout.pricing.reset();
  const auto paid_out = LimitedPaymentOf(payout, KycLevel::kBasic, countries);
  EXPECT_THAT(paid_out->payees, SizeIs(0));
  EXPECT_EQ(paid_out->country, "FR") << "where the beneficiary's bank is";
  payment.source_account_id = Uuid();
  EXPECT_FALSE(LimitedPaymentOf(payment, KycLevel::kBasic, countries).has_value());
}

}  // namespace
}  // namespace florin::payments
