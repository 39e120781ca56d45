#include "services/accounts/domain/payee.h"

#include <algorithm>

namespace florin::accounts {
namespace {

constexpr std::size_t kShortestIban = 15;
constexpr std::size_t kLongestIban = 34;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }

absl::Status InvalidIban() {
  return Error(Reason::kInvalidField, "an IBAN with the right check digits", {.param = "iban"});
}

// The number whose digits are those of the IBAN, its first four characters last, letters as 10 to
// 35.
int Remainder97(std::string_view iban) {
  int remainder = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    if (IsDigit(c)) {
      remainder = (remainder * 10 + (c - '0')) % 97;
    } else {
      remainder = (remainder * 100 + (c - 'A' + 10)) % 97;
    }
  }
  return remainder;
}

// Length first, so that no field can pass for the end of another.
void Append(std::string& out, std::string_view field) {
  out += std::to_string(field.size());
  out += ':';
  out += field;
}

std::optional<std::string> Take(std::string_view& octets) {
  const std::size_t colon = octets.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon > 6) return std::nullopt;
  const std::string_view digits = octets.substr(0, colon);
  if (!std::ranges::all_of(digits, IsDigit)) return std::nullopt;
  const std::size_t size = std::stoul(std::string(digits));
  octets.remove_prefix(colon + 1);
  if (size > octets.size()) return std::nullopt;
  std::string field(octets.substr(0, size));
  octets.remove_prefix(size);
  return field;
}

std::string_view PublicNameOf(NameMatch match) {
  return match == NameMatch::kCloseMatch ? "CLOSE_MATCH" : "NO_MATCH";
}

}  // namespace

absl::StatusOr<std::string> CanonicalIban(std::string_view text) {
  std::string iban;
  for (const char c : text) {
    if (c == ' ') continue;
    iban += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const bool shaped = iban.size() >= kShortestIban && iban.size() <= kLongestIban &&
                      IsCapital(iban[0]) && IsCapital(iban[1]) && IsDigit(iban[2]) &&
                      IsDigit(iban[3]) &&
                      std::ranges::all_of(iban, [](char c) { return IsDigit(c) || IsCapital(c); });
  if (!shaped || Remainder97(iban) != 1) return InvalidIban();
  return iban;
}

absl::Status CheckAccepted(NameMatch match, bool accept_name) {
  if (match == NameMatch::kMatch || match == NameMatch::kNotAvailable || accept_name) {
    return absl::OkStatus();
  }
  return Error(Reason::kPayeeNameMismatch, "the name is not the holder's",
               {.param = "name", .metadata = {{"name_match", std::string(PublicNameOf(match))}}});
}

std::string EncodeDetails(const PayeeDetails& details) {
  std::string out;
  Append(out, details.name);
  Append(out, details.iban);
  return out;
}

absl::StatusOr<PayeeDetails> DecodeDetails(std::string_view octets) {
  std::optional<std::string> name = Take(octets);
  std::optional<std::string> iban = name ? Take(octets) : std::nullopt;
  if (!iban || !octets.empty()) return Error(Reason::kInternal, "no details of a payee");
  return PayeeDetails{.name = *std::move(name), .iban = *std::move(iban)};
}

std::string CanonicalPayee(const Payee& payee, bool accept_name) {
  std::string out;
  Append(out, payee.customer_id.ToString());
  Append(out, payee.account_id ? payee.account_id->ToString() : "");
  Append(out, payee.details.name);
  Append(out, payee.details.iban);
  Append(out, accept_name ? "accepted" : "");
  return out;
}

}  // namespace florin::accounts
