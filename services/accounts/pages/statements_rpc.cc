#include "services/accounts/pages/statements_rpc.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "services/accounts/domain/books.h"
#include "services/accounts/domain/statement.h"
#include "services/accounts/pages/statement_csv.h"
#include "services/accounts/pages/statement_pdf.h"

namespace florin::accounts {
namespace {

constexpr int kEntriesAtOnce = 1000;

// "UTC" where nothing is asked for.
absl::StatusOr<absl::TimeZone> LoadZone(const std::string& name) {
  absl::TimeZone zone;
  // absl also reads paths, and fixed offsets under names of its own.
  const bool is_name = name.find_first_not_of(
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                           "0123456789_+-/") == std::string::npos;
  if (!is_name || name.starts_with('/') || !absl::LoadTimeZone(name, &zone)) {
    return Error(Reason::kInvalidField, "an IANA name like Europe/Berlin", {.param = "time_zone"});
  }
  return zone;
}

// What a statement is made of: money that moved.
void AskForBookings(ledger::v1::ListEntriesRequest& ask) {
  ask.add_kinds(ledger::v1::POST);
  ask.add_kinds(ledger::v1::CAPTURE);
  ask.add_kinds(ledger::v1::REVERSAL);
}

BookedEntry BookedOf(const ledger::v1::Entry& entry) {
  const StatementLine line = LineOf({.debit_minor = entry.debit_minor(),
                                     .credit_minor = entry.credit_minor(),
                                     .debits_posted_after = entry.debits_posted_after(),
                                     .credits_posted_after = entry.credits_posted_after()});
  BookedEntry booked{.version = entry.version(),
                     .transaction_id = entry.transaction_id(),
                     .amount_minor = line.amount_minor,
                     .balance_after_minor = line.balance_after_minor,
                     .booking_time = TimeOf(entry.commit_time()),
                     .value_time = TimeOf(entry.effective_time())};
  const auto payment = entry.metadata().find("payment_id");
  if (payment != entry.metadata().end()) booked.payment_id = payment->second;
  return booked;
}

void SetMoney(const Currency& currency, std::int64_t minor_units, money::v1::Money& out) {
  out.set_currency(std::string(currency.code()));
  out.set_minor_units(minor_units);
}

void SetSum(const Currency& currency, const EntrySum& sum, v1::EntrySum& out) {
  out.set_count(sum.count);
  SetMoney(currency, sum.total_minor, *out.mutable_total());
}

v1::StatementEntry ToProto(const StatementFacts& facts, const BookedEntry& entry) {
  const bool debit = entry.amount_minor < 0;
  v1::StatementEntry proto;
  proto.set_version(entry.version);
  proto.set_transaction_id(entry.transaction_id);
  proto.set_payment_id(entry.payment_id);
  SetMoney(facts.currency, debit ? -entry.amount_minor : entry.amount_minor,
           *proto.mutable_amount());
  proto.set_credit_debit(debit ? v1::StatementEntry::DBIT : v1::StatementEntry::CRDT);
  SetMoney(facts.currency, entry.balance_after_minor, *proto.mutable_balance_after());
  proto.set_booking_date(DateText(absl::ToCivilDay(entry.booking_time, facts.zone)));
  proto.set_value_date(DateText(absl::ToCivilDay(entry.value_time, facts.zone)));
  return proto;
}

v1::Statement ToProto(const StatementFacts& facts, const AccountStatement& statement) {
  v1::Statement proto;
  proto.set_account_id(FormatId(IdKind::kAccount, facts.account_id));
  proto.set_account_holder(facts.holder_name);
  proto.set_account_name(facts.account_name);
  proto.set_currency(std::string(facts.currency.code()));
  proto.set_first_date(DateText(facts.period.first));
  proto.set_last_date(DateText(facts.period.last));
  proto.set_time_zone(facts.time_zone);
  SetTime(facts.create_time, *proto.mutable_create_time());
  SetMoney(facts.currency, statement.opening_minor, *proto.mutable_opening_balance());
  SetMoney(facts.currency, statement.closing_minor, *proto.mutable_closing_balance());
  SetSum(facts.currency, statement.credits, *proto.mutable_credits());
  SetSum(facts.currency, statement.debits, *proto.mutable_debits());
  for (const BookedEntry& entry : statement.entries) *proto.add_entries() = ToProto(facts, entry);
  return proto;
}

}  // namespace

StatementsRpc::StatementsRpc(HolderStore& store, ledger::v1::LedgerReaderClient& ledger,
                             Clock& clock, std::string book, std::string font)
    : store_(store),
      ledger_(ledger),
      clock_(clock),
      book_(std::move(book)),
      font_(std::move(font)) {}

Task<absl::StatusOr<v1::Statement>> StatementsRpc::GetStatement(
    rpc::Call& call, const v1::GetStatementRequest& request) {
  const absl::StatusOr<Drawn> drawn = co_await Draw(call, request);
  if (!drawn.ok()) co_return drawn.status();
  co_return ToProto(drawn->facts, drawn->statement);
}

Task<absl::StatusOr<http::v1::File>> StatementsRpc::DownloadStatement(
    rpc::Call& call, const v1::DownloadStatementRequest& request) {
  const bool pdf = request.format() == v1::DownloadStatementRequest::PDF;
  if (!pdf && request.format() != v1::DownloadStatementRequest::CSV) {
    co_return Error(Reason::kInvalidField, "CSV or PDF", {.param = "format"});
  }
  v1::GetStatementRequest ask;
  ask.set_account_id(request.account_id());
  ask.set_first_date(request.first_date());
  ask.set_last_date(request.last_date());
  ask.set_time_zone(request.time_zone());
  const absl::StatusOr<Drawn> drawn = co_await Draw(call, std::move(ask));
  if (!drawn.ok()) co_return drawn.status();
  http::v1::File file;
  file.set_name(absl::StrCat("statement-", request.account_id(), "-", request.first_date(), "-",
                             request.last_date(), pdf ? ".pdf" : ".csv"));
  if (pdf) {
    file.set_content_type("application/pdf");
    FLORIN_CO_ASSIGN_OR_RETURN(*file.mutable_content(),
                               StatementPdf(drawn->facts, drawn->statement, font_));
  } else {
    file.set_content_type("text/csv; charset=utf-8; header=present");
    file.set_content(StatementCsv(drawn->facts, drawn->statement));
  }
  co_return file;
}

Task<absl::StatusOr<StatementsRpc::Drawn>> StatementsRpc::Draw(const rpc::Call& call,
                                                               v1::GetStatementRequest request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account_id,
                             ParseId(IdKind::kAccount, request.account_id(), "account_id"));
  FLORIN_CO_ASSIGN_OR_RETURN(const StatementPeriod period,
                             ParseStatementPeriod(request.first_date(), request.last_date()));
  std::string zone_name = request.time_zone().empty() ? "UTC" : request.time_zone();
  FLORIN_CO_ASSIGN_OR_RETURN(const absl::TimeZone zone, LoadZone(zone_name));
  absl::StatusOr<SeenAccount> seen = co_await store_.SeeAccount(user, account_id);
  if (!seen.ok()) co_return seen.status();

  Drawn drawn{.facts = {.account_id = account_id,
                        .account_name = std::move(seen->account.display_name),
                        .holder_name = std::move(seen->owner_name),
                        .currency = seen->account.currency,
                        .period = period,
                        .time_zone = std::move(zone_name),
                        .zone = zone,
                        .create_time = clock_.Now()},
              .statement = {}};
  const std::string book = BookOf(seen->account, book_);
  const Instants instants = InstantsOf(period, zone);
  rpc::Outgoing context = call.AsService();
  const absl::StatusOr<std::int64_t> opening =
      co_await OpeningBalance(context, book, request.account_id(), instants.from);
  if (!opening.ok()) co_return opening.status();
  absl::StatusOr<std::vector<BookedEntry>> entries =
      co_await Entries(std::move(context), book, request.account_id(), instants);
  if (!entries.ok()) co_return entries.status();
  FLORIN_CO_ASSIGN_OR_RETURN(drawn.statement, MakeStatement(*opening, *std::move(entries)));
  co_return drawn;
}

// What the last booking before the period left.
Task<absl::StatusOr<std::int64_t>> StatementsRpc::OpeningBalance(rpc::Outgoing context,
                                                                 std::string book,
                                                                 std::string account_id,
                                                                 absl::Time from) {
  ledger::v1::ListEntriesRequest ask;
  ask.set_book(book);
  ask.set_account_id(std::move(account_id));
  ask.set_page_size(1);
  SetTime(from, *ask.mutable_until_commit_time());
  AskForBookings(ask);
  context.route = std::move(book);
  bool more = true;
  while (more) {
    const absl::StatusOr<ledger::v1::ListEntriesResponse> page =
        co_await ledger_.ListEntries(context, ask);
    if (!page.ok()) co_return page.status();
    if (page->entries_size() > 0) co_return BookedOf(page->entries(0)).balance_after_minor;
    more = !page->next_page_token().empty();
    ask.set_page_token(page->next_page_token());
  }
  co_return 0;
}

Task<absl::StatusOr<std::vector<BookedEntry>>> StatementsRpc::Entries(rpc::Outgoing context,
                                                                      std::string book,
                                                                      std::string account_id,
                                                                      Instants instants) {
  ledger::v1::ListEntriesRequest ask;
  ask.set_book(book);
  ask.set_account_id(std::move(account_id));
  ask.set_page_size(kEntriesAtOnce);
  ask.set_oldest_first(true);
  SetTime(instants.from, *ask.mutable_from_commit_time());
  SetTime(instants.until, *ask.mutable_until_commit_time());
  AskForBookings(ask);
  context.route = std::move(book);
  std::vector<BookedEntry> entries;
  bool more = true;
  while (more) {
    const absl::StatusOr<ledger::v1::ListEntriesResponse> page =
        co_await ledger_.ListEntries(context, ask);
    if (!page.ok()) co_return page.status();
    for (const ledger::v1::Entry& entry : page->entries()) entries.push_back(BookedOf(entry));
    if (entries.size() > kMostStatementEntries) {
      co_return Error(Reason::kTooManyItems, "more than 10,000 entries", {.param = "last_date"});
    }
    more = !page->next_page_token().empty();
    ask.set_page_token(page->next_page_token());
  }
  co_return entries;
}

}  // namespace florin::accounts
