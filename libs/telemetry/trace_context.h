// W3C Trace Context (https://www.w3.org/TR/trace-context/, section 3.2.2). Pure.
#pragma once

#include <string_view>

namespace florin::telemetry {

// The trace's id in `traceparent`, 32 lower-case hexadecimal digits; empty if that is not valid,
// and then it is as none (section 4.3). Of versions that came later than 00 what this one has.
std::string_view TraceIdOf(std::string_view traceparent);

}  // namespace florin::telemetry
