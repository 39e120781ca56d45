#include "services/accounts/rpc/accounts_rpc.h"

#include "services/accounts/flow/accounts_fixture.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::SizeIs;

class AccountsRpcTest : public AccountsFixture {
 protected:
  // A call of `user` through the gateway, after the server's checks.
  static rpc::Call CallOf(const Uuid& user, const std::string& key = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    return rpc::Call("gateway", incoming, principal, true);
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Ask(
      Task<absl::StatusOr<Response>> (AccountsRpc::*method)(rpc::Call&, const Request&),
      const Uuid& user, const Request& request, const std::string& key = "") {
    rpc::Call call = CallOf(user, key);
    absl::StatusOr<Response> response = runtime_.Run((service_.*method)(call, request));
    replayed_ = call.replayed();
    return response;
  }

  absl::StatusOr<v1::Customer> CreateCustomer(const std::string& name, const std::string& key) {
    v1::CreateCustomerRequest request;
    request.set_display_name(name);
    return Ask(&AccountsRpc::CreateCustomer, user_, request, key);
  }
  v1::OpenAccountRequest OpenRequest() const {
    v1::OpenAccountRequest request;
    request.set_customer_id(FormatId(IdKind::kCustomer, customer_));
    request.set_currency("EUR");
    request.set_display_name("Savings");
    return request;
  }
  v1::Account OpenOne(const std::string& key) {
    return Ask(&AccountsRpc::OpenAccount, user_, OpenRequest(), key).value();
  }
  absl::StatusOr<v1::Account> Get(const Uuid& user, const std::string& account_id) {
    v1::GetAccountRequest request;
    request.set_account_id(account_id);
    return Ask(&AccountsRpc::GetAccount, user, request);
  }

  AccountsRpc service_{
      store_, store_, open_, ledger_reader_, clock_, SystemIds(), *Books::Make("main", {"other"})};
  bool replayed_ = false;  // Whether the last answer was marked so.
};

TEST_F(AccountsRpcTest, AClientsOwnTokenHasNoAccounts) {
  rpc::Outgoing incoming;
  const rpc::Principal client{.user_id = "shop", .client_id = "shop"};
  rpc::Call call("gateway", incoming, client, true);
  v1::ListAccountsRequest request;
  EXPECT_THAT(runtime_.Run(service_.ListAccounts(call, request)),
              StatusHasReason(Reason::kUserTokenRequired));
}

TEST_F(AccountsRpcTest, ACustomerIsCreatedOnceForItsKey) {
  const auto created = CreateCustomer("Zoë", "key");
  ASSERT_THAT(created, IsOk());
  EXPECT_FALSE(replayed_);
  EXPECT_EQ(created->display_name(), "Zoë");
  EXPECT_EQ(created->create_time().seconds(), 1'790'000'000);
  EXPECT_EQ(created->create_time().nanos(), 1'000);
  clock_.Advance(absl::Hours(1));
  const auto again = CreateCustomer("Zoë", "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(replayed_);
  EXPECT_EQ(again->DebugString(), created->DebugString());
  EXPECT_THAT(CreateCustomer("Zoe", "key"), StatusHasReason(Reason::kIdempotencyKeyReused));
  EXPECT_THAT(CreateCustomer("", "2"), StatusHasReason(Reason::kInvalidDisplayName));

  v1::GetCustomerRequest request;
  request.set_customer_id(created->customer_id());
  EXPECT_EQ(Ask(&AccountsRpc::GetCustomer, user_, request)->DebugString(), created->DebugString());
  EXPECT_THAT(Ask(&AccountsRpc::GetCustomer, stranger_, request),
              StatusHasReason(Reason::kCustomerNotFound));
}

TEST_F(AccountsRpcTest, AnOpenedAccountIsEmptyHoweverLateTheReplay) {
  const v1::Account opened = OpenOne("key");
  EXPECT_EQ(opened.currency(), "EUR");
  EXPECT_EQ(opened.display_name(), "Savings");
  EXPECT_EQ(opened.balance().posted().currency(), "EUR");
  EXPECT_EQ(opened.balance().posted().minor_units(), 0);
  ledger_double_.account(opened.account_id()).set_credits_posted(500);
  const v1::Account again = OpenOne("key");
  EXPECT_TRUE(replayed_);
  EXPECT_EQ(again.DebugString(), opened.DebugString());
}

// Opened there, seen there; what says nothing is in the usual book.
TEST_F(AccountsRpcTest, AnAccountIsInItsBook) {
  v1::OpenAccountRequest request = OpenRequest();
  request.set_book("other");
  const auto there = Ask(&AccountsRpc::OpenAccount, user_, request, "there");
  ASSERT_THAT(there, IsOk());
  const v1::Account here = OpenOne("here");
  EXPECT_EQ(there->book(), "other");
  EXPECT_EQ(here.book(), "main");
  EXPECT_EQ(ledger_double_.BookOf(there->account_id()), "other");
  EXPECT_EQ(ledger_double_.BookOf(here.account_id()), "main");
  ledger_double_.account(there->account_id()).set_credits_posted(7);
  const auto seen = Get(user_, there->account_id());
  ASSERT_THAT(seen, IsOk());
  EXPECT_EQ(seen->book(), "other");
  EXPECT_EQ(seen->balance().posted().minor_units(), 7);
  const auto listed = Ask(&AccountsRpc::ListAccounts, user_, v1::ListAccountsRequest());
  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed->accounts_size(), 2);
  v1::ListAccountEntriesRequest entries;
  entries.set_account_id(there->account_id());
  EXPECT_THAT(Ask(&AccountsRpc::ListAccountEntries, user_, entries), IsOk());
  v1::LookUpAccountsRequest look_up;
  look_up.add_account_ids(there->account_id());
  look_up.add_account_ids(here.account_id());
  const auto facts = Ask(&AccountsRpc::LookUpAccounts, user_, look_up);
  ASSERT_THAT(facts, IsOk());
  ASSERT_EQ(facts->accounts_size(), 2);
  for (const v1::AccountFacts& one : facts->accounts()) {
    EXPECT_EQ(one.book(), one.account_id() == here.account_id() ? "main" : "other");
  }
}

TEST_F(AccountsRpcTest, ABookIsOneOfThoseThatAreConfigured) {
  v1::OpenAccountRequest request = OpenRequest();
  request.set_book("elsewhere");
  EXPECT_THAT(Ask(&AccountsRpc::OpenAccount, user_, request, "key").status(),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("book")));
  // The refusal has left no trace. To name the usual book says what saying nothing says.
  request.set_book("main");
  const auto named = Ask(&AccountsRpc::OpenAccount, user_, request, "key");
  ASSERT_THAT(named, IsOk());
  EXPECT_EQ(OpenOne("key").account_id(), named->account_id());
  EXPECT_TRUE(replayed_);
  request.set_book("other");
  EXPECT_THAT(Ask(&AccountsRpc::OpenAccount, user_, request, "key"),
              StatusHasReason(Reason::kIdempotencyKeyReused));
}

TEST_F(AccountsRpcTest, MalformedRequestsNameTheField) {
  v1::OpenAccountRequest request = OpenRequest();
  request.set_currency("EURO");
  EXPECT_THAT(Ask(&AccountsRpc::OpenAccount, user_, request, "key").status(),
              AllOf(StatusHasReason(Reason::kUnknownCurrency), StatusHasParam("currency")));
  request = OpenRequest();
  request.set_customer_id("cus_1");
  EXPECT_THAT(Ask(&AccountsRpc::OpenAccount, user_, request, "key").status(),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("customer_id")));
  request = OpenRequest();
  request.set_display_name("a\nb");
  EXPECT_THAT(Ask(&AccountsRpc::OpenAccount, user_, request, "key"),
              StatusHasReason(Reason::kInvalidDisplayName));
}

TEST_F(AccountsRpcTest, TheBalanceIsTheLedgers) {
  const v1::Account opened = OpenOne("key");
  ledger::v1::Account& booked = ledger_double_.account(opened.account_id());
  booked.set_credits_posted(1000);
  booked.set_debits_posted(300);
  booked.set_debits_pending(50);
  const auto account = Get(user_, opened.account_id());
  ASSERT_THAT(account, IsOk());
  EXPECT_EQ(account->balance().posted().minor_units(), 700);
  EXPECT_EQ(account->balance().available().minor_units(), 650);
}

TEST_F(AccountsRpcTest, AnAccountOfAnotherUserDoesNotExist) {
  const v1::Account opened = OpenOne("key");
  const absl::Status foreign = Get(stranger_, opened.account_id()).status();
  EXPECT_THAT(foreign, StatusHasReason(Reason::kAccountNotFound));
  EXPECT_EQ(Get(user_, FormatId(IdKind::kAccount, SystemIds().NewId())).status(), foreign);
  v1::ListAccountEntriesRequest entries;
  entries.set_account_id(opened.account_id());
  EXPECT_EQ(Ask(&AccountsRpc::ListAccountEntries, stranger_, entries).status(), foreign);
  EXPECT_THAT(Ask(&AccountsRpc::ListAccounts, stranger_, v1::ListAccountsRequest())->accounts(),
              SizeIs(0));
}

TEST_F(AccountsRpcTest, ListsInPagesWithOneCallToTheLedgerEach) {
  std::vector<std::string> oldest_first;
  for (int i = 0; i < 5; ++i) oldest_first.push_back(OpenOne(std::to_string(i)).account_id());
  std::vector<std::string> seen;
  v1::ListAccountsRequest request;
  request.set_page_size(2);
  int pages = 0;
  do {
    const auto page = Ask(&AccountsRpc::ListAccounts, user_, request);
    ASSERT_THAT(page, IsOk());
    for (const v1::Account& account : page->accounts()) seen.push_back(account.account_id());
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, oldest_first);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(ledger_double_.get_calls(), 3);
  request.set_page_token("?");
  EXPECT_THAT(Ask(&AccountsRpc::ListAccounts, user_, request),
              StatusHasReason(Reason::kInvalidPageToken));
}

TEST_F(AccountsRpcTest, AStatementHasSignedAmountsAndTheRunningBalance) {
  const v1::Account opened = OpenOne("key");
  ledger::v1::Entry out;
  out.set_version(2);
  out.set_transaction_id("txn_2");
  out.set_debit_minor(300);
  out.set_debits_posted_after(300);
  out.set_credits_posted_after(1000);
  out.mutable_commit_time()->set_seconds(7);
  (*out.mutable_metadata())["payment_id"] = "pay_2";
  ledger::v1::Entry in;
  in.set_version(1);
  in.set_credit_minor(1000);
  in.set_credits_posted_after(1000);
  ledger_double_.entries() = {out, in};

  v1::ListAccountEntriesRequest request;
  request.set_account_id(opened.account_id());
  const auto first = Ask(&AccountsRpc::ListAccountEntries, user_, request);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(first->entries(), SizeIs(1));
  EXPECT_EQ(first->entries(0).version(), 2);
  EXPECT_EQ(first->entries(0).transaction_id(), "txn_2");
  EXPECT_EQ(first->entries(0).payment_id(), "pay_2");
  EXPECT_EQ(first->entries(0).amount().currency(), "EUR");
  EXPECT_EQ(first->entries(0).amount().minor_units(), -300);
  EXPECT_EQ(first->entries(0).balance_after().minor_units(), 700);
  EXPECT_EQ(first->entries(0).commit_time().seconds(), 7);
  request.set_page_token(first->next_page_token());
  const auto last = Ask(&AccountsRpc::ListAccountEntries, user_, request);
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(last->entries(0).amount().minor_units(), 1000);
  EXPECT_EQ(last->entries(0).payment_id(), "");
  EXPECT_EQ(last->next_page_token(), "");

  request.set_page_token("?");
  EXPECT_THAT(Ask(&AccountsRpc::ListAccountEntries, user_, request),
              StatusHasReason(Reason::kInvalidPageToken));
  request.clear_page_token();
  request.set_page_size(101);
  EXPECT_THAT(Ask(&AccountsRpc::ListAccountEntries, user_, request),
              StatusHasReason(Reason::kInvalidPageSize));
}

TEST_F(AccountsRpcTest, TellsServicesWhoOwnsAnAccount) {
  const v1::Account opened = OpenOne("key");
  v1::LookUpAccountsRequest request;
  request.add_account_ids(opened.account_id());
  request.add_account_ids(FormatId(IdKind::kAccount, SystemIds().NewId()));
  const auto found = Ask(&AccountsRpc::LookUpAccounts, stranger_, request);
  ASSERT_THAT(found, IsOk());
  ASSERT_THAT(found->accounts(), SizeIs(1));
  EXPECT_EQ(found->accounts(0).account_id(), opened.account_id());
  EXPECT_EQ(found->accounts(0).customer_id(), opened.customer_id());
  EXPECT_EQ(found->accounts(0).owner_user_id(), FormatId(IdKind::kUser, user_));
  EXPECT_EQ(found->accounts(0).currency(), "EUR");
  EXPECT_EQ(found->accounts(0).holder_name(), "Zoë");
  EXPECT_EQ(found->accounts(0).kyc_level(), v1::Customer::NONE);

  request.add_account_ids("acc_1");
  EXPECT_THAT(Ask(&AccountsRpc::LookUpAccounts, stranger_, request),
              StatusHasReason(Reason::kInvalidId));
  for (int i = 0; i < 100; ++i) request.add_account_ids(opened.account_id());
  EXPECT_THAT(Ask(&AccountsRpc::LookUpAccounts, stranger_, request),
              StatusHasReason(Reason::kTooManyItems));
}

TEST_F(AccountsRpcTest, WithoutTheLedgerThereIsNoBalance) {
  const v1::Account opened = OpenOne("key");
  ledger_double_.SetFault(LedgerDouble::Fault::kUnavailable);
  EXPECT_THAT(Get(user_, opened.account_id()), StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::accounts
