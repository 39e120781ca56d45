-- Books, accounts, and the append-only history.
--
-- `book` leads every key: a book is what is locked, and what can be moved to another database.
-- The CHECKs repeat rules of domain/posting_rules.cc as a second line of defence. There are no
-- foreign keys: every writer holds its book's row and has just read the accounts, and a key check
-- would lock each of them once more.
-- Differences of numbers that are not negative cannot overflow; sums could.

CREATE FUNCTION at_micros(bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN timestamptz '1970-01-01 00:00:00+00' + $1 * interval '1 microsecond';
CREATE FUNCTION micros(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (extract(epoch FROM $1) * 1000000)::bigint;

CREATE TABLE books (
  book text COLLATE "C" PRIMARY KEY,
  last_sequence bigint NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
  last_committed_at timestamptz NOT NULL DEFAULT at_micros(0)
) WITH (fillfactor = 10);

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
  opened_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (book, account_id),
  CONSTRAINT debits_within_limit CHECK (NOT debits_must_not_exceed_credits
    OR debits_posted - credits_posted <= credit_line_minor - debits_pending),
  CONSTRAINT credits_within_limit CHECK (NOT credits_must_not_exceed_debits
    OR credits_posted - debits_posted <= -credits_pending)
) WITH (fillfactor = 60);  -- Room for the next versions of a row on its own page.

-- Postings are three parallel arrays. `effective_at` is null where it is the time of commit.
CREATE TABLE transactions (
  book text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL CHECK (sequence > 0),
  transaction_id uuid NOT NULL,
  committed_at timestamptz NOT NULL,
  effective_at timestamptz,
  debit_account_ids uuid[] NOT NULL,
  credit_account_ids uuid[] NOT NULL,
  amounts_minor bigint[] NOT NULL CHECK (0 < ALL (amounts_minor)),
  metadata jsonb NOT NULL,
  PRIMARY KEY (book, transaction_id),
  UNIQUE (book, sequence),
  CHECK (cardinality(amounts_minor) BETWEEN 1 AND 64
    AND cardinality(debit_account_ids) = cardinality(amounts_minor)
    AND cardinality(credit_account_ids) = cardinality(amounts_minor))
);

-- Commands refused for a business reason, with their content, so that a repetition gets the same
-- answer.
CREATE TABLE refusals (
  book text COLLATE "C" NOT NULL,
  transaction_id uuid NOT NULL,
  refused_at timestamptz NOT NULL DEFAULT now(),
  reason text COLLATE "C" NOT NULL,
  message text NOT NULL,
  param text NOT NULL,
  effective_at timestamptz,
  debit_account_ids uuid[] NOT NULL,
  credit_account_ids uuid[] NOT NULL,
  amounts_minor bigint[] NOT NULL,
  metadata jsonb NOT NULL,
  PRIMARY KEY (book, transaction_id)
);

-- What one transaction did to one account.
CREATE TABLE entries (
  book text COLLATE "C" NOT NULL,
  account_id uuid NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  sequence bigint NOT NULL,
  debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
  debits_posted_after bigint NOT NULL,
  credits_posted_after bigint NOT NULL,
  PRIMARY KEY (book, account_id, version)
);

-- The runtime role appends; it changes only where a book stands and what an account has counted,
-- and deletes nothing.
GRANT SELECT, INSERT (book), UPDATE (last_sequence, last_committed_at) ON books TO ledger;
GRANT SELECT,
  INSERT (book, account_id, currency, normal_side, debits_must_not_exceed_credits,
          credits_must_not_exceed_debits, credit_line_minor),
  UPDATE (debits_posted, credits_posted, debits_pending, credits_pending, version)
  ON accounts TO ledger;
GRANT SELECT, INSERT ON transactions, refusals, entries TO ledger;
