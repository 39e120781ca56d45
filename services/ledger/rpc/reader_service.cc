#include "services/ledger/rpc/reader_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/async/runtime.h"
#include "libs/ids/ids.h"
#include "libs/text/text.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/rpc/messages.h"
#include "services/ledger/rpc/page_token.h"

namespace florin::ledger {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

constexpr int kMostAccounts = 1000;
constexpr int kMostBalances = 100;
constexpr int kMostWatched = 1000;
constexpr int kMostTransactions = 1000;
constexpr int kDefaultPageSize = 100;
constexpr int kLargestPageSize = 1000;

// Of waiting until the book has come to a sequence.
constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestWait = absl::Seconds(5);
constexpr absl::Duration kTimeToAnswer = absl::Milliseconds(50);

// Of watches.
constexpr absl::Duration kProgress = absl::Seconds(10);
constexpr int kEntriesAtOnce = 1000;

absl::StatusOr<std::vector<Uuid>> ReadIds(IdKind kind, const Texts& texts, int least, int most,
                                          const char* param) {
  if (texts.size() < least || texts.size() > most) {
    return Error(Reason::kTooManyItems, absl::StrCat("send ", least, " to ", most),
                 {.param = param});
  }
  std::vector<Uuid> ids;
  for (int i = 0; i < texts.size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id,
                            ParseId(kind, texts.Get(i), absl::StrCat(param, "[", i, "]")));
    ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<std::vector<Uuid>> ReadAccountIds(const Texts& texts, int least, int most) {
  return ReadIds(IdKind::kAccount, texts, least, most, "account_ids");
}

absl::StatusOr<AsOf> ReadAsOf(const v1::GetBalancesRequest& request) {
  switch (request.as_of_case()) {
    case v1::GetBalancesRequest::kSequence:
      if (request.sequence() >= 0) return AsOf(request.sequence());
      return Error(Reason::kInvalidField, "a sequence is not negative", {.param = "sequence"});
    case v1::GetBalancesRequest::kEffectiveTime: {
      FLORIN_ASSIGN_OR_RETURN(const absl::Time time,
                              ReadTime(request.effective_time(), "effective_time"));
      return AsOf(time);
    }
    case v1::GetBalancesRequest::AS_OF_NOT_SET:
      break;
  }
  return Error(Reason::kMissingField, "sequence or effective_time", {.param = "as_of"});
}

absl::StatusOr<int> ReadPageSize(int requested) {
  if (requested < 0 || requested > kLargestPageSize) {
    return Error(Reason::kInvalidPageSize, "1 to 1000, or 0 for 100", {.param = "page_size"});
  }
  return requested > 0 ? requested : kDefaultPageSize;
}

// Where the page begins; nothing for the first one.
absl::StatusOr<std::optional<std::int64_t>> ReadPageToken(const std::string& binding,
                                                          const std::string& token) {
  if (token.empty()) return std::nullopt;
  return ParsePageToken(binding, token);
}

// What could not be the metadata of any transaction, the database might not take for text.
absl::Status CheckText(const std::string& text, const char* param) {
  if (CountPlainCharacters(text)) return absl::OkStatus();
  return Error(Reason::kInvalidField, "without control characters", {.param = param});
}

absl::Status ReadTimes(const v1::ListEntriesRequest& request, EntryQuery& query) {
  if (request.has_from_commit_time()) {
    FLORIN_ASSIGN_OR_RETURN(query.from_commit_time,
                            ReadTime(request.from_commit_time(), "from_commit_time"));
  }
  if (request.has_until_commit_time()) {
    FLORIN_ASSIGN_OR_RETURN(query.until_commit_time,
                            ReadTime(request.until_commit_time(), "until_commit_time"));
  }
  return absl::OkStatus();
}

absl::Status ReadFilters(const v1::ListEntriesRequest& request, EntryQuery& query) {
  for (int i = 0; i < request.kinds_size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(std::string kind,
                            ReadKind(request.kinds(i), absl::StrCat("kinds[", i, "]")));
    query.kinds.push_back(std::move(kind));
  }
  FLORIN_RETURN_IF_ERROR(CheckText(request.metadata_key(), "metadata_key"));
  FLORIN_RETURN_IF_ERROR(CheckText(request.metadata_value(), "metadata_value"));
  if (request.metadata_key().empty() && !request.metadata_value().empty()) {
    return Error(Reason::kMissingField, "the key of the value", {.param = "metadata_key"});
  }
  if (!request.metadata_key().empty()) {
    query.metadata = {request.metadata_key(), request.metadata_value()};
  }
  return absl::OkStatus();
}

absl::StatusOr<EntryQuery> ReadQuery(const v1::ListEntriesRequest& request,
                                     const std::string& binding) {
  EntryQuery query;
  FLORIN_ASSIGN_OR_RETURN(query.account_id,
                          ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  FLORIN_ASSIGN_OR_RETURN(query.limit, ReadPageSize(request.page_size()));
  FLORIN_ASSIGN_OR_RETURN(query.beyond, ReadPageToken(binding, request.page_token()));
  query.oldest_first = request.oldest_first();
  FLORIN_RETURN_IF_ERROR(ReadTimes(request, query));
  FLORIN_RETURN_IF_ERROR(ReadFilters(request, query));
  return query;
}

// What `read` gives, once the book has come as far as that demands.
template <class Read>
auto Reach(rpc::Call& call, Clock& clock, Read read) -> decltype(read()) {
  absl::Duration pause = kFirstPause;
  for (absl::Duration waited = absl::ZeroDuration();; waited += pause) {
    auto result = co_await read();
    if (ReasonOf(result.status()) != Reason::kSequenceNotReached) co_return result;
    if (waited > absl::ZeroDuration()) pause = std::min(2 * pause, kLongestPause);
    const bool too_late = clock.Now() + pause + kTimeToAnswer > call.deadline();
    if (too_late || waited + pause > kLongestWait) co_return result;
    co_await async::Sleep(pause);
  }
}

void WriteResults(const std::vector<Decision>& decisions,
                  google::protobuf::RepeatedPtrField<v1::TransactionResult>& results) {
  for (const Decision& decision : decisions) {
    *results.Add() = WriteOutcome(Outcome{.decision = decision, .replayed = true});
  }
}

// A transaction's last message says that it is complete.
Task<absl::Status> WriteNews(const News& news, rpc::Stream<v1::WatchBalancesResponse>& out) {
  for (std::size_t i = 0; i < news.lines.size(); ++i) {
    const std::int64_t sequence = news.lines[i].entry.sequence;
    const bool last = i + 1 == news.lines.size() || news.lines[i + 1].entry.sequence != sequence;
    v1::WatchBalancesResponse message;
    *message.mutable_entry() = WriteEntry(news.lines[i]);
    message.set_sequence(last ? sequence : sequence - 1);
    FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(message));
  }
  co_return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<v1::GetAccountsResponse>> LedgerReaderRpc::GetAccounts(
    rpc::Call& call, const v1::GetAccountsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Uuid> ids,
                             ReadAccountIds(request.account_ids(), 0, kMostAccounts));
  const auto read = [&] {
    return reader_.GetAccounts(request.book(), ids, request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto accounts, co_await Reach(call, clock_, read));
  v1::GetAccountsResponse response;
  for (const Account& account : accounts.value) *response.add_accounts() = WriteAccount(account);
  response.set_sequence(accounts.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::GetBalancesResponse>> LedgerReaderRpc::GetBalances(
    rpc::Call& call, const v1::GetBalancesRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Uuid> ids,
                             ReadAccountIds(request.account_ids(), 0, kMostBalances));
  FLORIN_CO_ASSIGN_OR_RETURN(const AsOf as_of, ReadAsOf(request));
  const auto read = [&] {
    return reader_.GetBalances(request.book(), ids, as_of, request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto balances, co_await Reach(call, clock_, read));
  v1::GetBalancesResponse response;
  for (const Balance& balance : balances.value) *response.add_balances() = WriteBalance(balance);
  response.set_sequence(balances.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::ListEntriesResponse>> LedgerReaderRpc::ListEntries(
    rpc::Call& call, const v1::ListEntriesRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  const std::string binding = BindingOf(request);
  FLORIN_CO_ASSIGN_OR_RETURN(const EntryQuery query, ReadQuery(request, binding));
  const auto read = [&] {
    return reader_.ListEntries(request.book(), query, request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto statement, co_await Reach(call, clock_, read));
  v1::ListEntriesResponse response;
  for (const StatementLine& line : statement.value.lines) {
    *response.add_entries() = WriteEntry(line);
  }
  if (statement.value.next) {
    response.set_next_page_token(PageToken(binding, *statement.value.next));
  }
  *response.mutable_account() = WriteAccount(statement.value.account);
  response.set_sequence(statement.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::GetTransactionResponse>> LedgerReaderRpc::GetTransaction(
    rpc::Call& call, const v1::GetTransactionRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(
      const Uuid id, ParseId(IdKind::kTransaction, request.transaction_id(), "transaction_id"));
  const auto read = [&] {
    return reader_.GetDecision(request.book(), id, request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto decision, co_await Reach(call, clock_, read));
  v1::GetTransactionResponse response;
  *response.mutable_result() = WriteOutcome(Outcome{.decision = decision.value, .replayed = true});
  response.set_sequence(decision.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::GetTransactionsResponse>> LedgerReaderRpc::GetTransactions(
    rpc::Call& call, const v1::GetTransactionsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::vector<Uuid> ids,
                             ReadIds(IdKind::kTransaction, request.transaction_ids(), 0,
                                     kMostTransactions, "transaction_ids"));
  const auto read = [&] {
    return reader_.GetDecisions(request.book(), ids, request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto decisions, co_await Reach(call, clock_, read));
  v1::GetTransactionsResponse response;
  WriteResults(decisions.value, *response.mutable_results());
  response.set_sequence(decisions.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::ListTransactionsResponse>> LedgerReaderRpc::ListTransactions(
    rpc::Call& call, const v1::ListTransactionsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(const int limit, ReadPageSize(request.page_size()));
  if (request.after_sequence() < 0) {
    co_return Error(Reason::kInvalidField, "a sequence is not negative",
                    {.param = "after_sequence"});
  }
  const auto read = [&] {
    return reader_.DecisionsAfter(request.book(), request.after_sequence(), limit,
                                  request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto decisions, co_await Reach(call, clock_, read));
  v1::ListTransactionsResponse response;
  WriteResults(decisions.value, *response.mutable_results());
  response.set_sequence(decisions.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::FindTransactionsResponse>> LedgerReaderRpc::FindTransactions(
    rpc::Call& call, const v1::FindTransactionsRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_RETURN_IF_ERROR(CheckText(request.metadata_key(), "metadata_key"));
  FLORIN_CO_RETURN_IF_ERROR(CheckText(request.metadata_value(), "metadata_value"));
  const std::string binding = BindingOf(request);
  FLORIN_CO_ASSIGN_OR_RETURN(const int limit, ReadPageSize(request.page_size()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<std::int64_t> before,
                             ReadPageToken(binding, request.page_token()));
  const auto read = [&] {
    return reader_.FindTransactions(request.book(), request.metadata_key(),
                                    request.metadata_value(), before, limit,
                                    request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto found, co_await Reach(call, clock_, read));
  v1::FindTransactionsResponse response;
  for (const Decision& decision : found.value.decisions) {
    *response.add_transactions() = WriteTransaction(decision);
  }
  if (found.value.next) response.set_next_page_token(PageToken(binding, *found.value.next));
  response.set_sequence(found.sequence);
  co_return response;
}

Task<absl::StatusOr<v1::GetTrialBalanceResponse>> LedgerReaderRpc::GetTrialBalance(
    rpc::Call& call, const v1::GetTrialBalanceRequest& request) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  const auto read = [&] {
    return reader_.GetTrialBalance(request.book(), request.at_least_sequence());
  };
  FLORIN_CO_ASSIGN_OR_RETURN(const auto totals, co_await Reach(call, clock_, read));
  v1::GetTrialBalanceResponse response;
  for (const auto& [currency, sums] : totals.value) {
    *response.add_totals() = WriteTotals(currency, sums);
  }
  response.set_sequence(totals.sequence);
  co_return response;
}

// The clock may jump: that only moves a message about progress.
Task<absl::Status> LedgerReaderRpc::WatchBalances(rpc::Call& call,
                                                  const v1::WatchBalancesRequest& request,
                                                  rpc::Stream<v1::WatchBalancesResponse>& out) {
  FLORIN_CO_RETURN_IF_ERROR(CheckBook(request.book()));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<Uuid> ids,
                             ReadAccountIds(request.account_ids(), 1, kMostWatched));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (request.after_sequence() < 0) {
    co_return Error(Reason::kInvalidField, "a sequence is not negative",
                    {.param = "after_sequence"});
  }
  const BookWatch::Watcher watcher = watch_.Watch(request.book(), call.bell());
  v1::WatchBalancesResponse progress;
  progress.set_sequence(request.after_sequence());
  absl::Time told = absl::InfinitePast();
  while (true) {
    FLORIN_CO_ASSIGN_OR_RETURN(
        const Snapshot<News> news,
        co_await reader_.EntriesAfter(request.book(), ids, progress.sequence(), kEntriesAtOnce));
    FLORIN_CO_RETURN_IF_ERROR(co_await WriteNews(news.value, out));
    progress.set_sequence(news.value.complete);
    const absl::Time now = clock_.Now();
    if (!news.value.lines.empty()) told = now;
    if (now - told >= kProgress) {
      FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(progress));
      told = now;
    }
    if (news.value.more) continue;
    FLORIN_CO_RETURN_IF_ERROR(co_await call.Wait(std::min(kProgress - (now - told), kProgress)));
  }
}

}  // namespace florin::ledger
