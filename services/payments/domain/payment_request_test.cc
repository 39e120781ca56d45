#include "services/payments/domain/payment_request.h"

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

using enum MoneyRequestState;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
constexpr std::array kAll = {kOpen, kPaying, kPaid, kDeclined, kWithdrawn, kExpired};

MoneyRequest NewRequest() {
  return {.request_id = SystemIds().NewId(),
          .user_id = SystemIds().NewId(),
          .destination_account_id = SystemIds().NewId(),
          .amount = {.minor_units = 500, .currency = *Currency::Parse("EUR")},
          .reference = "Dinner",
          .expire_time = kNow + absl::Hours(1),
          .create_time = kNow,
          .update_time = kNow};
}

Paying NewPaying() {
  return {.user_id = SystemIds().NewId(), .source_account_id = SystemIds().NewId(), .key = "k"};
}

Payment PaymentIn(State state) {
  return {.payment_id = SystemIds().NewId(),
          .state = state,
          .amount = {.minor_units = 500, .currency = *Currency::Parse("EUR")}};
}

TEST(MoneyRequests, FinalStatesAreFinalAndOnlyAPaymentPays) {
  int transitions = 0;
  for (const MoneyRequestTransition& row : MoneyRequestTransitions()) {
    ++transitions;
    EXPECT_TRUE(row.from == kOpen || row.from == kPaying);
    EXPECT_EQ(row.to == kPaid, row.event == MoneyRequestEvent::kPaymentSucceeded);
    EXPECT_EQ(NextState(row.from, row.event), row.to);
    // While it is being paid nothing but that payment changes it.
    if (row.from == kPaying) {
      EXPECT_TRUE(row.event == MoneyRequestEvent::kPaymentSucceeded ||
                  row.event == MoneyRequestEvent::kPaymentFailed);
    }
  }
  EXPECT_EQ(transitions, 5);
  for (const MoneyRequestState state : kAll) {
    EXPECT_EQ(ParseMoneyRequestState(NameOf(state)).value(), state);
  }
}

TEST(MoneyRequests, OneBeginsToPay) {
  MoneyRequest request = NewRequest();
  const Paying first = NewPaying();
  EXPECT_THAT(BeginToPay(request, first, kNow), IsOk());
  EXPECT_EQ(request.state, kPaying);
  EXPECT_THAT(BeginToPay(request, first, kNow), IsOk());
  Paying again = first;
  again.key = "another";
  for (const Paying& other : {NewPaying(), again}) {
    const absl::Status closed = BeginToPay(request, other, kNow);
    EXPECT_THAT(closed, StatusHasReason(Reason::kPaymentRequestClosed));
    EXPECT_EQ(DetailOf(closed).metadata.at("state"), "paying");
  }
  EXPECT_EQ(request.paying, first);
}

TEST(MoneyRequests, APaymentEndsIt) {
  MoneyRequest request = NewRequest();
  const Paying paying = NewPaying();
  ASSERT_THAT(BeginToPay(request, paying, kNow), IsOk());
  // Somebody else's.
  Conclude(request, NewPaying(), PaymentIn(State::kSucceeded), kNow);
  EXPECT_EQ(request.state, kPaying);
  const Payment waits = PaymentIn(State::kRequiresAction);
  Conclude(request, paying, waits, kNow);
  EXPECT_EQ(request.state, kPaying);
  EXPECT_EQ(request.payment_id, waits.payment_id);
  Payment paid = waits;
  paid.state = State::kSucceeded;
  Conclude(request, paying, paid, kNow);
  EXPECT_EQ(request.state, kPaid);
  EXPECT_EQ(request.payment_id, paid.payment_id);
  // Whatever comes late.
  Conclude(request, paying, PaymentIn(State::kFailed), kNow);
  EXPECT_EQ(request.state, kPaid);
  EXPECT_THAT(BeginToPay(request, paying, kNow + absl::Hours(2)), IsOk());
  EXPECT_THAT(BeginToPay(request, NewPaying(), kNow),
              StatusHasReason(Reason::kPaymentRequestClosed));
}

TEST(MoneyRequests, WhatFailsOpensItAgain) {
  for (const std::optional<Payment>& failed :
       {std::optional(PaymentIn(State::kFailed)), std::optional(PaymentIn(State::kCanceled)),
        std::optional<Payment>()}) {
    MoneyRequest request = NewRequest();
    const Paying paying = NewPaying();
    ASSERT_THAT(BeginToPay(request, paying, kNow), IsOk());
    Conclude(request, paying, failed, kNow);
    EXPECT_EQ(request.state, kOpen);
    EXPECT_EQ(request.paying, std::nullopt);
    EXPECT_TRUE(request.payment_id.is_nil());
  }
}

TEST(MoneyRequests, ExpireWhileTheyAreOpen) {
  MoneyRequest request = NewRequest();
  const absl::Time over = request.expire_time;
  EXPECT_EQ(StateAt(request, over - absl::Microseconds(1)), kOpen);
  EXPECT_EQ(StateAt(request, over), kExpired);
  EXPECT_THAT(BeginToPay(request, NewPaying(), over),
              StatusHasReason(Reason::kPaymentRequestExpired));
  for (const auto event : {MoneyRequestEvent::kDecline, MoneyRequestEvent::kWithdraw}) {
    EXPECT_THAT(Close(request, event, over), StatusHasReason(Reason::kPaymentRequestExpired));
  }
  // What was begun in time ends.
  const Paying paying = NewPaying();
  ASSERT_THAT(BeginToPay(request, paying, kNow), IsOk());
  EXPECT_EQ(StateAt(request, over), kPaying);
  EXPECT_THAT(BeginToPay(request, paying, over), IsOk());
}

TEST(MoneyRequests, AreClosedOnce) {
  for (const auto event : {MoneyRequestEvent::kDecline, MoneyRequestEvent::kWithdraw}) {
    const bool decline = event == MoneyRequestEvent::kDecline;
    MoneyRequest request = NewRequest();
    EXPECT_THAT(Close(request, event, kNow), IsOk());
    EXPECT_EQ(request.state, decline ? kDeclined : kWithdrawn);
    EXPECT_THAT(Close(request, event, kNow + absl::Hours(2)), IsOk());
    EXPECT_EQ(request.update_time, kNow);
    EXPECT_THAT(
        Close(request, decline ? MoneyRequestEvent::kWithdraw : MoneyRequestEvent::kDecline, kNow),
        StatusHasReason(Reason::kPaymentRequestClosed));
    EXPECT_THAT(BeginToPay(request, NewPaying(), kNow),
                StatusHasReason(Reason::kPaymentRequestClosed));
    request.state = kPaying;
    EXPECT_THAT(Close(request, event, kNow), StatusHasReason(Reason::kPaymentRequestClosed));
  }
}

TEST(MoneyRequests, MayBeForOnePayerOnly) {
  MoneyRequest request = NewRequest();
  const Uuid anybody = SystemIds().NewId();
  EXPECT_TRUE(IsFor(request, anybody));
  request.payer_user_id = SystemIds().NewId();
  EXPECT_FALSE(IsFor(request, anybody));
  EXPECT_TRUE(IsFor(request, request.payer_user_id));
}

}  // namespace
}  // namespace florin::payments
