#include "services/payments/domain/rail_deposit.h"

#include <algorithm>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

using S = DepositStage;
using E = DepositEvent;

constexpr DepositTransition kTransitions[] = {
    {std::nullopt, E::kReceive, Actor::kRail, S::kReceived},
    {S::kReceived, E::kOwnerFound, Actor::kWorker, S::kCrediting,
     "the reference names an account of the currency"},
    {S::kReceived, E::kOwnerUnknown, Actor::kWorker, S::kSuspending, "else"},
    {S::kCrediting, E::kBooked, Actor::kLedger, S::kCredited},
    {S::kCrediting, E::kLedgerRefused, Actor::kLedger, S::kSuspending},
    {S::kSuspending, E::kBooked, Actor::kLedger, S::kUnmatched},
};

constexpr S kStages[] = {S::kReceived, S::kCrediting, S::kSuspending, S::kCredited, S::kUnmatched};

// Length first, so that no field can pass for the end of another.
void AppendField(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
  out += ';';
}

std::string NameFor(const RailDeposit& deposit) { return deposit.rail + ":" + deposit.deposit_id; }

}  // namespace

std::string_view NameOf(DepositStage stage) {
  switch (stage) {
    case S::kReceived:
      return "received";
    case S::kCrediting:
      return "crediting";
    case S::kSuspending:
      return "suspending";
    case S::kCredited:
      return "credited";
    case S::kUnmatched:
      return "unmatched";
  }
  FLORIN_CHECK(false, "every stage has a name");
  return {};
}

std::string_view NameOf(DepositEvent event) {
  switch (event) {
    case E::kReceive:
      return "receive";
    case E::kOwnerFound:
      return "owner_found";
    case E::kOwnerUnknown:
      return "owner_unknown";
    case E::kBooked:
      return "booked";
    case E::kLedgerRefused:
      return "ledger_refused";
  }
  FLORIN_CHECK(false, "every event has a name");
  return {};
}

absl::StatusOr<DepositStage> ParseDepositStage(std::string_view name) {
  for (const S stage : kStages) {
    if (name == NameOf(stage)) return stage;
  }
  return Error(Reason::kInternal, "no stage of a deposit has this name");
}

std::span<const DepositTransition> DepositTransitions() { return kTransitions; }

bool MayAdvance(DepositStage from, DepositStage to) {
  return std::ranges::any_of(kTransitions, [from, to](const DepositTransition& row) {
    return row.from == from && row.to == to;
  });
}

RailDeposit DepositOf(std::string_view rail, const RailEntry& entry, absl::Time now) {
  return {.rail = std::string(rail),
          .deposit_id = entry.deposit_id,
          .amount = entry.amount,
          .account_reference = entry.account_reference,
          .reference = entry.reference,
          .create_time = now};
}

bool SameDeposit(const RailDeposit& a, const RailDeposit& b) {
  return a.amount == b.amount && a.account_reference == b.account_reference &&
         a.reference == b.reference;
}

Payment PaymentOf(const RailDeposit& deposit, absl::Time now) {
  return Payment{.payment_id = deposit.payment_id,
                 .user_id = deposit.user_id,
                 .kind = Kind::kDeposit,
                 .state = State::kProcessing,
                 .source_account_id = Uuid(),
                 .destination_account_id = deposit.account_id,
                 .amount = deposit.amount,
                 .reference = deposit.reference,
                 .failure_reason = "",
                 .transaction_id = TransactionIdOf(deposit.payment_id),
                 .create_time = now,
                 .update_time = now};
}

std::string IdempotencyKeyOf(const RailDeposit& deposit) { return "rail " + NameFor(deposit); }

std::string CanonicalDeposit(const RailDeposit& deposit) {
  std::string out;
  AppendField(out, deposit.rail);
  AppendField(out, deposit.deposit_id);
  return out;
}

StepTransaction BookingOf(const RailDeposit& deposit) {
  const bool credits = deposit.stage == S::kCrediting;
  FLORIN_CHECK(credits || deposit.stage == S::kSuspending, "only stages on the way book");
  const Filling filling{.payer_account_id = Uuid(),
                        .payees = {},
                        .currencies = {deposit.amount.currency},
                        .amounts = {{Term::kAmount, deposit.amount.minor_units}}};
  const PostingEvent event =
      credits ? PostingEvent::kDepositSettled : PostingEvent::kUnidentifiedCredit;
  StepTransaction transaction{
      .transaction_id = DeriveId("florin.payments.rail_deposit",
                                 std::string(NameOf(deposit.stage)) + ":" + NameFor(deposit))};
  for (const LedgerPosting& posting : Fill(TemplateOf(event), filling)) {
    transaction.postings.push_back(
        {posting.debit_account_id, posting.credit_account_id, posting.amount_minor});
  }
  return transaction;
}

std::vector<HouseAccount> HouseAccountsOf(const RailDeposit& deposit) {
  const Currency& currency = deposit.amount.currency;
  const Role other = deposit.stage == S::kCrediting ? Role::kInboundClearing : Role::kSuspense;
  return {{Role::kNostro, currency}, {other, currency}};
}

}  // namespace florin::payments
