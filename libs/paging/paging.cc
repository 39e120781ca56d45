#include "libs/paging/paging.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"

namespace florin {

absl::StatusOr<int> ParsePageSize(int requested) {
  if (requested == 0) return kDefaultPageSize;
  if (requested < 0 || requested > kLargestPageSize) {
    return Error(Reason::kInvalidPageSize,
                 absl::StrCat("page_size must be 1 to ", kLargestPageSize), {.param = "page_size"});
  }
  return requested;
}

absl::StatusOr<Page> ParsePage(int page_size, std::string_view page_token) {
  FLORIN_ASSIGN_OR_RETURN(const int size, ParsePageSize(page_size));
  if (page_token.empty()) return Page{.size = size};
  std::array<std::uint8_t, 16> bytes;
  const absl::StatusOr<std::string> octets = crypto::Base64UrlDecode(page_token);
  if (!octets.ok() || octets->size() != bytes.size()) {
    return Error(Reason::kInvalidPageToken, "page_token is not one that a list has given",
                 {.param = "page_token"});
  }
  std::copy(octets->begin(), octets->end(), bytes.begin());
  return Page{.size = size, .after = Uuid(bytes)};
}

std::string PageToken(const Uuid& last) {
  return crypto::Base64UrlEncode(
      {reinterpret_cast<const char*>(last.bytes().data()), last.bytes().size()});
}

}  // namespace florin
