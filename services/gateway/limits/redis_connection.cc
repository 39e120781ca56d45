#include "services/gateway/limits/redis_connection.h"

#include <hiredis/hiredis.h>

#include <array>
#include <chrono>
#include <deque>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_cat.h"
#include "libs/async/runtime.h"
#include "libs/status/check.h"

namespace florin::gateway {
namespace {

using boost::system::error_code;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};

absl::Status Away(const char* why) { return Error(Reason::kUnavailable, why); }

RedisReply Convert(const redisReply& reply) {
  RedisReply converted;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      converted.value = std::int64_t{reply.integer};
      break;
    case REDIS_REPLY_ARRAY: {
      std::vector<RedisReply> elements;
      for (std::size_t i = 0; i < reply.elements; ++i)
        elements.push_back(Convert(*reply.element[i]));
      converted.value = std::move(elements);
      break;
    }
    case REDIS_REPLY_NIL:
      break;
    default:  // Strings, states, errors.
      converted.value = std::string(reply.str, reply.len);
      converted.is_error = reply.type == REDIS_REPLY_ERROR;
  }
  return converted;
}

std::string Format(const RedisConnection::Args& args) {
  std::vector<const char*> data;
  std::vector<std::size_t> sizes;
  for (const std::string_view arg : args) {
    data.push_back(arg.data());
    sizes.push_back(arg.size());
  }
  char* command = nullptr;
  const int size =
      redisFormatCommandArgv(&command, static_cast<int>(args.size()), data.data(), sizes.data());
  FLORIN_CHECK(size > 0, "a command can be written");
  std::string text(command, static_cast<std::size_t>(size));
  redisFreeCommand(command);
  return text;
}

// A command that waits for its answer. Its owner is the coroutine that waits; the connection knows
// it as long as both are there.
struct Waiter {
  explicit Waiter(const Executor& executor) : timer(executor) {}
  Timer timer;
  bool answered = false;
  RedisReply reply;
};

}  // namespace

// Shared by the coroutines of the connection, each of which may be the last to end.
struct RedisConnection::State {
  State(Executor its_executor, RedisEndpoint its_endpoint, const RedisOptions& its_options)
      : executor(its_executor), endpoint(std::move(its_endpoint)), options(its_options) {}

  static Task<void> Run(std::shared_ptr<State> self);
  static Task<void> Write(std::shared_ptr<State> self);
  static Task<absl::StatusOr<RedisReply>> Call(std::shared_ptr<State> self, std::string command,
                                               absl::Duration budget);
  Task<void> ReadUntilClosed();
  bool Deliver(std::string_view bytes);
  void Close();

  const Executor executor;
  const RedisEndpoint endpoint;
  const RedisOptions options;
  std::optional<Socket> socket;
  std::unique_ptr<redisReader, FreeReader> reader;
  // One for each command sent, in their order; nothing where nobody waits any more.
  std::deque<std::shared_ptr<Waiter>> waiting;
  std::string outgoing;
  bool writing = false;
  bool connected = false;  // A first answer came, so that commands are worth sending.
  bool stopped = false;
  int late = 0;
};

void RedisConnection::State::Close() {
  connected = false;
  outgoing.clear();
  for (const auto& waiter : waiting) {
    if (waiter != nullptr) waiter->timer.cancel();
  }
  waiting.clear();
  error_code ignored;
  if (socket) socket->close(ignored);
}

// Hands answers to who waits for them; false if the bytes are no answers.
bool RedisConnection::State::Deliver(std::string_view bytes) {
  if (redisReaderFeed(reader.get(), bytes.data(), bytes.size()) != REDIS_OK) return false;
  while (true) {
    void* next = nullptr;
    if (redisReaderGetReply(reader.get(), &next) != REDIS_OK) return false;
    if (next == nullptr) return true;
    const std::unique_ptr<void, FreeReply> reply(next);
    if (waiting.empty()) return false;
    const std::shared_ptr<Waiter> waiter = std::move(waiting.front());
    waiting.pop_front();
    if (waiter == nullptr) continue;
    waiter->answered = true;
    waiter->reply = Convert(*static_cast<redisReply*>(next));
    waiter->timer.cancel();
    late = 0;
  }
}

Task<void> RedisConnection::State::ReadUntilClosed() {
  std::array<char, 16 * 1024> bytes;
  while (!stopped) {
    error_code ec;
    const std::size_t size =
        co_await socket->async_read_some(asio::buffer(bytes), asio::redirect_error(use_task, ec));
    if (ec || !Deliver({bytes.data(), size})) co_return;
  }
}

// Sends what has gathered, until there is nothing left.
Task<void> RedisConnection::State::Write(std::shared_ptr<State> self) {
  while (!self->outgoing.empty() && self->socket && self->socket->is_open()) {
    const std::string bytes = std::exchange(self->outgoing, {});
    error_code ec;
    co_await asio::async_write(*self->socket, asio::buffer(bytes),
                               asio::redirect_error(use_task, ec));
    if (ec) break;
  }
  self->writing = false;
}

Task<absl::StatusOr<RedisReply>> RedisConnection::State::Call(std::shared_ptr<State> self,
                                                              std::string command,
                                                              absl::Duration budget) {
  const auto waiter = std::make_shared<Waiter>(self->executor);
  waiter->timer.expires_after(absl::ToChronoNanoseconds(budget));
  self->outgoing += command;
  self->waiting.push_back(waiter);
  if (!std::exchange(self->writing, true))
    asio::co_spawn(self->executor, Write(self), asio::detached);
  error_code ec;
  co_await waiter->timer.async_wait(asio::redirect_error(use_task, ec));
  if (waiter->answered) co_return std::move(waiter->reply);
  if (const auto place = std::find(self->waiting.begin(), self->waiting.end(), waiter);
      place != self->waiting.end()) {
    *place = nullptr;  // The answer is still to come.
    if (++self->late >= self->options.late_answers) self->Close();
    co_return Away("Redis did not answer in time");
  }
  co_return Away("the connection to Redis ended");
}

// Connects, answers, and again.
Task<void> RedisConnection::State::Run(std::shared_ptr<State> self) {
  while (!self->stopped) {
    self->socket.emplace(self->executor);
    self->reader.reset(redisReaderCreate());
    self->late = 0;
    error_code ec;
    Timer limit(self->executor, absl::ToChronoNanoseconds(self->options.connect_budget));
    limit.async_wait([self](const error_code& canceled) {
      if (!canceled && !self->connected) self->Close();
    });
    co_await self->socket->async_connect(self->endpoint, asio::redirect_error(use_task, ec));
    if (!ec && !self->stopped) {
      // Only an answer shows that Redis is there: the kernel accepts for one that hangs.
      self->outgoing = Format({"PING"});
      const auto ping = std::make_shared<Waiter>(self->executor);
      self->waiting.push_back(ping);
      ping->timer.expires_after(absl::ToChronoNanoseconds(self->options.connect_budget));
      ping->timer.async_wait([self, ping](const error_code&) {
        if (ping->answered && !ping->reply.is_error) self->connected = true;
      });
      if (!std::exchange(self->writing, true))
        asio::co_spawn(self->executor, Write(self), asio::detached);
      co_await self->ReadUntilClosed();
    }
    limit.cancel();
    self->Close();
    if (self->stopped) co_return;
    co_await async::Sleep(self->options.retry_interval);
  }
}

absl::StatusOr<RedisEndpoint> ParseRedisAddress(const std::string& address) {
  if (address.starts_with('/')) {
    if (address.size() > 107)
      return Error(Reason::kInternal, absl::StrCat(address, " is too long for a Unix socket"));
    return RedisEndpoint(asio::local::stream_protocol::endpoint(address));
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos)
    return Error(Reason::kInternal, absl::StrCat(address, " is neither /path nor host:port"));
  asio::io_context context;
  error_code ec;
  const auto found =
      asio::ip::tcp::resolver(context).resolve(address.substr(0, colon), address.substr(colon + 1),
                                               asio::ip::tcp::resolver::numeric_service, ec);
  if (ec || found.empty())
    return Error(Reason::kInternal, absl::StrCat(address, ": ", ec.message()));
  return RedisEndpoint(found.begin()->endpoint());
}

RedisConnection::RedisConnection(Executor executor, RedisEndpoint endpoint,
                                 const RedisOptions& options)
    : state_(std::make_shared<State>(executor, std::move(endpoint), options)) {
  asio::co_spawn(executor, State::Run(state_), asio::detached);
}

RedisConnection::~RedisConnection() {
  state_->stopped = true;
  state_->Close();
}

bool RedisConnection::connected() const { return state_->connected; }

Task<absl::StatusOr<RedisReply>> RedisConnection::Call(Args args) {
  if (!state_->connected) co_return Away("there is no connection to Redis");
  std::string command = Format(args);
  co_return co_await State::Call(state_, std::move(command), state_->options.budget);
}

}  // namespace florin::gateway
