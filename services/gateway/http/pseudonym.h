// Names for people in logs that only the running process could turn back.
#pragma once

#include <string>
#include <string_view>

namespace florin::gateway {

// 16 hex digits, the same for the same id as long as this process lives, different in every other:
// SHA-256 behind a key that is drawn at the start and never leaves. So the lines of one user can
// be read together, and cannot be traced to the user by hashing every known id; who must know goes
// by the request id to the audit trail, which is guarded. Thread-safe.
std::string PseudonymOf(std::string_view id);

}  // namespace florin::gateway
