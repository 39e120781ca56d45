#include "services/gateway/transcode/path_template.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace florin::gateway {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789_";

bool IsLiteral(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") ==
                              std::string_view::npos;
}

bool IsFieldPath(const std::string& text) {
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(text, '.'))) {
    if (name.empty() || name.find_first_not_of(kLower) != std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<PathTemplate> ParsePathTemplate(const std::string& text) {
  const auto refused = [&text](const std::string& why) {
    return Error(Reason::kInternal, absl::StrCat("path template ", text, ": ", why));
  };
  if (text.size() < 2 || text.front() != '/')
    return refused("must begin with a slash and have a segment");
  PathTemplate parsed;
  std::string path = text.substr(1);
  if (const std::size_t colon = path.rfind(':'); colon != std::string::npos) {
    parsed.verb = path.substr(colon + 1);
    if (!IsLiteral(parsed.verb)) return refused("the custom method after the colon is not a name");
    path.resize(colon);
  }
  for (const std::string& segment : std::vector<std::string>(absl::StrSplit(path, '/'))) {
    if (segment.starts_with('{') && segment.ends_with('}')) {
      const std::string variable = segment.substr(1, segment.size() - 2);
      if (!IsFieldPath(variable)) return refused("a variable must be {field} or {field.field}");
      parsed.segments.push_back({.variable = variable});
    } else if (IsLiteral(segment)) {
      parsed.segments.push_back({.literal = segment});
    } else {
      return refused(absl::StrCat("cannot have the segment '", segment, "'"));
    }
  }
  return parsed;
}

}  // namespace florin::gateway
