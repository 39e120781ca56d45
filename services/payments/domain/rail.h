// What is said between payments and a rail, as values. flow/rail.h has the rail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/money/money.h"
#include "libs/status/status.h"

namespace florin::payments {

inline constexpr std::string_view kSandboxRail = "sandbox";

// Who is paid, where. Personal data: never logged, never sent to the ledger.
struct Beneficiary {
  std::string name;
  std::string account;  // An IBAN without blanks, or what the rail calls an account.
  bool is_iban = false;

  friend bool operator==(const Beneficiary&, const Beneficiary&) = default;
};

// What a rail is asked to pay. It is the same payout if the id is the same.
struct RailPayout {
  Uuid payout_id;  // The payment's.
  Money amount;
  Beneficiary beneficiary;
  std::string reference;  // Personal data.
  // The rail's id of a deposit that goes back to whoever sent it (pacs.004), which is the
  // beneficiary's account then; otherwise empty.
  std::string return_of = {};
};

enum class RailState {
  kUnknown,   // The rail has never heard of it.
  kPending,   // Taken, not decided.
  kSettled,   // Paid.
  kRejected,  // Not paid, for good.
  kReturned,  // Paid, and come back.
};

struct RailStatus {
  RailState state = RailState::kUnknown;
  std::string code = {};  // Why rejected or returned (ISO 20022).

  friend bool operator==(const RailStatus&, const RailStatus&) = default;
};

enum class RailEvent { kDeposit, kSettled, kRejected, kReturned };

// Names as they are stored: "deposit", "settled", … Parsing gives kInternal for any other text.
std::string_view NameOf(RailEvent event);
absl::StatusOr<RailEvent> ParseRailEvent(std::string_view name);

// Something that happened at a rail: what it notifies of, and a line of its statement.
struct RailEntry {
  std::int64_t number = 0;  // The rail's, for Acknowledge(). Each event has one, for ever.
  RailEvent event = RailEvent::kDeposit;
  Uuid payout_id;               // Nil for a deposit.
  std::string deposit_id = {};  // The rail's own id of a deposit.
  Money amount;
  std::string account_reference = {};  // Of a deposit: whom it is for, as the sender wrote it.
  std::string reference = {};          // Of a deposit: what the sender says. Personal data.
  std::string code = {};
  absl::Time book_time;

  friend bool operator==(const RailEntry&, const RailEntry&) = default;
};

// What a rail has booked after a cursor, in the order of booking: deposits, settled payouts and
// returns (what was rejected was never booked).
struct RailStatement {
  std::vector<RailEntry> entries;
  std::string next_cursor;  // The one that was given, if there is nothing more.
};

}  // namespace florin::payments
