// florin.ledger.v1.LedgerProof: checks shape, calls, maps the result. The proto is its manual.
//
// Never hands out what does not verify: each path is checked against the signed root before it is
// given, and a head's signature where its key is at hand. A failure is kLogInconsistent and logged.
#pragma once

#include <optional>
#include <string>

#include "florin/ledger/v1/proof.rpc.h"
#include "libs/crypto/signer.h"
#include "services/ledger/store/log_store.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

// Thread-safe. The stores are not owned and outlive the service.
class LedgerProofRpc : public v1::LedgerProofService {
 public:
  // `key`: of whoever signs here; nothing if nobody does.
  LedgerProofRpc(Store& store, LogStore& log_store, std::optional<crypto::SignerKey> key)
      : store_(store), log_store_(log_store), key_(std::move(key)) {}

  Task<absl::StatusOr<v1::TreeHead>> GetTreeHead(rpc::Call& call,
                                                 const v1::GetTreeHeadRequest& request) override;
  Task<absl::StatusOr<v1::InclusionProof>> GetInclusionProof(
      rpc::Call& call, const v1::GetInclusionProofRequest& request) override;
  Task<absl::StatusOr<v1::ConsistencyProof>> GetConsistencyProof(
      rpc::Call& call, const v1::GetConsistencyProofRequest& request) override;

 private:
  // What a request asks of a head: the one of `exactly` a size, the smallest of `at_least` one, or
  // the latest. `param` names the field of `exactly`.
  struct Wish {
    std::int64_t exactly = 0;
    std::int64_t at_least = 0;
    const char* param = "";
  };
  Task<absl::StatusOr<merkle::SignedTreeHead>> FindHead(std::string book, Wish wish);
  Task<absl::Status> WhyNoHead(std::string book, Wish wish);
  // The record that is asked for. Error: kTransactionNotFound.
  Task<absl::StatusOr<LogRecord>> FindRecord(const v1::GetInclusionProofRequest& request);
  // kBookNotFound, or `otherwise`.
  Task<absl::Status> UnlessNoBook(std::string book, absl::Status otherwise);
  absl::Status CheckSignature(const merkle::SignedTreeHead& head) const;
  v1::TreeHead WriteHead(const merkle::SignedTreeHead& head) const;

  Store& store_;
  LogStore& log_store_;
  const std::optional<crypto::SignerKey> key_;
};

}  // namespace florin::ledger
