// The gRPC face of customers: checks shape, calls, maps. See
// proto/florin/accounts/v1/customers.proto for what each method promises.
#pragma once

#include "florin/accounts/v1/customers.rpc.h"
#include "services/accounts/flow/customer_changes.h"
#include "services/accounts/flow/freeze_telling.h"
#include "services/accounts/flow/leave_customer.h"
#include "services/accounts/flow/verifications.h"
#include "services/accounts/store/customer_store.h"
#include "services/accounts/store/holder_store.h"
#include "services/accounts/store/payee_store.h"

namespace florin::accounts {

// Thread-safe. An owner's method finds its customer among the caller's own; that an operator's is
// called by one is the scope's business (auth), which this service's server checks.
class CustomersRpc : public v1::CustomersService {
 public:
  // References outlive this.
  CustomersRpc(CustomerStore& store, HolderStore& holders, PayeeStore& payees,
               CustomerChanges& changes, Verifications& verifications, LeaveCustomer& leave,
               FreezeTelling& telling)
      : store_(store),
        holders_(holders),
        payees_(payees),
        changes_(changes),
        verifications_(verifications),
        leave_(leave),
        telling_(telling) {}

  Task<absl::StatusOr<v1::CustomerProfile>> GetProfile(
      rpc::Call& call, const v1::GetProfileRequest& request) override;
  Task<absl::StatusOr<v1::CustomerProfile>> UpdateProfile(
      rpc::Call& call, const v1::UpdateProfileRequest& request) override;
  Task<absl::StatusOr<v1::Verification>> RequestVerification(
      rpc::Call& call, const v1::RequestVerificationRequest& request) override;
  Task<absl::StatusOr<v1::Verification>> GetVerification(
      rpc::Call& call, const v1::GetVerificationRequest& request) override;
  Task<absl::StatusOr<v1::CustomerExport>> ExportCustomer(
      rpc::Call& call, const v1::ExportCustomerRequest& request) override;
  Task<absl::StatusOr<v1::Customer>> CloseCustomer(
      rpc::Call& call, const v1::CloseCustomerRequest& request) override;
  Task<absl::StatusOr<v1::Customer>> EraseCustomer(
      rpc::Call& call, const v1::EraseCustomerRequest& request) override;
  Task<absl::StatusOr<v1::FindCustomersResponse>> FindCustomers(
      rpc::Call& call, const v1::FindCustomersRequest& request) override;
  Task<absl::StatusOr<v1::CustomerSummary>> SuspendCustomer(
      rpc::Call& call, const v1::SuspendCustomerRequest& request) override;
  Task<absl::StatusOr<v1::CustomerSummary>> ReactivateCustomer(
      rpc::Call& call, const v1::ReactivateCustomerRequest& request) override;
  Task<absl::StatusOr<v1::Verification>> DecideVerification(
      rpc::Call& call, const v1::DecideVerificationRequest& request) override;

 private:
  Task<absl::StatusOr<v1::Customer>> Leave(rpc::Call& call, const std::string& customer_id,
                                           CustomerEvent what);
  Task<absl::StatusOr<v1::CustomerSummary>> Operate(rpc::Call& call, const std::string& customer_id,
                                                    CustomerEvent what);

  CustomerStore& store_;
  HolderStore& holders_;
  PayeeStore& payees_;
  CustomerChanges& changes_;
  Verifications& verifications_;
  LeaveCustomer& leave_;
  FreezeTelling& telling_;
};

}  // namespace florin::accounts
