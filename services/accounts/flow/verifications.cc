#include "services/accounts/flow/verifications.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/crypto/sha256.h"
#include "libs/telemetry/log.h"

namespace florin::accounts {
namespace {

// How long an answer may take before the verifier is asked again, and before nobody waits for it
// any more.
constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kLife = absl::Hours(7 * 24);
constexpr int kAtOnce = 100;

// The end of a verification: there is one, whoever causes it.
audit::Event EndOf(const Uuid& verification_id, VerificationEvent what, std::string actor,
                   absl::Time now, const audit::Origin& origin) {
  const std::string subject = FormatId(IdKind::kVerification, verification_id);
  audit::Event event;
  event.event_id = DeriveId("florin.accounts.verification.end", subject);
  event.time = now;
  event.action = "accounts.verification." + std::string(NameOf(what));
  event.actor = std::move(actor);
  event.subject = subject;
  event.origin = origin;
  return event;
}

}  // namespace

Task<absl::StatusOr<Verifications::Outcome>> Verifications::Run(Request request) {
  const absl::Time now = InMicroseconds(clock_.Now());
  Verification verification{.verification_id = ids_.NewId(),
                            .user_id = request.user_id,
                            .customer_id = request.customer_id,
                            .level = request.level,
                            .create_time = now,
                            .update_time = now,
                            .expire_time = now + kLife};
  const Uuid verification_id = verification.verification_id;
  Profile profile;
  Decide decide = [&profile,
                   level = request.level](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    const Circumstances circumstances{.leaving = before.leaving_to.has_value(),
                                      .verification_pending = before.verification_pending};
    FLORIN_RETURN_IF_ERROR(NextState(before.customer.state, CustomerEvent::kRequestVerification,
                                     Cause::kOwner, circumstances)
                               .status());
    FLORIN_RETURN_IF_ERROR(CheckComplete(before.profile, level));
    profile = before.profile;
    return Decided{.after = before};
  };
  RequestKey key{
      .idempotency_key = std::move(request.idempotency_key),
      .fingerprint = crypto::Sha256(CanonicalVerification(request.customer_id, request.level)),
      .origin = std::move(request.origin)};
  const absl::Time next = verifier_ == nullptr ? now + kLife : now + kPatience;
  absl::StatusOr<StoredVerification> stored = co_await store_.InsertVerification(
      std::move(verification), std::move(key), next, std::move(decide));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->verification.verification_id != verification_id;
  // What fails here is asked again by the worker.
  if (!replayed) (void)co_await Ask(stored->verification, std::move(profile));
  co_return Outcome{.verification = std::move(stored->verification), .replayed = replayed};
}

Task<absl::Status> Verifications::Ask(const Verification& verification, Profile profile) {
  if (verifier_ == nullptr) co_return absl::OkStatus();
  IdentityVerifier::Subject subject{.verification_id = verification.verification_id,
                                    .level = verification.level,
                                    .profile = std::move(profile)};
  const absl::Status asked = co_await verifier_->Begin(std::move(subject));
  if (!asked.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "the verifier could not be asked",
                   {{"error", std::string(asked.message())}});
  }
  co_return asked;
}

Task<absl::Status> Verifications::Deliver(IdentityVerifier::Result result) {
  const VerificationEvent what =
      result.result.approved ? VerificationEvent::kApprove : VerificationEvent::kReject;
  audit::Event event = EndOf(result.verification_id, what, "verifier", InMicroseconds(clock_.Now()),
                             audit::Origin());
  // A verifier's sentence about a person is not kept.
  std::string reason = IsReasonCode(result.result.reason) ? result.result.reason : "other";
  const absl::StatusOr<Verification> ended = co_await store_.EndVerification(
      result.verification_id, what, Cause::kVerifier, std::move(reason), std::move(event));
  if (ReasonOf(ended.status()) == Reason::kVerificationNotFound) {
    telemetry::Log(telemetry::Severity::kWarning, "a result for no verification", {});
    co_return absl::OkStatus();
  }
  co_return ended.status();
}

Task<absl::StatusOr<Verification>> Verifications::DecideBy(Decision decision) {
  if (!decision.result.approved && !IsReasonCode(decision.result.reason)) {
    co_return Error(Reason::kInvalidField, "1 to 40 of a-z and _", {.param = "reason"});
  }
  const absl::StatusOr<Verification> found =
      co_await store_.FindVerification(decision.verification_id);
  if (!found.ok()) co_return found.status();
  if (found->user_id == decision.operator_id) {
    co_return Error(Reason::kSelfApproval, "nobody decides on themselves");
  }
  const VerificationEvent what =
      decision.result.approved ? VerificationEvent::kApprove : VerificationEvent::kReject;
  audit::Event event =
      EndOf(decision.verification_id, what, FormatId(IdKind::kUser, decision.operator_id),
            InMicroseconds(clock_.Now()), decision.origin);
  co_return co_await store_.EndVerification(decision.verification_id, what, Cause::kOperator,
                                            std::move(decision.result.reason), std::move(event));
}

Task<absl::StatusOr<int>> Verifications::DeliverAll() {
  if (verifier_ == nullptr) co_return 0;
  absl::StatusOr<std::vector<IdentityVerifier::Result>> results = co_await verifier_->Collect();
  if (!results.ok()) co_return results.status();
  int count = 0;
  for (IdentityVerifier::Result& result : *results) {
    // One that is lost here is asked for again.
    FLORIN_CO_RETURN_IF_ERROR(co_await Deliver(std::move(result)));
    ++count;
  }
  co_return count;
}

Task<absl::StatusOr<int>> Verifications::AskAgain() {
  const absl::Time now = InMicroseconds(clock_.Now());
  absl::StatusOr<std::vector<DueVerification>> due =
      co_await store_.ClaimVerifications(now, now + kPatience, kAtOnce);
  if (!due.ok()) co_return due.status();
  for (DueVerification& one : *due) {
    const Uuid id = one.verification.verification_id;
    if (one.verification.expire_time > now) {
      (void)co_await Ask(one.verification, std::move(one.profile));
      continue;
    }
    audit::Event event = EndOf(id, VerificationEvent::kExpire, "accounts", now, audit::Origin());
    std::string no_reason;
    const absl::StatusOr<Verification> ended = co_await store_.EndVerification(
        id, VerificationEvent::kExpire, Cause::kService, std::move(no_reason), std::move(event));
    if (!ended.ok()) co_return ended.status();
  }
  co_return static_cast<int>(due->size());
}

Task<absl::StatusOr<int>> Verifications::RunOnce() {
  absl::StatusOr<int> delivered = co_await DeliverAll();
  absl::StatusOr<int> asked = 0;
  if (delivered.ok()) asked = co_await AskAgain();
  const absl::Status status = delivered.ok() ? asked.status() : delivered.status();
  if (!status.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "verifications wait",
                   {{"error", std::string(status.message())}});
    co_return status;
  }
  co_return *delivered + *asked;
}

}  // namespace florin::accounts
