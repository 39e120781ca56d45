#include "services/auth/pages/layout.h"

#include "services/auth/pages/assets.h"

namespace florin::auth {
namespace {

Html Header(const PageFrame& frame) {
  Html log_out;
  if (!frame.log_out_token.empty()) {
    log_out =
        Element("form", {{"method", "post"}, Attribute::Action("/auth/logout")},
                HiddenField("csrf", frame.log_out_token), StyledButton("quiet small", "Log out"));
  }
  return Element("header", {{"class", "top"}},
                 Element("span", {{"class", "wordmark"}},
                         Element("img", {Attribute::Src(Assets::Icon()), {"alt", ""}}), "Florin"),
                 log_out);
}

}  // namespace

std::string RenderPage(const PageFrame& frame, const Html& main) {
  const Path script = Assets::Script();
  const Markup::Files files = {.stylesheet = Assets::Stylesheet(),
                               .icon = Assets::Icon(),
                               .script = frame.script ? &script : nullptr};
  const Html body = Element(
      "div", {{"class", frame.wide ? "page" : "page narrow"}}, Header(frame),
      Element("main", {{"id", "main"}}, main),
      Element("footer", {}, "Florin never asks for your password or codes by e-mail or phone."));
  return Markup::Document(frame.title, files, body);
}

Html ErrorNotice(std::string_view text) {
  if (text.empty()) return {};
  return Element("p", {{"class", "notice bad"}, {"role", "alert"}, {"id", "error"}}, text);
}

Html GoodNotice(std::string_view text) {
  if (text.empty()) return {};
  return Element("p", {{"class", "notice good"}, {"role", "status"}}, text);
}

Html InputField(const Field& field) {
  const std::string hint_id = std::string(field.name) + "-hint";
  Attributes attributes = {{"id", field.name},
                           {"name", field.name},
                           {"type", field.type},
                           {"autocomplete", field.autocomplete},
                           {"required"}};
  if (!field.value.empty()) attributes.push_back(Attribute("value", field.value));
  std::string described_by = field.hint.empty() ? "" : hint_id;
  if (field.wrong) {
    described_by += described_by.empty() ? "error" : " error";
    attributes.push_back(Attribute("aria-invalid", "true"));
  }
  if (!described_by.empty()) attributes.push_back(Attribute("aria-describedby", described_by));
  if (field.focus) attributes.push_back(Attribute("autofocus"));
  attributes.insert(attributes.end(), field.more.begin(), field.more.end());
  Html hint;
  if (!field.hint.empty()) {
    hint = Element("p", {{"class", "hint"}, {"id", hint_id}}, field.hint);
  }
  return Element("div", {{"class", "field"}}, Element("label", {{"for", field.name}}, field.label),
                 Element("input", attributes), hint);
}

Html HiddenField(std::string_view name, std::string_view value) {
  return Element("input", {{"type", "hidden"}, {"name", name}, {"value", value}});
}

Html SubmitButton(std::string_view text) { return Element("button", {{"type", "submit"}}, text); }

Html StyledButton(std::string_view style, std::string_view text) {
  return Element("button", {{"type", "submit"}, {"class", style}}, text);
}

Html ChoiceButton(std::string_view style, std::string_view name, std::string_view value,
                  std::string_view text) {
  return Element("button", {{"type", "submit"}, {"class", style}, {"name", name}, {"value", value}},
                 text);
}

Html RenderPasskeyForm(Path action, std::string_view token, const PasskeyForm& form,
                       const Html& more) {
  Attributes attributes = {{"method", "post"},
                           Attribute::Action(action),
                           {"class", "stack"},
                           {"data-passkey", form.kind},
                           {"data-options", form.options}};
  if (form.suggest) attributes.push_back(Attribute("data-suggest"));
  return Element(
      "form", attributes, HiddenField("csrf", token), HiddenField("credential", ""), more,
      Element("button",
              {{"type", "submit"}, {"class", form.quiet ? "quiet" : "strong"}, {"hidden"}},
              form.button),
      Element("p", {{"class", "notice bad"}, {"role", "alert"}, {"data-message"}}));
}

}  // namespace florin::auth
