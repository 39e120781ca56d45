// Clients that do everything a payment can be: plain and priced transfers, deposits, authorizations
// that are captured in parts or voided, refunds, payouts over the sandbox's rail, money that
// arrives there. Most ask again until they are told; some never do.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/api_user.h"

namespace florin::e2e {

// What a client was told under a key: the id of what was made, and its state or why it failed.
struct Told {
  std::string kind;  // As the database names it.
  std::string id;
  std::string outcome;
  // What was asked, to ask it again.
  std::size_t client = 0;
  std::string path;
  boost::json::object body;
};

// Needs a fee for transfers in GBP and none in EUR.
class MixedLoad {
 public:
  MixedLoad(int clients, std::uint64_t seed);
  ~MixedLoad();

  // Waits until so many more answers were given, however long that takes within two minutes.
  void AwaitTold(std::size_t more);
  // Lets every client finish what it is at.
  void Stop();
  // The same, but what is not answered by now never will be: a service is gone for good.
  void GiveUp();

  // After Stop().
  const std::map<std::string, Told>& told() const { return told_; }  // By key.
  const std::set<std::string>& abandoned() const { return abandoned_; }
  int answers_lost() const { return answers_lost_; }
  // What has arrived at the rail: minor units by the rail's id.
  const std::map<std::string, std::int64_t>& arrived() const { return arrived_; }
  // Asks once more under a key that was answered.
  Answer AskAgain(const std::string& key, const Told& told);

 private:
  // One user on one connection, whose token is renewed before it ends.
  struct Person {
    explicit Person(const ApiUser& of);
    ApiUser user;
    std::string token;
    std::chrono::steady_clock::time_point until;
  };
  struct Client {
    std::size_t number;
    std::mt19937_64 random;
    Person payer;
    Person payee;                   // Another connection of the next client's user.
    std::vector<std::string> paid;  // Payments to the payee that succeeded.
    std::string reference;          // The account in euros, as the rail's senders name it.
  };

  void Work(std::size_t number, std::uint64_t seed);
  void Step(Client& client);
  void Charge(Client& client);
  void PayOut(Client& client, std::int64_t amount);
  void Arrive(Client& client, std::int64_t amount);
  void CaptureSome(Client& client, const std::string& payment);
  // The answer, once it is one; nothing: never to be known.
  std::optional<Answer> Ask(Client& client, Person& person, const std::string& kind,
                            const std::string& path, const boost::json::object& body);
  static Answer Send(Person& person, const std::string& path, const boost::json::object& body,
                     const std::string& key);

  std::vector<std::unique_ptr<ApiUser>> users_;
  std::vector<std::string> euros_;   // Accounts.
  std::vector<std::string> pounds_;  // Accounts.
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> giving_up_ = false;
  std::atomic<int> answers_lost_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Told> told_;             // Guarded by mutex_.
  std::set<std::string> abandoned_;              // Guarded by mutex_.
  std::map<std::string, std::int64_t> arrived_;  // Guarded by mutex_.
};

}  // namespace florin::e2e
