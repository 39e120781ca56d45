#include "tests/saga/wire.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <google/protobuf/descriptor.h>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "libs/status/check.h"

namespace florin::saga {
namespace {

std::map<std::string, Wire*>& Wires() {
  static std::map<std::string, Wire*> wires;
  return wires;
}

absl::Status Broken() { return Error(Reason::kUnavailable, "the connection broke"); }

std::string NameOf(const std::string& method) { return method.substr(method.rfind('/') + 1); }

}  // namespace

Wire::Wire(std::string name) : name_(std::move(name)) {
  FLORIN_CHECK(Wires().emplace(name_, this).second, "one wire of a name at a time");
}

Wire::~Wire() { Wires().erase(name_); }

Wire& Wire::Named(const std::string& name) {
  const auto found = Wires().find(name);
  FLORIN_CHECK(found != Wires().end(), "a simulated channel names its wire");
  return *found->second;
}

void Wire::Serve(Owner server, Executor executor, rpc::Service& service) {
  for (const auto& [name, method] : service.methods()) {
    served_.insert_or_assign("/" + std::string(service.descriptor().full_name()) + "/" + name,
                             Served{.server = server, .executor = executor, .method = &method});
  }
}

void Wire::Withdraw(Owner server) {
  std::erase_if(served_, [server](const auto& row) { return row.second.server == server; });
  for (const auto& [owner, call] : under_way_) {
    if (owner == server) replies_.push_back({call, Broken()});
  }
  std::erase_if(under_way_, [server](const auto& row) { return row.first == server; });
}

void Wire::Forget(Owner client) {
  std::erase_if(waiting_, [client](const auto& row) { return row.second.client == client; });
}

Task<rpc::Reply> Wire::Call(Owner client, std::string method, rpc::Outgoing context,
                            std::string request) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(rpc::Reply)>(
      [this](auto handler, Owner who, Sent sent) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const Executor executor = asio::get_associated_executor(*shared);
        const auto resume = [shared, executor](rpc::Reply reply) {
          asio::post(executor, [shared, reply = std::move(reply)]() mutable {
            std::move (*shared)(std::move(reply));
          });
        };
        sent.call = ++calls_;
        waiting_.emplace(sent.call, Waiting{.client = who, .resume = resume});
        requests_.push_back(std::move(sent));
      },
      use_task, client,
      Sent{.call = 0,
           .method = std::move(method),
           .context = std::move(context),
           .bytes = std::move(request)});
}

std::string Wire::Request(std::size_t index, Fate fate) {
  Sent sent = requests_.at(index);
  if (fate != Fate::kTwice) {
    requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  std::string what = NameOf(sent.method) + " " + std::to_string(sent.call);
  if (fate == Fate::kLost) {
    replies_.push_back({sent.call, Broken()});
    return what + " is lost";
  }
  const auto served = served_.find(sent.method);
  if (served == served_.end()) {
    replies_.push_back({sent.call, Broken()});
    return what + " finds nobody";
  }
  if (rewrite_) rewrite_(sent.method, sent.bytes);
  under_way_.emplace_back(served->second.server, sent.call);
  asio::co_spawn(served->second.executor, Run(this, served->second, std::move(sent)),
                 asio::detached);
  return what + (fate == Fate::kTwice ? " arrives, and will once more" : " arrives");
}

Task<void> Wire::Run(Wire* wire, Served served, Sent sent) {
  rpc::Call call("payments", sent.context, rpc::Principal(), false);
  std::string bytes = std::move(sent.bytes);
  absl::StatusOr<std::string> payload = co_await (*served.method)(call, std::move(bytes));
  wire->Answered(served.server, sent.call, std::move(payload));
}

void Wire::Answered(Owner server, int call, absl::StatusOr<std::string> payload) {
  const auto row = std::find(under_way_.begin(), under_way_.end(), std::pair(server, call));
  if (row != under_way_.end()) under_way_.erase(row);
  replies_.push_back({call, std::move(payload)});
}

std::string Wire::Reply(std::size_t index, bool lost) {
  Answer answer = std::move(replies_.at(index));
  replies_.erase(replies_.begin() + static_cast<std::ptrdiff_t>(index));
  const std::string what = "reply " + std::to_string(answer.call);
  const auto waiting = waiting_.find(answer.call);
  if (waiting == waiting_.end()) return what + " finds nobody";
  const Waiting client = std::move(waiting->second);
  waiting_.erase(waiting);
  rpc::Reply reply{.payload = std::move(answer.payload)};
  if (lost) reply.payload = Error(Reason::kDeadlineExceeded, "no reply came in time");
  client.resume(std::move(reply));
  return what + (lost ? " is lost" : " arrives");
}

}  // namespace florin::saga
