#include "services/accounts/domain/books.h"

#include <algorithm>

namespace florin::accounts {
namespace {

constexpr std::size_t kLongestName = 64;  // The ledger's.

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

}  // namespace

absl::StatusOr<Books> Books::Make(std::string usual, const std::vector<std::string>& more) {
  Books books(std::move(usual));
  books.all_.insert(books.usual_);
  books.all_.insert(more.begin(), more.end());
  for (const std::string& name : books.all_) {
    if (!IsName(name)) {
      return Error(Reason::kInvalidField, "a book's name is 1 to 64 characters of [a-z0-9_.-]");
    }
  }
  return books;
}

absl::StatusOr<std::string> Books::Choose(std::string_view name) const {
  if (name.empty()) return usual_;
  if (all_.contains(name)) return std::string(name);
  return Error(Reason::kInvalidField, "accounts are not opened in this book", {.param = "book"});
}

}  // namespace florin::accounts
