#include "services/payments/flow/bulk_orders.h"

#include <set>
#include <utility>

#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

constexpr std::size_t kAccountsAtOnce = 100;  // AccountDirectory's.

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

Task<absl::StatusOr<Bulk>> BulkOrders::Add(rpc::Outgoing context, Uuid user_id, Uuid bulk_id,
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
  FLORIN_CO_RETURN_IF_ERROR(co_await Judge(std::move(context), user_id, items));
  co_return co_await store_.AddItems(user_id, bulk_id, std::move(items));
}

Task<absl::Status> BulkOrders::Judge(rpc::Outgoing context, Uuid user_id,
                                     std::vector<BulkItem> items) {
  // Whoever is paid matters only then.
  if (!DependsOnUse(policy_, Kind::kTransfer, false)) co_return absl::OkStatus();
  const auto facts = co_await LookUpPayees(accounts_, std::move(context), items);
  if (!facts.ok()) co_return facts.status();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto payee = facts->find(items[i].destination_account_id);
    const bool to_self = payee != facts->end() && payee->second.owner_user_id == user_id;
    if (!DependsOnUse(policy_, Kind::kTransfer, to_self)) continue;
    co_return Error(Reason::kInvalidField, "this payment would need its payer's approval",
                    {.param = PathOf(i) + ".destination_account_id"});
  }
  co_return absl::OkStatus();
}

}  // namespace florin::payments
