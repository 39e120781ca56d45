#include "services/ledger/store/journal_record.h"

#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/request_json.h"

namespace florin::ledger {
namespace {

std::string SubjectOf(const Action& action) {
  if (const Uuid* account = AccountOf(action)) return FormatId(IdKind::kAccount, *account);
  if (const Uuid* hold = HoldOf(action)) return FormatId(IdKind::kTransaction, *hold);
  const auto* reverse = std::get_if<Reverse>(&action);
  return reverse == nullptr ? "" : FormatId(IdKind::kTransaction, reverse->transaction_id);
}

void AddPostings(const std::vector<Posting>& postings, proof::Record& record) {
  for (const Posting& posting : postings) {
    record.postings.push_back({.debit_account_id = posting.debit_account_id,
                               .credit_account_id = posting.credit_account_id,
                               .amount_minor = posting.amount_minor});
  }
}

}  // namespace

proof::Record RecordOf(const Decision& decision) {
  const Command& command = decision.command;
  proof::Record record;
  record.sequence = decision.sequence;
  record.transaction_id = command.transaction_id;
  record.kind = std::string(KindOf(command.action));
  record.commit_time = decision.commit_time;
  record.subject = SubjectOf(command.action);
  record.request = WriteRequest(command).value_or("");
  record.metadata = command.metadata;
  if (const Commitment* commitment = decision.commitment()) {
    record.effective_time = commitment->effective_time;
    record.expire_time = commitment->expire_time;
    AddPostings(commitment->postings, record);
    return record;
  }
  const Refusal& refusal = *decision.refusal();
  record.effective_time = command.effective_time;
  record.refused = proof::Refused{.reason = std::string(InfoOf(refusal.reason).name),
                                  .message = refusal.message,
                                  .param = refusal.param};
  if (const auto* asked = PostingsOf(command.action)) AddPostings(*asked, record);
  return record;
}

}  // namespace florin::ledger
