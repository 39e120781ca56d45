#include "services/accounts/domain/account.h"

#include <initializer_list>
#include <optional>

#include "libs/text/text.h"

namespace florin::accounts {
namespace {

absl::Status CheckName(std::string_view display_name, std::size_t shortest) {
  const std::optional<std::size_t> length = CountPlainCharacters(display_name);
  if (!length || *length < shortest || *length > kLongestDisplayName) {
    return Error(Reason::kInvalidDisplayName,
                 "1 to 140 characters of UTF-8 without control characters",
                 {.param = "display_name"});
  }
  return absl::OkStatus();
}

// Lengths first, so that no field can pass for the end of another.
std::string Join(std::initializer_list<std::string_view> fields) {
  std::string out;
  for (const std::string_view field : fields) {
    out += std::to_string(field.size());
    out += ':';
    out += field;
    out += ';';
  }
  return out;
}

}  // namespace

std::string_view NameOf(AccountState state) {
  constexpr std::string_view kNames[] = {"opening", "open", "closed"};
  return kNames[static_cast<std::size_t>(state)];
}

absl::StatusOr<AccountState> ParseAccountState(std::string_view name) {
  for (const AccountState state :
       {AccountState::kOpening, AccountState::kOpen, AccountState::kClosed}) {
    if (NameOf(state) == name) return state;
  }
  return Error(Reason::kInternal, "the database has a state that there is not");
}

std::string_view NameOf(AccountKind kind) {
  constexpr std::string_view kNames[] = {"wallet", "merchant", "savings"};
  return kNames[static_cast<std::size_t>(kind)];
}

absl::StatusOr<AccountKind> ParseAccountKind(std::string_view name) {
  for (const AccountKind kind :
       {AccountKind::kWallet, AccountKind::kMerchant, AccountKind::kSavings}) {
    if (NameOf(kind) == name) return kind;
  }
  return Error(Reason::kInternal, "the database has a kind that there is not");
}

absl::Status CheckCustomerName(std::string_view display_name) { return CheckName(display_name, 1); }

absl::Status CheckAccountName(std::string_view display_name) { return CheckName(display_name, 0); }

absl::StatusOr<Currency> CheckCurrency(std::string_view code) {
  absl::StatusOr<Currency> currency = Currency::Parse(code);
  if (currency.ok()) return currency;
  return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = "currency"});
}

std::string CanonicalCustomer(std::string_view display_name) {
  return Join({"customer", display_name});
}

std::string CanonicalAccount(const Uuid& customer_id, const Currency& currency,
                             std::string_view display_name, AccountKind kind,
                             std::string_view book) {
  const std::string customer = customer_id.ToString();
  if (!book.empty()) {
    return Join({"account", customer, currency.code(), display_name, NameOf(kind), book});
  }
  if (kind == AccountKind::kWallet) {
    return Join({"account", customer, currency.code(), display_name});
  }
  return Join({"account", customer, currency.code(), display_name, NameOf(kind)});
}

}  // namespace florin::accounts
