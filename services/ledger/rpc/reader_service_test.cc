// The reader as its callers see it: a real server over mutual TLS, on a real PostgreSQL.
#include "services/ledger/rpc/reader_service.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include <boost/asio/use_future.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/status/matchers.h"
#include "services/ledger/rpc/ledger_fixture.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixMicros(1'700'000'000'123'456);

std::string AccountId(const std::string& name) {
  return FormatId(IdKind::kAccount, DeriveId("test.account", name));
}
std::string TransactionId(const std::string& name) {
  return FormatId(IdKind::kTransaction, DeriveId("test.transaction", name));
}

// One ledger for all tests; each test has accounts "rail", "a" and "b" and ids of its own by its
// name.
class LedgerReaderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ledger_ = new LedgerFixture(kNow);
    payments_channel_ = ledger_->Connect("payments").release();
    auditor_channel_ = ledger_->Connect("auditor").release();
  }
  static void TearDownTestSuite() {
    delete auditor_channel_;
    delete payments_channel_;
    delete ledger_;
  }
  LedgerReaderTest() {
    v1::OpenAccountsRequest request;
    request.set_book("main");
    for (const char* name : {"rail", "a", "b"}) {
      v1::Account* account = request.add_accounts();
      account->set_account_id(Account(name));
      account->set_currency("EUR");
      account->set_normal_side(v1::DEBIT);
    }
    EXPECT_THAT(Run(payments_.OpenAccounts(rpc::Outgoing(), request)), IsOk());
  }

  template <class Result>
  static Result Run(Task<Result> task) {
    return ledger_->runtime().Run(std::move(task));
  }
  // Names that no other test uses.
  static std::string Own(const std::string& name) {
    return "reader" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) +
           name;
  }
  static std::string Account(const std::string& name) { return AccountId(Own(name)); }

  static v1::TransactionInput Move(const std::string& id, const std::string& debit,
                                   const std::string& credit, std::int64_t amount_minor) {
    v1::TransactionInput input;
    input.set_transaction_id(TransactionId(Own(id)));
    v1::Posting* posting = input.add_postings();
    posting->set_debit_account_id(Account(debit));
    posting->set_credit_account_id(Account(credit));
    posting->set_amount_minor(amount_minor);
    return input;
  }
  // Gives the last sequence.
  std::int64_t Post(const std::vector<v1::TransactionInput>& inputs) {
    v1::PostTransactionsRequest request;
    request.set_book("main");
    for (const v1::TransactionInput& input : inputs) *request.add_transactions() = input;
    const auto response = Run(payments_.PostTransactions(rpc::Outgoing(), request));
    EXPECT_THAT(response, IsOk());
    std::int64_t sequence = 0;
    for (const v1::TransactionResult& result : response->results()) {
      EXPECT_TRUE(result.has_committed()) << result.ShortDebugString();
      sequence = std::max(sequence, result.committed().sequence());
    }
    return sequence;
  }

  static v1::GetAccountsRequest AccountsRequest(const std::vector<std::string>& names) {
    v1::GetAccountsRequest request;
    request.set_book("main");
    for (const std::string& name : names) request.add_account_ids(Account(name));
    return request;
  }
  static v1::ListEntriesRequest EntriesOf(const std::string& name, int page_size = 0) {
    v1::ListEntriesRequest request;
    request.set_book("main");
    request.set_account_id(Account(name));
    request.set_page_size(page_size);
    return request;
  }
  absl::StatusOr<v1::ListEntriesResponse> List(const v1::ListEntriesRequest& request) {
    return Run(reads_.ListEntries(rpc::Outgoing(), request));
  }
  // Versions of the entries on all pages.
  std::vector<std::int64_t> Walk(v1::ListEntriesRequest request) {
    std::vector<std::int64_t> versions;
    do {
      const auto page = List(request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const v1::Entry& entry : page->entries()) versions.push_back(entry.version());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return versions;
  }

  static LedgerFixture* ledger_;
  static rpc::Channel* payments_channel_;
  static rpc::Channel* auditor_channel_;
  v1::LedgerClient payments_{payments_channel_};
  v1::LedgerReaderClient reads_{payments_channel_};
  v1::LedgerReaderClient auditor_{auditor_channel_};
};

LedgerFixture* LedgerReaderTest::ledger_ = nullptr;
rpc::Channel* LedgerReaderTest::payments_channel_ = nullptr;
rpc::Channel* LedgerReaderTest::auditor_channel_ = nullptr;

TEST_F(LedgerReaderTest, ShowsAccountsEntriesAndTransactions) {
  v1::TransactionInput deposit = Move("1", "rail", "a", 1250);
  deposit.mutable_effective_time()->set_seconds(-2);
  (*deposit.mutable_metadata())["payment_id"] = Own("pay");
  const std::int64_t sequence = Post({deposit});

  const auto accounts = Run(reads_.GetAccounts(rpc::Outgoing(), AccountsRequest({"a", "no"})));
  ASSERT_EQ(accounts.value().accounts_size(), 1);
  EXPECT_EQ(accounts->accounts(0).credits_posted(), 1250);
  EXPECT_EQ(accounts->sequence(), sequence);

  const auto entries = List(EntriesOf("a"));
  ASSERT_EQ(entries.value().entries_size(), 1);
  EXPECT_EQ(entries->entries(0).transaction_id(), deposit.transaction_id());
  EXPECT_EQ(entries->entries(0).credits_posted_after(), 1250);
  EXPECT_EQ(entries->entries(0).kind(), v1::POST);
  EXPECT_EQ(entries->entries(0).effective_time().seconds(), -2);
  EXPECT_EQ(entries->account().credits_posted(), 1250);
  EXPECT_EQ(entries->sequence(), sequence);

  v1::GetTransactionRequest get;
  get.set_book("main");
  get.set_transaction_id(deposit.transaction_id());
  const auto got = Run(reads_.GetTransaction(rpc::Outgoing(), get));
  ASSERT_TRUE(got.value().result().has_committed());
  EXPECT_EQ(got->result().committed().sequence(), sequence);
  EXPECT_EQ(got->sequence(), sequence);
  get.set_transaction_id(TransactionId(Own("never")));
  EXPECT_THAT(Run(reads_.GetTransaction(rpc::Outgoing(), get)),
              StatusHasReason(Reason::kTransactionNotFound));

  v1::FindTransactionsRequest find;
  find.set_book("main");
  find.set_metadata_key("payment_id");
  find.set_metadata_value(Own("pay"));
  const auto found = Run(reads_.FindTransactions(rpc::Outgoing(), find));
  ASSERT_EQ(found.value().transactions_size(), 1);
  EXPECT_EQ(found->transactions(0).SerializeAsString(),
            got->result().committed().SerializeAsString());
  EXPECT_EQ(found->sequence(), sequence);
}

TEST_F(LedgerReaderTest, ReadsManyTransactions) {
  const std::int64_t first = Post({Move("1", "rail", "a", 7)});
  Post({Move("2", "rail", "a", 8)});
  v1::GetTransactionsRequest get;
  get.set_book("main");
  for (const char* name : {"2", "never", "1"}) get.add_transaction_ids(TransactionId(Own(name)));
  const auto got = Run(reads_.GetTransactions(rpc::Outgoing(), get));
  ASSERT_EQ(got.value().results_size(), 2);
  EXPECT_EQ(got->results(0).committed().transaction_id(), TransactionId(Own("1")));
  EXPECT_EQ(got->results(1).committed().postings(0).amount_minor(), 8);
  v1::ListTransactionsRequest list;
  list.set_book("main");
  list.set_after_sequence(first - 1);
  list.set_page_size(1);
  const auto listed = Run(reads_.ListTransactions(rpc::Outgoing(), list));
  ASSERT_EQ(listed.value().results_size(), 1);
  EXPECT_EQ(listed->results(0).SerializeAsString(), got->results(0).SerializeAsString());

  list.set_after_sequence(-1);
  EXPECT_THAT(Run(reads_.ListTransactions(rpc::Outgoing(), list)),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("after_sequence")));
  get.add_transaction_ids("acc_1");
  EXPECT_THAT(Run(reads_.GetTransactions(rpc::Outgoing(), get)),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("transaction_ids[3]")));
  for (int i = 0; i < 1000; ++i) get.add_transaction_ids(TransactionId(Own("1")));
  EXPECT_THAT(Run(reads_.GetTransactions(rpc::Outgoing(), get)),
              AllOf(StatusHasReason(Reason::kTooManyItems), StatusHasParam("transaction_ids")));
}

TEST_F(LedgerReaderTest, BalancesAsOfASequenceAndATime) {
  v1::TransactionInput dated = Move("2", "rail", "a", 30);
  dated.mutable_effective_time()->set_seconds(1'000);
  const std::int64_t first = Post({Move("1", "rail", "a", 7)});
  const std::int64_t second = Post({dated});
  v1::GetBalancesRequest request;
  request.set_book("main");
  request.add_account_ids(Account("a"));
  const auto balance = [&] {
    return Run(reads_.GetBalances(rpc::Outgoing(), request)).value().balances(0);
  };
  request.set_sequence(first);
  EXPECT_EQ(balance().credits_posted(), 7);
  EXPECT_EQ(balance().currency(), "EUR");
  EXPECT_EQ(balance().version(), 1);
  request.set_sequence(second);
  EXPECT_EQ(balance().credits_posted(), 37);
  request.mutable_effective_time()->set_seconds(1'000);
  EXPECT_EQ(balance().credits_posted(), 30);
  request.mutable_effective_time()->set_seconds(999);
  EXPECT_EQ(balance().credits_posted(), 0);

  request.set_sequence(-1);
  EXPECT_THAT(Run(reads_.GetBalances(rpc::Outgoing(), request)),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("sequence")));
  request.mutable_effective_time()->set_nanos(-1);
  EXPECT_THAT(Run(reads_.GetBalances(rpc::Outgoing(), request)),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("effective_time")));
  request.clear_as_of();
  EXPECT_THAT(Run(reads_.GetBalances(rpc::Outgoing(), request)),
              AllOf(StatusHasReason(Reason::kMissingField), StatusHasParam("as_of")));
  for (int i = 0; i < 100; ++i) request.add_account_ids(Account("a"));
  EXPECT_THAT(Run(reads_.GetBalances(rpc::Outgoing(), request)),
              AllOf(StatusHasReason(Reason::kTooManyItems), StatusHasParam("account_ids")));
}

TEST_F(LedgerReaderTest, ListsEntriesInPagesBothWaysUnderFilters) {
  for (int i = 1; i <= 6; ++i) {
    v1::TransactionInput input = Move(std::to_string(i), "rail", "a", i);
    if (i % 2 == 0) input.mutable_hold();
    if (i % 3 == 0) (*input.mutable_metadata())["colour"] = "red";
    ledger_->clock().Advance(absl::Seconds(1));
    Post({input});
  }
  v1::ListEntriesRequest request = EntriesOf("a", 2);
  EXPECT_THAT(Walk(request), ElementsAre(6, 5, 4, 3, 2, 1));
  request.set_oldest_first(true);
  EXPECT_THAT(Walk(request), ElementsAre(1, 2, 3, 4, 5, 6));
  request.add_kinds(v1::HOLD);
  EXPECT_THAT(Walk(request), ElementsAre(2, 4, 6));
  request.set_metadata_key("colour");
  request.set_metadata_value("red");
  EXPECT_THAT(Walk(request), ElementsAre(6));
  request.clear_kinds();
  EXPECT_THAT(Walk(request), ElementsAre(3, 6));
  const auto all = List(EntriesOf("a")).value();
  *request.mutable_from_commit_time() = all.entries(2).commit_time();  // Of version 4.
  EXPECT_THAT(Walk(request), ElementsAre(6));
  *request.mutable_until_commit_time() = all.entries(0).commit_time();
  EXPECT_THAT(Walk(request), IsEmpty());
}

TEST_F(LedgerReaderTest, APageTokenFitsItsRequestOnly) {
  Post({Move("1", "rail", "a", 1), Move("2", "rail", "a", 1), Move("3", "rail", "a", 1)});
  v1::ListEntriesRequest request = EntriesOf("a", 1);
  request.set_page_token(List(request).value().next_page_token());
  EXPECT_EQ(List(request).value().entries(0).version(), 2);
  request.set_page_size(2);
  request.set_at_least_sequence(1);
  EXPECT_EQ(List(request).value().entries_size(), 2);
  request.set_oldest_first(true);
  EXPECT_THAT(List(request),
              AllOf(StatusHasReason(Reason::kInvalidPageToken), StatusHasParam("page_token")));

  v1::FindTransactionsRequest find;
  find.set_book("main");
  find.set_metadata_key("payment_id");
  find.set_metadata_value("none");
  find.set_page_token(request.page_token());
  EXPECT_THAT(Run(reads_.FindTransactions(rpc::Outgoing(), find)),
              StatusHasReason(Reason::kInvalidPageToken));
}

TEST_F(LedgerReaderTest, NamesTheWrongFieldOfAListing) {
  const auto with = [this](const std::function<void(v1::ListEntriesRequest&)>& change) {
    v1::ListEntriesRequest request = EntriesOf("a");
    change(request);
    return List(request);
  };
  using Request = v1::ListEntriesRequest;
  EXPECT_THAT(with([](Request& r) { r.set_book("none"); }), StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(with([](Request& r) { r.set_book(std::string("main\0", 5)); }),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(with([](Request& r) { r.set_account_id("acc_1"); }),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("account_id")));
  EXPECT_THAT(with([](Request& r) { r.set_account_id(Account("none")); }),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(with([](Request& r) { r.set_page_size(-1); }),
              StatusHasReason(Reason::kInvalidPageSize));
  EXPECT_THAT(with([](Request& r) { r.set_page_size(1001); }),
              StatusHasReason(Reason::kInvalidPageSize));
  EXPECT_THAT(with([](Request& r) { r.mutable_from_commit_time()->set_nanos(-1); }),
              StatusHasParam("from_commit_time"));
  EXPECT_THAT(with([](Request& r) { r.mutable_until_commit_time()->set_nanos(-1); }),
              StatusHasParam("until_commit_time"));
  EXPECT_THAT(with([](Request& r) {
                r.add_kinds(v1::POST);
                r.add_kinds(v1::TRANSACTION_KIND_UNSPECIFIED);
              }),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("kinds[1]")));
  EXPECT_THAT(with([](Request& r) { r.set_metadata_value("red"); }),
              AllOf(StatusHasReason(Reason::kMissingField), StatusHasParam("metadata_key")));
  EXPECT_THAT(with([](Request& r) {
                r.set_metadata_key("colour");
                r.set_metadata_value(std::string("red\0", 4));
              }),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("metadata_value")));
}

TEST_F(LedgerReaderTest, FindsOnlyByIndexedKeysInPages) {
  for (int i = 1; i <= 3; ++i) {
    v1::TransactionInput input = Move(std::to_string(i), "rail", "a", i);
    (*input.mutable_metadata())["payment_id"] = Own("pay");
    Post({input});
  }
  v1::FindTransactionsRequest find;
  find.set_book("main");
  find.set_metadata_key("payment_id");
  find.set_metadata_value(Own("pay"));
  find.set_page_size(2);
  const auto first = Run(reads_.FindTransactions(rpc::Outgoing(), find)).value();
  ASSERT_EQ(first.transactions_size(), 2);
  EXPECT_EQ(first.transactions(0).transaction_id(), TransactionId(Own("3")));
  find.set_page_token(first.next_page_token());
  const auto second = Run(reads_.FindTransactions(rpc::Outgoing(), find)).value();
  ASSERT_EQ(second.transactions_size(), 1);
  EXPECT_EQ(second.transactions(0).transaction_id(), TransactionId(Own("1")));
  EXPECT_EQ(second.next_page_token(), "");
  find.clear_page_token();
  find.set_metadata_key("colour");
  EXPECT_THAT(Run(reads_.FindTransactions(rpc::Outgoing(), find)),
              StatusHasReason(Reason::kMetadataKeyNotIndexed));
  find.set_metadata_key(std::string("payment_id\0", 11));
  EXPECT_THAT(Run(reads_.FindTransactions(rpc::Outgoing(), find)),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("metadata_key")));
}

TEST_F(LedgerReaderTest, TheTrialBalanceBalances) {
  Post({Move("1", "rail", "a", 1250)});
  v1::GetTrialBalanceRequest request;
  request.set_book("main");
  const auto balance = Run(auditor_.GetTrialBalance(rpc::Outgoing(), request)).value();
  ASSERT_EQ(balance.totals_size(), 1);
  const v1::CurrencyTotals& totals = balance.totals(0);
  EXPECT_EQ(totals.currency(), "EUR");
  EXPECT_EQ(totals.debits_posted(), totals.credits_posted());
  EXPECT_EQ(totals.debits_pending(), totals.credits_pending());
  EXPECT_NE(totals.debits_posted(), "0");
  EXPECT_GE(totals.accounts(), 3);
}

TEST_F(LedgerReaderTest, AReadWaitsForWhatItsCallerHasSeen) {
  const std::int64_t sequence = Post({Move("1", "rail", "a", 5)});
  v1::GetAccountsRequest request = AccountsRequest({"a"});
  request.set_at_least_sequence(sequence);
  EXPECT_EQ(Run(reads_.GetAccounts(rpc::Outgoing(), request)).value().sequence(), sequence);
  request.set_at_least_sequence(sequence + 1);
  auto waiting = asio::co_spawn(ledger_->runtime().context(),
                                reads_.GetAccounts(rpc::Outgoing(), request), asio::use_future);
  Post({Move("2", "rail", "a", 6)});
  const auto read = waiting.get();
  EXPECT_EQ(read.value().sequence(), sequence + 1);
  EXPECT_EQ(read->accounts(0).credits_posted(), 11);
}

// Asked directly, so that the answer does not race with a client's own deadline.
TEST_F(LedgerReaderTest, ABookThatIsBehindIsSaidToBeBeforeTheDeadline) {
  LedgerReaderRpc service(ledger_->reader(), ledger_->watch(), SystemClock());
  rpc::Outgoing incoming;
  incoming.deadline = SystemClock().Now() + absl::Milliseconds(200);
  rpc::Call call("payments", incoming, rpc::Principal(), false);
  v1::GetTransactionRequest request;
  request.set_book("main");
  request.set_transaction_id(TransactionId(Own("never")));
  request.set_at_least_sequence(1'000'000);
  EXPECT_THAT(Run(service.GetTransaction(call, request)),
              StatusHasReason(Reason::kSequenceNotReached));
  request.set_at_least_sequence(0);
  EXPECT_THAT(Run(service.GetTransaction(call, request)),
              StatusHasReason(Reason::kTransactionNotFound));
}

// What a watch has sent, and how it goes on after a break.
class Watching {
 public:
  using Message = v1::WatchBalancesResponse;

  // Takes messages until `most` of them have come or `entries` entries are complete.
  std::function<Task<absl::Status>(Message)> Until(int most, std::size_t entries) {
    std::lock_guard lock(mutex_);
    left_ = most;
    wanted_ = entries;
    // What is not complete comes again.
    std::erase_if(entries_, [this](const v1::Entry& e) { return e.sequence() > sequence_; });
    return [this](const Message& message) { return Take(message); };
  }

  std::vector<v1::Entry> entries() {
    std::lock_guard lock(mutex_);
    return entries_;
  }
  std::vector<Message> messages() {
    std::lock_guard lock(mutex_);
    return messages_;
  }
  std::int64_t sequence() {
    std::lock_guard lock(mutex_);
    return sequence_;
  }
  bool complete() {
    std::lock_guard lock(mutex_);
    return IsComplete();
  }
  void WaitForMessages(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return messages_.size() >= count; });
  }
  void Begin(std::int64_t after) { sequence_ = after; }

 private:
  bool IsComplete() const {
    return entries_.size() >= wanted_ &&
           (entries_.empty() || entries_.back().sequence() <= sequence_);
  }

  Task<absl::Status> Take(Message message) {
    std::lock_guard lock(mutex_);
    EXPECT_GE(message.sequence(), sequence_) << "never back";
    sequence_ = message.sequence();
    if (message.has_entry()) entries_.push_back(message.entry());
    messages_.push_back(std::move(message));
    changed_.notify_all();
    if (--left_ <= 0 || IsComplete()) co_return Error(Reason::kCanceled, "seen enough");
    co_return absl::OkStatus();
  }

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable changed_;
  std::vector<Message> messages_;
  std::vector<v1::Entry> entries_;
  std::int64_t sequence_ = 0;
  int left_ = 0;
  std::size_t wanted_ = 0;
};

v1::WatchBalancesRequest Watch(const std::vector<std::string>& ids, std::int64_t after) {
  v1::WatchBalancesRequest request;
  request.set_book("main");
  for (const std::string& id : ids) request.add_account_ids(id);
  request.set_after_sequence(after);
  return request;
}

TEST_F(LedgerReaderTest, AWatchSendsTheEntriesOfItsAccountsAsTheyCommit) {
  const std::int64_t before = Post({Move("before", "rail", "a", 1)});
  Watching watching;
  watching.Begin(before);
  const std::vector<std::string> ids = {Account("b"), Account("a"), Account("b"), Account("never")};
  auto ended = asio::co_spawn(
      ledger_->runtime().context(),
      reads_.WatchBalances(rpc::Outgoing(), Watch(ids, before), watching.Until(100, 4)),
      asio::use_future);
  watching.WaitForMessages(1);
  Post({Move("1", "rail", "a", 2), Move("2", "rail", "b", 3)});
  watching.WaitForMessages(3);
  const std::int64_t last = Post({Move("3", "a", "b", 4)});
  EXPECT_THAT(ended.get(), StatusHasReason(Reason::kCanceled)) << "as the test's consumer wants";

  const std::vector<Watching::Message> messages = watching.messages();
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_FALSE(messages[0].has_entry()) << "says where it begins";
  EXPECT_EQ(messages[0].sequence(), before);
  EXPECT_EQ(messages[1].sequence(), before + 1);
  EXPECT_EQ(messages[2].sequence(), before + 2);
  EXPECT_EQ(messages[3].sequence(), before + 2) << "its transaction is not complete";
  EXPECT_EQ(messages[4].sequence(), last);
  const auto of_a = List(EntriesOf("a")).value();
  const auto of_b = List(EntriesOf("b")).value();
  EXPECT_EQ(messages[1].entry().SerializeAsString(), of_a.entries(1).SerializeAsString());
  EXPECT_EQ(messages[2].entry().SerializeAsString(), of_b.entries(1).SerializeAsString());
}

TEST_F(LedgerReaderTest, AWatchGoesOnAfterABreakWithoutGapAndDouble) {
  constexpr int kBatches = 12;
  constexpr int kInABatch = 10;
  const std::int64_t before = Post({Move("before", "rail", "a", 1)});
  std::vector<std::string> ids = {Account("a"), Account("b"), Account("rail")};
  std::thread poster([this] {
    for (int batch = 0; batch < kBatches; ++batch) {
      std::vector<v1::TransactionInput> inputs;
      for (int i = 0; i < kInABatch; ++i) {
        const std::string id = std::to_string(batch) + "." + std::to_string(i);
        inputs.push_back(i % 3 == 0 ? Move(id, "a", "b", 1) : Move(id, "rail", "a", 2));
      }
      Post(inputs);
    }
  });
  constexpr std::size_t kEntries = std::size_t{2} * kBatches * kInABatch;
  Watching watching;
  watching.Begin(before);
  std::mt19937 random(5);
  int streams = 0;
  do {
    const int most = static_cast<int>(1 + random() % 40);
    const auto each = watching.Until(most, kEntries);
    const auto request = Watch(ids, watching.sequence());
    EXPECT_THAT(Run(reads_.WatchBalances(rpc::Outgoing(), request, each)),
                StatusHasReason(Reason::kCanceled));
    ++streams;
  } while (!watching.complete());
  poster.join();
  EXPECT_GT(streams, 3);

  // Of each account, what ListEntries shows.
  const std::vector<v1::Entry> entries = watching.entries();
  EXPECT_EQ(entries.size(), kEntries);
  for (const char* name : {"a", "b", "rail"}) {
    v1::ListEntriesRequest request = EntriesOf(name, 1000);
    request.set_oldest_first(true);
    const v1::ListEntriesResponse page = List(request).value();
    std::vector<std::int64_t> listed;
    for (const v1::Entry& entry : page.entries()) {
      if (entry.sequence() > before) listed.push_back(entry.version());
    }
    std::vector<std::int64_t> watched;
    for (const v1::Entry& entry : entries) {
      if (entry.account_id() == Account(name)) watched.push_back(entry.version());
    }
    EXPECT_EQ(watched, listed) << name;
  }
  EXPECT_TRUE(std::is_sorted(
      entries.begin(), entries.end(),
      [](const v1::Entry& x, const v1::Entry& y) { return x.sequence() < y.sequence(); }));
}

TEST_F(LedgerReaderTest, AWatchWithoutNewsSaysHowFarItHasCome) {
  const std::int64_t before = Post({Move("before", "rail", "a", 1)});
  Watching watching;
  watching.Begin(before);
  auto ended = asio::co_spawn(
      ledger_->runtime().context(),
      reads_.WatchBalances(rpc::Outgoing(), Watch({Account("b")}, before), watching.Until(2, 1)),
      asio::use_future);
  watching.WaitForMessages(1);
  ledger_->clock().Advance(absl::Seconds(10));
  const std::int64_t last = Post({Move("1", "rail", "a", 2)});
  EXPECT_THAT(ended.get(), StatusHasReason(Reason::kCanceled));
  // Whether the message came before or after that post, who resumes learns of it.
  EXPECT_THAT(Run(reads_.WatchBalances(rpc::Outgoing(), Watch({Account("b")}, watching.sequence()),
                                       watching.Until(1, 1))),
              StatusHasReason(Reason::kCanceled));
  EXPECT_EQ(watching.sequence(), last);
  EXPECT_THAT(watching.entries(), IsEmpty());
}

TEST_F(LedgerReaderTest, AWatchMustSayWhatItWatches) {
  const auto watch = [this](const v1::WatchBalancesRequest& request) {
    Watching watching;
    return Run(reads_.WatchBalances(rpc::Outgoing(), request, watching.Until(1, 1)));
  };
  EXPECT_THAT(watch(Watch({}, 0)), StatusHasReason(Reason::kTooManyItems));
  EXPECT_THAT(watch(Watch(std::vector<std::string>(1001, Account("a")), 0)),
              StatusHasReason(Reason::kTooManyItems));
  EXPECT_THAT(watch(Watch({Account("a"), "acc_1"}, 0)),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("account_ids[1]")));
  EXPECT_THAT(watch(Watch({Account("a")}, -1)),
              AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("after_sequence")));
  v1::WatchBalancesRequest unknown = Watch({Account("a")}, 0);
  unknown.set_book("none");
  EXPECT_THAT(watch(unknown), StatusHasReason(Reason::kBookNotFound));
}

TEST_F(LedgerReaderTest, OnlyTheListedCallersMayRead) {
  v1::GetTrialBalanceRequest trial;
  trial.set_book("main");
  v1::PostTransactionsRequest post;
  post.set_book("main");
  *post.add_transactions() = Move("1", "rail", "a", 1);
  const auto not_allowed = StatusHasReason(Reason::kCallerNotAllowed);
  for (const std::string name : {"payments", "accounts", "operator", "auditor"}) {
    const auto channel = ledger_->Connect(name);
    const v1::LedgerReaderClient reads(channel.get());
    EXPECT_THAT(Run(reads.GetAccounts(rpc::Outgoing(), AccountsRequest({"a"}))), IsOk()) << name;
    const bool is_service = name == "payments" || name == "accounts";
    const auto balance = Run(reads.GetTrialBalance(rpc::Outgoing(), trial));
    EXPECT_EQ(balance.ok(), !is_service) << name;
    if (is_service) {
      EXPECT_THAT(balance, not_allowed) << name;
    }
    if (is_service) continue;
    const v1::LedgerClient ledger(channel.get());
    EXPECT_THAT(Run(ledger.PostTransactions(rpc::Outgoing(), post)), not_allowed) << name;
  }
  for (const char* name : {"auth", "gateway"}) {
    const auto channel = ledger_->Connect(name);
    const v1::LedgerReaderClient reads(channel.get());
    EXPECT_THAT(Run(reads.GetAccounts(rpc::Outgoing(), AccountsRequest({"a"}))), not_allowed);
    EXPECT_THAT(List(EntriesOf("a")).value().entries(), IsEmpty());
    Watching watching;
    const auto each = watching.Until(1, 1);
    EXPECT_THAT(Run(reads.WatchBalances(rpc::Outgoing(), Watch({Account("a")}, 0), each)),
                not_allowed);
  }
}

}  // namespace
}  // namespace florin::ledger
