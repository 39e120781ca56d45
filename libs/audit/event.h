// What an audit trail is made of: who did what to what, whether it was allowed, and why.
//
// Pure. An event has one canonical line of JSON, which is the leaf that the signed log hashes
// (docs/audit.md): members in a fixed order, no white space, the escapes of RFC 8785 section
// 3.2.2.2, so whatever a value holds (line breaks, terminal escapes) the line stays one line of
// visible characters.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::audit {

enum class Decision { kAllowed, kRefused };

// Where a request came from. Empty what is not known.
struct Origin {
  std::string caller;          // The service whose certificate called
  std::string client_address;  // Of the client, as the gateway saw it
  std::string request_id;      // `req_…`

  friend bool operator==(const Origin&, const Origin&) = default;
};

struct Event {
  // Names this event for ever: recording it again has no effect. Derive it (DeriveId) where what it
  // describes has an id of its own and may be tried again.
  Uuid event_id;
  absl::Time time;     // Whole microseconds are kept.
  std::string action;  // Stable name SERVICE.RESOURCE.VERB, lower case: "auth.user.register"
  std::string actor;   // `usr_…`, a client's id, a service's name; empty if nobody was recognised
  std::string on_behalf_of = {};  // For whom, if not for themselves
  std::string subject = {};       // The resource: `usr_…`, `acc_…`, a key's id
  Decision decision = Decision::kAllowed;
  std::string reason = {};  // Why: of a refusal the name of its Reason
  Origin origin = {};
  // Few and small. Never secrets, never what names a person (e-mail, name, free text).
  std::map<std::string, std::string> details = {};

  friend bool operator==(const Event&, const Event&) = default;
};

// What every text may have at most, in octets; Fit() cuts.
inline constexpr std::size_t kLongestText = 256;
inline constexpr std::size_t kMostDetails = 16;

// The event as it is recorded: time in microseconds, texts cut to kLongestText and made valid
// UTF-8 without NUL, at most kMostDetails details. What an outsider sent must never keep an event
// from being recorded.
Event Fit(Event event);

// The event of an attempt that was refused, and why.
Event Refuse(Event event, Reason reason);
// Whether somebody was let do something or refused it, rather than a part having failed: only
// decisions belong into a trail.
bool IsDecision(const absl::Status& status);

// Error: kInvalidField (a programming error) unless the action is a name as above.
absl::Status CheckAction(std::string_view action);

// The canonical line of a fitted event, without a line feed.
std::string EncodeEvent(const Event& event);
// Reads what EncodeEvent writes and nothing else. Error: kInvalidField.
absl::StatusOr<Event> DecodeEvent(std::string_view line);

// Object of strings in one canonical spelling, as `details` has it.
std::string EncodeDetails(const std::map<std::string, std::string>& details);
absl::StatusOr<std::map<std::string, std::string>> DecodeDetails(std::string_view json);

std::string_view NameOf(Decision decision);  // "allowed", "refused"

}  // namespace florin::audit
