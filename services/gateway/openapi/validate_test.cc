#include "services/gateway/openapi/validate.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/openapi/document.h"
#include "services/gateway/openapi/embedded_protos.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;

class ValidateTest : public ::testing::Test {
 protected:
  absl::Status Payment(const std::string& body, int status = 200,
                       const std::string& type = "application/json") {
    return ValidateResponse(document_, "GET", "/v1/payments/{payment_id}", status, type, body);
  }
  std::string Problem(const std::string& reason) {
    return R"({"type":"urn:florin:reason:)" + reason + R"(","title":"t","status":404,"reason":")" +
           reason + R"(","detail":"d","request_id":"req_1","advice":"a"})";
  }

  const RouteTable routes_ = *RouteTable::Build(PublishedServices());
  const Comments comments_ = *ReadComments(EmbeddedProtos());
  const json::object document_ = MakeOpenApi(routes_, comments_);
};

TEST_F(ValidateTest, TakesItsOwnExamples) {
  for (const auto& [path, item] : document_.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      for (const auto& [status, response] : operation.at("responses").as_object()) {
        const json::value* contents = response.as_object().if_contains("content");
        if (contents == nullptr) continue;
        const auto& content = *contents->as_object().begin();
        if (content.key() == "*/*") continue;
        if (!content.value().as_object().contains("example")) continue;  // A file.
        EXPECT_THAT(ValidateResponse(document_, std::string(method), std::string(path),
                                     std::stoi(std::string(status)), std::string(content.key()),
                                     json::serialize(content.value().at("example"))),
                    IsOk());
      }
      const json::value* body = operation.as_object().if_contains("requestBody");
      if (body == nullptr) continue;
      const auto& content = body->at("content").as_object().begin()->value().as_object();
      if (!content.contains("example")) continue;
      EXPECT_THAT(ValidateValue(document_, content.at("schema").as_object(), content.at("example")),
                  IsOk());
    }
  }
}

TEST_F(ValidateTest, RefusesWhatIsNotDeclared) {
  json::object payment = document_.at("paths")
                             .at("/v1/payments/{payment_id}")
                             .at("get")
                             .at("responses")
                             .at("200")
                             .at("content")
                             .at("application/json")
                             .at("example")
                             .as_object();
  EXPECT_THAT(Payment(json::serialize(payment)), IsOk());
  json::object gained = payment;
  gained["new_field"] = 1;
  EXPECT_THAT(Payment(json::serialize(gained)), IsOk()) << "responses may gain fields";
  json::object lacking = payment;
  lacking.erase("payment_id");
  EXPECT_FALSE(Payment(json::serialize(lacking)).ok());
  json::object number = payment;
  number["amount"].as_object()["minor_units"] = 1250;
  EXPECT_FALSE(Payment(json::serialize(number)).ok());
  json::object state = payment;
  state["state"] = "PERHAPS";
  EXPECT_FALSE(Payment(json::serialize(state)).ok());
  EXPECT_FALSE(Payment("{").ok());
  EXPECT_FALSE(Payment(json::serialize(payment), 201).ok());
  EXPECT_FALSE(Payment(json::serialize(payment), 200, "text/html").ok());

  EXPECT_THAT(Payment(Problem("payment_not_found"), 404, "application/problem+json"), IsOk());
  EXPECT_FALSE(Payment(Problem("email_taken"), 404, "application/problem+json").ok());
  EXPECT_FALSE(Payment(Problem("nothing"), 404, "application/problem+json").ok());
  EXPECT_FALSE(ValidateResponse(document_, "GET", "/v1/nothing", 200, "", "").ok());
  EXPECT_FALSE(ValidateResponse(document_, "PUT", "/v1/payments", 200, "", "").ok());
  EXPECT_THAT(Payment("", 304, ""), IsOk());
}

}  // namespace
}  // namespace florin::gateway
