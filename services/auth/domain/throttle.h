// How often somebody may guess.
//
// Attempts are counted in lanes. An attempt needs a place in each of its lanes; it counts as failed
// from its beginning, and is taken back when it succeeds: so a hundred guesses at once are no
// better than a hundred one after another. Lanes of an attempt:
//   * of an account: the devices that the user does not know, together; or the one known device
//   that
//     the attempt comes from, which others cannot use up: nobody locks a user out of it;
//   * of a network, for unknown devices only: many accounts tried from one place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace florin::auth {

// `failures` in a row block for `first_block`; each further one, made after a block has ended, for
// twice as long as the one before, up to `longest_block`. Nothing for `forget_after` and the lane
// begins anew.
struct ThrottleRule {
  int failures = 5;
  absl::Duration first_block = absl::Minutes(30);
  absl::Duration longest_block = absl::Hours(24);
  absl::Duration forget_after = absl::Hours(48);

  friend bool operator==(const ThrottleRule&, const ThrottleRule&) = default;
};

struct ThrottleState {
  int failures = 0;
  absl::Time last_attempt = absl::InfinitePast();
  absl::Time blocked_until = absl::InfinitePast();

  friend bool operator==(const ThrottleState&, const ThrottleState&) = default;
};

// Whether an attempt may be made at `now`. Pure.
bool MayAttempt(const ThrottleState& state, absl::Time now);
// The state with an attempt made at `now`, which MayAttempt(). Pure.
ThrottleState CountAttempt(const ThrottleRule& rule, ThrottleState state, absl::Time now);
// The state with one attempt less, and without the block that it may have set. Pure.
ThrottleState TakeBackAttempt(const ThrottleRule& rule, ThrottleState state);

// What is guessed. Each kind is counted for itself: a right password must not wipe out wrong codes.
enum class Guess { kPassword, kTotp, kRecoveryCode };

struct Lane {
  std::string name;
  ThrottleRule rule;
  // Whether a success clears the lane. If not, only the attempt itself is taken back: a guesser's
  // own account must not clear the network.
  bool cleared_by_success = true;
};

// The lanes of a guess at what belongs to `subject` (an e-mail address for passwords, so that
// unknown ones are throttled as known ones are; else the user's id). `known_device` and `network`
// are names of either, empty for none. RTS Art. 4(3)(b) allows five failures, PCI DSS 8.3.4 asks
// for thirty minutes. Pure.
std::vector<Lane> LanesOf(Guess guess, std::string_view subject, std::string_view known_device,
                          std::string_view network);

// Of messages that anybody can have sent to an address: three, then fewer and fewer, one an hour at
// least. Pure.
std::vector<Lane> MailLanes(std::string_view email, std::string_view network);

}  // namespace florin::auth
