-- Refunds and disputes of what was converted, or split among several payees.
ALTER TABLE payments
  -- Of a conversion, in minor units of the payee's currency: what refunds and disputes took from
  -- the payee, and what the house gave up of its spread and of what roundings left to it, in
  -- flight or not. NULL, as of most payments: nothing.
  ADD COLUMN returned_minor bigint CHECK (returned_minor >= 0),
  ADD COLUMN returned_spread_minor bigint CHECK (returned_spread_minor >= 0),
  ADD COLUMN returned_rounding_minor bigint CHECK (returned_rounding_minor >= 0);
GRANT UPDATE (returned_minor, returned_spread_minor, returned_rounding_minor) ON payments
  TO payments;

ALTER TABLE payment_steps
  -- Of several payees the one whom a refund or dispute is about.
  ADD COLUMN payee_account_id uuid
    CHECK (payee_account_id IS NULL OR
      kind IN ('refund', 'dispute', 'accept', 'withdraw', 'resolve')),
  -- The part of the payment's that is this step's.
  ADD COLUMN returned_minor bigint CHECK (returned_minor >= 0),
  ADD COLUMN returned_spread_minor bigint CHECK (returned_spread_minor >= 0),
  ADD COLUMN returned_rounding_minor bigint CHECK (returned_rounding_minor >= 0);

-- As the step that opened it has them.
ALTER TABLE disputes
  ADD COLUMN payee_account_id uuid,
  ADD COLUMN returned_minor bigint CHECK (returned_minor >= 0),
  ADD COLUMN returned_spread_minor bigint CHECK (returned_spread_minor >= 0),
  ADD COLUMN returned_rounding_minor bigint CHECK (returned_rounding_minor >= 0);
