#include "services/accounts/flow/payees.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"

namespace florin::accounts {
namespace {

absl::Status CheckName(std::string_view name) {
  if (CheckCustomerName(name).ok()) return absl::OkStatus();
  return Error(Reason::kInvalidDisplayName,
               "1 to 140 characters of UTF-8 without control characters", {.param = "name"});
}

}  // namespace

audit::Event Payees::EventOf(const std::string& verb, const Uuid& user_id, const Uuid& payee_id,
                             const audit::Origin& origin) {
  audit::Event event;
  event.event_id = ids_.NewId();
  event.time = InMicroseconds(clock_.Now());
  event.action = "accounts.payee." + verb;
  event.actor = FormatId(IdKind::kUser, user_id);
  event.subject = FormatId(IdKind::kPayee, payee_id);
  event.origin = origin;
  return event;
}

Task<absl::StatusOr<Payees::Checked>> Payees::Check(Uuid account_id, std::string name) {
  FLORIN_CO_RETURN_IF_ERROR(CheckName(name));
  std::vector<Uuid> ids = {account_id};
  absl::StatusOr<std::vector<HeldAccount>> held = co_await accounts_.LookUp(std::move(ids));
  if (!held.ok()) co_return held.status();
  if (held->empty()) {
    co_return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
  }
  Checked checked{.match = MatchNames(name, held->front().holder_name), .holder_name = ""};
  if (checked.match == NameMatch::kCloseMatch) {
    checked.holder_name = std::move(held->front().holder_name);
  }
  co_return checked;
}

Task<absl::StatusOr<Payees::Outcome>> Payees::Create(Request request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckName(request.name));
  if (request.account_id.has_value() != request.iban.empty()) {
    co_return Error(Reason::kInvalidField, "either an account or an IBAN", {.param = "account_id"});
  }
  const absl::Time now = InMicroseconds(clock_.Now());
  Payee payee{.payee_id = ids_.NewId(),
              .user_id = request.user_id,
              .customer_id = request.customer_id,
              .account_id = request.account_id,
              .details = {.name = request.name, .iban = ""},
              .create_time = now,
              .usable_time = now + cooling_off_};
  if (!request.account_id) {
    FLORIN_CO_ASSIGN_OR_RETURN(payee.details.iban, CanonicalIban(request.iban));
  }
  const Uuid payee_id = payee.payee_id;
  RequestKey key{.idempotency_key = std::move(request.idempotency_key),
                 .fingerprint = crypto::Sha256(CanonicalPayee(payee, request.accept_name)),
                 .origin = request.origin};
  // What the key stands for stays, whatever the holder is called by now.
  absl::StatusOr<std::optional<StoredPayee>> known =
      co_await payees_.FindPayeeOfKey(request.user_id, key);
  if (!known.ok()) co_return known.status();
  StoredPayee stored;
  if (known->has_value()) {
    stored = **std::move(known);
  } else {
    if (request.account_id) {
      const absl::StatusOr<Checked> checked = co_await Check(*request.account_id, request.name);
      if (!checked.ok()) co_return checked.status();
      FLORIN_CO_RETURN_IF_ERROR(CheckAccepted(checked->match, request.accept_name));
      payee.name_match = checked->match;
    }
    audit::Event event = EventOf("create", request.user_id, payee_id, request.origin);
    event.details = {{"name_match", std::string(NameOf(payee.name_match))}};
    absl::StatusOr<StoredPayee> inserted =
        co_await payees_.InsertPayee(std::move(payee), std::move(key), std::move(event));
    if (!inserted.ok()) co_return inserted.status();
    stored = *std::move(inserted);
  }
  if (!stored.same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored.payee.payee_id != payee_id;
  co_return Outcome{.payee = std::move(stored.payee), .replayed = replayed};
}

Task<absl::StatusOr<Payee>> Payees::Delete(Uuid user_id, Uuid payee_id, audit::Origin origin) {
  audit::Event event = EventOf("delete", user_id, payee_id, origin);
  co_return co_await payees_.DeletePayee(user_id, payee_id, std::move(event));
}

}  // namespace florin::accounts
