#include "services/payments/flow/payee_check.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "libs/rpc/timestamp.h"

namespace florin::payments {

Task<absl::Status> PayeeCheck::Check(rpc::Outgoing context, Uuid user_id, std::vector<Paid> paid) {
  if (!policy_.required || paid.empty()) co_return absl::OkStatus();
  accounts::v1::LookUpPayeesRequest request;
  request.set_user_id(FormatId(IdKind::kUser, user_id));
  for (const Paid& one : paid) {
    request.add_account_ids(FormatId(IdKind::kAccount, one.account_id));
  }
  const absl::StatusOr<accounts::v1::LookUpPayeesResponse> response =
      co_await payees_.LookUpPayees(std::move(context), request);
  if (!response.ok()) co_return response.status();
  std::map<std::string, absl::Time> saved;
  for (const accounts::v1::SavedPayee& payee : response->payees()) {
    saved.emplace(payee.account_id(), TimeOf(payee.usable_time()));
  }
  const absl::Time now = clock_.Now();
  for (const Paid& one : paid) {
    const auto found = saved.find(FormatId(IdKind::kAccount, one.account_id));
    std::optional<absl::Time> usable;
    if (found != saved.end()) usable = found->second;
    FLORIN_CO_RETURN_IF_ERROR(CheckSaved(policy_, usable, one.amount, now));
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> PayeeCheck::CheckPayout(rpc::Outgoing context, Uuid user_id,
                                                   Beneficiary beneficiary, Money amount) {
  if (policy_.payouts == PayoutPayees::kAnybody) co_return false;
  std::optional<absl::Time> usable;
  if (beneficiary.is_iban) {
    accounts::v1::LookUpPayeesRequest request;
    request.set_user_id(FormatId(IdKind::kUser, user_id));
    request.add_ibans(beneficiary.account);
    const absl::StatusOr<accounts::v1::LookUpPayeesResponse> response =
        co_await payees_.LookUpPayees(std::move(context), request);
    if (!response.ok()) co_return response.status();
    if (response->payees_size() > 0) usable = TimeOf(response->payees(0).usable_time());
  }
  co_return NeedsApproval(policy_, usable, amount, clock_.Now());
}

}  // namespace florin::payments
