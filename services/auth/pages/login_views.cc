#include "services/auth/pages/login_views.h"

#include "services/auth/pages/layout.h"

namespace florin::auth {
namespace {

template <class... Children>
Html Card(const Children&... children) {
  return Element("div", {{"class", "card stack"}}, children...);
}

Html Heading(std::string_view title, const Html& lead) {
  return Element("div", {{"class", "tight"}}, Element("h1", {}, title),
                 lead.empty() ? Html() : Element("p", {{"class", "lead"}}, lead));
}

// "to continue to Acme", where an app sent the person.
Html Towards(const LoginFrame& frame, std::string_view otherwise) {
  if (frame.client_name.empty()) return Html(otherwise);
  return Together("to continue to ", Element("strong", {}, frame.client_name));
}

Html Or(bool only_with_script) {
  Attributes attributes = {{"class", "or"}};
  if (only_with_script) attributes.push_back(Attribute("hidden"));
  return Element("p", attributes, "or");
}

Html EmailField(std::string_view value, bool wrong, bool passkeys) {
  return InputField({.label = "E-mail",
                     .name = "email",
                     .type = "email",
                     .autocomplete = passkeys ? "username webauthn" : "username",
                     .value = value,
                     .wrong = wrong,
                     .focus = value.empty(),
                     .more = {{"inputmode", "email"},
                              {"autocapitalize", "none"},
                              {"spellcheck", "false"},
                              {"maxlength", "254"}}});
}

Html PasswordField(std::string_view label, bool is_new, bool wrong, bool focus) {
  return InputField({.label = label,
                     .name = "password",
                     .type = "password",
                     .autocomplete = is_new ? "new-password" : "current-password",
                     .hint = is_new ? "At least 12 characters. A few words that you can remember "
                                      "work well; no special characters are needed."
                                    : "",
                     .wrong = wrong,
                     .focus = focus,
                     .more = {{"maxlength", "1024"}}});
}

}  // namespace

std::string RenderLogIn(const LoginFrame& frame, const LogInView& view) {
  const bool wrong = !frame.error.empty();
  const bool passkeys = !view.passkey_options.empty();
  Html passkey;
  if (passkeys) {
    passkey = RenderPasskeyForm("/auth/passkey", frame.token,
                                {.kind = "get",
                                 .options = view.passkey_options,
                                 .button = "Use a passkey",
                                 .suggest = true},
                                Or(true));
  }
  const Html main = Card(
      Heading(view.again ? "Confirm it is you" : "Log in",
              Towards(frame, view.again ? "You were away for a while, or this needs a fresh log-in."
                                        : "to your Florin account")),
      GoodNotice(view.notice), ErrorNotice(frame.error),
      Form("/auth/login", frame.token, EmailField(view.email, wrong, passkeys),
           PasswordField("Password", false, wrong, !view.email.empty()), SubmitButton("Log in")),
      passkey,
      Element("nav", {{"class", "links"}, {"aria-label", "Other ways"}},
              Element("a", {Attribute::Href("/auth/password-reset")}, "Forgot your password?"),
              Element("a", {Attribute::Href("/auth/register")}, "Create an account")));
  return RenderPage({.title = "Log in", .script = passkeys}, main);
}

std::string RenderSecondFactor(const LoginFrame& frame, const SecondFactorView& view) {
  const bool wrong = !frame.error.empty();
  const bool passkeys = !view.passkey_options.empty();
  const bool totp = view.codes && view.totp;
  Html parts;
  if (totp) {
    parts += Form("/auth/second-factor", frame.token,
                  InputField({.label = "Code from your app",
                              .name = "code",
                              .autocomplete = "one-time-code",
                              .hint = "Six digits. A new code appears every 30 seconds.",
                              .wrong = wrong,
                              .focus = true,
                              .more = {{"class", "code"},
                                       {"inputmode", "numeric"},
                                       {"pattern", "[0-9 ]{6,7}"},
                                       {"maxlength", "7"}}}),
                  SubmitButton("Continue"));
  }
  if (passkeys) {
    parts += RenderPasskeyForm(
        "/auth/passkey", frame.token,
        {.kind = "get", .options = view.passkey_options, .button = "Use a passkey", .quiet = totp},
        totp ? Or(true) : Html());
  }
  if (view.codes) {
    parts +=
        Element("details", {}, Element("summary", {}, "Use a recovery code"),
                Form("/auth/second-factor", frame.token,
                     InputField({.label = "Recovery code",
                                 .name = "recovery_code",
                                 .hint = "One of the ten that you wrote down. Each works once.",
                                 .more = {{"autocapitalize", "none"}, {"spellcheck", "false"}}}),
                     StyledButton("quiet", "Continue with this code")));
  }
  const char* lead = totp         ? "One more step keeps your account safe."
                     : view.codes ? "One more step: use a passkey."
                                  : "This needs a passkey: codes are not enough here.";
  return RenderPage(
      {.title = "Second step", .script = passkeys},
      Card(Heading("Confirm it is you", lead), ErrorNotice(frame.error), parts,
           Element("nav", {{"class", "links"}, {"aria-label", "Other ways"}},
                   Element("a", {Attribute::Href("/auth/login?restart=1")}, "Start again"))));
}

std::string RenderConsent(const LoginFrame& frame, const ConsentView& view) {
  Html wants;
  for (const std::string& scope : view.scopes) wants += Element("li", {}, WordsFor(scope));
  const Html main = Card(
      Heading("Allow access?",
              Together(Element("strong", {}, frame.client_name), " would like to:")),
      ErrorNotice(frame.error), Element("ul", {{"class", "wants"}}, wants),
      Element("p", {{"class", "small"}}, "Then you go back to ",
              Element("strong", {}, view.destination),
              ". You can take this back in your account at any time."),
      Element("form", {{"method", "post"}, Attribute::Action("/auth/consent")},
              HiddenField("csrf", frame.token),
              Element("div", {{"class", "pair"}}, ChoiceButton("quiet", "decision", "deny", "Deny"),
                      ChoiceButton("strong", "decision", "allow", "Allow"))));
  return RenderPage({.title = "Allow access"}, main);
}

std::string RenderRegister(const LoginFrame& frame, std::string_view email) {
  const bool wrong = !frame.error.empty();
  const Html main =
      Card(Heading("Create an account", Towards(frame, "")), ErrorNotice(frame.error),
           Form("/auth/register", frame.token, EmailField(email, wrong, false),
                PasswordField("Choose a password", true, wrong, !email.empty()),
                SubmitButton("Create account")),
           Element("nav", {{"class", "links"}, {"aria-label", "Other ways"}},
                   Element("a", {Attribute::Href("/auth/login")}, "I have an account")));
  return RenderPage({.title = "Create an account"}, main);
}

std::string RenderForgotPassword(const LoginFrame& frame, bool sent) {
  const Html back = Element("nav", {{"class", "links"}, {"aria-label", "Other ways"}},
                            Element("a", {Attribute::Href("/auth/login")}, "Back to log in"));
  if (sent) {
    const Html main =
        Card(Heading("Look into your e-mail",
                     "If an account has this address, a link is on its way. It works once, for 30 "
                     "minutes."),
             Element("p", {{"class", "small"}},
                     "Nothing came? Look into the spam folder, or try again with another address."),
             back);
    return RenderPage({.title = "Look into your e-mail"}, main);
  }
  const Html main =
      Card(Heading("Forgot your password?", "We send a link to choose a new one."),
           ErrorNotice(frame.error),
           Form("/auth/password-reset", frame.token, EmailField("", !frame.error.empty(), false),
                SubmitButton("Send the link")),
           back);
  return RenderPage({.title = "Forgot your password?"}, main);
}

std::string RenderNewPassword(const LoginFrame& frame) {
  const Html main = Card(
      Heading("Choose a new password", "It ends every session of your account, on all devices."),
      ErrorNotice(frame.error),
      Form("/auth/password-reset/confirm", frame.token,
           PasswordField("New password", true, !frame.error.empty(), true),
           SubmitButton("Change password")));
  return RenderPage({.title = "Choose a new password"}, main);
}

std::string RenderVerifyEmail(const LoginFrame& frame) {
  const Html main = Card(
      Heading("Confirm your e-mail", "One click, and this address is known to be yours."),
      ErrorNotice(frame.error), Form("/auth/verify-email", frame.token, SubmitButton("Confirm")));
  return RenderPage({.title = "Confirm your e-mail"}, main);
}

std::string WordsFor(std::string_view scope) {
  const struct {
    std::string_view scope;
    const char* words;
  } all[] = {
      {"openid", "know that it is you: a number that stands for you, nothing else"},
      {"offline_access", "stay connected while you are not here"},
      {"accounts:read", "see your accounts, their balances and what moved on them"},
      {"accounts:write", "open accounts for you, say who you are, and close or erase it all"},
      {"payments:read", "see your payments"},
      {"payments:write", "make payments from your accounts"},
      {"authenticators:read", "see how you log in"},
      {"authenticators:write", "change how you log in"},
      {"api_keys:read", "see your API keys, but not their secrets"},
      {"api_keys:write", "make API keys that act for you, and end them"},
      {"proposals:read", "see what operators have proposed"},
      {"proposals:write", "propose in your name what takes two people"},
      {"proposals:approve", "decide in your name on what others have proposed"},
      {"customers:read", "find customers of others in your name"},
      {"customers:write", "suspend and verify customers of others in your name"},
      {"roles:approve", "decide in your name who becomes an operator"},
      {"limits:read", "see in your name how much others may pay"},
      {"limits:write", "change in your name how much others may pay"},
      {"interest:read", "see in your name what others' accounts earn and cost"},
      {"interest:write", "change in your name what others' accounts earn and cost"},
      {"disputes:resolve", "decide in your name on disputes about payments"},
      {"reconciliation:read", "see where payments and the ledger do not agree"},
      {"reconciliation:write", "deal in your name with what does not agree"},
      {"suspense:read", "see money that came in and could not be credited"},
      {"suspense:write", "credit in your name such money to accounts, or send it back"},
  };
  for (const auto& one : all) {
    if (scope == one.scope) return one.words;
  }
  return std::string(scope);
}

std::string RenderEnd(const EndView& view) {
  Html link;
  if (view.to_log_in) {
    link = Element("a", {Attribute::Href("/auth/login"), {"class", "button"}}, "Log in");
  }
  return RenderPage({.title = view.title},
                    Card(Heading(view.title, view.what), Element("p", {}, view.what_to_do), link));
}

}  // namespace florin::auth
