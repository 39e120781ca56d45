#include "services/payments/flow/bulk_worker.h"
#include "services/payments/domain/book_transfer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/passing.h"
#include "services/payments/flow/bulk_orders.h"
#include "services/payments/flow/together.h"

namespace florin::payments {
namespace {

// The ledger's longest (ledger.proto): a hold is captured or voided, not waited for.
constexpr std::int64_t kHoldSeconds = std::int64_t{3650} * 24 * 60 * 60;
constexpr int kFailedAtOnce = 5000;

void Fail(BulkItem& item, std::string reason) {
  item.state = ItemState::kFailed;
  item.failure_reason = std::move(reason);
}

// What the ledger is told beside the postings of a payment.
ledger::v1::TransactionInput InputOf(const Payment& payment, const Uuid& transaction_id) {
  ledger::v1::TransactionInput input;
  input.set_transaction_id(FormatId(IdKind::kTransaction, transaction_id));
  (*input.mutable_metadata())["payment_id"] = FormatId(IdKind::kPayment, payment.payment_id);
  return input;
}

// Before it is captured there is no payment yet, and never one if it is not.
void NameBulk(const Payment& payment, ledger::v1::TransactionInput& input) {
  input.clear_metadata();
  (*input.mutable_metadata())["bulk_item_of"] = FormatId(IdKind::kPayment, payment.payment_id);
}

absl::Status Undecided(std::size_t items) {
  return Error(Reason::kUnavailable, std::to_string(items) + " items are not decided yet");
}

}  // namespace

Task<absl::StatusOr<int>> BulkWorker::RunOnce() {
  std::vector<Bulk> active;
  int batches = 0;
  do {
    if (active.size() < kBulksAtOnce) {
      absl::StatusOr<std::optional<Bulk>> claimed =
          co_await store_.ClaimBulk(NowInMicroseconds(clock_));
      if (!claimed.ok()) co_return claimed.status();
      if (*claimed) active.push_back(**std::move(claimed));
    }
    for (std::size_t i = 0; i < active.size() && !stopping_;) {
      const absl::StatusOr<bool> more = co_await Work(active[i]);
      ++batches;
      if (!more.ok()) {
        telemetry::Log(telemetry::Severity::kWarning, "a bulk has to wait",
                       {{"bulk_id", FormatId(IdKind::kBulk, active[i].bulk_id)},
                        {"error", std::string(more.status().message())}});
      }
      if (more.ok() && *more) {
        ++i;
      } else {
        active.erase(active.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  } while (!active.empty() && !stopping_);
  co_return batches;
}

Task<absl::StatusOr<bool>> BulkWorker::Work(Bulk& bulk) {
  absl::StatusOr<std::optional<std::vector<BulkItem>>> taken =
      co_await store_.TakeItems(bulk.bulk_id, bulk.state, NowInMicroseconds(clock_), kItemsAtOnce);
  if (!taken.ok()) co_return taken.status();
  if (!*taken || (*taken)->empty()) co_return co_await AdvanceFrom(bulk);
  const absl::Status done = co_await DoBatch(bulk, **std::move(taken));
  if (!done.ok()) {
    // What was refused may have decided it all the same.
    const absl::StatusOr<BulkState> state =
        co_await store_.Advance(bulk.bulk_id, NowInMicroseconds(clock_));
    if (!state.ok() || *state == bulk.state) co_return done;
    bulk.state = *state;
    co_return IsWorkedOn(bulk.state);
  }
  if (bulk.state == BulkState::kHolding) co_return co_await AdvanceFrom(bulk);
  co_return true;
}

Task<absl::StatusOr<bool>> BulkWorker::AdvanceFrom(Bulk& bulk) {
  if (bulk.state == BulkState::kReleasing) {
    const absl::StatusOr<int> failed = co_await store_.FailUntouched(bulk.bulk_id, kFailedAtOnce);
    if (!failed.ok()) co_return failed.status();
    if (*failed > 0) co_return true;
  }
  const absl::StatusOr<BulkState> state =
      co_await store_.Advance(bulk.bulk_id, NowInMicroseconds(clock_));
  if (!state.ok()) co_return state.status();
  if (*state != bulk.state) {
    telemetry::Log(telemetry::Severity::kInfo, "a bulk goes on",
                   {{"bulk_id", FormatId(IdKind::kBulk, bulk.bulk_id)},
                    {"state", std::string(NameOf(*state))}});
  }
  bulk.state = *state;
  co_return IsWorkedOn(bulk.state);
}

Task<absl::Status> BulkWorker::DoBatch(Bulk bulk, std::vector<BulkItem> items) {
  switch (bulk.state) {
    case BulkState::kPaying:
    case BulkState::kHolding:
      co_return co_await PayOrHold(std::move(bulk), std::move(items));
    case BulkState::kCapturing:
      co_return co_await Capture(std::move(bulk), std::move(items));
    default:
      co_return co_await Release(std::move(bulk), std::move(items));
  }
}

Task<absl::Status> BulkWorker::PayOrHold(Bulk bulk, std::vector<BulkItem> items) {
  rpc::Outgoing context;
  std::vector<BulkItem> asked = items;
  // The source, too.
  asked.push_back({.destination_account_id = bulk.source_account_id});
  const absl::StatusOr<Payees> payees =
      co_await LookUpPayees(parts_.accounts, std::move(context), std::move(asked));
  if (!payees.ok()) co_return payees.status();
  const std::unique_ptr<bool[]> done = std::make_unique<bool[]>(items.size());
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < items.size(); ++i) {
    tasks.push_back(bulk.state == BulkState::kPaying ? PayItem(bulk, items[i], done[i])
                                                     : HoldItem(bulk, *payees, items[i], done[i]));
  }
  co_await Together(executor_, std::move(tasks));
  std::vector<BulkItem> decided;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (done[i]) decided.push_back(items[i]);
  }
  std::map<std::string, int> results;
  for (const BulkItem& item : decided) {
    ++results[item.state == ItemState::kFailed ? item.failure_reason
                                               : std::string(NameOf(item.state))];
  }
  const std::size_t left = items.size() - decided.size();
  if (!decided.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await store_.RecordItems(bulk.bulk_id, std::move(decided)));
  }
  for (const auto& [result, count] : results) {
    telemetry::Count("florin_bulk_items_total", {{"result", result}}, count);
  }
  co_return left == 0 ? absl::OkStatus() : Undecided(left);
}

absl::Status BulkWorker::Check(const Bulk& bulk, const Payees& payees, const BulkItem& item) const {
  const auto find = [&payees](const Uuid& id) {
    const auto facts = payees.find(id);
    return facts == payees.end() ? std::nullopt : std::optional(facts->second);
  };
  const std::optional<KnownAccount> payee = find(item.destination_account_id);
  FLORIN_RETURN_IF_ERROR(
      CheckAccounts(bulk.user_id, PaymentOf(bulk, item), find(bulk.source_account_id), payee));
  FLORIN_RETURN_IF_ERROR(CheckPockets(find(bulk.source_account_id), {payee}, false));
  FLORIN_ASSIGN_OR_RETURN(const std::optional<Books> books,
                          BooksOf(parts_.settlement.book(), PaymentOf(bulk, item),
                                  find(bulk.source_account_id), {payee}));
  if (books) {
    return Error(Reason::kInvalidField, "what is held for all at once is in the usual book",
                 {.param = "destination_account_id"});
  }
  const bool to_self = payee->owner_user_id == bulk.user_id;
  if (!IsApproved(bulk) && DependsOnUse(parts_.policy, Kind::kTransfer, to_self)) {
    return Error(Reason::kApprovalPending, "the payment would need its payer's approval");
  }
  return absl::OkStatus();
}

// Who may be paid and by which rules is decided with the payment, since an item that was paid
// before a crash is paid, whatever they are by now.
Task<void> BulkWorker::PayItem(const Bulk& bulk, BulkItem& item, bool& done) {
  rpc::Outgoing context;
  audit::Origin origin{.caller = "payments"};
  PaymentRequest request = PaymentOf(bulk, item);
  std::string key = ItemKey(bulk.bulk_id, item.item_id);
  const auto approval =
      IsApproved(bulk) ? CreatePayment::Approval::kGiven : CreatePayment::Approval::kRefuse;
  const absl::StatusOr<CreatePayment::Outcome> made =
      co_await parts_.create.Run(std::move(context), bulk.user_id, std::move(key),
                                 std::move(request), std::move(origin), approval);
  if (DecidesNothing(made.status())) co_return;
  done = true;
  if (!made.ok()) {
    Fail(item, std::string(InfoOf(*ReasonOf(made.status())).name));
    co_return;
  }
  item.payment_id = made->payment.payment_id;
  item.state = ItemState::kSucceeded;
  if (made->payment.state != State::kSucceeded) Fail(item, made->payment.failure_reason);
}

Task<void> BulkWorker::HoldItem(const Bulk& bulk, const Payees& payees, BulkItem& item,
                                bool& done) {
  absl::Status refused = Check(bulk, payees, item);
  if (refused.ok()) refused = co_await CheckPayee(bulk, payees, item);
  if (DecidesNothing(refused)) co_return;
  if (refused.ok()) {
    PaymentRequest request = PaymentOf(bulk, item);
    absl::StatusOr<std::optional<Pricing>> pricing =
        co_await parts_.pricing.Price(bulk.user_id, std::move(request), bulk.currency);
    if (pricing.ok()) {
      item.pricing = *std::move(pricing);
      Payment payment = HeldPayment(bulk, item, NowInMicroseconds(clock_));
      const absl::StatusOr<bool> limited = co_await IsLimited(payment, payees);
      if (!limited.ok()) co_return;
      if (*limited) {
        Fail(item, std::string(InfoOf(Reason::kLimitExceeded).name));
        done = true;
        co_return;
      }
      const absl::StatusOr<LedgerAnswer> answer = co_await Hold(std::move(payment));
      if (!answer.ok()) co_return;
      item.state = ItemState::kHeld;
      if (!answer->committed) Fail(item, answer->refusal_reason);
      done = true;
      co_return;
    }
    if (DecidesNothing(pricing.status())) co_return;
    refused = pricing.status();
  }
  Fail(item, std::string(InfoOf(*ReasonOf(refused)).name));
  done = true;
}

// As CreatePayment does, which does not see these payments.
Task<absl::Status> BulkWorker::CheckPayee(const Bulk& bulk, const Payees& payees,
                                          const BulkItem& item) {
  PayeeCheck* const check = parts_.create.payee_check();
  const KnownAccount& payee = payees.at(item.destination_account_id);
  if (check == nullptr || payee.owner_user_id == bulk.user_id) co_return absl::OkStatus();
  std::vector<PayeeCheck::Paid> paid = {
      {.account_id = payee.account_id,
       .amount = {.minor_units = item.amount_minor, .currency = bulk.currency}}};
  rpc::Outgoing context;
  co_return co_await check->Check(std::move(context), bulk.user_id, std::move(paid));
}

// What is held for a while is not counted against limits, so that where there are any it is not
// paid this way.
Task<absl::StatusOr<bool>> BulkWorker::IsLimited(Payment payment, const Payees& payees) {
  if (parts_.limits == nullptr) co_return false;
  const KycLevel level = payees.at(payment.source_account_id).kyc_level;
  PayeeCountries countries;
  const auto payee = payees.find(payment.destination_account_id);
  if (payee != payees.end()) countries[payee->first] = payee->second.country;
  FLORIN_CO_RETURN_IF_ERROR(co_await parts_.limits->Judge(payment, level, std::move(countries)));
  co_return !payment.limit_uses.empty() || payment.limit_refusal.has_value();
}

Task<absl::StatusOr<LedgerAnswer>> BulkWorker::Hold(Payment payment) {
  std::vector<HouseAccount> houses = HouseAccountsOf(payment);
  if (!houses.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await parts_.chart.EnsureOpen(std::move(houses)));
  }
  ledger::v1::TransactionInput input = TransactionOf(payment);
  input.set_transaction_id(FormatId(IdKind::kTransaction, HoldIdOf(payment)));
  NameBulk(payment, input);
  input.mutable_hold()->mutable_timeout()->set_seconds(kHoldSeconds);
  absl::StatusOr<LedgerAnswer> answer = co_await parts_.settlement.Decide(std::move(input));
  if (!answer.ok()) co_return answer.status();
  co_return co_await parts_.settlement.Explain(payment, *std::move(answer));
}

Task<absl::Status> BulkWorker::Capture(Bulk bulk, std::vector<BulkItem> items) {
  std::vector<std::optional<Payment>> paid(items.size());
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < items.size(); ++i) {
    tasks.push_back(CaptureItem(bulk, items[i], paid[i]));
  }
  co_await Together(executor_, std::move(tasks));
  std::vector<BulkItem> captured;
  std::vector<Payment> payments;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!paid[i]) continue;
    captured.push_back(items[i]);
    payments.push_back(*std::move(paid[i]));
  }
  const std::size_t left = items.size() - captured.size();
  const int count = static_cast<int>(captured.size());
  if (count > 0) {
    FLORIN_CO_RETURN_IF_ERROR(
        co_await store_.RecordCaptured(bulk, std::move(captured), std::move(payments)));
    telemetry::Count("florin_bulk_items_total", {{"result", "succeeded"}}, count);
  }
  co_return left == 0 ? absl::OkStatus() : Undecided(left);
}

Task<void> BulkWorker::CaptureItem(const Bulk& bulk, const BulkItem& item,
                                   std::optional<Payment>& paid) {
  const absl::Time now = NowInMicroseconds(clock_);
  const Payment payment = HeldPayment(bulk, item, now);
  ledger::v1::TransactionInput input = InputOf(payment, payment.transaction_id);
  input.mutable_capture()->set_hold_id(FormatId(IdKind::kTransaction, HoldIdOf(payment)));
  const absl::StatusOr<LedgerAnswer> answer = co_await parts_.settlement.Decide(std::move(input));
  if (!answer.ok()) co_return;
  if (!answer->committed) {
    // Nothing can refuse what is held: somebody must look.
    telemetry::Log(telemetry::Severity::kError, "the ledger refuses the capture of a bulk's item",
                   {{"bulk_id", FormatId(IdKind::kBulk, bulk.bulk_id)},
                    {"number", std::to_string(item.number)},
                    {"reason", answer->refusal_reason}});
    co_return;
  }
  paid = ApplyAnswer(payment, *answer, now);
}

Task<absl::Status> BulkWorker::Release(Bulk bulk, std::vector<BulkItem> items) {
  const std::unique_ptr<bool[]> done = std::make_unique<bool[]>(items.size());
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < items.size(); ++i) {
    tasks.push_back(ReleaseItem(bulk, items[i], done[i]));
  }
  co_await Together(executor_, std::move(tasks));
  std::vector<BulkItem> released;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (done[i]) released.push_back(std::move(items[i]));
  }
  const std::size_t left = items.size() - released.size();
  if (!released.empty()) {
    FLORIN_CO_RETURN_IF_ERROR(co_await store_.RecordReleased(bulk.bulk_id, std::move(released)));
  }
  co_return left == 0 ? absl::OkStatus() : Undecided(left);
}

// Nobody knows whether the hold of an item was placed if the answer got lost: placing it (again)
// decides its id for ever, so that no late call can place it after the void.
Task<void> BulkWorker::ReleaseItem(const Bulk& bulk, BulkItem& item, bool& done) {
  if (item.state != ItemState::kHeld) {
    PaymentRequest request = PaymentOf(bulk, item);
    absl::StatusOr<std::optional<Pricing>> pricing =
        co_await parts_.pricing.Price(bulk.user_id, std::move(request), bulk.currency);
    if (DecidesNothing(pricing.status())) co_return;
    if (pricing.ok()) item.pricing = *std::move(pricing);
  }
  const Payment payment = HeldPayment(bulk, item, NowInMicroseconds(clock_));
  const absl::StatusOr<LedgerAnswer> held = co_await Hold(payment);
  if (!held.ok()) co_return;
  // Under other fees it would be another transaction of the same id: held, too.
  const bool other = held->refusal_reason == InfoOf(Reason::kIdConflict).name;
  if (!held->committed && !other) {
    done = true;
    co_return;
  }
  ledger::v1::TransactionInput input = InputOf(payment, VoidIdOf(payment));
  NameBulk(payment, input);
  input.mutable_void_()->set_hold_id(FormatId(IdKind::kTransaction, HoldIdOf(payment)));
  const absl::StatusOr<LedgerAnswer> voided = co_await parts_.settlement.Decide(std::move(input));
  done = voided.ok() && (voided->committed || voided->final);
}

}  // namespace florin::payments
