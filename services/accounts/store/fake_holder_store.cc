// The part of the fake that is a HolderStore.
#include <algorithm>

#include "services/accounts/store/fake_store.h"

namespace florin::accounts {
namespace {

absl::Status AccountNotFound() {
  return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
}

}  // namespace

absl::StatusOr<AccountHolding> FakeStore::FindHolding(const HolderChange& change) {
  const auto account = accounts_.find(change.account_id);
  if (account == accounts_.end() || account->second.state != AccountState::kOpen) {
    return AccountNotFound();
  }
  const auto standing = [](const CustomerRecord& record) {
    return CustomerStanding{.customer_id = record.customer.customer_id,
                            .state = record.customer.state,
                            .leaving = record.leaving_to.has_value()};
  };
  AccountHolding held{.account = account->second,
                      .owner = standing(customers_.at(account->second.customer_id))};
  std::map<Uuid, Holder> last;  // By user; later ids replace earlier ones.
  for (const auto& [id, holder] : holders_) {
    if (holder.account_id == change.account_id) last.insert_or_assign(holder.user_id, holder);
  }
  for (const auto& [user, holder] : last) held.holders.push_back(holder);
  if (change.as) {
    const CustomerRecord* record =
        FindRecord({.user_id = change.as->first, .customer_id = change.as->second});
    if (record != nullptr) held.as_customer = standing(*record);
  }
  return held;
}

std::optional<HolderRole> FakeStore::RoleAt(const Account& account, const Uuid& user_id) const {
  if (account.user_id == user_id) return HolderRole::kOwner;
  for (const auto& [id, holder] : holders_) {
    if (holder.account_id == account.account_id && holder.user_id == user_id &&
        holder.state == HolderState::kActive) {
      return holder.role;
    }
  }
  return std::nullopt;
}

void FakeStore::EndHoldings(const Customer& customer, absl::Time now, const audit::Origin& origin) {
  for (auto& [id, holder] : holders_) {
    const Account& account = accounts_.at(holder.account_id);
    if (holder.state == HolderState::kEnded || (holder.customer_id != customer.customer_id &&
                                                account.customer_id != customer.customer_id)) {
      continue;
    }
    holder.state = HolderState::kEnded;
    holder.update_time = now;
    audit::Event event;
    event.event_id = DeriveId("florin.accounts.holder.end", id.ToString());
    event.time = now;
    event.action = "accounts.holder.end";
    event.actor = FormatId(IdKind::kUser, customer.user_id);
    event.subject = FormatId(IdKind::kAccount, holder.account_id);
    event.origin = origin;
    event.details = {{"holder", FormatId(IdKind::kUser, holder.user_id)},
                     {"role", std::string(NameOf(holder.role))}};
    events_.push_back(std::move(event));
  }
}

Task<absl::StatusOr<StoredHolder>> FakeStore::InsertHolder(Holder holder, RequestKey request,
                                                           DecideHolder decide,
                                                           audit::Event event) {
  std::lock_guard lock(mutex_);
  const Key key(holder.invited_by, request.idempotency_key);
  if (!holder_keys_.contains(key)) {
    const HolderChange change{.account_id = holder.account_id};
    FLORIN_CO_ASSIGN_OR_RETURN(const AccountHolding held, FindHolding(change));
    FLORIN_CO_ASSIGN_OR_RETURN(const Holder decided, decide(held));
    holder_keys_.emplace(key, Made{decided.holder_id, request.fingerprint});
    holders_.emplace(decided.holder_id, decided);
    events_.push_back(std::move(event));
  }
  const Made& made = holder_keys_.at(key);
  co_return StoredHolder{.holder = holders_.at(made.id),
                         .same_request = made.fingerprint == request.fingerprint};
}

Task<absl::StatusOr<Holder>> FakeStore::ChangeHolder(HolderChange change, DecideHolder decide,
                                                     audit::Event event) {
  std::lock_guard lock(mutex_);
  FLORIN_CO_ASSIGN_OR_RETURN(const AccountHolding held, FindHolding(change));
  FLORIN_CO_ASSIGN_OR_RETURN(const Holder after, decide(held));
  if (holders_.at(after.holder_id) == after) co_return after;
  holders_.at(after.holder_id) = after;
  event.details["role"] = NameOf(after.role);
  events_.push_back(std::move(event));
  co_return after;
}

Task<absl::StatusOr<SeenAccount>> FakeStore::SeeAccount(Uuid user_id, Uuid account_id) {
  std::lock_guard lock(mutex_);
  const auto account = accounts_.find(account_id);
  if (account == accounts_.end() || !IsShown(account->second)) {
    co_return AccountNotFound();
  }
  const std::optional<HolderRole> role = RoleAt(account->second, user_id);
  if (!role) co_return AccountNotFound();
  co_return SeenAccount{
      .account = account->second,
      .role = *role,
      .owner_name = customers_.at(account->second.customer_id).customer.display_name};
}

Task<absl::StatusOr<std::vector<SeenAccount>>> FakeStore::ListSeenAccounts(
    Uuid user_id, std::optional<Uuid> after, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<SeenAccount> found;
  for (const auto& [id, account] : accounts_) {
    const std::optional<HolderRole> role = RoleAt(account, user_id);
    if (!role || account.state != AccountState::kOpen || (after && id <= *after)) continue;
    if (found.size() == static_cast<std::size_t>(limit)) break;
    found.push_back({.account = account,
                     .role = *role,
                     .owner_name = customers_.at(account.customer_id).customer.display_name});
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<NamedHolder>>> FakeStore::ListHolders(Uuid account_id) {
  std::lock_guard lock(mutex_);
  std::vector<NamedHolder> found;
  for (const auto& [id, holder] : holders_) {
    if (holder.account_id != account_id || holder.state == HolderState::kEnded) continue;
    found.push_back({.holder = holder, .name = ""});
    if (holder.customer_id) {
      found.back().name = customers_.at(*holder.customer_id).customer.display_name;
    }
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<Holder>>> FakeStore::HoldersOf(std::vector<Uuid> account_ids) {
  std::lock_guard lock(mutex_);
  std::vector<Holder> found;
  for (const auto& [id, holder] : holders_) {
    if (holder.state == HolderState::kActive &&
        std::ranges::find(account_ids, holder.account_id) != account_ids.end()) {
      found.push_back(holder);
    }
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<SeenHolding>>> FakeStore::ListHoldings(Uuid user_id) {
  std::lock_guard lock(mutex_);
  std::vector<SeenHolding> found;
  for (const auto& [id, holder] : holders_) {
    const Account& account = accounts_.at(holder.account_id);
    if (holder.user_id != user_id || holder.state == HolderState::kEnded ||
        account.state != AccountState::kOpen) {
      continue;
    }
    found.push_back(
        {.holder = holder, .owner_name = customers_.at(account.customer_id).customer.display_name});
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<Holder>>> FakeStore::HoldingsOf(Uuid user_id, Uuid customer_id) {
  std::lock_guard lock(mutex_);
  std::vector<Holder> found;
  for (const auto& [id, holder] : holders_) {
    if (holder.user_id == user_id && holder.customer_id == customer_id) found.push_back(holder);
  }
  co_return found;
}

}  // namespace florin::accounts
