// Each state × each event of what people decide, through HTTPS: approvals of payers, proposals that
// take two, and discrepancies.
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/auth/domain/payment_approval.h"
#include "services/auth/domain/proposal.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// A payment of 10.00 that its payer must approve.
struct Asked {
  PartiesPtr of;
  std::string payment;
  std::string id;  // Of the approval.
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/approvals/", id, rest);
  }
};

Asked Pending() {
  Asked asked{.of = Euros()};
  const Answer paid = asked.of->payer.Pay(asked.of->source, asked.of->destination, 1000);
  asked.payment = absl::StrCat("/v1/payments/", paid.Text("payment_id"));
  asked.id = paid.Text("next_action.approval_id");
  return asked;
}
Answer Approve(Asked& asked) { return asked.of->Approve(asked.id); }
Answer Decline(Asked& asked) { return asked.of->Decline(asked.id); }
Answer Redeem(Asked& asked) {
  return asked.of->payer.Post(asked.payment + ":confirm", "{}", asked.sent);
}
template <class... Event>
Asked After(Asked asked, Event... event) {
  for (const Answer& answer : {event(asked)...}) EXPECT_EQ(Outcome(answer), "200") << answer;
  return asked;
}

TEST(StateEvents, Approval) {
  Machine<Asked> machine;
  machine.name = "approval";
  machine.states = StatesOf<auth::ApprovalState>();
  machine.events = {"ask", "approve", "decline", "redeem", "redeem_other", "expire"};
  machine.bring = {
      {"PENDING", Pending},
      {"APPROVED", [] { return After(Pending(), Approve); }},
      {"DECLINED", [] { return After(Pending(), Decline); }},
      {"REDEEMED", [] { return After(Pending(), Approve, Redeem); }},
  };
  machine.cause = {
      {"approve", Approve},
      {"approve by somebody else",
       [](Asked& asked) {
         return asked.of->payee.Post(asked.Path(":approve"),
                                     boost::json::object{{"totp_code", "123456"}}, asked.sent);
       }},
      {"approve with a wrong code",
       [](Asked& asked) {
         return asked.of->payer.Post(asked.Path(":approve"),
                                     boost::json::object{{"totp_code", "000000"}}, asked.sent);
       }},
      {"decline", Decline},
      {"decline by somebody else",
       [](Asked& asked) { return asked.of->payee.Post(asked.Path(":decline"), "{}", asked.sent); }},
      {"redeem", Redeem},
  };
  machine.cells = {
      {"PENDING", "approve", "200", "APPROVED"},
      {"PENDING", "approve", "401 second_factor_required", "", "with a wrong code"},
      {"PENDING APPROVED DECLINED REDEEMED", "approve decline", "404 approval_not_found", "",
       "by somebody else"},
      {"PENDING", "decline", "200", "DECLINED"},
      {"PENDING", "redeem", "409 approval_pending"},
      {"APPROVED", "approve", "200", "", "with a wrong code"},
      {"APPROVED", "decline", "200", "DECLINED"},
      {"APPROVED", "redeem", "200", "REDEEMED"},
      {"DECLINED", "approve", "422 approval_declined"},
      {"DECLINED", "decline", "200"},
      {"DECLINED", "redeem", "422 approval_declined"},
      {"REDEEMED", "approve decline", "403 approval_used"},
      {"REDEEMED", "redeem", "200"},
      {"PENDING APPROVED DECLINED REDEEMED VOID", "ask", kNobody, "",
       "payments asks, once for each payment: payment × create_for_approval"},
      {"PENDING APPROVED DECLINED REDEEMED VOID", "redeem_other", kNobody, "",
       "no request changes what is redeemed: approval_test changes rows"},
      {"PENDING APPROVED DECLINED REDEEMED VOID", "expire", kNobody, "",
       "its time is the system's, which no request moves: approval_test changes rows"},
      {"VOID", "approve decline redeem", kNobody, "",
       "only rows that were changed make it void: approval_test"},
  };
  machine.state = [](Asked& asked) { return asked.of->payer.Get(asked.Path()).Text("state"); };
  machine.seen = [](Asked& asked) {
    return absl::StrCat(boost::json::serialize(asked.of->payer.Get(asked.Path()).body),
                        asked.of->Balances());
  };
  WorkThrough(machine);
}

// A proposal to decide a dispute for the payee.
struct Proposed {
  PartiesPtr of;
  std::string dispute;
  std::string payload;
  std::string id;
  std::string digest;
  Sent made;
  Sent executed;  // Under which it was.
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/proposals/", id, rest);
  }
};

Answer Propose(Proposed& proposed, const Sent& sent) {
  Answer answer = People::All().Propose("payments.dispute", proposed.payload, sent.key);
  if (proposed.id.empty()) {
    proposed.id = answer.Text("proposal_id");
    proposed.digest = answer.Text("payload_digest");
  }
  return answer;
}
Proposed NotProposed() {
  Proposed proposed{.of = Dollars()};
  Parties& with = *proposed.of;
  const Answer paid = with.payer.Pay(with.source, with.destination, 1000, {}, "USD");
  const Answer dispute = with.payer.Post(
      absl::StrCat("/v1/payments/", paid.Text("payment_id"), "/disputes"),
      boost::json::object{{"amount", MoneyOf("USD", 400)}, {"reason_code", "other"}});
  proposed.dispute = dispute.Text("dispute_id");
  const Answer response =
      with.payee.Post(absl::StrCat("/v1/disputes/", proposed.dispute, "/evidence"),
                      boost::json::object{{"texts", {"Signed for on Monday."}}});
  EXPECT_EQ(response.Text("state"), "UNDER_REVIEW") << response;
  proposed.payload = absl::StrCat(R"({"dispute_id":")", proposed.dispute, R"(","outcome":"WON"})");
  return proposed;
}
Proposed New() {
  Proposed proposed = NotProposed();
  EXPECT_EQ(Outcome(Propose(proposed, proposed.made)), "200");
  return proposed;
}
Answer ByMaker(Proposed& proposed, const std::string& verb, const boost::json::object& body = {}) {
  People& people = People::All();
  return people.maker().Post(proposed.Path(verb), body,
                             {.key = proposed.sent.key, .token = people.maker_token()});
}
Answer ByChecker(Proposed& proposed, const std::string& verb,
                 const boost::json::object& body = {}) {
  People& people = People::All();
  return people.checker().Post(proposed.Path(verb), body,
                               {.key = proposed.sent.key, .token = people.checker_token()});
}
Answer Approving(Proposed& proposed) {
  return ByChecker(proposed, ":approve", {{"payload_digest", proposed.digest}});
}
Answer Rejecting(Proposed& proposed) { return ByChecker(proposed, ":reject"); }
Answer Withdrawing(Proposed& proposed) { return ByMaker(proposed, ":withdraw"); }
Answer Execute(Proposed& proposed, const Sent& sent, const std::string& outcome = "WON") {
  People& people = People::All();
  return people.resolver().Post(
      absl::StrCat("/v1/disputes/", proposed.dispute, ":resolve"),
      boost::json::object{{"outcome", outcome}, {"proposal_id", proposed.id}},
      {.key = sent.key, .token = people.resolver_token()});
}
Answer Executing(Proposed& proposed) { return Execute(proposed, proposed.executed); }
template <class... Event>
Proposed After(Proposed proposed, Event... event) {
  for (const Answer& answer : {event(proposed)...}) EXPECT_EQ(Outcome(answer), "200") << answer;
  return proposed;
}

std::map<std::string, std::function<Answer(Proposed&)>> CausesOfProposals() {
  return {
      {"propose", [](Proposed& proposed) { return Propose(proposed, proposed.sent); }},
      {"propose again", [](Proposed& proposed) { return Propose(proposed, proposed.made); }},
      {"approve", Approving},
      {"approve by its maker",
       [](Proposed& proposed) {
         return ByMaker(proposed, ":approve", {{"payload_digest", proposed.digest}});
       }},
      {"approve of something else",
       [](Proposed& proposed) {
         return ByChecker(proposed, ":approve", {{"payload_digest", std::string(64, '0')}});
       }},
      {"reject", Rejecting},
      {"reject by its maker", [](Proposed& proposed) { return ByMaker(proposed, ":reject"); }},
      {"withdraw", Withdrawing},
      {"withdraw by somebody else",
       [](Proposed& proposed) { return ByChecker(proposed, ":withdraw"); }},
      {"execute", [](Proposed& proposed) { return Execute(proposed, proposed.sent); }},
      {"execute again", Executing},
      {"execute of something else",
       [](Proposed& proposed) { return Execute(proposed, proposed.sent, "LOST"); }},
      {"execute once more", [](Proposed& proposed) { return Execute(proposed, proposed.sent); }},
  };
}

TEST(StateEvents, Proposal) {
  Machine<Proposed> machine;
  machine.name = "proposal";
  machine.states = StatesOf<auth::ProposalState>();
  machine.events = {"propose", "approve", "reject", "withdraw", "execute", "expire"};
  machine.bring = {
      {kNone, NotProposed},
      {"PROPOSED", New},
      {"APPROVED", [] { return After(New(), Approving); }},
      {"EXECUTED", [] { return After(New(), Approving, Executing); }},
      {"REJECTED", [] { return After(New(), Rejecting); }},
      {"WITHDRAWN", [] { return After(New(), Withdrawing); }},
  };
  machine.cause = CausesOfProposals();
  machine.cells = {
      {kNone, "propose", "200", "PROPOSED"},
      {"PROPOSED APPROVED EXECUTED REJECTED WITHDRAWN", "propose", "200", "", "again"},
      {"PROPOSED", "approve", "200", "APPROVED"},
      {"PROPOSED", "approve", "409 proposal_altered", "", "of something else"},
      {"PROPOSED APPROVED REJECTED", "approve reject", "403 self_approval", "", "by its maker"},
      {"APPROVED EXECUTED", "approve", "200"},
      {"REJECTED WITHDRAWN", "approve", "409 proposal_closed"},
      {"PROPOSED", "reject", "200", "REJECTED"},
      {"APPROVED", "reject", "200", "REJECTED"},
      {"REJECTED", "reject", "200"},
      {"EXECUTED WITHDRAWN", "reject", "409 proposal_closed"},
      {"PROPOSED", "withdraw", "200", "WITHDRAWN"},
      {"APPROVED", "withdraw", "200", "WITHDRAWN"},
      {"WITHDRAWN", "withdraw", "200"},
      {"EXECUTED REJECTED", "withdraw", "409 proposal_closed"},
      {"PROPOSED APPROVED WITHDRAWN", "withdraw", "403 not_the_maker", "", "by somebody else"},
      {"PROPOSED", "execute", "422 proposal_not_approved"},
      {"APPROVED", "execute", "200", "EXECUTED"},
      {"APPROVED", "execute", "409 proposal_altered", "", "of something else"},
      {"EXECUTED", "execute", "200", "", "again"},
      {"EXECUTED", "execute", "409 dispute_closed", "", "once more"},
      {"REJECTED WITHDRAWN", "execute", "409 proposal_closed"},
      {"PROPOSED APPROVED EXECUTED REJECTED WITHDRAWN EXPIRED –", "expire", kNobody, "",
       "its day is the system's, which no request moves: proposal_test"},
      {"EXPIRED", "propose approve reject withdraw execute", kNobody, "",
       "its day is the system's, which no request moves: proposal_test"},
      {kNone, "approve reject withdraw execute", kNobody, "", "there is no id to ask with"},
  };
  machine.state = [](Proposed& proposed) -> std::string {
    People& people = People::All();
    return proposed.id.empty()
               ? kNone
               : people.maker().Get(proposed.Path(), {.token = people.maker_token()}).Text("state");
  };
  machine.seen = [](Proposed& proposed) {
    People& people = People::All();
    std::string text = proposed.of->Balances();
    if (proposed.id.empty()) return text;
    absl::StrAppend(
        &text,
        boost::json::serialize(
            people.maker().Get(proposed.Path(), {.token = people.maker_token()}).body),
        boost::json::serialize(
            proposed.of->payer.Get(absl::StrCat("/v1/disputes/", proposed.dispute)).body));
    return text;
  };
  WorkThrough(machine);
}

// A payout that its rail has paid twice, or that its rail has paid and says nothing about.
struct Found {
  PartiesPtr of;
  std::string payment;
  std::string id;
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/discrepancies/", id, rest);
  }
};

constexpr char kSilent[] = "DE44500105170600009005";
constexpr char kTwice[] = "DE17500105170600009006";

Answer Reconcile() {
  People& people = People::All();
  return people.staff().Post("/v1/discrepancies:reconcile", "{}", {.token = people.staff_token()});
}
void Pass(const Found& found, absl::Duration time) {
  ApiUser& user = found.of->payer;
  EXPECT_EQ(Outcome(AdvanceTo(user, SandboxNow(user) + time)), "200");
}
Found Differs(const std::string& iban) {
  Found found{.of = Dollars()};
  const Answer paid = found.of->payer.Post(
      "/v1/payouts", boost::json::object{{"source_account_id", found.of->source},
                                         {"amount", MoneyOf("USD", 1000)},
                                         {"beneficiary", {{"name", "Jo"}, {"iban", iban}}}});
  found.payment = paid.Text("payment.payment_id");
  Pass(found, absl::Minutes(12));
  EXPECT_EQ(Outcome(Reconcile()), "200");
  People& people = People::All();
  std::string token;
  do {
    const Answer page =
        people.staff().Get(absl::StrCat("/v1/discrepancies?page_size=100&page_token=", token),
                           {.token = people.staff_token()});
    for (const auto& one : page.body.at("discrepancies").as_array()) {
      if (one.at("payment_id").as_string() != found.payment) continue;
      found.id = std::string(one.at("discrepancy_id").as_string());
    }
    token = page.Text("next_page_token");
  } while (!token.empty());
  return found;
}
// Until the rail has spoken, and both agree.
Answer Agree(Found& found) {
  Pass(found, absl::Hours(1));
  const std::string path = absl::StrCat("/v1/payments/", found.payment);
  for (int i = 0; i < 300 && found.of->payer.Get(path).Text("state") != "SUCCEEDED"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return Reconcile();
}
Answer Resolve(Found& found, const std::string& note) {
  People& people = People::All();
  return people.staff().Post(found.Path(":resolve"), boost::json::object{{"note", note}},
                             {.key = found.sent.key, .token = people.staff_token()});
}
Answer Resolving(Found& found) { return Resolve(found, "Claimed back from the bank."); }

TEST(StateEvents, Discrepancy) {
  Machine<Found> machine;
  machine.name = "discrepancy";
  machine.states = {"OPEN", "AGREED", "RESOLVED"};
  machine.events = {"resolve", "agree"};
  machine.bring = {{"OPEN", [] { return Differs(kTwice); }},
                   {"OPEN/silent", [] { return Differs(kSilent); }},
                   {"AGREED",
                    [] {
                      Found found = Differs(kSilent);
                      Agree(found);
                      return found;
                    }},
                   {"RESOLVED", [] {
                      Found found = Differs(kTwice);
                      Resolving(found);
                      return found;
                    }}};
  const auto reconcile = [](Found&) { return Reconcile(); };
  machine.cause = {
      {"resolve", Resolving},
      {"resolve in another way", [](Found& found) { return Resolve(found, "It is ours."); }},
      {"resolve without a word", [](Found& found) { return Resolve(found, ""); }},
      {"resolve by its payer",
       [](Found& found) {
         return found.of->payer.Post(found.Path(":resolve"), boost::json::object{{"note", "Mine."}},
                                     found.sent);
       }},
      {"agree", reconcile},
      {"agree after the rail has spoken", Agree},
  };
  machine.cells = {
      {"OPEN", "resolve", "200", "RESOLVED"},
      {"OPEN", "resolve", "400 invalid_field", "", "without a word"},
      {"OPEN RESOLVED AGREED", "resolve", "403 scope_missing", "", "by its payer"},
      {"OPEN AGREED RESOLVED", "agree", "200"},
      {"OPEN/silent", "agree", "200", "AGREED", "after the rail has spoken"},
      {"RESOLVED", "resolve", "200"},
      {"RESOLVED", "resolve", "409 discrepancy_closed", "", "in another way"},
      {"AGREED", "resolve", "409 discrepancy_closed"},
  };
  const auto shown = [](Found& found) {
    People& people = People::All();
    return people.staff().Get(found.Path(), {.token = people.staff_token()});
  };
  machine.state = [shown](Found& found) { return shown(found).Text("state"); };
  machine.seen = [shown](Found& found) {
    return boost::json::serialize(shown(found).body) + found.of->Balances();
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
