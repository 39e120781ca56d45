#include "services/payments/domain/limit_chain.h"

#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const Currency kEur = Currency::Parse("EUR").value();
Uuid Id(const std::string& name) { return DeriveId("test", name); }

Payment Using(std::vector<LimitUse> uses) {
  return {.payment_id = Id("payment"), .amount = {1, kEur}, .limit_uses = std::move(uses)};
}
LimitUse Use(const std::string& name, absl::Duration window, bool swept = false) {
  return {.limit_id = Id("limit " + name),
          .control_account_id = Id(name),
          .units = 7,
          .window = window,
          .swept = swept};
}

// The ledger's arithmetic of posts, to see what a chain does to a bucket.
class Bucket {
 public:
  void Post(const LimitTransaction& transaction) {
    for (const StepPosting& posting : transaction.postings) {
      std::int64_t amount = posting.amount_minor;
      if (posting.balancing_debit) {
        amount = std::min(amount, balance_[posting.debit_account_id]);
      }
      if (posting.balancing_credit) {
        amount = std::min(amount, -balance_[posting.credit_account_id]);
      }
      EXPECT_GT(amount, 0) << "the ledger would refuse";
      balance_[posting.debit_account_id] -= amount;
      balance_[posting.credit_account_id] += amount;
    }
  }
  std::int64_t Of(const Uuid& account) { return balance_[account]; }
  void Give(const Uuid& account, std::int64_t amount) { balance_[account] += amount; }

 private:
  std::map<Uuid, std::int64_t> balance_;  // Credits less debits.
};

TEST(FundingsTest, MakeEveryMaximumOnce) {
  Limit limit{.limit_id = Id("limit"), .currency = kEur, .maxima = {1000, 1500, 1500, 600, 0, 50}};
  const Uuid control = Id("bucket");
  Bucket bucket;
  const std::vector<LimitTransaction> all = FundingsOf(limit, control, 0);
  ASSERT_THAT(all, SizeIs(5)) << "nothing for what stays the same";
  std::set<Uuid> ids;
  for (const LimitTransaction& funding : all) {
    bucket.Post(funding);
    ids.insert(funding.transaction_id);
  }
  EXPECT_THAT(ids, SizeIs(5));
  // Never more than there was: a payment that was judged by the greatest maximum takes nothing out.
  EXPECT_EQ(bucket.Of(control), 1500);
  EXPECT_EQ(bucket.Of(ExcessAccountOf(control)), -1450);
  // Who has seen a part does the rest, under the same ids.
  const std::vector<LimitTransaction> rest = FundingsOf(limit, control, 3);
  ASSERT_THAT(rest, SizeIs(3));
  EXPECT_EQ(rest[0].transaction_id, all[2].transaction_id);
  EXPECT_EQ(rest[2].transaction_id, all[4].transaction_id);
  EXPECT_EQ(FundingsOf(limit, control, 5)[0].postings, all[4].postings);
  EXPECT_THAT(FundingsOf(limit, control, 6), IsEmpty());
  EXPECT_NE(FundingsOf(limit, Id("another"), 0)[0].transaction_id, all[0].transaction_id);
  // Nothing to fund with.
  limit.maxima = {0};
  EXPECT_THAT(FundingsOf(limit, control, 0), IsEmpty());
}

TEST(LimitChainTest, HoldsOnceForEachWindow) {
  const Payment payment =
      Using({Use("a", absl::Hours(1)), Use("b", absl::Hours(1)), Use("c", absl::Hours(24))});
  const std::vector<LimitTransaction> chain = LimitChainOf(payment);
  ASSERT_THAT(chain, SizeIs(2));
  EXPECT_EQ(chain[0].hold_for, absl::Hours(1));
  ASSERT_THAT(chain[0].postings, SizeIs(2));
  EXPECT_EQ(chain[0].postings[1], (StepPosting{Id("b"), GrantedAccountOf(Id("b")), 7}));
  EXPECT_EQ(chain[0].uses[1].limit_id, Id("limit b"));
  EXPECT_EQ(chain[1].hold_for, absl::Hours(24));
  EXPECT_NE(chain[0].transaction_id, chain[1].transaction_id);
  Payment another = payment;
  another.payment_id = Id("another");
  EXPECT_NE(LimitChainOf(another)[0].transaction_id, chain[0].transaction_id);
  EXPECT_THAT(LimitChainOf(Using({})), IsEmpty());
}

TEST(LimitChainTest, FitsTheLedgersTransactions) {
  std::vector<LimitUse> uses;
  for (int i = 0; i < 750; ++i) uses.push_back(Use(std::to_string(i), absl::Hours(1), true));
  const std::vector<LimitTransaction> chain = LimitChainOf(Using(uses));
  EXPECT_LT(chain.size(), 100u);
  std::set<Uuid> ids;
  std::size_t held = 0;
  for (const LimitTransaction& transaction : chain) {
    EXPECT_LE(transaction.postings.size(), 64u);
    EXPECT_EQ(transaction.uses.size(), transaction.hold_for ? transaction.postings.size() : 0);
    held += transaction.uses.size();
    ids.insert(transaction.transaction_id);
  }
  EXPECT_EQ(held, 750u);
  EXPECT_EQ(ids.size(), chain.size());
}

TEST(LimitChainTest, TakesWhatALoweredLimitHasTooMuchFirst) {
  const std::vector<LimitTransaction> chain = LimitChainOf(Using({Use("a", absl::Hours(1), true)}));
  ASSERT_THAT(chain, SizeIs(2));
  EXPECT_FALSE(chain[0].hold_for.has_value());
  const Uuid control = Id("a");
  const Uuid excess = ExcessAccountOf(control);
  for (const auto& [available, too_much] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 0}, {5, 0}, {0, 5}, {3, 5}, {5, 3}}) {
    Bucket bucket;
    bucket.Give(control, available);
    bucket.Give(excess, -too_much);
    bucket.Post(chain[0]);
    const std::int64_t taken = std::min(available, too_much);
    EXPECT_EQ(bucket.Of(control), available - taken);
    EXPECT_EQ(bucket.Of(excess), taken - too_much);
  }
}

TEST(LimitChainTest, ReleasesEachHold) {
  const Payment payment = Using({Use("a", absl::Hours(1), true), Use("c", absl::Hours(24))});
  const std::vector<LimitTransaction> chain = LimitChainOf(payment);
  const std::vector<LimitRelease> releases = ReleasesOf(payment);
  ASSERT_THAT(chain, SizeIs(3));
  ASSERT_THAT(releases, SizeIs(2));
  EXPECT_EQ(releases[0].hold_id, chain[1].transaction_id);
  EXPECT_EQ(releases[1].hold_id, chain[2].transaction_id);
  EXPECT_NE(releases[0].transaction_id, releases[1].transaction_id);
}

LedgerAnswer Refused(Reason reason, bool final, const std::string& param = "") {
  return {.refusal_reason = std::string(InfoOf(reason).name),
          .final = final,
          .refusal_param = param,
          .sequence = 9};
}

TEST(ChainAnswerTest, IsThePaymentsOwnUnlessAHoldIsRefused) {
  const std::vector<LimitTransaction> chain = LimitChainOf(
      Using({Use("a", absl::Hours(1)), Use("b", absl::Hours(1)), Use("c", absl::Hours(24))}));
  const LedgerAnswer linked = Refused(Reason::kLinkedTransactionFailed, true);
  const LedgerAnswer done{.committed = true};
  EXPECT_TRUE(AnswerOf(chain, std::vector{done, done, done}).answer.committed);
  const ChainAnswer poor =
      AnswerOf(chain, std::vector{linked, linked, Refused(Reason::kInsufficientFunds, true)});
  EXPECT_EQ(poor.answer.refusal_reason, "insufficient_funds");
  EXPECT_FALSE(poor.refused_by.has_value());
  const ChainAnswer limited = AnswerOf(
      chain, std::vector{Refused(Reason::kInsufficientFunds, true, "postings[1].amount_minor"),
                         linked, linked});
  EXPECT_EQ(limited.answer.refusal_reason, "limit_exceeded");
  EXPECT_TRUE(limited.answer.final);
  ASSERT_TRUE(limited.refused_by.has_value());
  EXPECT_EQ(limited.refused_by->limit_id, Id("limit b"));
  // Not opened: nothing is decided.
  const LedgerAnswer closed = Refused(Reason::kLinkedTransactionFailed, false);
  const ChainAnswer unknown =
      AnswerOf(chain, std::vector{Refused(Reason::kAccountNotFound, false), closed, closed});
  EXPECT_FALSE(unknown.answer.final);
  EXPECT_FALSE(unknown.refused_by.has_value());
  EXPECT_FALSE(AnswerOf(chain, std::vector{linked, linked, linked}).answer.final);
}

TEST(RemainingTest, IsNeverNegative) {
  const Limit limit{.currency = kEur, .maxima = {1000, 500}};
  EXPECT_EQ(RemainingOf(limit, 0), 500);
  EXPECT_EQ(RemainingOf(limit, 499), 1);
  EXPECT_EQ(RemainingOf(limit, 800), 0);
}

TEST(FailureTest, SaysWhichLimitAndWhatIsLeft) {
  const LedgerAnswer answer{.refusal_reason = "limit_exceeded",
                            .final = true,
                            .limit_refusal = LimitRefusal{.limit_id = Id("x"), .remaining = 12}};
  const auto failed = ApplyAnswer(Using({Use("a", absl::Hours(1))}), answer, absl::UnixEpoch());
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->state, State::kFailed);
  const absl::Status failure = FailureOf(*failed);
  EXPECT_THAT(failure, StatusHasReason(Reason::kLimitExceeded));
  EXPECT_EQ(DetailOf(failure).metadata.at("limit"), FormatId(IdKind::kLimit, Id("x")));
  EXPECT_EQ(DetailOf(failure).metadata.at("remaining"), "12");
  EXPECT_EQ(DetailOf(failure).metadata.at("payment_id"), FormatId(IdKind::kPayment, Id("payment")));
}

}  // namespace
}  // namespace florin::payments
