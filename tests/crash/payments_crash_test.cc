// Payments, the ledger, accounts and auth are killed with -9 at random under a mixed load, while
// the sandbox's clock goes on in leaps; afterwards everything that was told is there as it was
// told, once, nothing else is, the ledger has exactly what payments say, every balance follows,
// what was ordered ahead was done once, and limits have let pass what they should and not a cent
// more.
//
// FLORIN_CRASH_SECONDS says how long (default 15; 600 is the run that counts), FLORIN_CRASH_SEED
// repeats the choices of an earlier run; its timing depends on the machine all the same.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/crash/books.h"
#include "tests/crash/limited_payers.h"
#include "tests/crash/mixed_load.h"
#include "tests/crash/orders.h"
#include "tests/crash/rows.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kClients = 10;
constexpr int kFewestKills = 6;
// In seconds; what is left then is left for ever. A recovery takes the worker's lease and a pause,
// and what a busy machine adds: the figure is printed.
constexpr double kForEver = 60;

// A file that goes with the program.
class FeeFile {
 public:
  FeeFile() {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << "transfer GBP payer fixed=3 basis_points=100\n";
  }
  ~FeeFile() { std::filesystem::remove(path_); }
  FeeFile(const FeeFile&) = delete;
  std::string flag() const { return "--fee_schedule=" + path_; }

 private:
  std::string path_ = "/tmp/florin-fees.XXXXXX";
};

std::string FeeFlag() {
  static const FeeFile file;
  return file.flag();
}

[[maybe_unused]] const bool kTerms =
    AddSharedStackOptions({"--payments-flag", FeeFlag(), "--refund-shortfall", "receivable"});

std::uint64_t NumberFrom(const char* variable, const std::function<std::uint64_t()>& otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise();
}

// How long until all that is in flight now has ended, load or not; in seconds.
double SecondsUntilAllEnd() {
  const auto begin = SteadyClock::now();
  std::string left = "SELECT 0";
  for (const char* table : {"payments", "payment_steps"}) {
    const std::string id = table == std::string("payments") ? "payment_id" : "step_id";
    std::vector<std::string> ids;
    for (const auto& row : Rows(absl::StrCat("SELECT ", id, " FROM payments.", table,
                                             " WHERE state = 'processing'"))) {
      ids.push_back(absl::StrCat("'", row.at(0), "'"));
    }
    if (ids.empty()) continue;
    absl::StrAppend(&left, " + (SELECT count(*) FROM payments.", table,
                    " WHERE state = 'processing' AND ", id, " IN (", absl::StrJoin(ids, ", "),
                    "))");
  }
  const auto passed = [begin] {
    return std::chrono::duration<double>(SteadyClock::now() - begin).count();
  };
  while (SharedStack().Query(left) != "0") {
    if (passed() > kForEver) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_LT(passed(), kForEver) << "something was left in processing";
  return passed();
}

// Until nothing that the rail notifies of waits.
void AwaitArrivals() {
  const auto end = SteadyClock::now() + std::chrono::seconds(60);
  std::string left = "?";
  while (left != "0" && SteadyClock::now() < end) {
    left = SharedStack().Query(
        "SELECT count(*) FROM payments.sandbox_rail_entries "
        "WHERE notifications > 0");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(left, "0") << "the rail's notifications are not taken";
}

struct KeptRow {
  std::string kind;
  std::string id;
  std::string outcome;
};

// By key, all that is kept of what clients asked for. Cancellations and expiries have no key of a
// client, nor have payments of schedules and bulks.
std::multimap<std::string, KeptRow> KeptRows() {
  std::multimap<std::string, KeptRow> kept;
  const std::string outcome =
      "CASE state WHEN 'failed' THEN failure_reason ELSE state END AS outcome ";
  for (const auto& row : Rows(absl::StrCat(
           "SELECT idempotency_key, kind, payment_id, ", outcome,
           "FROM payments.payments WHERE idempotency_key NOT LIKE '% %' AND ",
           "idempotency_key NOT LIKE '", kKeysOfFunds,
           "%' "
           "UNION ALL SELECT split_part(idempotency_key, ' ', 3), 'pay', payment_id, ",
           outcome,
           "FROM payments.payments WHERE idempotency_key LIKE 'request %' "
           "UNION ALL SELECT idempotency_key, kind, step_id, ",
           outcome,
           "FROM payments.payment_steps "
           "WHERE kind IN ('capture', 'refund', 'dispute', 'accept', 'withdraw') "
           "UNION ALL SELECT idempotency_key, 'schedule', schedule_id, 'succeeded' "
           "FROM payments.schedules "
           "UNION ALL SELECT idempotency_key, 'bulk', bulk_id, 'succeeded' FROM payments.bulks "
           "UNION ALL SELECT idempotency_key, 'request', request_id, 'succeeded' "
           "FROM payments.payment_requests"))) {
    kept.emplace(row.at(0), KeptRow{.kind = row.at(1), .id = row.at(2), .outcome = row.at(3)});
  }
  return kept;
}

bool IsAsTold(const KeptRow& kept, const Told& told) {
  if (kept.kind != told.kind) return false;
  // Of a step that failed the payment is named; of what decides a dispute, the dispute.
  static const std::set<std::string> kSteps = {"capture", "refund", "dispute"};
  for (const IdKind kind : {IdKind::kPayment, IdKind::kCapture, IdKind::kRefund, IdKind::kDispute,
                            IdKind::kSchedule, IdKind::kBulk, IdKind::kPaymentRequest}) {
    const absl::StatusOr<Uuid> id = ParseId(kind, told.id, "id");
    const bool names_it = kind != IdKind::kPayment || !kSteps.contains(told.kind);
    if (told.kind == "accept" || told.kind == "withdraw") continue;
    if (id.ok() && names_it && id->ToString() != kept.id) return false;
  }
  // What the rail says later.
  if (told.outcome == "processing") {
    return kept.outcome == "succeeded" || kept.outcome == "rail_rejected";
  }
  if (told.outcome != "requires_capture") return kept.outcome == told.outcome;
  return kept.outcome == "requires_capture" || kept.outcome == "succeeded" ||
         kept.outcome == "canceled";
}

struct Losses {
  int lost = 0;
  int doubled = 0;
  int otherwise = 0;
};

Losses Compare(const MixedLoad& load) {
  Losses losses;
  const std::multimap<std::string, KeptRow> kept = KeptRows();
  for (const auto& [key, told] : load.told()) {
    // A request that is paid makes no payment.
    if (told.outcome == "payment_request_closed") {
      EXPECT_EQ(kept.count(key), 0) << key;
      continue;
    }
    losses.lost += kept.count(key) == 0;
    losses.doubled += kept.count(key) > 1;
    const auto row = kept.find(key);
    if (row == kept.end() || IsAsTold(row->second, told)) continue;
    ++losses.otherwise;
    ADD_FAILURE() << key << ", a " << told.kind << ", was told " << told.id << " " << told.outcome
                  << " and is " << row->second.id << " " << row->second.outcome;
  }
  for (const std::string& key : load.abandoned()) losses.doubled += kept.count(key) > 1;
  for (const auto& [key, row] : kept) {
    EXPECT_TRUE(load.told().contains(key) || load.abandoned().contains(key))
        << "nobody asked for " << row.kind << " " << row.id;
  }
  EXPECT_EQ(losses.lost, 0);
  EXPECT_EQ(losses.doubled, 0);
  return losses;
}

// What is booked of payouts that went to the rail, and of what arrived there.
void ExpectBookingsOfRails(std::set<std::string>& expected) {
  for (const auto& row : Rows("SELECT payment_id, stage FROM payments.payouts "
                              "WHERE stage IN ('settled', 'rejected')")) {
    const std::string payment = FormatId(IdKind::kPayment, *Uuid::Parse(row.at(0)));
    for (const std::string& step :
         {std::string("sending"), std::string(row.at(1) == "settled" ? "settling" : "rejecting")}) {
      expected.insert(
          DeriveId("florin.payments.payout", absl::StrCat(step, ":", payment)).ToString());
    }
  }
  for (const auto& row : Rows("SELECT rail, deposit_id FROM payments.rail_deposits")) {
    expected.insert(DeriveId("florin.payments.rail_deposit",
                             absl::StrCat("crediting:", row.at(0), ":", row.at(1)))
                        .ToString());
  }
}

// Each payout is at the rail once, with its amount and end; and what arrived there is credited
// once.
void ExpectTheRailAgrees(const MixedLoad& load) {
  EXPECT_EQ(SharedStack().Query(
                "SELECT payment_id, stage, r.events FROM payments.payouts o "
                "JOIN payments.payments p USING (payment_id) FULL JOIN (SELECT payout_id, "
                "  string_agg(event, ',') AS events, max(amount_minor) AS amount_minor "
                "  FROM payments.sandbox_rail_entries WHERE payout_id IS NOT NULL "
                "  GROUP BY payout_id) r ON r.payout_id = o.payment_id "
                "WHERE coalesce(stage, '') NOT IN ('refused') AND (r.events IS DISTINCT FROM stage "
                "  OR r.amount_minor IS DISTINCT FROM p.amount_minor)"),
            "");
  EXPECT_EQ(SharedStack().Query("SELECT count(*) FROM payments.payouts o JOIN "
                                "payments.sandbox_rail_payouts r ON r.payout_id = o.payment_id "
                                "WHERE o.stage = 'refused'"),
            "0");
  std::map<std::string, std::string> credited;
  for (const auto& row :
       Rows("SELECT deposit_id, p.amount_minor FROM payments.rail_deposits d JOIN "
            "payments.payments p USING (payment_id) WHERE stage = 'credited' AND "
            "p.state = 'succeeded' AND p.idempotency_key LIKE 'rail %'")) {
    credited[row.at(0)] = row.at(1);
  }
  for (const auto& [id, amount] : load.arrived()) {
    EXPECT_EQ(credited[id], absl::StrCat(amount)) << id;
  }
  EXPECT_EQ(SharedStack().Query("SELECT count(*) FROM payments.payments "
                                "WHERE idempotency_key LIKE 'rail %'"),
            absl::StrCat(load.arrived().size()));
}

// What payments say has succeeded, as the ids of its transactions; and what the ledger has.
void ExpectTheLedgerHasExactlyThat() {
  std::set<std::string> expected;
  for (const auto& row :
       Rows("SELECT transaction_id FROM payments.payments LEFT JOIN payments.payouts "
            "USING (payment_id) WHERE state = 'succeeded' OR "
            "authorization_expire_time IS NOT NULL OR stage = 'rejected'")) {
    expected.insert(row.at(0));
  }
  ExpectBookingsOfRails(expected);
  for (const auto& row :
       Rows("SELECT step_id, attempt FROM payments.payment_steps WHERE state = 'succeeded'")) {
    const std::string suffix = row.at(1) == "1" ? "" : "." + row.at(1);
    expected.insert(DeriveId("florin.payments.step", row.at(0) + suffix).ToString());
  }
  std::set<std::string> found;
  // Limits' own are about what is available, not about money: LimitedPayers::Check().
  for (const auto& row : Rows("SELECT transaction_id FROM ledger.journal WHERE reason IS NULL AND "
                              "kind IN ('post', 'hold', 'capture', 'void') AND NOT "
                              "(metadata ? 'limits_of' OR metadata ? 'limit_id')")) {
    found.insert(row.at(0));
  }
  AddBookingsOfBulks(found, expected);
  std::vector<std::string> missing;
  std::vector<std::string> more;
  std::ranges::set_difference(expected, found, std::back_inserter(missing));
  std::ranges::set_difference(found, expected, std::back_inserter(more));
  EXPECT_EQ(absl::StrJoin(missing, ", "), "") << "is not in the ledger";
  EXPECT_EQ(absl::StrJoin(more, ", "), "") << "is in the ledger only";
}

// Every customer's account has what payments and their steps have moved, fees included, and holds
// what is authorized and not captured. Gives how many accounts there are.
std::string ExpectBalancesFollow() {
  const std::string moves =
      "WITH moves AS ("
      "SELECT source_account_id AS id, -amount_minor - CASE currency WHEN 'GBP' "
      "  THEN 3 + amount_minor / 100 ELSE 0 END AS amount, 0 AS held FROM payments.payments "
      "  WHERE kind = 'transfer' AND state = 'succeeded' AND authorization_timeout_seconds IS NULL "
      "UNION ALL SELECT source_account_id, -amount_minor, 0 FROM payments.payments "
      "  WHERE kind = 'payout' AND state = 'succeeded' "
      "UNION ALL SELECT destination_account_id, amount_minor, 0 FROM payments.payments "
      "  WHERE state = 'succeeded' AND kind <> 'payout' AND authorization_timeout_seconds IS NULL "
      "UNION ALL SELECT source_account_id, 0, amount_minor - captured_minor "
      "  FROM payments.payments WHERE state = 'requires_capture' "
      "UNION ALL SELECT p.source_account_id, CASE s.kind WHEN 'capture' THEN -s.amount_minor "
      "  ELSE s.amount_minor END, 0 FROM payments.payment_steps s JOIN payments.payments p "
      "  USING (payment_id) WHERE s.state = 'succeeded' AND "
      "  s.kind IN ('capture', 'refund', 'accept') "
      "UNION ALL SELECT p.destination_account_id, CASE s.kind WHEN 'capture' THEN s.amount_minor "
      "  WHEN 'withdraw' THEN s.amount_minor + s.owed_minor "
      "  ELSE s.owed_minor - s.amount_minor END, 0 FROM payments.payment_steps s "
      "  JOIN payments.payments p USING (payment_id) WHERE s.state = 'succeeded' "
      "  AND s.kind IN ('capture', 'refund', 'dispute', 'withdraw')), "
      "promised AS (SELECT id, sum(amount) AS amount, sum(held) AS held FROM moves GROUP BY id), "
      "kept AS (SELECT account_id AS id, sum(credit_minor - debit_minor) AS amount, "
      "  coalesce(sum(debit_pending_minor), 0) AS held FROM ledger.entries GROUP BY account_id) ";
  EXPECT_EQ(SharedStack().Query(
                moves + "SELECT id, p.amount, k.amount, p.held, k.held FROM promised p "
                        "LEFT JOIN kept k USING (id) WHERE p.amount IS DISTINCT FROM k.amount "
                        "OR p.held IS DISTINCT FROM k.held"),
            "");
  return SharedStack().Query(moves + "SELECT count(*) FROM promised");
}

std::vector<std::string> Victims(std::mt19937_64& random, int kills) {
  switch (random() % 8) {
    case 0:
      return {"payments", "ledger"};
    case 1:
    case 2:
      return {"ledger"};
    case 3:
      return {random() % 2 == 0 ? "accounts" : "auth"};
    default:
      // Each of them, however short the run is.
      return {kills % 3 == 2 ? "ledger" : "payments"};
  }
}

void ExpectRepetitionsAreAnsweredAsBefore(MixedLoad& load) {
  std::size_t i = 0;
  for (const auto& [key, told] : load.told()) {
    if (i++ % (1 + load.told().size() / 60) != 0) continue;
    // Whoever is refused may find it paid by now, or open.
    if (told.kind == "pay" && told.outcome != "succeeded") continue;
    const Answer again = load.AskAgain(key, told);
    EXPECT_TRUE(again.replayed()) << told.kind << " " << again;
    if (told.outcome == "requires_capture" || told.outcome == "processing") continue;
    EXPECT_EQ(again.status == 200 ? "succeeded" : again.reason(), told.outcome);
  }
}

void PrintKinds(const MixedLoad& load) {
  std::map<std::string, int> kinds;
  for (const auto& [key, told] : load.told()) {
    const bool well = told.outcome == "succeeded" || told.outcome == "requires_capture" ||
                      told.outcome == "processing";
    ++kinds[told.kind + (well ? " " + told.outcome : " refused")];
  }
  for (const auto& [kind, count] : kinds) std::cout << "  " << kind << ": " << count << std::endl;
}

void CheckOrdersAndLimits(MixedLoad& load, const LimitedPayers& limited) {
  const OrderFigures orders = ExpectOrders(load);
  std::cout << orders.schedules << " schedules with " << orders.occurrences
            << " occurrences that were due, missed " << orders.missed << ", doubled "
            << orders.doubled << "; " << orders.bulks << " bulks of " << orders.items << " items, "
            << orders.requests << " requests" << std::endl;
  const LimitFigures limits = limited.Check();
  std::cout << limits.passed << " limited payments, " << limits.refused << " refused, "
            << limits.checks << " checks of limits, " << limits.brim << " of them full to the brim"
            << std::endl;
  EXPECT_GT(limits.refused, 0);
}

TEST(PaymentsCrash, WhatIsToldIsThereOnceAndTheLedgerAgrees) {
  const std::uint64_t seed = NumberFrom("FLORIN_CRASH_SEED", [] { return std::random_device()(); });
  const std::uint64_t seconds = NumberFrom("FLORIN_CRASH_SECONDS", [] { return 15; });
  std::cout << "FLORIN_CRASH_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  const LimitedPayers limited;
  MixedLoad load(kClients, limited, seed);
  const auto end = SteadyClock::now() + std::chrono::seconds(seconds);
  int kills = 0;
  double longest = 0;
  while ((kills < kFewestKills || SteadyClock::now() < end) && !testing::Test::HasFailure()) {
    load.AwaitTold(20 + random() % 200);
    load.AdvanceClock(absl::Seconds(5 + random() % 60));
    const std::vector<std::string> victims = Victims(random, kills);
    for (const std::string& victim : victims) SharedStack().Kill(victim);
    for (const std::string& victim : victims) {
      SharedStack().Restart(victim);
      if (!testing::Test::HasFailure()) continue;
      load.GiveUp();
      FAIL() << victim << " cannot be started again after " << kills << " kills: see its log";
    }
    kills += static_cast<int>(victims.size());
    longest = std::max(longest, SecondsUntilAllEnd());
  }
  if (!testing::Test::HasFailure()) load.AwaitTold(100);
  load.Stop();
  longest = std::max(longest, SecondsUntilAllEnd());

  EndOrders(load);

  const Losses losses = Compare(load);
  AwaitArrivals();
  ExpectTheRailAgrees(load);
  const std::string accounts = ExpectBalancesFollow();
  std::cout << kills << " kills, " << load.told().size() << " answers acknowledged, lost "
            << losses.lost << ", doubled " << losses.doubled << ", otherwise " << losses.otherwise
            << "; " << load.answers_lost() << " answers lost on the way, "
            << load.abandoned().size() << " of them for good; longest recovery " << longest
            << " s; " << accounts << " accounts follow" << std::endl;
  PrintKinds(load);
  CheckOrdersAndLimits(load, limited);
  ExpectBalancedBooks();
  ExpectTheLedgerHasExactlyThat();
  ExpectRepetitionsAreAnsweredAsBefore(load);
  ExpectVerified();
}

}  // namespace
}  // namespace florin::e2e
