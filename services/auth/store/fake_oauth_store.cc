#include "services/auth/store/fake_oauth_store.h"

#include <algorithm>
#include <set>

namespace florin::auth {
namespace {

template <class Map, class Key>
auto Find(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt
                            : std::optional<typename Map::mapped_type>(found->second);
}

// Deletes at most `limit` for which `which` holds.
template <class Map, class Which>
int Delete(Map& map, int limit, Which which) {
  int deleted = 0;
  for (auto entry = map.begin(); entry != map.end() && deleted < limit;) {
    const bool gone = which(entry->second);
    entry = gone ? map.erase(entry) : std::next(entry);
    deleted += gone;
  }
  return deleted;
}

}  // namespace

Task<absl::StatusOr<Client>> FakeOAuthStore::RegisterClient(Client client, audit::Event) {
  const std::lock_guard lock(mutex_);
  co_return clients_.try_emplace(client.client_id, client).first->second;
}

Task<absl::StatusOr<std::optional<Client>>> FakeOAuthStore::FindClient(std::string client_id) {
  const std::lock_guard lock(mutex_);
  co_return Find(clients_, client_id);
}

Task<absl::StatusOr<std::vector<Client>>> FakeOAuthStore::ListClients(std::string after,
                                                                      int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Client> page;
  for (auto entry = clients_.upper_bound(after);
       entry != clients_.end() && static_cast<int>(page.size()) < limit; ++entry) {
    page.push_back(entry->second);
  }
  co_return page;
}

Task<absl::StatusOr<std::vector<std::string>>> FakeOAuthStore::ListCorsOrigins() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> origins;
  for (const auto& [id, client] : clients_) {
    if (!client.disable_time)
      origins.insert(client.cors_origins.begin(), client.cors_origins.end());
  }
  co_return std::vector<std::string>(origins.begin(), origins.end());
}

Task<absl::StatusOr<std::optional<Client>>> FakeOAuthStore::DisableClient(std::string client_id,
                                                                          absl::Time now,
                                                                          audit::Event) {
  const std::lock_guard lock(mutex_);
  const auto client = clients_.find(client_id);
  if (client == clients_.end()) co_return std::nullopt;
  if (!client->second.disable_time) client->second.disable_time = now;
  RevokeGrants(now, [&client_id](const Grant& grant) { return grant.client_id == client_id; });
  co_return client->second;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::UseAssertion(std::string client_id, std::string jti,
                                                        Uuid attempt, absl::Time expires_at) {
  const std::lock_guard lock(mutex_);
  const Used used = {attempt, expires_at};
  const auto [entry, first] = assertions_.try_emplace({std::move(client_id), std::move(jti)}, used);
  co_return entry->second.attempt == attempt;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::PushRequest(PushedRequest request) {
  const std::lock_guard lock(mutex_);
  const crypto::Digest uri = request.request_uri;
  requests_.try_emplace(uri, Request{std::move(request), std::nullopt});
  co_return true;
}

Task<absl::StatusOr<std::optional<PushedRequest>>> FakeOAuthStore::FindRequest(
    crypto::Digest request_uri, std::string client_id, absl::Time now) {
  const std::lock_guard lock(mutex_);
  const auto request = requests_.find(request_uri);
  if (request == requests_.end() || request->second.used_by ||
      request->second.pushed.client_id != client_id || request->second.pushed.expires_at <= now) {
    co_return std::nullopt;
  }
  co_return request->second.pushed;
}

bool FakeOAuthStore::UseUp(const crypto::Digest& request_uri, const std::string& client_id,
                           Uuid attempt, absl::Time now) {
  const auto request = requests_.find(request_uri);
  if (request == requests_.end() || request->second.pushed.client_id != client_id ||
      request->second.pushed.expires_at <= now ||
      request->second.used_by.value_or(attempt) != attempt) {
    return false;
  }
  request->second.used_by = attempt;
  return true;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::HoldRequest(crypto::Digest request_uri,
                                                       std::string client_id, absl::Time now,
                                                       absl::Time until) {
  const std::lock_guard lock(mutex_);
  const auto entry = requests_.find(request_uri);
  if (entry == requests_.end()) co_return false;
  Request& kept = entry->second;
  if (kept.pushed.client_id != client_id || kept.used_by || kept.pushed.expires_at <= now) {
    co_return false;
  }
  kept.pushed.expires_at = std::max(kept.pushed.expires_at, until);
  co_return true;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::GrantRequest(crypto::Digest request_uri, Grant grant,
                                                        Code code, audit::Event) {
  const std::lock_guard lock(mutex_);
  if (!UseUp(request_uri, grant.client_id, grant.grant_id, grant.create_time)) co_return false;
  const Uuid grant_id = grant.grant_id;
  grants_.try_emplace(grant_id, std::move(grant));
  const crypto::Digest digest = code.code;
  codes_.try_emplace(digest, Redeemable{std::move(code), std::nullopt});
  co_return true;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::DenyRequest(crypto::Digest request_uri,
                                                       std::string client_id, Uuid attempt,
                                                       absl::Time now) {
  const std::lock_guard lock(mutex_);
  co_return UseUp(request_uri, client_id, attempt, now);
}

Task<absl::StatusOr<std::optional<Consent>>> FakeOAuthStore::FindConsent(Uuid user_id,
                                                                         std::string client_id) {
  const std::lock_guard lock(mutex_);
  co_return Find(consents_, std::pair(user_id, client_id));
}

Task<absl::StatusOr<bool>> FakeOAuthStore::RecordConsent(Consent consent) {
  const std::lock_guard lock(mutex_);
  Consent& kept =
      consents_.try_emplace({consent.user_id, consent.client_id}, consent).first->second;
  kept.scopes.insert(kept.scopes.end(), consent.scopes.begin(), consent.scopes.end());
  std::sort(kept.scopes.begin(), kept.scopes.end());
  kept.scopes.erase(std::unique(kept.scopes.begin(), kept.scopes.end()), kept.scopes.end());
  kept.time = consent.time;
  co_return true;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::RevokeConsent(Uuid user_id, std::string client_id,
                                                         absl::Time now, audit::Event) {
  const std::lock_guard lock(mutex_);
  consents_.erase({user_id, client_id});
  RevokeGrants(now, [&](const Grant& grant) {
    return grant.user_id == user_id && grant.client_id == client_id;
  });
  co_return true;
}

Task<absl::StatusOr<std::vector<Grant>>> FakeOAuthStore::ListGrants(Uuid user_id,
                                                                    absl::Time since) {
  const std::lock_guard lock(mutex_);
  std::vector<Grant> grants;
  for (const auto& [id, grant] : grants_) {
    if (grant.user_id == user_id && !grant.revoke_time && grant.create_time >= since) {
      grants.push_back(grant);
    }
  }
  std::sort(grants.begin(), grants.end(),
            [](const Grant& a, const Grant& b) { return a.create_time > b.create_time; });
  if (grants.size() > 100) grants.resize(100);
  co_return grants;
}

Task<absl::StatusOr<std::optional<Code>>> FakeOAuthStore::FindCode(crypto::Digest code) {
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(code);
  if (found == codes_.end()) co_return std::nullopt;
  Code copy = found->second.code;
  copy.redeemed = found->second.redeemed_by.has_value();
  co_return copy;
}

Task<absl::StatusOr<std::optional<Grant>>> FakeOAuthStore::FindGrant(Uuid grant_id) {
  const std::lock_guard lock(mutex_);
  co_return Find(grants_, grant_id);
}

void FakeOAuthStore::Keep(const IssuedAccessToken& access,
                          const std::optional<RefreshToken>& refresh) {
  access_tokens_.try_emplace(access.token_id, access);
  if (refresh) refresh_tokens_.try_emplace(refresh->token, *refresh);
}

Task<absl::StatusOr<Redemption>> FakeOAuthStore::RedeemCode(crypto::Digest code,
                                                            IssuedAccessToken access,
                                                            std::optional<RefreshToken> refresh,
                                                            absl::Time now, audit::Event) {
  const std::lock_guard lock(mutex_);
  const auto found = codes_.find(code);
  if (found == codes_.end()) co_return Redemption::kRefused;
  Redeemable& entry = found->second;
  const Uuid grant_id = entry.code.grant_id;
  if (entry.redeemed_by.value_or(access.token_id) != access.token_id) {
    RevokeGrants(now, [&](const Grant& grant) { return grant.grant_id == grant_id; });
    co_return Redemption::kReused;
  }
  if (entry.code.expires_at <= now || grants_.at(grant_id).revoke_time) {
    co_return Redemption::kRefused;
  }
  entry.redeemed_by = access.token_id;
  Keep(access, refresh);
  co_return Redemption::kDone;
}

Task<absl::StatusOr<std::optional<RefreshToken>>> FakeOAuthStore::FindRefreshToken(
    crypto::Digest token) {
  const std::lock_guard lock(mutex_);
  co_return Find(refresh_tokens_, token);
}

Task<absl::StatusOr<Redemption>> FakeOAuthStore::UseRefreshToken(crypto::Digest token,
                                                                 IssuedAccessToken access,
                                                                 std::optional<RefreshToken> next,
                                                                 absl::Time now, audit::Event) {
  const std::lock_guard lock(mutex_);
  const auto found = refresh_tokens_.find(token);
  if (found == refresh_tokens_.end()) co_return Redemption::kRefused;
  if (access_tokens_.contains(access.token_id)) co_return Redemption::kDone;
  const Uuid grant_id = found->second.grant_id;
  if (grants_.at(grant_id).revoke_time) co_return Redemption::kRefused;
  const RefreshDecision decision = DecideRefresh(found->second.state, now);
  if (decision == RefreshDecision::kReuse) {
    RevokeGrants(now, [&](const Grant& grant) { return grant.grant_id == grant_id; });
    co_return Redemption::kReused;
  }
  if (decision == RefreshDecision::kExpired) co_return Redemption::kRefused;
  if (next) {
    for (auto& [digest, one] : refresh_tokens_) {
      if (one.grant_id == grant_id && !one.state.replaced_at) one.state.replaced_at = now;
    }
  } else {
    found->second.state.used_at = now;
  }
  Keep(access, next);
  co_return Redemption::kDone;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::KeepAccessToken(IssuedAccessToken access, audit::Event) {
  const std::lock_guard lock(mutex_);
  Keep(access, std::nullopt);
  co_return true;
}

bool FakeOAuthStore::IsRevoked(const IssuedAccessToken& token) const {
  return token.revoked || (token.grant_id && grants_.at(*token.grant_id).revoke_time);
}

Task<absl::StatusOr<std::optional<IssuedAccessToken>>> FakeOAuthStore::FindAccessToken(
    Uuid token_id) {
  const std::lock_guard lock(mutex_);
  std::optional<IssuedAccessToken> found = Find(access_tokens_, token_id);
  if (found) found->revoked = IsRevoked(*found);
  co_return found;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::RevokeAccessToken(Uuid token_id, absl::Time,
                                                             audit::Event) {
  const std::lock_guard lock(mutex_);
  const auto token = access_tokens_.find(token_id);
  if (token == access_tokens_.end()) co_return false;
  token->second.revoked = true;
  co_return true;
}

template <class Which>
int FakeOAuthStore::RevokeGrants(absl::Time now, Which which) {
  int revoked = 0;
  for (auto& [id, grant] : grants_) {
    if (grant.revoke_time || !which(grant)) continue;
    grant.revoke_time = now;
    ++revoked;
  }
  return revoked;
}

Task<absl::StatusOr<bool>> FakeOAuthStore::RevokeGrant(Uuid grant_id, absl::Time now,
                                                       audit::Event) {
  const std::lock_guard lock(mutex_);
  RevokeGrants(now, [&](const Grant& grant) { return grant.grant_id == grant_id; });
  co_return grants_.contains(grant_id);
}

Task<absl::StatusOr<int>> FakeOAuthStore::RevokeSession(std::string session_id, absl::Time now) {
  const std::lock_guard lock(mutex_);
  co_return RevokeGrants(now, [&](const Grant& grant) { return grant.session_id == session_id; });
}

Task<absl::StatusOr<int>> FakeOAuthStore::RevokeUser(Uuid user_id, absl::Time now) {
  const std::lock_guard lock(mutex_);
  co_return RevokeGrants(now, [&](const Grant& grant) { return grant.user_id == user_id; });
}

Task<absl::StatusOr<std::vector<Uuid>>> FakeOAuthStore::ListRevokedAccessTokens(absl::Time now,
                                                                                int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<IssuedAccessToken> revoked;
  for (const auto& [id, token] : access_tokens_) {
    if (token.expires_at > now && IsRevoked(token)) revoked.push_back(token);
  }
  std::sort(revoked.begin(), revoked.end(),
            [](const auto& a, const auto& b) { return a.expires_at > b.expires_at; });
  std::vector<Uuid> ids;
  for (const IssuedAccessToken& token : revoked) {
    if (static_cast<int>(ids.size()) < limit) ids.push_back(token.token_id);
  }
  co_return ids;
}

Task<absl::StatusOr<int>> FakeOAuthStore::DeleteExpired(absl::Time now, int limit) {
  const std::lock_guard lock(mutex_);
  const auto expired = [now](const auto& one) { return one.expires_at <= now; };
  int deleted = Delete(assertions_, limit, expired);
  deleted +=
      Delete(requests_, limit, [&](const Request& one) { return one.pushed.expires_at <= now; });
  deleted += Delete(access_tokens_, limit, expired);
  const absl::Time ended = now - kGrantKept;
  deleted += Delete(grants_, limit, [&](const Grant& one) { return one.create_time <= ended; });
  const auto orphaned = [this](const Uuid& id) { return !grants_.contains(id); };
  std::erase_if(codes_, [&](const auto& one) { return orphaned(one.second.code.grant_id); });
  std::erase_if(refresh_tokens_, [&](const auto& one) { return orphaned(one.second.grant_id); });
  std::erase_if(access_tokens_, [&](const auto& one) {
    return one.second.grant_id && orphaned(*one.second.grant_id);
  });
  co_return deleted;
}

}  // namespace florin::auth
