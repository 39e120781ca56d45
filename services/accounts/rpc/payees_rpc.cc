#include "services/accounts/rpc/payees_rpc.h"

#include <algorithm>
#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"

namespace florin::accounts {
namespace {

constexpr int kMostLookedUp = 100;

// Each enumeration of ours begins with 0, each of the protos has "unspecified" before.
v1::NameMatch ToProto(NameMatch match) {
  return static_cast<v1::NameMatch>(static_cast<int>(match) + 1);
}
static_assert(v1::NOT_AVAILABLE == static_cast<int>(NameMatch::kNotAvailable) + 1);

absl::StatusOr<Uuid> ParsePayee(const std::string& id) {
  return ParseId(IdKind::kPayee, id, "payee_id");
}

}  // namespace

v1::Payee ToProto(const Payee& payee) {
  v1::Payee proto;
  proto.set_payee_id(FormatId(IdKind::kPayee, payee.payee_id));
  proto.set_customer_id(FormatId(IdKind::kCustomer, payee.customer_id));
  proto.set_name(payee.details.name);
  if (payee.account_id) proto.set_account_id(FormatId(IdKind::kAccount, *payee.account_id));
  proto.set_iban(payee.details.iban);
  proto.set_name_match(ToProto(payee.name_match));
  proto.set_state(payee.state == PayeeState::kActive ? v1::Payee::ACTIVE : v1::Payee::DELETED);
  SetTime(payee.create_time, *proto.mutable_create_time());
  SetTime(payee.usable_time, *proto.mutable_usable_time());
  return proto;
}

Task<absl::StatusOr<v1::CheckPayeeNameResponse>> PayeesRpc::CheckPayeeName(
    rpc::Call& call, const v1::CheckPayeeNameRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(UserOf(call).status());
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account_id,
                             ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  const absl::StatusOr<Payees::Checked> checked =
      co_await payees_.Check(account_id, request.name());
  if (!checked.ok()) co_return checked.status();
  v1::CheckPayeeNameResponse response;
  response.set_name_match(ToProto(checked->match));
  response.set_holder_name(checked->holder_name);
  co_return response;
}

Task<absl::StatusOr<v1::Payee>> PayeesRpc::CreatePayee(rpc::Call& call,
                                                       const v1::CreatePayeeRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid customer_id,
                             ParseId(IdKind::kCustomer, request.customer_id(), "customer_id"));
  Payees::Request asked{.user_id = user,
                        .customer_id = customer_id,
                        .account_id = std::nullopt,
                        .iban = request.iban(),
                        .name = request.name(),
                        .accept_name = request.accept_name(),
                        .idempotency_key = call.idempotency_key(),
                        .origin = audit::OriginOfCall(call)};
  if (!request.account_id().empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(asked.account_id,
                               ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  }
  const absl::StatusOr<Payees::Outcome> outcome = co_await payees_.Create(std::move(asked));
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->replayed) call.MarkReplayed();
  co_return ToProto(outcome->payee);
}

Task<absl::StatusOr<v1::Payee>> PayeesRpc::GetPayee(rpc::Call& call,
                                                    const v1::GetPayeeRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid payee_id, ParsePayee(request.payee_id()));
  const absl::StatusOr<Payee> payee = co_await store_.GetPayee(user, payee_id);
  if (!payee.ok()) co_return payee.status();
  co_return ToProto(*payee);
}

Task<absl::StatusOr<v1::ListPayeesResponse>> PayeesRpc::ListPayees(
    rpc::Call& call, const v1::ListPayeesRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<Payee>> found =
      co_await store_.ListPayees(user, page.after, page.size + 1);
  if (!found.ok()) co_return found.status();
  v1::ListPayeesResponse response;
  response.set_next_page_token(
      CutPage(page, *found, [](const Payee& payee) { return payee.payee_id; }));
  for (const Payee& payee : *found) *response.add_payees() = ToProto(payee);
  co_return response;
}

Task<absl::StatusOr<v1::Payee>> PayeesRpc::DeletePayee(rpc::Call& call,
                                                       const v1::DeletePayeeRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid payee_id, ParsePayee(request.payee_id()));
  audit::Origin origin = audit::OriginOfCall(call);
  const absl::StatusOr<Payee> payee = co_await payees_.Delete(user, payee_id, std::move(origin));
  if (!payee.ok()) co_return payee.status();
  co_return ToProto(*payee);
}

Task<absl::StatusOr<v1::LookUpPayeesResponse>> PayeesRpc::LookUpPayees(
    rpc::Call&, const v1::LookUpPayeesRequest& request) {
  if (request.account_ids_size() > kMostLookedUp) {
    co_return Error(Reason::kTooManyItems, "at most 100 ids", {.param = "account_ids"});
  }
  if (request.ibans_size() > kMostLookedUp) {
    co_return Error(Reason::kTooManyItems, "at most 100 IBANs", {.param = "ibans"});
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, ParseId(IdKind::kUser, request.user_id(), "user_id"));
  std::vector<Uuid> ids;
  for (const std::string& text : request.account_ids()) {
    FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id, ParseId(IdKind::kAccount, text, "account_ids"));
    ids.push_back(id);
  }
  const absl::StatusOr<std::vector<SavedAccount>> saved =
      co_await store_.FindSaved(user, std::move(ids));
  if (!saved.ok()) co_return saved.status();
  v1::LookUpPayeesResponse response;
  for (const SavedAccount& one : *saved) {
    v1::SavedPayee& proto = *response.add_payees();
    proto.set_account_id(FormatId(IdKind::kAccount, one.account_id));
    SetTime(one.usable_time, *proto.mutable_usable_time());
  }
  if (request.ibans().empty()) co_return response;
  // IBANs are sealed, so nothing but reading all can find one.
  const std::optional<Uuid> first;
  const absl::StatusOr<std::vector<Payee>> all =
      co_await store_.ListPayees(user, first, kMostPayees);
  if (!all.ok()) co_return all.status();
  for (const std::string& text : request.ibans()) {
    FLORIN_CO_ASSIGN_OR_RETURN(const std::string iban, CanonicalIban(text));
    std::optional<absl::Time> usable;
    for (const Payee& payee : *all) {
      if (payee.details.iban != iban) continue;
      usable = usable ? std::min(*usable, payee.usable_time) : payee.usable_time;
    }
    if (!usable) continue;
    v1::SavedPayee& proto = *response.add_payees();
    proto.set_iban(text);
    SetTime(*usable, *proto.mutable_usable_time());
  }
  co_return response;
}

}  // namespace florin::accounts
