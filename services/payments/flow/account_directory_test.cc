#include "services/payments/flow/account_directory.h"

#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using ::testing::Eq;

class AccountDirectoryTest : public PaymentsFixture {
 protected:
  std::vector<std::optional<KnownAccount>> LookUp(AccountDirectory& directory,
                                                  const std::vector<Uuid>& ids) {
    rpc::Outgoing context;
    return runtime_.Run(directory.LookUp(context, ids)).value();
  }
};

TEST_F(AccountDirectoryTest, AnswersInOrder) {
  const auto found = LookUp(directory_, {c_, SystemIds().NewId(), d_});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0]->owner_user_id, stranger_);
  EXPECT_THAT(found[1], Eq(std::nullopt));
  EXPECT_EQ(found[2]->currency.code(), "USD");
}

TEST_F(AccountDirectoryTest, AsksOncePerAccount) {
  LookUp(directory_, {a_});
  LookUp(directory_, {a_, b_});
  LookUp(directory_, {b_, a_});
  EXPECT_EQ(accounts_double_.lookups(), 2);
}

TEST_F(AccountDirectoryTest, DoesNotRememberThatAnAccountIsMissing) {
  const Uuid late = SystemIds().NewId();
  EXPECT_THAT(LookUp(directory_, {late})[0], Eq(std::nullopt));
  accounts_double_.Add(
      {.account_id = late, .owner_user_id = user_, .currency = *Currency::Parse("EUR")});
  EXPECT_EQ(LookUp(directory_, {late})[0]->owner_user_id, user_);
}

TEST_F(AccountDirectoryTest, ForgetsWhatIsNotUsedWhenFull) {
  AccountDirectory small(accounts_, 4);
  LookUp(small, {a_});
  for (const Uuid& id : {b_, c_, d_}) {
    LookUp(small, {id});
    LookUp(small, {a_});
  }
  EXPECT_EQ(accounts_double_.lookups(), 4);  // A stayed.
  LookUp(small, {b_});
  EXPECT_EQ(accounts_double_.lookups(), 5);  // B went.
}

TEST_F(AccountDirectoryTest, ForgetsANameAndALevel) {
  FakeClock clock(absl::FromUnixSeconds(1'790'000'000));
  AccountDirectory timed(accounts_, 100, clock);
  LookUp(timed, {a_});
  clock.Advance(absl::Minutes(10) - absl::Microseconds(1));
  LookUp(timed, {a_});
  EXPECT_EQ(accounts_double_.lookups(), 1);
  accounts_double_.Add({.account_id = a_,
                        .owner_user_id = user_,
                        .currency = *Currency::Parse("EUR"),
                        .kyc_level = KycLevel::kFull});
  EXPECT_EQ(LookUp(timed, {a_})[0]->kyc_level, KycLevel::kNone);
  // However busy the account is.
  clock.Advance(absl::Microseconds(1));
  EXPECT_EQ(LookUp(timed, {a_})[0]->kyc_level, KycLevel::kFull);
  EXPECT_EQ(accounts_double_.lookups(), 2);
}

TEST_F(AccountDirectoryTest, RemembersTheKindAndAsksForHoldersEachTime) {
  accounts_double_.SetKind(a_, AccountKind::kSavings);
  const std::vector<AccountHolder> holders = {{.user_id = stranger_, .may_pay = true},
                                              {.user_id = user_, .may_pay = false}};
  accounts_double_.SetHolders(a_, holders);
  EXPECT_EQ(LookUp(directory_, {a_})[0]->kind, AccountKind::kSavings);
  EXPECT_EQ(LookUp(directory_, {a_})[0]->kind, AccountKind::kSavings);
  EXPECT_EQ(accounts_double_.lookups(), 1);
  const auto payer = [&](const Uuid& user, const std::optional<KnownAccount>& source) {
    rpc::Outgoing context;
    return runtime_.Run(directory_.PayerFrom(context, user, source));
  };
  const std::optional<KnownAccount> source = LookUp(directory_, {a_})[0];
  EXPECT_EQ(payer(stranger_, source).value(), user_);
  EXPECT_EQ(payer(user_, source).value(), user_);
  EXPECT_EQ(payer(stranger_, std::nullopt).value(), stranger_);
  EXPECT_EQ(accounts_double_.lookups(), 2);  // Of the stranger only.
  accounts_double_.SetHolders(a_, {{.user_id = stranger_, .may_pay = false}});
  EXPECT_THAT(payer(stranger_, source), StatusHasReason(Reason::kHolderRoleMissing));
  accounts_double_.SetHolders(a_, {});
  EXPECT_THAT(payer(stranger_, source), StatusHasReason(Reason::kAccountNotFound));
  accounts_double_.SetAvailable(false);
  EXPECT_THAT(payer(stranger_, source), StatusHasReason(Reason::kUnavailable));
}

TEST_F(AccountDirectoryTest, AsksWhetherAnAccountIsDormantEachTime) {
  const auto dormant = [this](const Uuid& account) {
    rpc::Outgoing context;
    return runtime_.Run(directory_.IsDormant(context, account));
  };
  LookUp(directory_, {a_});
  EXPECT_FALSE(dormant(a_).value());
  accounts_double_.SetDormant(a_, true);
  EXPECT_TRUE(dormant(a_).value());
  EXPECT_FALSE(dormant(SystemIds().NewId()).value());
  accounts_double_.SetAvailable(false);
  EXPECT_THAT(dormant(a_), StatusHasReason(Reason::kUnavailable));
}

TEST_F(AccountDirectoryTest, AnUnreachableServiceIsAnErrorNotAMissingAccount) {
  accounts_double_.SetAvailable(false);
  rpc::Outgoing context;
  const std::vector<Uuid> ids = {a_};
  EXPECT_THAT(runtime_.Run(directory_.LookUp(context, ids)), StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::payments
