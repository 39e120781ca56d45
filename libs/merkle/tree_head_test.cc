#include "libs/merkle/tree_head.h"

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "libs/crypto/signing_key.h"
#include "libs/merkle/test_tree.h"
#include "libs/status/matchers.h"

namespace florin::merkle {
namespace {

// The root of C2SP's example, octet for octet.
constexpr char kRoot[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
constexpr char kText[] =
    "florin.example/ledger\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "time 2026-11-25T09:39:22.000001Z\n";

TreeHead Example() {
  const std::string octets =
      crypto::Base64UrlDecode("CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I").value();
  TreeHead head{.origin = "florin.example/ledger", .size = 20852163};
  std::copy(octets.begin(), octets.end(), head.root.begin());
  head.time = absl::FromCivil(absl::CivilSecond(2026, 11, 25, 9, 39, 22), absl::UTCTimeZone()) +
              absl::Microseconds(1);
  return head;
}

std::unique_ptr<crypto::FileSigner> NewSigner() {
  return crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
}

TEST(Checkpoint, HasTheTextOfC2sp) { EXPECT_EQ(CheckpointText(Example()), kText); }

TEST(Checkpoint, IsReadBack) {
  TreeHead head = Example();
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    head.size = size;
    const auto read = ParseCheckpoint(CheckpointText(head));
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(*read, head);
  }
  head.time = absl::UnixEpoch();
  EXPECT_EQ(ParseCheckpoint(CheckpointText(head)).value(), head);
}

std::string Replaced(const std::string& from, const std::string& to) {
  const std::string text = absl::StrReplaceAll(kText, {{from, to}});
  EXPECT_NE(text, kText) << from;
  return text;
}

TEST(Checkpoint, RefusesEveryOtherSpelling) {
  const std::string text = kText;
  const std::string refused[] = {
      "",
      "\n\n\n\n",
      text.substr(0, text.size() - 1),
      text + "\n",
      text + "more\n",
      "\n" + text,
      text.substr(0, text.rfind("time")),
      Replaced("\n", "\r\n"),
      Replaced("florin.example/ledger", ""),
      Replaced("florin.example/ledger", "florin ledger"),
      Replaced("florin.example/ledger", "florin+ledger"),
      Replaced("florin.example/ledger", "flörin"),
      Replaced("florin.example/ledger", std::string(256, 'a')),
      Replaced("20852163", "020852163"),
      Replaced("20852163", "+20852163"),
      Replaced("20852163", " 20852163"),
      Replaced("20852163", "-1"),
      Replaced("20852163", "18446744073709551616"),
      Replaced("20852163", "1e3"),
      Replaced("20852163", ""),
      Replaced(kRoot, "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I"),
      Replaced(kRoot, "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J="),
      Replaced(kRoot, "CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I="),
      Replaced(kRoot, "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw=="),
      Replaced(kRoot, ""),
      Replaced("time ", ""),
      Replaced("time ", "Time "),
      Replaced("time ", "time  "),
      Replaced(".000001Z", "Z"),
      Replaced(".000001Z", ".000001"),
      Replaced(".000001Z", ".0000010Z"),
      Replaced(".000001Z", ".000001+00:00"),
      Replaced("2026-11-25T", "2026-11-25 "),
      Replaced("2026-11-25T", "2026-02-30T"),
      Replaced("2026-11-25T", "1969-12-31T"),
      Replaced("2026-11-25T09:39:22.000001Z", "infinite-future"),
      Replaced("09:39:22", "09:39:60"),
  };
  for (const std::string& other : refused) {
    EXPECT_THAT(ParseCheckpoint(other), StatusHasReason(Reason::kInvalidField)) << other;
  }
  EXPECT_THAT(ParseCheckpoint(kText), IsOk());
  EXPECT_THAT(ParseCheckpoint(Replaced("florin.example/ledger", std::string(255, 'a'))), IsOk());
}

TEST(SignedTreeHead, IsVerifiedByTheKeyThatSigned) {
  const auto signer = NewSigner();
  const auto signed_head = Sign(Example(), *signer);
  ASSERT_THAT(signed_head, IsOk());
  EXPECT_EQ(signed_head->head, Example());
  EXPECT_EQ(signed_head->key_id, signer->public_key().key_id());
  EXPECT_TRUE(signer->public_key().Verify(kText, signed_head->signature));
  EXPECT_TRUE(Verify(*signed_head, signer->public_key()));
  EXPECT_FALSE(Verify(*signed_head, NewSigner()->public_key()));
}

TEST(SignedTreeHead, AnyChangeIsRefused) {
  const auto signer = NewSigner();
  const SignedTreeHead good = Sign(Example(), *signer).value();
  const auto refused = [&](auto change) {
    SignedTreeHead changed = good;
    change(changed);
    return !Verify(changed, signer->public_key());
  };
  EXPECT_FALSE(refused([](SignedTreeHead&) {}));
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.head.origin = "florin.example/other"; }));
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.head.time += absl::Microseconds(1); }));
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.head.time += absl::Nanoseconds(1); }))
      << "finer than the text that is signed";
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.key_id[0] ^= 1; }));
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.key_id.clear(); }));
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.signature.clear(); }));
  EXPECT_TRUE(refused([](SignedTreeHead& s) { s.signature.push_back('\0'); }));
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_TRUE(refused([bit](SignedTreeHead& s) { s.head.size ^= std::uint64_t{1} << bit; }));
  }
  for (int bit = 0; bit < 256; ++bit) {
    EXPECT_TRUE(refused([bit](SignedTreeHead& s) { s.head.root[bit / 8] ^= 1 << (bit % 8); }));
  }
  for (int bit = 0; bit < 512; ++bit) {
    EXPECT_TRUE(refused([bit](SignedTreeHead& s) { s.signature[bit / 8] ^= 1 << (bit % 8); }));
  }
}

// Or an origin could carry lines of its own, and one text would have two readings.
TEST(SignedTreeHead, AHeadThatIsNotWellFormedIsNeitherSignedNorValid) {
  const auto signer = NewSigner();
  const auto broken = [](auto change) {
    TreeHead head = Example();
    change(head);
    return head;
  };
  const TreeHead heads[] = {
      broken([](TreeHead& head) { head.origin = ""; }),
      broken([](TreeHead& head) { head.origin = "a\n1"; }),
      broken([](TreeHead& head) { head.origin = "a b"; }),
      broken([](TreeHead& head) { head.origin = std::string("a\0b", 3); }),
      broken([](TreeHead& head) { head.time = absl::InfiniteFuture(); }),
      broken([](TreeHead& head) { head.time = absl::InfinitePast(); }),
      broken([](TreeHead& head) { head.time += absl::Nanoseconds(500); }),
      broken([](TreeHead& head) { head.time = absl::UnixEpoch() - absl::Seconds(1); }),
      broken([](TreeHead& head) { head.time += absl::Hours(24) * 366 * 8000; }),
  };
  for (const TreeHead& head : heads) {
    EXPECT_THAT(Sign(head, *signer), StatusHasReason(Reason::kInvalidField)) << head.origin;
    const std::string signature = signer->Sign(CheckpointText(head)).value();
    EXPECT_FALSE(Verify({head, signer->public_key().key_id(), signature}, signer->public_key()))
        << CheckpointText(head);
  }
}

class AbsentSigner : public crypto::Signer {
 public:
  explicit AbsentSigner(crypto::SignerKey key) : key_(std::move(key)) {}
  absl::StatusOr<std::string> Sign(std::string_view) override {
    return Error(Reason::kUnavailable, "the token is gone");
  }
  const crypto::SignerKey& public_key() const override { return key_; }

 private:
  crypto::SignerKey key_;
};

TEST(SignedTreeHead, TheSignersErrorIsPassedOn) {
  AbsentSigner absent(NewSigner()->public_key());
  EXPECT_THAT(Sign(Example(), absent), StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::merkle
