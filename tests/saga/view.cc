#include "tests/saga/view.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::saga {
namespace {

using payments::HouseAccountId;
using payments::Kind;
using payments::Payment;
using payments::Role;
using payments::State;
using payments::Step;
using payments::StepKind;
using payments::StepState;

// What is kept under each key of a payment.
void MatchPayments(World& world, View& view) {
  for (const Promise& promise : world.promises()) {
    if (!promise.request) continue;
    payments::Intent intent{
        .payment = payments::NewPayment(Uuid(), promise.user, *promise.request, absl::UnixEpoch()),
        .idempotency_key = promise.key,
        .fingerprint = {}};
    const auto found = world.Read(world.rows().FindIntent(std::move(intent)));
    if (!found->has_value()) {
      if (promise.kept) view.disagreements.push_back(promise.key + " was kept, and is gone");
      continue;
    }
    const Uuid id = (*found)->payment.payment_id;
    if (!view.payment_promises.emplace(id, &promise).second) {
      view.disagreements.push_back(promise.key + " shares a payment with another key");
    }
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

void Move(const Uuid& from, const Uuid& to, std::int64_t amount, Balances& balances) {
  balances.posted[from] -= amount;
  balances.posted[to] += amount;
}

Uuid House(Role role, const Currency& currency) {
  return HouseAccountId({.role = role, .currency = currency});
}

// By the schedule of the world, in words: three and one percent of a transfer, half a percent of a
// deposit or a conversion.
std::int64_t FeeOf(const World& world, const payments::PaymentRequest& request) {
  if (world.terms().fees.rules.empty() || request.amount.currency.code() != "EUR") return 0;
  const std::int64_t amount = request.amount.minor_units;
  if (request.kind == Kind::kDeposit || !request.quote_id.is_nil()) return amount * 50 / 10'000;
  return 3 + amount / 100;
}

void AddConversion(const payments::PaymentRequest& request, Balances& balances) {
  const std::int64_t sold = request.amount.minor_units;
  const Currency& from = request.amount.currency;
  const Currency to = *Currency::Parse("USD");
  // At 1.10 and at 1.089.
  const std::int64_t value = sold * 11 / 10;
  const std::int64_t bought = sold * 1089 / 1000;
  const std::int64_t spread = sold * 11 / 1000;
  Move(request.source_account_id, House(Role::kFxPosition, from), sold, balances);
  Move(House(Role::kFxPosition, to), request.destination_account_id, bought, balances);
  Move(House(Role::kFxPosition, to), House(Role::kFxSpreadIncome, to), spread, balances);
  Move(House(Role::kFxPosition, to), House(Role::kFxGainLoss, to), value - bought - spread,
       balances);
}

void AddMoved(const World& world, const payments::PaymentRequest& request, Balances& balances) {
  const std::int64_t amount = request.amount.minor_units;
  const Currency& currency = request.amount.currency;
  const Uuid fees = House(Role::kFeeIncome, currency);
  const std::int64_t fee = FeeOf(world, request);
  if (request.kind == Kind::kDeposit) {
    const Uuid rail = payments::SandboxRailAccount(currency);
    Move(rail, request.destination_account_id, amount - fee, balances);
    Move(rail, fees, fee, balances);
    return;
  }
  Move(request.source_account_id, fees, fee, balances);
  if (!request.quote_id.is_nil()) return AddConversion(request, balances);
  if (request.splits.empty()) {
    Move(request.source_account_id, request.destination_account_id, amount, balances);
  }
  for (const payments::Split& split : request.splits) {
    Move(request.source_account_id, split.destination_account_id, split.amount_minor, balances);
  }
}

void AddStep(const Payment& payment, const Step& step, Balances& balances) {
  if (step.state != StepState::kSucceeded) return;
  const Uuid& payer = payment.source_account_id;
  const Uuid& payee = payment.destination_account_id;
  const Uuid debt = payments::ReceivableAccount(payee);
  const Uuid clearing = payments::DisputesAccount(payment.amount.currency);
  const std::int64_t amount = step.amount_minor;
  switch (step.kind) {
    case StepKind::kCapture:
      return Move(payer, payee, amount, balances);
    case StepKind::kVoid:
    case StepKind::kExpiry:
      return;
    case StepKind::kRefund:
      Move(payee, payer, amount - step.owed_minor, balances);
      return Move(debt, payer, step.owed_minor, balances);
    case StepKind::kDispute:
      Move(payee, clearing, amount - step.owed_minor, balances);
      return Move(debt, clearing, step.owed_minor, balances);
    case StepKind::kAccept:
    case StepKind::kWithdraw:
    case StepKind::kResolve:
      break;
  }
  const bool for_payer = step.kind == StepKind::kAccept ||
                         (step.kind == StepKind::kResolve && step.note == payments::kLost);
  if (for_payer) return Move(clearing, payer, amount, balances);
  // Less what he repays.
  Move(clearing, payee, amount + step.owed_minor, balances);
  Move(clearing, debt, -step.owed_minor, balances);
}

}  // namespace

View Look(World& world) {
  View view{.payments = world.AllPayments()};
  for (const Payment& payment : view.payments) {
    view.steps[payment.payment_id] = world.StepsOf(payment.payment_id);
    view.disputes[payment.payment_id] = world.DisputesOf(payment.payment_id);
  }
  world.kept().ledger.Inspect(
      kBook, [&view](const ledger::FakeStore::Book& book) { view.book = book.loaded; });
  MatchPayments(world, view);
  MatchSteps(world, view);
  return view;
}

const ledger::Decision* DecisionOf(const View& view, const Uuid& transaction_id) {
  const auto found = view.book.decisions.find(transaction_id);
  return found == view.book.decisions.end() ? nullptr : &found->second;
}

Balances PromisedBalances(const World& world, const View& view) {
  Balances balances;
  for (const Payment& payment : view.payments) {
    const auto promise = view.payment_promises.find(payment.payment_id);
    if (promise == view.payment_promises.end()) continue;
    const payments::PaymentRequest& request = *promise->second->request;
    if (!request.authorization_timeout && payment.state == State::kSucceeded) {
      AddMoved(world, request, balances);
    }
    std::int64_t captured = 0;
    for (const Step& step : view.steps.at(payment.payment_id)) {
      AddStep(payment, step, balances);
      const bool captures = step.kind == StepKind::kCapture && step.state == StepState::kSucceeded;
      if (captures) captured += step.amount_minor;
    }
    if (payment.state == State::kRequiresCapture) {
      balances.held[request.source_account_id] += request.amount.minor_units - captured;
    }
  }
  return balances;
}

}  // namespace florin::saga
