#include "services/auth/domain/payment_approval.h"

#include "libs/status/check.h"
#include "libs/text/text.h"

namespace florin::auth {
namespace {

constexpr ApprovalKind kKinds[] = {ApprovalKind::kPayment, ApprovalKind::kSchedule,
                                   ApprovalKind::kBulk};
constexpr ApprovalState kStates[] = {ApprovalState::kPending, ApprovalState::kApproved,
                                     ApprovalState::kDeclined, ApprovalState::kRedeemed,
                                     ApprovalState::kVoid};

absl::Status Invalid(std::string_view field, std::string_view why) {
  return Error(Reason::kInvalidField, why, {.param = std::string(field)});
}

absl::Status Expired() { return Error(Reason::kApprovalExpired, "the time to approve is over"); }
absl::Status Declined() { return Error(Reason::kApprovalDeclined, "the payer has declined"); }
absl::Status Used() { return Error(Reason::kApprovalUsed, "the approval is used up"); }

void End(PaymentApproval& approval, ApprovalState state, absl::Time now) {
  approval.state = state;
  approval.end_time = now;
}

}  // namespace

std::string_view NameOf(ApprovalKind kind) {
  switch (kind) {
    case ApprovalKind::kPayment:
      return "payment";
    case ApprovalKind::kSchedule:
      return "schedule";
    case ApprovalKind::kBulk:
      return "bulk";
  }
  FLORIN_CHECK(false, "every kind has a name");
  return {};
}

absl::StatusOr<ApprovalKind> ParseApprovalKind(std::string_view name) {
  for (const ApprovalKind kind : kKinds) {
    if (name == NameOf(kind)) return kind;
  }
  return Error(Reason::kInternal, "no kind of approval has this name");
}

std::string_view NameOf(ApprovalState state) {
  switch (state) {
    case ApprovalState::kPending:
      return "pending";
    case ApprovalState::kApproved:
      return "approved";
    case ApprovalState::kDeclined:
      return "declined";
    case ApprovalState::kRedeemed:
      return "redeemed";
    case ApprovalState::kVoid:
      return "void";
  }
  FLORIN_CHECK(false, "every state has a name");
  return {};
}

absl::StatusOr<ApprovalState> ParseApprovalState(std::string_view name) {
  for (const ApprovalState state : kStates) {
    if (name == NameOf(state)) return state;
  }
  return Error(Reason::kInternal, "no state of an approval has this name");
}

absl::Status CheckApproval(const PaymentApproval& approval, std::size_t nonce_size) {
  if (approval.amount.minor_units <= 0) return Invalid("amount", "must be more than zero");
  const std::optional<std::size_t> length = CountPlainCharacters(approval.payee_name);
  if (!length || *length == 0 || *length > kLongestPayeeName) {
    return Invalid("payee_name", "1 to 140 characters of UTF-8 without control characters");
  }
  const std::optional<std::size_t> terms = CountPlainCharacters(approval.terms);
  const bool order = approval.kind != ApprovalKind::kPayment;
  if (!terms || (*terms > 0) != order || *terms > kLongestTerms) {
    return Invalid("terms", "of an order 1 to 400 characters of UTF-8 without control characters");
  }
  if ((approval.kind == ApprovalKind::kBulk) != approval.payee_account_id.is_nil()) {
    return Invalid("payee_account_id", "of the one payee");
  }
  if (approval.nonce.size() != nonce_size) return Invalid("nonce", "has another size");
  return absl::OkStatus();
}

bool AskForTheSame(const PaymentApproval& a, const PaymentApproval& b) {
  return a.approval_id == b.approval_id && a.user_id == b.user_id && a.payment_id == b.payment_id &&
         a.amount == b.amount && a.payee_account_id == b.payee_account_id &&
         a.payee_name == b.payee_name && a.nonce == b.nonce && a.expire_time == b.expire_time &&
         a.kind == b.kind && a.terms == b.terms;
}

bool HasExpired(const PaymentApproval& approval, absl::Time now) {
  const bool open =
      approval.state == ApprovalState::kPending || approval.state == ApprovalState::kApproved;
  return open && now >= approval.expire_time;
}

absl::Status CheckApprovable(const PaymentApproval& approval, absl::Time now) {
  if (approval.state == ApprovalState::kDeclined) return Declined();
  if (approval.state == ApprovalState::kRedeemed || approval.state == ApprovalState::kVoid) {
    return Used();
  }
  return HasExpired(approval, now) ? Expired() : absl::OkStatus();
}

absl::Status Approve(PaymentApproval& approval, absl::Time now) {
  FLORIN_RETURN_IF_ERROR(CheckApprovable(approval, now));
  if (approval.state == ApprovalState::kApproved) return absl::OkStatus();
  approval.state = ApprovalState::kApproved;
  approval.approve_time = now;
  return absl::OkStatus();
}

absl::Status Decline(PaymentApproval& approval, absl::Time now) {
  if (approval.state == ApprovalState::kDeclined) return absl::OkStatus();
  FLORIN_RETURN_IF_ERROR(CheckApprovable(approval, now));
  End(approval, ApprovalState::kDeclined, now);
  return absl::OkStatus();
}

absl::Status Redeem(PaymentApproval& approval, const Uuid& payment_id, bool same_binding,
                    bool only_if_redeemed, absl::Time now) {
  const bool same = same_binding && payment_id == approval.payment_id;
  if (approval.state == ApprovalState::kRedeemed && same) return absl::OkStatus();
  FLORIN_RETURN_IF_ERROR(CheckApprovable(approval, now));
  if (!same) {
    End(approval, ApprovalState::kVoid, now);
    return Error(Reason::kApprovalMismatch, "what is to be executed is not what was approved");
  }
  if (approval.state == ApprovalState::kPending || only_if_redeemed) {
    return Error(Reason::kApprovalPending, "the approval was not given, or not used");
  }
  End(approval, ApprovalState::kRedeemed, now);
  return absl::OkStatus();
}

}  // namespace florin::auth
