// Between the wire's messages and the domain's values. Checks what has to be understood before the
// domain can judge: ids, currencies, enums, times. Paths of fields ("accounts[0].currency") go into
// the errors.
#pragma once

#include <string>

#include "florin/ledger/v1/ledger.pb.h"
#include "libs/status/status.h"
#include "services/ledger/domain/values.h"
#include "services/ledger/store/store.h"

namespace florin::ledger {

// `path` is the message's place in the request, e.g. "accounts[0].". Fields set by the ledger are
// ignored. Errors: kInvalidId, kUnknownCurrency, kInvalidField (normal_side), kInvalidLimits.
absl::StatusOr<AccountTerms> ReadAccountTerms(const v1::Account& message, const std::string& path);

// A field that cannot be understood goes into `malformed`, for an id that is known decides first.
// Times are cut to microseconds. Error: kInvalidId only where transaction_id itself is none.
absl::StatusOr<TransactionInput> ReadTransactionInput(const v1::TransactionInput& message);

v1::Account WriteAccount(const Account& account);
v1::TransactionResult WriteOutcome(const Outcome& outcome);
v1::TransactionResult WriteRefusal(const std::string& transaction_id, const Refusal& refusal);
v1::Entry WriteEntry(const StatementLine& line);

}  // namespace florin::ledger
