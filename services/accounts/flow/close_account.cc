#include "services/accounts/flow/close_account.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/telemetry/log.h"
#include "services/accounts/domain/books.h"

namespace florin::accounts {
namespace {

// Longer than a request that is still under way.
constexpr absl::Duration kLease = absl::Seconds(10);
constexpr int kFinishedAtOnce = 20;
constexpr int kMostLooks = 50;  // At an account that has entries all the time.
constexpr char kSweepParam[] = "sweep_to_account_id";

bool IsHeld(const ledger::v1::Account& booked) {
  return booked.debits_pending() != 0 || booked.credits_pending() != 0;
}

std::int64_t BalanceOf(const ledger::v1::Account& booked) {
  return booked.credits_posted() - booked.debits_posted();
}

// What NextLife is to know before the account is closing.
AccountCircumstances CircumstancesOf(const AccountRecord& record, bool swept,
                                     const ledger::v1::Account& booked) {
  const std::int64_t balance = BalanceOf(booked);
  return {.customer_active = record.customer_active,
          .debits_frozen = record.standing.frozen_by_operator.debits,
          .held = IsHeld(booked),
          .empty_or_swept = balance == 0 || (balance > 0 && swept)};
}

audit::Event EventOf(AccountEvent what, const AccountRecord& record, int attempt, absl::Time now,
                     const audit::Origin& origin) {
  audit::Event event;
  event.subject = FormatId(IdKind::kAccount, record.account.account_id);
  event.time = now;
  event.action = what == AccountEvent::kClose    ? "accounts.account.leave"
                 : what == AccountEvent::kFinish ? "accounts.account.close"
                                                 : "accounts.account.stay";
  // One for each attempt.
  event.event_id =
      DeriveId("florin." + event.action, event.subject + " " + std::to_string(attempt));
  event.actor = FormatId(IdKind::kUser, record.account.user_id);
  event.origin = origin;
  return event;
}

// That moves the balance, if there is one, and closes the account.
ledger::v1::CloseAccountRequest ClosingOf(const AccountRecord& record,
                                          const ledger::v1::Account& booked) {
  const AccountStanding& standing = record.standing;
  const std::string account = FormatId(IdKind::kAccount, record.account.account_id);
  const std::string place = account + " " + std::to_string(standing.closing_attempt) + " " +
                            std::to_string(booked.version());
  ledger::v1::CloseAccountRequest request;
  request.set_transaction_id(
      FormatId(IdKind::kTransaction, DeriveId("florin.accounts.close_swept_account", place)));
  request.set_account_id(account);
  request.set_version(booked.version());
  if (BalanceOf(booked) == 0) return request;
  request.set_amount_minor(BalanceOf(booked));
  request.set_sweep_transaction_id(
      FormatId(IdKind::kTransaction, DeriveId("florin.accounts.sweep_account", place)));
  request.set_sweep_to_account_id(FormatId(IdKind::kAccount, *standing.sweep_to));
  (*request.mutable_metadata())["closed_account"] = account;
  return request;
}

// Why it did not commit; OK if it did.
absl::Status OutcomeOf(const ledger::v1::TransactionResult& result) {
  if (!result.has_refused()) return absl::OkStatus();
  const ledger::v1::Refusal& refused = result.refused();
  const bool of_the_other = refused.param() == "postings[0].credit_account_id";
  return Error(ReasonFromName(refused.reason()).value_or(Reason::kInternal),
               std::string(refused.message()),
               {.param = of_the_other ? kSweepParam : "account_id"});
}

absl::Status Busy() {
  return Error(Reason::kUnavailable, "the account is busy; closing it goes on");
}

// What a repetition may change.
bool IsPassing(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  return reason == Reason::kUnavailable || reason == Reason::kDeadlineExceeded ||
         reason == Reason::kOverloaded || reason == Reason::kInternal;
}

}  // namespace

Task<absl::StatusOr<AccountRecord>> CloseAccount::Run(rpc::Outgoing context, Request request) {
  const AccountRef ref{.user_id = request.user_id, .account_id = request.account_id};
  absl::StatusOr<AccountRecord> record = co_await store_.FindAccount(ref);
  if (!record.ok()) co_return record.status();
  if (record->standing.life == AccountLife::kClosed) co_return record;
  if (record->standing.life != AccountLife::kClosing) {
    FLORIN_CO_RETURN_IF_ERROR(co_await CheckTarget(request, *record));
    if (settle_) {
      FLORIN_CO_RETURN_IF_ERROR(co_await settle_(request.account_id));
    }
    const absl::StatusOr<ledger::v1::Account> booked = co_await Look(context, record->account);
    if (!booked.ok()) co_return booked.status();
    record = co_await Begin(request, *booked);
    if (!record.ok()) co_return record.status();
    if (record->standing.life == AccountLife::kClosed) co_return record;
  }
  co_return co_await Finish(std::move(context), *std::move(record), std::move(request.origin));
}

Task<absl::Status> CloseAccount::CheckTarget(const Request& request, const AccountRecord& record) {
  if (!request.sweep_to) co_return absl::OkStatus();
  if (*request.sweep_to == request.account_id) {
    co_return Error(Reason::kSameAccount, "the balance goes to another account",
                    {.param = kSweepParam});
  }
  const AccountRef ref{.user_id = request.user_id, .account_id = *request.sweep_to};
  const absl::StatusOr<AccountRecord> target = co_await store_.FindAccount(ref);
  if (ReasonOf(target.status()) == Reason::kAccountNotFound) {
    co_return Error(Reason::kAccountNotFound, "no such account", {.param = kSweepParam});
  }
  if (!target.ok()) co_return target.status();
  const AccountLife life = target->standing.life;
  if (life == AccountLife::kClosing || life == AccountLife::kClosed) {
    co_return Error(Reason::kAccountClosed, "the account is closed, or about to be",
                    {.param = kSweepParam});
  }
  if (target->account.currency != record.account.currency) {
    co_return Error(Reason::kCurrencyMismatch, "both accounts have one currency",
                    {.param = kSweepParam});
  }
  if (BookOf(target->account, book_) != BookOf(record.account, book_)) {
    co_return Error(Reason::kInvalidField, "both accounts are in one book", {.param = kSweepParam});
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<AccountRecord>> CloseAccount::Begin(const Request& request,
                                                        const ledger::v1::Account& booked) {
  const absl::Time now = InMicroseconds(clock_.Now());
  const AccountRef ref{.user_id = request.user_id, .account_id = request.account_id};
  const absl::StatusOr<AccountRecord> seen = co_await store_.FindAccount(ref);
  if (!seen.ok()) co_return seen.status();
  DecideAccount decide = [&](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
    AccountDecided decided{.after = before.standing};
    AccountStanding& after = decided.after;
    FLORIN_ASSIGN_OR_RETURN(
        after.life, NextLife(before.standing.life, AccountEvent::kClose, Cause::kOwner,
                             CircumstancesOf(before, request.sweep_to.has_value(), booked)));
    if (before.standing.life != AccountLife::kOpen) return decided;  // Another request's.
    after.sweep_to = request.sweep_to;
    after.closing_attempt = before.standing.closing_attempt + 1;
    after.next_attempt_time = now + kLease;
    if (request.sweep_to) {
      decided.details["sweep_to"] = FormatId(IdKind::kAccount, *request.sweep_to);
    }
    return decided;
  };
  audit::Event event =
      EventOf(AccountEvent::kClose, *seen, seen->standing.closing_attempt + 1, now, request.origin);
  co_return co_await store_.ChangeAccount(ref, std::move(decide), std::move(event));
}

Task<absl::StatusOr<AccountRecord>> CloseAccount::Finish(rpc::Outgoing context,
                                                         AccountRecord record,
                                                         audit::Origin origin) {
  const bool swept = record.standing.sweep_to.has_value();
  for (int look = 0; look < kMostLooks; ++look) {
    const absl::StatusOr<ledger::v1::Account> booked = co_await Look(context, record.account);
    if (!booked.ok()) co_return booked.status();
    absl::Status status;
    if (!booked->closed()) {
      const AccountCircumstances now = CircumstancesOf(record, swept, *booked);
      if (now.held || !now.empty_or_swept) {
        status =
            Error(Reason::kAccountNotEmpty, "something came meanwhile", {.param = "account_id"});
      } else {
        status = co_await SweepAndClose(context, record, *booked);
      }
    }
    if (status.ok()) {
      absl::StatusOr<AccountRecord> over =
          co_await End(record, AccountEvent::kFinish, std::move(origin));
      // Somebody else gave it up in the same moment: closing it again finds it closed.
      if (over.ok() && over->standing.life != AccountLife::kClosed) co_return Busy();
      co_return over;
    }
    if (ReasonOf(status) == Reason::kPreconditionFailed) continue;
    if (IsPassing(status)) co_return status;
    const absl::StatusOr<AccountRecord> stays =
        co_await End(record, AccountEvent::kStay, std::move(origin));
    if (!stays.ok()) co_return stays.status();
    co_return status;
  }
  co_return Busy();
}

Task<absl::Status> CloseAccount::SweepAndClose(rpc::Outgoing context, const AccountRecord& record,
                                               const ledger::v1::Account& booked) {
  ledger::v1::CloseAccountRequest request = ClosingOf(record, booked);
  const std::string& book = BookOf(record.account, book_);
  request.set_book(book);
  context.route = book;
  const absl::StatusOr<ledger::v1::TransactionResult> result =
      co_await ledger_.CloseAccount(std::move(context), request);
  if (!result.ok()) co_return result.status();
  absl::Status outcome = OutcomeOf(*result);
  // Whoever closed the account itself meanwhile: it is seen at the next look.
  const bool closed_itself =
      ReasonOf(outcome) == Reason::kAccountClosed && DetailOf(outcome).param != kSweepParam;
  if (closed_itself) co_return Error(Reason::kPreconditionFailed, "it is closed already");
  co_return outcome;
}

Task<absl::StatusOr<AccountRecord>> CloseAccount::End(const AccountRecord& record,
                                                      AccountEvent what, audit::Origin origin) {
  const int attempt = record.standing.closing_attempt;
  DecideAccount decide = [attempt,
                          what](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
    AccountDecided decided{.after = before.standing};
    AccountStanding& after = decided.after;
    if (after.life != AccountLife::kClosing || after.closing_attempt != attempt) return decided;
    FLORIN_ASSIGN_OR_RETURN(after.life, NextLife(after.life, what, Cause::kService));
    after.next_attempt_time = absl::InfinitePast();
    if (what == AccountEvent::kStay) after.sweep_to.reset();
    return decided;
  };
  const AccountRef ref{.user_id = record.account.user_id, .account_id = record.account.account_id};
  audit::Event event = EventOf(what, record, attempt, InMicroseconds(clock_.Now()), origin);
  co_return co_await store_.ChangeAccount(ref, std::move(decide), std::move(event));
}

Task<absl::StatusOr<ledger::v1::Account>> CloseAccount::Look(rpc::Outgoing context,
                                                             const Account& account) {
  const std::string& book = BookOf(account, book_);
  context.route = book;
  ledger::v1::GetAccountsRequest request;
  request.set_book(book);
  request.add_account_ids(FormatId(IdKind::kAccount, account.account_id));
  absl::StatusOr<ledger::v1::GetAccountsResponse> response =
      co_await reader_.GetAccounts(std::move(context), request);
  if (!response.ok()) co_return response.status();
  if (response->accounts_size() != 1) {
    co_return Error(Reason::kInternal, "the ledger does not know an open account");
  }
  co_return std::move(*response->mutable_accounts(0));
}

Task<absl::StatusOr<int>> CloseAccount::FinishOnce() {
  const absl::Time now = InMicroseconds(clock_.Now());
  absl::StatusOr<std::vector<AccountRecord>> closing =
      co_await store_.ClaimClosing(now, now + kLease, kFinishedAtOnce);
  if (!closing.ok()) co_return closing.status();
  int finished = 0;
  absl::Status failure;
  for (AccountRecord& record : *closing) {
    rpc::Outgoing context;
    audit::Origin nobody_asks;
    const absl::StatusOr<AccountRecord> over =
        co_await Finish(std::move(context), std::move(record), std::move(nobody_asks));
    const bool passing = !over.ok() && IsPassing(over.status());
    if (passing) failure = over.status();
    finished += passing ? 0 : 1;
  }
  if (!failure.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "accounts are left closing",
                   {{"error", std::string(failure.message())}});
    if (finished == 0) co_return failure;
  }
  co_return finished;
}

}  // namespace florin::accounts
