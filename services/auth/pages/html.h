// HTML that cannot be broken out of.
//
//   Element("p", {{"class", "hint"}}, "For ", user.email)
//
// Whatever is not Html itself is escaped on its way in; Html comes from here only. Names of tags
// and attributes are literals that are checked while compiling, so no value can ever stand where a
// name does. Attributes that hold addresses take a Path and no text; there are none that hold code.
//
//   position            what it takes                   what is done to it
//   between tags        any text                        & < > escaped
//   attribute's value   any text                        & < > " ' escaped; always in double quotes
//   href, src, action   a Path: a literal of ours       nothing needs to be
//   style, on…          nothing: does not compile
//   <script>, <style>   nothing: does not compile; files only
//
// Octets that are not UTF-8 and control characters other than line feed become U+FFFD, so that no
// browser guesses another encoding. Pure; nothing here throws.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace florin::auth {

class Html {
 public:
  Html() = default;
  // Text, escaped. Implicit: forgetting to escape is not possible.
  Html(std::string_view text);                                     // NOLINT
  Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT
  Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT

  const std::string& markup() const { return markup_; }
  bool empty() const { return markup_.empty(); }
  // One after the other.
  Html& operator+=(const Html& next) {
    markup_ += next.markup_;
    return *this;
  }

 private:
  friend class Markup;
  std::string markup_;
};

// Not constexpr: reaching one of these while compiling is the error message.
void NameMustBeLowerCaseLettersAndHyphens();
void TagTakesNoText();
void AttributeHoldsCodeOrAnAddress();
void PathMustBeginWithOneSlash();

// The name of an element.
class TagName {
 public:
  consteval TagName(const char* name) : name_(name) {  // NOLINT
    if (name_.empty()) NameMustBeLowerCaseLettersAndHyphens();
    for (const char c : name_) {
      const bool digit = c >= '0' && c <= '9';  // h1
      if (!(c >= 'a' && c <= 'z') && !digit) NameMustBeLowerCaseLettersAndHyphens();
    }
    for (const std::string_view raw :
         {"script", "style", "iframe", "object", "embed", "base", "template", "noscript", "xmp",
          "textarea", "plaintext", "noembed", "noframes", "link", "meta"}) {
      if (name_ == raw) TagTakesNoText();
    }
  }
  std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

// The name of an attribute whose value is plain text to a browser.
class AttributeName {
 public:
  consteval AttributeName(const char* name) : name_(name) {  // NOLINT
    if (name_.empty()) NameMustBeLowerCaseLettersAndHyphens();
    for (const char c : name_) {
      if (!(c >= 'a' && c <= 'z') && c != '-' && !(c >= '0' && c <= '9')) {
        NameMustBeLowerCaseLettersAndHyphens();
      }
    }
    if (name_.substr(0, 2) == "on") AttributeHoldsCodeOrAnAddress();
    for (const std::string_view other :
         {"style", "href", "src", "srcset", "srcdoc", "action", "formaction", "data", "poster",
          "ping", "background", "manifest", "http-equiv"}) {
      if (name_ == other) AttributeHoldsCodeOrAnAddress();
    }
  }
  std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

// An address on this host: "/auth/login". A literal, or what Assets has (assets.h).
class Path {
 public:
  consteval Path(const char* path) : literal_(path) {  // NOLINT
    if (literal_.size() < 2 || literal_[0] != '/' || literal_[1] == '/') {
      PathMustBeginWithOneSlash();
    }
    for (const char c : literal_) {
      const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' ||
                           c == '-' || c == '.' || c == '?' || c == '=';
      if (!allowed) PathMustBeginWithOneSlash();
    }
  }
  std::string_view text() const { return literal_; }

 private:
  friend class Assets;
  // Lives as long as the program.
  constexpr explicit Path(std::string_view path) : literal_(path) {}
  std::string_view literal_;
};

class Attribute {
 public:
  Attribute(AttributeName name, std::string_view value);
  Attribute(AttributeName name);  // NOLINT: without a value: `required`
  static Attribute Href(Path path) { return OfPath("href", path); }
  static Attribute Src(Path path) { return OfPath("src", path); }
  static Attribute Action(Path path) { return OfPath("action", path); }

 private:
  friend class Markup;
  Attribute() = default;
  static Attribute OfPath(std::string_view name, Path path);
  std::string markup_;
};

using Attributes = std::vector<Attribute>;

// What the functions below are made of; the only one that writes markup.
class Markup {
 public:
  static Html Open(std::string_view tag, const Attributes& attributes);
  static Html Close(std::string_view tag);
  // The whole document: `head` and `body` in the order of HTML, with charset, viewport, the
  // stylesheet, the icon and the script if there is one.
  struct Files {
    Path stylesheet;
    Path icon;
    const Path* script = nullptr;
  };
  static std::string Document(std::string_view title, const Files& files, const Html& body);
};

// An element with its contents. Void elements (input, br, …) take none.
template <class... Children>
Html Element(TagName tag, const Attributes& attributes, const Children&... children) {
  Html html = Markup::Open(tag.name(), attributes);
  ((html += Html(children)), ...);
  html += Markup::Close(tag.name());
  return html;
}

// Several in a row, without an element around them.
template <class... Children>
Html Together(const Children&... children) {
  Html html;
  ((html += Html(children)), ...);
  return html;
}

}  // namespace florin::auth
