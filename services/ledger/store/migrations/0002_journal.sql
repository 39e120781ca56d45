-- Every decision of a book in one journal: commits and final refusals, with holds, reversals and
-- changes of accounts beside posts. The journal's order is the book's sequence and what the signed
-- log proves; entries, accounts, holds and the metadata index follow from it.
--
-- Partitions: a book lies in one of eight hash partitions below `…_default` until move_book() gives
-- it partitions of its own (docs/ledger.md, "Growth"). Statements name only the parents, and stay
-- within one book, so the same SQL runs where a cluster distributes the tables by `book`.

-- As before, but of immutable parts, so that they are inlined: five times as fast.
CREATE OR REPLACE FUNCTION at_micros(bigint) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (timestamp '1970-01-01 00:00:00' + $1 * interval '1 microsecond') AT TIME ZONE 'UTC';
CREATE OR REPLACE FUNCTION micros(timestamptz) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (extract(epoch FROM $1 AT TIME ZONE 'UTC') * 1000000)::bigint;

ALTER TABLE accounts RENAME TO accounts_0001;
ALTER TABLE transactions RENAME TO transactions_0001;
ALTER TABLE refusals RENAME TO refusals_0001;
ALTER TABLE entries RENAME TO entries_0001;

-- `closed_until`: nothing can be dated before it. `indexed_metadata`: the keys that transactions
-- can be found by.
ALTER TABLE books
  ADD COLUMN closed_until timestamptz,
  ADD COLUMN indexed_metadata text[] NOT NULL DEFAULT '{}';

CREATE TABLE accounts (
  book text COLLATE "C" NOT NULL,
  account_id uuid NOT NULL,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  normal_side text COLLATE "C" NOT NULL CHECK (normal_side IN ('debit', 'credit')),
  debits_must_not_exceed_credits boolean NOT NULL,
  credits_must_not_exceed_debits boolean NOT NULL,
  credit_line_minor bigint NOT NULL CHECK (credit_line_minor >= 0),
  debits_posted bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
  credits_posted bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
  debits_pending bigint NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
  credits_pending bigint NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
  version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
  closed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (book, account_id),
  CONSTRAINT debits_within_limit CHECK (NOT debits_must_not_exceed_credits
    OR debits_posted - credits_posted <= credit_line_minor - debits_pending),
  CONSTRAINT credits_within_limit CHECK (NOT credits_must_not_exceed_debits
    OR credits_posted - debits_posted <= -credits_pending)
) PARTITION BY LIST (book);

-- One row for each decision. Postings are three parallel arrays: what moved or is held; of a
-- refusal, what was asked for.
CREATE TABLE journal (
  book text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL CHECK (sequence > 0),
  transaction_id uuid NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('post', 'hold', 'capture', 'void', 'expire',
    'reversal', 'open_account', 'close_account', 'reopen_account', 'set_credit_line',
    'close_period')),
  committed_at timestamptz NOT NULL,
  effective_at timestamptz,      -- null: the time of commit
  expires_at timestamptz,        -- of a hold that ends
  subject_id uuid,               -- the hold resolved, the transaction reversed, the account changed
  debit_account_ids uuid[] NOT NULL,
  credit_account_ids uuid[] NOT NULL,
  amounts_minor bigint[] NOT NULL CHECK (0 < ALL (amounts_minor)),
  metadata jsonb NOT NULL,
  request jsonb,                 -- what the command said beyond these columns; request_json.h
  reason text COLLATE "C",       -- of a refusal
  message text,
  param text,
  PRIMARY KEY (book, transaction_id),
  CHECK (cardinality(amounts_minor) <= 64
    AND cardinality(debit_account_ids) = cardinality(amounts_minor)
    AND cardinality(credit_account_ids) = cardinality(amounts_minor))
) PARTITION BY LIST (book);
-- Partial, though it has every row, so that only what names a sequence can use it: without
-- statistics the search for an id by the whole key costs no less in the planner's eyes than one
-- through all that the book has.
CREATE UNIQUE INDEX ON journal (book, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX ON journal (book, subject_id) WHERE subject_id IS NOT NULL;

-- What one transaction did to one account. Pending amounts that are zero are null: most are. The
-- business time is null where it is the time of commit.
CREATE TABLE entries (
  book text COLLATE "C" NOT NULL,
  account_id uuid NOT NULL,
  sequence bigint NOT NULL CHECK (sequence > 0),
  version bigint NOT NULL CHECK (version > 0),
  debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
  debits_posted_after bigint NOT NULL,
  credits_posted_after bigint NOT NULL,
  debit_pending_minor bigint,
  credit_pending_minor bigint,
  debits_pending_after bigint,
  credits_pending_after bigint,
  effective_at timestamptz,
  PRIMARY KEY (book, account_id, sequence)
) PARTITION BY LIST (book);
CREATE INDEX ON entries (book, account_id, effective_at) WHERE effective_at IS NOT NULL;

-- Where each hold stands: what is left of its postings, in the order of the journal's.
CREATE TABLE holds (
  book text COLLATE "C" NOT NULL,
  hold_id uuid NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'captured', 'voided', 'expired')),
  expires_at timestamptz,
  debit_account_ids uuid[] NOT NULL,
  credit_account_ids uuid[] NOT NULL,
  held_minor bigint[] NOT NULL CHECK (0 <= ALL (held_minor)),
  PRIMARY KEY (book, hold_id)
) PARTITION BY LIST (book);
CREATE INDEX ON holds (book, expires_at) WHERE state = 'open' AND expires_at IS NOT NULL;

-- Committed transactions by the metadata keys that their book indexes.
CREATE TABLE metadata_index (
  book text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  PRIMARY KEY (book, key, value, sequence)
) PARTITION BY LIST (book);

-- The Merkle log of the journal: complete tiles of 256 hashes (libs/merkle/tiles.h), and the signed
-- tree heads.
CREATE TABLE tiles (
  book text COLLATE "C" NOT NULL,
  level int NOT NULL CHECK (level >= 0),
  tile bigint NOT NULL CHECK (tile >= 0),
  root bytea NOT NULL CHECK (length(root) = 32),
  hashes bytea NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (book, level, tile)
) PARTITION BY LIST (book);
CREATE TABLE tree_heads (
  book text COLLATE "C" NOT NULL,
  size bigint NOT NULL CHECK (size > 0),
  root bytea NOT NULL CHECK (length(root) = 32),
  signed_at timestamptz NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (book, size)
);

DO $$
DECLARE
  parent text;
  storage text;
BEGIN
  FOREACH parent IN ARRAY
    ARRAY['accounts', 'journal', 'entries', 'holds', 'metadata_index', 'tiles']
  LOOP
    -- Room for the next versions of a row on its own page.
    storage := CASE WHEN parent IN ('accounts', 'holds') THEN 'WITH (fillfactor = 60)' ELSE '' END;
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT PARTITION BY HASH (book)',
                   parent || '_default', parent);
    FOR remainder IN 0..7 LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 8, REMAINDER %s) %s',
                     parent || '_' || remainder, parent || '_default', remainder, storage);
    END LOOP;
  END LOOP;
END $$;

-- Gives a book partitions of its own, named after `label`, e.g. to put them on a disk of their own.
-- As the migration role. Blocks the writers of that book while it copies, and those of all books
-- for the moment in which PostgreSQL checks that the default partitions have no rows of it left.
CREATE PROCEDURE move_book(book_name text, label text) LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  own text;
BEGIN
  PERFORM 1 FROM books WHERE book = book_name FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no book %', book_name;
  END IF;
  FOREACH parent IN ARRAY
    ARRAY['accounts', 'journal', 'entries', 'holds', 'metadata_index', 'tiles']
  LOOP
    own := parent || '_' || label;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', own, parent);
    EXECUTE format('INSERT INTO %I SELECT p.* FROM %I AS p WHERE p.book = $1', own, parent)
      USING book_name;
    EXECUTE format('DELETE FROM %I WHERE book = $1', parent) USING book_name;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%L)', parent, own, book_name);
  END LOOP;
END $$;

-- What the first migration's tables hold, if anything. The openings of accounts become the first
-- decisions of each book, in order, dated before all others; refusals come after the transactions,
-- since their order among them was not kept. Business times later than the commit, which are not
-- allowed any more, become the time of commit.
CREATE TEMPORARY TABLE renumbered ON COMMIT DROP AS
  SELECT o.book, o.account_id,
    row_number() OVER (PARTITION BY o.book ORDER BY o.opened_at, o.account_id) AS sequence,
    count(*) OVER (PARTITION BY o.book) AS openings,
    least(min(o.opened_at) OVER (PARTITION BY o.book),
      (SELECT min(t.committed_at) FROM transactions_0001 AS t WHERE t.book = o.book)) AS earliest
  FROM accounts_0001 AS o;
INSERT INTO accounts (book, account_id, currency, normal_side, debits_must_not_exceed_credits,
    credits_must_not_exceed_debits, credit_line_minor, debits_posted, credits_posted,
    debits_pending, credits_pending, version, closed)
  SELECT book, account_id, currency, normal_side, debits_must_not_exceed_credits,
    credits_must_not_exceed_debits, credit_line_minor, debits_posted, credits_posted,
    debits_pending, credits_pending, version, closed FROM accounts_0001;
-- The id is DeriveId("florin.ledger.open_account", account id): UUID version 8 of a SHA-256.
INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, subject_id,
    debit_account_ids, credit_account_ids, amounts_minor, metadata, request)
  SELECT r.book, r.sequence,
    (substr(h.hex, 1, 12) || '8' || substr(h.hex, 14, 3)
      || translate(substr(h.hex, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab')
      || substr(h.hex, 18, 15))::uuid,
    'open_account', r.earliest - (r.openings - r.sequence + 1) * interval '1 microsecond',
    r.account_id, '{}', '{}', '{}', '{}',
    jsonb_strip_nulls(jsonb_build_object(
      'currency', a.currency, 'normal_side', a.normal_side,
      'debits_must_not_exceed_credits', nullif(a.debits_must_not_exceed_credits, false),
      'credits_must_not_exceed_debits', nullif(a.credits_must_not_exceed_debits, false),
      'credit_line_minor', nullif(a.credit_line_minor, 0)))
  FROM renumbered AS r
  JOIN accounts_0001 AS a ON a.book = r.book AND a.account_id = r.account_id
  CROSS JOIN LATERAL (SELECT encode(sha256(convert_to('florin.ledger.open_account', 'UTF8')
    || '\x00'::bytea || convert_to(r.account_id::text, 'UTF8')), 'hex')) AS h (hex);
CREATE TEMPORARY TABLE shifts ON COMMIT DROP AS
  SELECT b.book, (SELECT count(*) FROM renumbered AS r WHERE r.book = b.book) AS openings,
    b.last_sequence, b.last_committed_at FROM books AS b;
INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, effective_at,
    debit_account_ids, credit_account_ids, amounts_minor, metadata)
  SELECT t.book, t.sequence + s.openings, t.transaction_id, 'post', t.committed_at,
    CASE WHEN t.effective_at <= t.committed_at THEN t.effective_at END, t.debit_account_ids,
    t.credit_account_ids, t.amounts_minor, t.metadata
  FROM transactions_0001 AS t JOIN shifts AS s ON s.book = t.book;
INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, effective_at,
    debit_account_ids, credit_account_ids, amounts_minor, metadata, reason, message, param)
  SELECT f.book, s.last_sequence + s.openings + f.number, f.transaction_id, 'post',
    greatest(s.last_committed_at, (SELECT max(o.refused_at) FROM refusals_0001 AS o
                                   WHERE o.book = f.book)) + f.number * interval '1 microsecond',
    f.effective_at, f.debit_account_ids, f.credit_account_ids, f.amounts_minor, f.metadata,
    f.reason, f.message, f.param
  FROM (SELECT r.*, row_number() OVER (PARTITION BY r.book ORDER BY r.refused_at, r.transaction_id)
          AS number FROM refusals_0001 AS r) AS f
  JOIN shifts AS s ON s.book = f.book;
INSERT INTO entries (book, account_id, sequence, version, debit_minor, credit_minor,
    debits_posted_after, credits_posted_after, effective_at)
  SELECT e.book, e.account_id, e.sequence + s.openings, e.version, e.debit_minor, e.credit_minor,
    e.debits_posted_after, e.credits_posted_after,
    CASE WHEN t.effective_at <= t.committed_at THEN t.effective_at END
  FROM entries_0001 AS e JOIN shifts AS s ON s.book = e.book
  JOIN transactions_0001 AS t ON t.book = e.book AND t.sequence = e.sequence;
UPDATE books SET
  last_sequence = coalesce((SELECT max(j.sequence) FROM journal AS j WHERE j.book = books.book), 0),
  last_committed_at = coalesce((SELECT max(j.committed_at) FROM journal AS j
                                WHERE j.book = books.book), at_micros(0));
DROP TABLE accounts_0001, transactions_0001, refusals_0001, entries_0001;

-- The runtime role appends; it changes only where a book, an account and a hold stand, and deletes
-- nothing.
REVOKE ALL ON books FROM ledger;
GRANT SELECT, INSERT (book, indexed_metadata),
  UPDATE (last_sequence, last_committed_at, closed_until, indexed_metadata) ON books TO ledger;
GRANT SELECT, INSERT,
  UPDATE (debits_posted, credits_posted, debits_pending, credits_pending, version, closed,
          credit_line_minor)
  ON accounts TO ledger;
GRANT SELECT, INSERT, UPDATE (state, held_minor) ON holds TO ledger;
GRANT SELECT, INSERT ON journal, entries, metadata_index, tiles, tree_heads TO ledger;
