// Where it is kept who holds which account.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/task.h"
#include "libs/audit/event.h"
#include "services/accounts/domain/holder.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

// An account as one of its holders sees it.
struct SeenAccount {
  Account account;
  HolderRole role = HolderRole::kViewer;
  std::string owner_name;  // Display name of the customer that has it. Personal data.

  friend bool operator==(const SeenAccount&, const SeenAccount&) = default;
};

// A holder of an account, and by which name the others know them.
struct NamedHolder {
  Holder holder;
  std::string name;  // Display name of their customer; empty before they have accepted.

  friend bool operator==(const NamedHolder&, const NamedHolder&) = default;
};

// A holding as its holder sees it.
struct SeenHolding {
  Holder holder;
  std::string owner_name;

  friend bool operator==(const SeenHolding&, const SeenHolding&) = default;
};

// What is kept under an invitation's key: the invitation itself if the ids agree, otherwise an
// earlier one, as it is now.
struct StoredHolder {
  Holder holder;
  bool same_request = false;
};

// What becomes of one holder of an account, decided while nothing else happens to its holders, its
// customer and `as_customer`. May be asked several times.
using DecideHolder = std::function<absl::StatusOr<Holder>(const AccountHolding& held)>;

// Thread-safe. Every method is idempotent, so that it may be repeated after kUnavailable. Errors
// besides those named: kUnavailable, kInternal. Only open accounts are known. Events are recorded
// in the transaction of what they describe.
class HolderStore {
 public:
  virtual ~HolderStore() = default;

  // Inserts what `decide` gives, as invited, unless `invited_by` has used the key, and gives what
  // is kept under it afterwards. `event` is recorded for a new one. Errors: kAccountNotFound with
  // param `account_id`; those of `decide`.
  virtual Task<absl::StatusOr<StoredHolder>> InsertHolder(Holder holder, RequestKey request,
                                                          DecideHolder decide,
                                                          audit::Event event) = 0;
  // A change to one of the account's holders. `as`: the user and their customer who accepts.
  struct HolderChange {
    Uuid account_id;
    std::optional<std::pair<Uuid, Uuid>> as = {};  // user, customer
  };
  // Gives the holder as they are afterwards. `event` is recorded if something changes, with their
  // role as a detail. Errors: kAccountNotFound; those of `decide`.
  virtual Task<absl::StatusOr<Holder>> ChangeHolder(HolderChange change, DecideHolder decide,
                                                    audit::Event event) = 0;

  // Also one that was closed while its customer was not. Error: kAccountNotFound, also for whoever
  // does not hold it.
  virtual Task<absl::StatusOr<SeenAccount>> SeeAccount(Uuid user_id, Uuid account_id) = 0;
  // What the user holds, oldest (least id) first, at most `limit`; only those after `after`, if
  // given.
  virtual Task<absl::StatusOr<std::vector<SeenAccount>>> ListSeenAccounts(Uuid user_id,
                                                                          std::optional<Uuid> after,
                                                                          int limit) = 0;
  // Holders of the account whose holding has not ended, oldest first, without its owner.
  virtual Task<absl::StatusOr<std::vector<NamedHolder>>> ListHolders(Uuid account_id) = 0;
  // Active ones of any of these accounts, in no order.
  virtual Task<absl::StatusOr<std::vector<Holder>>> HoldersOf(std::vector<Uuid> account_ids) = 0;
  // Holdings of the user that have not ended, of open accounts, oldest first.
  virtual Task<absl::StatusOr<std::vector<SeenHolding>>> ListHoldings(Uuid user_id) = 0;
  // All that a customer ever had, oldest first.
  virtual Task<absl::StatusOr<std::vector<Holder>>> HoldingsOf(Uuid user_id, Uuid customer_id) = 0;
};

}  // namespace florin::accounts
