// Who takes part in the tables of states and events, and the time they live in. In this stack
// transfers and payouts of dollars need no approval of their payer, and those of euros do.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/authenticator_app.h"
#include "tests/e2e/sandbox_clock.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

boost::json::object MoneyOf(const std::string& currency, std::int64_t minor_units);

// A payer and a payee.
struct Users {
  ApiUser payer{SharedStack()};
  ApiUser payee{SharedStack()};
  absl::Time login_time = absl::Now();

  // What needs a recent login is refused soon.
  bool AreTired() const { return absl::Now() - login_time > absl::Minutes(3); }
};

// New accounts of theirs, with 1000.00 in the payer's first.
struct Parties {
  Parties(const std::string& of_currency, std::shared_ptr<Users> of_users);

  const std::string currency;
  const std::shared_ptr<Users> users;
  ApiUser& payer = users->payer;
  ApiUser& payee = users->payee;
  const std::string source = payer.OpenAccount(currency);
  const std::string savings = payer.OpenAccount(currency);  // The payer's as well.
  const std::string destination = payee.OpenAccount(currency);
  int payments = 0;

  // Approves, with a one-time code of an app that the payer registers now: once.
  Answer Approve(const std::string& approval_id);
  Answer Decline(const std::string& approval_id);
  // Posted and available balances of all accounts; nothing while the ledger is away.
  std::string Balances();

 private:
  std::unique_ptr<AuthenticatorApp> app_;
};
using PartiesPtr = std::shared_ptr<Parties>;

// Whose next payment needs no approval. The policy exempts five of each payer.
PartiesPtr Dollars();
// New accounts of dollars, for one payment, where nobody else has to do with them.
PartiesPtr NewDollars();
// New users, whose payments wait for an approval.
PartiesPtr Euros();
// New accounts of euros of users who are there: for what is not about the users, and moves money
// between the payer's own accounts only, which needs no approval.
PartiesPtr Accounts();

// The id of the payment that the user has made last; empty if none.
std::string NewestPaymentOf(ApiUser& user);

// An access token, renewed before it is over.
struct RenewedToken {
  ApiUser& user;
  std::string scope;
  std::string text = {};
  absl::Time time = absl::InfinitePast();
};

// Two admins, made by the operator's certificate without a proposal, and an operator whom they
// make. No party to anything.
class People {
 public:
  static People& All();

  // Has all scopes of operators that are about customers and accounts.
  ApiUser& staff() { return ann_; }
  const std::string& staff_token() { return TokenOf(staff_token_); }
  // Who proposes, who approves, and who resolves disputes and what is in suspense.
  ApiUser& maker() { return ann_; }
  const std::string& maker_token() { return TokenOf(maker_token_); }
  ApiUser& checker() { return bob_; }
  const std::string& checker_token() { return TokenOf(checker_token_); }
  ApiUser& resolver() { return eve_; }
  const std::string& resolver_token() { return TokenOf(resolver_token_); }

  Answer Propose(const std::string& kind, const std::string& payload,
                 const std::string& key = Fresh("key"));
  // The id of a proposal on which two agree.
  std::string Agree(const std::string& kind, const std::string& payload);

 private:
  People();
  static const std::string& TokenOf(RenewedToken& token);

  ApiUser ann_{SharedStack()};
  ApiUser bob_{SharedStack()};
  ApiUser eve_{SharedStack()};
  RenewedToken staff_token_{
      ann_, "customers:read customers:write reconciliation:read reconciliation:write"};
  RenewedToken maker_token_{ann_, "proposals:read proposals:write proposals:approve"};
  RenewedToken checker_token_{bob_,
                              "proposals:read proposals:write proposals:approve roles:approve"};
  RenewedToken resolver_token_{eve_, "payments:read disputes:resolve suspense:read suspense:write"};
};

}  // namespace florin::e2e
