#include "services/payments/rpc/disputes_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/payments/flow/agreement.h"
#include "services/payments/rpc/charge_protos.h"
#include "services/payments/rpc/pricing_proto.h"

namespace florin::payments {
namespace {

constexpr std::string_view kOperatorScope = "disputes:resolve";
constexpr std::string_view kResolutionKind = "payments.dispute";

absl::Status NotFound() { return Error(Reason::kDisputeNotFound, "no such dispute"); }

v1::Dispute::State ToProto(DisputeState state) {
  switch (state) {
    case DisputeState::kNeedsResponse:
      return v1::Dispute::NEEDS_RESPONSE;
    case DisputeState::kUnderReview:
      return v1::Dispute::UNDER_REVIEW;
    case DisputeState::kWon:
      return v1::Dispute::WON;
    case DisputeState::kLost:
      return v1::Dispute::LOST;
    case DisputeState::kWithdrawn:
      return v1::Dispute::WITHDRAWN;
  }
  return v1::Dispute::STATE_UNSPECIFIED;
}

// Whether the user is on its payee's side.
bool IsPayee(const SeenPayment& seen, const Dispute& dispute) {
  return seen.IsPayee(dispute.payee_account_id);
}

v1::Dispute ToProto(const Dispute& dispute, const Payment& payment) {
  v1::Dispute proto;
  proto.set_dispute_id(FormatId(IdKind::kDispute, dispute.dispute_id));
  proto.set_payment_id(FormatId(IdKind::kPayment, dispute.payment_id));
  proto.set_state(ToProto(dispute.state));
  SetAmount(dispute.amount_minor, payment, *proto.mutable_amount());
  if (ConversionOf(payment) != nullptr) {
    const Currency& credited = CreditedOf(payment).currency;
    SetMoney({dispute.returned.payee_minor, credited}, *proto.mutable_debited_amount());
  }
  if (!dispute.payee_account_id.is_nil()) {
    proto.set_account_id(FormatId(IdKind::kAccount, dispute.payee_account_id));
  }
  proto.set_reason_code(dispute.reason_code);
  SetTime(dispute.respond_by, *proto.mutable_respond_by());
  SetTime(dispute.create_time, *proto.mutable_create_time());
  SetTime(dispute.update_time, *proto.mutable_update_time());
  return proto;
}

// As FailureOf(step), and of one that came too late what the dispute is now.
absl::Status FailureOf(const ChargeSteps::Outcome& outcome) {
  if (outcome.step.failure_reason != InfoOf(Reason::kDisputeClosed).name) {
    return FailureOf(outcome.step);
  }
  return Error(
      Reason::kDisputeClosed, "the dispute is not to be decided (any more)",
      {.metadata = {{"state", v1::Dispute::State_Name(ToProto(outcome.charge.dispute->state))}}});
}

// What two people agree on: canonical JSON (RFC 8785).
std::string ResolutionPayload(const v1::ResolveDisputeRequest& request) {
  return R"({"dispute_id":")" + request.dispute_id() + R"(","outcome":")" +
         v1::Dispute::State_Name(request.outcome()) + R"("})";
}

std::string CanonicalEvidence(const Uuid& dispute_id, const v1::SubmitEvidenceRequest& request) {
  std::string out = dispute_id.ToString();
  for (const std::string& text : request.texts()) {
    out += std::to_string(text.size()) + ':' + text + ';';
  }
  return out;
}

}  // namespace

Task<absl::StatusOr<DisputesRpc::Seen>> DisputesRpc::Find(const rpc::Call& call,
                                                          std::string dispute_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kDispute, dispute_id, "dispute_id"));
  absl::StatusOr<Dispute> dispute = co_await store_.GetDispute(id);
  if (!dispute.ok()) co_return dispute.status();
  rpc::Outgoing context = call.AsService();
  absl::StatusOr<SeenPayment> payment =
      co_await parties_.Find(std::move(context), user, dispute->payment_id);
  if (!payment.ok()) {
    co_return ReasonOf(payment.status()) == Reason::kPaymentNotFound ? NotFound()
                                                                     : payment.status();
  }
  if (!payment->payer && !IsPayee(*payment, *dispute)) co_return NotFound();
  co_return Seen{.dispute = *std::move(dispute), .payment = *std::move(payment)};
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::OpenDispute(rpc::Call& call,
                                                           const v1::OpenDisputeRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  FLORIN_CO_RETURN_IF_ERROR(CheckReasonCode(request.reason_code()));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<Payment> payment =
      co_await parties_.FindAsPayer(std::move(context), user, id);
  if (!payment.ok()) co_return payment.status();
  FLORIN_CO_ASSIGN_OR_RETURN(const std::int64_t amount,
                             ParseAmount(request.has_amount(), request.amount(), *payment));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid payee,
                             ParsePayee(request.account_id(), *payment, PayeesOf(*payment)));
  Step step{.step_id = ids_.NewId(),
            .payment_id = id,
            .user_id = user,
            .kind = StepKind::kDispute,
            .amount_minor = amount,
            .may_owe = true,
            .note = request.reason_code(),
            .payee_account_id = payee};
  const absl::StatusOr<ChargeSteps::Outcome> outcome =
      co_await RunStep(steps_, call, std::move(step));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->step.state == StepState::kFailed) co_return FailureOf(*outcome);
  co_return ToProto(*outcome->charge.dispute, outcome->charge.payment);
}

Task<absl::StatusOr<v1::ListDisputesResponse>> DisputesRpc::ListDisputes(
    rpc::Call& call, const v1::ListDisputesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> seen = co_await parties_.Find(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  const absl::StatusOr<std::vector<Dispute>> disputes = co_await store_.ListDisputes(id);
  if (!disputes.ok()) co_return disputes.status();
  v1::ListDisputesResponse response;
  for (const Dispute& dispute : *disputes) {
    if (!seen->payer && !IsPayee(*seen, dispute)) continue;
    *response.add_disputes() = ToProto(dispute, seen->payment);
  }
  co_return response;
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::GetDispute(rpc::Call& call,
                                                          const v1::GetDisputeRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kDispute, request.dispute_id(), "dispute_id"));
  absl::StatusOr<Seen> seen = co_await Find(call, request.dispute_id());
  const bool decides = call.principal().HasScope(kOperatorScope);
  if (!seen.ok() && decides && ReasonOf(seen.status()) == Reason::kDisputeNotFound) {
    absl::StatusOr<Dispute> dispute = co_await store_.GetDispute(id);
    if (!dispute.ok()) co_return dispute.status();
    absl::StatusOr<Payment> payment = co_await store_.FindPayment(dispute->payment_id);
    if (!payment.ok()) co_return payment.status();
    seen = Seen{.dispute = *std::move(dispute), .payment = {.payment = *std::move(payment)}};
  }
  if (!seen.ok()) co_return seen.status();
  v1::Dispute proto = ToProto(seen->dispute, seen->payment.payment);
  if (!decides && !IsPayee(seen->payment, seen->dispute)) co_return proto;
  const absl::StatusOr<std::vector<Evidence>> texts = co_await store_.ListEvidence(id);
  if (!texts.ok()) co_return texts.status();
  for (const Evidence& evidence : *texts) {
    v1::Dispute::Evidence& out = *proto.add_evidence();
    out.set_text(evidence.text);
    SetTime(evidence.create_time, *out.mutable_create_time());
  }
  co_return proto;
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::SubmitEvidence(
    rpc::Call& call, const v1::SubmitEvidenceRequest& request) {
  if (request.texts().empty() || request.texts_size() > static_cast<int>(kMostEvidence)) {
    co_return Error(Reason::kInvalidEvidence, "1 to 20 texts", {.param = "texts"});
  }
  for (const std::string& text : request.texts()) {
    FLORIN_CO_RETURN_IF_ERROR(CheckEvidence(text));
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  const absl::StatusOr<Seen> seen = co_await Find(call, request.dispute_id());
  if (!seen.ok()) co_return seen.status();
  if (!IsPayee(seen->payment, seen->dispute)) co_return NotFound();
  const Uuid id = seen->dispute.dispute_id;
  EvidenceIntent intent{.dispute_id = id,
                        .user_id = user,
                        .idempotency_key = call.idempotency_key(),
                        .fingerprint = crypto::Sha256(CanonicalEvidence(id, request)),
                        .texts = {request.texts().begin(), request.texts().end()},
                        .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<Dispute> dispute =
      co_await store_.AddEvidence(std::move(intent), NowInMicroseconds(clock_));
  if (!dispute.ok()) co_return dispute.status();
  co_return ToProto(*dispute, seen->payment.payment);
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::AcceptDispute(
    rpc::Call& call, const v1::AcceptDisputeRequest& request) {
  absl::StatusOr<Seen> seen = co_await Find(call, request.dispute_id());
  if (!seen.ok()) co_return seen.status();
  if (!IsPayee(seen->payment, seen->dispute)) co_return NotFound();
  co_return co_await Decide(call, std::move(seen->dispute), StepKind::kAccept, "");
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::WithdrawDispute(
    rpc::Call& call, const v1::WithdrawDisputeRequest& request) {
  absl::StatusOr<Seen> seen = co_await Find(call, request.dispute_id());
  if (!seen.ok()) co_return seen.status();
  if (!seen->payment.payer) co_return NotFound();
  co_return co_await Decide(call, std::move(seen->dispute), StepKind::kWithdraw, "");
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::ResolveDispute(
    rpc::Call& call, const v1::ResolveDisputeRequest& request) {
  const bool won = request.outcome() == v1::Dispute::WON;
  if (!won && request.outcome() != v1::Dispute::LOST) {
    co_return Error(Reason::kInvalidField, "WON or LOST", {.param = "outcome"});
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kDispute, request.dispute_id(), "dispute_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  absl::StatusOr<Dispute> dispute = co_await store_.GetDispute(id);
  if (!dispute.ok()) co_return dispute.status();
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> own =
      co_await parties_.Find(std::move(context), user, dispute->payment_id);
  if (own.ok()) co_return Error(Reason::kSelfApproval, "a party decides on no dispute of its own");
  if (ReasonOf(own.status()) != Reason::kPaymentNotFound) co_return own.status();
  FLORIN_CO_RETURN_IF_ERROR(co_await Consume(call, request));
  std::string outcome(won ? kWon : kLost);
  co_return co_await Decide(call, *std::move(dispute), StepKind::kResolve, std::move(outcome));
}

Task<absl::Status> DisputesRpc::Consume(rpc::Call& call, const v1::ResolveDisputeRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(
      ParseId(IdKind::kProposal, request.proposal_id(), "proposal_id").status());
  Agreement agreement{.proposal_id = request.proposal_id(),
                      .kind = std::string(kResolutionKind),
                      .payload = ResolutionPayload(request),
                      .execution_id = request.dispute_id()};
  rpc::Outgoing context = call.AsService();
  co_return co_await payments::Consume(proposals_, std::move(context), std::move(agreement));
}

Task<absl::StatusOr<v1::Dispute>> DisputesRpc::Decide(rpc::Call& call, Dispute dispute,
                                                      StepKind kind, std::string outcome) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  Step step{.step_id = ids_.NewId(),
            .payment_id = dispute.payment_id,
            .user_id = user,
            .kind = kind,
            .note = std::move(outcome),
            .dispute_id = dispute.dispute_id};
  const absl::StatusOr<ChargeSteps::Outcome> decided =
      co_await RunStep(steps_, call, std::move(step));
  if (!decided.ok()) co_return decided.status();
  if (decided->step.state == StepState::kFailed) co_return FailureOf(*decided);
  co_return ToProto(*decided->charge.dispute, decided->charge.payment);
}

}  // namespace florin::payments
