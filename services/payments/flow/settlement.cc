#include "services/payments/flow/settlement.h"

#include <iterator>
#include <map>
#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/status/check.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/passing.h"
#include "services/payments/flow/book_transfers.h"
#include "services/payments/store/approval_store.h"

namespace florin::payments {
namespace {

constexpr async::BatcherLimits kLimits{.max_batch = 200, .max_waiting = 10'000};
constexpr std::size_t kMostInCall = 1000;  // The ledger's.

std::string TextOf(const Payment& payment) {
  return FormatId(IdKind::kPayment, payment.payment_id);
}

}  // namespace

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
  if (payment.kind == Kind::kPayout) input.mutable_hold();  // Until it is sent or canceled.
  if (AreApart(payment)) input.mutable_hold();              // Until it is captured or voided.
  (*input.mutable_metadata())["payment_id"] = TextOf(payment);
  return input;
}

std::vector<ledger::v1::TransactionInput> ChainOf(const Payment& payment) {
  std::vector<ledger::v1::TransactionInput> chain;
  for (const LimitTransaction& transaction : LimitChainOf(payment)) {
    chain.push_back(InputOf(transaction, "limits_of", TextOf(payment)));
    chain.back().set_linked_to_next(true);
  }
  chain.push_back(TransactionOf(payment));
  return chain;
}

namespace {

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
          .final = result.refused().final(),
          .refusal_param = result.refused().param(),
          .sequence = result.refused().sequence()};
}

// An error about one payment whose end is not known (yet).
absl::Status Unsettled(const Payment& payment, const absl::Status& cause) {
  const Reason reason = ReasonOf(cause).value_or(Reason::kInternal);
  return Error(MayPass(reason) ? reason : Reason::kInternal, "the payment has not ended yet",
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
                       ChartAccounts& chart, Clock& clock, std::string book, LimitBuckets* limits)
    : store_(store),
      ledger_(ledger),
      chart_(chart),
      clock_(clock),
      book_(std::move(book)),
      limits_(limits),
      posts_(
          executor, [this](std::vector<Chain> batch) { return Post(std::move(batch)); }, kLimits),
      writes_(executor, store) {}

Task<absl::StatusOr<StoredIntent>> Settlement::Insert(Intent intent) {
  return writes_.Insert(std::move(intent));
}

Task<absl::StatusOr<Payment>> Settlement::Settle(Payment payment) {
  absl::StatusOr<Payment> ended = co_await TrySettle(payment);
  if (!ended.ok()) co_return Unsettled(payment, ended.status());
  co_return ended;
}

Task<absl::StatusOr<Payment>> Settlement::TrySettle(Payment payment) {
  if (!IsAsApproved(payment)) {
    co_return Error(Reason::kInternal, "the payment is not what was approved");
  }
  if (payment.limit_refusal) co_return co_await RecordOne(RefuseByLimit(payment));
  if (payment.books) co_return co_await books_->Settle(std::move(payment));
  FLORIN_CO_RETURN_IF_ERROR(co_await Prepare(payment));
  Chain chain = ChainOf(payment);
  async::SubmitOptions options;
  options.weight = chain.size();
  absl::StatusOr<Answers> answers = co_await posts_.Submit(std::move(chain), std::move(options));
  if (!answers.ok()) co_return answers.status();
  const absl::StatusOr<LedgerAnswer> answer = co_await Interpret(payment, *std::move(answers));
  if (!answer.ok()) co_return answer.status();
  std::optional<Payment> ended = Apply(payment, *answer);
  if (!ended) co_return Error(Reason::kInternal, "the ledger does not decide the payment");
  // A payout whose money is set aside: the rest is payouts.h's.
  if (ended->state == State::kProcessing) co_return *std::move(ended);
  co_return co_await RecordOne(*std::move(ended));
}

Task<absl::Status> Settlement::Prepare(const Payment& payment) {
  std::vector<HouseAccount> accounts = HouseAccountsOf(payment);
  if (!accounts.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await chart_.EnsureOpen(std::move(accounts)));
  }
  if (payment.limit_uses.empty()) co_return absl::OkStatus();
  FLORIN_CHECK(limits_ != nullptr, "who judges payments by limits settles them with limits");
  std::vector<LimitUse> uses = payment.limit_uses;
  co_return co_await limits_->Prepare(std::move(uses));
}

Task<absl::StatusOr<LedgerAnswer>> Settlement::Interpret(const Payment& payment, Answers answers) {
  const std::vector<LimitTransaction> chain = LimitChainOf(payment);
  ChainAnswer said = payments::AnswerOf(chain, answers);
  if (!said.refused_by) co_return co_await Explain(payment, std::move(said.answer));
  absl::StatusOr<LimitRefusal> refusal =
      co_await limits_->RefusalOf(*said.refused_by, said.answer.sequence);
  if (!refusal.ok()) co_return refusal.status();
  said.answer.limit_refusal = *refusal;
  co_return std::move(said.answer);
}

Task<LedgerAnswer> Settlement::Explain(const Payment& payment, LedgerAnswer answer) {
  if (accounts_ == nullptr || !IsSourceFrozen(payment, answer)) co_return answer;
  // Not for the deadline of whoever waits: the same of a payment that recovery settles.
  rpc::Outgoing context;
  const absl::StatusOr<bool> dormant =
      co_await accounts_->IsDormant(std::move(context), payment.source_account_id);
  if (dormant.ok() && *dormant) co_return RefusedByDormancy(std::move(answer));
  co_return answer;
}

Task<absl::StatusOr<LedgerAnswer>> Settlement::Decide(ledger::v1::TransactionInput transaction) {
  Chain chain;
  chain.push_back(std::move(transaction));
  absl::StatusOr<Answers> answers = co_await posts_.Submit(std::move(chain));
  if (!answers.ok()) co_return answers.status();
  co_return std::move(answers->front());
}

Task<absl::Status> Settlement::ReleaseLimits(const Payment& payment) {
  for (const LimitRelease& release : ReleasesOf(payment)) {
    ledger::v1::TransactionInput input;
    input.set_transaction_id(FormatId(IdKind::kTransaction, release.transaction_id));
    input.mutable_void_()->set_hold_id(FormatId(IdKind::kTransaction, release.hold_id));
    (*input.mutable_metadata())["limits_of"] = TextOf(payment);
    const absl::StatusOr<LedgerAnswer> answer = co_await DecideFor(payment, std::move(input));
    if (!answer.ok()) co_return answer.status();
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<LedgerAnswer>> Settlement::DecideFor(const Payment& payment,
                                                         ledger::v1::TransactionInput transaction) {
  if (!payment.books) co_return co_await Decide(std::move(transaction));
  co_return co_await DecideOneIn(payment.books->source, std::move(transaction));
}

Task<absl::StatusOr<LedgerAnswer>> Settlement::DecideOneIn(
    std::string book, ledger::v1::TransactionInput transaction) {
  Chain one;
  one.push_back(std::move(transaction));
  absl::StatusOr<Answers> answers = co_await DecideIn(std::move(book), std::move(one));
  if (!answers.ok()) co_return answers.status();
  co_return std::move(answers->front());
}

Task<absl::StatusOr<Settlement::Settled>> Settlement::SettleAll(std::vector<Payment> payments) {
  Settled settled;
  std::erase_if(payments, [&settled](const Payment& payment) {
    if (IsAsApproved(payment)) return false;
    settled.undecided.emplace_back(payment, InfoOf(Reason::kApprovalMismatch).name);
    return true;
  });
  if (payments.empty()) co_return settled;
  std::vector<Payment> ended;
  std::vector<Payment> open;
  std::vector<Chain> chains;
  std::vector<Payment> in_books;
  for (Payment& payment : payments) {
    if (payment.limit_refusal) {
      ended.push_back(RefuseByLimit(payment));
      continue;
    }
    if (payment.books) {
      in_books.push_back(std::move(payment));
      continue;
    }
    const absl::Status prepared = co_await Prepare(payment);
    if (ReasonOf(prepared) == Reason::kInternal) {
      // Somebody must look; it holds up no other.
      telemetry::Log(telemetry::Severity::kError, "a payment cannot be brought to the ledger",
                     {{"payment_id", TextOf(payment)}, {"error", std::string(prepared.message())}});
      settled.undecided.emplace_back(std::move(payment), InfoOf(Reason::kInternal).name);
      continue;
    }
    if (!prepared.ok()) co_return prepared;
    chains.push_back(ChainOf(payment));
    open.push_back(std::move(payment));
  }
  absl::StatusOr<std::vector<Answers>> answers = co_await Post(std::move(chains));
  if (!answers.ok()) co_return answers.status();
  for (std::size_t i = 0; i < open.size(); ++i) {
    const absl::StatusOr<LedgerAnswer> answer =
        co_await Interpret(open[i], std::move((*answers)[i]));
    if (!answer.ok()) co_return answer.status();
    std::optional<Payment> decided = Apply(open[i], *answer);
    if (decided) {
      ended.push_back(*std::move(decided));
    } else {
      settled.undecided.emplace_back(std::move(open[i]), answer->refusal_reason);
    }
  }
  if (!ended.empty()) {
    const absl::StatusOr<std::vector<Payment>> recorded = co_await Record(std::move(ended));
    if (!recorded.ok()) co_return recorded.status();
    settled.ended = static_cast<int>(recorded->size());
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await SettleInBooks(std::move(in_books), settled));
  co_return settled;
}

Task<absl::Status> Settlement::SettleInBooks(std::vector<Payment> payments, Settled& settled) {
  for (const Payment& payment : payments) {
    const absl::StatusOr<Payment> ended = co_await books_->Settle(payment);
    if (ended.ok()) {
      ++settled.ended;
    } else if (ReasonOf(ended.status()) == Reason::kInternal) {
      settled.undecided.emplace_back(payment, InfoOf(Reason::kInternal).name);
    } else {
      co_return ended.status();
    }
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<LedgerAnswer>>> Settlement::DecideIn(
    std::string book, std::vector<ledger::v1::TransactionInput> chain) {
  ledger::v1::PostTransactionsRequest request;
  request.set_book(std::move(book));
  for (auto& transaction : chain) *request.add_transactions() = std::move(transaction);
  co_return co_await PostOnce(request);
}

Task<absl::StatusOr<std::vector<Settlement::Answers>>> Settlement::Post(std::vector<Chain> chains) {
  std::vector<Answers> all;
  ledger::v1::PostTransactionsRequest request;
  request.set_book(book_);
  std::size_t answered = 0;  // Of the chains.
  for (std::size_t i = 0; i < chains.size(); ++i) {
    for (auto& transaction : chains[i]) *request.add_transactions() = std::move(transaction);
    const bool last = i + 1 == chains.size();
    if (!last &&
        static_cast<std::size_t>(request.transactions_size()) + chains[i + 1].size() <= kMostInCall)
      continue;
    absl::StatusOr<Answers> answers = co_await PostOnce(request);
    if (!answers.ok()) co_return answers.status();
    for (auto next = answers->begin(); answered <= i; ++answered) {
      const auto end = next + static_cast<std::ptrdiff_t>(chains[answered].size());
      all.emplace_back(std::make_move_iterator(next), std::make_move_iterator(end));
      next = end;
    }
    request.clear_transactions();
  }
  co_return all;
}

Task<absl::StatusOr<Settlement::Answers>> Settlement::PostOnce(
    const ledger::v1::PostTransactionsRequest& request) {
  // No user's deadline or trace: the call carries payments of many.
  rpc::Outgoing context;
  context.route = request.book();
  const absl::StatusOr<ledger::v1::PostTransactionsResponse> response =
      co_await ledger_.PostTransactions(std::move(context), request);
  if (!response.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "PostTransactions failed",
                   {{"transactions", std::to_string(request.transactions_size())},
                    {"error", std::string(response.status().message())}});
    co_return response.status();
  }
  if (response->results_size() != request.transactions_size()) {
    co_return Error(Reason::kInternal, "the ledger answers each transaction");
  }
  Answers answers;
  answers.reserve(static_cast<std::size_t>(response->results_size()));
  for (const auto& result : response->results()) answers.push_back(AnswerOf(result));
  co_return answers;
}

Task<absl::StatusOr<Payment>> Settlement::RecordOne(Payment ended) {
  absl::StatusOr<Payment> recorded = co_await writes_.Record(std::move(ended));
  if (recorded.ok()) CountEnded({*recorded});
  co_return recorded;
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
    if (limits_ != nullptr) limits_->Forget(payment.limit_uses);
  }
  return ended;
}

Payment Settlement::RefuseByLimit(const Payment& payment) {
  const LedgerAnswer answer{.refusal_reason = std::string(InfoOf(Reason::kLimitExceeded).name),
                            .final = true,
                            .limit_refusal = payment.limit_refusal};
  return Apply(payment, answer).value();
}

}  // namespace florin::payments
