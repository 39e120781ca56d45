#include "services/accounts/rpc/holders_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/accounts/rpc/holder_messages.h"

namespace florin::accounts {
namespace {

absl::StatusOr<Uuid> ParseAccount(const std::string& id) {
  return ParseId(IdKind::kAccount, id, "account_id");
}

// What the calling user asks of somebody's holding.
absl::StatusOr<Holders::Request> RequestOf(const rpc::Call& call, const std::string& account_id,
                                           const std::string& user_id) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid actor, UserOf(call));
  FLORIN_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(account_id));
  FLORIN_ASSIGN_OR_RETURN(const Uuid user, ParseId(IdKind::kUser, user_id, "user_id"));
  return Holders::Request{
      .actor = actor, .account_id = account, .user_id = user, .origin = audit::OriginOfCall(call)};
}

// What they ask of their own.
absl::StatusOr<Holders::Request> OwnRequestOf(const rpc::Call& call,
                                              const std::string& account_id) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid actor, UserOf(call));
  FLORIN_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(account_id));
  return Holders::Request{
      .actor = actor, .account_id = account, .user_id = actor, .origin = audit::OriginOfCall(call)};
}

v1::Holder OwnerOf(const SeenAccount& seen) {
  v1::Holder owner;
  owner.set_user_id(FormatId(IdKind::kUser, seen.account.user_id));
  owner.set_role(v1::Account::OWNER);
  owner.set_state(v1::Holder::ACTIVE);
  owner.set_display_name(seen.owner_name);
  SetTime(seen.account.create_time, *owner.mutable_create_time());
  SetTime(seen.account.create_time, *owner.mutable_update_time());
  return owner;
}

}  // namespace

Task<absl::StatusOr<v1::Holder>> HoldersRpc::InviteHolder(rpc::Call& call,
                                                          const v1::InviteHolderRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Holders::Request asked,
                             RequestOf(call, request.account_id(), request.user_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(asked.role, FromProto(request.role()));
  asked.idempotency_key = call.idempotency_key();
  absl::StatusOr<Holders::Outcome> outcome = co_await holders_.Invite(std::move(asked));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  co_return co_await Named(std::move(outcome->holder));
}

Task<absl::StatusOr<v1::ListHoldersResponse>> HoldersRpc::ListHolders(
    rpc::Call& call, const v1::ListHoldersRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account_id, ParseAccount(request.account_id()));
  const absl::StatusOr<SeenAccount> seen = co_await store_.SeeAccount(user, account_id);
  if (!seen.ok()) co_return seen.status();
  const absl::StatusOr<std::vector<NamedHolder>> holders = co_await store_.ListHolders(account_id);
  if (!holders.ok()) co_return holders.status();
  v1::ListHoldersResponse response;
  *response.add_holders() = OwnerOf(*seen);
  for (const auto& [holder, name] : *holders) *response.add_holders() = ToProto(holder, name);
  co_return response;
}

Task<absl::StatusOr<v1::Holder>> HoldersRpc::ChangeHolder(rpc::Call& call,
                                                          const v1::ChangeHolderRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Holders::Request asked,
                             RequestOf(call, request.account_id(), request.user_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(asked.role, FromProto(request.role()));
  absl::StatusOr<Holder> holder = co_await holders_.ChangeRole(std::move(asked));
  if (!holder.ok()) co_return holder.status();
  co_return co_await Named(*std::move(holder));
}

Task<absl::StatusOr<v1::Holder>> HoldersRpc::RemoveHolder(rpc::Call& call,
                                                          const v1::RemoveHolderRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Holders::Request asked,
                             RequestOf(call, request.account_id(), request.user_id()));
  absl::StatusOr<Holder> holder = co_await holders_.Remove(std::move(asked));
  if (!holder.ok()) co_return holder.status();
  co_return ToProto(*holder, "");
}

Task<absl::StatusOr<v1::ListHoldingsResponse>> HoldersRpc::ListHoldings(
    rpc::Call& call, const v1::ListHoldingsRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  const absl::StatusOr<std::vector<SeenHolding>> holdings = co_await store_.ListHoldings(user);
  if (!holdings.ok()) co_return holdings.status();
  v1::ListHoldingsResponse response;
  for (const auto& [holder, owner] : *holdings) *response.add_holdings() = ToHolding(holder, owner);
  co_return response;
}

Task<absl::StatusOr<v1::Holding>> HoldersRpc::AcceptHolding(
    rpc::Call& call, const v1::AcceptHoldingRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Holders::Request asked, OwnRequestOf(call, request.account_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(asked.customer_id,
                             ParseId(IdKind::kCustomer, request.customer_id(), "customer_id"));
  absl::StatusOr<Holder> holder = co_await holders_.Accept(std::move(asked));
  if (!holder.ok()) co_return holder.status();
  co_return co_await Seen(*std::move(holder));
}

Task<absl::StatusOr<v1::Holding>> HoldersRpc::LeaveHolding(rpc::Call& call,
                                                           const v1::LeaveHoldingRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Holders::Request asked, OwnRequestOf(call, request.account_id()));
  const absl::StatusOr<Holder> holder = co_await holders_.Leave(std::move(asked));
  if (!holder.ok()) co_return holder.status();
  co_return ToHolding(*holder, "");
}

Task<absl::StatusOr<v1::Holder>> HoldersRpc::Named(Holder holder) {
  if (holder.state != HolderState::kActive) co_return ToProto(holder, "");
  const absl::StatusOr<std::vector<NamedHolder>> all =
      co_await store_.ListHolders(holder.account_id);
  if (!all.ok()) co_return all.status();
  std::string name;
  for (const NamedHolder& one : *all) {
    if (one.holder.holder_id == holder.holder_id) name = one.name;
  }
  co_return ToProto(holder, name);
}

Task<absl::StatusOr<v1::Holding>> HoldersRpc::Seen(Holder holder) {
  const absl::StatusOr<SeenAccount> seen =
      co_await store_.SeeAccount(holder.user_id, holder.account_id);
  // It may have ended meanwhile.
  const bool gone = ReasonOf(seen.status()) == Reason::kAccountNotFound;
  if (!seen.ok() && !gone) co_return seen.status();
  co_return ToHolding(holder, gone ? "" : seen->owner_name);
}

}  // namespace florin::accounts
