#include "services/ledger/domain/posting_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/money/money.h"
#include "libs/status/check.h"
#include "libs/text/text.h"

namespace florin::ledger {
namespace {

constexpr absl::Duration kTick = absl::Microseconds(1);

const RefusalRule& RuleOf(Reason reason) {
  const auto rule = std::find_if(std::begin(kRefusalRules), std::end(kRefusalRules),
                                 [reason](const RefusalRule& row) { return row.reason == reason; });
  FLORIN_CHECK(rule != std::end(kRefusalRules), "every reason to refuse is in kRefusalRules");
  return *rule;
}

Refusal Refuse(Reason reason, std::string message, std::string param) {
  return {
      .reason = RuleOf(reason).reason, .message = std::move(message), .param = std::move(param)};
}

std::string PostingField(std::size_t posting, const char* field) {
  return absl::StrCat("postings[", posting, "].", field);
}

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

void SortUnique(std::vector<Uuid>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// What the transaction under way does to one account.
struct Touch {
  Account* account;
  std::int64_t debit_minor = 0;
  std::int64_t credit_minor = 0;
  Counters after;
  std::size_t debited_by = 0;  // The first posting that debits it, to name in a refusal.
  std::size_t credited_by = 0;
};

// All sums are differences of non-negative numbers, which cannot overflow.
bool DebitsPassLimit(const Account& account, const Counters& after) {
  return account.terms.debits_must_not_exceed_credits &&
         after.debits_posted - after.credits_posted >
             account.terms.credit_line_minor - after.debits_pending;
}

bool CreditsPassLimit(const Account& account, const Counters& after) {
  return account.terms.credits_must_not_exceed_debits &&
         after.credits_posted - after.debits_posted > -after.credits_pending;
}

// One batch: the book as the commands so far have left it.
class Batch {
 public:
  Batch(LoadedBook book, std::span<const TransactionInput> inputs, absl::Time now)
      : book_(std::move(book)), now_(absl::FromUnixMicros(absl::ToUnixMicros(now))) {
    effects_.outcomes.reserve(inputs.size());
    effects_.entries.reserve(2 * inputs.size());
    for (const TransactionInput& input : inputs) effects_.outcomes.push_back(Decide(input));
  }

  Effects Finish() && {
    effects_.state = book_.state;
    SortUnique(changed_);
    for (const Uuid& id : changed_) effects_.accounts.push_back(book_.accounts.at(id));
    return std::move(effects_);
  }

 private:
  Outcome Decide(const TransactionInput& input) {
    if (const Decision* known = Known(input.transaction_id)) return Repeat(*known, input);
    Outcome outcome{.decision = {.input = input, .fate = Commitment()}};
    if (std::optional<Refusal> refusal = CheckShape(input)) {
      outcome.decision.fate = *std::move(refusal);
      return outcome;
    }
    if (std::optional<Refusal> refusal = Check(input)) {
      outcome.decision.fate = *std::move(refusal);
    } else {
      outcome.decision.fate = Commit();
    }
    decided_here_.emplace(input.transaction_id, effects_.outcomes.size());
    return outcome;
  }

  const Decision* Known(const Uuid& id) const {
    if (const auto here = decided_here_.find(id); here != decided_here_.end()) {
      return &effects_.outcomes[here->second].decision;
    }
    const auto before = book_.decisions.find(id);
    return before == book_.decisions.end() ? nullptr : &before->second;
  }

  static Outcome Repeat(const Decision& known, const TransactionInput& input) {
    const std::optional<std::string> difference = FirstDifference(known.input, input);
    if (!difference) return {.decision = known, .replayed = true};
    return {.decision = {
                .input = input,
                .fate = Refuse(Reason::kIdConflict,
                               "the transaction id was used with other content", *difference)}};
  }

  // Steps 3 to 7. Leaves in touches_ what the transaction does.
  std::optional<Refusal> Check(const TransactionInput& input) {
    std::optional<Refusal> refusal = CheckAccounts(input);
    if (!refusal) refusal = CheckCurrencies(input);
    if (!refusal) refusal = Sum(input);
    if (!refusal) refusal = CheckLimits();
    return refusal;
  }

  std::optional<Refusal> CheckAccounts(const TransactionInput& input) const {
    std::optional<Refusal> closed;  // Found here, said only if all exist.
    for (std::size_t i = 0; i < input.postings.size(); ++i) {
      const Posting& posting = input.postings[i];
      const std::pair<const Uuid*, const char*> sides[] = {
          {&posting.debit_account_id, "debit_account_id"},
          {&posting.credit_account_id, "credit_account_id"}};
      for (const auto& [id, field] : sides) {
        const auto account = book_.accounts.find(*id);
        if (account == book_.accounts.end()) {
          return Refuse(Reason::kAccountNotFound, "the book has no such account",
                        PostingField(i, field));
        }
        if (account->second.closed && !closed) {
          closed = Refuse(Reason::kAccountClosed, "the account takes no more entries",
                          PostingField(i, field));
        }
      }
    }
    return closed;
  }

  std::optional<Refusal> CheckCurrencies(const TransactionInput& input) const {
    for (std::size_t i = 0; i < input.postings.size(); ++i) {
      const Posting& posting = input.postings[i];
      if (book_.accounts.at(posting.debit_account_id).terms.currency !=
          book_.accounts.at(posting.credit_account_id).terms.currency) {
        return Refuse(Reason::kCurrencyMismatch, "both accounts must have the same currency",
                      PostingField(i, "credit_account_id"));
      }
    }
    return std::nullopt;
  }

  Touch& TouchOf(const Uuid& id) {
    for (Touch& touch : touches_) {
      if (touch.account->terms.account_id == id) return touch;
    }
    Account* account = &book_.accounts.at(id);
    return touches_.emplace_back(Touch{.account = account, .after = account->counters});
  }

  std::optional<Refusal> Sum(const TransactionInput& input) {
    touches_.clear();
    for (std::size_t i = 0; i < input.postings.size(); ++i) {
      const Posting& posting = input.postings[i];
      if (!AddDebit(TouchOf(posting.debit_account_id), posting.amount_minor, i) ||
          !AddCredit(TouchOf(posting.credit_account_id), posting.amount_minor, i)) {
        return Refuse(Reason::kBalanceOverflow, "the account cannot count that much",
                      PostingField(i, "amount_minor"));
      }
    }
    return std::nullopt;
  }

  static bool AddDebit(Touch& touch, std::int64_t amount_minor, std::size_t posting) {
    const auto sum = CheckedAdd(touch.after.debits_posted, amount_minor);
    if (!sum) return false;
    if (touch.debit_minor == 0) touch.debited_by = posting;
    touch.debit_minor += amount_minor;  // At most the counter, which fits.
    touch.after.debits_posted = *sum;
    return true;
  }

  static bool AddCredit(Touch& touch, std::int64_t amount_minor, std::size_t posting) {
    const auto sum = CheckedAdd(touch.after.credits_posted, amount_minor);
    if (!sum) return false;
    if (touch.credit_minor == 0) touch.credited_by = posting;
    touch.credit_minor += amount_minor;
    touch.after.credits_posted = *sum;
    return true;
  }

  std::optional<Refusal> CheckLimits() const {
    std::optional<Refusal> credit_limit;  // Said only if no account lacks funds.
    for (const Touch& touch : touches_) {
      if (DebitsPassLimit(*touch.account, touch.after)) {
        return Refuse(Reason::kInsufficientFunds, "the account cannot cover the amount",
                      PostingField(touch.debited_by, "amount_minor"));
      }
      if (CreditsPassLimit(*touch.account, touch.after) && !credit_limit) {
        credit_limit = Refuse(Reason::kCreditLimitExceeded, "credits would exceed debits",
                              PostingField(touch.credited_by, "amount_minor"));
      }
    }
    return credit_limit;
  }

  Commitment Commit() {
    book_.state.last_sequence += 1;
    book_.state.last_commit_time = std::max(now_, book_.state.last_commit_time + kTick);
    __int128 debits_less_credits = 0;
    for (const Touch& touch : touches_) {
      Account& account = *touch.account;
      account.counters = touch.after;
      account.version += 1;
      changed_.push_back(account.terms.account_id);
      effects_.entries.push_back({.account_id = account.terms.account_id,
                                  .version = account.version,
                                  .sequence = book_.state.last_sequence,
                                  .debit_minor = touch.debit_minor,
                                  .credit_minor = touch.credit_minor,
                                  .debits_posted_after = touch.after.debits_posted,
                                  .credits_posted_after = touch.after.credits_posted});
      debits_less_credits += static_cast<__int128>(touch.debit_minor) - touch.credit_minor;
    }
    FLORIN_CHECK(debits_less_credits == 0, "a transaction debits as much as it credits");
    return {.sequence = book_.state.last_sequence, .commit_time = book_.state.last_commit_time};
  }

  LoadedBook book_;
  const absl::Time now_;
  std::vector<Touch> touches_;  // Of the transaction under way, in order of first mention.
  absl::flat_hash_map<Uuid, std::size_t> decided_here_;  // Indices of effects_.outcomes.
  std::vector<Uuid> changed_;
  Effects effects_;
};

}  // namespace

bool IsRemembered(const Refusal& refusal) { return RuleOf(refusal.reason).remembered; }

bool IsNewDecision(const Outcome& outcome) {
  const Refusal* refusal = outcome.decision.refusal();
  return !outcome.replayed && (refusal == nullptr || IsRemembered(*refusal));
}

Effects ApplyBatch(LoadedBook book, std::span<const TransactionInput> inputs, absl::Time now) {
  return Batch(std::move(book), inputs, now).Finish();
}

std::vector<Uuid> AccountsOf(std::span<const TransactionInput> inputs) {
  std::vector<Uuid> ids;
  ids.reserve(2 * inputs.size());
  for (const TransactionInput& input : inputs) {
    for (const Posting& posting : input.postings) {
      ids.push_back(posting.debit_account_id);
      ids.push_back(posting.credit_account_id);
    }
  }
  SortUnique(ids);
  return ids;
}

std::optional<Refusal> CheckShape(const TransactionInput& input) {
  if (input.malformed) return input.malformed;
  if (input.postings.empty() || input.postings.size() > kMostPostings) {
    return Refuse(Reason::kTooManyItems, "a transaction has 1 to 64 postings", "postings");
  }
  for (std::size_t i = 0; i < input.postings.size(); ++i) {
    const Posting& posting = input.postings[i];
    if (posting.debit_account_id == posting.credit_account_id) {
      return Refuse(Reason::kSameAccount, "a posting is between two accounts",
                    PostingField(i, "credit_account_id"));
    }
    if (posting.amount_minor <= 0) {
      return Refuse(Reason::kInvalidAmount, "an amount is more than zero",
                    PostingField(i, "amount_minor"));
    }
  }
  return CheckMetadata(input.metadata);
}

std::optional<std::string> FirstDifference(const TransactionInput& first,
                                           const TransactionInput& second) {
  if (second.malformed) return second.malformed->param;
  if (first.postings.size() != second.postings.size()) return "postings";
  for (std::size_t i = 0; i < first.postings.size(); ++i) {
    const Posting& a = first.postings[i];
    const Posting& b = second.postings[i];
    if (a.debit_account_id != b.debit_account_id) return PostingField(i, "debit_account_id");
    if (a.credit_account_id != b.credit_account_id) return PostingField(i, "credit_account_id");
    if (a.amount_minor != b.amount_minor) return PostingField(i, "amount_minor");
  }
  if (first.effective_time != second.effective_time) return "effective_time";
  if (first.metadata != second.metadata) return "metadata";
  return std::nullopt;
}

}  // namespace florin::ledger
