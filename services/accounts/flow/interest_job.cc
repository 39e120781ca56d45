#include "services/accounts/flow/interest_job.h"

#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libs/clock/microseconds.h"
#include "libs/rpc/timestamp.h"
#include "libs/telemetry/log.h"
#include "services/accounts/domain/account_statement.h"
#include "services/accounts/domain/books.h"

namespace florin::accounts {
namespace {

// As many as the ledger gives the balances of at once.
constexpr int kBatch = 100;
// Of a round: so much at most between two pauses of the worker.
constexpr int kBatches = 20;
constexpr absl::Duration kLease = absl::Minutes(1);

absl::StatusOr<absl::TimeZone> ZoneOf(const std::string& name) {
  absl::TimeZone zone;
  if (absl::LoadTimeZone(name, &zone)) return zone;
  return Error(Reason::kInternal, "a time zone of a plan is not installed here");
}

// The balance of each account; those that the ledger does not know have none.
using Balances = absl::flat_hash_map<std::string, std::int64_t>;

Balances BalancesOf(const ledger::v1::GetBalancesResponse& response) {
  Balances balances;
  for (const ledger::v1::Balance& one : response.balances()) {
    balances[one.account_id()] = one.credits_posted() - one.debits_posted();
  }
  return balances;
}

ledger::v1::Account OpeningOf(const InterestHouseAccount& house) {
  ledger::v1::Account account;
  account.set_account_id(FormatId(IdKind::kAccount, HouseAccountId(house)));
  account.set_currency(house.currency);
  account.set_normal_side(IsDebitNormal(house.role) ? ledger::v1::DEBIT : ledger::v1::CREDIT);
  return account;
}

ledger::v1::TransactionInput InputOf(const InterestBooking& booking) {
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, TransactionIdOf(booking)));
  const std::string account = FormatId(IdKind::kAccount, booking.account_id);
  const std::string house = FormatId(IdKind::kAccount, HouseAccountId(HouseOf(booking)));
  const bool paid = booking.amount_minor > 0;
  ledger::v1::Posting& posting = *input.add_postings();
  posting.set_debit_account_id(paid ? house : account);
  posting.set_credit_account_id(paid ? account : house);
  posting.set_amount_minor(paid ? booking.amount_minor : -booking.amount_minor);
  auto& metadata = *input.mutable_metadata();
  metadata[kInterestMetadata] = booking.plan_id;
  metadata["interest_until"] = DateText(booking.last_day);
  metadata["interest_kind"] = std::string(NameOf(booking.kind));
  return input;
}

}  // namespace

Task<absl::Status> SandboxClock::Follow() {
  ledger::v1::SetClockAheadRequest request;
  request.mutable_ahead();  // Zero only asks.
  rpc::Outgoing context;
  context.route = book_;
  const absl::StatusOr<ledger::v1::SetClockAheadResponse> response =
      co_await ledger_.SetClockAhead(std::move(context), request);
  if (!response.ok()) co_return response.status();
  clock_.GoAhead(absl::Seconds(response->ahead().seconds()) +
                 absl::Nanoseconds(response->ahead().nanos()));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<int>> InterestJob::RunOnce() {
  int done = 0;
  absl::Status failure;
  for (int i = 0; i < kBatches; ++i) {
    const absl::StatusOr<int> batch = co_await AccrueBatch();
    if (!batch.ok()) failure = batch.status();
    if (!batch.ok() || *batch == 0) break;
    done += *batch;
  }
  for (int i = 0; i < kBatches; ++i) {
    const absl::StatusOr<int> batch = co_await BookBatch();
    if (!batch.ok()) failure = batch.status();
    if (!batch.ok() || *batch == 0) break;
    done += *batch;
  }
  if (!failure.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "interest is left to be accrued or booked",
                   {{"error", std::string(failure.message())}});
    co_return failure;
  }
  co_return done;
}

Task<absl::StatusOr<int>> InterestJob::AccrueBatch() {
  const absl::Time now = InMicroseconds(clock_.Now());
  absl::StatusOr<std::vector<DueInterest>> claimed =
      co_await store_.ClaimDays(now, now + kLease, kBatch);
  if (!claimed.ok()) co_return claimed.status();
  std::map<std::pair<std::string, absl::Time>, std::vector<DueInterest>> calls;
  absl::Status failure;
  for (DueInterest& due : *claimed) {
    const absl::StatusOr<absl::TimeZone> zone = ZoneOf(due.plan ? due.plan->time_zone : "UTC");
    if (zone.ok()) {
      const std::pair call(BookOf(due, book_), LastInstant(due.day, *zone));
      calls[call].push_back(std::move(due));
    } else {
      failure = zone.status();
    }
  }
  for (auto& [call, due] : calls) {
    const absl::Status status = co_await AccrueIn(call.first, std::move(due), call.second);
    if (!status.ok()) failure = status;
  }
  if (!failure.ok()) co_return failure;
  co_return static_cast<int>(claimed->size());
}

Task<absl::Status> InterestJob::AccrueIn(std::string book, std::vector<DueInterest> due,
                                         absl::Time instant) {
  ledger::v1::GetBalancesRequest ask;
  ask.set_book(book);
  SetTime(instant, *ask.mutable_effective_time());
  for (const DueInterest& one : due) {
    ask.add_account_ids(FormatId(IdKind::kAccount, one.account_id));
  }
  rpc::Outgoing context;
  context.route = std::move(book);
  const absl::StatusOr<ledger::v1::GetBalancesResponse> response =
      co_await reader_.GetBalances(std::move(context), ask);
  if (!response.ok()) co_return response.status();
  const Balances balances = BalancesOf(*response);
  std::vector<InterestDay> days;
  absl::Status failure;
  for (const DueInterest& one : due) {
    const auto balance = balances.find(FormatId(IdKind::kAccount, one.account_id));
    const absl::StatusOr<absl::TimeZone> zone = ZoneOf(one.next_time_zone);
    absl::StatusOr<InterestDay> day = Error(Reason::kInternal, "the ledger has no such account");
    if (balance != balances.end()) {
      day = zone.ok() ? DecideDay(one, balance->second, *zone) : zone.status();
    }
    // The others go on.
    if (day.ok()) {
      days.push_back(*std::move(day));
    } else {
      failure = day.status();
    }
  }
  const absl::Status written =
      co_await store_.WriteDays(std::move(days), InMicroseconds(clock_.Now()));
  co_return written.ok() ? failure : written;
}

Task<absl::StatusOr<int>> InterestJob::BookBatch() {
  const absl::Time now = InMicroseconds(clock_.Now());
  const absl::StatusOr<std::vector<InterestBooking>> due =
      co_await store_.ClaimBookings(now, now + kLease, kBatch);
  if (!due.ok()) co_return due.status();
  if (due->empty()) co_return 0;
  FLORIN_CO_RETURN_IF_ERROR(co_await Book(*due, now));
  co_return static_cast<int>(due->size());
}

Task<absl::Status> InterestJob::Settle(Uuid account_id) {
  const absl::Time now = InMicroseconds(clock_.Now());
  absl::StatusOr<std::vector<InterestBooking>> due =
      co_await store_.Settle(account_id, now + kLease);
  if (!due.ok()) co_return due.status();
  if (due->empty()) co_return absl::OkStatus();
  co_return co_await Book(*std::move(due), now);
}

Task<absl::Status> InterestJob::Book(std::vector<InterestBooking> due, absl::Time now) {
  std::map<std::string, std::vector<InterestBooking>> books;
  for (InterestBooking& one : due) books[BookOf(one, book_)].push_back(std::move(one));
  absl::Status failure;
  for (auto& [book, bookings] : books) {
    const absl::Status status = co_await BookIn(book, std::move(bookings), now);
    if (!status.ok()) failure = status;
  }
  co_return failure;
}

Task<absl::Status> InterestJob::BookIn(std::string book, std::vector<InterestBooking> due,
                                       absl::Time now) {
  FLORIN_CO_RETURN_IF_ERROR(co_await OpenHouseAccounts(book, due));
  ledger::v1::PostTransactionsRequest request;
  request.set_book(book);
  for (const InterestBooking& one : due) *request.add_transactions() = InputOf(one);
  rpc::Outgoing context;
  context.route = std::move(book);
  const absl::StatusOr<ledger::v1::PostTransactionsResponse> posted =
      co_await ledger_.PostTransactions(std::move(context), request);
  if (!posted.ok()) co_return posted.status();
  std::vector<InterestStore::Decided> decided;
  for (int i = 0; i < posted->results_size() && i < static_cast<int>(due.size()); ++i) {
    const ledger::v1::TransactionResult& result = posted->results(i);
    const InterestBooking& booking = due[i];
    if (result.has_refused() && !result.refused().final()) {
      // Nothing was decided: the same attempt is repeated when its lease is over.
      telemetry::Log(telemetry::Severity::kError, "the ledger does not decide on interest",
                     {{"account_id", FormatId(IdKind::kAccount, booking.account_id)},
                      {"reason", std::string(result.refused().reason())}});
      continue;
    }
    const std::string refusal(result.has_refused() ? result.refused().reason() : "");
    decided.push_back({.after = AfterDecision(booking, refusal),
                       .attempt = booking.attempt,
                       .next_attempt_time = now + kBookingPause});
  }
  co_return co_await store_.RecordBookings(std::move(decided));
}

Task<absl::Status> InterestJob::OpenHouseAccounts(std::string book,
                                                  std::vector<InterestBooking> bookings) {
  std::set<std::pair<std::string, InterestHouseAccount>> unknown;
  for (const InterestBooking& one : bookings) {
    std::pair house(book, HouseOf(one));
    std::lock_guard lock(mutex_);
    if (!open_.contains(house)) unknown.insert(std::move(house));
  }
  if (unknown.empty()) co_return absl::OkStatus();
  ledger::v1::OpenAccountsRequest request;
  request.set_book(book);
  for (const auto& [in, house] : unknown) *request.add_accounts() = OpeningOf(house);
  rpc::Outgoing context;
  context.route = std::move(book);
  const auto opened = co_await ledger_.OpenAccounts(std::move(context), request);
  if (!opened.ok()) co_return opened.status();
  std::lock_guard lock(mutex_);
  open_.merge(unknown);
  co_return absl::OkStatus();
}

}  // namespace florin::accounts
