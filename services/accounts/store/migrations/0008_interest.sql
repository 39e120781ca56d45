-- Interest and charges (docs/interest.md): plans, who has them when, what each day accrues and what
-- is booked of it. Plans, assignments and days are history: nobody may change or delete them.

-- A version of a plan. The last version that is effective on a day is in force.
CREATE TABLE interest_plans (
  plan_id text NOT NULL CHECK (plan_id ~ '^[a-z0-9_-]{1,40}$'),
  version integer NOT NULL CHECK (version > 0),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  -- NULL: accounts of any kind.
  account_kind text CHECK (account_kind IN ('wallet', 'merchant', 'savings')),
  time_zone text NOT NULL CHECK (time_zone <> ''),
  effective_date date NOT NULL,
  day_count text NOT NULL CHECK (day_count IN ('ACT/365F', 'ACT/360', '30E/360')),
  -- Millionths of a year's balance.
  credit_rate bigint NOT NULL CHECK (credit_rate BETWEEN 0 AND 1000000),
  debit_rate bigint NOT NULL CHECK (debit_rate BETWEEN 0 AND 1000000),
  monthly_fee_minor bigint NOT NULL CHECK (monthly_fee_minor >= 0),
  create_time timestamptz NOT NULL,
  PRIMARY KEY (plan_id, version)
);

-- From this day on, until the next one.
CREATE TABLE interest_assignments (
  account_id uuid NOT NULL REFERENCES accounts,
  from_date date NOT NULL,
  -- NULL: no plan.
  plan_id text,
  create_time timestamptz NOT NULL,
  PRIMARY KEY (account_id, from_date)
);

-- How far an account has come. The day that is next is accrued when it is over and closed.
CREATE TABLE interest_progress (
  account_id uuid PRIMARY KEY REFERENCES accounts,
  next_day date NOT NULL,
  -- What is accrued and not booked, in parts of a minor unit (domain/interest.h).
  carried_parts numeric(38) NOT NULL DEFAULT 0,
  -- One more for each assignment, and where a period ends before its time: what was decided before
  -- is void then.
  revision integer NOT NULL CHECK (revision > 0),
  -- When somebody looks at it; infinity: never.
  due_time timestamptz NOT NULL
);
CREATE INDEX interest_progress_due ON interest_progress (due_time);

-- One for each account and day under a plan.
CREATE TABLE interest_days (
  account_id uuid NOT NULL REFERENCES accounts,
  day date NOT NULL,
  plan_id text NOT NULL,
  plan_version integer NOT NULL,
  -- At the end of the day.
  balance_minor bigint NOT NULL,
  parts numeric(38) NOT NULL,
  -- Taken out of what is carried, where a period ends; carried: afterwards.
  booked_minor bigint NOT NULL DEFAULT 0,
  carried_parts numeric(38) NOT NULL,
  PRIMARY KEY (account_id, day),
  FOREIGN KEY (plan_id, plan_version) REFERENCES interest_plans
);

-- What the ledger is to book, written with the day that it follows from; then what became of it.
CREATE TABLE interest_bookings (
  account_id uuid NOT NULL REFERENCES accounts,
  last_day date NOT NULL,
  kind text NOT NULL CHECK (kind IN ('interest', 'fee')),
  plan_id text NOT NULL,
  currency text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'posted', 'unpaid')),
  attempt integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
  reason text NOT NULL DEFAULT '',
  next_attempt_time timestamptz NOT NULL,
  PRIMARY KEY (account_id, last_day, kind)
);
CREATE INDEX interest_bookings_due ON interest_bookings (next_attempt_time) WHERE state = 'due';

CREATE FUNCTION check_booking_stays_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was booked, or given up, stays so';
END $$;
CREATE TRIGGER decided_bookings_stay_decided BEFORE UPDATE ON interest_bookings
  FOR EACH ROW WHEN (OLD.state <> 'due') EXECUTE FUNCTION check_booking_stays_decided();

GRANT SELECT, INSERT ON interest_plans, interest_assignments, interest_progress, interest_days,
  interest_bookings TO accounts;
GRANT UPDATE (next_day, carried_parts, revision, due_time) ON interest_progress TO accounts;
GRANT UPDATE (state, attempt, reason, next_attempt_time) ON interest_bookings TO accounts;
