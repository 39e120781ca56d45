// Kinds of accounts, roles and holders as messages, and back.
#pragma once

#include "florin/accounts/v1/accounts.pb.h"
#include "florin/accounts/v1/customers.pb.h"
#include "florin/accounts/v1/holders.pb.h"
#include "services/accounts/store/holder_store.h"

namespace florin::accounts {

v1::Account::Kind ToProto(AccountKind kind);
v1::Account::Role ToProto(HolderRole role);
v1::Holder ToProto(const Holder& holder, const std::string& name);
v1::Holding ToHolding(const Holder& holder, const std::string& owner_name);
v1::ExportedHolding ToExport(const Holder& holder);

// A wallet if nothing is said. Error: kInvalidField with param `kind`.
absl::StatusOr<AccountKind> FromProto(v1::Account::Kind kind);
// Error: kInvalidHolder with param `role`.
absl::StatusOr<HolderRole> FromProto(v1::Account::Role role);

}  // namespace florin::accounts
