// Each state × each event of a refund, which is that of every step of a payment, and of a dispute,
// through HTTPS (docs/payments.md, "Refund" and "Dispute").
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "services/payments/domain/charge_machine.h"
#include "services/payments/domain/dispute.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// A transfer of 10.00 that has succeeded, and a step of it.
struct Stepped {
  PartiesPtr of;
  std::string payment;  // Its path.
  Sent made;            // With what the step was asked for.
  boost::json::object body;
  std::string id;                                // Of the step; empty: there is none.
  std::map<std::string, std::string> proposals;  // By what they propose.
  std::optional<absl::Time> target;
  Sent sent;
};

Stepped Succeeded() {
  Stepped stepped{.of = Dollars()};
  const Answer paid =
      stepped.of->payer.Pay(stepped.of->source, stepped.of->destination, 1000, {}, "USD");
  EXPECT_EQ(paid.Text("state"), "SUCCEEDED") << paid;
  stepped.payment = absl::StrCat("/v1/payments/", paid.Text("payment_id"));
  stepped.body = {{"amount", MoneyOf("USD", 400)}};
  return stepped;
}

template <class Row>
Arrow ArrowOf(const Row& row) {
  return {row.from ? StateName(*row.from) : kNone, std::string(NameOf(row.event)),
          StateName(row.to), !row.guard.empty()};
}

std::string SeenWith(Stepped& stepped, const std::vector<std::string>& paths) {
  std::string text = stepped.of->Balances();
  for (ApiUser* user : {&stepped.of->payer, &stepped.of->payee}) {
    for (const std::string& path : paths) {
      const Answer answer = user->Get(path);
      absl::StrAppend(&text, "\n", Shown(answer));
    }
  }
  return text;
}

// The newest refund, whatever became of it.
void Find(Stepped& stepped) {
  const Answer all = stepped.of->payee.Get(stepped.payment + "/refunds");
  const boost::json::array& refunds = all.body.at("refunds").as_array();
  if (!stepped.id.empty() || refunds.empty()) return;
  stepped.id = std::string(refunds.front().at("refund_id").as_string());
}
Answer Refund(Stepped& stepped, const Sent& sent) {
  Answer answer = stepped.of->payee.Post(stepped.payment + "/refunds", stepped.body, sent);
  Find(stepped);
  return answer;
}
Stepped Refunded(std::int64_t minor_units) {
  Stepped stepped = Succeeded();
  stepped.body["amount"] = MoneyOf("USD", minor_units);
  Refund(stepped, stepped.made);
  return stepped;
}
// Whose payee has nothing left to give back.
Stepped Spent() {
  Stepped stepped{.of = NewDollars()};
  Parties& with = *stepped.of;
  const Answer paid = with.payer.Pay(with.source, with.destination, 1000, {}, "USD");
  stepped.payment = absl::StrCat("/v1/payments/", paid.Text("payment_id"));
  stepped.body = {{"amount", MoneyOf("USD", 400)}};
  const std::string savings = with.payee.OpenAccount("USD");
  EXPECT_EQ(Outcome(with.payee.Pay(with.destination, savings, 1000, {}, "USD")), "200");
  return stepped;
}

TEST(StateEvents, Refund) {
  Machine<Stepped> machine;
  machine.name = "refund";
  machine.states = StatesOf<payments::StepState>();
  machine.events = NamesOf<payments::StepEvent>();
  for (const auto& row : payments::RefundTransitions()) machine.arrows.push_back(ArrowOf(row));
  machine.bring = {
      {kNone, Succeeded},
      {"–/spent", Spent},
      {"SUCCEEDED", [] { return Refunded(400); }},
      {"FAILED", [] { return Refunded(1001); }},
  };
  const auto begin = [](Stepped& stepped) { Refund(stepped, stepped.made); };
  machine.away = {{"PROCESSING/away", {Succeeded, begin}},
                  {"PROCESSING/away-spent", {Spent, begin}}};
  machine.cause = {
      {"begin", [](Stepped& stepped) { return Refund(stepped, stepped.sent); }},
      {"begin without funds", [](Stepped& stepped) { return Refund(stepped, stepped.sent); }},
      {"begin again", [](Stepped& stepped) { return Refund(stepped, stepped.made); }},
      {"refuse",
       [](Stepped& stepped) {
         stepped.body["amount"] = MoneyOf("USD", 1001);
         return Refund(stepped, stepped.sent);
       }},
      {"refuse again", [](Stepped& stepped) { return Refund(stepped, stepped.made); }},
      {"refuse of more than is left beside it",
       [](Stepped& stepped) {
         return stepped.of->payee.Post(stepped.payment + "/refunds",
                                       boost::json::object{{"amount", MoneyOf("USD", 601)}},
                                       stepped.sent);
       }},
      {"begin under its key, of something else",
       [](Stepped& stepped) {
         return stepped.of->payee.Post(stepped.payment + "/refunds",
                                       boost::json::object{{"amount", MoneyOf("USD", 1)}},
                                       stepped.made);
       }},
  };
  machine.cells = {
      {kNone, "begin", "200", "PROCESSING → SUCCEEDED"},
      {"–/spent", "begin", "422 insufficient_funds", "PROCESSING → FAILED", "without funds"},
      {kNone, "refuse", "422 refund_exceeds_captured", "FAILED"},
      {"SUCCEEDED", "begin", "200", "", "again"},
      {"PROCESSING/away PROCESSING/away-spent", "begin", "503 unavailable", "", "again"},
      {"FAILED", "refuse", "422 refund_exceeds_captured", "", "again"},
      {"SUCCEEDED FAILED PROCESSING/away", "begin", "409 idempotency_key_reused", "",
       "under its key, of something else"},
      // What is in flight is counted, too.
      {"SUCCEEDED PROCESSING/away", "refuse", "422 refund_exceeds_captured", "",
       "of more than is left beside it"},
      {"PROCESSING/away", "ledger_committed", "200", "SUCCEEDED", "when it is back"},
      {"PROCESSING/away-spent", "ledger_refused", "200", "FAILED", "when it is back"},
      {"– SUCCEEDED FAILED", "ledger_committed ledger_refused", kNobody, "",
       "the ledger is asked nothing there"},
  };
  machine.state = [](Stepped& stepped) -> std::string {
    if (stepped.id.empty()) return kNone;
    return stepped.of->payer.Get(absl::StrCat(stepped.payment, "/refunds/", stepped.id))
        .Text("state");
  };
  // Other refunds of the payment that were refused are in its list.
  machine.seen = [](Stepped& stepped) {
    std::vector<std::string> paths = {stepped.payment};
    if (!stepped.id.empty()) {
      paths.push_back(absl::StrCat(stepped.payment, "/refunds/", stepped.id));
    }
    return SeenWith(stepped, paths);
  };
  WorkThrough(machine);
}

std::string DisputePath(const Stepped& stepped, const std::string& rest = "") {
  return absl::StrCat("/v1/disputes/", stepped.id, rest);
}
Answer Open(Stepped& stepped, const Sent& sent) {
  boost::json::object body = stepped.body;
  body["reason_code"] = "not_received";
  Answer answer = stepped.of->payer.Post(stepped.payment + "/disputes", body, sent);
  if (stepped.id.empty()) stepped.id = answer.Text("dispute_id");
  return answer;
}
Answer Respond(Stepped& stepped, ApiUser& user, const Sent& sent) {
  return user.Post(DisputePath(stepped, "/evidence"),
                   boost::json::object{{"texts", {"Signed for on Monday."}}}, sent);
}
Answer Resolve(Stepped& stepped, const std::string& outcome, const Sent& sent) {
  People& people = People::All();
  std::string& proposal = stepped.proposals[outcome];
  if (proposal.empty()) {
    proposal = people.Agree("payments.dispute", absl::StrCat(R"({"dispute_id":")", stepped.id,
                                                             R"(","outcome":")", outcome, R"("})"));
  }
  return people.resolver().Post(
      DisputePath(stepped, ":resolve"),
      boost::json::object{{"outcome", outcome}, {"proposal_id", proposal}},
      {.key = sent.key, .token = people.resolver_token()});
}
Stepped NeedsResponse() {
  Stepped stepped = Succeeded();
  Open(stepped, stepped.made);
  return stepped;
}
Stepped UnderReview() {
  Stepped stepped = NeedsResponse();
  EXPECT_EQ(Outcome(Respond(stepped, stepped.of->payee, {})), "200");
  return stepped;
}
Stepped Resolved(const std::string& outcome) {
  Stepped stepped = UnderReview();
  EXPECT_EQ(Outcome(Resolve(stepped, outcome, {})), "200");
  stepped.proposals.clear();
  return stepped;
}

std::map<std::string, std::function<Answer(Stepped&)>> CausesOfDisputes() {
  const auto resolve = [](const std::string& outcome) {
    return [outcome](Stepped& stepped) { return Resolve(stepped, outcome, stepped.sent); };
  };
  const auto by_payer = [](const std::string& verb) {
    return [verb](Stepped& stepped) {
      return stepped.of->payer.Post(DisputePath(stepped, verb), "{}", stepped.sent);
    };
  };
  const auto by_payee = [](const std::string& verb) {
    return [verb](Stepped& stepped) {
      return stepped.of->payee.Post(DisputePath(stepped, verb), "{}", stepped.sent);
    };
  };
  return {
      {"opened", [](Stepped& stepped) { return Open(stepped, stepped.sent); }},
      {"opened again", [](Stepped& stepped) { return Open(stepped, stepped.made); }},
      {"opened about more than is left",
       [](Stepped& stepped) {
         return stepped.of->payer.Post(
             stepped.payment + "/disputes",
             boost::json::object{{"amount", MoneyOf("USD", 1001)}, {"reason_code", "other"}},
             stepped.sent);
       }},
      {"respond",
       [](Stepped& stepped) { return Respond(stepped, stepped.of->payee, stepped.sent); }},
      {"respond by the payer",
       [](Stepped& stepped) { return Respond(stepped, stepped.of->payer, stepped.sent); }},
      {"respond too late",
       [](Stepped& stepped) { return Respond(stepped, stepped.of->payee, stepped.sent); }},
      {"time_over",
       [](Stepped& stepped) {
         ApiUser& user = stepped.of->payer;
         if (!stepped.target) stepped.target = SandboxNow(user) + payments::kResponseTime;
         return AdvanceTo(user, *stepped.target + absl::Minutes(1));
       }},
      {"accept", by_payee(":accept")},
      {"accept by the payer", by_payer(":accept")},
      {"withdraw", by_payer(":withdraw")},
      {"withdraw by the payee", by_payee(":withdraw")},
      {"resolve_won", resolve("WON")},
      {"resolve_lost", resolve("LOST")},
      {"resolve_lost by the payer",
       [](Stepped& stepped) {
         return stepped.of->payer.Post(DisputePath(stepped, ":resolve"),
                                       boost::json::object{{"outcome", "LOST"}}, stepped.sent);
       }},
  };
}

TEST(StateEvents, Dispute) {
  Machine<Stepped> machine;
  machine.name = "dispute";
  machine.states = StatesOf<payments::DisputeState>();
  machine.events = NamesOf<payments::DisputeEvent>();
  for (const auto& row : payments::DisputeTransitions()) machine.arrows.push_back(ArrowOf(row));
  machine.bring = {
      {kNone, Succeeded},
      {"NEEDS_RESPONSE", NeedsResponse},
      {"UNDER_REVIEW", UnderReview},
      {"UNDER_REVIEW/overdue",
       [] {
         Stepped stepped = NeedsResponse();
         ApiUser& user = stepped.of->payer;
         AdvanceTo(user, SandboxNow(user) + payments::kResponseTime + absl::Minutes(1));
         return stepped;
       }},
      {"WON", [] { return Resolved("WON"); }},
      {"LOST", [] { return Resolved("LOST"); }},
      {"WITHDRAWN",
       [] {
         Stepped stepped = NeedsResponse();
         stepped.of->payer.Post(DisputePath(stepped, ":withdraw"), "{}");
         return stepped;
       }},
  };
  // Being decided: by its payee, who accepts.
  machine.away = {{"UNDER_REVIEW/away", {UnderReview, [](Stepped& stepped) {
                                           stepped.of->payee.Post(DisputePath(stepped, ":accept"),
                                                                  "{}", stepped.made);
                                         }}}};
  machine.cause = CausesOfDisputes();
  machine.cells = {
      {kNone, "opened", "200", "NEEDS_RESPONSE"},
      {kNone, "opened", "409 payment_not_disputable", "", "about more than is left"},
      {"NEEDS_RESPONSE UNDER_REVIEW WON LOST WITHDRAWN", "opened", "409 payment_not_disputable", "",
       "about more than is left"},
      {"NEEDS_RESPONSE UNDER_REVIEW UNDER_REVIEW/away WON LOST WITHDRAWN", "opened", "200", "",
       "again"},
      {"NEEDS_RESPONSE", "respond", "200", "UNDER_REVIEW"},
      {"UNDER_REVIEW", "respond", "200", "UNDER_REVIEW"},
      {"UNDER_REVIEW/overdue", "respond", "409 dispute_closed", "", "too late"},
      {"UNDER_REVIEW/away WON LOST WITHDRAWN", "respond", "409 dispute_closed", "", "too late"},
      {"NEEDS_RESPONSE UNDER_REVIEW WON", "respond", "404 dispute_not_found", "", "by the payer"},
      {"NEEDS_RESPONSE", "accept", "200", "LOST"},
      {"UNDER_REVIEW", "accept", "200", "LOST"},
      {"UNDER_REVIEW/overdue", "accept", "200", "LOST"},
      {"WON LOST WITHDRAWN", "accept", "409 dispute_closed"},
      {"NEEDS_RESPONSE UNDER_REVIEW LOST", "accept", "404 dispute_not_found", "", "by the payer"},
      {"NEEDS_RESPONSE", "withdraw", "200", "WITHDRAWN"},
      {"UNDER_REVIEW", "withdraw", "200", "WITHDRAWN"},
      {"WON LOST WITHDRAWN", "withdraw", "409 dispute_closed"},
      {"NEEDS_RESPONSE UNDER_REVIEW WITHDRAWN", "withdraw", "404 dispute_not_found", "",
       "by the payee"},
      {"UNDER_REVIEW", "resolve_won", "200", "WON"},
      {"UNDER_REVIEW", "resolve_lost", "200", "LOST"},
      {"NEEDS_RESPONSE WON LOST WITHDRAWN", "resolve_won", "409 dispute_closed"},
      {"NEEDS_RESPONSE WON LOST WITHDRAWN", "resolve_lost", "409 dispute_closed"},
      {"UNDER_REVIEW NEEDS_RESPONSE", "resolve_lost", "403 scope_missing", "", "by the payer"},
      {"UNDER_REVIEW/away", "accept", "409 dispute_closed", "", "while it is being accepted"},
      {"UNDER_REVIEW/away", "withdraw", "409 dispute_closed", "", "while it is being accepted"},
      {"UNDER_REVIEW/away", "accept", "200", "LOST", "when it is back"},
      {"NEEDS_RESPONSE", "time_over", "200", "UNDER_REVIEW"},
      {"– UNDER_REVIEW WON LOST WITHDRAWN", "time_over", kNobody, "",
       "only what needs a response becomes due"},
      {kNone, "respond accept withdraw resolve_won resolve_lost", kNobody, "",
       "there is no id to ask with: of an unknown one, charges_test"},
  };
  machine.cause["accept while it is being accepted"] = machine.cause["accept"];
  machine.cause["withdraw while it is being accepted"] = machine.cause["withdraw"];
  machine.state = [](Stepped& stepped) -> std::string {
    return stepped.id.empty() ? kNone : stepped.of->payer.Get(DisputePath(stepped)).Text("state");
  };
  machine.seen = [](Stepped& stepped) {
    std::vector<std::string> paths = {stepped.payment, stepped.payment + "/refunds"};
    if (!stepped.id.empty()) paths.push_back(DisputePath(stepped));
    return SeenWith(stepped, paths);
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
