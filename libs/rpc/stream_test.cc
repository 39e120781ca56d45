// Streams between a real server and a real channel over mutual TLS.
#include <condition_variable>
#include <future>
#include <mutex>

#include <boost/asio/use_future.hpp>

#include "florin/testing/v1/counter.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/check.h"
#include "libs/status/matchers.h"
#include "libs/telemetry/metrics.h"
#include "libs/testing/certificates.h"

namespace florin::rpc {
namespace {

using florin::testing::v1::CounterClient;
using florin::testing::v1::CounterService;
using florin::testing::v1::CountRequest;
using florin::testing::v1::Number;

// Knows one token, which may read.
class OneToken : public Authenticator {
 public:
  Task<absl::StatusOr<Principal>> Authenticate(std::string token) override {
    if (token != "reader") co_return Error(Reason::kTokenInvalid, "not the token");
    Principal principal;
    principal.user_id = "usr_reader";
    principal.scopes.push_back("numbers:read");
    co_return principal;
  }
};

// Counts as asked; notes how far it got, and how its streams ended.
class Counting : public CounterService {
 public:
  Task<absl::Status> Count(Call& call, const CountRequest& request, Stream<Number>& out) override {
    {
      std::lock_guard lock(mutex_);
      deadline_ = call.deadline();
    }
    const absl::Status status = co_await Run(call, request, out);
    std::lock_guard lock(mutex_);
    ended_.push_back(status);
    changed_.notify_all();
    co_return status;
  }
  Task<absl::Status> CountForUser(Call& call, const CountRequest& request,
                                  Stream<Number>& out) override {
    FLORIN_CHECK(call.principal().user_id == "usr_reader", "the user is known");
    return Run(call, request, out);
  }
  Task<absl::StatusOr<Number>> Total(Call&, const CountRequest& request) override {
    Number number;
    number.set_value(request.count());
    co_return number;
  }

  std::int64_t written() const { return written_; }
  absl::Time deadline() {
    std::lock_guard lock(mutex_);
    return deadline_;
  }
  // What the handlers of the first `count` streams to end returned.
  std::vector<absl::Status> WaitForEnded(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_.size() >= count; });
    return ended_;
  }
  // Rings the bell of the last stream that stayed.
  void Ring() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return bell_ != nullptr; });
    bell_->Ring();
  }

 private:
  Task<absl::Status> Run(Call& call, const CountRequest& request, Stream<Number>& out) {
    for (std::int64_t n = 0; n != request.count(); ++n) {
      FLORIN_CO_RETURN_IF_ERROR(co_await Send(n, request, out));
    }
    {
      std::lock_guard lock(mutex_);
      bell_ = call.bell();
      changed_.notify_all();
    }
    // Each ring is worth one more number.
    for (std::int64_t n = request.count(); request.stay(); ++n) {
      FLORIN_CO_RETURN_IF_ERROR(co_await call.Wait(absl::InfiniteDuration()));
      FLORIN_CO_RETURN_IF_ERROR(co_await Send(n, request, out));
    }
    if (request.reason().empty()) co_return absl::OkStatus();
    co_return Error(*ReasonFromName(request.reason()), "as asked", {.param = "reason"});
  }

  Task<absl::Status> Send(std::int64_t n, const CountRequest& request, Stream<Number>& out) {
    Number number;
    number.set_value(n);
    number.set_padding(std::string(request.padding_bytes(), 'x'));
    FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(number));
    ++written_;
    co_return absl::OkStatus();
  }

  std::atomic<std::int64_t> written_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  absl::Time deadline_ = absl::InfinitePast();  // Guarded by mutex_.
  std::vector<absl::Status> ended_;             // Guarded by mutex_.
  std::shared_ptr<async::Bell> bell_;           // Guarded by mutex_.
};

// Takes numbers, and checks their order. At the number `stall_at` it waits until the gate opens; at
// `fail_at` it fails.
struct Consumer {
  std::int64_t stall_at = -1;
  std::int64_t fail_at = -1;
  async::Bell gate{};
  std::promise<void> stalled{};
  std::atomic<std::int64_t> taken = 0;
  std::atomic<int> at_once = 0;

  Task<absl::Status> Take(Number number) {
    EXPECT_EQ(at_once++, 0) << "one message at a time";
    EXPECT_EQ(number.value(), taken);
    if (number.value() == stall_at) {
      stalled.set_value();
      co_await gate.Wait(absl::InfiniteDuration());
    }
    ++taken;
    --at_once;
    if (number.value() == fail_at) co_return Error(Reason::kInvalidField, "seen enough");
    co_return absl::OkStatus();
  }
  std::function<Task<absl::Status>(Number)> each() {
    return [this](Number number) { return Take(std::move(number)); };
  }
};

CountRequest Numbers(std::int64_t count) {
  CountRequest request;
  request.set_count(count);
  return request;
}

CountRequest AndStay(CountRequest request) {
  request.set_stay(true);
  return request;
}

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.certificates = CertificateFiles::In(certificates_->directory(), "testing");
    options.authenticator = &token_;
    server_ = *Server::Start(runtime_.executor(), options, {&counting_});
    channel_ = ChannelAs("payments");
  }
  ~StreamTest() override {
    channel_.reset();
    server_.reset();
  }
  static void SetUpTestSuite() {
    certificates_ = new testing::TestCertificates({"testing", "gateway", "payments"});
  }
  static void TearDownTestSuite() { delete certificates_; }

  std::unique_ptr<Channel> ChannelAs(const std::string& caller) {
    ChannelOptions options;
    options.target = "127.0.0.1:" + std::to_string(server_->port());
    options.service = "testing";
    options.certificates = CertificateFiles::In(certificates_->directory(), caller);
    return std::make_unique<Channel>(runtime_.executor(), options);
  }

  std::future<absl::Status> Start(const CountRequest& request, Consumer& consumer,
                                  Outgoing context = {}) {
    return asio::co_spawn(runtime_.executor(),
                          CountWith(channel_.get(), std::move(context), request, consumer.each()),
                          asio::use_future);
  }
  absl::Status Count(const CountRequest& request, Consumer& consumer, Outgoing context = {}) {
    return Start(request, consumer, std::move(context)).get();
  }
  static Task<absl::Status> CountWith(Channel* channel, Outgoing context, CountRequest request,
                                      std::function<Task<absl::Status>(Number)> each) {
    const CounterClient client(channel);
    co_return co_await client.Count(std::move(context), request, std::move(each));
  }

  absl::Status CountForUser(const std::string& token, const std::string& key) {
    Consumer consumer;
    Outgoing context;
    context.user_token = token;
    context.idempotency_key = key;
    const CountRequest request = Numbers(1);
    return runtime_.Run(
        CounterClient(channel_.get()).CountForUser(std::move(context), request, consumer.each()));
  }

  static testing::TestCertificates* certificates_;
  async::Runtime runtime_{2};
  OneToken token_;
  Counting counting_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
};

testing::TestCertificates* StreamTest::certificates_ = nullptr;

TEST_F(StreamTest, EveryMessageArrivesInOrder) {
  Consumer consumer;
  EXPECT_THAT(Count(Numbers(1'000), consumer), IsOk());
  EXPECT_EQ(consumer.taken, 1'000);
  EXPECT_NE(telemetry::RenderMetrics().find("florin_rpc_messages_sent_total{method=\"florin."
                                            "testing.v1.Counter/Count\"}"),
            std::string::npos);
}

TEST_F(StreamTest, AStreamMayHaveNoMessage) {
  Consumer consumer;
  EXPECT_THAT(Count(Numbers(0), consumer), IsOk());
  EXPECT_EQ(consumer.taken, 0);
}

TEST_F(StreamTest, AUnaryMethodOfTheSameServiceWorks) {
  const auto total = runtime_.Run(CounterClient(channel_.get()).Total(Outgoing(), Numbers(42)));
  EXPECT_EQ(total.value().value(), 42);
}

// 64 MiB in all, of which a few may be under way.
TEST_F(StreamTest, AStalledConsumerHoldsTheServerBack) {
  constexpr std::int64_t kAll = 1'024;
  constexpr std::int64_t kAhead = 256;
  CountRequest request = Numbers(kAll);
  request.set_padding_bytes(64 << 10);
  Consumer consumer{.stall_at = 0};
  auto ended = Start(request, consumer);
  consumer.stalled.get_future().wait();
  for (std::int64_t before = -1; before != counting_.written();) {
    before = counting_.written();
    runtime_.Run(async::Sleep(absl::Milliseconds(100)));
  }
  RecordProperty("messages_ahead", static_cast<int>(counting_.written()));
  EXPECT_LT(counting_.written(), kAhead);
  EXPECT_EQ(consumer.taken, 0);
  consumer.gate.Ring();
  EXPECT_THAT(ended.get(), IsOk());
  EXPECT_EQ(consumer.taken, kAll);
}

TEST_F(StreamTest, TheErrorOfTheServerComesAfterItsMessages) {
  Consumer consumer;
  CountRequest request = Numbers(10);
  request.set_reason("account_not_found");
  const absl::Status status = Count(request, consumer);
  EXPECT_THAT(status, StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(status, StatusHasParam("reason"));
  EXPECT_EQ(consumer.taken, 10);
}

TEST_F(StreamTest, AnErrorOfTheConsumerCancelsTheCall) {
  Consumer consumer{.fail_at = 5};
  EXPECT_THAT(Count(Numbers(-1), consumer), StatusHasReason(Reason::kInvalidField));
  EXPECT_EQ(consumer.taken, 6);
  EXPECT_THAT(counting_.WaitForEnded(1)[0], StatusHasReason(Reason::kCanceled));
}

TEST_F(StreamTest, TheClientCancelsWhileNothingArrives) {
  Consumer consumer{.stall_at = 2};
  Outgoing context;
  context.cancellation = std::make_shared<Cancellation>();
  const auto cancellation = context.cancellation;
  auto ended = Start(AndStay(Numbers(3)), consumer, context);
  consumer.stalled.get_future().wait();
  consumer.gate.Ring();
  cancellation->Cancel(Error(Reason::kSandboxDisabled, "a reason of its own"));
  EXPECT_THAT(ended.get(), StatusHasReason(Reason::kSandboxDisabled));
  EXPECT_THAT(counting_.WaitForEnded(1)[0], StatusHasReason(Reason::kCanceled));
}

TEST_F(StreamTest, WhatIsCanceledBeforeItStartsGivesNoMessage) {
  Consumer consumer;
  Outgoing context;
  context.cancellation = std::make_shared<Cancellation>();
  context.cancellation->Cancel(Error(Reason::kCanceled, "too late"));
  EXPECT_THAT(Count(Numbers(-1), consumer, context), StatusHasReason(Reason::kCanceled));
}

TEST_F(StreamTest, ABellWakesTheHandler) {
  Consumer consumer{.stall_at = 2};
  auto ended = Start(AndStay(Numbers(2)), consumer);
  counting_.Ring();
  consumer.stalled.get_future().wait();
  consumer.gate.Ring();
  server_->Drain(absl::Seconds(10));
  EXPECT_THAT(ended.get(), StatusHasReason(Reason::kUnavailable));
  EXPECT_EQ(consumer.taken, 3);
  counting_.Ring();  // The call is gone: no effect.
}

TEST_F(StreamTest, ItsDeadlineEndsIt) {
  Consumer consumer;
  Outgoing context;
  context.deadline = SystemClock().Now() + absl::Milliseconds(300);
  EXPECT_THAT(Count(AndStay(Numbers(1)), consumer, context),
              StatusHasReason(Reason::kDeadlineExceeded));
  EXPECT_THAT(counting_.WaitForEnded(1)[0], StatusHasReason(Reason::kDeadlineExceeded));
}

TEST_F(StreamTest, HasNoDeadlineOfItsOwn) {
  Consumer consumer;
  EXPECT_THAT(Count(Numbers(1), consumer), IsOk());
  EXPECT_EQ(counting_.deadline(), absl::InfiniteFuture());
}

TEST_F(StreamTest, ItsPolicyIsCheckedInTheOrderOfAUnaryCall) {
  EXPECT_THAT(CountForUser("", ""), StatusHasReason(Reason::kTokenMissing));
  EXPECT_THAT(CountForUser("forged", ""), StatusHasReason(Reason::kTokenInvalid));
  EXPECT_THAT(CountForUser("reader", ""), StatusHasReason(Reason::kIdempotencyKeyMissing));
  EXPECT_THAT(CountForUser("reader", "k"), IsOk());
  channel_ = ChannelAs("gateway");
  EXPECT_THAT(CountForUser("", ""), StatusHasReason(Reason::kCallerNotAllowed));
  Consumer consumer;
  EXPECT_THAT(Count(Numbers(1), consumer), StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_EQ(consumer.taken, 0);
}

TEST_F(StreamTest, ADrainEndsItSoThatTheClientGoesElsewhere) {
  Consumer consumer{.stall_at = 0};
  auto ended = Start(AndStay(Numbers(1)), consumer);
  consumer.stalled.get_future().wait();
  consumer.gate.Ring();
  server_->Drain(absl::InfiniteDuration());  // Returns only if the handler was woken.
  EXPECT_THAT(ended.get(), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(counting_.WaitForEnded(1)[0], StatusHasReason(Reason::kUnavailable));
}

TEST_F(StreamTest, ADrainDoesNotWaitForAStalledConsumer) {
  Consumer consumer{.stall_at = 0};
  CountRequest request = Numbers(-1);
  request.set_padding_bytes(64 << 10);
  auto ended = Start(request, consumer);
  consumer.stalled.get_future().wait();
  server_->Drain(absl::Milliseconds(50));
  consumer.gate.Ring();
  EXPECT_THAT(ended.get(), StatusHasReason(Reason::kUnavailable));
}

TEST_F(StreamTest, AChannelThatGoesBreaksItsStreamsOff) {
  Consumer waiting{.stall_at = 0};
  Consumer stalled{.stall_at = 0};
  auto one = Start(AndStay(Numbers(1)), waiting);
  auto other = Start(AndStay(Numbers(5)), stalled);
  waiting.stalled.get_future().wait();
  stalled.stalled.get_future().wait();
  waiting.gate.Ring();
  channel_.reset();
  EXPECT_THAT(one.get(), StatusHasReason(Reason::kUnavailable));
  stalled.gate.Ring();
  EXPECT_THAT(other.get(), StatusHasReason(Reason::kUnavailable));
}

TEST_F(StreamTest, AServerThatIsNotThereIsUnavailable) {
  server_->Drain(absl::ZeroDuration());
  Consumer consumer;
  EXPECT_THAT(Count(Numbers(1), consumer), StatusHasReason(Reason::kUnavailable));
}

TEST_F(StreamTest, ManyAtOnceDoNotMix) {
  constexpr int kStreams = 200;
  std::vector<std::unique_ptr<Consumer>> consumers;
  std::vector<std::future<absl::Status>> ended;
  for (int i = 0; i < kStreams; ++i) {
    consumers.push_back(std::make_unique<Consumer>());
    consumers.back()->fail_at = i % 3 == 0 ? i % 50 : -1;
    ended.push_back(Start(Numbers(50), *consumers.back()));
  }
  for (int i = 0; i < kStreams; ++i) {
    const absl::Status status = ended[i].get();
    if (i % 3 == 0) {
      EXPECT_THAT(status, StatusHasReason(Reason::kInvalidField));
      EXPECT_EQ(consumers[i]->taken, i % 50 + 1);
    } else {
      EXPECT_THAT(status, IsOk());
      EXPECT_EQ(consumers[i]->taken, 50);
    }
  }
}

TEST(CancellationTest, KeepsTheFirstReasonAndRunsEachListenerOnce) {
  const auto cancellation = std::make_shared<Cancellation>();
  int heard = 0;
  const auto listener = [&heard](const absl::Status& why) {
    EXPECT_THAT(why, StatusHasReason(Reason::kCanceled));
    ++heard;
  };
  { const auto gone = Cancellation::Listen(cancellation, listener); }
  const auto before = Cancellation::Listen(cancellation, listener);
  EXPECT_FALSE(cancellation->canceled());
  cancellation->Cancel(Error(Reason::kCanceled, "first"));
  cancellation->Cancel(Error(Reason::kUnavailable, "second"));
  EXPECT_THAT(cancellation->status(), StatusHasReason(Reason::kCanceled));
  const auto after = Cancellation::Listen(cancellation, listener);
  EXPECT_EQ(heard, 2);
}

}  // namespace
}  // namespace florin::rpc
