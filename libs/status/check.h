// Assertions that stay on in every build.
//
// FLORIN_CHECK(condition, "what was promised") ends the process with the place and the message when
// a promise of our own code is broken: going on could damage money. Never for request data, the
// network, the database's answers to bad input or anything else that a caller or the outside can
// cause; those are a Status.
#pragma once

namespace florin::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const char* promise);
}  // namespace florin::internal

#define FLORIN_CHECK(condition, promise) \
  (static_cast<bool>(condition)          \
       ? static_cast<void>(0)            \
       : ::florin::internal::CheckFailed(__FILE__, __LINE__, #condition, promise))
