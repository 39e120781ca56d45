#include "services/auth/domain/payment_approval.h"

#include "gmock/gmock.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'000'001);
const absl::Time kExpiry = kStart + absl::Minutes(5);
constexpr ApprovalState kStates[] = {ApprovalState::kPending, ApprovalState::kApproved,
                                     ApprovalState::kDeclined, ApprovalState::kRedeemed,
                                     ApprovalState::kVoid};

PaymentApproval In(ApprovalState state) {
  PaymentApproval approval{.approval_id = SystemIds().NewId(),
                           .user_id = SystemIds().NewId(),
                           .payment_id = SystemIds().NewId(),
                           .amount = {.minor_units = 1250, .currency = *Currency::Parse("EUR")},
                           .payee_account_id = SystemIds().NewId(),
                           .payee_name = "Zoë",
                           .nonce = std::string(32, 'n'),
                           .expire_time = kExpiry,
                           .create_time = kStart};
  approval.state = state;
  return approval;
}

// The reason that `status` carries, or nothing.
using Outcome = std::optional<Reason>;

TEST(PaymentApprovalTest, ApprovingAndDeclining) {
  const struct {
    ApprovalState from;
    Outcome approved;
    Outcome declined;
    Outcome approved_late;
    Outcome declined_late;
  } cases[] = {
      {ApprovalState::kPending, {}, {}, Reason::kApprovalExpired, Reason::kApprovalExpired},
      {ApprovalState::kApproved, {}, {}, Reason::kApprovalExpired, Reason::kApprovalExpired},
      {ApprovalState::kDeclined, Reason::kApprovalDeclined, {}, Reason::kApprovalDeclined, {}},
      {ApprovalState::kRedeemed, Reason::kApprovalUsed, Reason::kApprovalUsed,
       Reason::kApprovalUsed, Reason::kApprovalUsed},
      {ApprovalState::kVoid, Reason::kApprovalUsed, Reason::kApprovalUsed, Reason::kApprovalUsed,
       Reason::kApprovalUsed},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(NameOf(row.from));
    PaymentApproval approval = In(row.from);
    EXPECT_EQ(ReasonOf(Approve(approval, kExpiry - absl::Microseconds(1))), row.approved);
    EXPECT_EQ(approval.state, row.approved ? row.from : ApprovalState::kApproved);
    approval = In(row.from);
    EXPECT_EQ(ReasonOf(Decline(approval, kExpiry - absl::Microseconds(1))), row.declined);
    EXPECT_EQ(approval.state, row.declined ? row.from : ApprovalState::kDeclined);
    approval = In(row.from);
    EXPECT_EQ(ReasonOf(Approve(approval, kExpiry)), row.approved_late);
    EXPECT_EQ(ReasonOf(Decline(approval, kExpiry)), row.declined_late);
    EXPECT_EQ(approval.state, row.from);
  }
}

TEST(PaymentApprovalTest, TimesSayWhen) {
  PaymentApproval approval = In(ApprovalState::kPending);
  ASSERT_THAT(Approve(approval, kStart + absl::Seconds(1)), IsOk());
  ASSERT_THAT(Approve(approval, kStart + absl::Seconds(2)), IsOk());
  EXPECT_EQ(approval.approve_time, kStart + absl::Seconds(1));
  ASSERT_THAT(Redeem(approval, approval.payment_id, true, false, kStart + absl::Seconds(3)),
              IsOk());
  ASSERT_THAT(Redeem(approval, approval.payment_id, true, false, kStart + absl::Seconds(4)),
              IsOk());
  EXPECT_EQ(approval.end_time, kStart + absl::Seconds(3));
}

TEST(PaymentApprovalTest, Redeeming) {
  using S = ApprovalState;
  const struct {
    S from;
    bool late;
    bool same;
    bool only_if_redeemed;
    Outcome outcome;
    S to;
  } cases[] = {
      {S::kPending, false, true, false, Reason::kApprovalPending, S::kPending},
      {S::kPending, false, true, true, Reason::kApprovalPending, S::kPending},
      {S::kPending, false, false, false, Reason::kApprovalMismatch, S::kVoid},
      {S::kPending, true, true, false, Reason::kApprovalExpired, S::kPending},
      {S::kPending, true, false, false, Reason::kApprovalExpired, S::kPending},
      {S::kApproved, false, true, false, {}, S::kRedeemed},
      {S::kApproved, false, true, true, Reason::kApprovalPending, S::kApproved},
      {S::kApproved, false, false, false, Reason::kApprovalMismatch, S::kVoid},
      {S::kApproved, false, false, true, Reason::kApprovalMismatch, S::kVoid},
      {S::kApproved, true, true, false, Reason::kApprovalExpired, S::kApproved},
      {S::kDeclined, false, true, false, Reason::kApprovalDeclined, S::kDeclined},
      {S::kDeclined, true, false, false, Reason::kApprovalDeclined, S::kDeclined},
      // Again by the same payment, also late; by nothing else, ever.
      {S::kRedeemed, false, true, false, {}, S::kRedeemed},
      {S::kRedeemed, true, true, true, {}, S::kRedeemed},
      {S::kRedeemed, false, false, false, Reason::kApprovalUsed, S::kRedeemed},
      {S::kVoid, false, true, false, Reason::kApprovalUsed, S::kVoid},
      {S::kVoid, true, false, true, Reason::kApprovalUsed, S::kVoid},
  };
  for (const auto& row : cases) {
    for (const bool by_binding : {true, false}) {
      SCOPED_TRACE(std::string(NameOf(row.from)) + (row.late ? " late" : "") +
                   (row.same ? " same" : " other") + (by_binding ? " binding" : " payment"));
      PaymentApproval approval = In(row.from);
      const Uuid payment = row.same || by_binding ? approval.payment_id : SystemIds().NewId();
      const absl::Status status =
          Redeem(approval, payment, row.same || !by_binding, row.only_if_redeemed,
                 row.late ? kExpiry : kExpiry - absl::Microseconds(1));
      EXPECT_EQ(ReasonOf(status), row.outcome);
      EXPECT_EQ(approval.state, row.to);
    }
  }
}

TEST(PaymentApprovalTest, WhatIsAskedForIsChecked) {
  EXPECT_THAT(CheckApproval(In(ApprovalState::kPending), 32), IsOk());
  const std::pair<const char*, void (*)(PaymentApproval&)> changes[] = {
      {"amount", [](PaymentApproval& a) { a.amount.minor_units = 0; }},
      {"amount", [](PaymentApproval& a) { a.amount.minor_units = -1; }},
      {"payee_name", [](PaymentApproval& a) { a.payee_name = ""; }},
      {"payee_name", [](PaymentApproval& a) { a.payee_name = "a\nb"; }},
      {"payee_name", [](PaymentApproval& a) { a.payee_name = "\xff"; }},
      {"payee_name", [](PaymentApproval& a) { a.payee_name = std::string(141, 'a'); }},
      {"nonce", [](PaymentApproval& a) { a.nonce.pop_back(); }},
      {"terms", [](PaymentApproval& a) { a.terms = "Every day"; }},
      {"terms", [](PaymentApproval& a) { a.kind = ApprovalKind::kSchedule; }},
      {"payee_account_id", [](PaymentApproval& a) { a.payee_account_id = Uuid(); }},
  };
  for (const auto& [param, change] : changes) {
    PaymentApproval approval = In(ApprovalState::kPending);
    change(approval);
    EXPECT_THAT(CheckApproval(approval, 32), StatusHasReason(Reason::kInvalidField));
    EXPECT_THAT(CheckApproval(approval, 32), StatusHasParam(param));
  }
}

TEST(PaymentApprovalTest, OrdersHaveTermsAndBulksNoOnePayee) {
  PaymentApproval schedule = In(ApprovalState::kPending);
  schedule.kind = ApprovalKind::kSchedule;
  schedule.terms = std::string(400, 'a');
  EXPECT_THAT(CheckApproval(schedule, 32), IsOk());
  schedule.terms += 'a';
  EXPECT_THAT(CheckApproval(schedule, 32), StatusHasParam("terms"));
  schedule.terms = "a\nb";
  EXPECT_THAT(CheckApproval(schedule, 32), StatusHasParam("terms"));
  PaymentApproval bulk = In(ApprovalState::kPending);
  bulk.kind = ApprovalKind::kBulk;
  bulk.terms = "3 payments";
  EXPECT_THAT(CheckApproval(bulk, 32), StatusHasParam("payee_account_id"));
  bulk.payee_account_id = Uuid();
  EXPECT_THAT(CheckApproval(bulk, 32), IsOk());
}

TEST(PaymentApprovalTest, EveryFieldThatIsAskedForCounts) {
  const PaymentApproval approval = In(ApprovalState::kPending);
  PaymentApproval later = approval;
  later.state = ApprovalState::kApproved;
  later.create_time += absl::Seconds(1);
  EXPECT_TRUE(AskForTheSame(approval, later));
  void (*const changes[])(PaymentApproval&) = {
      [](PaymentApproval& a) { a.approval_id = a.user_id; },
      [](PaymentApproval& a) { a.user_id = a.payment_id; },
      [](PaymentApproval& a) { a.payment_id = a.user_id; },
      [](PaymentApproval& a) { a.amount.minor_units += 1; },
      [](PaymentApproval& a) { a.amount.currency = *Currency::Parse("USD"); },
      [](PaymentApproval& a) { a.payee_account_id = a.user_id; },
      [](PaymentApproval& a) { a.payee_name += "x"; },
      [](PaymentApproval& a) { a.nonce[0] = 'x'; },
      [](PaymentApproval& a) { a.expire_time += absl::Microseconds(1); },
      [](PaymentApproval& a) { a.kind = ApprovalKind::kSchedule; },
      [](PaymentApproval& a) { a.terms = "x"; },
  };
  for (const auto& change : changes) {
    PaymentApproval other = approval;
    change(other);
    EXPECT_FALSE(AskForTheSame(approval, other));
  }
}

TEST(PaymentApprovalTest, NamesReadBack) {
  for (const ApprovalKind kind :
       {ApprovalKind::kPayment, ApprovalKind::kSchedule, ApprovalKind::kBulk}) {
    EXPECT_EQ(ParseApprovalKind(NameOf(kind)).value(), kind);
  }
  EXPECT_THAT(ParseApprovalKind("order"), StatusHasReason(Reason::kInternal));
  for (const ApprovalState state : kStates) {
    EXPECT_EQ(ParseApprovalState(NameOf(state)).value(), state);
    EXPECT_EQ(HasExpired(In(state), kExpiry),
              state == ApprovalState::kPending || state == ApprovalState::kApproved);
    EXPECT_FALSE(HasExpired(In(state), kExpiry - absl::Microseconds(1)));
  }
  EXPECT_THAT(ParseApprovalState("given"), StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::auth
