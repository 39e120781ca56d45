#include "services/ledger/domain/opening_rules.h"

#include <algorithm>

namespace florin::ledger {

bool IsBookName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

absl::Status BookNotFound() {
  return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
}

absl::Status CheckBook(std::string_view name) {
  return IsBookName(name) ? absl::OkStatus() : BookNotFound();
}

absl::Status CheckTerms(const AccountTerms& terms) {
  if (terms.debits_must_not_exceed_credits && terms.credits_must_not_exceed_debits) {
    return Error(Reason::kInvalidLimits, "an account has one of the two limits at most",
                 {.param = "credits_must_not_exceed_debits"});
  }
  if (terms.credit_line_minor < 0) {
    return Error(Reason::kInvalidLimits, "a credit line is zero or more",
                 {.param = "credit_line_minor"});
  }
  if (terms.credit_line_minor > 0 && !terms.debits_must_not_exceed_credits) {
    return Error(Reason::kInvalidLimits, "a credit line needs debits_must_not_exceed_credits",
                 {.param = "credit_line_minor"});
  }
  return absl::OkStatus();
}

std::optional<std::string> FirstDifference(const AccountTerms& first, const AccountTerms& second) {
  if (first.currency != second.currency) return "currency";
  if (first.normal_side != second.normal_side) return "normal_side";
  if (first.debits_must_not_exceed_credits != second.debits_must_not_exceed_credits) {
    return "debits_must_not_exceed_credits";
  }
  if (first.credits_must_not_exceed_debits != second.credits_must_not_exceed_debits) {
    return "credits_must_not_exceed_debits";
  }
  if (first.credit_line_minor != second.credit_line_minor) return "credit_line_minor";
  return std::nullopt;
}

}  // namespace florin::ledger
