#include "services/ledger/store/journal_record.h"

#include "gtest/gtest.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/request_json.h"

namespace florin::ledger {
namespace {

Uuid Id(const std::string& name) { return DeriveId("test", name); }

Posting Move() {
  return {.debit_account_id = Id("A"), .credit_account_id = Id("B"), .amount_minor = 5};
}

// One command of every kind, saying all that it can.
std::vector<Command> EveryKind() {
  Posting balancing = Move();
  balancing.balancing_debit = true;
  balancing.balancing_credit = true;
  AccountTerms terms{.account_id = Id("A"), .currency = Currency::Parse("EUR").value()};
  terms.normal_side = NormalSide::kCredit;
  terms.debits_must_not_exceed_credits = true;
  terms.credit_line_minor = 9'223'372'036'854'775'807;
  const Action actions[] = {Post{{Move(), balancing}},
                            MakeHold{{balancing}, absl::Microseconds(7)},
                            Capture{Id("H"), {0, 3}, true},
                            VoidHold{Id("H")},
                            ExpireHold{Id("H")},
                            Reverse{Id("T"), 63, true},
                            OpenAccount{terms},
                            CloseAccount{Id("A")},
                            ReopenAccount{Id("A")},
                            SetCreditLine{Id("A"), 0},
                            ClosePeriod{absl::FromUnixMicros(-1)},
                            FreezeAccount{Id("A"), {.debits = true, .credits = true}}};
  std::vector<Command> commands;
  for (const Action& action : actions) {
    Command command;
    command.transaction_id = Id("command");
    command.action = action;
    command.metadata = {{"key", "value"}};
    command.preconditions = {
        {.account_id = Id("A"), .version = 0, .least_balance_minor = -5, .most_balance_minor = 5}};
    command.linked_to_next = true;
    commands.push_back(command);
  }
  return commands;
}

// What ReadRequest starts from: the action with its subject and with the postings that moved.
Command AsTheColumnsSay(Command command) {
  command.preconditions.clear();
  command.linked_to_next = false;
  if (auto* post = std::get_if<Post>(&command.action)) post->postings = {Move(), Move()};
  if (auto* hold = std::get_if<MakeHold>(&command.action)) *hold = {{Move()}, {}};
  if (auto* capture = std::get_if<Capture>(&command.action)) *capture = {capture->hold_id, {}};
  if (auto* reverse = std::get_if<Reverse>(&command.action))
    *reverse = {reverse->transaction_id, {}};
  if (auto* open = std::get_if<OpenAccount>(&command.action)) {
    open->terms = {.account_id = open->terms.account_id,
                   .currency = Currency::Parse("USD").value()};
  }
  if (auto* line = std::get_if<SetCreditLine>(&command.action)) line->credit_line_minor = 7;
  if (auto* period = std::get_if<ClosePeriod>(&command.action)) period->until = absl::UnixEpoch();
  return command;
}

TEST(RequestJsonTest, RestoresEveryKind) {
  for (const Command& command : EveryKind()) {
    SCOPED_TRACE(KindOf(command.action));
    const auto request = WriteRequest(command);
    ASSERT_TRUE(request);
    Command read = AsTheColumnsSay(command);
    EXPECT_TRUE(ReadRequest(*request, read).ok());
    EXPECT_EQ(read, command);
  }
}

TEST(RequestJsonTest, SaysNothingWhereTheColumnsSayAll) {
  Command command;
  command.action = Post{{Move()}};
  EXPECT_EQ(WriteRequest(command), std::nullopt);
}

TEST(RequestJsonTest, RefusesWhatIsNotOurs) {
  Command command;
  command.action = MakeHold{{Move()}, {}};
  for (const char* bad : {"", "[]", "{", R"({"timeout_us":"7"})", R"({"asked":[1]})"}) {
    EXPECT_FALSE(ReadRequest(bad, command).ok()) << bad;
  }
}

TEST(JournalRecordTest, EveryKindIsAReadableRecord) {
  std::int64_t sequence = 0;
  for (const Command& command : EveryKind()) {
    SCOPED_TRACE(KindOf(command.action));
    Decision decision{
        .command = command,
        .sequence = ++sequence,
        .commit_time = absl::FromUnixMicros(1'700'000'000'000'001),
        .fate = Commitment{.postings = {Move()}, .effective_time = absl::FromUnixSeconds(5)}};
    const proof::Record record = RecordOf(decision);
    EXPECT_EQ(proof::ParseRecord(proof::EncodeRecord(record)).value(), record);
    EXPECT_EQ(record.kind, KindOf(command.action));
    EXPECT_EQ(record.postings.size(), 1u);
    decision.fate = Refuse(Reason::kInsufficientFunds, "no", "param");
    const proof::Record refused = RecordOf(decision);
    EXPECT_EQ(proof::ParseRecord(proof::EncodeRecord(refused)).value(), refused);
    EXPECT_EQ(refused.refused->reason, "insufficient_funds");
    EXPECT_EQ(refused.effective_time, std::nullopt);
  }
}

}  // namespace
}  // namespace florin::ledger
