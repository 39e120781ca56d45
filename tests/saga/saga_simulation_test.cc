// The simulation of the payment saga: the real flows of payments and the real ledger core, crashing
// processes, a wire and stores that lose and repeat, a clock that jumps, clients that ask again.
//
//   FLORIN_SAGA_SEEDS=20000   that many seeds
//   FLORIN_SAGA_SEED=17       this seed alone, with a trace of its events
//   FLORIN_SAGA_EVENTS=5000   events of a run
#include <cstdlib>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/saga/events.h"
#include "tests/saga/world.h"

namespace florin::saga {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeeds = 60;
#else
constexpr std::uint64_t kSeeds = 600;
#endif
constexpr std::uint64_t kEventsOfARun = 2'000;

std::uint64_t NumberFrom(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  std::uint64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

std::uint64_t EventsOfARun() { return NumberFrom("FLORIN_SAGA_EVENTS", kEventsOfARun); }

std::vector<std::string> RunSeed(std::uint64_t seed, Mistake mistake, Coverage& coverage,
                                 bool trace = false, std::uint64_t events = EventsOfARun()) {
  World world(seed, mistake, coverage, trace);
  return world.Run(static_cast<int>(events));
}

// How to see it again, with about as few events as it takes: a shorter run begins as the longer.
std::string Explain(std::uint64_t seed, const std::vector<std::string>& wrong) {
  std::uint64_t events = EventsOfARun();
  for (std::uint64_t fewer = events * 9 / 10; fewer > 0; fewer = fewer * 9 / 10) {
    Coverage unused;
    if (!RunSeed(seed, Mistake::kNone, unused, false, fewer).empty()) events = fewer;
  }
  return absl::StrCat("FLORIN_SAGA_SEED=", seed, " FLORIN_SAGA_EVENTS=", events, ":\n",
                      absl::StrJoin(wrong, "\n"));
}

void Print(const Coverage& coverage) {
  for (const auto& [what, count] : coverage) std::cout << "  " << what << ": " << count << "\n";
  std::cout << std::flush;
}

TEST(SagaSimulation, MoneyAndAnswersAgreeWhateverHappens) {
  const std::uint64_t one = NumberFrom("FLORIN_SAGA_SEED", 0);
  const std::uint64_t last = one != 0 ? one : NumberFrom("FLORIN_SAGA_SEEDS", kSeeds);
  Coverage coverage;
  for (std::uint64_t seed = one != 0 ? one : 1; seed <= last; ++seed) {
    const std::vector<std::string> wrong = RunSeed(seed, Mistake::kNone, coverage, one != 0);
    ASSERT_TRUE(wrong.empty()) << Explain(seed, wrong);
  }
  Print(coverage);
  if (one != 0 || last < 600) return;  // Some ends are rare.
  // The runs came across every event that is counted, and these ends.
  for (const Event& event : Events()) {
    EXPECT_TRUE(!event.counts || coverage[std::string(event.name)] > 0) << event.name;
  }
  for (const char* what : {"transfer succeeded",
                           "transfer insufficient_funds",
                           "deposit succeeded",
                           "split transfer succeeded",
                           "conversion transfer succeeded",
                           "payment quote_used",
                           "authorization transfer requires_capture",
                           "transfer requires_action",
                           "transfer approval_declined",
                           "capture succeeded",
                           "capture capture_exceeds_authorization",
                           "void succeeded",
                           "refund succeeded",
                           "refund refund_exceeds_captured",
                           "dispute succeeded",
                           "accept succeeded",
                           "withdraw succeeded",
                           "resolve succeeded",
                           "payout succeeded",
                           "payout rail_rejected",
                           "payout payment_canceled",
                           "payment payee_not_found",
                           "payment payee_required",
                           "payment payee_cooling_off",
                           "payout to who was saved",
                           "payout to anybody",
                           "fee of a payout taken",
                           "fee of a payout not_taken",
                           "fee of a payout given_back",
                           "transfer limit_exceeded",
                           "schedule active",
                           "schedule requires_action",
                           "schedule approval_declined",
                           "bulk completed",
                           "bulk failed",
                           "bulk canceled",
                           "bulk requires_action",
                           "bulk approval_declined",
                           "bulk bulk_closed",
                           "chunk id_conflict",
                           "between books succeeded",
                           "between books insufficient_funds",
                           "between books account_closed",
                           "answers lost",
                           "second attempts",
                           "other content refused"}) {
    EXPECT_GT(coverage[what], 0) << what;
  }
}

TEST(SagaSimulation, ASeedMeansTheSameRun) {
  Coverage first;
  Coverage second;
  RunSeed(7, Mistake::kNone, first);
  RunSeed(7, Mistake::kNone, second);
  EXPECT_EQ(first, second);
}

TEST(SagaSimulation, MistakesAreFound) {
  for (const MistakeRow& row : kMistakes) {
    SCOPED_TRACE(row.name);
    Coverage coverage;
    std::vector<std::string> wrong;
    std::uint64_t seed = 0;
    while (wrong.empty() && ++seed < 200) wrong = RunSeed(seed, row.mistake, coverage);
    EXPECT_FALSE(wrong.empty()) << "no seed finds it";
    if (!wrong.empty()) {
      std::cout << "  " << row.name << ": seed " << seed << ": " << wrong.front() << std::endl;
    }
  }
}

}  // namespace
}  // namespace florin::saga
