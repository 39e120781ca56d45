// The frame of every page, and the parts that pages are built from. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/auth/pages/html.h"

namespace florin::auth {

struct PageFrame {
  std::string_view title;  // In the browser's title and history: nothing personal.
  bool wide = false;       // Account pages; those of a login are narrow.
  bool script = false;     // Passkeys.
  // Of the session that the page belongs to: a button to log out is shown. Empty: none.
  std::string_view log_out_token = {};
};

// The whole document.
std::string RenderPage(const PageFrame& frame, const Html& main);

// What went wrong, announced by screen readers at once (role=alert); nothing for an empty text.
Html ErrorNotice(std::string_view text);
// What went well (role=status); nothing for an empty text.
Html GoodNotice(std::string_view text);

struct Field {
  std::string_view label;
  std::string_view name;  // Also its id.
  std::string_view type = "text";
  std::string_view autocomplete = "off";
  std::string_view value = {};
  std::string_view hint = {};
  bool wrong = false;  // Marked, and described by the page's error.
  bool focus = false;  // Has the cursor when the page opens. One on a page.
  Attributes more = {};
};
Html InputField(const Field& field);
Html HiddenField(std::string_view name, std::string_view value);

// A form that is posted to `action`, with the token that shows where it came from (csrf.h).
template <class... Children>
Html Form(Path action, std::string_view token, const Children&... children) {
  return Element("form", {{"method", "post"}, Attribute::Action(action), {"class", "stack"}},
                 HiddenField("csrf", token), children...);
}

Html SubmitButton(std::string_view text);
// `style`: "quiet", "danger", "quiet small", "danger small".
Html StyledButton(std::string_view style, std::string_view text);
// Sends name=value along.
Html ChoiceButton(std::string_view style, std::string_view name, std::string_view value,
                  std::string_view text);

// A form whose button asks for a passkey: kind "get" or "create". `options` is JSON for the script,
// which shows the button where the browser can do it; without the script there is none.
struct PasskeyForm {
  std::string_view kind;
  std::string_view options;
  std::string_view button;
  bool quiet = true;
  bool suggest = false;  // Also in the suggestions of the field with autocomplete `webauthn`.
};
Html RenderPasskeyForm(Path action, std::string_view token, const PasskeyForm& form,
                       const Html& more);

}  // namespace florin::auth
