// A channel of two targets: two real servers over mutual TLS, of which one goes and comes back.
#include "florin/testing/v1/counter.rpc.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/rendezvous.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::rpc {
namespace {

using florin::testing::v1::CounterClient;
using florin::testing::v1::CounterService;
using florin::testing::v1::CountRequest;
using florin::testing::v1::Number;

// Knows no tokens: none of the methods used here asks for one.
class NoToken : public Authenticator {
 public:
  Task<absl::StatusOr<Principal>> Authenticate(std::string) override {
    co_return Error(Reason::kTokenInvalid, "there are none");
  }
};

// Answers with its number, and counts what it answered.
class Numbered : public CounterService {
 public:
  explicit Numbered(int number) : number_(number) {}
  Task<absl::Status> Count(Call&, const CountRequest&, Stream<Number>& out) override {
    Number number;
    number.set_value(number_);
    return out.Write(number);
  }
  Task<absl::Status> CountForUser(Call&, const CountRequest&, Stream<Number>&) override {
    co_return Error(Reason::kMethodNotFound, "not part of the test");
  }
  Task<absl::StatusOr<Number>> Total(Call&, const CountRequest&) override {
    ++answered_;
    Number number;
    number.set_value(number_);
    co_return number;
  }
  int answered() const { return answered_; }

 private:
  const int number_;
  std::atomic<int> answered_ = 0;
};

Task<absl::Status> Ok() { co_return absl::OkStatus(); }

class RouteTest : public ::testing::Test {
 protected:
  RouteTest() {
    for (int i = 0; i < 2; ++i) {
      Start(i, 0);
      addresses_[i] = "127.0.0.1:" + std::to_string(servers_[i]->port());
    }
    ChannelOptions options;
    options.target = addresses_[0] + ", " + addresses_[1];
    options.service = "testing";
    options.certificates = CertificateFiles::In(certificates_.directory(), "payments");
    channel_ = std::make_unique<Channel>(runtime_.executor(), options);
  }
  ~RouteTest() override {
    channel_.reset();
    for (auto& server : servers_) server.reset();
  }

  void Start(int i, int port) {
    ServerOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port);
    options.certificates = CertificateFiles::In(certificates_.directory(), "testing");
    options.authenticator = &tokens_;
    servers_[i] = *Server::Start(runtime_.executor(), options, {&services_[i]});
  }

  // The number of the server that answered.
  absl::StatusOr<int> Ask(const std::string& route) {
    Outgoing context;
    context.route = route;
    const CountRequest request;
    const auto number =
        runtime_.Run(CounterClient(channel_.get()).Total(std::move(context), request));
    if (!number.ok()) return number.status();
    return static_cast<int>(number->value());
  }
  // The same, repeated while calls are lost on the way.
  int AskUntilAnswered(const std::string& route) {
    absl::StatusOr<int> number = Ask(route);
    while (ReasonOf(number.status()) == Reason::kUnavailable) number = Ask(route);
    return number.value();
  }
  int First(const std::string& route) const {
    return static_cast<int>(RankByRendezvous(route, addresses_)[0]);
  }
  std::string RouteTo(int number) const {
    int i = 0;
    while (First("book-" + std::to_string(i)) != number) ++i;
    return "book-" + std::to_string(i);
  }

  testing::TestCertificates certificates_{{"testing", "payments"}};
  async::Runtime runtime_{2};
  NoToken tokens_;
  Numbered services_[2] = {Numbered(0), Numbered(1)};
  std::vector<std::string> addresses_ = std::vector<std::string>(2);
  std::unique_ptr<Server> servers_[2];
  std::unique_ptr<Channel> channel_;
};

TEST_F(RouteTest, ACallGoesToTheFirstInTheOrderOfItsRoute) {
  for (int i = 0; i < 40; ++i) {
    const std::string route = "book-" + std::to_string(i);
    EXPECT_EQ(Ask(route).value(), First(route));
  }
  EXPECT_GT(services_[0].answered(), 0);
  EXPECT_GT(services_[1].answered(), 0);
  EXPECT_EQ(Ask("").value(), First(""));
}

TEST_F(RouteTest, WhatCannotBeSentGoesToTheNextAndComesBack) {
  const std::string route = RouteTo(0);
  const int port = servers_[0]->port();
  EXPECT_EQ(Ask(route).value(), 0);
  servers_[0].reset();
  EXPECT_EQ(AskUntilAnswered(route), 1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Ask(route).value(), 1) << "nothing is lost any more";
  EXPECT_THAT(runtime_.Run(channel_->Connect(SystemClock().Now() + absl::Seconds(5))), IsOk())
      << "one that can be reached is enough";
  Start(0, port);
  while (Ask(route).value() != 0) runtime_.Run(async::Sleep(absl::Milliseconds(20)));
}

TEST_F(RouteTest, AStreamIsRoutedLikeACall) {
  servers_[0].reset();
  Outgoing context;
  context.route = RouteTo(0);
  int from = -1;
  const std::function<Task<absl::Status>(Number)> each = [&from](Number number) {
    from = static_cast<int>(number.value());
    return Ok();
  };
  const CountRequest request;
  EXPECT_THAT(runtime_.Run(CounterClient(channel_.get()).Count(std::move(context), request, each)),
              IsOk());
  EXPECT_EQ(from, 1);
}

TEST_F(RouteTest, NoneIsUnavailable) {
  for (auto& server : servers_) server.reset();
  EXPECT_THAT(Ask("book"), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(runtime_.Run(channel_->Connect(SystemClock().Now() + absl::Milliseconds(200))),
              StatusHasReason(Reason::kUnavailable));
}

}  // namespace
}  // namespace florin::rpc
