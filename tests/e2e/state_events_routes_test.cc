// Nothing is left out of the tables of states and events: every request of the API that can change
// something is an event of a machine there, or it is said here why it is none; and so is every
// machine that no request drives.
#include <map>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/domain/interest_plan.h"
#include "services/payments/domain/book_transfer.h"
#include "services/payments/domain/bulk.h"
#include "services/payments/domain/schedule.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/state_events.h"
#include "tests/e2e/state_events_people.h"

namespace florin::e2e {
namespace {

// By request: the tests of this program that have it, or why it is no event.
const std::map<std::string, std::string>& Requests() {
  static const std::map<std::string, std::string> kRequests = {
      {"POST /v1/accounts", "Customer"},
      {"POST /v1/accounts/{account_id}/holders", "Holder"},
      {"PATCH /v1/accounts/{account_id}/holders/{user_id}", "Holder"},
      {"POST /v1/accounts/{account_id}/holders/{user_id}:remove", "Holder"},
      {"POST /v1/accounts/{account_id}/interest:assign",
       "no state: an assignment is added and stays (interest_test)"},
      {"POST /v1/accounts/{account_id}:close", "Account"},
      {"POST /v1/accounts/{account_id}:freeze", "Account"},
      {"POST /v1/accounts/{account_id}:unfreeze", "Account"},
      {"POST /v1/accounts/{account_id}:wake", "Account"},
      {"POST /v1/approvals/{approval_id}:approve", "Approval"},
      {"POST /v1/approvals/{approval_id}:begin",
       "changes no state: what a passkey is to answer (approval_test)"},
      {"POST /v1/approvals/{approval_id}:decline", "Approval"},
      {"POST /v1/bulks", "Bulk"},
      {"POST /v1/bulks/{bulk_id}/items", "Bulk"},
      {"POST /v1/bulks/{bulk_id}:cancel", "Bulk"},
      {"POST /v1/bulks/{bulk_id}:confirm", "Bulk"},
      {"POST /v1/bulks/{bulk_id}:submit", "Bulk"},
      {"POST /v1/customers", "Customer: brings every one of them"},
      {"PATCH /v1/customers/{customer_id}/profile", "Customer, KycLevel"},
      {"POST /v1/customers/{customer_id}/verifications", "Customer, Verification, KycLevel"},
      {"POST /v1/customers/{customer_id}:close", "Customer"},
      {"POST /v1/customers/{customer_id}:erase", "Customer"},
      {"POST /v1/customers/{customer_id}:reactivate", "Customer"},
      {"POST /v1/customers/{customer_id}:suspend", "Customer"},
      {"POST /v1/customers:find", "reads (customer_data_test)"},
      {"POST /v1/deposits", "Payment: of kind DEPOSIT it succeeds or fails at once"},
      {"POST /v1/discrepancies/{discrepancy_id}:resolve", "Discrepancy"},
      {"POST /v1/discrepancies:reconcile", "Discrepancy"},
      {"POST /v1/disputes/{dispute_id}/evidence", "Dispute"},
      {"POST /v1/disputes/{dispute_id}:accept", "Dispute"},
      {"POST /v1/disputes/{dispute_id}:resolve", "Dispute, Proposal"},
      {"POST /v1/disputes/{dispute_id}:withdraw", "Dispute"},
      {"POST /v1/holdings/{account_id}:accept", "Holder"},
      {"POST /v1/holdings/{account_id}:leave", "Holder"},
      {"POST /v1/interest/plans", "no state: a version is added and stays (interest_test)"},
      {"POST /v1/limits", "no machine: there or removed (limits_test)"},
      {"POST /v1/limits/{limit_id}:change", "no machine: there or removed (limits_test)"},
      {"POST /v1/limits/{limit_id}:remove", "no machine: there or removed (limits_test)"},
      {"POST /v1/payees", "Payee"},
      {"POST /v1/payees/{payee_id}:delete", "Payee"},
      {"POST /v1/payees:check", "reads (payees_test)"},
      {"POST /v1/payment_requests", "RequestForMoney"},
      {"POST /v1/payment_requests/{payment_request_id}:decline", "RequestForMoney"},
      {"POST /v1/payment_requests/{payment_request_id}:pay", "RequestForMoney"},
      {"POST /v1/payment_requests/{payment_request_id}:withdraw", "RequestForMoney"},
      {"POST /v1/payments", "Payment"},
      {"POST /v1/payments/{payment_id}/disputes", "StepsOfAPayment, Dispute"},
      {"POST /v1/payments/{payment_id}/refunds", "StepsOfAPayment, Refund"},
      {"POST /v1/payments/{payment_id}:cancel", "Payment, Payout"},
      {"POST /v1/payments/{payment_id}:capture", "Payment"},
      {"POST /v1/payments/{payment_id}:confirm", "Payment, Payout, Approval"},
      {"POST /v1/payments/{payment_id}:retry", "changes no state of a payment (reconcile_test)"},
      {"POST /v1/payouts", "Payout"},
      {"POST /v1/payouts/{payment_id}:cancel", "Payout"},
      {"POST /v1/proposals", "Proposal"},
      {"POST /v1/proposals/{proposal_id}:approve", "Proposal"},
      {"POST /v1/proposals/{proposal_id}:reject", "Proposal"},
      {"POST /v1/proposals/{proposal_id}:withdraw", "Proposal"},
      {"POST /v1/quotes", "no machine: used once, or too old (pricing_test)"},
      {"POST /v1/sandbox/clock:advance", "time: Payment, Dispute, Payout, RequestForMoney"},
      {"POST /v1/sandbox/rail:deposit", "DepositOfARail"},
      {"POST /v1/suspense-items/{item_id}:assign", "ItemInSuspense"},
      {"POST /v1/suspense-items/{item_id}:return", "ItemInSuspense"},
      {"POST /v1/schedules", "Schedule"},
      {"POST /v1/schedules/{schedule_id}:cancel", "Schedule"},
      {"POST /v1/schedules/{schedule_id}:confirm", "Schedule"},
      {"POST /v1/schedules/{schedule_id}:pause", "Schedule"},
      {"POST /v1/schedules/{schedule_id}:resume", "Schedule"},
      {"POST /v1/verifications/{verification_id}:decide", "Verification"},
  };
  return kRequests;
}

// Who somebody is, not what becomes of money, accounts and customers: tests of auth.
bool IsAboutIdentity(const std::string& path) {
  for (const char* start : {"/oauth/", "/auth/", "/v1/users", "/v1/login", "/v1/password-resets",
                            "/v1/email-verifications", "/v1/api-keys"}) {
    if (absl::StartsWith(path, start)) return true;
  }
  return false;
}

TEST(StateEvents, EveryRequestThatChangesSomethingIsThere) {
  ApiUser user(SharedStack());
  const Answer document = user.Get("/openapi.json");
  std::set<std::string> there;
  for (const auto& [path, item] : document.body.at("paths").as_object()) {
    for (const char* method : {"post", "put", "patch", "delete"}) {
      if (!item.as_object().contains(method) || IsAboutIdentity(std::string(path))) continue;
      const std::string request =
          absl::StrCat(absl::AsciiStrToUpper(method), " ", std::string(path));
      there.insert(request);
      EXPECT_TRUE(Requests().contains(request)) << request << ": of which machine is it an event?";
    }
  }
  for (const auto& [request, where] : Requests()) {
    EXPECT_TRUE(there.contains(request)) << "there is no " << request << " any more";
  }
}

// Machines that no request drives: workers and the ledger do, in the tests that are named. A new
// state is to be looked at.
TEST(StateEvents, MachinesThatNobodyDrives) {
  // Occurrences of schedules end as their payments do: schedules_test, schedule_worker_test.
  EXPECT_EQ(CountOf<payments::OccurrenceState>(), 5);
  // Items of bulks: bulk_test, bulk_worker_test.
  EXPECT_EQ(CountOf<payments::ItemState>(), 4);
  // Payments from one book of the ledger to another: books_test, book_transfers_test.
  EXPECT_EQ(CountOf<payments::TransferStage>(), 7);
  // What is booked of interest: interest_test, interest_job_test.
  EXPECT_EQ(CountOf<accounts::BookingState>(), 3);
  // Opening an account: within its request, open_account_test.
  EXPECT_EQ(CountOf<accounts::AccountState>(), 3);
}

}  // namespace
}  // namespace florin::e2e
