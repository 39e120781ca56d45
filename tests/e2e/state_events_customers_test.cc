// Each state × each event of a customer, of a verification and of the KYC level, through HTTPS
// (docs/customers.md).
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/accounts/domain/customer_machine.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// A customer of a user, and the verification that is about it.
struct Client {
  std::shared_ptr<ApiUser> user = std::make_shared<ApiUser>(SharedStack());
  std::string id;
  std::string account;
  std::string verification;
  Sent made;
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/customers/", id, rest);
  }
};

// The sandbox's verifier goes by the family name: of "Silent" it never says anything.
Answer SetProfile(Client& client, const std::string& family_name) {
  const boost::json::object address = {
      {"line1", "1 Main Street"}, {"city", "Dublin"}, {"country", "IE"}};
  const boost::json::object profile = {{"kind", "PERSON"},           {"given_name", "Ada"},
                                       {"family_name", family_name}, {"birth_date", "1990-01-02"},
                                       {"nationality", "IE"},        {"address", address}};
  return client.user->Patch(client.Path("/profile"), boost::json::object{{"profile", profile}},
                            client.sent);
}
Client Named(const std::string& family_name) {
  Client client;
  client.id = client.user->Post("/v1/customers", boost::json::object{{"display_name", "Ada"}})
                  .Text("customer_id");
  EXPECT_EQ(Outcome(SetProfile(client, family_name)), "200");
  return client;
}
Client Silent() { return Named("Silent"); }

Answer ByOwner(Client& client, const std::string& verb) {
  return client.user->Post(client.Path(verb), "{}", client.sent);
}
Answer ByOperator(Client& client, const std::string& path, const boost::json::object& body = {}) {
  People& people = People::All();
  return people.staff().Post(path, body, {.key = client.sent.key, .token = people.staff_token()});
}
Answer Suspend(Client& client) { return ByOperator(client, client.Path(":suspend")); }
Answer Close(Client& client) { return ByOwner(client, ":close"); }
Answer Erase(Client& client) { return ByOwner(client, ":erase"); }
Answer OpenAccount(Client& client) {
  Answer answer = client.user->Post(
      "/v1/accounts", boost::json::object{{"customer_id", client.id}, {"currency", "EUR"}},
      client.sent);
  if (client.account.empty()) client.account = answer.Text("account_id");
  return answer;
}
Answer Ask(Client& client, const std::string& level, const Sent& sent) {
  Answer answer =
      client.user->Post(client.Path("/verifications"), boost::json::object{{"level", level}}, sent);
  if (client.verification.empty()) client.verification = answer.Text("verification_id");
  return answer;
}
Answer Ask(Client& client) { return Ask(client, "BASIC", client.sent); }
template <class Event>
Client After(Client client, Event event) {
  EXPECT_EQ(Outcome(event(client)), "200");
  return client;
}
Client Pending() {
  Client client = Silent();
  EXPECT_EQ(Outcome(Ask(client, "BASIC", client.made)), "200");
  return client;
}

std::string StateOfCustomer(Client& client) {
  const Answer answer = client.user->Get(client.Path());
  return Outcome(answer) == "410 customer_erased" ? "ERASED" : answer.Text("state");
}

std::map<std::string, std::function<Answer(Client&)>> CausesOfCustomers() {
  return {
      {"update_profile",
       [](Client& client) {
         return client.user->Patch(client.Path("/profile"),
                                   boost::json::object{{"profile", {{"phone", "+35312345678"}}}},
                                   client.sent);
       }},
      {"update_profile of the identity",
       [](Client& client) { return SetProfile(client, "Byron"); }},
      {"update_profile of the identity, being verified",
       [](Client& client) { return SetProfile(client, "Byron"); }},
      {"open_account", OpenAccount},
      {"request_verification", [](Client& client) { return Ask(client); }},
      {"request_verification of what is being verified",
       [](Client& client) { return Ask(client); }},
      {"export", [](Client& client) { return client.user->Get(client.Path(":export")); }},
      {"suspend", Suspend},
      {"suspend by its owner", [](Client& client) { return ByOwner(client, ":suspend"); }},
      {"reactivate", [](Client& client) { return ByOperator(client, client.Path(":reactivate")); }},
      {"reactivate by its owner", [](Client& client) { return ByOwner(client, ":reactivate"); }},
      {"close", Close},
      {"close with money in an account", Close},
      {"erase", Erase},
      {"erase with money in an account", Erase},
  };
}

TEST(StateEvents, Customer) {
  Machine<Client> machine;
  machine.name = "customer";
  machine.states = StatesOf<accounts::CustomerState>();
  machine.events = NamesOf<accounts::CustomerEvent>();
  for (const accounts::CustomerTransition& row : accounts::CustomerTransitions()) {
    machine.arrows.push_back({StateName(row.from), std::string(NameOf(row.event)),
                              StateName(row.to), !row.guards.empty()});
  }
  machine.bring = {
      {"ACTIVE", Silent},
      {"ACTIVE/pending", Pending},
      {"ACTIVE/rich",
       [] {
         Client client = After(Silent(), OpenAccount);
         client.user->Deposit(client.account, 100);
         return client;
       }},
      {"SUSPENDED", [] { return After(Silent(), Suspend); }},
      {"CLOSED", [] { return After(Silent(), Close); }},
      {"ERASED", [] { return After(Silent(), Erase); }},
  };
  machine.cause = CausesOfCustomers();
  machine.cells = {
      {"ACTIVE", "update_profile", "200", "ACTIVE"},
      {"ACTIVE", "update_profile", "200", "ACTIVE", "of the identity"},
      {"ACTIVE/pending", "update_profile", "409 verification_pending", "",
       "of the identity, being verified"},
      {"ACTIVE", "open_account", "200", "ACTIVE"},
      {"ACTIVE", "request_verification", "200", "ACTIVE"},
      {"ACTIVE/pending", "request_verification", "409 verification_pending", "",
       "of what is being verified"},
      {"SUSPENDED CLOSED", "update_profile open_account request_verification",
       "422 customer_not_active"},
      {"ACTIVE SUSPENDED CLOSED", "export", "200"},
      {"ACTIVE", "suspend", "200", "SUSPENDED"},
      {"SUSPENDED", "suspend", "200"},
      {"CLOSED", "suspend", "422 customer_not_active"},
      {"ACTIVE SUSPENDED CLOSED ERASED", "suspend", "403 scope_missing", "", "by its owner"},
      {"ACTIVE", "reactivate", "200"},
      {"SUSPENDED", "reactivate", "200", "ACTIVE"},
      {"CLOSED", "reactivate", "422 customer_not_active"},
      {"SUSPENDED", "reactivate", "403 scope_missing", "", "by its owner"},
      {"ACTIVE", "close", "200", "CLOSED"},
      {"ACTIVE", "erase", "200", "ERASED"},
      {"ACTIVE/rich", "close", "409 customer_has_accounts", "", "with money in an account"},
      {"ACTIVE/rich", "erase", "409 customer_has_accounts", "", "with money in an account"},
      {"SUSPENDED", "close erase", "422 customer_not_active"},
      {"CLOSED", "close", "200"},
      {"CLOSED", "erase", "200", "ERASED"},
      {"ERASED", "update_profile open_account request_verification export suspend reactivate close",
       "410 customer_erased"},
      {"ERASED", "erase", "200"},
  };
  machine.state = StateOfCustomer;
  machine.seen = [](Client& client) {
    std::string text;
    for (const std::string& path :
         {client.Path(), client.Path(":export"), std::string("/v1/accounts")}) {
      const Answer answer = client.user->Get(path);
      absl::StrAppend(&text, "\n", Shown(answer));
    }
    return text;
  };
  WorkThrough(machine);
}

Answer Decide(Client& client, bool approve) {
  boost::json::object body = {{"approve", approve}};
  if (!approve) body["reason"] = "document_expired";
  return ByOperator(client, absl::StrCat("/v1/verifications/", client.verification, ":decide"),
                    body);
}
Answer VerificationOf(Client& client) {
  return client.user->Get(client.Path(absl::StrCat("/verifications/", client.verification)));
}

TEST(StateEvents, Verification) {
  Machine<Client> machine;
  machine.name = "verification";
  machine.states = StatesOf<accounts::VerificationState>();
  machine.events = NamesOf<accounts::VerificationEvent>();
  machine.events.emplace_back("request");
  machine.arrows = {{kNone, "request", "PENDING", true}};
  for (const accounts::VerificationTransition& row : accounts::VerificationTransitions()) {
    machine.arrows.push_back(
        {StateName(row.from), std::string(NameOf(row.event)), StateName(row.to)});
  }
  const auto approve = [](Client& client) { return Decide(client, true); };
  const auto reject = [](Client& client) { return Decide(client, false); };
  machine.bring = {
      {kNone, Silent},
      {"–/good", [] { return Named("Byron"); }},
      {"–/bad", [] { return Named("Reject document_expired"); }},
      {"PENDING", Pending},
      {"APPROVED", [approve] { return After(Pending(), approve); }},
      {"REJECTED", [reject] { return After(Pending(), reject); }},
      {"EXPIRED", [] { return After(Pending(), Close); }},
  };
  machine.cause = {
      {"request", [](Client& client) { return Ask(client); }},
      {"request that the verifier approves", [](Client& client) { return Ask(client); }},
      {"request that the verifier rejects", [](Client& client) { return Ask(client); }},
      {"request again", [](Client& client) { return Ask(client, "BASIC", client.made); }},
      {"approve", approve},
      {"approve by the customer's user",
       [](Client& client) {
         return client.user->Post(
             absl::StrCat("/v1/verifications/", client.verification, ":decide"),
             boost::json::object{{"approve", true}}, client.sent);
       }},
      {"reject", reject},
      {"expire", Close},
  };
  machine.cells = {
      {kNone, "request", "200", "PENDING"},
      {"–/good", "request", "200", "PENDING → APPROVED", "that the verifier approves"},
      {"–/bad", "request", "200", "PENDING → REJECTED", "that the verifier rejects"},
      {"PENDING", "request", "409 verification_pending"},
      {"PENDING APPROVED REJECTED EXPIRED", "request", "200", "", "again"},
      {"PENDING", "approve", "200", "APPROVED"},
      {"PENDING", "approve", "403 scope_missing", "", "by the customer's user"},
      {"PENDING", "reject", "200", "REJECTED"},
      {"APPROVED REJECTED EXPIRED", "approve reject", "200"},
      {"PENDING", "expire", "200", "EXPIRED"},  // With its customer, who is closed.
      {"APPROVED REJECTED", "expire", kNobody, "",
       "closing the customer changes the customer, and this not: × customer"},
      {"EXPIRED", "expire", "200"},
      {kNone, "approve reject expire", kNobody, "",
       "there is no id to ask with: of an unknown one, customer_data_test"},
  };
  machine.state = [](Client& client) -> std::string {
    return client.verification.empty() ? kNone : VerificationOf(client).Text("state");
  };
  machine.seen = [](Client& client) {
    return absl::StrCat(
        boost::json::serialize(client.user->Get(client.Path()).body), "\n",
        client.verification.empty() ? "" : boost::json::serialize(VerificationOf(client).body));
  };
  WorkThrough(machine);
}

// Asks for a verification and waits for its result.
Answer Verify(Client& client, const std::string& level) {
  client.verification.clear();
  Answer answer = Ask(client, level, client.sent);
  for (int i = 0; i < 300 && VerificationOf(client).Text("state") == "PENDING"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return answer;
}

TEST(StateEvents, KycLevel) {
  Machine<Client> machine;
  machine.name = "KYC level";
  machine.states = StatesOf<accounts::KycLevel>();
  machine.events = NamesOf<accounts::KycEvent>();
  for (const accounts::KycTransition& row : accounts::KycTransitions()) {
    machine.arrows.push_back(
        {StateName(row.from), std::string(NameOf(row.event)), StateName(row.to)});
  }
  const auto verify = [](const std::string& level) {
    return [level](Client& client) { return Verify(client, level); };
  };
  machine.bring = {
      {"NONE", [] { return Named("Lovelace"); }},
      {"BASIC", [verify] { return After(Named("Lovelace"), verify("BASIC")); }},
      {"FULL", [verify] { return After(Named("Lovelace"), verify("FULL")); }},
  };
  machine.cause = {
      {"approved_basic", verify("BASIC")},
      {"approved_full", verify("FULL")},
      {"identity_changed", [](Client& client) { return SetProfile(client, "Byron"); }}};
  machine.cells = {
      {"NONE", "approved_basic", "200", "BASIC"},
      {"NONE", "approved_full", "200", "FULL"},
      {"NONE", "identity_changed", "200"},
      {"BASIC", "approved_basic", "200"},
      {"BASIC", "approved_full", "200", "FULL"},
      {"BASIC", "identity_changed", "200", "NONE"},
      {"FULL", "approved_basic", "200"},
      {"FULL", "approved_full", "200"},
      {"FULL", "identity_changed", "200", "NONE"},
      {"NONE BASIC FULL", "erased", kNobody, "",
       "nothing of an erased customer is shown: customer × erase; customer_data_test"},
  };
  machine.state = [](Client& client) { return client.user->Get(client.Path()).Text("kyc_level"); };
  machine.seen = [](Client& client) {
    return boost::json::serialize(client.user->Get(client.Path()).body);
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
