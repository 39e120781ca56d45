#include "services/auth/domain/api_key.h"

#include <algorithm>

#include "libs/text/text.h"

namespace florin::auth {
namespace {

constexpr std::size_t kLongestName = 140;

bool IsOver(std::optional<absl::Time> end, absl::Time now) { return end && *end <= now; }

}  // namespace

absl::Status CheckKeyName(std::string_view display_name) {
  const std::optional<std::size_t> length = CountPlainCharacters(display_name);
  if (length && *length >= 1 && *length <= kLongestName) return absl::OkStatus();
  return Error(Reason::kInvalidDisplayName, "1 to 140 characters without control characters",
               {.param = "display_name"});
}

bool HasEnded(const ApiKey& key, absl::Time now) {
  return key.revoke_time.has_value() || IsOver(key.expire_time, now);
}

absl::Status CheckUse(const ApiKey& key, std::optional<absl::Time> secret_expire_time,
                      std::string_view mode, absl::Time now) {
  // As for a key that does not exist: a stranger learns nothing from it.
  if (key.revoke_time) return Error(Reason::kTokenInvalid, "no such API key");
  if (key.mode != mode) return Error(Reason::kApiKeyWrongMode, "a key of the other mode");
  if (IsOver(key.expire_time, now) || IsOver(secret_expire_time, now)) {
    return Error(Reason::kTokenExpired, "the API key has expired");
  }
  return absl::OkStatus();
}

std::optional<absl::Time> UseExpiry(const ApiKey& key,
                                    std::optional<absl::Time> secret_expire_time) {
  if (!key.expire_time || !secret_expire_time) {
    return key.expire_time ? key.expire_time : secret_expire_time;
  }
  return std::min(*key.expire_time, *secret_expire_time);
}

absl::StatusOr<absl::Duration> CheckOverlap(std::int64_t seconds) {
  if (seconds < 0 || seconds > absl::ToInt64Seconds(kLongestOverlap)) {
    return Error(Reason::kInvalidField, "0 to 604800 seconds", {.param = "overlap_seconds"});
  }
  return absl::Seconds(seconds);
}

}  // namespace florin::auth
