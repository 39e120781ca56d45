#include "libs/audit/export_check.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/crypto/signing_key.h"

namespace florin::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kOrigin[] = "florin.local/audit/auth";

std::unique_ptr<crypto::Signer> NewSigner() {
  return crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
}

Event EventOf(int i) {
  Event event;
  event.event_id = DeriveId("test", std::to_string(i));
  event.time = absl::FromUnixSeconds(1'800'000'000 + i);
  event.action = "auth.session.begin";
  event.actor = "usr_" + std::to_string(i);
  return event;
}

// Ten events; heads of sizes 4, 7 and 10.
class ExportCheckTest : public ::testing::Test {
 protected:
  ExportCheckTest() : signer_(NewSigner()) { Write(Events(10)); }

  static std::vector<Event> Events(int count) {
    std::vector<Event> events;
    for (int i = 1; i <= count; ++i) events.push_back(EventOf(i));
    return events;
  }

  merkle::SignedTreeHead HeadOf(const merkle::Frontier& frontier, crypto::Signer& signer) {
    return *merkle::Sign({.origin = kOrigin,
                          .size = frontier.size(),
                          .root = frontier.Root(),
                          .time = absl::FromUnixSeconds(1'800'000'100)},
                         signer);
  }

  void Write(const std::vector<Event>& events) {
    lines_ = {FirstLine(kOrigin)};
    merkle::Frontier frontier;
    for (const Event& event : events) {
      const merkle::Digest leaf = merkle::LeafHash(EncodeEvent(event));
      frontier.Append(leaf);
      lines_.push_back(EventLine(frontier.size(), leaf, event));
      if (frontier.size() % 3 != 1 || frontier.size() == 1) continue;
      heads_.push_back(HeadOf(frontier, *signer_));
      lines_.push_back(HeadLine(heads_.back()));
    }
  }

  // The place of an event's line.
  std::size_t At(int number) const {
    const std::string start = "{\"number\":\"" + std::to_string(number) + "\"";
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].starts_with(start)) return i;
    }
    ADD_FAILURE() << number;
    return 0;
  }

  Verdict Check(std::optional<merkle::TreeHead> known = std::nullopt) {
    ExportCheck check({signer_->public_key()}, std::move(known));
    for (const std::string& line : lines_) check.Line(line);
    return check.Finish();
  }

  void Replace(std::size_t at, const std::string& from, const std::string& to) {
    lines_[at].replace(lines_[at].find(from), from.size(), to);
  }

  const std::unique_ptr<crypto::Signer> signer_;
  std::vector<std::string> lines_;
  std::vector<merkle::SignedTreeHead> heads_;
};

TEST_F(ExportCheckTest, WhatWasNotTouchedHolds) {
  const Verdict verdict = Check(heads_[1].head);
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_EQ(verdict.events, 10u);
  ASSERT_TRUE(verdict.head);
  EXPECT_EQ(verdict.head->head.size, 10u);
}

TEST_F(ExportCheckTest, NamesTheEventThatWasAltered) {
  Replace(At(6), "usr_6", "usr_7");
  EXPECT_THAT(Check().findings, ElementsAre("event 6 was altered"));
}

TEST_F(ExportCheckTest, NamesWhereAnEventWasAlteredTogetherWithItsHash) {
  Event event = EventOf(6);
  event.actor = "usr_7";
  lines_[At(6)] = EventLine(6, merkle::LeafHash(EncodeEvent(event)), event);
  EXPECT_THAT(Check().findings, ElementsAre(HasSubstr("events 5 to 7 are not what was signed")));
}

TEST_F(ExportCheckTest, NamesTheEventThatIsMissing) {
  lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(At(6)));
  EXPECT_THAT(Check().findings, ElementsAre("event 6 missing here"));
}

TEST_F(ExportCheckTest, NamesWhereEventsWereTakenOutAndTheRestRenumbered) {
  std::vector<Event> events = Events(10);
  events.erase(events.begin() + 5);
  const std::vector<merkle::SignedTreeHead> heads = heads_;
  Write(events);
  for (const merkle::SignedTreeHead& head : heads) {
    if (head.head.size == 10) continue;
    for (std::string& line : lines_) {
      if (line.find("\\n" + std::to_string(head.head.size) + "\\n") != std::string::npos)
        line = HeadLine(head);
    }
  }
  EXPECT_THAT(Check().findings[0], HasSubstr("events 5 to 7 are not what was signed"));
}

TEST_F(ExportCheckTest, NamesTheEventsThatWereSwapped) {
  std::swap(lines_[At(5)], lines_[At(6)]);
  EXPECT_THAT(Check().findings, ElementsAre("event 5 missing here", "event 5 is not in its place"));
}

TEST_F(ExportCheckTest, NamesTheTailThatWasDropped) {
  const merkle::TreeHead known = heads_[2].head;
  lines_.resize(At(8));
  EXPECT_THAT(Check().findings, IsEmpty()) << "nothing in the file says how long it was";
  EXPECT_THAT(Check(known).findings, ElementsAre("the tail is missing: events 8 to 10"));
}

TEST_F(ExportCheckTest, NamesTheEventsThatAHeadCoversAndTheFileLacks) {
  lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(At(9)),
               lines_.begin() + static_cast<std::ptrdiff_t>(At(10)) + 1);
  EXPECT_THAT(Check().findings, ElementsAre(HasSubstr("events 9 to 10 missing before the head")));
}

TEST_F(ExportCheckTest, NamesWhatNoHeadCovers) {
  lines_.pop_back();
  EXPECT_THAT(Check().findings, ElementsAre("events 8 to 10 not covered by a signed head"));
}

TEST_F(ExportCheckTest, AHeadOfAnotherKeyCoversNothing) {
  const auto other = NewSigner();
  merkle::Frontier frontier;
  for (const Event& event : Events(10)) frontier.Append(merkle::LeafHash(EncodeEvent(event)));
  lines_.back() = HeadLine(HeadOf(frontier, *other));
  EXPECT_THAT(Check().findings, ElementsAre("the head of size 10 was not signed by a key given",
                                            "events 8 to 10 not covered by a signed head"));
}

TEST_F(ExportCheckTest, AnotherHistoryIsNotThatOfAHeadThatWasKept) {
  const merkle::TreeHead known = heads_[0].head;
  heads_.clear();
  std::vector<Event> events = Events(10);
  events[1].actor = "usr_x";
  Write(events);
  EXPECT_THAT(Check().findings, IsEmpty()) << "signed anew by the same key";
  EXPECT_THAT(Check(known).findings, ElementsAre(HasSubstr("events 1 to 4 are not what was sign")));
}

TEST_F(ExportCheckTest, WhatIsNoExportIsSaidToBeNone) {
  Replace(At(3), "\"leaf\":", "\"leaf\": ");
  EXPECT_THAT(Check().findings[0], HasSubstr("line 4 is not a line of an export"));
  lines_.clear();
  EXPECT_THAT(Check().findings, ElementsAre("the first line is not that of an export"));
}

}  // namespace
}  // namespace florin::audit
