// W3C Trace Context (https://www.w3.org/TR/trace-context/, section 3.2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/ids/ids.h"

namespace florin::gateway {

// The traceparent of what a request causes here: the trace of `incoming` with its flags if that is
// valid, otherwise a new one whose id is `request`, sampled; in either case with the span `span`
// (its last eight bytes).
std::string ContinueTrace(const std::optional<std::string>& incoming, const Uuid& request,
                          const Uuid& span);

}  // namespace florin::gateway
