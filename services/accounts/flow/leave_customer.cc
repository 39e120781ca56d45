#include "services/accounts/flow/leave_customer.h"

#include <algorithm>
#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/telemetry/log.h"
#include "services/accounts/domain/books.h"

namespace florin::accounts {
namespace {

// Longer than a request that is still under way.
constexpr absl::Duration kLease = absl::Seconds(10);
constexpr int kFinishedAtOnce = 20;
constexpr std::size_t kMostInACall = 100;  // Of the ledger's

CustomerState StateAfter(CustomerEvent what) {
  return what == CustomerEvent::kErase ? CustomerState::kErased : CustomerState::kClosed;
}

absl::Status HasAccounts() {
  return Error(Reason::kCustomerHasAccounts, "an account is not empty");
}

audit::Event EventOf(const std::string& action, const CustomerRecord& record, int attempt,
                     absl::Time now, const audit::Origin& origin) {
  audit::Event event;
  event.subject = FormatId(IdKind::kCustomer, record.customer.customer_id);
  // One for each attempt.
  event.event_id = DeriveId("florin." + action, event.subject + " " + std::to_string(attempt));
  event.time = now;
  event.action = action;
  event.actor = FormatId(IdKind::kUser, record.customer.user_id);
  event.origin = origin;
  return event;
}

}  // namespace

LeaveCustomer::LeaveCustomer(CustomerStore& store, ledger::v1::LedgerClient& ledger,
                             ledger::v1::LedgerReaderClient& reader, Clock& clock, std::string book)
    : store_(store), ledger_(ledger), reader_(reader), clock_(clock), book_(std::move(book)) {}

Task<absl::StatusOr<Customer>> LeaveCustomer::Run(rpc::Outgoing context, Request request) {
  absl::StatusOr<CustomerRecord> record = co_await BeginLeaving(context, request);
  if (!record.ok()) co_return record.status();
  if (!record->leaving_to) co_return std::move(record->customer);
  co_return co_await Finish(std::move(context), *std::move(record), std::move(request.origin));
}

Task<absl::StatusOr<CustomerRecord>> LeaveCustomer::BeginLeaving(rpc::Outgoing context,
                                                                 const Request& request) {
  const CustomerRef ref{.user_id = request.user_id, .customer_id = request.customer_id};
  const CustomerState goal = StateAfter(request.what);
  const absl::Time now = InMicroseconds(clock_.Now());
  bool empty = true;
  Decide decide = [&](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    const Circumstances circumstances{.accounts_empty = empty && !before.account_opening};
    FLORIN_RETURN_IF_ERROR(
        NextState(before.customer.state, request.what, Cause::kOwner, circumstances).status());
    Decided decided{.after = before};
    if (before.customer.state == goal || before.leaving_to == goal) return decided;
    if (before.leaving_to) {
      return Error(Reason::kCustomerNotActive, "the customer is leaving the other way",
                   {.param = "customer_id", .metadata = {{"state", "leaving"}}});
    }
    decided.after.leaving_to = goal;
    decided.after.leaving_attempt = before.leaving_attempt + 1;
    decided.after.next_attempt_time = now + kLease;
    decided.details = {{"to", std::string(NameOf(goal))}};
    return decided;
  };
  // Looking comes first: whose customer it is, and what its accounts are.
  audit::Event nothing_yet;
  Decide look = [](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    return Decided{.after = before};
  };
  const absl::StatusOr<CustomerRecord> before =
      co_await store_.Change(ref, std::move(look), std::move(nothing_yet));
  if (!before.ok()) co_return before.status();
  if (before->customer.state != goal && !before->leaving_to) {
    absl::StatusOr<InBooks> accounts = co_await OpenAccountsOf(*before);
    if (!accounts.ok()) co_return accounts.status();
    const absl::StatusOr<bool> are =
        co_await AreEmpty(std::move(context), *std::move(accounts), false);
    if (!are.ok()) co_return are.status();
    empty = *are;
  }
  audit::Event event =
      EventOf("accounts.customer.leave", *before, before->leaving_attempt + 1, now, request.origin);
  co_return co_await store_.Change(ref, std::move(decide), std::move(event));
}

Task<absl::StatusOr<Customer>> LeaveCustomer::Finish(rpc::Outgoing context, CustomerRecord record,
                                                     audit::Origin origin) {
  absl::StatusOr<InBooks> accounts = co_await OpenAccountsOf(record);
  if (!accounts.ok()) co_return accounts.status();
  FLORIN_CO_RETURN_IF_ERROR(co_await SetClosed(context, *accounts, true, record.leaving_attempt));
  const absl::StatusOr<bool> are = co_await AreEmpty(context, *accounts, true);
  if (!are.ok()) co_return are.status();
  if (!*are) {
    FLORIN_CO_RETURN_IF_ERROR(co_await Stay(std::move(context), std::move(record),
                                            *std::move(accounts), std::move(origin)));
    co_return HasAccounts();
  }
  const CustomerRef ref{.user_id = record.customer.user_id,
                        .customer_id = record.customer.customer_id};
  co_return co_await store_.FinishLeaving(ref, record.leaving_attempt, InMicroseconds(clock_.Now()),
                                          std::move(origin));
}

Task<absl::Status> LeaveCustomer::Stay(rpc::Outgoing context, CustomerRecord record,
                                       InBooks accounts, audit::Origin origin) {
  const int attempt = record.leaving_attempt;
  FLORIN_CO_RETURN_IF_ERROR(
      co_await SetClosed(std::move(context), std::move(accounts), false, attempt));
  Decide decide = [attempt](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    Decided decided{.after = before};
    if (before.leaving_attempt != attempt) return decided;
    decided.after.leaving_to.reset();
    decided.after.next_attempt_time = absl::InfinitePast();
    return decided;
  };
  const CustomerRef ref{.user_id = record.customer.user_id,
                        .customer_id = record.customer.customer_id};
  audit::Event event =
      EventOf("accounts.customer.stay", record, attempt, InMicroseconds(clock_.Now()), origin);
  const absl::StatusOr<CustomerRecord> stays =
      co_await store_.Change(ref, std::move(decide), std::move(event));
  co_return stays.status();
}

Task<absl::StatusOr<LeaveCustomer::InBooks>> LeaveCustomer::OpenAccountsOf(
    const CustomerRecord& record) {
  const absl::StatusOr<std::vector<Account>> accounts =
      co_await store_.ListAccountsOf(record.customer.user_id, record.customer.customer_id);
  if (!accounts.ok()) co_return accounts.status();
  InBooks open;
  for (const Account& account : *accounts) {
    if (account.state == AccountState::kOpen) {
      open[BookOf(account, book_)].push_back(FormatId(IdKind::kAccount, account.account_id));
    }
  }
  co_return open;
}

Task<absl::StatusOr<bool>> LeaveCustomer::AreEmpty(rpc::Outgoing context, InBooks accounts,
                                                   bool and_closed) {
  for (auto& [book, ids] : accounts) {
    const absl::StatusOr<bool> are = co_await AreEmptyIn(context, book, std::move(ids), and_closed);
    if (!are.ok() || !*are) co_return are;
  }
  co_return true;
}

Task<absl::StatusOr<bool>> LeaveCustomer::AreEmptyIn(rpc::Outgoing context, std::string book,
                                                     Ids accounts, bool and_closed) {
  context.route = book;
  for (std::size_t at = 0; at < accounts.size(); at += kMostInACall) {
    ledger::v1::GetAccountsRequest request;
    request.set_book(book);
    const std::size_t end = std::min(accounts.size(), at + kMostInACall);
    for (std::size_t i = at; i < end; ++i) request.add_account_ids(accounts[i]);
    const absl::StatusOr<ledger::v1::GetAccountsResponse> response =
        co_await reader_.GetAccounts(context, request);
    if (!response.ok()) co_return response.status();
    if (response->accounts_size() != request.account_ids_size()) {
      co_return Error(Reason::kInternal, "the ledger does not know an open account");
    }
    for (const ledger::v1::Account& account : response->accounts()) {
      if (account.debits_posted() != account.credits_posted() || account.debits_pending() != 0 ||
          account.credits_pending() != 0 || (and_closed && !account.closed())) {
        co_return false;
      }
    }
  }
  co_return true;
}

Task<absl::Status> LeaveCustomer::SetClosed(rpc::Outgoing context, InBooks accounts, bool closed,
                                            int attempt) {
  for (auto& [book, ids] : accounts) {
    FLORIN_CO_RETURN_IF_ERROR(co_await SetClosedIn(context, book, std::move(ids), closed, attempt));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LeaveCustomer::SetClosedIn(rpc::Outgoing context, std::string book, Ids accounts,
                                              bool closed, int attempt) {
  context.route = book;
  const std::string purpose =
      closed ? "florin.accounts.close_account" : "florin.accounts.reopen_account";
  for (std::size_t at = 0; at < accounts.size(); at += kMostInACall) {
    ledger::v1::ChangeAccountsRequest request;
    request.set_book(book);
    const std::size_t end = std::min(accounts.size(), at + kMostInACall);
    for (std::size_t i = at; i < end; ++i) {
      ledger::v1::AccountChange& change = *request.add_changes();
      const Uuid id = DeriveId(purpose, accounts[i] + " " + std::to_string(attempt));
      change.set_transaction_id(FormatId(IdKind::kTransaction, id));
      change.set_account_id(accounts[i]);
      if (closed) {
        change.set_close(true);
      } else {
        change.set_reopen(true);
      }
    }
    const absl::StatusOr<ledger::v1::PostTransactionsResponse> response =
        co_await ledger_.ChangeAccounts(context, request);
    if (!response.ok()) co_return response.status();
    for (const ledger::v1::TransactionResult& result : response->results()) {
      const std::string& reason = result.refused().reason();
      if (!result.has_refused() || reason == "account_closed" || reason == "account_not_closed") {
        continue;
      }
      telemetry::Log(telemetry::Severity::kError, "the ledger refuses to change an account",
                     {{"reason", reason}});
      co_return Error(Reason::kInternal, "the ledger refuses to change an account");
    }
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<int>> LeaveCustomer::FinishOnce() {
  const absl::Time now = InMicroseconds(clock_.Now());
  absl::StatusOr<std::vector<CustomerRecord>> leaving =
      co_await store_.ClaimLeaving(now, now + kLease, kFinishedAtOnce);
  if (!leaving.ok()) co_return leaving.status();
  int finished = 0;
  absl::Status failure;
  for (CustomerRecord& record : *leaving) {
    rpc::Outgoing context;
    audit::Origin nobody_asks;
    const absl::StatusOr<Customer> left =
        co_await Finish(std::move(context), std::move(record), std::move(nobody_asks));
    const bool stays = ReasonOf(left.status()) == Reason::kCustomerHasAccounts;
    finished += left.ok() || stays;
    if (!left.ok() && !stays) failure = left.status();
  }
  if (!failure.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "customers are left leaving",
                   {{"error", std::string(failure.message())}});
    if (finished == 0) co_return failure;
  }
  co_return finished;
}

}  // namespace florin::accounts
