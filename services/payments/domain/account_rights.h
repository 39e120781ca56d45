// What an account is for, and who may pay from it besides its owner (docs/accounts-holders.md).
#pragma once

#include <optional>
#include <vector>

#include "services/payments/domain/payment.h"

namespace florin::payments {

// As accounts.proto has them: a savings pocket moves money between accounts of its owner only.
enum class AccountKind { kWallet, kMerchant, kSavings };

// An account with what it is for, which never changes either.
struct KnownAccount : AccountFacts {
  AccountKind kind = AccountKind::kWallet;
};

// Somebody who holds an account with its owner.
struct AccountHolder {
  Uuid user_id;
  bool may_pay = false;  // Otherwise they may see it.

  friend bool operator==(const AccountHolder&, const AccountHolder&) = default;
};

// For whom `user_id` pays from an account of `owner_user_id` that these hold, too: for its owner,
// as far as CheckAccounts() is concerned. Errors, with param `source_account_id`:
// kHolderRoleMissing for one who may only see it; kAccountNotFound for everybody else.
absl::StatusOr<Uuid> PaysFor(const Uuid& user_id, const Uuid& owner_user_id,
                             const std::vector<AccountHolder>& holders);

// Of a deposit there is no source: its money is nobody's yet. Error: kInvalidField, with the pocket
// as param: `source_account_id`, `destination_account_id` or `splits[N].destination_account_id`.
absl::Status CheckPockets(const std::optional<KnownAccount>& source,
                          const std::vector<std::optional<KnownAccount>>& destinations,
                          bool has_splits);

}  // namespace florin::payments
