// telemetry::Log() that says nothing: a simulation makes more warnings than anybody reads. Linked
// instead of libs/telemetry's.
#include "libs/telemetry/log.h"

namespace florin::telemetry {

void StartLogging(std::string_view) {}

void Log(Severity, std::string_view,
         std::initializer_list<std::pair<std::string_view, std::string>>, std::string_view) {}

}  // namespace florin::telemetry
