// Rows of the ledger's tables as values, and values as rows of COPY or columns of `unnest`. The
// only place that knows their order.
#pragma once

#include <vector>

#include <pqxx/pqxx>

#include "libs/pg/array.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {

// Columns of an account, in the order of ReadAccount. Its counters are those after its last entry.
#define LEDGER_ACCOUNT_COLUMNS                                                                  \
  "a.account_id, a.currency, a.normal_side, a.debits_must_not_exceed_credits, "                 \
  "a.credits_must_not_exceed_debits, a.credit_line_minor, coalesce(e.debits_posted_after, 0), " \
  "coalesce(e.credits_posted_after, 0), coalesce(e.debits_pending_after, 0), "                  \
  "coalesce(e.credits_pending_after, 0), coalesce(e.version, 0), a.closed, a.frozen_debits, "   \
  "a.frozen_credits"
inline constexpr int kAccountColumns = 14;
// Accounts `a` with the last entry `e` of each. `book` is $1, or a.book where that is not known.
#define LEDGER_ACCOUNTS_OF(book)                                                      \
  "accounts AS a LEFT JOIN LATERAL (SELECT version, debits_posted_after, "            \
  "  credits_posted_after, debits_pending_after, credits_pending_after FROM entries " \
  "  WHERE book = " book                                                              \
  " AND account_id = a.account_id ORDER BY sequence DESC LIMIT 1) "                   \
  "AS e ON true "
absl::StatusOr<Account> ReadAccount(const pqxx::row& row);

// Metadata as {key,value,key,value,…}. Most transactions have none, and setting out to list it
// costs as much as reading all the rest of the row.
#define LEDGER_METADATA                  \
  "CASE WHEN metadata = '{}' THEN '{}' " \
  "ELSE ARRAY(SELECT unnest(ARRAY[key, value]) FROM jsonb_each_text(metadata)) END"
absl::StatusOr<Metadata> ReadMetadata(const pqxx::field& field);

// Columns of the journal, in the order of ReadDecision.
#define LEDGER_JOURNAL_COLUMNS                                                   \
  "sequence, transaction_id, kind, micros(committed_at), micros(effective_at), " \
  "micros(expires_at), subject_id, debit_account_ids, credit_account_ids, "      \
  "amounts_minor, " LEDGER_METADATA ", request::text, reason, message, param"
absl::StatusOr<Decision> ReadDecision(const pqxx::row& row);

// Columns of a hold, in the order of ReadHold.
#define LEDGER_HOLD_COLUMNS \
  "hold_id, state, micros(expires_at), debit_account_ids, credit_account_ids, held_minor"
absl::StatusOr<Hold> ReadHold(const pqxx::row& row);

// Columns of an entry `e` but its account, in the order of ReadEntry; kEntryColumns of them.
#define LEDGER_ENTRY_COLUMNS                                                      \
  "e.version, e.sequence, e.debit_minor, e.credit_minor, e.debits_posted_after, " \
  "e.credits_posted_after, coalesce(e.debit_pending_minor, 0), "                  \
  "coalesce(e.credit_pending_minor, 0), coalesce(e.debits_pending_after, 0), "    \
  "coalesce(e.credits_pending_after, 0)"
inline constexpr int kEntryColumns = 10;
Entry ReadEntry(const Uuid& account_id, const pqxx::row& row);

std::int64_t Micros(absl::Time time);
absl::Time ReadTime(const pqxx::field& field);
const char* NameOf(HoldState state);

// Array literals of one column each, as `unnest` takes them; what is not there is NULL.
std::string UuidsLiteral(const std::vector<Uuid>& ids);

struct PostingColumns {
  pg::Array debits, credits, amounts;
  void Add(const std::vector<Posting>& postings);
};

struct AccountColumns {
  pg::Array ids, currencies, sides, debits_limited, credits_limited, lines, closed, frozen_debits,
      frozen_credits;
  explicit AccountColumns(const std::vector<Account>& accounts);
};

struct HoldColumns {
  pg::Array ids, states, expires;
  PostingColumns postings;
  explicit HoldColumns(const std::vector<Hold>& holds);
};

// Appends to the journal those outcomes that are new decisions, and to the entries those of a
// batch. By COPY, which takes two thirds of the time of INSERT … SELECT FROM unnest(…).
void CopyDecisions(pqxx::transaction_base& transaction, const std::string& book,
                   const std::vector<Outcome>& outcomes);
void CopyEntries(pqxx::transaction_base& transaction, const std::string& book,
                 const Effects& effects);

}  // namespace florin::ledger
