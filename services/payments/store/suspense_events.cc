#include "services/payments/store/suspense_store.h"

namespace florin::payments {
namespace {

std::string ActionOf(const SuspenseResolution& resolution) {
  const std::string kind(NameOf(resolution.kind));
  switch (resolution.state) {
    case ResolutionState::kPending:
      return "payments.suspense." + kind;
    case ResolutionState::kDone:
      return "payments.suspense." + kind + "_done";
    case ResolutionState::kRefused:
      return "payments.suspense." + kind + "_refused";
  }
  return {};
}

void AddItem(const SuspenseItem& item, audit::Event& event) {
  event.subject = FormatSuspenseId(item.item_id);
  event.details["amount_minor"] = std::to_string(item.amount.minor_units);
  event.details["currency"] = std::string(item.amount.currency.code());
}

}  // namespace

audit::Event EventOf(const SuspenseItem& item) {
  audit::Event event;
  AddItem(item, event);
  event.event_id = DeriveId("florin.payments.suspense.keep", event.subject);
  event.time = item.create_time;
  event.action = "payments.suspense.receive";
  event.actor = "payments";
  event.details["rail"] = item.rail;
  if (!item.deposit_id.empty()) {
    event.details["deposit"] = item.deposit_id;
  } else {
    event.details["payment"] = FormatId(IdKind::kPayment, item.payment_id);
  }
  return event;
}

audit::Event EventOf(const SuspenseItem& item, const SuspenseResolution& resolution,
                     const audit::Origin& origin) {
  audit::Event event;
  AddItem(item, event);
  event.action = ActionOf(resolution);
  event.event_id = DeriveId("florin." + event.action, resolution.resolution_id.ToString());
  event.time = resolution.update_time;
  const bool begun = resolution.state == ResolutionState::kPending;
  const std::string operator_id = FormatId(IdKind::kUser, resolution.operator_id);
  event.actor = begun ? operator_id : "payments";
  if (!begun) event.on_behalf_of = operator_id;
  event.origin = origin;
  // Whose agreement it is: auth's own trail has the two people.
  event.details["proposal"] = FormatId(IdKind::kProposal, resolution.proposal_id);
  event.details["payment"] = FormatId(IdKind::kPayment, resolution.payment_id);
  if (resolution.kind == ResolutionKind::kAssign) {
    event.details["account"] = FormatId(IdKind::kAccount, resolution.account_id);
  }
  if (!resolution.failure_reason.empty()) event.details["failure"] = resolution.failure_reason;
  if (!resolution.rail_code.empty()) event.details["rail_code"] = resolution.rail_code;
  return event;
}

absl::Status NoSuchSuspense() {
  return Error(Reason::kSuspenseItemNotFound, "no such item of suspense");
}

absl::Status AlreadyResolved() {
  return Error(Reason::kSuspenseItemClosed, "the item is assigned or returned, or about to be");
}

}  // namespace florin::payments
