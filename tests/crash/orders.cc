#include "tests/crash/orders.h"

#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/crash/rows.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kLongestCatchUp = std::chrono::seconds(60);

struct MadePayment {
  std::string id;
  std::string state;
  std::string reason;
  std::int64_t amount = 0;
};
using MadePayments = std::multimap<std::string, MadePayment>;  // By key.

// Of keys that begin so, which no client can send.
MadePayments PaymentsOf(const std::string& prefix) {
  MadePayments made;
  for (const auto& row :
       Rows(absl::StrCat("SELECT idempotency_key, payment_id, state, failure_reason, amount_minor "
                         "FROM payments.payments WHERE idempotency_key LIKE '",
                         prefix, " %'"))) {
    made.emplace(row.at(0), MadePayment{.id = row.at(1),
                                        .state = row.at(2),
                                        .reason = row.at(3),
                                        .amount = NumberOf(row.at(4))});
  }
  return made;
}

struct OrderedState {
  std::string state;
  std::string payment;
  std::string reason;
};

// What is said to have become of one that was to be made: exactly that has, once.
void ExpectMadeOnce(const std::string& key, std::int64_t amount, const OrderedState& said,
                    const MadePayments& made, int& doubled) {
  doubled += made.count(key) > 1;
  ASSERT_EQ(made.count(key), 1) << key << " " << said.state << " " << said.reason;
  const MadePayment& payment = made.find(key)->second;
  EXPECT_EQ(payment.id, said.payment) << key;
  EXPECT_EQ(payment.state, said.state) << key;
  EXPECT_EQ(payment.reason, said.reason) << key;
  EXPECT_EQ(payment.amount, amount) << key;
}

using Occurrences = std::map<int, OrderedState>;  // By number.

// Of all schedules, by the schedule's id: a query for each would take minutes.
std::map<std::string, Occurrences> AllOccurrences() {
  std::map<std::string, Occurrences> all;
  for (const auto& row : Rows("SELECT schedule_id, number, state, payment_id, failure_reason "
                              "FROM payments.schedule_occurrences")) {
    all[row.at(0)][static_cast<int>(NumberOf(row.at(1)))] = {row.at(2), row.at(3), row.at(4)};
  }
  return all;
}

bool IsSkipped(const WantedSchedule& wanted, int number) {
  if (wanted.catch_up == "SKIP") return number <= wanted.past;
  return wanted.catch_up == "LATEST_ONLY" && number < wanted.past;
}

void ExpectSchedules(MixedLoad& load, OrderFigures& figures) {
  const absl::Time now = load.ReadClock();
  const MadePayments made = PaymentsOf("occurrence");
  std::map<std::string, Occurrences> kept = AllOccurrences();
  std::size_t known = 0;
  for (const auto& row : Rows("SELECT idempotency_key, schedule_id FROM payments.schedules")) {
    const auto wanted = load.schedules().find(row.at(0));
    ASSERT_NE(wanted, load.schedules().end()) << "nobody wants schedule " << row.at(1);
    ++figures.schedules;
    Occurrences& occurrences = kept[row.at(1)];
    for (int number = 1; number <= wanted->second.count; ++number) {
      if (wanted->second.first + absl::Hours(24 * (number - 1)) > now) break;
      ++figures.occurrences;
      figures.missed += !occurrences.contains(number);
      const OrderedState said = occurrences[number];
      occurrences.erase(number);
      const std::string key = absl::StrCat(
          "occurrence ", FormatId(IdKind::kSchedule, *Uuid::Parse(row.at(1))), " ", number);
      known += made.count(key);
      if (IsSkipped(wanted->second, number)) {
        EXPECT_EQ(said.state, "skipped") << key;
        EXPECT_EQ(made.count(key), 0) << key;
        continue;
      }
      ExpectMadeOnce(key, wanted->second.minor_units, said, made, figures.doubled);
    }
    EXPECT_TRUE(occurrences.empty()) << "schedule " << row.at(1) << " pays early";
  }
  EXPECT_EQ(figures.missed, 0);
  EXPECT_EQ(known, made.size()) << "there are payments of no occurrence";
}

struct KeptItem {
  std::string id;
  OrderedState said;
};

// Of all bulks, by the bulk's id.
std::map<std::string, std::vector<KeptItem>> AllItems() {
  std::map<std::string, std::vector<KeptItem>> all;
  for (const auto& row : Rows("SELECT bulk_id, item_id, state, payment_id, failure_reason "
                              "FROM payments.bulk_items")) {
    all[row.at(0)].push_back({.id = row.at(1), .said = {row.at(2), row.at(3), row.at(4)}});
  }
  return all;
}

// Gives whether an item was paid.
bool ExpectItem(const std::string& bulk, const KeptItem& item, const WantedBulk& wanted,
                const MadePayments& made, OrderFigures& figures) {
  const std::string key =
      absl::StrCat("item ", FormatId(IdKind::kBulk, *Uuid::Parse(bulk)), " ", item.id);
  ++figures.items;
  EXPECT_TRUE(wanted.items.contains(item.id)) << key;
  if (item.said.payment.empty()) {
    EXPECT_EQ(item.said.state, "failed") << key;
    EXPECT_EQ(made.count(key), 0) << key;
    return false;
  }
  ExpectMadeOnce(key, wanted.items.at(item.id), item.said, made, figures.doubled);
  return item.said.state == "succeeded";
}

void ExpectBulks(const MixedLoad& load, OrderFigures& figures) {
  const MadePayments made = PaymentsOf("item");
  std::map<std::string, std::vector<KeptItem>> kept = AllItems();
  for (const auto& row :
       Rows("SELECT idempotency_key, bulk_id, state, mode, item_count FROM payments.bulks")) {
    const auto wanted = load.bulks().find(row.at(0));
    ASSERT_NE(wanted, load.bulks().end()) << "nobody wants bulk " << row.at(1);
    ++figures.bulks;
    if (row.at(2) == "draft") {
      EXPECT_FALSE(wanted->second.submitted) << row.at(1);
      continue;
    }
    EXPECT_EQ(row.at(4), absl::StrCat(wanted->second.items.size())) << row.at(1);
    std::size_t paid = 0;
    for (const KeptItem& item : kept[row.at(1)]) {
      paid += ExpectItem(row.at(1), item, wanted->second, made, figures);
    }
    if (row.at(3) == "best_effort") {
      EXPECT_EQ(row.at(2), "completed") << row.at(1);
    } else {
      EXPECT_EQ(paid, row.at(2) == "completed" ? wanted->second.items.size() : 0)
          << row.at(1) << " " << row.at(2);
    }
  }
}

void ExpectRequests(OrderFigures& figures) {
  std::map<std::string, std::string> paid;  // The payment, by request.
  for (const auto& [key, payment] : PaymentsOf("request")) {
    if (payment.state != "succeeded") continue;
    const std::vector<std::string> words = absl::StrSplit(key, ' ');
    figures.doubled += paid.contains(words.at(1));
    EXPECT_TRUE(paid.emplace(words.at(1), payment.id).second) << words.at(1) << " is paid twice";
  }
  for (const auto& row :
       Rows("SELECT request_id, state, payment_id, amount_minor FROM payments.payment_requests")) {
    ++figures.requests;
    const auto payment = paid.find(FormatId(IdKind::kPaymentRequest, *Uuid::Parse(row.at(0))));
    EXPECT_EQ(row.at(1), payment == paid.end() ? "open" : "paid") << row.at(0);
    if (payment == paid.end()) continue;
    EXPECT_EQ(row.at(2), payment->second) << row.at(0);
  }
}

// Until nothing of what was ordered is under way or overdue.
void AwaitOrders(absl::Time now) {
  const std::string left = absl::StrCat(
      "SELECT (SELECT count(*) FROM payments.schedules WHERE state = 'active' AND next_time <= "
      "to_timestamp(",
      absl::ToUnixSeconds(now),
      ")) + (SELECT count(*) FROM payments.schedule_occurrences WHERE state = 'pending') + "
      "(SELECT count(*) FROM payments.payment_requests WHERE state = 'paying') + "
      "(SELECT count(*) FROM payments.bulks WHERE state IN "
      "('paying', 'holding', 'capturing', 'releasing'))");
  const auto end = SteadyClock::now() + kLongestCatchUp;
  std::string count = "?";
  while ((count = SharedStack().Query(left)) != "0" && SteadyClock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(count, "0") << "orders are left";
}

}  // namespace

// By less than what CatchUp SKIP takes for late.
void EndOrders(MixedLoad& load) {
  for (int i = 0; i < 3 && !testing::Test::HasFailure(); ++i) {
    load.AdvanceClock(absl::Minutes(5));
    SharedStack().Kill("payments");
    SharedStack().Restart("payments");
    AwaitOrders(load.ReadClock());
  }
}

OrderFigures ExpectOrders(MixedLoad& load) {
  OrderFigures figures;
  ExpectSchedules(load, figures);
  ExpectBulks(load, figures);
  ExpectRequests(figures);
  EXPECT_EQ(figures.doubled, 0);
  return figures;
}

void AddBookingsOfBulks(const std::set<std::string>& found, std::set<std::string>& expected) {
  for (const auto& row :
       Rows("SELECT reserved_id, i.state FROM payments.bulk_items i JOIN payments.bulks b "
            "USING (bulk_id) WHERE mode = 'all_or_nothing' AND b.state IN ('completed', "
            "'failed')")) {
    const std::string payment = FormatId(IdKind::kPayment, *Uuid::Parse(row.at(0)));
    const std::string hold = DeriveId("florin.payments.bulk_hold", payment).ToString();
    // Of a bulk that failed some items were never held, which is not said of them.
    if (row.at(1) != "succeeded" && !found.contains(hold)) continue;
    expected.insert(hold);
    if (row.at(1) == "succeeded") continue;
    expected.insert(DeriveId("florin.payments.bulk_void", payment).ToString());
  }
}

}  // namespace florin::e2e
