// What contracts of this directory have in common: the server, a time, currencies. For tests.
#pragma once

#include "absl/time/time.h"
#include "libs/money/currency.h"
#include "libs/pg/test_database.h"

namespace florin::payments {

inline testing::Postgres& Server() { return pg::TestDatabase("payments"); }

inline const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'000'001);
inline const Currency kEur = *Currency::Parse("EUR");
inline const Currency kUsd = *Currency::Parse("USD");

}  // namespace florin::payments
