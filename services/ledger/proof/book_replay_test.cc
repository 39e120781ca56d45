#include "services/ledger/proof/book_replay.h"

#include <functional>
#include <limits>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ledger/proof/test_book.h"

namespace florin::ledger::proof {
namespace {

using test::Acc;
using test::Between;
using test::Everything;
using test::Id;
using test::Journal;
using test::kStart;
using test::Txn;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

// What is objected to in the last record; nothing may be in the others.
std::vector<std::string> ObjectionsToLast(const Journal& journal) {
  BookReplay replay;
  std::vector<std::string> objections;
  for (const Record& record : journal.records) {
    EXPECT_THAT(objections, IsEmpty()) << "before record " << record.sequence;
    objections = replay.Apply(record).objections;
  }
  return objections;
}

TEST(BookReplayTest, NothingIsWrongWithABookOfEverything) {
  EXPECT_THAT(ObjectionsToLast(Everything()), IsEmpty());
}

TEST(BookReplayTest, KnowsWhatEachRecordDoes) {
  BookReplay replay;
  std::map<std::string, std::vector<EntryLine>> entries;
  for (const Record& record : Everything().records) {
    entries[FormatId(IdKind::kTransaction, record.transaction_id)] = replay.Apply(record).entries;
  }
  const auto of = [&](const std::string& transaction, const std::string& account) {
    for (const EntryLine& entry : entries.at(Txn(transaction))) {
      if (entry.account_id == Id(account)) return entry;
    }
    ADD_FAILURE() << transaction << " has no entry of " << account;
    return EntryLine();
  };
  EXPECT_EQ(of("hold", "a"), (EntryLine{.account_id = Id("a"),
                                        .sequence = 9,
                                        .version = 2,
                                        .credits_posted_after = 1000,
                                        .debit_pending_minor = 300,
                                        .debits_pending_after = 300}));
  EXPECT_EQ(of("part", "a"), (EntryLine{.account_id = Id("a"),
                                        .sequence = 10,
                                        .version = 3,
                                        .debit_minor = 100,
                                        .debits_posted_after = 100,
                                        .credits_posted_after = 1000,
                                        .debit_pending_minor = -100,
                                        .debits_pending_after = 200}));
  EXPECT_EQ(of("rest", "b"), (EntryLine{.account_id = Id("b"),
                                        .sequence = 11,
                                        .version = 3,
                                        .credits_posted_after = 100,
                                        .credit_pending_minor = -200}));
  EXPECT_EQ(of("back", "b"), (EntryLine{.account_id = Id("b"),
                                        .sequence = 13,
                                        .version = 5,
                                        .debit_minor = 50,
                                        .debits_posted_after = 50,
                                        .credits_posted_after = 150}));
  EXPECT_THAT(entries.at(Txn("refused")), IsEmpty());
  EXPECT_THAT(entries.at(Txn("line")), IsEmpty());
  const AccountLine a = replay.FindAccount(Id("a")).value();
  EXPECT_EQ(a.counters, (Counters{150, 1050, 10, 0}));
  EXPECT_EQ(a.version, 7);
  EXPECT_EQ(a.credit_line_minor, 500);
  EXPECT_TRUE(replay.FindAccount(Id("closed"))->closed);
  EXPECT_EQ(replay.FindHold(Id("hold")), (HoldLine{.hold_id = Id("hold"),
                                                   .state = "voided",
                                                   .expire_time = kStart + absl::Seconds(69),
                                                   .postings = {Between("a", "b", 0)}}));
  EXPECT_EQ(replay.FindHold(Id("forever"))->state, "open");
  EXPECT_EQ(replay.closed_until(), kStart);
  EXPECT_EQ(replay.last_sequence(), 17);
  EXPECT_EQ(replay.TransactionAt(8), Id("fund"));
  EXPECT_EQ(replay.TransactionAt(18), std::nullopt);
}

TEST(BookReplayTest, EntriesComeInOrderOfAccount) {
  BookReplay replay;
  std::vector<Uuid> ids;
  for (const Record& record : Everything().records) {
    ids.clear();
    for (const EntryLine& entry : replay.Apply(record).entries) ids.push_back(entry.account_id);
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  }
}

TEST(BookReplayTest, AFinalCaptureReleasesTheRest) {
  Journal journal = Everything();
  journal.Add("capture", "some", {Between("a", "b", 4)}, Txn("forever"),
              R"({"amounts":[4],"final":true})");
  EXPECT_THAT(ObjectionsToLast(journal), IsEmpty());
  BookReplay replay;
  for (const Record& record : journal.records) replay.Apply(record);
  EXPECT_EQ(replay.FindHold(Id("forever"))->state, "captured");
  EXPECT_EQ(replay.FindAccount(Id("a"))->counters, (Counters{154, 1050, 0, 0}));
}

TEST(BookReplayTest, CapturesOfManyPostingsLeaveOutWhatIsZero) {
  Journal journal = Everything();
  journal.Add("hold", "two", {Between("a", "b", 5), Between("rail", "b", 7)});
  journal.Add("capture", "second", {Between("rail", "b", 7)}, Txn("two"), R"({"amounts":[0,7]})");
  journal.Add("capture", "first", {Between("a", "b", 5)}, Txn("two"));
  journal.Add("reversal", "again", {Between("b", "rail", 7)}, Txn("second"), R"({"posting":0})");
  EXPECT_THAT(ObjectionsToLast(journal), IsEmpty());
}

TEST(BookReplayTest, ABalancingPostingTakesWhatThereIs) {
  Journal journal = Everything();
  journal.Add("post", "all", {Between("a", "b", 890)}, "", R"({"asked":[5000],"balancing":["d"]})");
  EXPECT_THAT(ObjectionsToLast(journal), IsEmpty());
}

TEST(BookReplayTest, AReversalMayBeDatedAsItsOriginal) {
  Journal journal = Everything();
  const std::optional<absl::Time> then = journal.records[7].effective_time;
  journal
      .Add("reversal", "as then", {Between("a", "rail", 1000)}, Txn("fund"),
           R"({"at_original_time":true})")
      .effective_time = then;
  EXPECT_THAT(ObjectionsToLast(journal), IsEmpty());
}

struct Case {
  const char* objection;
  std::function<void(Journal&)> add;
};

// One for each rule.
const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"kind is unknown", [](Journal& j) { j.Add("gift", "x"); }},
      {"records are missing",
       [](Journal& j) { j.Add("post", "x", {Between("a", "b", 1)}).sequence += 1; }},
      {"records are out of order",
       [](Journal& j) { j.Add("post", "x", {Between("a", "b", 1)}).sequence = 3; }},
      {"commit time is not after",
       [](Journal& j) {
         Record& record = j.Add("post", "x", {Between("a", "b", 1)});
         record.commit_time -= absl::Seconds(1);
         record.effective_time = record.commit_time;
       }},
      {"id was used before", [](Journal& j) { j.Add("post", "pay", {Between("a", "b", 1)}); }},
      {"unknown reason",
       [](Journal& j) {
         j.Add("post", "x", {Between("a", "b", 1)}).refused = Refused{"mood", "", ""};
       }},
      {"no effective time",
       [](Journal& j) { j.Add("post", "x", {Between("a", "b", 1)}).effective_time.reset(); }},
      {"after its commit",
       [](Journal& j) {
         *j.Add("post", "x", {Between("a", "b", 1)}).effective_time += absl::Seconds(1);
       }},
      {"period that was closed",
       [](Journal& j) {
         j.Add("post", "x", {Between("a", "b", 1)}).effective_time = kStart - absl::Microseconds(1);
       }},
      {"moves no money, so",
       [](Journal& j) {
         *j.Add("close_account", "x", {}, Acc("a")).effective_time -= absl::Seconds(1);
       }},
      {"expire time is not that of its timeout",
       [](Journal& j) {
         j.Add("hold", "x", {Between("a", "b", 1)}, "", R"({"timeout_us":5})").expire_time = kStart;
       }},
      {"expire time is not that of its timeout",
       [](Journal& j) { j.Add("post", "x", {Between("a", "b", 1)}).expire_time = kStart; }},
      {"precondition on",
       [](Journal& j) {
         j.Add("post", "x", {Between("a", "b", 1)}, "",
               R"({"preconditions":[{"account_id":")" + Id("a").ToString() + R"(","version":6}]})");
       }},
      {"precondition on",
       [](Journal& j) {
         j.Add("post", "x", {Between("a", "b", 1)}, "",
               R"({"preconditions":[{"account_id":")" + Id("a").ToString() +
                   R"(","least_balance_minor":901}]})");
       }},
      {"not 1 to 64 postings", [](Journal& j) { j.Add("post", "x"); }},
      {"which was never opened", [](Journal& j) { j.Add("post", "x", {Between("a", "who", 1)}); }},
      {"within one account", [](Journal& j) { j.Add("post", "x", {Between("a", "a", 1)}); }},
      {"moves nothing", [](Journal& j) { j.Add("post", "x", {Between("a", "b", 0)}); }},
      {"is between EUR and USD", [](Journal& j) { j.Add("post", "x", {Between("a", "cash", 1)}); }},
      {"was closed", [](Journal& j) { j.Add("post", "x", {Between("a", "closed", 1)}); }},
      {"not what was asked",
       [](Journal& j) {
         j.Add("post", "x", {Between("a", "b", 5)}, "", R"({"asked":[5000],"balancing":["d"]})");
       }},
      {"debits of", [](Journal& j) { j.Add("post", "x", {Between("a", "b", 1391)}); }},
      {"debits of", [](Journal& j) { j.Add("hold", "x", {Between("a", "b", 1391)}); }},
      {"credits of", [](Journal& j) { j.Add("post", "x", {Between("rail", "asset", 1)}); }},
      {"leave their range",
       [](Journal& j) { j.Add("post", "x", {Between("rail", "closed", kMax - 999)}); }},
      {"an account cannot count",
       [](Journal& j) { j.Add("post", "x", {Between("rail", "b", kMax)}); }},
      {"a hold that was never made",
       [](Journal& j) { j.Add("capture", "x", {Between("a", "b", 1)}, Txn("pay")); }},
      {"that was voided before",
       [](Journal& j) { j.Add("capture", "x", {Between("a", "b", 1)}, Txn("hold")); }},
      {"it captures 11 of posting 0, of which 10 is held",
       [](Journal& j) {
         j.Add("capture", "x", {Between("a", "b", 11)}, Txn("forever"), R"({"amounts":[11]})");
       }},
      {"another number of postings",
       [](Journal& j) {
         j.Add("capture", "x", {Between("a", "b", 10)}, Txn("forever"), R"({"amounts":[5,5]})");
       }},
      {"postings are not what it moves",
       [](Journal& j) {
         j.Add("capture", "x", {Between("a", "b", 9)}, Txn("forever"), R"({"amounts":[8]})");
       }},
      {"postings are not what it moves",
       [](Journal& j) { j.Add("void", "x", {Between("a", "b", 10)}, Txn("forever")); }},
      {"postings are not what it moves",
       [](Journal& j) { j.Add("close_account", "x", {Between("a", "b", 10)}, Acc("a")); }},
      {"hold's time was not over", [](Journal& j) { j.Add("expire", "x", {}, Txn("forever")); }},
      {"hold's time was over",
       [](Journal& j) {
         Record& hold =
             j.Add("hold", "short", {Between("a", "b", 1)}, "", R"({"timeout_us":1000000})");
         hold.expire_time = hold.commit_time + absl::Seconds(1);
         j.Add("void", "x", {}, Txn("short"));
       }},
      {"transaction that never was",
       [](Journal& j) { j.Add("reversal", "x", {Between("a", "b", 1)}, Txn("who")); }},
      {"transaction that never was",
       [](Journal& j) { j.Add("reversal", "x", {Between("b", "a", 1)}, Txn("refused")); }},
      {"neither a post nor a capture",
       [](Journal& j) { j.Add("reversal", "x", {Between("b", "a", 10)}, Txn("forever")); }},
      {"reversed before",
       [](Journal& j) { j.Add("reversal", "x", {Between("b", "a", 50)}, Txn("pay")); }},
      {"posting that never was",
       [](Journal& j) {
         j.Add("reversal", "x", {Between("b", "a", 1)}, Txn("part"), R"({"posting":1})");
       }},
      {"postings are not what it moves",
       [](Journal& j) { j.Add("reversal", "x", {Between("b", "a", 99)}, Txn("part")); }},
      {"effective time is not that of the original",
       [](Journal& j) {
         j.Add("reversal", "x", {Between("b", "a", 100)}, Txn("part"),
               R"({"at_original_time":true})");
       }},
      {"is about no account", [](Journal& j) { j.Add("close_account", "x", {}, Txn("pay")); }},
      {"opened before",
       [](Journal& j) { j.Open("a", R"({"currency":"EUR","normal_side":"debit"})"); }},
      {"its request is malformed", [](Journal& j) { j.Open("new", "{}"); }},
      {"credit line is impossible",
       [](Journal& j) {
         j.Open("new", R"({"currency":"EUR","normal_side":"debit","credit_line_minor":1})");
       }},
      {"closes an account that is closed",
       [](Journal& j) { j.Add("close_account", "x", {}, Acc("closed")); }},
      {"reopens an account that is open",
       [](Journal& j) { j.Add("reopen_account", "x", {}, Acc("a")); }},
      {"credit line is impossible",
       [](Journal& j) {
         j.Add("set_credit_line", "x", {}, Acc("rail"), R"({"credit_line_minor":1})");
       }},
      {"debits of",
       [](Journal& j) {
         j.Add("post", "draw", {Between("a", "b", 1000)});
         j.Add("set_credit_line", "x", {}, Acc("a"), R"({"credit_line_minor":0})");
       }},
      {"debits were frozen",
       [](Journal& j) {
         j.Add("freeze_account", "x", {}, Acc("a"), R"({"debits":true})");
         j.Add("post", "in", {Between("b", "a", 1)});
         j.Add("post", "out", {Between("a", "b", 1)});
       }},
      {"credits were frozen",
       [](Journal& j) {
         j.Add("freeze_account", "w", {}, Acc("b"), R"({"credits":true})");
         j.Add("freeze_account", "x", {}, Acc("a"), R"({"credits":true})");
         j.Add("freeze_account", "y", {}, Acc("b"));
         j.Add("post", "out", {Between("a", "b", 1)});
         j.Add("reversal", "undo", {Between("b", "a", 1)}, Txn("out"));
       }},
      {"period that was closed before",
       [](Journal& j) {
         j.Add("close_period", "x", {}, "",
               R"({"until_us":)" + std::to_string(absl::ToUnixMicros(kStart)) + "}");
       }},
      {"period that was not over",
       [](Journal& j) {
         const std::int64_t until = absl::ToUnixMicros(kStart + absl::Hours(1));
         j.Add("close_period", "x", {}, "", R"({"until_us":)" + std::to_string(until) + "}");
       }},
  };
  return cases;
}

TEST(BookReplayTest, ObjectsToEachRuleBroken) {
  for (std::size_t i = 0; i < Cases().size(); ++i) {
    Journal journal = Everything();
    Cases()[i].add(journal);
    EXPECT_THAT(ObjectionsToLast(journal), Contains(HasSubstr(Cases()[i].objection)))
        << "case " << i;
  }
}

// A book whose numbers make no sense is said to be so, and overflows nothing.
TEST(BookReplayTest, SurvivesNumbersBeyondSense) {
  Journal journal = Everything();
  for (int i = 0; i < 4; ++i) {
    journal.Add("post", "huge" + std::to_string(i), {Between("rail", "b", kMax)});
    journal.Add("post", "tiny" + std::to_string(i), {Between("rail", "b", -kMax)});
    journal.Add("hold", "least" + std::to_string(i),
                {Between("b", "rail", std::numeric_limits<std::int64_t>::min())});
    journal.Add("void", "void" + std::to_string(i), {}, Txn("least" + std::to_string(i)));
  }
  journal.Add("post", "last", {Between("rail", "b", 1)}).sequence = kMax;
  journal.Add("post", "first", {Between("rail", "b", 1)}).sequence =
      std::numeric_limits<std::int64_t>::min();
  BookReplay replay;
  std::size_t objections = 0;
  for (const Record& record : journal.records) objections += replay.Apply(record).objections.size();
  EXPECT_GT(objections, 8u);
}

TEST(BookReplayTest, GoesOnFromACorrection) {
  BookReplay replay;
  Journal journal = Everything();
  for (const Record& record : journal.records) replay.Apply(record);
  AccountLine b = replay.FindAccount(Id("b")).value();
  b.version = 99;
  b.counters.credits_posted = 1000;
  replay.Correct(b);
  const BookReplay::Effect effect = replay.Apply(journal.Add("post", "x", {Between("a", "b", 1)}));
  const auto entry = std::find_if(effect.entries.begin(), effect.entries.end(),
                                  [](const auto& one) { return one.account_id == Id("b"); });
  ASSERT_NE(entry, effect.entries.end());
  EXPECT_EQ(entry->version, 100);
  EXPECT_EQ(entry->credits_posted_after, 1001);
}

}  // namespace
}  // namespace florin::ledger::proof
