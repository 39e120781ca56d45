// Statements that insert accounts and holds of one book, for those who commit and those who import:
// the book, then columns as AccountColumns and HoldColumns of rows.h have them.
#pragma once

namespace florin::ledger {

inline constexpr char kInsertAccounts[] =
    "INSERT INTO accounts (book, account_id, currency, normal_side, "
    "  debits_must_not_exceed_credits, credits_must_not_exceed_debits, credit_line_minor, closed, "
    "  frozen_debits, frozen_credits) "
    "SELECT $1, a.id, a.currency, a.side, a.debits_limited, a.credits_limited, a.line, a.closed, "
    "  a.frozen_debits, a.frozen_credits "
    "FROM unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::bigint[], "
    "  $8::boolean[], $9::boolean[], $10::boolean[]) "
    "  AS a (id, currency, side, debits_limited, credits_limited, line, closed, frozen_debits, "
    "  frozen_credits)";
inline constexpr char kInsertHolds[] =
    "INSERT INTO holds (book, hold_id, state, expires_at, debit_account_ids, credit_account_ids, "
    "  held_minor) "
    "SELECT $1, h.id, h.state, at_micros(h.expires), h.debits::uuid[], h.credits::uuid[], "
    "  h.held::bigint[] "
    "FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[]) "
    "  AS h (id, state, expires, debits, credits, held)";

}  // namespace florin::ledger
