#include "libs/audit/export_lines.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace florin::audit {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "florin.audit.export.v1";
constexpr std::string_view kNumber = "{\"number\":\"";
constexpr std::string_view kLeaf = "\",\"leaf\":\"";
constexpr std::string_view kEvent = "\",\"event\":";
constexpr std::string_view kHead = "{\"head\":";
constexpr std::size_t kLeafLength = 44;  // base64 of 32 octets

absl::Status Malformed() { return Error(Reason::kInvalidField, "not a line of an export"); }

std::string Base64(std::string_view octets) { return absl::Base64Escape(std::string(octets)); }

bool Take(std::string_view prefix, std::string_view& text) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

absl::StatusOr<ExportLine> ParseEvent(std::string_view text) {
  ExportedEvent event;
  const std::string_view whole = text;
  if (!Take(kNumber, text)) return Malformed();
  const std::string number(text.substr(0, text.find('"')));
  text.remove_prefix(number.size());
  if (!absl::SimpleAtoi(number, &event.number) || std::to_string(event.number) != number)
    return Malformed();
  if (!Take(kLeaf, text) || text.size() < kLeafLength) return Malformed();
  std::string leaf;
  if (!absl::Base64Unescape(std::string(text.substr(0, kLeafLength)), &leaf) ||
      leaf.size() != event.leaf.size() || Base64(leaf) != text.substr(0, kLeafLength)) {
    return Malformed();
  }
  std::copy(leaf.begin(), leaf.end(), event.leaf.begin());
  text.remove_prefix(kLeafLength);
  if (!Take(kEvent, text) || !whole.ends_with("}}")) return Malformed();
  event.line = text.substr(0, text.size() - 1);
  return event;
}

std::string TextOf(const json::object& object, const char* key) {
  const json::string& text = object.at(key).as_string();
  return {text.data(), text.size()};
}

absl::StatusOr<ExportLine> ParseOther(std::string_view text) {
  const json::value value = json::parse(json::string_view(text.data(), text.size()));
  const json::object& object = value.as_object();
  if (object.contains("format")) {
    ExportStart start{TextOf(object, "origin")};
    if (FirstLine(start.origin) != text) return Malformed();
    return start;
  }
  merkle::SignedTreeHead head;
  FLORIN_ASSIGN_OR_RETURN(head.head, merkle::ParseCheckpoint(TextOf(object, "head")));
  head.key_id = TextOf(object, "key_id");
  if (!absl::Base64Unescape(TextOf(object, "signature"), &head.signature) ||
      HeadLine(head) != text) {
    return Malformed();
  }
  return head;
}

}  // namespace

std::string FirstLine(const std::string& origin) {
  return absl::StrCat("{\"format\":\"", std::string(kFormat), "\",\"origin\":\"", origin, "\"}");
}

std::string EventLine(std::uint64_t number, const merkle::Digest& leaf, const Event& event) {
  return absl::StrCat(std::string(kNumber), number, std::string(kLeaf),
                      Base64(crypto::AsOctets(leaf)), std::string(kEvent), EncodeEvent(event), "}");
}

std::string HeadLine(const merkle::SignedTreeHead& head) {
  return absl::StrCat(std::string(kHead), json::serialize(json::string(CheckpointText(head.head))),
                      ",\"key_id\":\"", head.key_id, "\",\"signature\":\"", Base64(head.signature),
                      "\"}");
}

absl::StatusOr<ExportLine> ParseExportLine(std::string_view line) {
  try {
    return line.starts_with(kNumber) ? ParseEvent(line) : ParseOther(line);
  } catch (const std::exception&) {
    return Malformed();
  }
}

}  // namespace florin::audit
