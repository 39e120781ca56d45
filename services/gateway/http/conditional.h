// Reads that a client has already: entity tags and If-None-Match (RFC 9110 sections 8.8.3 and
// 13.1.2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/gateway/http/request.h"

namespace florin::gateway {

// A strong entity tag: it differs wherever a byte of the body does (128 bits of SHA-256).
std::string EntityTag(std::string_view body);

// Whether If-None-Match names the tag, or anything (`*`). Weak comparison (section 8.8.3.2). A
// malformed field names nothing: the client gets the whole answer.
bool NamesTag(std::string_view if_none_match, std::string_view tag);

// For an answer of 200 to a GET: adds ETag, unless it has one, and `Cache-Control: private,
// no-cache`, that is, keep it for this user and ask before using it again; and makes it 304 without
// a body if the client has it. An answer that says itself how to cache it stays as it is.
void AnswerConditionally(const std::optional<std::string>& if_none_match, Response& response);

}  // namespace florin::gateway
