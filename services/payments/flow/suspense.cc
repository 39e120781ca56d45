#include "services/payments/flow/suspense.h"

#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/flow/agreement.h"

namespace florin::payments {
namespace {

constexpr int kClaimedAtOnce = 100;
constexpr char kProposalKind[] = "payments.suspense";

std::string TextOf(const SuspenseItem& item) { return FormatSuspenseId(item.item_id); }

SuspenseResolution ResolutionOf(const Suspense::Asked& asked) {
  return {.item_id = asked.item_id,
          .kind = asked.kind,
          .account_id = asked.account_id,
          .operator_id = asked.operator_id,
          .proposal_id = asked.proposal_id};
}

}  // namespace

Task<absl::StatusOr<Suspense::Outcome>> Suspense::Resolve(rpc::Outgoing context, Asked asked) {
  std::string payload = PayloadOf(ResolutionOf(asked));
  const crypto::Digest fingerprint = crypto::Sha256(payload);
  absl::StatusOr<std::optional<StoredResolution>> known =
      co_await parts_.store.FindResolution(asked.operator_id, asked.idempotency_key, fingerprint);
  if (!known.ok()) co_return known.status();
  if (!known->has_value()) {
    absl::StatusOr<SuspenseResolution> resolution = co_await Check(context, asked);
    if (!resolution.ok()) co_return resolution.status();
    FLORIN_CO_RETURN_IF_ERROR(co_await Consume(std::move(context), asked, std::move(payload)));
    absl::StatusOr<StoredResolution> begun = co_await parts_.store.Begin(
        *std::move(resolution), asked.idempotency_key, fingerprint, std::move(asked.origin));
    if (!begun.ok()) co_return begun.status();
    *known = *std::move(begun);
  }
  StoredResolution stored = **std::move(known);
  if (!stored.same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  absl::StatusOr<KeptSuspense> kept = co_await Drive(std::move(stored.kept), /*and_send=*/true);
  if (!kept.ok()) co_return kept.status();
  co_return Outcome{.kept = *std::move(kept), .replayed = stored.replayed};
}

Task<absl::StatusOr<SuspenseResolution>> Suspense::Check(rpc::Outgoing context,
                                                         const Asked& asked) {
  const absl::StatusOr<KeptSuspense> kept = co_await parts_.store.FindItem(asked.item_id);
  if (!kept.ok()) co_return kept.status();
  if (StateOf(*kept) != SuspenseState::kOpen) co_return AlreadyResolved();
  SuspenseResolution resolution = ResolutionOf(asked);
  resolution.resolution_id = parts_.ids.NewId();
  resolution.payment_id = parts_.ids.NewId();
  resolution.create_time = resolution.update_time = NowInMicroseconds(parts_.clock);
  if (asked.kind == ResolutionKind::kReturn) {
    FLORIN_CO_RETURN_IF_ERROR(CheckReturnable(kept->item));
    if (!parts_.rails.contains(kept->item.rail)) {
      co_return Error(Reason::kRailNotFound, "the rail is not there any more");
    }
    co_return resolution;
  }
  std::vector<Uuid> ids = {asked.account_id};
  const auto found = co_await parts_.accounts.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  const std::optional<KnownAccount>& known = found->front();
  std::optional<AccountFacts> account;
  if (known) account = *known;
  FLORIN_CO_RETURN_IF_ERROR(CheckAssignable(kept->item, account, parts_.settlement.book()));
  resolution.owner_id = account->owner_user_id;
  co_return resolution;
}

Task<absl::Status> Suspense::Consume(rpc::Outgoing context, const Asked& asked,
                                     std::string payload) {
  const std::string name = FormatId(IdKind::kUser, asked.operator_id) + " " + asked.idempotency_key;
  Agreement agreement{
      .proposal_id = FormatId(IdKind::kProposal, asked.proposal_id),
      .kind = kProposalKind,
      .payload = std::move(payload),
      .execution_id = DeriveId("florin.payments.suspense_resolution", name).ToString()};
  co_return co_await payments::Consume(parts_.proposals, std::move(context), std::move(agreement));
}

Task<absl::StatusOr<KeptSuspense>> Suspense::Drive(KeptSuspense kept, bool and_send) {
  if (kept.resolution->state != ResolutionState::kPending) co_return kept;
  const absl::Time now = NowInMicroseconds(parts_.clock);
  Intent intent{.payment = PaymentOf(kept.item, *kept.resolution, now),
                .idempotency_key = IdempotencyKeyOf(*kept.resolution),
                .fingerprint = crypto::Sha256(PayloadOf(*kept.resolution))};
  const bool returned = kept.resolution->kind == ResolutionKind::kReturn;
  if (returned) {
    intent.payout = PayoutTerms{.beneficiary = SenderOf(kept.item), .rail = kept.item.rail};
  }
  std::vector<Intent> one;
  one.push_back(std::move(intent));
  auto stored = co_await parts_.payments.InsertIntents(std::move(one));
  if (!stored.ok()) co_return stored.status();
  if (!returned) co_return co_await Assign(kept, std::move(stored->front().payment));
  if (!and_send) co_return kept;
  // Which records how it ended.
  const absl::StatusOr<Payout> payout = co_await parts_.payouts.Run(kept.resolution->payment_id);
  if (!payout.ok()) co_return payout.status();
  const absl::StatusOr<KeptSuspense> after = co_await parts_.store.FindItem(kept.item.item_id);
  if (!after.ok()) co_return after.status();
  // Unless another one was tried since.
  if (after->resolution->resolution_id == kept.resolution->resolution_id) co_return *after;
  co_return kept;
}

Task<absl::StatusOr<KeptSuspense>> Suspense::Assign(const KeptSuspense& kept, Payment payment) {
  if (payment.state == State::kProcessing) {
    absl::StatusOr<Payment> settled = co_await parts_.settlement.Settle(std::move(payment));
    if (!settled.ok()) co_return settled.status();
    payment = *std::move(settled);
  }
  const bool well = payment.state == State::kSucceeded;
  telemetry::Count("florin_suspense_assigned_total",
                   {{"result", well ? "assigned" : payment.failure_reason}});
  const ResolutionState state = well ? ResolutionState::kDone : ResolutionState::kRefused;
  const std::string no_code;
  co_return co_await parts_.store.End(kept.resolution->payment_id, state, payment.failure_reason,
                                      no_code, NowInMicroseconds(parts_.clock));
}

Task<absl::StatusOr<int>> Suspense::RunOnce() {
  absl::StatusOr<std::vector<KeptSuspense>> claimed =
      co_await parts_.store.ClaimPending(NowInMicroseconds(parts_.clock), kClaimedAtOnce);
  if (!claimed.ok()) co_return claimed.status();
  for (KeptSuspense& kept : *claimed) {
    // One that does not get on keeps no other from it, and is claimed again.
    const std::string id = TextOf(kept.item);
    const absl::StatusOr<KeptSuspense> driven = co_await Drive(std::move(kept), /*and_send=*/false);
    if (driven.ok()) continue;
    telemetry::Log(telemetry::Severity::kWarning, "an item of suspense does not get on",
                   {{"item_id", id}, {"error", std::string(driven.status().message())}});
  }
  co_return static_cast<int>(claimed->size());
}

}  // namespace florin::payments
