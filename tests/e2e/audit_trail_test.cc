// The audit trails of auth, accounts and payments: what an auditor finds in them of what users did
// through HTTPS, and what florin-audit-verify says of them before and after somebody altered one.
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "florin/audit/v1/audit.rpc.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/rpc/channel.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using ::testing::HasSubstr;

// Payments are recorded where something is to be decided about them.
[[maybe_unused]] const bool kPolicy =
    AddSharedStackOptions({"--approval-policy", "EUR:3000:10000"});

// A service as the holder of a certificate asks it.
class Trail {
 public:
  Trail(const std::string& service, const std::string& variable, const std::string& who = "auditor")
      : channel_(runtime_.executor(), {.target = SharedStack().Variable(variable),
                                       .service = service,
                                       .certificates = rpc::CertificateFiles::In(
                                           SharedStack().Variable("FLORIN_CERTS"), who)}) {}

  absl::StatusOr<audit::v1::QueryEventsResponse> Query(
      const audit::v1::QueryEventsRequest& request) {
    return runtime_.Run(audit::v1::AuditClient(&channel_).QueryEvents(rpc::Outgoing(), request));
  }

  // The events of a subject and an action, once there are so many of them: the log comes to them
  // within a second.
  std::vector<audit::v1::Event> Wait(const std::string& subject, const std::string& action,
                                     std::size_t count) {
    audit::v1::QueryEventsRequest request;
    request.set_subject(subject);
    request.set_action(action);
    std::vector<audit::v1::Event> events;
    for (int i = 0; i < 600 && events.size() < count; ++i) {
      if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const auto response = Query(request);
      EXPECT_THAT(response, IsOk());
      if (!response.ok()) break;
      events.assign(response->events().begin(), response->events().end());
    }
    EXPECT_EQ(events.size(), count) << action << " of " << subject;
    return events;
  }

 private:
  async::Runtime runtime_{1};
  rpc::Channel channel_;
};

CommandResult Verify(const std::string& service, const std::string& variable) {
  const Stack& stack = SharedStack();
  return Run({absl::StrCat(std::getenv("FLORIN_BINARY_DIR"), "/bin/florin-audit-verify"),
              absl::StrCat("--key=", stack.Variable("FLORIN_AUDIT_KEYS"), "/", service, ".pub.pem"),
              "--service=" + service, "--target=" + stack.Variable(variable),
              "--certificates=" + stack.Variable("FLORIN_CERTS")});
}

Answer LogIn(ApiUser& user, const std::string& password) {
  return user.Post("/v1/login",
                   boost::json::object{{"email", user.email()}, {"password", password}},
                   {.token = ""});
}

TEST(AuditTrail, SaysWhoWasLetInAndWhoWasNot) {
  ApiUser user(SharedStack());
  const Answer refused = LogIn(user, "not the password at all");
  ASSERT_EQ(Outcome(refused), "401 invalid_credentials") << refused;

  Trail auth("auth", "FLORIN_AUTH");
  const auto registered = auth.Wait(user.user_id(), "auth.user.register", 1);
  ASSERT_EQ(registered.size(), 1u);
  EXPECT_EQ(registered[0].decision(), audit::v1::ALLOWED);
  EXPECT_EQ(registered[0].actor(), user.user_id());
  EXPECT_EQ(registered[0].caller(), "gateway");
  EXPECT_EQ(registered[0].client_address(), "127.0.0.1");

  const auto proofs = auth.Wait(user.user_id(), "auth.password.verify", 2);
  ASSERT_EQ(proofs.size(), 2u);
  EXPECT_EQ(proofs[0].decision(), audit::v1::ALLOWED);
  EXPECT_EQ(proofs[1].decision(), audit::v1::REFUSED);
  EXPECT_EQ(proofs[1].reason(), "invalid_credentials");
  EXPECT_EQ(proofs[1].actor(), "") << "nobody was recognised";
  EXPECT_EQ(proofs[1].client_address(), "127.0.0.1");
  EXPECT_EQ(proofs[1].request_id(), refused.headers.at("x-request-id"));
}

TEST(AuditTrail, SaysWhoOpenedAnAccount) {
  ApiUser user(SharedStack());
  const std::string account = user.OpenAccount("EUR");
  const auto opened =
      Trail("accounts", "FLORIN_ACCOUNTS").Wait(account, "accounts.account.open", 1);
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].actor(), user.user_id());
  EXPECT_EQ(opened[0].caller(), "gateway");
}

TEST(AuditTrail, SaysWhoPaidAndFromWhere) {
  ApiUser user(SharedStack());
  ApiUser payee(SharedStack());
  const std::string a = user.OpenAccount("EUR");
  const std::string b = payee.OpenAccount("EUR");
  user.Deposit(a, 1000);
  const Sent sent;
  const Answer first = user.Pay(a, b, 250, sent);
  ASSERT_EQ(Outcome(first), "200") << first;
  EXPECT_TRUE(user.Pay(a, b, 250, sent).replayed());
  const auto paid = Trail("payments", "FLORIN_PAYMENTS")
                        .Wait(first.Text("payment_id"), "payments.payment.create", 1);
  ASSERT_EQ(paid.size(), 1u);
  EXPECT_EQ(paid[0].actor(), user.user_id());
  EXPECT_EQ(paid[0].client_address(), "127.0.0.1");
  EXPECT_EQ(paid[0].request_id(), first.headers.at("x-request-id"));
  EXPECT_EQ(paid[0].details().at("amount_minor"), "250");
  EXPECT_EQ(paid[0].details().at("source"), a);
  EXPECT_EQ(paid[0].reason(), "low_value") << "it was exempt";
}

TEST(AuditTrail, IsForAuditorsAndOperators) {
  const audit::v1::QueryEventsRequest request;
  EXPECT_THAT(Trail("auth", "FLORIN_AUTH", "operator").Query(request), IsOk());
  for (const char* service : {"gateway", "payments", "ledger"}) {
    EXPECT_THAT(Trail("auth", "FLORIN_AUTH", service).Query(request),
                StatusHasReason(Reason::kCallerNotAllowed))
        << service;
  }
}

TEST(AuditTrail, ShowsWhatWasAlteredAfterwards) {
  ApiUser user(SharedStack());
  const std::string account = user.OpenAccount("EUR");
  Trail("accounts", "FLORIN_ACCOUNTS").Wait(account, "accounts.account.open", 1);
  for (const auto& [service, variable] :
       {std::pair{"auth", "FLORIN_AUTH"}, std::pair{"accounts", "FLORIN_ACCOUNTS"},
        std::pair{"payments", "FLORIN_PAYMENTS"}}) {
    const CommandResult good = Verify(service, variable);
    EXPECT_EQ(good.status, 0) << good.output;
  }
  const std::string where = absl::StrCat(" WHERE subject = '", account, "'");
  SharedStack().Query("UPDATE accounts.audit_events SET actor = 'usr_nobody'" + where +
                      " RETURNING 1");
  const CommandResult altered = Verify("accounts", "FLORIN_ACCOUNTS");
  SharedStack().Query(absl::StrCat("UPDATE accounts.audit_events SET actor = '", user.user_id(),
                                   "'", where, " RETURNING 1"));
  EXPECT_EQ(altered.status, 1) << altered.output;
  EXPECT_THAT(altered.output, HasSubstr("altered"));
  const CommandResult restored = Verify("accounts", "FLORIN_ACCOUNTS");
  EXPECT_EQ(restored.status, 0) << restored.output;
}

}  // namespace
}  // namespace florin::e2e
