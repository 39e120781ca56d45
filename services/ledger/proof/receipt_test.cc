#include "services/ledger/proof/receipt.h"

#include <boost/json.hpp>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "libs/crypto/signing_key.h"
#include "libs/merkle/test_tree.h"
#include "libs/merkle/tree_head.h"
#include "libs/status/matchers.h"

namespace florin::ledger::proof {
namespace {

using ::testing::AllOf;

constexpr std::uint64_t kSize = 9;
constexpr std::uint64_t kIndex = 6;

Record At(std::int64_t sequence) {
  Record record;
  record.sequence = sequence;
  record.transaction_id = DeriveId("test.transaction", std::to_string(sequence));
  record.kind = "post";
  record.commit_time = absl::FromUnixMicros(1'700'000'000'000'000 + sequence);
  record.postings = {{DeriveId("test", "a"), DeriveId("test", "b"), 1250}};
  record.metadata = {{"note", "\"quoted\"\n"}};
  return record;
}

// A signed log of kSize records.
class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() {
    for (std::uint64_t i = 0; i < kSize; ++i) {
      const Record record = At(static_cast<std::int64_t>(i) + 1);
      leaves_.push_back(LeafOf(EncodeRecord(record)));
    }
  }

  const crypto::SignerKey& key() const { return signer_->public_key(); }

  merkle::TreeHead Head() const {
    return {.origin = OriginOf("florin.example", "main"),
            .size = kSize,
            .root = merkle::test::NaiveRoot(leaves_, 0, kSize),
            .time = absl::FromUnixSeconds(1'700'000'100)};
  }
  void Sign(const merkle::TreeHead& head, Receipt& receipt) {
    const merkle::SignedTreeHead signed_head = merkle::Sign(head, *signer_).value();
    receipt.checkpoint = merkle::CheckpointText(head);
    receipt.signature = signed_head.signature;
  }
  Receipt Valid(std::uint64_t index = kIndex) {
    Receipt receipt{.origin = "florin.example/main",
                    .record = EncodeRecord(At(static_cast<std::int64_t>(index) + 1)),
                    .leaf_index = index,
                    .tree_size = kSize,
                    .path = merkle::test::NaiveInclusionPath(leaves_, index, kSize),
                    .checkpoint = {},
                    .key_id = key().key_id(),
                    .algorithm = std::string(key().algorithm()),
                    .signature = {}};
    Sign(Head(), receipt);
    return receipt;
  }
  // That verification fails because of this member.
  void ExpectWrong(const Receipt& receipt, const char* member) {
    EXPECT_THAT(VerifyReceipt(receipt, key()),
                AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam(member)));
  }

  std::vector<merkle::Digest> leaves_;
  std::unique_ptr<crypto::FileSigner> signer_ =
      crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
};

TEST_F(ReceiptTest, ProvesEveryRecordOfTheLog) {
  for (std::uint64_t index = 0; index < kSize; ++index) {
    const auto record = VerifyReceipt(Valid(index), key());
    ASSERT_THAT(record, IsOk());
    EXPECT_EQ(*record, At(static_cast<std::int64_t>(index) + 1));
  }
}

TEST_F(ReceiptTest, IsReadAsItWasWritten) {
  const Receipt receipt = Valid();
  const auto read = ParseReceipt(EncodeReceipt(receipt));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, receipt);
}

TEST_F(ReceiptTest, HasTheDocumentedMembersInOrder) {
  const Receipt receipt{.origin = "o/b",
                        .record = "{}",
                        .leaf_index = 6,
                        .tree_size = 9,
                        .path = {merkle::Digest{}},
                        .checkpoint = "o/b\n",
                        .key_id = "k",
                        .algorithm = "ed25519",
                        .signature = "s"};
  EXPECT_EQ(EncodeReceipt(receipt),
            R"({"format":"florin.ledger.receipt.v1","origin":"o/b","record":"{}",)"
            R"("leaf_index":"6","tree_size":"9",)"
            R"("path":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],)"
            R"("checkpoint":"o/b\n","key_id":"k","algorithm":"ed25519","signature":"cw=="})");
}

TEST_F(ReceiptTest, MayPassThroughAnyJsonTool) {
  const Receipt receipt = Valid();
  const boost::json::value value = boost::json::parse(EncodeReceipt(receipt));
  std::string turned;
  for (const auto& member : value.as_object()) {
    const std::string own = boost::json::serialize(boost::json::string(member.key())) + " :\n " +
                            boost::json::serialize(member.value());
    turned = turned.empty() ? own : own + " , " + turned;
  }
  const auto read = ParseReceipt(" { " + turned + " } ");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, receipt);
}

TEST_F(ReceiptTest, ShapeIsChecked) {
  const std::string valid = EncodeReceipt(Valid());
  const struct {
    const char* from;
    const char* to;
    const char* param;
  } cases[] = {
      {"receipt.v1", "receipt.v2", "format"},
      {R"("origin":)", R"("Origin":)", "Origin"},
      {R"("leaf_index":"6")", R"("leaf_index":6)", "leaf_index"},
      {R"("leaf_index":"6")", R"("leaf_index":"06")", "leaf_index"},
      {R"("leaf_index":"6")", R"("leaf_index":"-6")", "leaf_index"},
      {R"("tree_size":"9")", R"("tree_size":"99999999999999999999")", "tree_size"},
      {R"("path":[)", R"("path":["AA==",)", "path"},
      {R"("path":[)", R"("path":["?",)", "path"},
      {R"("path":[)", R"("path":[1,)", "path"},
      {R"("signature":")", R"("signature":" )", "signature"},
  };
  for (const auto& one : cases) {
    const std::string bad = absl::StrReplaceAll(valid, {{one.from, one.to}});
    ASSERT_NE(bad, valid) << one.from;
    EXPECT_THAT(ParseReceipt(bad),
                AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam(one.param)))
        << bad;
  }
  for (const std::string& bad :
       {std::string(), std::string("[]"), valid + valid, valid.substr(0, valid.size() - 1)}) {
    EXPECT_THAT(ParseReceipt(bad), StatusHasReason(Reason::kInvalidField)) << bad;
  }
}

TEST_F(ReceiptTest, EveryMemberMustBeThereButTheAlgorithm) {
  const boost::json::value whole = boost::json::parse(EncodeReceipt(Valid()));
  for (const auto& member : whole.as_object()) {
    const std::string key(member.key().data(), member.key().size());
    boost::json::object less = whole.as_object();
    less.erase(key);
    const auto read = ParseReceipt(boost::json::serialize(less));
    if (key == "algorithm") {
      ASSERT_THAT(read, IsOk());
      EXPECT_THAT(VerifyReceipt(*read, this->key()), IsOk());
    } else {
      EXPECT_THAT(read, AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam(key)));
    }
  }
}

TEST_F(ReceiptTest, EveryMemberMustAgree) {
  Receipt wrong = Valid();
  wrong.key_id = "0123456789abcdef";
  ExpectWrong(wrong, "key_id");
  wrong = Valid();
  wrong.algorithm = "none";
  ExpectWrong(wrong, "algorithm");
  wrong = Valid();
  wrong.origin = "florin.example/other";
  ExpectWrong(wrong, "origin");
  wrong = Valid();
  wrong.tree_size = kSize + 1;
  ExpectWrong(wrong, "tree_size");
  wrong = Valid();
  wrong.checkpoint += "more\n";
  ExpectWrong(wrong, "checkpoint");
  wrong = Valid();
  wrong.signature[0] = static_cast<char>(wrong.signature[0] ^ 1);
  ExpectWrong(wrong, "signature");
  wrong = Valid();
  wrong.leaf_index = kSize;
  ExpectWrong(wrong, "leaf_index");
  wrong = Valid();
  wrong.path[0][0] ^= 1;
  ExpectWrong(wrong, "path");
  wrong = Valid();
  wrong.path.emplace_back();
  ExpectWrong(wrong, "path");
  // One amount that is another: the leaf is another.
  wrong = Valid();
  wrong.record = absl::StrReplaceAll(wrong.record, {{"1250", "1251"}});
  ExpectWrong(wrong, "path");
}

TEST_F(ReceiptTest, AHeadThatTheKeyDidNotSignProvesNothing) {
  merkle::TreeHead forged = Head();
  forged.root = merkle::NodeHash(forged.root, forged.root);
  Receipt receipt = Valid();
  receipt.checkpoint = merkle::CheckpointText(forged);
  ExpectWrong(receipt, "signature");

  const auto stranger = crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
  EXPECT_THAT(VerifyReceipt(Valid(), stranger->public_key()), StatusHasParam("key_id"));
}

// What the log's owner itself could do wrong: sign leaves that are no records, or in wrong order.
TEST_F(ReceiptTest, ASignedLeafThatIsNotItsRecordProvesNothing) {
  for (const std::string& line : {EncodeRecord(At(1)), std::string("no record")}) {
    leaves_[kIndex] = LeafOf(line);
    Receipt receipt = Valid();
    receipt.record = line;
    ExpectWrong(receipt, "record");
  }
}

}  // namespace
}  // namespace florin::ledger::proof
