// The gRPC face of disputes: checks shape, calls, maps. See
// proto/florin/payments/v1/disputes.proto for what each method promises.
#pragma once

#include "florin/auth/v1/proposals.rpc.h"
#include "florin/payments/v1/disputes.rpc.h"
#include "libs/ids/ids.h"
#include "services/payments/flow/charge_steps.h"
#include "services/payments/flow/payment_parties.h"

namespace florin::payments {

// Thread-safe.
class DisputesRpc : public v1::DisputesService {
 public:
  // References outlive this.
  DisputesRpc(ChargeSteps& steps, PaymentParties& parties, ChargeStore& store,
              auth::v1::ProposalsClient& proposals, IdSource& ids, Clock& clock)
      : steps_(steps),
        parties_(parties),
        store_(store),
        proposals_(proposals),
        ids_(ids),
        clock_(clock) {}

  Task<absl::StatusOr<v1::Dispute>> OpenDispute(rpc::Call& call,
                                                const v1::OpenDisputeRequest& request) override;
  Task<absl::StatusOr<v1::ListDisputesResponse>> ListDisputes(
      rpc::Call& call, const v1::ListDisputesRequest& request) override;
  Task<absl::StatusOr<v1::Dispute>> GetDispute(rpc::Call& call,
                                               const v1::GetDisputeRequest& request) override;
  Task<absl::StatusOr<v1::Dispute>> SubmitEvidence(
      rpc::Call& call, const v1::SubmitEvidenceRequest& request) override;
  Task<absl::StatusOr<v1::Dispute>> AcceptDispute(rpc::Call& call,
                                                  const v1::AcceptDisputeRequest& request) override;
  Task<absl::StatusOr<v1::Dispute>> WithdrawDispute(
      rpc::Call& call, const v1::WithdrawDisputeRequest& request) override;
  Task<absl::StatusOr<v1::Dispute>> ResolveDispute(
      rpc::Call& call, const v1::ResolveDisputeRequest& request) override;

 private:
  // A dispute, and its payment as the calling user sees it.
  struct Seen {
    Dispute dispute;
    SeenPayment payment;
  };
  // Error: kDisputeNotFound, also for whoever is no party.
  Task<absl::StatusOr<Seen>> Find(const rpc::Call& call, std::string dispute_id);
  // Uses up the approval of this outcome; for this dispute as often as needed.
  Task<absl::Status> Consume(rpc::Call& call, const v1::ResolveDisputeRequest& request);
  Task<absl::StatusOr<v1::Dispute>> Decide(rpc::Call& call, Dispute dispute, StepKind kind,
                                           std::string outcome);

  ChargeSteps& steps_;
  PaymentParties& parties_;
  ChargeStore& store_;
  auth::v1::ProposalsClient& proposals_;
  IdSource& ids_;
  Clock& clock_;
};

}  // namespace florin::payments
