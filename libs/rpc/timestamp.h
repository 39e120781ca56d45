// Times of messages, in whole microseconds, which is what databases keep.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace florin {

void SetTime(absl::Time time, google::protobuf::Timestamp& proto);

// Of a message that a service of ours has written.
absl::Time TimeOf(const google::protobuf::Timestamp& proto);

// Of a message that anybody may have written. Error: kInvalidField with `param` for what is no time
// from year 1 to 9999 (timestamp.proto) in whole microseconds.
absl::StatusOr<absl::Time> ReadTime(const google::protobuf::Timestamp& proto, const char* param);

}  // namespace florin
