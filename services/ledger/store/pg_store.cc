#include "services/ledger/store/pg_store.h"

#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/pg/array.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {
namespace {

// Columns of an account, in the order of ReadAccount.
#define LEDGER_ACCOUNT_COLUMNS                                                         \
  "account_id, currency, normal_side, debits_must_not_exceed_credits, "                \
  "credits_must_not_exceed_debits, credit_line_minor, debits_posted, credits_posted, " \
  "debits_pending, credits_pending, version, closed"
// Metadata as {key,value,key,value,…}.
#define LEDGER_METADATA "ARRAY(SELECT unnest(ARRAY[key, value]) FROM jsonb_each_text(metadata))"
// Columns of a command, in the order of ReadInput.
#define LEDGER_INPUT_COLUMNS                                               \
  "transaction_id, debit_account_ids, credit_account_ids, amounts_minor, " \
  "micros(effective_at), " LEDGER_METADATA

// Until a table has statistics, PostgreSQL takes `book = $1` for a condition that few rows meet,
// and may read a whole book where only keys were meant. So wherever two tables meet, the order is
// fixed: by OFFSET 0 below LATERAL, or by a book that comes from the joined rows; see Settings().
constexpr char kEnsureBook[] = "INSERT INTO books (book) VALUES ($1) ON CONFLICT (book) DO NOTHING";
constexpr char kHasBook[] = "SELECT 1 FROM books WHERE book = $1";
constexpr char kLockBook[] =
    "SELECT last_sequence, micros(last_committed_at) FROM books WHERE book = $1 FOR UPDATE";
// Sorted, so that two openings of the same accounts wait for each other instead of dead-locking.
constexpr char kOpenAccounts[] =
    "INSERT INTO accounts (book, account_id, currency, normal_side, "
    "debits_must_not_exceed_credits, credits_must_not_exceed_debits, credit_line_minor) "
    "SELECT $1, a.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], "
    "$7::bigint[]) AS a (id, currency, side, debits, credits, line) ORDER BY a.id "
    "ON CONFLICT (book, account_id) DO NOTHING";
constexpr char kGetAccounts[] =
    "SELECT a.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_ACCOUNT_COLUMNS
    "  FROM accounts WHERE book = $1 AND account_id = k.id OFFSET 0) AS a";
constexpr char kGetDecisions[] =
    "SELECT d.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_INPUT_COLUMNS
    ", sequence, micros(committed_at), NULL::text, NULL::text, NULL::text "
    "  FROM transactions WHERE book = $1 AND transaction_id = k.id OFFSET 0) AS d "
    "UNION ALL SELECT d.* FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL ("
    "  SELECT " LEDGER_INPUT_COLUMNS
    ", NULL::bigint, NULL::bigint, reason, message, param "
    "  FROM refusals WHERE book = $1 AND transaction_id = k.id OFFSET 0) AS d";
constexpr char kListEntries[] =
    "SELECT e.version, e.sequence, e.debit_minor, e.credit_minor, e.debits_posted_after, "
    "e.credits_posted_after, t.transaction_id, micros(coalesce(t.effective_at, t.committed_at)), "
    "micros(t.committed_at), t.metadata "
    "FROM entries e CROSS JOIN LATERAL (SELECT transaction_id, effective_at, committed_at, "
    "  " LEDGER_METADATA
    " AS metadata FROM transactions WHERE book = $1 AND sequence = e.sequence OFFSET 0) t "
    "WHERE e.book = $1 AND e.account_id = $2 AND e.version < $3 "
    "ORDER BY e.version DESC LIMIT $4";
// Everything that a batch writes. Gives the number of accounts updated.
constexpr char kWriteBatch[] =
    "WITH committed AS ("
    "  INSERT INTO transactions (book, sequence, transaction_id, committed_at, effective_at, "
    "    debit_account_ids, credit_account_ids, amounts_minor, metadata) "
    "  SELECT $1, t.sequence, t.id, at_micros(t.committed), at_micros(t.effective), "
    "    t.debits::uuid[], t.credits::uuid[], t.amounts::bigint[], "
    "    jsonb_object(t.metadata::text[]) "
    "  FROM unnest($4::bigint[], $5::uuid[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], "
    "    $10::text[], $11::text[]) "
    "    AS t (sequence, id, committed, effective, debits, credits, amounts, metadata)), "
    "entered AS ("
    "  INSERT INTO entries (book, account_id, version, sequence, debit_minor, credit_minor, "
    "    debits_posted_after, credits_posted_after) "
    "  SELECT $1, e.* FROM unnest($12::uuid[], $13::bigint[], $14::bigint[], $15::bigint[], "
    "    $16::bigint[], $17::bigint[], $18::bigint[]) "
    "    AS e (account, version, sequence, debit, credit, debits_after, credits_after)), "
    "counted AS ("
    "  UPDATE accounts SET debits_posted = a.debits, credits_posted = a.credits, "
    "    version = a.version "
    "  FROM unnest(array_fill($1::text, ARRAY[cardinality($19::uuid[])]), $19::uuid[], "
    "    $20::bigint[], $21::bigint[], $22::bigint[]) AS a (book, id, debits, credits, version) "
    "  WHERE accounts.book = a.book AND accounts.account_id = a.id RETURNING 1) "
    "UPDATE books SET last_sequence = $2, last_committed_at = at_micros($3) WHERE book = $1 "
    "RETURNING (SELECT count(*) FROM counted)";
constexpr char kWriteRefusals[] =
    "INSERT INTO refusals (book, transaction_id, reason, message, param, effective_at, "
    "  debit_account_ids, credit_account_ids, amounts_minor, metadata) "
    "SELECT $1, r.id, r.reason, r.message, r.param, at_micros(r.effective), r.debits::uuid[], "
    "  r.credits::uuid[], r.amounts::bigint[], jsonb_object(r.metadata::text[]) "
    "FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], "
    "  $8::text[], $9::text[], $10::text[]) "
    "  AS r (id, reason, message, param, effective, debits, credits, amounts, metadata)";

std::int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }
absl::Time ReadTime(const pqxx::field& field) {
  return absl::FromUnixMicros(field.as<std::int64_t>());
}

absl::Status BookNotFound() {
  return Error(Reason::kBookNotFound, "no such book", {.param = "book"});
}

absl::StatusOr<std::vector<Uuid>> ReadUuids(const pqxx::field& field) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> texts, pg::ParseArray(field.c_str()));
  std::vector<Uuid> ids;
  for (const std::string& text : texts) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(text));
    ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<Metadata> ReadMetadata(const pqxx::field& field) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> texts, pg::ParseArray(field.c_str()));
  Metadata metadata;
  for (std::size_t i = 0; i + 1 < texts.size(); i += 2) metadata[texts[i]] = texts[i + 1];
  return metadata;
}

absl::StatusOr<Account> ReadAccount(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[1].c_str()));
  const bool debit = std::string_view(row[2].c_str()) == "debit";
  return Account{.terms = {.account_id = id,
                           .currency = currency,
                           .normal_side = debit ? NormalSide::kDebit : NormalSide::kCredit,
                           .debits_must_not_exceed_credits = row[3].as<bool>(),
                           .credits_must_not_exceed_debits = row[4].as<bool>(),
                           .credit_line_minor = row[5].as<std::int64_t>()},
                 .counters = {.debits_posted = row[6].as<std::int64_t>(),
                              .credits_posted = row[7].as<std::int64_t>(),
                              .debits_pending = row[8].as<std::int64_t>(),
                              .credits_pending = row[9].as<std::int64_t>()},
                 .version = row[10].as<std::int64_t>(),
                 .closed = row[11].as<bool>()};
}

absl::StatusOr<TransactionInput> ReadInput(const pqxx::row& row) {
  TransactionInput input;
  FLORIN_ASSIGN_OR_RETURN(input.transaction_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Uuid> debits, ReadUuids(row[1]));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Uuid> credits, ReadUuids(row[2]));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> amounts, pg::ParseArray(row[3].c_str()));
  if (debits.size() != amounts.size() || credits.size() != amounts.size()) {
    return Error(Reason::kInternal, "stored postings are arrays of different lengths");
  }
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    Posting posting{.debit_account_id = debits[i], .credit_account_id = credits[i]};
    if (!absl::SimpleAtoi(amounts[i], &posting.amount_minor)) {
      return Error(Reason::kInternal, "a stored amount is no number");
    }
    input.postings.push_back(posting);
  }
  if (!row[4].is_null()) input.effective_time = ReadTime(row[4]);
  FLORIN_ASSIGN_OR_RETURN(input.metadata, ReadMetadata(row[5]));
  return input;
}

absl::StatusOr<Decision> ReadDecision(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(TransactionInput input, ReadInput(row));
  if (row[8].is_null()) {
    return Decision{
        .input = std::move(input),
        .fate = Commitment{.sequence = row[6].as<std::int64_t>(), .commit_time = ReadTime(row[7])}};
  }
  const std::optional<Reason> reason = ReasonFromName(row[8].c_str());
  if (!reason) return Error(Reason::kInternal, "a stored refusal has an unknown reason");
  return Decision{.input = std::move(input),
                  .fate = Refusal{.reason = *reason,
                                  .message = row[9].as<std::string>(),
                                  .param = row[10].as<std::string>()}};
}

std::string Literal(const std::vector<Uuid>& ids) {
  pg::Array array;
  for (const Uuid& id : ids) array.Add(id);
  return array.literal();
}

absl::StatusOr<absl::flat_hash_map<Uuid, Account>> LoadAccounts(pqxx::transaction_base& transaction,
                                                                const std::string& book,
                                                                const std::vector<Uuid>& ids) {
  absl::flat_hash_map<Uuid, Account> accounts;
  for (const pqxx::row& row : transaction.exec_prepared("get_accounts", book, Literal(ids))) {
    FLORIN_ASSIGN_OR_RETURN(const Account account, ReadAccount(row));
    accounts.emplace(account.terms.account_id, account);
  }
  return accounts;
}

// The columns of commands, as arrays of a set.
struct InputColumns {
  pg::Array ids, effective, debits, credits, amounts, metadata;

  void Add(const TransactionInput& input) {
    pg::Array debit_ids, credit_ids, amounts_minor, pairs;
    for (const Posting& posting : input.postings) {
      debit_ids.Add(posting.debit_account_id);
      credit_ids.Add(posting.credit_account_id);
      amounts_minor.Add(posting.amount_minor);
    }
    for (const auto& [key, value] : input.metadata) {
      pairs.Add(std::string_view(key));
      pairs.Add(std::string_view(value));
    }
    ids.Add(input.transaction_id);
    if (input.effective_time) {
      effective.Add(Micros(*input.effective_time));
    } else {
      effective.AddNull();
    }
    debits.Add(std::string_view(debit_ids.literal()));
    credits.Add(std::string_view(credit_ids.literal()));
    amounts.Add(std::string_view(amounts_minor.literal()));
    metadata.Add(std::string_view(pairs.literal()));
  }
};

struct CommittedColumns {
  InputColumns inputs;
  pg::Array sequences, times;

  explicit CommittedColumns(const std::vector<Outcome>& outcomes) {
    for (const Outcome& outcome : outcomes) {
      const Commitment* commitment = outcome.decision.commitment();
      if (commitment == nullptr || !IsNewDecision(outcome)) continue;
      inputs.Add(outcome.decision.input);
      sequences.Add(commitment->sequence);
      times.Add(Micros(commitment->commit_time));
    }
  }
};

struct EntryColumns {
  pg::Array accounts, versions, sequences, debits, credits, debits_after, credits_after;

  explicit EntryColumns(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      accounts.Add(entry.account_id);
      versions.Add(entry.version);
      sequences.Add(entry.sequence);
      debits.Add(entry.debit_minor);
      credits.Add(entry.credit_minor);
      debits_after.Add(entry.debits_posted_after);
      credits_after.Add(entry.credits_posted_after);
    }
  }
};

struct CounterColumns {
  pg::Array ids, debits, credits, versions;

  explicit CounterColumns(const std::vector<Account>& accounts) {
    for (const Account& account : accounts) {
      ids.Add(account.terms.account_id);
      debits.Add(account.counters.debits_posted);
      credits.Add(account.counters.credits_posted);
      versions.Add(account.version);
    }
  }
};

absl::Status WriteCommitted(pqxx::work& transaction, const std::string& book,
                            const Effects& effects) {
  if (effects.entries.empty()) return absl::OkStatus();
  const CommittedColumns committed(effects.outcomes);
  const EntryColumns entries(effects.entries);
  const CounterColumns counters(effects.accounts);
  const pqxx::result updated = transaction.exec_prepared(
      "write_batch", book, effects.state.last_sequence, Micros(effects.state.last_commit_time),
      committed.sequences.literal(), committed.inputs.ids.literal(), committed.times.literal(),
      committed.inputs.effective.literal(), committed.inputs.debits.literal(),
      committed.inputs.credits.literal(), committed.inputs.amounts.literal(),
      committed.inputs.metadata.literal(), entries.accounts.literal(), entries.versions.literal(),
      entries.sequences.literal(), entries.debits.literal(), entries.credits.literal(),
      entries.debits_after.literal(), entries.credits_after.literal(), counters.ids.literal(),
      counters.debits.literal(), counters.credits.literal(), counters.versions.literal());
  if (updated.size() != 1 || updated[0][0].as<std::size_t>() != effects.accounts.size()) {
    return Error(Reason::kInternal, "accounts vanished while their book was locked");
  }
  return absl::OkStatus();
}

void WriteRefused(pqxx::work& transaction, const std::string& book,
                  const std::vector<Outcome>& outcomes) {
  InputColumns inputs;
  pg::Array reasons, messages, params;
  bool any = false;
  for (const Outcome& outcome : outcomes) {
    const Refusal* refusal = outcome.decision.refusal();
    if (refusal == nullptr || !IsNewDecision(outcome)) continue;
    any = true;
    inputs.Add(outcome.decision.input);
    reasons.Add(InfoOf(refusal->reason).name);
    messages.Add(std::string_view(refusal->message));
    params.Add(std::string_view(refusal->param));
  }
  if (!any) return;
  transaction.exec_prepared("write_refusals", book, inputs.ids.literal(), reasons.literal(),
                            messages.literal(), params.literal(), inputs.effective.literal(),
                            inputs.debits.literal(), inputs.credits.literal(),
                            inputs.amounts.literal(), inputs.metadata.literal());
}

absl::StatusOr<LoadedBook> Load(pqxx::work& transaction, const std::string& book,
                                const std::vector<TransactionInput>& inputs) {
  // A statement of its own: only statements that start after the lock is had see what its last
  // holder committed.
  const pqxx::result locked = transaction.exec_prepared("lock_book", book);
  if (locked.empty()) return BookNotFound();
  LoadedBook loaded{.state = {.last_sequence = locked[0][0].as<std::int64_t>(),
                              .last_commit_time = ReadTime(locked[0][1])}};
  pg::Array ids;
  for (const TransactionInput& input : inputs) ids.Add(input.transaction_id);
  for (const pqxx::row& row : transaction.exec_prepared("get_decisions", book, ids.literal())) {
    FLORIN_ASSIGN_OR_RETURN(Decision decision, ReadDecision(row));
    const Uuid id = decision.input.transaction_id;
    loaded.decisions.emplace(id, std::move(decision));
  }
  FLORIN_ASSIGN_OR_RETURN(loaded.accounts, LoadAccounts(transaction, book, AccountsOf(inputs)));
  return loaded;
}

absl::StatusOr<std::vector<Outcome>> CommitBatch(pqxx::work& transaction, const std::string& book,
                                                 const std::vector<TransactionInput>& inputs,
                                                 absl::Time now) {
  FLORIN_ASSIGN_OR_RETURN(LoadedBook loaded, Load(transaction, book, inputs));
  Effects effects = ApplyBatch(std::move(loaded), inputs, now);
  FLORIN_RETURN_IF_ERROR(WriteCommitted(transaction, book, effects));
  WriteRefused(transaction, book, effects.outcomes);
  return std::move(effects.outcomes);
}

absl::StatusOr<std::vector<Account>> Open(pqxx::work& transaction, const std::string& book,
                                          const std::vector<AccountTerms>& accounts) {
  if (transaction.exec_prepared("has_book", book).empty()) return BookNotFound();
  pg::Array ids, currencies, sides, debits, credits, lines;
  std::vector<Uuid> opened;
  for (const AccountTerms& terms : accounts) {
    opened.push_back(terms.account_id);
    ids.Add(terms.account_id);
    currencies.Add(terms.currency.code());
    sides.Add(terms.normal_side == NormalSide::kDebit ? "debit" : "credit");
    debits.Add(terms.debits_must_not_exceed_credits);
    credits.Add(terms.credits_must_not_exceed_debits);
    lines.Add(terms.credit_line_minor);
  }
  transaction.exec_prepared("open_accounts", book, ids.literal(), currencies.literal(),
                            sides.literal(), debits.literal(), credits.literal(), lines.literal());
  FLORIN_ASSIGN_OR_RETURN(const auto found, LoadAccounts(transaction, book, opened));
  std::vector<Account> result;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const Account& account = found.at(accounts[i].account_id);
    if (const auto field = FirstDifference(account.terms, accounts[i])) {
      return Error(Reason::kIdConflict, "the account is open with other terms",
                   {.param = absl::StrCat("accounts[", i, "].", *field)});
    }
    result.push_back(account);
  }
  return result;
}

absl::StatusOr<Statement> ReadStatement(pqxx::transaction_base& transaction,
                                        const std::string& book, const Uuid& account_id,
                                        std::int64_t before, int limit) {
  FLORIN_ASSIGN_OR_RETURN(const auto found, LoadAccounts(transaction, book, {account_id}));
  if (found.empty()) return Error(Reason::kAccountNotFound, "the book has no such account");
  Statement statement{.account = found.at(account_id)};
  for (const pqxx::row& row :
       transaction.exec_prepared("list_entries", book, account_id.ToString(), before, limit)) {
    StatementLine line{.entry = {.account_id = account_id,
                                 .version = row[0].as<std::int64_t>(),
                                 .sequence = row[1].as<std::int64_t>(),
                                 .debit_minor = row[2].as<std::int64_t>(),
                                 .credit_minor = row[3].as<std::int64_t>(),
                                 .debits_posted_after = row[4].as<std::int64_t>(),
                                 .credits_posted_after = row[5].as<std::int64_t>()},
                       .effective_time = ReadTime(row[7]),
                       .commit_time = ReadTime(row[8])};
    FLORIN_ASSIGN_OR_RETURN(line.transaction_id, Uuid::Parse(row[6].c_str()));
    FLORIN_ASSIGN_OR_RETURN(line.metadata, ReadMetadata(row[9]));
    statement.lines.push_back(std::move(line));
  }
  return statement;
}

}  // namespace

std::vector<std::string> PgStore::Settings() {
  return {"enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off"};
}

std::vector<pg::Statement> PgStore::Statements() {
  return {{"ensure_book", kEnsureBook},      {"has_book", kHasBook},
          {"lock_book", kLockBook},          {"open_accounts", kOpenAccounts},
          {"get_accounts", kGetAccounts},    {"get_decisions", kGetDecisions},
          {"list_entries", kListEntries},    {"write_batch", kWriteBatch},
          {"write_refusals", kWriteRefusals}};
}

Task<absl::Status> PgStore::EnsureBook(std::string book) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&book](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("ensure_book", book);
    return true;
  };
  co_return (co_await pool_.Transact<bool>(std::move(work))).status();
}

Task<absl::StatusOr<bool>> PgStore::HasBook(std::string book) {
  std::function<absl::StatusOr<bool>(pqxx::transaction_base&)> work =
      [&book](pqxx::transaction_base& transaction) -> absl::StatusOr<bool> {
    return !transaction.exec_prepared("has_book", book).empty();
  };
  co_return co_await pool_.Read<bool>(std::move(work));
}

Task<absl::StatusOr<std::vector<Account>>> PgStore::OpenAccounts(
    std::string book, std::vector<AccountTerms> accounts) {
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::work&)> work =
      [&](pqxx::work& transaction) { return Open(transaction, book, accounts); };
  co_return co_await pool_.Transact<std::vector<Account>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Outcome>>> PgStore::Commit(std::string book,
                                                           std::vector<TransactionInput> inputs,
                                                           absl::Time now) {
  std::function<absl::StatusOr<std::vector<Outcome>>(pqxx::work&)> work =
      [&](pqxx::work& transaction) { return CommitBatch(transaction, book, inputs, now); };
  co_return co_await pool_.Transact<std::vector<Outcome>>(std::move(work));
}

Task<absl::StatusOr<std::vector<Account>>> PgStore::GetAccounts(std::string book,
                                                                std::vector<Uuid> ids) {
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Account>> {
    FLORIN_ASSIGN_OR_RETURN(const auto found, LoadAccounts(transaction, book, ids));
    if (found.empty() && transaction.exec_prepared("has_book", book).empty()) return BookNotFound();
    std::vector<Account> accounts;
    for (const Uuid& id : ids) {
      if (const auto account = found.find(id); account != found.end()) {
        accounts.push_back(account->second);
      }
    }
    return accounts;
  };
  co_return co_await pool_.Read<std::vector<Account>>(std::move(work));
}

Task<absl::StatusOr<Statement>> PgStore::ListEntries(std::string book, Uuid account_id,
                                                     std::optional<std::int64_t> before,
                                                     int limit) {
  std::function<absl::StatusOr<Statement>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return ReadStatement(transaction, book, account_id,
                             before.value_or(std::numeric_limits<std::int64_t>::max()), limit);
      };
  co_return co_await pool_.Read<Statement>(std::move(work));
}

Task<absl::StatusOr<Decision>> PgStore::GetDecision(std::string book, Uuid transaction_id) {
  std::function<absl::StatusOr<Decision>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) -> absl::StatusOr<Decision> {
    const pqxx::result rows =
        transaction.exec_prepared("get_decisions", book, Literal({transaction_id}));
    if (rows.empty()) {
      return Error(Reason::kTransactionNotFound, "nothing was decided under this id");
    }
    return ReadDecision(rows[0]);
  };
  co_return co_await pool_.Read<Decision>(std::move(work));
}

}  // namespace florin::ledger
