#include "services/ledger/rpc/messages.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/opening_rules.h"

namespace florin::ledger {
namespace {

// The range of google.protobuf.Timestamp: years 1 to 9999.
constexpr std::int64_t kFirstSecond = -62'135'596'800;
constexpr std::int64_t kLastSecond = 253'402'300'799;

// The same error with `path` before its param.
absl::Status Within(const std::string& path, const absl::Status& status) {
  ErrorDetail detail = DetailOf(status);
  detail.param = path + detail.param;
  return Error(*ReasonOf(status), std::string(status.message()), std::move(detail));
}

void WriteTime(absl::Time time, google::protobuf::Timestamp* message) {
  const std::int64_t micros = absl::ToUnixMicros(time);
  const std::int64_t seconds = absl::ToUnixSeconds(time);  // Rounds down.
  message->set_seconds(seconds);
  message->set_nanos(static_cast<std::int32_t>((micros - seconds * 1'000'000) * 1'000));
}

Refusal Malformed(const absl::Status& status) {
  return Refuse(*ReasonOf(status), std::string(status.message()), DetailOf(status).param);
}

absl::StatusOr<Posting> ReadPosting(const v1::Posting& message, const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid debit, ParseId(IdKind::kAccount, message.debit_account_id(),
                                                    path + "debit_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Uuid credit, ParseId(IdKind::kAccount, message.credit_account_id(),
                                                     path + "credit_account_id"));
  return Posting{.debit_account_id = debit,
                 .credit_account_id = credit,
                 .amount_minor = message.amount_minor(),
                 .balancing_debit = message.balancing_debit(),
                 .balancing_credit = message.balancing_credit()};
}

absl::StatusOr<Uuid> ReadTransactionId(const std::string& text, const char* param) {
  return ParseId(IdKind::kTransaction, text, param);
}

absl::StatusOr<std::vector<Posting>> ReadPostings(const v1::TransactionInput& message) {
  std::vector<Posting> postings;
  for (int i = 0; i < message.postings_size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(const Posting posting,
                            ReadPosting(message.postings(i), absl::StrCat("postings[", i, "].")));
    postings.push_back(posting);
  }
  return postings;
}

absl::StatusOr<Action> ReadHold(const v1::TransactionInput& message) {
  MakeHold hold;
  FLORIN_ASSIGN_OR_RETURN(hold.postings, ReadPostings(message));
  if (!message.hold().has_timeout()) return hold;
  const google::protobuf::Duration& timeout = message.hold().timeout();
  // Far beyond what CheckShape lets pass, and still far from overflow.
  constexpr std::int64_t kMostSeconds = 1'000'000'000'000;
  if (timeout.seconds() < 0 || timeout.seconds() > kMostSeconds || timeout.nanos() < 0) {
    return Error(Reason::kInvalidTimeout, "not negative, at most ten years",
                 {.param = "hold.timeout"});
  }
  hold.timeout = absl::Seconds(timeout.seconds()) + absl::Microseconds(timeout.nanos() / 1'000);
  return hold;
}

absl::StatusOr<Action> ReadCapture(const v1::Capture& message) {
  Capture capture;
  FLORIN_ASSIGN_OR_RETURN(capture.hold_id, ReadTransactionId(message.hold_id(), "capture.hold_id"));
  capture.amounts_minor.assign(message.amounts_minor().begin(), message.amounts_minor().end());
  capture.final = message.final();
  return capture;
}

absl::StatusOr<Action> ReadReversal(const v1::Reversal& message) {
  Reverse reverse;
  FLORIN_ASSIGN_OR_RETURN(reverse.transaction_id,
                          ReadTransactionId(message.transaction_id(), "reversal.transaction_id"));
  if (message.has_posting()) reverse.posting = message.posting();
  reverse.at_original_time = message.at_original_time();
  return reverse;
}

absl::StatusOr<Action> ReadAction(const v1::TransactionInput& message) {
  const bool may_have_postings = message.kind_case() == v1::TransactionInput::KIND_NOT_SET ||
                                 message.kind_case() == v1::TransactionInput::kHold;
  if (!may_have_postings && message.postings_size() > 0) {
    return Error(Reason::kTooManyItems, "only a post and a hold have postings",
                 {.param = "postings"});
  }
  switch (message.kind_case()) {
    case v1::TransactionInput::kHold:
      return ReadHold(message);
    case v1::TransactionInput::kCapture:
      return ReadCapture(message.capture());
    case v1::TransactionInput::kVoid: {
      FLORIN_ASSIGN_OR_RETURN(const Uuid hold,
                              ReadTransactionId(message.void_().hold_id(), "void.hold_id"));
      return VoidHold{hold};
    }
    case v1::TransactionInput::kReversal:
      return ReadReversal(message.reversal());
    case v1::TransactionInput::KIND_NOT_SET:
      break;
  }
  FLORIN_ASSIGN_OR_RETURN(std::vector<Posting> postings, ReadPostings(message));
  return Post{std::move(postings)};
}

absl::StatusOr<Precondition> ReadPrecondition(const v1::Precondition& message,
                                              const std::string& path) {
  Precondition precondition;
  FLORIN_ASSIGN_OR_RETURN(precondition.account_id,
                          ParseId(IdKind::kAccount, message.account_id(), path + "account_id"));
  if (message.has_version()) precondition.version = message.version();
  if (message.has_least_balance_minor()) {
    precondition.least_balance_minor = message.least_balance_minor();
  }
  if (message.has_most_balance_minor()) {
    precondition.most_balance_minor = message.most_balance_minor();
  }
  return precondition;
}

// The rest of ReadTransactionInput: an error is the malformed field.
absl::Status ReadContent(const v1::TransactionInput& message, Command& command) {
  FLORIN_ASSIGN_OR_RETURN(command.action, ReadAction(message));
  if (message.has_effective_time()) {
    FLORIN_ASSIGN_OR_RETURN(command.effective_time,
                            ReadTime(message.effective_time(), "effective_time"));
  }
  for (int i = 0; i < message.preconditions_size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(
        const Precondition precondition,
        ReadPrecondition(message.preconditions(i), absl::StrCat("preconditions[", i, "].")));
    command.preconditions.push_back(precondition);
  }
  return absl::OkStatus();
}

absl::StatusOr<Action> ReadChange(const v1::AccountChange& message) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid account,
                          ParseId(IdKind::kAccount, message.account_id(), "account_id"));
  if (message.has_credit_line_minor()) return SetCreditLine{account, message.credit_line_minor()};
  if (message.has_close() && message.close()) return CloseAccount{account};
  if (message.has_reopen() && message.reopen()) return ReopenAccount{account};
  if (message.has_freeze()) {
    const Freeze frozen{.debits = message.freeze().debits(), .credits = message.freeze().credits()};
    return FreezeAccount{account, frozen};
  }
  return Error(Reason::kMissingField, "close, reopen, credit_line_minor or freeze",
               {.param = "change"});
}

v1::TransactionKind KindOfMessage(const Action& action) {
  // Action's alternatives are in the order of the enum.
  return static_cast<v1::TransactionKind>(action.index() + 1);
}

void WriteSubject(const Action& action, v1::Transaction* message) {
  if (const Uuid* hold = HoldOf(action)) {
    message->set_hold_id(FormatId(IdKind::kTransaction, *hold));
  }
  if (const Uuid* account = AccountOf(action)) {
    message->set_account_id(FormatId(IdKind::kAccount, *account));
  }
  if (const auto* reverse = std::get_if<Reverse>(&action)) {
    message->set_reversed_transaction_id(FormatId(IdKind::kTransaction, reverse->transaction_id));
  }
}

}  // namespace

absl::StatusOr<absl::Time> ReadTime(const google::protobuf::Timestamp& message, const char* param) {
  if (message.seconds() < kFirstSecond || message.seconds() > kLastSecond || message.nanos() < 0 ||
      message.nanos() >= 1'000'000'000) {
    return Error(Reason::kInvalidField, "a time is in the years 1 to 9999", {.param = param});
  }
  return absl::FromUnixSeconds(message.seconds()) + absl::Microseconds(message.nanos() / 1'000);
}

absl::StatusOr<std::string> ReadKind(v1::TransactionKind kind, const std::string& param) {
  if (kind == v1::TRANSACTION_KIND_UNSPECIFIED || !v1::TransactionKind_IsValid(kind)) {
    return Error(Reason::kInvalidField, "a kind of transactions", {.param = param});
  }
  return absl::AsciiStrToLower(v1::TransactionKind_Name(kind));
}

absl::StatusOr<AccountTerms> ReadAccountTerms(const v1::Account& message, const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id,
                          ParseId(IdKind::kAccount, message.account_id(), path + "account_id"));
  const auto currency = Currency::Parse(message.currency());
  if (!currency.ok()) {
    return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = path + "currency"});
  }
  if (message.normal_side() != v1::DEBIT && message.normal_side() != v1::CREDIT) {
    return Error(Reason::kInvalidField, "DEBIT or CREDIT", {.param = path + "normal_side"});
  }
  const bool debit = message.normal_side() == v1::DEBIT;
  AccountTerms terms{.account_id = id,
                     .currency = *currency,
                     .normal_side = debit ? NormalSide::kDebit : NormalSide::kCredit,
                     .debits_must_not_exceed_credits = message.debits_must_not_exceed_credits(),
                     .credits_must_not_exceed_debits = message.credits_must_not_exceed_debits(),
                     .credit_line_minor = message.credit_line_minor()};
  if (const absl::Status status = CheckTerms(terms); !status.ok()) return Within(path, status);
  return terms;
}

absl::StatusOr<Command> ReadTransactionInput(const v1::TransactionInput& message) {
  Command command;
  FLORIN_ASSIGN_OR_RETURN(command.transaction_id,
                          ReadTransactionId(message.transaction_id(), "transaction_id"));
  const absl::Status status = ReadContent(message, command);
  if (!status.ok()) command.malformed = Malformed(status);
  command.metadata.insert(message.metadata().begin(), message.metadata().end());
  command.linked_to_next = message.linked_to_next();
  return command;
}

absl::StatusOr<Command> ReadAccountChange(const v1::AccountChange& message) {
  Command command;
  FLORIN_ASSIGN_OR_RETURN(command.transaction_id,
                          ReadTransactionId(message.transaction_id(), "transaction_id"));
  const absl::StatusOr<Action> action = ReadChange(message);
  if (action.ok()) command.action = *action;
  if (!action.ok()) command.malformed = Malformed(action.status());
  command.metadata.insert(message.metadata().begin(), message.metadata().end());
  return command;
}

absl::StatusOr<std::vector<Command>> ReadCloseAccount(const v1::CloseAccountRequest& message) {
  Command close;
  FLORIN_ASSIGN_OR_RETURN(close.transaction_id,
                          ReadTransactionId(message.transaction_id(), "transaction_id"));
  FLORIN_ASSIGN_OR_RETURN(const Uuid account,
                          ParseId(IdKind::kAccount, message.account_id(), "account_id"));
  close.action = CloseAccount{account};
  std::vector<Command> commands;
  if (message.amount_minor() != 0) {
    Command sweep;
    FLORIN_ASSIGN_OR_RETURN(sweep.transaction_id, ReadTransactionId(message.sweep_transaction_id(),
                                                                    "sweep_transaction_id"));
    FLORIN_ASSIGN_OR_RETURN(const Uuid to, ParseId(IdKind::kAccount, message.sweep_to_account_id(),
                                                   "sweep_to_account_id"));
    sweep.action = Post{{{.debit_account_id = account,
                          .credit_account_id = to,
                          .amount_minor = message.amount_minor()}}};
    sweep.metadata.insert(message.metadata().begin(), message.metadata().end());
    sweep.linked_to_next = true;
    commands.push_back(std::move(sweep));
  }
  commands.push_back(std::move(close));
  commands.front().preconditions.push_back({.account_id = account, .version = message.version()});
  return commands;
}

absl::StatusOr<Command> ReadClosePeriod(const v1::ClosePeriodRequest& message) {
  Command command;
  FLORIN_ASSIGN_OR_RETURN(command.transaction_id,
                          ReadTransactionId(message.transaction_id(), "transaction_id"));
  const absl::StatusOr<absl::Time> until = ReadTime(message.until(), "until");
  if (until.ok()) command.action = ClosePeriod{*until};
  if (!until.ok()) command.malformed = Malformed(until.status());
  command.metadata.insert(message.metadata().begin(), message.metadata().end());
  return command;
}

v1::Account WriteAccount(const Account& account) {
  v1::Account message;
  message.set_account_id(FormatId(IdKind::kAccount, account.terms.account_id));
  message.set_currency(std::string(account.terms.currency.code()));
  message.set_normal_side(account.terms.normal_side == NormalSide::kDebit ? v1::DEBIT : v1::CREDIT);
  message.set_debits_must_not_exceed_credits(account.terms.debits_must_not_exceed_credits);
  message.set_credits_must_not_exceed_debits(account.terms.credits_must_not_exceed_debits);
  message.set_credit_line_minor(account.terms.credit_line_minor);
  message.set_debits_posted(account.counters.debits_posted);
  message.set_credits_posted(account.counters.credits_posted);
  message.set_debits_pending(account.counters.debits_pending);
  message.set_credits_pending(account.counters.credits_pending);
  message.set_version(account.version);
  message.set_closed(account.closed);
  message.set_frozen_debits(account.frozen.debits);
  message.set_frozen_credits(account.frozen.credits);
  return message;
}

v1::Transaction WriteTransaction(const Decision& decision) {
  const Commitment& commitment = *decision.commitment();
  v1::Transaction message;
  message.set_transaction_id(FormatId(IdKind::kTransaction, decision.command.transaction_id));
  for (const Posting& posting : commitment.postings) {
    v1::Posting* written = message.add_postings();
    written->set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    written->set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    written->set_amount_minor(posting.amount_minor);
  }
  const Metadata& metadata = decision.command.metadata;
  message.mutable_metadata()->insert(metadata.begin(), metadata.end());
  WriteTime(commitment.effective_time, message.mutable_effective_time());
  WriteTime(decision.commit_time, message.mutable_commit_time());
  if (commitment.expire_time) WriteTime(*commitment.expire_time, message.mutable_expire_time());
  message.set_sequence(decision.sequence);
  message.set_kind(KindOfMessage(decision.command.action));
  WriteSubject(decision.command.action, &message);
  return message;
}

v1::TransactionResult WriteOutcome(const Outcome& outcome) {
  const Decision& decision = outcome.decision;
  v1::TransactionResult message;
  if (decision.commitment() != nullptr) {
    *message.mutable_committed() = WriteTransaction(decision);
  } else {
    message = WriteRefusal(FormatId(IdKind::kTransaction, decision.command.transaction_id),
                           *decision.refusal());
    message.mutable_refused()->set_sequence(decision.sequence);
  }
  message.set_replayed(outcome.replayed);
  return message;
}

v1::TransactionResult WriteRefusal(const std::string& transaction_id, const Refusal& refusal) {
  v1::TransactionResult message;
  v1::Refusal* refused = message.mutable_refused();
  refused->set_transaction_id(transaction_id);
  refused->set_reason(std::string(InfoOf(refusal.reason).name));
  refused->set_message(refusal.message);
  refused->set_param(refusal.param);
  refused->set_final(refusal.remembered);
  return message;
}

v1::Entry WriteEntry(const StatementLine& line) {
  const Entry& entry = line.entry;
  v1::Entry message;
  message.set_account_id(FormatId(IdKind::kAccount, entry.account_id));
  message.set_version(entry.version);
  message.set_transaction_id(FormatId(IdKind::kTransaction, line.transaction_id));
  message.set_sequence(entry.sequence);
  message.set_debit_minor(entry.change.debits_posted);
  message.set_credit_minor(entry.change.credits_posted);
  message.set_debit_pending_minor(entry.change.debits_pending);
  message.set_credit_pending_minor(entry.change.credits_pending);
  message.set_debits_posted_after(entry.after.debits_posted);
  message.set_credits_posted_after(entry.after.credits_posted);
  message.set_debits_pending_after(entry.after.debits_pending);
  message.set_credits_pending_after(entry.after.credits_pending);
  v1::TransactionKind kind = v1::TRANSACTION_KIND_UNSPECIFIED;
  v1::TransactionKind_Parse(absl::AsciiStrToUpper(line.kind), &kind);
  message.set_kind(kind);
  WriteTime(line.effective_time, message.mutable_effective_time());
  WriteTime(line.commit_time, message.mutable_commit_time());
  message.mutable_metadata()->insert(line.metadata.begin(), line.metadata.end());
  return message;
}

v1::Balance WriteBalance(const Balance& balance) {
  v1::Balance message;
  message.set_account_id(FormatId(IdKind::kAccount, balance.account_id));
  message.set_currency(std::string(balance.currency.code()));
  message.set_debits_posted(balance.counters.debits_posted);
  message.set_credits_posted(balance.counters.credits_posted);
  message.set_debits_pending(balance.counters.debits_pending);
  message.set_credits_pending(balance.counters.credits_pending);
  message.set_version(balance.version);
  return message;
}

v1::CurrencyTotals WriteTotals(const std::string& currency, const CurrencyTotals& totals) {
  v1::CurrencyTotals message;
  message.set_currency(currency);
  message.set_debits_posted(totals.debits_posted);
  message.set_credits_posted(totals.credits_posted);
  message.set_debits_pending(totals.debits_pending);
  message.set_credits_pending(totals.credits_pending);
  message.set_accounts(totals.accounts);
  return message;
}

}  // namespace florin::ledger
