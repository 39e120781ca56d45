#include "services/payments/rpc/payments_rpc.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "libs/audit/call_origin.h"
#include "libs/merkle/tree_head.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "libs/telemetry/trace_context.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/rpc/charge_protos.h"
#include "services/payments/rpc/pricing_proto.h"

namespace florin::payments {
namespace {

v1::Payment::State ToProto(State state) {
  switch (state) {
    case State::kProcessing:
      return v1::Payment::PROCESSING;
    case State::kSucceeded:
      return v1::Payment::SUCCEEDED;
    case State::kFailed:
      return v1::Payment::FAILED;
    case State::kRequiresAction:
      return v1::Payment::REQUIRES_ACTION;
    case State::kCanceled:
      return v1::Payment::CANCELED;
    case State::kRequiresCapture:
      return v1::Payment::REQUIRES_CAPTURE;
    case State::kReturned:
      return v1::Payment::RETURNED;
  }
  return v1::Payment::STATE_UNSPECIFIED;
}

// What `payment` asks of its payer.
v1::NextAction NextActionOf(const Payment& payment, const std::string& approval_page) {
  const crypto::Digest binding = sca::BindingDigest(BindingOf(payment));
  v1::NextAction action;
  action.set_approval_id(FormatId(IdKind::kApproval, payment.approval->approval_id));
  action.set_binding(crypto::Base64UrlEncode(crypto::AsOctets(binding)));
  SetTime(payment.approval->expire_time, *action.mutable_expire_time());
  action.set_approval_url(approval_page + "?id=" + action.approval_id());
  return action;
}

// How the payment is captured, and what became of its money since.
void SetCharges(const Payment& payment, v1::Payment& proto) {
  proto.set_capture_method(payment.authorization_timeout ? v1::Payment::MANUAL
                                                         : v1::Payment::AUTOMATIC);
  if (payment.authorization_expire_time) {
    SetTime(*payment.authorization_expire_time, *proto.mutable_authorization_expire_time());
  }
  const Counters& counters = payment.counters;
  const std::int64_t captured = CapturedOf(payment);
  if (captured > 0) SetAmount(captured, payment, *proto.mutable_captured_amount());
  if (counters.refunded_minor > 0) {
    SetAmount(counters.refunded_minor, payment, *proto.mutable_refunded_amount());
  }
  if (counters.disputed_minor > 0) {
    SetAmount(counters.disputed_minor, payment, *proto.mutable_disputed_amount());
  }
}

v1::Payment::Kind ToProto(Kind kind) {
  switch (kind) {
    case Kind::kTransfer:
      return v1::Payment::TRANSFER;
    case Kind::kDeposit:
      return v1::Payment::DEPOSIT;
    case Kind::kPayout:
      return v1::Payment::PAYOUT;
  }
  return v1::Payment::KIND_UNSPECIFIED;
}

v1::Payment ToProto(const Payment& payment, const std::string& approval_page) {
  v1::Payment proto;
  proto.set_payment_id(FormatId(IdKind::kPayment, payment.payment_id));
  proto.set_kind(ToProto(payment.kind));
  proto.set_state(ToProto(payment.state));
  if (payment.kind != Kind::kDeposit) {
    proto.set_source_account_id(FormatId(IdKind::kAccount, payment.source_account_id));
  }
  if (payment.kind != Kind::kPayout) {
    proto.set_destination_account_id(FormatId(IdKind::kAccount, payment.destination_account_id));
  }
  SetMoney(payment.amount, *proto.mutable_amount());
  proto.set_reference(payment.reference);
  proto.set_failure_reason(payment.failure_reason);
  proto.set_transaction_id(FormatId(IdKind::kTransaction, payment.transaction_id));
  SetTime(payment.create_time, *proto.mutable_create_time());
  SetTime(payment.update_time, *proto.mutable_update_time());
  AddPricing(payment, proto);
  if (payment.state == State::kRequiresAction) {
    *proto.mutable_next_action() = NextActionOf(payment, approval_page);
  }
  SetCharges(payment, proto);
  return proto;
}

// Of a payment to several payees what concerns the owner of some of the accounts, and no other.
void KeepSharesOf(const SeenPayment& seen, v1::Payment& proto) {
  proto.clear_splits();
  std::int64_t share = 0;
  std::int64_t credited = 0;
  // Parts of what PricePayment() has cut: they add up.
  for (const Split& split : seen.payment.pricing->splits) {
    if (!seen.IsPayee(split.destination_account_id)) continue;
    AddSplit(split, seen.payment.amount.currency, proto);
    share += split.amount_minor;
    credited += split.amount_minor - split.fee_minor;
  }
  SetAmount(share, seen.payment, *proto.mutable_amount());
  SetAmount(credited, seen.payment, *proto.mutable_credited());
  SetAmount(share, seen.payment, *proto.mutable_captured_amount());
  proto.clear_debited();
  proto.clear_fee();
  proto.clear_refunded_amount();
  proto.clear_disputed_amount();
}

// What a payee sees, who did not make it: not whose money it was, nor what others got. It waits
// for no approval any more (VisibleToPayee()).
v1::Payment ForPayee(const SeenPayment& seen) {
  v1::Payment proto = ToProto(seen.payment, "");
  proto.clear_source_account_id();
  if (HasSeveralPayees(seen.payment)) KeepSharesOf(seen, proto);
  return proto;
}

// `authorization_timeout_seconds` and `capture_method` of a request.
absl::StatusOr<std::optional<absl::Duration>> ParseCapture(const v1::CreatePaymentRequest& proto) {
  const std::int32_t seconds = proto.authorization_timeout_seconds();
  if (proto.capture_method() != v1::Payment::MANUAL) {
    if (seconds == 0) return std::nullopt;
    return Error(Reason::kInvalidField, "only payments that are captured manually have one",
                 {.param = "authorization_timeout_seconds"});
  }
  if (seconds == 0) return kDefaultAuthorization;
  return absl::Seconds(seconds);
}

// The answer to whoever makes or confirms a payment: one that ended badly is an error, each time.
absl::StatusOr<v1::Payment> AnswerOf(const Payment& payment, const std::string& approval_page) {
  if (payment.state == State::kFailed) return FailureOf(payment);
  if (payment.state == State::kCanceled) return CancellationOf(payment);
  return ToProto(payment, approval_page);
}

absl::StatusOr<PaymentRequest> ParseTransfer(const v1::CreatePaymentRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid source, ParseId(IdKind::kAccount, proto.source_account_id(), "source_account_id"));
  std::vector<Split> splits;
  Uuid destination;
  if (proto.splits().empty()) {
    FLORIN_ASSIGN_OR_RETURN(destination, ParseId(IdKind::kAccount, proto.destination_account_id(),
                                                 "destination_account_id"));
  }
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  if (!proto.splits().empty()) {
    FLORIN_ASSIGN_OR_RETURN(splits, ParseSplits(proto));
    destination = splits.front().destination_account_id;
  }
  Uuid quote_id;
  if (!proto.quote_id().empty()) {
    FLORIN_ASSIGN_OR_RETURN(quote_id, ParseId(IdKind::kQuote, proto.quote_id(), "quote_id"));
  }
  FLORIN_ASSIGN_OR_RETURN(const std::optional<absl::Duration> timeout, ParseCapture(proto));
  return PaymentRequest{.kind = Kind::kTransfer,
                        .source_account_id = source,
                        .destination_account_id = destination,
                        .amount = amount,
                        .reference = proto.reference(),
                        .quote_id = quote_id,
                        .splits = std::move(splits),
                        .authorization_timeout = timeout};
}

absl::StatusOr<PaymentRequest> ParseDeposit(const v1::CreateDepositRequest& proto) {
  FLORIN_ASSIGN_OR_RETURN(
      const Uuid destination,
      ParseId(IdKind::kAccount, proto.destination_account_id(), "destination_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  return PaymentRequest{.kind = Kind::kDeposit,
                        .source_account_id = Uuid(),
                        .destination_account_id = destination,
                        .amount = amount,
                        .reference = proto.reference()};
}

// The ledger's proof as the receipt that anybody can verify.
absl::StatusOr<v1::Receipt> ReceiptOf(const ledger::v1::InclusionProof& proof) {
  const ledger::v1::TreeHead& signed_head = proof.tree_head();
  const absl::StatusOr<merkle::TreeHead> head = merkle::ParseCheckpoint(signed_head.checkpoint());
  if (!head.ok()) return Error(Reason::kInternal, "the ledger proves by no checkpoint");
  v1::Receipt receipt;
  receipt.set_format("florin.ledger.receipt.v1");
  receipt.set_origin(head->origin);
  receipt.set_record(proof.record());
  receipt.set_leaf_index(proof.leaf_index());
  receipt.set_tree_size(static_cast<std::int64_t>(head->size));
  for (const std::string& node : proof.path()) receipt.add_path(absl::Base64Escape(node));
  receipt.set_checkpoint(signed_head.checkpoint());
  receipt.set_key_id(signed_head.key_id());
  receipt.set_algorithm(signed_head.algorithm());
  receipt.set_signature(absl::Base64Escape(signed_head.signature()));
  return receipt;
}

// What the user is told if the ledger gives no proof.
absl::Status WhyNoReceipt(const Payment& payment, const absl::Status& cause) {
  switch (ReasonOf(cause).value_or(Reason::kInternal)) {
    case Reason::kNotSealedYet:
    case Reason::kUnavailable:
    case Reason::kDeadlineExceeded:
    case Reason::kOverloaded:
      return cause;
    case Reason::kTransactionNotFound:
      if (payment.state == State::kCanceled) return CancellationOf(payment);
      // The recovery worker will bring it to the ledger, or its owner.
      if (payment.state == State::kProcessing || payment.state == State::kRequiresAction) {
        return Error(Reason::kNotSealedYet, "the ledger has not decided the payment yet");
      }
      return Error(Reason::kInternal, "the ledger does not know a payment that has ended");
    default:
      return Error(Reason::kInternal, "the ledger cannot prove the payment");
  }
}

}  // namespace

v1::Payment PaymentProto(const Payment& payment, const std::string& approval_page) {
  return ToProto(payment, approval_page);
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::CreatePayment(
    rpc::Call& call, const v1::CreatePaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(PaymentRequest parsed, ParseTransfer(request));
  co_return co_await Create(call, std::move(parsed));
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::CreateDeposit(
    rpc::Call& call, const v1::CreateDepositRequest& request) {
  if (!sandbox_) co_return Error(Reason::kSandboxDisabled, "there is no sandbox rail here");
  FLORIN_CO_ASSIGN_OR_RETURN(PaymentRequest parsed, ParseDeposit(request));
  co_return co_await Create(call, std::move(parsed));
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::Create(rpc::Call& call, PaymentRequest request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  rpc::Outgoing context = call.AsService();
  std::string key = call.idempotency_key();
  const absl::StatusOr<florin::payments::CreatePayment::Outcome> outcome = co_await create_.Run(
      std::move(context), user, std::move(key), std::move(request), audit::OriginOfCall(call));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  co_return AnswerOf(outcome->payment, approval_page_);
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::ConfirmPayment(
    rpc::Call& call, const v1::ConfirmPaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<Payment> payment =
      co_await confirm_.Run(std::move(context), user, id, audit::OriginOfCall(call));
  if (!payment.ok()) co_return payment.status();
  co_return AnswerOf(*payment, approval_page_);
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::CancelPayment(
    rpc::Call& call, const v1::CancelPaymentRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  rpc::Outgoing context = call.AsService();
  absl::StatusOr<SeenPayment> seen = co_await parties_.Find(std::move(context), user, id);
  if (!seen.ok()) co_return seen.status();
  if (seen->payment.authorization_expire_time && seen->IsPayee()) {
    co_return co_await Void(call, user, *std::move(seen));
  }
  if (!seen->payer) {
    co_return Error(Reason::kPaymentNotCancelable, "the payment has succeeded");
  }
  const absl::StatusOr<Payment> payment =
      co_await confirm_.Cancel(user, id, audit::OriginOfCall(call));
  if (!payment.ok()) co_return payment.status();
  co_return ToProto(*payment, approval_page_);
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::Void(rpc::Call& call, Uuid user, SeenPayment seen) {
  // An authorization is voided once, whoever asks how often.
  std::string key = FormatId(IdKind::kPayment, seen.payment.payment_id);
  Step step{.step_id = DeriveId("florin.payments.void", key),
            .payment_id = seen.payment.payment_id,
            .user_id = user,
            .kind = StepKind::kVoid,
            .trace_id = std::string(telemetry::TraceIdOf(call.traceparent()))};
  const absl::StatusOr<ChargeSteps::Outcome> outcome =
      co_await steps_.Run(std::move(step), std::move(key), audit::OriginOfCall(call));
  if (!outcome.ok()) co_return outcome.status();
  seen.payment = outcome->charge.payment;
  const Payment& now = seen.payment;
  if (now.counters.release_reason != InfoOf(Reason::kPaymentCanceled).name) {
    co_return Error(Reason::kPaymentNotCancelable, "nothing of the authorization was left");
  }
  co_return seen.payer ? ToProto(now, approval_page_) : ForPayee(seen);
}

Task<absl::StatusOr<v1::Payment>> PaymentsRpc::GetPayment(rpc::Call& call,
                                                          const v1::GetPaymentRequest& request) {
  // Whoever made it needs nobody else to see it.
  const absl::StatusOr<Payment> own = co_await Find(call, request.payment_id());
  if (own.ok()) co_return ToProto(*own, approval_page_);
  if (ReasonOf(own.status()) != Reason::kPaymentNotFound) co_return own.status();
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kPayment, request.payment_id(), "payment_id"));
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<SeenPayment> received =
      co_await parties_.FindAsPayee(std::move(context), user, id);
  if (!received.ok()) co_return received.status();
  co_return ForPayee(*received);
}

Task<absl::StatusOr<Payment>> PaymentsRpc::Find(const rpc::Call& call, std::string payment_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kPayment, payment_id, "payment_id"));
  co_return co_await store_.GetPayment(user, id);
}

Task<absl::StatusOr<v1::GetPaymentReceiptResponse>> PaymentsRpc::GetPaymentReceipt(
    rpc::Call& call, const v1::GetPaymentReceiptRequest& request) {
  const absl::StatusOr<Payment> payment = co_await Find(call, request.payment_id());
  if (!payment.ok()) co_return payment.status();
  ledger::v1::GetInclusionProofRequest wanted;
  // Between books: of what the payer's book says.
  const std::string& book = payment->books ? payment->books->source : book_;
  wanted.set_book(book);
  wanted.set_transaction_id(FormatId(IdKind::kTransaction, payment->transaction_id));
  rpc::Outgoing context = call.AsService();
  context.route = book;
  const absl::StatusOr<ledger::v1::InclusionProof> proof =
      co_await proofs_.GetInclusionProof(std::move(context), wanted);
  if (!proof.ok()) co_return WhyNoReceipt(*payment, proof.status());
  v1::GetPaymentReceiptResponse response;
  FLORIN_CO_ASSIGN_OR_RETURN(*response.mutable_receipt(), ReceiptOf(*proof));
  co_return response;
}

Task<absl::StatusOr<v1::ListPaymentsResponse>> PaymentsRpc::ListPayments(
    rpc::Call& call, const v1::ListPaymentsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<Payment>> payments =
      co_await store_.ListPayments(user, page.after, page.size + 1);
  if (!payments.ok()) co_return payments.status();
  v1::ListPaymentsResponse response;
  response.set_next_page_token(
      CutPage(page, *payments, [](const Payment& payment) { return payment.payment_id; }));
  for (const Payment& payment : *payments) {
    *response.add_payments() = ToProto(payment, approval_page_);
  }
  co_return response;
}

}  // namespace florin::payments
