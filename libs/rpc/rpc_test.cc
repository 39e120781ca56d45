// A real server and a real channel over mutual TLS, with the accounts proto as the guinea pig.
#include <map>

#include "florin/accounts/v1/accounts.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status_wire.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::rpc {
namespace {

using accounts::v1::Account;
using accounts::v1::AccountsClient;
using accounts::v1::AccountsService;
using accounts::v1::Customer;

// Knows two tokens: "reader" may read, "writer" may write.
class TwoTokens : public Authenticator {
 public:
  Task<absl::StatusOr<Principal>> Authenticate(std::string token) override {
    if (token != "reader" && token != "writer") {
      co_return Error(Reason::kTokenInvalid, "not a token");
    }
    Principal principal;
    principal.user_id = "usr_" + token;
    principal.scopes.push_back(token == "reader" ? "accounts:read" : "accounts:write");
    co_return principal;
  }
};

// Answers GetAccount with what it knows of its call; CreateCustomer is always a replay.
class Echo : public AccountsService {
  template <class Response>
  static Task<absl::StatusOr<Response>> NotUsed() {
    co_return Error(Reason::kMethodNotFound, "not part of the test");
  }

  Task<absl::StatusOr<Account>> GetAccount(
      Call& call, const accounts::v1::GetAccountRequest& request) override {
    if (request.account_id() == "missing") {
      co_return Error(Reason::kAccountNotFound, "no such account",
                      {.param = "account_id", .metadata = {{"hint", "x"}}});
    }
    Account account;
    account.set_account_id(request.account_id());
    account.set_customer_id(call.principal().user_id);
    account.set_display_name(call.caller() + " " + call.request_id() + " " + call.traceparent() +
                             " " + call.client_address());
    co_return account;
  }
  Task<absl::StatusOr<Customer>> CreateCustomer(
      Call& call, const accounts::v1::CreateCustomerRequest&) override {
    call.MarkReplayed();
    Customer customer;
    customer.set_customer_id(call.idempotency_key());
    co_return customer;
  }
  Task<absl::StatusOr<Customer>> GetCustomer(Call&,
                                             const accounts::v1::GetCustomerRequest&) override {
    return NotUsed<Customer>();
  }
  Task<absl::StatusOr<Account>> OpenAccount(Call&,
                                            const accounts::v1::OpenAccountRequest&) override {
    return NotUsed<Account>();
  }
  Task<absl::StatusOr<accounts::v1::ListAccountsResponse>> ListAccounts(
      Call&, const accounts::v1::ListAccountsRequest&) override {
    return NotUsed<accounts::v1::ListAccountsResponse>();
  }
  Task<absl::StatusOr<accounts::v1::ListAccountEntriesResponse>> ListAccountEntries(
      Call&, const accounts::v1::ListAccountEntriesRequest&) override {
    return NotUsed<accounts::v1::ListAccountEntriesResponse>();
  }
  Task<absl::StatusOr<accounts::v1::LookUpAccountsResponse>> LookUpAccounts(
      Call&, const accounts::v1::LookUpAccountsRequest&) override {
    co_return accounts::v1::LookUpAccountsResponse();
  }
};

// With calls that share a stream, and with calls that don't.
class RpcTest : public ::testing::TestWithParam<bool> {
 protected:
  RpcTest() {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.certificates = CertificateFiles::In(certificates_.directory(), "accounts");
    options.authenticator = &tokens_;
    server_ = *Server::Start(runtime_.executor(), options, {&echo_});
  }
  ~RpcTest() override {
    channels_.clear();
    server_.reset();
  }

  Channel& ChannelAs(const std::string& caller, const std::string& expected = "accounts") {
    ChannelOptions options;
    options.target = "127.0.0.1:" + std::to_string(server_->port());
    options.service = expected;
    options.certificates = CertificateFiles::In(certificates_.directory(), caller);
    options.share_stream = GetParam();
    return *channels_.emplace_back(std::make_unique<Channel>(runtime_.executor(), options));
  }

  absl::StatusOr<Account> GetAccount(const std::string& caller, const std::string& token,
                                     const std::string& account_id = "a") {
    accounts::v1::GetAccountRequest request;
    request.set_account_id(account_id);
    Outgoing context;
    context.user_token = token;
    context.request_id = "req_1";
    context.traceparent = "00-t-s-01";
    context.client_address = "192.0.2.1";
    return runtime_.Run(AccountsClient(&ChannelAs(caller)).GetAccount(context, request));
  }

  Reply CreateCustomer(const std::string& token, const std::string& key) {
    Outgoing context;
    context.user_token = token;
    context.idempotency_key = key;
    return runtime_.Run(
        ChannelAs("gateway").CallBytes("/florin.accounts.v1.Accounts/CreateCustomer", context, ""));
  }

  testing::TestCertificates certificates_{{"accounts", "gateway", "payments", "ledger"}};
  async::Runtime runtime_{2};
  TwoTokens tokens_;
  Echo echo_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<Channel>> channels_;
};

INSTANTIATE_TEST_SUITE_P(Calls, RpcTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "ShareAStream" : "GoAlone"; });

TEST_P(RpcTest, ContextReachesTheHandler) {
  const auto account = GetAccount("gateway", "reader");
  ASSERT_THAT(account, IsOk());
  EXPECT_EQ(account->customer_id(), "usr_reader");
  EXPECT_EQ(account->display_name(), "gateway req_1 00-t-s-01 192.0.2.1");
}

TEST_P(RpcTest, ErrorsKeepReasonParamAndMetadata) {
  const absl::Status status = GetAccount("gateway", "reader", "missing").status();
  EXPECT_THAT(status, StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(status, StatusHasParam("account_id"));
  EXPECT_EQ(DetailOf(status).metadata.at("hint"), "x");
}

TEST_P(RpcTest, ACallerThatTheMethodDoesNotListIsRefused) {
  EXPECT_THAT(GetAccount("ledger", "reader"), StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(GetAccount("payments", "reader"), StatusHasReason(Reason::kCallerNotAllowed));
  const accounts::v1::LookUpAccountsRequest request;
  EXPECT_THAT(
      runtime_.Run(AccountsClient(&ChannelAs("gateway")).LookUpAccounts(Outgoing(), request)),
      StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(
      runtime_.Run(AccountsClient(&ChannelAs("payments")).LookUpAccounts(Outgoing(), request)),
      IsOk());
}

TEST_P(RpcTest, ATokenWithTheScopeIsNeeded) {
  EXPECT_THAT(GetAccount("gateway", ""), StatusHasReason(Reason::kTokenMissing));
  EXPECT_THAT(GetAccount("gateway", "forged"), StatusHasReason(Reason::kTokenInvalid));
  const absl::Status status = GetAccount("gateway", "writer").status();
  EXPECT_THAT(status, StatusHasReason(Reason::kScopeMissing));
  EXPECT_EQ(DetailOf(status).metadata.at("scope"), "accounts:read");
}

TEST_P(RpcTest, AKeyOfTheRightShapeIsNeeded) {
  EXPECT_THAT(CreateCustomer("writer", "").payload,
              StatusHasReason(Reason::kIdempotencyKeyMissing));
  EXPECT_THAT(CreateCustomer("writer", std::string(256, 'k')).payload,
              StatusHasReason(Reason::kIdempotencyKeyInvalid));
  EXPECT_THAT(CheckIdempotencyKey("with space"), StatusHasReason(Reason::kIdempotencyKeyInvalid));
  EXPECT_THAT(CheckIdempotencyKey(std::string(255, 'k')), IsOk());
}

TEST_P(RpcTest, AReplayIsMarked) {
  const Reply reply = CreateCustomer("writer", "k1");
  ASSERT_THAT(reply.payload, IsOk());
  EXPECT_TRUE(reply.replayed);
}

TEST_P(RpcTest, AServerOfAnotherNameIsNotAccepted) {
  Outgoing context;
  context.deadline = SystemClock().Now() + absl::Seconds(10);
  const Reply reply =
      runtime_.Run(ChannelAs("gateway", "ledger")
                       .CallBytes("/florin.accounts.v1.Accounts/GetAccount", context, ""));
  EXPECT_THAT(reply.payload, StatusHasReason(Reason::kUnavailable));
}

TEST_P(RpcTest, AClientOfAnotherCaIsNotAccepted) {
  const testing::TestCertificates others({"gateway"});
  ChannelOptions options;
  options.target = "127.0.0.1:" + std::to_string(server_->port());
  options.service = "accounts";
  options.certificates = CertificateFiles::In(others.directory(), "gateway");
  options.certificates.ca = certificates_.directory() + "/ca.crt";
  Channel channel(runtime_.executor(), options);
  Outgoing context;
  context.user_token = "reader";
  const Reply reply =
      runtime_.Run(channel.CallBytes("/florin.accounts.v1.Accounts/GetAccount", context, ""));
  EXPECT_THAT(reply.payload, StatusHasReason(Reason::kUnavailable));
}

TEST_P(RpcTest, ConnectTellsWhetherTheServerIsThere) {
  Channel& channel = ChannelAs("gateway");
  EXPECT_THAT(runtime_.Run(channel.Connect(SystemClock().Now() + absl::Seconds(10))), IsOk());
  server_->Drain(absl::ZeroDuration());
  EXPECT_FALSE(runtime_.Run(channel.Connect(SystemClock().Now() + absl::Milliseconds(200))).ok());
}

TEST(StatusWire, BareCodesOfGrpcGetTheirReason) {
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "x")),
              StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "x")),
              StatusHasReason(Reason::kDeadlineExceeded));
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::StatusCode::DATA_LOSS, "x")),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(FromGrpc(ToGrpc(absl::OkStatus())), IsOk());
}

TEST(Call, PassesOnWhatItShould) {
  Outgoing incoming;
  incoming.deadline = absl::FromUnixSeconds(100);
  incoming.user_token = "t";
  incoming.idempotency_key = "k";
  const Call call("gateway", incoming, Principal(), true);
  EXPECT_EQ(call.OnBehalfOfUser().user_token, "t");
  EXPECT_EQ(call.AsService().user_token, "");
  EXPECT_EQ(call.AsService().idempotency_key, "");
  EXPECT_EQ(call.AsService().deadline, incoming.deadline - absl::Milliseconds(50));
}

}  // namespace
}  // namespace florin::rpc
