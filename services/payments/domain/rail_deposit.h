// Money that a rail has received for somebody: credited to the account that its reference names
// (D1, then D2), or kept in suspense (D3) until a person has found its owner.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/payments/domain/posting_template.h"
#include "services/payments/domain/rail.h"
#include "services/payments/domain/state_machine.h"
#include "services/payments/domain/step_transaction.h"

namespace florin::payments {

enum class DepositStage {
  kReceived,    // The owner is to be found.
  kCrediting,   // To be credited, by a payment of kind deposit.
  kSuspending,  // To be booked to suspense.
  kCredited,
  kUnmatched,
};

enum class DepositEvent { kReceive, kOwnerFound, kOwnerUnknown, kBooked, kLedgerRefused };

// Names as they are stored: "received", … Parsing gives kInternal for any other text.
std::string_view NameOf(DepositStage stage);
std::string_view NameOf(DepositEvent event);
absl::StatusOr<DepositStage> ParseDepositStage(std::string_view name);

struct DepositTransition {
  std::optional<DepositStage> from;
  DepositEvent event;
  Actor by;
  DepositStage to;
  std::string_view guard = {};
};
std::span<const DepositTransition> DepositTransitions();
bool MayAdvance(DepositStage from, DepositStage to);

// The rail and its id of the deposit are the key: it is one deposit, however often it is notified.
struct RailDeposit {
  std::string rail;
  std::string deposit_id;
  Money amount;
  std::string account_reference;
  std::string reference;  // Personal data.
  DepositStage stage = DepositStage::kReceived;
  // Whose it is, and the payment that credits it. Nil before, and where nobody was found.
  Uuid account_id = {};
  Uuid user_id = {};
  Uuid payment_id = {};
  absl::Time create_time;

  friend bool operator==(const RailDeposit&, const RailDeposit&) = default;
};

// What a notification of a deposit says.
RailDeposit DepositOf(std::string_view rail, const RailEntry& entry, absl::Time now);
// Whether two notifications under one id say the same.
bool SameDeposit(const RailDeposit& a, const RailDeposit& b);

// The payment that credits it. Its key is one that no user can send.
Payment PaymentOf(const RailDeposit& deposit, absl::Time now);
std::string IdempotencyKeyOf(const RailDeposit& deposit);
// What tells its request from another: never used, since the key is its own.
std::string CanonicalDeposit(const RailDeposit& deposit);

// The rail's settlement of a credited deposit (D2), or the booking to suspense (D3).
StepTransaction BookingOf(const RailDeposit& deposit);
std::vector<HouseAccount> HouseAccountsOf(const RailDeposit& deposit);

}  // namespace florin::payments
