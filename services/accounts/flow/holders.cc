#include "services/accounts/flow/holders.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"

namespace florin::accounts {
namespace {

// To somebody who has nothing to do with an account it does not matter whether there is one.
absl::StatusOr<Holder> HolderOrNotFound(absl::StatusOr<Holder> holder) {
  if (ReasonOf(holder.status()) != Reason::kAccountNotFound) return holder;
  return Error(Reason::kHolderNotFound, "no such holder", {.param = "user_id"});
}

}  // namespace

audit::Event Holders::EventOf(const std::string& verb, const Request& request, absl::Time now) {
  audit::Event event;
  event.event_id = ids_.NewId();
  event.time = now;
  event.action = "accounts.holder." + verb;
  event.actor = FormatId(IdKind::kUser, request.actor);
  event.subject = FormatId(IdKind::kAccount, request.account_id);
  event.origin = request.origin;
  event.details = {{"holder", FormatId(IdKind::kUser, request.user_id)}};
  return event;
}

Task<absl::StatusOr<Holders::Outcome>> Holders::Invite(Request request) {
  const absl::Time now = InMicroseconds(clock_.Now());
  Holder holder{.holder_id = ids_.NewId(),
                .account_id = request.account_id,
                .user_id = request.user_id,
                .role = request.role,
                .state = HolderState::kInvited,
                .invited_by = request.actor,
                .create_time = now,
                .update_time = now};
  const Uuid holder_id = holder.holder_id;
  audit::Event event = EventOf("invite", request, now);
  event.details["role"] = NameOf(request.role);
  RequestKey key{.idempotency_key = request.idempotency_key,
                 .fingerprint = crypto::Sha256(
                     CanonicalInvitation(request.account_id, request.user_id, request.role)),
                 .origin = request.origin};
  DecideHolder decide = [holder](const AccountHolding& held) {
    return florin::accounts::Invite(held, holder);
  };
  absl::StatusOr<StoredHolder> stored = co_await store_.InsertHolder(
      std::move(holder), std::move(key), std::move(decide), std::move(event));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->holder.holder_id != holder_id;
  co_return Outcome{.holder = std::move(stored->holder), .replayed = replayed};
}

Task<absl::StatusOr<Holder>> Holders::Accept(Request request) {
  const absl::Time now = InMicroseconds(clock_.Now());
  const Uuid user = request.user_id;
  DecideHolder decide = [user, now](const AccountHolding& held) {
    return florin::accounts::Accept(held, user, now);
  };
  HolderStore::HolderChange change{.account_id = request.account_id,
                                   .as = std::make_pair(user, request.customer_id)};
  audit::Event event = EventOf("accept", request, now);
  absl::StatusOr<Holder> holder =
      co_await store_.ChangeHolder(std::move(change), std::move(decide), std::move(event));
  co_return HolderOrNotFound(std::move(holder));
}

Task<absl::StatusOr<Holder>> Holders::ChangeRole(Request request) {
  const absl::Time now = InMicroseconds(clock_.Now());
  DecideHolder decide = [request, now](const AccountHolding& held) {
    return florin::accounts::ChangeRole(held, request.actor, request.user_id, request.role, now);
  };
  HolderStore::HolderChange change{.account_id = request.account_id};
  audit::Event event = EventOf("change", request, now);
  co_return co_await store_.ChangeHolder(std::move(change), std::move(decide), std::move(event));
}

Task<absl::StatusOr<Holder>> Holders::Remove(Request request) {
  const absl::Time now = InMicroseconds(clock_.Now());
  DecideHolder decide = [request, now](const AccountHolding& held) {
    return florin::accounts::Remove(held, request.actor, request.user_id, now);
  };
  HolderStore::HolderChange change{.account_id = request.account_id};
  audit::Event event = EventOf("remove", request, now);
  co_return co_await store_.ChangeHolder(std::move(change), std::move(decide), std::move(event));
}

Task<absl::StatusOr<Holder>> Holders::Leave(Request request) {
  const absl::Time now = InMicroseconds(clock_.Now());
  const Uuid user = request.user_id;
  DecideHolder decide = [user, now](const AccountHolding& held) {
    return florin::accounts::Leave(held, user, now);
  };
  HolderStore::HolderChange change{.account_id = request.account_id};
  audit::Event event = EventOf("leave", request, now);
  absl::StatusOr<Holder> holder =
      co_await store_.ChangeHolder(std::move(change), std::move(decide), std::move(event));
  co_return HolderOrNotFound(std::move(holder));
}

}  // namespace florin::accounts
