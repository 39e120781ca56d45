// The gRPC face of what becomes of accounts: checks shape, calls, maps. See
// proto/florin/accounts/v1/account_states.proto for what each method promises.
#pragma once

#include "florin/accounts/v1/account_states.rpc.h"
#include "services/accounts/flow/account_changes.h"
#include "services/accounts/flow/close_account.h"
#include "services/accounts/store/account_state_store.h"

namespace florin::accounts {

// Thread-safe. An owner's method finds its account among the caller's own; that an operator's is
// called by one is the scope's business (auth), which this service's server checks.
class AccountStatesRpc : public v1::AccountStatesService {
 public:
  // References outlive this.
  AccountStatesRpc(AccountStateStore& store, AccountChanges& changes,
                   florin::accounts::CloseAccount& close)
      : store_(store), changes_(changes), close_(close) {}

  Task<absl::StatusOr<v1::AccountState>> GetAccountState(
      rpc::Call& call, const v1::GetAccountStateRequest& request) override;
  Task<absl::StatusOr<v1::AccountState>> WakeAccount(
      rpc::Call& call, const v1::WakeAccountRequest& request) override;
  Task<absl::StatusOr<v1::AccountState>> CloseAccount(
      rpc::Call& call, const v1::CloseAccountRequest& request) override;
  Task<absl::StatusOr<v1::AccountSummary>> FreezeAccount(
      rpc::Call& call, const v1::FreezeAccountRequest& request) override;
  Task<absl::StatusOr<v1::AccountSummary>> UnfreezeAccount(
      rpc::Call& call, const v1::UnfreezeAccountRequest& request) override;

 private:
  Task<absl::StatusOr<v1::AccountSummary>> Freeze(rpc::Call& call, const std::string& account_id,
                                                  Sides sides, std::string reason);

  AccountStateStore& store_;
  AccountChanges& changes_;
  florin::accounts::CloseAccount& close_;
};

}  // namespace florin::accounts
