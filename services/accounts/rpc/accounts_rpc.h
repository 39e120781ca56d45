// The gRPC face of accounts: checks shape, calls, maps. See proto/florin/accounts/v1/accounts.proto
// for what each method promises.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "florin/accounts/v1/accounts.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/clock/clock.h"
#include "libs/ids/ids.h"
#include "services/accounts/domain/books.h"
#include "services/accounts/flow/open_account.h"
#include "services/accounts/store/holder_store.h"
#include "services/accounts/store/store.h"

namespace florin::accounts {

// Thread-safe. The ledger is asked as this service: it knows no users, so each method that names an
// account first finds it among those that the caller holds.
class AccountsRpc : public v1::AccountsService {
 public:
  // References outlive this.
  AccountsRpc(Store& store, HolderStore& holders, florin::accounts::OpenAccount& open,
              ledger::v1::LedgerReaderClient& ledger, Clock& clock, IdSource& ids, Books books);

  Task<absl::StatusOr<v1::Customer>> CreateCustomer(
      rpc::Call& call, const v1::CreateCustomerRequest& request) override;
  Task<absl::StatusOr<v1::Customer>> GetCustomer(rpc::Call& call,
                                                 const v1::GetCustomerRequest& request) override;
  Task<absl::StatusOr<v1::Account>> OpenAccount(rpc::Call& call,
                                                const v1::OpenAccountRequest& request) override;
  Task<absl::StatusOr<v1::Account>> GetAccount(rpc::Call& call,
                                               const v1::GetAccountRequest& request) override;
  Task<absl::StatusOr<v1::ListAccountsResponse>> ListAccounts(
      rpc::Call& call, const v1::ListAccountsRequest& request) override;
  Task<absl::StatusOr<v1::ListAccountEntriesResponse>> ListAccountEntries(
      rpc::Call& call, const v1::ListAccountEntriesRequest& request) override;
  Task<absl::StatusOr<v1::LookUpAccountsResponse>> LookUpAccounts(
      rpc::Call& call, const v1::LookUpAccountsRequest& request) override;

 private:
  // The accounts with their balances of this moment, by one call to the ledger for each book.
  Task<absl::StatusOr<std::vector<v1::Account>>> WithBalances(rpc::Outgoing context,
                                                              std::vector<SeenAccount> accounts);
  // Adds those of the accounts that are in this book to `booked`, by id.
  Task<absl::Status> ReadFrom(rpc::Outgoing context, std::string book,
                              const std::vector<SeenAccount>& accounts,
                              std::map<std::string, ledger::v1::Account>& booked);

  Store& store_;
  HolderStore& holders_;
  florin::accounts::OpenAccount& open_;
  ledger::v1::LedgerReaderClient& ledger_;
  Clock& clock_;
  IdSource& ids_;
  const Books books_;
};

}  // namespace florin::accounts
