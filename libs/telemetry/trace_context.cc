#include "libs/telemetry/trace_context.h"

namespace florin::telemetry {
namespace {

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool IsAllZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

// VV-TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT-PPPPPPPPPPPPPPPP-FF; versions above 00 may have more after
// another dash.
bool IsValid(std::string_view text) {
  constexpr std::size_t kLength = 55;
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  if (!IsLowerHex(version) || version == "ff") return false;
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return false;
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  return IsLowerHex(trace) && !IsAllZero(trace) && IsLowerHex(parent) && !IsAllZero(parent) &&
         IsLowerHex(text.substr(53, 2));
}

}  // namespace

std::string_view TraceIdOf(std::string_view traceparent) {
  return IsValid(traceparent) ? traceparent.substr(3, 32) : std::string_view();
}

}  // namespace florin::telemetry
