// Many clients at the same moment: no balance is spent twice, and one intent is one payment.
#include <atomic>
#include <latch>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

constexpr int kClients = 64;

// Every client sends its payment at once, `sent_by(i)` says how; gives the answers in the order of
// the clients.
template <class SentBy>
std::vector<Answer> PayAtOnce(const ApiUser& user, const std::string& source,
                              const std::string& destination, int minor_units, SentBy sent_by) {
  std::vector<std::unique_ptr<ApiUser>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<ApiUser>(SharedStack(), user));
    // Connects, so that the race is between payments and not between handshakes.
    clients.back()->Balance(source);
  }
  std::vector<Answer> answers(kClients);
  std::latch start(kClients);
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i)
    threads.emplace_back([&, i] {
      const Sent sent = sent_by(i);
      start.arrive_and_wait();
      answers[i] = clients[i]->Pay(source, destination, minor_units, sent);
    });
  for (std::thread& thread : threads) thread.join();
  return answers;
}

TEST(Race, SpendsABalanceOnlyAsOftenAsItLasts) {
  constexpr int kAffordable = 10;
  constexpr int kAmount = 100;
  ApiUser user(SharedStack());
  const std::string source = user.OpenAccount("EUR");
  const std::string destination = user.OpenAccount("EUR");
  // One cent short of one more.
  user.Deposit(source, kAffordable * kAmount + kAmount - 1);

  int succeeded = 0;
  for (const Answer& answer :
       PayAtOnce(user, source, destination, kAmount, [](int) { return Sent(); })) {
    if (answer.status == 200)
      ++succeeded;
    else
      EXPECT_EQ(Outcome(answer), "422 insufficient_funds");
  }
  EXPECT_EQ(succeeded, kAffordable);
  EXPECT_EQ(user.Balance(source), kAmount - 1);
  EXPECT_EQ(user.Balance(destination), kAffordable * kAmount);
}

TEST(Race, MakesOnePaymentOfOneKey) {
  ApiUser user(SharedStack());
  const std::string source = user.OpenAccount("EUR");
  const std::string destination = user.OpenAccount("EUR");
  user.Deposit(source, 100'000);

  const Sent sent;
  std::set<std::string> payment_ids;
  int first_answers = 0;
  for (const Answer& answer :
       PayAtOnce(user, source, destination, 700, [&](int) { return sent; })) {
    EXPECT_EQ(Outcome(answer), "200") << answer;
    payment_ids.insert(answer.Text("payment_id"));
    if (!answer.replayed()) ++first_answers;
  }
  EXPECT_EQ(payment_ids.size(), 1u);
  EXPECT_EQ(first_answers, 1);
  EXPECT_EQ(user.Balance(destination), 700);
}

}  // namespace
}  // namespace florin::e2e
