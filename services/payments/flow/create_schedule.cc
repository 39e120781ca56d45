#include "services/payments/flow/create_schedule.h"

#include <utility>

#include "services/payments/domain/approval.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {

Task<absl::StatusOr<CreateSchedule::Outcome>> CreateSchedule::Run(rpc::Outgoing context,
                                                                  Schedule wanted,
                                                                  std::string idempotency_key,
                                                                  audit::Origin origin) {
  FLORIN_CO_RETURN_IF_ERROR(CheckRequest(PaymentOf(wanted)));
  const absl::Time now = NowInMicroseconds(clock_);
  FLORIN_CO_RETURN_IF_ERROR(CheckRule(wanted.rule, now));
  absl::StatusOr<std::optional<OrderTerms>> terms = co_await CheckParties(context, wanted);
  if (!terms.ok()) co_return terms.status();
  wanted.schedule_id = ids_.NewId();
  wanted.state = ScheduleState::kActive;
  if (*terms) {
    wanted.state = ScheduleState::kRequiresAction;
    wanted.approval = **std::move(terms);
    wanted.approval->approval_id = OrderApprovalIdOf(IdKind::kSchedule, wanted.schedule_id);
    wanted.approval->expire_time = now + kApprovalTime;
  }
  wanted.next_number = 1;
  wanted.next_time = OccurrenceTime(wanted.rule, 1);
  wanted.create_time = wanted.update_time = now;
  const Uuid schedule_id = wanted.schedule_id;
  const crypto::Digest fingerprint = crypto::Sha256(CanonicalSchedule(wanted));
  ScheduleIntent intent{.schedule = std::move(wanted),
                        .idempotency_key = std::move(idempotency_key),
                        .fingerprint = fingerprint,
                        .origin = std::move(origin)};
  absl::StatusOr<StoredSchedule> stored = co_await store_.InsertSchedule(std::move(intent));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  const bool replayed = stored->schedule.schedule_id != schedule_id;
  if (stored->schedule.state == ScheduleState::kRequiresAction) {
    AwaitedOrder awaited = AwaitedOf(stored->schedule);
    FLORIN_CO_RETURN_IF_ERROR(co_await confirm_.Ask(std::move(context), std::move(awaited)));
  }
  co_return Outcome{.schedule = std::move(stored->schedule), .replayed = replayed};
}

Task<absl::StatusOr<std::optional<OrderTerms>>> CreateSchedule::CheckParties(rpc::Outgoing context,
                                                                             Schedule wanted) {
  std::vector<Uuid> ids = {wanted.source_account_id, wanted.destination_account_id};
  const auto found = co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  FLORIN_CO_RETURN_IF_ERROR(
      CheckAccounts(wanted.user_id, PaymentOf(wanted), (*found)[0], (*found)[1]));
  const bool to_self = (*found)[1]->owner_user_id == wanted.user_id;
  if (!DependsOnUse(policy_, Kind::kTransfer, to_self)) co_return std::optional<OrderTerms>();
  OrderTerms terms{.payee_name = PayeesText({(*found)[1]->holder_name}, 1),
                   .terms = TermsOf(wanted),
                   .nonce = crypto::RandomOctets(sca::kNonceSize)};
  co_return std::optional<OrderTerms>(std::move(terms));
}

}  // namespace florin::payments
