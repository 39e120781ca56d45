-- In which book of the ledger an account is, for life: nobody may update it. NULL: the one that
-- --book of the service names, where all accounts were before there were several.
ALTER TABLE accounts
  ADD COLUMN book text CHECK (book ~ '^[a-z0-9_.-]{1,64}$');
