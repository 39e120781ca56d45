#include "tests/e2e/state_events_people.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/state_events.h"

namespace florin::e2e {
namespace {

[[maybe_unused]] const bool kPolicy =
    AddSharedStackOptions({"--approval-policy", "USD:10000000:100000000"});

constexpr int kMostExempt = 5;

}  // namespace

boost::json::object MoneyOf(const std::string& currency, std::int64_t minor_units) {
  return {{"currency", currency}, {"minor_units", absl::StrCat(minor_units)}};
}

Parties::Parties(const std::string& of_currency, std::shared_ptr<Users> of_users)
    : currency(of_currency), users(std::move(of_users)) {
  payer.Deposit(source, 100'000, currency);
}

Answer Parties::Approve(const std::string& approval_id) {
  if (!app_) app_ = std::make_unique<AuthenticatorApp>(payer);
  return payer.Post(absl::StrCat("/v1/approvals/", approval_id, ":approve"),
                    boost::json::object{{"totp_code", app_->NextCode()}});
}

Answer Parties::Decline(const std::string& approval_id) {
  return payer.Post(absl::StrCat("/v1/approvals/", approval_id, ":decline"), "{}");
}

std::string Parties::Balances() {
  if (LedgerIsAway()) return "";
  std::string text;
  for (const auto& [user, account] :
       {std::pair(&payer, &source), {&payer, &savings}, {&payee, &destination}}) {
    const Answer answer = user->Get(absl::StrCat("/v1/accounts/", *account));
    EXPECT_EQ(Outcome(answer), "200") << answer;
    absl::StrAppend(&text, "\n", *account, " ", answer.Text("balance.posted.minor_units"), " ",
                    answer.Text("balance.available.minor_units"));
  }
  return text;
}

PartiesPtr NewDollars() {
  static std::shared_ptr<Users> users;
  static int payments = 0;
  if (!users || users->AreTired() || payments == kMostExempt) {
    users = std::make_shared<Users>();
    payments = 0;
  }
  ++payments;
  return std::make_shared<Parties>("USD", users);
}

PartiesPtr Dollars() {
  static PartiesPtr parties;
  if (!parties || parties->users->AreTired() || parties->payments == kMostExempt) {
    parties = std::make_shared<Parties>("USD", std::make_shared<Users>());
  }
  ++parties->payments;
  return parties;
}

PartiesPtr Euros() { return std::make_shared<Parties>("EUR", std::make_shared<Users>()); }

PartiesPtr Accounts() {
  static std::shared_ptr<Users> users;
  if (!users || users->AreTired()) users = std::make_shared<Users>();
  return std::make_shared<Parties>("EUR", users);
}

std::string NewestPaymentOf(ApiUser& user) {
  const Answer page = user.Get("/v1/payments?page_size=1");
  EXPECT_EQ(Outcome(page), "200") << page;
  const auto& payments = page.body.at("payments").as_array();
  return payments.empty() ? std::string() : std::string(payments[0].at("payment_id").as_string());
}

People& People::All() {
  static People people;
  return people;
}

People::People() {
  EXPECT_THAT(AssignRole(ann_.user_id(), "admin"), IsOk());
  EXPECT_THAT(AssignRole(bob_.user_id(), "admin"), IsOk());
  const std::string role = Agree(
      "roles.assign", absl::StrCat(R"({"role":"operator","user_id":")", eve_.user_id(), R"("})"));
  EXPECT_THAT(AssignRole(eve_.user_id(), "operator", role), IsOk());
}

const std::string& People::TokenOf(RenewedToken& token) {
  if (absl::Now() - token.time > absl::Minutes(5)) {
    token.text = TokenWith(token.user, token.scope);
    token.time = absl::Now();
  }
  return token.text;
}

Answer People::Propose(const std::string& kind, const std::string& payload,
                       const std::string& key) {
  return ann_.Post("/v1/proposals", boost::json::object{{"kind", kind}, {"payload", payload}},
                   {.key = key, .token = maker_token()});
}

std::string People::Agree(const std::string& kind, const std::string& payload) {
  const Answer proposed = Propose(kind, payload);
  EXPECT_EQ(Outcome(proposed), "200") << proposed;
  const Answer approved =
      bob_.Post(absl::StrCat("/v1/proposals/", proposed.Text("proposal_id"), ":approve"),
                boost::json::object{{"payload_digest", proposed.Text("payload_digest")}},
                {.token = checker_token()});
  EXPECT_EQ(Outcome(approved), "200") << approved;
  return proposed.Text("proposal_id");
}

}  // namespace florin::e2e
