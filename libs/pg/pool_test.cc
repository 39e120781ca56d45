#include "libs/pg/pool.h"

#include <future>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "libs/testing/postgres.h"

namespace florin::pg {
namespace {

// One server and one table for all tests: key text, value bigint.
class PoolTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    postgres_ = new testing::Postgres;
    pqxx::connection connection(postgres_->conninfo("postgres"));
    pqxx::work transaction(connection);
    transaction.exec("CREATE TABLE kept (key text PRIMARY KEY, value bigint NOT NULL)");
    transaction.commit();
  }
  static void TearDownTestSuite() {
    delete postgres_;
    postgres_ = nullptr;
  }

  static PoolOptions Options() {
    return {.conninfo = postgres_->conninfo("postgres"),
            .connections = 2,
            .statements = {{"put",
                            "INSERT INTO kept (key, value) VALUES ($1, $2) "
                            "ON CONFLICT (key) DO UPDATE SET value = kept.value + 1"},
                           {"get", "SELECT value FROM kept WHERE key = $1"}}};
  }

  absl::StatusOr<int> Transact(std::function<absl::StatusOr<int>(pqxx::work&)> work) {
    return runtime_.Run(pool_.Transact<int>(std::move(work)));
  }

  // The value at `key`, or -1.
  int Get(const std::string& key) {
    std::function<absl::StatusOr<int>(pqxx::transaction_base&)> work =
        [&key](pqxx::transaction_base& transaction) -> absl::StatusOr<int> {
      const pqxx::result rows = transaction.exec_prepared("get", key);
      return rows.empty() ? -1 : rows[0][0].as<int>();
    };
    return runtime_.Run(pool_.Read<int>(std::move(work))).value();
  }

  static testing::Postgres* postgres_;
  async::Runtime runtime_{2};
  Pool pool_{Options()};
};

testing::Postgres* PoolTest::postgres_ = nullptr;

TEST_F(PoolTest, EveryConnectionHasTheSettings) {
  PoolOptions options = Options();
  options.settings = {"enable_seqscan = off", "work_mem = '5MB'"};
  Pool pool(std::move(options));
  std::function<absl::StatusOr<std::string>(pqxx::work&)> work =
      [](pqxx::work& transaction) -> absl::StatusOr<std::string> {
    return transaction
        .exec("SELECT current_setting('enable_seqscan') || current_setting('work_mem')")[0][0]
        .as<std::string>();
  };
  EXPECT_EQ(runtime_.Run(pool.Transact(std::move(work))).value(), "off5MB");
}

TEST_F(PoolTest, CommitsWhatReturnsOk) {
  EXPECT_EQ(Transact([](pqxx::work& transaction) -> absl::StatusOr<int> {
              transaction.exec_prepared("put", "commits", 41);
              return 7;
            }).value(),
            7);
  EXPECT_EQ(Get("commits"), 41);
}

TEST_F(PoolTest, RollsBackWhatReturnsAnErrorAndDoesNotRetry) {
  int runs = 0;
  EXPECT_THAT(Transact([&runs](pqxx::work& transaction) -> absl::StatusOr<int> {
                ++runs;
                transaction.exec_prepared("put", "rolls back", 1);
                return Error(Reason::kInsufficientFunds, "no");
              }),
              StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Get("rolls back"), -1);
}

TEST_F(PoolTest, ABadStatementIsInternalAndLeavesThePoolUsable) {
  int runs = 0;
  EXPECT_THAT(Transact([&runs](pqxx::work& transaction) -> absl::StatusOr<int> {
                ++runs;
                transaction.exec("SELECT no_such_column FROM kept");
                return 0;
              }),
              StatusHasReason(Reason::kInternal));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Get("none"), -1);
}

TEST_F(PoolTest, AnErrorDoesNotQuoteData) {
  const auto result = Transact([](pqxx::work& transaction) -> absl::StatusOr<int> {
    transaction.exec_params("INSERT INTO kept (key, value) VALUES ($1, 1), ($1, 2)", "secret@mail");
    return 0;
  });
  EXPECT_THAT(result, StatusHasReason(Reason::kInternal));
  EXPECT_THAT(std::string(result.status().message()), ::testing::HasSubstr("kept_pkey"));
  EXPECT_THAT(std::string(result.status().message()),
              ::testing::Not(::testing::HasSubstr("secret@mail")));
}

TEST_F(PoolTest, ReadersCannotWrite) {
  std::function<absl::StatusOr<int>(pqxx::transaction_base&)> work =
      [](pqxx::transaction_base& transaction) -> absl::StatusOr<int> {
    transaction.exec_prepared("put", "by a reader", 1);
    return 0;
  };
  EXPECT_THAT(runtime_.Run(pool_.Read<int>(std::move(work))), StatusHasReason(Reason::kInternal));
  EXPECT_EQ(Get("by a reader"), -1);
}

TEST_F(PoolTest, RunsAgainAfterASerializationFailure) {
  ASSERT_THAT(Transact([](pqxx::work& transaction) -> absl::StatusOr<int> {
                transaction.exec_prepared("put", "serialized", 1);
                return 0;
              }),
              IsOk());
  int runs = 0;
  const auto result = Transact([&runs](pqxx::work& transaction) -> absl::StatusOr<int> {
    if (++runs == 1) {
      transaction.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      transaction.exec_prepared("get", "serialized");
      pqxx::connection other(postgres_->conninfo("postgres"));
      pqxx::work conflicting(other);
      conflicting.exec("UPDATE kept SET value = value + 10 WHERE key = 'serialized'");
      conflicting.commit();
    }
    transaction.exec("UPDATE kept SET value = value + 1 WHERE key = 'serialized'");
    return runs;
  });
  EXPECT_EQ(result.value(), 2);
  EXPECT_EQ(Get("serialized"), 12);
}

// Two transactions take two rows in opposite order; the barrier makes sure that each has its first.
TEST_F(PoolTest, RunsAgainAfterADeadlock) {
  ASSERT_THAT(Transact([](pqxx::work& transaction) -> absl::StatusOr<int> {
                transaction.exec_prepared("put", "left", 0);
                transaction.exec_prepared("put", "right", 0);
                return 0;
              }),
              IsOk());
  std::promise<void> has_first[2];
  std::shared_future<void> other_has[2] = {has_first[1].get_future().share(),
                                           has_first[0].get_future().share()};
  std::atomic<int> runs = 0;
  const auto work = [&](int side) -> std::function<absl::StatusOr<int>(pqxx::work&)> {
    auto first_run = std::make_shared<bool>(true);
    return [&, side, first_run](pqxx::work& transaction) -> absl::StatusOr<int> {
      ++runs;
      const char* const keys[2] = {"left", "right"};
      transaction.exec_prepared("put", keys[side], 0);
      if (std::exchange(*first_run, false)) {
        has_first[side].set_value();
        other_has[side].wait();
      }
      transaction.exec_prepared("put", keys[1 - side], 0);
      return 0;
    };
  };
  auto left = asio::co_spawn(runtime_.context(), pool_.Transact<int>(work(0)), asio::use_future);
  auto right = asio::co_spawn(runtime_.context(), pool_.Transact<int>(work(1)), asio::use_future);
  EXPECT_THAT(left.get(), IsOk());
  EXPECT_THAT(right.get(), IsOk());
  EXPECT_GE(runs, 3);
  EXPECT_EQ(Get("left"), 2);
  EXPECT_EQ(Get("right"), 2);
}

TEST_F(PoolTest, ReconnectsWithItsStatementsWhenAConnectionIsEndedAtRest) {
  ASSERT_EQ(Get("none"), -1);
  pqxx::connection other(postgres_->conninfo("postgres"));
  pqxx::nontransaction killer(other);
  killer.exec(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
  EXPECT_EQ(Get("none"), -1);
}

TEST_F(PoolTest, RunsAgainWhenAConnectionIsEndedAtWork) {
  int runs = 0;
  const auto result = Transact([&runs](pqxx::work& transaction) -> absl::StatusOr<int> {
    transaction.exec_prepared("put", "ended at work", 1);
    if (++runs == 1) transaction.exec("SELECT pg_terminate_backend(pg_backend_pid())");
    return runs;
  });
  EXPECT_EQ(result.value(), 2);
  EXPECT_EQ(Get("ended at work"), 1);
}

// The trigger ends the connection while COMMIT runs, so that the client cannot know its outcome.
TEST_F(PoolTest, RunsAgainWhenTheOutcomeOfCommitIsUnknown) {
  {
    pqxx::connection other(postgres_->conninfo("postgres"));
    pqxx::work transaction(other);
    transaction.exec(
        "CREATE TABLE fuse (burnt boolean);"
        "CREATE FUNCTION end_connection() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;"
        "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON fuse DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION end_connection()");
    transaction.commit();
  }
  int runs = 0;
  const auto result = Transact([&runs](pqxx::work& transaction) -> absl::StatusOr<int> {
    transaction.exec_prepared("put", "in doubt", 1);
    if (++runs == 1) transaction.exec("INSERT INTO fuse (burnt) VALUES (true)");
    return runs;
  });
  EXPECT_EQ(result.value(), 2);
  EXPECT_EQ(Get("in doubt"), 1);
}

TEST_F(PoolTest, PingSaysWhetherTheDatabaseAnswers) {
  EXPECT_THAT(runtime_.Run(pool_.Ping()), IsOk());
  Pool nowhere({.conninfo = "host=/nonexistent dbname=postgres", .connections = 1});
  EXPECT_THAT(runtime_.Run(nowhere.Ping()), StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::pg
