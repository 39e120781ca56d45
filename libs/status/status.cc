#include "libs/status/status.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "libs/status/check.h"

namespace florin {
namespace {

constexpr ReasonInfo kRegistry[] = {
#define FLORIN_REASON(enumerator, number, name, code, http, advice) \
  {Reason::enumerator, name, absl::StatusCode::code, http, advice},
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
};

// Payload keys of absl::Status, which is keyed by "type URLs".
constexpr absl::string_view kReasonKey = "florin/reason";
constexpr absl::string_view kParamKey = "florin/param";
constexpr absl::string_view kMetadataPrefix = "florin/metadata/";

}  // namespace

absl::Status Error(Reason reason, std::string_view message, ErrorDetail detail) {
  const ReasonInfo& info = InfoOf(reason);
  absl::Status status(info.code, std::string(message));
  status.SetPayload(kReasonKey, absl::Cord(std::string(info.name)));
  if (!detail.param.empty()) status.SetPayload(kParamKey, absl::Cord(detail.param));
  for (const auto& [key, value] : detail.metadata) {
    status.SetPayload(std::string(kMetadataPrefix) + key, absl::Cord(value));
  }
  return status;
}

std::optional<Reason> ReasonOf(const absl::Status& status) {
  if (status.ok()) return std::nullopt;
  const auto name = status.GetPayload(kReasonKey);
  if (!name) return Reason::kInternal;
  return ReasonFromName(std::string(*name)).value_or(Reason::kInternal);
}

ErrorDetail DetailOf(const absl::Status& status) {
  ErrorDetail detail;
  status.ForEachPayload([&detail](absl::string_view key, const absl::Cord& value) {
    if (key == kParamKey) detail.param = std::string(value);
    if (absl::ConsumePrefix(&key, kMetadataPrefix))
      detail.metadata[std::string(key)] = std::string(value);
  });
  return detail;
}

const ReasonInfo& InfoOf(Reason reason) {
  for (const ReasonInfo& info : kRegistry) {
    if (info.reason == reason) return info;
  }
  FLORIN_CHECK(false, "every enumerator of Reason is a row of the registry");
  std::abort();
}

std::optional<Reason> ReasonFromName(std::string_view name) {
  for (const ReasonInfo& info : kRegistry) {
    if (info.name == name) return info.reason;
  }
  return std::nullopt;
}

namespace internal {

void CheckFailed(const char* file, int line, const char* condition, const char* promise) {
  std::fprintf(stderr, "FLORIN_CHECK failed at %s:%d: %s (%s)\n", file, line, promise, condition);
  std::abort();
}

}  // namespace internal
}  // namespace florin
