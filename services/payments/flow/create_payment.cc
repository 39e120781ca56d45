#include "services/payments/flow/create_payment.h"

#include <utility>
#include <vector>

#include "libs/crypto/sha256.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/trace_context.h"
#include "libs/text/text.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/book_transfer.h"

namespace florin::payments {
namespace {

// That an approval takes (auth's rule), in characters.
constexpr std::size_t kLongestPayeeName = 140;

// Every decision about an exemption, with its reason.
void Record(const std::string& payment_id, const Verdict& verdict) {
  const std::string basis(NameOf(verdict.basis));
  const std::string needed = verdict.needs_approval ? "true" : "false";
  telemetry::Count("florin_payment_approvals_total", {{"needed", needed}, {"basis", basis}});
  telemetry::Log(telemetry::Severity::kInfo, "approval judged",
                 {{"payment_id", payment_id}, {"needed", needed}, {"basis", basis}});
}

// The payment is kept: the same key asks again.
absl::Status Unasked(const Payment& payment, const absl::Status& cause) {
  return Error(ReasonOf(cause).value_or(Reason::kInternal), std::string(cause.message()),
               {.metadata = {{"payment_id", FormatId(IdKind::kPayment, payment.payment_id)}}});
}

}  // namespace

CreatePayment::CreatePayment(AccountDirectory& accounts, Settlement& settlement, Clock& clock,
                             IdSource& ids, Approving approving, PaymentPricing& pricing,
                             LimitDirectory* limits)
    : accounts_(accounts),
      settlement_(settlement),
      clock_(clock),
      ids_(ids),
      approving_(std::move(approving)),
      pricing_(pricing),
      limits_(limits) {}

Task<absl::StatusOr<CreatePayment::Outcome>> CreatePayment::Run(rpc::Outgoing context, Uuid user_id,
                                                                std::string idempotency_key,
                                                                PaymentRequest request,
                                                                audit::Origin origin,
                                                                Approval approval) {
  FLORIN_CO_RETURN_IF_ERROR(CheckRequest(request));
  const Uuid payment_id = ids_.NewId();
  Intent intent{.payment = NewPayment(payment_id, user_id, request, NowInMicroseconds(clock_)),
                .idempotency_key = std::move(idempotency_key),
                .fingerprint = crypto::Sha256(CanonicalRequest(request)),
                .origin = std::move(origin),
                .trace_id = std::string(telemetry::TraceIdOf(context.traceparent))};
  absl::StatusOr<Payees> payees = co_await CheckParties(context, user_id, request);
  absl::StatusOr<StoredIntent> stored = Error(Reason::kInternal, "not kept");
  if (payees.ok()) {
    stored = co_await Accept(context, std::move(request), std::move(intent), *std::move(payees),
                             approval);
  } else {
    stored = co_await Refuse(std::move(intent), payees.status());
  }
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->payment.payment_id != payment_id;
  if (stored->payment.state == State::kRequiresAction) {
    const absl::Status asked =
        co_await approving_.approvals.Ask(std::move(context), stored->payment);
    if (!asked.ok()) co_return Unasked(stored->payment, asked);
  }
  if (stored->payment.state != State::kProcessing) {
    co_return Outcome{.payment = std::move(stored->payment), .replayed = replayed};
  }
  absl::StatusOr<Payment> ended = co_await settlement_.Settle(std::move(stored->payment));
  if (!ended.ok()) co_return ended.status();
  co_return Outcome{.payment = *std::move(ended), .replayed = replayed};
}

Task<absl::StatusOr<StoredIntent>> CreatePayment::Accept(rpc::Outgoing context,
                                                         PaymentRequest request, Intent intent,
                                                         Payees payees, Approval approval) {
  const Uuid user_id = intent.payment.user_id;
  if (payee_check_ != nullptr) {
    absl::Status saved =
        co_await payee_check_->Check(std::move(context), user_id, std::move(payees.others));
    if (!saved.ok()) co_return co_await Refuse(std::move(intent), std::move(saved));
  }
  absl::StatusOr<std::optional<Pricing>> pricing =
      co_await pricing_.Price(user_id, std::move(request), payees.currency);
  if (!pricing.ok()) co_return co_await Refuse(std::move(intent), pricing.status());
  intent.payment.pricing = *std::move(pricing);
  intent.payment.destination_account_id = payees.account_id;
  intent.payment.books = std::move(payees.books);
  if (limits_ != nullptr) {
    FLORIN_CO_RETURN_IF_ERROR(
        co_await limits_->Judge(intent.payment, payees.payer_level, payees.countries));
  }
  co_return co_await Keep(std::move(intent), std::move(payees), approval);
}

Task<absl::StatusOr<StoredIntent>> CreatePayment::Refuse(Intent intent, absl::Status why) {
  absl::StatusOr<std::optional<StoredIntent>> known =
      co_await pricing_.quotes().FindIntent(std::move(intent));
  if (!known.ok()) co_return known.status();
  if (!known->has_value()) co_return why;
  co_return **std::move(known);
}

Task<absl::StatusOr<StoredIntent>> CreatePayment::Keep(Intent intent, Payees payees,
                                                       Approval approval) {
  const Payment& payment = intent.payment;
  // Nobody is asked to approve what a limit refuses.
  if (payment.limit_refusal || approval == Approval::kGiven ||
      !DependsOnUse(approving_.policy, payment.kind, payees.are_the_payer)) {
    if (ConversionOf(payment) != nullptr) {
      co_return co_await pricing_.quotes().InsertWithQuote(std::move(intent));
    }
    co_return co_await settlement_.Insert(std::move(intent));
  }
  if (approval == Approval::kRefuse) {
    absl::Status why = Error(Reason::kApprovalPending, "the payment needs its payer's approval");
    co_return co_await Refuse(std::move(intent), std::move(why));
  }
  if (CountPlainCharacters(payees.name).value_or(0) > kLongestPayeeName) {
    // RTS Art. 5(3)(b): who is paid must be shown, and each of them.
    absl::Status why = Error(Reason::kInvalidSplit, "so many payees cannot be shown to the payer",
                             {.param = "splits"});
    co_return co_await Refuse(std::move(intent), std::move(why));
  }
  ApprovalTerms terms = NewTerms(payment.payment_id, std::move(payees.name),
                                 crypto::RandomOctets(sca::kNonceSize), payment.create_time);
  const std::string id = FormatId(IdKind::kPayment, payment.payment_id);
  absl::StatusOr<Judged> judged = co_await approving_.store.InsertJudged(
      std::move(intent), std::move(terms), approving_.policy);
  if (!judged.ok()) co_return judged.status();
  if (judged->verdict) Record(id, *judged->verdict);
  co_return std::move(judged->stored);
}

Task<absl::StatusOr<CreatePayment::Payees>> CreatePayment::CheckParties(
    rpc::Outgoing context, Uuid user_id, const PaymentRequest& request) {
  std::vector<Uuid> ids;
  for (const Split& split : request.splits) ids.push_back(split.destination_account_id);
  if (ids.empty()) ids.push_back(request.destination_account_id);
  const bool transfer = request.kind == Kind::kTransfer;
  if (transfer) ids.push_back(request.source_account_id);
  absl::StatusOr<std::vector<std::optional<KnownAccount>>> found =
      co_await accounts_.LookUp(context, std::move(ids));
  if (!found.ok()) co_return found.status();
  std::optional<KnownAccount> source;
  if (transfer) {
    source = std::move(found->back());
    found->pop_back();
  }
  const absl::StatusOr<Uuid> pays_for =
      co_await accounts_.PayerFrom(std::move(context), user_id, source);
  if (!pays_for.ok()) co_return pays_for.status();
  if (request.splits.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(CheckAccounts(*pays_for, request, source, found->front()));
  } else {
    const std::vector<std::optional<AccountFacts>> facts(found->begin(), found->end());
    FLORIN_CO_RETURN_IF_ERROR(CheckPayees(*pays_for, request, source, facts));
  }
  FLORIN_CO_RETURN_IF_ERROR(CheckPockets(source, *found, !request.splits.empty()));
  Payees payees{.currency = found->front()->currency, .account_id = found->front()->account_id};
  if (source) payees.payer_level = source->kyc_level;
  FLORIN_CO_ASSIGN_OR_RETURN(payees.books, BooksOf(settlement_.book(), request, source, *found));
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::optional<KnownAccount>& payee = (*found)[i];
    payees.countries[payee->account_id] = payee->country;
    // Whoever pays from another's account pays somebody, even themselves.
    if (*pays_for == user_id && payee->owner_user_id == user_id) continue;
    if (payees.are_the_payer) payees.account_id = payee->account_id;
    payees.are_the_payer = false;
    Money amount = request.amount;
    if (!request.splits.empty()) amount.minor_units = request.splits[i].amount_minor;
    payees.others.push_back({.account_id = payee->account_id, .amount = amount});
    if (!payees.name.empty()) payees.name += ", ";
    payees.name += payee->holder_name;
  }
  co_return payees;
}

}  // namespace florin::payments
