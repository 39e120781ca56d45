// The gRPC face of schedules: checks shape, calls, maps. See
// proto/florin/payments/v1/schedules.proto for what each method promises.
#pragma once

#include <string>
#include <utility>

#include "florin/payments/v1/schedules.rpc.h"
#include "services/payments/flow/create_schedule.h"

namespace florin::payments {

// Thread-safe.
class SchedulesRpc : public v1::SchedulesService {
 public:
  // References outlive this.
  SchedulesRpc(florin::payments::CreateSchedule& create, ConfirmOrder& confirm,
               ScheduleStore& store, Clock& clock, std::string approval_page)
      : create_(create),
        confirm_(confirm),
        store_(store),
        clock_(clock),
        approval_page_(std::move(approval_page)) {}

  Task<absl::StatusOr<v1::Schedule>> CreateSchedule(
      rpc::Call& call, const v1::CreateScheduleRequest& request) override;
  Task<absl::StatusOr<v1::Schedule>> ConfirmSchedule(
      rpc::Call& call, const v1::ConfirmScheduleRequest& request) override;
  Task<absl::StatusOr<v1::Schedule>> GetSchedule(rpc::Call& call,
                                                 const v1::GetScheduleRequest& request) override;
  Task<absl::StatusOr<v1::ListSchedulesResponse>> ListSchedules(
      rpc::Call& call, const v1::ListSchedulesRequest& request) override;
  Task<absl::StatusOr<v1::ListOccurrencesResponse>> ListOccurrences(
      rpc::Call& call, const v1::ListOccurrencesRequest& request) override;
  Task<absl::StatusOr<v1::Schedule>> CancelSchedule(
      rpc::Call& call, const v1::CancelScheduleRequest& request) override;
  Task<absl::StatusOr<v1::Schedule>> PauseSchedule(
      rpc::Call& call, const v1::PauseScheduleRequest& request) override;
  Task<absl::StatusOr<v1::Schedule>> ResumeSchedule(
      rpc::Call& call, const v1::ResumeScheduleRequest& request) override;

 private:
  Task<absl::StatusOr<v1::Schedule>> Change(rpc::Call& call, std::string schedule_id,
                                            ScheduleEvent event);

  florin::payments::CreateSchedule& create_;
  ConfirmOrder& confirm_;
  ScheduleStore& store_;
  Clock& clock_;
  const std::string approval_page_;
};

}  // namespace florin::payments
