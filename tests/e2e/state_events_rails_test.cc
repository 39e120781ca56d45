// Each state × each event of a payout and of a rail's deposit, through HTTPS (docs/payments.md,
// "Payout" and "Deposit of a rail"; docs/rails.md).
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "services/payments/domain/payout.h"
#include "services/payments/domain/rail_deposit.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

constexpr char kAccepts[] = "DE97500105170600000000";
constexpr char kDelays[] = "DE55500105170600009001";
constexpr char kRejects[] = "DE28500105170600009002";
constexpr char kReturns[] = "DE98500105170600009003";

template <class Row>
Arrow ArrowOf(const Row& row) {
  return {row.from ? StateName(*row.from) : kNone, std::string(NameOf(row.event)),
          StateName(row.to), !row.guard.empty()};
}

struct Sending {
  PartiesPtr of;
  boost::json::object body;
  std::string id;
  Sent made;
  std::optional<absl::Time> target;
  Sent sent;

  std::string Path(const std::string& rest = "") const {
    return absl::StrCat("/v1/payouts/", id, rest);
  }
  std::string PaymentPath(const std::string& rest = "") const {
    return absl::StrCat("/v1/payments/", id, rest);
  }
};

Sending To(PartiesPtr of, const std::string& iban, std::int64_t minor_units = 1000) {
  Sending sending{.of = std::move(of)};
  sending.body = {{"source_account_id", sending.of->source},
                  {"amount", MoneyOf(sending.of->currency, minor_units)},
                  {"beneficiary", {{"name", "Jo Elsewhere"}, {"iban", iban}}}};
  return sending;
}
Answer Create(Sending& sending, const Sent& sent) {
  Answer answer = sending.of->payer.Post("/v1/payouts", sending.body, sent);
  for (const char* name : {"payment.payment_id", "metadata.payment_id"}) {
    if (sending.id.empty()) sending.id = answer.Text(name);
  }
  // Its intent is kept, and nobody says its id while the ledger is away.
  if (sending.id.empty() && answer.status >= 500) sending.id = NewestPaymentOf(sending.of->payer);
  return answer;
}
Sending Made(Sending sending) {
  Create(sending, sending.made);
  return sending;
}
Sending Waiting() { return Made(To(Euros(), kAccepts)); }
Answer Cancel(Sending& sending) {
  return sending.of->payer.Post(sending.Path(":cancel"), "{}", sending.sent);
}
Answer CancelPayment(Sending& sending) {
  return sending.of->payer.Post(sending.PaymentPath(":cancel"), "{}", sending.sent);
}
Answer Confirm(Sending& sending) {
  return sending.of->payer.Post(sending.PaymentPath(":confirm"), "{}", sending.sent);
}
std::string ApprovalOf(Sending& sending) {
  return sending.of->payer.Get(sending.PaymentPath()).Text("next_action.approval_id");
}
Answer After(Sending& sending, absl::Duration time) {
  ApiUser& user = sending.of->payer;
  if (!sending.target) sending.target = SandboxNow(user) + time;
  return AdvanceTo(user, *sending.target);
}

// What can be seen of the stage: those that pass within a request or a round of the worker are
// never seen.
std::string StageOf(Sending& sending) {
  if (sending.id.empty()) return kNone;
  const Answer payout = sending.of->payer.Get(sending.Path());
  const std::string state = payout.Text("payment.state");
  if (state == "REQUIRES_ACTION") return "CREATED";
  if (state == "PROCESSING") return LedgerIsAway() ? "CREATED" : "SENT";
  if (state == "SUCCEEDED") return "SETTLED";
  if (state != "FAILED") return state;
  return payout.Text("payment.failure_reason") == "rail_rejected" ? "REJECTED" : "REFUSED";
}

std::map<std::string, std::function<Answer(Sending&)>> CausesOfPayouts() {
  const auto create = [](Sending& sending) { return Create(sending, sending.sent); };
  return {
      {"create", create},
      {"create of which the rail says nothing yet", create},
      {"create to nobody", create},
      {"create of more than there is", create},
      {"create that its payer must approve", create},
      {"create again", [](Sending& sending) { return Create(sending, sending.made); }},
      {"given_up by its payer", Cancel},
      {"given_up by its payer, as a payment", CancelPayment},
      {"given_up as it is declined",
       [](Sending& sending) {
         const std::string approval = ApprovalOf(sending);
         if (!approval.empty()) {
           EXPECT_EQ(Outcome(sending.of->Decline(approval)), "200");
         }
         return Confirm(sending);
       }},
      {"ledger_reserved after its approval",
       [](Sending& sending) {
         const std::string approval = ApprovalOf(sending);
         if (!approval.empty()) {
           EXPECT_EQ(Outcome(sending.of->Approve(approval)), "200");
         }
         return Confirm(sending);
       }},
      {"ledger_reserved without its approval", Confirm},
      {"cancel", Cancel},
      {"cancel as a payment", CancelPayment},
      {"rail_settled", [](Sending& sending) { return After(sending, absl::Minutes(61)); }},
      {"rail_returned", [](Sending& sending) { return After(sending, absl::Hours(25)); }},
  };
}

std::vector<Cell> CellsOfPayouts() {
  constexpr char kPassing[] = "RESERVED SENDING SETTLING REJECTING RETURNING CANCELING";
  return {
      {kNone, "create", "200", "CREATED → SETTLED"},
      {"–/slow", "create", "200", "CREATED → SENT", "of which the rail says nothing yet"},
      {"–/nobody", "create", "422 rail_rejected", "CREATED → REJECTED", "to nobody"},
      {"–/poor", "create", "422 insufficient_funds", "CREATED → REFUSED", "of more than there is"},
      {"–/euros", "create", "200", "CREATED", "that its payer must approve"},
      {"CREATED SENT SETTLED RETURNED", "create", "200", "", "again"},
      {"CREATED/away", "create", "503 unavailable", "", "again"},
      {"REJECTED", "create", "422 rail_rejected", "", "again"},
      {"REFUSED", "create", "422 insufficient_funds", "", "again"},
      {"CANCELED", "create", "422 payment_canceled", "", "again"},

      {"CREATED", "given_up", "200", "CANCELED", "by its payer"},
      {"CREATED", "given_up", "200", "CANCELED", "by its payer, as a payment"},
      {"CREATED", "given_up", "422 approval_declined", "CANCELED", "as it is declined"},
      {"CREATED", "ledger_reserved", "409 approval_pending", "", "without its approval"},
      {"CREATED", "ledger_reserved", "200", "RESERVED → SETTLED", "after its approval"},
      {"CREATED/away", "ledger_reserved", "200", "RESERVED → SETTLED", "when it is back"},
      {"CREATED/away-poor", "ledger_refused", "200", "REFUSED", "when it is back"},
      {"CREATED/away SENT SETTLED REJECTED RETURNED REFUSED", "cancel",
       "409 payment_not_cancelable"},
      {"CREATED/away SENT SETTLED REJECTED RETURNED REFUSED", "cancel",
       "409 payment_not_cancelable", "", "as a payment"},
      {"CANCELED", "cancel", "200"},
      {"CANCELED", "cancel", "200", "", "as a payment"},
      {"SENT", "rail_settled", "200", "SETTLING → SETTLED"},
      {"SENT", "rail_rejected", kNobody, "",
       "the sandbox's rail rejects at once: – × create to nobody"},
      {"SETTLED/returnable", "rail_returned", "200", "RETURNING → RETURNED"},

      {kPassing,
       "create ledger_reserved ledger_refused given_up cancel send booked rail_settled "
       "rail_rejected rail_returned",
       kNobody, "", "it passes within a request or a round of the worker: payments_flow_test"},
      {"CREATED SENT SETTLED REJECTED RETURNED CANCELED REFUSED", "send booked", kNobody, "",
       "there is nothing to be sent or booked"},
      {"SENT SETTLED REJECTED RETURNED CANCELED REFUSED", "ledger_reserved ledger_refused given_up",
       kNobody, "", "the ledger has decided it, or its payer has given it up"},
      {"CREATED SETTLED REJECTED RETURNED CANCELED REFUSED", "rail_settled rail_rejected", kNobody,
       "", "it is not with the rail; what a rail repeats: payouts_test"},
      {"CREATED SENT REJECTED RETURNED CANCELED REFUSED", "rail_returned", kNobody, "",
       "a rail returns what it has paid"},
      {kNone,
       "ledger_reserved ledger_refused given_up cancel send booked rail_settled rail_rejected "
       "rail_returned",
       kNobody, "", "there is no id to ask with: of an unknown one, payouts_test"},
  };
}

TEST(StateEvents, Payout) {
  Machine<Sending> machine;
  machine.name = "payout";
  machine.states = StatesOf<payments::PayoutStage>();
  machine.events = NamesOf<payments::PayoutEvent>();
  for (const auto& row : payments::PayoutTransitions()) machine.arrows.push_back(ArrowOf(row));
  machine.bring = {
      {kNone, [] { return To(Dollars(), kAccepts); }},
      {"–/slow", [] { return To(Dollars(), kDelays); }},
      {"–/nobody", [] { return To(Dollars(), kRejects); }},
      {"–/poor", [] { return To(Dollars(), kAccepts, 5'000'000); }},
      {"–/euros", [] { return To(Euros(), kAccepts); }},
      {"CREATED", Waiting},
      {"SENT", [] { return Made(To(Dollars(), kDelays)); }},
      {"SETTLED", [] { return Made(To(Dollars(), kAccepts)); }},
      {"SETTLED/returnable", [] { return Made(To(Dollars(), kReturns)); }},
      {"REJECTED", [] { return Made(To(Dollars(), kRejects)); }},
      {"REFUSED", [] { return Made(To(Dollars(), kAccepts, 5'000'000)); }},
      {"CANCELED",
       [] {
         Sending sending = Waiting();
         Cancel(sending);
         return sending;
       }},
      {"RETURNED",
       [] {
         Sending sending = Made(To(Dollars(), kReturns));
         After(sending, absl::Hours(25));
         return sending;
       }},
  };
  const auto create = [](Sending& sending) { Create(sending, sending.made); };
  machine.away = {
      {"CREATED/away", {[] { return To(Dollars(), kAccepts); }, create}},
      {"CREATED/away-poor", {[] { return To(Dollars(), kAccepts, 5'000'000); }, create}}};
  machine.cause = CausesOfPayouts();
  machine.cells = CellsOfPayouts();
  machine.state = StageOf;
  machine.seen = [](Sending& sending) {
    std::string text = sending.of->Balances();
    if (sending.id.empty()) return text;
    for (const std::string& path : {sending.Path(), sending.PaymentPath()}) {
      absl::StrAppend(&text, "\n", Shown(sending.of->payer.Get(path)));
    }
    return text;
  };
  WorkThrough(machine);
}

// Money that the sandbox's rail receives for the payer's account.
struct Received {
  PartiesPtr of;
  std::string reference;
  std::string id = Fresh("deposit");
  Sent sent;
};

Answer Receive(Received& received, std::int64_t minor_units = 70) {
  return received.of->payer.Post(
      "/v1/sandbox/rail:deposit",
      boost::json::object{{"deposit_id", received.id},
                          {"amount", MoneyOf(received.of->currency, minor_units)},
                          {"account_reference", received.reference},
                          {"notifications", 1}},
      received.sent);
}
Received For(const PartiesPtr& of) {
  Received received{.of = of};
  received.reference =
      of->payer.Get(absl::StrCat("/v1/accounts/", of->savings, "/deposit-reference"))
          .Text("virtual_iban");
  return received;
}
Received ForNobody() {
  Received received{.of = Accounts()};
  received.reference = "DE89370400440532013000";
  return received;
}
// Whose account is closed.
Received ForClosed() {
  Received received = For(Accounts());
  EXPECT_EQ(Outcome(received.of->payer.Post(
                absl::StrCat("/v1/accounts/", received.of->savings, ":close"), "{}")),
            "200");
  return received;
}
Received Arrived(Received received) {
  EXPECT_EQ(Outcome(Receive(received)), "200");
  return received;
}

TEST(StateEvents, DepositOfARail) {
  Machine<Received> machine;
  machine.name = "deposit of a rail";
  machine.states = StatesOf<payments::DepositStage>();
  machine.events = NamesOf<payments::DepositEvent>();
  for (const auto& row : payments::DepositTransitions()) machine.arrows.push_back(ArrowOf(row));
  machine.bring = {{kNone, [] { return For(Accounts()); }},
                   {"–/nobody", ForNobody},
                   {"–/closed", ForClosed},
                   {"CREDITED", [] { return Arrived(For(Accounts())); }},
                   {"UNMATCHED", [] { return Arrived(ForNobody()); }}};
  const auto receive = [](Received& received) { return Receive(received); };
  machine.cause = {
      {"receive", receive},
      {"receive for nobody", receive},
      {"receive for a closed account", receive},
      {"receive again", receive},
      {"receive of another amount", [](Received& received) { return Receive(received, 71); }}};
  machine.cells = {
      {kNone, "receive", "200", "RECEIVED → CREDITED"},
      {"–/nobody", "receive", "200", "RECEIVED → UNMATCHED", "for nobody"},
      {"–/closed", "receive", "200", "RECEIVED → UNMATCHED", "for a closed account"},
      {"CREDITED UNMATCHED", "receive", "200", "", "again"},
      {"CREDITED UNMATCHED", "receive", "409 idempotency_key_reused", "", "of another amount"},
      {"RECEIVED CREDITING SUSPENDING", "receive owner_found owner_unknown booked ledger_refused",
       kNobody, "", "it passes within a round of the worker: payments_flow_test"},
      {"– CREDITED UNMATCHED", "owner_found owner_unknown booked ledger_refused", kNobody, "",
       "there is nothing to be found or booked"},
  };
  // What nobody owns is nobody's to read.
  machine.state = [](Received& received) -> std::string {
    const std::string stage = SharedStack().Query(absl::StrCat(
        "SELECT upper(stage) FROM payments.rail_deposits WHERE deposit_id = '", received.id, "'"));
    return stage.empty() ? kNone : stage;
  };
  machine.seen = [&machine](Received& received) {
    return absl::StrCat(machine.state(received),
                        Shown(received.of->payer.Get("/v1/payments?page_size=100")),
                        received.of->Balances());
  };
  WorkThrough(machine);
}

}  // namespace
}  // namespace florin::e2e
