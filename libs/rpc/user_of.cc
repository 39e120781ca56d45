#include "libs/rpc/user_of.h"

namespace florin::rpc {

absl::StatusOr<Uuid> UserOf(const Call& call) {
  absl::StatusOr<Uuid> user = ParseId(IdKind::kUser, call.principal().user_id, "sub");
  if (!user.ok()) return Error(Reason::kUserTokenRequired, "the token was granted by no user");
  return user;
}

}  // namespace florin::rpc
