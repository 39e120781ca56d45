// Rows of the tables of pg_audit.h.
#pragma once

#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "libs/audit/event.h"
#include "libs/merkle/tree_head.h"

namespace florin::audit {

// The columns that ReadEvent expects, of audit_events AS e.
#define FLORIN_AUDIT_EVENT_COLUMNS                                                             \
  "e.event_id, (extract(epoch FROM e.event_time) * 1000000)::bigint, e.action, e.actor, "      \
  "e.on_behalf_of, e.subject, e.allowed, e.reason, e.caller, e.client_address, e.request_id, " \
  "e.details"
inline constexpr int kEventColumns = 12;

// Of audit_heads.
#define FLORIN_AUDIT_HEAD_COLUMNS                                                  \
  "size, encode(root, 'hex'), (extract(epoch FROM signed_at) * 1000000)::bigint, " \
  "key_id, encode(signature, 'hex'), encode(frontier, 'hex')"

// Errors: kAuditInconsistent for what nobody of ours has written.
absl::StatusOr<Event> ReadEvent(const pqxx::row& row);
absl::StatusOr<merkle::SignedTreeHead> ReadHead(const std::string& origin, const pqxx::row& row);

// Hashes that stand one after the other, in hexadecimal.
absl::StatusOr<std::vector<merkle::Digest>> ReadDigests(const pqxx::field& field);
std::string HexOf(const std::vector<merkle::Digest>& digests);

absl::Status Inconsistent(std::string what);

}  // namespace florin::audit
