// The network between the simulated processes: requests and replies that wait to be delivered, in
// any order, late, twice or never.
//
// rpc::Channel is replaced by one over this (channel_over_wire.cc), so that the flows' generated
// clients, and the services' generated tables, are the real ones. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/service.h"
#include "tests/saga/gates.h"

namespace florin::saga {

class Wire {
 public:
  // Where simulated channels find it: as ChannelOptions::target says. One at a time has a name.
  explicit Wire(std::string name);
  ~Wire();
  static Wire& Named(const std::string& name);

  // `service` answers calls to its methods from now on, as a process of its own. Not owned.
  void Serve(Owner server, Executor executor, rpc::Service& service);
  // The process is gone: its callers are told that the connection broke.
  void Withdraw(Owner server);
  // A client's process is gone: nobody waits for its replies; its requests travel on.
  void Forget(Owner client);

  Task<rpc::Reply> Call(Owner client, std::string method, rpc::Outgoing context,
                        std::string request);

  // For the scheduler. Each says what it did.
  enum class Fate { kDelivered, kLost, kTwice };
  std::size_t requests() const { return requests_.size(); }
  std::string Request(std::size_t index, Fate fate);
  std::size_t replies() const { return replies_.size(); }
  std::string Reply(std::size_t index, bool lost);

  // What requests are made of before they arrive: for mistakes on purpose.
  void Rewrite(std::function<void(const std::string& method, std::string& request)> rewrite) {
    rewrite_ = std::move(rewrite);
  }

 private:
  struct Sent {
    int call;
    std::string method;
    rpc::Outgoing context;
    std::string bytes;
  };
  struct Answer {
    int call;
    absl::StatusOr<std::string> payload;
  };
  struct Waiting {
    Owner client;
    std::function<void(rpc::Reply)> resume;
  };
  struct Served {
    Owner server;
    Executor executor;
    const rpc::Service::Method* method;
  };

  static Task<void> Run(Wire* wire, Served served, Sent sent);
  void Expect(int call, Owner client, std::function<void(rpc::Reply)> resume);
  void Answered(Owner server, int call, absl::StatusOr<std::string> payload);

  const std::string name_;
  int calls_ = 0;
  std::function<void(const std::string&, std::string&)> rewrite_;
  std::map<std::string, Served> served_;          // By method.
  std::vector<Sent> requests_;                    // On their way.
  std::vector<Answer> replies_;                   // On their way.
  std::map<int, Waiting> waiting_;                // By call.
  std::vector<std::pair<Owner, int>> under_way_;  // At a server: server and call.
};

}  // namespace florin::saga
