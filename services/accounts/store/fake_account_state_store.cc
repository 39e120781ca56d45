// The part of the fake that is an AccountStateStore.
#include <algorithm>

#include "services/accounts/store/fake_store.h"

namespace florin::accounts {
namespace {

absl::Status AccountNotFound() {
  return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
}

bool Fits(std::size_t size, int limit) { return size < static_cast<std::size_t>(limit); }

}  // namespace

std::optional<AccountRecord> FakeStore::FindStanding(const AccountRef& ref) {
  const auto found = accounts_.find(ref.account_id);
  if (found == accounts_.end() || found->second.state == AccountState::kOpening) return {};
  const Account& account = found->second;
  if (ref.user_id && account.user_id != *ref.user_id) return {};
  const CustomerRecord& customer = customers_.at(account.customer_id);
  const CustomerState state = customer.customer.state;
  if (state != CustomerState::kActive && state != CustomerState::kSuspended) return {};
  AccountRecord record{
      .account = account,
      .standing = standings_[ref.account_id],
      .customer_active = state == CustomerState::kActive && !customer.leaving_to.has_value()};
  if (account.state == AccountState::kClosed) record.standing.life = AccountLife::kClosed;
  return record;
}

void FakeStore::WriteStanding(const Uuid& account_id, const AccountStanding& standing) {
  standings_[account_id] = standing;
  if (standing.life == AccountLife::kClosed) {
    accounts_.at(account_id).state = AccountState::kClosed;
  }
  std::vector<Freeze>& freezes = freezes_[account_id];
  const Sides before = freezes.empty() ? Sides() : freezes.back().frozen;
  const Sides now = FrozenSides(standing);
  if (now != before) freezes.push_back({.frozen = now});
}

void FakeStore::SuspendAccounts(const Uuid& customer_id, bool suspended) {
  for (const auto& [id, account] : accounts_) {
    if (account.customer_id != customer_id || account.state == AccountState::kClosed) continue;
    AccountStanding standing = standings_[id];
    standing.suspended = suspended;
    WriteStanding(id, standing);
  }
}

Task<absl::StatusOr<AccountRecord>> FakeStore::FindAccount(AccountRef ref) {
  std::lock_guard lock(mutex_);
  std::optional<AccountRecord> record = FindStanding(ref);
  if (!record) co_return AccountNotFound();
  co_return *std::move(record);
}

Task<absl::StatusOr<AccountRecord>> FakeStore::ChangeAccount(AccountRef ref, DecideAccount decide,
                                                             audit::Event event) {
  std::lock_guard lock(mutex_);
  const std::optional<AccountRecord> record = FindStanding(ref);
  if (!record) co_return AccountNotFound();
  absl::StatusOr<AccountDecided> decided = decide(*record);
  if (!decided.ok()) co_return decided.status();
  if (decided->after == record->standing) co_return *record;
  if (!finishing_ && decided->after.life == AccountLife::kClosed) {
    co_return Error(Reason::kUnavailable, "told to fail");
  }
  WriteStanding(ref.account_id, decided->after);
  event.details.merge(decided->details);
  events_.push_back(std::move(event));
  co_return *FindStanding(ref);
}

Task<absl::StatusOr<std::vector<FreezeRevision>>> FakeStore::ListUntold(FreezesOf of, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<FreezeRevision> untold;
  for (const auto& [id, freezes] : freezes_) {
    const Account& account = accounts_.at(id);
    if (account.state == AccountState::kOpening || of.account_id.value_or(id) != id) continue;
    if (of.customer_id.value_or(account.customer_id) != account.customer_id) continue;
    for (std::size_t i = 0; i < freezes.size(); ++i) {
      if (freezes[i].told || !Fits(untold.size(), limit)) continue;
      untold.push_back({.account_id = id,
                        .revision = static_cast<std::int64_t>(i) + 1,
                        .frozen = freezes[i].frozen,
                        .book = account.book});
    }
  }
  co_return untold;
}

Task<absl::Status> FakeStore::MarkTold(std::vector<FreezeRevision> revisions) {
  std::lock_guard lock(mutex_);
  if (!finishing_) co_return Error(Reason::kUnavailable, "told to fail");
  for (const FreezeRevision& one : revisions) {
    freezes_.at(one.account_id).at(static_cast<std::size_t>(one.revision) - 1).told = true;
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<AccountRecord>>> FakeStore::ClaimClosing(
    absl::Time now, absl::Time next_attempt_time, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<AccountRecord> closing;
  for (auto& [id, standing] : standings_) {
    if (standing.life != AccountLife::kClosing || standing.next_attempt_time > now ||
        !Fits(closing.size(), limit)) {
      continue;
    }
    standing.next_attempt_time = next_attempt_time;
    const std::optional<AccountRecord> record =
        FindStanding({.user_id = std::nullopt, .account_id = id});
    if (record && record->standing.life == AccountLife::kClosing) closing.push_back(*record);
  }
  co_return closing;
}

Task<absl::StatusOr<std::vector<AccountRecord>>> FakeStore::ListAwake(std::optional<Uuid> after,
                                                                      absl::Time created,
                                                                      int limit) {
  std::lock_guard lock(mutex_);
  std::vector<AccountRecord> awake;
  for (const auto& [id, account] : accounts_) {
    if ((after && id <= *after) || account.create_time > created) continue;
    const std::optional<AccountRecord> record =
        FindStanding({.user_id = std::nullopt, .account_id = id});
    if (!record || record->standing.life != AccountLife::kOpen) continue;
    if (customers_.at(account.customer_id).customer.state != CustomerState::kActive) continue;
    if (Fits(awake.size(), limit)) awake.push_back(*record);
  }
  co_return awake;
}

}  // namespace florin::accounts
