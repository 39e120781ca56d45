// Each state × each event of a payment, through HTTPS (docs/payments.md, "Payment"); and what may
// begin to be refunded or disputed in which state.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "services/payments/domain/charge_machine.h"
#include "services/payments/domain/state_machine.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

constexpr char kAccepts[] = "DE97500105170600000000";
constexpr char kDelays[] = "DE55500105170600009001";
constexpr char kRejects[] = "DE28500105170600009002";
constexpr char kReturns[] = "DE98500105170600009003";

constexpr int kHoldSeconds = 30 * 86'400;

// A payment, or one that is to be.
struct Paid {
  PartiesPtr of;
  std::string id;
  std::string route;         // That makes it.
  boost::json::object body;  // Of the request for it.
  Sent made;
  bool there = false;
  std::string approval;
  bool approved = false;
  bool declined = false;
  std::optional<absl::Time> target;  // Of the clock, where that has been advanced.
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/payments/", id, rest);
  }
};

Paid Planned(PartiesPtr of) {
  return {.of = std::move(of),
          .id = FormatId(IdKind::kPayment, SystemIds().NewId()),
          .route = "/v1/payments"};
}
Paid Transfer(PartiesPtr of, std::int64_t minor_units = 1000) {
  Paid paid = Planned(std::move(of));
  const Parties& with = *paid.of;
  paid.body = PaymentBody(with.source, with.destination, absl::StrCat(minor_units), with.currency);
  return paid;
}
Paid Authorization(PartiesPtr of, std::int64_t minor_units = 1000) {
  Paid paid = Transfer(std::move(of), minor_units);
  paid.body["capture_method"] = "MANUAL";
  paid.body["authorization_timeout_seconds"] = kHoldSeconds;
  return paid;
}
Paid Payout(PartiesPtr of, const std::string& iban) {
  Paid paid = Planned(std::move(of));
  paid.route = "/v1/payouts";
  paid.body = {{"source_account_id", paid.of->source},
               {"amount", MoneyOf(paid.of->currency, 1000)},
               {"beneficiary", {{"name", "Jo Elsewhere"}, {"iban", iban}}},
               {"reference", "Invoice 7"}};
  return paid;
}

// Sends the request that makes it.
Answer Send(Paid& paid, const Sent& sent) {
  Answer answer = paid.of->payer.Post(paid.route, paid.body, sent);
  for (const char* name : {"payment_id", "payment.payment_id", "metadata.payment_id"}) {
    if (paid.there || answer.Text(name).empty()) continue;
    paid.id = answer.Text(name);
    paid.there = true;
    paid.approval = answer.Text("next_action.approval_id");
  }
  // Its intent is kept, and nobody says its id while the ledger is away.
  if (!paid.there && answer.status >= 500) {
    paid.id = NewestPaymentOf(paid.of->payer);
    paid.there = !paid.id.empty();
  }
  return answer;
}
Paid Made(Paid paid) {
  Send(paid, paid.made);
  return paid;
}

boost::json::object Part(const Paid& paid, std::int64_t minor_units, bool final = false) {
  boost::json::object body = {{"amount", MoneyOf(paid.of->currency, minor_units)}};
  if (final) body["final"] = true;
  return body;
}
Answer Capture(Paid& paid, const boost::json::object& body) {
  return paid.of->payee.Post(paid.Path(":capture"), body, paid.sent);
}
Answer ByPayer(Paid& paid, const std::string& verb) {
  return paid.of->payer.Post(paid.Path(verb), "{}", paid.sent);
}
Answer ByPayee(Paid& paid, const std::string& verb) {
  return paid.of->payee.Post(paid.Path(verb), "{}", paid.sent);
}
// Once each, however often it is asked.
void Approve(Paid& paid) {
  if (paid.approved) return;
  EXPECT_EQ(Outcome(paid.of->Approve(paid.approval)), "200");
  paid.approved = true;
}
void Decline(Paid& paid) {
  if (paid.declined) return;
  EXPECT_EQ(Outcome(paid.of->Decline(paid.approval)), "200");
  paid.declined = true;
}
// Captures a part first, so that something is left for the event.
Answer AfterAPart(Paid& paid, const std::function<Answer()>& event) {
  if (paid.of->payer.Get(paid.Path()).Text("captured_amount.minor_units") != "300") {
    const Answer part = paid.of->payee.Post(paid.Path(":capture"), Part(paid, 300));
    EXPECT_EQ(Outcome(part), "200") << part;
  }
  return event();
}
Answer After(Paid& paid, absl::Duration time) {
  if (!paid.target) paid.target = SandboxNow(paid.of->payer) + time;
  return AdvanceTo(paid.of->payer, *paid.target);
}

std::string StateOfPayment(Paid& paid) {
  return paid.there ? paid.of->payer.Get(paid.Path()).Text("state") : kNone;
}
std::string SeenOfPayment(Paid& paid) {
  std::string text = paid.of->Balances();
  if (!paid.there) return text;
  for (ApiUser* user : {&paid.of->payer, &paid.of->payee}) {
    for (const char* rest : {"", "/refunds", "/disputes"}) {
      const Answer answer = user->Get(paid.Path(rest));
      absl::StrAppend(&text, "\n", Shown(answer));
    }
  }
  return text;
}

// How it comes into each state; only with the ledger away does a transfer stay in processing.
Machine<Paid> OfPayments(std::string name) {
  Machine<Paid> machine;
  machine.name = std::move(name);
  machine.states = StatesOf<payments::State>();
  machine.bring = {
      {kNone, [] { return Transfer(Dollars()); }},
      {"REQUIRES_ACTION", [] { return Made(Transfer(Euros())); }},
      {"PROCESSING", [] { return Made(Payout(Dollars(), kDelays)); }},
      {"REQUIRES_CAPTURE", [] { return Made(Authorization(Dollars())); }},
      {"SUCCEEDED", [] { return Made(Transfer(Dollars())); }},
      {"SUCCEEDED/captured",
       [] {
         Paid paid = Made(Authorization(Dollars()));
         Capture(paid, Part(paid, 600, true));
         return paid;
       }},
      {"SUCCEEDED/payout", [] { return Made(Payout(Dollars(), kAccepts)); }},
      {"SUCCEEDED/returnable", [] { return Made(Payout(Dollars(), kReturns)); }},
      {"FAILED", [] { return Made(Transfer(Dollars(), 5'000'000)); }},
      {"CANCELED",
       [] {
         Paid paid = Made(Transfer(Euros()));
         ByPayer(paid, ":cancel");
         return paid;
       }},
      {"CANCELED/voided",
       [] {
         Paid paid = Made(Authorization(Dollars()));
         ByPayee(paid, ":cancel");
         return paid;
       }},
      {"RETURNED",
       [] {
         Paid paid = Made(Payout(Dollars(), kReturns));
         After(paid, absl::Hours(25));
         return paid;
       }},
  };
  const auto send = [](Paid& paid) {
    const Answer answer = Send(paid, paid.made);
    EXPECT_TRUE(paid.there) << answer;
  };
  machine.away = {{"PROCESSING/away", {[] { return Transfer(Dollars()); }, send}},
                  {"PROCESSING/away-manual", {[] { return Authorization(Dollars()); }, send}},
                  {"PROCESSING/away-poor", {[] { return Transfer(Dollars(), 5'000'000); }, send}}};
  machine.state = StateOfPayment;
  machine.seen = SeenOfPayment;
  return machine;
}

std::map<std::string, std::function<Answer(Paid&)>> Causes() {
  const auto make = [](Paid& paid) { return Send(paid, paid.sent); };
  // As what it stands for here, under the key that this cell sends.
  const auto other = [](Paid (*what)(PartiesPtr)) {
    return [what](Paid& paid) {
      if (!paid.there) {
        const Paid wanted = what(paid.of);
        paid.route = wanted.route;
        paid.body = wanted.body;
      }
      return Send(paid, paid.sent);
    };
  };
  const auto again = [](Paid& paid) { return Send(paid, paid.made); };
  const auto capture = [](Paid& paid) { return Capture(paid, Part(paid, 300)); };
  const auto capture_all = [](Paid& paid) { return Capture(paid, {}); };
  const auto confirm = [](Paid& paid) { return ByPayer(paid, ":confirm"); };
  const auto cancel = [](Paid& paid) { return ByPayer(paid, ":cancel"); };
  const auto void_it = [](Paid& paid) { return ByPayee(paid, ":cancel"); };
  return {
      {"create", make},
      {"create to be captured later",
       other([](PartiesPtr of) { return Authorization(std::move(of)); })},
      {"create of more than there is",
       other([](PartiesPtr of) { return Transfer(std::move(of), 5'000'000); })},
      {"create of a payout", other([](PartiesPtr of) { return Payout(std::move(of), kAccepts); })},
      {"create of a slow payout",
       other([](PartiesPtr of) { return Payout(std::move(of), kDelays); })},
      {"create of a payout to nobody",
       other([](PartiesPtr of) { return Payout(std::move(of), kRejects); })},
      {"create again", again},
      {"create_for_approval",
       [](Paid& paid) {
         if (!paid.there) {
           const Sent sent = paid.sent;
           paid = Transfer(Euros());
           paid.sent = sent;
         }
         return Send(paid, paid.sent);
       }},
      {"create_for_approval again", again},
      {"approval_redeemed", confirm},
      {"approval_redeemed before its approval", confirm},
      {"approval_redeemed after its approval",
       [confirm](Paid& paid) {
         Approve(paid);
         return confirm(paid);
       }},
      {"approval_refused",
       [confirm](Paid& paid) {
         Decline(paid);
         return confirm(paid);
       }},
      {"cancel", cancel},
      {"void", void_it},
      {"capture", capture},
      {"capture by the payer",
       [](Paid& paid) {
         return paid.of->payer.Post(paid.Path(":capture"), Part(paid, 300), paid.sent);
       }},
      {"capture of more than is left", [](Paid& paid) { return Capture(paid, Part(paid, 1001)); }},
      {"captured_part", capture},
      {"captured_last", capture_all},
      {"captured_last finally", [](Paid& paid) { return Capture(paid, Part(paid, 300, true)); }},
      {"released_all", void_it},
      {"released_rest",
       [void_it](Paid& paid) { return AfterAPart(paid, [&] { return void_it(paid); }); }},
      {"expire", [](Paid& paid) { return After(paid, absl::Seconds(kHoldSeconds + 60)); }},
      {"expire after a part",
       [](Paid& paid) {
         return AfterAPart(paid, [&] { return After(paid, absl::Seconds(kHoldSeconds + 60)); });
       }},
      {"cancel_unsent",
       [](Paid& paid) {
         return paid.of->payer.Post(absl::StrCat("/v1/payouts/", paid.id, ":cancel"), "{}",
                                    paid.sent);
       }},
      {"rail_settled", [](Paid& paid) { return After(paid, absl::Minutes(61)); }},
      {"rail_returned", [](Paid& paid) { return After(paid, absl::Hours(25)); }},
  };
}

constexpr char kLedgers[] =
    "ledger_committed ledger_held ledger_refused ledger_reserved captured_part captured_last "
    "released_rest released_all";

std::vector<Cell> Cells() {
  return {
      // Making one, and its key again.
      {kNone, "create", "200", "PROCESSING → SUCCEEDED"},
      {kNone, "create", "200", "PROCESSING → REQUIRES_CAPTURE", "to be captured later"},
      {kNone, "create", "422 insufficient_funds", "PROCESSING → FAILED", "of more than there is"},
      {kNone, "create", "200", "PROCESSING → SUCCEEDED", "of a payout"},
      {kNone, "create", "200", "PROCESSING", "of a slow payout"},
      {kNone, "create", "422 rail_rejected", "PROCESSING → FAILED", "of a payout to nobody"},
      {kNone, "create_for_approval", "200", "REQUIRES_ACTION"},
      {"PROCESSING REQUIRES_CAPTURE SUCCEEDED SUCCEEDED/captured SUCCEEDED/payout RETURNED",
       "create", "200", "", "again"},
      {"PROCESSING/away", "create", "503 unavailable", "", "again"},
      {"FAILED", "create", "422 insufficient_funds", "", "again"},
      {"CANCELED/voided", "create", "422 payment_canceled", "", "again"},
      {"REQUIRES_ACTION", "create_for_approval", "200", "", "again"},
      {"CANCELED", "create_for_approval", "422 payment_canceled", "", "again"},
      {"REQUIRES_ACTION", "create", kNobody, "", "it was judged when it was made: with approval"},
      {"PROCESSING REQUIRES_CAPTURE SUCCEEDED FAILED RETURNED", "create_for_approval", kNobody, "",
       "it was judged when it was made: its key again is × create"},

      // The payer's approval.
      {"REQUIRES_ACTION", "approval_redeemed", "200", "PROCESSING → SUCCEEDED",
       "after its approval"},
      {"REQUIRES_ACTION", "approval_redeemed", "409 approval_pending", "", "before its approval"},
      {"REQUIRES_ACTION", "approval_refused", "422 approval_declined", "CANCELED"},
      {"CANCELED", "approval_redeemed", "422 payment_canceled", "", "after its approval"},
      {"CANCELED", "approval_refused", "422 payment_canceled"},
      {"CANCELED/voided", "approval_redeemed", "422 payment_canceled"},
      {"REQUIRES_CAPTURE SUCCEEDED SUCCEEDED/captured SUCCEEDED/payout RETURNED",
       "approval_redeemed", "200"},
      {"FAILED", "approval_redeemed", "422 insufficient_funds"},
      {"PROCESSING", "approval_redeemed", "200"},
      {"PROCESSING/away", "approval_redeemed", "503 unavailable"},
      {"PROCESSING REQUIRES_CAPTURE SUCCEEDED FAILED RETURNED", "approval_refused", kNobody, "",
       "no approval of it is there to be declined; of one that was used: × approvals"},
      {kNone, "approval_redeemed", "404 payment_not_found"},
      {kNone, "approval_refused", kNobody, "", "there is no approval of nothing"},

      // What its payer may do.
      {"REQUIRES_ACTION", "cancel", "200", "CANCELED"},
      {"CANCELED CANCELED/voided", "cancel", "200"},
      {"PROCESSING PROCESSING/away PROCESSING/away-manual REQUIRES_CAPTURE SUCCEEDED "
       "SUCCEEDED/captured SUCCEEDED/payout FAILED RETURNED",
       "cancel", "409 payment_not_cancelable"},
      {kNone, "cancel", "404 payment_not_found"},
      {"PROCESSING SUCCEEDED/payout RETURNED", "cancel_unsent", "409 payment_not_cancelable"},
      {"PROCESSING", "cancel_unsent", kNobody, "",
       "a payout that is not sent yet is never seen: it is sent within the request that makes it"},
      {"– REQUIRES_ACTION PROCESSING/away REQUIRES_CAPTURE SUCCEEDED FAILED CANCELED",
       "cancel_unsent", "404 payment_not_found"},  // No payouts.

      // What its payee may do. They see nothing before money was set aside for them.
      {"REQUIRES_CAPTURE", "capture", "200", "REQUIRES_CAPTURE"},
      {"REQUIRES_CAPTURE", "capture", "422 capture_exceeds_authorization", "",
       "of more than is left"},
      {"REQUIRES_CAPTURE", "capture", "404 payment_not_found", "", "by the payer"},
      {"SUCCEEDED SUCCEEDED/captured CANCELED/voided", "capture", "409 payment_not_capturable"},
      {"– REQUIRES_ACTION PROCESSING PROCESSING/away PROCESSING/away-manual SUCCEEDED/payout "
       "FAILED CANCELED RETURNED",
       "capture", "404 payment_not_found"},
      {"REQUIRES_CAPTURE", "void", "200", "REQUIRES_CAPTURE → CANCELED"},
      {"CANCELED/voided", "void", "200"},
      {"SUCCEEDED SUCCEEDED/captured", "void", "409 payment_not_cancelable"},
      {"– REQUIRES_ACTION PROCESSING PROCESSING/away PROCESSING/away-manual SUCCEEDED/payout "
       "FAILED CANCELED RETURNED",
       "void", "404 payment_not_found"},

      // What the ledger makes of captures and releases; time; the rail.
      {"REQUIRES_CAPTURE", "captured_part", "200", "REQUIRES_CAPTURE"},
      {"REQUIRES_CAPTURE", "captured_last", "200", "SUCCEEDED"},
      {"REQUIRES_CAPTURE", "captured_last", "200", "SUCCEEDED", "finally"},
      {"REQUIRES_CAPTURE", "released_rest", "200", "SUCCEEDED"},
      {"REQUIRES_CAPTURE", "released_all", "200", "CANCELED"},
      {"REQUIRES_CAPTURE", "expire", "200", "REQUIRES_CAPTURE → CANCELED"},
      {"REQUIRES_CAPTURE", "expire", "200", "REQUIRES_CAPTURE → SUCCEEDED", "after a part"},
      {"PROCESSING/away", "ledger_committed", "200", "SUCCEEDED", "when it is back"},
      {"PROCESSING/away-manual", "ledger_held", "200", "REQUIRES_CAPTURE", "when it is back"},
      {"PROCESSING/away-poor", "ledger_refused", "200", "FAILED", "when it is back"},
      {"PROCESSING", "ledger_reserved", kNobody, "", "it stays PROCESSING: – × create of a payout"},
      {"PROCESSING", "rail_settled", "200", "SUCCEEDED"},
      {"PROCESSING", "rail_rejected", kNobody, "",
       "the sandbox's rail rejects at once: – × create of a payout to nobody"},
      {"SUCCEEDED/returnable", "rail_returned", "200", "RETURNED"},

      // What nobody can cause.
      {"– REQUIRES_ACTION SUCCEEDED FAILED CANCELED RETURNED", kLedgers, kNobody, "",
       "the ledger is asked nothing there: what would ask it is refused above"},
      {"PROCESSING", "captured_part captured_last released_rest released_all", kNobody, "",
       "nothing is held yet: × capture, × void"},
      {"REQUIRES_CAPTURE", "ledger_committed ledger_held ledger_refused ledger_reserved", kNobody,
       "", "the ledger has decided it"},
      {"– REQUIRES_ACTION PROCESSING SUCCEEDED FAILED CANCELED RETURNED", "expire", kNobody, "",
       "nothing is held that time could end"},
      {"– REQUIRES_ACTION REQUIRES_CAPTURE SUCCEEDED FAILED CANCELED RETURNED", "rail_settled",
       kNobody, "", "no payout is under way; what a rail repeats: payouts_test"},
      {"– REQUIRES_ACTION REQUIRES_CAPTURE SUCCEEDED FAILED CANCELED RETURNED", "rail_rejected",
       kNobody, "", "no payout is under way"},
      {"– REQUIRES_ACTION PROCESSING REQUIRES_CAPTURE FAILED CANCELED RETURNED", "rail_returned",
       kNobody, "", "a rail returns what it has paid"},
  };
}

TEST(StateEvents, Payment) {
  Machine<Paid> machine = OfPayments("payment");
  machine.events = NamesOf<payments::Event>();
  for (const payments::Transition& row : payments::Transitions()) {
    machine.arrows.push_back({row.from ? StateName(*row.from) : kNone,
                              std::string(NameOf(row.event)), StateName(row.to),
                              !row.guard.empty()});
  }
  machine.cause = Causes();
  machine.cells = Cells();
  WorkThrough(machine);
}

// Captures and voids are events of the payment itself, above.
TEST(StateEvents, StepsOfAPayment) {
  Machine<Paid> machine = OfPayments("steps of a payment");
  machine.events = {"refund", "dispute"};
  machine.cause = {
      {"refund",
       [](Paid& paid) {
         return paid.of->payee.Post(paid.Path("/refunds"), Part(paid, 300), paid.sent);
       }},
      {"refund by the payer",
       [](Paid& paid) {
         return paid.of->payer.Post(paid.Path("/refunds"), Part(paid, 300), paid.sent);
       }},
      {"dispute",
       [](Paid& paid) {
         boost::json::object body = Part(paid, 300);
         body["reason_code"] = "not_received";
         return paid.of->payer.Post(paid.Path("/disputes"), body, paid.sent);
       }},
      {"dispute by the payee",
       [](Paid& paid) {
         boost::json::object body = Part(paid, 300);
         body["reason_code"] = "not_received";
         return paid.of->payee.Post(paid.Path("/disputes"), body, paid.sent);
       }},
  };
  machine.cells = {
      {"SUCCEEDED SUCCEEDED/captured", "refund", "200", "SUCCEEDED"},
      {"SUCCEEDED SUCCEEDED/captured", "refund", "404 payment_not_found", "", "by the payer"},
      {"SUCCEEDED SUCCEEDED/captured", "dispute", "200", "SUCCEEDED"},
      {"SUCCEEDED SUCCEEDED/captured", "dispute", "404 payment_not_found", "", "by the payee"},
      {"– REQUIRES_ACTION PROCESSING PROCESSING/away PROCESSING/away-manual SUCCEEDED/payout "
       "FAILED CANCELED RETURNED",
       "refund", "404 payment_not_found"},
      {"REQUIRES_CAPTURE CANCELED/voided", "refund", "409 payment_not_refundable"},
      {"REQUIRES_CAPTURE CANCELED/voided", "dispute", "409 payment_not_disputable"},
      {"REQUIRES_ACTION PROCESSING PROCESSING/away PROCESSING/away-manual SUCCEEDED/payout FAILED "
       "CANCELED RETURNED",
       "dispute", "409 payment_not_disputable"},
      {kNone, "dispute", "404 payment_not_found"},
  };
  // A refusal is kept, so that its key stays refused: the payee's list of refunds has it.
  machine.seen = [](Paid& paid) {
    std::string text = paid.of->Balances();
    if (!paid.there) return text;
    for (ApiUser* user : {&paid.of->payer, &paid.of->payee}) {
      for (const char* rest : {"", "/disputes"}) {
        const Answer answer = user->Get(paid.Path(rest));
        absl::StrAppend(&text, "\n", Shown(answer));
      }
    }
    return text;
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
