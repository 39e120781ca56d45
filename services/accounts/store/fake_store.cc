#include "services/accounts/store/fake_store.h"

#include <algorithm>

namespace florin::accounts {
namespace {

absl::Status CustomerNotFound() {
  return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
}

absl::Status AccountNotFound() {
  return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
}

}  // namespace

Task<absl::StatusOr<StoredCustomer>> FakeStore::InsertCustomer(Customer customer,
                                                               RequestKey request) {
  std::lock_guard lock(mutex_);
  const auto [made, inserted] =
      customer_keys_.try_emplace(Key(customer.user_id, request.idempotency_key),
                                 Made{customer.customer_id, request.fingerprint});
  if (inserted) customers_.emplace(customer.customer_id, CustomerRecord{.customer = customer});
  const Customer& kept = customers_.at(made->second.id).customer;
  FLORIN_CO_RETURN_IF_ERROR(CheckNotErased(kept.state));
  co_return StoredCustomer{.customer = kept,
                           .same_request = made->second.fingerprint == request.fingerprint};
}

Task<absl::StatusOr<Customer>> FakeStore::GetCustomer(Uuid user_id, Uuid customer_id) {
  std::lock_guard lock(mutex_);
  const auto customer = customers_.find(customer_id);
  if (customer == customers_.end() || customer->second.customer.user_id != user_id) {
    co_return CustomerNotFound();
  }
  FLORIN_CO_RETURN_IF_ERROR(CheckNotErased(customer->second.customer.state));
  co_return customer->second.customer;
}

Task<absl::StatusOr<StoredAccount>> FakeStore::InsertAccount(Account account, RequestKey request) {
  std::lock_guard lock(mutex_);
  const Key key(account.user_id, request.idempotency_key);
  if (!account_keys_.contains(key)) {
    const auto customer = customers_.find(account.customer_id);
    if (customer == customers_.end() || customer->second.customer.user_id != account.user_id) {
      co_return CustomerNotFound();
    }
    const Circumstances now{.leaving = customer->second.leaving_to.has_value()};
    FLORIN_CO_RETURN_IF_ERROR(
        NextState(customer->second.customer.state, CustomerEvent::kOpenAccount, Cause::kOwner, now)
            .status());
    account_keys_.emplace(key, Made{account.account_id, request.fingerprint});
    accounts_.emplace(account.account_id, account);
  }
  const Made& made = account_keys_.at(key);
  const Account& kept = accounts_.at(made.id);
  FLORIN_CO_RETURN_IF_ERROR(CheckNotErased(customers_.at(kept.customer_id).customer.state));
  co_return StoredAccount{.account = kept, .same_request = made.fingerprint == request.fingerprint};
}

Task<absl::Status> FakeStore::MarkOpen(Uuid account_id) {
  std::lock_guard lock(mutex_);
  const auto account = accounts_.find(account_id);
  if (account != accounts_.end() && account->second.state == AccountState::kOpening) {
    account->second.state = AccountState::kOpen;
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<Account>>> FakeStore::ListOpening(absl::Time created, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Account> opening;
  for (const auto& [id, account] : accounts_) {
    if (account.state == AccountState::kOpening && account.create_time <= created) {
      opening.push_back(account);
    }
  }
  std::ranges::stable_sort(opening, {}, &Account::create_time);
  if (opening.size() > static_cast<std::size_t>(limit)) {
    opening.erase(opening.begin() + limit, opening.end());
  }
  co_return opening;
}

bool FakeStore::IsShown(const Account& account) const {
  if (account.state != AccountState::kClosed) return account.state == AccountState::kOpen;
  const CustomerState state = customers_.at(account.customer_id).customer.state;
  return state == CustomerState::kActive || state == CustomerState::kSuspended;
}

Task<absl::StatusOr<Account>> FakeStore::GetAccount(Uuid user_id, Uuid account_id) {
  std::lock_guard lock(mutex_);
  const auto account = accounts_.find(account_id);
  if (account == accounts_.end() || account->second.user_id != user_id ||
      !IsShown(account->second)) {
    co_return AccountNotFound();
  }
  co_return account->second;
}

Task<absl::StatusOr<std::vector<Account>>> FakeStore::ListAccounts(Uuid user_id,
                                                                   std::optional<Uuid> after,
                                                                   int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Account> found;
  for (const auto& [id, account] : accounts_) {
    if (account.user_id != user_id || account.state != AccountState::kOpen) continue;
    if (after && id <= *after) continue;
    if (found.size() == static_cast<std::size_t>(limit)) break;
    found.push_back(account);
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<HeldAccount>>> FakeStore::LookUp(std::vector<Uuid> account_ids) {
  std::lock_guard lock(mutex_);
  std::vector<HeldAccount> found;
  for (const auto& [id, account] : accounts_) {
    if (!IsShown(account)) continue;
    if (std::ranges::find(account_ids, id) == account_ids.end()) continue;
    const CustomerRecord& record = customers_.at(account.customer_id);
    found.push_back({.account = account,
                     .holder_name = record.customer.display_name,
                     .kyc_level = record.customer.kyc_level,
                     .country = ResidenceOf(record.profile),
                     .dormant = standings_[id].life == AccountLife::kDormant});
  }
  co_return found;
}

}  // namespace florin::accounts
