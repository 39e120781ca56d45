#include "services/accounts/rpc/holder_messages.h"

#include "libs/rpc/timestamp.h"

namespace florin::accounts {
namespace {

v1::Holder::State ToProto(HolderState state) {
  return static_cast<v1::Holder::State>(static_cast<int>(state) + 1);
}
static_assert(v1::Holder::ENDED == static_cast<int>(HolderState::kEnded) + 1);
static_assert(v1::Account::VIEWER == static_cast<int>(HolderRole::kViewer) + 1);
static_assert(v1::Account::SAVINGS == static_cast<int>(AccountKind::kSavings) + 1);

}  // namespace

// Each enumeration of ours begins with 0, each of the protos has "unspecified" before.
v1::Account::Kind ToProto(AccountKind kind) {
  return static_cast<v1::Account::Kind>(static_cast<int>(kind) + 1);
}
v1::Account::Role ToProto(HolderRole role) {
  return static_cast<v1::Account::Role>(static_cast<int>(role) + 1);
}

v1::Holder ToProto(const Holder& holder, const std::string& name) {
  v1::Holder proto;
  proto.set_user_id(FormatId(IdKind::kUser, holder.user_id));
  proto.set_role(ToProto(holder.role));
  proto.set_state(ToProto(holder.state));
  proto.set_display_name(name);
  SetTime(holder.create_time, *proto.mutable_create_time());
  SetTime(holder.update_time, *proto.mutable_update_time());
  return proto;
}

v1::Holding ToHolding(const Holder& holder, const std::string& owner_name) {
  v1::Holding proto;
  proto.set_account_id(FormatId(IdKind::kAccount, holder.account_id));
  proto.set_role(ToProto(holder.role));
  proto.set_state(ToProto(holder.state));
  proto.set_owner_name(owner_name);
  if (holder.customer_id) {
    proto.set_customer_id(FormatId(IdKind::kCustomer, *holder.customer_id));
  }
  SetTime(holder.create_time, *proto.mutable_create_time());
  SetTime(holder.update_time, *proto.mutable_update_time());
  return proto;
}

v1::ExportedHolding ToExport(const Holder& holder) {
  v1::ExportedHolding proto;
  proto.set_account_id(FormatId(IdKind::kAccount, holder.account_id));
  proto.set_role(ToProto(holder.role));
  proto.set_ended(holder.state == HolderState::kEnded);
  SetTime(holder.create_time, *proto.mutable_create_time());
  SetTime(holder.update_time, *proto.mutable_update_time());
  return proto;
}

absl::StatusOr<AccountKind> FromProto(v1::Account::Kind kind) {
  switch (kind) {
    case v1::Account::KIND_UNSPECIFIED:
    case v1::Account::WALLET:
      return AccountKind::kWallet;
    case v1::Account::MERCHANT:
      return AccountKind::kMerchant;
    case v1::Account::SAVINGS:
      return AccountKind::kSavings;
    default:
      return Error(Reason::kInvalidField, "WALLET, MERCHANT or SAVINGS", {.param = "kind"});
  }
}

absl::StatusOr<HolderRole> FromProto(v1::Account::Role role) {
  switch (role) {
    case v1::Account::OWNER:
      return HolderRole::kOwner;
    case v1::Account::PAYER:
      return HolderRole::kPayer;
    case v1::Account::VIEWER:
      return HolderRole::kViewer;
    default:
      return Error(Reason::kInvalidHolder, "OWNER, PAYER or VIEWER", {.param = "role"});
  }
}

}  // namespace florin::accounts
