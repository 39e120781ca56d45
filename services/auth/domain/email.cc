#include "services/auth/domain/email.h"

#include <algorithm>

namespace florin::auth {
namespace {

constexpr std::size_t kMaxAddress = 254;
constexpr std::size_t kMaxLocalPart = 64;
constexpr std::size_t kMaxLabel = 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c);
}

// `atext` of RFC 5322 section 3.2.3.
bool IsAtomText(char c) {
  return IsLetterOrDigit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool IsAtom(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsAtomText);
}

bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-'; });
}

// Whether every part of `text` between dots is one, and how many there are.
template <class IsPart>
bool AllParts(std::string_view text, IsPart is_part, int& count) {
  count = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    ++count;
    if (!is_part(text.substr(0, dot))) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsAddress(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == text.npos || at > kMaxLocalPart || text.size() > kMaxAddress) return false;
  const std::string_view domain = text.substr(at + 1);
  int atoms = 0;
  int labels = 0;
  if (!AllParts(text.substr(0, at), IsAtom, atoms) || !AllParts(domain, IsLabel, labels)) {
    return false;
  }
  // A last label of digits would make the domain look like an IPv4 address.
  const std::string_view last = domain.substr(domain.rfind('.') + 1);
  return labels >= 2 && !std::all_of(last.begin(), last.end(), IsDigit);
}

}  // namespace

absl::StatusOr<std::string> NormalizeEmail(std::string_view text) {
  if (!IsAddress(text)) {
    return Error(Reason::kInvalidEmail, "not an e-mail address", {.param = "email"});
  }
  std::string email(text);
  for (char& c : email) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return email;
}

}  // namespace florin::auth
