#include "services/payments/domain/posting_template.h"

#include <algorithm>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

using E = PostingEvent;
using R = Role;
using T = Term;

constexpr Leg kPayer{R::kCustomer, Party::kPayer};
constexpr Leg kPayee{R::kCustomer, Party::kPayee};

constexpr Leg Of(Role role) { return {role, Party::kHouse}; }
constexpr TemplateLine Post(Leg debit, Leg credit, Term term, std::int64_t example,
                            int currency = 0) {
  return {Movement::kPost, debit, credit, term, example, currency};
}
constexpr TemplateLine Hold(Leg debit, Leg credit, Term term, std::int64_t example) {
  return {Movement::kHold, debit, credit, term, example, 0};
}
constexpr TemplateLine Capture(Leg debit, Leg credit, Term term, std::int64_t example) {
  return {Movement::kCapture, debit, credit, term, example, 0};
}
constexpr TemplateLine Void(Leg debit, Leg credit, Term term, std::int64_t example) {
  return {Movement::kVoid, debit, credit, term, example, 0};
}

constexpr Leg kNostro = Of(R::kNostro), kInbound = Of(R::kInboundClearing),
              kOutbound = Of(R::kOutboundClearing), kSuspense = Of(R::kSuspense),
              kOverdraft = Of(R::kOverdraft), kLosses = Of(R::kLosses), kFees = Of(R::kFeeIncome),
              kRailCost = Of(R::kRailCost), kIssuer = Of(R::kSchemePayable),
              kInterchange = Of(R::kInterchangeIncome), kDisputes = Of(R::kDisputesReceivable),
              kAcquirer = Of(R::kSchemeReceivable), kMerchant = Of(R::kMerchantPayable),
              kReserve = Of(R::kMerchantReserve), kSchemeCost = Of(R::kSchemeCost),
              kPosition = Of(R::kFxPosition), kSpreadIncome = Of(R::kFxSpreadIncome),
              kGainLoss = Of(R::kFxGainLoss), kDisputed = Of(R::kDisputesClearing),
              kBooks = Of(R::kBookClearing);

// clang-format off
constexpr PostingTemplate kTemplates[] = {
    {E::kDeposit, "D1", "credit accepted from a rail (pacs.008)", {"EUR", ""},
     {Post(kInbound, kPayee, T::kAmount, 100000), Post(kInbound, kFees, T::kFee, 0)}},
    {E::kDepositSettled, "D2", "its booked credit on the statement (camt.053)", {"EUR", ""},
     {Post(kNostro, kInbound, T::kAmount, 100000)}},
    {E::kUnidentifiedCredit, "D3", "credit whose owner is unknown", {"EUR", ""},
     {Post(kNostro, kSuspense, T::kAmount, 7000)}},
    {E::kSuspenseIdentified, "D4", "owner found", {"EUR", ""},
     {Post(kSuspense, kPayee, T::kAmount, 4000)}},
    {E::kSuspenseReturned, "D5", "sent back (pacs.004)", {"EUR", ""},
     {Post(kSuspense, kOutbound, T::kAmount, 3000)}},
    {E::kSuspenseReturnSettled, "D6", "that return settles", {"EUR", ""},
     {Post(kOutbound, kNostro, T::kAmount, 3000)}},
    {E::kPullSent, "A1", "direct debit sent: uncollected, held", {"USD", ""},
     {Hold(kInbound, kPayee, T::kAmount, 30000)}},
    {E::kPullSettled, "A2", "direct debit settles, still uncollected", {"USD", ""},
     {Post(kNostro, kInbound, T::kAmount, 30000)}},
    {E::kPullReleased, "A3", "holding time over: funds released", {"USD", ""},
     {Capture(kInbound, kPayee, T::kAmount, 30000)}},
    {E::kPullReturned, "A4", "returned later (R10), too little left", {"USD", ""},
     {Post(kPayee, kInbound, T::kAvailable, 12000),
      Post(kOverdraft, kInbound, T::kShortfall, 18000)}},
    {E::kPullReturnSettled, "A5", "the return's debit on the statement", {"USD", ""},
     {Post(kInbound, kNostro, T::kAmount, 30000)}},
    {E::kDebtWrittenOff, "A6", "never recovered: written off", {"USD", ""},
     {Post(kLosses, kOverdraft, T::kAmount, 18000)}},
    {E::kPayoutReserved, "P1", "payout and its fee reserved", {"EUR", ""},
     {Hold(kPayer, kOutbound, T::kAmount, 25000), Hold(kPayer, kFees, T::kFee, 50)}},
    {E::kPayoutSent, "P2", "sent (pacs.008): what is unknown from here on stays in 2100",
     {"EUR", ""},
     {Capture(kPayer, kOutbound, T::kAmount, 25000), Capture(kPayer, kFees, T::kFee, 50)}},
    {E::kPayoutSettled, "P3", "settled: booked debit on the statement", {"EUR", ""},
     {Post(kOutbound, kNostro, T::kAmount, 25000)}},
    {E::kPayoutRejected, "P4", "instead of P3: rejected, fee given back", {"EUR", ""},
     {Post(kOutbound, kPayer, T::kAmount, 25000), Post(kFees, kPayer, T::kFee, 50)}},
    {E::kPayoutReturned, "P5", "after P3: returned (pacs.004); to 2200 if the account is closed",
     {"EUR", ""}, {Post(kInbound, kPayer, T::kAmount, 25000)}},
    {E::kPayoutReturnSettledNet, "P6", "the return arrives less a charge", {"EUR", ""},
     {Post(kNostro, kInbound, T::kAmount, 24500), Post(kRailCost, kInbound, T::kCharge, 500)}},
    {E::kPayoutCanceled, "P7", "canceled before it was sent", {"EUR", ""},
     {Void(kPayer, kOutbound, T::kAmount, 25000), Void(kPayer, kFees, T::kFee, 50)}},
    {E::kTransfer, "T1", "transfer between customers", {"EUR", ""},
     {Post(kPayer, kPayee, T::kAmount, 2500), Post(kPayer, kFees, T::kFee, 0)}},
    {E::kFee, "F1", "fee of an account", {"EUR", ""}, {Post(kPayer, kFees, T::kFee, 300)}},
    {E::kRailCharge, "F2", "a bank's charge on the statement", {"EUR", ""},
     {Post(kRailCost, kNostro, T::kCharge, 120)}},
    {E::kCardAuthorized, "I1", "issuer: authorization", {"EUR", ""},
     {Hold(kPayer, kIssuer, T::kAmount, 5000)}},
    {E::kCardCleared, "I2", "issuer: clearing, the rest released", {"EUR", ""},
     {Capture(kPayer, kIssuer, T::kAmount, 4800), Void(kPayer, kIssuer, T::kRest, 200)}},
    {E::kInterchangeEarned, "I3", "issuer: interchange", {"EUR", ""},
     {Post(kIssuer, kInterchange, T::kAmount, 10)}},
    {E::kIssuerSettled, "I4", "issuer: the scheme settles net", {"EUR", ""},
     {Post(kIssuer, kNostro, T::kAmount, 4790)}},
    {E::kCardReleased, "I5", "issuer: authorization expired or reversed", {"EUR", ""},
     {Void(kPayer, kIssuer, T::kAmount, 5000)}},
    {E::kCardOverCaptured, "I6", "issuer: clearing beyond the authorization", {"EUR", ""},
     {Capture(kPayer, kIssuer, T::kAmount, 5000), Post(kPayer, kIssuer, T::kExcess, 500)}},
    {E::kCardRefunded, "I7", "issuer: refund presented", {"EUR", ""},
     {Post(kIssuer, kPayer, T::kAmount, 4800)}},
    {E::kDisputeOpened, "I8", "issuer: dispute, provisional credit", {"EUR", ""},
     {Post(kDisputes, kPayer, T::kAmount, 4800)}},
    {E::kDisputeWon, "I9", "issuer: the scheme credits the chargeback", {"EUR", ""},
     {Post(kIssuer, kDisputes, T::kAmount, 4800)}},
    {E::kDisputeLost, "IA", "issuer: representment lost by the holder; what he lacks from 1400",
     {"EUR", ""},
     {Post(kPayer, kIssuer, T::kAvailable, 4800), Post(kOverdraft, kIssuer, T::kShortfall, 0)}},
    {E::kMerchantCapture, "M1", "acquirer: capture (an authorization posts nothing)", {"EUR", ""},
     {Post(kAcquirer, kMerchant, T::kAmount, 10000)}},
    {E::kMerchantFee, "M2", "acquirer: the merchant's fee", {"EUR", ""},
     {Post(kMerchant, kFees, T::kFee, 200)}},
    {E::kSchemeFee, "M3", "acquirer: interchange and scheme fee", {"EUR", ""},
     {Post(kSchemeCost, kAcquirer, T::kCharge, 110)}},
    {E::kAcquirerSettled, "M4", "acquirer: the scheme settles net", {"EUR", ""},
     {Post(kNostro, kAcquirer, T::kAmount, 9890)}},
    {E::kMerchantPayoutSent, "M5", "merchant's payout sent, a part kept", {"EUR", ""},
     {Post(kMerchant, kOutbound, T::kAmount, 8800), Post(kMerchant, kReserve, T::kReserved, 1000)}},
    {E::kMerchantPayoutSettled, "M6", "it settles", {"EUR", ""},
     {Post(kOutbound, kNostro, T::kAmount, 8800)}},
    {E::kMerchantRefund, "M7", "merchant's refund", {"EUR", ""},
     {Post(kMerchant, kAcquirer, T::kAmount, 4000)}},
    {E::kMerchantDisputeLost, "M8", "chargeback and its fee", {"EUR", ""},
     {Post(kMerchant, kAcquirer, T::kAmount, 10000), Post(kMerchant, kFees, T::kFee, 1500)}},
    {E::kMerchantShortfall, "M9", "merchant short: reserve, then debt", {"EUR", ""},
     {Post(kReserve, kMerchant, T::kReserved, 1000),
      Post(kOverdraft, kMerchant, T::kShortfall, 14500)}},
    {E::kMerchantDisputeWon, "MA", "representment won", {"EUR", ""},
     {Post(kAcquirer, kMerchant, T::kAmount, 10000)}},
    {E::kFxSale, "X1", "customer sells EUR 100 and gets USD at 1.0890 (mid 1.10)", {"EUR", "USD"},
     {Post(kPayer, kPosition, T::kSold, 10000), Post(kPosition, kPayee, T::kBought, 10890, 1)}},
    {E::kFxSpread, "X2", "spread against mid", {"USD", ""},
     {Post(kPosition, kSpreadIncome, T::kSpread, 110)}},
    {E::kFxHedge, "X3", "hedge: a bank buys EUR 100 at 1.0995", {"EUR", "USD"},
     {Post(kPosition, kNostro, T::kSold, 10000), Post(kNostro, kPosition, T::kBought, 10995, 1)}},
    {E::kFxSlippage, "X4", "slippage of the hedge", {"USD", ""},
     {Post(kGainLoss, kPosition, T::kAmount, 5)}},
    {E::kFxTransfer, "X5", "payment with a quote: X1, X2, rounding and fee at once",
     {"EUR", "USD"},
     {Post(kPayer, kPosition, T::kSold, 500), Post(kPosition, kPayee, T::kBought, 544, 1),
      Post(kPosition, kSpreadIncome, T::kSpread, 5, 1),
      Post(kPosition, kGainLoss, T::kRounding, 1, 1), Post(kPayer, kFees, T::kFee, 25)}},
    {E::kFxRefund, "X6", "X5 refunded, but for the fee: at its rate, spread and rounding given up",
     {"EUR", "USD"},
     {Post(kPayee, kPosition, T::kBought, 544, 1), Post(kPosition, kPayer, T::kSold, 500),
      Post(kSpreadIncome, kPosition, T::kSpread, 5, 1),
      Post(kGainLoss, kPosition, T::kRounding, 1, 1)}},
    {E::kFxDisputed, "X7", "X5 disputed: what was sold waits in the payer's currency",
     {"EUR", "USD"},
     {Post(kPayee, kPosition, T::kBought, 544, 1), Post(kPosition, kDisputed, T::kSold, 500),
      Post(kSpreadIncome, kPosition, T::kSpread, 5, 1),
      Post(kGainLoss, kPosition, T::kRounding, 1, 1)}},
    {E::kFxDisputeWon, "X8", "decided for the payee: converted again as X5 was", {"EUR", "USD"},
     {Post(kPosition, kPayee, T::kBought, 544, 1), Post(kDisputed, kPosition, T::kSold, 500),
      Post(kPosition, kSpreadIncome, T::kSpread, 5, 1),
      Post(kPosition, kGainLoss, T::kRounding, 1, 1)}},
    {E::kAuthorization, "C1", "transfer authorized: held for the payee", {"EUR", ""},
     {Hold(kPayer, kPayee, T::kAmount, 5000)}},
    {E::kCapture, "C2", "captured, the rest released", {"EUR", ""},
     {Capture(kPayer, kPayee, T::kAmount, 4800), Void(kPayer, kPayee, T::kRest, 200)}},
    {E::kAuthorizationVoided, "C3", "canceled or expired instead", {"EUR", ""},
     {Void(kPayer, kPayee, T::kAmount, 5000)}},
    {E::kRefund, "R1", "transfer refunded", {"EUR", ""},
     {Post(kPayee, kPayer, T::kAmount, 2500)}},
    {E::kRefundShortfall, "R2", "refunded although the payee has too little", {"EUR", ""},
     {Post(kPayee, kPayer, T::kAvailable, 2000), Post(kOverdraft, kPayer, T::kShortfall, 500)}},
    {E::kTransferDisputed, "U1", "transfer disputed, its payee has too little", {"EUR", ""},
     {Post(kPayee, kDisputed, T::kAvailable, 2000),
      Post(kOverdraft, kDisputed, T::kShortfall, 500)}},
    {E::kTransferDisputeLost, "U2", "decided for the payer", {"EUR", ""},
     {Post(kDisputed, kPayer, T::kAmount, 2500)}},
    {E::kTransferDisputeWon, "U3", "decided for the payee, who repays what they owe", {"EUR", ""},
     {Post(kDisputed, kPayee, T::kAmount, 2500), Post(kPayee, kOverdraft, T::kShortfall, 500)}},
    {E::kBookHeld, "B1", "payment to another book: held in the payer's", {"EUR", ""},
     {Hold(kPayer, kBooks, T::kAmount, 5000), Hold(kPayer, kFees, T::kFee, 25)}},
    {E::kBookCredited, "B2", "credited in the payee's book", {"EUR", ""},
     {Post(kBooks, kPayee, T::kAmount, 5000)}},
    {E::kBookCaptured, "B3", "captured in the payer's book", {"EUR", ""},
     {Capture(kPayer, kBooks, T::kAmount, 5000), Capture(kPayer, kFees, T::kFee, 25)}},
    {E::kBookVoided, "B4", "voided instead: the credit was refused", {"EUR", ""},
     {Void(kPayer, kBooks, T::kAmount, 5000), Void(kPayer, kFees, T::kFee, 25)}},
    {E::kBookDepositHeld, "B5", "credit of a rail for another book: held", {"EUR", ""},
     {Hold(kInbound, kBooks, T::kAmount, 5000), Hold(kInbound, kFees, T::kFee, 0)}},
    {E::kBookDepositCaptured, "B6", "captured, once it is credited there", {"EUR", ""},
     {Capture(kInbound, kBooks, T::kAmount, 5000), Capture(kInbound, kFees, T::kFee, 0)}},
    {E::kBookDepositVoided, "B7", "voided instead", {"EUR", ""},
     {Void(kInbound, kBooks, T::kAmount, 5000), Void(kInbound, kFees, T::kFee, 0)}},
    {E::kPayoutReturnedFeeBack, "P8", "instead of P5, where the schedule gives the fee back",
     {"EUR", ""},
     {Post(kInbound, kPayer, T::kAmount, 25000), Post(kFees, kPayer, T::kFee, 50)}},
};
// clang-format on

constexpr std::size_t CountOf(const PostingTemplate& t) {
  std::size_t count = 0;
  while (count < kMostLines && t.padded[count].movement != Movement::kNone) ++count;
  return count;
}

// Both legs are of the line's one currency, so a line can only be wrong by naming one account
// twice, or what is no account of its own. Money changes its currency only by way of the position,
// which must then be touched in both.
constexpr bool IsSound(const PostingTemplate& t) {
  const std::size_t count = CountOf(t);
  bool position[2] = {false, false};
  bool used[2] = {false, false};
  for (std::size_t i = 0; i < count; ++i) {
    const TemplateLine& line = t.padded[i];
    if (line.debit == line.credit || line.example_minor < 0) return false;
    if (line.debit.role == R::kHeld || line.credit.role == R::kHeld) return false;
    if (line.currency < 0 || line.currency > 1 || t.currencies[line.currency].empty()) return false;
    used[line.currency] = true;
    for (const Leg& leg : {line.debit, line.credit}) {
      if ((leg.role == R::kCustomer) != (leg.party != Party::kHouse)) return false;
      if (leg.role == R::kFxPosition) position[line.currency] = true;
    }
    for (std::size_t j = i + 1; j < count; ++j) {
      if (t.padded[j].term == line.term) return false;
    }
  }
  const bool two = !t.currencies[1].empty();
  return count > 0 && used[0] && used[1] == two && (!two || (position[0] && position[1]));
}

constexpr bool AllAreSound() {
  for (std::size_t i = 0; i < std::size(kTemplates); ++i) {
    if (!IsSound(kTemplates[i])) return false;
    // In the order of the enumeration: each event has one.
    if (static_cast<std::size_t>(kTemplates[i].event) != i) return false;
  }
  return static_cast<std::size_t>(E::kPayoutReturnedFeeBack) + 1 == std::size(kTemplates);
}
static_assert(AllAreSound());

struct Accounts {
  Role debit;
  Role credit;
};

// Where a line's money is in an accountant's books. What is held is the customer's: of one who
// pays, or of one for whom it is not collected yet.
Accounts AccountsOf(const TemplateLine& line) {
  const bool pays = line.debit.role == R::kCustomer;
  switch (line.movement) {
    case Movement::kHold:
      return {line.debit.role, R::kHeld};
    case Movement::kCapture:
      return {R::kHeld, line.credit.role};
    case Movement::kVoid:
      return {R::kHeld, pays ? R::kCustomer : line.debit.role};
    default:
      return {line.debit.role, line.credit.role};
  }
}

void AddTo(std::vector<ChartEntry>& entries, const ChartEntry& entry) {
  for (ChartEntry& known : entries) {
    if (known.currency == entry.currency && known.side == entry.side && known.role == entry.role) {
      known.amount_minor += entry.amount_minor;
      return;
    }
  }
  entries.push_back(entry);
}

std::int64_t AmountOf(const Amounts& amounts, Term term) {
  const auto found = amounts.find(term);
  return found == amounts.end() ? 0 : found->second;
}

}  // namespace

std::span<const TemplateLine> PostingTemplate::lines() const { return {padded, CountOf(*this)}; }

std::span<const PostingTemplate> PostingTemplates() { return kTemplates; }

const PostingTemplate& TemplateOf(PostingEvent event) {
  return kTemplates[static_cast<std::size_t>(event)];
}

std::vector<ChartEntry> EntriesOf(const PostingTemplate& posting_template, const Amounts& amounts) {
  std::vector<ChartEntry> entries;
  for (const int currency : {0, 1}) {
    for (const Side side : {Side::kDebit, Side::kCredit}) {
      for (const TemplateLine& line : posting_template.lines()) {
        const std::int64_t amount = AmountOf(amounts, line.term);
        if (line.currency != currency || amount == 0) continue;
        const Accounts accounts = AccountsOf(line);
        const Role role = side == Side::kDebit ? accounts.debit : accounts.credit;
        AddTo(entries, {currency, side, role, amount});
      }
    }
  }
  return entries;
}

Amounts ExampleOf(const PostingTemplate& posting_template) {
  Amounts amounts;
  for (const TemplateLine& line : posting_template.lines()) {
    amounts[line.term] = line.example_minor;
  }
  return amounts;
}

std::vector<LedgerPosting> Fill(const PostingTemplate& posting_template, const Filling& filling) {
  std::vector<LedgerPosting> postings;
  for (const TemplateLine& line : posting_template.lines()) {
    FLORIN_CHECK(static_cast<std::size_t>(line.currency) < filling.currencies.size(),
                 "every currency of the template is given");
    const Currency& currency = filling.currencies[line.currency];
    const auto account_of = [&](const Leg& leg, const Uuid& payee) {
      if (leg.party == Party::kPayer) return filling.payer_account_id;
      if (leg.party == Party::kPayee) return payee;
      if (leg.role == R::kBookClearing) return filling.clearing_account_id;
      return HouseAccountId({leg.role, currency});
    };
    if (line.credit.party == Party::kPayee) {
      for (const Credited& payee : filling.payees) {
        postings.push_back({account_of(line.debit, Uuid()), payee.account_id, payee.amount_minor});
      }
    } else if (const std::int64_t amount = AmountOf(filling.amounts, line.term); amount != 0) {
      FLORIN_CHECK(line.debit.party != Party::kPayee || filling.payees.size() == 1,
                   "who is debited is one");
      const Uuid payee = filling.payees.empty() ? Uuid() : filling.payees.front().account_id;
      postings.push_back({account_of(line.debit, payee), account_of(line.credit, payee), amount});
    }
  }
  return postings;
}

}  // namespace florin::payments
