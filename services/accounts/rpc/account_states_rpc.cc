#include "services/accounts/rpc/account_states_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/rpc/user_of.h"

namespace florin::accounts {
namespace {

absl::StatusOr<Uuid> ParseAccount(const std::string& id) {
  return ParseId(IdKind::kAccount, id, "account_id");
}

v1::Account::Frozen ToProto(const Sides& sides) {
  if (sides.debits) return sides.credits ? v1::Account::BOTH : v1::Account::DEBITS;
  return sides.credits ? v1::Account::CREDITS : v1::Account::NOT_FROZEN;
}

// Nothing unless there is a side.
absl::StatusOr<Sides> FromProto(v1::Account::Frozen sides) {
  switch (sides) {
    case v1::Account::DEBITS:
      return Sides{.debits = true};
    case v1::Account::CREDITS:
      return Sides{.credits = true};
    case v1::Account::BOTH:
      return Sides{.debits = true, .credits = true};
    default:
      return Error(Reason::kInvalidField, "DEBITS, CREDITS or BOTH", {.param = "sides"});
  }
}

// The protos' enumeration has "unspecified" before ours.
v1::AccountState::Life ToProto(AccountLife life) {
  return static_cast<v1::AccountState::Life>(static_cast<int>(life) + 1);
}
static_assert(v1::AccountState::CLOSED == static_cast<int>(AccountLife::kClosed) + 1);

v1::AccountState StateOf(const AccountRecord& record) {
  v1::AccountState proto;
  proto.set_account_id(FormatId(IdKind::kAccount, record.account.account_id));
  proto.set_state(ToProto(record.standing.life));
  proto.set_frozen(ToProto(FrozenSides(record.standing)));
  return proto;
}

v1::AccountSummary SummaryOf(const AccountRecord& record) {
  v1::AccountSummary proto;
  proto.set_account_id(FormatId(IdKind::kAccount, record.account.account_id));
  proto.set_customer_id(FormatId(IdKind::kCustomer, record.account.customer_id));
  proto.set_state(ToProto(record.standing.life));
  proto.set_frozen(ToProto(FrozenSides(record.standing)));
  proto.set_frozen_by_operator(ToProto(record.standing.frozen_by_operator));
  proto.set_reason(record.standing.freeze_reason);
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::AccountState>> AccountStatesRpc::GetAccountState(
    rpc::Call& call, const v1::GetAccountStateRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(request.account_id()));
  const AccountRef ref{.user_id = user, .account_id = account};
  const absl::StatusOr<AccountRecord> record = co_await store_.FindAccount(ref);
  if (!record.ok()) co_return record.status();
  co_return StateOf(*record);
}

Task<absl::StatusOr<v1::AccountState>> AccountStatesRpc::WakeAccount(
    rpc::Call& call, const v1::WakeAccountRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(request.account_id()));
  AccountChanges::Acting acting{.user_id = user, .origin = audit::OriginOfCall(call)};
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<AccountRecord> record =
      co_await changes_.Wake(std::move(context), std::move(acting), account);
  if (!record.ok()) co_return record.status();
  co_return StateOf(*record);
}

Task<absl::StatusOr<v1::AccountState>> AccountStatesRpc::CloseAccount(
    rpc::Call& call, const v1::CloseAccountRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(request.account_id()));
  florin::accounts::CloseAccount::Request asked{
      .user_id = user, .account_id = account, .origin = audit::OriginOfCall(call)};
  if (!request.sweep_to_account_id().empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(
        asked.sweep_to,
        ParseId(IdKind::kAccount, request.sweep_to_account_id(), "sweep_to_account_id"));
  }
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<AccountRecord> record =
      co_await close_.Run(std::move(context), std::move(asked));
  if (!record.ok()) co_return record.status();
  co_return StateOf(*record);
}

Task<absl::StatusOr<v1::AccountSummary>> AccountStatesRpc::FreezeAccount(
    rpc::Call& call, const v1::FreezeAccountRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Sides sides, FromProto(request.sides()));
  co_return co_await Freeze(call, request.account_id(), sides, request.reason());
}

Task<absl::StatusOr<v1::AccountSummary>> AccountStatesRpc::UnfreezeAccount(
    rpc::Call& call, const v1::UnfreezeAccountRequest& request) {
  const Sides neither;
  co_return co_await Freeze(call, request.account_id(), neither, "");
}

Task<absl::StatusOr<v1::AccountSummary>> AccountStatesRpc::Freeze(rpc::Call& call,
                                                                  const std::string& account_id,
                                                                  Sides sides, std::string reason) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account, ParseAccount(account_id));
  AccountChanges::Acting acting{.user_id = user, .origin = audit::OriginOfCall(call)};
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<AccountRecord> record = co_await changes_.Freeze(
      std::move(context), std::move(acting), account, sides, std::move(reason));
  if (!record.ok()) co_return record.status();
  co_return SummaryOf(*record);
}

}  // namespace florin::accounts
