// Payers with limits, and an account of their own of what each limit has let pass: from the
// ledger's journal of their accounts and the requests that were refused, not from what limits
// themselves keep.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "tests/e2e/api_user.h"
#include "tests/e2e/resident.h"

namespace florin::e2e {

inline constexpr int kConnectionsOfLimited = 2;
// How the keys of what they have to begin with begin.
inline constexpr char kKeysOfFunds[] = "funds";

struct LimitedPayer {
  std::unique_ptr<ApiUser> user;
  std::string euros;  // Accounts, with more than they ever pay.
  std::string pounds;
};

struct MadeLimit {
  std::string limit_id;
  std::string scope;  // "USER", …
  std::string user;   // Ids as the database has them; of ACCOUNT empty, of COUNTRY both.
  std::string account;
  std::string currency;
  bool counts = false;
  std::int64_t window_seconds = 0;
  std::int64_t maximum = 0;
};

struct LimitFigures {
  int passed = 0;   // Payments that were within each limit about them.
  int refused = 0;  // For want of room that there was not.
  int checks = 0;   // Of a limit, when something passed it or was refused by it.
  int brim = 0;     // Of these, when a limit was used up to its last unit.
};

class LimitedPayers {
 public:
  // Needs the two first admins of the stack.
  LimitedPayers();

  const std::vector<LimitedPayer>& payers() const { return payers_; }
  // Accounts that they pay to, in euros: two in Iceland, one in Norway.
  const std::vector<std::string>& payees() const { return payees_; }
  const std::string& pounds_payee() const { return pounds_payee_; }
  // A failed test wherever a limit let pass more than its maximum, or refused what had room.
  LimitFigures Check() const;

 private:
  std::vector<std::unique_ptr<Resident>> residents_;
  std::vector<std::string> payees_;
  std::vector<std::string> icelandic_;  // The first two as the database has them.
  std::string pounds_payee_;
  std::vector<LimitedPayer> payers_;
  std::vector<MadeLimit> limits_;
};

}  // namespace florin::e2e
