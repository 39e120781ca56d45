// The part of the fake that is a PayeeStore.
#include <algorithm>

#include "services/accounts/store/fake_store.h"

namespace florin::accounts {
namespace {

absl::Status PayeeNotFound() {
  return Error(Reason::kPayeeNotFound, "no such payee", {.param = "payee_id"});
}

}  // namespace

void FakeStore::ErasePayees(const Uuid& customer_id) {
  for (auto& [id, payee] : payees_) {
    if (payee.customer_id != customer_id) continue;
    payee.state = PayeeState::kDeleted;
    payee.details = PayeeDetails();
  }
}

std::vector<Payee> FakeStore::ActivePayees(const Uuid& user_id) const {
  std::vector<Payee> found;
  for (const auto& [id, payee] : payees_) {
    if (payee.user_id == user_id && payee.state == PayeeState::kActive) found.push_back(payee);
  }
  return found;
}

Task<absl::StatusOr<StoredPayee>> FakeStore::InsertPayee(Payee payee, RequestKey request,
                                                         audit::Event event) {
  std::lock_guard lock(mutex_);
  const Key key(payee.user_id, request.idempotency_key);
  if (!payee_keys_.contains(key)) {
    const CustomerRecord* record =
        FindRecord({.user_id = payee.user_id, .customer_id = payee.customer_id});
    if (record == nullptr) {
      co_return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
    }
    const Circumstances now{.leaving = record->leaving_to.has_value()};
    FLORIN_CO_RETURN_IF_ERROR(
        NextState(record->customer.state, CustomerEvent::kOpenAccount, Cause::kOwner, now)
            .status());
    if (ActivePayees(payee.user_id).size() >= static_cast<std::size_t>(kMostPayees)) {
      co_return Error(Reason::kTooManyItems, "at most 1000 payees", {.param = "payees"});
    }
    payee_keys_.emplace(key, Made{payee.payee_id, request.fingerprint});
    payees_.emplace(payee.payee_id, payee);
    events_.push_back(std::move(event));
  }
  const Made& made = payee_keys_.at(key);
  co_return StoredPayee{.payee = payees_.at(made.id),
                        .same_request = made.fingerprint == request.fingerprint};
}

Task<absl::StatusOr<std::optional<StoredPayee>>> FakeStore::FindPayeeOfKey(Uuid user_id,
                                                                           RequestKey request) {
  std::lock_guard lock(mutex_);
  const auto made = payee_keys_.find(Key(user_id, request.idempotency_key));
  if (made == payee_keys_.end()) co_return std::nullopt;
  co_return StoredPayee{.payee = payees_.at(made->second.id),
                        .same_request = made->second.fingerprint == request.fingerprint};
}

Task<absl::StatusOr<Payee>> FakeStore::GetPayee(Uuid user_id, Uuid payee_id) {
  std::lock_guard lock(mutex_);
  const auto found = payees_.find(payee_id);
  if (found == payees_.end() || found->second.user_id != user_id ||
      found->second.state == PayeeState::kDeleted) {
    co_return PayeeNotFound();
  }
  co_return found->second;
}

Task<absl::StatusOr<std::vector<Payee>>> FakeStore::ListPayees(Uuid user_id,
                                                               std::optional<Uuid> after,
                                                               int limit) {
  std::lock_guard lock(mutex_);
  std::vector<Payee> found = ActivePayees(user_id);
  std::erase_if(found, [&](const Payee& payee) { return after && payee.payee_id <= *after; });
  if (found.size() > static_cast<std::size_t>(limit))
    found.erase(found.begin() + limit, found.end());
  co_return found;
}

Task<absl::StatusOr<Payee>> FakeStore::DeletePayee(Uuid user_id, Uuid payee_id,
                                                   audit::Event event) {
  std::lock_guard lock(mutex_);
  const auto found = payees_.find(payee_id);
  if (found == payees_.end() || found->second.user_id != user_id) co_return PayeeNotFound();
  if (found->second.state == PayeeState::kActive) {
    found->second.state = PayeeState::kDeleted;
    found->second.details = PayeeDetails();
    events_.push_back(std::move(event));
  }
  co_return found->second;
}

Task<absl::StatusOr<std::vector<SavedAccount>>> FakeStore::FindSaved(
    Uuid user_id, std::vector<Uuid> account_ids) {
  std::lock_guard lock(mutex_);
  std::map<Uuid, absl::Time> earliest;
  for (const Payee& payee : ActivePayees(user_id)) {
    if (!payee.account_id ||
        std::ranges::find(account_ids, *payee.account_id) == account_ids.end()) {
      continue;
    }
    const auto [at, inserted] = earliest.try_emplace(*payee.account_id, payee.usable_time);
    if (!inserted) at->second = std::min(at->second, payee.usable_time);
  }
  std::vector<SavedAccount> saved;
  for (const auto& [id, time] : earliest) saved.push_back({.account_id = id, .usable_time = time});
  co_return saved;
}

Task<absl::StatusOr<std::vector<Payee>>> FakeStore::PayeesOf(Uuid user_id, Uuid customer_id) {
  std::lock_guard lock(mutex_);
  std::vector<Payee> found = ActivePayees(user_id);
  std::erase_if(found, [&](const Payee& payee) { return payee.customer_id != customer_id; });
  co_return found;
}

}  // namespace florin::accounts
