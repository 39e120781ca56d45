#include "tests/saga/order_invariants.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/payments/domain/iban.h"
#include "services/payments/domain/limit_chain.h"
#include "services/payments/store/order_approval_store.h"
#include "tests/saga/limit_model.h"

namespace florin::saga {
namespace {

using payments::OccurrenceState;
using payments::Payment;
using payments::Payout;
using payments::PayoutStage;
using payments::RailEvent;
using payments::State;

std::string Text(const Payout& payout) {
  return absl::StrCat(FormatId(IdKind::kPayment, payout.payment.payment_id), " (",
                      std::string(payments::NameOf(payout.stage)), ", ",
                      std::string(payments::NameOf(payout.payment.state)), " ",
                      payout.payment.failure_reason, ")");
}

std::string Text(const payments::Occurrence& occurrence) {
  return absl::StrCat(
      "occurrence ", occurrence.number, " (", std::string(payments::NameOf(occurrence.state)), " ",
      occurrence.failure_reason, ") of ", FormatId(IdKind::kSchedule, occurrence.schedule_id));
}

std::int64_t CreditsOf(const ledger::LoadedBook& book, const Uuid& account_id) {
  const auto account = book.accounts.find(account_id);
  if (account == book.accounts.end()) return 0;
  const ledger::Counters& counters = account->second.counters;
  return counters.credits_posted - counters.debits_posted;
}

// Where the rail has brought a payout that it has taken and does not keep silent about.
PayoutStage StageByRail(const payments::TakenPayout& taken, absl::Time now) {
  PayoutStage stage = PayoutStage::kSent;
  if (taken.silent_until > now) return stage;
  for (const payments::RailEntry& entry : taken.entries) {
    if (entry.book_time > now) continue;
    if (entry.event == RailEvent::kSettled) stage = PayoutStage::kSettled;
    if (entry.event == RailEvent::kRejected) stage = PayoutStage::kRejected;
    if (entry.event == RailEvent::kReturned) stage = PayoutStage::kReturned;
  }
  return stage;
}

struct BookedFee {
  std::int64_t taken = 0;
  std::int64_t back = 0;
};

// What the ledger has booked of the fee of a payout, on its way out and back.
BookedFee FeeBookedOf(const View& view, const Payout& payout) {
  const Uuid fees = payments::HouseAccountId(
      {.role = payments::Role::kFeeIncome, .currency = payout.payment.amount.currency});
  BookedFee fee;
  for (const Uuid& booking : payments::BookingIdsOf(payout.payment.payment_id)) {
    const ledger::Decision* const decision = DecisionOf(view, booking);
    if (decision == nullptr || decision->commitment() == nullptr) continue;
    for (const ledger::Posting& posting : decision->commitment()->postings) {
      if (posting.credit_account_id == fees) fee.taken += posting.amount_minor;
      if (posting.debit_account_id == fees) fee.back += posting.amount_minor;
    }
  }
  return fee;
}

// What is wrong with an occurrence and its payment, if it has one; empty: nothing.
std::string Objection(const payments::Schedule& schedule, const payments::Occurrence& occurrence,
                      const Payment* payment) {
  if (payment == nullptr && !occurrence.payment_id.is_nil()) return "its payment is not there";
  switch (occurrence.state) {
    case OccurrenceState::kPending:
      return "still pending";
    case OccurrenceState::kSkipped:
      if (schedule.catch_up == payments::CatchUp::kAll) return "not to be skipped";
      return payment == nullptr ? "" : "skipped, and paid";
    case OccurrenceState::kFailed:
      if (payment != nullptr && payment->state == State::kSucceeded) return "it was paid";
      return occurrence.failure_reason.empty() ? "nobody knows why" : "";
    case OccurrenceState::kSucceeded:
      if (payment == nullptr || payment->state != State::kSucceeded) return "nothing was paid";
      break;
    case OccurrenceState::kRequiresAction:
      if (payment == nullptr) return "nothing waits";
      break;
  }
  return payment->create_time + kBack < occurrence.due_time ? "paid before it was due" : "";
}

// Then a crash may keep it from being given back before its time.
bool IsCanceledByTheLastOfSeveral(const View& view, const Payment& payment) {
  const std::vector<payments::Step>& steps = view.steps.at(payment.payment_id);
  return std::ranges::any_of(
      steps, [](const payments::Step& step) { return step.kind == payments::StepKind::kCapture; });
}

// What schedules and bulks have in common: what their payers may have to approve.
struct Order {
  std::string id;
  std::optional<payments::OrderTerms> approval;
  payments::AskedApproval asked;  // Of no meaning without `approval`.
  std::string cancel_reason;
  bool waits = false;  // For its approval.
  bool begun = false;
  bool pays = false;  // There is something of its payments.
};

std::vector<Order> OrdersOf(World& world, const View& view) {
  using payments::BulkState;
  using payments::ScheduleState;
  std::vector<Order> orders;
  for (const payments::Schedule& schedule : world.Schedules()) {
    const bool waits = schedule.state == ScheduleState::kRequiresAction;
    orders.push_back({.id = FormatId(IdKind::kSchedule, schedule.schedule_id),
                      .approval = schedule.approval,
                      .asked = payments::AwaitedOf(schedule).asked,
                      .cancel_reason = schedule.cancel_reason,
                      .waits = waits,
                      .begun = !waits && schedule.state != ScheduleState::kCanceled,
                      .pays = !world.OccurrencesOf(schedule).empty()});
  }
  for (const SeenBulk& seen : view.bulks) {
    const payments::Bulk& bulk = seen.bulk;
    const auto is_begun = [&view](const SeenItem& item) {
      return item.payment_id || DecisionOf(view, item.hold_id) != nullptr;
    };
    orders.push_back({.id = FormatId(IdKind::kBulk, bulk.bulk_id),
                      .approval = bulk.approval,
                      .asked = payments::AwaitedOf(bulk).asked,
                      .cancel_reason = bulk.cancel_reason,
                      .waits = bulk.state == BulkState::kRequiresAction,
                      .begun = payments::IsWorkedOn(bulk.state) ||
                               bulk.state == BulkState::kCompleted ||
                               bulk.state == BulkState::kFailed,
                      .pays = std::ranges::any_of(seen.items, is_begun)});
  }
  return orders;
}

auth::v1::Approval::State ApprovalOf(World& world, const Order& order) {
  return world.approvals().Get(FormatId(IdKind::kApproval, order.approval->approval_id)).state();
}

}  // namespace

std::set<Uuid> LimitAccounts(const View& view) {
  std::set<Uuid> accounts;
  for (const Payment& payment : view.payments) {
    for (const payments::LimitUse& use : payment.limit_uses) {
      accounts.insert(use.control_account_id);
      accounts.insert(payments::GrantedAccountOf(use.control_account_id));
      accounts.insert(payments::ExcessAccountOf(use.control_account_id));
    }
  }
  return accounts;
}

std::set<Uuid> OrderTransactions(World& world, const View& view) {
  std::set<Uuid> known;
  std::set<std::pair<Uuid, Uuid>> buckets;
  for (const Payment& payment : view.payments) {
    for (const auto& part : payments::LimitChainOf(payment)) known.insert(part.transaction_id);
    for (const auto& release : payments::ReleasesOf(payment)) known.insert(release.transaction_id);
    for (const payments::LimitUse& use : payment.limit_uses) {
      buckets.emplace(use.limit_id, use.control_account_id);
    }
  }
  for (const auto& [id, payout] : view.payouts) {
    for (const Uuid& booking : payments::BookingIdsOf(id)) known.insert(booking);
  }
  for (const payments::RailEntry& entry : world.arrivals()) {
    payments::RailDeposit deposit = DepositAt(world, entry);
    for (const auto stage :
         {payments::DepositStage::kCrediting, payments::DepositStage::kSuspending}) {
      deposit.stage = stage;
      known.insert(payments::BookingOf(deposit).transaction_id);
    }
  }
  for (const KnownLimit& limit : world.limits()) {
    payments::Limit changed = limit.limit;
    changed.maxima.clear();
    for (const auto& [time, maximum] : limit.maxima) {
      if (maximum != kUnlimited) changed.maxima.push_back(maximum);
    }
    for (const auto& [id, control] : buckets) {
      if (id != changed.limit_id) continue;
      for (const auto& funding : payments::FundingsOf(changed, control, 0)) {
        known.insert(funding.transaction_id);
      }
    }
  }
  return known;
}

void LimitsAreKept(World& world, const View& view, const Complain& complain) {
  CheckLimits(world, world.limits(), view, complain);
}

// What is held of a bucket is given back, and what it has is one of its limit's maxima.
void LimitsAreWhole(World& world, const View& view, const Complain& complain) {
  const absl::Time now = world.kept().clock.Now();
  // By bucket: its limit, and what counts.
  std::map<BookAccount, std::pair<Uuid, std::int64_t>> counting;
  for (const Payment& payment : view.payments) {
    const ledger::Decision* const decision = DecisionOf(view, payment.transaction_id);
    const bool committed = decision != nullptr && decision->commitment() != nullptr;
    // Of what counts no more the ledger may not have heard.
    const bool given_up = (payment.state == State::kCanceled || payment.state == State::kFailed) &&
                          !IsCanceledByTheLastOfSeveral(view, payment);
    for (const payments::LimitUse& use : payment.limit_uses) {
      auto& bucket = counting[{SourceBookOf(payment), use.control_account_id}];
      bucket.first = use.limit_id;
      if (committed && !given_up && decision->commit_time + use.window > now - kBack) {
        bucket.second += use.units;
      }
    }
  }
  for (const auto& [bucket, counts] : counting) {
    const ledger::LoadedBook& book = view.In(bucket.first);
    const Uuid& control = bucket.second;
    const auto account = book.accounts.find(control);
    if (account == book.accounts.end()) continue;
    if (account->second.counters.debits_pending > counts.second) {
      complain(absl::StrCat("a bucket holds ", account->second.counters.debits_pending, " of ",
                            counts.second, " that count"));
    }
    const std::int64_t has =
        CreditsOf(book, control) + CreditsOf(book, payments::ExcessAccountOf(control));
    for (const KnownLimit& known : world.limits()) {
      if (known.limit.limit_id != counts.first) continue;
      const bool one = std::ranges::any_of(
          known.maxima, [has](const auto& maximum) { return maximum.second == has; });
      if (!one) complain(absl::StrCat("a bucket has ", has, ", which its limit never was"));
    }
  }
}

void PayoutsAgreeWithTheRail(World& world, const View& view, const Complain& complain) {
  const absl::Time now = world.kept().clock.Now();
  for (const auto& [id, payout] : view.payouts) {
    const auto taken = *world.Read(world.stores().rail->FindTaken(id));
    if (payout.payment.state == State::kRequiresAction) continue;
    if (taken) {
      const PayoutStage expected = StageByRail(*taken, now);
      if (payout.stage != expected) {
        complain(absl::StrCat("the rail has it ", std::string(payments::NameOf(expected)), ": ",
                              Text(payout)));
      }
      continue;
    }
    const bool unsent =
        payout.stage == PayoutStage::kCanceled || payout.stage == PayoutStage::kRefused;
    if (!unsent) complain(absl::StrCat("the rail does not know of it: ", Text(payout)));
  }
}

// Each payout at most once, nothing else, and the amount.
void TheRailPaysWhatWasAsked(World& world, const View& view, const Complain& complain) {
  std::map<Uuid, std::int64_t> paid;
  for (const payments::RailEntry& entry : world.RailEntries()) {
    if (entry.event == RailEvent::kSettled) paid[entry.payout_id] += entry.amount.minor_units;
  }
  for (const auto& [id, amount] : paid) {
    const auto payout = view.payouts.find(id);
    if (payout == view.payouts.end()) {
      complain("the rail pays what nobody asked for");
    } else if (payout->second.payment.amount.minor_units != amount) {
      complain(absl::StrCat("the rail has paid ", amount, ": ", Text(payout->second)));
    }
  }
}

void EndedPayoutsHoldNoFee(World&, const View& view, const Complain& complain) {
  for (const auto& [id, payout] : view.payouts) {
    const bool held = payments::FeeStateOf(payout) == payments::FeeState::kHeld;
    if (held && payments::IsTerminal(payout.payment.state)) {
      complain("it has ended, and holds its fee: " + Text(payout));
    }
  }
}

// By the schedule, and as the payer is told.
void FeesOfPayoutsAreTakenOnce(World& world, const View& view, const Complain& complain) {
  using payments::FeeState;
  for (const auto& [id, payout] : view.payouts) {
    const auto asked = view.asked.find(id);
    if (asked == view.asked.end()) continue;
    const std::int64_t fee = FeeOf(world, asked->second);
    const FeeState state = payments::FeeStateOf(payout);
    const bool back = state == FeeState::kGivenBack;
    const bool taken = back || state == FeeState::kTaken;
    const BookedFee booked = FeeBookedOf(view, payout);
    if ((state == FeeState::kNone) != (fee == 0) || booked.taken != (taken ? fee : 0) ||
        booked.back != (back ? fee : 0)) {
      complain(absl::StrCat("of a fee of ", fee, ", ", std::string(payments::NameOf(state)), ", ",
                            booked.taken, " was taken and ", booked.back,
                            " given back: ", Text(payout)));
    }
    world.Count(absl::StrCat("fee of a payout ", std::string(payments::NameOf(state))));
  }
}

void DepositsHaveEnded(World& world, const View& view, const Complain& complain) {
  std::map<Uuid, const Payment*> payments;
  for (const Payment& payment : view.payments) payments[payment.payment_id] = &payment;
  for (const payments::RailEntry& entry : world.arrivals()) {
    const payments::RailDeposit deposit = DepositAt(world, entry);
    const auto account = payments::ParseVirtualIban(entry.account_reference);
    const auto& accounts = view.In(world.BookOf(account.value_or(Uuid()))).accounts;
    const bool known = account && accounts.contains(*account) &&
                       accounts.at(*account).terms.currency == entry.amount.currency;
    const auto payment = payments.find(deposit.payment_id);
    const bool credited = payment != payments.end() && payment->second->state == State::kSucceeded;
    const auto stage =
        credited ? payments::DepositStage::kCredited : payments::DepositStage::kUnmatched;
    if (deposit.stage != stage) {
      complain(
          absl::StrCat(entry.deposit_id, " is ", std::string(payments::NameOf(deposit.stage))));
    }
    // It is its owner's unless the account took nothing more.
    const bool refused = payment != payments.end() && payment->second->state == State::kFailed;
    if (known != (credited || refused)) complain(entry.deposit_id + " has another owner");
  }
}

void TheNostroIsWhatTheRailHas(World& world, const View& view, const Complain& complain) {
  const absl::Time now = world.kept().clock.Now();
  std::int64_t expected = 0;  // Credits.
  for (const payments::RailEntry& entry : world.RailEntries()) {
    if (entry.event != RailEvent::kDeposit) {
      const auto taken = *world.Read(world.stores().rail->FindTaken(entry.payout_id));
      if (taken && taken->silent_until > now) continue;
    }
    const bool out = entry.event == RailEvent::kSettled;
    expected += out ? entry.amount.minor_units : -entry.amount.minor_units;
  }
  const Uuid nostro = payments::HouseAccountId(
      {.role = payments::Role::kNostro, .currency = *Currency::Parse("EUR")});
  const std::int64_t has = CreditsOf(view.book, nostro);
  if (has != expected) {
    complain(absl::StrCat("paid less received: ", expected, ", on the account: ", has));
  }
}

void OrdersWaitForTheirPayers(World& world, const View& view, const Complain& complain) {
  for (const Order& order : OrdersOf(world, view)) {
    if (!order.approval || !order.pays) continue;
    if (ApprovalOf(world, order) == auth::v1::Approval::REDEEMED) continue;
    complain(order.id + " pays without its approval");
  }
}

void OrdersBeginAsApproved(World& world, const View& view, const Complain& complain) {
  for (const Order& order : OrdersOf(world, view)) {
    if (!order.approval) {
      if (order.waits) complain(order.id + " waits for an approval that nobody is asked for");
      continue;
    }
    const bool redeemed = ApprovalOf(world, order) == auth::v1::Approval::REDEEMED;
    if (order.waits && (redeemed || order.approval->expire_time <= world.kept().clock.Now())) {
      complain(order.id + (redeemed ? " was approved, and waits" : " waits for ever"));
    }
    if (redeemed && !order.cancel_reason.empty()) {
      complain(absl::StrCat(order.id, " was approved, and given up for ", order.cancel_reason));
    }
    if (!order.begun) continue;
    const crypto::Digest wanted = sca::BindingDigest(order.asked.binding);
    if (!redeemed || order.approval->approved_binding != crypto::AsOctets(wanted)) {
      complain(order.id + " is not what was approved");
    }
  }
  // Approved once, all of its payments are.
  for (const Payment& payment : view.payments) {
    const auto asked = view.asked.find(payment.payment_id);
    if (asked == view.asked.end() || !asked->second.approved || !payment.approval) continue;
    complain(FormatId(IdKind::kPayment, payment.payment_id) + " is to be approved once more");
  }
}

void AnOccurrenceIsPaidOnce(World& world, const View& view, const Complain& complain) {
  const absl::Time now = world.kept().clock.Now();
  std::map<Uuid, const Payment*> payments;
  for (const Payment& payment : view.payments) payments[payment.payment_id] = &payment;
  std::set<Uuid> paid;
  for (const payments::Schedule& schedule : world.Schedules()) {
    const bool active = schedule.state == payments::ScheduleState::kActive;
    if (active && *schedule.next_time + kBack < now) complain("a schedule stands still");
    for (const payments::Occurrence& occurrence : world.OccurrencesOf(schedule)) {
      const auto payment = payments.find(occurrence.payment_id);
      const std::string what =
          Objection(schedule, occurrence, payment == payments.end() ? nullptr : payment->second);
      if (!what.empty()) complain(absl::StrCat(what, ": ", Text(occurrence)));
      const bool own = occurrence.payment_id.is_nil() || paid.insert(occurrence.payment_id).second;
      if (!own) complain(absl::StrCat("not a payment of its own: ", Text(occurrence)));
    }
  }
  for (const auto& [id, asked] : view.asked) {
    if (!asked.scheduled || paid.contains(id)) continue;
    complain(FormatId(IdKind::kPayment, id) + " is of no occurrence");
  }
}

}  // namespace florin::saga
