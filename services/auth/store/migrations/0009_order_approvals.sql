-- Approvals of orders that make many payments: of schedules and of bulks, whose ids are in
-- payment_id then. What else their payers are shown, and approve, is in terms.
ALTER TABLE payment_approvals
  ADD COLUMN kind text NOT NULL DEFAULT 'payment'
    CHECK (kind IN ('payment', 'schedule', 'bulk')),
  ADD COLUMN terms text NOT NULL DEFAULT '',
  ADD CONSTRAINT payment_approvals_orders_have_terms CHECK ((kind = 'payment') = (terms = '')),
  -- A bulk has many payees.
  ADD CONSTRAINT payment_approvals_have_one_payee CHECK (
    (kind = 'bulk') = (payee_account_id = '00000000-0000-0000-0000-000000000000'));
