#include "services/ledger/rpc/messages.h"

#include "absl/strings/str_cat.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/domain/posting_rules.h"

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
  return {.reason = *ReasonOf(status),
          .message = std::string(status.message()),
          .param = DetailOf(status).param};
}

absl::StatusOr<Posting> ReadPosting(const v1::Posting& message, const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid debit, ParseId(IdKind::kAccount, message.debit_account_id(),
                                                    path + "debit_account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Uuid credit, ParseId(IdKind::kAccount, message.credit_account_id(),
                                                     path + "credit_account_id"));
  return Posting{.debit_account_id = debit,
                 .credit_account_id = credit,
                 .amount_minor = message.amount_minor()};
}

absl::StatusOr<absl::Time> ReadTime(const google::protobuf::Timestamp& message) {
  if (message.seconds() < kFirstSecond || message.seconds() > kLastSecond || message.nanos() < 0 ||
      message.nanos() >= 1'000'000'000) {
    return Error(Reason::kInvalidField, "a time is in the years 1 to 9999",
                 {.param = "effective_time"});
  }
  return absl::FromUnixSeconds(message.seconds()) + absl::Microseconds(message.nanos() / 1'000);
}

void WriteInput(const TransactionInput& input, v1::Transaction* message) {
  message->set_transaction_id(FormatId(IdKind::kTransaction, input.transaction_id));
  for (const Posting& posting : input.postings) {
    v1::Posting* written = message->add_postings();
    written->set_debit_account_id(FormatId(IdKind::kAccount, posting.debit_account_id));
    written->set_credit_account_id(FormatId(IdKind::kAccount, posting.credit_account_id));
    written->set_amount_minor(posting.amount_minor);
  }
  message->mutable_metadata()->insert(input.metadata.begin(), input.metadata.end());
}

// The rest of ReadTransactionInput: an error is the malformed field.
absl::Status ReadContent(const v1::TransactionInput& message, TransactionInput& input) {
  for (int i = 0; i < message.postings_size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(const Posting posting,
                            ReadPosting(message.postings(i), absl::StrCat("postings[", i, "].")));
    input.postings.push_back(posting);
  }
  if (message.has_effective_time()) {
    FLORIN_ASSIGN_OR_RETURN(input.effective_time, ReadTime(message.effective_time()));
  }
  return absl::OkStatus();
}

}  // namespace

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

absl::StatusOr<TransactionInput> ReadTransactionInput(const v1::TransactionInput& message) {
  TransactionInput input;
  FLORIN_ASSIGN_OR_RETURN(
      input.transaction_id,
      ParseId(IdKind::kTransaction, message.transaction_id(), "transaction_id"));
  const absl::Status status = ReadContent(message, input);
  if (!status.ok()) input.malformed = Malformed(status);
  input.metadata.insert(message.metadata().begin(), message.metadata().end());
  return input;
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
  return message;
}

v1::TransactionResult WriteOutcome(const Outcome& outcome) {
  const Decision& decision = outcome.decision;
  v1::TransactionResult message;
  if (const Commitment* commitment = decision.commitment()) {
    v1::Transaction* committed = message.mutable_committed();
    WriteInput(decision.input, committed);
    WriteTime(decision.input.effective_time.value_or(commitment->commit_time),
              committed->mutable_effective_time());
    WriteTime(commitment->commit_time, committed->mutable_commit_time());
    committed->set_sequence(commitment->sequence);
  } else {
    message = WriteRefusal(FormatId(IdKind::kTransaction, decision.input.transaction_id),
                           *decision.refusal());
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
  refused->set_final(IsRemembered(refusal));
  return message;
}

v1::Entry WriteEntry(const StatementLine& line) {
  v1::Entry message;
  message.set_account_id(FormatId(IdKind::kAccount, line.entry.account_id));
  message.set_version(line.entry.version);
  message.set_transaction_id(FormatId(IdKind::kTransaction, line.transaction_id));
  message.set_sequence(line.entry.sequence);
  message.set_debit_minor(line.entry.debit_minor);
  message.set_credit_minor(line.entry.credit_minor);
  message.set_debits_posted_after(line.entry.debits_posted_after);
  message.set_credits_posted_after(line.entry.credits_posted_after);
  WriteTime(line.effective_time, message.mutable_effective_time());
  WriteTime(line.commit_time, message.mutable_commit_time());
  message.mutable_metadata()->insert(line.metadata.begin(), line.metadata.end());
  return message;
}

}  // namespace florin::ledger
