#include "libs/pg/array.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace florin::pg {

void Array::Separate() { body_.push_back(body_.empty() ? '{' : ','); }

void Array::Add(std::int64_t value) {
  Separate();
  absl::StrAppend(&body_, value);
}

void Array::Add(bool value) {
  Separate();
  body_.push_back(value ? 't' : 'f');
}

void Array::Add(const Uuid& value) {
  Separate();
  body_.append(value.ToString());
}

void Array::Add(std::string_view value) {
  Separate();
  body_.push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') body_.push_back('\\');
    body_.push_back(c);
  }
  body_.push_back('"');
}

void Array::AddNull() {
  Separate();
  body_.append("NULL");
}

namespace {

absl::Status Malformed() {
  return Error(Reason::kInternal, "PostgreSQL sent something else than a one-dimensional array");
}

// Takes one element from the front of `rest`, quoted or bare.
absl::StatusOr<std::string> TakeElement(std::string_view& rest) {
  std::string element;
  const bool quoted = !rest.empty() && rest.front() == '"';
  if (quoted) rest.remove_prefix(1);
  while (!rest.empty()) {
    const char c = rest.front();
    if (quoted ? c == '"' : c == ',') break;
    if (!quoted && (c == '{' || c == '}' || c == '"' || c == '\\')) return Malformed();
    if (c == '\\') rest.remove_prefix(1);
    if (rest.empty()) return Malformed();
    element.push_back(rest.front());
    rest.remove_prefix(1);
  }
  if (quoted) {
    if (rest.empty()) return Malformed();
    rest.remove_prefix(1);
  } else if (element.empty() || absl::AsciiStrToUpper(element) == "NULL") {
    return Malformed();
  }
  return element;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseArray(std::string_view literal) {
  std::vector<std::string> elements;
  if (literal.size() < 2 || literal.front() != '{' || literal.back() != '}') return Malformed();
  std::string_view rest = literal.substr(1, literal.size() - 2);
  if (rest.empty()) return elements;
  while (true) {
    FLORIN_ASSIGN_OR_RETURN(std::string element, TakeElement(rest));
    elements.push_back(std::move(element));
    if (rest.empty()) return elements;
    if (rest.front() != ',') return Malformed();
    rest.remove_prefix(1);
  }
}

}  // namespace florin::pg
