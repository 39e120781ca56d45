// The ledger as its callers see it: a real server over mutual TLS, on a real PostgreSQL.
#include "services/ledger/rpc/ledger_service.h"

#include <limits>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/rpc/channel.h"
#include "libs/status/matchers.h"
#include "services/ledger/rpc/ledger_fixture.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;

const absl::Time kNow = absl::FromUnixMicros(1'700'000'000'123'456);

std::string AccountId(const std::string& name) {
  return FormatId(IdKind::kAccount, DeriveId("test.account", name));
}
std::string TransactionId(const std::string& name) {
  return FormatId(IdKind::kTransaction, DeriveId("test.transaction", name));
}

// One ledger for all tests; each test has accounts and ids of its own by its name.
class LedgerRpcTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ledger_ = new LedgerFixture(kNow);
    payments_channel_ = ledger_->Connect("payments").release();
  }
  static void TearDownTestSuite() {
    delete payments_channel_;
    delete ledger_;
  }

  // A name that no other test uses.
  std::string Own(const std::string& name) const {
    return std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + name;
  }

  v1::Account Terms(const std::string& name, bool wallet) const {
    v1::Account account;
    account.set_account_id(AccountId(Own(name)));
    account.set_currency("EUR");
    account.set_normal_side(wallet ? v1::CREDIT : v1::DEBIT);
    account.set_debits_must_not_exceed_credits(wallet);
    return account;
  }
  v1::OpenAccountsRequest Three() const {
    v1::OpenAccountsRequest request;
    request.set_book("main");
    *request.add_accounts() = Terms("rail", false);
    *request.add_accounts() = Terms("a", true);
    *request.add_accounts() = Terms("b", true);
    return request;
  }
  v1::TransactionInput Move(const std::string& id, const std::string& debit,
                            const std::string& credit, std::int64_t amount_minor) const {
    v1::TransactionInput input;
    input.set_transaction_id(TransactionId(Own(id)));
    v1::Posting* posting = input.add_postings();
    posting->set_debit_account_id(AccountId(Own(debit)));
    posting->set_credit_account_id(AccountId(Own(credit)));
    posting->set_amount_minor(amount_minor);
    return input;
  }

  // A command without postings.
  v1::TransactionInput Only(const std::string& id) const {
    v1::TransactionInput input;
    input.set_transaction_id(TransactionId(Own(id)));
    return input;
  }

  absl::StatusOr<v1::OpenAccountsResponse> Open(const v1::OpenAccountsRequest& request) {
    return ledger_->runtime().Run(payments_.OpenAccounts(rpc::Outgoing(), request));
  }
  absl::StatusOr<v1::PostTransactionsResponse> Post(std::vector<v1::TransactionInput> inputs,
                                                    const std::string& book = "main") {
    v1::PostTransactionsRequest request;
    request.set_book(book);
    for (v1::TransactionInput& input : inputs) *request.add_transactions() = std::move(input);
    return ledger_->runtime().Run(payments_.PostTransactions(rpc::Outgoing(), request));
  }
  v1::TransactionResult PostOne(const v1::TransactionInput& input) {
    return Post({input}).value().results(0);
  }
  // The newest entries of an account.
  v1::ListEntriesResponse List(const std::string& name) {
    v1::ListEntriesRequest request;
    request.set_book("main");
    request.set_account_id(AccountId(Own(name)));
    return ledger_->runtime().Run(reads_.ListEntries(rpc::Outgoing(), request)).value();
  }

  static LedgerFixture* ledger_;
  static rpc::Channel* payments_channel_;
  v1::LedgerClient payments_{payments_channel_};
  v1::LedgerReaderClient reads_{payments_channel_};
};

LedgerFixture* LedgerRpcTest::ledger_ = nullptr;
rpc::Channel* LedgerRpcTest::payments_channel_ = nullptr;

TEST_F(LedgerRpcTest, PostsAndShowsWhatItPosted) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::TransactionInput deposit = Move("1", "rail", "a", 1250);
  deposit.mutable_effective_time()->set_seconds(-2);
  deposit.mutable_effective_time()->set_nanos(500'000'999);
  (*deposit.mutable_metadata())["payment_id"] = "pay_1";
  const v1::TransactionResult result = PostOne(deposit);
  ASSERT_TRUE(result.has_committed()) << result.ShortDebugString();
  EXPECT_FALSE(result.replayed());
  const v1::Transaction& committed = result.committed();
  EXPECT_EQ(committed.transaction_id(), deposit.transaction_id());
  EXPECT_EQ(committed.postings(0).SerializeAsString(), deposit.postings(0).SerializeAsString());
  EXPECT_EQ(committed.effective_time().seconds(), -2);
  EXPECT_EQ(committed.effective_time().nanos(), 500'000'000);
  EXPECT_GE(committed.commit_time().seconds(), 1'700'000'000);
  EXPECT_GT(committed.sequence(), 0);
  EXPECT_EQ(committed.metadata().at("payment_id"), "pay_1");

  const v1::ListEntriesResponse entries = List("a");
  ASSERT_EQ(entries.entries_size(), 1);
  EXPECT_EQ(entries.entries(0).transaction_id(), deposit.transaction_id());
  EXPECT_EQ(entries.entries(0).credit_minor(), 1250);
  EXPECT_EQ(entries.entries(0).credits_posted_after(), 1250);
  EXPECT_EQ(entries.entries(0).metadata().at("payment_id"), "pay_1");
  EXPECT_EQ(entries.account().credits_posted(), 1250);
  EXPECT_TRUE(entries.account().debits_must_not_exceed_credits());
  EXPECT_EQ(List("rail").account().debits_posted(), 1250);
  EXPECT_EQ(List("rail").account().normal_side(), v1::DEBIT);
}

TEST_F(LedgerRpcTest, ReplaysTheSameAndRefusesOtherContent) {
  ASSERT_THAT(Open(Three()), IsOk());
  const v1::TransactionResult first = PostOne(Move("1", "rail", "a", 10));
  const v1::TransactionResult again = PostOne(Move("1", "rail", "a", 10));
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.committed().SerializeAsString(), first.committed().SerializeAsString());

  const v1::TransactionResult conflict = PostOne(Move("1", "rail", "a", 11));
  EXPECT_EQ(conflict.refused().reason(), "id_conflict");
  EXPECT_EQ(conflict.refused().param(), "postings[0].amount_minor");
  EXPECT_FALSE(conflict.refused().final());

  v1::TransactionInput unreadable = Move("1", "rail", "a", 10);
  unreadable.mutable_postings(0)->set_credit_account_id("acc_");
  EXPECT_EQ(PostOne(unreadable).refused().reason(), "id_conflict");
  EXPECT_EQ(PostOne(unreadable).refused().param(), "postings[0].credit_account_id");
}

TEST_F(LedgerRpcTest, ABusinessRefusalIsFinal) {
  ASSERT_THAT(Open(Three()), IsOk());
  const v1::TransactionResult first = PostOne(Move("1", "a", "b", 10));
  EXPECT_EQ(first.refused().reason(), "insufficient_funds");
  EXPECT_EQ(first.refused().transaction_id(), TransactionId(Own("1")));
  EXPECT_TRUE(first.refused().final());
  EXPECT_FALSE(first.replayed());
  ASSERT_TRUE(PostOne(Move("2", "rail", "a", 10)).has_committed());
  const v1::TransactionResult again = PostOne(Move("1", "a", "b", 10));
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.refused().SerializeAsString(), first.refused().SerializeAsString());
}

TEST_F(LedgerRpcTest, EachTransactionHasItsOwnResultInOrder) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::TransactionInput no_id = Move("x", "rail", "a", 1);
  no_id.set_transaction_id("pay_1");
  v1::TransactionInput no_account = Move("2", "rail", "a", 1);
  no_account.mutable_postings(0)->set_debit_account_id("");
  v1::TransactionInput no_time = Move("3", "rail", "a", 1);
  no_time.mutable_effective_time()->set_nanos(-1);
  const auto response = Post({no_id, Move("1", "a", "b", 5), Move("fund", "rail", "a", 5),
                              no_account, no_time, Move("spend", "a", "b", 5)});
  ASSERT_THAT(response, IsOk());
  ASSERT_EQ(response->results_size(), 6);
  EXPECT_EQ(response->results(0).refused().reason(), "invalid_id");
  EXPECT_EQ(response->results(0).refused().param(), "transaction_id");
  EXPECT_EQ(response->results(0).refused().transaction_id(), "pay_1");
  EXPECT_EQ(response->results(1).refused().reason(), "insufficient_funds");
  EXPECT_TRUE(response->results(2).has_committed());
  EXPECT_EQ(response->results(3).refused().reason(), "invalid_id");
  EXPECT_EQ(response->results(3).refused().param(), "postings[0].debit_account_id");
  EXPECT_FALSE(response->results(3).refused().final());
  EXPECT_EQ(response->results(4).refused().reason(), "invalid_field");
  EXPECT_EQ(response->results(4).refused().param(), "effective_time");
  EXPECT_TRUE(response->results(5).has_committed());
}

TEST_F(LedgerRpcTest, ErrorsOfTheWholeCall) {
  EXPECT_THAT(Post({}), StatusHasReason(Reason::kTooManyItems));
  EXPECT_THAT(Post(std::vector(1001, Move("1", "a", "b", 1))),
              StatusHasReason(Reason::kTooManyItems));
  EXPECT_THAT(Post({Move("1", "a", "b", 1)}, "none"), StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(Post({Move("1", "a", "b", 1)}, std::string("main\0", 5)),
              StatusHasReason(Reason::kBookNotFound));
}

TEST_F(LedgerRpcTest, OpeningNamesTheWrongField) {
  const auto with = [this](const std::function<void(v1::Account&)>& change) {
    v1::OpenAccountsRequest request = Three();
    change(*request.mutable_accounts(1));
    return Open(request);
  };
  EXPECT_THAT(with([](v1::Account& a) { a.set_account_id("txn_1"); }),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("accounts[1].account_id")));
  EXPECT_THAT(
      with([](v1::Account& a) { a.set_currency("eur"); }),
      AllOf(StatusHasReason(Reason::kUnknownCurrency), StatusHasParam("accounts[1].currency")));
  EXPECT_THAT(
      with([](v1::Account& a) { a.set_normal_side(v1::NORMAL_SIDE_UNSPECIFIED); }),
      AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("accounts[1].normal_side")));
  EXPECT_THAT(with([](v1::Account& a) { a.set_credit_line_minor(-1); }),
              AllOf(StatusHasReason(Reason::kInvalidLimits),
                    StatusHasParam("accounts[1].credit_line_minor")));
  v1::OpenAccountsRequest none;
  none.set_book("main");
  EXPECT_THAT(Open(none), StatusHasReason(Reason::kTooManyItems));
  ASSERT_THAT(Open(Three()), IsOk());
  EXPECT_THAT(with([](v1::Account& a) { a.set_currency("USD"); }),
              AllOf(StatusHasReason(Reason::kIdConflict), StatusHasParam("accounts[1].currency")));
}

TEST_F(LedgerRpcTest, HoldsCapturesVoidsAndReverses) {
  ASSERT_THAT(Open(Three()), IsOk());
  ASSERT_TRUE(PostOne(Move("fund", "rail", "a", 100)).has_committed());
  v1::TransactionInput hold = Move("hold", "a", "b", 70);
  hold.mutable_hold()->mutable_timeout()->set_seconds(60);
  const v1::TransactionResult held = PostOne(hold);
  ASSERT_TRUE(held.has_committed()) << held.ShortDebugString();
  EXPECT_EQ(held.committed().kind(), v1::HOLD);
  EXPECT_EQ(held.committed().expire_time().seconds(),
            held.committed().commit_time().seconds() + 60);
  EXPECT_EQ(PostOne(Move("too much", "a", "b", 31)).refused().reason(), "insufficient_funds");

  v1::TransactionInput capture = Only("capture");
  capture.mutable_capture()->set_hold_id(hold.transaction_id());
  capture.mutable_capture()->add_amounts_minor(50);
  const v1::TransactionResult captured = PostOne(capture);
  ASSERT_TRUE(captured.has_committed()) << captured.ShortDebugString();
  EXPECT_EQ(captured.committed().postings(0).amount_minor(), 50);
  EXPECT_EQ(captured.committed().hold_id(), hold.transaction_id());
  v1::TransactionInput release = Only("void");
  release.mutable_void_()->set_hold_id(hold.transaction_id());
  EXPECT_EQ(PostOne(release).committed().kind(), v1::VOID);
  v1::TransactionInput undo = Only("undo");
  undo.mutable_reversal()->set_transaction_id(capture.transaction_id());
  EXPECT_EQ(PostOne(undo).committed().reversed_transaction_id(), capture.transaction_id());

  const auto entries = List("a");
  ASSERT_EQ(entries.entries_size(), 5);
  EXPECT_EQ(entries.account().credits_posted(), 150);
  EXPECT_EQ(entries.account().debits_posted(), 50);
  EXPECT_EQ(entries.account().debits_pending(), 0);
  EXPECT_EQ(entries.entries(3).kind(), v1::HOLD);
  EXPECT_EQ(entries.entries(3).debit_pending_minor(), 70);
  EXPECT_EQ(entries.entries(2).debit_minor(), 50);
  EXPECT_EQ(entries.entries(2).debits_pending_after(), 20);
}

TEST_F(LedgerRpcTest, RefusesMalformedCommandsOfEveryKind) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::TransactionInput capture = Move("1", "rail", "a", 1);
  capture.mutable_capture()->set_hold_id(TransactionId("none"));
  EXPECT_EQ(PostOne(capture).refused().reason(), "too_many_items");
  v1::TransactionInput release = Only("1");
  release.mutable_void_()->set_hold_id("acc_1");
  EXPECT_EQ(PostOne(release).refused().param(), "void.hold_id");
  v1::TransactionInput undo = Only("1");
  undo.mutable_reversal();
  EXPECT_EQ(PostOne(undo).refused().param(), "reversal.transaction_id");
  v1::TransactionInput hold = Move("1", "rail", "a", 1);
  hold.mutable_hold()->mutable_timeout()->set_seconds(-1);
  EXPECT_EQ(PostOne(hold).refused().reason(), "invalid_timeout");
  v1::TransactionInput checked = Move("1", "rail", "a", 1);
  checked.add_preconditions()->set_account_id("x");
  EXPECT_EQ(PostOne(checked).refused().param(), "preconditions[0].account_id");
  v1::TransactionInput open = Move("1", "rail", "a", 1);
  open.set_linked_to_next(true);
  EXPECT_EQ(PostOne(open).refused().reason(), "linked_chain_open");
  EXPECT_TRUE(PostOne(Move("1", "rail", "a", 1)).has_committed());
}

TEST_F(LedgerRpcTest, AGroupFailsTogetherEvenIfOneHasNoId) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::TransactionInput first = Move("1", "rail", "a", 1);
  first.set_linked_to_next(true);
  v1::TransactionInput nameless = Move("2", "rail", "a", 1);
  nameless.set_transaction_id("");
  nameless.set_linked_to_next(true);
  const auto broken =
      Post({first, nameless, Move("3", "rail", "b", 1), Move("4", "rail", "b", 1)}).value();
  EXPECT_EQ(broken.results(0).refused().reason(), "linked_transaction_failed");
  EXPECT_FALSE(broken.results(0).refused().final());
  EXPECT_EQ(broken.results(1).refused().reason(), "invalid_id");
  EXPECT_EQ(broken.results(2).refused().reason(), "linked_transaction_failed");
  EXPECT_TRUE(broken.results(3).has_committed()) << "is not of the group";
  const auto poor = Post({first, Move("5", "b", "a", 2)}).value();
  EXPECT_EQ(poor.results(0).refused().reason(), "linked_transaction_failed");
  EXPECT_EQ(poor.results(1).refused().reason(), "insufficient_funds");
}

TEST_F(LedgerRpcTest, ADryRunAnswersAndDecidesNothing) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::PostTransactionsRequest request;
  request.set_book("main");
  request.set_dry_run(true);
  *request.add_transactions() = Move("1", "rail", "a", 5);
  const auto tried =
      ledger_->runtime().Run(payments_.PostTransactions(rpc::Outgoing(), request)).value();
  EXPECT_EQ(tried.results(0).committed().postings(0).amount_minor(), 5);
  EXPECT_EQ(List("a").entries_size(), 0);
}

TEST_F(LedgerRpcTest, ClosesAndReopensAccountsChangesLinesAndClosesPeriods) {
  ASSERT_THAT(Open(Three()), IsOk());
  const auto accounts_channel = ledger_->Connect("accounts");
  const v1::LedgerClient accounts(accounts_channel.get());
  const auto change = [&](const std::string& id,
                          const std::function<void(v1::AccountChange&)>& set) {
    v1::ChangeAccountsRequest request;
    request.set_book("main");
    v1::AccountChange* one = request.add_changes();
    one->set_transaction_id(TransactionId(Own(id)));
    one->set_account_id(AccountId(Own("a")));
    set(*one);
    return ledger_->runtime()
        .Run(accounts.ChangeAccounts(rpc::Outgoing(), request))
        .value()
        .results(0);
  };
  EXPECT_EQ(change("close", [](auto& c) { c.set_close(true); }).committed().account_id(),
            AccountId(Own("a")));
  EXPECT_EQ(PostOne(Move("1", "rail", "a", 1)).refused().reason(), "account_closed");
  EXPECT_TRUE(change("reopen", [](auto& c) { c.set_reopen(true); }).has_committed());
  EXPECT_TRUE(change("line", [](auto& c) { c.set_credit_line_minor(5); }).has_committed());
  EXPECT_TRUE(PostOne(Move("2", "a", "b", 5)).has_committed());
  EXPECT_EQ(change("less", [](auto& c) { c.set_credit_line_minor(4); }).refused().reason(),
            "credit_line_in_use");
  EXPECT_EQ(change("nothing", [](auto&) {}).refused().reason(), "missing_field");
  const auto freeze = [&](const std::string& id, bool debits, bool credits) {
    return change(id, [=](auto& c) {
      c.mutable_freeze()->set_debits(debits);
      c.mutable_freeze()->set_credits(credits);
    });
  };
  EXPECT_EQ(freeze("debits", true, false).committed().kind(), v1::FREEZE_ACCOUNT);
  EXPECT_EQ(PostOne(Move("3", "a", "b", 1)).refused().reason(), "account_frozen");
  EXPECT_TRUE(PostOne(Move("4", "rail", "a", 9)).has_committed());
  EXPECT_TRUE(freeze("credits", false, true).has_committed());
  EXPECT_EQ(PostOne(Move("5", "rail", "a", 1)).refused().reason(), "account_frozen");
  EXPECT_TRUE(freeze("neither", false, false).has_committed());

  // With what is in it, if nobody has touched it since.
  const auto close = [&](const std::string& id, std::int64_t version) {
    v1::CloseAccountRequest request;
    request.set_book("main");
    request.set_transaction_id(TransactionId(Own(id)));
    request.set_account_id(AccountId(Own("a")));
    request.set_version(version);
    request.set_amount_minor(4);
    request.set_sweep_transaction_id(TransactionId(Own(id + " sweep")));
    request.set_sweep_to_account_id(AccountId(Own("b")));
    return ledger_->runtime().Run(accounts.CloseAccount(rpc::Outgoing(), request)).value();
  };
  EXPECT_EQ(close("late", 1).refused().reason(), "precondition_failed");
  EXPECT_EQ(close("swept", 2).committed().kind(), v1::CLOSE_ACCOUNT);
  EXPECT_TRUE(close("swept", 2).replayed());
  EXPECT_EQ(close("swept again", 3).refused().reason(), "account_closed");
  EXPECT_EQ(List("b").entries(0).credit_minor(), 4);
  EXPECT_EQ(PostOne(Move("6", "rail", "a", 1)).refused().reason(), "account_closed");
  EXPECT_TRUE(change("reopen 2", [](auto& c) { c.set_reopen(true); }).has_committed());

  v1::ClosePeriodRequest period;
  period.set_book("main");
  period.set_transaction_id(TransactionId(Own("period")));
  period.mutable_until()->set_seconds(-10);
  EXPECT_TRUE(ledger_->runtime()
                  .Run(accounts.ClosePeriod(rpc::Outgoing(), period))
                  .value()
                  .has_committed());
  v1::TransactionInput dated = Move("dated", "rail", "a", 1);
  dated.mutable_effective_time()->set_seconds(-11);
  EXPECT_EQ(PostOne(dated).refused().reason(), "period_closed");
}

TEST_F(LedgerRpcTest, OnlyTheListedCallersMayCall) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::PostTransactionsRequest post;
  post.set_book("main");
  *post.add_transactions() = Move("1", "rail", "a", 1);

  const auto accounts_channel = ledger_->Connect("accounts");
  const v1::LedgerClient accounts(accounts_channel.get());
  EXPECT_THAT(ledger_->runtime().Run(accounts.OpenAccounts(rpc::Outgoing(), Three())), IsOk());
  EXPECT_THAT(ledger_->runtime().Run(accounts.PostTransactions(rpc::Outgoing(), post)), IsOk());
  EXPECT_EQ(List("a").entries_size(), 1);

  const auto auth_channel = ledger_->Connect("auth");
  const v1::LedgerClient auth(auth_channel.get());
  EXPECT_THAT(ledger_->runtime().Run(auth.OpenAccounts(rpc::Outgoing(), Three())),
              StatusHasReason(Reason::kCallerNotAllowed));
  *post.mutable_transactions(0) = Move("2", "rail", "a", 1);
  EXPECT_THAT(ledger_->runtime().Run(auth.PostTransactions(rpc::Outgoing(), post)),
              StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_EQ(List("a").entries_size(), 1);
}

}  // namespace
}  // namespace florin::ledger
