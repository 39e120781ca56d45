// Who may call the ledger: only services that the method names, each proved by a certificate of our
// CA.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "florin/accounts/v1/accounts.rpc.h"
#include "florin/ledger/v1/ledger.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/ids/ids.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/credentials.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

std::string Certificates() { return SharedStack().Variable("FLORIN_CERTS"); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

// Asks the ledger for an account that does not exist, with this identity.
absl::StatusOr<ledger::v1::GetAccountsResponse> AskLedger(
    const rpc::CertificateFiles& certificates) {
  async::Runtime runtime(1);
  rpc::Channel channel(runtime.executor(), {.target = SharedStack().Variable("FLORIN_LEDGER"),
                                            .service = "ledger",
                                            .certificates = certificates});
  ledger::v1::LedgerReaderClient client(&channel);
  ledger::v1::GetAccountsRequest request;
  request.set_book("main");
  request.add_account_ids(FormatId(IdKind::kAccount, SystemIds().NewId()));
  return runtime.Run(client.GetAccounts(rpc::Outgoing(), request));
}

TEST(MutualTls, TheListedCallersMayRead) {
  for (const char* service : {"payments", "accounts", "operator", "auditor"}) {
    const auto response = AskLedger(rpc::CertificateFiles::In(Certificates(), service));
    ASSERT_THAT(response, IsOk()) << service;
    EXPECT_EQ(response->accounts_size(), 0);
  }
}

TEST(MutualTls, OthersMayNot) {
  for (const char* service : {"auth", "gateway", "ledger"})
    EXPECT_THAT(AskLedger(rpc::CertificateFiles::In(Certificates(), service)),
                StatusHasReason(Reason::kCallerNotAllowed))
        << service;
}

TEST(MutualTls, OnlyPaymentsAndAccountsMayPost) {
  async::Runtime runtime(1);
  ledger::v1::PostTransactionsRequest request;
  request.set_book("main");
  request.add_transactions();
  for (const char* service : {"payments", "accounts", "auth", "gateway", "operator", "auditor"}) {
    rpc::Channel channel(runtime.executor(),
                         {.target = SharedStack().Variable("FLORIN_LEDGER"),
                          .service = "ledger",
                          .certificates = rpc::CertificateFiles::In(Certificates(), service)});
    ledger::v1::LedgerClient client(&channel);
    const auto response = runtime.Run(client.PostTransactions(rpc::Outgoing(), request));
    const bool may = std::string(service) == "payments" || std::string(service) == "accounts";
    if (may) {
      EXPECT_THAT(response, IsOk()) << service;  // The transaction in it is refused.
    } else {
      EXPECT_THAT(response, StatusHasReason(Reason::kCallerNotAllowed)) << service;
    }
  }
}

// A plain gRPC client, without anything of ours: what `credentials` let it do.
grpc::Status AskPlainly(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::GenericStub stub(grpc::CreateChannel(SharedStack().Variable("FLORIN_LEDGER"), credentials));
  ledger::v1::GetAccountsRequest request;
  request.set_book("main");
  request.add_account_ids(FormatId(IdKind::kAccount, SystemIds().NewId()));
  const grpc::Slice slice(request.SerializeAsString());
  const grpc::ByteBuffer bytes(&slice, 1);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, "/florin.ledger.v1.LedgerReader/GetAccounts", bytes, &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

// With a certificate, whatever our own client would think of it.
grpc::Status AskPlainlyAs(const std::string& directory, const std::string& name) {
  return AskPlainly(grpc::SslCredentials(
      {.pem_root_certs = ReadFile(absl::StrCat(Certificates(), "/ca.crt")),
       .pem_private_key = ReadFile(absl::StrCat(directory, "/", name, ".key")),
       .pem_cert_chain = ReadFile(absl::StrCat(directory, "/", name, ".crt"))}));
}

TEST(MutualTls, ACertificateWithoutAServiceIsNobody) {
  // The gateway's certificate for HTTPS is of the same CA.
  EXPECT_FALSE(AskPlainlyAs(Certificates(), "localhost").ok());
  EXPECT_THAT(AskLedger(rpc::CertificateFiles::In(Certificates(), "localhost")),
              StatusHasReason(Reason::kUnavailable));
}

TEST(MutualTls, ACertificateOfAnotherCaIsRefused) {
  const std::string directory = absl::StrCat(SharedStack().home(), "/impostor");
  const std::string script = absl::StrCat(
      "set -e; mkdir -p ", directory, "; cd ", directory,
      "; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout payments.key "
      "-out payments.crt -days 1 -subj /CN=payments "
      "-addext subjectAltName=URI:spiffe://florin.local/payments; cp ",
      Certificates(), "/ca.crt ca.crt");
  const CommandResult made = e2e::Run({"bash", "-c", script});
  ASSERT_EQ(made.status, 0) << made.output;
  EXPECT_EQ(AskPlainlyAs(directory, "payments").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(AskLedger(rpc::CertificateFiles::In(directory, "payments")),
              StatusHasReason(Reason::kUnavailable));
}

TEST(MutualTls, AClientWithoutACertificateIsRefused) {
  const std::string ca = ReadFile(absl::StrCat(Certificates(), "/ca.crt"));
  EXPECT_EQ(AskPlainly(grpc::SslCredentials({.pem_root_certs = ca})).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(AskPlainly(grpc::InsecureChannelCredentials()).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  // The same client with the certificate of payments is served, so it was refused for nothing else.
  const grpc::Status served = AskPlainlyAs(Certificates(), "payments");
  EXPECT_TRUE(served.ok()) << served.error_message();
}

TEST(MutualTls, AServerOfAnotherNameIsRefused) {
  async::Runtime runtime(1);
  rpc::Channel channel(runtime.executor(),
                       {.target = SharedStack().Variable("FLORIN_LEDGER"),
                        .service = "accounts",
                        .certificates = rpc::CertificateFiles::In(Certificates(), "payments")});
  ledger::v1::LedgerReaderClient client(&channel);
  ledger::v1::GetAccountsRequest request;
  request.set_book("main");
  EXPECT_THAT(runtime.Run(client.GetAccounts(rpc::Outgoing(), request)),
              StatusHasReason(Reason::kUnavailable));
}

// A confused deputy: a service that has one user's token and asks with it for what is another's.
// The gateway's certificate is good here, and so is the token; whose the objects are decides.
class DeputyTest : public ::testing::Test {
 protected:
  DeputyTest() { context_.user_token = ann_.token(); }

  rpc::Outgoing Context(const std::string& key = "") {
    rpc::Outgoing context = context_;
    context.idempotency_key = key;
    return context;
  }

  ApiUser ann_{SharedStack()};
  ApiUser bob_{SharedStack()};
  const std::string anns_ = ann_.OpenAccount("EUR");
  const std::string bobs_ = bob_.OpenAccount("EUR");
  async::Runtime runtime_{1};
  rpc::Channel channel_{runtime_.executor(),
                        {.target = SharedStack().Variable("FLORIN_ACCOUNTS"),
                         .service = "accounts",
                         .certificates = rpc::CertificateFiles::In(Certificates(), "gateway")}};
  accounts::v1::AccountsClient accounts_{&channel_};
  rpc::Outgoing context_;
};

TEST_F(DeputyTest, ReadsForItsUserWhatIsItsUsers) {
  accounts::v1::GetAccountRequest request;
  request.set_account_id(anns_);
  EXPECT_THAT(runtime_.Run(accounts_.GetAccount(Context(), request)), IsOk());
}

TEST_F(DeputyTest, ReadsNothingOfAnotherUser) {
  accounts::v1::GetAccountRequest request;
  request.set_account_id(bobs_);
  const auto account = runtime_.Run(accounts_.GetAccount(Context(), request));
  EXPECT_THAT(account, StatusHasReason(Reason::kAccountNotFound));
  const auto listed =
      runtime_.Run(accounts_.ListAccounts(Context(), accounts::v1::ListAccountsRequest()));
  ASSERT_THAT(listed, IsOk());
  for (const auto& one : listed->accounts()) EXPECT_NE(one.account_id(), bobs_);
}

TEST_F(DeputyTest, OpensNothingForAnotherUsersCustomer) {
  accounts::v1::GetAccountRequest bobs;
  bobs.set_account_id(bobs_);
  rpc::Outgoing as_bob = context_;
  as_bob.user_token = bob_.token();
  const auto account = runtime_.Run(accounts_.GetAccount(as_bob, bobs));
  ASSERT_THAT(account, IsOk());
  accounts::v1::OpenAccountRequest request;
  request.set_customer_id(account->customer_id());
  request.set_currency("EUR");
  EXPECT_THAT(runtime_.Run(accounts_.OpenAccount(Context(Fresh("key")), request)),
              StatusHasReason(Reason::kCustomerNotFound));
}

TEST_F(DeputyTest, DoesNothingWithoutAUsersToken) {
  context_.user_token.clear();
  accounts::v1::GetAccountRequest request;
  request.set_account_id(anns_);
  EXPECT_THAT(runtime_.Run(accounts_.GetAccount(Context(), request)),
              StatusHasReason(Reason::kTokenMissing));
}

TEST_F(DeputyTest, AnotherServiceIsNotTheGateway) {
  rpc::Channel payments(runtime_.executor(),
                        {.target = SharedStack().Variable("FLORIN_ACCOUNTS"),
                         .service = "accounts",
                         .certificates = rpc::CertificateFiles::In(Certificates(), "payments")});
  accounts::v1::GetAccountRequest request;
  request.set_account_id(anns_);
  accounts::v1::AccountsClient client(&payments);
  EXPECT_THAT(runtime_.Run(client.GetAccount(Context(), request)),
              StatusHasReason(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace florin::e2e
