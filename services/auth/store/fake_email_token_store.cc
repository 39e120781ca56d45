#include "services/auth/store/fake_email_token_store.h"

namespace florin::auth {

EmailToken* FakeEmailTokenStore::FindIn(EmailPurpose purpose, const crypto::Digest& token_hash,
                                        absl::Time now) {
  for (auto& [key, token] : tokens_) {
    if (token.purpose == purpose && token.token_hash == token_hash && token.expire_time > now) {
      return &token;
    }
  }
  return nullptr;
}

Task<absl::StatusOr<bool>> FakeEmailTokenStore::Put(EmailToken token) {
  const std::lock_guard lock(mutex_);
  const auto key = std::make_pair(token.user_id, token.purpose);
  if (const auto entry = tokens_.find(key);
      entry == tokens_.end() || entry->second.token_hash != token.token_hash) {
    tokens_[key] = std::move(token);
  }
  co_return true;
}

Task<absl::StatusOr<std::optional<EmailToken>>> FakeEmailTokenStore::Find(EmailPurpose purpose,
                                                                          crypto::Digest token_hash,
                                                                          absl::Time now) {
  const std::lock_guard lock(mutex_);
  const EmailToken* token = FindIn(purpose, token_hash, now);
  co_return token == nullptr ? std::nullopt : std::make_optional(*token);
}

Task<absl::StatusOr<bool>> FakeEmailTokenStore::SetPassword(crypto::Digest token_hash,
                                                            std::string password_hash,
                                                            absl::Time now, audit::Event) {
  const std::lock_guard lock(mutex_);
  EmailToken* token = FindIn(EmailPurpose::kPasswordReset, token_hash, now);
  if (token == nullptr || token->use_time) co_return false;
  token->use_time = now;
  users_.SetPasswordHash(token->user_id, std::move(password_hash));
  co_return true;
}

Task<absl::StatusOr<bool>> FakeEmailTokenStore::VerifyAddress(crypto::Digest token_hash,
                                                              absl::Time now, audit::Event) {
  const std::lock_guard lock(mutex_);
  EmailToken* token = FindIn(EmailPurpose::kEmailVerification, token_hash, now);
  if (token == nullptr || token->use_time) co_return false;
  const std::optional<User> user = users_.UserWithId(token->user_id);
  token->use_time = now;
  co_return user && user->email == token->email;
}

}  // namespace florin::auth
