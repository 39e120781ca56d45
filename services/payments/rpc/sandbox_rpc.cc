#include "services/payments/rpc/sandbox_rpc.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "libs/rpc/timestamp.h"
#include "libs/text/text.h"
#include "services/payments/domain/request.h"

namespace florin::payments {
namespace {

absl::Status Disabled() { return Error(Reason::kSandboxDisabled, "there is no sandbox here"); }

v1::SandboxClock ToProto(AheadClock& clock) {
  v1::SandboxClock proto;
  SetTime(clock.Now(), *proto.mutable_current_time());
  SetTime(clock.BaseNow(), *proto.mutable_system_time());
  return proto;
}

constexpr std::size_t kLongestDepositId = 64;
constexpr std::size_t kLongestAccountReference = 64;
constexpr int kMostNotifications = 10;

bool IsDepositId(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  return plain && !text.empty() && text.size() <= kLongestDepositId;
}

absl::StatusOr<RailEntry> ParseDeposit(const v1::ReceiveDepositRequest& proto) {
  if (!IsDepositId(proto.deposit_id())) {
    return Error(Reason::kInvalidField, "1 to 64 characters of A-Za-z0-9._-",
                 {.param = "deposit_id"});
  }
  const std::string& account = proto.account_reference();
  const bool visible = std::ranges::all_of(account, [](char c) { return c > ' ' && c <= '~'; });
  if (!visible || account.empty() || account.size() > kLongestAccountReference) {
    return Error(Reason::kInvalidField, "1 to 64 visible ASCII characters",
                 {.param = "account_reference"});
  }
  const std::optional<std::size_t> length = CountPlainCharacters(proto.reference());
  if (!length || *length > kLongestReference) {
    return Error(Reason::kInvalidReference,
                 "at most 140 characters of UTF-8 without control characters",
                 {.param = "reference"});
  }
  if (proto.notifications() < 0 || proto.notifications() > kMostNotifications) {
    return Error(Reason::kInvalidField, "1 to 10", {.param = "notifications"});
  }
  if (proto.untold() && proto.notifications() != 0) {
    return Error(Reason::kInvalidField, "0 of what is untold", {.param = "notifications"});
  }
  FLORIN_ASSIGN_OR_RETURN(const Money amount,
                          CheckAmount(proto.amount().currency(), proto.amount().minor_units()));
  return RailEntry{.deposit_id = proto.deposit_id(),
                   .amount = amount,
                   .account_reference = account,
                   .reference = proto.reference()};
}

}  // namespace

Task<absl::StatusOr<v1::ReceiveDepositResponse>> SandboxRpc::ReceiveDeposit(
    rpc::Call&, const v1::ReceiveDepositRequest& request) {
  if (rail_ == nullptr) co_return Disabled();
  FLORIN_CO_ASSIGN_OR_RETURN(RailEntry entry, ParseDeposit(request));
  const int told = std::max(1, static_cast<int>(request.notifications()));
  const int notifications = request.untold() ? 0 : told;
  const absl::Status received = co_await rail_->Receive(std::move(entry), notifications);
  if (!received.ok()) co_return received;
  v1::ReceiveDepositResponse response;
  response.set_deposit_id(request.deposit_id());
  co_return response;
}

Task<absl::StatusOr<v1::SandboxClock>> SandboxRpc::GetClock(rpc::Call&,
                                                            const v1::GetClockRequest&) {
  if (time_ == nullptr) co_return Disabled();
  co_return ToProto(time_->clock());
}

Task<absl::StatusOr<v1::SandboxClock>> SandboxRpc::AdvanceClock(
    rpc::Call&, const v1::AdvanceClockRequest& request) {
  if (time_ == nullptr) co_return Disabled();
  if (!request.has_target_time()) {
    co_return Error(Reason::kInvalidField, "missing", {.param = "target_time"});
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const absl::Time target,
                             ReadTime(request.target_time(), "target_time"));
  const absl::Status advanced = co_await time_->AdvanceTo(target);
  if (!advanced.ok()) co_return advanced;
  co_return ToProto(time_->clock());
}

}  // namespace florin::payments
