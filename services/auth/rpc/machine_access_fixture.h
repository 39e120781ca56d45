// For tests: API keys, roles and proposals served over real gRPC and mutual TLS, on the fake
// stores and a clock that moves when told.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/fake_recorder.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/auth/flow/api_keys.h"
#include "services/auth/flow/role_changes.h"
#include "services/auth/rpc/api_keys_rpc.h"
#include "services/auth/rpc/proposals_rpc.h"
#include "services/auth/rpc/roles_rpc.h"
#include "services/auth/store/fake_api_key_store.h"
#include "services/auth/store/fake_proposal_store.h"
#include "services/auth/store/fake_role_store.h"

namespace florin::auth {

// Takes `USER SCOPE SCOPE…` for a token.
class PlainTokens : public rpc::Authenticator {
 public:
  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string token) override {
    std::vector<std::string> words = absl::StrSplit(token, ' ');
    rpc::Principal principal;
    principal.user_id = words[0];
    principal.scopes.assign(words.begin() + 1, words.end());
    co_return principal;
  }
};

class MachineAccessTest : public ::testing::Test {
 protected:
  MachineAccessTest() {
    for (const Uuid& user : {ann_, bob_, eve_}) role_store_.AddUser(user);
    auto server = rpc::Server::Start(
        runtime_.executor(),
        {.listen = "127.0.0.1:0",
         .certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth"),
         .authenticator = &tokens_},
        {&api_keys_rpc_, &roles_rpc_, &proposals_rpc_});
    server_ = std::move(server).value();
    for (const char* caller : {"gateway", "payments", "accounts", "operator"}) {
      channels_[caller] = std::make_unique<rpc::Channel>(
          runtime_.executor(),
          rpc::ChannelOptions{
              .target = "127.0.0.1:" + std::to_string(server_->port()),
              .service = "auth",
              .certificates = rpc::CertificateFiles::In(certificates_.directory(), caller)});
    }
  }
  ~MachineAccessTest() override {
    server_->Drain(absl::ZeroDuration());
    runtime_.Stop();
  }

  rpc::Channel* Channel(const std::string& caller) { return channels_.at(caller).get(); }
  // The refusals in the audit trail so far, each as `action reason`.
  std::vector<std::string> Refusals() const {
    std::vector<std::string> refusals;
    for (const audit::Event& event : recorder_.events()) {
      refusals.push_back(event.action + " " + event.reason);
    }
    return refusals;
  }
  static std::string Name(const Uuid& user) { return FormatId(IdKind::kUser, user); }
  static rpc::Outgoing As(const Uuid& user, const std::string& scopes,
                          const std::string& idempotency_key = "") {
    rpc::Outgoing context;
    context.user_token = Name(user) + " " + scopes;
    context.idempotency_key = idempotency_key;
    return context;
  }
  static rpc::Outgoing WithKey(const std::string& idempotency_key) {
    rpc::Outgoing context;
    context.idempotency_key = idempotency_key;
    return context;
  }

  async::Runtime runtime_{2};
  testing::TestCertificates certificates_{
      {"auth", "gateway", "payments", "accounts", "operator", "ledger"}};
  FakeClock clock_{absl::FromUnixMicros(1'800'000'000'123'456)};
  FakeApiKeyStore key_store_;
  FakeRoleStore role_store_;
  FakeProposalStore proposal_store_;
  ApiKeys api_keys_{key_store_, role_store_, clock_, SystemIds(), crypto::ApiKeyMode::kTest};
  RoleChanges role_changes_{role_store_, proposal_store_, clock_};
  audit::FakeRecorder recorder_;
  RefusedAttempts refused_{recorder_, clock_, SystemIds()};
  ApiKeysRpc api_keys_rpc_{api_keys_, key_store_, refused_};
  RolesRpc roles_rpc_{role_changes_, role_store_, refused_};
  ProposalsRpc proposals_rpc_{proposal_store_, role_store_, refused_, clock_, SystemIds()};
  PlainTokens tokens_;
  std::unique_ptr<rpc::Server> server_;
  std::map<std::string, std::unique_ptr<rpc::Channel>> channels_;
  const Uuid ann_ = SystemIds().NewId();
  const Uuid bob_ = SystemIds().NewId();
  const Uuid eve_ = SystemIds().NewId();
};

}  // namespace florin::auth
