// PostgreSQL: a pool of connections, transactions with retry.
//
// libpqxx blocks and throws; both end here. Each connection belongs to one thread of the pool; a
// Task waits without blocking. libpqxx's exceptions become a Status: kUnavailable where the
// database cannot be reached or the transaction could not be completed after retries, kInternal for
// anything else (a bug in the SQL, a constraint that our own checks should have kept).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/async/task.h"
#include "libs/status/status.h"

namespace florin::pg {

// A statement prepared on every connection of a pool before its first use.
struct Statement {
  std::string name;
  std::string sql;
};

struct PoolOptions {
  std::string conninfo;  // libpq's key=value form or URI; a password comes from a file
                         // (passfile=…), not from here.
  int connections = 4;
  std::vector<Statement> statements;
  // Run-time settings of every connection, each "name = value", set before its statements are
  // prepared.
  std::vector<std::string> settings = {};
};

// Settings for a service whose every statement touches few rows by their keys. Until a table has
// statistics, PostgreSQL takes it for tiny, may choose a scan and keeps that plan while the table
// grows: these rule out scans and joins of whole tables. Plans are kept, since making them anew for
// each batch took a sixth of PostgreSQL's time for payments at 64 connections.
std::vector<std::string> KeyedAccessSettings();

// Thread-safe. Connections are opened at first use and reopened after a failure.
class Pool {
 public:
  explicit Pool(PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;

  // Runs `work` in one READ COMMITTED transaction on a pool thread and commits if it returns OK,
  // rolls back otherwise.
  //
  // `work` may run several times: after a serialization failure, a deadlock or a lost connection,
  // *including one lost during COMMIT, when the first run may have committed*. So it must be
  // idempotent: look up the ids it is about to write, or insert with ON CONFLICT. It must have no
  // effect outside the transaction, and what it refers to must outlive the call.
  template <class T>
  Task<absl::StatusOr<T>> Transact(std::function<absl::StatusOr<T>(pqxx::work&)> work);

  // The same for readers: READ ONLY and REPEATABLE READ, so that several statements see one state.
  template <class T>
  Task<absl::StatusOr<T>> Read(std::function<absl::StatusOr<T>(pqxx::transaction_base&)> work);

  // Whether a connection can be had and answers. For readiness.
  Task<absl::Status> Ping();

 private:
  // One attempt at a transaction, its result kept aside. May run several times.
  using Writing = std::function<absl::Status(pqxx::work&)>;
  using Reading = std::function<absl::Status(pqxx::transaction_base&)>;
  Task<absl::Status> Run(Writing work);
  Task<absl::Status> RunReading(Reading work);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::pg

#include "libs/pg/pool_inl.h"
