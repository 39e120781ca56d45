-- Schedules and bulks that wait for their payer's approval: approved once, their payments need no
-- approval of their own (RTS Art. 5(3)(b), 14).
ALTER TABLE schedules
  -- What the payer is asked to approve beside what the schedule says itself. All or none.
  ADD COLUMN approval_id uuid,
  ADD COLUMN payee_name text,
  ADD COLUMN approval_terms text,
  ADD COLUMN approval_nonce bytea CHECK (octet_length(approval_nonce) = 32),
  ADD COLUMN approval_expire_time timestamptz,
  -- SHA-256 of what was approved (libs/sca/payment_binding.h), once the approval was redeemed.
  ADD COLUMN approved_binding bytea CHECK (octet_length(approved_binding) = 32),
  -- When a worker may look what became of the approval, if the schedule still waits for it.
  ADD COLUMN approval_check_time timestamptz,
  -- Why auth's answer has canceled it.
  ADD COLUMN cancel_reason text NOT NULL DEFAULT ''
    CHECK (cancel_reason = '' OR state = 'canceled'),
  DROP CONSTRAINT schedules_state_check,
  ADD CONSTRAINT schedules_state_check CHECK (
    state IN ('requires_action', 'active', 'paused', 'canceled', 'ended')),
  ADD CONSTRAINT schedules_approval_is_whole CHECK (
    num_nulls(approval_id, payee_name, approval_terms, approval_nonce, approval_expire_time,
      approval_check_time) IN (0, 6)),
  -- A schedule that was to be approved pays only if it was.
  ADD CONSTRAINT schedules_begin_as_approved CHECK (
    CASE state WHEN 'requires_action' THEN approval_id IS NOT NULL AND approved_binding IS NULL
      WHEN 'canceled' THEN approval_id IS NOT NULL OR approved_binding IS NULL
      ELSE (approval_id IS NULL) = (approved_binding IS NULL) END);
CREATE INDEX schedules_awaiting ON schedules (approval_check_time) WHERE state = 'requires_action';
CREATE TRIGGER schedules_wait_only_at_first BEFORE UPDATE ON schedules
  FOR EACH ROW WHEN (
    (OLD.state <> 'requires_action' AND NEW.state = 'requires_action') OR
    (OLD.state = 'requires_action' AND NEW.state NOT IN ('requires_action', 'active', 'canceled'))
    OR (OLD.approved_binding IS NOT NULL AND
      NEW.approved_binding IS DISTINCT FROM OLD.approved_binding))
  EXECUTE FUNCTION refuse_change_of_schedule();
GRANT UPDATE (approved_binding, approval_check_time, cancel_reason) ON schedules TO payments;

ALTER TABLE bulks
  ADD COLUMN approval_id uuid,
  ADD COLUMN payee_name text,
  ADD COLUMN approval_terms text,
  ADD COLUMN approval_nonce bytea CHECK (octet_length(approval_nonce) = 32),
  ADD COLUMN approval_expire_time timestamptz,
  ADD COLUMN approved_binding bytea CHECK (octet_length(approved_binding) = 32),
  ADD COLUMN approval_check_time timestamptz,
  -- SHA-256 of its items, as they were when it was submitted.
  ADD COLUMN content_digest bytea CHECK (octet_length(content_digest) = 32),
  ADD COLUMN cancel_reason text NOT NULL DEFAULT ''
    CHECK (cancel_reason = '' OR state = 'canceled'),
  DROP CONSTRAINT bulks_state_check,
  ADD CONSTRAINT bulks_state_check CHECK (state IN ('draft', 'requires_action', 'canceled',
    'paying', 'holding', 'capturing', 'releasing', 'completed', 'failed')),
  ADD CONSTRAINT bulks_approval_is_whole CHECK (
    num_nulls(approval_id, payee_name, approval_terms, approval_nonce, approval_expire_time,
      approval_check_time, content_digest) IN (0, 7)),
  ADD CONSTRAINT bulks_paid_as_approved CHECK (
    CASE state WHEN 'requires_action' THEN approval_id IS NOT NULL AND approved_binding IS NULL
      WHEN 'draft' THEN approval_id IS NULL AND approved_binding IS NULL
      WHEN 'canceled' THEN approved_binding IS NULL
      ELSE (approval_id IS NULL) = (approved_binding IS NULL) END);
CREATE INDEX bulks_awaiting ON bulks (approval_check_time) WHERE state = 'requires_action';

DROP TRIGGER bulks_follow_their_state_machine ON bulks;
CREATE TRIGGER bulks_follow_their_state_machine BEFORE UPDATE ON bulks
  FOR EACH ROW WHEN (
    (OLD.state <> 'draft' AND
      (NEW.item_count, NEW.total_minor, NEW.approval_id, NEW.payee_name, NEW.approval_terms,
        NEW.approval_nonce, NEW.approval_expire_time, NEW.content_digest) IS DISTINCT FROM
      (OLD.item_count, OLD.total_minor, OLD.approval_id, OLD.payee_name, OLD.approval_terms,
        OLD.approval_nonce, OLD.approval_expire_time, OLD.content_digest)) OR
    (OLD.state <> 'requires_action' AND
      NEW.approved_binding IS DISTINCT FROM OLD.approved_binding) OR
    (NEW.state <> OLD.state AND (OLD.state, NEW.state, OLD.mode) NOT IN (
      ('draft', 'canceled', 'all_or_nothing'), ('draft', 'canceled', 'best_effort'),
      ('draft', 'requires_action', 'all_or_nothing'), ('draft', 'requires_action', 'best_effort'),
      ('requires_action', 'canceled', 'all_or_nothing'),
      ('requires_action', 'canceled', 'best_effort'),
      ('requires_action', 'paying', 'best_effort'),
      ('requires_action', 'holding', 'all_or_nothing'),
      ('draft', 'paying', 'best_effort'), ('paying', 'completed', 'best_effort'),
      ('draft', 'holding', 'all_or_nothing'), ('holding', 'capturing', 'all_or_nothing'),
      ('holding', 'releasing', 'all_or_nothing'), ('capturing', 'completed', 'all_or_nothing'),
      ('releasing', 'failed', 'all_or_nothing'))))
  EXECUTE FUNCTION refuse_change_of_bulk();
GRANT UPDATE (approval_id, payee_name, approval_terms, approval_nonce, approval_expire_time,
  approved_binding, approval_check_time, content_digest, cancel_reason) ON bulks TO payments;

-- What was submitted, and perhaps approved, takes no more items, whatever the program does.
CREATE FUNCTION refuse_item_of_closed_bulk() RETURNS trigger LANGUAGE plpgsql
  SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT FROM bulks WHERE state <> 'draft' AND bulk_id IN (SELECT bulk_id FROM added))
  THEN
    RAISE EXCEPTION 'a bulk that was submitted takes no items';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER only_drafts_take_items AFTER INSERT ON bulk_items
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  EXECUTE FUNCTION refuse_item_of_closed_bulk();
