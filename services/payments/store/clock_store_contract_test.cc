// What every ClockStore promises, held against PostgreSQL and the fake.
#include "services/payments/store/clock_store.h"
#include "services/payments/store/store_test_values.h"

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/store/fake_clock_store.h"
#include "services/payments/store/pg_clock_store.h"

namespace florin::payments {
namespace {

struct FakeClockSubject {
  FakeClockStore clock_store;
  ClockStore& store() { return clock_store; }
};

struct PgClockSubject {
  pg::Pool pool{{.conninfo = Server().conninfo("payments"),
                 .connections = 2,
                 .statements = PgClockStore::Statements()}};
  PgClockStore clock_store{pool};
  ClockStore& store() { return clock_store; }
};

template <typename T>
class ClockStoreTest : public ::testing::Test {
 protected:
  absl::Duration GoAhead(absl::Duration ahead) {
    const auto kept = runtime_.Run(kept_.store().GoAhead(ahead));
    EXPECT_THAT(kept, IsOk());
    return kept.value_or(absl::InfiniteDuration());
  }

  async::Runtime runtime_{1};
  T kept_;
};

using ClockStores = ::testing::Types<FakeClockSubject, PgClockSubject>;
TYPED_TEST_SUITE(ClockStoreTest, ClockStores);

TYPED_TEST(ClockStoreTest, KeepsTheFarthest) {
  EXPECT_EQ(this->GoAhead(absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(this->GoAhead(absl::Microseconds(1)), absl::Microseconds(1));
  EXPECT_EQ(this->GoAhead(absl::Hours(5)), absl::Hours(5));
  EXPECT_EQ(this->GoAhead(absl::Hours(4)), absl::Hours(5));
  EXPECT_EQ(this->GoAhead(absl::ZeroDuration()), absl::Hours(5));
}

// Whatever the program does.
TEST(SandboxClockTest, TheDatabaseNeverGoesBack) {
  const testing::Postgres& server = Server();
  pqxx::connection connection(server.conninfo("payments"));
  pqxx::work transaction(connection);
  transaction.exec("INSERT INTO sandbox_clock (ahead_micros) VALUES (0) ON CONFLICT DO NOTHING");
  EXPECT_THROW(transaction.exec("UPDATE sandbox_clock SET ahead_micros = ahead_micros - 1"),
               pqxx::sql_error);
}

}  // namespace
}  // namespace florin::payments
