#include "services/payments/flow/rate_source.h"

#include <system_error>
#include <utility>

#include "libs/config/config.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace florin::payments {
namespace {

// Clocks of others may be ahead.
constexpr absl::Duration kMostFast = absl::Minutes(1);

absl::Status NotAvailable(std::string_view why) { return Error(Reason::kRateNotAvailable, why); }

}  // namespace

absl::Status FileRates::Load() {
  std::lock_guard lock(mutex_);
  return path_.empty() ? absl::OkStatus() : Read();
}

absl::Status FileRates::Read() {
  std::error_code error;
  Stamp stamp{.time = std::filesystem::last_write_time(path_, error)};
  if (!error) stamp.size = std::filesystem::file_size(path_, error);
  if (error) return Error(Reason::kInternal, "the file of rates cannot be read");
  if (stamp == stamp_) return absl::OkStatus();
  stamp_ = stamp;
  FLORIN_ASSIGN_OR_RETURN(const std::string text, config::ReadFile(path_));
  FLORIN_ASSIGN_OR_RETURN(table_, RateTable::Parse(text));
  telemetry::Count("florin_fx_rate_reloads_total", {{"result", "read"}});
  return absl::OkStatus();
}

absl::StatusOr<MidRate> FileRates::Find(const Currency& source, const Currency& destination) {
  if (path_.empty()) return NotAvailable("there are no rates here");
  std::lock_guard lock(mutex_);
  if (const absl::Status read = Read(); !read.ok()) {
    telemetry::Count("florin_fx_rate_reloads_total", {{"result", "refused"}});
    telemetry::Log(telemetry::Severity::kWarning, "the rates were not read",
                   {{"error", std::string(read.message())}});
  }
  const std::optional<MidRate> rate = table_.Find(source, destination);
  if (!rate) return NotAvailable("there is no rate between these currencies");
  const absl::Time now = clock_.Now();
  if (rate->time + most_age_ < now || rate->time > now + kMostFast) {
    return NotAvailable("the rate is not of now");
  }
  return *rate;
}

}  // namespace florin::payments
