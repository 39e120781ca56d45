// Keys of users' programs: what is kept of them, and when they are good.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::auth {

inline constexpr absl::Duration kLongestOverlap = absl::Hours(7 * 24);
inline constexpr std::size_t kMostNetworks = 32;
// The last use is written at most this often.
inline constexpr absl::Duration kUseResolution = absl::Minutes(1);

struct ApiKeySecret {
  std::string prefix;  // Shown.
  absl::Time create_time;
  std::optional<absl::Time> expire_time;  // Since another one replaced it.

  friend bool operator==(const ApiKeySecret&, const ApiKeySecret&) = default;
};

struct ApiKey {
  Uuid api_key_id;
  Uuid user_id;  // Its owner, for whom it acts.
  std::string display_name;
  std::string mode;  // "test" or "live"
  std::vector<std::string> scopes;
  std::vector<std::string> allowed_networks;
  std::string created_by;
  absl::Time create_time;  // Times are whole microseconds, as the database keeps them.
  std::optional<absl::Time> expire_time = {};
  std::optional<absl::Time> revoke_time = {};
  std::optional<absl::Time> last_use_time = {};
  std::vector<ApiKeySecret> secrets = {};  // Newest first.

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

// 1 to 140 characters. Error: kInvalidDisplayName. Pure.
absl::Status CheckKeyName(std::string_view display_name);

// Whether the key is over for ever, so that it gets no new secret. Pure.
bool HasEnded(const ApiKey& key, absl::Time now);

// Whether a key may be used with a secret that expires then, in a deployment of this mode. Errors:
// kTokenInvalid if it is revoked; kApiKeyWrongMode; kTokenExpired for key or secret. Pure.
absl::Status CheckUse(const ApiKey& key, std::optional<absl::Time> secret_expire_time,
                      std::string_view mode, absl::Time now);

// When that use ends by itself: the earlier of the two times. Pure.
std::optional<absl::Time> UseExpiry(const ApiKey& key,
                                    std::optional<absl::Time> secret_expire_time);

// How long the secret before goes on after a rotation. Error: kInvalidField with param
// `overlap_seconds` outside 0 to seven days. Pure.
absl::StatusOr<absl::Duration> CheckOverlap(std::int64_t seconds);

}  // namespace florin::auth
