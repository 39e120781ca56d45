#include "services/gateway/transcode/uri.h"

#include <array>

#include "google/protobuf/stubs/common.h"

namespace florin::gateway {
namespace {

// pchar of RFC 3986 section 3.3, without the percent sign.
constexpr std::array<bool, 256> PathCharacters() {
  std::array<bool, 256> allowed{};
  for (char c : std::string_view(
           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}
constexpr std::array<bool, 256> kPathCharacters = PathCharacters();

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

absl::Status MalformedUri(std::string_view message) {
  return Error(Reason::kMalformedRequest, message);
}

enum class Part { kPath, kQuery };

// Decodes one path segment, or one name or value of the query.
absl::StatusOr<std::string> Decode(std::string_view text, Part part) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return MalformedUri("a percent sign without two hexadecimal digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (part == Part::kPath && c == '/') return MalformedUri("an encoded slash in the path");
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        return MalformedUri("a control character in the target");
    } else if (part == Part::kQuery && c == '+') {
      c = ' ';
    } else if (!kPathCharacters[static_cast<unsigned char>(c)] &&
               !(part == Part::kQuery && (c == '/' || c == '?'))) {
      return MalformedUri("a character in the target that must be percent-encoded");
    }
    decoded.push_back(c);
  }
  if (!google::protobuf::internal::IsStructurallyValidUTF8(decoded.data(),
                                                           static_cast<int>(decoded.size()))) {
    return MalformedUri("the target is not UTF-8");
  }
  return decoded;
}

absl::Status ParsePath(std::string_view path, Target& target) {
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t slash = std::min(path.find('/', start), path.size());
    std::string_view segment = path.substr(start, slash - start);
    if (slash == path.size()) {
      if (const std::size_t colon = segment.rfind(':'); colon != std::string_view::npos) {
        FLORIN_ASSIGN_OR_RETURN(target.verb, Decode(segment.substr(colon + 1), Part::kPath));
        segment = segment.substr(0, colon);
      }
    }
    FLORIN_ASSIGN_OR_RETURN(std::string decoded, Decode(segment, Part::kPath));
    if (decoded == "." || decoded == "..") return MalformedUri("a dot segment in the path");
    target.segments.push_back(std::move(decoded));
    start = slash + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParsePairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    FLORIN_ASSIGN_OR_RETURN(std::string name, Decode(pair.substr(0, equals), Part::kQuery));
    const std::string_view rest = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    FLORIN_ASSIGN_OR_RETURN(std::string value, Decode(rest, Part::kQuery));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

}  // namespace

absl::StatusOr<Target> ParseTarget(std::string_view text) {
  if (text.empty() || text.front() != '/') return MalformedUri("the target must be a path");
  const std::size_t question = text.find('?');
  Target target;
  FLORIN_RETURN_IF_ERROR(ParsePath(text.substr(0, question), target));
  if (question != std::string_view::npos) {
    FLORIN_ASSIGN_OR_RETURN(target.query, ParsePairs(text.substr(question + 1)));
  }
  return target;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseForm(std::string_view body) {
  return ParsePairs(body);
}

}  // namespace florin::gateway
