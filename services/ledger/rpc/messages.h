// Between the wire's messages and the domain's values. Checks what has to be understood before the
// domain can judge: ids, currencies, enums, times. Paths of fields ("accounts[0].currency") go into
// the errors.
#pragma once

#include <string>

#include "florin/ledger/v1/ledger.pb.h"
#include "florin/ledger/v1/reader.pb.h"
#include "libs/status/status.h"
#include "services/ledger/domain/command.h"
#include "services/ledger/store/book_reader.h"

namespace florin::ledger {

// `path` is the message's place in the request, e.g. "accounts[0].". Fields set by the ledger are
// ignored. Errors: kInvalidId, kUnknownCurrency, kInvalidField (normal_side), kInvalidLimits.
absl::StatusOr<AccountTerms> ReadAccountTerms(const v1::Account& message, const std::string& path);

// A field that cannot be understood goes into `malformed`, for an id that is known decides first.
// Times are cut to microseconds. Error: kInvalidId only where transaction_id itself is none.
absl::StatusOr<Command> ReadTransactionInput(const v1::TransactionInput& message);
absl::StatusOr<Command> ReadAccountChange(const v1::AccountChange& message);
// The movement, if there is one, and the closing: a group. Error: kInvalidId.
absl::StatusOr<std::vector<Command>> ReadCloseAccount(const v1::CloseAccountRequest& message);
absl::StatusOr<Command> ReadClosePeriod(const v1::ClosePeriodRequest& message);

// Cut to microseconds. Error: kInvalidField with this param.
absl::StatusOr<absl::Time> ReadTime(const google::protobuf::Timestamp& message, const char* param);
// KindOf (command_rules.h). Error: kInvalidField, for one that is unspecified or unknown.
absl::StatusOr<std::string> ReadKind(v1::TransactionKind kind, const std::string& param);

v1::Account WriteAccount(const Account& account);
v1::TransactionResult WriteOutcome(const Outcome& outcome);
v1::TransactionResult WriteRefusal(const std::string& transaction_id, const Refusal& refusal);
v1::Entry WriteEntry(const StatementLine& line);
// Of a decision that committed.
v1::Transaction WriteTransaction(const Decision& decision);
v1::Balance WriteBalance(const Balance& balance);
v1::CurrencyTotals WriteTotals(const std::string& currency, const CurrencyTotals& totals);

}  // namespace florin::ledger
