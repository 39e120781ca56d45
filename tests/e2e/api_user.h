// A user of Florin's public API, as an app sees it: everything goes through HTTPS, and every answer
// is held to the OpenAPI document of the gateway that gave it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <boost/json.hpp>

#include "tests/e2e/https_client.h"
#include "tests/e2e/openapi_contract.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

// An answer of the API. Status 0: no answer came, `error` says why, and the outcome is unknown.
struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  boost::json::object body;
  std::string file = {};  // The body, where the answer is an attachment.
  std::string error = {};

  // "" where the member is missing or no string. `path` is dotted: "balance.posted.minor_units".
  std::string Text(const std::string& path) const;
  std::string reason() const { return Text("reason"); }
  bool replayed() const { return headers.contains("idempotency-replayed"); }
};
std::ostream& operator<<(std::ostream& out, const Answer& answer);

// "200" or "422 insufficient_funds": what a test expects of an answer, in one comparison.
std::string Outcome(const Answer& answer);

// A new key or e-mail address, used by nobody before.
std::string Fresh(const std::string& prefix);

// How a request differs from an ordinary one of the user.
struct Sent {
  std::string key = Fresh("key");         // Empty: no Idempotency-Key.
  std::optional<std::string> token = {};  // Instead of the user's own; empty: no Authorization.
  std::string content_type = "application/json";
  std::string traceparent = {};  // Empty: none is sent.
};

// One connection, one user. Not thread-safe.
class ApiUser {
 public:
  // Registers a new user and logs in, with `scope` (empty: all).
  explicit ApiUser(const Stack& stack, const std::string& scope = "");
  // Another connection of a user who exists. For concurrent requests of one user.
  ApiUser(const Stack& stack, const ApiUser& other);

  const std::string& email() const { return email_; }
  const std::string& password() const { return password_; }
  const std::string& token() const { return token_; }
  const std::string& user_id() const { return user_id_; }

  Answer Get(const std::string& path, const Sent& sent = {});
  // `body` is sent as it is; for objects there is the other overload.
  Answer Post(const std::string& path, const std::string& body, const Sent& sent = {});
  Answer Post(const std::string& path, const boost::json::object& body, const Sent& sent = {});

  Answer Patch(const std::string& path, const boost::json::object& body, const Sent& sent = {});

  // Journey parts that a test builds on: each fails the test and gives "" unless it succeeds.
  std::string OpenAccount(const std::string& currency);
  void Deposit(const std::string& account_id, std::int64_t minor_units,
               const std::string& currency = "EUR");
  // Posted balance in minor units; 0 and a failed test if it cannot be read.
  std::int64_t Balance(const std::string& account_id);

  Answer Pay(const std::string& source, const std::string& destination, std::int64_t minor_units,
             const Sent& sent = {}, const std::string& currency = "EUR");

 private:
  Answer Send(const std::string& method, const std::string& path, const std::string& body,
              const Sent& sent);

  HttpsClient client_;
  std::string email_;
  std::string password_;
  std::string token_;
  std::string user_id_;
  std::string customer_id_;
  std::shared_ptr<const OpenApiContract> contract_;  // What every answer is held to.
};

// The body of a payment.
boost::json::object PaymentBody(const std::string& source, const std::string& destination,
                                const std::string& minor_units,
                                const std::string& currency = "EUR");

}  // namespace florin::e2e
