#include "services/payments/flow/bulk_orders.h"

#include <set>
#include <utility>

#include "services/payments/domain/approval.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

constexpr std::size_t kAccountsAtOnce = 100;  // AccountDirectory's.
constexpr int kItemsRead = 1000;
constexpr std::size_t kNamesShown = 10;  // At most; as many as fit.

std::string PathOf(std::size_t i) { return "items[" + std::to_string(i) + "]"; }

}  // namespace

Task<absl::StatusOr<std::map<Uuid, KnownAccount>>> LookUpPayees(AccountDirectory& accounts,
                                                                rpc::Outgoing context,
                                                                std::vector<BulkItem> items) {
  std::set<Uuid> distinct;
  for (const BulkItem& item : items) distinct.insert(item.destination_account_id);
  const std::vector<Uuid> ids(distinct.begin(), distinct.end());
  std::map<Uuid, KnownAccount> facts;
  for (std::size_t at = 0; at < ids.size(); at += kAccountsAtOnce) {
    const std::size_t end = std::min(at + kAccountsAtOnce, ids.size());
    std::vector<Uuid> some(ids.begin() + static_cast<std::ptrdiff_t>(at),
                           ids.begin() + static_cast<std::ptrdiff_t>(end));
    auto found = co_await accounts.LookUp(context, std::move(some));
    if (!found.ok()) co_return found.status();
    for (std::optional<KnownAccount>& one : *found) {
      if (one) facts.emplace(one->account_id, *std::move(one));
    }
  }
  co_return facts;
}

Task<absl::StatusOr<BulkOrders::Outcome>> BulkOrders::Create(rpc::Outgoing context, Uuid user_id,
                                                             Uuid source_account_id, BulkMode mode,
                                                             std::string idempotency_key) {
  std::vector<Uuid> ids = {source_account_id};
  const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  const std::optional<KnownAccount>& source = found->front();
  if (!source || source->owner_user_id != user_id) {
    co_return Error(Reason::kAccountNotFound, "no such account", {.param = "source_account_id"});
  }
  const absl::Time now = NowInMicroseconds(clock_);
  Bulk bulk{.bulk_id = ids_.NewId(),
            .user_id = user_id,
            .mode = mode,
            .source_account_id = source_account_id,
            .currency = source->currency,
            .create_time = now,
            .update_time = now};
  const Uuid bulk_id = bulk.bulk_id;
  const crypto::Digest fingerprint = crypto::Sha256(CanonicalBulk(bulk));
  BulkIntent intent{.bulk = std::move(bulk),
                    .idempotency_key = std::move(idempotency_key),
                    .fingerprint = fingerprint};
  absl::StatusOr<StoredBulk> stored = co_await store_.InsertBulk(std::move(intent));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->bulk.bulk_id != bulk_id;
  co_return Outcome{.bulk = std::move(stored->bulk), .replayed = replayed};
}

Task<absl::StatusOr<Bulk>> BulkOrders::Add(Uuid user_id, Uuid bulk_id,
                                           std::vector<BulkItem> items) {
  if (items.empty() || items.size() > kMostItemsAtOnce) {
    co_return Error(Reason::kInvalidField, "1 to 1,000 items", {.param = "items"});
  }
  const absl::StatusOr<Bulk> bulk = co_await store_.GetBulk(user_id, bulk_id);
  if (!bulk.ok()) co_return bulk.status();
  for (std::size_t i = 0; i < items.size(); ++i) {
    FLORIN_CO_RETURN_IF_ERROR(CheckItem(*bulk, items[i], PathOf(i)));
    items[i].reserved_id = ids_.NewId();
  }
  co_return co_await store_.AddItems(user_id, bulk_id, std::move(items));
}

Task<absl::StatusOr<Bulk>> BulkOrders::Submit(rpc::Outgoing context, Uuid user_id, Uuid bulk_id,
                                              audit::Origin origin) {
  absl::StatusOr<Bulk> bulk = co_await store_.GetBulk(user_id, bulk_id);
  if (!bulk.ok()) co_return bulk.status();
  // Whoever is paid matters only then.
  if (bulk->state == BulkState::kDraft && DependsOnUse(policy_, Kind::kTransfer, false)) {
    absl::StatusOr<Others> others = co_await FindOthers(context, *bulk);
    if (!others.ok()) co_return others.status();
    if (others->payees > 0) {
      bulk = co_await Await(*std::move(bulk), *std::move(others), origin);
      if (!bulk.ok()) co_return bulk.status();
    }
  }
  if (bulk->state == BulkState::kRequiresAction) {
    AwaitedOrder awaited = AwaitedOf(*bulk);
    FLORIN_CO_RETURN_IF_ERROR(co_await confirm_.Ask(std::move(context), std::move(awaited)));
    co_return bulk;
  }
  co_return co_await store_.ChangeBulk(user_id, bulk_id, BulkEvent::kSubmit,
                                       NowInMicroseconds(clock_), std::move(origin));
}

Task<absl::StatusOr<Bulk>> BulkOrders::Await(Bulk bulk, Others others, audit::Origin origin) {
  const absl::Time now = NowInMicroseconds(clock_);
  OrderTerms terms{.approval_id = OrderApprovalIdOf(IdKind::kBulk, bulk.bulk_id),
                   .payee_name = PayeesText(others.names, others.payees),
                   .nonce = crypto::RandomOctets(sca::kNonceSize),
                   .expire_time = now + kApprovalTime};
  absl::StatusOr<Bulk> kept = co_await store_.AwaitApproval(
      bulk.user_id, bulk.bulk_id, std::move(terms), others.items_seen, now, std::move(origin));
  if (kept.ok() && kept->state == BulkState::kDraft) {
    co_return Error(Reason::kUnavailable, "items are still being added to the bulk");
  }
  co_return kept;
}

Task<absl::StatusOr<BulkOrders::Others>> BulkOrders::FindOthers(rpc::Outgoing context, Bulk bulk) {
  Others others;
  std::set<Uuid> seen;
  int after = 0;
  for (bool more = true; more;) {
    std::optional<ItemState> any;
    const absl::StatusOr<std::vector<BulkItem>> items =
        co_await store_.ListItems(bulk.user_id, bulk.bulk_id, any, after, kItemsRead);
    if (!items.ok()) co_return items.status();
    more = items->size() == kItemsRead;
    others.items_seen += static_cast<int>(items->size());
    if (items->empty()) break;
    after = items->back().number;
    const auto facts = co_await LookUpPayees(accounts_, context, *items);
    if (!facts.ok()) co_return facts.status();
    for (const BulkItem& item : *items) {
      const auto payee = facts->find(item.destination_account_id);
      const bool known = payee != facts->end();
      const bool to_self = known && payee->second.owner_user_id == bulk.user_id;
      if (to_self || !seen.insert(item.destination_account_id).second) continue;
      ++others.payees;
      if (known && others.names.size() < kNamesShown) {
        others.names.push_back(payee->second.holder_name);
      }
    }
  }
  co_return others;
}

}  // namespace florin::payments
