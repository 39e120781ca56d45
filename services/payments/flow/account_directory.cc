#include "services/payments/flow/account_directory.h"

#include <algorithm>
#include <string>
#include <utility>

namespace florin::payments {
namespace {

absl::StatusOr<AccountFacts> FromProto(const accounts::v1::AccountFacts& proto) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid account,
                          ParseId(IdKind::kAccount, proto.account_id(), "account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Uuid owner,
                          ParseId(IdKind::kUser, proto.owner_user_id(), "owner_user_id"));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(proto.currency()));
  return AccountFacts{.account_id = account,
                      .owner_user_id = owner,
                      .currency = currency,
                      .holder_name = proto.holder_name()};
}

}  // namespace

AccountDirectory::AccountDirectory(accounts::v1::AccountsClient& accounts, std::size_t capacity)
    : accounts_(accounts), generation_size_(std::max<std::size_t>(capacity / 2, 1)) {}

Task<absl::StatusOr<std::vector<std::optional<AccountFacts>>>> AccountDirectory::LookUp(
    rpc::Outgoing context, std::vector<Uuid> ids) {
  std::vector<std::optional<AccountFacts>> found;
  found.reserve(ids.size());
  accounts::v1::LookUpAccountsRequest request;
  for (const Uuid& id : ids) {
    found.push_back(Recall(id));
    if (!found.back()) request.add_account_ids(FormatId(IdKind::kAccount, id));
  }
  if (request.account_ids().empty()) co_return found;

  const absl::StatusOr<accounts::v1::LookUpAccountsResponse> response =
      co_await accounts_.LookUpAccounts(std::move(context), request);
  if (!response.ok()) co_return response.status();
  for (const accounts::v1::AccountFacts& proto : response->accounts()) {
    const absl::StatusOr<AccountFacts> facts = FromProto(proto);
    if (!facts.ok()) {
      co_return Error(Reason::kInternal, "the accounts service answered nonsense");
    }
    Keep(*facts);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == facts->account_id) found[i] = *facts;
    }
  }
  co_return found;
}

std::optional<AccountFacts> AccountDirectory::Recall(const Uuid& id) {
  std::unique_lock lock(mutex_);
  if (const auto young = young_.find(id); young != young_.end()) return young->second;
  const auto old = old_.find(id);
  if (old == old_.end()) return std::nullopt;
  const AccountFacts facts = old->second;
  lock.unlock();
  Keep(facts);
  return facts;
}

void AccountDirectory::Keep(const AccountFacts& facts) {
  std::lock_guard lock(mutex_);
  if (young_.size() >= generation_size_) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(facts.account_id, facts);
}

}  // namespace florin::payments
