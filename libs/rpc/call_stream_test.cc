// Unary calls that share a stream, between a real server and a real channel over mutual TLS.
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <boost/asio/use_future.hpp>

#include "florin/testing/v1/counter.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/bell.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::rpc {
namespace {

using florin::testing::v1::CounterClient;
using florin::testing::v1::CounterService;
using florin::testing::v1::CountRequest;
using florin::testing::v1::Number;

class NoToken : public Authenticator {
 public:
  Task<absl::StatusOr<Principal>> Authenticate(std::string) override {
    co_return Error(Reason::kTokenInvalid, "there are none");
  }
};

// Total answers with the count, padded as asked; one with `stay` waits at a gate before.
class Gated : public CounterService {
 public:
  Task<absl::Status> Count(Call&, const CountRequest&, Stream<Number>&) override {
    co_return Error(Reason::kMethodNotFound, "not part of the test");
  }
  Task<absl::Status> CountForUser(Call&, const CountRequest&, Stream<Number>&) override {
    co_return Error(Reason::kMethodNotFound, "not part of the test");
  }
  Task<absl::StatusOr<Number>> Total(Call& call, const CountRequest& request) override {
    if (request.stay()) {
      {
        std::lock_guard lock(mutex_);
        ++arrived_;
        deadline_ = call.deadline();
        changed_.notify_all();
      }
      co_await gate_.Wait(absl::InfiniteDuration());
    }
    if (!request.reason().empty()) {
      co_return Error(*ReasonFromName(request.reason()), "as asked", {.param = "reason"});
    }
    Number number;
    number.set_value(request.count());
    number.set_padding(std::string(static_cast<std::size_t>(request.padding_bytes()), 'x'));
    co_return number;
  }

  void WaitUntilOneStays() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [this] { return arrived_ > 0; }));
  }
  void LetGo() { gate_.Ring(); }
  absl::Time deadline() {
    std::lock_guard lock(mutex_);
    return deadline_;
  }

 private:
  async::Bell gate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;                             // Guarded by mutex_.
  absl::Time deadline_ = absl::InfinitePast();  // Guarded by mutex_.
};

class CallStreamTest : public ::testing::Test {
 protected:
  using Answer = std::future<absl::StatusOr<Number>>;

  ~CallStreamTest() override {
    channel_.reset();
    server_.reset();
  }

  void Start(bool streams_of_calls = true, int port = 0) {
    ServerOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port);
    options.certificates = CertificateFiles::In(certificates_.directory(), "ledger");
    options.authenticator = &no_token_;
    options.streams_of_calls = streams_of_calls;
    server_ = *Server::Start(runtime_.executor(), options, {&service_});
    if (channel_ != nullptr) return;
    ChannelOptions to;
    to.target = "127.0.0.1:" + std::to_string(server_->port());
    to.service = "ledger";
    to.certificates = CertificateFiles::In(certificates_.directory(), "payments");
    channel_ = std::make_unique<Channel>(runtime_.executor(), to);
  }

  Answer Total(std::int64_t count, bool stay = false, const std::string& reason = "",
               absl::Duration timeout = absl::Seconds(5), int padding = 0) {
    CountRequest request;
    request.set_count(count);
    request.set_stay(stay);
    request.set_reason(reason);
    request.set_padding_bytes(padding);
    return asio::co_spawn(runtime_.executor(), Call(channel_.get(), std::move(request), timeout),
                          asio::use_future);
  }

  static Task<absl::StatusOr<Number>> Call(Channel* channel, CountRequest request,
                                           absl::Duration timeout) {
    CounterClient client(channel);
    Outgoing context;
    context.deadline = SystemClock().Now() + timeout;
    co_return co_await client.Total(std::move(context), request);
  }

  testing::TestCertificates certificates_{{"ledger", "payments"}};
  async::Runtime runtime_{2};
  NoToken no_token_;
  Gated service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
};

TEST_F(CallStreamTest, ManyAtOnceGetEachItsOwnAnswer) {
  Start();
  std::vector<Answer> answers;
  for (int i = 0; i < 3'000; ++i)
    answers.push_back(Total(i, false, i % 7 == 0 ? "overloaded" : ""));
  for (int i = 0; i < 3'000; ++i) {
    const auto answer = answers[static_cast<std::size_t>(i)].get();
    if (i % 7 == 0) {
      ASSERT_THAT(answer, StatusHasReason(Reason::kOverloaded)) << i;
      EXPECT_THAT(answer.status(), StatusHasParam("reason"));
    } else {
      ASSERT_THAT(answer, IsOk()) << i;
      EXPECT_EQ(answer->value(), i);
    }
  }
}

TEST_F(CallStreamTest, ASlowCallHoldsUpNoOther) {
  Start();
  Answer slow = Total(1, true);
  service_.WaitUntilOneStays();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Total(i).get()->value(), i);
  service_.LetGo();
  EXPECT_EQ(slow.get()->value(), 1);
}

TEST_F(CallStreamTest, ACallEndsAtItsDeadlineAndItsLateAnswerIsNobodys) {
  Start();
  EXPECT_THAT(Total(0).get(), IsOk());  // Connected.
  const absl::Time before = SystemClock().Now();
  Answer late = Total(1, true, "", absl::Seconds(1));
  service_.WaitUntilOneStays();
  EXPECT_LE(service_.deadline(), SystemClock().Now() + absl::Seconds(1));
  EXPECT_GE(service_.deadline(), before);
  EXPECT_THAT(late.get(), StatusHasReason(Reason::kDeadlineExceeded));
  service_.LetGo();
  EXPECT_EQ(Total(2).get()->value(), 2);
}

TEST_F(CallStreamTest, DrainingAnswersWhatIsUnderWay) {
  Start();
  Answer slow = Total(1, true);
  service_.WaitUntilOneStays();
  std::thread drain([this] { server_->Drain(absl::Seconds(30)); });
  service_.LetGo();
  EXPECT_EQ(slow.get()->value(), 1);
  drain.join();
  EXPECT_THAT(Total(2).get(), StatusHasReason(Reason::kUnavailable));
}

TEST_F(CallStreamTest, AnIdleStreamDoesNotHoldUpDraining) {
  Start();
  EXPECT_THAT(Total(1).get(), IsOk());
  server_->Drain(absl::Hours(1));
}

TEST_F(CallStreamTest, AServerGoesEvenIfItsExecutorHasStopped) {
  Start();
  EXPECT_THAT(Total(1).get(), IsOk());
  runtime_.Stop();
  server_.reset();
}

TEST_F(CallStreamTest, ABrokenStreamLeavesItsCallsUnknownAndTheNextIsMadeOnANewOne) {
  Start();
  Answer lost = Total(1, true);
  service_.WaitUntilOneStays();
  const int port = server_->port();
  std::thread drain([this] { server_->Drain(absl::ZeroDuration()); });
  EXPECT_THAT(lost.get(), StatusHasReason(Reason::kUnavailable));
  service_.LetGo();
  drain.join();
  server_.reset();
  Start(true, port);
  absl::StatusOr<Number> again = Total(2).get();
  for (int i = 0; i < 100 && !again.ok(); ++i) {
    EXPECT_THAT(again, StatusHasReason(Reason::kUnavailable));
    runtime_.Run(async::Sleep(absl::Milliseconds(50)));  // gRPC's pause before it connects again.
    again = Total(2).get();
  }
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->value(), 2);
}

TEST_F(CallStreamTest, AServerWithoutStreamsOfCallsIsCalledOneByOne) {
  Start(false);
  std::vector<Answer> answers;
  for (int i = 0; i < 50; ++i) answers.push_back(Total(i));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)].get()->value(), i);
}

TEST_F(CallStreamTest, WhatIsTooLargeBreaksNoOthersCall) {
  Start();
  Answer slow = Total(1, true);
  service_.WaitUntilOneStays();
  EXPECT_THAT(Total(2, false, "", absl::Seconds(5), 5 << 20).get(),
              StatusHasReason(Reason::kOverloaded));
  const std::string huge(5 << 20, 'x');
  Outgoing context;
  const Reply reply = runtime_.Run(
      channel_->CallBytes("/florin.testing.v1.Counter/Total", std::move(context), huge));
  EXPECT_THAT(reply.payload, StatusHasReason(Reason::kOverloaded));
  service_.LetGo();
  EXPECT_EQ(slow.get()->value(), 1);
}

TEST_F(CallStreamTest, AMethodThatTheServerDoesNotHaveIsAnError) {
  Start();
  Outgoing context;
  const Reply reply =
      runtime_.Run(channel_->CallBytes("/florin.testing.v1.Counter/None", std::move(context), ""));
  EXPECT_THAT(reply.payload, StatusHasReason(Reason::kMethodNotFound));
}

}  // namespace
}  // namespace florin::rpc
