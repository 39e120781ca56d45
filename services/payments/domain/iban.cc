#include "services/payments/domain/iban.h"

#include "libs/status/status.h"

namespace florin::payments {
namespace {

constexpr std::string_view kNoCountry = "XF";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return c >= 'A' && c <= 'Z'; }

char UpperOf(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char LowerOf(char c) { return IsLetter(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// Of letters and digits, with A = 10 to Z = 35.
int Mod97(std::string_view text) {
  int rest = 0;
  for (const char c : text) {
    rest = IsDigit(c) ? (rest * 10 + (c - '0')) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
  }
  return rest;
}

}  // namespace

std::optional<std::string> ParseIban(std::string_view text) {
  std::string iban;
  for (const char c : text) {
    if (c == ' ') continue;
    const char upper = UpperOf(c);
    if (!IsDigit(upper) && !IsLetter(upper)) return std::nullopt;
    iban += upper;
    if (iban.size() > 34) return std::nullopt;
  }
  if (iban.size() < 15 || !IsLetter(iban[0]) || !IsLetter(iban[1]) || !IsDigit(iban[2]) ||
      !IsDigit(iban[3])) {
    return std::nullopt;
  }
  if (Mod97(iban.substr(4) + iban.substr(0, 4)) != 1) return std::nullopt;
  return iban;
}

std::string VirtualIbanOf(const Uuid& account_id) {
  std::string number = FormatId(IdKind::kAccount, account_id).substr(4);
  for (char& c : number) c = UpperOf(c);
  const int check = 98 - Mod97(number + std::string(kNoCountry) + "00");
  return std::string(kNoCountry) + (check < 10 ? "0" : "") + std::to_string(check) + number;
}

std::optional<Uuid> ParseVirtualIban(std::string_view text) {
  const std::optional<std::string> iban = ParseIban(text);
  if (!iban || iban->substr(0, 2) != kNoCountry) return std::nullopt;
  std::string id = "acc_";
  for (const char c : iban->substr(4)) id += LowerOf(c);
  const absl::StatusOr<Uuid> account_id = ParseId(IdKind::kAccount, id, "account_reference");
  // Check digits have a second spelling, 97 more or less.
  if (!account_id.ok() || VirtualIbanOf(*account_id) != *iban) return std::nullopt;
  return *account_id;
}

}  // namespace florin::payments
