#include "tests/e2e/staff.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

Staff::Staff(const std::string& operator_scope, const std::string& more_of_admin)
    : ann_(SharedStack()), bob_(SharedStack()), eve_(SharedStack()) {
  EXPECT_THAT(AssignRole(ann_.user_id(), "admin"), IsOk());
  EXPECT_THAT(AssignRole(bob_.user_id(), "admin"), IsOk());
  const std::string more = more_of_admin.empty() ? "" : " " + more_of_admin;
  ann_token_ = TokenWith(ann_, "proposals:write" + more);
  bob_token_ = TokenWith(bob_, "proposals:approve roles:approve");
  const std::string role =
      Agree("roles.assign", boost::json::object{{"role", "operator"}, {"user_id", eve_.user_id()}});
  EXPECT_THAT(AssignRole(eve_.user_id(), "operator", role), IsOk());
  eve_token_ = TokenWith(eve_, operator_scope);
}

std::string Staff::Agree(const std::string& kind, const boost::json::object& payload) {
  const Answer proposed = Propose(kind, payload);
  const Answer approved =
      bob_.Post(absl::StrCat("/v1/proposals/", proposed.Text("proposal_id"), ":approve"),
                boost::json::object{{"payload_digest", proposed.Text("payload_digest")}},
                {.token = bob_token_});
  EXPECT_EQ(Outcome(approved), "200") << approved;
  return proposed.Text("proposal_id");
}

Answer Staff::Propose(const std::string& kind, const boost::json::object& payload) {
  const Answer proposed =
      ann_.Post("/v1/proposals",
                boost::json::object{{"kind", kind}, {"payload", boost::json::serialize(payload)}},
                {.token = ann_token_});
  EXPECT_EQ(Outcome(proposed), "200") << proposed;
  return proposed;
}

Answer Staff::Post(const std::string& path, const boost::json::object& body, Sent sent) {
  sent.token = eve_token_;
  return eve_.Post(path, body, sent);
}

Answer Staff::Get(const std::string& path) { return eve_.Get(path, {.token = eve_token_}); }

Answer Staff::MakeLimit(boost::json::object body) {
  boost::json::object payload;
  for (const char* member : {"account_id", "country", "currency", "kyc_level", "maximum", "measure",
                             "scope", "user_id", "window_seconds"}) {
    const std::string name(member);
    if (name == "country" && !body.contains(name)) continue;
    payload[name] = name == "kyc_level" ? "KYC_LEVEL_UNSPECIFIED" : "";
    if (body.contains(name)) payload[name] = body.at(name);
  }
  body["proposal_id"] = Agree("payments.limit", payload);
  return Post("/v1/limits", body);
}

}  // namespace florin::e2e
