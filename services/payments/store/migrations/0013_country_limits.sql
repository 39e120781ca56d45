-- Limits of payments to payees in one country, whoever pays.
ALTER TABLE limits
  DROP CONSTRAINT limits_scope_check,
  ADD CONSTRAINT limits_scope_check CHECK (scope IN ('user', 'account', 'payee', 'country')),
  -- NULL: each country for itself.
  ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT limits_country_of_scope CHECK (country IS NULL OR scope = 'country');
