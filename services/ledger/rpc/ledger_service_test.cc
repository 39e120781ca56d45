// The ledger as its callers see it: a real server over mutual TLS, on a real PostgreSQL.
#include "services/ledger/rpc/ledger_service.h"

#include <cstdlib>
#include <limits>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/pg/migrate.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "libs/testing/postgres.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;

const absl::Time kNow = absl::FromUnixMicros(1'700'000'000'123'456);

// A ledger with the book "main".
class Ledger {
 public:
  Ledger() {
    postgres_.CreateSchema("ledger");
    const char* source = std::getenv("FLORIN_SOURCE_DIR");
    const auto migrations = pg::LoadMigrations(std::string(source == nullptr ? "." : source) +
                                               "/services/ledger/store/migrations");
    EXPECT_THAT(pg::Migrate(postgres_.conninfo("ledger_owner"), "ledger", *migrations), IsOk());
    pool_ = std::make_unique<pg::Pool>(pg::PoolOptions{.conninfo = postgres_.conninfo("ledger"),
                                                       .connections = 2,
                                                       .statements = PgStore::Statements(),
                                                       .settings = PgStore::Settings()});
    store_ = std::make_unique<PgStore>(*pool_);
    EXPECT_THAT(runtime_.Run(store_->EnsureBook("main")), IsOk());
    batcher_ = std::make_unique<PostingBatcher>(runtime_.executor(), *store_, clock_);
    service_ = std::make_unique<LedgerRpc>(*store_, *batcher_);
    rpc::ServerOptions options{.listen = "127.0.0.1:0", .certificates = CertificatesOf("ledger")};
    server_ = rpc::Server::Start(runtime_.executor(), options, {service_.get()}).value();
  }
  ~Ledger() {
    server_->Drain(absl::Seconds(1));
    runtime_.Stop();
  }

  rpc::CertificateFiles CertificatesOf(const std::string& service) const {
    return rpc::CertificateFiles::In(certificates_.directory(), service);
  }
  std::unique_ptr<rpc::Channel> Connect(const std::string& caller) {
    rpc::ChannelOptions options{.target = "127.0.0.1:" + std::to_string(server_->port()),
                                .service = "ledger",
                                .certificates = CertificatesOf(caller)};
    return std::make_unique<rpc::Channel>(runtime_.executor(), options);
  }
  async::Runtime& runtime() { return runtime_; }
  const testing::Postgres& postgres() const { return postgres_; }

 private:
  testing::Postgres postgres_;
  testing::TestCertificates certificates_{{"ledger", "payments", "accounts", "auth"}};
  FakeClock clock_{kNow};
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<PgStore> store_;
  std::unique_ptr<PostingBatcher> batcher_;
  std::unique_ptr<LedgerRpc> service_;
  std::unique_ptr<rpc::Server> server_;
  async::Runtime runtime_{2};
};

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
    ledger_ = new Ledger;
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
  absl::StatusOr<v1::ListEntriesResponse> List(const std::string& name, int size,
                                               const std::string& token = "") {
    v1::ListEntriesRequest request;
    request.set_book("main");
    request.set_account_id(AccountId(Own(name)));
    request.set_page_size(size);
    request.set_page_token(token);
    return ledger_->runtime().Run(payments_.ListEntries(rpc::Outgoing(), request));
  }

  static Ledger* ledger_;
  static rpc::Channel* payments_channel_;
  v1::LedgerClient payments_{payments_channel_};
};

Ledger* LedgerRpcTest::ledger_ = nullptr;
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

  v1::GetTransactionRequest get;
  get.set_book("main");
  get.set_transaction_id(deposit.transaction_id());
  const auto got = ledger_->runtime().Run(payments_.GetTransaction(rpc::Outgoing(), get));
  EXPECT_EQ(got.value().committed().SerializeAsString(), committed.SerializeAsString());

  v1::GetAccountsRequest accounts;
  accounts.set_book("main");
  for (const char* name : {"a", "none", "rail"}) accounts.add_account_ids(AccountId(Own(name)));
  const auto found = ledger_->runtime().Run(payments_.GetAccounts(rpc::Outgoing(), accounts));
  ASSERT_EQ(found.value().accounts_size(), 2);
  EXPECT_EQ(found->accounts(0).credits_posted(), 1250);
  EXPECT_EQ(found->accounts(0).version(), 1);
  EXPECT_TRUE(found->accounts(0).debits_must_not_exceed_credits());
  EXPECT_EQ(found->accounts(1).debits_posted(), 1250);
  EXPECT_EQ(found->accounts(1).normal_side(), v1::DEBIT);

  const auto entries = List("a", 0);
  ASSERT_EQ(entries.value().entries_size(), 1);
  EXPECT_EQ(entries->entries(0).transaction_id(), deposit.transaction_id());
  EXPECT_EQ(entries->entries(0).credit_minor(), 1250);
  EXPECT_EQ(entries->entries(0).credits_posted_after(), 1250);
  EXPECT_EQ(entries->entries(0).metadata().at("payment_id"), "pay_1");
  EXPECT_EQ(entries->account().credits_posted(), 1250);
  EXPECT_EQ(entries->next_page_token(), "");
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
  v1::GetTransactionRequest get;
  get.set_book("main");
  get.set_transaction_id(TransactionId(Own("never")));
  EXPECT_THAT(ledger_->runtime().Run(payments_.GetTransaction(rpc::Outgoing(), get)),
              StatusHasReason(Reason::kTransactionNotFound));
  v1::GetAccountsRequest accounts;
  accounts.set_book("main");
  accounts.add_account_ids("acc_1");
  EXPECT_THAT(ledger_->runtime().Run(payments_.GetAccounts(rpc::Outgoing(), accounts)),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("account_ids[0]")));
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

TEST_F(LedgerRpcTest, ListsEntriesInPages) {
  ASSERT_THAT(Open(Three()), IsOk());
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(PostOne(Move(std::to_string(i), "rail", "a", i)).has_committed());
  }
  std::vector<std::int64_t> versions;
  std::string token;
  do {
    const auto page = List("a", 2, token);
    ASSERT_THAT(page, IsOk());
    for (const v1::Entry& entry : page->entries()) versions.push_back(entry.version());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(versions, ::testing::ElementsAre(5, 4, 3, 2, 1));

  const std::string of_a = List("a", 1).value().next_page_token();
  EXPECT_THAT(List("rail", 1, of_a), StatusHasReason(Reason::kInvalidPageToken));
  EXPECT_THAT(List("a", -1), StatusHasReason(Reason::kInvalidPageSize));
  EXPECT_THAT(List("a", 1001), StatusHasReason(Reason::kInvalidPageSize));
  EXPECT_THAT(List("none", 1), StatusHasReason(Reason::kAccountNotFound));
}

TEST_F(LedgerRpcTest, OnlyTheListedCallersMayCall) {
  ASSERT_THAT(Open(Three()), IsOk());
  v1::PostTransactionsRequest post;
  post.set_book("main");
  *post.add_transactions() = Move("1", "rail", "a", 1);
  v1::GetAccountsRequest get;
  get.set_book("main");

  const auto accounts_channel = ledger_->Connect("accounts");
  const v1::LedgerClient accounts(accounts_channel.get());
  EXPECT_THAT(ledger_->runtime().Run(accounts.GetAccounts(rpc::Outgoing(), get)), IsOk());
  EXPECT_THAT(ledger_->runtime().Run(accounts.OpenAccounts(rpc::Outgoing(), Three())), IsOk());
  EXPECT_THAT(ledger_->runtime().Run(accounts.PostTransactions(rpc::Outgoing(), post)),
              StatusHasReason(Reason::kCallerNotAllowed));

  const auto auth_channel = ledger_->Connect("auth");
  const v1::LedgerClient auth(auth_channel.get());
  EXPECT_THAT(ledger_->runtime().Run(auth.GetAccounts(rpc::Outgoing(), get)),
              StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(ledger_->runtime().Run(auth.PostTransactions(rpc::Outgoing(), post)),
              StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_EQ(List("a", 1).value().entries_size(), 0);
}

}  // namespace
}  // namespace florin::ledger
