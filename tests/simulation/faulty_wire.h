// A wire between libpq and a private PostgreSQL that breaks on demand: a proxy on loopback that
// knows of the frontend/backend protocol (PostgreSQL manual, "Message Formats", version 3.0) just
// that messages are a letter and a length, and with which an exchange ends.
//
//   FaultyWire wire(postgres.conninfo("ledger"));
//   pg::Pool pool({.conninfo = wire.conninfo()});
//   wire.Arm(Fault::kAfterServer, 3, 1);   // The third exchange from now on.
//   …
//   const bool struck = wire.Disarm() > 0;
//
// An exchange is what a client sends up to Query or Sync, and all that the server answers to it:
// one statement, BEGIN and COMMIT and the preparation of a statement included. COPY is two: the
// statement, and all its rows. When a client sees a
// fault, its effect on the server is certain: a broken exchange has not reached the server at all,
// or has been executed, and its transaction can't commit any more. So commits() counts all
// transactions that a caller's attempts committed, whatever the caller was told.
//
// Thread-safe. Ends the process with a message if it cannot listen.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace florin::simulation {

enum class Fault {
  kBeforeServer,          // The connection breaks before the server gets the exchange.
  kAfterServer,           // It breaks once the server has executed it, before its answer arrives.
  kSerializationFailure,  // The server's transaction is aborted, the client told SQLSTATE 40001.
  kDeadlock,              // The same with 40P01.
};

class FaultyWire {
 public:
  // `server`: "host=DIRECTORY dbname=… user=…", with the server's Unix socket in the directory.
  explicit FaultyWire(const std::string& server);
  ~FaultyWire();
  FaultyWire(const FaultyWire&) = delete;

  // The same database and user, through the wire.
  std::string conninfo() const;

  // Lets `exchange` - 1 exchanges of all connections pass, then lets `fault` strike `times` times
  // in a row. ROLLBACK is not told of errors, as in life.
  void Arm(Fault fault, int exchange, int times);
  // Lets all pass again; gives how often the fault has struck.
  int Disarm();

  // Transactions that the server has committed for clients of this wire.
  std::int64_t commits() const;

 private:
  struct State;  // Shared with the threads of the connections.
  class Line;    // One of them.
  std::shared_ptr<State> state_;
};

}  // namespace florin::simulation
