// Customers and accounts as values, and what may be asked for.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/currency.h"
#include "libs/status/status.h"
#include "services/accounts/domain/customer_machine.h"
#include "services/accounts/domain/profile.h"

namespace florin::accounts {

inline constexpr std::size_t kLongestDisplayName = 140;  // characters

struct Customer {
  Uuid customer_id;
  Uuid user_id;  // Whose customer it is; nobody else may see it.
  std::string display_name;
  absl::Time create_time;  // Whole microseconds, as are all times that are stored.
  CustomerKind kind = CustomerKind::kUnknown;
  CustomerState state = CustomerState::kActive;
  KycLevel kyc_level = KycLevel::kNone;

  friend bool operator==(const Customer&, const Customer&) = default;
};

// An account is recorded as opening, opened in the ledger, and then open. Until then it does not
// exist for anybody but the request that opens it and the worker that finishes what a crash left.
// One that is closed with its customer exists for the customer's export only; one that is closed by
// itself (account_machine.h) is still shown.
enum class AccountState { kOpening, kOpen, kClosed };
std::string_view NameOf(AccountState state);  // "opening", "open", "closed"
absl::StatusOr<AccountState> ParseAccountState(std::string_view name);

// What an account is for (accounts.proto), for its life.
enum class AccountKind { kWallet, kMerchant, kSavings };
std::string_view NameOf(AccountKind kind);  // "wallet", "merchant", "savings"
// Error: kInternal.
absl::StatusOr<AccountKind> ParseAccountKind(std::string_view name);

struct Account {
  Uuid account_id;  // The ledger account has the same id.
  Uuid user_id;
  Uuid customer_id;
  Currency currency;
  std::string display_name;  // May be empty.
  AccountState state = AccountState::kOpening;
  absl::Time create_time;
  AccountKind kind = AccountKind::kWallet;
  // Of the ledger, for its life. Empty: the usual one (books.h), of accounts that were opened
  // before there were several.
  std::string book = {};

  friend bool operator==(const Account&, const Account&) = default;
};

// 1 to 140 characters of plain text, or none at all where a name is optional. Error:
// kInvalidDisplayName.
absl::Status CheckCustomerName(std::string_view display_name);
absl::Status CheckAccountName(std::string_view display_name);

// Error: kUnknownCurrency with param `currency`.
absl::StatusOr<Currency> CheckCurrency(std::string_view code);

// The octets that say what a request asks for: equal for equal requests only. Their hash is the
// fingerprint that tells a retry from another request under the same idempotency key. A wallet is
// what it was before there were kinds, and the usual book (empty) what it was before there were
// several.
std::string CanonicalCustomer(std::string_view display_name);
std::string CanonicalAccount(const Uuid& customer_id, const Currency& currency,
                             std::string_view display_name, AccountKind kind = AccountKind::kWallet,
                             std::string_view book = {});

}  // namespace florin::accounts
