#include "services/gateway/http/trace_context.h"

#include <span>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/telemetry/trace_context.h"

namespace florin::gateway {
namespace {

std::string Hex(std::span<const std::uint8_t> bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

std::string ContinueTrace(const std::optional<std::string>& incoming, const Uuid& request,
                          const Uuid& span) {
  const std::string span_id = Hex(std::span(span.bytes()).last<8>());
  if (incoming && !telemetry::TraceIdOf(*incoming).empty()) {
    return absl::StrCat("00-", incoming->substr(3, 32), "-", span_id, "-", incoming->substr(53, 2));
  }
  return absl::StrCat("00-", Hex(request.bytes()), "-", span_id, "-01");
}

}  // namespace florin::gateway
