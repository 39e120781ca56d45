#include "tests/e2e/api_user.h"

#include <map>
#include <mutex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"

namespace florin::e2e {

std::string Answer::Text(const std::string& path) const {
  const boost::json::object* object = &body;
  const boost::json::value* value = nullptr;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    if (object == nullptr) return "";
    value = object->if_contains(name);
    object = value == nullptr ? nullptr : value->if_object();
  }
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->get_string());
}

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  return out << answer.status << " " << boost::json::serialize(answer.body) << answer.error;
}

std::string Outcome(const Answer& answer) {
  if (answer.status == 0) return answer.error;
  if (answer.status == 200) return "200";
  return absl::StrCat(answer.status, " ", answer.reason());
}

std::string Fresh(const std::string& prefix) {
  return absl::StrCat(prefix, "-", SystemIds().NewId().ToString());
}

boost::json::object PaymentBody(const std::string& source, const std::string& destination,
                                const std::string& minor_units, const std::string& currency) {
  return {{"source_account_id", source},
          {"destination_account_id", destination},
          {"amount", {{"currency", currency}, {"minor_units", minor_units}}},
          {"reference", "Coffee"}};
}

namespace {

// Asked for once, since it is the same for everybody.
std::shared_ptr<const OpenApiContract> ContractOf(const Stack& stack) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const OpenApiContract>> contracts;
  const std::lock_guard lock(mutex);
  const std::string url = stack.Variable("FLORIN_URL");
  std::shared_ptr<const OpenApiContract>& contract = contracts[url];
  if (contract != nullptr) return contract;
  HttpsClient client(url, stack.Variable("FLORIN_CA"));
  const absl::StatusOr<HttpsResponse> response = client.Send({"GET", "/openapi.json", {}, ""});
  EXPECT_TRUE(response.ok()) << response.status();
  boost::json::error_code error;
  boost::json::value document = boost::json::parse(response.ok() ? response->body : "{}", error);
  EXPECT_TRUE(!error && document.is_object()) << "/openapi.json is no object";
  contract = std::make_shared<OpenApiContract>(document.as_object());
  return contract;
}

}  // namespace

ApiUser::ApiUser(const Stack& stack, const std::string& scope)
    : client_(stack.Variable("FLORIN_URL"), stack.Variable("FLORIN_CA")),
      email_(absl::StrCat(Fresh("user"), "@example.com")),
      password_("correct horse battery staple"),
      contract_(ContractOf(stack)) {
  const boost::json::object credentials = {{"email", email_}, {"password", password_}};
  const Answer registered = Post("/v1/users", credentials, {.token = ""});
  EXPECT_EQ(Outcome(registered), "200") << registered;
  user_id_ = registered.Text("user_id");
  boost::json::object log_in = credentials;
  if (!scope.empty()) log_in["scope"] = scope;
  const Answer logged_in = Post("/v1/login", log_in, {.key = "", .token = ""});
  EXPECT_EQ(Outcome(logged_in), "200") << logged_in;
  token_ = logged_in.Text("access_token");
}

ApiUser::ApiUser(const Stack& stack, const ApiUser& other)
    : client_(stack.Variable("FLORIN_URL"), stack.Variable("FLORIN_CA")),
      email_(other.email_),
      password_(other.password_),
      token_(other.token_),
      user_id_(other.user_id_),
      customer_id_(other.customer_id_),
      contract_(other.contract_) {}

Answer ApiUser::Send(const std::string& method, const std::string& path, const std::string& body,
                     const Sent& sent) {
  HttpsRequest request = {method, path, {}, body};
  const std::string token = sent.token.value_or(token_);
  if (!token.empty()) request.headers.emplace_back("Authorization", absl::StrCat("Bearer ", token));
  if (method == "POST" || method == "PATCH") {
    request.headers.emplace_back("Content-Type", sent.content_type);
    if (!sent.key.empty()) request.headers.emplace_back("Idempotency-Key", sent.key);
  }
  if (!sent.traceparent.empty()) request.headers.emplace_back("traceparent", sent.traceparent);
  absl::StatusOr<HttpsResponse> response = client_.Send(request);
  Answer answer;
  if (!response.ok()) {
    answer.error = std::string(response.status().message());
    return answer;
  }
  const absl::Status promised = contract_->Check(request, *response);
  EXPECT_TRUE(promised.ok()) << method << " " << path << ": " << promised << "\n" << response->body;
  answer.status = response->status;
  answer.headers = std::move(response->headers);
  if (answer.headers.contains("content-disposition")) {
    answer.file = std::move(response->body);
    return answer;
  }
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(response->body, error);
  EXPECT_TRUE(!error && value.is_object())
      << method << " " << path << " was answered with " << response->body;
  if (!error && value.is_object()) answer.body = value.get_object();
  return answer;
}

Answer ApiUser::Get(const std::string& path, const Sent& sent) {
  return Send("GET", path, "", sent);
}

Answer ApiUser::Post(const std::string& path, const std::string& body, const Sent& sent) {
  return Send("POST", path, body, sent);
}

Answer ApiUser::Post(const std::string& path, const boost::json::object& body, const Sent& sent) {
  return Send("POST", path, boost::json::serialize(body), sent);
}

Answer ApiUser::Patch(const std::string& path, const boost::json::object& body, const Sent& sent) {
  return Send("PATCH", path, boost::json::serialize(body), sent);
}

std::string ApiUser::OpenAccount(const std::string& currency) {
  if (customer_id_.empty()) {
    const boost::json::object body = {{"display_name", "Ada Lovelace"}};
    const Answer customer = Post("/v1/customers", body);
    EXPECT_EQ(Outcome(customer), "200") << customer;
    customer_id_ = customer.Text("customer_id");
  }
  const boost::json::object body = {{"customer_id", customer_id_}, {"currency", currency}};
  const Answer account = Post("/v1/accounts", body);
  EXPECT_EQ(Outcome(account), "200") << account;
  return account.Text("account_id");
}

void ApiUser::Deposit(const std::string& account_id, std::int64_t minor_units,
                      const std::string& currency) {
  const boost::json::object body = {
      {"destination_account_id", account_id},
      {"amount", {{"currency", currency}, {"minor_units", absl::StrCat(minor_units)}}}};
  const Answer deposit = Post("/v1/deposits", body);
  EXPECT_EQ(Outcome(deposit), "200") << deposit;
}

std::int64_t ApiUser::Balance(const std::string& account_id) {
  const Answer account = Get(absl::StrCat("/v1/accounts/", account_id));
  EXPECT_EQ(Outcome(account), "200") << account;
  std::int64_t minor_units = 0;
  EXPECT_TRUE(absl::SimpleAtoi(account.Text("balance.posted.minor_units"), &minor_units))
      << account;
  return minor_units;
}

Answer ApiUser::Pay(const std::string& source, const std::string& destination,
                    std::int64_t minor_units, const Sent& sent, const std::string& currency) {
  return Post("/v1/payments", PaymentBody(source, destination, absl::StrCat(minor_units), currency),
              sent);
}

}  // namespace florin::e2e
