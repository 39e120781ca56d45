// florin.accounts.v1.Statements over gRPC.
#pragma once

#include <string>

#include "florin/accounts/v1/statements.rpc.h"
#include "florin/ledger/v1/reader.rpc.h"
#include "libs/clock/clock.h"
#include "services/accounts/domain/account_statement.h"
#include "services/accounts/store/holder_store.h"

namespace florin::accounts {

// Thread-safe. The ledger is asked as this service: it knows no users, so that the account is first
// found among the caller's own.
class StatementsRpc : public v1::StatementsService {
 public:
  // `book`: the usual one. `font`: of PDFs, a TrueType file. References outlive this.
  StatementsRpc(HolderStore& store, ledger::v1::LedgerReaderClient& ledger, Clock& clock,
                std::string book, std::string font);

  Task<absl::StatusOr<v1::Statement>> GetStatement(rpc::Call& call,
                                                   const v1::GetStatementRequest& request) override;
  Task<absl::StatusOr<http::v1::File>> DownloadStatement(
      rpc::Call& call, const v1::DownloadStatementRequest& request) override;

 private:
  struct Drawn {
    StatementFacts facts;
    AccountStatement statement;
  };
  Task<absl::StatusOr<Drawn>> Draw(const rpc::Call& call, v1::GetStatementRequest request);
  Task<absl::StatusOr<std::int64_t>> OpeningBalance(rpc::Outgoing context, std::string book,
                                                    std::string account_id, absl::Time from);
  Task<absl::StatusOr<std::vector<BookedEntry>>> Entries(rpc::Outgoing context, std::string book,
                                                         std::string account_id, Instants instants);

  HolderStore& store_;
  ledger::v1::LedgerReaderClient& ledger_;
  Clock& clock_;
  const std::string book_;
  const std::string font_;
};

}  // namespace florin::accounts
