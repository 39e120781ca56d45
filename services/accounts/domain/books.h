// The books of the ledger that accounts may be in (docs/books.md).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/status/status.h"
#include "services/accounts/domain/account.h"

namespace florin::accounts {

class Books {
 public:
  // `usual`: where accounts are opened if nothing is said, and where those are that were opened
  // before there were several. `more`: where they may be opened besides. Error: kInvalidField
  // unless all are names of books, 1 to 64 characters of [a-z0-9_.-].
  static absl::StatusOr<Books> Make(std::string usual, const std::vector<std::string>& more = {});

  const std::string& usual() const { return usual_; }
  // The book that an account is to be opened in; the usual one for an empty name. Error:
  // kInvalidField with param `book`.
  absl::StatusOr<std::string> Choose(std::string_view name) const;

 private:
  explicit Books(std::string usual) : usual_(std::move(usual)) {}

  std::string usual_;
  std::set<std::string, std::less<>> all_;
};

// Where the account is, or another thing whose `book` is as an account's.
template <class Kept>
const std::string& BookOf(const Kept& kept, const std::string& usual) {
  return kept.book.empty() ? usual : kept.book;
}

}  // namespace florin::accounts
