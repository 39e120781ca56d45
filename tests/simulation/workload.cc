#include "tests/simulation/workload.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"
#include "tests/simulation/random.h"

namespace florin::simulation {
namespace {

using ledger::Action;
using ledger::Command;
using ledger::Posting;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// The accounts of every book. kNone is never opened; some are opened late.
enum AccountNumber {
  kRail,    // No limits: where money comes from.
  kWallet,  // May spend what it has.
  kPurse,
  kLine,   // The same, with a credit line.
  kAsset,  // May be credited what was debited.
  kFull,   // No limits: counts up to the end of 64 bits.
  kBig,
  kDollars,
  kDollarWallet,
  kLate,
  kNone,
  kAccounts,
};

Uuid AccountId(std::int64_t number) { return NumberedId(1, static_cast<std::uint64_t>(number)); }
Uuid TransactionId(std::int64_t number) {
  return NumberedId(2, static_cast<std::uint64_t>(number));
}

ledger::AccountTerms TermsOf(std::int64_t number) {
  const bool dollars = number == kDollars || number == kDollarWallet;
  ledger::AccountTerms terms{.account_id = AccountId(number),
                             .currency = Currency::Parse(dollars ? "USD" : "EUR").value()};
  switch (number) {
    case kWallet:
    case kPurse:
    case kLine:
    case kDollarWallet:
    case kLate:
      terms.normal_side = ledger::NormalSide::kCredit;
      terms.debits_must_not_exceed_credits = true;
      break;
    case kAsset:
      terms.credits_must_not_exceed_debits = true;
      break;
    default:
      break;
  }
  if (number == kLine) terms.credit_line_minor = 50;
  return terms;
}

Posting Between(std::int64_t debit, std::int64_t credit, std::int64_t amount_minor) {
  return {.debit_account_id = AccountId(debit),
          .credit_account_id = AccountId(credit),
          .amount_minor = amount_minor};
}

Command Do(const Uuid& id, Action action) {
  Command command;
  command.transaction_id = id;
  command.action = std::move(action);
  return command;
}

Command Opening(const ledger::AccountTerms& terms) {
  return Do(ledger::OpeningIdOf(terms.account_id), ledger::OpenAccount{terms});
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::vector<Step> Make(int count) {
    std::vector<Step> steps = {Step{.kind = Step::Kind::kOpenAccounts, .now = now_}};
    for (const std::int64_t number : {kRail, kWallet, kLine, kAsset, kFull, kBig, kDollars}) {
      if (!random_.OneIn(20)) steps[0].accounts.push_back(TermsOf(number));
    }
    while (static_cast<int>(steps.size()) < count) steps.push_back(NextStep());
    return steps;
  }

 private:
  // A transaction that later ones may refer to.
  struct Made {
    Uuid id;
    std::int64_t postings;
  };

  // ---- Steps

  Step NextStep() {
    MoveClock();
    const std::int64_t roll = random_.Below(100);
    if (roll < 7) return Openings();
    if (roll < 18) {
      const auto limit = static_cast<int>(1 + random_.Below(4));
      return {.kind = Step::Kind::kSweep, .now = now_, .limit = limit};
    }
    Step step{.kind = roll < 26 ? Step::Kind::kDryRun : Step::Kind::kCommit, .now = now_};
    const std::int64_t size = random_.OneIn(8) ? 20 : 1 + random_.Below(7);
    DeliverLate(step.commands);
    while (static_cast<std::int64_t>(step.commands.size()) < size) Add(step.commands);
    CloseChain(step.commands);
    return step;
  }

  void MoveClock() {
    switch (random_.Below(10)) {
      case 0:
        now_ -= absl::Microseconds(random_.Below(3'600'000'000));
        break;
      case 1:
        now_ += absl::Microseconds(random_.Below(7'200'000'000));
        break;
      case 2:
      case 3:
        now_ += absl::Seconds(random_.Below(90));
        break;
      case 4:
      case 5:
      case 6:
        now_ += absl::Microseconds(random_.Below(40));
        break;
      default:
        break;  // Stands still.
    }
  }

  Step Openings() {
    Step step{.kind = Step::Kind::kOpenAccounts, .now = now_};
    for (std::int64_t n = random_.Below(3); n < 3; ++n) {
      ledger::AccountTerms terms = TermsOf(random_.Below(kNone));
      if (random_.OneIn(8)) terms = Otherwise(terms);
      step.accounts.push_back(terms);
    }
    return step;
  }

  // The same account with other terms: a conflict, or such as no account can have.
  ledger::AccountTerms Otherwise(ledger::AccountTerms terms) {
    switch (random_.Below(4)) {
      case 0:
        terms.currency = Currency::Parse("JPY").value();
        break;
      case 1:
        terms.normal_side = terms.normal_side == ledger::NormalSide::kDebit
                                ? ledger::NormalSide::kCredit
                                : ledger::NormalSide::kDebit;
        break;
      case 2:
        terms.credit_line_minor += random_.OneIn(3) ? -1000 : 5;
        break;
      default:
        terms.credits_must_not_exceed_debits = !terms.credits_must_not_exceed_debits;
        break;
    }
    return terms;
  }

  // What was held back in earlier steps.
  void DeliverLate(std::vector<Command>& commands) {
    std::vector<Command> still;
    for (Command& command : late_) {
      (random_.OneIn(3) ? commands : still).push_back(std::move(command));
    }
    late_ = std::move(still);
    for (const Command& command : commands) Remember(command);
  }

  // The next command or group: new ones, or old ones again.
  void Add(std::vector<Command>& commands) {
    const std::int64_t roll = random_.Below(100);
    if (roll < 10 && !history_.empty()) {
      Push(commands, Old());
    } else if (roll < 17 && !history_.empty()) {
      Push(commands, Changed(Old()));
    } else if (roll < 20 && !groups_.empty()) {
      const std::vector<Command> group = random_.Pick(groups_);
      for (const Command& command : group) Push(commands, command);
    } else if (roll < 28) {
      AddGroup(commands);
    } else {
      const Command command = NewCommand();
      if (random_.OneIn(25)) late_.push_back(command);
      if (!random_.OneIn(30)) Push(commands, command);
    }
  }

  void AddGroup(std::vector<Command>& commands) {
    std::vector<Command> group;
    const std::int64_t size = 2 + random_.Below(3);
    while (static_cast<std::int64_t>(group.size()) < size) {
      group.push_back(NewCommand());
      if (StandsAlone(group.back())) group.pop_back();
    }
    for (Command& command : group) command.linked_to_next = true;
    group.back().linked_to_next = false;
    if (random_.OneIn(30)) group[1].transaction_id = group[0].transaction_id;
    groups_.push_back(group);
    for (const Command& command : group) Push(commands, command);
  }

  // Nobody links openings and expiries.
  static bool StandsAlone(const Command& command) {
    return std::holds_alternative<ledger::OpenAccount>(command.action) ||
           std::holds_alternative<ledger::ExpireHold>(command.action);
  }

  void Push(std::vector<Command>& commands, const Command& command) {
    if (StandsAlone(command) && !commands.empty()) commands.back().linked_to_next = false;
    commands.push_back(command);
    Remember(command);
  }

  // As whoever reads requests does: the last of one is linked to nothing.
  void CloseChain(std::vector<Command>& commands) {
    if (commands.empty() || !commands.back().linked_to_next) return;
    commands.back().linked_to_next = false;
    if (!commands.back().malformed && random_.OneIn(2)) {
      commands.back().malformed = Malformed(Reason::kLinkedChainOpen, "linked_to_next");
    }
  }

  static ledger::Refusal Malformed(Reason reason, const char* param) {
    return {.reason = reason, .message = "", .param = param, .remembered = false};
  }

  // Earlier commands, the last ones most of the time.
  Command Old() {
    const auto size = static_cast<std::int64_t>(history_.size());
    const std::int64_t back = random_.OneIn(3) ? random_.Below(size) : random_.Below(8) % size;
    return history_[static_cast<std::size_t>(size - 1 - back)];
  }

  void Remember(const Command& command) {
    history_.push_back(command);
    if (const auto* post = std::get_if<ledger::Post>(&command.action)) {
      posts_.push_back({command.transaction_id, static_cast<std::int64_t>(post->postings.size())});
    }
    if (std::holds_alternative<ledger::Capture>(command.action)) {
      posts_.push_back({command.transaction_id, 2});
    }
    if (const auto* hold = std::get_if<ledger::MakeHold>(&command.action)) {
      holds_.push_back({command.transaction_id, static_cast<std::int64_t>(hold->postings.size())});
    }
  }

  // The same id with one thing changed.
  Command Changed(Command command) {
    switch (random_.Below(7)) {
      case 0:
        command.metadata["changed"] = "yes";
        break;
      case 1:
        command.effective_time =
            command.effective_time ? std::optional<absl::Time>() : now_ - absl::Seconds(1);
        break;
      case 2:
        command.preconditions.push_back(AnyPrecondition());
        break;
      case 3:
        command.linked_to_next = !command.linked_to_next && !StandsAlone(command);
        break;
      case 4:
        if (!StandsAlone(command)) command.action = ledger::VoidHold{AnyHold().id};
        break;
      case 5:
        command.malformed = command.malformed ? std::optional<ledger::Refusal>()
                                              : Malformed(Reason::kInvalidField, "effective_time");
        break;
      default:
        ChangeAction(command.action);
        break;
    }
    return command;
  }

  void ChangeAction(Action& action) {
    if (auto* post = std::get_if<ledger::Post>(&action)) return ChangePostings(post->postings);
    if (auto* hold = std::get_if<ledger::MakeHold>(&action)) return ChangePostings(hold->postings);
    if (auto* capture = std::get_if<ledger::Capture>(&action)) {
      capture->final = !capture->final;
    }
    if (auto* reverse = std::get_if<ledger::Reverse>(&action)) {
      reverse->at_original_time = !reverse->at_original_time;
    }
    if (auto* open = std::get_if<ledger::OpenAccount>(&action))
      open->terms = Otherwise(open->terms);
    if (auto* line = std::get_if<ledger::SetCreditLine>(&action)) line->credit_line_minor ^= 1;
    if (auto* freeze = std::get_if<ledger::FreezeAccount>(&action)) {
      freeze->frozen.debits = !freeze->frozen.debits;
    }
    if (auto* close = std::get_if<ledger::ClosePeriod>(&action)) close->until -= absl::Seconds(1);
  }

  void ChangePostings(std::vector<Posting>& postings) {
    if (postings.empty()) return postings.push_back(AnyPosting());
    Posting& posting = postings[static_cast<std::size_t>(
        random_.Below(static_cast<std::int64_t>(postings.size())))];
    switch (random_.Below(4)) {
      case 0:
        posting.amount_minor += posting.amount_minor == kMost ? -1 : 1;
        break;
      case 1:
        posting.balancing_credit = !posting.balancing_credit;
        break;
      case 2:
        posting.credit_account_id = AccountId(kPurse);
        break;
      default:
        postings.pop_back();
        break;
    }
  }

  // ---- Commands

  Command NewCommand() {
    Command command = Do(TransactionId(next_++), {});
    command.action = NewAction();
    if (const auto* open = std::get_if<ledger::OpenAccount>(&command.action)) {
      return Opening(open->terms);
    }
    if (const auto* expire = std::get_if<ledger::ExpireHold>(&command.action)) {
      if (!random_.OneIn(4)) command.transaction_id = ledger::ExpiryIdOf(expire->hold_id);
      return command;
    }
    AddTime(command);
    AddMetadata(command.metadata);
    for (std::int64_t n = random_.Below(40); n < 3; ++n) {
      command.preconditions.push_back(AnyPrecondition());
    }
    if (random_.OneIn(400)) command.preconditions.resize(17, AnyPrecondition());
    if (random_.OneIn(60)) command.malformed = AnyMalformed();
    return command;
  }

  Action NewAction() {
    const std::int64_t roll = random_.Below(100);
    if (roll < 34) return ledger::Post{AnyPostings()};
    if (roll < 52) {
      std::vector<Posting> postings = AnyPostings();
      return ledger::MakeHold{std::move(postings), AnyTimeout()};
    }
    if (roll < 67) return AnyCapture();
    if (roll < 71) return ledger::VoidHold{AnyHold().id};
    if (roll < 75) return ledger::ExpireHold{AnyHold().id};
    if (roll < 85) return AnyReversal();
    if (roll < 88) return ledger::OpenAccount{AnyTerms()};
    if (roll < 90) {
      closed_ = random_.Below(kAccounts);
      return ledger::CloseAccount{AccountId(closed_)};
    }
    if (roll < 93) {
      const std::int64_t number = random_.OneIn(4) ? random_.Below(kAccounts) : closed_;
      return ledger::ReopenAccount{AccountId(number)};
    }
    if (roll < 96) return AnyCreditLine();
    if (roll < 98) return AnyFreeze();
    return ledger::ClosePeriod{now_ + absl::Microseconds(random_.Below(5'400'000'000)) -
                               absl::Minutes(75)};
  }

  ledger::AccountTerms AnyTerms() {
    const ledger::AccountTerms terms = TermsOf(random_.Below(kNone));
    return random_.OneIn(6) ? Otherwise(terms) : terms;
  }

  // Of the account that was frozen last mostly none again, so that most of them move money.
  ledger::FreezeAccount AnyFreeze() {
    if (!random_.OneIn(3)) return {.account_id = AccountId(frozen_), .frozen = {}};
    frozen_ = random_.Below(kAccounts);
    const ledger::Freeze frozen{.debits = random_.OneIn(2), .credits = random_.OneIn(2)};
    return {.account_id = AccountId(frozen_), .frozen = frozen};
  }

  ledger::SetCreditLine AnyCreditLine() {
    std::int64_t number = kLine;
    if (random_.OneIn(3)) number = random_.Below(kAccounts);
    const std::int64_t line = random_.OneIn(12) ? -1 : random_.Below(70);
    return {.account_id = AccountId(number), .credit_line_minor = random_.OneIn(40) ? kMost : line};
  }

  std::int64_t AnyAmount() {
    const std::int64_t roll = random_.Below(100);
    if (roll < 1) return -random_.Below(2);
    if (roll < 4) return kMost;
    if (roll < 20) return 1 + random_.Below(90);
    return 1 + random_.Below(20);
  }

  Posting AnyPosting() {
    const std::int64_t roll = random_.Below(100);
    std::int64_t debit = kRail;
    std::int64_t credit = 1 + random_.Below(3);  // Wallet, purse, line.
    if (roll >= 40) debit = 1 + random_.Below(4);
    if (roll >= 65) credit = random_.Below(5);
    if (roll >= 80) debit = kFull;
    if (roll >= 80) credit = kBig;
    if (roll >= 86) debit = kDollars;
    if (roll >= 86) credit = kDollarWallet;
    if (roll >= 92) debit = random_.Below(kAccounts);
    if (roll >= 92) credit = random_.Below(kAccounts);
    if (debit == credit && !random_.OneIn(20)) credit = debit == kRail ? kWallet : kRail;
    Posting posting = Between(debit, credit, AnyAmount());
    if (debit == kFull && random_.OneIn(4)) posting.amount_minor = kMost - random_.Below(60);
    // Never so much that nothing else could happen to an account that all others need.
    if (debit == kRail && posting.amount_minor > 1'000) posting.amount_minor = 100;
    posting.balancing_debit = random_.OneIn(12);
    posting.balancing_credit = random_.OneIn(20);
    return posting;
  }

  std::vector<Posting> AnyPostings() {
    const std::int64_t roll = random_.Below(300);
    if (roll == 0) return {};
    if (roll == 1) return std::vector<Posting>(65, AnyPosting());
    if (roll == 2) return std::vector<Posting>(64, Between(kRail, kPurse, 1));
    std::vector<Posting> postings = {AnyPosting()};
    while (postings.size() < 4 && random_.OneIn(3)) postings.push_back(AnyPosting());
    return postings;
  }

  std::optional<absl::Duration> AnyTimeout() {
    switch (random_.Below(10)) {
      case 0:
      case 1:
        return std::nullopt;
      case 2:
        return absl::Seconds(1 + random_.Below(120));
      case 3:
        return absl::Minutes(1 + random_.Below(120));
      case 4:
        if (random_.OneIn(2)) return ledger::kLongestHold;
        return random_.OneIn(2) ? absl::ZeroDuration()
                                : ledger::kLongestHold + absl::Microseconds(1);
      default:
        return absl::Microseconds(1 + random_.Below(60));
    }
  }

  // A hold of late, or an id that is none, that no one has used yet or never will.
  Made AnyHold() { return AnyOf(holds_); }

  Made AnyOf(const std::vector<Made>& made) {
    const std::int64_t roll = random_.Below(100);
    if (roll < 4) return {TransactionId(next_ + random_.Below(12)), 1};
    if (roll < 8) return {TransactionId(random_.Below(next_)), 1};
    if (roll < 10 || made.empty()) return {TransactionId(1'000'000 + random_.Below(1'000)), 1};
    const auto size = static_cast<std::int64_t>(made.size());
    const std::int64_t back = random_.OneIn(3) ? random_.Below(size) : random_.Below(4) % size;
    return made[static_cast<std::size_t>(size - 1 - back)];
  }

  ledger::Capture AnyCapture() {
    const Made hold = AnyHold();
    ledger::Capture capture{.hold_id = hold.id, .amounts_minor = {}};
    capture.final = random_.OneIn(4);
    if (random_.OneIn(3)) return capture;
    std::int64_t count = hold.postings;
    if (random_.OneIn(20)) count += 1;
    if (random_.OneIn(400)) count = 65;
    while (static_cast<std::int64_t>(capture.amounts_minor.size()) < count) {
      capture.amounts_minor.push_back(random_.OneIn(40) ? -1 : random_.Below(12));
    }
    return capture;
  }

  ledger::Reverse AnyReversal() {
    const bool of_hold = random_.OneIn(12);
    const Made original = AnyOf(of_hold ? holds_ : posts_);
    ledger::Reverse reverse{.transaction_id = original.id, .posting = {}};
    if (random_.OneIn(3)) reverse.posting = random_.Below(original.postings + 1);
    if (random_.OneIn(60)) reverse.posting = random_.OneIn(2) ? -1 : 64;
    reverse.at_original_time = random_.OneIn(4);
    return reverse;
  }

  ledger::Precondition AnyPrecondition() {
    ledger::Precondition precondition{.account_id = AccountId(random_.Below(kAccounts)),
                                      .version = {},
                                      .least_balance_minor = {},
                                      .most_balance_minor = {}};
    if (random_.OneIn(30)) return precondition;
    if (random_.OneIn(3)) precondition.version = random_.OneIn(20) ? -1 : random_.Below(6);
    if (random_.OneIn(2)) precondition.least_balance_minor = random_.Below(60) - 50;
    if (random_.OneIn(2)) precondition.most_balance_minor = random_.Below(200) - 20;
    if (random_.OneIn(2)) precondition.most_balance_minor = kMost;
    return precondition;
  }

  ledger::Refusal AnyMalformed() {
    switch (random_.Below(5)) {
      case 0:
        return Malformed(Reason::kInvalidId, "postings[0].debit_account_id");
      case 1:
        return Malformed(Reason::kInvalidField, "effective_time");
      case 2:
        return Malformed(Reason::kMissingField, "change");
      case 3:
        return Malformed(Reason::kLinkedChainOpen, "linked_to_next");
      default:
        return Malformed(Reason::kTooManyItems, "postings");
    }
  }

  void AddTime(Command& command) {
    const std::int64_t roll = random_.Below(200);
    const absl::Duration some = absl::Microseconds(random_.Below(7'200'000'000));
    if (!ledger::MovesMoney(command.action) && roll != 0) return;
    if (roll < 20) command.effective_time = now_ - some;
    if (roll < 4) command.effective_time = now_ + some;
    if (roll == 4) command.effective_time = absl::FromUnixMicros(-123'456);
    if (roll == 5) command.effective_time = now_;
  }

  void AddMetadata(ledger::Metadata& metadata) {
    const std::int64_t roll = random_.Below(300);
    if (roll < 60) metadata["payment_id"] = absl::StrCat("pay_", random_.Below(9));
    if (roll < 20) metadata["text"] = "\"quoted\" \\ {x,y} NULL \xc3\xa9";
    if (roll == 0) metadata["Key"] = "";
    if (roll == 1) metadata["key"] = std::string(201, 'v');
    if (roll == 2) metadata["key"] = std::string(1, '\0');
    for (int i = 0; roll == 3 && i < 17; ++i) metadata[absl::StrCat("key", i)] = "";
  }

  Random random_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::int64_t next_ = 0;        // Number of the next transaction id.
  std::int64_t closed_ = kLate;  // The account that was to be closed last.
  std::int64_t frozen_ = kLate;  // The one that was to be frozen last.
  std::vector<Command> history_;
  std::vector<std::vector<Command>> groups_;
  std::vector<Command> late_;
  std::vector<Made> posts_;
  std::vector<Made> holds_;
};

std::vector<Command> EveryKind(absl::Time now) {
  Command hold = Do(TransactionId(10),
                    ledger::MakeHold{{Between(kWallet, kPurse, 30)}, absl::Microseconds(60)});
  hold.metadata = {{"payment_id", "pay_1"}};
  Command first = Do(TransactionId(11), ledger::Post{{Between(kRail, kLine, 2)}});
  first.linked_to_next = true;
  Command second = Do(TransactionId(12), ledger::Post{{Between(kLine, kPurse, 500)}});
  second.metadata = {{"payment_id", "pay_2"}};
  const ledger::MakeHold brief{{Between(kWallet, kPurse, 1)}, absl::Microseconds(1)};
  return {hold,
          Opening(TermsOf(kLate)),
          Do(TransactionId(13), ledger::Post{{Between(kRail, kLate, 7)}}),
          Do(TransactionId(14), ledger::Capture{TransactionId(3), {4}, false}),
          Do(TransactionId(15), ledger::VoidHold{TransactionId(4)}),
          first,
          second,
          Do(TransactionId(16), ledger::Reverse{TransactionId(1), 0, true}),
          Do(TransactionId(17), ledger::SetCreditLine{AccountId(kLine), 60}),
          Do(TransactionId(18), ledger::CloseAccount{AccountId(kPurse)}),
          Do(TransactionId(19), ledger::Post{{Between(kRail, kPurse, 1)}}),
          Do(TransactionId(20), ledger::ReopenAccount{AccountId(kPurse)}),
          Do(TransactionId(24), ledger::FreezeAccount{AccountId(kPurse), {.credits = true}}),
          Do(TransactionId(25), ledger::Post{{Between(kRail, kPurse, 1)}}),
          Do(TransactionId(26), ledger::FreezeAccount{AccountId(kPurse), {}}),
          Do(TransactionId(21), brief),
          Do(TransactionId(22), ledger::ClosePeriod{now - absl::Hours(1)}),
          Do(TransactionId(23), ledger::Post{{Between(kRail, kRail, 0)}})};
}

}  // namespace

std::set<std::string> IndexedMetadata() { return {"payment_id"}; }

std::vector<Step> MakeWorkload(std::uint64_t seed, int steps) {
  return Generator(seed).Make(steps);
}

std::vector<Step> OneOfEverything() {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  Step open{.kind = Step::Kind::kOpenAccounts, .now = now - absl::Hours(2)};
  for (const std::int64_t number : {kRail, kWallet, kPurse, kLine, kAsset}) {
    open.accounts.push_back(TermsOf(number));
  }
  Step fund{.kind = Step::Kind::kCommit, .now = now - absl::Minutes(5)};
  fund.commands = {
      Do(TransactionId(1), ledger::Post{{Between(kRail, kWallet, 10), Between(kRail, kLine, 10)}}),
      Do(TransactionId(2), ledger::Post{{Between(kRail, kWallet, 100)}}),
      Do(TransactionId(3), ledger::MakeHold{{Between(kWallet, kPurse, 20)}, {}}),
      Do(TransactionId(4), ledger::MakeHold{{Between(kWallet, kPurse, 5)}, absl::Hours(1)})};
  const Step every{.kind = Step::Kind::kCommit, .now = now, .commands = EveryKind(now)};
  Step trial{.kind = Step::Kind::kDryRun, .now = now + absl::Seconds(1)};
  trial.commands = {Do(TransactionId(30), ledger::Capture{TransactionId(3), {}, true}),
                    Do(TransactionId(31), ledger::Reverse{TransactionId(2), {}})};
  const Step sweep{.kind = Step::Kind::kSweep, .now = now + absl::Seconds(1), .limit = 5};
  const Step again{.kind = Step::Kind::kCommit, .now = now, .commands = EveryKind(now)};
  return {open, fund, every, trial, sweep, again};
}

}  // namespace florin::simulation
