#include "services/ledger/proof/book_check.h"

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ledger/proof/test_book.h"

namespace florin::ledger::proof {
namespace {

using test::Acc;
using test::Between;
using test::Everything;
using test::Export;
using test::Id;
using test::Journal;
using test::kStart;
using test::LogKey;
using test::ProblemsIn;
using test::SignHead;
using test::Txn;
using test::Whole;
using test::WithKey;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Lines = std::vector<std::string>;

auto Is(const char* what, std::int64_t number, const std::string& id) {
  return AllOf(Field(&Problem::what, what), Field(&Problem::number, number),
               Field(&Problem::id, id));
}
auto Is(const char* what, std::int64_t number, const std::string& id, const char* message) {
  return AllOf(Is(what, number, id), Field(&Problem::message, HasSubstr(message)));
}

// 17 records of everything, 583 posts from "rail" to "b", sealed at 256, 300 and 590 of 600: two
// tiles, and ten records not sealed yet.
class BookCheckTest : public ::testing::Test {
 protected:
  BookCheckTest() {
    for (int i = 18; i <= 600; ++i) {
      journal_.Add("post", "post " + std::to_string(i), {Between("rail", "b", i)});
    }
    lines_ = Export(journal_, {256, 300, 590});
  }

  // The line that begins so and has all of these parts.
  Lines::iterator Line(const std::string& begin, const std::vector<std::string>& parts = {}) {
    const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return absl::StartsWith(line, begin) &&
             std::all_of(parts.begin(), parts.end(), [&line](const std::string& part) {
               return absl::StrContains(line, part);
             });
    });
    EXPECT_NE(found, lines_.end()) << begin;
    return found;
  }
  Lines::iterator RecordLine(int sequence) {
    return Line(absl::StrCat(R"(R {"sequence":")", sequence, "\""));
  }
  Lines::iterator EntryLineOf(int sequence, const std::string& account) {
    return Line("E ", {Acc(account), absl::StrCat(R"("sequence":")", sequence, "\"")});
  }
  static void Replace(Lines::iterator line, const std::string& from, const std::string& to) {
    ASSERT_TRUE(absl::StrContains(*line, from)) << *line;
    *line = absl::StrReplaceAll(*line, {{from, to}});
  }
  std::vector<Problem> Found(BookCheck::Options options = WithKey()) {
    return ProblemsIn(Whole(lines_), std::move(options)).first;
  }

  Journal journal_ = Everything();
  Lines lines_;
};

TEST_F(BookCheckTest, AWholeBookHolds) {
  BookCheck check(WithKey());
  check.Add(Whole(lines_));
  check.Finish();
  EXPECT_THAT(check.problems().first, IsEmpty());
  EXPECT_EQ(check.problems().count, 0);
  EXPECT_EQ(check.book().book, "main");
  EXPECT_EQ(check.counts().records, 600);
  EXPECT_EQ(check.counts().accounts, 6);
  EXPECT_EQ(check.counts().holds, 2);
  EXPECT_EQ(check.counts().tiles, 2);
  EXPECT_EQ(check.counts().tree_heads, 3);
  EXPECT_EQ(check.last_head()->size, 590u);
  EXPECT_EQ(check.unsealed_records(), 10);
  const BookCheck::Totals& euro = check.totals().at("EUR");
  EXPECT_EQ(euro.debits_posted, euro.credits_posted);
  EXPECT_EQ(euro.debits_pending, 10);
  EXPECT_EQ(check.totals().at("USD").debits_posted, 0);
}

TEST_F(BookCheckTest, OctetsMayBeCutAnywhere) {
  const std::string text = Whole(lines_);
  BookCheck check(WithKey());
  for (const char c : text) check.Add({&c, 1});
  check.Finish();
  EXPECT_THAT(check.problems().first, IsEmpty());
  EXPECT_EQ(check.counts().records, 600);
}

TEST_F(BookCheckTest, AnEmptyBookHolds) {
  lines_ = Export(Journal(), {});
  EXPECT_THAT(Found(), IsEmpty());
}

// ---- The four alterations that the ledger must show, and their like

TEST_F(BookCheckTest, AnAlteredAmountOfARecordIsNamedOnce) {
  Replace(RecordLine(100), R"("amount":"100")", R"("amount":"101")");
  EXPECT_THAT(Found(), UnorderedElementsAre(
                           Is("entry", 100, Acc("rail"), "debit is 100, not 101"),
                           Is("entry", 100, Acc("b"), "credit is 100, not 101"),
                           Is("journal", 100, Txn("post 100"), "not the one that was sealed")));
}

TEST_F(BookCheckTest, AnAlteredAmountOfAnEntryIsNamedOnce) {
  Replace(EntryLineOf(100, "b"), R"("credit":"100")", R"("credit":"101")");
  EXPECT_THAT(Found(), ElementsAre(Is("entry", 100, Acc("b"), "credit is 101, not 100")));
}

TEST_F(BookCheckTest, AnAlteredBalanceOfAnEntryIsNamedOnce) {
  const auto line = EntryLineOf(100, "b");
  EntryLine entry = ReadEntryLine(line->substr(2)).value();
  entry.credits_posted_after += 1;
  *line = Write(entry);
  EXPECT_THAT(Found(), ElementsAre(Is("entry", 100, Acc("b"), "credits_posted_after is")));
}

TEST_F(BookCheckTest, ADeletedEntryIsNamed) {
  lines_.erase(EntryLineOf(100, "b"));
  EXPECT_THAT(Found(), ElementsAre(Is("entry", 100, Acc("b"), "missing")));
}

TEST_F(BookCheckTest, AnEntryThatNobodyMadeIsNamed) {
  const auto line = EntryLineOf(100, "b");
  const std::string again = *line;
  lines_.insert(line + 1, again);
  EXPECT_THAT(Found(), ElementsAre(Is("entry", 100, Acc("b"), "makes no such entry")));
}

TEST_F(BookCheckTest, ASwappedPairOfEntriesIsNamed) {
  const auto one = EntryLineOf(100, "b");
  const auto two = EntryLineOf(101, "b");
  EntryLine first = ReadEntryLine(one->substr(2)).value();
  EntryLine second = ReadEntryLine(two->substr(2)).value();
  std::swap(first.sequence, second.sequence);
  *one = Write(second);
  *two = Write(first);
  EXPECT_THAT(Found(),
              UnorderedElementsAre(Is("entry", 100, Acc("b")), Is("entry", 101, Acc("b"))));
}

TEST_F(BookCheckTest, ASwappedPairOfRecordsIsNamed) {
  Replace(RecordLine(100), R"("sequence":"100")", R"("sequence":"x")");
  Replace(RecordLine(101), R"("sequence":"101")", R"("sequence":"100")");
  Replace(Line(R"(R {"sequence":"x")"), R"("sequence":"x")", R"("sequence":"101")");
  std::iter_swap(RecordLine(100), RecordLine(101));
  EXPECT_THAT(Found(), AllOf(Contains(Is("journal", 101, Txn("post 100"), "commit time")),
                             Contains(Is("journal", 100, Txn("post 101"), "sealed")),
                             Contains(Is("journal", 101, Txn("post 100"), "sealed"))));
}

TEST_F(BookCheckTest, AForgedTreeHeadIsNamed) {
  const HeadLine head = ReadHeadLine(Line(R"(S {"size":"300")")->substr(2)).value();
  HeadLine forged = head;
  forged.root[0] ^= 1;
  *Line(R"(S {"size":"300")") = Write(forged);
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 300, "", "root is not that of the first 300"),
                                   Is("tree_head", 300, "", "signature")));
  forged = head;
  forged.time += absl::Microseconds(1);
  *Line(R"(S {"size":"300")") = Write(forged);
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 300, "", "signature")));
  // Well signed, but over another tree.
  *Line(R"(S {"size":"300")") = Write(SignHead(300, merkle::LeafHash("x"), head.time));
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 300, "", "root is not that of the first 300")));
}

TEST_F(BookCheckTest, ADeletedRecordIsNamed) {
  lines_.erase(RecordLine(100));
  EXPECT_THAT(Found(), AllOf(Contains(Is("journal", 101, Txn("post 101"), "records are missing")),
                             Contains(Is("entry", 100, Acc("b"), "no record has")),
                             Not(Contains(Field(&Problem::what, "tree_head")))));
}

TEST_F(BookCheckTest, AnAlteredRecordThatNothingFollowsFromIsNamedByItsTile) {
  Replace(RecordLine(15), "insufficient_funds", "account_closed");
  EXPECT_THAT(Found(), ElementsAre(Is("journal", 15, Txn("refused"), "sealed")));
}

// Behind the last tile only heads know records: the one that covers it says among which it is.
TEST_F(BookCheckTest, AnAlteredRecordBehindTheTilesIsWithinBounds) {
  const auto line = RecordLine(550);
  Record record = ParseRecord(line->substr(2)).value();
  record.metadata["note"] = "altered";
  *line = Write(record);
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 590, "", "one of the records 513 to 590")));
}

TEST_F(BookCheckTest, WhatIsNotSealedIsOnlyHeldToTheRules) {
  const auto line = RecordLine(595);
  Record record = ParseRecord(line->substr(2)).value();
  record.metadata["note"] = "altered";
  *line = Write(record);
  EXPECT_THAT(Found(), IsEmpty());
  record.postings[0].amount_minor += 1;
  *line = Write(record);
  EXPECT_THAT(Found(),
              UnorderedElementsAre(Is("entry", 595, Acc("rail")), Is("entry", 595, Acc("b"))));
}

// ---- Accounts, holds and the book's own row

TEST_F(BookCheckTest, AccountsAreWhatTheJournalMakesThem) {
  const Lines whole = lines_;
  const struct {
    const char* from;
    const char* to;
  } alterations[] = {{R"("closed":false)", R"("closed":true)"},
                     {R"("credit_line":"500")", R"("credit_line":"501")"},
                     {R"("version":"7")", R"("version":"8")"},
                     {R"("currency":"EUR")", R"("currency":"USD")"},
                     {R"("normal_side":"credit")", R"("normal_side":"debit")"},
                     {R"("debits_posted":"150")", R"("debits_posted":"149")"},
                     {R"("debits_pending":"10")", R"("debits_pending":"0")"}};
  for (const auto& [from, to] : alterations) {
    lines_ = whole;
    Replace(Line("A ", {Acc("a")}), from, to);
    EXPECT_THAT(Found(), Contains(Is("account", 0, Acc("a")))) << from;
  }
  lines_ = whole;
  lines_.erase(Line("A ", {Acc("a")}));
  EXPECT_THAT(Found(), AllOf(Contains(Is("account", 0, Acc("a"), "missing")),
                             Contains(Is("totals", 0, "EUR"))));
  lines_ = whole;
  AccountLine other = ReadAccountLine(Line("A ", {Acc("closed")})->substr(2)).value();
  other.account_id = Id("nobody's");
  const auto place = std::find_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
    return line[0] == 'H' ||
           (line[0] == 'A' && ReadAccountLine(line.substr(2))->account_id > other.account_id);
  });
  lines_.insert(place, Write(other));
  EXPECT_THAT(Found(), ElementsAre(Is("account", 0, Acc("nobody's"), "never opened")));
}

TEST_F(BookCheckTest, HoldsAreWhatTheJournalMakesThem) {
  const Lines whole = lines_;
  Replace(Line("H ", {Txn("hold")}), "voided", "captured");
  EXPECT_THAT(Found(), ElementsAre(Is("hold", 0, Txn("hold"), "state is captured, not voided")));
  lines_ = whole;
  Replace(Line("H ", {Txn("forever")}), R"("amount":"10")", R"("amount":"9")");
  EXPECT_THAT(Found(), ElementsAre(Is("hold", 0, Txn("forever"), "held is")));
  lines_ = whole;
  lines_.erase(Line("H ", {Txn("forever")}));
  EXPECT_THAT(Found(), ElementsAre(Is("hold", 0, Txn("forever"), "missing")));
}

TEST_F(BookCheckTest, TheBookStandsWhereTheJournalEnds) {
  const Lines whole = lines_;
  Replace(lines_.begin(), R"("last_sequence":"600")", R"("last_sequence":"601")");
  EXPECT_THAT(Found(), ElementsAre(Is("book", 0, "main", "last_sequence is 601, not 600")));
  lines_ = whole;
  Replace(lines_.begin(), R"("closed_until":"2023)", R"("closed_until":"2022)");
  EXPECT_THAT(Found(), ElementsAre(Is("book", 0, "main", "closed_until")));
  lines_ = whole;
  Replace(lines_.begin(), "florin.test/main", "florin.test/other");
  EXPECT_THAT(Found(), Contains(Is("book", 0, "main", "origin")));
}

// ---- The log

TEST_F(BookCheckTest, TilesAreThoseOfTheRecords) {
  const Lines whole = lines_;
  const auto line = Line("T ", {R"("tile":"1")"});
  merkle::Tile tile = ReadTileLine(line->substr(2)).value();
  tile.root[0] ^= 1;
  *line = Write(tile);
  EXPECT_THAT(Found(), ElementsAre(Is("tile", 0, "0/1", "root is not that of its hashes")));
  tile.root[0] ^= 1;
  tile.hashes[9][0] ^= 1;
  *line = Write(tile);
  EXPECT_THAT(Found(), UnorderedElementsAre(Is("journal", 266, Txn("post 266"), "sealed"),
                                            Is("tile", 0, "0/1", "root is not that")));
  lines_ = whole;
  lines_.erase(Line("T ", {R"("tile":"0")"}));
  EXPECT_THAT(Found(), ElementsAre(Is("tile", 0, "0/0", "missing")));
  lines_ = whole;
  lines_.erase(Line("T ", {R"("tile":"1")"}));
  EXPECT_THAT(Found(), ElementsAre(Is("tile", 0, "0/1", "missing")));
  lines_ = whole;
  tile = ReadTileLine(Line("T ", {R"("tile":"1")"})->substr(2)).value();
  tile.index = 2;
  lines_.insert(Line("S "), Write(tile));
  EXPECT_THAT(Found(), ElementsAre(Is("tile", 0, "0/2", "less than it covers")));
}

TEST_F(BookCheckTest, TreeHeadsAreInOrderAndByAKnownKey) {
  const Lines whole = lines_;
  std::iter_swap(Line(R"(S {"size":"256")"), Line(R"(S {"size":"300")"));
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 256, "", "out of order")));
  lines_ = whole;
  const HeadLine head = ReadHeadLine(Line(R"(S {"size":"300")")->substr(2)).value();
  *Line(R"(S {"size":"300")") = Write(SignHead(300, head.root, kStart));
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 300, "", "not dated after")));
  lines_ = whole;
  const auto stranger = crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
  EXPECT_THAT(Found({.keys = {stranger->public_key()}}),
              Each(Field(&Problem::message, HasSubstr("which was not given"))));
  EXPECT_THAT(Found({.keys = {stranger->public_key(), LogKey().public_key()}}), IsEmpty());
  lines_.erase(RecordLine(600), RecordLine(600) + 3);
  lines_.erase(RecordLine(591), RecordLine(600 - 1) + 3);
  lines_.erase(RecordLine(590), RecordLine(590) + 3);
  EXPECT_THAT(Found(), Contains(Is("tree_head", 590, "", "records are missing at the end")));
}

TEST_F(BookCheckTest, WithAKeyThereMustBeATreeHead) {
  lines_ = Export(journal_, {});
  EXPECT_THAT(Found(), ElementsAre(Is("tree_head", 0, "", "there is none")));
  EXPECT_THAT(Found(BookCheck::Options()), IsEmpty());
}

TEST_F(BookCheckTest, TheLogGoesOnFromATrustedHead) {
  const HeadLine line = ReadHeadLine(Line(R"(S {"size":"300")")->substr(2)).value();
  merkle::TreeHead trusted{
      .origin = "florin.test/main", .size = 300, .root = line.root, .time = line.time};
  const auto with = [&trusted] {
    BookCheck::Options options = WithKey();
    options.trusted = trusted;
    return options;
  };
  EXPECT_THAT(Found(with()), IsEmpty());
  // A head that was deleted is missed by whoever has it.
  const Lines whole = lines_;
  lines_.erase(Line(R"(S {"size":"300")"));
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_THAT(Found(with()), ElementsAre(Is("tree_head", 300, "", "no longer in the book")));
  lines_ = whole;
  trusted.root[0] ^= 1;
  EXPECT_THAT(Found(with()), ElementsAre(Is("tree_head", 300, "", "not the trusted tree head")));
  trusted.size = 301;
  EXPECT_THAT(Found(with()), ElementsAre(Is("tree_head", 301, "", "no longer in the book"),
                                         Is("tree_head", 301, "", "does not begin as it did")));
  trusted.size = 601;
  EXPECT_THAT(Found(with()), Contains(Is("tree_head", 601, "", "fewer records")));
  trusted.origin = "florin.test/other";
  EXPECT_THAT(Found(with()), Contains(Is("tree_head", 601, "", "another log")));
}

// Levels above the first need 65,536 leaves.
TEST(LogCheckTest, ChecksTheUpperLevels) {
  constexpr std::int64_t kSize = 256 * 256 + 1;
  std::vector<merkle::Digest> leaves;
  for (std::int64_t i = 0; i < kSize; ++i) leaves.push_back(merkle::LeafHash(std::to_string(i)));
  const Lines lines = test::LogLines(leaves, {kSize});
  const auto problems_with = [&](const std::function<void(merkle::Tile&)>& alter) {
    Problems problems;
    LogCheck log({LogKey().public_key()}, std::nullopt, problems);
    log.Start("florin.test/main");
    for (std::int64_t i = 0; i < kSize; ++i) log.AddRecord(i + 1, leaves[i]);
    for (const std::string& line : lines) {
      if (line[0] == 'S') {
        log.AddHead(ReadHeadLine(line.substr(2)).value());
        continue;
      }
      merkle::Tile tile = ReadTileLine(line.substr(2)).value();
      alter(tile);
      if (!tile.hashes.empty()) log.AddTile(tile, [](std::int64_t) { return std::string(); });
    }
    log.Finish();
    return problems.first;
  };
  EXPECT_THAT(problems_with([](merkle::Tile&) {}), IsEmpty());
  EXPECT_THAT(problems_with([](merkle::Tile& tile) {
                if (tile.level == 1) tile.hashes[7][0] ^= 1;
              }),
              ElementsAre(Is("tile", 0, "1/0", "hash 7 is not the root of tile 0/7"),
                          Is("tile", 0, "1/0", "root is not that of its hashes")));
  EXPECT_THAT(problems_with([](merkle::Tile& tile) {
                if (tile.level == 1) tile.hashes.clear();
              }),
              ElementsAre(Is("tile", 0, "1/0", "missing")));
  // One wrong leaf is not said again of each level above it.
  EXPECT_THAT(problems_with([](merkle::Tile& tile) {
                if (tile.level == 0 && tile.index == 3) tile.hashes[0][0] ^= 1;
              }),
              UnorderedElementsAre(Is("journal", 769, ""), Is("tile", 0, "0/3")));
}

// ---- The file

TEST_F(BookCheckTest, AnExportIsWholeOrSaidNotToBe) {
  const std::string text = Whole(lines_);
  const auto only = [](const char* message) { return ElementsAre(Is("export", 0, "", message)); };
  EXPECT_THAT(ProblemsIn("").first, only("cut off"));
  EXPECT_THAT(ProblemsIn("something else\n").first, only("no florin.ledger.export.v1"));
  EXPECT_THAT(ProblemsIn(text.substr(0, text.size() - 1)).first, only("cut off"));
  EXPECT_THAT(ProblemsIn(text.substr(0, text.size() / 2)).first, only("cut off"));
  EXPECT_THAT(ProblemsIn(text + Write(KeyLine{.key = "more"}) + "\n").first, only("out of order"));
  EXPECT_THAT(ProblemsIn(text + text).first, Each(Is("export", 0, "")));
  EXPECT_THAT(ProblemsIn(std::string(2 << 20, 'x')).first, only("too long"));
  const std::string key = Write(KeyLine{.key = "payment_id"});
  EXPECT_THAT(ProblemsIn(absl::StrReplaceAll(text, {{key, R"(K {"key":"payment_ix"})"}})).first,
              only("SHA-256"));
  EXPECT_THAT(ProblemsIn(absl::StrReplaceAll(text, {{R"("keys":"1")", R"("keys":"2")"}})).first,
              only("not the lines"));
}

TEST_F(BookCheckTest, BadLinesAreCountedAndNamed) {
  const Lines whole = lines_;
  lines_.insert(lines_.begin() + 1, "Q {}");
  EXPECT_THAT(Found(), ElementsAre(Is("export", 0, "", "line 2: its letter is unknown")));
  lines_ = whole;
  *Line("K ") = "K {}";
  EXPECT_THAT(Found(), Contains(Field(&Problem::message, HasSubstr("not a metadata key"))));
  lines_ = whole;
  std::iter_swap(Line("K "), Line("H "));
  EXPECT_THAT(Found(), Contains(Is("export", 0, "", "out of order")));
}

TEST_F(BookCheckTest, ARowThatNoLedgerWroteIsAProblem) {
  const UnreadableLine row{
      .what = "journal", .number = 100, .id = Txn("post 100"), .message = "no ledger writes that"};
  *RecordLine(100) = Write(row);
  EXPECT_THAT(Found(), Contains(Is("journal", 100, Txn("post 100"), "no ledger writes that")));
}

TEST_F(BookCheckTest, ManyProblemsAreCountedAndTheFirstKept) {
  for (std::string& line : lines_) {
    if (line[0] == 'E') line = absl::StrReplaceAll(line, {{R"("debit":")", R"("debit":"1)"}});
  }
  const Problems problems = ProblemsIn(Whole(lines_));
  EXPECT_EQ(problems.first.size(), Problems::kMostKept);
  EXPECT_GT(problems.count, 100);
}

}  // namespace
}  // namespace florin::ledger::proof
