-- The audit trail (docs/audit.md): what happened, the log that it becomes part of, and the signed
-- heads of that log. Whoever runs may add to it and read it, nothing else.
CREATE TABLE audit_events (
  event_id uuid PRIMARY KEY,
  -- The transaction that inserted it; never given by who inserts. Events of finished transactions
  -- are chained in this order, so that nothing can appear before what is chained.
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  event_time timestamptz NOT NULL,
  action text COLLATE "C" NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+\.[a-z_]+$'),
  actor text COLLATE "C" NOT NULL,
  on_behalf_of text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  allowed boolean NOT NULL,
  reason text COLLATE "C" NOT NULL,
  caller text COLLATE "C" NOT NULL,
  client_address text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  -- An object of strings in its canonical spelling.
  details text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX audit_events_order ON audit_events (xid, event_id);
CREATE INDEX audit_events_subject ON audit_events (subject, event_time);
CREATE INDEX audit_events_actor ON audit_events (actor, event_time);
CREATE INDEX audit_events_action ON audit_events (action, event_time);
CREATE INDEX audit_events_time ON audit_events (event_time);

-- Leaf number - 1 of the Merkle log is the event's canonical line.
CREATE TABLE audit_links (
  number bigint PRIMARY KEY CHECK (number > 0),
  event_id uuid NOT NULL UNIQUE REFERENCES audit_events,
  leaf bytea NOT NULL CHECK (octet_length(leaf) = 32)
);

CREATE TABLE audit_heads (
  size bigint PRIMARY KEY REFERENCES audit_links (number),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  -- The roots of the complete subtrees that the tree falls into: what the next head goes on from.
  frontier bytea NOT NULL,
  signed_at timestamptz NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  signature bytea NOT NULL CHECK (octet_length(signature) = 64)
);

GRANT SELECT ON audit_events, audit_links, audit_heads TO payments;
GRANT INSERT (event_id, event_time, action, actor, on_behalf_of, subject, allowed, reason, caller,
  client_address, request_id, details) ON audit_events TO payments;
GRANT INSERT ON audit_links, audit_heads TO payments;
