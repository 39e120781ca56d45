// Rows of the ledger's tables as values, and values as columns of `unnest`. The only place that
// knows their order.
#pragma once

#include <vector>

#include <pqxx/pqxx>

#include "libs/pg/array.h"
#include "services/ledger/domain/posting_rules.h"

namespace florin::ledger {

// Columns of an account, in the order of ReadAccount.
#define LEDGER_ACCOUNT_COLUMNS                                                         \
  "account_id, currency, normal_side, debits_must_not_exceed_credits, "                \
  "credits_must_not_exceed_debits, credit_line_minor, debits_posted, credits_posted, " \
  "debits_pending, credits_pending, version, closed"
absl::StatusOr<Account> ReadAccount(const pqxx::row& row);

// Metadata as {key,value,key,value,…}.
#define LEDGER_METADATA "ARRAY(SELECT unnest(ARRAY[key, value]) FROM jsonb_each_text(metadata))"
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

struct JournalColumns {
  pg::Array sequences, ids, kinds, committed, effective, expires, subjects, metadata, requests,
      reasons, messages, params;
  PostingColumns postings;
  // Those that are new decisions.
  explicit JournalColumns(const std::vector<Outcome>& outcomes);

 private:
  void Add(const Decision& decision);
};

struct EntryColumns {
  pg::Array accounts, sequences, versions, debits, credits, debits_after, credits_after,
      debits_pending, credits_pending, debits_pending_after, credits_pending_after, effective;
  EntryColumns(const std::vector<Entry>& entries, const std::vector<Outcome>& outcomes);
};

struct AccountColumns {
  pg::Array ids, currencies, sides, debits_limited, credits_limited, lines, debits, credits,
      debits_pending, credits_pending, versions, closed;
  explicit AccountColumns(const std::vector<Account>& accounts);
};

struct HoldColumns {
  pg::Array ids, states, expires;
  PostingColumns postings;
  explicit HoldColumns(const std::vector<Hold>& holds);
};

}  // namespace florin::ledger
