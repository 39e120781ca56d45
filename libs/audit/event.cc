#include "libs/audit/event.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/str_format.h"
#include "libs/text/text.h"

namespace florin::audit {
namespace {

namespace json = boost::json;

constexpr char kTimeFormat[] = "%E4Y-%m-%dT%H:%M:%E6SZ";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void AppendText(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    static constexpr std::string_view kEscaped = "\"\\\b\t\n\f\r";
    static constexpr std::string_view kEscapes = "\"\\btnfr";
    const std::size_t escape = kEscaped.find(c);
    if (escape != std::string_view::npos) {
      out += '\\';
      out += kEscapes[escape];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendMember(std::string_view key, std::string_view value, std::string& out) {
  if (out.back() != '{') out += ',';
  AppendText(key, out);
  out += ':';
  AppendText(value, out);
}

std::string TextOf(const json::object& object, std::string_view key) {
  const json::string& text = object.at(json::string_view(key.data(), key.size())).as_string();
  return {text.data(), text.size()};
}

// The octets of the character that `text` begins with; 0 if it is not well-formed UTF-8.
std::size_t CharacterAt(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 1 || text.size() < length) return length == 1 ? 1 : 0;
  return CountPlainCharacters(text.substr(0, length)) == 1 ? length : 0;
}

// Well-formed, short, and of characters that do nothing to a terminal once the line is JSON: C0
// controls are escaped there, DEL, C1 controls and what is no UTF-8 become U+FFFD.
std::string FitText(std::string_view text) {
  std::string fit;
  while (!text.empty()) {
    const std::size_t length = CharacterAt(text);
    const bool kept = length > 0 && text[0] != '\0' && text[0] != '\x7F';
    const std::string_view next = kept ? text.substr(0, length) : kReplacement;
    if (fit.size() + next.size() > kLongestText) break;
    fit += next;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return fit;
}

absl::Status Malformed() { return Error(Reason::kInvalidField, "not the line of an event"); }

std::map<std::string, std::string> DetailsOf(const json::object& object) {
  std::map<std::string, std::string> details;
  for (const auto& member : object) {
    const json::string& value = member.value().as_string();
    details.emplace(std::string(member.key()), std::string(value.data(), value.size()));
  }
  return details;
}

// Throws what Boost.JSON throws.
absl::StatusOr<Event> ReadEvent(const json::object& object) {
  Event event;
  FLORIN_ASSIGN_OR_RETURN(event.event_id, Uuid::Parse(TextOf(object, "event_id")));
  std::string error;
  if (!absl::ParseTime(kTimeFormat, TextOf(object, "time"), &event.time, &error))
    return Malformed();
  event.action = TextOf(object, "action");
  event.actor = TextOf(object, "actor");
  event.on_behalf_of = TextOf(object, "on_behalf_of");
  event.subject = TextOf(object, "subject");
  event.decision = TextOf(object, "decision") == NameOf(Decision::kAllowed) ? Decision::kAllowed
                                                                            : Decision::kRefused;
  event.reason = TextOf(object, "reason");
  event.origin.caller = TextOf(object, "caller");
  event.origin.client_address = TextOf(object, "client_address");
  event.origin.request_id = TextOf(object, "request_id");
  event.details = DetailsOf(object.at("details").as_object());
  return event;
}

}  // namespace

Event Refuse(Event event, Reason reason) {
  event.decision = Decision::kRefused;
  event.reason = std::string(InfoOf(reason).name);
  return event;
}

bool IsDecision(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  return status.ok() || (reason && *reason != Reason::kOverloaded &&
                         *reason != Reason::kUnavailable && *reason != Reason::kInternal);
}

std::string_view NameOf(Decision decision) {
  return decision == Decision::kAllowed ? "allowed" : "refused";
}

absl::Status CheckAction(std::string_view action) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '.'; };
  const auto dots = std::count(action.begin(), action.end(), '.');
  if (dots == 2 && action.size() <= 64 && std::all_of(action.begin(), action.end(), allowed))
    return absl::OkStatus();
  return Error(Reason::kInvalidField, "an action is SERVICE.RESOURCE.VERB", {.param = "action"});
}

Event Fit(Event event) {
  event.time = absl::FromUnixMicros(absl::ToUnixMicros(event.time));
  for (std::string* const text :
       {&event.action, &event.actor, &event.on_behalf_of, &event.subject, &event.reason,
        &event.origin.caller, &event.origin.client_address, &event.origin.request_id}) {
    *text = FitText(*text);
  }
  std::map<std::string, std::string> details;
  for (const auto& [key, value] : event.details) {
    if (details.size() < kMostDetails) details.emplace(FitText(key), FitText(value));
  }
  event.details = std::move(details);
  return event;
}

std::string EncodeDetails(const std::map<std::string, std::string>& details) {
  std::string out = "{";
  for (const auto& [key, value] : details) AppendMember(key, value, out);
  return out + "}";
}

absl::StatusOr<std::map<std::string, std::string>> DecodeDetails(std::string_view text) {
  try {
    auto details = DetailsOf(json::parse(json::string_view(text.data(), text.size())).as_object());
    if (EncodeDetails(details) == text) return details;
  } catch (const std::exception&) {
    // Not such an object.
  }
  return Malformed();
}

std::string EncodeEvent(const Event& event) {
  std::string out = "{";
  AppendMember("event_id", event.event_id.ToString(), out);
  AppendMember("time", absl::FormatTime(kTimeFormat, event.time, absl::UTCTimeZone()), out);
  AppendMember("action", event.action, out);
  AppendMember("actor", event.actor, out);
  AppendMember("on_behalf_of", event.on_behalf_of, out);
  AppendMember("subject", event.subject, out);
  AppendMember("decision", NameOf(event.decision), out);
  AppendMember("reason", event.reason, out);
  AppendMember("caller", event.origin.caller, out);
  AppendMember("client_address", event.origin.client_address, out);
  AppendMember("request_id", event.origin.request_id, out);
  return out + ",\"details\":" + EncodeDetails(event.details) + "}";
}

absl::StatusOr<Event> DecodeEvent(std::string_view line) {
  try {
    absl::StatusOr<Event> event =
        ReadEvent(json::parse(json::string_view(line.data(), line.size())).as_object());
    // A value has exactly one text.
    if (event.ok() && EncodeEvent(*event) == line) return event;
  } catch (const std::exception&) {
    // Not such an object.
  }
  return Malformed();
}

}  // namespace florin::audit
