-- Fees, conversions with quotes, and payments to several payees.
ALTER TABLE payments
  -- What was decided with the intent beyond moving the amount, and the postings that follow
  -- (services/payments/domain/pricing.h). NULL for most payments, whose rows stay as small as they
  -- were.
  ADD COLUMN pricing text CHECK (pricing <> '');

-- Conversions that are held for a user, each used by one payment at most.
CREATE TABLE quotes (
  user_id uuid NOT NULL,
  quote_id uuid NOT NULL,
  source_currency text NOT NULL CHECK (char_length(source_currency) = 3),
  source_minor bigint NOT NULL CHECK (source_minor > 0),
  destination_currency text NOT NULL CHECK (char_length(destination_currency) = 3),
  destination_minor bigint NOT NULL CHECK (destination_minor > 0),
  -- Of the destination's currency.
  spread_minor bigint NOT NULL CHECK (spread_minor >= 0),
  rounding_minor bigint NOT NULL CHECK (rounding_minor >= 0),
  -- Times 10^12.
  rate bigint NOT NULL CHECK (rate > 0),
  mid_rate bigint NOT NULL CHECK (mid_rate >= rate),
  spread_basis_points integer NOT NULL CHECK (spread_basis_points BETWEEN 0 AND 9999),
  rate_time timestamptz NOT NULL,
  create_time timestamptz NOT NULL,
  expire_time timestamptz NOT NULL,
  -- The payment that used it.
  payment_id uuid,
  PRIMARY KEY (user_id, quote_id),
  CHECK (source_currency <> destination_currency)
);

CREATE FUNCTION refuse_second_use_of_quote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'quote % was used by payment %', OLD.quote_id, OLD.payment_id;
END
$$;
CREATE TRIGGER quotes_are_used_once BEFORE UPDATE ON quotes
  FOR EACH ROW WHEN (OLD.payment_id IS NOT NULL) EXECUTE FUNCTION refuse_second_use_of_quote();

-- Those that nobody used are forgotten some time after they have expired.
CREATE INDEX quotes_unused ON quotes (expire_time) WHERE payment_id IS NULL;
CREATE TRIGGER used_quotes_stay BEFORE DELETE ON quotes
  FOR EACH ROW WHEN (OLD.payment_id IS NOT NULL) EXECUTE FUNCTION refuse_second_use_of_quote();

GRANT SELECT, INSERT, DELETE ON quotes TO payments;
GRANT UPDATE (payment_id) ON quotes TO payments;
