// Keyset pagination of lists that are ordered by id (AIP-158).
//
// A page token stands for the last id of the page before; it is not secret and gives no access:
// every list also filters by its owner. A list asks the store for one row more than the page has,
// which tells whether there is a next page:
//
//   FLORIN_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
//   auto rows = … `WHERE id > page.after ORDER BY id LIMIT page.size + 1`
//   response.set_next_page_token(CutPage(page, rows, [](const Row& row) { return row.id; }));
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kLargestPageSize = 100;

struct Page {
  int size = kDefaultPageSize;
  std::optional<Uuid> after;  // The last id of the page before; nothing for the first page.
};

// 0 means the default. Error: kInvalidPageSize outside 0 to 100.
absl::StatusOr<int> ParsePageSize(int requested);
// Errors: kInvalidPageSize; kInvalidPageToken for anything that CutPage did not give.
absl::StatusOr<Page> ParsePage(int page_size, std::string_view page_token);

std::string PageToken(const Uuid& last);

// Drops the row beyond the page, if there is one, and gives the token of the next page; "" where
// this is the last.
template <class Row, class IdOf>
std::string CutPage(const Page& page, std::vector<Row>& rows, IdOf id_of) {
  const auto size = static_cast<std::size_t>(page.size);
  if (rows.size() <= size) return "";
  rows.erase(rows.begin() + page.size, rows.end());
  return PageToken(id_of(rows.back()));
}

}  // namespace florin
