// Rules broken on purpose, to see that the invariants find it.
#pragma once

#include <memory>
#include <string_view>

#include "services/payments/store/fake_store.h"
#include "tests/saga/wire.h"

namespace florin::saga {

enum class Mistake {
  kNone,
  kNewTransactionIds,  // Every attempt has an id of its own at the ledger.
  kNoReservation,      // A step that begins reserves nothing.
  kLostResults,        // A result that was answered is not kept.
  kForgottenKeys,      // No idempotency key is known again.
  kWrongDebt,          // What a payee came to owe is not noted.
};

struct MistakeRow {
  Mistake mistake;
  std::string_view name;
};
inline constexpr MistakeRow kMistakes[] = {
    {Mistake::kNewTransactionIds, "new transaction ids"},
    {Mistake::kNoReservation, "no reservation"},
    {Mistake::kLostResults, "lost results"},
    {Mistake::kForgottenKeys, "forgotten keys"},
    {Mistake::kWrongDebt, "wrong debt"},
};

// The store of payments, with this mistake if it is one of a store.
std::unique_ptr<payments::FakeStore> MakeRows(Mistake mistake);
// The same of the wire.
void Spoil(Mistake mistake, Wire& wire);

}  // namespace florin::saga
