// Logs: one JSON object a line on standard error, through spdlog.
//
//   telemetry::Log(telemetry::Severity::kWarning, "ledger call failed", 
//                  {{"payment_id", id}, {"reason", reason}}, call.traceparent());
//
// Never log tokens, passwords, e-mail addresses, names, references or request bodies.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace florin::telemetry {

enum class Severity { kInfo, kWarning, kError };

// Sets the service's name, which every line bears. Call once, first in main().
void StartLogging(std::string_view service);

// Thread-safe. Values are escaped: a line stays one line. The trace id is taken from `traceparent`,
// if given.
void Log(Severity severity, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string>> fields = {},
         std::string_view traceparent = {});

}  // namespace florin::telemetry
