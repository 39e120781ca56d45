#include "services/gateway/transcode/problem.h"

#include <boost/json.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(ProblemTest, SaysWhatTheErrorSays) {
  const Problem problem =
      MakeProblem(Error(Reason::kInsufficientFunds, "the account has \"less\"",
                        {.param = "amount", .metadata = {{"payment_id", "pay_1"}}}),
                  "req_1");
  EXPECT_EQ(problem.http_status, 422);
  EXPECT_EQ(problem.reason, "insufficient_funds");
  EXPECT_THAT(problem.headers, IsEmpty());
  EXPECT_EQ(boost::json::parse(problem.body),
            boost::json::parse(R"({
    "type": "urn:florin:reason:insufficient_funds", "title": "Insufficient funds", "status": 422,
    "reason": "insufficient_funds", "detail": "the account has \"less\"", "param": "amount",
    "metadata": {"payment_id": "pay_1"}, "request_id": "req_1",
    "advice": )"
                               R"("The account cannot cover the amount. )"
                               R"(This refusal is final under its id or key."})"));
}

TEST(ProblemTest, IsSilentAboutFaultsOfOurs) {
  const absl::Status faults[] = {
      Error(Reason::kInternal, "secret place",
            {.param = "secret", .metadata = {{"secret", "secret"}}}),
      Error(Reason::kUnavailable, "secret place"),
      Error(Reason::kDeadlineExceeded, "secret place"),
      Error(Reason::kCallerNotAllowed, "secret place"),
      absl::NotFoundError("secret place"),
      Error(Reason::kCanceled, "secret place"),
  };
  for (const absl::Status& fault : faults) {
    EXPECT_EQ(MakeProblem(fault, "req_1").body.find("secret"), std::string::npos) << fault;
  }
  EXPECT_EQ(MakeProblem(faults[3], "req_1").reason, "internal");
  EXPECT_EQ(MakeProblem(faults[3], "req_1").http_status, 500);
  EXPECT_EQ(MakeProblem(faults[4], "req_1").reason, "internal");
  EXPECT_EQ(MakeProblem(faults[5], "req_1").reason, "unavailable");
}

TEST(ProblemTest, ChallengesWhoIsNotAuthenticated) {
  const auto headers = [](Reason reason) {
    return MakeProblem(Error(reason, "x", {.metadata = {{"scope", "payments:write"}}}), "req_1")
        .headers;
  };
  EXPECT_THAT(headers(Reason::kTokenMissing),
              ElementsAre(Pair("WWW-Authenticate", "Bearer realm=\"florin\"")));
  EXPECT_THAT(
      headers(Reason::kTokenInvalid),
      ElementsAre(Pair("WWW-Authenticate", "Bearer realm=\"florin\", error=\"invalid_token\"")));
  EXPECT_EQ(headers(Reason::kApiKeyWrongMode), headers(Reason::kTokenInvalid));
  EXPECT_THAT(headers(Reason::kTokenExpired),
              ElementsAre(Pair("WWW-Authenticate",
                               "Bearer realm=\"florin\", error=\"invalid_token\", "
                               "error_description=\"the token has expired\"")));
  EXPECT_THAT(headers(Reason::kScopeMissing),
              ElementsAre(Pair("WWW-Authenticate",
                               "Bearer realm=\"florin\", error=\"insufficient_scope\", "
                               "scope=\"payments:write\"")));
  EXPECT_THAT(
      MakeProblem(Error(Reason::kStepUpRequired, "x",
                        {.metadata = {{"acr_values", "urn:a urn:b"}, {"max_age", "300"}}}),
                  "r")
          .headers,
      ElementsAre(Pair("WWW-Authenticate",
                       "Bearer realm=\"florin\", error=\"insufficient_user_authentication\", "
                       "acr_values=\"urn:a urn:b\", max_age=\"300\"")));
  EXPECT_THAT(headers(Reason::kInvalidCredentials),
              ElementsAre(Pair("WWW-Authenticate", "Bearer realm=\"florin\"")));
}

TEST(ProblemTest, SaysWhenToComeBack) {
  EXPECT_THAT(MakeProblem(Error(Reason::kOverloaded, "x"), "r").headers,
              ElementsAre(Pair("Retry-After", "1")));
  EXPECT_THAT(MakeProblem(Error(Reason::kUnavailable, "x"), "r").headers,
              ElementsAre(Pair("Retry-After", "1")));
}

// Every row of the registry makes a document of valid JSON with its own status.
TEST(ProblemTest, KnowsEveryReason) {
  for (const Reason reason : {
#define FLORIN_REASON(enumerator, number, name, code, http, advice) Reason::enumerator,
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
       }) {
    const Problem problem = MakeProblem(Error(reason, "x"), "req_1");
    const auto document = boost::json::parse(problem.body).as_object();
    EXPECT_EQ(document.at("status").to_number<int>(), problem.http_status);
    EXPECT_EQ(document.at("reason").as_string(), problem.reason);
    EXPECT_FALSE(document.at("title").as_string().empty());
    EXPECT_FALSE(document.at("advice").as_string().empty());
  }
}

}  // namespace
}  // namespace florin::gateway
