#include "services/auth/pages/approval_views.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace florin::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Money Of(std::int64_t minor_units, const char* currency) {
  return {.minor_units = minor_units, .currency = *Currency::Parse(currency)};
}

TEST(AmountTextTest, ReadsAsOneAmountEverywhere) {
  const struct {
    std::int64_t minor_units;
    const char* currency;
    const char* text;
  } cases[] = {
      {1, "EUR", "0.01\u00a0EUR"},
      {10, "EUR", "0.10\u00a0EUR"},
      {4000, "EUR", "40.00\u00a0EUR"},
      {100'000, "EUR", "1\u202f000.00\u00a0EUR"},
      {123'456'789'012, "EUR", "1\u202f234\u202f567\u202f890.12\u00a0EUR"},
      {999, "JPY", "999\u00a0JPY"},
      {1000, "JPY", "1\u202f000\u00a0JPY"},
      {5, "BHD", "0.005\u00a0BHD"},
      {9'223'372'036'854'775'807, "EUR",
       "92\u202f233\u202f720\u202f368\u202f547\u202f758.07\u00a0EUR"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(AmountText(Of(one.minor_units, one.currency)), one.text);
  }
}

ApprovalView View() {
  ApprovalView view;
  view.token = "token";
  view.approval_id = "apr_1";
  view.amount = AmountText(Of(4000, "EUR"));
  view.payee_name = "Ada <Lovelace>";
  view.payee_account_id = "acc_1";
  view.expire_time = absl::FromUnixSeconds(1'800'000'000);
  return view;
}

TEST(RenderApprovalTest, ShowsAmountAndPayeeAndNothingUnescaped) {
  const std::string page = RenderApproval(View());
  EXPECT_THAT(page, HasSubstr("<bdi>40.00\u00a0EUR</bdi>"));
  EXPECT_THAT(page, HasSubstr("<bdi>Ada &lt;Lovelace&gt;</bdi>"));
  EXPECT_THAT(page, HasSubstr("<bdi>acc_1</bdi>"));
  EXPECT_THAT(page, HasSubstr("value=\"decline\""));
  EXPECT_THAT(page, HasSubstr("neither a passkey nor an authenticator app"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(RenderApprovalTest, ShowsTheTermsOfOrders) {
  ApprovalView view = View();
  EXPECT_THAT(RenderApproval(view), Not(HasSubstr("<dt>When</dt>")));
  view.kind = ApprovalKind::kSchedule;
  view.terms = "Every month, until <canceled>";
  EXPECT_THAT(RenderApproval(view), HasSubstr("<dt>Amount of each payment</dt>"));
  EXPECT_THAT(RenderApproval(view), HasSubstr("<bdi>Every month, until &lt;canceled&gt;</bdi>"));
  view.kind = ApprovalKind::kBulk;
  view.payee_account_id = "";
  EXPECT_THAT(RenderApproval(view), HasSubstr("<dt>Amount in all</dt>"));
  EXPECT_THAT(RenderApproval(view), Not(HasSubstr("<dt>Account</dt>")));
  EXPECT_THAT(RenderApprovalEnd(ApprovalEndView::kPaid, ApprovalKind::kBulk),
              HasSubstr("You have approved these payments"));
}

TEST(RenderApprovalTest, OffersWhatThePayerHas) {
  ApprovalView view = View();
  view.totp = true;
  EXPECT_THAT(RenderApproval(view), HasSubstr("name=\"code\""));
  EXPECT_THAT(RenderApproval(view), Not(HasSubstr("data-passkey")));
  view.totp = false;
  view.passkey_options = "{\"challenge\":\"c\"}";
  EXPECT_THAT(RenderApproval(view), Not(HasSubstr("name=\"code\"")));
  EXPECT_THAT(RenderApproval(view), HasSubstr("data-passkey=\"get\""));
  EXPECT_THAT(RenderApproval(view), HasSubstr("<script"));
}

}  // namespace
}  // namespace florin::auth
