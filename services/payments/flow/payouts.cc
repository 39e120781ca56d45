#include "services/payments/flow/payouts.h"

#include <utility>

#include "libs/crypto/sha256.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/trace_context.h"
#include "libs/text/text.h"
#include "services/payments/domain/approval.h"
#include "services/payments/flow/rail_booking.h"

namespace florin::payments {
namespace {

constexpr int kClaimedAtOnce = 100;
// More than the longest way through the stages.
constexpr int kMostSteps = 12;

std::string TextOf(const Payment& payment) {
  return FormatId(IdKind::kPayment, payment.payment_id);
}

absl::Status NotFound() { return Error(Reason::kPaymentNotFound, "no such payout"); }

absl::Status CheckPayout(const PayoutRequest& request, const Rails& rails) {
  if (!rails.contains(request.rail)) {
    return Error(Reason::kRailNotFound, "no such rail", {.param = "rail"});
  }
  const std::optional<std::size_t> length = CountPlainCharacters(request.reference);
  if (length && *length <= kLongestReference) return absl::OkStatus();
  return Error(Reason::kInvalidReference,
               "at most 140 characters of UTF-8 without control characters",
               {.param = "reference"});
}

// As CheckAccounts() does of transfers.
absl::Status CheckSource(const Uuid& user_id, const PayoutRequest& request,
                         const std::optional<KnownAccount>& source, const std::string& book) {
  if (!source || source->owner_user_id != user_id) {
    return Error(Reason::kAccountNotFound, "no such account", {.param = "source_account_id"});
  }
  if (source->kind == AccountKind::kSavings) {
    return Error(Reason::kInvalidField, "a savings pocket pays accounts of its owner only",
                 {.param = "source_account_id"});
  }
  if (!source->book.empty() && source->book != book) {
    return Error(Reason::kInvalidField, "rails are in another book: pay to an account there first",
                 {.param = "source_account_id"});
  }
  if (source->currency == request.amount.currency) return absl::OkStatus();
  return Error(Reason::kCurrencyMismatch, "the account and the amount have one currency",
               {.param = "amount.currency"});
}

// The payout is kept: the same key, or the worker, goes on.
absl::Status Unfinished(const Payment& payment, const absl::Status& cause) {
  const Reason reason = ReasonOf(cause).value_or(Reason::kInternal);
  return Error(reason, std::string(cause.message()),
               {.metadata = {{"payment_id", TextOf(payment)}}});
}

// An IBAN begins with its country's code; where any other account is, nobody knows.
std::string CountryOf(const Beneficiary& beneficiary) {
  return beneficiary.is_iban ? beneficiary.account.substr(0, 2) : std::string();
}

void CountVerdict(const Verdict& verdict) {
  telemetry::Count("florin_payment_approvals_total",
                   {{"needed", verdict.needs_approval ? "true" : "false"},
                    {"basis", std::string(NameOf(verdict.basis))}});
}

}  // namespace

Task<absl::StatusOr<Payouts::Outcome>> Payouts::Create(rpc::Outgoing context, Uuid user_id,
                                                       std::string idempotency_key,
                                                       PayoutRequest request,
                                                       audit::Origin origin) {
  FLORIN_CO_RETURN_IF_ERROR(CheckPayout(request, parts_.rails));
  std::vector<Uuid> ids = {request.source_account_id};
  const auto found = co_await parts_.accounts.LookUp(context, std::move(ids));
  if (!found.ok()) co_return found.status();
  FLORIN_CO_RETURN_IF_ERROR(
      CheckSource(user_id, request, found->front(), parts_.settlement.book()));

  const Uuid payment_id = parts_.ids.NewId();
  Intent intent{.payment = NewPayout(payment_id, user_id, request, NowInMicroseconds(parts_.clock)),
                .idempotency_key = std::move(idempotency_key),
                .fingerprint = crypto::Sha256(CanonicalPayout(request)),
                .origin = std::move(origin),
                .payout = PayoutTerms{.beneficiary = request.beneficiary, .rail = request.rail},
                .trace_id = std::string(telemetry::TraceIdOf(context.traceparent))};
  absl::StatusOr<StoredIntent> stored =
      co_await Judge(context, std::move(intent), request, found->front()->kyc_level);
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const Payment& payment = stored->payment;
  if (payment.state == State::kRequiresAction) {
    const absl::Status asked = co_await parts_.approving.approvals.Ask(std::move(context), payment);
    if (!asked.ok()) co_return Unfinished(payment, asked);
  }
  absl::StatusOr<Payout> payout = co_await parts_.payouts.FindPayout(payment.payment_id);
  if (!payout.ok()) co_return payout.status();
  payout = co_await Drive(*std::move(payout));
  if (!payout.ok()) co_return Unfinished(payment, payout.status());
  co_return Outcome{.payout = *std::move(payout), .replayed = payment.payment_id != payment_id};
}

// Its fee first, since limits count it.
Task<absl::StatusOr<StoredIntent>> Payouts::Judge(rpc::Outgoing context, Intent intent,
                                                  const PayoutRequest& request,
                                                  KycLevel payer_level) {
  bool approve = false;
  if (parts_.payees != nullptr) {
    const absl::StatusOr<bool> needed = co_await parts_.payees->CheckPayout(
        std::move(context), intent.payment.user_id, request.beneficiary, request.amount);
    if (!needed.ok()) co_return co_await Refuse(std::move(intent), needed.status());
    approve = *needed;
  }
  if (parts_.pricing != nullptr) {
    absl::StatusOr<std::optional<Pricing>> pricing = parts_.pricing->Price(request);
    if (!pricing.ok()) co_return co_await Refuse(std::move(intent), pricing.status());
    intent.payment.pricing = *std::move(pricing);
  }
  if (parts_.limits != nullptr) {
    PayeeCountries countries;
    countries[intent.payment.destination_account_id] = CountryOf(request.beneficiary);
    FLORIN_CO_RETURN_IF_ERROR(
        co_await parts_.limits->Judge(intent.payment, payer_level, std::move(countries)));
  }
  co_return co_await Keep(std::move(intent), request.beneficiary, approve);
}

// A key that is known stands for what it stood for, whatever rules and prices are by now.
Task<absl::StatusOr<StoredIntent>> Payouts::Refuse(Intent intent, absl::Status why) {
  if (parts_.pricing == nullptr) co_return why;
  absl::StatusOr<std::optional<StoredIntent>> known =
      co_await parts_.pricing->quotes().FindIntent(std::move(intent));
  if (!known.ok()) co_return known.status();
  if (!known->has_value()) co_return why;
  co_return **std::move(known);
}

Task<absl::StatusOr<StoredIntent>> Payouts::Keep(Intent intent, const Beneficiary& beneficiary,
                                                 bool approve) {
  const CreatePayment::Approving& approving = parts_.approving;
  const ApprovalPolicy each{.enabled = true, .low_value = {}};
  const ApprovalPolicy& policy = approve ? each : approving.policy;
  // Nobody is asked to approve what a limit refuses.
  if (intent.payment.limit_refusal || !DependsOnUse(policy, Kind::kPayout, false)) {
    std::vector<Intent> one;
    one.push_back(std::move(intent));
    auto stored = co_await parts_.payments.InsertIntents(std::move(one));
    if (!stored.ok()) co_return stored.status();
    co_return std::move(stored->front());
  }
  ApprovalTerms terms = NewTerms(intent.payment.payment_id, PayeeNameOf(beneficiary),
                                 crypto::RandomOctets(sca::kNonceSize), intent.payment.create_time);
  absl::StatusOr<Judged> judged =
      co_await approving.store.InsertJudged(std::move(intent), std::move(terms), policy);
  if (!judged.ok()) co_return judged.status();
  if (judged->verdict) CountVerdict(*judged->verdict);
  co_return std::move(judged->stored);
}

Task<absl::StatusOr<Payout>> Payouts::Run(Uuid payment_id) {
  absl::StatusOr<Payout> payout = co_await parts_.payouts.FindPayout(payment_id);
  if (!payout.ok()) co_return payout.status();
  co_return co_await Drive(*std::move(payout));
}

Task<absl::StatusOr<Payout>> Payouts::Get(Uuid user_id, Uuid payment_id) {
  absl::StatusOr<Payout> payout = co_await parts_.payouts.FindPayout(payment_id);
  if (payout.ok() && payout->payment.user_id != user_id) co_return NotFound();
  co_return payout;
}

Task<absl::StatusOr<Payout>> Payouts::Cancel(Uuid user_id, Uuid payment_id, audit::Origin origin) {
  absl::StatusOr<Payout> payout = co_await Get(user_id, payment_id);
  if (!payout.ok()) co_return payout.status();
  if (payout->payment.state == State::kRequiresAction) {
    const absl::StatusOr<Payment> canceled =
        co_await parts_.confirm.Cancel(user_id, payment_id, std::move(origin));
    if (!canceled.ok()) co_return canceled.status();
    payout = co_await Get(user_id, payment_id);
  } else if (payout->stage == PayoutStage::kReserved) {
    // Whoever is first, this or the sending of it, decides.
    payout =
        co_await parts_.payouts.Advance(payment_id, PayoutStage::kReserved, PayoutStage::kCanceling,
                                        "", NowInMicroseconds(parts_.clock));
  }
  if (!payout.ok()) co_return payout.status();
  const bool given_up =
      payout->stage == PayoutStage::kCanceling || payout->payment.state == State::kCanceled;
  if (!given_up) co_return Error(Reason::kPaymentNotCancelable, "the payout is on its way");
  co_return co_await Drive(*std::move(payout));
}

Task<absl::Status> Payouts::Notified(Uuid payment_id) {
  absl::StatusOr<Payout> payout = co_await parts_.payouts.FindPayout(payment_id);
  if (ReasonOf(payout.status()) == Reason::kPaymentNotFound) {
    telemetry::Log(telemetry::Severity::kError, "a rail notifies of a payout that nobody made",
                   {{"payment_id", FormatId(IdKind::kPayment, payment_id)}});
    co_return absl::OkStatus();
  }
  if (payout.ok()) payout = co_await Drive(*std::move(payout));
  if (!payout.ok()) co_return payout.status();
  const bool over = IsTerminal(payout->stage);
  if (over) co_return absl::OkStatus();
  if (payout->stage != PayoutStage::kSettled) {
    co_return Error(Reason::kUnavailable, "the rail does not say what has happened");
  }
  const absl::StatusOr<RailStatus> status =
      co_await parts_.rails.at(payout->rail)->StatusOf(payment_id);
  if (!status.ok()) co_return status.status();
  if (status->state != RailState::kReturned) co_return absl::OkStatus();
  Next returning = co_await Advance(*payout, PayoutStage::kReturning, status->code);
  if (!returning.ok()) co_return returning.status();
  payout = co_await Drive(**std::move(returning));
  co_return payout.status();
}

Task<absl::StatusOr<int>> Payouts::RunOnce() {
  absl::StatusOr<std::vector<Payout>> claimed =
      co_await parts_.payouts.ClaimPayouts(NowInMicroseconds(parts_.clock), kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  for (Payout& payout : *claimed) {
    // One that does not get on keeps no other from it, and is claimed again.
    const std::string id = TextOf(payout.payment);
    const absl::StatusOr<Payout> driven = co_await Drive(std::move(payout));
    if (driven.ok()) continue;
    telemetry::Log(telemetry::Severity::kWarning, "a payout does not get on",
                   {{"payment_id", id}, {"error", std::string(driven.status().message())}});
  }
  co_return static_cast<int>(claimed->size());
}

Task<absl::StatusOr<Payout>> Payouts::Drive(Payout payout) {
  for (int i = 0; i < kMostSteps; ++i) {
    Next next = co_await Step(payout);
    if (!next.ok()) co_return next.status();
    if (!next->has_value()) break;
    payout = **std::move(next);
  }
  co_return payout;
}

Task<Payouts::Next> Payouts::Step(const Payout& payout) {
  switch (payout.stage) {
    case PayoutStage::kCreated:
      co_return co_await Reserve(payout);
    case PayoutStage::kReserved:
      co_return co_await Advance(payout, PayoutStage::kSending, "");
    case PayoutStage::kSending:
    case PayoutStage::kCanceling:
    case PayoutStage::kSettling:
    case PayoutStage::kRejecting:
    case PayoutStage::kReturning:
      co_return co_await Book(payout);
    case PayoutStage::kSent:
      co_return co_await AskRail(payout);
    default:
      co_return std::nullopt;
  }
}

Task<Payouts::Next> Payouts::Reserve(const Payout& payout) {
  Payment payment = payout.payment;
  if (payment.state == State::kRequiresAction) co_return std::nullopt;
  if (payment.state == State::kCanceled) {
    co_return co_await Advance(payout, PayoutStage::kCanceled, "");
  }
  if (payment.state == State::kProcessing) {
    absl::StatusOr<Payment> settled = co_await parts_.settlement.Settle(payment);
    if (!settled.ok()) co_return settled.status();
    payment = *std::move(settled);
  }
  const bool reserved = payment.state == State::kProcessing;
  const PayoutStage next = reserved ? PayoutStage::kReserved : PayoutStage::kRefused;
  FLORIN_CO_RETURN_IF_ERROR(co_await TellSuspense(payout, next, payment.failure_reason));
  co_return co_await Advance(payout, next, "");
}

Task<Payouts::Next> Payouts::Book(const Payout& payout) {
  const std::map<std::string, std::string> metadata = {{"payment_id", TextOf(payout.payment)},
                                                       {"step", std::string(NameOf(payout.stage))}};
  absl::StatusOr<LedgerAnswer> answer = co_await payments::Book(
      parts_.settlement, parts_.chart, HouseAccountsOf(payout), BookingOf(payout, 1), metadata);
  // Its first id stays refused, so that every repetition comes here, too.
  const bool second = answer.ok() && !answer->committed && HasSecondAttempt(payout.stage);
  if (second) {
    answer = co_await payments::Book(parts_.settlement, parts_.chart, HouseAccountsOf(payout),
                                     BookingOf(payout, 2), metadata);
  }
  if (!answer.ok()) co_return answer.status();
  if (answer->committed) {
    const PayoutStage booked = BookedStageOf(payout.stage);
    if (booked == PayoutStage::kCanceled || booked == PayoutStage::kRejected) {
      // Before the payout says that it has ended: until then it is repeated.
      FLORIN_CO_RETURN_IF_ERROR(co_await parts_.settlement.ReleaseLimits(payout.payment));
    }
    if (second && parts_.suspense != nullptr && !IsFromSuspense(payout.payment)) {
      SuspenseItem item = ItemOf(payout, NowInMicroseconds(parts_.clock));
      FLORIN_CO_RETURN_IF_ERROR(co_await parts_.suspense->KeepItem(std::move(item)));
    }
    FLORIN_CO_RETURN_IF_ERROR(co_await TellSuspense(payout, booked, payout.code));
    co_return co_await Advance(payout, booked, "");
  }
  if (payout.stage == PayoutStage::kSending) {
    co_return co_await Advance(payout, PayoutStage::kCanceling, answer->refusal_reason);
  }
  telemetry::Log(telemetry::Severity::kError, "the ledger refuses a booking of a payout",
                 {{"payment_id", TextOf(payout.payment)},
                  {"step", std::string(NameOf(payout.stage))},
                  {"reason", answer->refusal_reason}});
  co_return Error(Reason::kInternal, "the ledger refuses a booking of the payout");
}

Task<absl::Status> Payouts::TellSuspense(const Payout& payout, PayoutStage to,
                                         const std::string& why) {
  if (parts_.suspense == nullptr || !IsFromSuspense(payout.payment)) co_return absl::OkStatus();
  const std::optional<ReturnEnd> end = ReturnEndOf(to, why);
  if (!end) co_return absl::OkStatus();
  const absl::StatusOr<KeptSuspense> kept =
      co_await parts_.suspense->End(payout.payment.payment_id, end->state, end->failure_reason,
                                    end->rail_code, NowInMicroseconds(parts_.clock));
  co_return kept.status();
}

Task<Payouts::Next> Payouts::AskRail(const Payout& payout) {
  const absl::StatusOr<RailStatus> status = co_await AskOrSubmit(payout);
  if (status.ok()) {
    if (status->state == RailState::kSettled || status->state == RailState::kReturned) {
      co_return co_await Advance(payout, PayoutStage::kSettling, "");
    }
    if (status->state == RailState::kRejected) {
      co_return co_await Advance(payout, PayoutStage::kRejecting, status->code);
    }
  }
  // Nothing was said: the worker asks again, or the rail notifies.
  const absl::Time again = NowInMicroseconds(parts_.clock) + PauseAfter(payout.asked);
  const absl::Status postponed = co_await parts_.payouts.Postpone(payout.payment.payment_id, again);
  if (!postponed.ok()) co_return postponed;
  co_return std::nullopt;
}

Task<absl::StatusOr<RailStatus>> Payouts::AskOrSubmit(const Payout& payout) {
  Rail& rail = *parts_.rails.at(payout.rail);
  absl::StatusOr<RailStatus> status = co_await rail.StatusOf(payout.payment.payment_id);
  if (!status.ok() || status->state != RailState::kUnknown) co_return status;
  RailPayout submission{.payout_id = payout.payment.payment_id,
                        .amount = payout.payment.amount,
                        .beneficiary = payout.beneficiary,
                        .reference = payout.payment.reference};
  if (IsFromSuspense(payout.payment)) submission.return_of = payout.beneficiary.account;
  co_return co_await rail.Submit(std::move(submission));
}

Task<Payouts::Next> Payouts::Advance(const Payout& payout, PayoutStage to, std::string code) {
  const State before = payout.payment.state;
  absl::StatusOr<Payout> kept =
      co_await parts_.payouts.Advance(payout.payment.payment_id, payout.stage, to, std::move(code),
                                      NowInMicroseconds(parts_.clock));
  if (!kept.ok()) co_return kept.status();
  if (kept->stage == to && kept->payment.state != before) {
    const State state = kept->payment.state;
    const bool well = state == State::kSucceeded || kept->payment.failure_reason.empty();
    telemetry::Count(
        "florin_payments_ended_total",
        {{"kind", std::string(NameOf(Kind::kPayout))},
         {"result", well ? std::string(NameOf(state)) : kept->payment.failure_reason}});
  }
  co_return std::optional(*std::move(kept));
}

}  // namespace florin::payments
