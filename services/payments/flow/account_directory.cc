#include "services/payments/flow/account_directory.h"

#include <algorithm>
#include <string>
#include <utility>

namespace florin::payments {
namespace {

constexpr absl::Duration kMemory = absl::Minutes(10);

// Of a kind that came later: as any account.
AccountKind KindOf(accounts::v1::Account::Kind kind) {
  switch (kind) {
    case accounts::v1::Account::MERCHANT:
      return AccountKind::kMerchant;
    case accounts::v1::Account::SAVINGS:
      return AccountKind::kSavings;
    default:
      return AccountKind::kWallet;
  }
}
// A level that this program does not know is as good as none.
KycLevel LevelOf(accounts::v1::Customer::KycLevel level) {
  if (level == accounts::v1::Customer::FULL) return KycLevel::kFull;
  return level == accounts::v1::Customer::BASIC ? KycLevel::kBasic : KycLevel::kNone;
}

absl::StatusOr<KnownAccount> FromProto(const accounts::v1::AccountFacts& proto) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid account,
                          ParseId(IdKind::kAccount, proto.account_id(), "account_id"));
  FLORIN_ASSIGN_OR_RETURN(const Uuid owner,
                          ParseId(IdKind::kUser, proto.owner_user_id(), "owner_user_id"));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(proto.currency()));
  return KnownAccount{{.account_id = account,
                       .owner_user_id = owner,
                       .currency = currency,
                       .holder_name = proto.holder_name(),
                       .kyc_level = LevelOf(proto.kyc_level()),
                       .book = proto.book(),
                       .country = proto.country()},
                      KindOf(proto.kind())};
}

absl::StatusOr<AccountHolder> FromProto(const accounts::v1::AccountHolder& proto) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid user, ParseId(IdKind::kUser, proto.user_id(), "user_id"));
  const bool may_pay =
      proto.role() == accounts::v1::Account::OWNER || proto.role() == accounts::v1::Account::PAYER;
  return AccountHolder{.user_id = user, .may_pay = may_pay};
}

}  // namespace

AccountDirectory::AccountDirectory(accounts::v1::AccountsClient& accounts, std::size_t capacity,
                                   Clock& clock)
    : accounts_(accounts),
      generation_size_(std::max<std::size_t>(capacity / 2, 1)),
      clock_(clock) {}

Task<absl::StatusOr<std::vector<std::optional<KnownAccount>>>> AccountDirectory::LookUp(
    rpc::Outgoing context, std::vector<Uuid> ids) {
  std::vector<std::optional<KnownAccount>> found;
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
    const absl::StatusOr<KnownAccount> facts = FromProto(proto);
    if (!facts.ok()) {
      co_return Error(Reason::kInternal, "the accounts service answered nonsense");
    }
    {
      const std::lock_guard lock(mutex_);
      const absl::Time now = clock_.Now();
      Keep({.facts = *facts, .until = now + kMemory}, now);
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == facts->account_id) found[i] = *facts;
    }
  }
  co_return found;
}

Task<absl::StatusOr<Uuid>> AccountDirectory::PayerFrom(rpc::Outgoing context, Uuid user_id,
                                                       std::optional<KnownAccount> source) {
  if (!source || source->owner_user_id == user_id) co_return user_id;
  const absl::StatusOr<std::vector<AccountHolder>> holders =
      co_await HoldersOf(std::move(context), source->account_id);
  if (!holders.ok()) co_return holders.status();
  co_return PaysFor(user_id, source->owner_user_id, *holders);
}

Task<absl::StatusOr<std::vector<AccountHolder>>> AccountDirectory::HoldersOf(rpc::Outgoing context,
                                                                             Uuid id) {
  const absl::StatusOr<accounts::v1::LookUpAccountsResponse> response =
      co_await AskOf(std::move(context), id);
  if (!response.ok()) co_return response.status();
  std::vector<AccountHolder> holders;
  for (const accounts::v1::AccountFacts& facts : response->accounts()) {
    for (const accounts::v1::AccountHolder& proto : facts.holders()) {
      const absl::StatusOr<AccountHolder> holder = FromProto(proto);
      if (!holder.ok()) {
        co_return Error(Reason::kInternal, "the accounts service answered nonsense");
      }
      holders.push_back(*holder);
    }
  }
  co_return holders;
}

Task<absl::StatusOr<bool>> AccountDirectory::IsDormant(rpc::Outgoing context, Uuid id) {
  const absl::StatusOr<accounts::v1::LookUpAccountsResponse> response =
      co_await AskOf(std::move(context), id);
  if (!response.ok()) co_return response.status();
  co_return response->accounts_size() == 1 && response->accounts(0).dormant();
}

Task<absl::StatusOr<accounts::v1::LookUpAccountsResponse>> AccountDirectory::AskOf(
    rpc::Outgoing context, Uuid id) {
  accounts::v1::LookUpAccountsRequest request;
  request.add_account_ids(FormatId(IdKind::kAccount, id));
  co_return co_await accounts_.LookUpAccounts(std::move(context), request);
}

std::optional<KnownAccount> AccountDirectory::Recall(const Uuid& id) {
  const std::lock_guard lock(mutex_);
  const absl::Time now = clock_.Now();
  if (now >= generation_end_) EndGeneration(now);
  for (Generation* generation : {&young_, &old_}) {
    const auto found = generation->find(id);
    if (found == generation->end()) continue;
    Kept kept = found->second;
    if (kept.until <= now) {
      generation->erase(found);
      continue;
    }
    if (generation == &old_) Keep(kept, now);
    return std::move(kept.facts);
  }
  return std::nullopt;
}

void AccountDirectory::Keep(Kept kept, absl::Time now) {
  if (young_.size() >= generation_size_) EndGeneration(now);
  if (generation_end_ == absl::InfiniteFuture()) generation_end_ = now + kMemory;
  const Uuid id = kept.facts.account_id;
  young_.insert_or_assign(id, std::move(kept));
}

void AccountDirectory::EndGeneration(absl::Time now) {
  old_ = std::move(young_);
  young_.clear();
  // An empty one ends, too: the old one goes.
  generation_end_ = old_.empty() ? absl::InfiniteFuture() : now + kMemory;
}

}  // namespace florin::payments
