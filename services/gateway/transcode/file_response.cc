#include "services/gateway/transcode/file_response.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace florin::gateway {
namespace {

constexpr std::string_view kTypes[] = {"text/csv; charset=utf-8; header=present",
                                       "application/pdf"};
constexpr std::size_t kLongestName = 100;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::span<const std::string_view> FileTypes() { return kTypes; }

absl::Status CheckFile(const http::v1::File& file) {
  const std::string& name = file.name();
  if (std::find(std::begin(kTypes), std::end(kTypes), file.content_type()) == std::end(kTypes))
    return Error(Reason::kInternal, "no type of files");
  if (name.empty() || name.size() > kLongestName ||
      !std::all_of(name.begin(), name.end(), IsNameCharacter))
    return Error(Reason::kInternal, "no name of a file");
  return absl::OkStatus();
}

}  // namespace florin::gateway
