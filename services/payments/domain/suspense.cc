#include "services/payments/domain/suspense.h"

#include <algorithm>
#include <utility>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

using R = ResolutionState;

constexpr std::string_view kPrefix = "sus_";  // As long as every other one.

// The rail may send back what it has taken, once it was paid: then it is in suspense again.
constexpr ResolutionTransition kTransitions[] = {
    {std::nullopt, R::kPending, std::nullopt},
    {R::kPending, R::kDone, std::nullopt},
    {R::kPending, R::kRefused, std::nullopt},
    {R::kDone, R::kRefused, ResolutionKind::kReturn},
};

constexpr std::pair<SuspenseState, std::string_view> kStates[] = {
    {SuspenseState::kOpen, "open"},         {SuspenseState::kAssigning, "assigning"},
    {SuspenseState::kAssigned, "assigned"}, {SuspenseState::kReturning, "returning"},
    {SuspenseState::kReturned, "returned"},
};
constexpr std::pair<ResolutionKind, std::string_view> kKinds[] = {
    {ResolutionKind::kAssign, "assign"},
    {ResolutionKind::kReturn, "return"},
};
constexpr std::pair<R, std::string_view> kResolutionStates[] = {
    {R::kPending, "pending"},
    {R::kDone, "done"},
    {R::kRefused, "refused"},
};

template <class T, std::size_t N>
std::string_view NameIn(const std::pair<T, std::string_view> (&names)[N], T value) {
  const auto* const found = std::ranges::find(names, value, &std::pair<T, std::string_view>::first);
  FLORIN_CHECK(found != std::end(names), "each has a name");
  return found->second;
}

template <class T, std::size_t N>
absl::StatusOr<T> ParseIn(const std::pair<T, std::string_view> (&names)[N], std::string_view name) {
  for (const auto& [value, known] : names) {
    if (name == known) return value;
  }
  return Error(Reason::kInternal, "nothing of suspense has this name");
}

absl::Status NoAccount(Reason reason, std::string_view why) {
  return Error(reason, why, {.param = "account_id"});
}

}  // namespace

std::string FormatSuspenseId(const Uuid& item_id) {
  return std::string(kPrefix) + FormatId(IdKind::kPayment, item_id).substr(kPrefix.size());
}

absl::StatusOr<Uuid> ParseSuspenseId(std::string_view text, std::string_view param) {
  const bool ours = text.starts_with(kPrefix);
  const std::string_view rest = ours ? text.substr(kPrefix.size()) : std::string_view();
  return ParseId(IdKind::kPayment, "pay_" + std::string(rest), param);
}

std::string_view NameOf(SuspenseState state) { return NameIn(kStates, state); }
std::string_view NameOf(ResolutionKind kind) { return NameIn(kKinds, kind); }
std::string_view NameOf(ResolutionState state) { return NameIn(kResolutionStates, state); }
absl::StatusOr<SuspenseState> ParseSuspenseState(std::string_view name) {
  return ParseIn(kStates, name);
}
absl::StatusOr<ResolutionKind> ParseResolutionKind(std::string_view name) {
  return ParseIn(kKinds, name);
}
absl::StatusOr<ResolutionState> ParseResolutionState(std::string_view name) {
  return ParseIn(kResolutionStates, name);
}

std::span<const ResolutionTransition> ResolutionTransitions() { return kTransitions; }

bool MayEnd(ResolutionKind kind, ResolutionState from, ResolutionState to) {
  return std::ranges::any_of(kTransitions, [&](const ResolutionTransition& row) {
    return row.from == from && row.to == to && row.only.value_or(kind) == kind;
  });
}

SuspenseState StateOf(const KeptSuspense& kept) {
  if (!kept.resolution || kept.resolution->state == R::kRefused) return SuspenseState::kOpen;
  const bool done = kept.resolution->state == R::kDone;
  if (kept.resolution->kind == ResolutionKind::kAssign) {
    return done ? SuspenseState::kAssigned : SuspenseState::kAssigning;
  }
  return done ? SuspenseState::kReturned : SuspenseState::kReturning;
}

SuspenseItem ItemOf(const RailDeposit& deposit, absl::Time now) {
  return {.item_id =
              DeriveId("florin.payments.suspense.deposit", deposit.rail + ":" + deposit.deposit_id),
          .rail = deposit.rail,
          .deposit_id = deposit.deposit_id,
          .account_id = deposit.account_id,
          .amount = deposit.amount,
          .account_reference = deposit.account_reference,
          .reference = deposit.reference,
          .create_time = now};
}

SuspenseItem ItemOf(const Payout& payout, absl::Time now) {
  const Payment& payment = payout.payment;
  const bool with_fee = FeeComesBack(payout);
  return {.item_id = DeriveId("florin.payments.suspense.payout",
                              FormatId(IdKind::kPayment, payment.payment_id)),
          .rail = payout.rail,
          .payment_id = payment.payment_id,
          .account_id = payment.source_account_id,
          .amount = with_fee ? DebitedOf(payment) : payment.amount,
          .create_time = now};
}

absl::Status CheckAssignable(const SuspenseItem& item, const std::optional<AccountFacts>& account,
                             const std::string& book) {
  if (!account) return NoAccount(Reason::kAccountNotFound, "no such account");
  if (account->currency != item.amount.currency) {
    return NoAccount(Reason::kCurrencyMismatch, "the account and the item have one currency");
  }
  if (!account->book.empty() && account->book != book) {
    return NoAccount(Reason::kInvalidField, "the account is in another book than suspense");
  }
  return absl::OkStatus();
}

absl::Status CheckReturnable(const SuspenseItem& item) {
  if (!item.deposit_id.empty()) return absl::OkStatus();
  return Error(Reason::kInvalidField, "a payout that came back has no sender: assign it",
               {.param = "item_id"});
}

Payment PaymentOf(const SuspenseItem& item, const SuspenseResolution& resolution, absl::Time now) {
  const Currency& currency = item.amount.currency;
  const bool assigned = resolution.kind == ResolutionKind::kAssign;
  const Role to = Role::kOutboundClearing;
  Payment payment{
      .payment_id = resolution.payment_id,
      .user_id = assigned ? resolution.owner_id : SuspenseUser(),
      .kind = assigned ? Kind::kDeposit : Kind::kPayout,
      .state = State::kProcessing,
      .source_account_id = assigned ? Uuid() : HouseAccountId({Role::kSuspense, currency}),
      .destination_account_id = assigned ? resolution.account_id : HouseAccountId({to, currency}),
      .amount = item.amount,
      .reference = item.reference,
      .failure_reason = "",
      .transaction_id = TransactionIdOf(resolution.payment_id),
      .create_time = now,
      .update_time = now};
  if (!assigned) return payment;
  const Filling filling{.payer_account_id = {},
                        .payees = {{resolution.account_id, item.amount.minor_units}},
                        .currencies = {currency},
                        .amounts = {}};
  payment.pricing =
      Pricing{.fee = {},
              .conversion = {},
              .splits = {},
              .postings = Fill(TemplateOf(PostingEvent::kSuspenseIdentified), filling)};
  return payment;
}

Beneficiary SenderOf(const SuspenseItem& item) { return {.name = "", .account = item.deposit_id}; }

std::string IdempotencyKeyOf(const SuspenseResolution& resolution) {
  return "suspense " + resolution.resolution_id.ToString();
}

Uuid SuspenseUser() { return DeriveId("florin.payments.house_user", "suspense"); }

bool IsFromSuspense(const Payment& payment) {
  return payment.kind == Kind::kPayout && payment.user_id == SuspenseUser();
}

std::optional<ReturnEnd> ReturnEndOf(PayoutStage stage, const std::string& why) {
  switch (stage) {
    case PayoutStage::kSettled:
      return ReturnEnd{};
    case PayoutStage::kRejected:
      return ReturnEnd{R::kRefused, std::string(InfoOf(Reason::kRailRejected).name), why};
    case PayoutStage::kReturned:
      return ReturnEnd{R::kRefused, std::string(InfoOf(Reason::kRailReturned).name), why};
    case PayoutStage::kCanceled:
    case PayoutStage::kRefused:
      return ReturnEnd{R::kRefused, why.empty() ? std::string(InfoOf(Reason::kInternal).name) : why,
                       ""};
    default:
      return std::nullopt;
  }
}

std::string PayloadOf(const SuspenseResolution& resolution) {
  const std::string item = R"("item_id":")" + FormatSuspenseId(resolution.item_id) + "\"";
  if (resolution.kind == ResolutionKind::kReturn) return "{" + item + R"(,"returned":true})";
  return R"({"account_id":")" + FormatId(IdKind::kAccount, resolution.account_id) + "\"," + item +
         "}";
}

absl::Status FailureOf(const SuspenseResolution& resolution) {
  FLORIN_CHECK(resolution.state == R::kRefused, "only a refused one has a failure");
  const Reason reason = ReasonFromName(resolution.failure_reason).value_or(Reason::kInternal);
  ErrorDetail detail{.metadata = {{"item_id", FormatSuspenseId(resolution.item_id)}}};
  if (!resolution.rail_code.empty()) detail.metadata["rail_code"] = resolution.rail_code;
  return Error(reason, "the money is still in suspense", std::move(detail));
}

}  // namespace florin::payments
