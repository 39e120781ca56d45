// Certificates that change on disk while calls go on: real servers and channels over mutual TLS.
#include <openssl/ssl.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_future.hpp>

#include "florin/testing/v1/counter.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/certificate_watch.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::rpc {
namespace {

using florin::testing::v1::CounterClient;
using florin::testing::v1::CounterService;
using florin::testing::v1::CountRequest;
using florin::testing::v1::Number;

class NoToken : public Authenticator {
 public:
  Task<absl::StatusOr<Principal>> Authenticate(std::string) override {
    co_return Error(Reason::kTokenInvalid, "there are none");
  }
};

class Echo : public CounterService {
 public:
  Task<absl::Status> Count(Call&, const CountRequest&, Stream<Number>&) override {
    co_return Error(Reason::kMethodNotFound, "not part of the test");
  }
  Task<absl::Status> CountForUser(Call&, const CountRequest&, Stream<Number>&) override {
    co_return Error(Reason::kMethodNotFound, "not part of the test");
  }
  Task<absl::StatusOr<Number>> Total(Call&, const CountRequest& request) override {
    Number number;
    number.set_value(request.count());
    co_return number;
  }
};

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Calls without pause, each when the one before has ended, until told to stop.
class Load {
 public:
  Load(async::Runtime& runtime, Channel& channel, int callers) {
    for (int i = 0; i < callers; ++i) {
      callers_.push_back(asio::co_spawn(runtime.executor(), Run(this, &channel), asio::use_future));
    }
  }
  ~Load() { Stop(); }

  void Stop() {
    stopping_ = true;
    for (auto& caller : callers_) {
      if (caller.valid()) caller.get();
    }
  }

  // Waits for so many further calls.
  void Await(int further) {
    const int enough = calls_ + further;
    while (calls_ < enough) std::this_thread::yield();
  }

  int calls() const { return calls_; }
  std::string Failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  static Task<void> Run(Load* self, Channel* channel) {
    CounterClient client(channel);
    while (!self->stopping_) {
      CountRequest request;
      request.set_count(7);
      Outgoing context;
      context.deadline = SystemClock().Now() + absl::Seconds(60);
      const absl::StatusOr<Number> answer = co_await client.Total(std::move(context), request);
      ++self->calls_;
      if (answer.ok()) continue;
      const std::lock_guard lock(self->mutex_);
      self->failures_ += answer.status().ToString() + "\n";
    }
  }

  std::atomic<bool> stopping_ = false;
  std::atomic<int> calls_ = 0;
  std::mutex mutex_;
  std::string failures_;  // Guarded by mutex_.
  std::vector<std::future<void>> callers_;
};

class RotationTest : public ::testing::TestWithParam<bool> {
 protected:
  ~RotationTest() override {
    channel_.reset();
    server_.reset();
  }

  CertificateFiles FilesOf(const std::string& service) const {
    return CertificateFiles::In(certificates_.directory(), service);
  }

  // A directory with a service's files as they are now.
  std::string Copy(const std::string& name, const std::string& service) const {
    const std::string to = certificates_.directory() + "/" + name;
    std::filesystem::create_directory(to);
    for (const std::string& file : {std::string("ca.crt"), service + ".crt", service + ".key"})
      std::filesystem::copy(certificates_.directory() + "/" + file, to + "/" + file);
    return to;
  }

  void Start(absl::Duration max_connection_age = absl::Minutes(10)) {
    Start(max_connection_age, FilesOf("ledger"));
  }
  void Start(absl::Duration max_connection_age, const CertificateFiles& files) {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.certificates = files;
    options.authenticator = &no_token_;
    options.max_connection_age = max_connection_age;
    server_ = *Server::Start(runtime_.executor(), options, {&service_});
    channel_ = Connect(FilesOf("payments"));
  }

  std::unique_ptr<Channel> Connect(const CertificateFiles& files) {
    ChannelOptions to;
    to.target = "127.0.0.1:" + std::to_string(server_->port());
    to.service = "ledger";
    to.certificates = files;
    to.default_timeout = absl::Seconds(60);
    to.share_stream = GetParam();
    return std::make_unique<Channel>(runtime_.executor(), to);
  }

  absl::Status Ask(Channel& channel) {
    CounterClient client(&channel);
    CountRequest request;
    return runtime_.Run(client.Total(Outgoing(), request)).status();
  }

  // Both ends see what is on disk.
  void Reload() {
    for (const char* service : {"ledger", "payments"})
      EXPECT_THAT(CertificateWatch::Of(FilesOf(service))->Reload(), IsOk()) << service;
  }

  // The serial number of the certificate that a new connection gets to see.
  std::string ServedSerial() const {
    namespace ssl = asio::ssl;
    ssl::context context(ssl::context::tls_client);
    context.use_certificate_chain_file(FilesOf("payments").certificate);
    context.use_private_key_file(FilesOf("payments").key, ssl::context::pem);
    asio::io_context io;
    ssl::stream<asio::ip::tcp::socket> stream(io, context);
    const unsigned char alpn[] = {2, 'h', '2'};
    SSL_set_alpn_protos(stream.native_handle(), alpn, sizeof(alpn));
    stream.next_layer().connect(
        {asio::ip::make_address("127.0.0.1"), static_cast<asio::ip::port_type>(server_->port())});
    stream.handshake(ssl::stream_base::client);
    X509* const peer = SSL_get1_peer_certificate(stream.native_handle());
    char serial[32];
    std::snprintf(serial, sizeof(serial), "%02lX", ASN1_INTEGER_get(X509_get0_serialNumber(peer)));
    X509_free(peer);
    return serial;
  }

  testing::TestCertificates certificates_{{"ledger", "payments"}};
  async::Runtime runtime_{2};
  NoToken no_token_;
  Echo service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
};

TEST_P(RotationTest, LeavesAndCasChangeUnderLoadWithoutAFailedCall) {
  Start();
  // One who does not take part: what it has must be worth nothing in the end.
  const std::string left_behind = Copy("left-behind", "payments");
  const CertificateFiles old = CertificateFiles::In(left_behind, "payments");
  {
    const std::unique_ptr<Channel> before = Connect(old);
    EXPECT_THAT(Ask(*before), IsOk());
  }

  Load load(runtime_, *channel_, 16);
  std::string serial;
  for (int round = 0; round < 6; ++round) {
    load.Await(100);
    serial = certificates_.Renew("ledger");
    certificates_.Renew("payments");
    Reload();
    EXPECT_EQ(ServedSerial(), serial);
    load.Await(100);
    certificates_.AddCa();
    Reload();
    load.Await(100);
    certificates_.Renew("payments");  // The server has still one of the old CA.
    Reload();
    load.Await(100);
    serial = certificates_.Renew("ledger");
    Reload();
    load.Await(100);
    certificates_.RemoveOldCas();
    Reload();
    EXPECT_EQ(ServedSerial(), serial);
  }
  load.Await(500);
  load.Stop();
  EXPECT_EQ(load.Failures(), "");
  EXPECT_GT(load.calls(), 3'000);

  // It trusts the new CA, so it is the server that refuses.
  Write(old.ca, Read(old.ca) + Read(FilesOf("payments").ca));
  const std::unique_ptr<Channel> after = Connect(old);
  EXPECT_THAT(CertificateWatch::Of(old)->Reload(), IsOk());
  EXPECT_THAT(Ask(*after), StatusHasReason(Reason::kUnavailable));
}

TEST_P(RotationTest, WhatIsWrongOnDiskDoesNoHarm) {
  Start();
  EXPECT_THAT(Ask(*channel_), IsOk());
  const std::string serial = ServedSerial();
  const CertificateFiles files = FilesOf("ledger");
  const std::string good_certificate = Read(files.certificate);
  const std::string good_key = Read(files.key);
  const std::string good_ca = Read(files.ca);
  const auto watch = CertificateWatch::Of(files);
  const auto refused = [&](const char* why) {
    const absl::Status status = watch->Reload();
    EXPECT_THAT(status, StatusHasReason(Reason::kInvalidField));
    EXPECT_NE(status.message().find(why), std::string::npos) << status;
    const auto another = Connect(FilesOf("payments"));
    EXPECT_THAT(Ask(*another), IsOk());
  };

  Write(files.certificate, "garbage");
  refused("no PEM certificate");
  Write(files.certificate, good_certificate + "-----BEGIN CERTIFICATE-----\nbroken");
  refused("no PEM certificate");
  Write(files.certificate, Read(FilesOf("payments").certificate));
  refused("the key is not that of the certificate");
  Write(files.key, Read(FilesOf("payments").key));
  refused("not that of spiffe://florin.local/ledger");
  Write(files.certificate, good_certificate);
  Write(files.key, "garbage");
  refused("no private key");
  std::filesystem::remove(files.key);
  refused("cannot be read");
  Write(files.key, good_key);
  {
    const testing::TestCertificates others({"ledger"});
    Write(files.ca, Read(others.directory() + "/ca.crt"));
    const absl::Status status = watch->Reload();
    EXPECT_NE(status.message().find("no CA of ca.crt vouches"), std::string::npos) << status;
  }
  Write(files.ca, good_ca);
  certificates_.Renew("ledger", -60);
  refused("has expired");

  EXPECT_EQ(ServedSerial(), serial);
  const std::string healed = certificates_.Renew("ledger");
  EXPECT_THAT(watch->Reload(), IsOk());
  EXPECT_EQ(ServedSerial(), healed);
  EXPECT_THAT(Ask(*channel_), IsOk());
}

TEST_P(RotationTest, ACertificateThatNoServerAcceptsDoesNotTakeOver) {
  // A server that hears later of the CA that the client's files have moved on to.
  const std::string apart = Copy("apart", "ledger");
  Start(absl::Minutes(10), CertificateFiles::In(apart, "ledger"));
  Load load(runtime_, *channel_, 4);
  load.Await(100);
  certificates_.AddCa();
  certificates_.Renew("payments");
  const CertificateFiles files = FilesOf("payments");
  EXPECT_THAT(CertificateWatch::Of(files)->Reload(), IsOk());
  {
    const auto another = Connect(files);
    EXPECT_THAT(Ask(*another), StatusHasReason(Reason::kUnavailable));
  }
  load.Await(500);
  Write(apart + "/ca.crt", Read(files.ca));
  EXPECT_THAT(CertificateWatch::Of(CertificateFiles::In(apart, "ledger"))->Reload(), IsOk());
  load.Await(500);
  load.Stop();
  EXPECT_EQ(load.Failures(), "");
  const auto another = Connect(files);
  EXPECT_THAT(Ask(*another), IsOk());
}

// With a sanitizer a handshake alone takes longer than the shortest life.
#ifdef __SANITIZE_ADDRESS__
constexpr absl::Duration kShortLife = absl::Milliseconds(500);
constexpr int kCallsOfShortLives = 1'000;
#else
constexpr absl::Duration kShortLife = absl::Milliseconds(20);
constexpr int kCallsOfShortLives = 3'000;
#endif

TEST_P(RotationTest, ConnectionsOfAShortLifeLoseNoCall) {
  Start(kShortLife);
  Load load(runtime_, *channel_, 16);
  load.Await(GetParam() ? 6 * kCallsOfShortLives : kCallsOfShortLives);
  load.Stop();
  EXPECT_EQ(load.Failures(), "");
}

TEST_P(RotationTest, AnExpiredCertificateCountsNoMoreOnAConnectionThatIsOpen) {
  Start();
  certificates_.Renew("payments", 2);
  channel_.reset();
  channel_ = Connect(FilesOf("payments"));
  ASSERT_THAT(Ask(*channel_), IsOk());
  absl::Status status;
  const absl::Time patience = SystemClock().Now() + absl::Minutes(1);
  while (status.ok() && SystemClock().Now() < patience) status = Ask(*channel_);
  EXPECT_THAT(status, StatusHasReason(Reason::kCallerNotAllowed));
}

TEST_P(RotationTest, AChannelWaitsForItsFirstCertificate) {
  Start();
  const std::string later = certificates_.directory() + "/later";
  const auto channel = Connect(CertificateFiles::In(later, "payments"));
  EXPECT_THAT(Ask(*channel), StatusHasReason(Reason::kUnavailable));
  Copy("later", "payments");
  EXPECT_THAT(runtime_.Run(channel->Connect(SystemClock().Now() + absl::Minutes(1))), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Calls, RotationTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "ShareAStream" : "GoAlone"; });

}  // namespace
}  // namespace florin::rpc
