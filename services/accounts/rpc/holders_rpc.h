// The gRPC face of holders: checks shape, calls, maps. See proto/florin/accounts/v1/holders.proto
// for what each method promises.
#pragma once

#include "florin/accounts/v1/holders.rpc.h"
#include "services/accounts/flow/holders.h"
#include "services/accounts/store/holder_store.h"

namespace florin::accounts {

// Thread-safe. What an owner may is decided under the lock of the account's customer (holder.h).
class HoldersRpc : public v1::HoldersService {
 public:
  // References outlive this.
  HoldersRpc(HolderStore& store, florin::accounts::Holders& holders)
      : store_(store), holders_(holders) {}

  Task<absl::StatusOr<v1::Holder>> InviteHolder(rpc::Call& call,
                                                const v1::InviteHolderRequest& request) override;
  Task<absl::StatusOr<v1::ListHoldersResponse>> ListHolders(
      rpc::Call& call, const v1::ListHoldersRequest& request) override;
  Task<absl::StatusOr<v1::Holder>> ChangeHolder(rpc::Call& call,
                                                const v1::ChangeHolderRequest& request) override;
  Task<absl::StatusOr<v1::Holder>> RemoveHolder(rpc::Call& call,
                                                const v1::RemoveHolderRequest& request) override;
  Task<absl::StatusOr<v1::ListHoldingsResponse>> ListHoldings(
      rpc::Call& call, const v1::ListHoldingsRequest& request) override;
  Task<absl::StatusOr<v1::Holding>> AcceptHolding(rpc::Call& call,
                                                  const v1::AcceptHoldingRequest& request) override;
  Task<absl::StatusOr<v1::Holding>> LeaveHolding(rpc::Call& call,
                                                 const v1::LeaveHoldingRequest& request) override;

 private:
  // With the name by which the others know them.
  Task<absl::StatusOr<v1::Holder>> Named(Holder holder);
  // With the name of the account's owner, as long as they hold it.
  Task<absl::StatusOr<v1::Holding>> Seen(Holder holder);

  HolderStore& store_;
  florin::accounts::Holders& holders_;
};

}  // namespace florin::accounts
