#include "services/payments/flow/book_transfers.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::payments {
namespace {

std::string TextOf(const Payment& payment) {
  return FormatId(IdKind::kPayment, payment.payment_id);
}

ledger::v1::TransactionInput InputOf(const Payment& payment, const Uuid& transaction_id) {
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, transaction_id));
  (*input.mutable_metadata())["payment_id"] = TextOf(payment);
  return input;
}

ledger::v1::TransactionInput CreditOf(const Payment& payment) {
  ledger::v1::TransactionInput input = InputOf(payment, CreditIdOf(payment.payment_id));
  for (const LedgerPosting& posting : CreditPostingsOf(payment)) {
    ledger::v1::Posting& proto = *input.add_postings();
    proto.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    proto.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    proto.set_amount_minor(posting.amount_minor);
  }
  return input;
}

// All that the hold holds.
ledger::v1::TransactionInput CaptureOf(const Payment& payment) {
  ledger::v1::TransactionInput input = InputOf(payment, CaptureIdOf(payment.payment_id));
  input.mutable_capture()->set_hold_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  input.mutable_capture()->set_final(true);
  return input;
}

ledger::v1::TransactionInput VoidOf(const Payment& payment) {
  ledger::v1::TransactionInput input = InputOf(payment, VoidIdOf(payment.payment_id));
  input.mutable_void_()->set_hold_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  return input;
}

void CountEnded(const Payment& payment) {
  std::string result(NameOf(payment.state));
  if (payment.state == State::kFailed) result = payment.failure_reason;
  telemetry::Count("florin_payments_ended_total",
                   {{"kind", std::string(NameOf(payment.kind))}, {"result", result}});
}

}  // namespace

BookTransfers::Book::Book(Parts& parts, const std::string& name) : chart(parts.ledger, name) {
  if (parts.limits == nullptr) return;
  limits = std::make_unique<LimitBuckets>(*parts.limits, parts.ledger, parts.reader, name);
}

BookTransfers::BookTransfers(Parts parts) : parts_(parts) { parts_.settlement.UseBooks(*this); }

BookTransfers::Book& BookTransfers::BookOf(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Book>& book = books_[name];
  if (book == nullptr) book = std::make_unique<Book>(parts_, name);
  return *book;
}

Task<absl::StatusOr<Payment>> BookTransfers::Settle(Payment payment) {
  if (AreApart(payment)) co_return co_await Between(std::move(payment));
  co_return co_await Within(std::move(payment));
}

Task<absl::StatusOr<Payment>> BookTransfers::Within(Payment payment) {
  const absl::StatusOr<LedgerAnswer> answer = co_await Post(payment);
  if (!answer.ok()) co_return answer.status();
  std::optional<Payment> ended =
      payments::ApplyAnswer(payment, *answer, NowInMicroseconds(parts_.clock));
  if (!ended) co_return Undecided(payment, answer->refusal_reason);
  std::vector<Payment> one;
  one.push_back(*std::move(ended));
  absl::StatusOr<std::vector<Payment>> recorded =
      co_await parts_.store.RecordResults(std::move(one));
  if (!recorded.ok()) co_return recorded.status();
  CountEnded(recorded->front());
  co_return std::move(recorded->front());
}

Task<absl::StatusOr<Payment>> BookTransfers::Between(Payment payment) {
  absl::StatusOr<BookTransfer> transfer =
      co_await parts_.transfers.FindTransfer(payment.payment_id);
  if (!transfer.ok()) {
    if (ReasonOf(transfer.status()) != Reason::kPaymentNotFound) co_return transfer.status();
    co_return Error(Reason::kInternal, "a payment between books has its transfer");
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await EnsureClearing(payment));
  while (!IsOver(transfer->stage)) {
    const absl::StatusOr<LedgerAnswer> answer = co_await Ask(payment, transfer->stage);
    if (!answer.ok()) co_return answer.status();
    const absl::Time now = NowInMicroseconds(parts_.clock);
    std::optional<BookTransfer> next = payments::ApplyAnswer(*transfer, *answer, now);
    if (!next) co_return Undecided(payment, answer->refusal_reason);
    std::optional<Payment> ended = EndOf(payment, *next, *answer, now);
    const TransferStage from = transfer->stage;
    if (ended) CountEnded(*ended);
    transfer = co_await parts_.transfers.AdvanceTransfer(from, *std::move(next), std::move(ended));
    if (!transfer.ok()) co_return transfer.status();
  }
  co_return co_await parts_.store.GetPayment(payment.user_id, payment.payment_id);
}

Task<absl::StatusOr<LedgerAnswer>> BookTransfers::Ask(Payment payment, TransferStage stage) {
  const Books books = *payment.books;
  switch (stage) {
    case TransferStage::kHolding:
      co_return co_await Post(std::move(payment));
    case TransferStage::kCrediting:
      co_return co_await parts_.settlement.DecideOneIn(books.target, CreditOf(payment));
    case TransferStage::kCapturing:
      co_return co_await parts_.settlement.DecideOneIn(books.source, CaptureOf(payment));
    default:
      co_return co_await Release(std::move(payment));
  }
}

Task<absl::StatusOr<LedgerAnswer>> BookTransfers::Post(Payment payment) {
  const std::string name = payment.books->source;
  Book& book = BookOf(name);
  std::vector<HouseAccount> accounts = HouseAccountsOf(payment);
  if (!accounts.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await book.chart.EnsureOpen(std::move(accounts)));
  }
  if (!payment.limit_uses.empty()) {
    if (book.limits == nullptr) co_return Error(Reason::kInternal, "there are no limits here");
    std::vector<LimitUse> uses = payment.limit_uses;
    FLORIN_CO_RETURN_IF_ERROR(co_await book.limits->Prepare(std::move(uses)));
  }
  absl::StatusOr<std::vector<LedgerAnswer>> answers =
      co_await parts_.settlement.DecideIn(name, ChainOf(payment));
  if (!answers.ok()) co_return answers.status();
  const std::vector<LimitTransaction> chain = LimitChainOf(payment);
  ChainAnswer said = AnswerOf(chain, *answers);
  if (said.refused_by) {
    const absl::StatusOr<LimitRefusal> refusal =
        co_await book.limits->RefusalOf(*said.refused_by, said.answer.sequence);
    if (!refusal.ok()) co_return refusal.status();
    said.answer.limit_refusal = *refusal;
    co_return std::move(said.answer);
  }
  co_return co_await parts_.settlement.Explain(payment, std::move(said.answer));
}

// The money first, then what it used of limits; what the ledger has given back of those already
// stays so.
Task<absl::StatusOr<LedgerAnswer>> BookTransfers::Release(Payment payment) {
  absl::StatusOr<LedgerAnswer> voided =
      co_await parts_.settlement.DecideOneIn(payment.books->source, VoidOf(payment));
  if (!voided.ok() || !voided->committed) co_return voided;
  const absl::Status released = co_await parts_.settlement.ReleaseLimits(payment);
  if (!released.ok()) co_return released;
  co_return voided;
}

Task<absl::Status> BookTransfers::EnsureClearing(const Payment& payment) {
  const Uuid id = ClearingAccountOf(*payment.books, payment.amount.currency);
  {
    const std::lock_guard lock(mutex_);
    if (clearing_.contains(id)) co_return absl::OkStatus();
  }
  for (const std::string& book : {payment.books->source, payment.books->target}) {
    ledger::v1::OpenAccountsRequest request;
    request.set_book(book);
    ledger::v1::Account& account = *request.add_accounts();
    account.set_account_id(FormatId(IdKind::kAccount, id));
    account.set_currency(std::string(payment.amount.currency.code()));
    account.set_normal_side(ledger::v1::CREDIT);
    rpc::Outgoing context;
    context.route = book;
    const auto opened = co_await parts_.ledger.OpenAccounts(std::move(context), request);
    if (!opened.ok()) co_return opened.status();
  }
  const std::lock_guard lock(mutex_);
  clearing_.insert(id);
  co_return absl::OkStatus();
}

absl::Status BookTransfers::Undecided(const Payment& payment, const std::string& reason) {
  telemetry::Log(telemetry::Severity::kError, "the ledger does not decide a payment",
                 {{"payment_id", TextOf(payment)}, {"reason", reason}});
  Book& source = BookOf(payment.books->source);
  source.chart.Forget(HouseAccountsOf(payment));
  if (source.limits != nullptr) source.limits->Forget(payment.limit_uses);
  const std::lock_guard lock(mutex_);
  clearing_.erase(ClearingAccountOf(*payment.books, payment.amount.currency));
  return Error(Reason::kInternal, "the ledger does not decide the payment");
}

}  // namespace florin::payments
