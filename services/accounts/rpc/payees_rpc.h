// The gRPC face of payees: checks shape, calls, maps. See proto/florin/accounts/v1/payees.proto for
// what each method promises.
#pragma once

#include "florin/accounts/v1/payees.rpc.h"
#include "services/accounts/flow/payees.h"
#include "services/accounts/store/payee_store.h"

namespace florin::accounts {

v1::Payee ToProto(const Payee& payee);

// Thread-safe. A payee is looked for among the caller's own.
class PayeesRpc : public v1::PayeesService {
 public:
  // References outlive this.
  PayeesRpc(PayeeStore& store, florin::accounts::Payees& payees) : store_(store), payees_(payees) {}

  Task<absl::StatusOr<v1::CheckPayeeNameResponse>> CheckPayeeName(
      rpc::Call& call, const v1::CheckPayeeNameRequest& request) override;
  Task<absl::StatusOr<v1::Payee>> CreatePayee(rpc::Call& call,
                                              const v1::CreatePayeeRequest& request) override;
  Task<absl::StatusOr<v1::Payee>> GetPayee(rpc::Call& call,
                                           const v1::GetPayeeRequest& request) override;
  Task<absl::StatusOr<v1::ListPayeesResponse>> ListPayees(
      rpc::Call& call, const v1::ListPayeesRequest& request) override;
  Task<absl::StatusOr<v1::Payee>> DeletePayee(rpc::Call& call,
                                              const v1::DeletePayeeRequest& request) override;
  Task<absl::StatusOr<v1::LookUpPayeesResponse>> LookUpPayees(
      rpc::Call& call, const v1::LookUpPayeesRequest& request) override;

 private:
  PayeeStore& store_;
  florin::accounts::Payees& payees_;
};

}  // namespace florin::accounts
