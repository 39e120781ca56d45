#include "services/accounts/domain/statement.h"

#include <limits>

#include "gmock/gmock.h"

namespace florin::accounts {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(BalanceOfTest, Table) {
  EXPECT_EQ(BalanceOf({}), (Balance{0, 0}));
  EXPECT_EQ(BalanceOf({.debits_posted = 300, .credits_posted = 1000}), (Balance{700, 700}));
  EXPECT_EQ(BalanceOf({.debits_posted = 300, .credits_posted = 1000, .debits_pending = 50}),
            (Balance{700, 650}));
  // Overdrawn on a credit line.
  EXPECT_EQ(BalanceOf({.debits_posted = 10, .credits_posted = 4}), (Balance{-6, -6}));
  EXPECT_EQ(BalanceOf({.debits_posted = 0, .credits_posted = kMost}), (Balance{kMost, kMost}));
}

TEST(LineOfTest, Table) {
  EXPECT_EQ(LineOf({.credit_minor = 5, .debits_posted_after = 1, .credits_posted_after = 6}),
            (StatementLine{5, 5}));
  EXPECT_EQ(LineOf({.debit_minor = 5, .debits_posted_after = 6, .credits_posted_after = 6}),
            (StatementLine{-5, 0}));
  // One transaction may have several postings on one account.
  EXPECT_EQ(LineOf({.debit_minor = 2,
                    .credit_minor = 5,
                    .debits_posted_after = 2,
                    .credits_posted_after = 5}),
            (StatementLine{3, 3}));
  EXPECT_EQ(LineOf({.debit_minor = kMost, .debits_posted_after = kMost}),
            (StatementLine{-kMost, -kMost}));
}

}  // namespace
}  // namespace florin::accounts
