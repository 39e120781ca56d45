// The simulation: the same seeds against the fake store (thousands) and against PostgreSQL over a
// wire that breaks; every answer and at last the whole book as the reference ledger has it.
//
//   FLORIN_SIMULATION_SEEDS=20000   that many seeds on the fake store (and a twentieth of that on
//                                   PostgreSQL)
//   FLORIN_SIMULATION_SEED=17       this seed alone, with a trace of its steps
#include "tests/simulation/simulation.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>

#include <pqxx/pqxx>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/fake_store.h"
#include "services/ledger/store/pg_store.h"
#include "tests/simulation/at_once.h"
#include "tests/simulation/random.h"

namespace florin::simulation {
namespace {

constexpr int kFakeSeeds = 2'000;
constexpr int kFakeSteps = 34;
constexpr int kPostgresSeeds = 120;
constexpr int kPostgresSteps = 26;
constexpr char kBook[] = "simulated";

std::optional<std::uint64_t> NumberFrom(const char* variable) {
  const char* text = std::getenv(variable);
  std::uint64_t number = 0;
  if (text == nullptr || !absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

// The seeds to run where `count` are the default.
std::vector<std::uint64_t> Seeds(std::uint64_t count) {
  if (const auto one = NumberFrom("FLORIN_SIMULATION_SEED")) return {*one};
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 1; seed <= count; ++seed) seeds.push_back(seed);
  return seeds;
}

bool TraceIsWanted() { return NumberFrom("FLORIN_SIMULATION_SEED").has_value(); }

void Print(const Coverage& coverage) {
  for (const auto& [key, count] : coverage.outcomes) {
    const std::string outcome =
        key.second ? std::string(InfoOf(*key.second).name) : std::string("committed");
    std::cout << "  " << key.first << " × " << outcome << ": " << count << "\n";
  }
  std::cout << "  batches committed more than once: " << coverage.recommitted
            << "; answers of unavailable: " << coverage.unavailable << std::endl;
}

template <class OneFakeStore>
std::optional<Failure> RunOnFake(async::Runtime& runtime, const std::vector<Step>& steps,
                                 Coverage& coverage, bool trace) {
  OneFakeStore store;
  const Stage stage{.runtime = runtime,
                    .store = store,
                    .book = kBook,
                    .read = [&store] { return ReadBook(store, kBook); },
                    .trace = trace};
  return Run(stage, steps, coverage);
}

// A message that lets anyone see the failure again: seed, step, a short sequence that still fails.
template <class OneFakeStore>
std::string Explain(async::Runtime& runtime, std::uint64_t seed, std::vector<Step> steps,
                    const Failure& failure) {
  steps.resize(std::min(steps.size(), failure.step + 1));
  const auto fails = [&runtime](const std::vector<Step>& fewer) {
    Coverage unused;
    return RunOnFake<OneFakeStore>(runtime, fewer, unused, false).has_value();
  };
  const std::vector<Step> few = Shrink(std::move(steps), fails);
  Coverage unused;
  const auto again = RunOnFake<OneFakeStore>(runtime, few, unused, false);
  return absl::StrCat("seed ", seed, ", step ", failure.step, ": ", failure.what,
                      "\nThe same with fewer steps:\n", Describe(few), "at step ",
                      again ? again->step : 0, ": ", again ? again->what : "gone");
}

TEST(WorkloadTest, ASeedMeansTheSameSteps) {
  EXPECT_EQ(MakeWorkload(7, 40), MakeWorkload(7, 40));
  EXPECT_NE(MakeWorkload(7, 40), MakeWorkload(8, 40));
  // The first numbers of splitmix64 from 0, as published.
  Random random(0);
  EXPECT_EQ(random.Next(), 0xe220a8397b1dcdafu);
  EXPECT_EQ(random.Next(), 0x6e789e6aa1b965f4u);
}

TEST(SimulationTest, TheFakeStoreIsAsTheReference) {
  async::Runtime runtime(1);
  Coverage coverage;
  const auto seeds = Seeds(NumberFrom("FLORIN_SIMULATION_SEEDS").value_or(kFakeSeeds));
  for (const std::uint64_t seed : seeds) {
    const std::vector<Step> steps = MakeWorkload(seed, kFakeSteps);
    const auto failure = RunOnFake<ledger::FakeStore>(runtime, steps, coverage, TraceIsWanted());
    ASSERT_FALSE(failure) << Explain<ledger::FakeStore>(runtime, seed, steps, *failure);
  }
  Print(coverage);
  if (seeds.size() < kFakeSeeds) return;
  // The default seeds come across every reason to refuse, and commits of every kind.
  const auto seen = [&coverage](const auto& wanted) {
    return std::any_of(coverage.outcomes.begin(), coverage.outcomes.end(), wanted);
  };
  for (const ledger::RefusalRule& rule : ledger::kRefusalRules) {
    EXPECT_TRUE(seen([&rule](const auto& row) { return row.first.second == rule.reason; }))
        << InfoOf(rule.reason).name;
  }
  for (const char* kind :
       {"post", "hold", "capture", "void", "expire", "reversal", "open_account", "close_account",
        "reopen_account", "set_credit_line", "close_period", "freeze_account"}) {
    EXPECT_TRUE(coverage.outcomes.contains({kind, std::nullopt})) << kind;
  }
}

// A store with a mistake that comes seldom: a hold of exactly 13 is told to be one of 12.
class MistakenStore : public ledger::FakeStore {
 public:
  Task<absl::StatusOr<std::vector<ledger::Outcome>>> Commit(std::string book,
                                                            std::vector<ledger::Command> commands,
                                                            absl::Time now) override {
    FLORIN_CO_ASSIGN_OR_RETURN(
        std::vector<ledger::Outcome> outcomes,
        co_await FakeStore::Commit(std::move(book), std::move(commands), now));
    for (ledger::Outcome& outcome : outcomes) {
      auto* commitment = std::get_if<ledger::Commitment>(&outcome.decision.fate);
      if (commitment == nullptr || commitment->postings.empty()) continue;
      std::int64_t& amount = commitment->postings[0].amount_minor;
      if (commitment->expire_time && amount == 13) amount = 12;
    }
    co_return outcomes;
  }
};

TEST(SimulationTest, AMistakeIsFoundAndCutDown) {
  async::Runtime runtime(1);
  Coverage coverage;
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    const std::vector<Step> steps = MakeWorkload(seed, kFakeSteps);
    const auto failure = RunOnFake<MistakenStore>(runtime, steps, coverage, false);
    if (!failure) continue;
    const std::string text = Explain<MistakenStore>(runtime, seed, steps, *failure);
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 25) << text;
    return;
  }
  FAIL() << "no seed finds it";
}

// ---- PostgreSQL

testing::Postgres& Server() { return pg::TestDatabase("ledger"); }

class PgSimulationTest : public ::testing::Test {
 protected:
  static pg::PoolOptions Through(const FaultyWire& wire) {
    return {.conninfo = wire.conninfo(),
            .connections = 1,
            .statements = ledger::PgStore::Statements(),
            .settings = ledger::PgStore::Settings()};
  }

  // On a book of its own. `before_step` may arm wire_.
  std::optional<Failure> RunOnPostgres(const std::string& book, const std::vector<Step>& steps,
                                       std::function<void(std::size_t)> before_step) {
    const Stage stage{.runtime = runtime_,
                      .store = store_,
                      .book = book,
                      .read = [&book] { return ReadBook(Server().conninfo("ledger"), book); },
                      .wire = &wire_,
                      .before_step = std::move(before_step),
                      .trace = TraceIsWanted() && book.starts_with("seed-")};
    return simulation::Run(stage, steps, coverage_);
  }

  bool StrikesAt(std::size_t at, Fault fault, int exchange, int times);

  async::Runtime runtime_{2};
  FaultyWire wire_{Server().conninfo("ledger")};
  pg::Pool pool_{Through(wire_)};
  ledger::PgStore store_{pool_};
  Coverage coverage_;
};

// Half of the steps meet a fault at a random exchange, some so many that the pool gives up.
TEST_F(PgSimulationTest, PostgresIsAsTheReferenceWhateverTheWireDoes) {
  const auto asked = NumberFrom("FLORIN_SIMULATION_SEEDS");
  const auto seeds = Seeds(asked ? *asked / 20 : kPostgresSeeds);
  for (const std::uint64_t seed : seeds) {
    Random random(~seed);
    const auto arm = [this, &random](std::size_t) {
      if (random.OneIn(2)) return;
      const auto fault = static_cast<Fault>(random.Below(4));
      const auto exchange = static_cast<int>(1 + random.Below(16));
      const auto times =
          static_cast<int>(random.OneIn(24) ? 8 + random.Below(20) : 1 + random.Below(3));
      wire_.Arm(fault, exchange, times);
    };
    const std::string book = absl::StrCat("seed-", seed);
    const std::vector<Step> steps = MakeWorkload(seed, kPostgresSteps);
    const auto failure = RunOnPostgres(book, steps, arm);
    ASSERT_FALSE(failure) << "seed " << seed << ", step " << failure->step << ": " << failure->what
                          << "\nsteps:\n"
                          << Describe(steps);
  }
  Print(coverage_);
  if (seeds.size() < kPostgresSeeds) return;
  EXPECT_GT(coverage_.recommitted, 0);
  EXPECT_GT(coverage_.unavailable, 0);
}

// One run of OneOfEverything and its last step again, with `fault` at an exchange of one step;
// whether it struck.
bool PgSimulationTest::StrikesAt(std::size_t at, Fault fault, int exchange, int times) {
  static int runs = 0;
  // Connected, so that the exchanges are the step's own.
  EXPECT_THAT(runtime_.Run(pool_.Ping()), IsOk());
  int struck = 0;
  const auto arm = [&](std::size_t step) {
    if (step == at + 1) struck = wire_.Disarm();
    if (step == at) wire_.Arm(fault, exchange, times);
  };
  std::vector<Step> steps = OneOfEverything();
  steps.push_back(steps.back());
  const auto failure = RunOnPostgres(absl::StrCat("run-", ++runs), steps, arm);
  EXPECT_FALSE(failure) << "fault " << static_cast<int>(fault) << " at exchange " << exchange
                        << " of step " << at << ", seen in step " << failure->step << ": "
                        << failure->what;
  return struck > 0 && !failure;
}

TEST_F(PgSimulationTest, AFaultAtEveryStatementOfABatch) {
  for (std::size_t at = 0; at < OneOfEverything().size(); ++at) {
    for (const Fault fault : {Fault::kBeforeServer, Fault::kAfterServer,
                              Fault::kSerializationFailure, Fault::kDeadlock}) {
      int exchange = 1;
      while (StrikesAt(at, fault, exchange, 1)) ++exchange;
      EXPECT_GT(exchange, 3) << "step " << at;  // BEGIN, something and COMMIT at least.
    }
  }
  Print(coverage_);
  EXPECT_GT(coverage_.recommitted, 0);
}

// The connection breaks at each exchange in turn and at all after it until the pool gives up, so
// that the batch is known to nobody, COMMIT included.
TEST_F(PgSimulationTest, ABatchWhoseOutcomeStaysUnknownIsDecidedOnce) {
  constexpr int kUntilThePoolGivesUp = 30;
  int exchange = 1;
  while (StrikesAt(2, Fault::kAfterServer, exchange, kUntilThePoolGivesUp)) ++exchange;
  EXPECT_GT(exchange, 8);
  EXPECT_GT(coverage_.recommitted, 0);
  EXPECT_GT(coverage_.unavailable, 0);
}

// Two processes, each with several batches at once, one of them over a wire that breaks: so batches
// are decided ahead on ones that fail, or that the other process gets in between.
TEST_F(PgSimulationTest, BatchesAtOnceAreAsOneAfterTheOther) {
  pg::PoolOptions options = Through(wire_);
  options.connections = 3;
  pg::Pool pool(options);
  options.conninfo = Server().conninfo("ledger");
  pg::Pool other_pool(options);
  ledger::PgStore store(pool);
  ledger::PgStore other(other_pool);
  const auto asked = NumberFrom("FLORIN_SIMULATION_SEEDS");
  for (const std::uint64_t seed : Seeds(asked ? *asked / 40 : kPostgresSeeds / 2)) {
    Random random(~seed);
    const std::string book = absl::StrCat("at-once-", seed);
    const AtOnce stage{
        .runtime = runtime_,
        .stores = seed % 2 == 0 ? std::vector<ledger::Store*>{&store}
                                : std::vector<ledger::Store*>{&store, &store, &store, &other},
        .book = book,
        .read = [&book] { return ReadBook(Server().conninfo("ledger"), book); },
        .before_each =
            [this, &random] {
              wire_.Disarm();
              if (random.OneIn(2)) return;
              wire_.Arm(static_cast<Fault>(random.Below(4)), static_cast<int>(1 + random.Below(30)),
                        static_cast<int>(1 + random.Below(3)));
            }};
    const auto wrong = RunAtOnce(stage, MakeWorkload(seed, 3 * kPostgresSteps));
    wire_.Disarm();
    ASSERT_FALSE(wrong) << "seed " << seed << ": " << *wrong;
  }
}

// ---- The wire itself: its faults are what they say

class FaultyWireTest : public PgSimulationTest {
 protected:
  FaultyWireTest() {
    pqxx::connection connection(Server().conninfo("postgres"));
    pqxx::work transaction(connection);
    transaction.exec("CREATE TABLE IF NOT EXISTS public.wire (name text PRIMARY KEY)");
    transaction.exec("GRANT ALL ON public.wire TO ledger");
    transaction.exec("GRANT USAGE ON SCHEMA public TO ledger");
    transaction.commit();
  }

  static bool Kept(const std::string& name) {
    pqxx::connection connection(Server().conninfo("postgres"));
    pqxx::work transaction(connection);
    return !transaction.exec_params("SELECT 1 FROM public.wire WHERE name = $1", name).empty();
  }
};

TEST_F(FaultyWireTest, PassesOnWhatItIsToldToAndCountsCommits) {
  pqxx::connection connection(wire_.conninfo());
  const std::int64_t before = wire_.commits();
  {
    pqxx::work transaction(connection);
    transaction.exec("INSERT INTO public.wire VALUES ('passes')");
    transaction.commit();
  }
  EXPECT_EQ(wire_.commits(), before + 1);
  {
    pqxx::work transaction(connection);
    transaction.exec("INSERT INTO public.wire VALUES ('rolls back')");
  }
  EXPECT_EQ(wire_.commits(), before + 1);
  EXPECT_TRUE(Kept("passes"));
  EXPECT_FALSE(Kept("rolls back"));
}

// Told so at the INSERT, then at COMMIT.
TEST_F(FaultyWireTest, ATransactionThatMetAnErrorIsReallyAborted) {
  for (const Fault fault : {Fault::kSerializationFailure, Fault::kDeadlock}) {
    for (const int exchange : {1, 2}) {
      const std::string name = absl::StrCat("error ", static_cast<int>(fault), " at ", exchange);
      pqxx::connection connection(wire_.conninfo());
      pqxx::work transaction(connection);
      transaction.exec("INSERT INTO public.wire VALUES ('before " + name + "')");
      wire_.Arm(fault, exchange, 1);
      const auto go_on = [&transaction, &name] {
        transaction.exec("INSERT INTO public.wire VALUES ('" + name + "')");
        transaction.commit();
      };
      EXPECT_THROW(go_on(), pqxx::transaction_rollback);
      EXPECT_EQ(wire_.Disarm(), 1);
      transaction.abort();
      EXPECT_FALSE(Kept("before " + name));
      EXPECT_FALSE(Kept(name));
    }
  }
}

TEST_F(FaultyWireTest, ASessionGoesOnAfterAnError) {
  pqxx::connection connection(wire_.conninfo());
  {
    pqxx::work transaction(connection);
    wire_.Arm(Fault::kDeadlock, 1, 1);
    EXPECT_THROW(transaction.exec("SELECT 1"), pqxx::deadlock_detected);
  }
  EXPECT_EQ(wire_.Disarm(), 1);
  pqxx::work transaction(connection);
  transaction.exec("INSERT INTO public.wire VALUES ('goes on')");
  transaction.commit();
  EXPECT_TRUE(Kept("goes on"));
}

TEST_F(FaultyWireTest, ABrokenCommitHasHappenedOrNot) {
  for (const Fault fault : {Fault::kBeforeServer, Fault::kAfterServer}) {
    const std::string name = fault == Fault::kAfterServer ? "happened" : "did not happen";
    pqxx::connection connection(wire_.conninfo());
    const std::int64_t before = wire_.commits();
    pqxx::work transaction(connection);
    transaction.exec("INSERT INTO public.wire VALUES ('" + name + "')");
    wire_.Arm(fault, 1, 1);
    EXPECT_THROW(transaction.commit(), pqxx::in_doubt_error);
    EXPECT_EQ(wire_.Disarm(), 1);
    EXPECT_EQ(wire_.commits() - before, fault == Fault::kAfterServer ? 1 : 0);
    EXPECT_EQ(Kept(name), fault == Fault::kAfterServer);
  }
}

// libpqxx may connect anew by itself where a connection is found broken at BEGIN.
TEST_F(FaultyWireTest, APoolsConnectionHasItsSettingsHoweverItWasMade) {
  std::function<absl::StatusOr<std::string>(pqxx::work&)> work =
      [](pqxx::work& transaction) -> absl::StatusOr<std::string> {
    const pqxx::result rows = transaction.exec("SELECT current_setting('enable_seqscan')");
    return rows[0][0].as<std::string>();
  };
  for (const Fault fault : {Fault::kBeforeServer, Fault::kAfterServer}) {
    ASSERT_THAT(runtime_.Run(pool_.Ping()), IsOk());
    wire_.Arm(fault, 1, 1);
    EXPECT_EQ(runtime_.Run(pool_.Transact(work)).value(), "off");
    EXPECT_EQ(wire_.Disarm(), 1);
  }
}

}  // namespace
}  // namespace florin::simulation
