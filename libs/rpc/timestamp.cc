#include "libs/rpc/timestamp.h"

#include "libs/status/status.h"

namespace florin {
namespace {

constexpr std::int64_t kYear1 = -62'135'596'800;
constexpr std::int64_t kYear10000 = 253'402'300'800;

}  // namespace

void SetTime(absl::Time time, google::protobuf::Timestamp& proto) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<std::int32_t>(
      absl::ToInt64Microseconds(time - absl::FromUnixSeconds(seconds)) * 1'000));
}

absl::Time TimeOf(const google::protobuf::Timestamp& proto) {
  return absl::FromUnixSeconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

absl::StatusOr<absl::Time> ReadTime(const google::protobuf::Timestamp& proto, const char* param) {
  if (proto.seconds() < kYear1 || proto.seconds() >= kYear10000 || proto.nanos() < 0 ||
      proto.nanos() > 999'999'999 || proto.nanos() % 1'000 != 0) {
    return Error(Reason::kInvalidField, "no time in whole microseconds", {.param = param});
  }
  return TimeOf(proto);
}

}  // namespace florin
