#include "services/payments/main_limits.h"

#include <utility>

#include "libs/ids/ids.h"

namespace florin::payments {

LimitParts::LimitParts(Executor executor, pg::Pool& pool, AccountDirectory& accounts,
                       ledger::v1::LedgerClient& ledger, rpc::Channel& ledger_channel,
                       rpc::Channel& auth, std::string book, Clock& clock)
    : proposals_(&auth),
      reader_(&ledger_channel),
      store_(pool),
      directory_(store_, clock),
      buckets_(directory_, ledger, reader_, std::move(book)),
      service_(store_, directory_, buckets_, accounts, proposals_, SystemIds(), clock),
      reading_(std::move(executor), [this] { return directory_.Refresh(); }) {}

}  // namespace florin::payments
