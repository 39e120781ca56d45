#include "services/accounts/flow/open_account.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "services/accounts/domain/books.h"

namespace florin::accounts {
namespace {

// Longer than a request that is still under way.
constexpr absl::Duration kLeftBehind = absl::Seconds(3);
constexpr int kFinishedAtOnce = 100;

// What a caller is told when the ledger did not open the account: try again, or it is our fault.
absl::Status LedgerFailure(const absl::Status& cause, const Uuid& account_id) {
  const Reason reason = ReasonOf(cause).value_or(Reason::kInternal);
  if (reason == Reason::kUnavailable || reason == Reason::kDeadlineExceeded ||
      reason == Reason::kOverloaded) {
    return cause;
  }
  telemetry::Log(telemetry::Severity::kError, "the ledger refuses to open an account",
                 {{"account_id", FormatId(IdKind::kAccount, account_id)},
                  {"reason", std::string(InfoOf(reason).name)}});
  return Error(Reason::kInternal, "the ledger refuses to open the account");
}

}  // namespace

absl::Time NowInMicroseconds(Clock& clock) {
  return absl::FromUnixMicros(absl::ToUnixMicros(clock.Now()));
}

OpenAccount::OpenAccount(Store& store, ledger::v1::LedgerClient& ledger, Clock& clock,
                         IdSource& ids, std::string book)
    : store_(store), ledger_(ledger), clock_(clock), ids_(ids), book_(std::move(book)) {}

Task<absl::StatusOr<OpenAccount::Outcome>> OpenAccount::Run(rpc::Outgoing context,
                                                            Request request) {
  const std::string& book = request.book.empty() ? book_ : request.book;
  const std::string_view other_book = book == book_ ? std::string_view() : book;
  Account account{.account_id = ids_.NewId(),
                  .user_id = request.user_id,
                  .customer_id = request.customer_id,
                  .currency = request.currency,
                  .display_name = request.display_name,
                  .state = AccountState::kOpening,
                  .create_time = NowInMicroseconds(clock_),
                  .kind = request.kind,
                  .book = book};
  const Uuid account_id = account.account_id;
  RequestKey key{
      .idempotency_key = std::move(request.idempotency_key),
      .fingerprint = crypto::Sha256(CanonicalAccount(
          request.customer_id, request.currency, request.display_name, request.kind, other_book)),
      .origin = std::move(request.origin)};
  absl::StatusOr<StoredAccount> stored =
      co_await store_.InsertAccount(std::move(account), std::move(key));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  if (stored->account.state == AccountState::kOpening) {
    FLORIN_CO_RETURN_IF_ERROR(co_await Finish(std::move(context), stored->account));
    stored->account.state = AccountState::kOpen;
  }
  const bool replayed = stored->account.account_id != account_id;
  co_return Outcome{.account = std::move(stored->account), .replayed = replayed};
}

Task<absl::Status> OpenAccount::Finish(rpc::Outgoing context, const Account& account) {
  const Uuid account_id = account.account_id;
  ledger::v1::OpenAccountsRequest request;
  const std::string& book = BookOf(account, book_);
  request.set_book(book);
  ledger::v1::Account& proto = *request.add_accounts();
  proto.set_account_id(FormatId(IdKind::kAccount, account_id));
  proto.set_currency(std::string(account.currency.code()));
  proto.set_normal_side(ledger::v1::CREDIT);
  proto.set_debits_must_not_exceed_credits(true);
  context.route = book;
  const auto opened = co_await ledger_.OpenAccounts(std::move(context), request);
  if (!opened.ok()) co_return LedgerFailure(opened.status(), account_id);
  co_return co_await store_.MarkOpen(account_id);
}

Task<absl::StatusOr<int>> OpenAccount::FinishOnce() {
  const absl::Time created = NowInMicroseconds(clock_) - kLeftBehind;
  const absl::StatusOr<std::vector<Account>> left =
      co_await store_.ListOpening(created, kFinishedAtOnce);
  if (!left.ok()) co_return left.status();
  int finished = 0;
  absl::Status failure;
  // One by one: OpenAccounts opens all or none, and one bad account must not hold up the others.
  for (const Account& account : *left) {
    rpc::Outgoing context;
    const absl::Status status = co_await Finish(std::move(context), account);
    if (status.ok()) {
      ++finished;
    } else {
      failure = status;
    }
  }
  if (!failure.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "accounts are left opening",
                   {{"error", std::string(failure.message())}});
    if (finished == 0) co_return failure;
  }
  co_return finished;
}

}  // namespace florin::accounts
