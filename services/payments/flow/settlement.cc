#include "services/payments/flow/settlement.h"

#include <map>
#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/store/approval_store.h"

namespace florin::payments {
namespace {

constexpr async::BatcherLimits kLimits{.max_batch = 200, .max_waiting = 10'000};

std::string TextOf(const Payment& payment) {
  return FormatId(IdKind::kPayment, payment.payment_id);
}

ledger::v1::TransactionInput TransactionOf(const Payment& payment) {
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  for (const LedgerPosting& posting : PostingsOf(payment)) {
    ledger::v1::Posting& proto = *input.add_postings();
    proto.set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    proto.set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    proto.set_amount_minor(posting.amount_minor);
  }
  if (payment.authorization_timeout) {
    input.mutable_hold()->mutable_timeout()->set_seconds(
        absl::ToInt64Seconds(*payment.authorization_timeout));
  }
  (*input.mutable_metadata())["payment_id"] = TextOf(payment);
  return input;
}

LedgerAnswer AnswerOf(const ledger::v1::TransactionResult& result) {
  if (result.has_committed()) {
    LedgerAnswer answer{.committed = true};
    if (result.committed().has_expire_time()) {
      answer.expire_time = TimeOf(result.committed().expire_time());
    }
    for (const auto& posting : result.committed().postings()) {
      answer.moved_minor.push_back(posting.amount_minor());
    }
    return answer;
  }
  return {.committed = false,
          .refusal_reason = result.refused().reason(),
          .final = result.refused().final()};
}

// An error about one payment whose end is not known (yet).
absl::Status Unsettled(const Payment& payment, const absl::Status& cause) {
  const Reason reason = ReasonOf(cause).value_or(Reason::kInternal);
  const bool passing = reason == Reason::kUnavailable || reason == Reason::kDeadlineExceeded ||
                       reason == Reason::kOverloaded;
  return Error(passing ? reason : Reason::kInternal, "the payment has not ended yet",
               {.metadata = {{"payment_id", TextOf(payment)}}});
}

// Whether what is about to be posted is what its payer has approved, if somebody had to.
bool IsAsApproved(const Payment& payment) {
  if (!payment.approval) return true;
  const crypto::Digest digest = sca::BindingDigest(BindingOf(payment));
  if (crypto::AsOctets(digest) == payment.approval->approved_binding) return true;
  telemetry::Count("florin_payments_not_as_approved_total", {});
  telemetry::Log(telemetry::Severity::kError, "a payment was changed after its approval",
                 {{"payment_id", TextOf(payment)}});
  return false;
}

void CountEnded(const std::vector<Payment>& ended) {
  std::map<std::pair<Kind, std::string>, int> counts;
  for (const Payment& payment : ended) {
    std::string result(NameOf(payment.state));
    if (payment.state == State::kFailed) result = payment.failure_reason;
    ++counts[{payment.kind, result}];
  }
  for (const auto& [what, count] : counts) {
    telemetry::Count("florin_payments_ended_total",
                     {{"kind", std::string(NameOf(what.first))}, {"result", what.second}}, count);
  }
}

}  // namespace

absl::Time NowInMicroseconds(Clock& clock) {
  return absl::FromUnixMicros(absl::ToUnixMicros(clock.Now()));
}

Settlement::Settlement(Executor executor, Store& store, ledger::v1::LedgerClient& ledger,
                       ChartAccounts& chart, Clock& clock, std::string book)
    : store_(store),
      ledger_(ledger),
      chart_(chart),
      clock_(clock),
      book_(std::move(book)),
      posts_(
          executor, [this](Transactions batch) { return Post(std::move(batch)); }, kLimits),
      records_(
          executor, [this](std::vector<Payment> batch) { return Record(std::move(batch)); },
          kLimits) {}

Task<absl::StatusOr<Payment>> Settlement::Settle(Payment payment) {
  absl::StatusOr<Payment> ended = co_await TrySettle(payment);
  if (!ended.ok()) co_return Unsettled(payment, ended.status());
  co_return ended;
}

Task<absl::StatusOr<Payment>> Settlement::TrySettle(Payment payment) {
  if (!IsAsApproved(payment)) {
    co_return Error(Reason::kInternal, "the payment is not what was approved");
  }
  std::vector<HouseAccount> accounts = HouseAccountsOf(payment);
  if (!accounts.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await chart_.EnsureOpen(std::move(accounts)));
  }
  ledger::v1::TransactionInput transaction = TransactionOf(payment);
  const absl::StatusOr<LedgerAnswer> answer = co_await posts_.Submit(std::move(transaction));
  if (!answer.ok()) co_return answer.status();
  std::optional<Payment> ended = Apply(payment, *answer);
  if (!ended) co_return Error(Reason::kInternal, "the ledger does not decide the payment");
  co_return co_await records_.Submit(*std::move(ended));
}

Task<absl::StatusOr<LedgerAnswer>> Settlement::Decide(ledger::v1::TransactionInput transaction) {
  co_return co_await posts_.Submit(std::move(transaction));
}

Task<absl::StatusOr<Settlement::Settled>> Settlement::SettleAll(std::vector<Payment> payments) {
  Settled settled;
  std::erase_if(payments, [&settled](const Payment& payment) {
    if (IsAsApproved(payment)) return false;
    settled.undecided.emplace_back(payment, InfoOf(Reason::kApprovalMismatch).name);
    return true;
  });
  if (payments.empty()) co_return settled;
  for (const Payment& payment : payments) {
    std::vector<HouseAccount> accounts = HouseAccountsOf(payment);
    if (accounts.empty()) continue;
    FLORIN_CO_RETURN_IF_ERROR(co_await chart_.EnsureOpen(std::move(accounts)));
  }
  Transactions transactions;
  for (const Payment& payment : payments) transactions.push_back(TransactionOf(payment));
  const absl::StatusOr<std::vector<LedgerAnswer>> answers = co_await Post(std::move(transactions));
  if (!answers.ok()) co_return answers.status();
  std::vector<Payment> ended;
  for (std::size_t i = 0; i < payments.size(); ++i) {
    std::optional<Payment> decided = Apply(payments[i], (*answers)[i]);
    if (decided) {
      ended.push_back(*std::move(decided));
    } else {
      settled.undecided.emplace_back(payments[i], (*answers)[i].refusal_reason);
    }
  }
  if (ended.empty()) co_return settled;
  const absl::StatusOr<std::vector<Payment>> recorded = co_await Record(std::move(ended));
  if (!recorded.ok()) co_return recorded.status();
  settled.ended = static_cast<int>(recorded->size());
  co_return settled;
}

Task<absl::StatusOr<std::vector<LedgerAnswer>>> Settlement::Post(Transactions transactions) {
  ledger::v1::PostTransactionsRequest request;
  request.set_book(book_);
  for (auto& transaction : transactions) *request.add_transactions() = std::move(transaction);
  // No user's deadline or trace: the call carries payments of many.
  rpc::Outgoing context;
  context.route = book_;
  const absl::StatusOr<ledger::v1::PostTransactionsResponse> response =
      co_await ledger_.PostTransactions(std::move(context), request);
  if (!response.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "PostTransactions failed",
                   {{"transactions", std::to_string(transactions.size())},
                    {"error", std::string(response.status().message())}});
    co_return response.status();
  }
  if (static_cast<std::size_t>(response->results_size()) != transactions.size()) {
    co_return Error(Reason::kInternal, "the ledger answers each transaction");
  }
  std::vector<LedgerAnswer> answers;
  answers.reserve(transactions.size());
  for (const auto& result : response->results()) answers.push_back(AnswerOf(result));
  co_return answers;
}

Task<absl::StatusOr<std::vector<Payment>>> Settlement::Record(std::vector<Payment> ended) {
  absl::StatusOr<std::vector<Payment>> recorded = co_await store_.RecordResults(std::move(ended));
  if (recorded.ok()) CountEnded(*recorded);
  co_return recorded;
}

std::optional<Payment> Settlement::Apply(const Payment& payment, const LedgerAnswer& answer) {
  std::optional<Payment> ended = ApplyAnswer(payment, answer, NowInMicroseconds(clock_));
  if (!ended) {
    // Our checks should have kept such a payment from the ledger: somebody must look.
    telemetry::Log(telemetry::Severity::kError, "the ledger does not decide a payment",
                   {{"payment_id", TextOf(payment)}, {"reason", answer.refusal_reason}});
    chart_.Forget(HouseAccountsOf(payment));
  }
  return ended;
}

}  // namespace florin::payments
