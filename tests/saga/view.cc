#include "tests/saga/view.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/payments/domain/iban.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::saga {
namespace {

using payments::HouseAccountId;
using payments::Kind;
using payments::Payment;
using payments::PaymentRequest;
using payments::PayoutStage;
using payments::Role;
using payments::State;
using payments::Step;
using payments::StepKind;
using payments::StepState;

// What is kept under a key of a payment, if anything.
std::optional<Uuid> Match(World& world, const Payment& wanted, const std::string& key, Asked asked,
                          View& view) {
  payments::Intent intent{.payment = wanted, .idempotency_key = key, .fingerprint = {}};
  const auto found = world.Read(world.rows().FindIntent(std::move(intent)));
  if (!found->has_value()) return std::nullopt;
  const Uuid payment_id = (*found)->payment.payment_id;
  if (!view.asked.emplace(payment_id, std::move(asked)).second) {
    view.disagreements.push_back(key + " shares a payment with another key");
  }
  return payment_id;
}

PaymentRequest RequestOf(const payments::PayoutRequest& payout) {
  return {.kind = Kind::kPayout,
          .source_account_id = payout.source_account_id,
          .destination_account_id = Uuid(),
          .amount = payout.amount,
          .reference = payout.reference};
}

void MatchPromises(World& world, View& view) {
  for (const Promise& promise : world.promises()) {
    bool found = true;
    if (promise.request) {
      const Payment wanted =
          payments::NewPayment(Uuid(), promise.user, *promise.request, absl::UnixEpoch());
      found = Match(world, wanted, promise.key, {.request = *promise.request}, view).has_value();
    } else if (promise.payout) {
      const Payment wanted =
          payments::NewPayout(Uuid(), promise.user, *promise.payout, absl::UnixEpoch());
      found = Match(world, wanted, promise.key, {.request = RequestOf(*promise.payout)}, view)
                  .has_value();
    }
    if (!found && promise.kept)
      view.disagreements.push_back(promise.key + " was kept, and is gone");
  }
}

// What is kept under the keys of occurrences, also of those that never were.
void MatchOccurrences(World& world, View& view) {
  for (const payments::Schedule& schedule : world.Schedules()) {
    const PaymentRequest request = payments::PaymentOf(schedule);
    const Payment wanted =
        payments::NewPayment(Uuid(), schedule.user_id, request, absl::UnixEpoch());
    for (int number = 1; number <= schedule.next_number + 1; ++number) {
      Match(world, wanted, payments::OccurrenceKey(schedule.schedule_id, number),
            {.request = request, .scheduled = true, .approved = schedule.approval.has_value()},
            view);
    }
  }
}

// What is kept under the keys of items, also of those that were never submitted.
void MatchBulks(World& world, View& view) {
  for (payments::Bulk& bulk : world.Bulks()) {
    SeenBulk seen{.bulk = bulk, .items = {}};
    for (payments::BulkItem& item : world.ItemsOf(bulk)) {
      const Payment held = payments::HeldPayment(bulk, item, absl::UnixEpoch());
      Asked asked{.request = payments::PaymentOf(bulk, item),
                  .approved = bulk.approval.has_value()};
      const auto payment_id =
          Match(world, held, payments::ItemKey(bulk.bulk_id, item.item_id), std::move(asked), view);
      seen.items.push_back({.item = std::move(item),
                            .payment_id = payment_id,
                            .hold_id = payments::HoldIdOf(held),
                            .void_id = payments::VoidIdOf(held),
                            .transaction_id = held.transaction_id});
    }
    view.bulks.push_back(std::move(seen));
  }
}

void MatchArrivals(World& world, View& view) {
  for (const payments::RailEntry& entry : world.arrivals()) {
    payments::RailDeposit deposit =
        payments::DepositOf(payments::kSandboxRail, entry, absl::UnixEpoch());
    const auto account = payments::ParseVirtualIban(entry.account_reference);
    deposit.account_id = account.value_or(Uuid());
    deposit.user_id = world.OwnerOf(deposit.account_id);
    const Payment wanted = payments::PaymentOf(deposit, absl::UnixEpoch());
    PaymentRequest request{.kind = Kind::kDeposit,
                           .source_account_id = Uuid(),
                           .destination_account_id = deposit.account_id,
                           .amount = entry.amount,
                           .reference = entry.reference};
    Match(world, wanted, payments::IdempotencyKeyOf(deposit),
          {.request = std::move(request), .priced = false}, view);
  }
}

void MatchSteps(World& world, View& view) {
  std::map<Uuid, const Promise*> chosen;
  for (const Promise& promise : world.promises()) {
    for (const Uuid& id : promise.step_ids) chosen[id] = &promise;
  }
  std::set<const Promise*> seen;
  for (const auto& [payment, steps] : view.steps) {
    for (const Step& step : steps) {
      if (step.kind == StepKind::kExpiry) continue;
      const auto promise = chosen.find(step.step_id);
      if (promise == chosen.end()) {
        view.disagreements.push_back("a step that nobody asked for");
        continue;
      }
      view.step_promises[step.step_id] = promise->second;
      if (!seen.insert(promise->second).second) {
        view.disagreements.push_back(promise->second->key + " has made two steps");
      }
    }
  }
}

// ---- The model

void Move(const std::string& book, const Uuid& from, const Uuid& to, std::int64_t amount,
          Balances& balances) {
  balances.posted[{book, from}] -= amount;
  balances.posted[{book, to}] += amount;
}

// In the usual book.
void Move(const Uuid& from, const Uuid& to, std::int64_t amount, Balances& balances) {
  Move(kBook, from, to, amount, balances);
}

// From an account of the payment's source book to one of its target book.
void MoveOver(const Payment& payment, const Uuid& from, const Uuid& to, std::int64_t amount,
              Balances& balances) {
  if (!payments::AreApart(payment)) {
    return Move(SourceBookOf(payment), from, to, amount, balances);
  }
  const Uuid between = payments::ClearingAccountOf(*payment.books, payment.amount.currency);
  Move(payment.books->source, from, between, amount, balances);
  Move(payment.books->target, between, to, amount, balances);
}

Uuid House(Role role, const Currency& currency) {
  return HouseAccountId({.role = role, .currency = currency});
}

void AddConversion(const std::string& book, const PaymentRequest& request, Balances& balances) {
  const std::int64_t sold = request.amount.minor_units;
  const Currency& from = request.amount.currency;
  const Currency to = *Currency::Parse("USD");
  // At 1.10 and at 1.089.
  const std::int64_t value = sold * 11 / 10;
  const std::int64_t bought = sold * 1089 / 1000;
  const std::int64_t spread = sold * 11 / 1000;
  Move(book, request.source_account_id, House(Role::kFxPosition, from), sold, balances);
  Move(book, House(Role::kFxPosition, to), request.destination_account_id, bought, balances);
  Move(book, House(Role::kFxPosition, to), House(Role::kFxSpreadIncome, to), spread, balances);
  Move(book, House(Role::kFxPosition, to), House(Role::kFxGainLoss, to), value - bought - spread,
       balances);
}

void AddMoved(const World& world, const Asked& asked, const Payment& payment, Balances& balances) {
  const PaymentRequest& request = asked.request;
  const std::string book = SourceBookOf(payment);
  const std::int64_t amount = request.amount.minor_units;
  const Currency& currency = request.amount.currency;
  const Uuid fees = House(Role::kFeeIncome, currency);
  const std::int64_t fee = FeeOf(world, asked);
  if (request.kind == Kind::kDeposit) {
    const Uuid rail = payments::SandboxRailAccount(currency);
    MoveOver(payment, rail, request.destination_account_id, amount - fee, balances);
    Move(book, rail, fees, fee, balances);
    return;
  }
  Move(book, request.source_account_id, fees, fee, balances);
  if (!request.quote_id.is_nil()) return AddConversion(book, request, balances);
  if (request.splits.empty()) {
    MoveOver(payment, request.source_account_id, request.destination_account_id, amount, balances);
  }
  for (const payments::Split& split : request.splits) {
    Move(book, request.source_account_id, split.destination_account_id, split.amount_minor,
         balances);
  }
}

// What goes back of a conversion passes the positions, from the payee's side to the payer's.
struct WayBack {
  Uuid payees;  // Where the payee's money goes, or comes from.
  std::int64_t taken = 0;
};

WayBack AddWayBack(const Payment& payment, const Step& step, const Uuid& other, int sign,
                   Balances& balances) {
  const payments::Conversion* const conversion = payments::ConversionOf(payment);
  if (conversion == nullptr) return {other, step.amount_minor};
  const std::string book = SourceBookOf(payment);
  const Currency& bought = conversion->destination.currency;
  const Uuid position = House(Role::kFxPosition, bought);
  Move(book, House(Role::kFxPosition, payment.amount.currency), other, sign * step.amount_minor,
       balances);
  Move(book, House(Role::kFxSpreadIncome, bought), position, sign * step.returned.spread_minor,
       balances);
  Move(book, House(Role::kFxGainLoss, bought), position, sign * step.returned.rounding_minor,
       balances);
  return {position, step.returned.payee_minor};
}

void AddStep(const Payment& payment, const Step& step, Balances& balances) {
  if (step.state != StepState::kSucceeded) return;
  const Uuid& payer = payment.source_account_id;
  const Uuid payee = payments::PayeeOf(payment, step);
  const Uuid debt = payments::ReceivableAccount(payee);
  const Uuid clearing = payments::DisputesAccount(payment.amount.currency);
  const std::int64_t amount = step.amount_minor;
  const std::string book = SourceBookOf(payment);
  switch (step.kind) {
    case StepKind::kCapture:
      return Move(book, payer, payee, amount, balances);
    case StepKind::kVoid:
    case StepKind::kExpiry:
      return;
    case StepKind::kRefund:
    case StepKind::kDispute: {
      const Uuid& other = step.kind == StepKind::kRefund ? payer : clearing;
      const WayBack back = AddWayBack(payment, step, other, 1, balances);
      Move(book, payee, back.payees, back.taken - step.owed_minor, balances);
      return Move(book, debt, back.payees, step.owed_minor, balances);
    }
    case StepKind::kAccept:
    case StepKind::kWithdraw:
    case StepKind::kResolve:
      break;
  }
  const bool for_payer = step.kind == StepKind::kAccept ||
                         (step.kind == StepKind::kResolve && step.note == payments::kLost);
  if (for_payer) return Move(book, clearing, payer, amount, balances);
  const WayBack again = AddWayBack(payment, step, clearing, -1, balances);
  // Less what he repays.
  Move(book, again.payees, payee, again.taken + step.owed_minor, balances);
  Move(book, again.payees, debt, -step.owed_minor, balances);
}

// Money that comes back is in suspense if the payer's account took it no more.
Uuid BackTo(const View& view, const payments::Payout& payout, PayoutStage booking) {
  payments::Payout booked = payout;
  booked.stage = booking;
  const ledger::Decision* const second =
      DecisionOf(view, payments::BookingOf(booked, 2).transaction_id);
  const bool suspended = second != nullptr && second->commitment() != nullptr;
  return suspended ? House(Role::kSuspense, payout.payment.amount.currency)
                   : payout.payment.source_account_id;
}

// Its fee goes with the amount, and comes back with it; unless it was paid, and the house keeps it.
void AddPayout(const World& world, const View& view, const payments::Payout& payout,
               Balances& balances) {
  const Payment& payment = payout.payment;
  const auto asked = view.asked.find(payment.payment_id);
  const std::int64_t fee = asked == view.asked.end() ? 0 : FeeOf(world, asked->second);
  const std::int64_t amount = payment.amount.minor_units;
  const Currency& currency = payment.amount.currency;
  const Uuid& payer = payment.source_account_id;
  const Uuid fees = House(Role::kFeeIncome, currency);
  switch (payout.stage) {
    case PayoutStage::kReserved:
    case PayoutStage::kSending:
    case PayoutStage::kCanceling:
      balances.held[{kBook, payer}] += amount + fee;
      return;
    case PayoutStage::kSent:
    case PayoutStage::kSettling:
    case PayoutStage::kRejecting:
      Move(payer, fees, fee, balances);
      return Move(payer, House(Role::kOutboundClearing, currency), amount, balances);
    case PayoutStage::kSettled:
    case PayoutStage::kReturning:
      Move(payer, fees, fee, balances);
      return Move(payer, House(Role::kNostro, currency), amount, balances);
    case PayoutStage::kRejected:
      return Move(payer, BackTo(view, payout, PayoutStage::kRejecting), amount + fee, balances);
    case PayoutStage::kReturned: {
      const Uuid back = BackTo(view, payout, PayoutStage::kReturning);
      Move(payer, world.terms().gives_back ? back : fees, fee, balances);
      return Move(payer, back, amount, balances);
    }
    case PayoutStage::kCreated:
    case PayoutStage::kCanceled:
    case PayoutStage::kRefused:
      return;
  }
}

// What the rail has settled of what it received: for somebody, or for nobody that is known.
void AddArrivals(World& world, const View& view, Balances& balances) {
  std::set<Uuid> credited;
  for (const Payment& payment : view.payments) {
    if (payment.kind == Kind::kDeposit && payment.state == State::kSucceeded) {
      credited.insert(payment.payment_id);
    }
  }
  for (const payments::RailEntry& entry : world.arrivals()) {
    const Currency& currency = entry.amount.currency;
    const payments::RailDeposit deposit = DepositAt(world, entry);
    const bool well = credited.contains(deposit.payment_id);
    Move(House(Role::kNostro, currency),
         House(well ? Role::kInboundClearing : Role::kSuspense, currency), entry.amount.minor_units,
         balances);
  }
}

}  // namespace

std::string SourceBookOf(const Payment& payment) {
  return payment.books ? payment.books->source : kBook;
}

payments::RailDeposit DepositAt(World& world, const payments::RailEntry& entry) {
  return *world.Read(world.stores().deposits->ReceiveDeposit(
      payments::DepositOf(payments::kSandboxRail, entry, absl::UnixEpoch())));
}

View Look(World& world) {
  View view{.payments = world.AllPayments()};
  for (const Payment& payment : view.payments) {
    view.steps[payment.payment_id] = world.StepsOf(payment.payment_id);
    view.disputes[payment.payment_id] = world.DisputesOf(payment.payment_id);
    if (payment.kind == Kind::kPayout) {
      view.payouts.emplace(payment.payment_id,
                           *world.Read(world.rows().FindPayout(payment.payment_id)));
    }
    if (payments::AreApart(payment)) {
      view.transfers.emplace(payment.payment_id,
                             *world.Read(world.rows().FindTransfer(payment.payment_id)));
    }
  }
  world.kept().ledger.Inspect(
      kBook, [&view](const ledger::FakeStore::Book& book) { view.book = book.loaded; });
  if (world.terms().books) {
    world.kept().ledger.Inspect(
        kOtherBook, [&view](const ledger::FakeStore::Book& book) { view.other = book.loaded; });
  }
  MatchPromises(world, view);
  MatchOccurrences(world, view);
  MatchBulks(world, view);
  MatchArrivals(world, view);
  MatchSteps(world, view);
  return view;
}

const ledger::Decision* DecisionOf(const View& view, const Uuid& transaction_id) {
  for (const ledger::LoadedBook* const book : {&view.book, &view.other}) {
    const auto found = book->decisions.find(transaction_id);
    if (found != book->decisions.end()) return &found->second;
  }
  return nullptr;
}

// By the schedule of the world, in words: three and one percent of a transfer, half a percent of a
// deposit or a conversion, two and one and a half percent of a payout.
std::int64_t FeeOf(const World& world, const Asked& asked) {
  const PaymentRequest& request = asked.request;
  if (world.terms().fees.rules.empty() || request.amount.currency.code() != "EUR") return 0;
  if (!asked.priced) return 0;
  const std::int64_t amount = request.amount.minor_units;
  if (request.kind == Kind::kPayout) return 2 + amount * 150 / 10'000;
  if (request.kind == Kind::kDeposit || !request.quote_id.is_nil()) return amount * 50 / 10'000;
  return 3 + amount / 100;
}

Balances PromisedBalances(World& world, const View& view) {
  Balances balances;
  AddArrivals(world, view, balances);
  for (const auto& [id, payout] : view.payouts) AddPayout(world, view, payout, balances);
  for (const Payment& payment : view.payments) {
    const auto asked = view.asked.find(payment.payment_id);
    if (asked == view.asked.end() || payment.kind == Kind::kPayout) continue;
    const PaymentRequest& request = asked->second.request;
    if (!request.authorization_timeout && payment.state == State::kSucceeded) {
      AddMoved(world, asked->second, payment, balances);
    }
    std::int64_t captured = 0;
    for (const Step& step : view.steps.at(payment.payment_id)) {
      AddStep(payment, step, balances);
      const bool captures = step.kind == StepKind::kCapture && step.state == StepState::kSucceeded;
      if (captures) captured += step.amount_minor;
    }
    if (payment.state == State::kRequiresCapture) {
      balances.held[{SourceBookOf(payment), request.source_account_id}] +=
          request.amount.minor_units - captured;
    }
  }
  return balances;
}

}  // namespace florin::saga
