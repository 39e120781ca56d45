#include "services/ledger/rpc/proof_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/ids/ids.h"
#include "libs/telemetry/log.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/flow/log_proofs.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger {
namespace {

using merkle::Digest;
using merkle::SignedTreeHead;

absl::Status CheckSize(std::int64_t size, const char* param) {
  if (size >= 0) return absl::OkStatus();
  return Error(Reason::kInvalidField, "a size is not negative", {.param = param});
}

absl::Status Contradiction(const std::string& book, const std::string& what) {
  telemetry::Log(telemetry::Severity::kError, "the log contradicts itself",
                 {{"book", book}, {"error", what}});
  return Error(Reason::kLogInconsistent, what);
}

absl::Status NoRecord() {
  return Error(Reason::kTransactionNotFound, "nothing was decided under this id or sequence");
}

template <class Proof>
void AddPath(const std::vector<Digest>& path, Proof& proof) {
  for (const Digest& node : path) proof.add_path(std::string(crypto::AsOctets(node)));
}

}  // namespace

Task<absl::StatusOr<v1::TreeHead>> LedgerProofRpc::GetTreeHead(
    rpc::Call&, const v1::GetTreeHeadRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(CheckSize(request.size(), "size"));
  FLORIN_CO_RETURN_IF_ERROR(CheckSize(request.at_least_size(), "at_least_size"));
  if (request.size() > 0 && request.at_least_size() > 0) {
    co_return Error(Reason::kInvalidField, "not together with `size`", {.param = "at_least_size"});
  }
  const Wish wish{.exactly = request.size(), .at_least = request.at_least_size(), .param = "size"};
  FLORIN_CO_ASSIGN_OR_RETURN(const SignedTreeHead head, co_await FindHead(request.book(), wish));
  co_return WriteHead(head);
}

Task<absl::StatusOr<v1::InclusionProof>> LedgerProofRpc::GetInclusionProof(
    rpc::Call&, const v1::GetInclusionProofRequest& request) {
  const std::string& book = request.book();
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(book));
  FLORIN_CO_RETURN_IF_ERROR(CheckSize(request.tree_size(), "tree_size"));
  FLORIN_CO_ASSIGN_OR_RETURN(const LogRecord record, co_await FindRecord(request));
  if (request.tree_size() > 0 && request.tree_size() < record.sequence) {
    co_return Error(Reason::kInvalidField, "the decision came after a tree of this size",
                    {.param = "tree_size"});
  }
  const Wish wish{
      .exactly = request.tree_size(), .at_least = record.sequence, .param = "tree_size"};
  FLORIN_CO_ASSIGN_OR_RETURN(const SignedTreeHead head, co_await FindHead(book, wish));
  const auto index = static_cast<std::uint64_t>(record.sequence) - 1;
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Digest> path,
                             co_await ProveInclusion(log_store_, book, index, head.head.size));
  if (!merkle::VerifyInclusion(proof::LeafOf(record.line), index, head.head.size, path,
                               head.head.root)) {
    co_return Contradiction(book,
                            absl::StrCat("record ", record.sequence, " is not what was sealed"));
  }
  v1::InclusionProof proof;
  proof.set_record(record.line);
  proof.set_leaf_index(static_cast<std::int64_t>(index));
  AddPath(path, proof);
  *proof.mutable_tree_head() = WriteHead(head);
  co_return proof;
}

Task<absl::StatusOr<v1::ConsistencyProof>> LedgerProofRpc::GetConsistencyProof(
    rpc::Call&, const v1::GetConsistencyProofRequest& request) {
  const std::string& book = request.book();
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(book));
  FLORIN_CO_RETURN_IF_ERROR(CheckSize(request.second_size(), "second_size"));
  if (request.first_size() < 1) {
    co_return Error(Reason::kInvalidField, "the size of a tree head", {.param = "first_size"});
  }
  const Wish second_wish{.exactly = request.second_size(), .param = "second_size"};
  FLORIN_CO_ASSIGN_OR_RETURN(const SignedTreeHead second, co_await FindHead(book, second_wish));
  const Wish first_wish{.exactly = request.first_size(), .param = "first_size"};
  FLORIN_CO_ASSIGN_OR_RETURN(const SignedTreeHead first, co_await FindHead(book, first_wish));
  if (first.head.size > second.head.size) {
    co_return Error(Reason::kInvalidField, "greater than the second", {.param = "first_size"});
  }
  FLORIN_CO_ASSIGN_OR_RETURN(
      const std::vector<Digest> path,
      co_await ProveConsistency(log_store_, book, first.head.size, second.head.size));
  if (!merkle::VerifyConsistency(first.head.size, first.head.root, second.head.size,
                                 second.head.root, path)) {
    co_return Contradiction(book, absl::StrCat("the tree heads of sizes ", first.head.size, " and ",
                                               second.head.size, " are of different histories"));
  }
  v1::ConsistencyProof proof;
  AddPath(path, proof);
  *proof.mutable_first() = WriteHead(first);
  *proof.mutable_second() = WriteHead(second);
  co_return proof;
}

Task<absl::StatusOr<SignedTreeHead>> LedgerProofRpc::FindHead(std::string book, Wish wish) {
  absl::StatusOr<std::optional<SignedTreeHead>> head;
  if (wish.exactly > 0) {
    head = co_await log_store_.HeadAt(book, static_cast<std::uint64_t>(wish.exactly));
  } else if (wish.at_least > 0) {
    head = co_await log_store_.HeadAtLeast(book, static_cast<std::uint64_t>(wish.at_least));
  } else {
    head = co_await log_store_.LatestHead(book);
  }
  if (!head.ok()) co_return head.status();
  if (!*head) co_return co_await WhyNoHead(std::move(book), wish);
  if (absl::Status bad = CheckSignature(**head); !bad.ok()) {
    co_return Contradiction(book, std::string(bad.message()));
  }
  co_return **std::move(head);
}

Task<absl::Status> LedgerProofRpc::WhyNoHead(std::string book, Wish wish) {
  if (wish.exactly > 0) {
    FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<SignedTreeHead> latest,
                               co_await log_store_.LatestHead(book));
    if (latest && latest->head.size > static_cast<std::uint64_t>(wish.exactly)) {
      co_return Error(Reason::kInvalidField, "no tree head has this size", {.param = wish.param});
    }
  }
  absl::Status not_yet = Error(Reason::kNotSealedYet, "the signed log has not come that far",
                               {.metadata = {{"retry_after_ms", "1000"}}});
  co_return co_await UnlessNoBook(std::move(book), std::move(not_yet));
}

Task<absl::StatusOr<LogRecord>> LedgerProofRpc::FindRecord(
    const v1::GetInclusionProofRequest& request) {
  std::optional<LogRecord> record;
  switch (request.decision_case()) {
    case v1::GetInclusionProofRequest::kTransactionId: {
      FLORIN_CO_ASSIGN_OR_RETURN(
          const Uuid id, ParseId(IdKind::kTransaction, request.transaction_id(), "transaction_id"));
      FLORIN_CO_ASSIGN_OR_RETURN(record, co_await log_store_.FindRecord(request.book(), id));
      break;
    }
    case v1::GetInclusionProofRequest::kSequence: {
      if (request.sequence() < 1) {
        co_return Error(Reason::kInvalidField, "sequences begin at 1", {.param = "sequence"});
      }
      FLORIN_CO_ASSIGN_OR_RETURN(
          std::vector<LogRecord> next,
          co_await log_store_.Records(request.book(), request.sequence() - 1, 1));
      if (!next.empty() && next[0].sequence == request.sequence()) record = std::move(next[0]);
      break;
    }
    case v1::GetInclusionProofRequest::DECISION_NOT_SET:
      co_return Error(Reason::kMissingField, "which decision?", {.param = "transaction_id"});
  }
  if (!record) {
    absl::Status none = NoRecord();
    co_return co_await UnlessNoBook(request.book(), std::move(none));
  }
  co_return *std::move(record);
}

Task<absl::Status> LedgerProofRpc::UnlessNoBook(std::string book, absl::Status otherwise) {
  FLORIN_CO_ASSIGN_OR_RETURN(const bool has_book, co_await store_.HasBook(std::move(book)));
  if (!has_book) co_return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
  co_return otherwise;
}

absl::Status LedgerProofRpc::CheckSignature(const SignedTreeHead& head) const {
  if (!key_ || key_->key_id() != head.key_id || merkle::Verify(head, *key_)) {
    return absl::OkStatus();
  }
  return Error(Reason::kLogInconsistent,
               absl::StrCat("the tree head of size ", head.head.size, " is not what was signed"));
}

v1::TreeHead LedgerProofRpc::WriteHead(const SignedTreeHead& head) const {
  v1::TreeHead proto;
  proto.set_checkpoint(merkle::CheckpointText(head.head));
  proto.set_key_id(head.key_id);
  if (key_ && key_->key_id() == head.key_id) {
    proto.set_algorithm(std::string(key_->algorithm()));
  }
  proto.set_signature(head.signature);
  return proto;
}

}  // namespace florin::ledger
