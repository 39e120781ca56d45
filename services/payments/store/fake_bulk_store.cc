#include "services/payments/store/fake_bulk_store.h"

#include <algorithm>

namespace florin::payments {
namespace {

absl::Status NotFound() { return Error(Reason::kBulkNotFound, "no such bulk"); }
absl::Status Unavailable() { return Error(Reason::kUnavailable, "told to fail"); }

}  // namespace

FakeBulkStore::Row* FakeBulkStore::Find(const Uuid& user_id, const Uuid& bulk_id) {
  const auto row = rows_.find(bulk_id);
  return row == rows_.end() || row->second.bulk.user_id != user_id ? nullptr : &row->second;
}

Task<absl::StatusOr<StoredBulk>> FakeBulkStore::InsertBulk(BulkIntent intent) {
  std::lock_guard lock(mutex_);
  const Bulk& bulk = intent.bulk;
  const auto [key, inserted] =
      keys_.try_emplace({bulk.user_id, intent.idempotency_key}, bulk.bulk_id);
  if (inserted) rows_.emplace(bulk.bulk_id, Row{bulk, intent.fingerprint, bulk.create_time});
  const Row& row = rows_.at(key->second);
  co_return StoredBulk{.bulk = row.bulk, .same_request = row.fingerprint == intent.fingerprint};
}

Task<absl::StatusOr<Bulk>> FakeBulkStore::GetBulk(Uuid user_id, Uuid bulk_id) {
  std::lock_guard lock(mutex_);
  const Row* const row = Find(user_id, bulk_id);
  if (row == nullptr) co_return NotFound();
  co_return row->bulk;
}

Task<absl::StatusOr<BulkProgress>> FakeBulkStore::GetProgress(Uuid user_id, Uuid bulk_id) {
  std::lock_guard lock(mutex_);
  const Row* const row = Find(user_id, bulk_id);
  if (row == nullptr) co_return NotFound();
  BulkProgress progress{.bulk = row->bulk};
  for (const auto& [number, kept] : items_[bulk_id]) {
    ItemSum& sum = progress.sums[kept.item.state];
    ++sum.items;
    sum.total_minor += kept.item.amount_minor;
  }
  co_return progress;
}

Task<absl::StatusOr<Bulk>> FakeBulkStore::AddItems(Uuid user_id, Uuid bulk_id,
                                                   std::vector<BulkItem> items) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, bulk_id);
  if (row == nullptr) co_return NotFound();
  std::map<std::string, BulkItem> known;
  for (const auto& [number, kept] : items_[bulk_id]) known.emplace(kept.item.item_id, kept.item);
  std::vector<BulkItem> added;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [kept, inserted] = known.try_emplace(items[i].item_id, items[i]);
    const std::string_view field = Difference(kept->second, items[i]);
    if (!field.empty()) {
      co_return Error(Reason::kIdConflict, "added with other content",
                      {.param = "items[" + std::to_string(i) + "]." + std::string(field)});
    }
    if (inserted) added.push_back(std::move(items[i]));
  }
  Bulk bulk = row->bulk;
  FLORIN_CO_RETURN_IF_ERROR(Count(bulk, added));
  for (std::size_t i = 0; i < added.size(); ++i) {
    const int number = row->bulk.item_count + static_cast<int>(i) + 1;
    added[i].number = number;
    items_[bulk_id].emplace(number, ItemRow{std::move(added[i])});
  }
  row->bulk = bulk;
  co_return bulk;
}

Task<absl::StatusOr<Bulk>> FakeBulkStore::ChangeBulk(Uuid user_id, Uuid bulk_id, BulkEvent event,
                                                     absl::Time now, audit::Origin) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, bulk_id);
  if (row == nullptr) co_return NotFound();
  FLORIN_CO_RETURN_IF_ERROR(Apply(row->bulk, event, now));
  co_return row->bulk;
}

Task<absl::StatusOr<std::vector<BulkItem>>> FakeBulkStore::ListItems(Uuid user_id, Uuid bulk_id,
                                                                     std::optional<ItemState> state,
                                                                     int after, int limit) {
  std::lock_guard lock(mutex_);
  if (Find(user_id, bulk_id) == nullptr) co_return NotFound();
  std::vector<BulkItem> found;
  for (const auto& [number, kept] : items_[bulk_id]) {
    if (number <= after || (state && kept.item.state != *state)) continue;
    if (found.size() == static_cast<std::size_t>(limit)) break;
    found.push_back(kept.item);
  }
  co_return found;
}

Task<absl::StatusOr<std::optional<Bulk>>> FakeBulkStore::ClaimBulk(absl::Time now) {
  std::lock_guard lock(mutex_);
  Row* due = nullptr;
  for (auto& [id, row] : rows_) {
    if (!IsWorkedOn(row.bulk.state) || row.next_attempt_time > now) continue;
    if (due == nullptr || row.next_attempt_time < due->next_attempt_time) due = &row;
  }
  if (due == nullptr) co_return std::optional<Bulk>();
  due->next_attempt_time = now + kBulkLease;
  co_return std::optional<Bulk>(due->bulk);
}

Task<absl::StatusOr<std::optional<std::vector<BulkItem>>>> FakeBulkStore::TakeItems(
    Uuid bulk_id, BulkState expected, absl::Time now, int limit) {
  std::lock_guard lock(mutex_);
  Row& row = rows_.at(bulk_id);
  if (row.bulk.state != expected) co_return std::optional<std::vector<BulkItem>>();
  row.next_attempt_time = now + kBulkLease;
  std::vector<BulkItem> taken;
  for (auto& [number, kept] : items_[bulk_id]) {
    if (taken.size() == static_cast<std::size_t>(limit)) break;
    const ItemState wanted =
        expected == BulkState::kCapturing ? ItemState::kHeld : ItemState::kPending;
    if (expected == BulkState::kReleasing ? !kept.hold_open : kept.item.state != wanted) continue;
    if (expected == BulkState::kHolding) kept.hold_open = true;
    taken.push_back(kept.item);
  }
  co_return std::optional(std::move(taken));
}

Task<absl::Status> FakeBulkStore::RecordItems(Uuid bulk_id, std::vector<BulkItem> items) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Unavailable();
  for (BulkItem& item : items) {
    BulkItem& kept = items_[bulk_id].at(item.number).item;
    if (kept.state == ItemState::kPending) kept = std::move(item);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> FakeBulkStore::RecordCaptured(Bulk bulk, std::vector<BulkItem> items,
                                                 std::vector<Payment> payments) {
  {
    std::lock_guard lock(mutex_);
    if (fail_records_) co_return Unavailable();
  }
  std::vector<Intent> intents;
  for (std::size_t i = 0; i < payments.size(); ++i) {
    Intent intent{.payment = payments[i],
                  .idempotency_key = ItemKey(bulk.bulk_id, items[i].item_id),
                  .fingerprint = crypto::Sha256(CanonicalRequest(PaymentOf(bulk, items[i])))};
    intent.payment.state = State::kProcessing;
    intents.push_back(std::move(intent));
  }
  const auto inserted = co_await payments_.InsertIntents(std::move(intents));
  if (!inserted.ok()) co_return inserted.status();
  const auto recorded = co_await payments_.RecordResults(payments);
  if (!recorded.ok()) co_return recorded.status();
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < items.size(); ++i) {
    ItemRow& kept = items_[bulk.bulk_id].at(items[i].number);
    if (kept.item.state != ItemState::kHeld) continue;
    kept.item.state = ItemState::kSucceeded;
    kept.item.payment_id = payments[i].payment_id;
    kept.hold_open = false;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> FakeBulkStore::RecordReleased(Uuid bulk_id, std::vector<BulkItem> items) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Unavailable();
  for (const BulkItem& item : items) {
    ItemRow& kept = items_[bulk_id].at(item.number);
    kept.hold_open = false;
    if (kept.item.state == ItemState::kFailed) continue;
    kept.item.state = ItemState::kFailed;
    kept.item.failure_reason = InfoOf(Reason::kBulkItemFailed).name;
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<int>> FakeBulkStore::FailUntouched(Uuid bulk_id, int limit) {
  std::lock_guard lock(mutex_);
  int failed = 0;
  if (rows_.at(bulk_id).bulk.state != BulkState::kReleasing) co_return 0;
  for (auto& [number, kept] : items_[bulk_id]) {
    if (failed == limit) break;
    if (kept.item.state != ItemState::kPending || kept.hold_open) continue;
    kept.item.state = ItemState::kFailed;
    kept.item.failure_reason = InfoOf(Reason::kBulkItemFailed).name;
    ++failed;
  }
  co_return failed;
}

Task<absl::StatusOr<BulkState>> FakeBulkStore::Advance(Uuid bulk_id, absl::Time now) {
  std::lock_guard lock(mutex_);
  Bulk& bulk = rows_.at(bulk_id).bulk;
  bool pending = false, held = false, failed = false, open = false;
  for (const auto& [number, kept] : items_[bulk_id]) {
    pending = pending || kept.item.state == ItemState::kPending;
    held = held || kept.item.state == ItemState::kHeld;
    failed = failed || kept.item.state == ItemState::kFailed;
    open = open || kept.hold_open;
  }
  const BulkState next = NextOf(bulk.state, pending, held, failed, open);
  if (next != bulk.state) bulk.update_time = now;
  bulk.state = next;
  co_return next;
}

std::string FakeBulkStore::ContentOf(const Uuid& bulk_id) {
  BulkContent content;
  for (const auto& [number, kept] : items_[bulk_id]) content.Add({kept.item});
  return content.octets();
}

Task<absl::StatusOr<Bulk>> FakeBulkStore::AwaitApproval(Uuid user_id, Uuid bulk_id,
                                                        OrderTerms terms, int items, absl::Time now,
                                                        audit::Origin) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, bulk_id);
  if (row == nullptr) co_return NotFound();
  Bulk submitted = row->bulk;
  FLORIN_CO_RETURN_IF_ERROR(Apply(submitted, BulkEvent::kSubmit, now));
  if (row->bulk.state != BulkState::kDraft || row->bulk.item_count != items) co_return row->bulk;
  std::string content = ContentOf(bulk_id);
  terms.terms = TermsOf(items, crypto::Hex(content));
  row->check_time = terms.expire_time;
  payments::AwaitApproval(row->bulk, std::move(terms), std::move(content), now);
  co_return row->bulk;
}

Task<absl::StatusOr<AwaitedOrder>> FakeBulkStore::BeginConfirm(Uuid user_id, Uuid order_id,
                                                               absl::Time now) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, order_id);
  if (row == nullptr) co_return NotFound();
  row->check_time = now + kLease;
  co_return AwaitedOf(row->bulk);
}

Task<absl::StatusOr<AwaitedOrder>> FakeBulkStore::StartApproved(Uuid user_id, Uuid order_id,
                                                                crypto::Digest redeemed,
                                                                absl::Time now, audit::Origin) {
  std::lock_guard lock(mutex_);
  if (fail_records_) co_return Unavailable();
  Row* const row = Find(user_id, order_id);
  if (row == nullptr) co_return NotFound();
  Bulk bulk = row->bulk;
  if (bulk.state != BulkState::kRequiresAction) co_return AwaitedOf(bulk);
  bulk.content = ContentOf(order_id);
  if (sca::BindingDigest(AskedOf(bulk).binding) != redeemed) {
    co_return Error(Reason::kApprovalMismatch, "the bulk is not the one that was approved");
  }
  Start(bulk, std::string(crypto::AsOctets(redeemed)), now);
  row->bulk = bulk;
  row->next_attempt_time = now;
  co_return AwaitedOf(bulk);
}

Task<absl::StatusOr<AwaitedOrder>> FakeBulkStore::GiveUpAwaited(Uuid user_id, Uuid order_id,
                                                                Reason reason, absl::Time now,
                                                                audit::Origin) {
  std::lock_guard lock(mutex_);
  Row* const row = Find(user_id, order_id);
  if (row == nullptr) co_return NotFound();
  if (row->bulk.state == BulkState::kRequiresAction) GiveUp(row->bulk, reason, now);
  co_return AwaitedOf(row->bulk);
}

Task<absl::StatusOr<std::vector<AwaitedOrder>>> FakeBulkStore::ClaimAwaiting(absl::Time now,
                                                                             int limit) {
  std::lock_guard lock(mutex_);
  std::vector<AwaitedOrder> claimed;
  for (auto& [id, row] : rows_) {
    if (row.bulk.state != BulkState::kRequiresAction || row.check_time > now) continue;
    if (claimed.size() == static_cast<std::size_t>(limit)) break;
    row.check_time = std::max(row.bulk.approval->expire_time, now + kLease);
    claimed.push_back(AwaitedOf(row.bulk));
  }
  co_return claimed;
}

void FakeBulkStore::FailRecords(bool fail) {
  std::lock_guard lock(mutex_);
  fail_records_ = fail;
}

}  // namespace florin::payments
