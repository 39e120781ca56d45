-- The trace (W3C Trace Context) that the request belonged to that made a payment, or asked for one
-- of its steps. NULL: a worker did.
ALTER TABLE payments ADD COLUMN trace_id text CHECK (trace_id ~ '^[0-9a-f]{32}$');
ALTER TABLE payment_steps ADD COLUMN trace_id text CHECK (trace_id ~ '^[0-9a-f]{32}$');
