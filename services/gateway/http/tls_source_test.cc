#include "services/gateway/http/tls_source.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "libs/telemetry/metrics.h"
#include "libs/testing/certificates.h"
#include "services/gateway/http/test_gateway.h"

namespace florin::gateway {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string NameOf(const TicketKeys::Key& key) {
  return {reinterpret_cast<const char*>(key.name.data()), key.name.size()};
}

TEST(TicketKeysTest, SealForALifetimeAndOpenForAnother) {
  FakeClock clock(absl::FromUnixSeconds(1'700'000'000));
  TicketKeys keys(clock, absl::Hours(12));
  const std::string first = NameOf(keys.Current());
  EXPECT_TRUE(keys.Find(first)->is_current);
  clock.Advance(absl::Hours(12) - absl::Seconds(1));
  EXPECT_EQ(NameOf(keys.Current()), first);
  clock.Advance(absl::Seconds(1));
  const std::string second = NameOf(keys.Current());
  EXPECT_NE(second, first);
  ASSERT_TRUE(keys.Find(first));
  EXPECT_FALSE(keys.Find(first)->is_current);
  clock.Advance(absl::Hours(12));
  EXPECT_FALSE(keys.Find(first));
  EXPECT_FALSE(keys.Find(second)->is_current);
  clock.Advance(absl::Hours(24));
  EXPECT_FALSE(keys.Find(second)) << "nobody came for two lifetimes";
  EXPECT_FALSE(keys.Find("0123456789abcdef"));
}

// A directory with gateway.crt and gateway.key, whose files are replaced one after the other.
class Files {
 public:
  explicit Files(const testing::TestCertificates& from) {
    std::string directory = "/tmp/florin-tls-XXXXXX";
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    Put(from.directory());
  }
  ~Files() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  const std::string& directory() const { return directory_; }
  TlsFiles files() const { return {directory_ + "/gateway.crt", directory_ + "/gateway.key"}; }

  void Put(const std::string& from) {
    PutOne(from, "gateway.key");
    PutOne(from, "gateway.crt");
  }
  // As certificate tools do: whole, by renaming.
  void PutOne(const std::string& from, const std::string& name) {
    fs::copy_file(from + "/" + name, directory_ + "/new", fs::copy_options::overwrite_existing);
    fs::rename(directory_ + "/new", directory_ + "/" + name);
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }

 private:
  std::string directory_;
};

TEST(TlsSourceTest, TakesWhatIsGoodAndKeepsItOtherwise) {
  const testing::TestCertificates first({"gateway"});
  const testing::TestCertificates second({"gateway"});
  Files files(first);
  FakeClock clock(SystemClock().Now());
  const auto source = TlsSource::Open(files.files(), clock);
  ASSERT_THAT(source, IsOk());
  const auto old = (*source)->Current();
  (*source)->Reload();
  EXPECT_EQ((*source)->Current(), old) << "nothing has changed";

  files.PutOne(second.directory(), "gateway.crt");
  (*source)->Reload();
  EXPECT_EQ((*source)->Current(), old) << "not the certificate of that key";
  files.PutOne(second.directory(), "gateway.key");
  (*source)->Reload();
  const auto current = (*source)->Current();
  EXPECT_NE(current, old);
  EXPECT_THAT(telemetry::RenderMetrics(),
              HasSubstr("florin_gateway_certificate_reloads_total{result=\"refused\"}"));

  files.Write("gateway.crt", "no certificate");
  (*source)->Reload();
  EXPECT_EQ((*source)->Current(), current);
  fs::remove(files.files().certificate);
  (*source)->Reload();
  EXPECT_EQ((*source)->Current(), current);
  clock.Advance(absl::Hours(24 * 30));
  files.Put(first.directory());
  (*source)->Reload();
  EXPECT_EQ((*source)->Current(), current) << "it has expired";
  EXPECT_FALSE(TlsSource::Open(files.files(), clock).ok());
  clock.Advance(-absl::Hours(24 * 60));
  EXPECT_FALSE(TlsSource::Open(files.files(), clock).ok()) << "not yet valid";
}

TEST(TlsSourceTest, RefusesAChainThatIsNone) {
  const testing::TestCertificates first({"gateway"});
  const testing::TestCertificates second({"gateway"});
  Files files(first);
  const auto read = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string leaf = read(first.directory() + "/gateway.crt");
  files.Write("gateway.crt", leaf + read(first.directory() + "/ca.crt"));
  EXPECT_THAT(TlsSource::Open(files.files(), SystemClock()), IsOk());
  files.Write("gateway.crt", leaf + read(second.directory() + "/ca.crt"));
  EXPECT_FALSE(TlsSource::Open(files.files(), SystemClock()).ok());
}

// The signature of the leaf that a client was served: no two are the same.
std::string ServedSignature(TestClient& client) {
  const ASN1_BIT_STRING* signature = nullptr;
  const X509* leaf = SSL_get0_peer_certificate(client.native());
  if (leaf == nullptr) return "";
  X509_get0_signature(&signature, nullptr, leaf);
  return {reinterpret_cast<const char*>(signature->data),
          static_cast<std::size_t>(signature->length)};
}

class RotationTest : public GatewayTest {
 protected:
  // Clients that leave at once may come faster than their seats are freed.
  RotationTest() { limits_.connections_per_network = limits_.connections; }

  std::string SignatureNow() {
    TestClient client(port());
    EXPECT_TRUE(client.ok());
    return ServedSignature(client);
  }
};

TEST_F(RotationTest, LosesNoRequestUnderLoad) {
  Files files(certificates_);
  tls_directory_ = files.directory();
  TestClient from_before(port());
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        TestClient client(port());
        for (int request = 0; request < 3; ++request) {
          client.Send(Get("/v1/payments/pay_1"));
          const auto response = client.Read();
          ++(response && response->result_int() == 200 ? answered : lost);
        }
      }
    });
  }
  std::string served = SignatureNow();
  for (int rotation = 0; rotation < 5; ++rotation) {
    const testing::TestCertificates next({"gateway"});
    files.Put(next.directory());
    std::string now = SignatureNow();
    while (now == served) now = SignatureNow();
    served = now;
    const int before = answered;
    while (answered < before + 10) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GE(answered, 50);
  from_before.Send(Get("/v1/payments/pay_1"));
  EXPECT_EQ(from_before.Read()->result_int(), 200u) << "a connection keeps its certificate";
}

TEST_F(RotationTest, ResumesSessionsAcrossARotation) {
  Files files(certificates_);
  tls_directory_ = files.directory();
  const std::string served = SignatureNow();
  TestClient first(port());
  first.Send(Get("/v1/payments/pay_1"));
  EXPECT_TRUE(first.Read()) << "and the tickets before it";
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(
      SSL_get1_session(first.native()), SSL_SESSION_free);
  const testing::TestCertificates next({"gateway"});
  files.Put(next.directory());
  while (SignatureNow() == served) std::this_thread::yield();
  TestClient resumed(port(), [&](SSL* ssl) { SSL_set_session(ssl, session.get()); });
  ASSERT_TRUE(resumed.ok());
  EXPECT_EQ(SSL_session_reused(resumed.native()), 1);
  resumed.Send(Get("/v1/payments/pay_1"));
  EXPECT_EQ(resumed.Read()->result_int(), 200u);
}

}  // namespace
}  // namespace florin::gateway
