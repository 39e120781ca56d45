#include "tests/saga/gates.h"

#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

namespace florin::saga {

Task<bool> Gates::Pass(Owner owner, const char* what) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(bool)>(
      [this](auto handler, Owner who, const char* why) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const Executor executor = asio::get_associated_executor(*shared);
        waiting_.push_back({who, why, [shared, executor](bool lost) {
                              asio::post(executor, [shared, lost] { std::move (*shared)(!lost); });
                            }});
      },
      use_task, owner, what);
}

std::string Gates::Open(std::size_t index, bool lost) {
  const Waiting chosen = std::move(waiting_.at(index));
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
  chosen.go_on(lost);
  return std::to_string(chosen.owner) + " " + chosen.what + (lost ? " is lost" : "");
}

void Gates::Drop(Owner owner) {
  std::erase_if(waiting_, [owner](const Waiting& waiting) { return waiting.owner == owner; });
}

}  // namespace florin::saga
