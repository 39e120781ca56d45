#include "services/gateway/limits/shedding.h"

#include <cstdint>

namespace florin::gateway {
namespace {

int PercentFor(Priority priority) {
  switch (priority) {
    case Priority::kRead:
      return 100;
    case Priority::kWrite:
      return 80;
    case Priority::kCredential:
      return 50;
  }
  return 0;
}

}  // namespace

const char* NameOf(Priority priority) {
  switch (priority) {
    case Priority::kRead:
      return "read";
    case Priority::kWrite:
      return "write";
    case Priority::kCredential:
      return "credential";
  }
  return "";
}

bool MayBegin(Priority priority, int running, int limit) {
  // One may always run where any may, however small the limit is.
  const std::int64_t share = (std::int64_t{limit} * PercentFor(priority) + 99) / 100;
  return running < share;
}

}  // namespace florin::gateway
