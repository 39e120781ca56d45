// Page tokens: each stands for the last row that the page before has looked at, and fits only the
// request that it was given for. Not secret, and no permission: every page is checked as the first
// is.
//
//   const std::string binding = BindingOf(request);
//   FLORIN_ASSIGN_OR_RETURN(const auto beyond, ParsePageToken(binding, request.page_token()));
//   …
//   response.set_next_page_token(PageToken(binding, last_sequence));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin::ledger {

// What a token is bound to: the request's type and content, but for its page's size and token and
// the state that it asks for.
template <class Request>
std::string BindingOf(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  request.clear_at_least_sequence();
  return request.GetTypeName() + '\0' + request.SerializeAsString();
}

std::string PageToken(std::string_view binding, std::int64_t last_sequence);

// Error: kInvalidPageToken for anything that PageToken did not give for this binding.
absl::StatusOr<std::int64_t> ParsePageToken(std::string_view binding, std::string_view token);

}  // namespace florin::ledger
