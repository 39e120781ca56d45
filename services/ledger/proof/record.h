// The journal's record as evidence: one line of canonical JSON for each decision of a book. It is
// what an export holds, what a leaf of the signed log hashes, and all that an outsider needs to
// recompute the book. docs/ledger.md has the format with examples.
//
//   {"sequence":"7","transaction_id":"txn_…","kind":"post","commit_time":"2026-…Z",
//    "effective_time":"2026-…Z","postings":[{"debit":"acc_…","credit":"acc_…","amount":"1250"}],
//    "metadata":{"payment_id":"pay_…"}}
//
// Members come in this order, absent ones are left out, no white space, 64-bit integers as strings,
// times in UTC with microseconds, strings with the escapes of RFC 8785: a record has exactly one
// line. Knows nothing of how books are kept; florin-verify shares this code and no other of the
// ledger's. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/merkle/merkle.h"
#include "libs/status/status.h"

namespace florin::ledger::proof {

struct Posting {
  Uuid debit_account_id;
  Uuid credit_account_id;
  std::int64_t amount_minor = 0;

  friend bool operator==(const Posting&, const Posting&) = default;
};

struct Refused {
  std::string reason;
  std::string message;
  std::string param;

  friend bool operator==(const Refused&, const Refused&) = default;
};

struct Record {
  std::int64_t sequence = 0;  // 1, 2, 3, …: leaf `sequence` - 1 of the log
  Uuid transaction_id;
  std::string kind;
  absl::Time commit_time;
  std::optional<absl::Time> effective_time;  // Of a refusal: only if one was asked for
  std::optional<absl::Time> expire_time;     // Of a hold that ends
  std::string subject;            // The id of what it is about: a hold, a transaction, an account
  std::vector<Posting> postings;  // What moved or is held; of a refusal, what was asked
  std::string request;            // JSON object: what the command said beyond these members
  std::map<std::string, std::string> metadata;
  std::optional<Refused> refused;

  friend bool operator==(const Record&, const Record&) = default;
};

std::string EncodeRecord(const Record& record);

// Reads what EncodeRecord writes, and nothing else. Error: kInvalidField, saying what is wrong.
absl::StatusOr<Record> ParseRecord(std::string_view line);

// The leaf of a record: RFC 9162's hash of "florin.ledger.record.v1", a line feed and the line.
merkle::Digest LeafOf(std::string_view line);

}  // namespace florin::ledger::proof
