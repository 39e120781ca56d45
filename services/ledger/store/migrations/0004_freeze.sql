-- Accounts that refuse new debits, new credits, or both, by a decision of the book.
ALTER TABLE accounts
  ADD COLUMN frozen_debits boolean NOT NULL DEFAULT false,
  ADD COLUMN frozen_credits boolean NOT NULL DEFAULT false;
GRANT UPDATE (frozen_debits, frozen_credits) ON accounts TO ledger;

-- A partition that move_book() made has the old check as one of its own, too.
ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
DO $$
DECLARE
  own regclass;
BEGIN
  FOR own IN
    SELECT conrelid::regclass FROM pg_constraint
      JOIN pg_partition_tree('journal') ON relid = conrelid
    WHERE conname = 'journal_kind_check'
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT journal_kind_check', own);
  END LOOP;
END $$;
-- Not valid: what the old check let in is among these, and a journal is long to read.
ALTER TABLE journal ADD CONSTRAINT journal_kind_check CHECK (kind IN ('post', 'hold', 'capture',
  'void', 'expire', 'reversal', 'open_account', 'close_account', 'reopen_account',
  'set_credit_line', 'close_period', 'freeze_account')) NOT VALID;
