// A private, throw-away PostgreSQL for a test: real, on a Unix socket in a temporary directory,
// gone with the object.
//
//   testing::Postgres postgres;
//   postgres.CreateSchema("ledger");
//   pg::Pool pool({.conninfo = postgres.conninfo("ledger")});
//
// Starting one takes a second or two: share it among the tests of a program and keep their data
// apart. With the tables of a service: libs/pg/test_database.h.
#pragma once

#include <memory>
#include <string>

namespace florin::testing {

// Runs initdb and postgres as the user `postgres` when the test runs as root. fsync is off (crash
// tests start their own, durable one through deploy/local/up). Ends the process with a message if
// PostgreSQL cannot be started. The server dies with the test, even if the test crashes. Not
// thread-safe; make it in the main thread.
class Postgres {
 public:
  Postgres();
  ~Postgres();
  Postgres(const Postgres&) = delete;

  // Creates login roles `schema`_owner (migrations) and `schema` (runtime) and a schema `schema`
  // owned by the former, by deploy/local/schema.sql of the source tree (FLORIN_SOURCE_DIR, set by
  // ctest; else the working directory). Any call may create further ones in the same database.
  void CreateSchema(const std::string& schema);

  // conninfo for `role` ("postgres", "ledger", "ledger_owner").
  std::string conninfo(const std::string& role) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace florin::testing
