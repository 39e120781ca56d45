// A recorder in memory, for tests of what records.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "libs/audit/recorder.h"

namespace florin::audit {

class FakeRecorder : public Recorder {
 public:
  Task<absl::Status> Record(Event event) override {
    const std::lock_guard lock(mutex_);
    if (!answer_.ok()) co_return answer_;
    for (const Event& known : events_) {
      if (known.event_id == event.event_id) co_return absl::OkStatus();
    }
    events_.push_back(Fit(std::move(event)));
    co_return absl::OkStatus();
  }

  // What Record() gives from now on; an error records nothing.
  void SetAnswer(absl::Status answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::vector<Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;  // Guarded by mutex_.
  absl::Status answer_;        // Guarded by mutex_.
};

}  // namespace florin::audit
