#include "services/payments/domain/account_rights.h"

#include <algorithm>
#include <string>
#include <utility>

namespace florin::payments {
namespace {

absl::Status NotItsOwners(std::string param) {
  return Error(Reason::kInvalidField,
               "a savings pocket moves money between accounts of its owner only",
               {.param = std::move(param)});
}

}  // namespace

absl::StatusOr<Uuid> PaysFor(const Uuid& user_id, const Uuid& owner_user_id,
                             const std::vector<AccountHolder>& holders) {
  if (user_id == owner_user_id) return owner_user_id;
  const auto holder = std::ranges::find(holders, user_id, &AccountHolder::user_id);
  if (holder == holders.end()) {
    return Error(Reason::kAccountNotFound, "no such account", {.param = "source_account_id"});
  }
  if (!holder->may_pay) {
    return Error(Reason::kHolderRoleMissing, "the holder may see the account, not pay from it",
                 {.param = "source_account_id"});
  }
  return owner_user_id;
}

absl::Status CheckPockets(const std::optional<KnownAccount>& source,
                          const std::vector<std::optional<KnownAccount>>& destinations,
                          bool has_splits) {
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    const std::optional<KnownAccount>& destination = destinations[i];
    if (!destination) continue;
    if (source && source->owner_user_id == destination->owner_user_id) continue;
    if (destination->kind == AccountKind::kSavings) {
      const std::string param = "destination_account_id";
      return NotItsOwners(has_splits ? "splits[" + std::to_string(i) + "]." + param : param);
    }
    if (source && source->kind == AccountKind::kSavings) return NotItsOwners("source_account_id");
  }
  return absl::OkStatus();
}

}  // namespace florin::payments
