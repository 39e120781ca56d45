-- How accounts stand after they were opened (docs/accounts.md): frozen, dormant, being closed. An
-- account without a row is open, and nothing has happened to it.
CREATE TABLE account_states (
  account_id uuid PRIMARY KEY REFERENCES accounts,
  life text NOT NULL DEFAULT 'open' CHECK (life IN ('open', 'dormant', 'closing', 'closed')),
  -- An operator's freeze, and their reason: a code, never a sentence.
  operator_debits boolean NOT NULL DEFAULT false,
  operator_credits boolean NOT NULL DEFAULT false,
  freeze_reason text NOT NULL DEFAULT '' CHECK (freeze_reason ~ '^[a-z_]{0,40}$'),
  -- Its customer is.
  suspended boolean NOT NULL DEFAULT false,
  wake_time timestamptz,
  sweep_to uuid REFERENCES accounts,
  closing_attempt integer NOT NULL DEFAULT 0 CHECK (closing_attempt >= 0),
  next_attempt_time timestamptz,
  CHECK ((operator_debits OR operator_credits) = (freeze_reason <> '')),
  CHECK ((life = 'closing') = (next_attempt_time IS NOT NULL)),
  CHECK (life IN ('closing', 'closed') OR sweep_to IS NULL)
);
CREATE INDEX account_states_closing ON account_states (next_attempt_time) WHERE life = 'closing';

-- What the ledger is to freeze, revision by revision. Written by a trigger in the transaction of
-- what it follows from, whoever does that; the ledger is told afterwards, under ids that follow
-- from account and revision.
CREATE TABLE account_freezes (
  account_id uuid NOT NULL REFERENCES account_states,
  revision bigint NOT NULL CHECK (revision > 0),
  debits boolean NOT NULL,
  credits boolean NOT NULL,
  told boolean NOT NULL DEFAULT false,
  PRIMARY KEY (account_id, revision)
);
CREATE INDEX account_freezes_untold ON account_freezes (account_id, revision) WHERE NOT told;

CREATE FUNCTION note_freeze() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  debits boolean := NEW.operator_debits OR NEW.suspended OR NEW.life = 'dormant';
  credits boolean := NEW.operator_credits;
  latest record;
BEGIN
  SELECT f.revision, f.debits, f.credits INTO latest FROM account_freezes AS f
    WHERE f.account_id = NEW.account_id ORDER BY f.revision DESC LIMIT 1;
  IF (debits, credits)
     IS DISTINCT FROM (coalesce(latest.debits, false), coalesce(latest.credits, false)) THEN
    INSERT INTO account_freezes (account_id, revision, debits, credits)
      VALUES (NEW.account_id, coalesce(latest.revision, 0) + 1, debits, credits);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_freeze AFTER INSERT OR UPDATE ON account_states
  FOR EACH ROW EXECUTE FUNCTION note_freeze();

-- The table of domain/account_machine.cc, once more.
CREATE FUNCTION check_account_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.life <> OLD.life AND (OLD.life, NEW.life) NOT IN (('open', 'dormant'),
      ('dormant', 'open'), ('open', 'closing'), ('closing', 'open'), ('closing', 'closed')) THEN
    RAISE EXCEPTION 'an account that is % does not become %', OLD.life, NEW.life;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER account_states_follow_their_state_machine BEFORE UPDATE ON account_states
  FOR EACH ROW EXECUTE FUNCTION check_account_life();

CREATE FUNCTION check_account_stays_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a closed account stays closed';
END $$;
CREATE TRIGGER closed_accounts_stay_closed BEFORE UPDATE ON accounts
  FOR EACH ROW WHEN (OLD.state = 'closed' AND NEW.state <> 'closed')
  EXECUTE FUNCTION check_account_stays_closed();

CREATE FUNCTION check_freeze_stays_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what the ledger was told it was told';
END $$;
CREATE TRIGGER told_freezes_stay_told BEFORE UPDATE ON account_freezes
  FOR EACH ROW WHEN (OLD.told AND NOT NEW.told) EXECUTE FUNCTION check_freeze_stays_told();

GRANT SELECT, INSERT ON account_states TO accounts;
GRANT UPDATE (life, operator_debits, operator_credits, freeze_reason, suspended, wake_time,
  sweep_to, closing_attempt, next_attempt_time) ON account_states TO accounts;
GRANT SELECT, INSERT (account_id, revision, debits, credits), UPDATE (told)
  ON account_freezes TO accounts;

-- Those of customers who are suspended already: the service tells the ledger after its start.
INSERT INTO account_states (account_id, suspended)
  SELECT a.account_id, true FROM accounts AS a JOIN customers AS c USING (user_id, customer_id)
  WHERE c.state = 'suspended' AND a.state <> 'closed';
