// For tests: authenticators on the fakes, with mail and sessions that can be looked at.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "libs/async/runtime.h"
#include "libs/audit/fake_recorder.h"
#include "libs/crypto/sha256.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/store/fake_authenticator_store.h"
#include "services/auth/store/fake_email_token_store.h"
#include "services/auth/store/fake_throttle_store.h"

namespace florin::auth {

// Keeps what was sent. Thread-safe.
class FakeMail : public MailSender {
 public:
  Task<absl::Status> Send(Mail mail) override {
    const std::lock_guard lock(mutex_);
    sent_.push_back(std::move(mail));
    arrived_.notify_all();
    co_return absl::OkStatus();
  }
  // The message with that number, from 1; waits for it. Never on a thread of the runtime.
  Mail Wait(std::size_t number) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return sent_.size() >= number; });
    return sent_[number - 1];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return sent_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Mail> sent_;  // Guarded by mutex_.
};

// Counts, and fails when told. Thread-safe between calls of a test.
class FakeSessions : public SessionEnder {
 public:
  Task<absl::Status> EndSessionsOf(Uuid user_id, audit::Origin) override {
    if (fail) co_return Error(Reason::kUnavailable, "told to fail");
    ended.push_back(user_id);
    co_return absl::OkStatus();
  }
  bool fail = false;
  std::vector<Uuid> ended;
};

inline constexpr crypto::PasswordCost kCheapPassword = {.operations = 1, .memory_bytes = 8192};

inline crypto::SecretKeys TestKeys() {
  return crypto::SecretKeys::Parse("t " + crypto::Base64UrlEncode(std::string(32, 't'))).value();
}

// Whoever has one stops the runtime that its calls ran on before it goes.
struct TestAuthenticators {
  explicit TestAuthenticators(Clock& clock, IdSource& ids = SystemIds())
      : authenticators({.users = users,
                        .store = store,
                        .throttles = throttles,
                        .tokens = tokens,
                        .hasher = hasher,
                        .password_rules = rules,
                        .data_keys = data_keys,
                        .mail = mail,
                        .sessions = sessions,
                        .audit = audit,
                        .clock = clock,
                        .ids = ids},
                       {.relying_party = {.id = "bank.example",
                                          .name = "Florin",
                                          .origins = {"https://login.bank.example"}},
                        .reset_url = "https://login.bank.example/reset",
                        .verification_url = "https://login.bank.example/verify"}) {}

  FakeStore users;
  FakeAuthenticatorStore store{users};
  FakeThrottleStore throttles{users};
  FakeEmailTokenStore tokens{users};
  PasswordHasher hasher{{}, kCheapPassword};
  PasswordRules rules{CommonPasswords{"letmeinletmein1"}};
  crypto::DataKeys data_keys{TestKeys()};
  FakeMail mail;
  FakeSessions sessions;
  audit::FakeRecorder audit;
  Authenticators authenticators;
};

}  // namespace florin::auth
