#include "services/auth/pages/html.h"

#include <algorithm>
#include <cstdint>

namespace florin::auth {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the well-formed UTF-8 sequence at the start of `text` (RFC 3629), or 0.
std::size_t SequenceLength(std::string_view text) {
  const auto octet = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = octet(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return 0;
  }
  const std::uint8_t second = octet(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool too_large = lead == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_large ? 0 : length;
}

std::string Escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + 16);
  while (!text.empty()) {
    const char c = text[0];
    const std::size_t length = SequenceLength(text);
    if (length == 0 || c == '\x7f' || (static_cast<std::uint8_t>(c) < 0x20 && c != '\n')) {
      escaped += kReplacement;
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (c == '\'') {
      escaped += "&#39;";
    } else {
      escaped.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return escaped;
}

bool IsVoid(std::string_view tag) {
  return tag == "input" || tag == "br" || tag == "hr" || tag == "img" || tag == "wbr";
}

}  // namespace

Html::Html(std::string_view text) : markup_(Escape(text)) {}

Attribute::Attribute(AttributeName name, std::string_view value) {
  markup_ = std::string(name.name()) + "=\"" + Escape(value) + "\"";
}

Attribute::Attribute(AttributeName name) : markup_(name.name()) {}

Attribute Attribute::OfPath(std::string_view name, Path path) {
  Attribute attribute;
  attribute.markup_ = std::string(name) + "=\"" + Escape(path.text()) + "\"";
  return attribute;
}

Html Markup::Open(std::string_view tag, const Attributes& attributes) {
  Html html;
  html.markup_ = "<" + std::string(tag);
  for (const Attribute& attribute : attributes) html.markup_ += " " + attribute.markup_;
  html.markup_ += ">";
  return html;
}

Html Markup::Close(std::string_view tag) {
  Html html;
  if (!IsVoid(tag)) html.markup_ = "</" + std::string(tag) + ">";
  return html;
}

std::string Markup::Document(std::string_view title, const Files& files, const Html& body) {
  std::string document =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n<title>";
  document += Escape(title) + " · Florin</title>\n<link rel=\"stylesheet\" ";
  document += Attribute::Href(files.stylesheet).markup_ + ">\n<link rel=\"icon\" ";
  document += "type=\"image/svg+xml\" " + Attribute::Href(files.icon).markup_ + ">\n";
  if (files.script != nullptr) {
    document += "<script defer " + Attribute::Src(*files.script).markup_ + "></script>\n";
  }
  document += "</head>\n<body>\n" + body.markup() + "\n</body>\n</html>\n";
  return document;
}

}  // namespace florin::auth
