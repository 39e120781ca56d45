// How a step becomes a ledger transaction. A capture is of the hold, or a part of it; a void or an
// expiry releases it; all others fill a template (posting_template.h):
//
//   refund          R1   debit the payee, credit the payer
//   dispute         U1   debit the payee, credit the disputes clearing account of the currency
//   LOST, accepted  U2   debit the clearing account, credit the payer
//   WON, withdrawn  U3   debit the clearing account, credit the payee, who repays what they owe of
//   it
//
// and of a conversion X6, X7, U2, X8: what it brought is taken from the payee by way of the
// position, which gives the payer, or the clearing account, what was sold; the house gives up what
// it earned by it (way_back.h says how much of each). What is disputed so waits in the payer's
// currency.
//
// What the payee's balance B does not cover of an amount A becomes a debt (Dr 1400) in the same
// transaction, exactly, whatever else happens to the balance, by a balancing posting of the ledger:
//
//   receivable → payee   A + 1
//   payee → payer        A
//   payee → receivable   at most A + 1, as far as the balance, now B + 1, goes
//
// which leaves max(0, A - B) in the receivable. The 1 keeps the balancing amount above zero, which
// the ledger would refuse; limits bind after the whole. Repaying a debt D is the mirror image:
//
//   receivable → payee   1
//   clearing → payee     A   (or from the position)
//   payee → receivable   at most A + 1, as far as the debt, now D + 1, goes
//
// A payee whose account is closed, or overdrawn within its credit line, has no balance to take it
// from: then the whole amount is the debt, under a second id (attempt 2).
#pragma once

#include <vector>

#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/step.h"

namespace florin::payments {

struct StepPosting {
  Uuid debit_account_id;
  Uuid credit_account_id;
  std::int64_t amount_minor = 0;
  bool balancing_debit = false;
  bool balancing_credit = false;

  friend bool operator==(const StepPosting&, const StepPosting&) = default;
};

struct StepTransaction {
  enum class Kind { kPost, kCapture, kVoid };
  Uuid transaction_id;
  Kind kind = Kind::kPost;
  std::vector<StepPosting> postings = {};  // Of a post.
  Uuid hold_id = {};                       // Of the others.
  std::int64_t amount_minor = 0;           // Of a capture: of the hold's first posting,
  bool whole = false;                      // or in total of all of them, each as it was held.
  bool final = false;                      // Of a capture.
};

// The id of a step's ledger transaction: follows from the step's, so that every attempt uses the
// same one. `attempt`: 1 or 2.
Uuid TransactionIdOf(const Step& step, int attempt);

// `step` of `payment` was begun.
StepTransaction TransactionOf(const Payment& payment, const Step& step, int attempt);

// Whether a final refusal of attempt 1 is answered by attempt 2.
bool HasSecondAttempt(const Step& step, const std::string& refusal_reason);

// What the payee came to owe, given the answer about attempt `step.attempt`; negative: repaid.
std::int64_t OwedBy(const Payment& payment, const Step& step, const LedgerAnswer& answer);

// The account of the house that stands for what the owner of `payee_account_id` owes (1400), and
// the one that holds what is disputed in a currency (2250).
Uuid ReceivableAccount(const Uuid& payee_account_id);
Uuid DisputesAccount(const Currency& currency);

// Whether the step's transaction names accounts of the house, which must be open.
bool NeedsHouseAccounts(const Step& step);

}  // namespace florin::payments
