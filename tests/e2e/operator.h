// Whoever has the operator's certificate, and calls of services with any other one.
#pragma once

#include <string>

#include "florin/auth/v1/roles.pb.h"
#include "libs/async/runtime.h"
#include "libs/rpc/channel.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {

// A connection to a service of SharedStack() with the certificate of `caller`. Blocking; not
// thread-safe.
class ServiceCaller {
 public:
  ServiceCaller(const std::string& service, const std::string& caller);

  // `client.Method` of a generated client, and its answer.
  rpc::Channel* channel() { return &channel_; }
  async::Runtime& runtime() { return runtime_; }

 private:
  async::Runtime runtime_{1};
  rpc::Channel channel_;
};

// Gives and takes a role as the operator.
absl::StatusOr<auth::v1::UserRoles> AssignRole(const std::string& user_id, const std::string& role,
                                               const std::string& proposal_id = "");
absl::StatusOr<auth::v1::UserRoles> RemoveRole(const std::string& user_id, const std::string& role,
                                               const std::string& proposal_id = "");

// Logs the user in with these scopes.
Answer LogIn(ApiUser& user, const std::string& scope);
// The token of that, which must succeed.
std::string TokenWith(ApiUser& user, const std::string& scope);

}  // namespace florin::e2e
