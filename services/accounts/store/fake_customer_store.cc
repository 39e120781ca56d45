// The part of the fake that is a CustomerStore.
#include <algorithm>

#include "services/accounts/store/fake_store.h"

namespace florin::accounts {
namespace {

absl::Status CustomerNotFound() {
  return Error(Reason::kCustomerNotFound, "no such customer", {.param = "customer_id"});
}

absl::Status VerificationNotFound() {
  return Error(Reason::kVerificationNotFound, "no such verification", {.param = "verification_id"});
}

audit::Event EventOf(std::string action, std::string subject, const Uuid& user, absl::Time time,
                     const audit::Origin& origin) {
  audit::Event event;
  event.event_id = DeriveId("florin." + action, subject);
  event.time = time;
  event.action = std::move(action);
  event.actor = FormatId(IdKind::kUser, user);
  event.subject = std::move(subject);
  event.origin = origin;
  return event;
}

}  // namespace

CustomerRecord* FakeStore::FindRecord(const CustomerRef& ref) {
  const auto found = customers_.find(ref.customer_id);
  if (found == customers_.end()) return nullptr;
  CustomerRecord& record = found->second;
  if (ref.user_id && record.customer.user_id != *ref.user_id) return nullptr;
  record.verification_pending = HasPending(ref.customer_id);
  record.account_opening = HasOpening(ref.customer_id);
  return &record;
}

bool FakeStore::HasPending(const Uuid& customer_id) const {
  return std::ranges::any_of(verifications_, [&](const auto& each) {
    const Verification& one = each.second.verification;
    return one.customer_id == customer_id && one.state == VerificationState::kPending;
  });
}

bool FakeStore::HasOpening(const Uuid& customer_id) const {
  return std::ranges::any_of(accounts_, [&](const auto& each) {
    const auto& [id, account] = each;
    if (account.customer_id != customer_id) return false;
    const auto standing = standings_.find(id);
    return account.state == AccountState::kOpening ||
           (account.state == AccountState::kOpen && standing != standings_.end() &&
            standing->second.life == AccountLife::kClosing);
  });
}

Task<absl::StatusOr<CustomerRecord>> FakeStore::Get(CustomerRef ref) {
  std::lock_guard lock(mutex_);
  const CustomerRecord* record = FindRecord(ref);
  if (record == nullptr) co_return CustomerNotFound();
  FLORIN_CO_RETURN_IF_ERROR(CheckNotErased(record->customer.state));
  co_return *record;
}

Task<absl::StatusOr<CustomerRecord>> FakeStore::Change(CustomerRef ref, Decide decide,
                                                       audit::Event event) {
  std::lock_guard lock(mutex_);
  CustomerRecord* record = FindRecord(ref);
  if (record == nullptr) co_return CustomerNotFound();
  absl::StatusOr<Decided> decided = decide(*record);
  if (!decided.ok()) co_return decided.status();
  decided->after.customer.kind = decided->after.profile.kind;
  if (decided->after == *record) co_return *record;
  const CustomerState state = decided->after.customer.state;
  const bool turns = state != record->customer.state;
  *record = decided->after;
  if (turns) SuspendAccounts(ref.customer_id, state == CustomerState::kSuspended);
  event.details.merge(decided->details);
  events_.push_back(std::move(event));
  co_return *record;
}

Task<absl::StatusOr<std::vector<Customer>>> FakeStore::FindByEmail(std::string email) {
  std::lock_guard lock(mutex_);
  std::vector<Customer> found;
  for (const auto& [id, record] : customers_) {
    if (NormalizeEmail(record.profile.email) == email) found.push_back(record.customer);
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<Customer>>> FakeStore::FindByPhone(std::string phone) {
  std::lock_guard lock(mutex_);
  std::vector<Customer> found;
  for (const auto& [id, record] : customers_) {
    if (NormalizePhone(record.profile.phone) == phone) found.push_back(record.customer);
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<Account>>> FakeStore::ListAccountsOf(Uuid user_id,
                                                                     Uuid customer_id) {
  std::lock_guard lock(mutex_);
  std::vector<Account> found;
  for (const auto& [id, account] : accounts_) {
    if (account.user_id == user_id && account.customer_id == customer_id) found.push_back(account);
  }
  co_return found;
}

Task<absl::StatusOr<StoredVerification>> FakeStore::InsertVerification(Verification verification,
                                                                       RequestKey request,
                                                                       absl::Time next_attempt_time,
                                                                       Decide decide) {
  std::lock_guard lock(mutex_);
  const CustomerRecord* record =
      FindRecord({.user_id = verification.user_id, .customer_id = verification.customer_id});
  if (record == nullptr) co_return CustomerNotFound();
  FLORIN_CO_RETURN_IF_ERROR(CheckNotErased(record->customer.state));
  const Key key(verification.user_id, request.idempotency_key);
  if (!verification_keys_.contains(key)) {
    FLORIN_CO_RETURN_IF_ERROR(decide(*record).status());
    verification_keys_.emplace(key, Made{verification.verification_id, request.fingerprint});
    verifications_.emplace(verification.verification_id, Kept{verification, next_attempt_time});
    audit::Event event = EventOf("accounts.verification.request",
                                 FormatId(IdKind::kVerification, verification.verification_id),
                                 verification.user_id, verification.create_time, request.origin);
    event.details = {{"customer", FormatId(IdKind::kCustomer, verification.customer_id)},
                     {"level", std::string(NameOf(verification.level))}};
    events_.push_back(std::move(event));
  }
  const Made& made = verification_keys_.at(key);
  co_return StoredVerification{.verification = verifications_.at(made.id).verification,
                               .same_request = made.fingerprint == request.fingerprint};
}

Task<absl::StatusOr<Verification>> FakeStore::GetVerification(CustomerRef ref,
                                                              Uuid verification_id) {
  std::lock_guard lock(mutex_);
  const auto found = verifications_.find(verification_id);
  if (found == verifications_.end() || found->second.verification.customer_id != ref.customer_id ||
      (ref.user_id && found->second.verification.user_id != *ref.user_id)) {
    co_return VerificationNotFound();
  }
  co_return found->second.verification;
}

Task<absl::StatusOr<Verification>> FakeStore::FindVerification(Uuid verification_id) {
  std::lock_guard lock(mutex_);
  const auto found = verifications_.find(verification_id);
  if (found == verifications_.end()) co_return VerificationNotFound();
  co_return found->second.verification;
}

Task<absl::StatusOr<std::vector<Verification>>> FakeStore::ListVerifications(Uuid user_id,
                                                                             Uuid customer_id) {
  std::lock_guard lock(mutex_);
  std::vector<Verification> found;
  for (const auto& [id, kept] : verifications_) {
    if (kept.verification.user_id == user_id && kept.verification.customer_id == customer_id) {
      found.push_back(kept.verification);
    }
  }
  co_return found;
}

Task<absl::StatusOr<std::vector<DueVerification>>> FakeStore::ClaimVerifications(
    absl::Time now, absl::Time next_attempt_time, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<DueVerification> due;
  for (auto& [id, kept] : verifications_) {
    if (kept.verification.state != VerificationState::kPending || kept.next_attempt_time > now ||
        due.size() == static_cast<std::size_t>(limit)) {
      continue;
    }
    kept.next_attempt_time = next_attempt_time;
    due.push_back({.verification = kept.verification,
                   .profile = customers_.at(kept.verification.customer_id).profile});
  }
  co_return due;
}

Task<absl::StatusOr<Verification>> FakeStore::EndVerification(Uuid verification_id,
                                                              VerificationEvent what, Cause cause,
                                                              std::string reason,
                                                              audit::Event event) {
  std::lock_guard lock(mutex_);
  if (!finishing_) co_return Error(Reason::kUnavailable, "told to fail");
  const auto found = verifications_.find(verification_id);
  if (found == verifications_.end()) co_return VerificationNotFound();
  Verification& verification = found->second.verification;
  const auto next = NextState(verification.state, what, cause);
  if (!next) co_return verification;
  verification.state = *next;
  if (*next == VerificationState::kRejected) verification.reason = std::move(reason);
  verification.update_time = event.time;
  Customer& customer = customers_.at(verification.customer_id).customer;
  if (*next == VerificationState::kApproved) {
    customer.kyc_level = NextLevel(customer.kyc_level, ApprovalOf(verification.level));
  }
  event.details["customer"] = FormatId(IdKind::kCustomer, verification.customer_id);
  event.details["level"] = NameOf(verification.level);
  event.details["kyc_level"] = NameOf(customer.kyc_level);
  if (!verification.reason.empty()) event.details["reason"] = verification.reason;
  events_.push_back(std::move(event));
  co_return verification;
}

Task<absl::StatusOr<std::vector<CustomerRecord>>> FakeStore::ClaimLeaving(
    absl::Time now, absl::Time next_attempt_time, int limit) {
  std::lock_guard lock(mutex_);
  std::vector<CustomerRecord> leaving;
  for (auto& [id, record] : customers_) {
    if (!record.leaving_to || record.next_attempt_time > now ||
        leaving.size() == static_cast<std::size_t>(limit)) {
      continue;
    }
    record.next_attempt_time = next_attempt_time;
    leaving.push_back(*FindRecord({.user_id = {}, .customer_id = id}));
  }
  co_return leaving;
}

Task<absl::StatusOr<Customer>> FakeStore::FinishLeaving(CustomerRef ref, int attempt,
                                                        absl::Time now, audit::Origin origin) {
  std::lock_guard lock(mutex_);
  if (!finishing_) co_return Error(Reason::kUnavailable, "told to fail");
  CustomerRecord* record = FindRecord(ref);
  if (record == nullptr) co_return CustomerNotFound();
  if (!record->leaving_to || record->leaving_attempt != attempt) co_return record->customer;
  Customer& customer = record->customer;
  const bool erases = *record->leaving_to == CustomerState::kErased;
  const std::string subject = FormatId(IdKind::kCustomer, ref.customer_id);
  for (auto& [id, account] : accounts_) {
    if (account.customer_id != ref.customer_id) continue;
    if (account.state == AccountState::kOpen) {
      account.state = AccountState::kClosed;
      events_.push_back(EventOf("accounts.account.close", FormatId(IdKind::kAccount, id),
                                customer.user_id, now, origin));
      events_.back().details["customer"] = subject;
    }
    if (erases) account.display_name.clear();
  }
  for (auto& [id, kept] : verifications_) {
    if (kept.verification.customer_id != ref.customer_id) continue;
    if (kept.verification.state == VerificationState::kPending) {
      kept.verification.state = VerificationState::kExpired;
      kept.verification.update_time = now;
    }
    if (erases) kept.verification.reason.clear();
  }
  EndHoldings(customer, now, origin);
  customer.state = *record->leaving_to;
  record->leaving_to.reset();
  record->next_attempt_time = absl::InfinitePast();
  if (erases) {
    ErasePayees(ref.customer_id);
    customer.display_name.clear();
    customer.kind = CustomerKind::kUnknown;
    customer.kyc_level = NextLevel(customer.kyc_level, KycEvent::kErased);
    record->profile = Profile();
  }
  events_.push_back(EventOf(erases ? "accounts.customer.erase" : "accounts.customer.close", subject,
                            customer.user_id, now, origin));
  co_return customer;
}

std::vector<audit::Event> FakeStore::events() {
  std::lock_guard lock(mutex_);
  return events_;
}

void FakeStore::SetFinishing(bool available) {
  std::lock_guard lock(mutex_);
  finishing_ = available;
}

}  // namespace florin::accounts
