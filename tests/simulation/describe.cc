#include "tests/simulation/describe.h"

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"

namespace florin::simulation {
namespace {

std::string TextOf(const ledger::Posting& posting) {
  return absl::StrCat(" ", Describe(posting.debit_account_id), "→",
                      Describe(posting.credit_account_id), ":", posting.amount_minor,
                      posting.balancing_debit ? "≤d" : "", posting.balancing_credit ? "≤c" : "");
}

std::string TextOf(const std::vector<ledger::Posting>& postings) {
  std::string text;
  for (const ledger::Posting& posting : postings) text += TextOf(posting);
  return text;
}

std::string TextOf(const ledger::Post& post) { return TextOf(post.postings); }
std::string TextOf(const ledger::MakeHold& hold) {
  const std::string timeout =
      hold.timeout ? absl::StrCat(" for ", absl::ToInt64Microseconds(*hold.timeout), "us") : "";
  return TextOf(hold.postings) + timeout;
}
std::string TextOf(const ledger::Capture& capture) {
  std::string text = " of " + Describe(capture.hold_id);
  for (const std::int64_t amount : capture.amounts_minor) absl::StrAppend(&text, " ", amount);
  return text + (capture.final ? " final" : "");
}
std::string TextOf(const ledger::VoidHold& release) { return " of " + Describe(release.hold_id); }
std::string TextOf(const ledger::ExpireHold& release) { return " of " + Describe(release.hold_id); }
std::string TextOf(const ledger::Reverse& reverse) {
  std::string text = " of " + Describe(reverse.transaction_id);
  if (reverse.posting) absl::StrAppend(&text, " posting ", *reverse.posting);
  return text + (reverse.at_original_time ? " at its time" : "");
}
std::string TextOf(const ledger::AccountTerms& terms) {
  return absl::StrCat(" ", Describe(terms.account_id), " ", std::string(terms.currency.code()),
                      terms.normal_side == ledger::NormalSide::kDebit ? " debit" : " credit",
                      terms.debits_must_not_exceed_credits ? " d<=c" : "",
                      terms.credits_must_not_exceed_debits ? " c<=d" : "", " line ",
                      terms.credit_line_minor);
}
std::string TextOf(const ledger::OpenAccount& open) { return TextOf(open.terms); }
std::string TextOf(const ledger::CloseAccount& close) { return " " + Describe(close.account_id); }
std::string TextOf(const ledger::ReopenAccount& open) { return " " + Describe(open.account_id); }
std::string TextOf(const ledger::SetCreditLine& line) {
  return absl::StrCat(" ", Describe(line.account_id), " ", line.credit_line_minor);
}
std::string TextOf(const ledger::FreezeAccount& freeze) {
  return absl::StrCat(" ", Describe(freeze.account_id), freeze.frozen.debits ? " debits" : "",
                      freeze.frozen.credits ? " credits" : "");
}
std::string TextOf(const ledger::ClosePeriod& close) { return " until " + Describe(close.until); }

std::string TextOf(const ledger::Precondition& wanted) {
  std::string text = " if " + Describe(wanted.account_id);
  if (wanted.version) absl::StrAppend(&text, " v", *wanted.version);
  if (wanted.least_balance_minor) absl::StrAppend(&text, " >=", *wanted.least_balance_minor);
  if (wanted.most_balance_minor) absl::StrAppend(&text, " <=", *wanted.most_balance_minor);
  return text;
}

const char* NameOf(Step::Kind kind) {
  switch (kind) {
    case Step::Kind::kCommit:
      return "commit";
    case Step::Kind::kDryRun:
      return "dry run";
    case Step::Kind::kOpenAccounts:
      return "open accounts";
    case Step::Kind::kSweep:
      break;
  }
  return "sweep";
}

}  // namespace

std::string Describe(const Uuid& id) { return id.ToString().substr(0, 8); }

std::string Describe(absl::Time time) {
  if (time == absl::InfiniteFuture()) return "never";
  if (time == absl::InfinitePast()) return "always";
  return absl::StrCat(absl::ToUnixMicros(time) - 1'700'000'000'000'000, "us");
}

std::string Describe(const ledger::Command& command) {
  std::string text = Describe(command.transaction_id) + " ";
  text += ledger::KindOf(command.action);
  text += std::visit([](const auto& kind) { return TextOf(kind); }, command.action);
  if (command.effective_time) text += " dated " + Describe(*command.effective_time);
  for (const ledger::Precondition& wanted : command.preconditions) text += TextOf(wanted);
  if (!command.metadata.empty()) absl::StrAppend(&text, " metadata ", command.metadata.size());
  if (command.malformed) text += " malformed " + command.malformed->param;
  return text + (command.linked_to_next ? " linked" : "");
}

std::string Describe(const ledger::Outcome& outcome) {
  const ledger::Decision& decision = outcome.decision;
  std::string text = Describe(decision.command.transaction_id);
  if (decision.sequence > 0) {
    absl::StrAppend(&text, " #", decision.sequence, " at ", Describe(decision.commit_time));
  }
  if (const ledger::Refusal* refusal = decision.refusal()) {
    absl::StrAppend(&text, " refused: ", std::string(InfoOf(refusal->reason).name), " ",
                    refusal->param, refusal->remembered ? " for ever" : "");
  } else {
    const ledger::Commitment& commitment = *decision.commitment();
    absl::StrAppend(&text, " committed:", TextOf(commitment.postings), " dated ",
                    Describe(commitment.effective_time));
    if (commitment.expire_time) text += " expires " + Describe(*commitment.expire_time);
  }
  return text + (outcome.replayed ? " (replayed)" : "");
}

std::string Describe(const ledger::Counters& counters) {
  return absl::StrCat("debits ", counters.debits_posted, "+", counters.debits_pending, " credits ",
                      counters.credits_posted, "+", counters.credits_pending);
}

std::string Describe(const ledger::Account& account) {
  return absl::StrCat(TextOf(account.terms), ": ", Describe(account.counters), " version ",
                      account.version, account.closed ? " closed" : "",
                      account.frozen.debits ? " debits frozen" : "",
                      account.frozen.credits ? " credits frozen" : "");
}

std::string Describe(const ledger::Entry& entry) {
  return absl::StrCat(Describe(entry.account_id), " v", entry.version, " #", entry.sequence, ": ",
                      Describe(entry.change), " -> ", Describe(entry.after));
}

std::string Describe(const ledger::Hold& hold) {
  const char* states[] = {"open", "captured", "voided", "expired"};
  return absl::StrCat(Describe(hold.hold_id), " ", states[static_cast<int>(hold.state)],
                      " expires ", Describe(hold.expire_time), TextOf(hold.postings));
}

std::string Describe(const Step& step) {
  std::string text = absl::StrCat(NameOf(step.kind), " at ", Describe(step.now));
  if (step.kind == Step::Kind::kSweep) absl::StrAppend(&text, ", ", step.limit, " holds");
  for (std::size_t i = 0; i < step.commands.size(); ++i) {
    absl::StrAppend(&text, "\n    [", i, "] ", Describe(step.commands[i]));
  }
  for (const ledger::AccountTerms& terms : step.accounts) {
    absl::StrAppend(&text, "\n   ", TextOf(terms));
  }
  return text;
}

}  // namespace florin::simulation
