#include "tests/saga/events.h"

#include <iterator>
#include <utility>

#include "services/payments/domain/iban.h"
#include "services/payments/domain/state_machine.h"

namespace florin::saga {
namespace {

using payments::Kind;
using payments::Payment;
using payments::PaymentRequest;
using payments::State;
using payments::Step;
using payments::StepKind;
using payments::StepState;

const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");

// ---- New payments

const Person& Somebody(World& world) { return world.random().Pick(world.people()); }

PaymentRequest Request(Kind kind, const Uuid& from, const Uuid& to, std::int64_t amount,
                       const Currency& currency) {
  return {.kind = kind,
          .source_account_id = from,
          .destination_account_id = to,
          .amount = {.minor_units = amount, .currency = currency},
          .reference = "r"};
}

bool Begin(World& world, const Uuid& user, PaymentRequest request) {
  return world.Ask(world.Add({.key = "", .user = user, .request = std::move(request)}));
}

bool Deposit(World& world) {
  const Person& person = Somebody(world);
  const bool dollars = world.random().OneIn(4);
  const Uuid& to = world.random().Pick(dollars ? person.usd : person.eur);
  return Begin(
      world, person.user,
      Request(Kind::kDeposit, Uuid(), to, 1 + world.random().Below(2000), dollars ? kUsd : kEur));
}

// From somebody to anybody's other account in euros.
PaymentRequest InEuros(World& world, const Person& payer) {
  const Uuid from = world.random().Pick(payer.eur);
  Uuid to = from;
  while (to == from) to = world.random().Pick(Somebody(world).eur);
  return Request(Kind::kTransfer, from, to, 1 + world.random().Below(600), kEur);
}

bool Transfer(World& world) {
  const Person& payer = Somebody(world);
  return Begin(world, payer.user, InEuros(world, payer));
}

bool Authorization(World& world) {
  const Person& payer = Somebody(world);
  PaymentRequest request = InEuros(world, payer);
  request.authorization_timeout = absl::Minutes(1 + world.random().Below(30));
  return Begin(world, payer.user, std::move(request));
}

bool SplitPayment(World& world) {
  const Person& payer = Somebody(world);
  PaymentRequest request = InEuros(world, payer);
  request.amount.minor_units = 0;
  for (const Person& person : world.people()) {
    if (person.user == payer.user) continue;
    const std::int64_t amount = 1 + world.random().Below(300);
    request.splits.push_back({.destination_account_id = person.eur[0], .amount_minor = amount});
    request.amount.minor_units += amount;
  }
  request.destination_account_id = request.splits[0].destination_account_id;
  return Begin(world, payer.user, std::move(request));
}

bool Conversion(World& world) {
  const Person& payer = Somebody(world);
  const std::int64_t amount = 2 + world.random().Below(600);
  PaymentRequest request = Request(Kind::kTransfer, world.random().Pick(payer.eur),
                                   Somebody(world).usd[0], amount, kEur);
  payments::QuoteRequest quote{
      .source = kEur, .destination = kUsd, .source_minor = amount, .destination_minor = {}};
  return world.Ask(world.Add(
      {.key = "", .user = payer.user, .request = std::move(request), .quote = std::move(quote)}));
}

const char* const kBeneficiaries[] = {
    "DE97500105170600000000", "DE55500105170600009001", "DE28500105170600009002",
    "DE98500105170600009003", "DE71500105170600009004", "DE44500105170600009005",
};

bool Payout(World& world) {
  const Person& payer = Somebody(world);
  const Uuid from = world.random().Pick(payer.eur);
  const std::int64_t amount = 1 + world.random().Below(600);
  payments::PayoutRequest request{
      .source_account_id = from,
      .amount = {.minor_units = amount, .currency = kEur},
      .beneficiary = {.name = "Somebody",
                      .account = kBeneficiaries[world.random().Below(std::ssize(kBeneficiaries))],
                      .is_iban = true},
      .reference = "r",
      .rail = std::string(payments::kSandboxRail)};
  return world.Ask(world.Add({.key = "", .user = payer.user, .payout = std::move(request)}));
}

// An account of somebody, or an IBAN elsewhere.
std::string SomebodyToSave(World& world) {
  if (world.random().OneIn(2)) {
    return kBeneficiaries[world.random().Below(std::ssize(kBeneficiaries))];
  }
  const Person& payee = Somebody(world);
  return FormatId(IdKind::kAccount,
                  world.random().Pick(world.random().OneIn(4) ? payee.usd : payee.eur));
}

// Usable at once, or later.
bool SavePayee(World& world) {
  const payments::PayeePolicy& policy = world.terms().payees;
  if (!policy.required && policy.payouts == payments::PayoutPayees::kAnybody) return false;
  const Uuid user = Somebody(world).user;
  absl::Time usable = world.kept().clock.Now();
  if (world.random().OneIn(3)) usable += absl::Minutes(world.random().Below(60));
  world.SavePayee(user, SomebodyToSave(world), usable);
  return true;
}

bool DeletePayee(World& world) {
  return world.DeletePayee(Somebody(world).user, SomebodyToSave(world));
}

// Daily from today or tomorrow on, or once.
bool Schedule(World& world) {
  const Person& payer = Somebody(world);
  const PaymentRequest paid = InEuros(world, payer);
  const absl::Time soon = world.kept().clock.Now() + absl::Minutes(world.random().Below(600));
  const absl::CivilMinute due = absl::ToCivilMinute(soon, absl::UTCTimeZone());
  constexpr payments::CatchUp kCatchUps[] = {
      payments::CatchUp::kAll, payments::CatchUp::kLatestOnly, payments::CatchUp::kSkip};
  payments::Schedule wanted{
      .user_id = payer.user,
      .source_account_id = paid.source_account_id,
      .destination_account_id = paid.destination_account_id,
      .amount = {.minor_units = 1 + world.random().Below(200), .currency = kEur},
      .reference = "r",
      .rule = {.frequency = payments::Frequency::kDaily,
               .first_day = absl::CivilDay(due),
               .minute_of_day = due.hour() * 60 + due.minute(),
               .zone_name = "UTC",
               .zone = absl::UTCTimeZone()}};
  wanted.rule.count = static_cast<int>(1 + world.random().Below(7));
  wanted.catch_up = kCatchUps[world.random().Below(std::ssize(kCatchUps))];
  return world.Ask(world.Add({.key = "", .user = payer.user, .schedule = std::move(wanted)}));
}

// Mostly such as can be paid; some are to nobody, or to an account in dollars, or of a lot.
payments::BulkItem SomeItem(World& world, const Uuid& from, std::size_t number) {
  const Person& payee = Somebody(world);
  Uuid to = from;
  while (to == from) to = world.random().Pick(Somebody(world).eur);
  if (world.random().OneIn(25)) {
    to = world.random().OneIn(2) ? world.kept().ids.NewId() : payee.usd[0];
  }
  const std::int64_t most = world.random().OneIn(10) ? 900 : 60;
  return {.item_id = "i" + std::to_string(number),
          .destination_account_id = to,
          .amount_minor = 1 + world.random().Below(most),
          .reference = "r"};
}

bool Bulk(World& world) {
  const Person& payer = Somebody(world);
  WantedBulk wanted{.mode = world.random().OneIn(2) ? payments::BulkMode::kAllOrNothing
                                                    : payments::BulkMode::kBestEffort,
                    .source_account_id = world.random().Pick(payer.eur),
                    .items = {}};
  const std::int64_t count = 1 + world.random().Below(8);
  while (std::ssize(wanted.items) < count) {
    wanted.items.push_back(SomeItem(world, wanted.source_account_id, wanted.items.size()));
  }
  return world.Ask(world.Add({.key = "", .user = payer.user, .bulk = std::move(wanted)}));
}

// ---- Promises that were made

template <class Wanted>
Promise* PickPromise(World& world, Wanted wanted) {
  std::vector<Promise*> candidates;
  for (Promise& promise : world.promises()) {
    if (wanted(promise)) candidates.push_back(&promise);
  }
  return candidates.empty() ? nullptr : world.random().Pick(candidates);
}

// The quote of another payment, which it may have used.
bool SecondUseOfAQuote(World& world) {
  const Promise* const first = PickPromise(world, [](const Promise& promise) {
    return promise.quote && !promise.request->quote_id.is_nil();
  });
  if (first == nullptr) return false;
  Promise second{.key = "", .user = first->user, .request = first->request, .quote = first->quote};
  return world.Ask(world.Add(std::move(second)));
}

// As the worker of payments does, by the day.
bool ForgetQuotes(World& world) {
  const absl::Time before = world.kept().clock.Now() - absl::Minutes(10);
  const auto forgotten = world.Read(world.rows().ForgetQuotes(before, 100));
  return forgotten.ok() && *forgotten > 0;
}

bool Retry(World& world) {
  Promise* const promise = PickPromise(world, [](const Promise& candidate) {
    return !candidate.settled() && !candidate.refused && !candidate.abandoned;
  });
  return promise != nullptr && world.Ask(*promise);
}

bool LateRepetition(World& world) {
  Promise* const promise =
      PickPromise(world, [](const Promise& candidate) { return candidate.settled(); });
  return promise != nullptr && world.Ask(*promise);
}

bool OtherContent(World& world) {
  Promise* const promise =
      PickPromise(world, [](const Promise& candidate) { return candidate.kept; });
  return promise != nullptr && world.AskForOther(*promise);
}

// ---- Bulks

Promise* PickBulk(World& world, bool draft) {
  return PickPromise(world, [draft](const Promise& promise) {
    if (!promise.collected || IsOver(promise.collected->state)) return false;
    return !draft || promise.collected->state == payments::BulkState::kDraft;
  });
}

// From the first item that may be missing on, or any that are there, too.
bool AddItems(World& world) {
  Promise* const promise = PickBulk(world, true);
  if (promise == nullptr) return false;
  const WantedBulk& bulk = *promise->bulk;
  const std::int64_t count = std::ssize(bulk.items);
  std::int64_t from = world.random().OneIn(4) ? world.random().Below(count) : 0;
  while (from + 1 < count &&
         bulk.added.contains(bulk.items[static_cast<std::size_t>(from)].item_id))
    ++from;
  const std::int64_t some = 1 + world.random().Below(count - from);
  const auto first = bulk.items.begin() + from;
  return world.AddItems(*promise, {first, first + some}, std::nullopt);
}

// Nothing of it is to be kept.
bool AddWrongItems(World& world) {
  Promise* const promise = PickBulk(world, false);
  if (promise == nullptr) return false;
  std::vector<payments::BulkItem> chunk = {promise->bulk->items[0], promise->bulk->items[0]};
  payments::BulkItem& wrong = chunk.back();
  constexpr Reason kWrongs[] = {Reason::kInvalidAmount, Reason::kSameAccount, Reason::kIdConflict};
  const Reason why = kWrongs[world.random().Below(std::ssize(kWrongs))];
  if (why == Reason::kInvalidAmount) wrong.amount_minor = 0;
  if (why == Reason::kSameAccount) {
    wrong.destination_account_id = promise->bulk->source_account_id;
  }
  if (why == Reason::kIdConflict) wrong.reference += "!";
  return world.AddItems(*promise, std::move(chunk), why);
}

// Mostly once all is there; and now and then once more.
bool SubmitBulk(World& world) {
  Promise* const promise = PickBulk(world, false);
  if (promise == nullptr || promise->bulk->added.empty()) return false;
  const bool all = promise->bulk->added.size() == promise->bulk->items.size();
  return (all || world.random().OneIn(6)) && world.Submit(*promise);
}

bool CancelBulk(World& world) {
  Promise* const promise = PickBulk(world, false);
  return promise != nullptr && world.Cancel(*promise);
}

// ---- Approvals

bool CancelPayout(World& world) {
  Promise* const promise = PickPromise(world, [](const Promise& candidate) {
    return candidate.payout && candidate.payment && !payments::IsTerminal(candidate.payment->state);
  });
  return promise != nullptr && world.Cancel(*promise);
}

bool ChangeSchedule(World& world) {
  const std::vector<payments::Schedule> schedules = world.Schedules();
  if (schedules.empty()) return false;
  const payments::Schedule& schedule = world.random().Pick(schedules);
  constexpr payments::ScheduleEvent kChanges[] = {
      payments::ScheduleEvent::kPause, payments::ScheduleEvent::kResume,
      payments::ScheduleEvent::kResume, payments::ScheduleEvent::kCancel};
  const payments::ScheduleEvent event = kChanges[world.random().Below(std::ssize(kChanges))];
  audit::Origin nobody;
  return world
      .Read(world.stores().schedules->ChangeSchedule(schedule.user_id, schedule.schedule_id, event,
                                                     world.kept().clock.Now(), nobody))
      .ok();
}

Promise* PickUnapproved(World& world) {
  return PickPromise(world, [](const Promise& promise) {
    return promise.payment && promise.payment->state == State::kRequiresAction;
  });
}
// Schedules and bulks are fewer by far.
Promise* PickUnapprovedOrder(World& world) {
  return PickPromise(world, [](const Promise& promise) { return promise.awaited() != nullptr; });
}

bool Answer(World& world, const Promise* promise, auth::v1::Approval::State state) {
  if (promise == nullptr) return false;
  const payments::OrderTerms* const awaited = promise->awaited();
  const Uuid approval_id =
      awaited != nullptr ? awaited->approval_id : promise->payment->approval->approval_id;
  const std::string id = FormatId(IdKind::kApproval, approval_id);
  // Of an approval that auth has, and the payer has not answered yet.
  const auth::v1::Approval approval = world.approvals().Get(id);
  if (approval.approval_id().empty() || approval.state() != auth::v1::Approval::PENDING) {
    return false;
  }
  world.approvals().SetState(id, state);
  return true;
}

bool Approve(World& world) {
  return Answer(world, PickUnapproved(world), auth::v1::Approval::APPROVED);
}
bool Decline(World& world) {
  return Answer(world, PickUnapproved(world), auth::v1::Approval::DECLINED);
}
bool ApproveOrder(World& world) {
  return Answer(world, PickUnapprovedOrder(world), auth::v1::Approval::APPROVED);
}
bool DeclineOrder(World& world) {
  return Answer(world, PickUnapprovedOrder(world), auth::v1::Approval::DECLINED);
}
bool ConfirmOrder(World& world) {
  Promise* const promise = PickUnapprovedOrder(world);
  return promise != nullptr && world.Confirm(*promise);
}
bool Confirm(World& world) {
  Promise* const promise = PickUnapproved(world);
  return promise != nullptr && world.Confirm(*promise);
}
bool Cancel(World& world) {
  Promise* const promise = PickUnapproved(world);
  return promise != nullptr && world.Cancel(*promise);
}

// ---- Steps

const Payment* PickPayment(World& world, bool authorized) {
  const Promise* const promise = PickPromise(world, [authorized](const Promise& candidate) {
    if (!candidate.payment || candidate.payment->kind != Kind::kTransfer) return false;
    if (!payments::VisibleToPayee(*candidate.payment)) return false;
    return candidate.payment->authorization_timeout.has_value() == authorized;
  });
  return promise == nullptr ? nullptr : &*promise->payment;
}

// All that is left, or a part that may be too much.
std::int64_t SomeOf(World& world, std::int64_t amount) {
  return world.random().OneIn(4) ? 0 : 1 + world.random().Below(amount + amount / 4 + 1);
}

bool BeginStep(World& world, const Payment* payment, Step step) {
  if (payment == nullptr) return false;
  step.payment_id = payment->payment_id;
  if (step.user_id.is_nil()) step.user_id = world.OwnerOf(payments::PayeeOf(*payment, step));
  return world.Ask(world.Add({.key = "", .user = step.user_id, .step = std::move(step)}));
}

bool Capture(World& world) {
  const Payment* const payment = PickPayment(world, true);
  if (payment == nullptr) return false;
  const std::int64_t amount = SomeOf(world, payment->amount.minor_units);
  return BeginStep(
      world, payment,
      {.kind = StepKind::kCapture, .amount_minor = amount, .final = world.random().OneIn(4)});
}

bool Void(World& world) {
  return BeginStep(world, PickPayment(world, true), {.kind = StepKind::kVoid});
}

// One of several.
Uuid SomePayee(World& world, const Payment& payment) {
  if (!payments::HasSeveralPayees(payment)) return Uuid();
  const auto& splits = payment.pricing->splits;
  return splits[world.random().Below(splits.size())].destination_account_id;
}

bool Refund(World& world) {
  const Payment* const payment = PickPayment(world, world.random().OneIn(2));
  if (payment == nullptr) return false;
  return BeginStep(world, payment,
                   {.kind = StepKind::kRefund,
                    .amount_minor = SomeOf(world, payment->amount.minor_units),
                    .may_owe = world.terms().may_owe,
                    .note = "sorry",
                    .payee_account_id = SomePayee(world, *payment)});
}

bool Dispute(World& world) {
  const Payment* const payment = PickPayment(world, world.random().OneIn(3));
  if (payment == nullptr) return false;
  return BeginStep(world, payment,
                   {.user_id = payment->user_id,
                    .kind = StepKind::kDispute,
                    .amount_minor = SomeOf(world, payment->amount.minor_units),
                    .may_owe = true,
                    .note = "not_received",
                    .payee_account_id = SomePayee(world, *payment)});
}

Promise* PickDispute(World& world) {
  return PickPromise(world, [](const Promise& promise) {
    return promise.ended && promise.ended->kind == StepKind::kDispute &&
           promise.ended->state == StepState::kSucceeded;
  });
}

bool Decide(World& world, StepKind kind) {
  const Promise* const dispute = PickDispute(world);
  if (dispute == nullptr) return false;
  const Promise* const about = PickPromise(world, [dispute](const Promise& promise) {
    return promise.payment && promise.payment->payment_id == dispute->ended->payment_id;
  });
  if (about == nullptr) return false;
  Step step{.kind = kind, .dispute_id = dispute->ended->step_id};
  if (kind == StepKind::kWithdraw) step.user_id = about->payment->user_id;
  if (kind == StepKind::kAccept) {
    step.user_id = world.OwnerOf(payments::PayeeOf(*about->payment, *dispute->ended));
  }
  if (kind == StepKind::kResolve) {
    step.user_id = world.operator_user();
    step.note = world.random().OneIn(2) ? payments::kWon : payments::kLost;
  }
  return BeginStep(world, &*about->payment, std::move(step));
}

bool Accept(World& world) { return Decide(world, StepKind::kAccept); }
bool Withdraw(World& world) { return Decide(world, StepKind::kWithdraw); }
bool Resolve(World& world) { return Decide(world, StepKind::kResolve); }
bool Respond(World& world) {
  Promise* const dispute = PickDispute(world);
  return dispute != nullptr && world.Respond(*dispute);
}

// ---- What the accounts service and the bank do to accounts

bool Change(World& world, const Uuid& account, ledger::Action action) {
  ledger::Command command;
  command.transaction_id = world.kept().ids.NewId();
  command.action = std::move(action);
  std::vector<ledger::Command> commands = {std::move(command)};
  const auto outcomes = world.Read(
      world.kept().ledger.Commit(world.BookOf(account), std::move(commands), world.ledger_now()));
  return outcomes.ok() && (*outcomes)[0].decision.commitment() != nullptr;
}

const Uuid& AnyAccount(World& world) { return world.random().Pick(Somebody(world).eur); }

bool Close(World& world) {
  const Uuid id = AnyAccount(world);
  return Change(world, id, ledger::CloseAccount{id});
}
bool Reopen(World& world) {
  const Uuid id = AnyAccount(world);
  return Change(world, id, ledger::ReopenAccount{id});
}
bool Lend(World& world) {
  const Uuid id = AnyAccount(world);
  return Change(world, id,
                ledger::SetCreditLine{id, world.CreditLineOf(id) + world.random().Below(200)});
}

// ---- What others do

// To an account, to one of another currency, or to nobody.
bool Arrival(World& world) {
  const Person& person = Somebody(world);
  const Uuid to = world.random().OneIn(5)   ? world.kept().ids.NewId()
                  : world.random().OneIn(6) ? person.usd[0]
                                            : world.random().Pick(person.eur);
  payments::RailEntry entry{
      .deposit_id = "d" + std::to_string(world.arrivals().size()),
      .amount = {.minor_units = 1 + world.random().Below(900), .currency = kEur},
      .account_reference = world.random().OneIn(8) ? "for whom?" : payments::VirtualIbanOf(to),
      .reference = "r",
      .book_time = world.kept().clock.Now()};
  payments::PlannedEntry planned{.entry = entry,
                                 .notifications = static_cast<int>(1 + world.random().Below(3))};
  world.arrivals().push_back(entry);
  return world.Read(world.stores().rail->AddDeposit(std::move(planned))).ok();
}

bool ChangeLimit(World& world) {
  if (world.limits().empty()) return false;
  const auto index = world.random().Below(std::ssize(world.limits()));
  KnownLimit& known = world.limits()[static_cast<std::size_t>(index)];
  const std::int64_t now = known.maxima.back().second;
  if (now == kUnlimited) return false;
  const absl::Time time = world.kept().clock.Now();
  payments::LimitChange change{
      .kind = payments::LimitChange::Kind::kSetMaximum,
      .limit_id = known.limit.limit_id,
      .maximum = now / 2 + world.random().Below(now + 2),
      .user_id = world.operator_user(),
      .idempotency_key = FormatId(IdKind::kLimit, world.kept().ids.NewId()),
      .fingerprint = {},
      .time = time};
  // What is removed is known for kRemovedLimitsStay, which a slow run may leave a payment longer.
  if (!world.terms().slow && world.random().OneIn(10)) {
    change.kind = payments::LimitChange::Kind::kRemove;
  }
  known.maxima.emplace_back(
      time, change.kind == payments::LimitChange::Kind::kRemove ? kUnlimited : change.maximum);
  return world.Read(world.stores().limits->ChangeLimit(std::move(change))).ok();
}

// ---- Time, work, faults

bool Pass(World& world, absl::Duration most) {
  world.kept().clock.Advance(most * static_cast<double>(world.random().Below(1000)) / 1000);
  return true;
}

constexpr Event kEvents[] = {
    {"something goes on", 340, false, [](World& world) { return world.Proceed(true); }},
    {"a deposit", 6, false, Deposit},
    {"a transfer", 8, false, Transfer},
    {"a split", 3, false, SplitPayment},
    {"a conversion", 4, false, Conversion},
    {"an authorization", 7, false, Authorization},
    {"a payout", 7, false, Payout},
    {"a payout is canceled", 2, true, CancelPayout},
    {"a payee is saved", 16, true, SavePayee},
    {"a payee is deleted", 2, true, DeletePayee},
    {"money arrives at the rail", 4, true, Arrival},
    {"a schedule", 3, false, Schedule},
    {"a schedule is changed", 1, true, ChangeSchedule},
    {"a bulk", 3, false, Bulk},
    {"items of a bulk", 8, true, AddItems},
    {"wrong items of a bulk", 1, true, AddWrongItems},
    {"a bulk is submitted", 6, true, SubmitBulk},
    {"a bulk is canceled", 1, true, CancelBulk},
    {"a limit is changed", 2, true, ChangeLimit},
    {"a second use of a quote", 1, true, SecondUseOfAQuote},
    {"quotes are forgotten", 2, true, ForgetQuotes},
    {"an approval", 6, true, Approve},
    {"a confirmation", 8, true, Confirm},
    {"a refusal to approve", 1, true, Decline},
    {"an approval of an order", 4, true, ApproveOrder},
    {"a confirmation of an order", 6, true, ConfirmOrder},
    {"a refusal to approve an order", 1, true, DeclineOrder},
    {"a cancellation", 1, true, Cancel},
    {"a capture", 9, false, Capture},
    {"a void", 2, false, Void},
    {"a refund", 6, false, Refund},
    {"a dispute", 10, false, Dispute},
    {"an acceptance", 3, false, Accept},
    {"a withdrawal", 4, false, Withdraw},
    {"a resolution", 8, false, Resolve},
    {"evidence", 2, false, Respond},
    {"a retry", 12, true, Retry},
    {"a late repetition", 4, true, LateRepetition},
    {"other content", 3, true, OtherContent},
    {"an account is closed", 1, true, Close},
    {"an account is opened again", 4, true, Reopen},
    {"a credit line", 1, true, Lend},
    {"work", 16, false, [](World& world) { return world.StartWork(); }},
    {"a moment", 12, false, [](World& world) { return Pass(world, absl::Milliseconds(500)); }},
    {"seconds", 4, false, [](World& world) { return Pass(world, absl::Seconds(8)); }},
    {"minutes", 1, true, [](World& world) { return Pass(world, absl::Minutes(20)); }},
    {"days", 1, true,
     [](World& world) { return world.terms().slow && Pass(world, absl::Hours(40)); }},
    {"the clock goes back", 1, true,
     [](World& world) {
       world.kept().clock.Advance(-absl::Milliseconds(world.random().Below(2000)));
       return true;
     }},
    {"payments crashes", 2, true, [](World& world) { return world.CrashPayments(); }},
    {"the ledger crashes", 2, true, [](World& world) { return world.CrashLedger(); }},
    {"a start", 8, false,
     [](World& world) {
       world.StartMissing();
       return true;
     }},
};

}  // namespace

std::span<const Event> Events() { return kEvents; }

const Event& PickEvent(simulation::Random& random) {
  static const int sum = [] {
    int weights = 0;
    for (const Event& event : kEvents) weights += event.weight;
    return weights;
  }();
  std::int64_t left = random.Below(sum);
  for (const Event& event : kEvents) {
    left -= event.weight;
    if (left < 0) return event;
  }
  return kEvents[0];
}

}  // namespace florin::saga
