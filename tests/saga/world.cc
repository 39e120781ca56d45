#include "tests/saga/world.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/payments/domain/state_machine.h"
#include "tests/saga/clients.h"
#include "tests/saga/events.h"
#include "tests/saga/invariants.h"

namespace florin::saga {
namespace {

using payments::Payment;
using payments::State;
using payments::Step;
using payments::StepKind;
using payments::StepState;

constexpr const char* kCountries[] = {"DE", "FR", ""};  // Of each of the people.
constexpr int kPeople = std::size(kCountries);
constexpr int kMostRounds = 60;
// Each a lease and a pause of the recovery worker.
constexpr int kPromptRounds = 4;
// A minute and a half, by longer pauses.
constexpr int kApprovedRounds = 12;
constexpr int kEverything = 1'000'000;
// More than clocks differ.
constexpr absl::Duration kAtTheEdge = absl::Seconds(10);

constexpr char kApproved[] = ", approved";

constexpr char kFees[] =
    "transfer EUR payer fixed=3 basis_points=100\n"
    "deposit EUR payee basis_points=50\n"
    "fx EUR payer basis_points=50\n"
    "payout EUR payer fixed=2 basis_points=150 returned=";

payments::PayeePolicy PayeesOf(simulation::Random& random) {
  payments::PayeePolicy policy{.required = random.OneIn(3)};
  if (random.OneIn(2)) {
    policy.payouts =
        random.OneIn(2) ? payments::PayoutPayees::kApproved : payments::PayoutPayees::kSaved;
  }
  policy.while_cooling_off = *payments::ParseAmounts("EUR:100");
  return policy;
}

Terms TermsOf(simulation::Random& random) {
  Terms terms;
  terms.gives_back = random.OneIn(2);
  if (random.OneIn(2)) {
    terms.fees = *payments::ParseFeeSchedule(
        absl::StrCat(kFees, terms.gives_back ? "give_back\n" : "keep\n"));
  }
  if (random.OneIn(2)) terms.policy = *payments::ParseApprovalPolicy("EUR:300:1000");
  terms.payees = PayeesOf(random);
  terms.limited = random.OneIn(2);
  terms.books = random.OneIn(2);
  terms.slow = random.OneIn(3);
  terms.may_owe = random.OneIn(2);
  if (random.OneIn(2)) terms.ledger_ahead = absl::Milliseconds(random.Below(6000) - 3000);
  terms.replicas = static_cast<int>(1 + random.Below(2));
  return terms;
}

}  // namespace

World::World(std::uint64_t seed, Mistake mistake, Coverage& coverage, bool trace)
    : random_(seed),
      coverage_(coverage),
      trace_(trace),
      terms_(TermsOf(random_)),
      fault_share_(static_cast<int>(random_.Below(12))),
      stores_(MakeStores(mistake)),
      ledger_clock_(kept_.clock, terms_.ledger_ahead),
      approvals_(kept_.clock),
      payees_(MakePayees(mistake)),
      operator_(kept_.ids.NewId()) {
  Spoil(mistake, kept_.wire);
  for (int i = 0; i < kPeople; ++i) {
    Person person{.user = kept_.ids.NewId(), .eur = {kept_.ids.NewId()}, .usd = {}};
    if (i == 0) person.eur.push_back(kept_.ids.NewId());
    // Two of the last one, so that there are payments within the other book.
    for (int elsewhere = 0; terms_.books && elsewhere < i; ++elsewhere) {
      person.eur.push_back(kept_.ids.NewId());
      elsewhere_.insert(person.eur.back());
    }
    person.usd.push_back(kept_.ids.NewId());
    person.country = kCountries[i];
    people_.push_back(std::move(person));
  }
  OpenAccounts();
  if (terms_.limited) MakeLimits();
  kept_.wire.Serve(++last_owner_, outside_.get_executor(), accounts_);
  kept_.wire.Serve(last_owner_, outside_.get_executor(), approvals_);
  kept_.wire.Serve(last_owner_, outside_.get_executor(), *payees_);
  payments_.resize(static_cast<std::size_t>(terms_.replicas));
  StartMissing();
}

World::~World() = default;

// As the accounts service does.
void World::OpenAccounts() {
  std::map<std::string, std::vector<ledger::AccountTerms>> books = {{kBook, {}}};
  if (terms_.books) books[kOtherBook] = {};
  for (std::size_t i = 0; i < people_.size(); ++i) {
    for (const bool dollars : {false, true}) {
      const Currency currency = *Currency::Parse(dollars ? "USD" : "EUR");
      for (const Uuid& account : dollars ? people_[i].usd : people_[i].eur) {
        books[BookOf(account)].push_back({.account_id = account,
                                          .currency = currency,
                                          .normal_side = ledger::NormalSide::kCredit,
                                          .debits_must_not_exceed_credits = true});
        accounts_.Add({.account_id = account,
                       .owner_user_id = people_[i].user,
                       .currency = currency,
                       .holder_name = absl::StrCat("Person ", i),
                       .book = BookOf(account),
                       .country = people_[i].country});
      }
    }
  }
  for (auto& [book, accounts] : books) {
    const absl::Status made = Read(kept_.ledger.EnsureBook(book, {"payment_id"}));
    const auto opened =
        Read(kept_.ledger.OpenAccounts(book, std::move(accounts), kept_.clock.Now()));
    if (!made.ok() || !opened.ok()) Wrong("a book cannot be opened");
  }
}

void World::MakeLimits() {
  using payments::LimitMeasure;
  using payments::LimitScope;
  const Currency eur = *Currency::Parse("EUR");
  for (payments::Limit limit :
       {payments::Limit{.scope = LimitScope::kUser,
       .currency = eur,
       .window = absl::Minutes(30),
       .maxima = {1500}},
        payments::Limit{.scope = LimitScope::kAccount,
        .currency = eur,
        .measure = LimitMeasure::kCount,
        .window = absl::Minutes(10),
        .maxima = {6}},
        payments::Limit{.scope = LimitScope::kPayee,
        .currency = eur,
        .window = absl::Hours(2),
        .maxima = {900}},
        payments::Limit{.scope = LimitScope::kCountry,
        .currency = eur,
        .window = absl::Minutes(20),
        .maxima = {2500}},
        payments::Limit{.scope = LimitScope::kCountry,
        .country = "DE",
        .currency = eur,
        .measure = LimitMeasure::kCount,
        .window = absl::Hours(1),
        .maxima = {9}},
        payments::Limit{.scope = LimitScope::kCountry,
        .country = std::string(payments::kUnknownCountry),
        .currency = eur,
        .maxima = {500}},
        payments::Limit{.scope = LimitScope::kUser, .currency = eur, .maxima = {550}}}) {
    if (random_.OneIn(2)) continue;
    limit.limit_id = kept_.ids.NewId();
    limit.create_time = limit.update_time = kept_.clock.Now();
    payments::LimitChange change{.kind = payments::LimitChange::Kind::kCreate,
                                 .limit = limit,
                                 .user_id = operator_,
                                 .idempotency_key = absl::StrCat("limit ", limits_.size()),
                                 .fingerprint = {},
                                 .time = kept_.clock.Now()};
    const auto made = Read(stores_.limits->ChangeLimit(std::move(change)));
    if (!made.ok()) Wrong("a limit cannot be made");
    limits_.push_back({.limit = limit, .maxima = {{kept_.clock.Now(), limit.maximum()}}});
  }
}

std::int64_t World::CreditLineOf(const Uuid& account) {
  std::int64_t line = 0;
  kept_.ledger.Inspect(BookOf(account), [&](const ledger::FakeStore::Book& book) {
    line = book.loaded.accounts.at(account).terms.credit_line_minor;
  });
  return line;
}

std::string World::BookOf(const Uuid& account) const {
  return elsewhere_.contains(account) ? kOtherBook : kBook;
}

bool World::GoesElsewhere(const Promise& promise) const {
  if (promise.payout) return elsewhere_.contains(promise.payout->source_account_id);
  return promise.request && (elsewhere_.contains(promise.request->source_account_id) ||
                             elsewhere_.contains(promise.request->destination_account_id));
}

std::string World::CountryOf(const Uuid& account) const {
  for (const Person& person : people_) {
    if (person.user != OwnerOf(account) || person.country.empty()) continue;
    return person.country;
  }
  return std::string(payments::kUnknownCountry);
}

Uuid World::OwnerOf(const Uuid& account) const {
  for (const Person& person : people_) {
    for (const auto* accounts : {&person.eur, &person.usd}) {
      for (const Uuid& own : *accounts) {
        if (own == account) return person.user;
      }
    }
  }
  return Uuid();
}

// ---- The scheduler

std::vector<std::string> World::Run(int events) {
  for (int i = 0; i < events && wrong_.empty(); ++i) {
    const Event& event = PickEvent(random_);
    const bool happened = event.happen(*this);
    if (happened && event.counts) Count(std::string(event.name));
    if (happened) Trace(std::string(event.name));
    GoOn();
    if (i % 64 == 0) CheckAlways(*this);
  }
  Quiesce();
  AskAgain();
  Quiesce();
  Check();
  kept_.clock.Advance(absl::Hours(24 * 31));
  Quiesce();
  Check();
  return wrong_;
}

void World::Trace(const std::string& what) {
  if (trace_)
    std::cout << absl::FormatTime("%H:%M:%E3S ", kept_.clock.Now(), absl::UTCTimeZone()) << what
              << "\n";
}

void World::Wrong(std::string what) {
  Trace("WRONG: " + what);
  wrong_.push_back(std::move(what));
}

void World::GoOn() {
  std::vector<asio::io_context*> contexts = {&outside_};
  if (ledger_) contexts.push_back(&ledger_->context());
  for (const auto& process : payments_) {
    if (process) contexts.push_back(&process->context());
  }
  bool more = true;
  while (more) {
    more = false;
    for (asio::io_context* context : contexts) {
      context->restart();
      more = context->poll() > 0 || more;
    }
  }
}

std::size_t World::Waiting() const {
  return kept_.gates.waiting() + kept_.wire.requests() + kept_.wire.replies();
}

bool World::Proceed(bool faults) {
  if (Waiting() == 0) return false;
  auto chosen = static_cast<std::size_t>(random_.Below(static_cast<std::int64_t>(Waiting())));
  const bool lost = faults && random_.Percent(fault_share_);
  if (chosen < kept_.gates.waiting()) {
    Trace(kept_.gates.Open(chosen, lost));
    return true;
  }
  chosen -= kept_.gates.waiting();
  if (chosen >= kept_.wire.requests()) {
    Trace(kept_.wire.Reply(chosen - kept_.wire.requests(), lost));
    return true;
  }
  Wire::Fate fate = lost ? Wire::Fate::kLost : Wire::Fate::kDelivered;
  if (!lost && faults && random_.Percent(fault_share_)) fate = Wire::Fate::kTwice;
  Trace(kept_.wire.Request(chosen, fate));
  return true;
}

void World::StartMissing() {
  if (!ledger_) ledger_ = std::make_unique<LedgerProcess>(kept_, ledger_clock_, ++last_owner_);
  for (auto& process : payments_) {
    if (!process)
      process = std::make_unique<PaymentsProcess>(kept_, stores_, terms_, ++last_owner_);
  }
}

bool World::StartWork() {
  if (random_.OneIn(4)) {
    if (ledger_) ledger_->Sweep();
    return ledger_ != nullptr;
  }
  PaymentsProcess* const process = AnyPayments();
  if (process == nullptr) return false;
  switch (random_.Below(5)) {
    case 0:
      process->WorkOnSchedules();
      break;
    case 1:
      process->WorkOnRails();
      break;
    case 2:
      process->WorkOnBulks();
      break;
    default:
      process->Recover();
  }
  return true;
}

PaymentsProcess* World::AnyPayments() {
  return payments_[static_cast<std::size_t>(
                       random_.Below(static_cast<std::int64_t>(payments_.size())))]
      .get();
}

bool World::CrashPayments() {
  auto& process = payments_[static_cast<std::size_t>(
      random_.Below(static_cast<std::int64_t>(payments_.size())))];
  if (!process) return false;
  const Owner owner = process->owner();
  process.reset();
  for (auto call = running_.begin(); call != running_.end();) {
    const bool gone = call->second.owner == owner;
    if (gone) --call->second.promise->running;
    call = gone ? running_.erase(call) : std::next(call);
  }
  return true;
}

bool World::CrashLedger() {
  const bool up = ledger_ != nullptr;
  ledger_.reset();
  return up;
}

// ---- Clients

Promise& World::Add(Promise promise) {
  promise.key = absl::StrCat("key ", promises_.size());
  promise.abandoned = random_.OneIn(5);
  promises_.push_back(std::move(promise));
  return promises_.back();
}

template <class Coroutine, class... More>
bool World::Begin(Promise& promise, bool other, Coroutine coroutine, More... more) {
  PaymentsProcess* const process = AnyPayments();
  if (process == nullptr) return false;
  const int call = ++calls_;
  running_[call] = {process->owner(), &promise};
  ++promise.running;
  const Asking asking{
      .world = this, .process = process, .promise = &promise, .call = call, .other = other};
  asio::co_spawn(process->context(), coroutine(asking, std::move(more)...), asio::detached);
  return true;
}

bool World::Ask(Promise& promise) {
  if (promise.request) return Begin(promise, false, AskForPayment, *promise.request);
  if (promise.payout) return Begin(promise, false, AskForPayout, *promise.payout);
  if (promise.schedule) return Begin(promise, false, AskForSchedule, *promise.schedule);
  if (promise.bulk) return Begin(promise, false, AskForBulk, *promise.bulk);
  Step step = *promise.step;
  step.step_id = kept_.ids.NewId();
  promise.step_ids.push_back(step.step_id);
  return Begin(promise, false, AskForStep, step);
}

bool World::AskForOther(Promise& promise) {
  if (promise.request) {
    payments::PaymentRequest request = *promise.request;
    request.reference += "!";
    return Begin(promise, true, AskForPayment, request);
  }
  if (promise.payout) {
    payments::PayoutRequest payout = *promise.payout;
    payout.amount.minor_units += 1;
    return Begin(promise, true, AskForPayout, payout);
  }
  if (promise.schedule) {
    payments::Schedule schedule = *promise.schedule;
    schedule.amount.minor_units += 1;
    return Begin(promise, true, AskForSchedule, schedule);
  }
  if (promise.bulk) {
    WantedBulk bulk = *promise.bulk;
    const bool all = bulk.mode == payments::BulkMode::kAllOrNothing;
    bulk.mode = all ? payments::BulkMode::kBestEffort : payments::BulkMode::kAllOrNothing;
    return Begin(promise, true, AskForBulk, bulk);
  }
  Step step = *promise.step;
  step.step_id = kept_.ids.NewId();
  step.amount_minor += 1;
  return Begin(promise, true, AskForStep, step);
}

bool World::Confirm(Promise& promise) {
  return Begin(promise, false, promise.awaited() != nullptr ? AskToConfirmOrder : AskToConfirm);
}
bool World::Cancel(Promise& promise) {
  return Begin(promise, false, promise.collected ? AskToCancelBulk : AskToCancel);
}
bool World::Submit(Promise& bulk) { return Begin(bulk, false, AskToSubmit); }
bool World::AddItems(Promise& bulk, std::vector<payments::BulkItem> chunk,
                     std::optional<Reason> wrong) {
  return Begin(bulk, false, AskToAdd, std::move(chunk), wrong);
}
bool World::Respond(Promise& dispute) {
  for (const Promise& promise : promises_) {
    if (!promise.request || !promise.payment) continue;
    if (promise.payment->payment_id != dispute.ended->payment_id) continue;
    return Begin(dispute, false, SubmitEvidence, OwnerOf(promise.payment->destination_account_id));
  }
  return false;
}

void World::Ended(int call) {
  const auto row = running_.find(call);
  if (row == running_.end()) return;
  --row->second.promise->running;
  running_.erase(row);
}

// ---- The end

// What waits for nobody but the recovery worker.
std::string World::LeftBehind() {
  std::string approved;
  for (const Payment& payment : AllPayments()) {
    if (payment.state == State::kProcessing && payment.kind != payments::Kind::kPayout) {
      return Text(payment);
    }
    if (payment.kind == payments::Kind::kPayout && payment.state == State::kProcessing) {
      const auto payout = Read(stores_.rows->FindPayout(payment.payment_id));
      // The rail is asked again after a pause.
      if (payout->stage != payments::PayoutStage::kSent) {
        return absl::StrCat(Text(payment), " ", std::string(payments::NameOf(payout->stage)));
      }
    }
    if (payment.state == State::kRequiresAction) {
      const auto approval =
          approvals_.Get(FormatId(IdKind::kApproval, payment.approval->approval_id));
      if (approval.state() == auth::v1::Approval::REDEEMED) approved = Text(payment) + kApproved;
    }
    for (const Step& step : StepsOf(payment.payment_id)) {
      if (step.state != StepState::kProcessing) continue;
      return absl::StrCat("a ", std::string(payments::NameOf(step.kind)), " of ", Text(payment));
    }
  }
  for (const payments::Bulk& bulk : Bulks()) {
    if (!payments::IsWorkedOn(bulk.state)) continue;
    return absl::StrCat(FormatId(IdKind::kBulk, bulk.bulk_id), " ",
                        std::string(payments::NameOf(bulk.state)));
  }
  return approved;
}

bool World::Unfinished() {
  if (!running_.empty() || !LeftBehind().empty()) return true;
  const absl::Time soon = kept_.clock.Now() + kAtTheEdge;
  if (OrdersAreUnfinished(soon)) return true;
  return std::ranges::any_of(AllPayments(), [soon](const Payment& payment) {
    if (payment.state == State::kRequiresCapture) return *payment.authorization_expire_time <= soon;
    return payment.state == State::kRequiresAction && payment.approval->expire_time <= soon;
  });
}

void World::Quiesce() {
  StartMissing();
  for (int round = 0; round < kMostRounds; ++round) {
    GoOn();
    while (Proceed(false)) GoOn();
    if (round > 1 && !Unfinished()) return;
    // A worker may have looked at an approved payment just before it was.
    const bool soon = round == kPromptRounds || round == kApprovedRounds;
    const std::string left = soon ? LeftBehind() : "";
    if (!left.empty() && (round == kApprovedRounds || !left.ends_with(kApproved))) {
      Wrong(absl::StrCat("not recovered in time: ", left));
    }
    kept_.clock.Advance((payments::kLease + absl::Seconds(1)) * (1 + round / kPromptRounds));
    for (const auto& process : payments_) {
      process->Recover();
      process->WorkOnRails();
      process->WorkOnSchedules();
      process->WorkOnBulks();
    }
    ledger_->Sweep();
  }
  Wrong("it does not become quiet");
}

// Those who care ask until they know, and those who knew ask once more.
void World::AskAgain() {
  for (Promise& promise : promises_) {
    if (promise.refused || (promise.abandoned && !promise.kept)) continue;
    Ask(promise);
    GoOn();
    while (Proceed(false)) GoOn();
  }
}

void World::Check() {
  for (std::string& what : CheckInvariants(*this)) Wrong(std::move(what));
}

std::vector<Payment> World::AllPayments() {
  std::vector<Payment> all;
  for (const Person& person : people_) {
    const auto some = Read(stores_.rows->ListPayments(person.user, std::nullopt, kEverything));
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

std::vector<Step> World::StepsOf(const Uuid& payment_id) {
  std::vector<Step> all;
  for (const StepKind kind :
       {StepKind::kCapture, StepKind::kVoid, StepKind::kExpiry, StepKind::kRefund,
        StepKind::kDispute, StepKind::kAccept, StepKind::kWithdraw, StepKind::kResolve}) {
    const auto some =
        Read(stores_.rows->ListSteps(payment_id, kind, {}, std::nullopt, kEverything));
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

std::vector<payments::Dispute> World::DisputesOf(const Uuid& payment_id) {
  return *Read(stores_.rows->ListDisputes(payment_id));
}

}  // namespace florin::saga
