-- An account's counters are those after its last entry, and kept nowhere else. A commit only
-- appends entries then, which saves it a new version of every account's row, and no statement of
-- the runtime role can change a balance any more.
ALTER TABLE accounts
  DROP COLUMN debits_posted,
  DROP COLUMN credits_posted,
  DROP COLUMN debits_pending,
  DROP COLUMN credits_pending,
  DROP COLUMN version;

-- The batch that left the book as it is. Who made it, or has seen it, knows the book as of then
-- without reading it again.
ALTER TABLE books ADD COLUMN last_batch uuid;
GRANT UPDATE (last_batch) ON books TO ledger;

-- What differs most comes first: a search for the place of a new row compares texts only among
-- equal ids.
ALTER TABLE entries DROP CONSTRAINT entries_pkey1;
ALTER TABLE entries ADD PRIMARY KEY (account_id, sequence, book);
ALTER TABLE journal DROP CONSTRAINT journal_pkey;
ALTER TABLE journal ADD PRIMARY KEY (transaction_id, book);
