#include "libs/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace florin::telemetry {
namespace {

// Families are created once and live for ever; registering a name again gives the same family.
prometheus::Registry& Registry() {
  static auto* registry = new prometheus::Registry(prometheus::Registry::InsertBehavior::Merge);
  return *registry;
}

const prometheus::Histogram::BucketBoundaries& Buckets() {
  static const prometheus::Histogram::BucketBoundaries buckets = {
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return buckets;
}

}  // namespace

void Count(const std::string& name, const std::map<std::string, std::string>& labels, double by) {
  prometheus::BuildCounter().Name(name).Register(Registry()).Add(labels).Increment(by);
}

void Observe(const std::string& name, const std::map<std::string, std::string>& labels,
             absl::Duration value) {
  prometheus::BuildHistogram()
      .Name(name)
      .Register(Registry())
      .Add(labels, Buckets())
      .Observe(absl::ToDoubleSeconds(value));
}

void SetGauge(const std::string& name, const std::map<std::string, std::string>& labels,
              double value) {
  prometheus::BuildGauge().Name(name).Register(Registry()).Add(labels).Set(value);
}

std::string RenderMetrics() { return prometheus::TextSerializer().Serialize(Registry().Collect()); }

}  // namespace florin::telemetry
