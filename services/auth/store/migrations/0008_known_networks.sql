-- The networks that users have proved who they are from, so that a new one can be told: the hash of
-- the user's id and the network's prefix.
CREATE TABLE known_networks (
  user_id uuid NOT NULL REFERENCES users,
  network_hash bytea NOT NULL CHECK (octet_length(network_hash) = 32),
  create_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, network_hash)
);

GRANT SELECT, INSERT ON known_networks TO auth;
