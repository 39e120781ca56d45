// The lines of an export, florin.audit.export.v1 (docs/audit.md): the first one, then each event
// with its number and its leaf, and after the event that a head covers last, the head.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "libs/audit/event.h"
#include "libs/merkle/tree_head.h"
#include "libs/status/status.h"

namespace florin::audit {

// {"format":"florin.audit.export.v1","origin":"florin.local/audit/auth"}
std::string FirstLine(const std::string& origin);
// {"number":"1","leaf":"…base64…","event":{…}}
std::string EventLine(std::uint64_t number, const merkle::Digest& leaf, const Event& event);
// {"head":"…the signed text…","key_id":"…","signature":"…base64…"}
std::string HeadLine(const merkle::SignedTreeHead& head);

struct ExportStart {
  std::string origin;
};
struct ExportedEvent {
  std::uint64_t number = 0;
  merkle::Digest leaf{};
  std::string line;  // The event's canonical line, if it is one
};
using ExportLine = std::variant<ExportStart, ExportedEvent, merkle::SignedTreeHead>;

// Reads what these functions write and nothing else, without the line feed; the event's own line is
// not looked into. Error: kInvalidField.
absl::StatusOr<ExportLine> ParseExportLine(std::string_view line);

}  // namespace florin::audit
