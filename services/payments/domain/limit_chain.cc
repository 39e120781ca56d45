#include "services/payments/domain/limit_chain.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

// A transaction of the ledger has at most 64 postings.
constexpr std::size_t kUsesOfAHold = 60;
constexpr std::size_t kSweepsAtOnce = 20;

// More than any bucket has.
constexpr std::int64_t kAll = 4 * kLargestMaximum * static_cast<std::int64_t>(kMostMaxima);

Uuid IdOf(const Payment& payment, const char* what, std::size_t number) {
  return DeriveId("florin.payments.limit_chain", FormatId(IdKind::kPayment, payment.payment_id) +
                                                     " " + what + " " + std::to_string(number));
}

// Takes what is in both the control account and the excess, up to `most`. One unit goes into each
// before, so that there is always something to move, which a transaction needs: it ends up where it
// was.
void AddSweep(const Uuid& control, std::int64_t most, std::vector<StepPosting>& postings) {
  const Uuid granted = GrantedAccountOf(control);
  const Uuid excess = ExcessAccountOf(control);
  postings.push_back({granted, control, 1});
  postings.push_back({excess, granted, 1});
  postings.push_back({control, excess, most, true, true});
}

void AddSweeps(const Payment& payment, std::vector<LimitTransaction>& chain) {
  std::size_t sweeps = 0;
  for (const LimitUse& use : payment.limit_uses) {
    if (!use.swept) continue;
    if (sweeps % kSweepsAtOnce == 0) {
      chain.push_back({.transaction_id = IdOf(payment, "sweep", sweeps / kSweepsAtOnce)});
    }
    AddSweep(use.control_account_id, kAll, chain.back().postings);
    ++sweeps;
  }
}

void AddHolds(const Payment& payment, std::vector<LimitTransaction>& chain) {
  std::size_t holds = 0;
  const LimitTransaction* last = nullptr;
  for (const LimitUse& use : payment.limit_uses) {
    if (last == nullptr || last->hold_for != use.window || last->uses.size() == kUsesOfAHold) {
      chain.push_back({.transaction_id = IdOf(payment, "hold", holds), .hold_for = use.window});
      ++holds;
    }
    LimitTransaction& hold = chain.back();
    hold.postings.push_back(
        {use.control_account_id, GrantedAccountOf(use.control_account_id), use.units});
    hold.uses.push_back(use);
    last = &hold;
  }
}

// The posting that a refusal blames: "postings[7].amount_minor".
std::size_t PostingOf(const std::string& param) {
  const std::size_t open = param.find('[');
  std::size_t number = 0;
  if (open != std::string::npos) {
    std::from_chars(param.data() + open + 1, param.data() + param.size(), number);
  }
  return number;
}

}  // namespace

Uuid GrantedAccountOf(const Uuid& control_account_id) {
  return DeriveId("florin.payments.limit_granted", FormatId(IdKind::kAccount, control_account_id));
}

Uuid ExcessAccountOf(const Uuid& control_account_id) {
  return DeriveId("florin.payments.limit_excess", FormatId(IdKind::kAccount, control_account_id));
}

std::vector<LimitTransaction> FundingsOf(const Limit& limit, const Uuid& control_account_id,
                                         std::size_t done) {
  std::vector<LimitTransaction> fundings;
  bool lowered = false;
  for (std::size_t i = 0; i < limit.maxima.size(); ++i) {
    const bool lowered_before = lowered;
    lowered = lowered || (i > 0 && limit.maxima[i] < limit.maxima[i - 1]);
    if (i < done) continue;
    const std::int64_t more = limit.maxima[i] - (i == 0 ? 0 : limit.maxima[i - 1]);
    if (more == 0) continue;
    LimitTransaction& funding = fundings.emplace_back();
    funding.transaction_id =
        DeriveId("florin.payments.limit_funding",
                 FormatId(IdKind::kAccount, control_account_id) + " " + std::to_string(i));
    const Uuid granted = GrantedAccountOf(control_account_id);
    if (more > 0) {
      funding.postings = {{granted, control_account_id, more}};
      // What is to be taken still, and stays in now, is not there twice: payments that were judged
      // before the maximum was lowered take nothing out first.
      if (lowered_before) AddSweep(control_account_id, more + 1, funding.postings);
    } else {
      funding.postings = {{ExcessAccountOf(control_account_id), granted, -more}};
    }
  }
  return fundings;
}

std::vector<LimitTransaction> LimitChainOf(const Payment& payment) {
  std::vector<LimitTransaction> chain;
  AddSweeps(payment, chain);
  AddHolds(payment, chain);
  return chain;
}

std::vector<LimitRelease> ReleasesOf(const Payment& payment) {
  std::vector<LimitRelease> releases;
  for (const LimitTransaction& transaction : LimitChainOf(payment)) {
    if (!transaction.hold_for) continue;
    releases.push_back({.transaction_id = IdOf(payment, "release", releases.size()),
                        .hold_id = transaction.transaction_id});
  }
  return releases;
}

ChainAnswer AnswerOf(std::span<const LimitTransaction> chain,
                     std::span<const LedgerAnswer> answers) {
  FLORIN_CHECK(answers.size() == chain.size() + 1, "each transaction of a chain has its answer");
  const LedgerAnswer& own = answers.back();
  if (own.committed || own.refusal_reason != InfoOf(Reason::kLinkedTransactionFailed).name) {
    return {.answer = own};
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const LedgerAnswer& answer = answers[i];
    if (answer.committed ||
        answer.refusal_reason == InfoOf(Reason::kLinkedTransactionFailed).name) {
      continue;
    }
    const bool lacks = answer.refusal_reason == InfoOf(Reason::kInsufficientFunds).name;
    if (!answer.final || !lacks || chain[i].uses.empty()) return {.answer = answer};
    const std::size_t posting = std::min(PostingOf(answer.refusal_param), chain[i].uses.size() - 1);
    LedgerAnswer refused = answer;
    refused.refusal_reason = std::string(InfoOf(Reason::kLimitExceeded).name);
    return {.answer = std::move(refused), .refused_by = chain[i].uses[posting]};
  }
  // Nobody says why: not to be taken for a decision.
  return {.answer = {.refusal_reason = own.refusal_reason}};
}

std::int64_t RemainingOf(const Limit& limit, std::int64_t held_minor) {
  return std::max<std::int64_t>(limit.maximum() - held_minor, 0);
}

}  // namespace florin::payments
