// Clients that do everything a payment can be: plain and priced transfers, deposits, authorizations
// that are captured in parts or voided, refunds, disputes, payouts over the sandbox's rail, money
// that arrives there; what is ordered ahead: schedules, bulks, requests for money; and payers with
// limits, each from several connections at once. Most ask again until they are told; some never do.
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

#include "absl/time/time.h"
#include "tests/crash/limited_payers.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {

// What a client was told under a key: the id of what was made, and its state or why it failed.
struct Told {
  std::string kind;  // As the database names it.
  std::string id;
  std::string outcome;
  // What was asked, to ask it again.
  std::size_t user = 0;
  std::string path;
  boost::json::object body;
};

// A schedule that somebody wants: daily from `first` on, `count` times, the first `past` at once.
struct WantedSchedule {
  absl::Time first;
  int count = 0;
  int past = 0;
  std::string catch_up;
  std::int64_t minor_units = 0;
};
// A bulk of one of the two modes. Whether it is to be paid is known only of one that was submitted.
struct WantedBulk {
  std::string mode;
  std::map<std::string, std::int64_t> items;  // Minor units by item id.
  bool submitted = false;
};

// Needs a fee for transfers in GBP and none in EUR.
class MixedLoad {
 public:
  // `limited` outlives this.
  MixedLoad(int clients, const LimitedPayers& limited, std::uint64_t seed);
  ~MixedLoad();

  // Waits until so many more answers were given, however long that takes within two minutes.
  void AwaitTold(std::size_t more);
  // Puts the time of payments and the ledger forward: windows of limits roll on, schedules fall
  // due.
  void AdvanceClock(absl::Duration by);
  // The sandbox's clock, as it says.
  absl::Time ReadClock();
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
  // By key, told or not.
  const std::map<std::string, WantedSchedule>& schedules() const { return schedules_; }
  const std::map<std::string, WantedBulk>& bulks() const { return bulks_; }
  // Asks once more under a key that was answered.
  Answer AskAgain(const std::string& key, const Told& told);

 private:
  // One user on one connection, whose token is renewed before it ends.
  struct Person {
    Person(const ApiUser& of, std::size_t index);
    ApiUser user;
    std::size_t index;  // In users_.
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
    const LimitedPayer* limited = nullptr;
  };

  void Work(std::size_t number, std::uint64_t seed);
  void WorkLimited(std::size_t user, const LimitedPayer& limited, std::uint64_t seed);
  void Step(Client& client);
  void StepLimited(Client& client);
  void Order(Client& client);
  void Schedule(Client& client, const std::string& source, const std::string& destination);
  void PayMany(Client& client);
  void AskForMoney(Client& client);
  void Dispute(Client& client);
  void Charge(Client& client);
  void PayOut(Client& client, std::int64_t amount);
  void Arrive(Client& client, std::int64_t amount);
  void CaptureSome(Client& client, const std::string& payment);
  // The answer, once it is one; nothing: never to be known.
  std::optional<Answer> Ask(Client& client, Person& person, const std::string& kind,
                            const std::string& path, const boost::json::object& body,
                            const std::string& key = Fresh("key"));
  // The same of what may be asked again without a key; a client that gives up is told nothing.
  std::optional<Answer> AskSafely(Client& client, const std::string& path,
                                  const boost::json::object& body);
  absl::Time Now() const;  // As the sandbox's clock has it, about.
  static void Renew(Person& person);
  static Answer Send(Person& person, const std::string& path, const boost::json::object& body,
                     const std::string& key);

  const LimitedPayers& limited_;
  std::vector<std::unique_ptr<ApiUser>> users_;  // Those with limits last.
  std::vector<std::string> euros_;               // Accounts, of those without.
  std::vector<std::string> pounds_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> giving_up_ = false;
  std::atomic<int> answers_lost_ = 0;
  std::atomic<std::int64_t> seconds_ahead_ = 0;  // Of the sandbox's clock.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Told> told_;                 // Guarded by mutex_.
  std::set<std::string> abandoned_;                  // Guarded by mutex_.
  std::map<std::string, std::int64_t> arrived_;      // Guarded by mutex_.
  std::map<std::string, WantedSchedule> schedules_;  // Guarded by mutex_.
  std::map<std::string, WantedBulk> bulks_;          // Guarded by mutex_.
};

}  // namespace florin::e2e
