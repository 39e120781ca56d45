#include "services/ledger/proof/record.h"

#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"
#include "services/ledger/proof/test_book.h"

namespace florin::ledger::proof {
namespace {

Record Full() {
  Record record;
  record.sequence = 7;
  record.transaction_id = Id("transaction");
  record.kind = "hold";
  record.commit_time = absl::FromUnixMicros(1'700'000'000'123'456);
  record.effective_time = absl::FromUnixSeconds(-2);
  record.expire_time = absl::FromUnixSeconds(1'700'000'060);
  record.subject = FormatId(IdKind::kAccount, Id("A"));
  record.postings = {{Id("A"), Id("B"), 1250}, {Id("B"), Id("A"), 9'223'372'036'854'775'807}};
  record.request = R"({"timeout_us":60000000,"linked_to_next":true})";
  record.metadata = {{"a", "\"quoted\" \\ \n \x01 é"}, {"b", ""}};
  record.refused = Refused{"insufficient_funds", "no", "postings[0].amount_minor"};
  return record;
}

TEST(RecordTest, HasOneLine) {
  Record record;
  record.sequence = 7;
  record.transaction_id = Id("transaction");
  record.kind = "post";
  record.commit_time = absl::FromUnixMicros(1'700'000'000'123'456);
  record.effective_time = record.commit_time;
  record.postings = {{Id("A"), Id("B"), 1250}};
  record.metadata = {{"text", "\"\\\x1f"}};
  EXPECT_EQ(EncodeRecord(record),
            R"({"sequence":"7","transaction_id":")" +
                FormatId(IdKind::kTransaction, Id("transaction")) +
                R"(","kind":"post","commit_time":"2023-11-14T22:13:20.123456Z",)"
                R"("effective_time":"2023-11-14T22:13:20.123456Z","postings":[{"debit":")" +
                FormatId(IdKind::kAccount, Id("A")) + R"(","credit":")" +
                FormatId(IdKind::kAccount, Id("B")) +
                R"(","amount":"1250"}],"metadata":{"text":"\"\\\u001f"}})");
}

TEST(RecordTest, IsReadAsItWasWritten) {
  const auto read = ParseRecord(EncodeRecord(Full()));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, Full());
}

TEST(RecordTest, AnyOtherSpellingIsRefused) {
  const std::string line = EncodeRecord(Full());
  const std::string sequence = R"("sequence":"7")";
  for (const std::string& bad :
       {std::string(), std::string("{}"), line + " ", " " + line, line + line,
        line.substr(0, line.size() - 1), R"({"sequence":7)" + line.substr(sequence.size() + 1),
        R"({"sequence":"07")" + line.substr(sequence.size() + 1),
        R"({"sequence":"7","extra":"x")" + line.substr(sequence.size() + 1)}) {
    EXPECT_THAT(ParseRecord(bad), StatusHasReason(Reason::kInvalidField)) << bad;
  }
}

// One octet more or less is another leaf.
TEST(RecordTest, TheLeafIsOfItsOwnDomain) {
  const std::string line = EncodeRecord(Full());
  const std::string domain("\0florin.ledger.record.v1\n", 25);
  EXPECT_EQ(LeafOf(line), crypto::Sha256(domain + line));
  EXPECT_NE(LeafOf(line), LeafOf(line + " "));
}

}  // namespace
}  // namespace florin::ledger::proof
