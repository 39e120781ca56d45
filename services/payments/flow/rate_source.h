// Where mid rates come from: a port, and its implementation by a file.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "libs/clock/clock.h"
#include "libs/money/currency.h"
#include "services/payments/domain/fx.h"

namespace florin::payments {

// Thread-safe.
class RateSource {
 public:
  virtual ~RateSource() = default;
  // The current mid rate. Error: kRateNotAvailable.
  virtual absl::StatusOr<MidRate> Find(const Currency& source, const Currency& destination) = 0;
};

// The rates of a file (RateTable), read again when it has changed. A file that cannot be read keeps
// the rates that were read before, until they are too old; that is logged and counted:
// florin_fx_rate_reloads_total{result="read" or "refused"}. Replace the file by renaming.
class FileRates : public RateSource {
 public:
  // Rates older than `most_age`, or of more than a minute ahead, are not available. An empty `path`
  // has none. `clock` outlives this.
  FileRates(std::string path, absl::Duration most_age, Clock& clock)
      : path_(std::move(path)), most_age_(most_age), clock_(clock) {}

  absl::StatusOr<MidRate> Find(const Currency& source, const Currency& destination) override;

  // Reads the file, if there is to be one. For the start, which fails without good rates. Errors:
  // those of RateTable::Parse(), or of reading.
  absl::Status Load();

 private:
  // What tells whether a file has changed.
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t size = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  // With mutex_ held.
  absl::Status Read();

  const std::string path_;
  const absl::Duration most_age_;
  Clock& clock_;
  std::mutex mutex_;
  Stamp stamp_;      // Of what was read last, good or not. Guarded by mutex_.
  RateTable table_;  // Guarded by mutex_.
};

}  // namespace florin::payments
