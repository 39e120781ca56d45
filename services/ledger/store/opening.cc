#include "services/ledger/store/opening.h"

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"

namespace florin::ledger {

std::vector<Command> OpeningsOf(const std::vector<AccountTerms>& accounts) {
  std::vector<Command> commands;
  for (const AccountTerms& terms : accounts) {
    Command command;
    command.transaction_id = OpeningIdOf(terms.account_id);
    command.action = OpenAccount{terms};
    commands.push_back(std::move(command));
  }
  return commands;
}

absl::Status CheckOpenings(const std::vector<Outcome>& outcomes) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Refusal* refusal = outcomes[i].decision.refusal();
    if (refusal == nullptr) continue;
    const bool conflict = refusal->reason == Reason::kIdConflict;
    return Error(refusal->reason,
                 conflict ? "the account is open with other terms" : refusal->message,
                 {.param = absl::StrCat("accounts[", i, "].", refusal->param)});
  }
  return absl::OkStatus();
}

}  // namespace florin::ledger
