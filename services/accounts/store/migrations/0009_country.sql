-- Where a customer lives, or is at home, in clear beside what is sealed: payments' limits of
-- countries look at it. NULL: not known; of customers from before until their profile next changes.
-- Erased with the customer.
ALTER TABLE customers
  ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT customers_country_erased CHECK (state <> 'erased' OR country IS NULL);

GRANT UPDATE (country) ON customers TO accounts;
