// A payment between accounts of different books of the ledger (docs/books.md). A book knows nothing
// of another one, so its money goes by way of a clearing account that both have, step by step:
//
//   hold     in the source book: payer -> clearing account, until captured or voided
//   credit   in the target book: clearing account -> payee
//   capture  of the hold; or, if the credit is refused, its void
//
// What the clearing account has come to owe in the source book is what is due to it in the target
// book: together they are zero when nothing is under way.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/payments/domain/account_rights.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/request.h"

namespace florin::payments {

// What is asked of the ledger now, or was last. Names are stored: "holding", …
enum class TransferStage {
  kHolding,
  kCrediting,
  kCapturing,
  kCaptured,  // The payment has succeeded.
  kRefused,   // The hold was: the payment has failed.
  kVoiding,
  kVoided,  // The credit was refused: the payment has failed.
};
std::string_view NameOf(TransferStage stage);
// Error: kInternal for any other text.
absl::StatusOr<TransferStage> ParseTransferStage(std::string_view name);

// Every way from a stage to another: by the ledger's answer to what the stage asks.
struct StageTransition {
  TransferStage from;
  bool committed;  // Otherwise: refused for ever.
  TransferStage to;
};
std::span<const StageTransition> StageTransitions();
// Nothing where there is no such way: somebody must look.
std::optional<TransferStage> NextStage(TransferStage from, bool committed);
// Whether it is at its end.
bool IsOver(TransferStage stage);

struct BookTransfer {
  Uuid payment_id;
  Books books;
  Money amount;  // That the payee gets: a fee stays in the source book.
  TransferStage stage = TransferStage::kHolding;
  std::string failure_reason = {};  // Name of the reason where refused, voiding or voided.
  absl::Time create_time = {};      // Whole microseconds.
  absl::Time update_time = {};      // When `stage` last changed.

  friend bool operator==(const BookTransfer&, const BookTransfer&) = default;
};

// As it begins, with its payment (AreApart()).
BookTransfer NewTransfer(const Payment& payment);

// The transfer as the answer to what its stage asks leaves it. Nothing: it decides nothing yet.
std::optional<BookTransfer> ApplyAnswer(BookTransfer transfer, const LedgerAnswer& answer,
                                        absl::Time now);

// The payment (in processing) as the end of its transfer leaves it; nothing before the end.
// `answer` is the one that has ended it.
std::optional<Payment> EndOf(Payment payment, const BookTransfer& transfer,
                             const LedgerAnswer& answer, absl::Time now);

// Where the payment's accounts are: nothing if all are in the `usual` book. An account's book is
// the usual one where it is not said. Errors, all kInvalidField: across books there is no
// conversion (param `quote_id`), no manual capture (`capture_method`), and one payee
// (`splits[N].destination_account_id`).
absl::StatusOr<std::optional<Books>> BooksOf(
    const std::string& usual, const PaymentRequest& request,
    const std::optional<KnownAccount>& source,
    const std::vector<std::optional<KnownAccount>>& payees);

// The account that money between these books goes by, of the same id in both. One for each
// direction.
Uuid ClearingAccountOf(const Books& books, const Currency& currency);

// The ids of the ledger's transactions, which follow from the payment's; that of the hold is the
// payment's own.
Uuid CreditIdOf(const Uuid& payment_id);
Uuid CaptureIdOf(const Uuid& payment_id);
Uuid VoidIdOf(const Uuid& payment_id);

// What is held in the source book, all of which is captured or voided: what goes over, and a fee.
std::vector<LedgerPosting> HoldPostingsOf(const Payment& payment);
// What is posted in the target book.
std::vector<LedgerPosting> CreditPostingsOf(const Payment& payment);

}  // namespace florin::payments
