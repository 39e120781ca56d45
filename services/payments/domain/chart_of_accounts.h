// The chart of accounts: what every account of the ledger stands for, as data. One set for each
// currency. docs/chart-of-accounts.md is made from it.
#pragma once

#include <span>
#include <string_view>

#include "libs/ids/ids.h"
#include "libs/money/currency.h"

namespace florin::payments {

// What an account is for. Closed: postings name nothing else.
enum class Role {
  kNostro,
  kInboundClearing,
  kSchemeReceivable,
  kOverdraft,
  kDisputesReceivable,
  kFxPosition,
  kCustomer,
  kHeld,
  kOutboundClearing,
  kBookClearing,
  kSuspense,
  kDisputesClearing,
  kMerchantPayable,
  kMerchantReserve,
  kVostro,
  kSchemePayable,
  kFeeIncome,
  kFxSpreadIncome,
  kFxGainLoss,
  kInterchangeIncome,
  kRailCost,
  kSchemeCost,
  kLosses,
};

// The side on which an account grows.
enum class Side { kDebit, kCredit, kEither };

struct ChartAccount {
  Role role;
  int number;
  std::string_view name;
  Side normal_side;
  bool never_negative;       // Kept so by the ledger.
  std::string_view meaning;  // Of its balance.
};

// By number, each role once.
std::span<const ChartAccount> Chart();
const ChartAccount& ChartAccountOf(Role role);

// An account of whoever runs Florin. Customers' accounts (kCustomer) are opened by the accounts
// service, and what is held (kHeld) is no account but the pending counters of a customer's.
struct HouseAccount {
  Role role;
  Currency currency;

  friend bool operator==(const HouseAccount&, const HouseAccount&) = default;
};

// Its id in the ledger: follows from role and currency, so that every replica opens the same one.
// Accounts between books (kBookClearing) have ids of their own: book_transfer.h.
// `kInboundClearing` is the sandbox rail's, which existed first and keeps its id.
Uuid HouseAccountId(const HouseAccount& account);

}  // namespace florin::payments
