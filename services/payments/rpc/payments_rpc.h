// The gRPC face of payments: checks shape, calls, maps. See proto/florin/payments/v1/payments.proto
// for what each method promises.
#pragma once

#include "florin/ledger/v1/proof.rpc.h"
#include "florin/payments/v1/payments.rpc.h"
#include "services/payments/flow/charge_steps.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/payment_parties.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// A payment as whoever made it sees it. `approval_page`: the URL of the page on which payers
// approve.
v1::Payment PaymentProto(const Payment& payment, const std::string& approval_page);

// Thread-safe.
class PaymentsRpc : public v1::PaymentsService {
 public:
  // `book`: the ledger's, that payments move money in. `sandbox`: whether this deployment has the
  // sandbox rail. `approval_page`: the URL of the page on which payers approve. References outlive
  // this.
  PaymentsRpc(florin::payments::CreatePayment& create, florin::payments::ConfirmPayment& confirm,
              PaymentParties& parties, ChargeSteps& steps, Store& store,
              ledger::v1::LedgerProofClient& proofs, std::string book, bool sandbox,
              std::string approval_page)
      : create_(create),
        confirm_(confirm),
        parties_(parties),
        steps_(steps),
        store_(store),
        proofs_(proofs),
        book_(std::move(book)),
        sandbox_(sandbox),
        approval_page_(std::move(approval_page)) {}

  Task<absl::StatusOr<v1::Payment>> CreatePayment(rpc::Call& call,
                                                  const v1::CreatePaymentRequest& request) override;
  Task<absl::StatusOr<v1::Payment>> ConfirmPayment(
      rpc::Call& call, const v1::ConfirmPaymentRequest& request) override;
  Task<absl::StatusOr<v1::Payment>> CancelPayment(rpc::Call& call,
                                                  const v1::CancelPaymentRequest& request) override;
  Task<absl::StatusOr<v1::Payment>> CreateDeposit(rpc::Call& call,
                                                  const v1::CreateDepositRequest& request) override;
  Task<absl::StatusOr<v1::Payment>> GetPayment(rpc::Call& call,
                                               const v1::GetPaymentRequest& request) override;
  Task<absl::StatusOr<v1::GetPaymentReceiptResponse>> GetPaymentReceipt(
      rpc::Call& call, const v1::GetPaymentReceiptRequest& request) override;
  Task<absl::StatusOr<v1::ListPaymentsResponse>> ListPayments(
      rpc::Call& call, const v1::ListPaymentsRequest& request) override;

 private:
  Task<absl::StatusOr<v1::Payment>> Create(rpc::Call& call, PaymentRequest request);
  // Releases what is left of an authorization, as its payee.
  Task<absl::StatusOr<v1::Payment>> Void(rpc::Call& call, Uuid user, SeenPayment seen);
  // The calling user's own payment.
  Task<absl::StatusOr<Payment>> Find(const rpc::Call& call, std::string payment_id);

  florin::payments::CreatePayment& create_;
  florin::payments::ConfirmPayment& confirm_;
  PaymentParties& parties_;
  ChargeSteps& steps_;
  Store& store_;
  ledger::v1::LedgerProofClient& proofs_;
  const std::string book_;
  const bool sandbox_;
  const std::string approval_page_;
};

}  // namespace florin::payments
