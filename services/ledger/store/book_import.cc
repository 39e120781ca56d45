#include "services/ledger/store/book_import.h"

#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"
#include "libs/pg/array.h"
#include "libs/pg/errors.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/proof/book_check.h"
#include "services/ledger/store/inserts.h"

namespace florin::ledger {
namespace {

constexpr std::size_t kChunk = 65'536;
constexpr int kRows = 1000;  // Written at a time
constexpr int kTiles = 32;

constexpr char kMakeBook[] = "INSERT INTO books (book) VALUES ($1) ON CONFLICT DO NOTHING";
constexpr char kLockBook[] = "SELECT last_sequence FROM books WHERE book = $1 FOR UPDATE";
constexpr char kInsertRecords[] =
    "INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, effective_at, "
    "  expires_at, subject_id, debit_account_ids, credit_account_ids, amounts_minor, metadata, "
    "  request, reason, message, param) "
    "SELECT $1, t.sequence, t.id, t.kind, at_micros(t.committed), at_micros(t.effective), "
    "  at_micros(t.expires), t.subject, t.debits::uuid[], t.credits::uuid[], t.amounts::bigint[], "
    "  jsonb_object(t.metadata::text[]), t.request::jsonb, t.reason, t.message, t.param "
    "FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], "
    "  $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], "
    "  $15::text[], $16::text[]) "
    "  AS t (sequence, id, kind, committed, effective, expires, subject, debits, credits, amounts, "
    "    metadata, request, reason, message, param)";
constexpr char kInsertEntries[] =
    "INSERT INTO entries (book, account_id, sequence, version, debit_minor, credit_minor, "
    "  debits_posted_after, credits_posted_after, debit_pending_minor, credit_pending_minor, "
    "  debits_pending_after, credits_pending_after, effective_at) "
    "SELECT $1, e.account, e.sequence, e.version, e.debit, e.credit, e.debits_after, "
    "  e.credits_after, e.debit_pending, e.credit_pending, e.debits_pending_after, "
    "  e.credits_pending_after, at_micros(e.effective) "
    "FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], "
    "  $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], "
    "  $13::bigint[]) "
    "  AS e (account, sequence, version, debit, credit, debits_after, credits_after, "
    "    debit_pending, credit_pending, debits_pending_after, credits_pending_after, effective)";
constexpr char kInsertTiles[] =
    "INSERT INTO tiles (book, level, tile, root, hashes) "
    "SELECT $1, t.level, t.tile, decode(t.root, 'hex'), decode(t.hashes, 'hex') "
    "FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[]) "
    "  AS t (level, tile, root, hashes)";
constexpr char kInsertHeads[] =
    "INSERT INTO tree_heads (book, size, root, signed_at, key_id, signature) "
    "SELECT $1, h.size, decode(h.root, 'hex'), at_micros(h.signed_at), h.key_id, "
    "  decode(h.signature, 'hex') "
    "FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[]) "
    "  AS h (size, root, signed_at, key_id, signature)";
constexpr char kFinishBook[] =
    "UPDATE books SET last_sequence = $2, last_committed_at = at_micros($3), "
    "  closed_until = at_micros($4), indexed_metadata = ARRAY("
    "    SELECT DISTINCT k.key FROM unnest(indexed_metadata || $5::text[]) AS k (key) ORDER BY 1) "
    "WHERE book = $1";
constexpr char kIndexMetadata[] =
    "INSERT INTO metadata_index (book, key, value, sequence) "
    "SELECT b.book, m.key, m.value, j.sequence "
    "FROM books AS b JOIN journal AS j ON j.book = b.book "
    "CROSS JOIN LATERAL jsonb_each_text(j.metadata) AS m (key, value) "
    "WHERE b.book = $1 AND j.book = $1 AND j.reason IS NULL "
    "  AND m.key = ANY (b.indexed_metadata)";

absl::Status BadFile(std::string_view why) {
  return Error(Reason::kInvalidField, absl::StrCat("not imported: ", std::string(why)));
}

void AddNumber(pg::Array& array, std::optional<std::int64_t> number) {
  number ? array.Add(*number) : array.AddNull();
}

void AddTime(pg::Array& array, std::optional<absl::Time> time) {
  time ? array.Add(absl::ToUnixMicros(*time)) : array.AddNull();
}

void AddText(pg::Array& array, const std::string& text) { array.Add(std::string_view(text)); }

void AddTextUnlessEmpty(pg::Array& array, const std::string& text) {
  text.empty() ? array.AddNull() : AddText(array, text);
}

// The uuid of an id as a record has it.
absl::StatusOr<Uuid> SubjectOf(const proof::Record& record) {
  const bool account = record.subject.starts_with(PrefixOf(IdKind::kAccount));
  return ParseId(account ? IdKind::kAccount : IdKind::kTransaction, record.subject, "subject");
}

// Rows that wait to be written, as columns of `unnest`.
struct ImportedPostings {
  pg::Array debits, credits, amounts;
  void Add(const std::vector<proof::Posting>& postings) {
    pg::Array debit_ids, credit_ids, minor;
    for (const proof::Posting& posting : postings) {
      debit_ids.Add(posting.debit_account_id);
      credit_ids.Add(posting.credit_account_id);
      minor.Add(posting.amount_minor);
    }
    AddText(debits, debit_ids.literal());
    AddText(credits, credit_ids.literal());
    AddText(amounts, minor.literal());
  }
};

struct RecordColumns {
  int rows = 0;
  pg::Array sequences, ids, kinds, committed, effective, expires, subjects, metadata, requests,
      reasons, messages, params;
  ImportedPostings postings;
};

struct EntryColumns {
  int rows = 0;
  pg::Array accounts, sequences, versions, debits, credits, debits_after, credits_after,
      debits_pending, credits_pending, debits_pending_after, credits_pending_after, effective;
};

struct AccountColumns {
  int rows = 0;
  pg::Array ids, currencies, sides, debits_limited, credits_limited, lines, closed, frozen_debits,
      frozen_credits;
};

struct HoldColumns {
  int rows = 0;
  pg::Array ids, states, expires;
  ImportedPostings postings;
};

struct TileColumns {
  int rows = 0;
  pg::Array levels, tiles, roots, hashes;
};

struct HeadColumns {
  int rows = 0;
  pg::Array sizes, roots, times, key_ids, signatures;
};

// Takes an export's lines and writes its rows.
class Importer {
 public:
  explicit Importer(pqxx::work& transaction) : transaction_(transaction) {}

  absl::Status Line(std::string_view line) {
    const std::string_view json = line.substr(2);
    switch (line[0]) {
      case 'B':
        return Begin(json);
      case 'R':
        return AddRecord(json);
      case 'E':
        return AddEntry(json);
      case 'A':
        return AddAccount(json);
      case 'H':
        return AddHold(json);
      case 'K':
        return AddKey(json);
      case 'T':
        return AddTile(json);
      case 'S':
        return AddHead(json);
      default:
        return absl::OkStatus();
    }
  }

  absl::StatusOr<proof::BookLine> Finish() {
    FLORIN_RETURN_IF_ERROR(CloseRecord());
    WriteRecords();
    WriteEntries();
    WriteAccounts();
    WriteHolds();
    WriteTiles();
    WriteHeads();
    const std::string until =
        book_.closed_until ? std::to_string(absl::ToUnixMicros(*book_.closed_until)) : "";
    transaction_.exec_params(kFinishBook, book_.book, book_.last_sequence,
                             absl::ToUnixMicros(book_.last_commit_time),
                             until.empty() ? nullptr : until.c_str(), keys_.literal());
    transaction_.exec_params(kIndexMetadata, book_.book);
    return book_;
  }

 private:
  absl::Status Begin(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(book_, proof::ReadBookLine(json));
    if (!IsBookName(book_.book)) return BadFile("no book can have that name");
    transaction_.exec_params(kMakeBook, book_.book);
    const pqxx::result locked = transaction_.exec_params(kLockBook, book_.book);
    if (locked[0][0].as<std::int64_t>() > 0) {
      return BadFile(absl::StrCat("book ", book_.book, " is not empty"));
    }
    return absl::OkStatus();
  }

  absl::Status AddRecord(std::string_view json) {
    FLORIN_RETURN_IF_ERROR(CloseRecord());
    FLORIN_ASSIGN_OR_RETURN(record_, proof::ParseRecord(json));
    dated_ = record_->refused.has_value();
    return absl::OkStatus();
  }

  // Once its entries have been seen: whether it has a business time of its own, or just that of its
  // commit, shows in them, where it has any; what has none never has.
  absl::Status CloseRecord() {
    if (!record_) return absl::OkStatus();
    const proof::Record& record = *record_;
    RecordColumns& r = records_;
    r.sequences.Add(record.sequence);
    r.ids.Add(record.transaction_id);
    AddText(r.kinds, record.kind);
    AddTime(r.committed, record.commit_time);
    AddTime(r.effective, dated_ ? record.effective_time : std::nullopt);
    AddTime(r.expires, record.expire_time);
    if (record.subject.empty()) {
      r.subjects.AddNull();
    } else {
      FLORIN_ASSIGN_OR_RETURN(const Uuid subject, SubjectOf(record));
      r.subjects.Add(subject);
    }
    r.postings.Add(record.postings);
    pg::Array pairs;
    for (const auto& [key, value] : record.metadata) {
      AddText(pairs, key);
      AddText(pairs, value);
    }
    AddText(r.metadata, pairs.literal());
    AddTextUnlessEmpty(r.requests, record.request);
    AddRefused(record.refused);
    record_.reset();
    if (++r.rows == kRows) WriteRecords();
    return absl::OkStatus();
  }

  void AddRefused(const std::optional<proof::Refused>& refused) {
    if (refused) {
      AddText(records_.reasons, refused->reason);
      AddText(records_.messages, refused->message);
      AddText(records_.params, refused->param);
    } else {
      records_.reasons.AddNull();
      records_.messages.AddNull();
      records_.params.AddNull();
    }
  }

  void WriteRecords() {
    const RecordColumns r = std::exchange(records_, {});
    if (r.rows == 0) return;
    transaction_.exec_params(kInsertRecords, book_.book, r.sequences.literal(), r.ids.literal(),
                             r.kinds.literal(), r.committed.literal(), r.effective.literal(),
                             r.expires.literal(), r.subjects.literal(), r.postings.debits.literal(),
                             r.postings.credits.literal(), r.postings.amounts.literal(),
                             r.metadata.literal(), r.requests.literal(), r.reasons.literal(),
                             r.messages.literal(), r.params.literal());
  }

  absl::Status AddEntry(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(const proof::EntryLine entry, proof::ReadEntryLine(json));
    dated_ = dated_ || entry.effective_time.has_value();
    EntryColumns& e = entries_;
    e.accounts.Add(entry.account_id);
    e.sequences.Add(entry.sequence);
    e.versions.Add(entry.version);
    e.debits.Add(entry.debit_minor);
    e.credits.Add(entry.credit_minor);
    e.debits_after.Add(entry.debits_posted_after);
    e.credits_after.Add(entry.credits_posted_after);
    AddNumber(e.debits_pending, entry.debit_pending_minor);
    AddNumber(e.credits_pending, entry.credit_pending_minor);
    AddNumber(e.debits_pending_after, entry.debits_pending_after);
    AddNumber(e.credits_pending_after, entry.credits_pending_after);
    AddTime(e.effective, entry.effective_time);
    if (++e.rows == kRows) WriteEntries();
    return absl::OkStatus();
  }

  void WriteEntries() {
    const EntryColumns e = std::exchange(entries_, {});
    if (e.rows == 0) return;
    transaction_.exec_params(
        kInsertEntries, book_.book, e.accounts.literal(), e.sequences.literal(),
        e.versions.literal(), e.debits.literal(), e.credits.literal(), e.debits_after.literal(),
        e.credits_after.literal(), e.debits_pending.literal(), e.credits_pending.literal(),
        e.debits_pending_after.literal(), e.credits_pending_after.literal(), e.effective.literal());
  }

  absl::Status AddAccount(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(const proof::AccountLine account, proof::ReadAccountLine(json));
    AccountColumns& a = accounts_;
    a.ids.Add(account.account_id);
    AddText(a.currencies, account.currency);
    AddText(a.sides, account.normal_side);
    a.debits_limited.Add(account.debits_must_not_exceed_credits);
    a.credits_limited.Add(account.credits_must_not_exceed_debits);
    a.lines.Add(account.credit_line_minor);
    a.closed.Add(account.closed);
    a.frozen_debits.Add(account.frozen_debits);
    a.frozen_credits.Add(account.frozen_credits);
    if (++a.rows == kRows) WriteAccounts();
    return absl::OkStatus();
  }

  void WriteAccounts() {
    const AccountColumns a = std::exchange(accounts_, {});
    if (a.rows == 0) return;
    transaction_.exec_params(kInsertAccounts, book_.book, a.ids.literal(), a.currencies.literal(),
                             a.sides.literal(), a.debits_limited.literal(),
                             a.credits_limited.literal(), a.lines.literal(), a.closed.literal(),
                             a.frozen_debits.literal(), a.frozen_credits.literal());
  }

  absl::Status AddHold(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(const proof::HoldLine hold, proof::ReadHoldLine(json));
    holds_.ids.Add(hold.hold_id);
    AddText(holds_.states, hold.state);
    AddTime(holds_.expires, hold.expire_time);
    holds_.postings.Add(hold.postings);
    if (++holds_.rows == kRows) WriteHolds();
    return absl::OkStatus();
  }

  void WriteHolds() {
    const HoldColumns h = std::exchange(holds_, {});
    if (h.rows == 0) return;
    transaction_.exec_params(kInsertHolds, book_.book, h.ids.literal(), h.states.literal(),
                             h.expires.literal(), h.postings.debits.literal(),
                             h.postings.credits.literal(), h.postings.amounts.literal());
  }

  absl::Status AddKey(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(const proof::KeyLine key, proof::ReadKeyLine(json));
    AddText(keys_, key.key);
    return absl::OkStatus();
  }

  absl::Status AddTile(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(const merkle::Tile tile, proof::ReadTileLine(json));
    std::string hashes;
    for (const merkle::Digest& hash : tile.hashes) hashes += crypto::AsOctets(hash);
    tiles_.levels.Add(std::int64_t{tile.level});
    tiles_.tiles.Add(static_cast<std::int64_t>(tile.index));
    AddText(tiles_.roots, crypto::Hex(crypto::AsOctets(tile.root)));
    AddText(tiles_.hashes, crypto::Hex(hashes));
    if (++tiles_.rows == kTiles) WriteTiles();
    return absl::OkStatus();
  }

  void WriteTiles() {
    const TileColumns t = std::exchange(tiles_, {});
    if (t.rows == 0) return;
    transaction_.exec_params(kInsertTiles, book_.book, t.levels.literal(), t.tiles.literal(),
                             t.roots.literal(), t.hashes.literal());
  }

  absl::Status AddHead(std::string_view json) {
    FLORIN_ASSIGN_OR_RETURN(const proof::HeadLine head, proof::ReadHeadLine(json));
    heads_.sizes.Add(head.size);
    AddText(heads_.roots, crypto::Hex(crypto::AsOctets(head.root)));
    AddTime(heads_.times, head.time);
    AddText(heads_.key_ids, head.key_id);
    AddText(heads_.signatures, crypto::Hex(head.signature));
    if (++heads_.rows == kRows) WriteHeads();
    return absl::OkStatus();
  }

  void WriteHeads() {
    const HeadColumns h = std::exchange(heads_, {});
    if (h.rows == 0) return;
    transaction_.exec_params(kInsertHeads, book_.book, h.sizes.literal(), h.roots.literal(),
                             h.times.literal(), h.key_ids.literal(), h.signatures.literal());
  }

  pqxx::work& transaction_;
  proof::BookLine book_;
  std::optional<proof::Record> record_;  // Whose entries are still to come
  bool dated_ = false;                   // Whether it has a business time of its own
  RecordColumns records_;
  EntryColumns entries_;
  AccountColumns accounts_;
  HoldColumns holds_;
  TileColumns tiles_;
  HeadColumns heads_;
  pg::Array keys_;
};

// Every line goes through the check first: the importer sees only lines that are well-formed.
class Reading {
 public:
  explicit Reading(pqxx::work& transaction) : importer_(transaction) {}

  absl::Status Add(std::string_view octets) {
    check_.Add(octets);
    FLORIN_RETURN_IF_ERROR(CheckSoFar());
    rest_ += octets;
    std::size_t begin = 0;
    for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      FLORIN_RETURN_IF_ERROR(importer_.Line(std::string_view(rest_).substr(begin, end - begin)));
    }
    rest_.erase(0, begin);
    return absl::OkStatus();
  }

  absl::StatusOr<proof::BookLine> Finish() {
    check_.Finish();
    FLORIN_RETURN_IF_ERROR(CheckSoFar());
    return importer_.Finish();
  }

 private:
  absl::Status CheckSoFar() const {
    if (check_.problems().count == 0) return absl::OkStatus();
    return BadFile(check_.problems().first.front().ToString());
  }

  proof::BookCheck check_{proof::BookCheck::Options()};
  Importer importer_;
  std::string rest_;  // An unfinished line
};

absl::StatusOr<proof::BookLine> Import(pqxx::connection& connection, std::ifstream& file) {
  pqxx::work transaction(connection);
  Reading reading(transaction);
  std::string chunk(kChunk, '\0');
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto count = static_cast<std::size_t>(file.gcount());
    FLORIN_RETURN_IF_ERROR(reading.Add(std::string_view(chunk).substr(0, count)));
  }
  if (file.bad()) return BadFile("the file cannot be read to its end");
  FLORIN_ASSIGN_OR_RETURN(proof::BookLine book, reading.Finish());
  transaction.commit();
  return book;
}

}  // namespace

absl::StatusOr<proof::BookLine> ImportBookFromFile(const std::string& conninfo,
                                                   const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return BadFile("cannot read " + path);
  absl::StatusOr<proof::BookLine> book = BadFile("nothing was read");
  const pg::internal::Attempt attempt = pg::internal::Catch([&] {
    pqxx::connection connection(conninfo);
    book = Import(connection, file);
    return book.status();
  });
  FLORIN_RETURN_IF_ERROR(attempt.status);
  return book;
}

}  // namespace florin::ledger
