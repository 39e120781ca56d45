#include "services/auth/domain/throttle.h"

#include <algorithm>

namespace florin::auth {
namespace {

// Many people share a network, so that it bears more, and for shorter.
constexpr ThrottleRule kNetworkRule = {.failures = 50,
                                       .first_block = absl::Minutes(1),
                                       .longest_block = absl::Hours(1),
                                       .forget_after = absl::Hours(1)};
constexpr ThrottleRule kMailRule = {.failures = 3,
                                    .first_block = absl::Minutes(10),
                                    .longest_block = absl::Hours(1),
                                    .forget_after = absl::Hours(24)};

absl::Duration BlockAfter(const ThrottleRule& rule, int failures) {
  absl::Duration block = rule.first_block;
  for (int i = rule.failures; i < failures && block < rule.longest_block; ++i) block *= 2;
  return std::min(block, rule.longest_block);
}

const char* NameOf(Guess guess) {
  switch (guess) {
    case Guess::kPassword:
      return "password";
    case Guess::kTotp:
      return "totp";
    case Guess::kRecoveryCode:
      return "recovery";
  }
  return "";
}

// Parts are kept apart by a character that none of them has.
std::string Join(std::string_view kind, std::string_view a, std::string_view b) {
  std::string name(kind);
  name.append("\n").append(a).append("\n").append(b);
  return name;
}

}  // namespace

bool MayAttempt(const ThrottleState& state, absl::Time now) { return now >= state.blocked_until; }

ThrottleState CountAttempt(const ThrottleRule& rule, ThrottleState state, absl::Time now) {
  if (now - state.last_attempt > rule.forget_after) state = {};
  ++state.failures;
  state.last_attempt = now;
  if (state.failures >= rule.failures) state.blocked_until = now + BlockAfter(rule, state.failures);
  return state;
}

ThrottleState TakeBackAttempt(const ThrottleRule& rule, ThrottleState state) {
  if (state.failures > 0) --state.failures;
  if (state.failures < rule.failures) state.blocked_until = absl::InfinitePast();
  return state;
}

std::vector<Lane> LanesOf(Guess guess, std::string_view subject, std::string_view known_device,
                          std::string_view network) {
  std::vector<Lane> lanes = {{.name = Join(NameOf(guess), subject, known_device)}};
  if (known_device.empty() && !network.empty()) {
    lanes.push_back({.name = Join("network", NameOf(guess), network),
                     .rule = kNetworkRule,
                     .cleared_by_success = false});
  }
  return lanes;
}

std::vector<Lane> MailLanes(std::string_view email, std::string_view network) {
  std::vector<Lane> lanes = {{.name = Join("mail", email, ""), .rule = kMailRule}};
  if (!network.empty()) {
    lanes.push_back({.name = Join("network", "mail", network), .rule = kNetworkRule});
  }
  return lanes;
}

}  // namespace florin::auth
