// The proofs as their callers see them: a real server over mutual TLS, on a real PostgreSQL; and
// what becomes of them when somebody alters the book.
#include "services/ledger/rpc/proof_service.h"

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signing_key.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/testing/certificates.h"
#include "services/ledger/flow/sealer.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/store/log_fixture.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::IsEmpty;

class ProofServiceTest : public LogFixture {
 protected:
  ProofServiceTest() : LogFixture("postgres") {
    service_ = std::make_unique<LedgerProofRpc>(*store_, *log_store_, signer_->public_key());
    rpc::ServerOptions options{.listen = "127.0.0.1:0", .certificates = CertificatesOf("ledger")};
    server_ = rpc::Server::Start(runtime_.executor(), options, {service_.get()}).value();
    auditor_channel_ = Connect("auditor");
    Fill(298);
    Seal();  // Heads of 100, 200 and 300.
  }
  ~ProofServiceTest() override {
    server_->Drain(absl::Seconds(1));
    runtime_.Stop();
  }

  rpc::CertificateFiles CertificatesOf(const std::string& name) const {
    return rpc::CertificateFiles::In(certificates_.directory(), name);
  }
  std::unique_ptr<rpc::Channel> Connect(const std::string& caller) {
    rpc::ChannelOptions options{.target = "127.0.0.1:" + std::to_string(server_->port()),
                                .service = "ledger",
                                .certificates = CertificatesOf(caller)};
    return std::make_unique<rpc::Channel>(runtime_.executor(), options);
  }
  void Seal() {
    Sealer sealer(*store_, *log_store_, *signer_, clock_, kTestLog, {.chunk_records = 100});
    ASSERT_THAT(runtime_.Run(sealer.RunOnce()), IsOk());
  }

  v1::LedgerProofClient Auditor() { return v1::LedgerProofClient(auditor_channel_.get()); }
  absl::StatusOr<v1::TreeHead> Head(std::int64_t size, std::int64_t at_least = 0) {
    v1::GetTreeHeadRequest request;
    request.set_book(book_);
    request.set_size(size);
    request.set_at_least_size(at_least);
    return runtime_.Run(Auditor().GetTreeHead(rpc::Outgoing(), request));
  }
  v1::GetInclusionProofRequest Of(std::int64_t sequence, std::int64_t tree_size = 0) {
    v1::GetInclusionProofRequest request;
    request.set_book(book_);
    request.set_sequence(sequence);
    request.set_tree_size(tree_size);
    return request;
  }
  absl::StatusOr<v1::InclusionProof> Include(const v1::GetInclusionProofRequest& request) {
    return runtime_.Run(Auditor().GetInclusionProof(rpc::Outgoing(), request));
  }
  absl::StatusOr<v1::ConsistencyProof> Consistent(std::int64_t first, std::int64_t second) {
    v1::GetConsistencyProofRequest request;
    request.set_book(book_);
    request.set_first_size(first);
    request.set_second_size(second);
    return runtime_.Run(Auditor().GetConsistencyProof(rpc::Outgoing(), request));
  }

  merkle::TreeHead Verified(const v1::TreeHead& proto) {
    EXPECT_EQ(proto.key_id(), signer_->public_key().key_id());
    EXPECT_EQ(proto.algorithm(), "es256");
    EXPECT_TRUE(signer_->public_key().Verify(proto.checkpoint(), proto.signature()));
    return merkle::ParseCheckpoint(proto.checkpoint()).value();
  }
  template <class Proof>
  std::vector<merkle::Digest> PathOf(const Proof& proof) {
    std::vector<merkle::Digest> path;
    for (const std::string& node : proof.path()) {
      path.emplace_back();
      EXPECT_EQ(node.size(), path.back().size());
      std::copy(node.begin(), node.end(), path.back().begin());
    }
    return path;
  }
  // What an outsider makes of the answer.
  absl::StatusOr<proof::Record> Verify(const v1::InclusionProof& proof) {
    const merkle::TreeHead head = merkle::ParseCheckpoint(proof.tree_head().checkpoint()).value();
    const proof::Receipt receipt{.origin = proof::OriginOf(kTestLog, book_),
                                 .record = proof.record(),
                                 .leaf_index = static_cast<std::uint64_t>(proof.leaf_index()),
                                 .tree_size = head.size,
                                 .path = PathOf(proof),
                                 .checkpoint = proof.tree_head().checkpoint(),
                                 .key_id = proof.tree_head().key_id(),
                                 .algorithm = proof.tree_head().algorithm(),
                                 .signature = proof.tree_head().signature()};
    return proof::VerifyReceipt(receipt, signer_->public_key());
  }
  void RunSql(const std::string& sql, const std::string& condition) {
    RunAsSuperuser(absl::StrCat(sql, " WHERE book = '", book_, "' AND ", condition));
  }

  testing::TestCertificates certificates_{
      {"accounts", "auditor", "ledger", "operator", "payments"}};
  FakeClock clock_{absl::FromUnixSeconds(1'700'000'100)};
  std::unique_ptr<crypto::FileSigner> signer_ =
      crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
  std::unique_ptr<LedgerProofRpc> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> auditor_channel_;
};

TEST_F(ProofServiceTest, GivesTreeHeads) {
  const auto latest = Head(0);
  ASSERT_THAT(latest, IsOk());
  const merkle::TreeHead head = Verified(*latest);
  EXPECT_EQ(head.size, 300u);
  EXPECT_EQ(head.origin, absl::StrCat("florin.test/", book_));
  EXPECT_EQ(Verified(Head(200).value()).size, 200u);
  EXPECT_EQ(Verified(Head(0, 101).value()).size, 200u);
  EXPECT_EQ(Verified(Head(0, 200).value()).size, 200u);
}

TEST_F(ProofServiceTest, ProvesEveryDecisionByIdAndBySequence) {
  for (const LogRecord& record : Records()) {
    const auto proof = Include(Of(record.sequence));
    ASSERT_THAT(proof, IsOk());
    EXPECT_EQ(proof->record(), record.line);
    EXPECT_EQ(proof->leaf_index(), record.sequence - 1);
    const auto verified = Verify(*proof);
    ASSERT_THAT(verified, IsOk());
    EXPECT_EQ(verified->sequence, record.sequence);
    if (record.sequence % 50 != 0) continue;
    v1::GetInclusionProofRequest by_id;
    by_id.set_book(book_);
    by_id.set_transaction_id(FormatId(IdKind::kTransaction, verified->transaction_id));
    EXPECT_EQ(Include(by_id)->SerializeAsString(), proof->SerializeAsString());
  }
}

// An answer stays the same for ever, unless another tree is asked for.
TEST_F(ProofServiceTest, ProvesInTheSmallestTreeThatCovers) {
  const std::string before = Include(Of(42))->SerializeAsString();
  Fill(100);
  Seal();
  const auto after = Include(Of(42));
  EXPECT_EQ(after->SerializeAsString(), before);
  EXPECT_EQ(Verified(after->tree_head()).size, 100u);
  for (const std::int64_t size : {100, 200, 300, 400}) {
    const auto proof = Include(Of(42, size));
    ASSERT_THAT(proof, IsOk());
    EXPECT_EQ(Verified(proof->tree_head()).size, static_cast<std::uint64_t>(size));
    EXPECT_THAT(Verify(*proof), IsOk());
  }
}

TEST_F(ProofServiceTest, ProvesThatHeadsAreOneHistory) {
  for (const std::int64_t first : {100, 200, 300}) {
    for (const std::int64_t second : {0, 200, 300}) {
      if (second != 0 && second < first) continue;
      const auto proof = Consistent(first, second);
      ASSERT_THAT(proof, IsOk());
      const merkle::TreeHead a = Verified(proof->first());
      const merkle::TreeHead b = Verified(proof->second());
      EXPECT_EQ(a.size, static_cast<std::uint64_t>(first));
      EXPECT_EQ(b.size, second == 0 ? 300u : static_cast<std::uint64_t>(second));
      EXPECT_TRUE(merkle::VerifyConsistency(a.size, a.root, b.size, b.root, PathOf(*proof)));
    }
  }
}

TEST_F(ProofServiceTest, WhatIsNotSealedYetCanBeAskedAgain) {
  Fill(1);
  for (const absl::Status& status :
       {Include(Of(301)).status(), Include(Of(42, 301)).status(), Head(301).status(),
        Head(0, 301).status(), Consistent(100, 301).status(), Consistent(301, 0).status()}) {
    EXPECT_THAT(status, StatusHasReason(Reason::kNotSealedYet));
    EXPECT_EQ(DetailOf(status).metadata["retry_after_ms"], "1000");
  }
  Seal();
  EXPECT_THAT(Include(Of(301)), IsOk());
  EXPECT_THAT(Head(301), IsOk());
  EXPECT_THAT(Consistent(301, 0), IsOk());
}

TEST_F(ProofServiceTest, ABookWithoutHeadIsNotSealedYet) {
  const std::string other = NewBook();
  MakeBook(other);
  v1::GetTreeHeadRequest request;
  request.set_book(other);
  EXPECT_THAT(runtime_.Run(Auditor().GetTreeHead(rpc::Outgoing(), request)),
              StatusHasReason(Reason::kNotSealedYet));
}

TEST_F(ProofServiceTest, WhatDoesNotExistIsNotFound) {
  EXPECT_THAT(Include(Of(301)), StatusHasReason(Reason::kTransactionNotFound));
  v1::GetInclusionProofRequest unknown;
  unknown.set_book(book_);
  unknown.set_transaction_id(FormatId(IdKind::kTransaction, DeriveId("no", "one")));
  EXPECT_THAT(Include(unknown), StatusHasReason(Reason::kTransactionNotFound));
  for (const char* book : {"none", "No Book"}) {
    unknown.set_book(book);
    EXPECT_THAT(Include(unknown), StatusHasReason(Reason::kBookNotFound)) << book;
    v1::GetTreeHeadRequest head;
    head.set_book(book);
    EXPECT_THAT(runtime_.Run(Auditor().GetTreeHead(rpc::Outgoing(), head)),
                StatusHasReason(Reason::kBookNotFound));
    v1::GetConsistencyProofRequest consistency;
    consistency.set_book(book);
    consistency.set_first_size(1);
    EXPECT_THAT(runtime_.Run(Auditor().GetConsistencyProof(rpc::Outgoing(), consistency)),
                StatusHasReason(Reason::kBookNotFound));
  }
}

TEST_F(ProofServiceTest, FieldsThatCannotBeAreNamed) {
  const auto invalid = [](const char* param) {
    return AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam(param));
  };
  EXPECT_THAT(Head(-1), invalid("size"));
  EXPECT_THAT(Head(150), invalid("size"));
  EXPECT_THAT(Head(0, -1), invalid("at_least_size"));
  EXPECT_THAT(Head(100, 100), invalid("at_least_size"));
  EXPECT_THAT(Include(Of(0)), invalid("sequence"));
  EXPECT_THAT(Include(Of(42, -1)), invalid("tree_size"));
  EXPECT_THAT(Include(Of(42, 150)), invalid("tree_size"));
  EXPECT_THAT(Include(Of(142, 100)), invalid("tree_size"));
  EXPECT_THAT(Consistent(0, 100), invalid("first_size"));
  EXPECT_THAT(Consistent(150, 0), invalid("first_size"));
  EXPECT_THAT(Consistent(100, 150), invalid("second_size"));
  EXPECT_THAT(Consistent(100, -1), invalid("second_size"));
  EXPECT_THAT(Consistent(300, 100), invalid("first_size"));
  v1::GetInclusionProofRequest request;
  request.set_book(book_);
  EXPECT_THAT(Include(request), StatusHasReason(Reason::kMissingField));
  request.set_transaction_id("txn_");
  EXPECT_THAT(Include(request),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("transaction_id")));
}

TEST_F(ProofServiceTest, OnlyThoseWhoMayAskDo) {
  v1::GetTreeHeadRequest head;
  head.set_book(book_);
  v1::GetConsistencyProofRequest consistency;
  consistency.set_book(book_);
  consistency.set_first_size(100);
  for (const char* caller : {"accounts", "ledger"}) {
    const auto channel = Connect(caller);
    v1::LedgerProofClient client(channel.get());
    EXPECT_THAT(runtime_.Run(client.GetTreeHead(rpc::Outgoing(), head)),
                StatusHasReason(Reason::kCallerNotAllowed));
    EXPECT_THAT(runtime_.Run(client.GetInclusionProof(rpc::Outgoing(), Of(1))),
                StatusHasReason(Reason::kCallerNotAllowed));
    EXPECT_THAT(runtime_.Run(client.GetConsistencyProof(rpc::Outgoing(), consistency)),
                StatusHasReason(Reason::kCallerNotAllowed));
  }
  for (const char* caller : {"operator", "payments"}) {
    const auto channel = Connect(caller);
    v1::LedgerProofClient client(channel.get());
    EXPECT_THAT(runtime_.Run(client.GetTreeHead(rpc::Outgoing(), head)), IsOk());
    EXPECT_THAT(runtime_.Run(client.GetInclusionProof(rpc::Outgoing(), Of(1))), IsOk());
    EXPECT_THAT(runtime_.Run(client.GetConsistencyProof(rpc::Outgoing(), consistency)), IsOk());
  }
}

// Under a complete tile, which no sealer looks at again.
TEST_F(ProofServiceTest, AnAlteredRecordIsNotProved) {
  RunSql("UPDATE journal SET amounts_minor = '{77}'", "sequence = 42");
  EXPECT_THAT(Include(Of(42)), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_THAT(Include(Of(42, 300)), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_THAT(Include(Of(43, 300)), IsOk());
}

TEST_F(ProofServiceTest, AlteredTilesAndHeadsProveNothing) {
  RunSql("UPDATE tiles SET hashes = decode(repeat('ab', 8192), 'hex')", "level = 0");
  EXPECT_THAT(Include(Of(42)), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_THAT(Consistent(100, 300), StatusHasReason(Reason::kLogInconsistent));
  RunSql("DELETE FROM tiles", "level = 0");
  EXPECT_THAT(Include(Of(42, 300)), StatusHasReason(Reason::kLogInconsistent));
  RunSql("UPDATE tree_heads SET root = decode(repeat('ab', 32), 'hex')", "size = 200");
  EXPECT_THAT(Head(200), StatusHasReason(Reason::kLogInconsistent));
  EXPECT_THAT(Head(100), IsOk());
}

// A head that this ledger's key did not sign is given as it is: its key may have been replaced.
TEST_F(ProofServiceTest, HeadsOfAnotherKeyBearItsId) {
  LedgerProofRpc without_key(*store_, *log_store_, std::nullopt);
  v1::GetTreeHeadRequest request;
  request.set_book(book_);
  rpc::Call call("auditor", rpc::Outgoing(), rpc::Principal(), false);
  const auto head = runtime_.Run(without_key.GetTreeHead(call, request));
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->key_id(), signer_->public_key().key_id());
  EXPECT_THAT(head->algorithm(), IsEmpty());
}

}  // namespace
}  // namespace florin::ledger
