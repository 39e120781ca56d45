#include "services/gateway/http/trace_context.h"

#include <span>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace florin::gateway {
namespace {

std::string Hex(std::span<const std::uint8_t> bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

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

std::string ContinueTrace(const std::optional<std::string>& incoming, const Uuid& request,
                          const Uuid& span) {
  const std::string span_id = Hex(std::span(span.bytes()).last<8>());
  if (incoming && IsValid(*incoming)) {
    return absl::StrCat("00-", incoming->substr(3, 32), "-", span_id, "-", incoming->substr(53, 2));
  }
  return absl::StrCat("00-", Hex(request.bytes()), "-", span_id, "-01");
}

}  // namespace florin::gateway
