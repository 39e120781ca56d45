#include "services/ledger/flow/hold_expiry.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/ledger/store/fake_store.h"

namespace florin::ledger {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

class HoldExpiryTest : public ::testing::Test {
 protected:
  HoldExpiryTest() {
    EXPECT_THAT(runtime_.Run(store_.EnsureBook("main", {})), IsOk());
    EXPECT_THAT(runtime_.Run(store_.EnsureBook("other", {})), IsOk());
    std::vector<AccountTerms> accounts;
    for (const char* name : {"a", "b"}) {
      accounts.push_back({.account_id = DeriveId("test.account", name),
                          .currency = Currency::Parse("EUR").value()});
    }
    for (const char* book : {"main", "other"}) {
      EXPECT_THAT(runtime_.Run(store_.OpenAccounts(book, accounts, kNow)), IsOk());
    }
  }
  ~HoldExpiryTest() override { runtime_.Stop(); }

  void Hold(const std::string& book, absl::Duration timeout) {
    std::vector<Command> commands(1);
    commands[0].transaction_id = ids_.NewId();
    commands[0].action = MakeHold{{{.debit_account_id = DeriveId("test.account", "a"),
                                    .credit_account_id = DeriveId("test.account", "b"),
                                    .amount_minor = 1}},
                                  timeout};
    EXPECT_THAT(runtime_.Run(store_.Commit(book, commands, clock_.Now())), IsOk());
  }
  std::int64_t Pending(const std::string& book) {
    return runtime_.Run(store_.GetAccounts(book, {DeriveId("test.account", "a")}, 0))
        .value()
        .value.at(0)
        .counters.debits_pending;
  }

  SequentialIds ids_;
  FakeClock clock_{kNow};
  async::Runtime runtime_{1};
  FakeStore store_;
  PostingBatcher batcher_{runtime_.executor(), store_, clock_};
  HoldExpiry expiry_{store_, batcher_, clock_};
};

TEST_F(HoldExpiryTest, ReleasesWhatIsOverInEveryBookAndNothingElse) {
  for (int i = 0; i < 700; ++i) Hold("main", absl::Seconds(10));
  Hold("main", absl::Seconds(30));
  Hold("other", absl::Seconds(10));
  EXPECT_THAT(runtime_.Run(expiry_.RunOnce()), IsOk());
  EXPECT_EQ(Pending("main"), 701);
  clock_.Advance(absl::Seconds(20));
  EXPECT_THAT(runtime_.Run(expiry_.RunOnce()), IsOk());
  EXPECT_EQ(Pending("main"), 1);
  EXPECT_EQ(Pending("other"), 0);
}

TEST_F(HoldExpiryTest, IsRecordedInTheJournalOnce) {
  Hold("main", absl::Seconds(10));
  clock_.Advance(absl::Seconds(20));
  EXPECT_THAT(runtime_.Run(expiry_.RunOnce()), IsOk());
  EXPECT_THAT(runtime_.Run(expiry_.RunOnce()), IsOk());
  store_.Inspect("main", [](const FakeStore::Book& book) {
    ASSERT_EQ(book.journal.size(), 4u);  // Two openings, the hold, its expiry.
    const Decision& last = book.loaded.decisions.at(book.journal.back());
    EXPECT_TRUE(std::holds_alternative<ExpireHold>(last.command.action));
  });
}

}  // namespace
}  // namespace florin::ledger
