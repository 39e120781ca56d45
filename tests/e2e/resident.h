// Somebody whose country limits can be about.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

// Somebody who lives in a country, and an account of theirs in euros.
struct Resident {
  explicit Resident(const std::string& country) {
    const Answer customer = user.Post("/v1/customers", {{"display_name", "Resident"}});
    EXPECT_EQ(Outcome(customer), "200") << customer;
    const std::string id = customer.Text("customer_id");
    const boost::json::object address = {
        {"line1", "1 Street"}, {"city", "Town"}, {"country", country}};
    const boost::json::object profile = {{"kind", "PERSON"}, {"address", address}};
    const Answer changed = user.Patch(absl::StrCat("/v1/customers/", id, "/profile"),
                                      boost::json::object{{"profile", profile}});
    EXPECT_EQ(Outcome(changed), "200") << changed;
    const Answer opened = user.Post("/v1/accounts", {{"customer_id", id}, {"currency", "EUR"}});
    EXPECT_EQ(Outcome(opened), "200") << opened;
    account = opened.Text("account_id");
  }

  ApiUser user{SharedStack()};
  std::string account;
};

}  // namespace florin::e2e
