// Certificates of all services, their CA and the key of access tokens change on disk while people
// work: nobody notices.
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

constexpr int kPeople = 6;

// What an operator's tool does: each file is replaced at once.
constexpr char kTool[] = R"(
set -euo pipefail
cd "$1"
new_ca() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key
  openssl req -x509 -new -key ca.key -days 3650 -sha256 -out newest-ca.crt -subj "/CN=CA $1" \
    -addext 'basicConstraints = critical, CA:TRUE' -addext 'keyUsage = critical, keyCertSign'
  cat ca.crt newest-ca.crt >ca.new
  mv ca.new ca.crt
}
leaves() {
  [ -e newest-ca.crt ] || cp ca.crt newest-ca.crt
  for name in ledger auth accounts payments gateway; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key.new"
    openssl req -new -key "$name.key.new" -subj "/CN=$name" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA newest-ca.crt -CAkey ca.key -days 2 -sha256 \
      -out "$name.crt.new" -extfile <(printf '%s\n' \
        'basicConstraints = critical, CA:FALSE' 'extendedKeyUsage = serverAuth, clientAuth' \
        "subjectAltName = URI:spiffe://florin.local/$name, DNS:localhost, IP:127.0.0.1")
    mv "$name.key.new" "$name.key"
    mv "$name.crt.new" "$name.crt"
  done
}
garbage() { for name in ledger payments; do echo garbage >"$name.crt"; done; }
forget() { cp newest-ca.crt ca.new; mv ca.new ca.crt; }
"${@:2}"
)";

void Operate(const std::vector<std::string>& what) {
  std::vector<std::string> command = {"bash", "-c", kTool, "tool",
                                      SharedStack().Variable("FLORIN_CERTS")};
  command.insert(command.end(), what.begin(), what.end());
  const CommandResult result = e2e::Run(command);
  ASSERT_EQ(result.status, 0) << result.output;
}

// Waits until every service says `line` among its metrics.
void AwaitMetric(const std::string& name, const std::string& labels, const std::string& value,
                 const std::vector<std::string>& services = {"ledger", "auth", "accounts",
                                                             "payments", "gateway"}) {
  constexpr char kWait[] = R"(
port=$(awk -v name="$2-admin" '$1 == name { print $2 }' "$1/ports")
for _ in $(seq 600); do
  curl -s "http://127.0.0.1:$port/metrics" | grep -qxF "$3" && exit 0
  sleep 0.1
done
curl -s "http://127.0.0.1:$port/metrics" | grep certificate
exit 1)";
  for (const std::string& service : services) {
    const std::string line = absl::StrCat(name, "{", labels, labels.empty() ? "" : ",",
                                          "service=\"", service, "\"} ", value);
    const CommandResult result =
        e2e::Run({"bash", "-c", kWait, "wait", SharedStack().home(), service, line});
    ASSERT_EQ(result.status, 0) << "no " << line << " but\n" << result.output;
  }
}

void AwaitAdopted(int count) {
  AwaitMetric("florin_rpc_certificate_reload_total", "outcome=\"adopted\"", std::to_string(count));
}

// People who pay, and log in again now and then, until told to stop.
class Work {
 public:
  Work() {
    for (int i = 0; i < kPeople; ++i) {
      Person person{std::make_unique<ApiUser>(SharedStack()), "", ""};
      person.source = person.user->OpenAccount("EUR");
      person.destination = person.user->OpenAccount("EUR");
      person.user->Deposit(person.source, 1'000'000);
      people_.push_back(std::move(person));
    }
    for (Person& person : people_) threads_.emplace_back([this, &person] { Run(person); });
  }
  ~Work() { Stop(); }

  void Stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  int requests() const { return requests_; }
  std::string Failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  // The header of the last access token, which names its key.
  std::string TokenHeader() {
    const std::lock_guard lock(mutex_);
    return token_header_;
  }

 private:
  struct Person {
    std::unique_ptr<ApiUser> user;
    std::string source;
    std::string destination;
  };

  void Run(Person& person) {
    std::string token = person.user->token();
    for (int round = 0; !stopping_; ++round) {
      Sent sent;
      sent.token = token;
      Check(person.user->Pay(person.source, person.destination, 1, sent));
      Check(person.user->Get(absl::StrCat("/v1/accounts/", person.source), {.token = token}));
      if (round % 8 != 0) continue;
      const Answer answer =
          person.user->Post("/v1/login",
                            boost::json::object{{"email", person.user->email()},
                                                {"password", person.user->password()}},
                            {.key = "", .token = ""});
      Check(answer);
      token = answer.Text("access_token");
      const std::lock_guard lock(mutex_);
      token_header_ = token.substr(0, token.find('.'));
    }
  }

  void Check(const Answer& answer) {
    ++requests_;
    if (answer.status == 200) return;
    const std::lock_guard lock(mutex_);
    failures_ += absl::StrCat(Outcome(answer), " ", answer.error, "\n");
  }

  std::vector<Person> people_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> requests_ = 0;
  std::mutex mutex_;
  std::string failures_;      // Guarded by mutex_.
  std::string token_header_;  // Guarded by mutex_.
};

TEST(Rotation, OfCertificatesAndSigningKeysFailsNoRequest) {
  Work work;
  AwaitAdopted(1);
  Operate({"leaves"});
  AwaitAdopted(2);
  Operate({"new_ca", "2"});
  AwaitAdopted(3);
  Operate({"leaves"});
  AwaitAdopted(4);
  Operate({"forget"});
  AwaitAdopted(5);
  Operate({"garbage"});
  AwaitMetric("florin_rpc_certificate_refused", "", "1", {"ledger", "payments"});
  Operate({"leaves"});
  AwaitAdopted(6);
  AwaitMetric("florin_rpc_certificate_refused", "", "0");

  const std::string header = work.TokenHeader();
  const CommandResult made =
      e2e::Run({"bash", "-c",
                "set -e; cd \"$1\"; umask 077; openssl genpkey -algorithm EC -pkeyopt "
                "ec_paramgen_curve:P-256 -out next; mv next 99990101T000000Z.pem",
                "tool", absl::StrCat(SharedStack().home(), "/auth-keys")});
  ASSERT_EQ(made.status, 0) << made.output;
  for (int i = 0; i < 600 && work.TokenHeader() == header; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_NE(work.TokenHeader(), header) << "the new key does not sign";

  work.Stop();
  EXPECT_EQ(work.Failures(), "");
  EXPECT_GT(work.requests(), 500);
}

}  // namespace
}  // namespace florin::e2e
