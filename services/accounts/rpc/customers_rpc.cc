#include "services/accounts/rpc/customers_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/rpc/user_of.h"
#include "services/accounts/rpc/customer_messages.h"
#include "services/accounts/rpc/holder_messages.h"
#include "services/accounts/rpc/payees_rpc.h"

namespace florin::accounts {
namespace {

absl::StatusOr<Uuid> ParseCustomer(const std::string& id) {
  return ParseId(IdKind::kCustomer, id, "customer_id");
}

// The caller's own customer.
absl::StatusOr<CustomerRef> OwnCustomer(const rpc::Call& call, const std::string& id) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_ASSIGN_OR_RETURN(const Uuid customer, ParseCustomer(id));
  return CustomerRef{.user_id = user, .customer_id = customer};
}

v1::CustomerProfile WithProfile(const CustomerRecord& record) {
  v1::CustomerProfile proto;
  *proto.mutable_customer() = ToProto(record.customer);
  *proto.mutable_profile() = ToProto(record.profile);
  return proto;
}

}  // namespace

Task<absl::StatusOr<v1::CustomerProfile>> CustomersRpc::GetProfile(
    rpc::Call& call, const v1::GetProfileRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const CustomerRef ref, OwnCustomer(call, request.customer_id()));
  const absl::StatusOr<CustomerRecord> record = co_await store_.Get(ref);
  if (!record.ok()) co_return record.status();
  co_return WithProfile(*record);
}

Task<absl::StatusOr<v1::CustomerProfile>> CustomersRpc::UpdateProfile(
    rpc::Call& call, const v1::UpdateProfileRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const CustomerRef ref, OwnCustomer(call, request.customer_id()));
  CustomerChanges::ProfileUpdate update{
      .user_id = *ref.user_id,
      .customer_id = ref.customer_id,
      .given = FromProto(request.profile()),
      .mask = {request.update_mask().begin(), request.update_mask().end()},
      .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<CustomerRecord> record = co_await changes_.UpdateProfile(std::move(update));
  if (!record.ok()) co_return record.status();
  co_return WithProfile(*record);
}

Task<absl::StatusOr<v1::Verification>> CustomersRpc::RequestVerification(
    rpc::Call& call, const v1::RequestVerificationRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const CustomerRef ref, OwnCustomer(call, request.customer_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(const KycLevel level, FromProto(request.level()));
  Verifications::Request asked{.user_id = *ref.user_id,
                               .customer_id = ref.customer_id,
                               .level = level,
                               .idempotency_key = call.idempotency_key(),
                               .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<Verifications::Outcome> outcome =
      co_await verifications_.Run(std::move(asked));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  co_return ToProto(outcome->verification);
}

Task<absl::StatusOr<v1::Verification>> CustomersRpc::GetVerification(
    rpc::Call& call, const v1::GetVerificationRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const CustomerRef ref, OwnCustomer(call, request.customer_id()));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid id, ParseId(IdKind::kVerification, request.verification_id(), "verification_id"));
  const absl::StatusOr<Verification> found = co_await store_.GetVerification(ref, id);
  if (!found.ok()) co_return found.status();
  const absl::StatusOr<CustomerRecord> record = co_await store_.Get(ref);
  if (!record.ok()) co_return record.status();
  co_return ToProto(*found);
}

Task<absl::StatusOr<v1::CustomerExport>> CustomersRpc::ExportCustomer(
    rpc::Call& call, const v1::ExportCustomerRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const CustomerRef ref, OwnCustomer(call, request.customer_id()));
  CustomerChanges::Acting acting{.user_id = *ref.user_id, .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<CustomerChanges::Export> all =
      co_await changes_.ExportAll(std::move(acting), ref.customer_id);
  if (!all.ok()) co_return all.status();
  const absl::StatusOr<std::vector<Holder>> holdings =
      co_await holders_.HoldingsOf(*ref.user_id, ref.customer_id);
  if (!holdings.ok()) co_return holdings.status();
  const absl::StatusOr<std::vector<Payee>> payees =
      co_await payees_.PayeesOf(*ref.user_id, ref.customer_id);
  if (!payees.ok()) co_return payees.status();
  v1::CustomerExport proto;
  proto.set_user_id(FormatId(IdKind::kUser, *ref.user_id));
  *proto.mutable_customer() = ToProto(all->record.customer);
  *proto.mutable_profile() = ToProto(all->record.profile);
  for (const Account& account : all->accounts) *proto.add_accounts() = ToExport(account);
  for (const Verification& one : all->verifications) *proto.add_verifications() = ToProto(one);
  for (const Holder& one : *holdings) *proto.add_holdings() = ToExport(one);
  for (const Payee& one : *payees) *proto.add_payees() = ToProto(one);
  co_return proto;
}

Task<absl::StatusOr<v1::Customer>> CustomersRpc::Leave(rpc::Call& call,
                                                       const std::string& customer_id,
                                                       CustomerEvent what) {
  FLORIN_CO_ASSIGN_OR_RETURN(const CustomerRef ref, OwnCustomer(call, customer_id));
  LeaveCustomer::Request asked{.user_id = *ref.user_id,
                               .customer_id = ref.customer_id,
                               .what = what,
                               .origin = audit::OriginOfCall(call)};
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<Customer> left = co_await leave_.Run(std::move(context), std::move(asked));
  if (!left.ok()) co_return left.status();
  co_return ToProto(*left);
}

Task<absl::StatusOr<v1::Customer>> CustomersRpc::CloseCustomer(
    rpc::Call& call, const v1::CloseCustomerRequest& request) {
  return Leave(call, request.customer_id(), CustomerEvent::kClose);
}

Task<absl::StatusOr<v1::Customer>> CustomersRpc::EraseCustomer(
    rpc::Call& call, const v1::EraseCustomerRequest& request) {
  return Leave(call, request.customer_id(), CustomerEvent::kErase);
}

Task<absl::StatusOr<v1::FindCustomersResponse>> CustomersRpc::FindCustomers(
    rpc::Call& call, const v1::FindCustomersRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  CustomerChanges::Acting acting{.user_id = user, .origin = audit::OriginOfCall(call)};
  CustomerChanges::Contact contact{.email = request.email(), .phone = request.phone()};
  const absl::StatusOr<std::vector<Customer>> found =
      co_await changes_.Find(std::move(acting), std::move(contact));
  if (!found.ok()) co_return found.status();
  v1::FindCustomersResponse response;
  for (const Customer& customer : *found) *response.add_customers() = SummaryOf(customer);
  co_return response;
}

Task<absl::StatusOr<v1::CustomerSummary>> CustomersRpc::Operate(rpc::Call& call,
                                                                const std::string& customer_id,
                                                                CustomerEvent what) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid customer, ParseCustomer(customer_id));
  CustomerChanges::Acting acting{.user_id = user, .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<Customer> after =
      co_await changes_.Operate(std::move(acting), customer, what);
  if (!after.ok()) co_return after.status();
  rpc::Outgoing context = call.AsService();
  const FreezesOf of{.customer_id = customer};
  FLORIN_CO_RETURN_IF_ERROR(co_await telling_.Run(std::move(context), of));
  co_return SummaryOf(*after);
}

Task<absl::StatusOr<v1::CustomerSummary>> CustomersRpc::SuspendCustomer(
    rpc::Call& call, const v1::SuspendCustomerRequest& request) {
  return Operate(call, request.customer_id(), CustomerEvent::kSuspend);
}

Task<absl::StatusOr<v1::CustomerSummary>> CustomersRpc::ReactivateCustomer(
    rpc::Call& call, const v1::ReactivateCustomerRequest& request) {
  return Operate(call, request.customer_id(), CustomerEvent::kReactivate);
}

Task<absl::StatusOr<v1::Verification>> CustomersRpc::DecideVerification(
    rpc::Call& call, const v1::DecideVerificationRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid id, ParseId(IdKind::kVerification, request.verification_id(), "verification_id"));
  Verifications::Decision decision{
      .operator_id = user,
      .verification_id = id,
      .result = {.approved = request.approve(), .reason = request.reason()},
      .origin = audit::OriginOfCall(call)};
  const absl::StatusOr<Verification> decided =
      co_await verifications_.DecideBy(std::move(decision));
  if (!decided.ok()) co_return decided.status();
  co_return ToProto(*decided);
}

}  // namespace florin::accounts
