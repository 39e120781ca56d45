#include "services/accounts/flow/interest_job.h"

#include <atomic>
#include <functional>
#include <utility>

#include "libs/rpc/timestamp.h"
#include "services/accounts/domain/account_statement.h"
#include "services/accounts/flow/accounts_fixture.h"
#include "services/accounts/flow/close_account.h"
#include "services/accounts/flow/interest_plans.h"
#include "services/accounts/store/fake_interest_store.h"

namespace florin::accounts {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kPlan[] = "savings";

// A ledger that keeps what moved when, and decides each id once. Thread-safe.
class BookDouble : public LedgerDouble {
 public:
  explicit BookDouble(Clock& clock) : clock_(clock) {}

  void Move(const std::string& account, std::int64_t amount, absl::Time time) {
    const std::string book = BookOf(account);
    std::lock_guard lock(book_mutex_);
    moves_.push_back({book, account, amount, time});
  }
  // From now on what moves money to or from the account is refused so; empty: no more.
  void Refuse(const std::string& account, const std::string& reason) {
    std::lock_guard lock(book_mutex_);
    refusals_[account] = reason;
  }
  // The answers of the next posts are lost.
  void LoseAnswers(int count) {
    std::lock_guard lock(book_mutex_);
    lost_ = count;
  }
  void FailBalances(int count) {
    std::lock_guard lock(book_mutex_);
    failing_balances_ = count;
  }
  std::int64_t Balance(const std::string& account, const std::string& book = "main") {
    std::lock_guard lock(book_mutex_);
    return Sum(book, account, absl::InfiniteFuture());
  }
  void Forget(const std::string& account) {
    std::lock_guard lock(book_mutex_);
    forgotten_.insert(account);
  }
  // This book is not reached any more; empty: each is.
  void CutOff(const std::string& book) {
    std::lock_guard lock(book_mutex_);
    cut_off_ = book;
  }
  int balance_calls() {
    std::lock_guard lock(book_mutex_);
    return balance_calls_;
  }

  absl::StatusOr<ledger::v1::GetBalancesResponse> ReadBalances(
      const ledger::v1::GetBalancesRequest& request) {
    std::lock_guard lock(book_mutex_);
    ++balance_calls_;
    if (failing_balances_ > 0) {
      --failing_balances_;
      return Error(Reason::kUnavailable, "told to fail");
    }
    if (request.book() == cut_off_) return Error(Reason::kUnavailable, "told to fail");
    ledger::v1::GetBalancesResponse response;
    for (const std::string& id : request.account_ids()) {
      if (forgotten_.contains(id) || !IsThere(request.book(), id)) continue;
      ledger::v1::Balance& balance = *response.add_balances();
      balance.set_account_id(id);
      const std::int64_t sum = Sum(request.book(), id, TimeOf(request.effective_time()));
      (sum < 0) ? balance.set_debits_posted(-sum) : balance.set_credits_posted(sum);
    }
    return response;
  }
  Task<absl::StatusOr<ledger::v1::OpenAccountsResponse>> OpenAccounts(
      rpc::Call& call, const ledger::v1::OpenAccountsRequest& request) override {
    {
      std::lock_guard lock(book_mutex_);
      for (const ledger::v1::Account& one : request.accounts()) {
        opened_.emplace(request.book(), one.account_id());
      }
    }
    co_return co_await LedgerDouble::OpenAccounts(call, request);
  }
  Task<absl::StatusOr<ledger::v1::PostTransactionsResponse>> PostTransactions(
      rpc::Call&, const ledger::v1::PostTransactionsRequest& request) override {
    std::lock_guard lock(book_mutex_);
    if (request.book() == cut_off_) co_return Error(Reason::kUnavailable, "told to fail");
    ledger::v1::PostTransactionsResponse response;
    for (const ledger::v1::TransactionInput& input : request.transactions()) {
      if (!decided_.contains(input.transaction_id())) {
        decided_[input.transaction_id()] = Decide(request.book(), input);
      }
      *response.add_results() = decided_.at(input.transaction_id());
    }
    if (lost_ > 0) {
      --lost_;
      co_return Error(Reason::kUnavailable, "told to fail");
    }
    co_return response;
  }

 private:
  struct Moved {
    std::string book;
    std::string account;
    std::int64_t amount;
    absl::Time time;
  };
  bool IsThere(const std::string& book, const std::string& account) {
    return BookOf(account) == book || opened_.contains({book, account});
  }
  std::int64_t Sum(const std::string& book, const std::string& account, absl::Time time) const {
    std::int64_t sum = 0;
    for (const Moved& one : moves_) {
      if (one.book == book && one.account == account && one.time <= time) sum += one.amount;
    }
    return sum;
  }
  ledger::v1::TransactionResult Decide(const std::string& book,
                                       const ledger::v1::TransactionInput& input) {
    ledger::v1::TransactionResult result;
    const ledger::v1::Posting& posting = input.postings(0);
    for (const std::string& id : {posting.debit_account_id(), posting.credit_account_id()}) {
      EXPECT_TRUE(IsThere(book, id)) << "an account that was not opened";
      if (refusals_[id].empty()) continue;
      result.mutable_refused()->set_reason(refusals_[id]);
      result.mutable_refused()->set_final(true);
      return result;
    }
    moves_.push_back({book, posting.debit_account_id(), -posting.amount_minor(), clock_.Now()});
    moves_.push_back({book, posting.credit_account_id(), posting.amount_minor(), clock_.Now()});
    result.mutable_committed()->set_transaction_id(input.transaction_id());
    return result;
  }

  Clock& clock_;
  std::mutex book_mutex_;  // Guards everything below.
  std::vector<Moved> moves_;
  std::map<std::string, std::string> refusals_;
  std::map<std::string, ledger::v1::TransactionResult> decided_;
  std::set<std::string> forgotten_;
  std::set<std::pair<std::string, std::string>> opened_;  // In which book.
  std::string cut_off_;
  int lost_ = 0;
  int failing_balances_ = 0;
  int balance_calls_ = 0;
};

class BookReaderDouble : public LedgerReaderDouble {
 public:
  explicit BookReaderDouble(BookDouble& book) : LedgerReaderDouble(book), book_(book) {}
  Task<absl::StatusOr<ledger::v1::GetBalancesResponse>> GetBalances(
      rpc::Call&, const ledger::v1::GetBalancesRequest& request) override {
    co_return book_.ReadBalances(request);
  }

 private:
  BookDouble& book_;
};

// The clock of a sandbox's ledger.
class AheadDouble : public ledger::v1::LedgerSandboxService {
 public:
  Task<absl::StatusOr<ledger::v1::SetClockAheadResponse>> SetClockAhead(
      rpc::Call&, const ledger::v1::SetClockAheadRequest& request) override {
    EXPECT_EQ(request.ahead().seconds(), 0);
    ledger::v1::SetClockAheadResponse response;
    response.mutable_ahead()->set_seconds(ahead_seconds_);
    co_return response;
  }
  std::atomic<std::int64_t> ahead_seconds_ = 0;
};

// On 31 December 2026 at noon; an account with 1'000.00 EUR whose plan begins on 1 January.
class InterestJobTest : public ::testing::Test {
 protected:
  InterestJobTest() {
    Put({.plan_id = kPlan,
         .version = 1,
         .currency = "EUR",
         .effective_date = CivilDay(2026, 1, 1),
         .terms = {.credit_rate = 36'500, .debit_rate = 73'000},
         .monthly_fee_minor = 3});
    Assign(account_, kPlan, CivilDay(2027, 1, 1));
    book_.Move(id_, 100'000, clock_.Now());
  }
  ~InterestJobTest() override { runtime_.Stop(); }

  Uuid NewAccount(const std::string& book = "") {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Zoë",
                      .create_time = clock_.Now()};
    EXPECT_THAT(runtime_.Run(accounts_.InsertCustomer(
                    customer, KeyOf(FormatId(IdKind::kCustomer, customer.customer_id)))),
                IsOk());
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user_,
                    .customer_id = customer.customer_id,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Savings",
                    .create_time = clock_.Now(),
                    .book = book};
    const std::string id = FormatId(IdKind::kAccount, account.account_id);
    EXPECT_THAT(runtime_.Run(accounts_.InsertAccount(account, KeyOf(id))), IsOk());
    EXPECT_THAT(runtime_.Run(accounts_.MarkOpen(account.account_id)), IsOk());
    ledger::v1::OpenAccountsRequest opening;
    opening.set_book(book.empty() ? "main" : book);
    opening.add_accounts()->set_account_id(id);
    EXPECT_THAT(runtime_.Run(ledger_.OpenAccounts(rpc::Outgoing(), opening)), IsOk());
    return account.account_id;
  }
  static RequestKey KeyOf(const std::string& key) {
    return {.idempotency_key = key, .fingerprint = crypto::Sha256("")};
  }
  void Put(const InterestPlan& plan) {
    InterestPlans::Acting acting{.user_id = operator_};
    EXPECT_THAT(runtime_.Run(plans_.Put(acting, plan)), IsOk());
  }
  void Assign(const Uuid& account, const std::string& plan, CivilDay from) {
    InterestPlans::Acting acting{.user_id = operator_};
    const InterestAssignment one{.account_id = account, .from_date = from, .plan_id = plan};
    EXPECT_THAT(runtime_.Run(plans_.Assign(acting, one)), IsOk());
  }
  // A quarter of an hour into the day.
  void GoTo(CivilDay day) {
    clock_.Advance(absl::FromCivil(day, absl::UTCTimeZone()) + absl::Minutes(15) - clock_.Now());
  }
  absl::Status Round() { return runtime_.Run(job_.RunOnce()).status(); }
  void RunAll() {
    for (int done = 1; done > 0;) {
      const absl::StatusOr<int> round = runtime_.Run(job_.RunOnce());
      ASSERT_THAT(round, IsOk());
      done = *round;
    }
  }
  AccountInterest Get() { return runtime_.Run(store_.GetInterest(account_)).value(); }
  std::vector<InterestDay> DaysOf(const Uuid& account) {
    return runtime_.Run(store_.ListDays(account, CivilDay(9999, 1, 1), 1000)).value();
  }
  // What accrued is what was booked and what is carried; and there is a day for each day.
  void ExpectExact(int days) {
    const std::vector<InterestDay> all = DaysOf(account_);
    EXPECT_THAT(all, SizeIs(days));
    Int128 parts = 0;
    std::int64_t booked = 0;
    for (const InterestDay& day : all) {
      parts += day.parts;
      booked += day.booked_minor;
    }
    const AccountInterest interest = Get();
    EXPECT_EQ(parts, Int128(booked) * kPartsOfAUnit + interest.carried);
    std::int64_t decided = 0;
    for (const InterestBooking& one : interest.bookings) {
      if (one.kind == BookingKind::kInterest) decided += one.amount_minor;
    }
    EXPECT_EQ(decided, booked);
  }
  std::string House(InterestHouse role) const {
    return FormatId(IdKind::kAccount, HouseAccountId({role, "EUR"}));
  }

  testing::TestCertificates certificates_{{"accounts", "ledger"}};
  FakeClock clock_{absl::FromCivil(absl::CivilHour(2026, 12, 31, 12), absl::UTCTimeZone())};
  BookDouble book_{clock_};
  BookReaderDouble reader_double_{book_};
  AheadDouble ahead_;
  FakeStore accounts_;
  FakeInterestStore store_{accounts_};
  async::Runtime runtime_{2};
  std::unique_ptr<rpc::Server> server_ =
      rpc::Server::Start(
          runtime_.executor(),
          {.listen = "127.0.0.1:0",
           .certificates = rpc::CertificateFiles::In(certificates_.directory(), "ledger")},
          {&book_, &reader_double_, &ahead_})
          .value();
  rpc::Channel channel_ = rpc::Channel(
      runtime_.executor(),
      {.target = "127.0.0.1:" + std::to_string(server_->port()),
       .service = "ledger",
       .certificates = rpc::CertificateFiles::In(certificates_.directory(), "accounts")});
  ledger::v1::LedgerClient ledger_{&channel_};
  ledger::v1::LedgerReaderClient reader_{&channel_};
  ledger::v1::LedgerSandboxClient sandbox_{&channel_};
  InterestPlans plans_{store_, clock_};
  InterestJob job_{store_, ledger_, reader_, clock_, "main"};

  const Uuid user_ = SystemIds().NewId();
  const Uuid operator_ = SystemIds().NewId();
  const Uuid account_ = NewAccount();
  const std::string id_ = FormatId(IdKind::kAccount, account_);
};

TEST_F(InterestJobTest, EachDayAccruesOnceItIsClosed) {
  GoTo(CivilDay(2027, 1, 1));
  RunAll();
  EXPECT_THAT(DaysOf(account_), IsEmpty());
  clock_.Advance(absl::Hours(23) + absl::Minutes(54));  // 00:09
  RunAll();
  EXPECT_THAT(DaysOf(account_), IsEmpty());
  clock_.Advance(absl::Minutes(1));
  RunAll();
  RunAll();
  ASSERT_THAT(DaysOf(account_), SizeIs(1));
  EXPECT_EQ(DaysOf(account_)[0].balance_minor, 100'000);
  EXPECT_EQ(DaysOf(account_)[0].parts, Int128(10) * kPartsOfAUnit);  // 3.65 % of 1000.00 / 365
}

TEST_F(InterestJobTest, AMonthIsBookedOnceAtItsEnd) {
  for (CivilDay day(2027, 1, 1); day <= CivilDay(2027, 2, 1); ++day) {
    EXPECT_THAT(Get().bookings, IsEmpty()) << day;
    GoTo(day);
    RunAll();
  }
  ExpectExact(31);
  ASSERT_THAT(Get().bookings, SizeIs(2));
  for (const InterestBooking& one : Get().bookings) {
    EXPECT_EQ(one.state, BookingState::kPosted);
    EXPECT_EQ(one.amount_minor, one.kind == BookingKind::kFee ? -3 : 310);
    EXPECT_EQ(one.last_day, CivilDay(2027, 1, 31));
  }
  EXPECT_EQ(book_.Balance(id_), 100'307);
  EXPECT_EQ(book_.Balance(House(InterestHouse::kExpense)), -310);
  EXPECT_EQ(book_.Balance(House(InterestHouse::kFees)), 3);
}

TEST_F(InterestJobTest, AfterADowntimeEachDayHasItsOwnBalance) {
  GoTo(CivilDay(2027, 1, 20));
  book_.Move(id_, -50'000, absl::FromCivil(CivilDay(2027, 1, 11), absl::UTCTimeZone()));
  // The last microsecond of the 15th counts for the 15th.
  book_.Move(id_, 50'000,
             absl::FromCivil(CivilDay(2027, 1, 16), absl::UTCTimeZone()) - absl::Microseconds(1));
  GoTo(CivilDay(2027, 3, 1));
  RunAll();
  ExpectExact(59);
  std::map<CivilDay, std::int64_t> balances;
  for (const InterestDay& day : DaysOf(account_)) balances[day.day] = day.balance_minor;
  EXPECT_EQ(balances.at(CivilDay(2027, 1, 10)), 100'000);
  EXPECT_EQ(balances.at(CivilDay(2027, 1, 11)), 50'000);
  EXPECT_EQ(balances.at(CivilDay(2027, 1, 14)), 50'000);
  EXPECT_EQ(balances.at(CivilDay(2027, 1, 15)), 100'000);
  // Interest of January was booked late, and so earns nothing for the days before.
  EXPECT_EQ(balances.at(CivilDay(2027, 2, 28)), 100'000);
  EXPECT_EQ(Get().bookings[1].amount_minor, 280);
  EXPECT_EQ(Get().bookings[3].amount_minor, 290);
}

TEST_F(InterestJobTest, ACrashAnywhereLosesAndRepeatsNothing) {
  struct Crash {
    std::string what;
    std::function<void()> cause;
  };
  const Crash crashes[] = {
      {"before the balance was read", [this] { book_.FailBalances(1); }},
      {"before the day and its bookings were written", [this] { store_.FailWrites(1, 0); }},
      {"after the ledger posted", [this] { book_.LoseAnswers(1); }},
      {"before the result was recorded", [this] { store_.FailWrites(0, 1); }},
  };
  std::int64_t expected = 100'000;
  CivilDay month_end(2027, 1, 31);
  int days = 0;
  for (const Crash& crash : crashes) {
    GoTo(month_end);
    RunAll();
    GoTo(month_end + 1);
    crash.cause();
    EXPECT_THAT(Round(), StatusHasReason(Reason::kUnavailable)) << crash.what;
    EXPECT_THAT(Round(), IsOk()) << crash.what;  // What is leased waits.
    clock_.Advance(absl::Minutes(2));
    RunAll();
    RunAll();
    const int in_month = month_end.day();
    days += in_month;
    ExpectExact(days);
    for (const InterestBooking& one : Get().bookings) {
      EXPECT_EQ(one.state, BookingState::kPosted) << crash.what;
      EXPECT_EQ(one.attempt, 1) << crash.what;
      if (one.last_day == month_end) expected += one.amount_minor;
    }
    EXPECT_EQ(book_.Balance(id_), expected) << crash.what;
    month_end = CivilDay(absl::CivilMonth(month_end) + 2) - 1;
  }
  EXPECT_THAT(Get().bookings, SizeIs(8));
}

TEST_F(InterestJobTest, WhatIsRefusedWaitsADayAndIsGivenUpAtLast) {
  book_.Refuse(House(InterestHouse::kFees), "insufficient_funds");
  GoTo(CivilDay(2027, 2, 1));
  RunAll();
  ASSERT_THAT(Get().bookings, SizeIs(2));
  EXPECT_EQ(Get().bookings[0].state, BookingState::kDue);
  EXPECT_EQ(Get().bookings[0].reason, "insufficient_funds");
  EXPECT_EQ(Get().bookings[1].state, BookingState::kPosted);
  RunAll();
  EXPECT_EQ(Get().bookings[0].attempt, 2);
  book_.Refuse(House(InterestHouse::kFees), "");
  clock_.Advance(absl::Hours(24));
  RunAll();
  EXPECT_EQ(Get().bookings[0].state, BookingState::kPosted);
  EXPECT_EQ(book_.Balance(id_), 100'307);

  book_.Refuse(House(InterestHouse::kFees), "account_frozen");
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Hours(24));
    RunAll();
  }
  EXPECT_EQ(Get().bookings.at(2).last_day, CivilDay(2027, 3, 31));
  const auto bookings = Get().bookings;
  int unpaid = 0;
  for (const InterestBooking& one : bookings) unpaid += one.state == BookingState::kUnpaid ? 1 : 0;
  EXPECT_EQ(unpaid, 2);  // Of February and March; April's is still tried.
}

TEST_F(InterestJobTest, ClosingPaysWhatHasAccruedFirst) {
  GoTo(CivilDay(2027, 1, 11));
  RunAll();
  std::vector<std::int64_t> seen;
  CloseAccount::Settle settle = [this, &seen](Uuid account) {
    seen.push_back(book_.Balance(id_));
    return job_.Settle(account);
  };
  CloseAccount close(accounts_, ledger_, reader_, clock_, "main", settle);
  CloseAccount::Request request{.user_id = user_, .account_id = account_};
  book_.LoseAnswers(1);
  EXPECT_THAT(runtime_.Run(close.Run(rpc::Outgoing(), request)),
              StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(runtime_.Run(close.Run(rpc::Outgoing(), request)), IsOk());
  EXPECT_THAT(seen, ElementsAre(100'000, 100'100));
  EXPECT_EQ(book_.Balance(id_), 100'100);
  ASSERT_THAT(Get().bookings, SizeIs(1));
  EXPECT_EQ(Get().bookings[0].state, BookingState::kPosted);
  // Nobody looks at it any more.
  clock_.Advance(absl::Hours(1000));
  RunAll();
  EXPECT_THAT(DaysOf(account_), SizeIs(10));
}

TEST_F(InterestJobTest, ADebtCosts) {
  book_.Move(id_, -150'000, clock_.Now());
  GoTo(CivilDay(2027, 2, 1));
  RunAll();
  ExpectExact(31);
  EXPECT_EQ(Get().bookings[1].amount_minor, -310);  // 7.3 % of 500.00 for 31 days
  EXPECT_EQ(book_.Balance(House(InterestHouse::kIncome)), 310);
}

TEST_F(InterestJobTest, AnotherRateCountsFromItsDayOn) {
  GoTo(CivilDay(2027, 1, 9));
  Put({.plan_id = kPlan,
       .version = 2,
       .currency = "EUR",
       .effective_date = CivilDay(2027, 1, 11),
       .terms = {.credit_rate = 73'000}});
  GoTo(CivilDay(2027, 2, 1));
  RunAll();
  ExpectExact(31);
  EXPECT_THAT(Get().bookings, SizeIs(1));
  EXPECT_EQ(Get().bookings[0].amount_minor, 10 * 10 + 21 * 20);
}

TEST_F(InterestJobTest, APlanThatEndsIsBookedAndNothingFollows) {
  GoTo(CivilDay(2027, 1, 9));
  Assign(account_, "", CivilDay(2027, 1, 11));
  GoTo(CivilDay(2027, 5, 1));
  RunAll();
  ExpectExact(10);
  EXPECT_THAT(Get().bookings, SizeIs(1));
  EXPECT_EQ(book_.Balance(id_), 100'100);
}

TEST_F(InterestJobTest, ManyAccountsShareTheirCallsAndNoneHoldsUpTheOthers) {
  std::vector<Uuid> others;
  for (int i = 0; i < 150; ++i) {
    others.push_back(NewAccount());
    Assign(others.back(), kPlan, CivilDay(2027, 1, 1));
  }
  // The ledger does not know one of them, which is a fault.
  const Uuid lost = NewAccount();
  Assign(lost, kPlan, CivilDay(2027, 1, 1));
  book_.Forget(FormatId(IdKind::kAccount, lost));
  GoTo(CivilDay(2027, 1, 2));
  EXPECT_THAT(Round(), StatusHasReason(Reason::kInternal));
  Round().IgnoreError();
  for (const Uuid& one : others) EXPECT_THAT(DaysOf(one), SizeIs(1));
  EXPECT_THAT(DaysOf(lost), IsEmpty());
  EXPECT_EQ(book_.balance_calls(), 2);
}

// Each book pays and charges for itself: its accounts of the house are its own.
TEST_F(InterestJobTest, AnAccountIsPaidAndChargedInItsOwnBook) {
  const Uuid there = NewAccount("other");
  const std::string id = FormatId(IdKind::kAccount, there);
  Assign(there, kPlan, CivilDay(2027, 1, 1));
  book_.Move(id, 200'000, clock_.Now());
  GoTo(CivilDay(2027, 2, 1));
  RunAll();
  EXPECT_EQ(book_.Balance(id, "other"), 200'000 + 2 * 310 - 3);
  EXPECT_EQ(book_.Balance(House(InterestHouse::kExpense), "other"), -2 * 310);
  EXPECT_EQ(book_.Balance(House(InterestHouse::kFees), "other"), 3);
  EXPECT_EQ(book_.Balance(id_), 100'307);
  EXPECT_EQ(book_.Balance(House(InterestHouse::kExpense)), -310);

  // What is booked before the account is closed goes there, too.
  GoTo(CivilDay(2027, 2, 11));
  RunAll();
  EXPECT_THAT(runtime_.Run(job_.Settle(there)), IsOk());
  EXPECT_EQ(book_.Balance(id, "other"), 200'617 + 200);  // 20.06 a day.
}

TEST_F(InterestJobTest, ABookThatIsNotReachedHoldsUpNoOther) {
  const Uuid there = NewAccount("other");
  const std::string id = FormatId(IdKind::kAccount, there);
  Assign(there, kPlan, CivilDay(2027, 1, 1));
  book_.Move(id, 200'000, clock_.Now());
  book_.CutOff("main");
  GoTo(CivilDay(2027, 1, 2));
  EXPECT_THAT(Round(), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(DaysOf(account_), IsEmpty());
  EXPECT_THAT(DaysOf(there), SizeIs(1));
  book_.CutOff("other");
  GoTo(CivilDay(2027, 1, 3));
  EXPECT_THAT(Round(), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Round(), IsOk());  // What is leased waits, and the others go on.
  EXPECT_THAT(DaysOf(account_), SizeIs(2));
  EXPECT_THAT(DaysOf(there), SizeIs(1));

  // Nor do bookings: of both the fee waits until the next day, and then one is not heard.
  book_.CutOff("");
  book_.Refuse(House(InterestHouse::kFees), "insufficient_funds");
  GoTo(CivilDay(2027, 2, 1));
  RunAll();
  book_.Refuse(House(InterestHouse::kFees), "");
  book_.CutOff("main");
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(Round(), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(book_.Balance(id, "other"), 200'617);
  EXPECT_EQ(book_.Balance(id_), 100'310);
  book_.CutOff("");
  clock_.Advance(absl::Minutes(2));
  RunAll();
  EXPECT_EQ(book_.Balance(id_), 100'307);
}

TEST_F(InterestJobTest, ReplicasShareTheWork) {
  GoTo(CivilDay(2027, 2, 1));
  InterestJob other(store_, ledger_, reader_, clock_, "main");
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(runtime_.Run(other.RunOnce()), IsOk());
    EXPECT_THAT(Round(), IsOk());
  }
  ExpectExact(31);
  EXPECT_EQ(book_.Balance(id_), 100'307);
}

TEST_F(InterestJobTest, FollowsTheClockOfTheSandbox) {
  AheadClock clock(clock_);
  SandboxClock sandbox(sandbox_, clock, "main");
  EXPECT_THAT(runtime_.Run(sandbox.Follow()), IsOk());
  EXPECT_EQ(clock.ahead(), absl::ZeroDuration());
  ahead_.ahead_seconds_ = 86'400;
  EXPECT_THAT(runtime_.Run(sandbox.Follow()), IsOk());
  EXPECT_EQ(clock.Now(), clock_.Now() + absl::Hours(24));
}

TEST_F(InterestJobTest, PlansAndAssignmentsAreInTheTrailOnce) {
  Assign(account_, kPlan, CivilDay(2027, 1, 1));
  const std::vector<audit::Event> events = store_.events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].action, "accounts.interest_plan.put");
  EXPECT_EQ(events[0].subject, kPlan);
  EXPECT_EQ(events[1].action, "accounts.interest_plan.assign");
  EXPECT_EQ(events[1].subject, id_);
  for (const audit::Event& event : events) {
    EXPECT_EQ(event.actor, FormatId(IdKind::kUser, operator_));
    EXPECT_THAT(audit::CheckAction(event.action), IsOk());
  }
}

TEST_F(InterestJobTest, ATimeZoneIsOneOfTheList) {
  for (const char* zone : {"", "Nowhere", "/etc/passwd", "Fixed/UTC+01:00:00"}) {
    InterestPlans::Acting acting{.user_id = operator_};
    const InterestPlan plan{.plan_id = "x",
                            .currency = "EUR",
                            .time_zone = zone,
                            .effective_date = CivilDay(2026, 1, 1)};
    EXPECT_THAT(runtime_.Run(plans_.Put(acting, plan)), StatusHasParam("time_zone")) << zone;
  }
}

}  // namespace
}  // namespace florin::accounts
