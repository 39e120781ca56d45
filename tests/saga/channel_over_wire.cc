// rpc::Channel over a simulated Wire. Linked instead of libs/rpc's: no thread, no socket, and every
// call's fate is the scheduler's. Target: WIRE/OWNER.
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/rpc/channel.h"
#include "libs/status/check.h"
#include "tests/saga/wire.h"

namespace florin::rpc {

class Channel::Impl {
 public:
  explicit Impl(const std::string& target) {
    const std::size_t slash = target.find('/');
    FLORIN_CHECK(slash != std::string::npos && absl::SimpleAtoi(target.substr(slash + 1), &owner),
                 "a simulated target is WIRE/OWNER");
    wire = &saga::Wire::Named(target.substr(0, slash));
  }
  saga::Wire* wire = nullptr;
  saga::Owner owner = 0;
};

Channel::Channel(Executor, ChannelOptions options)
    : impl_(std::make_unique<Impl>(options.target)) {}
Channel::~Channel() = default;
Channel::Channel(Channel&&) noexcept = default;

Task<Reply> Channel::CallBytes(std::string method, Outgoing context, std::string request) {
  return impl_->wire->Call(impl_->owner, std::move(method), std::move(context), std::move(request));
}

Task<absl::Status> Channel::StreamBytes(std::string, Outgoing, std::string, EachBytes) {
  co_return Error(Reason::kInternal, "no streams are simulated");
}

Task<absl::Status> Channel::Connect(absl::Time) { co_return absl::OkStatus(); }

}  // namespace florin::rpc
