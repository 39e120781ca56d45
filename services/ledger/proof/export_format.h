// A whole book as text, `florin.ledger.export.v1`: what florin-verify checks and what a book can be
// made of again. UTF-8; each line is a letter, a space and one JSON object, and ends with a line
// feed. Sections in this order:
//
//   B   the book: one line
//   R   a decision, in order of sequence: the very line that the signed log hashes (record.h) …
//   E   … and after it what it did to accounts, in order of account id
//   A   accounts as they stand, in order of id
//   H   holds as they stand, in order of id
//   K   metadata keys that the book indexes, in order
//   T   complete tiles of the Merkle log (libs/merkle/tiles.h), level 0 first, in order of index
//   S   signed tree heads (libs/merkle/tree_head.h), in order of size
//   Z   the end: how many lines of each, and SHA-256 of all octets before this line
//
// An X line stands where a row is that cannot be written as any of these: no ledger wrote that row.
// The spelling of the JSON is canonical_json.h's: a line has exactly one text. Ids of accounts are
// `acc_…`, of transactions and holds `txn_…`. docs/proof.md has an example of each line.
//
// Pure. Error of the readers: kInvalidField, saying what is wrong; they are given the JSON, without
// letter and line feed. The writers give the whole line without its line feed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/merkle/tiles.h"
#include "libs/status/status.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger::proof {

inline constexpr char kExportFormat[] = "florin.ledger.export.v1";

// Where the book stands.
struct BookLine {
  std::string book;
  std::string origin;  // Of its signed tree heads, e.g. "florin.local/main"
  std::int64_t last_sequence = 0;
  absl::Time last_commit_time = absl::UnixEpoch();
  std::optional<absl::Time> closed_until;

  friend bool operator==(const BookLine&, const BookLine&) = default;
};

// Minor units since the account was opened.
struct Counters {
  std::int64_t debits_posted = 0;
  std::int64_t credits_posted = 0;
  std::int64_t debits_pending = 0;
  std::int64_t credits_pending = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

// What a decision did to one account. What is nothing where it might be zero is absent in the
// stored row.
struct EntryLine {
  Uuid account_id;
  std::int64_t sequence = 0;
  std::int64_t version = 0;
  std::int64_t debit_minor = 0;
  std::int64_t credit_minor = 0;
  std::int64_t debits_posted_after = 0;
  std::int64_t credits_posted_after = 0;
  std::optional<std::int64_t> debit_pending_minor;  // Negative where a hold resolves
  std::optional<std::int64_t> credit_pending_minor;
  std::optional<std::int64_t> debits_pending_after;
  std::optional<std::int64_t> credits_pending_after;
  std::optional<absl::Time> effective_time;  // Nothing: the time of commit

  friend bool operator==(const EntryLine&, const EntryLine&) = default;
};

struct AccountLine {
  Uuid account_id;
  std::string currency;
  std::string normal_side;  // "debit" or "credit"
  bool debits_must_not_exceed_credits = false;
  bool credits_must_not_exceed_debits = false;
  std::int64_t credit_line_minor = 0;
  Counters counters;
  std::int64_t version = 0;
  bool closed = false;
  bool frozen_debits = false;
  bool frozen_credits = false;

  friend bool operator==(const AccountLine&, const AccountLine&) = default;
};

struct HoldLine {
  Uuid hold_id;
  std::string state;  // "open", "captured", "voided" or "expired"
  std::optional<absl::Time> expire_time;
  std::vector<Posting> postings;  // What is still held, zeros included

  friend bool operator==(const HoldLine&, const HoldLine&) = default;
};

struct KeyLine {
  std::string key;

  friend bool operator==(const KeyLine&, const KeyLine&) = default;
};

// A tree head without its origin, which is the book's.
struct HeadLine {
  std::int64_t size = 0;
  merkle::Digest root{};
  absl::Time time;
  std::string key_id;
  std::string signature;

  friend bool operator==(const HeadLine&, const HeadLine&) = default;
};

// A row that no ledger wrote.
struct UnreadableLine {
  std::string what;         // "journal", "account", …: the kind of row
  std::int64_t number = 0;  // Its sequence or size; 0 if it has none
  std::string id;           // Its key as the database has it; may be empty
  std::string message;

  friend bool operator==(const UnreadableLine&, const UnreadableLine&) = default;
};

struct LineCounts {
  std::int64_t records = 0;
  std::int64_t entries = 0;
  std::int64_t accounts = 0;
  std::int64_t holds = 0;
  std::int64_t keys = 0;
  std::int64_t tiles = 0;
  std::int64_t tree_heads = 0;
  std::int64_t unreadable = 0;

  friend bool operator==(const LineCounts&, const LineCounts&) = default;
};

struct EndLine {
  LineCounts counts;
  crypto::Digest sha256{};

  friend bool operator==(const EndLine&, const EndLine&) = default;
};

std::string Write(const BookLine& line);
std::string Write(const Record& record);
std::string Write(const EntryLine& line);
std::string Write(const AccountLine& line);
std::string Write(const HoldLine& line);
std::string Write(const KeyLine& line);
std::string Write(const merkle::Tile& tile);
std::string Write(const HeadLine& line);
std::string Write(const UnreadableLine& line);
std::string Write(const EndLine& line);

// Records are read by ParseRecord.
absl::StatusOr<BookLine> ReadBookLine(std::string_view json);
absl::StatusOr<EntryLine> ReadEntryLine(std::string_view json);
absl::StatusOr<AccountLine> ReadAccountLine(std::string_view json);
absl::StatusOr<HoldLine> ReadHoldLine(std::string_view json);
absl::StatusOr<KeyLine> ReadKeyLine(std::string_view json);
absl::StatusOr<merkle::Tile> ReadTileLine(std::string_view json);
absl::StatusOr<HeadLine> ReadHeadLine(std::string_view json);
absl::StatusOr<UnreadableLine> ReadUnreadableLine(std::string_view json);
absl::StatusOr<EndLine> ReadEndLine(std::string_view json);

}  // namespace florin::ledger::proof
