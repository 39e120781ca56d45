// Customers and accounts in memory, for tests of what uses a Store.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/accounts/store/account_state_store.h"
#include "services/accounts/store/customer_store.h"
#include "services/accounts/store/holder_store.h"
#include "services/accounts/store/payee_store.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

// Thread-safe.
class FakeStore : public Store,
                  public CustomerStore,
                  public AccountStateStore,
                  public HolderStore,
                  public PayeeStore {
 public:
  Task<absl::StatusOr<StoredCustomer>> InsertCustomer(Customer customer,
                                                      RequestKey request) override;
  Task<absl::StatusOr<Customer>> GetCustomer(Uuid user_id, Uuid customer_id) override;
  Task<absl::StatusOr<StoredAccount>> InsertAccount(Account account, RequestKey request) override;
  Task<absl::Status> MarkOpen(Uuid account_id) override;
  Task<absl::StatusOr<std::vector<Account>>> ListOpening(absl::Time created, int limit) override;
  Task<absl::StatusOr<Account>> GetAccount(Uuid user_id, Uuid account_id) override;
  Task<absl::StatusOr<std::vector<Account>>> ListAccounts(Uuid user_id, std::optional<Uuid> after,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<HeldAccount>>> LookUp(std::vector<Uuid> account_ids) override;

  Task<absl::StatusOr<CustomerRecord>> Get(CustomerRef ref) override;
  Task<absl::StatusOr<CustomerRecord>> Change(CustomerRef ref, Decide decide,
                                              audit::Event event) override;
  Task<absl::StatusOr<std::vector<Customer>>> FindByEmail(std::string email) override;
  Task<absl::StatusOr<std::vector<Customer>>> FindByPhone(std::string phone) override;
  Task<absl::StatusOr<std::vector<Account>>> ListAccountsOf(Uuid user_id,
                                                            Uuid customer_id) override;
  Task<absl::StatusOr<StoredVerification>> InsertVerification(Verification verification,
                                                              RequestKey request,
                                                              absl::Time next_attempt_time,
                                                              Decide decide) override;
  Task<absl::StatusOr<Verification>> GetVerification(CustomerRef ref,
                                                     Uuid verification_id) override;
  Task<absl::StatusOr<Verification>> FindVerification(Uuid verification_id) override;
  Task<absl::StatusOr<std::vector<Verification>>> ListVerifications(Uuid user_id,
                                                                    Uuid customer_id) override;
  Task<absl::StatusOr<std::vector<DueVerification>>> ClaimVerifications(
      absl::Time now, absl::Time next_attempt_time, int limit) override;
  Task<absl::StatusOr<Verification>> EndVerification(Uuid verification_id, VerificationEvent what,
                                                     Cause cause, std::string reason,
                                                     audit::Event event) override;
  Task<absl::StatusOr<std::vector<CustomerRecord>>> ClaimLeaving(absl::Time now,
                                                                 absl::Time next_attempt_time,
                                                                 int limit) override;
  Task<absl::StatusOr<Customer>> FinishLeaving(CustomerRef ref, int attempt, absl::Time now,
                                               audit::Origin origin) override;

  Task<absl::StatusOr<AccountRecord>> FindAccount(AccountRef ref) override;
  Task<absl::StatusOr<AccountRecord>> ChangeAccount(AccountRef ref, DecideAccount decide,
                                                    audit::Event event) override;
  Task<absl::StatusOr<std::vector<FreezeRevision>>> ListUntold(FreezesOf of, int limit) override;
  Task<absl::Status> MarkTold(std::vector<FreezeRevision> revisions) override;
  Task<absl::StatusOr<std::vector<AccountRecord>>> ClaimClosing(absl::Time now,
                                                                absl::Time next_attempt_time,
                                                                int limit) override;
  Task<absl::StatusOr<std::vector<AccountRecord>>> ListAwake(std::optional<Uuid> after,
                                                             absl::Time created,
                                                             int limit) override;


  Task<absl::StatusOr<StoredHolder>> InsertHolder(Holder holder, RequestKey request,
                                                  DecideHolder decide, audit::Event event) override;
  Task<absl::StatusOr<Holder>> ChangeHolder(HolderChange change, DecideHolder decide,
                                            audit::Event event) override;
  Task<absl::StatusOr<SeenAccount>> SeeAccount(Uuid user_id, Uuid account_id) override;
  Task<absl::StatusOr<std::vector<SeenAccount>>> ListSeenAccounts(Uuid user_id,
                                                                  std::optional<Uuid> after,
                                                                  int limit) override;
  Task<absl::StatusOr<std::vector<NamedHolder>>> ListHolders(Uuid account_id) override;
  Task<absl::StatusOr<std::vector<Holder>>> HoldersOf(std::vector<Uuid> account_ids) override;
  Task<absl::StatusOr<std::vector<SeenHolding>>> ListHoldings(Uuid user_id) override;
  Task<absl::StatusOr<std::vector<Holder>>> HoldingsOf(Uuid user_id, Uuid customer_id) override;

  Task<absl::StatusOr<StoredPayee>> InsertPayee(Payee payee, RequestKey request,
                                                audit::Event event) override;
  Task<absl::StatusOr<std::optional<StoredPayee>>> FindPayeeOfKey(Uuid user_id,
                                                                  RequestKey request) override;
  Task<absl::StatusOr<Payee>> GetPayee(Uuid user_id, Uuid payee_id) override;
  Task<absl::StatusOr<std::vector<Payee>>> ListPayees(Uuid user_id, std::optional<Uuid> after,
                                                      int limit) override;
  Task<absl::StatusOr<Payee>> DeletePayee(Uuid user_id, Uuid payee_id, audit::Event event) override;
  Task<absl::StatusOr<std::vector<SavedAccount>>> FindSaved(Uuid user_id,
                                                            std::vector<Uuid> account_ids) override;
  Task<absl::StatusOr<std::vector<Payee>>> PayeesOf(Uuid user_id, Uuid customer_id) override;

  // What all but a Store have recorded.
  std::vector<audit::Event> events();
  // From now on FinishLeaving, EndVerification, MarkTold and what closes an account do nothing and
  // answer kUnavailable, as if the process had died before them.
  void SetFinishing(bool available);

 private:
  using Key = std::pair<Uuid, std::string>;  // user, idempotency key
  struct Made {
    Uuid id;
    crypto::Digest fingerprint;
  };

  struct Kept {
    Verification verification;
    absl::Time next_attempt_time;
  };

  struct Freeze {
    Sides frozen;
    bool told = false;
  };

  // With mutex_ held: the account as an AccountStateStore knows it; writing its standing, with what
  // is to be frozen; all of a customer's accounts at once.
  std::optional<AccountRecord> FindStanding(const AccountRef& ref);
  void WriteStanding(const Uuid& account_id, const AccountStanding& standing);
  void SuspendAccounts(const Uuid& customer_id, bool suspended);
  // With mutex_ held: the customer as it is now; nullptr unless it is that user's.
  CustomerRecord* FindRecord(const CustomerRef& ref);
  // With mutex_ held: open, or closed by itself.
  bool IsShown(const Account& account) const;
  bool HasPending(const Uuid& customer_id) const;
  bool HasOpening(const Uuid& customer_id) const;
  absl::StatusOr<AccountHolding> FindHolding(const HolderChange& change);
  std::optional<HolderRole> RoleAt(const Account& account, const Uuid& user_id) const;
  void ErasePayees(const Uuid& customer_id);
  std::vector<Payee> ActivePayees(const Uuid& user_id) const;
  void EndHoldings(const Customer& customer, absl::Time now, const audit::Origin& origin);

  std::mutex mutex_;
  std::map<Uuid, CustomerRecord> customers_;     // Guarded by mutex_.
  std::map<Uuid, Kept> verifications_;           // Guarded by mutex_.
  std::map<Key, Made> verification_keys_;        // Guarded by mutex_.
  std::vector<audit::Event> events_;             // Guarded by mutex_.
  bool finishing_ = true;                        // Guarded by mutex_.
  std::map<Uuid, Account> accounts_;             // Guarded by mutex_.
  std::map<Uuid, Holder> holders_;               // Guarded by mutex_.
  std::map<Key, Made> holder_keys_;              // Guarded by mutex_.
  std::map<Uuid, Payee> payees_;                 // Guarded by mutex_.
  std::map<Key, Made> payee_keys_;               // Guarded by mutex_.
  std::map<Uuid, AccountStanding> standings_;    // Guarded by mutex_.
  std::map<Uuid, std::vector<Freeze>> freezes_;  // Guarded by mutex_. Revision 1 first.
  std::map<Key, Made> customer_keys_;            // Guarded by mutex_.
  std::map<Key, Made> account_keys_;             // Guarded by mutex_.
};

}  // namespace florin::accounts
