#include "tests/e2e/operator.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "florin/auth/v1/roles.rpc.h"
#include "gtest/gtest.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

std::string PortOf(const std::string& service) {
  std::ifstream ports(SharedStack().home() + "/ports");
  std::string name;
  for (std::string port; ports >> name >> port;) {
    if (name == service) return port;
  }
  ADD_FAILURE() << "no port of " << service;
  return "0";
}

auth::v1::ChangeRoleRequest Change(const std::string& user_id, const std::string& role,
                                   const std::string& proposal_id) {
  auth::v1::ChangeRoleRequest request;
  request.set_user_id(user_id);
  request.set_role(role);
  request.set_proposal_id(proposal_id);
  return request;
}

}  // namespace

ServiceCaller::ServiceCaller(const std::string& service, const std::string& caller)
    : channel_(runtime_.executor(), {.target = "127.0.0.1:" + PortOf(service),
                                     .service = service,
                                     .certificates = rpc::CertificateFiles::In(
                                         SharedStack().Variable("FLORIN_CERTS"), caller)}) {}

absl::StatusOr<auth::v1::UserRoles> AssignRole(const std::string& user_id, const std::string& role,
                                               const std::string& proposal_id) {
  ServiceCaller caller("auth", "operator");
  const auth::v1::RolesClient client(caller.channel());
  rpc::Outgoing context;
  context.idempotency_key = Fresh("role");
  return caller.runtime().Run(client.AssignRole(context, Change(user_id, role, proposal_id)));
}

absl::StatusOr<auth::v1::UserRoles> RemoveRole(const std::string& user_id, const std::string& role,
                                               const std::string& proposal_id) {
  ServiceCaller caller("auth", "operator");
  const auth::v1::RolesClient client(caller.channel());
  rpc::Outgoing context;
  context.idempotency_key = Fresh("role");
  return caller.runtime().Run(client.RemoveRole(context, Change(user_id, role, proposal_id)));
}

Answer LogIn(ApiUser& user, const std::string& scope) {
  return user.Post(
      "/v1/login",
      boost::json::object{{"email", user.email()}, {"password", user.password()}, {"scope", scope}},
      {.key = "", .token = ""});
}

std::string TokenWith(ApiUser& user, const std::string& scope) {
  const Answer answer = LogIn(user, scope);
  EXPECT_EQ(Outcome(answer), "200") << answer;
  return answer.Text("access_token");
}

}  // namespace florin::e2e
