// A queue that is fair to those who put things into it: deficit round robin (Shreedhar & Varghese,
// 1995) over callers, order of arrival within one.
//
//   FairQueue<Command> queue;
//   queue.Push("payments", 3, command);
//   auto [taken, dropped] = queue.Take(100, [](const Command& c) { return c.late; });
//
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace florin::async {

template <class T>
class FairQueue {
 public:
  struct Taken {
    std::vector<T> items;
    std::vector<T> dropped;
  };

  // Weights are at least 1.
  void Push(const std::string& caller, std::size_t weight, T item) {
    const auto [place, is_new] = callers_.try_emplace(caller);
    if (is_new) turns_.push_back(place);
    place->second.items.push_back({std::max<std::size_t>(weight, 1), std::move(item)});
    weight_ += place->second.items.back().weight;
  }

  bool empty() const { return turns_.empty(); }
  // Of everything that is in it.
  std::size_t weight() const { return weight_; }

  // Takes items until their weights reach `enough` (the last may go beyond) or none is left. In
  // each round every caller may take an equal share of `enough`; what a caller cannot use for its
  // next item, because that is heavier, it saves for its next turn. Items that `drop` says so of
  // are put aside when their turn comes, and cost their caller nothing.
  template <class Drop>
  Taken Take(std::size_t enough, Drop drop) {
    Taken taken;
    std::size_t sum = 0;
    const std::size_t share = std::max<std::size_t>(enough / std::max(turns_.size(), kOne), 1);
    while (sum < enough && !turns_.empty()) {
      Caller& own = turns_.front()->second;
      if (!std::exchange(own.in_turn, true)) own.credit += share;
      while (sum < enough && !own.items.empty()) {
        const std::size_t weight = own.items.front().weight;
        const bool dropped = drop(std::as_const(own.items.front().item));
        if (!dropped && weight > own.credit) break;
        (dropped ? taken.dropped : taken.items).push_back(std::move(own.items.front().item));
        own.items.pop_front();
        weight_ -= weight;
        if (dropped) continue;
        own.credit -= weight;
        sum += weight;
      }
      // Where `enough` cut a turn short, the next Take() goes on with it.
      if (sum < enough || own.items.empty()) EndTurn();
    }
    return taken;
  }

 private:
  static constexpr std::size_t kOne = 1;
  struct Waiting {
    std::size_t weight;
    T item;
  };
  struct Caller {
    std::deque<Waiting> items;
    std::size_t credit = 0;
    bool in_turn = false;  // Has got the share of this round.
  };

  // The caller in front goes to the end, or away if it has nothing: nobody saves while absent.
  void EndTurn() {
    const auto own = turns_.front();
    turns_.pop_front();
    own->second.in_turn = false;
    if (own->second.items.empty()) {
      callers_.erase(own);
    } else {
      turns_.push_back(own);
    }
  }

  using Callers = std::map<std::string, Caller>;
  Callers callers_;  // Those that have something in it.
  std::deque<typename Callers::iterator> turns_;
  std::size_t weight_ = 0;
};

}  // namespace florin::async
