#include "services/payments/store/pg_book_transfer_store.h"

#include <functional>
#include <utility>

#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

#define FLORIN_TRANSFER_COLUMNS                                                       \
  "t.payment_id, t.source_book, t.target_book, t.currency, t.amount_minor, t.stage, " \
  "t.failure_reason, (extract(epoch FROM t.create_time) * 1000000)::bigint, "         \
  "(extract(epoch FROM t.update_time) * 1000000)::bigint"

constexpr char kFindTransfer[] =
    "SELECT " FLORIN_TRANSFER_COLUMNS " FROM book_transfers AS t WHERE t.payment_id = $1::uuid";

constexpr char kAdvanceTransfer[] =
    "UPDATE book_transfers AS t SET stage = $3, failure_reason = $4, "
    "update_time = " FLORIN_TIME("$5::bigint") " "
    "WHERE t.payment_id = $1::uuid AND t.stage = $2 RETURNING " FLORIN_TRANSFER_COLUMNS;

// What has ended stays, as of record_results.
constexpr char kEndTransferred[] =
    "UPDATE payments SET state = $3, failure_reason = $4, "
    "update_time = " FLORIN_TIME("$5::bigint") ", limit_refusal = nullif($6::text, '') "
    "WHERE user_id = $1::uuid AND payment_id = $2::uuid AND state = 'processing'";

constexpr char kListPairs[] = "SELECT source_book, target_book, currency FROM book_pairs";

// Two reads of an index each.
constexpr char kListUnderWay[] =
    "SELECT " FLORIN_TRANSFER_COLUMNS
    " FROM book_transfers AS t WHERE t.stage IN ('crediting', 'capturing', 'voiding') "
    "AND t.source_book = $1 AND t.target_book = $2 AND t.currency = $3 "
    "UNION SELECT " FLORIN_TRANSFER_COLUMNS
    " FROM book_transfers AS t WHERE t.update_time >= " FLORIN_TIME("$4::bigint") " "
    "AND t.stage IN ('captured', 'voided') "
    "AND t.source_book = $1 AND t.target_book = $2 AND t.currency = $3";

absl::StatusOr<BookTransfer> ReadTransfer(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid payment_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const TransferStage stage, ParseTransferStage(row[5].c_str()));
  return BookTransfer{.payment_id = payment_id,
                      .books = {.source = row[1].c_str(), .target = row[2].c_str()},
                      .amount = {.minor_units = row[4].as<std::int64_t>(), .currency = currency},
                      .stage = stage,
                      .failure_reason = row[6].c_str(),
                      .create_time = absl::FromUnixMicros(row[7].as<std::int64_t>()),
                      .update_time = absl::FromUnixMicros(row[8].as<std::int64_t>())};
}

absl::StatusOr<BookTransfer> ReadOne(const pqxx::result& rows) {
  if (rows.empty()) return Error(Reason::kPaymentNotFound, "no transfer between books");
  return ReadTransfer(rows[0]);
}

absl::StatusOr<BookTransfer> AdvanceIn(pqxx::work& transaction, TransferStage from,
                                       const BookTransfer& to,
                                       const std::optional<Payment>& ended) {
  const std::string id = to.payment_id.ToString();
  const pqxx::result advanced = transaction.exec_prepared(
      "advance_transfer", id, std::string(NameOf(from)), std::string(NameOf(to.stage)),
      to.failure_reason, absl::ToUnixMicros(to.update_time));
  if (advanced.empty()) return ReadOne(transaction.exec_prepared("find_transfer", id));
  if (ended) {
    const std::string refusal = ended->limit_refusal ? TextOf(*ended->limit_refusal) : "";
    transaction.exec_prepared("end_transferred", ended->user_id.ToString(), id,
                              std::string(NameOf(ended->state)), ended->failure_reason,
                              absl::ToUnixMicros(ended->update_time), refusal);
  }
  return ReadTransfer(advanced[0]);
}

}  // namespace

std::vector<pg::Statement> PgBookTransferStore::Statements() {
  return {{"find_transfer", kFindTransfer},
          {"advance_transfer", kAdvanceTransfer},
          {"end_transferred", kEndTransferred},
          {"list_book_pairs", kListPairs},
          {"list_transfers_under_way", kListUnderWay}};
}

Task<absl::StatusOr<BookTransfer>> PgBookTransferStore::FindTransfer(Uuid payment_id) {
  std::function<absl::StatusOr<BookTransfer>(pqxx::transaction_base&)> work =
      [payment_id](pqxx::transaction_base& transaction) {
        return ReadOne(transaction.exec_prepared("find_transfer", payment_id.ToString()));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<BookTransfer>> PgBookTransferStore::AdvanceTransfer(
    TransferStage from, BookTransfer to, std::optional<Payment> ended) {
  std::function<absl::StatusOr<BookTransfer>(pqxx::work&)> work =
      [from, &to, &ended](pqxx::work& transaction) {
        return AdvanceIn(transaction, from, to, ended);
      };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::vector<BookPair>>> PgBookTransferStore::ListPairs() {
  std::function<absl::StatusOr<std::vector<BookPair>>(pqxx::transaction_base&)> work =
      [](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<BookPair>> {
    std::vector<BookPair> pairs;
    for (const auto& row : transaction.exec_prepared("list_book_pairs")) {
      FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[2].c_str()));
      pairs.push_back(
          {.books = {.source = row[0].c_str(), .target = row[1].c_str()}, .currency = currency});
    }
    return pairs;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<BookTransfer>>> PgBookTransferStore::ListUnderWay(
    BookPair pair, absl::Time since) {
  std::function<absl::StatusOr<std::vector<BookTransfer>>(pqxx::transaction_base&)> work =
      [&pair,
       since](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<BookTransfer>> {
    std::vector<BookTransfer> found;
    for (const auto& row :
         transaction.exec_prepared("list_transfers_under_way", pair.books.source, pair.books.target,
                                   std::string(pair.currency.code()), absl::ToUnixMicros(since))) {
      FLORIN_ASSIGN_OR_RETURN(BookTransfer transfer, ReadTransfer(row));
      found.push_back(std::move(transfer));
    }
    return found;
  };
  co_return co_await pool_.Read(std::move(work));
}

}  // namespace florin::payments
