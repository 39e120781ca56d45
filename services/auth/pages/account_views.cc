#include "services/auth/pages/account_views.h"

#include "services/auth/pages/layout.h"
#include "services/auth/pages/login_views.h"
#include "services/auth/pages/qr_code.h"

namespace florin::auth {
namespace {

template <class... Children>
Html Section(std::string_view id, std::string_view title, const Children&... children) {
  const std::string heading = std::string(id) + "-title";
  return Element("section", {{"class", "card stack"}, {"aria-labelledby", heading}},
                 Element("h2", {{"id", heading}}, title), children...);
}

std::string Day(absl::Time time) { return absl::FormatTime("%e %B %Y", time, absl::UTCTimeZone()); }
std::string Moment(absl::Time time) {
  return absl::FormatTime("%e %B, %H:%M UTC", time, absl::UTCTimeZone());
}

// One button with what it is about, as a form of its own.
Html Act(Path action, std::string_view token, std::string_view name, std::string_view value,
         std::string_view style, std::string_view text, std::string_view about) {
  return Element("form", {{"method", "post"}, Attribute::Action(action)},
                 HiddenField("csrf", token), HiddenField(name, value),
                 Element("button",
                         {{"type", "submit"},
                          {"class", style},
                          {"aria-label", std::string(text) + ": " + std::string(about)}},
                         text));
}

Html Row(const Html& title, std::string_view detail, const Html& button) {
  return Element(
      "li", {},
      Element("div", {}, Element("h3", {}, title), Element("p", {{"class", "small"}}, detail)),
      button);
}

Html Sessions(const AccountView& view) {
  Html rows;
  for (const SessionRow& session : view.sessions) {
    const Html title =
        Together(session.browser,
                 session.is_this ? Element("span", {{"class", "tag"}}, "this one") : Html());
    rows += Row(title, "Active " + Moment(session.active_time) + " · " + session.address,
                session.is_this ? Html()
                                : Act("/auth/account/sessions/end", view.token, "session_id",
                                      session.session_id, "quiet small", "End", session.browser));
  }
  Html all;
  if (view.sessions.size() > 1) {
    all = Form("/auth/account/sessions/end-others", view.token,
               StyledButton("danger small", "End all other sessions"));
  }
  return Section("sessions", "Where you are logged in", Element("ul", {{"class", "rows"}}, rows),
                 all);
}

Html Passkeys(const AccountView& view) {
  Html rows;
  for (const FactorRow& passkey : view.passkeys) {
    rows += Row(passkey.label, "Added " + Day(passkey.create_time),
                Act("/auth/account/factors/remove", view.token, "factor_id", passkey.factor_id,
                    "quiet small", "Remove", passkey.label));
  }
  return Section(
      "passkeys", "Passkeys",
      Element("p", {{"class", "lead"}},
              "Log in with your fingerprint, face or PIN. Nothing to remember, and nothing that a "
              "false page could steal."),
      rows.empty() ? Html() : Element("ul", {{"class", "rows"}}, rows),
      Form("/auth/account/passkeys", view.token, StyledButton("quiet small", "Add a passkey")));
}

Html Codes(const AccountView& view) {
  Html rows;
  if (view.totp_id.empty()) {
    rows += Row("Authenticator app", "Not set up.",
                Element("form", {{"method", "post"}, Attribute::Action("/auth/account/totp")},
                        HiddenField("csrf", view.token), StyledButton("quiet small", "Set up")));
  } else {
    rows += Row("Authenticator app", "Asks for a code after your password.",
                Act("/auth/account/factors/remove", view.token, "factor_id", view.totp_id,
                    "quiet small", "Remove", "authenticator app"));
  }
  const std::string left = view.has_recovery_codes
                               ? std::to_string(view.recovery_codes_left) + " of 10 left."
                               : "None yet. Make some, for when your devices are lost.";
  rows +=
      Row("Recovery codes", left,
          Element("form", {{"method", "post"}, Attribute::Action("/auth/account/recovery-codes")},
                  HiddenField("csrf", view.token), StyledButton("quiet small", "Make new codes")));
  return Section("codes", "Codes", Element("ul", {{"class", "rows"}}, rows));
}

Html Apps(const AccountView& view) {
  Html rows;
  for (const AppRow& app : view.apps) {
    std::string may;
    for (const std::string& scope : app.scopes) {
      may += (may.empty() ? "May " : "; ") + WordsFor(scope);
    }
    rows += Row(app.name, may + ".",
                Act("/auth/account/apps/revoke", view.token, "client_id", app.client_id,
                    "quiet small", "Take back", app.name));
  }
  return Section("apps", "Apps with access",
                 rows.empty() ? Element("p", {{"class", "lead"}}, "None.")
                              : Element("ul", {{"class", "rows"}}, rows));
}

}  // namespace

std::string RenderAccount(const AccountView& view) {
  const Html main =
      Together(Element("h1", {}, "Your account"), GoodNotice(view.notice), ErrorNotice(view.error),
               Sessions(view), Passkeys(view), Codes(view), Apps(view));
  return RenderPage({.title = "Your account", .wide = true, .log_out_token = view.token},
                    Element("div", {{"class", "stack"}}, main));
}

std::string RenderTotp(const TotpView& view) {
  Html secret;
  if (!view.uri.empty()) {
    secret = Together(
        Element("div", {{"class", "qr"}}, QrCode(view.uri, "QR code for your authenticator app")),
        Element("details", {}, Element("summary", {}, "I cannot scan it"),
                Element("div", {{"class", "tight"}},
                        Element("p", {{"class", "small"}}, "Type this key into the app:"),
                        Element("p", {{"class", "secret"}}, view.secret))));
  }
  const Html main = Element(
      "div", {{"class", "card stack"}},
      Element("div", {{"class", "tight"}}, Element("h1", {}, "Set up codes"),
              Element("p", {{"class", "lead"}},
                      view.uri.empty()
                          ? "Give the code that the app shows now."
                          : "Scan this with an authenticator app, then give the code it shows.")),
      ErrorNotice(view.error), secret,
      Form("/auth/account/totp/confirm", view.token,
           InputField({.label = "Code from your app",
                       .name = "code",
                       .autocomplete = "one-time-code",
                       .wrong = !view.error.empty(),
                       .focus = true,
                       .more = {{"class", "code"},
                                {"inputmode", "numeric"},
                                {"pattern", "[0-9 ]{6,7}"},
                                {"maxlength", "7"}}}),
           SubmitButton("Turn on")),
      Element("nav", {{"class", "links"}, {"aria-label", "Other ways"}},
              Element("a", {Attribute::Href("/auth/account")}, "Not now")));
  return RenderPage({.title = "Set up codes"}, main);
}

std::string RenderNewPasskey(const NewPasskeyView& view) {
  const Html label = InputField({.label = "What do you call it?",
                                 .name = "label",
                                 .value = "My device",
                                 .hint = "So that you know it again, for example: phone.",
                                 .focus = true,
                                 .more = {{"maxlength", "64"}}});
  const Html main = Element(
      "div", {{"class", "card stack"}},
      Element("div", {{"class", "tight"}}, Element("h1", {}, "Add a passkey"),
              Element("p", {{"class", "lead"}},
                      "Your device asks for your fingerprint, face or PIN. None of them leaves "
                      "it.")),
      ErrorNotice(view.error),
      RenderPasskeyForm("/auth/account/passkeys/finish", view.token,
                        {.kind = "create",
                         .options = view.options,
                         .button = "Create the passkey",
                         .quiet = false},
                        Together(HiddenField("ceremony", view.ceremony), label)),
      Element("nav", {{"class", "links"}, {"aria-label", "Other ways"}},
              Element("a", {Attribute::Href("/auth/account")}, "Not now")));
  return RenderPage({.title = "Add a passkey", .script = true}, main);
}

std::string RenderRecoveryCodes(std::string_view token, const std::vector<std::string>& codes) {
  Html items;
  for (const std::string& code : codes) items += Element("li", {}, code);
  const Html main = Element(
      "div", {{"class", "card stack"}},
      Element("div", {{"class", "tight"}}, Element("h1", {}, "Your recovery codes"),
              Element("p", {{"class", "lead"}},
                      "Write them down or print them, and keep them where your devices are not. "
                      "Each works once. They are shown only now; older ones no longer work.")),
      Element("ul", {{"class", "codes"}}, items),
      Element("a", {Attribute::Href("/auth/account"), {"class", "button"}}, "I have kept them"));
  return RenderPage({.title = "Recovery codes", .wide = true, .log_out_token = token}, main);
}

std::string DescribeBrowser(std::string_view user_agent) {
  const auto has = [user_agent](std::string_view part) {
    return user_agent.find(part) != std::string_view::npos;
  };
  const char* browser = has("Edg/")                         ? "Edge"
                        : has("OPR/")                       ? "Opera"
                        : has("Firefox/") || has("FxiOS/")  ? "Firefox"
                        : has("Chrome/") || has("CriOS/")   ? "Chrome"
                        : has("Safari/") && has("Version/") ? "Safari"
                                                            : "A browser";
  const char* system = has("iPhone") || has("iPad") ? " on iOS"
                       : has("Android")             ? " on Android"
                       : has("Windows")             ? " on Windows"
                       : has("Mac OS X")            ? " on macOS"
                       : has("Linux")               ? " on Linux"
                                                    : "";
  return std::string(browser) + system;
}

}  // namespace florin::auth
