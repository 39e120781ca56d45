// Load for tests/bench/run bulk: one bulk through HTTPS, from its first item to its last payment.
//
//   bulk_bench --url=… --ca=… --items=100000 --mode=BEST_EFFORT
//
// Prints one JSON object: how many items a second were added, and how many paid.
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"
#include "tests/e2e/https_client.h"

ABSL_FLAG(std::string, url, "https://localhost:8443", "The gateway.");
ABSL_FLAG(std::string, ca, "", "File with the CA of the gateway's certificate.");
ABSL_FLAG(std::string, mode, "BEST_EFFORT", "Of the bulk; or ALL_OR_NOTHING.");
ABSL_FLAG(int, items, 100'000, "How many.");
ABSL_FLAG(int, payees, 64, "How many accounts they go to.");

namespace florin::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr int kChunk = 500;

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "bulk_bench: " << message << std::endl;
  std::exit(1);
}

// A user, and what they ask for: each call must succeed.
class User {
 public:
  User() : client_(absl::GetFlag(FLAGS_url), absl::GetFlag(FLAGS_ca)) {
    const std::string email = SystemIds().NewId().ToString() + "@example.com";
    const std::string password = SystemIds().NewId().ToString();
    const boost::json::object credentials = {{"email", boost::json::string(email)},
                                             {"password", boost::json::string(password)}};
    Post("/v1/users", credentials);
    token_ = Text(Post("/v1/login", credentials), "access_token");
    customer_id_ = Text(Post("/v1/customers", {{"display_name", "Company"}}), "customer_id");
  }

  std::string OpenAccount() {
    return Text(Post("/v1/accounts",
                     {{"customer_id", boost::json::string(customer_id_)}, {"currency", "EUR"}}),
                "account_id");
  }
  boost::json::object Post(const std::string& path, const boost::json::object& body) {
    return Send("POST", path, boost::json::serialize(body));
  }
  boost::json::object Get(const std::string& path) { return Send("GET", path, ""); }

  static std::string Text(const boost::json::object& answer, const char* member) {
    const boost::json::value* value = answer.if_contains(member);
    if (value == nullptr) Fail(absl::StrCat("no ", member));
    return std::string(value->as_string());
  }

 private:
  boost::json::object Send(const std::string& method, const std::string& path,
                           const std::string& body) {
    e2e::HttpsRequest request = {method, path, {}, body};
    if (method == "POST") {
      request.headers = {{"Content-Type", "application/json"},
                         {"Idempotency-Key", SystemIds().NewId().ToString()}};
    }
    if (!token_.empty()) {
      request.headers.emplace_back("Authorization", absl::StrCat("Bearer ", token_));
    }
    const absl::StatusOr<e2e::HttpsResponse> response = client_.Send(request);
    if (!response.ok()) Fail(response.status().ToString());
    if (response->status != 200) Fail(absl::StrCat(path, ": ", response->body));
    boost::json::error_code error;
    boost::json::value answer = boost::json::parse(response->body, error);
    if (error) Fail(absl::StrCat(path, ": ", response->body));
    return answer.as_object();
  }

  e2e::HttpsClient client_;
  std::string token_;
  std::string customer_id_;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

void AddItems(User& user, const std::string& path, const std::vector<std::string>& payees) {
  const int count = absl::GetFlag(FLAGS_items);
  for (int at = 0; at < count; at += kChunk) {
    boost::json::array items;
    for (int i = at; i < std::min(at + kChunk, count); ++i) {
      const std::string& payee = payees[static_cast<std::size_t>(i) % payees.size()];
      items.push_back(boost::json::object{{"item_id", boost::json::string(absl::StrCat(i))},
                                          {"destination_account_id", boost::json::string(payee)},
                                          {"minor_units", 1 + i % 100}});
    }
    user.Post(path + "/items", {{"items", items}});
  }
}

void Measure() {
  User user;
  const std::string source = user.OpenAccount();
  user.Post("/v1/deposits", {{"destination_account_id", boost::json::string(source)},
                             {"amount", {{"currency", "EUR"}, {"minor_units", "1000000000000"}}}});
  std::vector<std::string> payees;
  for (int i = 0; i < absl::GetFlag(FLAGS_payees); ++i) payees.push_back(user.OpenAccount());
  const std::string mode = absl::GetFlag(FLAGS_mode);
  const std::string path = absl::StrCat(
      "/v1/bulks/",
      User::Text(user.Post("/v1/bulks", {{"source_account_id", boost::json::string(source)},
                                         {"mode", boost::json::string(mode)}}),
                 "bulk_id"));
  auto start = std::chrono::steady_clock::now();
  AddItems(user, path, payees);
  const double adding = SecondsSince(start);
  start = std::chrono::steady_clock::now();
  user.Post(path + ":submit", {});
  std::string state = "PROCESSING";
  while (state == "PROCESSING") {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    state = User::Text(user.Get(path), "state");
  }
  const double paying = SecondsSince(start);
  const boost::json::object bulk = user.Get(path);
  if (state != "COMPLETED" || bulk.at("progress").as_array().size() != 1) {
    Fail(absl::StrCat("ended as ", boost::json::serialize(bulk)));
  }
  const int items = absl::GetFlag(FLAGS_items);
  std::cout << absl::StrFormat(R"({"mode": "%s", "items": %d, "added_per_second": %.0f, )"
                               R"("per_second": %.0f, "seconds": %.2f})",
                               mode, items, items / adding, items / paying, paying)
            << std::endl;
}

}  // namespace
}  // namespace florin::bench

int main(int argc, char** argv) {
  florin::config::ParseFlags(argc, argv, "Load of bulks through HTTPS; see tests/bench/run.");
  florin::bench::Measure();
}
