// The lives of customers and verifications, state by state and event by event; and the page that
// shows them, which FLORIN_UPDATE=1 writes.
#include "services/accounts/domain/customer_machine.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using S = CustomerState;
using E = CustomerEvent;
using V = VerificationState;
using W = VerificationEvent;
using ::testing::AllOf;

constexpr S kStates[] = {S::kActive, S::kSuspended, S::kClosed, S::kErased};
constexpr E kEvents[] = {E::kUpdateProfile, E::kOpenAccount, E::kRequestVerification,
                         E::kExport,        E::kSuspend,     E::kReactivate,
                         E::kClose,         E::kErase};
constexpr V kVerificationStates[] = {V::kPending, V::kApproved, V::kRejected, V::kExpired};
constexpr Cause kCauses[] = {Cause::kOwner, Cause::kOperator, Cause::kVerifier, Cause::kService};

Cause CauseOf(E event) {
  return event == E::kSuspend || event == E::kReactivate ? Cause::kOperator : Cause::kOwner;
}

// "active", or the reason of the refusal.
std::string Outcome(S state, E event, const Circumstances& now = {}) {
  const auto next = NextState(state, event, CauseOf(event), now);
  if (next.ok()) return std::string(NameOf(*next));
  return std::string(InfoOf(ReasonOf(next.status()).value()).name);
}

// Written out, not computed from the table that it tests.
TEST(CustomerMachine, EveryStateWithEveryEvent) {
  const std::map<S, std::vector<std::string>> expected = {
      {S::kActive,
       {"active", "active", "active", "active", "suspended", "active", "closed", "erased"}},
      {S::kSuspended,
       {"customer_not_active", "customer_not_active", "customer_not_active", "suspended",
        "suspended", "active", "customer_not_active", "customer_not_active"}},
      {S::kClosed,
       {"customer_not_active", "customer_not_active", "customer_not_active", "closed",
        "customer_not_active", "customer_not_active", "closed", "erased"}},
      {S::kErased,
       {"customer_erased", "customer_erased", "customer_erased", "customer_erased",
        "customer_erased", "customer_erased", "customer_erased", "erased"}},
  };
  for (const S state : kStates) {
    for (std::size_t i = 0; i < std::size(kEvents); ++i) {
      EXPECT_EQ(Outcome(state, kEvents[i]), expected.at(state)[i])
          << NameOf(state) << " " << NameOf(kEvents[i]);
    }
  }
}

TEST(CustomerMachine, NobodyElseCausesAnEvent) {
  for (const S state : kStates) {
    for (const E event : kEvents) {
      for (const Cause cause : kCauses) {
        if (cause == CauseOf(event)) continue;
        EXPECT_FALSE(NextState(state, event, cause).ok())
            << NameOf(state) << " " << NameOf(event) << " " << NameOf(cause);
      }
    }
  }
}

TEST(CustomerMachine, WhoIsLeavingBeginsNothing) {
  for (const E event : {E::kUpdateProfile, E::kOpenAccount, E::kRequestVerification, E::kSuspend}) {
    EXPECT_EQ(Outcome(S::kActive, event, {.leaving = true}), "customer_not_active")
        << NameOf(event);
  }
  EXPECT_EQ(Outcome(S::kActive, E::kErase, {.leaving = true}), "erased");
}

TEST(CustomerMachine, WhatIsBeingVerifiedStays) {
  EXPECT_EQ(Outcome(S::kActive, E::kRequestVerification, {.verification_pending = true}),
            "verification_pending");
  EXPECT_EQ(Outcome(S::kActive, E::kUpdateProfile,
                    {.verification_pending = true, .identity_changes = true}),
            "verification_pending");
  EXPECT_EQ(Outcome(S::kActive, E::kUpdateProfile, {.verification_pending = true}), "active");
  EXPECT_EQ(Outcome(S::kActive, E::kUpdateProfile, {.identity_changes = true}), "active");
}

TEST(CustomerMachine, MoneyKeepsACustomer) {
  for (const E event : {E::kClose, E::kErase}) {
    EXPECT_EQ(Outcome(S::kActive, event, {.accounts_empty = false}), "customer_has_accounts");
  }
}

TEST(CustomerMachine, ARefusalNamesTheState) {
  const absl::Status refused = NextState(S::kSuspended, E::kOpenAccount, Cause::kOwner).status();
  EXPECT_EQ(DetailOf(refused).metadata.at("state"), "suspended");
  EXPECT_THAT(CheckNotErased(S::kErased),
              AllOf(StatusHasReason(Reason::kCustomerErased), StatusHasParam("customer_id")));
  EXPECT_THAT(CheckNotErased(S::kClosed), IsOk());
}

TEST(VerificationMachine, EveryStateWithEveryEventAndCause) {
  for (const V state : kVerificationStates) {
    for (const W event : {W::kApprove, W::kReject, W::kExpire}) {
      for (const Cause cause : kCauses) {
        const bool decides = cause == Cause::kVerifier || cause == Cause::kOperator;
        std::optional<V> expected;
        if (state == V::kPending && event == W::kApprove && decides) expected = V::kApproved;
        if (state == V::kPending && event == W::kReject && decides) expected = V::kRejected;
        if (state == V::kPending && event == W::kExpire && cause == Cause::kService) {
          expected = V::kExpired;
        }
        EXPECT_EQ(NextState(state, event, cause), expected)
            << NameOf(state) << " " << NameOf(event) << " " << NameOf(cause);
      }
    }
  }
}

TEST(KycMachine, EveryLevelWithEveryEvent) {
  using L = KycLevel;
  const std::pair<KycEvent, std::vector<L>> cases[] = {
      {KycEvent::kApprovedBasic, {L::kBasic, L::kBasic, L::kFull}},
      {KycEvent::kApprovedFull, {L::kFull, L::kFull, L::kFull}},
      {KycEvent::kIdentityChanged, {L::kNone, L::kNone, L::kNone}},
      {KycEvent::kErased, {L::kNone, L::kNone, L::kNone}},
  };
  for (const auto& [event, after] : cases) {
    EXPECT_EQ(NextLevel(L::kNone, event), after[0]) << NameOf(event);
    EXPECT_EQ(NextLevel(L::kBasic, event), after[1]) << NameOf(event);
    EXPECT_EQ(NextLevel(L::kFull, event), after[2]) << NameOf(event);
  }
}

TEST(CustomerMachine, NamesAreRead) {
  for (const S state : kStates) EXPECT_EQ(ParseCustomerState(NameOf(state)).value(), state);
  for (const V state : kVerificationStates) {
    EXPECT_EQ(ParseVerificationState(NameOf(state)).value(), state);
  }
  EXPECT_EQ(ParseKycLevel("full").value(), KycLevel::kFull);
  EXPECT_THAT(ParseCustomerState("gone"), StatusHasReason(Reason::kInternal));
}

// The part of docs/customers.md that shows the tables.
std::string Drawing() {
  std::ostringstream out;
  out << "| from | event | to | who | if |\n|---|---|---|---|---|\n";
  for (const CustomerTransition& row : CustomerTransitions()) {
    out << "| " << NameOf(row.from) << " | " << NameOf(row.event) << " | " << NameOf(row.to)
        << " | " << NameOf(row.cause) << " | ";
    for (std::size_t i = 0; i < row.guards.size(); ++i) {
      out << (i == 0 ? "" : ", ") << NameOf(row.guards[i]);
    }
    out << " |\n";
  }
  out << "\n| verification | event | to | who |\n|---|---|---|---|\n";
  for (const VerificationTransition& row : VerificationTransitions()) {
    out << "| " << NameOf(row.from) << " | " << NameOf(row.event) << " | " << NameOf(row.to)
        << " | ";
    for (std::size_t i = 0; i < row.causes.size(); ++i) {
      out << (i == 0 ? "" : ", ") << NameOf(row.causes[i]);
    }
    out << " |\n";
  }
  out << "\n| KYC level | event | to |\n|---|---|---|\n";
  for (const KycTransition& row : KycTransitions()) {
    out << "| " << NameOf(row.from) << " | " << NameOf(row.event) << " | " << NameOf(row.to)
        << " |\n";
  }
  out << "\n```mermaid\nstateDiagram-v2\n  [*] --> active\n";
  for (const CustomerTransition& row : CustomerTransitions()) {
    if (row.from == row.to) continue;
    out << "  " << NameOf(row.from) << " --> " << NameOf(row.to) << " : " << NameOf(row.event)
        << "\n";
  }
  out << "  erased --> [*]\n```\n\n```mermaid\nstateDiagram-v2\n  [*] --> pending\n";
  for (const VerificationTransition& row : VerificationTransitions()) {
    out << "  " << NameOf(row.from) << " --> " << NameOf(row.to) << " : " << NameOf(row.event)
        << "\n";
  }
  out << "```\n";
  return out.str();
}

TEST(CustomerMachine, ThePageShowsTheTables) {
  const char* root = std::getenv("FLORIN_SOURCE_DIR");
  const std::string path = std::string(root == nullptr ? "." : root) + "/docs/customers.md";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const std::string begin = "<!-- tables: FLORIN_UPDATE=1 accounts_domain_test -->\n";
  const std::string end = "<!-- end of tables -->\n";
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find(end);
  ASSERT_NE(from, std::string::npos) << path;
  ASSERT_NE(to, std::string::npos) << path;
  const std::size_t start = from + begin.size();
  if (std::getenv("FLORIN_UPDATE") != nullptr) {
    std::ofstream(path) << page.substr(0, start) << Drawing() << page.substr(to);
    return;
  }
  EXPECT_EQ(page.substr(start, to - start), Drawing()) << "run this test with FLORIN_UPDATE=1";
}

}  // namespace
}  // namespace florin::accounts
