#include "tests/e2e/openapi_contract.h"

#include <optional>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "services/gateway/openapi/validate.h"

namespace florin::e2e {
namespace {

// "{payment_id}:confirm" fits "pay_1:confirm"; a parameter is never empty.
bool SegmentFits(std::string_view pattern, std::string_view text) {
  if (!pattern.starts_with('{')) return pattern == text;
  const std::string_view suffix = pattern.substr(pattern.find('}') + 1);
  if (suffix.empty()) return !text.empty() && text.find(':') == std::string_view::npos;
  return text.size() > suffix.size() && text.ends_with(suffix);
}

bool PathFits(std::string_view pattern, std::string_view path) {
  const std::vector<std::string> wanted =
      absl::StrSplit(absl::string_view(pattern.data(), pattern.size()), '/');
  const std::vector<std::string> given =
      absl::StrSplit(absl::string_view(path.data(), path.size()), '/');
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!SegmentFits(wanted[i], given[i])) return false;
  }
  return true;
}

// The template with this method that a path fits: one without a parameter, if there is one.
std::optional<std::string> FindTemplate(const boost::json::object& document,
                                        const std::string& method, std::string_view path) {
  std::optional<std::string> found;
  for (const auto& [pattern, item] : document.at("paths").as_object()) {
    const std::string_view text(pattern.data(), pattern.size());
    if (!item.as_object().contains(absl::AsciiStrToLower(method)) || !PathFits(text, path))
      continue;
    if (!found || text.find('{') == std::string_view::npos) found = std::string(text);
  }
  return found;
}

}  // namespace

absl::Status OpenApiContract::Check(const HttpsRequest& request,
                                    const HttpsResponse& response) const {
  const std::string_view target = request.target;
  const auto path = FindTemplate(document_, request.method, target.substr(0, target.find('?')));
  if (!path) return absl::OkStatus();
  const auto type = response.headers.find("content-type");
  return gateway::ValidateResponse(document_, request.method, *path, response.status,
                                   type == response.headers.end() ? "" : type->second,
                                   response.body);
}

}  // namespace florin::e2e
