#include "services/payments/flow/agreement.h"

#include <utility>

#include "libs/crypto/sha256.h"

namespace florin::payments {

Task<absl::Status> Consume(auth::v1::ProposalsClient& proposals, rpc::Outgoing context,
                           Agreement agreement) {
  const crypto::Digest digest = crypto::Sha256(agreement.payload);
  auth::v1::ConsumeProposalRequest request;
  request.set_proposal_id(std::move(agreement.proposal_id));
  request.set_kind(std::move(agreement.kind));
  request.set_payload_digest(crypto::Hex(crypto::AsOctets(digest)));
  request.set_execution_id(std::move(agreement.execution_id));
  const absl::StatusOr<auth::v1::Proposal> consumed =
      co_await proposals.ConsumeProposal(std::move(context), request);
  co_return consumed.status();
}

}  // namespace florin::payments
