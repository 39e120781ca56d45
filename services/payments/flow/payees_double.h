// The accounts service's payees, as a test says. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "florin/accounts/v1/payees.rpc.h"
#include "libs/ids/ids.h"
#include "libs/rpc/timestamp.h"

namespace florin::payments {

class PayeesDouble : public accounts::v1::PayeesService {
 public:
  void Save(const Uuid& user_id, const Uuid& account_id, absl::Time usable_time) {
    Save(user_id, FormatId(IdKind::kAccount, account_id), usable_time);
  }
  // `payee`: an IBAN, or the id of an account as text.
  void Save(const Uuid& user_id, const std::string& payee, absl::Time usable_time) {
    std::lock_guard lock(mutex_);
    saved_[{FormatId(IdKind::kUser, user_id), payee}] = usable_time;
  }
  virtual void Delete(const Uuid& user_id, const std::string& payee) {
    std::lock_guard lock(mutex_);
    saved_.erase({FormatId(IdKind::kUser, user_id), payee});
  }
  void Clear() {
    std::lock_guard lock(mutex_);
    saved_.clear();
  }

  Task<absl::StatusOr<accounts::v1::LookUpPayeesResponse>> LookUpPayees(
      rpc::Call&, const accounts::v1::LookUpPayeesRequest& request) override {
    std::lock_guard lock(mutex_);
    accounts::v1::LookUpPayeesResponse response;
    for (const std::string& id : request.account_ids()) {
      const auto found = saved_.find({request.user_id(), id});
      if (found == saved_.end()) continue;
      accounts::v1::SavedPayee& payee = *response.add_payees();
      payee.set_account_id(id);
      SetTime(found->second, *payee.mutable_usable_time());
    }
    for (const std::string& iban : request.ibans()) {
      const auto found = saved_.find({request.user_id(), iban});
      if (found == saved_.end()) continue;
      accounts::v1::SavedPayee& payee = *response.add_payees();
      payee.set_iban(iban);
      SetTime(found->second, *payee.mutable_usable_time());
    }
    co_return response;
  }

  // Payments does not use the following.
  Task<absl::StatusOr<accounts::v1::CheckPayeeNameResponse>> CheckPayeeName(
      rpc::Call&, const accounts::v1::CheckPayeeNameRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<accounts::v1::Payee>> CreatePayee(
      rpc::Call&, const accounts::v1::CreatePayeeRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<accounts::v1::Payee>> GetPayee(
      rpc::Call&, const accounts::v1::GetPayeeRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<accounts::v1::ListPayeesResponse>> ListPayees(
      rpc::Call&, const accounts::v1::ListPayeesRequest&) override {
    co_return Unused();
  }
  Task<absl::StatusOr<accounts::v1::Payee>> DeletePayee(
      rpc::Call&, const accounts::v1::DeletePayeeRequest&) override {
    co_return Unused();
  }

 private:
  static absl::Status Unused() { return Error(Reason::kInternal, "payments does not call this"); }

  std::mutex mutex_;  // Guards everything below.
  std::map<std::pair<std::string, std::string>, absl::Time> saved_;
};

}  // namespace florin::payments
