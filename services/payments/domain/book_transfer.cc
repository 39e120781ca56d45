#include "services/payments/domain/book_transfer.h"

#include <algorithm>
#include <utility>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

using S = TransferStage;

constexpr std::pair<S, std::string_view> kNames[] = {
    {S::kHolding, "holding"},   {S::kCrediting, "crediting"}, {S::kCapturing, "capturing"},
    {S::kCaptured, "captured"}, {S::kRefused, "refused"},     {S::kVoiding, "voiding"},
    {S::kVoided, "voided"},
};

// That a capture or a void is refused has no way: nobody else resolves the hold, and it does not
// expire.
constexpr StageTransition kTransitions[] = {
    {S::kHolding, true, S::kCrediting},   {S::kHolding, false, S::kRefused},
    {S::kCrediting, true, S::kCapturing}, {S::kCrediting, false, S::kVoiding},
    {S::kCapturing, true, S::kCaptured},  {S::kVoiding, true, S::kVoided},
};

Uuid IdOf(const char* what, const Uuid& payment_id) {
  return DeriveId("florin.payments.book_transfer",
                  std::string(what) + " " + FormatId(IdKind::kPayment, payment_id));
}

absl::Status NotAcrossBooks(std::string_view why, std::string param) {
  return Error(Reason::kInvalidField, why, {.param = std::move(param)});
}

Filling FillingOf(const Payment& payment) {
  FLORIN_CHECK(AreApart(payment), "of a payment between books");
  const std::int64_t credited = CreditedOf(payment).minor_units;
  return {.payer_account_id = payment.source_account_id,
          .payees = {{payment.destination_account_id, credited}},
          .currencies = {payment.amount.currency},
          .amounts = {{Term::kAmount, credited},
                      {Term::kFee, DebitedOf(payment).minor_units - credited}},
          .clearing_account_id = ClearingAccountOf(*payment.books, payment.amount.currency)};
}

}  // namespace

std::string_view NameOf(TransferStage stage) {
  return std::ranges::find(kNames, stage, &std::pair<S, std::string_view>::first)->second;
}

absl::StatusOr<TransferStage> ParseTransferStage(std::string_view name) {
  for (const auto& [stage, text] : kNames) {
    if (text == name) return stage;
  }
  return Error(Reason::kInternal, "no stage of a transfer between books");
}

std::span<const StageTransition> StageTransitions() { return kTransitions; }

std::optional<TransferStage> NextStage(TransferStage from, bool committed) {
  for (const StageTransition& transition : kTransitions) {
    if (transition.from == from && transition.committed == committed) return transition.to;
  }
  return std::nullopt;
}

bool IsOver(TransferStage stage) {
  return std::ranges::none_of(kTransitions, [stage](const StageTransition& transition) {
    return transition.from == stage;
  });
}

BookTransfer NewTransfer(const Payment& payment) {
  FLORIN_CHECK(AreApart(payment), "of a payment between books");
  return {.payment_id = payment.payment_id,
          .books = *payment.books,
          .amount = CreditedOf(payment),
          .create_time = payment.create_time,
          .update_time = payment.create_time};
}

std::optional<BookTransfer> ApplyAnswer(BookTransfer transfer, const LedgerAnswer& answer,
                                        absl::Time now) {
  if (!answer.committed && !answer.final) return std::nullopt;
  const std::optional<S> next = NextStage(transfer.stage, answer.committed);
  if (!next) return std::nullopt;
  transfer.stage = *next;
  if (!answer.committed) transfer.failure_reason = answer.refusal_reason;
  transfer.update_time = now;
  return transfer;
}

std::optional<Payment> EndOf(Payment payment, const BookTransfer& transfer,
                             const LedgerAnswer& answer, absl::Time now) {
  if (!IsOver(transfer.stage)) return std::nullopt;
  if (transfer.stage == S::kCaptured) {
    return ApplyAnswer(std::move(payment), LedgerAnswer{.committed = true}, now);
  }
  LedgerAnswer refused{.refusal_reason = transfer.failure_reason, .final = true};
  if (transfer.stage == S::kRefused) refused.limit_refusal = answer.limit_refusal;
  return ApplyAnswer(std::move(payment), refused, now);
}

absl::StatusOr<std::optional<Books>> BooksOf(
    const std::string& usual, const PaymentRequest& request,
    const std::optional<KnownAccount>& source,
    const std::vector<std::optional<KnownAccount>>& payees) {
  const auto book_of = [&usual](const std::optional<KnownAccount>& account) {
    return account && !account->book.empty() ? account->book : usual;
  };
  // A deposit's money comes from the usual book.
  const Books books{.source = book_of(source), .target = book_of(payees.front())};
  for (std::size_t i = 0; i < request.splits.size(); ++i) {
    if (book_of(payees[i]) == books.source) continue;
    return NotAcrossBooks("of several payees, each is in the payer's book",
                          "splits[" + std::to_string(i) + "].destination_account_id");
  }
  if (books.source == usual && books.target == usual) return std::nullopt;
  if (books.source == books.target) return books;
  if (!request.quote_id.is_nil()) {
    return NotAcrossBooks("there is no conversion between books", "quote_id");
  }
  if (request.authorization_timeout) {
    return NotAcrossBooks("a payment between books is captured at once", "capture_method");
  }
  return books;
}

Uuid ClearingAccountOf(const Books& books, const Currency& currency) {
  // No name of a book has a blank.
  return DeriveId("florin.payments.book_clearing",
                  books.source + " " + books.target + " " + std::string(currency.code()));
}

Uuid CreditIdOf(const Uuid& payment_id) { return IdOf("credit", payment_id); }
Uuid CaptureIdOf(const Uuid& payment_id) { return IdOf("capture", payment_id); }
Uuid VoidIdOf(const Uuid& payment_id) { return IdOf("void", payment_id); }

std::vector<LedgerPosting> HoldPostingsOf(const Payment& payment) {
  const bool deposit = payment.kind == Kind::kDeposit;
  return Fill(TemplateOf(deposit ? PostingEvent::kBookDepositHeld : PostingEvent::kBookHeld),
              FillingOf(payment));
}

std::vector<LedgerPosting> CreditPostingsOf(const Payment& payment) {
  return Fill(TemplateOf(PostingEvent::kBookCredited), FillingOf(payment));
}

}  // namespace florin::payments
