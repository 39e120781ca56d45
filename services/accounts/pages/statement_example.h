// For tests: a statement with everything that one can have.
#pragma once

#include "libs/ids/ids.h"
#include "services/accounts/domain/account_statement.h"

namespace florin::accounts {

inline StatementFacts ExampleFacts(const char* currency = "EUR") {
  StatementFacts facts{.account_id = DeriveId("test", "account"),
                       .account_name = "Ζωή, \"savings\"",
                       .holder_name = "Zoë Łukasiewicz",
                       .currency = Currency::Parse(currency).value(),
                       .period = ParseStatementPeriod("2026-03-01", "2026-03-31").value(),
                       .time_zone = "UTC",
                       .zone = absl::UTCTimeZone(),
                       .create_time = absl::FromUnixSeconds(1'790'000'000)};
  return facts;
}

// Alternately +7.01 and -3.00, from an opening balance of 100.00.
inline AccountStatement ExampleStatement(int entries) {
  std::vector<BookedEntry> booked;
  std::int64_t balance = 10'000;
  for (int i = 0; i < entries; ++i) {
    const std::int64_t amount = i % 2 == 0 ? 701 : -300;
    balance += amount;
    booked.push_back(
        {.version = i + 1,
         .transaction_id = FormatId(IdKind::kTransaction, DeriveId("test", std::to_string(i))),
         .payment_id =
             i % 3 == 0 ? "" : FormatId(IdKind::kPayment, DeriveId("test", std::to_string(i))),
         .amount_minor = amount,
         .balance_after_minor = balance,
         .booking_time = absl::FromUnixSeconds(1'772'323'200 + 60 * i),  // 2026-03-01
         .value_time = absl::FromUnixSeconds(1'772'323'200 - 86'400)});
  }
  return MakeStatement(10'000, std::move(booked)).value();
}

}  // namespace florin::accounts
