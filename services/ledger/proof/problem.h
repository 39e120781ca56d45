// What a check finds wrong with a book, and where.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace florin::ledger::proof {

struct Problem {
  // What is wrong: "book", "journal", "entry", "account", "hold", "totals", "tile", "tree_head",
  // "export" (the file itself).
  std::string what;
  // Of a record or an entry: its sequence. Of a tree head: its size. Otherwise 0.
  std::int64_t number = 0;
  // Of a record or a hold: `txn_…`. Of an entry or an account: `acc_…`. Of a tile: "level/index".
  // Of totals: the currency. May be empty.
  std::string id;
  std::string message;

  // "entry 7 acc_…: debit is 5, not 4".
  std::string ToString() const {
    std::string text = what;
    if (number != 0) text += " " + std::to_string(number);
    if (!id.empty()) text += " " + id;
    return text + ": " + message;
  }
  friend bool operator==(const Problem&, const Problem&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Problem& problem) {
    return out << problem.ToString();
  }
};

// Counts all problems and keeps the first ones.
struct Problems {
  static constexpr std::size_t kMostKept = 20;

  std::vector<Problem> first;
  std::int64_t count = 0;

  bool IsFull() const { return first.size() == kMostKept; }
  void Add(Problem problem) {
    if (!IsFull()) first.push_back(std::move(problem));
    ++count;
  }
};

}  // namespace florin::ledger::proof
