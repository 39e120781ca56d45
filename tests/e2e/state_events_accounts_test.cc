// Each state × each event of an account and of those who hold it, through HTTPS (docs/accounts.md,
// accounts-holders.md).
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "services/accounts/domain/account_machine.h"
#include "services/accounts/domain/holder.h"
#include "services/accounts/domain/payee.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// The source account of somebody who has another one, too.
struct Opened {
  PartiesPtr of;
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/accounts/", of->source, rest);
  }
};

Opened New() { return {.of = Accounts()}; }
// Of a customer of its own.
Opened Alone() { return {.of = Euros()}; }

Answer ByOwner(Opened& opened, const std::string& verb, const boost::json::object& body = {}) {
  return opened.of->payer.Post(opened.Path(verb), body, opened.sent);
}
Answer ByOperator(Opened& opened, const std::string& path, const boost::json::object& body = {}) {
  People& people = People::All();
  return people.staff().Post(path, body, {.key = opened.sent.key, .token = people.staff_token()});
}
Answer Freeze(Opened& opened, const std::string& account, const std::string& sides) {
  return ByOperator(opened, absl::StrCat("/v1/accounts/", account, ":freeze"),
                    {{"sides", sides}, {"reason", "court_order"}});
}
Answer FreezeIt(Opened& opened) { return Freeze(opened, opened.of->source, "BOTH"); }
Answer Unfreeze(Opened& opened) { return ByOperator(opened, opened.Path(":unfreeze")); }
Answer Sweep(Opened& opened) {
  return ByOwner(opened, ":close", {{"sweep_to_account_id", opened.of->savings}});
}
Answer Suspend(Opened& opened) {
  const std::string customer = opened.of->payer.Get(opened.Path()).Text("customer_id");
  return ByOperator(opened, absl::StrCat("/v1/customers/", customer, ":suspend"));
}
template <class... Event>
Opened After(Opened opened, Event... event) {
  for (const Answer& answer : {event(opened)...}) EXPECT_EQ(Outcome(answer), "200") << answer;
  return opened;
}
// As the daily job leaves it, where one runs (--dormant_after).
Opened Dormant(Opened opened = New()) {
  const Uuid id = ParseId(IdKind::kAccount, opened.of->source, "id").value();
  SharedStack().Query(
      absl::StrCat("INSERT INTO accounts.account_states (account_id, life) VALUES ('",
                   id.ToString(), "', 'dormant') RETURNING 1"));
  // Tells the ledger, which the job has told before.
  EXPECT_EQ(Outcome(Unfreeze(opened)), "200");
  return opened;
}
// Some of its money is set aside for the payee.
Opened Held() {
  Opened opened{.of = NewDollars()};
  boost::json::object body =
      PaymentBody(opened.of->source, opened.of->destination, "100", opened.of->currency);
  body["capture_method"] = "MANUAL";
  EXPECT_EQ(Outcome(opened.of->payer.Post("/v1/payments", body)), "200");
  return opened;
}

std::vector<Cell> CellsOfAccounts() {
  return {
      {"OPEN", "freeze", "200", "OPEN"},
      {"OPEN DORMANT CLOSED", "freeze", "403 scope_missing", "", "by its owner"},
      {"OPEN/frozen", "freeze", "200"},
      {"OPEN/frozen", "unfreeze", "200", "OPEN"},
      {"OPEN DORMANT", "unfreeze", "200"},
      {"OPEN/frozen DORMANT CLOSED", "unfreeze", "403 scope_missing", "", "by its owner"},
      {"OPEN OPEN/frozen OPEN/suspended", "wake", "200"},
      {"OPEN DORMANT CLOSED", "wake", "404 account_not_found", "", "by somebody else"},
      {"OPEN", "close", "200", "CLOSING → CLOSED"},
      {"OPEN", "close", "422 account_not_empty", "", "without a place for what is in it"},
      {"OPEN/held", "close", "422 account_not_empty", "", "while something is held"},
      {"OPEN/frozen", "close", "422 account_frozen", "", "while its debits are frozen"},
      {"OPEN/suspended", "close", "422 customer_not_active", "", "of a suspended customer"},
      // It is closing, and then stays.
      {"OPEN/nowhere", "close", "422 account_frozen", "", "into one that takes nothing"},
      {"OPEN DORMANT CLOSED", "close", "404 account_not_found", "", "by somebody else"},
      {"DORMANT", "freeze", "200", "DORMANT"},
      {"DORMANT/frozen", "unfreeze", "200", "DORMANT"},
      {"DORMANT", "wake", "200", "OPEN"},
      {"DORMANT/suspended", "wake", "422 customer_not_active", "", "of a suspended customer"},
      {"DORMANT", "close", "422 account_dormant"},
      {"CLOSED", "freeze", "422 account_closed"},
      {"CLOSED", "unfreeze", "422 account_closed"},
      {"CLOSED", "wake", "422 account_closed"},
      {"CLOSED", "close", "200"},
      {"OPEN DORMANT CLOSING CLOSED", "fall_asleep", kNobody, "",
       "the daily job's: accounts_flow_test; DORMANT is made here as it leaves it"},
      {"CLOSING", "freeze unfreeze wake close finish stay", kNobody, "",
       "it passes within the request to close: OPEN × close; of a crash, account_states_test"},
      {"OPEN DORMANT CLOSED", "finish stay", kNobody, "", "the ledger closes nothing there"},
  };
}

TEST(StateEvents, Account) {
  Machine<Opened> machine;
  machine.name = "account";
  machine.states = StatesOf<accounts::AccountLife>();
  machine.events = NamesOf<accounts::AccountEvent>();
  for (const accounts::AccountTransition& row : accounts::AccountTransitions()) {
    machine.arrows.push_back({StateName(row.from), std::string(NameOf(row.event)),
                              StateName(row.to), !row.guards.empty()});
  }
  machine.bring = {
      {"OPEN", New},
      {"OPEN/frozen", [] { return After(New(), FreezeIt); }},
      {"OPEN/suspended", [] { return After(Alone(), Suspend); }},
      {"OPEN/held", Held},
      {"OPEN/nowhere",
       [] {
         return After(New(),
                      [](Opened& opened) { return Freeze(opened, opened.of->savings, "CREDITS"); });
       }},
      {"DORMANT", [] { return Dormant(); }},
      {"DORMANT/frozen", [] { return After(Dormant(), FreezeIt); }},
      {"DORMANT/suspended", [] { return After(Dormant(Alone()), Suspend); }},
      {"CLOSED", [] { return After(New(), Sweep); }},
  };
  const auto by_owner = [](const std::string& verb) {
    return [verb](Opened& opened) { return ByOwner(opened, verb); };
  };
  const auto by_other = [](const std::string& verb) {
    return [verb](Opened& opened) {
      return opened.of->payee.Post(opened.Path(verb), "{}", opened.sent);
    };
  };
  machine.cause = {
      {"freeze", FreezeIt},
      {"freeze by its owner",
       [](Opened& opened) {
         return ByOwner(opened, ":freeze", {{"sides", "BOTH"}, {"reason", "court_order"}});
       }},
      {"unfreeze", Unfreeze},
      {"unfreeze by its owner", by_owner(":unfreeze")},
      {"wake", by_owner(":wake")},
      {"wake by somebody else", by_other(":wake")},
      {"wake of a suspended customer", by_owner(":wake")},
      {"close", Sweep},
      {"close without a place for what is in it", by_owner(":close")},
      {"close while something is held", Sweep},
      {"close while its debits are frozen", Sweep},
      {"close of a suspended customer", Sweep},
      {"close into one that takes nothing", Sweep},
      {"close by somebody else", by_other(":close")},
  };
  machine.cells = CellsOfAccounts();
  machine.state = [](Opened& opened) {
    return opened.of->payer.Get(opened.Path("/state")).Text("state");
  };
  machine.seen = [](Opened& opened) {
    std::string text = opened.of->Balances();
    for (const char* rest : {"", "/state", "/entries"}) {
      const Answer answer = opened.of->payer.Get(opened.Path(rest));
      absl::StrAppend(&text, "\n", Shown(answer));
    }
    return text;
  };
  WorkThrough(machine);
}

// Somebody who is to hold the source account of somebody else.
struct Holding {
  PartiesPtr of;  // The payee becomes a holder.
  std::string customer =
      of->payee.Get(absl::StrCat("/v1/accounts/", of->destination)).Text("customer_id");
  std::string role = "VIEWER";
  bool invited = false;
  Sent made;
  Sent sent;

  std::string Holders(const std::string& rest = "") const {
    return absl::StrCat("/v1/accounts/", of->source, "/holders", rest);
  }
  std::string Mine(const std::string& verb) const {
    return absl::StrCat("/v1/holdings/", of->source, verb);
  }
};

Answer Invite(Holding& holding, const Sent& sent) {
  Answer answer = holding.of->payer.Post(
      holding.Holders(),
      boost::json::object{{"user_id", holding.of->payee.user_id()}, {"role", "VIEWER"}}, sent);
  holding.invited = holding.invited || answer.status == 200;
  return answer;
}
Answer Accept(Holding& holding) {
  return holding.of->payee.Post(holding.Mine(":accept"),
                                boost::json::object{{"customer_id", holding.customer}},
                                holding.sent);
}
Answer Leave(Holding& holding) {
  return holding.of->payee.Post(holding.Mine(":leave"), "{}", holding.sent);
}
std::string Holder(const Holding& holding, const std::string& rest) {
  return holding.Holders(absl::StrCat("/", holding.of->payee.user_id(), rest));
}
// Who holds the account, as its owner sees it.
std::optional<std::string> Listed(Holding& holding) {
  const Answer all = holding.of->payer.Get(holding.Holders());
  for (const auto& one : all.body.at("holders").as_array()) {
    if (one.at("user_id").as_string() == holding.of->payee.user_id()) {
      return std::string(one.at("state").as_string());
    }
  }
  return std::nullopt;
}
Holding Stranger() { return {.of = Accounts()}; }
Holding Invited() {
  Holding holding = Stranger();
  EXPECT_EQ(Outcome(Invite(holding, holding.made)), "200");
  return holding;
}
template <class Event>
Holding InvitedAnd(Event event) {
  Holding holding = Invited();
  EXPECT_EQ(Outcome(event(holding)), "200");
  return holding;
}

TEST(StateEvents, Holder) {
  Machine<Holding> machine;
  machine.name = "holder";
  machine.states = StatesOf<accounts::HolderState>();
  machine.events = {"invite", "accept", "change_role", "remove", "leave"};
  machine.bring = {{kNone, Stranger},
                   {"INVITED", Invited},
                   {"ACTIVE", [] { return InvitedAnd(Accept); }},
                   {"ENDED", [] { return InvitedAnd(Leave); }}};
  machine.cause = {
      {"invite", [](Holding& holding) { return Invite(holding, holding.sent); }},
      {"invite again", [](Holding& holding) { return Invite(holding, holding.made); }},
      {"accept", Accept},
      {"change_role",
       [](Holding& holding) {
         return holding.of->payer.Patch(Holder(holding, ""), boost::json::object{{"role", "PAYER"}},
                                        holding.sent);
       }},
      {"change_role by themselves",
       [](Holding& holding) {
         return holding.of->payee.Patch(Holder(holding, ""), boost::json::object{{"role", "PAYER"}},
                                        holding.sent);
       }},
      {"remove",
       [](Holding& holding) {
         return holding.of->payer.Post(Holder(holding, ":remove"), "{}", holding.sent);
       }},
      {"leave", Leave},
  };
  machine.cells = {
      {kNone, "invite", "200", "INVITED"},
      {"– ENDED", "accept change_role", "404 holder_not_found"},
      {kNone, "remove leave", "404 holder_not_found"},
      {"INVITED ACTIVE", "invite", "400 invalid_holder"},
      {"INVITED ACTIVE ENDED", "invite", "200", "", "again"},
      {"INVITED", "accept", "200", "ACTIVE"},
      {"INVITED", "change_role", "200", "INVITED"},
      {"INVITED", "change_role", "404 account_not_found", "", "by themselves"},
      {"INVITED", "remove", "200", "ENDED"},
      {"INVITED", "leave", "200", "ENDED"},
      {"ACTIVE", "accept", "200"},
      {"ACTIVE", "change_role", "200", "ACTIVE"},
      {"ACTIVE", "change_role", "403 holder_role_missing", "", "by themselves"},
      {"ACTIVE", "remove", "200", "ENDED"},
      {"ACTIVE", "leave", "200", "ENDED"},
      {"ENDED", "invite", "200", "INVITED"},
      {"ENDED", "remove leave", "200"},
  };
  machine.state = [](Holding& holding) -> std::string {
    return Listed(holding).value_or(holding.invited ? "ENDED" : kNone);
  };
  machine.seen = [](Holding& holding) {
    std::string text;
    for (const auto& [user, path] :
         {std::pair(&holding.of->payer, holding.Holders()),
          {&holding.of->payee, std::string("/v1/holdings")},
          {&holding.of->payee, absl::StrCat("/v1/accounts/", holding.of->source)}}) {
      const Answer answer = user->Get(path);
      absl::StrAppend(&text, "\n", Shown(answer));
    }
    return text;
  };
  WorkThrough(machine);
}

// Whom somebody pays.
struct Saved {
  PartiesPtr of;
  std::string customer;
  std::string id;
  Sent made;
  Sent sent;
};
Answer Save(Saved& saved, const Sent& sent) {
  Answer answer = saved.of->payer.Post("/v1/payees",
                                       boost::json::object{{"customer_id", saved.customer},
                                                           {"account_id", saved.of->destination},
                                                           {"name", "Ada Lovelace"}},
                                       sent);
  if (saved.id.empty()) saved.id = answer.Text("payee_id");
  return answer;
}
Answer Delete(Saved& saved) {
  return saved.of->payer.Post(absl::StrCat("/v1/payees/", saved.id, ":delete"), "{}", saved.sent);
}
Saved NotSaved() {
  Saved saved{.of = Accounts()};
  saved.customer =
      saved.of->payer.Get(absl::StrCat("/v1/accounts/", saved.of->source)).Text("customer_id");
  return saved;
}
Saved Active() {
  Saved saved = NotSaved();
  EXPECT_EQ(Outcome(Save(saved, saved.made)), "200");
  return saved;
}

TEST(StateEvents, Payee) {
  Machine<Saved> machine;
  machine.name = "payee";
  machine.states = {"ACTIVE", "DELETED"};
  ASSERT_EQ(machine.states.size(), CountOf<accounts::PayeeState>());
  machine.events = {"save", "delete"};
  machine.bring = {{kNone, NotSaved}, {"ACTIVE", Active}, {"DELETED", [] {
                                                             Saved saved = Active();
                                                             EXPECT_EQ(Outcome(Delete(saved)),
                                                                       "200");
                                                             return saved;
                                                           }}};
  machine.cause = {
      {"save", [](Saved& saved) { return Save(saved, saved.sent); }},
      {"save again", [](Saved& saved) { return Save(saved, saved.made); }},
      {"delete", Delete},
      {"delete by somebody else",
       [](Saved& saved) {
         return saved.of->payee.Post(absl::StrCat("/v1/payees/", saved.id, ":delete"), "{}",
                                     saved.sent);
       }},
  };
  machine.cells = {
      {kNone, "save", "200", "ACTIVE"},
      {"ACTIVE DELETED", "save", "200", "", "again"},
      {"ACTIVE", "delete", "200", "DELETED"},
      {"DELETED", "delete", "200"},
      {"ACTIVE DELETED", "delete", "404 payee_not_found", "", "by somebody else"},
      {kNone, "delete", kNobody, "", "there is no id to ask with: of an unknown one, payees_test"},
  };
  machine.state = [](Saved& saved) -> std::string {
    if (saved.id.empty()) return kNone;
    const Answer answer = saved.of->payer.Get(absl::StrCat("/v1/payees/", saved.id));
    return Outcome(answer) == "404 payee_not_found" ? "DELETED" : answer.Text("state");
  };
  machine.seen = [](Saved& saved) {
    const Answer all = saved.of->payer.Get("/v1/payees");
    return Shown(all);
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
