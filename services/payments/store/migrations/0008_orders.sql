-- Payments that are ordered ahead: schedules and what has become of their occurrences.
CREATE TABLE schedules (
  user_id uuid NOT NULL,
  schedule_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  -- SHA-256 of the canonical request.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  state text NOT NULL CHECK (state IN ('active', 'paused', 'canceled', 'ended')),
  source_account_id uuid NOT NULL,
  destination_account_id uuid NOT NULL CHECK (destination_account_id <> source_account_id),
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference text NOT NULL,
  frequency text NOT NULL CHECK (frequency IN ('once', 'daily', 'weekly', 'monthly', 'yearly')),
  -- Every so many of these.
  step integer NOT NULL CHECK (step BETWEEN 1 AND 100),
  -- 0: not monthly.
  day_of_month integer NOT NULL CHECK (
    CASE WHEN frequency = 'monthly' THEN day_of_month BETWEEN 1 AND 31 ELSE day_of_month = 0 END),
  first_day date NOT NULL,
  minute_of_day integer NOT NULL CHECK (minute_of_day BETWEEN 0 AND 1439),
  time_zone text NOT NULL,
  last_day date CHECK (last_day >= first_day),
  occurrences integer CHECK (
    occurrences IS NULL OR (occurrences > 0 AND last_day IS NULL)),
  catch_up text NOT NULL CHECK (catch_up IN ('all', 'latest_only', 'skip')),
  next_number integer NOT NULL CHECK (next_number > 0),
  -- NULL: no occurrence comes any more.
  next_time timestamptz CHECK ((next_time IS NULL) = (state IN ('canceled', 'ended'))),
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, schedule_id),
  UNIQUE (user_id, idempotency_key)
);
CREATE UNIQUE INDEX schedules_by_id ON schedules (schedule_id);
CREATE INDEX schedules_due ON schedules (next_time) WHERE state = 'active';

-- What has ended stays so, and no occurrence comes twice, whatever the program does.
CREATE FUNCTION refuse_change_of_schedule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'schedule % cannot go from % to %', OLD.schedule_id, OLD.state, NEW.state;
END
$$;
CREATE TRIGGER schedules_follow_their_state_machine BEFORE UPDATE ON schedules
  FOR EACH ROW WHEN (OLD.state IN ('canceled', 'ended') OR NEW.next_number < OLD.next_number)
  EXECUTE FUNCTION refuse_change_of_schedule();

GRANT SELECT, INSERT ON schedules TO payments;
GRANT UPDATE (state, next_number, next_time, update_time) ON schedules TO payments;

CREATE TABLE schedule_occurrences (
  schedule_id uuid NOT NULL REFERENCES schedules (schedule_id),
  number integer NOT NULL CHECK (number > 0),
  user_id uuid NOT NULL,
  due_time timestamptz NOT NULL,
  state text NOT NULL CHECK (
    state IN ('pending', 'succeeded', 'failed', 'skipped', 'requires_action')),
  -- One payment for each, and each for one.
  payment_id uuid UNIQUE CHECK (CASE WHEN state IN ('succeeded', 'requires_action')
    THEN payment_id IS NOT NULL WHEN state = 'failed' THEN true ELSE payment_id IS NULL END),
  failure_reason text NOT NULL DEFAULT '' CHECK ((state = 'failed') = (failure_reason <> '')),
  -- When a worker may take it up, if it is still pending.
  next_attempt_time timestamptz NOT NULL,
  PRIMARY KEY (schedule_id, number)
);
CREATE INDEX schedule_occurrences_pending ON schedule_occurrences (next_attempt_time)
  WHERE state = 'pending';

CREATE FUNCTION refuse_change_of_occurrence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'occurrence % of schedule % has ended as %', OLD.number, OLD.schedule_id,
    OLD.state;
END
$$;
CREATE TRIGGER ended_occurrences_do_not_change BEFORE UPDATE ON schedule_occurrences
  FOR EACH ROW WHEN (OLD.state <> 'pending') EXECUTE FUNCTION refuse_change_of_occurrence();

GRANT SELECT, INSERT ON schedule_occurrences TO payments;
GRANT UPDATE (state, payment_id, failure_reason, next_attempt_time) ON schedule_occurrences
  TO payments;

-- Bulks: many payments from one account.
CREATE TABLE bulks (
  user_id uuid NOT NULL,
  bulk_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  -- SHA-256 of the canonical request.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  mode text NOT NULL CHECK (mode IN ('all_or_nothing', 'best_effort')),
  state text NOT NULL CHECK (state IN ('draft', 'canceled', 'paying', 'holding', 'capturing',
    'releasing', 'completed', 'failed')),
  source_account_id uuid NOT NULL,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  item_count integer NOT NULL CHECK (item_count BETWEEN 0 AND 100000),
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  -- When a worker may take it up, if there is something to do.
  next_attempt_time timestamptz NOT NULL,
  -- No item before this number has anything left to do in this state: what was done is not read
  -- again, dead rows included.
  work_from integer NOT NULL DEFAULT 1,
  PRIMARY KEY (user_id, bulk_id),
  UNIQUE (user_id, idempotency_key)
);
CREATE UNIQUE INDEX bulks_by_id ON bulks (bulk_id);
CREATE INDEX bulks_due ON bulks (next_attempt_time)
  WHERE state IN ('paying', 'holding', 'capturing', 'releasing');

-- The state machine, whatever the program does: after the decision of all or nothing there is no
-- way back.
CREATE FUNCTION refuse_change_of_bulk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'bulk % cannot go from % to %', OLD.bulk_id, OLD.state, NEW.state;
END
$$;
CREATE TRIGGER bulks_follow_their_state_machine BEFORE UPDATE ON bulks
  FOR EACH ROW WHEN (
    (OLD.state <> 'draft' AND
      (NEW.item_count, NEW.total_minor) IS DISTINCT FROM (OLD.item_count, OLD.total_minor)) OR
    (NEW.state <> OLD.state AND (OLD.state, NEW.state, OLD.mode) NOT IN (
      ('draft', 'canceled', 'all_or_nothing'), ('draft', 'canceled', 'best_effort'),
      ('draft', 'paying', 'best_effort'), ('paying', 'completed', 'best_effort'),
      ('draft', 'holding', 'all_or_nothing'), ('holding', 'capturing', 'all_or_nothing'),
      ('holding', 'releasing', 'all_or_nothing'), ('capturing', 'completed', 'all_or_nothing'),
      ('releasing', 'failed', 'all_or_nothing'))))
  EXECUTE FUNCTION refuse_change_of_bulk();

GRANT SELECT, INSERT ON bulks TO payments;
GRANT UPDATE (state, item_count, total_minor, update_time, next_attempt_time, work_from) ON bulks
  TO payments;

CREATE TABLE bulk_items (
  bulk_id uuid NOT NULL REFERENCES bulks (bulk_id),
  -- In the order in which they were added, from 1.
  number integer NOT NULL CHECK (number > 0),
  item_id text COLLATE "C" NOT NULL,
  destination_account_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference text NOT NULL,
  -- Of the payment, if all or nothing is paid.
  reserved_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'held', 'succeeded', 'failed')),
  -- Whether the ledger may have a hold for it.
  hold_open boolean NOT NULL DEFAULT false,
  -- The payment's, as it was held.
  pricing text,
  payment_id uuid UNIQUE CHECK (
    CASE state WHEN 'succeeded' THEN payment_id IS NOT NULL WHEN 'failed' THEN true
      ELSE payment_id IS NULL END),
  failure_reason text NOT NULL DEFAULT '' CHECK ((state = 'failed') = (failure_reason <> '')),
  PRIMARY KEY (bulk_id, number),
  UNIQUE (bulk_id, item_id)
);
CREATE INDEX bulk_items_pending ON bulk_items (bulk_id, number) WHERE state = 'pending';
CREATE INDEX bulk_items_to_capture ON bulk_items (bulk_id, number) WHERE state = 'held';
CREATE INDEX bulk_items_failed ON bulk_items (bulk_id, number) WHERE state = 'failed';
CREATE INDEX bulk_items_held ON bulk_items (bulk_id, number) WHERE hold_open;

CREATE FUNCTION refuse_change_of_bulk_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'item % of bulk % has ended as %', OLD.number, OLD.bulk_id, OLD.state;
END
$$;
CREATE TRIGGER ended_bulk_items_do_not_change BEFORE UPDATE ON bulk_items
  FOR EACH ROW WHEN (OLD.state IN ('succeeded', 'failed') AND
    (NEW.state, NEW.payment_id, NEW.failure_reason)
    IS DISTINCT FROM (OLD.state, OLD.payment_id, OLD.failure_reason))
  EXECUTE FUNCTION refuse_change_of_bulk_item();

GRANT SELECT, INSERT ON bulk_items TO payments;
GRANT UPDATE (state, hold_open, pricing, payment_id, failure_reason) ON bulk_items TO payments;

-- Requests for money.
CREATE TABLE payment_requests (
  -- The payee.
  user_id uuid NOT NULL,
  request_id uuid NOT NULL UNIQUE,
  idempotency_key text NOT NULL,
  -- SHA-256 of the canonical request.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  -- One that has expired is open and over.
  state text NOT NULL CHECK (state IN ('open', 'paying', 'paid', 'declined', 'withdrawn')),
  destination_account_id uuid NOT NULL,
  currency text NOT NULL CHECK (char_length(currency) = 3),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference text NOT NULL,
  -- Who alone may pay; NULL: whoever has the link.
  payer_user_id uuid,
  expire_time timestamptz NOT NULL,
  -- Who pays, from where, under which key of theirs.
  paying_user_id uuid,
  paying_source_id uuid,
  paying_key text,
  -- One payment pays it, and pays nothing else.
  payment_id uuid UNIQUE,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  -- When a worker may look what became of its payment, if it is being paid.
  next_attempt_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, request_id),
  UNIQUE (user_id, idempotency_key),
  CHECK (num_nulls(paying_user_id, paying_source_id, paying_key) =
    CASE WHEN state IN ('paying', 'paid') THEN 0 ELSE 3 END),
  CHECK (CASE state WHEN 'paid' THEN payment_id IS NOT NULL WHEN 'paying' THEN true
    ELSE payment_id IS NULL END),
  CHECK (payer_user_id IS NULL OR paying_user_id IS NULL OR payer_user_id = paying_user_id)
);
CREATE INDEX payment_requests_paying ON payment_requests (next_attempt_time)
  WHERE state = 'paying';

-- The state machine, whatever the program does: what is being paid is being paid by one, until that
-- payment has failed.
CREATE FUNCTION refuse_change_of_payment_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'payment request % cannot go from % to %', OLD.request_id, OLD.state, NEW.state;
END
$$;
CREATE TRIGGER payment_requests_follow_their_state_machine BEFORE UPDATE ON payment_requests
  FOR EACH ROW WHEN (
    OLD.state IN ('paid', 'declined', 'withdrawn') OR
    (OLD.state = 'open' AND NEW.state = 'paid') OR
    (OLD.state = 'paying' AND NEW.state IN ('declined', 'withdrawn')) OR
    (OLD.state = 'paying' AND NEW.state <> 'open' AND
      (NEW.paying_user_id, NEW.paying_source_id, NEW.paying_key) IS DISTINCT FROM
      (OLD.paying_user_id, OLD.paying_source_id, OLD.paying_key)))
  EXECUTE FUNCTION refuse_change_of_payment_request();

GRANT SELECT, INSERT ON payment_requests TO payments;
GRANT UPDATE (state, paying_user_id, paying_source_id, paying_key, payment_id, update_time,
  next_attempt_time) ON payment_requests TO payments;
