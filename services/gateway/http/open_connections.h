// Who is connected: a seat for each open connection, so many in all and so many for each network.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace florin::gateway {

// Thread-safe. Outlives its seats.
class OpenConnections {
 public:
  // Leaves when destroyed.
  class Seat {
   public:
    Seat(OpenConnections* room, std::string network) : room_(room), network_(std::move(network)) {}
    Seat(Seat&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)), network_(std::move(other.network_)) {}
    ~Seat() {
      if (room_ != nullptr) room_->Leave(network_);
    }

   private:
    OpenConnections* room_;
    std::string network_;
  };

  // Nothing if `limit` connections are open, or `network_limit` of that network.
  std::optional<Seat> Enter(const std::string& network, int limit, int network_limit) {
    std::lock_guard lock(mutex_);
    if (count_ >= limit) return std::nullopt;
    const auto row = by_network_.find(network);
    if ((row == by_network_.end() ? 0 : row->second) >= network_limit) return std::nullopt;
    ++by_network_[network];
    ++count_;
    return Seat(this, network);
  }

  // Whether the last one has left within `limit`.
  bool WaitUntilNone(absl::Duration limit) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, absl::ToChronoNanoseconds(limit), [this] { return count_ == 0; });
  }

  // Networks with a connection.
  std::size_t networks() const {
    std::lock_guard lock(mutex_);
    return by_network_.size();
  }

 private:
  void Leave(const std::string& network) {
    std::lock_guard lock(mutex_);
    const auto row = by_network_.find(network);
    if (--row->second == 0) by_network_.erase(row);
    if (--count_ == 0) none_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;                          // Guarded by mutex_.
  std::map<std::string, int> by_network_;  // Guarded by mutex_.
};

}  // namespace florin::gateway
