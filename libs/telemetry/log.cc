#include "libs/telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "libs/telemetry/trace_context.h"

namespace florin::telemetry {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

std::string& ServiceName() {
  static std::string name = "florin";
  return name;
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("florin",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("{\"time\":\"%Y-%m-%dT%H:%M:%S.%fZ\",%v}", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *logger;
}

// A JSON string (RFC 8259 section 7). Octets outside ASCII are escaped as Latin-1, so that broken
// UTF-8 can't break the line.
void AppendJson(std::string& line, std::string_view text) {
  line += '"';
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += raw;
    } else if (c < 0x20 || c >= 0x7f) {
      line += "\\u00";
      line += kHexDigits[c >> 4];
      line += kHexDigits[c & 0x0f];
    } else {
      line += raw;
    }
  }
  line += '"';
}

void AppendField(std::string& line, std::string_view name, std::string_view value) {
  if (!line.empty()) line += ',';
  AppendJson(line, name);
  line += ':';
  AppendJson(line, value);
}

std::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

}  // namespace

void StartLogging(std::string_view service) { ServiceName() = service; }

void Log(Severity severity, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string>> fields,
         std::string_view traceparent) {
  std::string line;
  AppendField(line, "severity", Name(severity));
  AppendField(line, "service", ServiceName());
  AppendField(line, "message", message);
  for (const auto& [name, value] : fields) AppendField(line, name, value);
  const std::string_view trace_id = TraceIdOf(traceparent);
  if (!trace_id.empty()) AppendField(line, "trace_id", trace_id);
  Logger().info("{}", line);
}

}  // namespace florin::telemetry
