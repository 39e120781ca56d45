// Each state × each event of what orders payments, through HTTPS: schedules, bulks, and requests
// for money (docs/schedules.md, bulk.md, payment-requests.md).
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "services/payments/domain/bulk.h"
#include "services/payments/domain/payment_request.h"
#include "services/payments/domain/schedule.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// A schedule, a bulk, or a request for money.
struct Order {
  PartiesPtr of;
  std::string route;   // "/v1/schedules"
  std::string member;  // "schedule_id"
  boost::json::object body;
  Sent made;
  std::string id;
  Sent paid = {};  // Of a request, under which it was paid.
  std::string approval;
  bool approved = false;
  bool declined = false;
  std::optional<absl::Time> target;
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat(route, "/", id, rest);
  }
};

Answer Send(Order& order, ApiUser& user, const Sent& sent) {
  Answer answer = user.Post(order.route, order.body, sent);
  if (order.id.empty()) order.id = answer.Text(order.member);
  return answer;
}
// Remembered: of what was canceled it is not told any more.
std::string ApprovalOf(Order& order) {
  if (order.approval.empty()) {
    order.approval = order.of->payer.Get(order.Path()).Text("next_action.approval_id");
  }
  return order.approval;
}
Answer Do(Order& order, const std::string& verb) {
  ApprovalOf(order);
  return order.of->payer.Post(order.Path(verb), "{}", order.sent);
}
std::function<Answer(Order&)> Doing(const std::string& verb) {
  return [verb](Order& order) { return Do(order, verb); };
}
// Approves, and redeems the approval.
Answer Approved(Order& order) {
  if (!order.approved) {
    EXPECT_EQ(Outcome(order.of->Approve(ApprovalOf(order))), "200");
    order.approved = true;
  }
  return Do(order, ":confirm");
}
Answer Declined(Order& order) {
  if (!order.declined) {
    EXPECT_EQ(Outcome(order.of->Decline(ApprovalOf(order))), "200");
    order.declined = true;
  }
  return Do(order, ":confirm");
}
template <class... Rest>
std::string Seen(Order& order, Rest... rest) {
  std::string text = order.of->Balances();
  for (const std::string& path : {order.Path(), order.Path(rest)...}) {
    const Answer answer = order.of->payer.Get(path);
    absl::StrAppend(&text, "\n", Shown(answer));
  }
  return text;
}

// So many days from now, once a day, twice.
Order Planned(PartiesPtr of, const std::string& destination, int days) {
  Order order{.of = std::move(of), .route = "/v1/schedules", .member = "schedule_id"};
  // Schedules are due by the sandbox's time, which other tests have put forward.
  const absl::Time now = SandboxNow(order.of->payer);
  const absl::CivilDay first = absl::ToCivilDay(now, absl::UTCTimeZone()) + days;
  order.body = PaymentBody(order.of->source, destination, "100", order.of->currency);
  order.body["recurrence"] =
      boost::json::object{{"frequency", "DAILY"},
                          {"first_date", boost::json::string(absl::FormatCivilTime(first))},
                          {"local_time", "00:00"},
                          {"time_zone", "UTC"},
                          {"count", 2}};
  return order;
}
// To the payer's own account, which needs no approval.
Order OwnSchedule(int days) {
  const PartiesPtr of = Accounts();
  return Planned(of, of->savings, days);
}
Order OthersSchedule() {
  const PartiesPtr of = Euros();
  return Planned(of, of->destination, 1000);
}
Order Made(Order order) {
  const Answer made = Send(order, order.of->payer, order.made);
  EXPECT_EQ(Outcome(made), "200") << made;
  return order;
}
Order MadeAnd(Order order, const std::string& verb) {
  order = Made(std::move(order));
  EXPECT_EQ(Outcome(Do(order, verb)), "200");
  return order;
}

TEST(StateEvents, Schedule) {
  Machine<Order> machine;
  machine.name = "schedule";
  machine.states = StatesOf<payments::ScheduleState>();
  // Its user's, and what else happens to it.
  machine.events = NamesOf<payments::ScheduleEvent>();
  for (const char* more : {"create", "confirm", "decline", "last_due"}) {
    machine.events.emplace_back(more);
  }
  machine.bring = {
      {kNone, [] { return OwnSchedule(1000); }},
      {"–/others", OthersSchedule},
      {"–/due", [] { return OwnSchedule(-1); }},
      {"ACTIVE", [] { return Made(OwnSchedule(1000)); }},
      {"PAUSED", [] { return MadeAnd(OwnSchedule(1000), ":pause"); }},
      {"CANCELED", [] { return MadeAnd(OwnSchedule(1000), ":cancel"); }},
      {"CANCELED/unapproved", [] { return MadeAnd(OthersSchedule(), ":cancel"); }},
      {"ACTIVE/soon", [] { return Made(OwnSchedule(1)); }},
      {"PAUSED/soon", [] { return MadeAnd(OwnSchedule(1), ":pause"); }},
      {"CANCELED/soon", [] { return MadeAnd(OwnSchedule(1), ":cancel"); }},
      {"ENDED", [] { return Made(OwnSchedule(-1)); }},
      {"REQUIRES_ACTION", [] { return Made(OthersSchedule()); }},
  };
  const auto create = [](Order& order) { return Send(order, order.of->payer, order.sent); };
  machine.cause = {
      {"create", create},
      {"create to somebody else", create},
      {"create again", [](Order& order) { return Send(order, order.of->payer, order.made); }},
      {"last_due at once", create},
      {"last_due",
       [](Order& order) {
         ApiUser& user = order.of->payer;
         if (!order.target) order.target = SandboxNow(user) + absl::Hours(3 * 24);
         return AdvanceTo(user, *order.target);
       }},
      {"pause", Doing(":pause")},
      {"resume", Doing(":resume")},
      {"cancel", Doing(":cancel")},
      {"confirm", Doing(":confirm")},
      {"confirm after its approval", Approved},
      {"decline", Declined},
  };
  machine.cells = {
      {kNone, "create", "200", "ACTIVE"},
      {"–/others", "create", "200", "REQUIRES_ACTION", "to somebody else"},
      {"–/due", "last_due", "200", "ENDED", "at once"},
      {"ACTIVE/soon", "last_due", "200", "ENDED"},
      {"PAUSED/soon CANCELED/soon", "last_due", "200"},
      {"ACTIVE PAUSED CANCELED ENDED REQUIRES_ACTION", "create", "200", "", "again"},
      {"ACTIVE", "pause", "200", "PAUSED"},
      {"ACTIVE", "resume", "200"},
      {"ACTIVE", "cancel", "200", "CANCELED"},
      {"PAUSED", "pause", "200"},
      {"PAUSED", "resume", "200", "ACTIVE"},
      {"PAUSED", "cancel", "200", "CANCELED"},
      {"CANCELED CANCELED/unapproved", "cancel", "200"},
      {"CANCELED CANCELED/unapproved ENDED", "pause resume", "409 schedule_ended"},
      {"ENDED", "cancel", "409 schedule_ended"},
      {"REQUIRES_ACTION", "pause resume", "409 approval_pending"},
      {"REQUIRES_ACTION", "cancel", "200", "CANCELED"},
      {"REQUIRES_ACTION", "confirm", "409 approval_pending"},
      {"REQUIRES_ACTION", "confirm", "200", "ACTIVE", "after its approval"},
      {"REQUIRES_ACTION", "decline", "200", "CANCELED"},
      {"ACTIVE PAUSED CANCELED CANCELED/unapproved ENDED", "confirm", "200"},
      {"CANCELED/unapproved", "confirm", "200", "", "after its approval"},
      {"CANCELED/unapproved", "decline", "200"},
      {"ACTIVE PAUSED ENDED", "decline", kNobody, "", "there is no approval to decline"},
      {"ENDED", "last_due", kNobody, "", "nothing of it is due any more"},
      {"REQUIRES_ACTION", "last_due", kNobody, "",
       "its approval runs out first, by auth's time, which no request moves: approval_test"},
      {kNone, "pause resume cancel confirm decline", kNobody, "",
       "there is no id to ask with: of an unknown one, schedules_test"},
  };
  // It has ended when its last payment has.
  machine.state = [](Order& order) -> std::string {
    if (order.id.empty()) return kNone;
    const Answer all = order.of->payer.Get(order.Path("/occurrences"));
    for (const auto& one : all.body.at("occurrences").as_array()) {
      if (one.at("state") == "PENDING") return "an occurrence is pending";
    }
    return order.of->payer.Get(order.Path()).Text("state");
  };
  machine.seen = [](Order& order) -> std::string {
    return order.id.empty() ? order.of->Balances() : Seen(order, "/occurrences");
  };
  WorkThrough(machine);
}

Order NewBulk(const PartiesPtr& of, const std::string& mode) {
  return {.of = of,
          .route = "/v1/bulks",
          .member = "bulk_id",
          .body = {{"source_account_id", of->source}, {"mode", mode}}};
}
Answer AddItem(Order& order, const std::string& destination, std::int64_t minor_units,
               const std::string& id) {
  const boost::json::object item = {{"item_id", id},
                                    {"destination_account_id", destination},
                                    {"minor_units", absl::StrCat(minor_units)}};
  return order.of->payer.Post(order.Path("/items"),
                              boost::json::object{{"items", boost::json::array{item}}}, order.sent);
}
// With an item to the payer's own account.
Order Draft(const std::string& mode = "BEST_EFFORT", std::int64_t minor_units = 100) {
  Order order = Made(NewBulk(Accounts(), mode));
  EXPECT_EQ(Outcome(AddItem(order, order.of->savings, minor_units, "a")), "200");
  return order;
}
Order OthersDraft() {
  Order order = Made(NewBulk(Euros(), "BEST_EFFORT"));
  EXPECT_EQ(Outcome(AddItem(order, order.of->destination, 100, "a")), "200");
  return order;
}
Order After(Order order, const std::string& verb) {
  EXPECT_EQ(Outcome(Do(order, verb)), "200");
  return order;
}

std::vector<Cell> CellsOfBulks() {
  constexpr char kOver[] = "COMPLETED FAILED";
  return {
      {kNone, "create", "200", "DRAFT"},
      {"DRAFT CANCELED REQUIRES_ACTION COMPLETED FAILED PAYING/away", "create", "200", "", "again"},
      {"DRAFT", "add_items", "200", "DRAFT"},
      {"DRAFT", "add_items", "200", "", "that are there"},
      {"DRAFT", "add_items", "409 id_conflict", "", "that are there, but differ"},
      {"CANCELED REQUIRES_ACTION COMPLETED FAILED PAYING/away HOLDING/away", "add_items",
       "409 bulk_closed"},
      {"CANCELED REQUIRES_ACTION COMPLETED", "add_items", "200", "", "that are there"},
      {"DRAFT", "submit", "200", "PAYING → COMPLETED"},
      {"DRAFT/all", "submit", "200", "HOLDING → COMPLETED", "of all or nothing"},
      {"DRAFT/poor", "submit", "200", "HOLDING → FAILED", "of more than there is"},
      {"DRAFT/others", "submit", "200", "REQUIRES_ACTION", "to somebody else"},
      {"DRAFT/empty", "submit", "400 invalid_field", "", "without items"},
      {"REQUIRES_ACTION COMPLETED FAILED PAYING/away HOLDING/away", "submit", "200"},
      {"CANCELED CANCELED/unapproved", "submit", "409 bulk_closed"},
      {"DRAFT DRAFT/empty", "cancel", "200", "CANCELED"},
      {"REQUIRES_ACTION", "cancel", "200", "CANCELED"},
      {"CANCELED CANCELED/unapproved", "cancel", "200"},
      {"COMPLETED FAILED PAYING/away HOLDING/away", "cancel", "409 bulk_closed"},
      {"REQUIRES_ACTION", "confirm", "409 approval_pending"},
      {"REQUIRES_ACTION", "confirm", "200", "PAYING → COMPLETED", "after its approval"},
      {"REQUIRES_ACTION", "decline", "200", "CANCELED"},
      {"CANCELED/unapproved", "decline", "200"},
      {"DRAFT CANCELED CANCELED/unapproved COMPLETED FAILED PAYING/away HOLDING/away", "confirm",
       "200"},
      {"DRAFT COMPLETED FAILED PAYING HOLDING", "decline", kNobody, "",
       "there is no approval to decline"},
      {"PAYING/away", "worked_off", "200", "COMPLETED", "when the ledger is back"},
      {"HOLDING/away", "worked_off", "200", "COMPLETED", "when the ledger is back"},
      {absl::StrCat("DRAFT CANCELED REQUIRES_ACTION ", kOver), "worked_off", kNobody, "",
       "there is nothing to be worked off"},
      {"HOLDING", "create", kNobody, "", "as of PAYING"},
      {"CAPTURING RELEASING", "create add_items submit cancel confirm decline worked_off", kNobody,
       "",
       "they pass as soon as the ledger answers: bulk_worker_test; both are shown as PROCESSING"},
      {kNone, "add_items submit cancel confirm decline worked_off", kNobody, "",
       "there is no id to ask with: of an unknown one, bulk_test"},
  };
}

TEST(StateEvents, Bulk) {
  Machine<Order> machine;
  machine.name = "bulk";
  machine.states = StatesOf<payments::BulkState>();
  machine.events = NamesOf<payments::BulkEvent>();
  for (const char* more : {"create", "add_items", "confirm", "decline", "worked_off"}) {
    machine.events.emplace_back(more);
  }
  machine.bring = {
      {kNone, [] { return NewBulk(Accounts(), "BEST_EFFORT"); }},
      {"DRAFT", [] { return Draft(); }},
      {"DRAFT/all", [] { return Draft("ALL_OR_NOTHING"); }},
      {"DRAFT/poor", [] { return Draft("ALL_OR_NOTHING", 100'001); }},
      {"DRAFT/others", OthersDraft},
      {"DRAFT/empty", [] { return Made(NewBulk(Accounts(), "BEST_EFFORT")); }},
      {"CANCELED", [] { return After(Draft(), ":cancel"); }},
      {"CANCELED/unapproved", [] { return After(After(OthersDraft(), ":submit"), ":cancel"); }},
      {"REQUIRES_ACTION", [] { return After(OthersDraft(), ":submit"); }},
      {"COMPLETED", [] { return After(Draft(), ":submit"); }},
      {"FAILED", [] { return After(Draft("ALL_OR_NOTHING", 100'001), ":submit"); }},
  };
  const auto submit = [](Order& order) { After(order, ":submit"); };
  machine.away = {{"PAYING/away", {[] { return Draft(); }, submit}},
                  {"HOLDING/away", {[] { return Draft("ALL_OR_NOTHING"); }, submit}}};
  const auto add = [](std::int64_t minor_units, const std::string& id) {
    return [minor_units, id](Order& order) {
      return AddItem(order, order.of->savings, minor_units, id);
    };
  };
  machine.cause = {
      {"create", [](Order& order) { return Send(order, order.of->payer, order.sent); }},
      {"create again", [](Order& order) { return Send(order, order.of->payer, order.made); }},
      {"add_items", add(5, "b")},
      {"add_items that are there, but differ", add(101, "a")},
      {"add_items that are there",
       [](Order& order) {
         // As it was added: to whom is its own.
         const Answer items = order.of->payer.Get(order.Path("/items"));
         const auto& item = items.body.at("items").as_array().at(0).as_object();
         return AddItem(order, std::string(item.at("destination_account_id").as_string()), 100,
                        "a");
       }},
      {"submit", Doing(":submit")},
      {"submit of all or nothing", Doing(":submit")},
      {"submit of more than there is", Doing(":submit")},
      {"submit to somebody else", Doing(":submit")},
      {"submit without items", Doing(":submit")},
      {"cancel", Doing(":cancel")},
      {"confirm", Doing(":confirm")},
      {"confirm after its approval", Approved},
      {"decline", Declined},
  };
  machine.cells = CellsOfBulks();
  // The API has one state for the four that are worked on.
  machine.state = [](Order& order) -> std::string {
    if (order.id.empty()) return kNone;
    const std::string state = order.of->payer.Get(order.Path()).Text("state");
    if (state != "PROCESSING") return state;
    return order.body.at("mode") == "BEST_EFFORT" ? "PAYING" : "HOLDING";
  };
  machine.seen = [](Order& order) -> std::string {
    return order.id.empty() ? order.of->Balances() : Seen(order, "/items");
  };
  WorkThrough(machine);
}

Order Asked(PartiesPtr of) {
  Order order{.of = std::move(of), .route = "/v1/payment_requests", .member = "payment_request_id"};
  order.body = {{"destination_account_id", order.of->destination},
                {"amount", MoneyOf(order.of->currency, 300)},
                {"expires_in_seconds", 60 * 86'400}};
  return order;
}
Order Open(PartiesPtr of) {
  Order order = Asked(std::move(of));
  const Answer made = Send(order, order.of->payee, order.made);
  EXPECT_EQ(Outcome(made), "200") << made;
  return order;
}
Answer Pay(Order& order, const Sent& sent) {
  return order.of->payer.Post(order.Path(":pay"),
                              boost::json::object{{"source_account_id", order.of->source}}, sent);
}
Answer Withdraw(Order& order) {
  return order.of->payee.Post(order.Path(":withdraw"), "{}", order.sent);
}
Order OpenAnd(PartiesPtr of, const std::function<Answer(Order&)>& event) {
  Order order = Open(std::move(of));
  EXPECT_EQ(Outcome(event(order)), "200");
  return order;
}
Answer PayFirst(Order& order) { return Pay(order, order.paid); }
std::string PaymentOf(Order& order, const std::string& rest) {
  return absl::StrCat("/v1/payments/", order.of->payer.Get(order.Path()).Text("payment_id"), rest);
}
// Approves and confirms its payment, which a worker then sees.
Answer PaymentSucceeds(Order& order) {
  ApiUser& payer = order.of->payer;
  const std::string approval = payer.Get(PaymentOf(order, "")).Text("next_action.approval_id");
  if (!approval.empty()) {
    EXPECT_EQ(Outcome(order.of->Approve(approval)), "200");
  }
  return payer.Post(PaymentOf(order, ":confirm"), "{}", order.sent);
}

std::map<std::string, std::function<Answer(Order&)>> CausesOfRequests() {
  const auto pay = [](Order& order) { return Pay(order, order.sent); };
  return {
      {"create", [](Order& order) { return Send(order, order.of->payee, order.sent); }},
      {"create again", [](Order& order) { return Send(order, order.of->payee, order.made); }},
      {"pay", pay},
      {"pay with an approval", pay},
      {"pay again", PayFirst},
      {"pay from the payee's own account",
       [](Order& order) {
         return order.of->payee.Post(
             order.Path(":pay"), boost::json::object{{"source_account_id", order.of->destination}},
             order.sent);
       }},
      {"decline", Doing(":decline")},
      {"withdraw", Withdraw},
      {"withdraw by the payer", Doing(":withdraw")},
      {"payment_succeeded", PaymentSucceeds},
      {"payment_failed",
       [](Order& order) {
         // Once it has failed, the request names no payment any more.
         static std::map<std::string, std::string> paths;
         std::string& path = paths[order.id];
         if (path.empty()) path = PaymentOf(order, ":cancel");
         return order.of->payer.Post(path, "{}", order.sent);
       }},
  };
}

std::vector<Cell> CellsOfRequests() {
  return {
      {kNone, "create", "200", "OPEN"},
      {"OPEN PAYING PAID DECLINED WITHDRAWN EXPIRED", "create", "200", "", "again"},
      {"OPEN", "pay", "200", "PAYING → PAID"},
      {"OPEN/euros", "pay", "200", "PAYING", "with an approval"},
      {"OPEN", "pay", "400 same_account", "", "from the payee's own account"},
      {"PAYING PAID", "pay", "200", "", "again"},
      {"PAYING/away", "pay", "503 unavailable", "", "again"},
      {"PAYING PAYING/away PAID DECLINED WITHDRAWN", "pay", "409 payment_request_closed"},
      {"EXPIRED", "pay", "422 payment_request_expired"},
      {"OPEN", "decline", "200", "DECLINED"},
      {"DECLINED", "decline", "200"},
      {"PAYING PAYING/away PAID WITHDRAWN", "decline", "409 payment_request_closed"},
      {"EXPIRED", "decline", "422 payment_request_expired"},
      {"OPEN", "withdraw", "200", "WITHDRAWN"},
      {"WITHDRAWN", "withdraw", "200"},
      {"PAYING PAYING/away PAID DECLINED", "withdraw", "409 payment_request_closed"},
      {"EXPIRED", "withdraw", "422 payment_request_expired"},
      {"OPEN PAID DECLINED", "withdraw", "404 payment_request_not_found", "", "by the payer"},
      {"PAYING", "payment_succeeded", "200", "PAID"},
      {"PAYING", "payment_failed", "200", "OPEN"},
      {"PAYING/away", "payment_succeeded", "200", "PAID", "when the ledger is back"},
      {"OPEN PAID DECLINED WITHDRAWN EXPIRED", "payment_succeeded payment_failed", kNobody, "",
       "no payment of it is under way"},
      {kNone, "pay decline withdraw payment_succeeded payment_failed", kNobody, "",
       "there is no id to ask with: of an unknown one, payment_requests_test"},
  };
}

TEST(StateEvents, RequestForMoney) {
  Machine<Order> machine;
  machine.name = "request for money";
  machine.states = StatesOf<payments::MoneyRequestState>();
  machine.events = NamesOf<payments::MoneyRequestEvent>();
  machine.events.emplace_back("create");
  machine.arrows = {{kNone, "create", "OPEN"}};
  for (const auto& row : payments::MoneyRequestTransitions()) {
    machine.arrows.push_back(
        {StateName(row.from), std::string(NameOf(row.event)), StateName(row.to)});
  }
  machine.bring = {
      {kNone, [] { return Asked(Dollars()); }},
      {"OPEN", [] { return Open(Dollars()); }},
      {"OPEN/euros", [] { return Open(Euros()); }},
      {"PAYING", [] { return OpenAnd(Euros(), PayFirst); }},
      {"PAID", [] { return OpenAnd(Dollars(), PayFirst); }},
      {"DECLINED", [] { return OpenAnd(Dollars(), Doing(":decline")); }},
      {"WITHDRAWN", [] { return OpenAnd(Dollars(), Withdraw); }},
      {"EXPIRED",
       [] {
         Order order = Open(Dollars());
         ApiUser& user = order.of->payer;
         AdvanceTo(user, SandboxNow(user) + absl::Hours(60 * 24 + 1));
         return order;
       }},
  };
  machine.away = {
      {"PAYING/away", {[] { return Open(Dollars()); }, [](Order& order) { PayFirst(order); }}}};
  machine.cause = CausesOfRequests();
  machine.cells = CellsOfRequests();
  machine.state = [](Order& order) -> std::string {
    return order.id.empty() ? kNone : order.of->payer.Get(order.Path()).Text("state");
  };
  machine.seen = [](Order& order) {
    std::string text = order.of->Balances();
    if (order.id.empty()) return text;
    for (ApiUser* user : {&order.of->payer, &order.of->payee}) {
      const Answer answer = user->Get(order.Path());
      absl::StrAppend(&text, "\n", Shown(answer));
    }
    return text;
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
