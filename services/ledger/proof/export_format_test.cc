#include "services/ledger/proof/export_format.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/ledger/proof/test_book.h"

namespace florin::ledger::proof {
namespace {

using test::Acc;
using test::Id;
using test::kStart;
using test::Txn;

EntryLine FullEntry() {
  return {.account_id = Id("a"),
          .sequence = 7,
          .version = 3,
          .debit_minor = 5,
          .credit_minor = 0,
          .debits_posted_after = 9,
          .credits_posted_after = 100,
          .debit_pending_minor = -5,
          .debits_pending_after = 0,
          .effective_time = kStart};
}

merkle::Tile Full() {
  merkle::Tile tile{.level = 1, .index = 2, .root = merkle::LeafHash("root")};
  for (int i = 0; i < merkle::kTileWidth; ++i) {
    tile.hashes.push_back(merkle::LeafHash(std::to_string(i)));
  }
  return tile;
}

// docs/proof.md shows these spellings.
TEST(ExportFormatTest, EachLineHasItsSpelling) {
  EXPECT_EQ(Write(BookLine{.book = "main",
                           .origin = "florin.local/main",
                           .last_sequence = 7,
                           .last_commit_time = kStart,
                           .closed_until = kStart}),
            R"(B {"format":"florin.ledger.export.v1","book":"main","origin":"florin.local/main",)"
            R"("last_sequence":"7","last_commit_time":"2023-11-14T22:13:20.000000Z",)"
            R"("closed_until":"2023-11-14T22:13:20.000000Z"})");
  EXPECT_EQ(Write(FullEntry()),
            R"(E {"account_id":")" + Acc("a") +
                R"(","sequence":"7","version":"3","debit":"5","credit":"0",)"
                R"("debits_posted_after":"9","credits_posted_after":"100","debit_pending":"-5",)"
                R"("debits_pending_after":"0","effective_time":"2023-11-14T22:13:20.000000Z"})");
  EXPECT_EQ(
      Write(AccountLine{.account_id = Id("a"), .currency = "EUR", .normal_side = "debit"}),
      R"(A {"account_id":")" + Acc("a") +
          R"(","currency":"EUR","normal_side":"debit","debits_must_not_exceed_credits":false,)"
          R"("credits_must_not_exceed_debits":false,"credit_line":"0","debits_posted":"0",)"
          R"("credits_posted":"0","debits_pending":"0","credits_pending":"0","version":"0",)"
          R"("closed":false})");
  EXPECT_EQ(Write(HoldLine{.hold_id = Id("h"),
                           .state = "open",
                           .expire_time = kStart,
                           .postings = {test::Between("a", "b", 5)}}),
            R"(H {"hold_id":")" + Txn("h") +
                R"(","state":"open","expire_time":"2023-11-14T22:13:20.000000Z",)"
                R"("held":[{"debit":")" +
                Acc("a") + R"(","credit":")" + Acc("b") + R"(","amount":"5"}]})");
  EXPECT_EQ(Write(KeyLine{.key = "payment_id"}), R"(K {"key":"payment_id"})");
  EXPECT_EQ(Write(HeadLine{.size = 7, .time = kStart, .key_id = "0123", .signature = "\xff\xff"}),
            R"(S {"size":"7","root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",)"
            R"("time":"2023-11-14T22:13:20.000000Z","key_id":"0123","signature":"//8="})");
  EXPECT_EQ(Write(UnreadableLine{.what = "journal", .number = 7, .id = Txn("t"), .message = "why"}),
            R"(X {"what":"journal","number":"7","id":")" + Txn("t") + R"(","message":"why"})");
}

template <class Line, class Read>
void ExpectReadAsWritten(const Line& line, const Read& read) {
  const std::string text = Write(line);
  const auto again = read(std::string_view(text).substr(2));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(*again, line);
  // Nothing else is read, however alike.
  for (const std::string& bad :
       {text.substr(2) + " ", " " + text.substr(2), text.substr(2, text.size() - 3),
        R"({"extra":"1",)" + text.substr(3), std::string("{}"), std::string("[]"), std::string()}) {
    EXPECT_THAT(read(bad), StatusHasReason(Reason::kInvalidField)) << bad;
  }
}

TEST(ExportFormatTest, EachLineIsReadAsItWasWritten) {
  ExpectReadAsWritten(BookLine{.book = "main", .origin = "florin.local/main"}, ReadBookLine);
  ExpectReadAsWritten(FullEntry(), ReadEntryLine);
  ExpectReadAsWritten(AccountLine{.account_id = Id("a"),
                                  .currency = "EUR",
                                  .normal_side = "credit",
                                  .debits_must_not_exceed_credits = true,
                                  .credit_line_minor = 1,
                                  .counters = {2, 3, 4, 5},
                                  .version = 6,
                                  .closed = true},
                      ReadAccountLine);
  ExpectReadAsWritten(
      HoldLine{.hold_id = Id("h"), .state = "voided", .postings = {test::Between("a", "b", 0)}},
      ReadHoldLine);
  ExpectReadAsWritten(KeyLine{.key = "payment_id"}, ReadKeyLine);
  ExpectReadAsWritten(Full(), ReadTileLine);
  ExpectReadAsWritten(HeadLine{.size = 7,
                               .root = merkle::LeafHash("x"),
                               .time = kStart,
                               .key_id = "0123",
                               .signature = std::string(64, 's')},
                      ReadHeadLine);
  ExpectReadAsWritten(UnreadableLine{.what = "tile", .id = "0/1", .message = "why"},
                      ReadUnreadableLine);
  ExpectReadAsWritten(EndLine{.counts = {1, 2, 3, 4, 5, 6, 7, 8}, .sha256 = crypto::Sha256("x")},
                      ReadEndLine);
}

TEST(ExportFormatTest, ATileIsOfALevelThatThereIs) {
  merkle::Tile tile = Full();
  tile.level = merkle::kTileLevels;
  EXPECT_THAT(ReadTileLine(Write(tile).substr(2)), StatusHasReason(Reason::kInvalidField));
}

}  // namespace
}  // namespace florin::ledger::proof
