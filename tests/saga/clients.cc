#include "tests/saga/clients.h"

#include <utility>

namespace florin::saga {
namespace {

using payments::StepKind;

Task<absl::Status> GetQuote(Asking asking) {
  Promise& promise = *asking.promise;
  if (!promise.quote || !promise.request->quote_id.is_nil()) co_return absl::OkStatus();
  payments::QuoteRequest wanted = *promise.quote;
  const absl::StatusOr<payments::Quote> quote =
      co_await asking.process->create_quote().Run(promise.user, std::move(wanted));
  if (!quote.ok()) co_return quote.status();
  // The first one, if several calls have asked.
  if (promise.request->quote_id.is_nil()) promise.request->quote_id = quote->quote_id;
  co_return absl::OkStatus();
}

// As the handlers do: captures, voids, refunds and acceptances are the payee's.
Task<absl::Status> CheckParty(Asking asking, payments::Step step) {
  rpc::Outgoing context;
  if (step.kind == StepKind::kResolve) co_return absl::OkStatus();
  const bool payer = step.kind == StepKind::kDispute || step.kind == StepKind::kWithdraw;
  payments::PaymentParties& parties = asking.process->parties();
  if (payer) {
    const absl::StatusOr<payments::Payment> found =
        co_await parties.FindAsPayer(std::move(context), step.user_id, step.payment_id);
    co_return found.status();
  }
  const absl::StatusOr<payments::SeenPayment> found =
      co_await parties.FindAsPayee(std::move(context), step.user_id, step.payment_id);
  co_return found.status();
}

// As the handlers do: confirmed or given up, the order is read again.
template <class Order>
Task<void> NoteConfirmed(Asking asking, absl::Status confirmed, Task<absl::StatusOr<Order>> order) {
  if (ReasonOf(confirmed) == Reason::kApprovalPending) co_return;
  absl::StatusOr<Order> kept = Error(Reason::kInternal, "not asked");
  if (confirmed.ok()) {
    kept = co_await std::move(order);
  } else {
    kept = confirmed;
  }
  asking.world->Note(*asking.promise, std::move(kept));
}

}  // namespace

Task<void> AskForPayment(Asking asking, payments::PaymentRequest request) {
  Promise& promise = *asking.promise;
  const bool kept = promise.kept;
  const absl::Status quoted = co_await GetQuote(asking);
  if (quoted.ok()) {
    if (promise.quote) request.quote_id = promise.request->quote_id;
    rpc::Outgoing context;
    audit::Origin nobody;
    absl::StatusOr<payments::CreatePayment::Outcome> outcome =
        co_await asking.process->create().Run(std::move(context), promise.user, promise.key,
                                              std::move(request), std::move(nobody));
    if (asking.other) {
      asking.world->NoteOther(promise, outcome.status());
    } else if (outcome.ok()) {
      asking.world->NoteReplayed(promise, outcome->replayed);
      asking.world->Note(promise, std::move(outcome->payment), kept);
    } else {
      asking.world->Note(promise, outcome.status(), kept);
    }
  }
  asking.world->Ended(asking.call);
}

Task<void> AskForStep(Asking asking, payments::Step step) {
  Promise& promise = *asking.promise;
  absl::Status status = co_await CheckParty(asking, step);
  if (status.ok()) {
    audit::Origin nobody;
    absl::StatusOr<payments::ChargeSteps::Outcome> outcome =
        co_await asking.process->steps().Run(std::move(step), promise.key, std::move(nobody));
    if (outcome.ok() && !asking.other) {
      asking.world->NoteReplayed(promise, outcome->replayed);
      asking.world->Note(promise, std::move(outcome->step));
      asking.world->Ended(asking.call);
      co_return;
    }
    status = outcome.status();
    if (asking.other) {
      asking.world->NoteOther(promise, status);
      asking.world->Ended(asking.call);
      co_return;
    }
  }
  absl::StatusOr<payments::Step> failed = status;
  asking.world->Note(promise, std::move(failed));
  asking.world->Ended(asking.call);
}

Task<void> AskForPayout(Asking asking, payments::PayoutRequest request) {
  Promise& promise = *asking.promise;
  const bool kept = promise.kept;
  rpc::Outgoing context;
  audit::Origin nobody;
  absl::StatusOr<payments::Payouts::Outcome> outcome = co_await asking.process->payouts().Create(
      std::move(context), promise.user, promise.key, std::move(request), std::move(nobody));
  if (asking.other) {
    asking.world->NoteOther(promise, outcome.status());
  } else if (outcome.ok()) {
    asking.world->NoteReplayed(promise, outcome->replayed);
    asking.world->Note(promise, std::move(outcome->payout.payment), kept);
  } else {
    absl::StatusOr<payments::Payment> failed = outcome.status();
    asking.world->Note(promise, std::move(failed), kept);
  }
  asking.world->Ended(asking.call);
}

Task<void> AskForSchedule(Asking asking, payments::Schedule wanted) {
  Promise& promise = *asking.promise;
  rpc::Outgoing context;
  audit::Origin nobody;
  absl::StatusOr<payments::CreateSchedule::Outcome> outcome =
      co_await asking.process->create_schedule().Run(std::move(context), std::move(wanted),
                                                     promise.key, std::move(nobody));
  if (asking.other) {
    // By now its first day may be over, which is looked at first.
    if (ReasonOf(outcome.status()) != Reason::kInvalidSchedule) {
      asking.world->NoteOther(promise, outcome.status());
    }
  } else if (outcome.ok()) {
    asking.world->NoteReplayed(promise, outcome->replayed);
    asking.world->Note(promise, std::move(outcome->schedule));
  } else {
    absl::StatusOr<payments::Schedule> failed = outcome.status();
    asking.world->Note(promise, std::move(failed));
  }
  asking.world->Ended(asking.call);
}

Task<void> AskForBulk(Asking asking, WantedBulk wanted) {
  Promise& promise = *asking.promise;
  rpc::Outgoing context;
  absl::StatusOr<payments::BulkOrders::Outcome> outcome =
      co_await asking.process->bulk_orders().Create(
          std::move(context), promise.user, wanted.source_account_id, wanted.mode, promise.key);
  if (asking.other) {
    asking.world->NoteOther(promise, outcome.status());
  } else if (outcome.ok()) {
    asking.world->NoteReplayed(promise, outcome->replayed);
    asking.world->Note(promise, std::move(outcome->bulk));
  } else {
    absl::StatusOr<payments::Bulk> failed = outcome.status();
    asking.world->Note(promise, std::move(failed));
  }
  asking.world->Ended(asking.call);
}

Task<void> AskToAdd(Asking asking, std::vector<payments::BulkItem> chunk,
                    std::optional<Reason> wrong) {
  Promise& promise = *asking.promise;
  const Uuid id = promise.collected->bulk_id;
  absl::StatusOr<payments::Bulk> bulk =
      co_await asking.process->bulk_orders().Add(promise.user, id, chunk);
  if (wrong) {
    asking.world->NoteWrongChunk(promise, bulk.status(), *wrong);
  } else {
    if (bulk.ok()) {
      for (const payments::BulkItem& item : chunk) promise.bulk->added.insert(item.item_id);
    }
    asking.world->Note(promise, std::move(bulk));
  }
  asking.world->Ended(asking.call);
}

Task<void> AskToSubmit(Asking asking) {
  Promise& promise = *asking.promise;
  rpc::Outgoing context;
  audit::Origin nobody;
  const Uuid id = promise.collected->bulk_id;
  absl::StatusOr<payments::Bulk> bulk = co_await asking.process->bulk_orders().Submit(
      std::move(context), promise.user, id, std::move(nobody));
  asking.world->Note(promise, std::move(bulk));
  asking.world->Ended(asking.call);
}

Task<void> AskToCancelBulk(Asking asking) {
  Promise& promise = *asking.promise;
  audit::Origin nobody;
  const Uuid id = promise.collected->bulk_id;
  absl::StatusOr<payments::Bulk> bulk = co_await asking.process->bulk_store().ChangeBulk(
      promise.user, id, payments::BulkEvent::kCancel, asking.world->kept().clock.Now(),
      std::move(nobody));
  asking.world->Note(promise, std::move(bulk));
  asking.world->Ended(asking.call);
}

Task<void> AskToConfirm(Asking asking) {
  Promise& promise = *asking.promise;
  rpc::Outgoing context;
  audit::Origin nobody;
  const Uuid id = promise.payment->payment_id;
  absl::StatusOr<payments::Payment> payment = co_await asking.process->confirm().Run(
      std::move(context), promise.user, id, std::move(nobody));
  if (ReasonOf(payment.status()) != Reason::kApprovalPending) {
    asking.world->Note(promise, std::move(payment), true);
  }
  asking.world->Ended(asking.call);
}

Task<void> AskToConfirmOrder(Asking asking) {
  Promise& promise = *asking.promise;
  PaymentsProcess& process = *asking.process;
  rpc::Outgoing context;
  audit::Origin nobody;
  const bool bulk = promise.collected.has_value();
  const Uuid id = bulk ? promise.collected->bulk_id : promise.ordered->schedule_id;
  payments::ConfirmOrder& confirm = bulk ? process.confirm_bulk() : process.confirm_order();
  absl::Status confirmed =
      co_await confirm.Run(std::move(context), promise.user, id, std::move(nobody));
  if (bulk) {
    co_await NoteConfirmed(asking, std::move(confirmed),
                           process.bulk_store().GetBulk(promise.user, id));
  } else {
    co_await NoteConfirmed(asking, std::move(confirmed),
                           process.schedule_store().GetSchedule(promise.user, id));
  }
  asking.world->Ended(asking.call);
}

Task<void> AskToCancel(Asking asking) {
  Promise& promise = *asking.promise;
  audit::Origin nobody;
  const Uuid id = promise.payment->payment_id;
  absl::StatusOr<payments::Payment> payment = Error(Reason::kInternal, "not asked");
  if (promise.payout) {
    const absl::StatusOr<payments::Payout> payout =
        co_await asking.process->payouts().Cancel(promise.user, id, std::move(nobody));
    if (payout.ok()) {
      payment = payout->payment;
    } else {
      payment = payout.status();
    }
  } else {
    payment = co_await asking.process->confirm().Cancel(promise.user, id, std::move(nobody));
  }
  if (ReasonOf(payment.status()) != Reason::kPaymentNotCancelable) {
    asking.world->Note(promise, std::move(payment), true);
  }
  asking.world->Ended(asking.call);
}

Task<void> SubmitEvidence(Asking asking, Uuid payee) {
  Promise& promise = *asking.promise;
  payments::EvidenceIntent intent{.dispute_id = promise.ended->step_id,
                                  .user_id = payee,
                                  .idempotency_key = "evidence of " + promise.key,
                                  .fingerprint = crypto::Sha256(promise.key),
                                  .texts = {"a photo of the parcel"}};
  const absl::StatusOr<payments::Dispute> dispute = co_await asking.process->store().AddEvidence(
      std::move(intent), asking.world->kept().clock.Now());
  asking.world->Count("evidence " + std::string(dispute.ok() ? "kept" : "refused or unknown"));
  asking.world->Ended(asking.call);
}

}  // namespace florin::saga
