// Files as answers (proto/florin/http/v1/file.proto). Pure.
#pragma once

#include <span>
#include <string_view>

#include "florin/http/v1/file.pb.h"
#include "libs/status/status.h"

namespace florin::gateway {

// The types that files may have: none that a browser would run.
std::span<const std::string_view> FileTypes();

// Whether a file may go out: one of those types, and a name that can stand in a header field.
// Error: kInternal.
absl::Status CheckFile(const http::v1::File& file);

}  // namespace florin::gateway
