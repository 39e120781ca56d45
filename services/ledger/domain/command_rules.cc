#include "services/ledger/domain/command_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"
#include "libs/text/text.h"
#include "services/ledger/domain/opening_rules.h"

namespace florin::ledger {
namespace {

constexpr std::string_view kKinds[] = {
    "post",         "hold",          "capture",       "void",           "expire",
    "reversal",     "open_account",  "close_account", "reopen_account", "set_credit_line",
    "close_period", "freeze_account"};
static_assert(std::size(kKinds) == std::variant_size_v<Action>);

bool IsMetadataKey(const std::string& key) {
  return !key.empty() && key.size() <= kLongestMetadataKey &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

std::optional<Refusal> CheckMetadata(const Metadata& metadata) {
  if (metadata.size() > kMostMetadata) {
    return Refuse(Reason::kInvalidMetadata, "at most 16 keys", "metadata");
  }
  for (const auto& [key, value] : metadata) {
    if (!IsMetadataKey(key)) {
      return Refuse(Reason::kInvalidMetadata, "keys are 1 to 40 characters of [a-z0-9_]",
                    "metadata");
    }
    if (value.size() > kLongestMetadataValue || !CountPlainCharacters(value)) {
      return Refuse(Reason::kInvalidMetadata, "values are at most 200 bytes of plain text",
                    "metadata." + key);
    }
  }
  return std::nullopt;
}

std::optional<Refusal> CheckPostings(const std::vector<Posting>& postings) {
  if (postings.empty() || postings.size() > kMostPostings) {
    return Refuse(Reason::kTooManyItems, "a transaction has 1 to 64 postings", "postings");
  }
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const Posting& posting = postings[i];
    if (posting.debit_account_id == posting.credit_account_id) {
      return Refuse(Reason::kSameAccount, "a posting is between two accounts",
                    PostingField(i, "credit_account_id"));
    }
    if (posting.amount_minor <= 0) {
      return Refuse(Reason::kInvalidAmount, "an amount is more than zero",
                    PostingField(i, "amount_minor"));
    }
  }
  return std::nullopt;
}

std::optional<Refusal> CheckHold(const MakeHold& hold) {
  if (std::optional<Refusal> refusal = CheckPostings(hold.postings)) return refusal;
  if (hold.timeout && (*hold.timeout < absl::Microseconds(1) || *hold.timeout > kLongestHold)) {
    return Refuse(Reason::kInvalidTimeout, "a hold lasts one microsecond to ten years",
                  "hold.timeout");
  }
  return std::nullopt;
}

std::optional<Refusal> CheckCapture(const Capture& capture) {
  if (capture.amounts_minor.empty()) return std::nullopt;
  if (capture.amounts_minor.size() > kMostPostings) {
    return Refuse(Reason::kTooManyItems, "a hold has 1 to 64 postings", "capture.amounts_minor");
  }
  bool any = false;
  for (std::size_t i = 0; i < capture.amounts_minor.size(); ++i) {
    any |= capture.amounts_minor[i] > 0;
    if (capture.amounts_minor[i] < 0) {
      return Refuse(Reason::kInvalidAmount, "an amount to capture is zero or more",
                    absl::StrCat("capture.amounts_minor[", i, "]"));
    }
  }
  if (any) return std::nullopt;
  return Refuse(Reason::kInvalidAmount, "something is captured; to release all, void the hold",
                "capture.amounts_minor");
}

std::optional<Refusal> CheckTermsOf(const AccountTerms& terms) {
  const absl::Status status = CheckTerms(terms);
  if (status.ok()) return std::nullopt;
  return Refuse(*ReasonOf(status), std::string(status.message()), DetailOf(status).param);
}

// What is peculiar to the kind.
std::optional<Refusal> CheckAction(const Action& action) {
  if (const auto* post = std::get_if<Post>(&action)) return CheckPostings(post->postings);
  if (const auto* hold = std::get_if<MakeHold>(&action)) return CheckHold(*hold);
  if (const auto* capture = std::get_if<Capture>(&action)) return CheckCapture(*capture);
  if (const auto* open = std::get_if<OpenAccount>(&action)) return CheckTermsOf(open->terms);
  const auto* reverse = std::get_if<Reverse>(&action);
  if (reverse != nullptr && reverse->posting &&
      (*reverse->posting < 0 || *reverse->posting >= static_cast<std::int64_t>(kMostPostings))) {
    return Refuse(Reason::kInvalidField, "a posting's number is 0 to 63", "reversal.posting");
  }
  const auto* line = std::get_if<SetCreditLine>(&action);
  if (line != nullptr && line->credit_line_minor < 0) {
    return Refuse(Reason::kInvalidLimits, "a credit line is zero or more", "credit_line_minor");
  }
  return std::nullopt;
}

std::optional<Refusal> CheckEffectiveTime(const Command& command) {
  if (!command.effective_time) return std::nullopt;
  if (!MovesMoney(command.action)) {
    return Refuse(Reason::kInvalidField, "only what moves money has a business time",
                  "effective_time");
  }
  const auto* reverse = std::get_if<Reverse>(&command.action);
  if (reverse != nullptr && reverse->at_original_time) {
    return Refuse(Reason::kInvalidField, "the original's time or a time of its own, not both",
                  "effective_time");
  }
  return std::nullopt;
}

std::optional<Refusal> CheckPreconditions(const std::vector<Precondition>& preconditions) {
  if (preconditions.size() > kMostPreconditions) {
    return Refuse(Reason::kInvalidPrecondition, "at most 16", "preconditions");
  }
  for (std::size_t i = 0; i < preconditions.size(); ++i) {
    const Precondition& one = preconditions[i];
    const bool says_something = one.version || one.least_balance_minor || one.most_balance_minor;
    if (!says_something || (one.version && *one.version < 0)) {
      return Refuse(Reason::kInvalidPrecondition, "a version or a range of the balance",
                    absl::StrCat("preconditions[", i, "]"));
    }
  }
  return std::nullopt;
}

using Difference = std::optional<std::string>;

Difference DifferenceOf(const std::vector<Posting>& first, const std::vector<Posting>& second) {
  if (first.size() != second.size()) return "postings";
  for (std::size_t i = 0; i < first.size(); ++i) {
    const Posting& a = first[i];
    const Posting& b = second[i];
    if (a.debit_account_id != b.debit_account_id) return PostingField(i, "debit_account_id");
    if (a.credit_account_id != b.credit_account_id) return PostingField(i, "credit_account_id");
    if (a.amount_minor != b.amount_minor) return PostingField(i, "amount_minor");
    if (a.balancing_debit != b.balancing_debit) return PostingField(i, "balancing_debit");
    if (a.balancing_credit != b.balancing_credit) return PostingField(i, "balancing_credit");
  }
  return std::nullopt;
}

// One for each kind that can differ in more than one field.
Difference DifferenceOf(const Post& a, const Post& b) {
  return DifferenceOf(a.postings, b.postings);
}
Difference DifferenceOf(const MakeHold& a, const MakeHold& b) {
  if (Difference difference = DifferenceOf(a.postings, b.postings)) return difference;
  return a.timeout == b.timeout ? Difference() : "hold.timeout";
}
Difference DifferenceOf(const Capture& a, const Capture& b) {
  if (a.hold_id != b.hold_id) return "capture.hold_id";
  if (a.amounts_minor != b.amounts_minor) return "capture.amounts_minor";
  return a.final == b.final ? Difference() : "capture.final";
}
Difference DifferenceOf(const VoidHold& a, const VoidHold& b) {
  return a == b ? Difference() : "void.hold_id";
}
Difference DifferenceOf(const ExpireHold& a, const ExpireHold& b) {
  return a == b ? Difference() : "expire.hold_id";
}
Difference DifferenceOf(const Reverse& a, const Reverse& b) {
  if (a.transaction_id != b.transaction_id) return "reversal.transaction_id";
  if (a.posting != b.posting) return "reversal.posting";
  return a.at_original_time == b.at_original_time ? Difference() : "reversal.at_original_time";
}
Difference DifferenceOf(const OpenAccount& a, const OpenAccount& b) {
  return FirstDifference(a.terms, b.terms);
}
Difference DifferenceOf(const CloseAccount& a, const CloseAccount& b) {
  return a == b ? Difference() : "account_id";
}
Difference DifferenceOf(const ReopenAccount& a, const ReopenAccount& b) {
  return a == b ? Difference() : "account_id";
}
Difference DifferenceOf(const SetCreditLine& a, const SetCreditLine& b) {
  if (a.account_id != b.account_id) return "account_id";
  return a == b ? Difference() : "credit_line_minor";
}
Difference DifferenceOf(const ClosePeriod& a, const ClosePeriod& b) {
  return a == b ? Difference() : "until";
}

Difference DifferenceOf(const FreezeAccount& a, const FreezeAccount& b) {
  if (a.account_id != b.account_id) return "account_id";
  if (a.frozen.debits != b.frozen.debits) return "freeze.debits";
  return a == b ? Difference() : "freeze.credits";
}

Difference DifferenceOf(const Action& first, const Action& second) {
  if (first.index() != second.index()) return "kind";
  return std::visit(
      [&second]<class Kind>(const Kind& a) { return DifferenceOf(a, std::get<Kind>(second)); },
      first);
}

}  // namespace

std::string_view KindOf(const Action& action) { return kKinds[action.index()]; }

bool MovesMoney(const Action& action) {
  return PostingsOf(action) != nullptr || HoldOf(action) != nullptr ||
         std::holds_alternative<Reverse>(action);
}

const std::vector<Posting>* PostingsOf(const Action& action) {
  if (const auto* post = std::get_if<Post>(&action)) return &post->postings;
  if (const auto* hold = std::get_if<MakeHold>(&action)) return &hold->postings;
  return nullptr;
}

const Uuid* HoldOf(const Action& action) {
  if (const auto* capture = std::get_if<Capture>(&action)) return &capture->hold_id;
  if (const auto* release = std::get_if<VoidHold>(&action)) return &release->hold_id;
  if (const auto* expire = std::get_if<ExpireHold>(&action)) return &expire->hold_id;
  return nullptr;
}

const Uuid* AccountOf(const Action& action) {
  if (const auto* open = std::get_if<OpenAccount>(&action)) return &open->terms.account_id;
  if (const auto* close = std::get_if<CloseAccount>(&action)) return &close->account_id;
  if (const auto* reopen = std::get_if<ReopenAccount>(&action)) return &reopen->account_id;
  if (const auto* line = std::get_if<SetCreditLine>(&action)) return &line->account_id;
  if (const auto* freeze = std::get_if<FreezeAccount>(&action)) return &freeze->account_id;
  return nullptr;
}

Uuid OpeningIdOf(const Uuid& account_id) {
  return DeriveId("florin.ledger.open_account", account_id.ToString());
}

Uuid ExpiryIdOf(const Uuid& hold_id) {
  return DeriveId("florin.ledger.expire_hold", hold_id.ToString());
}

Refusal Refuse(Reason reason, std::string message, std::string param) {
  const auto rule = std::find_if(std::begin(kRefusalRules), std::end(kRefusalRules),
                                 [reason](const RefusalRule& row) { return row.reason == reason; });
  FLORIN_CHECK(rule != std::end(kRefusalRules), "every reason to refuse is in kRefusalRules");
  return {.reason = reason,
          .message = std::move(message),
          .param = std::move(param),
          .remembered = rule->remembered};
}

std::string PostingField(std::size_t posting, const char* field) {
  return absl::StrCat("postings[", posting, "].", field);
}

std::optional<Refusal> CheckShape(const Command& command) {
  if (command.malformed) return command.malformed;
  std::optional<Refusal> refusal = CheckAction(command.action);
  if (!refusal) refusal = CheckEffectiveTime(command);
  if (!refusal) refusal = CheckPreconditions(command.preconditions);
  if (!refusal) refusal = CheckMetadata(command.metadata);
  return refusal;
}

std::optional<std::string> FirstDifference(const Command& first, const Command& second) {
  if (second.malformed) return second.malformed->param;
  if (Difference difference = DifferenceOf(first.action, second.action)) return difference;
  if (first.effective_time != second.effective_time) return "effective_time";
  if (first.metadata != second.metadata) return "metadata";
  if (first.preconditions != second.preconditions) return "preconditions";
  if (first.linked_to_next != second.linked_to_next) return "linked_to_next";
  return std::nullopt;
}

}  // namespace florin::ledger
