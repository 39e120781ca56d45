#include "services/payments/domain/chart_of_accounts.h"

#include <algorithm>
#include <string>

#include "libs/status/check.h"

namespace florin::payments {
namespace {

constexpr ChartAccount kChart[] = {
    {Role::kNostro, 1000, "nostro", Side::kDebit, false,
     "money at banks; mirrors the booked balance of their statements"},
    {Role::kInboundClearing, 1200, "inbound clearing", Side::kDebit, false,
     "due from a rail: announced and not settled; returns due"},
    {Role::kSchemeReceivable, 1300, "scheme receivable", Side::kDebit, false,
     "due from a card scheme as acquirer; a credit balance is owed to it"},
    {Role::kOverdraft, 1400, "overdraft receivable", Side::kDebit, false,
     "owed by customers and merchants who were short"},
    {Role::kDisputesReceivable, 1450, "disputes receivable", Side::kDebit, false,
     "credits given provisionally while disputes are open"},
    {Role::kFxPosition, 1500, "fx position", Side::kEither, false,
     "credit: long in the currency; debit: short"},
    {Role::kCustomer, 2000, "customer available", Side::kCredit, true,
     "owed to a customer, less what is held"},
    {Role::kHeld, 2010, "customer held", Side::kCredit, true,
     "set aside or uncollected: the pending counters of a customer's account"},
    {Role::kOutboundClearing, 2100, "outbound clearing", Side::kCredit, false,
     "sent over a rail and not settled"},
    {Role::kBookClearing, 2150, "book clearing", Side::kEither, false,
     "with another book of the ledger: credit: owed to it; debit: due from it"},
    {Role::kSuspense, 2200, "suspense", Side::kCredit, true, "received, owner unknown"},
    {Role::kDisputesClearing, 2250, "disputes clearing", Side::kCredit, true,
     "taken from payees of transfers while disputes are open"},
    {Role::kMerchantPayable, 2300, "merchant payable", Side::kCredit, false,
     "owed to merchants for captures"},
    {Role::kMerchantReserve, 2310, "merchant reserve", Side::kCredit, true,
     "kept back from merchants against disputes"},
    {Role::kVostro, 2400, "vostro", Side::kCredit, false, "money that banks keep with us"},
    {Role::kSchemePayable, 2600, "scheme payable", Side::kCredit, false,
     "owed to a card scheme as issuer; refunds may flip it"},
    {Role::kFeeIncome, 4000, "fee income", Side::kCredit, false, "fees earned"},
    {Role::kFxSpreadIncome, 4100, "fx spread income", Side::kCredit, false,
     "mid rate less the customer's rate"},
    {Role::kFxGainLoss, 4110, "fx gain or loss", Side::kEither, false,
     "rounding of conversions (credit) and slippage of hedges"},
    {Role::kInterchangeIncome, 4200, "interchange income", Side::kCredit, false,
     "interchange earned as issuer"},
    {Role::kRailCost, 5000, "rail cost", Side::kDebit, false, "charged by banks and rails"},
    {Role::kSchemeCost, 5100, "scheme and interchange cost", Side::kDebit, false,
     "charged by schemes and issuers"},
    {Role::kLosses, 5200, "losses", Side::kDebit, false, "written off"},
};

}  // namespace

std::span<const ChartAccount> Chart() { return kChart; }

const ChartAccount& ChartAccountOf(Role role) {
  const auto* const found = std::ranges::find(kChart, role, &ChartAccount::role);
  FLORIN_CHECK(found != std::end(kChart), "every role is in the chart");
  return *found;
}

Uuid HouseAccountId(const HouseAccount& account) {
  FLORIN_CHECK(account.role != Role::kCustomer && account.role != Role::kHeld,
               "accounts of customers are no accounts of the house");
  const std::string code(account.currency.code());
  if (account.role == Role::kInboundClearing) return DeriveId("florin.payments.rail.sandbox", code);
  return DeriveId("florin.payments.house",
                  std::to_string(ChartAccountOf(account.role).number) + ":" + code);
}

}  // namespace florin::payments
