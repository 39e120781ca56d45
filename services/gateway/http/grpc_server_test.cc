// gRPC and gRPC-Web from outside: a stock gRPC client over TLS, and bytes.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/rpc/status_wire.h"
#include "libs/status/matchers.h"
#include "services/gateway/http/test_gateway.h"
#include "services/gateway/http/test_h2_client.h"

namespace florin::gateway {
namespace {

using namespace std::string_literals;
using payments::v1::CreatePaymentRequest;
using payments::v1::Payment;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kCreate[] = "/florin.payments.v1.Payments/CreatePayment";

using Metadata = std::map<std::string, std::string>;
const Metadata kAll = {{"authorization", "Bearer all"}, {"idempotency-key", "k1"}};

struct Outcome {
  grpc::Status status;
  std::string payload;
  Metadata initial;
};

class GrpcTest : public GatewayTest {
 protected:
  std::shared_ptr<grpc::Channel> Dial() {
    std::ostringstream ca;
    ca << std::ifstream(certificates_.directory() + "/ca.crt").rdbuf();
    return grpc::CreateChannel(absl::StrCat("localhost:", port()),
                               grpc::SslCredentials({.pem_root_certs = ca.str()}));
  }

  // One unary call of a stock client.
  Outcome Call(const std::string& method, const std::string& request,
               const Metadata& metadata = kAll,
               const std::function<void(grpc::ClientContext&)>& prepare = {}) {
    if (channel_ == nullptr) channel_ = Dial();
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
    if (prepare) prepare(context);
    const grpc::Slice slice(request);
    grpc::ByteBuffer sent(&slice, 1);
    grpc::ByteBuffer received;
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    auto call = stub.PrepareUnaryCall(&context, method, sent, &queue);
    call->StartCall();
    Outcome outcome;
    call->Finish(&received, &outcome.status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    std::vector<grpc::Slice> slices;
    if (outcome.status.ok() && received.Dump(&slices).ok()) {
      for (const grpc::Slice& piece : slices)
        outcome.payload.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
    }
    for (const auto& [name, value] : context.GetServerInitialMetadata())
      outcome.initial.emplace(std::string(name.data(), name.size()),
                              std::string(value.data(), value.size()));
    return outcome;
  }

  static std::string Request(const std::string& reference) {
    CreatePaymentRequest request;
    request.set_source_account_id("acc_1");
    request.set_reference(reference);
    return request.SerializeAsString();
  }

  static std::string Framed(const std::string& message) {
    return "\0"s + H2Number(static_cast<std::uint32_t>(message.size())) + message;
  }

  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(GrpcTest, CarriesACallThroughAndBack) {
  Metadata metadata = kAll;
  metadata["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  metadata["x-user-id"] = "usr_2";
  const Outcome outcome = Call(kCreate, Request("Zoë"), metadata);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  Payment payment;
  ASSERT_TRUE(payment.ParseFromString(outcome.payload));
  EXPECT_EQ(payment.payment_id(), "pay_1");
  EXPECT_EQ(payment.reference(), "Zoë");
  const SeenCall call = upstream_.LastCall();
  EXPECT_EQ(call.caller, "gateway");
  EXPECT_EQ(call.user_id, "usr_1");
  EXPECT_EQ(call.idempotency_key, "k1");
  EXPECT_THAT(call.traceparent, StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
  EXPECT_EQ(outcome.initial.at("x-request-id"), call.request_id);
  EXPECT_FALSE(outcome.initial.contains("idempotency-replayed"));
}

TEST_F(GrpcTest, ShowsARefusalWithItsReason) {
  const Outcome outcome = Call(kCreate, Request("refuse again"));
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(outcome.status.error_message(), "not enough");
  const absl::Status status = rpc::FromGrpc(outcome.status);
  EXPECT_THAT(status, StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_EQ(DetailOf(status).metadata.at("payment_id"), "pay_1");
}

TEST_F(GrpcTest, MarksReplays) {
  EXPECT_EQ(Call(kCreate, Request("replay")).initial.at("idempotency-replayed"), "true");
}

TEST_F(GrpcTest, HidesFaultsInside) {
  const Outcome broken = Call(kCreate, Request("break"));
  EXPECT_EQ(broken.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(broken.status.error_message(), "Internal");
  EXPECT_THAT(broken.status.error_details(), Not(HasSubstr("secret")));
  const Outcome down = Call("/florin.auth.v1.Auth/LogIn", "");
  EXPECT_EQ(down.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(down.status.error_message(), Not(HasSubstr("127.0.0.1")));
}

TEST_F(GrpcTest, RefusesBeforeItCalls) {
  const Metadata none;
  const Metadata reader = {{"authorization", "Bearer reader"}, {"idempotency-key", "k"}};
  const Metadata keyless = {{"authorization", "Bearer all"}};
  const std::string unknown = Request("x") + "\xf8\x07\x01";  // Field 127.
  const struct {
    std::string method;
    std::string request;
    Metadata metadata;
    Reason reason;
  } cases[] = {
      {kCreate, Request("x"), none, Reason::kTokenMissing},
      {kCreate, Request("x"), {{"authorization", "Bearer expired"}}, Reason::kTokenExpired},
      {kCreate, Request("x"), reader, Reason::kScopeMissing},
      {kCreate, Request("x"), keyless, Reason::kIdempotencyKeyMissing},
      {kCreate, unknown, kAll, Reason::kUnknownField},
      {kCreate, "\x0a\xff", kAll, Reason::kMalformedRequest},
      {kCreate, Request(std::string(70'000, 'x')), kAll, Reason::kBodyTooLarge},
      {"/florin.payments.v1.Payments/Nothing", "", kAll, Reason::kMethodNotFound},
      {"/florin.accounts.v1.Accounts/LookUpAccounts", "", kAll, Reason::kMethodNotFound},
      {"/florin.ledger.v1.Ledger/OpenAccounts", "", kAll, Reason::kMethodNotFound},
      {"/florin.testing.v1.Web/Exchange", "", kAll, Reason::kMethodNotFound},
      {"/v1/payments", Request("x"), kAll, Reason::kMethodNotFound},
  };
  for (const auto& c : cases) {
    const Outcome outcome = Call(c.method, c.request, c.metadata);
    EXPECT_THAT(rpc::FromGrpc(outcome.status), StatusHasReason(c.reason)) << c.method;
    EXPECT_EQ(static_cast<int>(outcome.status.error_code()),
              static_cast<int>(InfoOf(c.reason).code));
  }
  EXPECT_EQ(DetailOf(rpc::FromGrpc(Call(kCreate, unknown).status)).param, "127");
  EXPECT_EQ(upstream_.LastCall().caller, "") << "none of them got through";
}

TEST_F(GrpcTest, RefusesCompression) {
  const Outcome outcome = Call(
      kCreate, Request(std::string(5000, 'x')), kAll,
      [](grpc::ClientContext& context) { context.set_compression_algorithm(GRPC_COMPRESS_GZIP); });
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcTest, ServesManyCallsAtOnce) {
  channel_ = Dial();
  std::vector<std::thread> callers;
  std::atomic<int> succeeded = 0;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] { succeeded += Call(kCreate, Request("wait")).status.ok(); });
  }
  AwaitWaiting(16);
  upstream_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(succeeded, 16);
}

H2Fields GrpcFields(const std::string& type, H2Fields more = {}) {
  H2Fields fields = H2Post(kCreate, {{"authorization", "Bearer all"},
                                     {"idempotency-key", "k1"},
                                     {"te", "trailers"},
                                     {"content-type", type}});
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

TEST_F(GrpcTest, EndsWithTrailers) {
  TestH2Client client(port());
  const H2Response good = client.Ask(GrpcFields("application/grpc"), Framed(Request("x")));
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(ValueOf(good.fields, "content-type"), "application/grpc+proto");
  EXPECT_EQ(ValueOf(good.fields, "content-length"), "");
  EXPECT_EQ(ValueOf(good.fields, "grpc-status"), "");
  EXPECT_EQ(good.trailers, (H2Fields{{"grpc-status", "0"}}));
  const H2Response bad = client.Ask(GrpcFields("application/grpc"), Framed(Request("refuse")));
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(ValueOf(bad.fields, "grpc-status"), "9");
  EXPECT_EQ(ValueOf(bad.fields, "grpc-message"), "not enough");
  EXPECT_NE(ValueOf(bad.fields, "grpc-status-details-bin"), "");
  EXPECT_EQ(bad.body, "");
  EXPECT_TRUE(bad.trailers.empty());
}

TEST_F(GrpcTest, HonoursTheClientsTimeout) {
  TestH2Client client(port());
  const H2Response late = client.Ask(GrpcFields("application/grpc", {{"grpc-timeout", "50m"}}),
                                     Framed(Request("wait")));
  EXPECT_EQ(ValueOf(late.fields, "grpc-status"), "4");
  const H2Response bad =
      client.Ask(GrpcFields("application/grpc", {{"grpc-timeout", "soon"}}), Framed(Request("x")));
  EXPECT_EQ(ValueOf(bad.fields, "grpc-status"), "3");
}

TEST_F(GrpcTest, NeverWaitsLongerThanItsOwnTimeout) {
  limits_.request_time = absl::Milliseconds(50);
  TestH2Client client(port());
  const H2Response late = client.Ask(GrpcFields("application/grpc", {{"grpc-timeout", "99999H"}}),
                                     Framed(Request("wait")));
  EXPECT_EQ(ValueOf(late.fields, "grpc-status"), "4");
}

TEST_F(GrpcTest, ServesTheWebOverBothVersions) {
  Payment payment;
  payment.set_payment_id("pay_1");
  payment.set_source_account_id("acc_1");
  payment.mutable_amount();
  payment.set_reference("x");
  payment.set_state(Payment::SUCCEEDED);
  const std::string expected =
      Framed(payment.SerializeAsString()) + "\x80\0\0\0\x10grpc-status: 0\r\n"s;
  const std::string fields =
      "Authorization: Bearer all\r\nIdempotency-Key: k1\r\nContent-Type: application/grpc-web";
  TestH2Client client(port());
  for (const bool is_text : {false, true}) {
    const std::string type = is_text ? "-text+proto" : "+proto";
    const auto coded = [is_text](const std::string& bytes) {
      return is_text ? absl::Base64Escape(bytes) : bytes;
    };
    const TestResponse older =
        Ask(Post(kCreate, coded(Framed(Request("x"))), fields + type + "\r\n"));
    EXPECT_EQ(older.result_int(), 200u);
    EXPECT_EQ(Header(older, "Content-Type"), "application/grpc-web" + type);
    EXPECT_EQ(older.body(), coded(expected));
    const H2Response newer =
        client.Ask(GrpcFields("application/grpc-web" + type), coded(Framed(Request("x"))));
    EXPECT_EQ(newer.body, coded(expected));
    EXPECT_TRUE(newer.trailers.empty());

    const TestResponse refused =
        Ask(Post(kCreate, coded(Framed(Request("refuse"))), fields + type + "\r\n"));
    EXPECT_EQ(refused.result_int(), 200u);
    std::string body = refused.body();
    if (is_text) {
      ASSERT_TRUE(absl::Base64Unescape(refused.body(), &body));
    }
    EXPECT_EQ(body[0], '\x80');
    EXPECT_THAT(body, HasSubstr("grpc-status: 9\r\ngrpc-message: not enough\r\n"));
  }
}

TEST_F(GrpcTest, NeedsHttp2ForItsTrailers) {
  const TestResponse response =
      Ask(Post(kCreate, Framed(Request("x")),
               "Authorization: Bearer all\r\nIdempotency-Key: k1\r\nContent-Type: "
               "application/grpc\r\n"));
  EXPECT_EQ(response.result_int(), 404u);
}

}  // namespace
}  // namespace florin::gateway
