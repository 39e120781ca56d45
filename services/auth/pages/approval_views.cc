#include "services/auth/pages/approval_views.h"

#include <algorithm>

#include "libs/money/decimal_text.h"
#include "libs/status/check.h"
#include "services/auth/pages/layout.h"

namespace florin::auth {
namespace {

// A name is somebody else's text: isolated, so that letters which are written from right to left
// do not rearrange what stands around it.
Html Fact(std::string_view term, std::string_view style, std::string_view value) {
  return Element("div", {}, Element("dt", {}, term),
                 Element("dd", {{"class", style}}, Element("bdi", {}, value)));
}

// What is said of one payment, and of the two kinds of orders.
struct KindText {
  std::string_view question;
  std::string_view lead;
  std::string_view amount;
  std::string_view terms;
};

KindText TextOf(ApprovalKind kind) {
  switch (kind) {
    case ApprovalKind::kPayment:
      break;
    case ApprovalKind::kSchedule:
      return {"Approve all of these payments?",
              "Check the amount, who gets it, and how often. You will not be asked again for each.",
              "Amount of each payment", "When"};
    case ApprovalKind::kBulk:
      return {"Approve all of these payments?", "Check how much it is in all, and who gets it.",
              "Amount in all", "Payments"};
  }
  return {"Approve this payment?", "Check the amount and who gets it.", "Amount", ""};
}

Html Facts(const ApprovalView& view) {
  const KindText text = TextOf(view.kind);
  const std::string until = absl::FormatTime("%H:%M:%S UTC", view.expire_time, absl::UTCTimeZone());
  Html facts =
      Together(Fact(text.amount, "amount", view.amount), Fact("To", "name", view.payee_name));
  if (!view.payee_account_id.empty()) {
    facts += Fact("Account", "secret small", view.payee_account_id);
  }
  if (!view.terms.empty()) facts += Fact(text.terms, "secret small", view.terms);
  facts += Fact("Approve until", "small", until);
  return Element("dl", {{"class", "facts"}}, facts);
}

Html CodeForm(const ApprovalView& view) {
  return Form("/auth/approval", view.token, HiddenField("approval_id", view.approval_id),
              InputField({.label = "Code from your app",
                          .name = "code",
                          .autocomplete = "one-time-code",
                          .hint = "Six digits. A code approves one payment.",
                          .wrong = !view.error.empty(),
                          .more = {{"class", "code"},
                                   {"inputmode", "numeric"},
                                   {"pattern", "[0-9 ]{6,7}"},
                                   {"maxlength", "7"}}}),
              StyledButton(view.passkey_options.empty() ? "strong" : "quiet", "Approve by code"));
}

Html Ways(const ApprovalView& view) {
  const bool passkeys = !view.passkey_options.empty();
  if (!passkeys && !view.totp) {
    return Together(
        Element("p", {},
                "Your account has neither a passkey nor an authenticator app. Add one, then come "
                "back to this page."),
        Element("a", {Attribute::Href("/auth/account"), {"class", "button"}}, "Your account"));
  }
  Html ways;
  if (passkeys) {
    ways += RenderPasskeyForm("/auth/approval", view.token,
                              {.kind = "get",
                               .options = view.passkey_options,
                               .button = "Approve with a passkey",
                               .quiet = false},
                              HiddenField("approval_id", view.approval_id));
  }
  if (view.totp && passkeys) {
    ways += Element("details", {}, Element("summary", {}, "Use a code instead"), CodeForm(view));
  } else if (view.totp) {
    ways += CodeForm(view);
  }
  return ways;
}

struct EndText {
  const char* title;
  const char* what;
  const char* what_to_do;
};

EndText TextOf(ApprovalEndView end) {
  switch (end) {
    case ApprovalEndView::kApproved:
      return {"Approved", "You have approved this payment.",
              "Go back to where you made it: it is executed there."};
    case ApprovalEndView::kPaid:
      return {"Approved", "You have approved this payment, and it was executed.",
              "There is nothing more to do here."};
    case ApprovalEndView::kDeclined:
      return {"Declined", "You have declined this payment. No money moves.",
              "If you did not make it, change your password."};
    case ApprovalEndView::kExpired:
      return {"Too late", "The time to approve this payment is over. No money moves.",
              "Go back to where you made it and make it again."};
    case ApprovalEndView::kVoid:
      return {"This payment was changed",
              "What was to be executed was not what you were asked to approve, so it was not "
              "executed. No money moves.",
              "Make it again. If this happens again, tell us."};
    case ApprovalEndView::kUnknown:
      return {"There is no such payment",
              "Nothing of yours waits for your approval under this link.",
              "If you have more than one account, log in to the one that pays."};
  }
  FLORIN_CHECK(false, "every end has a text");
  return {};
}

}  // namespace

std::string RenderApproval(const ApprovalView& view) {
  const KindText text = TextOf(view.kind);
  const Html decline =
      Element("form", {{"method", "post"}, Attribute::Action("/auth/approval")},
              HiddenField("csrf", view.token), HiddenField("approval_id", view.approval_id),
              ChoiceButton("danger", "decision", "decline", "Decline"));
  const Html main = Element("div", {{"class", "card stack"}},
                            Element("div", {{"class", "tight"}}, Element("h1", {}, text.question),
                                    Element("p", {{"class", "lead"}}, text.lead)),
                            ErrorNotice(view.error), Facts(view), Ways(view), decline);
  return RenderPage({.title = "Approve a payment",
                     .script = !view.passkey_options.empty(),
                     .log_out_token = view.token},
                    main);
}

std::string RenderApprovalEnd(ApprovalEndView end, ApprovalKind kind) {
  EndText text = TextOf(end);
  if (kind != ApprovalKind::kPayment && end == ApprovalEndView::kApproved) {
    text.what = "You have approved these payments.";
    text.what_to_do = "Go back to where you ordered them, and confirm the order there.";
  }
  if (kind != ApprovalKind::kPayment && end == ApprovalEndView::kPaid) {
    text.what = "You have approved these payments, and they are made as you ordered them.";
  }
  const Html main =
      Element("div", {{"class", "card stack"}},
              Element("div", {{"class", "tight"}}, Element("h1", {}, text.title),
                      Element("p", {{"class", "lead"}, {"role", "status"}}, text.what)),
              Element("p", {}, text.what_to_do),
              Element("nav", {{"class", "links"}, {"aria-label", "Other pages"}},
                      Element("a", {Attribute::Href("/auth/account")}, "Your account")));
  return RenderPage({.title = text.title}, main);
}

std::string AmountText(const Money& amount) {
  FLORIN_CHECK(amount.minor_units >= 0, "amounts that are approved are not negative");
  std::string text = DecimalText(amount.minor_units, amount.currency);
  for (std::size_t end = std::min(text.find('.'), text.size()); end > 3; end -= 3) {
    text.insert(end - 3, "\u202f");
  }
  return text + "\u00a0" + std::string(amount.currency.code());
}

}  // namespace florin::auth
