// One run of the simulation: processes, network, clock, clients and the scheduler that decides what
// happens next, all from one seed.
//
// What can happen is a table (events.h), and so is what must hold (invariants.h): new kinds of
// payments, workers and rails join by rows.
#pragma once

#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/payments/flow/approvals_double.h"
#include "services/payments/flow/payees_double.h"
#include "services/payments/flow/peer_doubles.h"
#include "tests/saga/mistakes.h"
#include "tests/saga/processes.h"
#include "tests/saga/promises.h"
#include "tests/simulation/random.h"

namespace florin::saga {

struct Person {
  Uuid user;
  std::vector<Uuid> eur;  // Accounts.
  std::vector<Uuid> usd;
  std::string country;  // Empty: they do not say.
};

inline constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

// A limit with what it was from when on: kUnlimited once it was removed.
struct KnownLimit {
  payments::Limit limit;
  std::vector<std::pair<absl::Time, std::int64_t>> maxima;
};

// Whom somebody has saved, from when until when: an IBAN, or the id of an account as text.
struct SavedPayee {
  Uuid user;
  std::string payee;
  absl::Time usable_time;
  absl::Time saved;
  absl::Time deleted = absl::InfiniteFuture();
};

// What the runs came across: "transfer succeeded", "payments crashes", …
using Coverage = std::map<std::string, std::int64_t>;

class World {
 public:
  World(std::uint64_t seed, Mistake mistake, Coverage& coverage, bool trace);
  ~World();

  // Lets `events` events happen, then ends all faults and recovers until it is quiet, and checks
  // the invariants, then once more after a month. Gives what is wrong; empty if nothing is.
  std::vector<std::string> Run(int events);

  // ---- For events.

  simulation::Random& random() { return random_; }
  Kept& kept() { return kept_; }
  const Terms& terms() const { return terms_; }
  const std::vector<Person>& people() const { return people_; }
  const Uuid& operator_user() const { return operator_; }
  std::deque<Promise>& promises() { return promises_; }
  payments::ApprovalsDouble& approvals() { return approvals_; }
  // What has arrived at the rail.
  std::deque<payments::RailEntry>& arrivals() { return arrivals_; }
  std::deque<KnownLimit>& limits() { return limits_; }
  // All that ever were.
  const std::deque<SavedPayee>& payees() const { return saved_; }
  // From now on, instead of what was saved of it before.
  void SavePayee(const Uuid& user, const std::string& payee, absl::Time usable_time);
  // False: it is not saved.
  bool DeletePayee(const Uuid& user, const std::string& payee);

  Promise& Add(Promise promise);
  // Asks for it, of a process of payments that is up; false: none is.
  bool Ask(Promise& promise);
  bool AskForOther(Promise& promise);  // Something else under its key.
  bool Confirm(Promise& promise);      // A payment, a schedule or a bulk.
  bool Cancel(Promise& promise);       // A payment, or a bulk.
  bool Submit(Promise& bulk);
  // `wrong`: why the chunk is to be refused.
  bool AddItems(Promise& bulk, std::vector<payments::BulkItem> chunk, std::optional<Reason> wrong);
  bool Respond(Promise& dispute);  // With evidence.

  PaymentsProcess* AnyPayments();  // One that is up, or nullptr.
  LedgerProcess* ledger() { return ledger_.get(); }
  bool CrashPayments();
  bool CrashLedger();
  void StartMissing();
  bool StartWork();  // A round of a worker, of payments or the ledger's sweep.
  // Lets something that waits go on: a gate, a request or a reply.
  bool Proceed(bool faults);
  absl::Time ledger_now() { return ledger_clock_.Now(); }
  std::int64_t CreditLineOf(const Uuid& account);
  // Of the ledger, where the account is.
  std::string BookOf(const Uuid& account) const;
  // Where the owner of an account lives, as limits have it.
  std::string CountryOf(const Uuid& account) const;
  // The owner of an account.
  Uuid OwnerOf(const Uuid& account) const;

  // ---- For what answers.

  // What a call of the promise made, if it is known. `kept`: whether the key was known to stand for
  // it when the call began.
  void Note(Promise& promise, absl::StatusOr<payments::Payment> payment, bool kept);
  void Note(Promise& promise, absl::StatusOr<payments::Step> step);
  void Note(Promise& promise, absl::StatusOr<payments::Schedule> schedule);
  void Note(Promise& promise, absl::StatusOr<payments::Bulk> bulk);
  void NoteWrongChunk(const Promise& promise, const absl::Status& status, Reason wrong);
  // Whether an answer is said to be an earlier call's.
  void NoteReplayed(Promise& promise, bool replayed);
  void NoteOther(Promise& promise, const absl::Status& status);
  void Ended(int call);
  void Count(const std::string& what) { ++coverage_[what]; }
  void Wrong(std::string what);

  // ---- For invariants: what is kept, undisturbed.

  payments::FakeStore& rows() { return *stores_.rows; }
  Stores& stores() { return stores_; }
  template <class T>
  T Read(Task<T> task);
  std::vector<payments::Payment> AllPayments();
  std::vector<payments::Step> StepsOf(const Uuid& payment_id);
  std::vector<payments::Dispute> DisputesOf(const Uuid& payment_id);
  // Whether the rail says nothing about a payout that it has until after `time`.
  bool RailIsSilent(const Uuid& payment_id, absl::Time time);
  // All that the rail has booked by now.
  std::vector<payments::RailEntry> RailEntries();
  // Schedules as they are kept.
  std::vector<payments::Schedule> Schedules();
  std::vector<payments::Occurrence> OccurrencesOf(const payments::Schedule& schedule);
  // Bulks as they are kept.
  std::vector<payments::Bulk> Bulks();
  std::vector<payments::BulkItem> ItemsOf(const payments::Bulk& bulk);

 private:
  struct Running {
    Owner owner;
    Promise* promise;
  };

  void OpenAccounts();
  // Whether it is about an account in the other book.
  bool GoesElsewhere(const Promise& promise) const;
  void MakeLimits();
  bool OrdersAreUnfinished(absl::Time soon);
  bool PayoutsAreUnfinished(absl::Time soon);
  // Whether an order that is to be approved waits for nobody but a worker, who may have looked at
  // it just before it was approved, and then looks again when its approval would have expired.
  bool WaitsForAWorker(const payments::OrderTerms& terms, absl::Time soon);
  void Trace(const std::string& what);
  void GoOn();  // Runs what is ready.
  std::size_t Waiting() const;
  void Quiesce();
  bool Unfinished();
  std::string LeftBehind();
  void AskAgain();
  void Check();
  template <class Coroutine, class... More>
  bool Begin(Promise& promise, bool other, Coroutine coroutine, More... more);

  simulation::Random random_;
  Coverage& coverage_;
  const bool trace_;
  Terms terms_;
  int fault_share_;  // Percent of what passes a gate or the wire.
  Kept kept_;
  Stores stores_;
  SkewedClock ledger_clock_;
  asio::io_context outside_{1};
  payments::AccountsDouble accounts_;
  payments::ApprovalsDouble approvals_;
  std::unique_ptr<payments::PayeesDouble> payees_;
  std::vector<Person> people_;
  std::set<Uuid> elsewhere_;  // Accounts in the other book.
  Uuid operator_;
  std::deque<Promise> promises_;
  std::deque<payments::RailEntry> arrivals_;
  std::deque<KnownLimit> limits_;
  std::deque<SavedPayee> saved_;
  std::map<int, Running> running_;  // Calls of clients under way.
  int calls_ = 0;
  Owner last_owner_ = 0;
  std::unique_ptr<LedgerProcess> ledger_;
  std::vector<std::unique_ptr<PaymentsProcess>> payments_;
  std::vector<std::string> wrong_;
};

template <class T>
T World::Read(Task<T> task) {
  std::optional<T> result;
  asio::co_spawn(outside_, std::move(task),
                 [&result](const std::exception_ptr&, T value) { result = std::move(value); });
  outside_.restart();
  outside_.poll();
  return *std::move(result);
}

}  // namespace florin::saga
