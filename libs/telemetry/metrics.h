// Metrics, through prometheus-cpp's registry.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"

namespace florin::telemetry {

// Adds to a counter, creating it at first use. Names follow Prometheus: florin_…_total. Keep label
// values few. Thread-safe.
void Count(const std::string& name, const std::map<std::string, std::string>& labels = {},
           double by = 1);

// Records a duration in the histogram `name` (…_seconds). Thread-safe.
void Observe(const std::string& name, const std::map<std::string, std::string>& labels,
             absl::Duration value);

// Sets a gauge. Thread-safe.
void SetGauge(const std::string& name, const std::map<std::string, std::string>& labels,
              double value);

// Everything, in the Prometheus text format 0.0.4.
std::string RenderMetrics();

}  // namespace florin::telemetry
