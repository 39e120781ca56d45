#include "services/auth/store/fake_authenticator_store.h"

#include <algorithm>
#include <utility>

namespace florin::auth {

Task<absl::StatusOr<std::optional<User>>> FakeAuthenticatorStore::FindUser(Uuid user_id) {
  co_return users_.UserWithId(user_id);
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::PutTotp(TotpSecret secret) {
  const std::lock_guard lock(mutex_);
  const auto entry = totp_.find(secret.user_id);
  if (entry != totp_.end() && entry->second.secret.confirm_time) co_return false;
  const Uuid user_id = secret.user_id;
  totp_[user_id] = {.secret = std::move(secret)};
  co_return true;
}

Task<absl::StatusOr<std::optional<TotpSecret>>> FakeAuthenticatorStore::FindTotp(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  const auto entry = totp_.find(user_id);
  co_return entry == totp_.end() ? std::nullopt : std::make_optional(entry->second.secret);
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::ConfirmTotp(Uuid user_id, Uuid factor_id,
                                                               std::int64_t counter, absl::Time now,
                                                               audit::Event) {
  const std::lock_guard lock(mutex_);
  const auto entry = totp_.find(user_id);
  if (entry == totp_.end() || entry->second.secret.factor_id != factor_id ||
      entry->second.secret.confirm_time) {
    co_return false;
  }
  entry->second.secret.confirm_time = now;
  entry->second.last_counter = counter;
  co_return true;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::AcceptTotp(Uuid user_id, Uuid factor_id,
                                                              std::int64_t counter,
                                                              absl::Time now) {
  const std::lock_guard lock(mutex_);
  const auto entry = totp_.find(user_id);
  if (entry == totp_.end() || entry->second.secret.factor_id != factor_id ||
      !entry->second.secret.confirm_time || counter <= entry->second.last_counter) {
    co_return false;
  }
  entry->second.last_counter = counter;
  entry->second.last_use_time = now;
  co_return true;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::AddPasskey(Passkey passkey, audit::Event) {
  const std::lock_guard lock(mutex_);
  const std::string id = passkey.credential_id;
  co_return passkeys_.try_emplace(id, Key{std::move(passkey), {}}).second;
}

Task<absl::StatusOr<std::optional<Passkey>>> FakeAuthenticatorStore::FindPasskey(
    std::string credential_id) {
  const std::lock_guard lock(mutex_);
  const auto entry = passkeys_.find(credential_id);
  co_return entry == passkeys_.end() ? std::nullopt : std::make_optional(entry->second.passkey);
}

Task<absl::StatusOr<std::vector<Passkey>>> FakeAuthenticatorStore::ListPasskeys(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  std::vector<Passkey> passkeys;
  for (const auto& [id, key] : passkeys_) {
    if (key.passkey.user_id == user_id) passkeys.push_back(key.passkey);
  }
  std::sort(passkeys.begin(), passkeys.end(), [](const Passkey& a, const Passkey& b) {
    return std::pair(a.create_time, a.factor_id) < std::pair(b.create_time, b.factor_id);
  });
  co_return passkeys;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::AcceptPasskey(std::string credential_id,
                                                                 std::uint32_t sign_count,
                                                                 bool backed_up, absl::Time now) {
  const std::lock_guard lock(mutex_);
  const auto entry = passkeys_.find(credential_id);
  if (entry == passkeys_.end()) co_return false;
  Passkey& passkey = entry->second.passkey;
  const bool grew = sign_count > passkey.sign_count || (sign_count == 0 && passkey.sign_count == 0);
  if (!grew) co_return false;
  passkey.sign_count = sign_count;
  passkey.backed_up = backed_up;
  entry->second.last_use_time = now;
  co_return true;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::ReplaceRecoveryCodes(
    Uuid user_id, Uuid factor_id, std::vector<crypto::Digest> hashes, absl::Time now,
    audit::Event) {
  const std::lock_guard lock(mutex_);
  Codes codes{.factor_id = factor_id, .create_time = now};
  for (const crypto::Digest& hash : hashes) codes.use_times[hash] = std::nullopt;
  codes_[user_id] = std::move(codes);
  co_return true;
}

Task<absl::StatusOr<std::optional<int>>> FakeAuthenticatorStore::UseRecoveryCode(
    Uuid user_id, crypto::Digest hash, absl::Time now, audit::Event) {
  const std::lock_guard lock(mutex_);
  auto& use_times = codes_[user_id].use_times;
  const auto code = use_times.find(hash);
  if (code == use_times.end() || code->second) co_return std::nullopt;
  code->second = now;
  const auto left = std::count_if(use_times.begin(), use_times.end(),
                                  [](const auto& each) { return !each.second; });
  co_return std::make_optional(static_cast<int>(left));
}

Task<absl::StatusOr<std::vector<Factor>>> FakeAuthenticatorStore::ListFactors(Uuid user_id) {
  const std::lock_guard lock(mutex_);
  std::vector<Factor> factors;
  if (const auto totp = totp_.find(user_id);
      totp != totp_.end() && totp->second.secret.confirm_time) {
    factors.push_back({.factor_id = totp->second.secret.factor_id,
                       .kind = FactorKind::kTotp,
                       .create_time = totp->second.secret.create_time,
                       .last_use_time = totp->second.last_use_time});
  }
  for (const auto& [id, key] : passkeys_) {
    if (key.passkey.user_id != user_id) continue;
    factors.push_back({.factor_id = key.passkey.factor_id,
                       .kind = FactorKind::kPasskey,
                       .label = key.passkey.label,
                       .create_time = key.passkey.create_time,
                       .last_use_time = key.last_use_time});
  }
  if (const auto codes = codes_.find(user_id);
      codes != codes_.end() && !codes->second.use_times.empty()) {
    Factor factor{.factor_id = codes->second.factor_id,
                  .kind = FactorKind::kRecoveryCodes,
                  .create_time = codes->second.create_time};
    for (const auto& [hash, use_time] : codes->second.use_times) {
      factor.codes_left += !use_time;
      factor.last_use_time = std::max(factor.last_use_time, use_time);
    }
    factors.push_back(std::move(factor));
  }
  std::sort(factors.begin(), factors.end(), [](const Factor& a, const Factor& b) {
    return std::pair(a.create_time, a.factor_id) < std::pair(b.create_time, b.factor_id);
  });
  co_return factors;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::RemoveFactor(Uuid user_id, Uuid factor_id,
                                                                audit::Event) {
  const std::lock_guard lock(mutex_);
  const auto removed =
      std::erase_if(totp_,
                    [&](const auto& entry) {
                      return entry.first == user_id && entry.second.secret.factor_id == factor_id &&
                             entry.second.secret.confirm_time;
                    }) +
      std::erase_if(passkeys_,
                    [&](const auto& entry) {
                      const Passkey& passkey = entry.second.passkey;
                      return passkey.user_id == user_id && passkey.factor_id == factor_id;
                    }) +
      std::erase_if(codes_, [&](const auto& entry) {
        return entry.first == user_id && entry.second.factor_id == factor_id;
      });
  co_return removed > 0;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::PutChallenge(Challenge challenge,
                                                                absl::Time now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(challenges_, [now](const auto& entry) { return entry.second.expire_time < now; });
  const Uuid id = challenge.challenge_id;
  challenges_[id] = std::move(challenge);
  co_return true;
}

Task<absl::StatusOr<std::optional<Challenge>>> FakeAuthenticatorStore::TakeChallenge(
    Uuid challenge_id, std::string purpose, std::optional<Uuid> user_id, absl::Time now) {
  const std::lock_guard lock(mutex_);
  const auto entry = challenges_.find(challenge_id);
  if (entry == challenges_.end() || entry->second.purpose != purpose ||
      entry->second.user_id != user_id || entry->second.expire_time <= now) {
    co_return std::nullopt;
  }
  std::optional<Challenge> challenge = std::move(entry->second);
  challenges_.erase(entry);
  co_return challenge;
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::PutApproval(ApprovalRequest request) {
  const std::lock_guard lock(mutex_);
  const Uuid id = request.approval_id;
  approvals_.try_emplace(id, std::move(request));
  co_return true;
}

Task<absl::StatusOr<std::optional<ApprovalRequest>>> FakeAuthenticatorStore::FindApproval(
    Uuid approval_id) {
  const std::lock_guard lock(mutex_);
  const auto entry = approvals_.find(approval_id);
  if (entry == approvals_.end() || ended_.contains(approval_id)) co_return std::nullopt;
  co_return std::make_optional(entry->second);
}

Task<absl::StatusOr<bool>> FakeAuthenticatorStore::EndApproval(ApprovalEnd end) {
  const std::lock_guard lock(mutex_);
  co_return ended_.insert(end.approval_id).second;
}

}  // namespace florin::auth
