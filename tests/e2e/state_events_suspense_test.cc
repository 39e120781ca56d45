// Each state × each event of an item in suspense, through HTTPS (docs/suspense.md).
#include <map>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/payments/domain/suspense.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// Money for nobody, of 0.70. Of what is sent back the rail does what the end of the deposit's id
// says.
struct Item {
  PartiesPtr of = Accounts();
  std::string deposit_id;
  std::string id = {};
  std::map<std::string, std::string> proposals = {};  // By payload.
  std::optional<absl::Time> target = {};
  Sent sent = {};

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/suspense-items/", id, rest);
  }
};

Sent AsOperator(Sent sent = {}) {
  sent.token = People::All().resolver_token();
  return sent;
}
Answer Get(const std::string& path) { return People::All().resolver().Get(path, AsOperator()); }

// Empty where there is none (yet).
std::string ItemOf(const std::string& deposit_id) {
  std::string token;
  do {
    const Answer page =
        Get(absl::StrCat("/v1/suspense-items?state=OPEN&page_size=100&page_token=", token));
    for (const auto& item : page.body.at("items").as_array()) {
      if (item.at("deposit_id").as_string() == deposit_id) {
        return std::string(item.at("item_id").as_string());
      }
    }
    token = page.Text("next_page_token");
  } while (!token.empty());
  return "";
}
Answer Receive(Item& item) {
  return item.of->payer.Post("/v1/sandbox/rail:deposit",
                             boost::json::object{{"deposit_id", item.deposit_id},
                                                 {"amount", MoneyOf(item.of->currency, 70)},
                                                 {"account_reference", "DE89370400440532013000"},
                                                 {"notifications", 1}},
                             item.sent);
}
Item Coming(const std::string& end) { return {.deposit_id = absl::StrCat(Fresh("dep"), "-", end)}; }
Item Open(const std::string& end = "x") {
  Item item = Coming(end);
  EXPECT_EQ(Outcome(Receive(item)), "200");
  for (int i = 0; i < 300 && item.id.empty(); ++i) {
    item.id = ItemOf(item.deposit_id);
    if (item.id.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return item;
}
std::string StateNow(Item& item) {
  if (item.id.empty()) item.id = ItemOf(item.deposit_id);
  return item.id.empty() ? kNone : Get(item.Path()).Text("state");
}

const std::string& Agreed(Item& item, const std::string& payload) {
  std::string& proposal = item.proposals[payload];
  if (proposal.empty()) proposal = People::All().Agree("payments.suspense", payload);
  return proposal;
}
Answer AssignTo(Item& item, const std::string& account) {
  const std::string& proposal = Agreed(
      item, absl::StrCat(R"({"account_id":")", account, R"(","item_id":")", item.id, R"("})"));
  return People::All().resolver().Post(
      item.Path(":assign"), boost::json::object{{"account_id", account}, {"proposal_id", proposal}},
      AsOperator(item.sent));
}
Answer Assign(Item& item) { return AssignTo(item, item.of->savings); }
Answer AssignToClosed(Item& item) {
  item.of->payee.Post(absl::StrCat("/v1/accounts/", item.of->destination, ":close"), "{}");
  return AssignTo(item, item.of->destination);
}
Answer Return(Item& item) {
  const std::string& proposal =
      Agreed(item, absl::StrCat(R"({"item_id":")", item.id, R"(","returned":true})"));
  return People::All().resolver().Post(
      item.Path(":return"), boost::json::object{{"proposal_id", proposal}}, AsOperator(item.sent));
}
Answer After(Item& item, absl::Duration time) {
  if (!item.target) item.target = SandboxNow(item.of->payer) + time;
  return AdvanceTo(item.of->payer, *item.target);
}
Item Done(Item item, Answer (*what)(Item&)) {
  EXPECT_EQ(Outcome(what(item)), "200");
  return item;
}

std::vector<Cell> CellsOfSuspense() {
  return {
      {kNone, "receive", "200", "OPEN"},
      {"OPEN ASSIGNED RETURNING RETURNED", "receive", "200", "", "again"},
      {"OPEN", "assign", "200", "ASSIGNING → ASSIGNED"},
      {"OPEN", "refused", "422 account_closed", "ASSIGNING → OPEN", "by the ledger"},
      {"OPEN", "return", "200", "RETURNING → RETURNED"},
      {"OPEN/slow", "return", "200", "RETURNING", "of which the rail says nothing yet"},
      {"OPEN/rejected", "refused", "422 rail_rejected", "RETURNING → OPEN", "by the rail"},
      {"RETURNING", "settled", "200", "RETURNED"},
      {"RETURNED/returnable", "came_back", "200", "OPEN"},
      {"ASSIGNED RETURNING RETURNED", "assign return", "409 suspense_item_closed"},

      {"ASSIGNING", "receive assign return refused settled came_back", kNobody, "",
       "it passes within a request or a round of the worker: suspense_test of payments_flow"},
      {"RETURNING ASSIGNED RETURNED", "refused", kNobody, "",
       "there is nothing to refuse any more, or the sandbox's rail refuses at once"},
      {"OPEN ASSIGNED RETURNED", "settled", kNobody, "", "it is not with the rail"},
      {"OPEN ASSIGNED RETURNING", "came_back", kNobody, "", "a rail returns what it has paid"},
      {kNone, "assign return refused settled came_back", kNobody, "",
       "there is no id to ask with: of an unknown one, suspense_test"},
  };
}

TEST(StateEvents, ItemInSuspense) {
  Machine<Item> machine;
  machine.name = "item in suspense";
  machine.states = StatesOf<payments::SuspenseState>();
  machine.events = {"receive", "assign", "return", "refused", "settled", "came_back"};
  machine.bring = {
      {kNone, [] { return Coming("x"); }},
      {"OPEN", [] { return Open(); }},
      {"OPEN/slow", [] { return Open("9001"); }},
      {"OPEN/rejected", [] { return Open("9002"); }},
      {"ASSIGNED", [] { return Done(Open(), Assign); }},
      {"RETURNING", [] { return Done(Open("9001"), Return); }},
      {"RETURNED", [] { return Done(Open(), Return); }},
      {"RETURNED/returnable", [] { return Done(Open("9003"), Return); }},
  };
  machine.cause = {
      {"receive", Receive},
      {"receive again", Receive},
      {"assign", Assign},
      {"refused by the ledger", AssignToClosed},
      {"return", Return},
      {"return of which the rail says nothing yet", Return},
      {"refused by the rail", Return},
      {"settled", [](Item& item) { return After(item, absl::Minutes(61)); }},
      {"came_back", [](Item& item) { return After(item, absl::Hours(25)); }},
  };
  machine.cells = CellsOfSuspense();
  machine.state = StateNow;
  machine.seen = [](Item& item) {
    if (StateNow(item) == kNone) return std::string(kNone);
    return absl::StrCat(Shown(Get(item.Path())), item.of->Balances());
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
