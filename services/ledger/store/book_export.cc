#include "services/ledger/store/book_export.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"
#include "libs/pg/errors.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/domain/opening_rules.h"
#include "services/ledger/proof/export_format.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/store/journal_record.h"
#include "services/ledger/store/request_json.h"
#include "services/ledger/store/rows.h"

namespace florin::ledger {
namespace {

namespace json = boost::json;

constexpr std::size_t kChunk = 65'536;
constexpr int kRows = 1000;  // Of a cursor at a time
constexpr int kTiles = 32;   // 16 KiB each
using ReadOnly = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

// Each is completed by the book's name, quoted, and the order.
constexpr char kBook[] =
    "SELECT last_sequence, micros(last_committed_at), micros(closed_until), indexed_metadata "
    "FROM books WHERE book = ";
// The last column: whether metadata is nothing but a map of texts.
constexpr char kJournal[] =
    "SELECT " LEDGER_JOURNAL_COLUMNS ", coalesce(stored = jsonb_object(" LEDGER_METADATA
    "), false) FROM (SELECT sequence, transaction_id, kind, committed_at, effective_at, "
    "expires_at, subject_id, debit_account_ids, credit_account_ids, amounts_minor, "
    "CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata END AS metadata, "
    "metadata AS stored, request, reason, message, param FROM journal WHERE book = ";
// The condition is the index's, which saves sorting.
constexpr char kJournalOrder[] = " AND sequence IS NOT NULL) AS j ORDER BY sequence";
constexpr char kEntries[] =
    "SELECT account_id, sequence, version, debit_minor, credit_minor, debits_posted_after, "
    "credits_posted_after, debit_pending_minor, credit_pending_minor, debits_pending_after, "
    "credits_pending_after, micros(effective_at) FROM entries WHERE book = ";
constexpr char kEntriesOrder[] = " ORDER BY sequence, account_id";
constexpr char kAccounts[] =
    "SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNTS_OF("a.book") "WHERE a.book = ";
constexpr char kAccountsOrder[] = " ORDER BY a.account_id";
constexpr char kHolds[] = "SELECT " LEDGER_HOLD_COLUMNS " FROM holds WHERE book = ";
constexpr char kHoldsOrder[] = " ORDER BY hold_id";
constexpr char kTilesOf[] =
    "SELECT level, tile, encode(root, 'hex'), encode(hashes, 'hex') FROM tiles WHERE book = ";
constexpr char kTilesOrder[] = " ORDER BY level, tile";
constexpr char kHeads[] =
    "SELECT size, encode(root, 'hex'), micros(signed_at), key_id, encode(signature, 'hex') "
    "FROM tree_heads WHERE book = ";
constexpr char kHeadsOrder[] = " ORDER BY size";

// Reads a query's rows some at a time.
class Cursor {
 public:
  Cursor(pqxx::transaction_base& transaction, const std::string& name, const std::string& query,
         int rows)
      : transaction_(transaction), fetch_(absl::StrCat("FETCH ", rows, " FROM ", name)) {
    transaction_.exec(absl::StrCat("DECLARE ", name, " NO SCROLL CURSOR FOR ", query));
  }

  // Nothing after the last row.
  std::optional<pqxx::row> Peek() {
    if (next_ == rows_.size() && !ended_) {
      rows_ = transaction_.exec(fetch_);
      next_ = 0;
      ended_ = rows_.empty();
    }
    if (next_ == rows_.size()) return std::nullopt;
    return rows_[next_];
  }
  void Pop() { ++next_; }

 private:
  pqxx::transaction_base& transaction_;
  const std::string fetch_;
  pqxx::result rows_;
  pqxx::result::size_type next_ = 0;
  bool ended_ = false;
};

std::int64_t NumberAt(const pqxx::row& row, int column) { return row[column].as<std::int64_t>(); }
std::string TextAt(const pqxx::row& row, int column) { return row[column].as<std::string>(); }
std::string OctetsAt(const pqxx::row& row, int column) {
  return absl::HexStringToBytes(row[column].c_str());
}

std::optional<std::int64_t> NumberIfAny(const pqxx::row& row, int column) {
  if (row[column].is_null()) return std::nullopt;
  return NumberAt(row, column);
}

std::optional<absl::Time> TimeIfAny(const pqxx::row& row, int column) {
  if (row[column].is_null()) return std::nullopt;
  return ReadTime(row[column]);
}

absl::Status NoLedgerWrote(std::string_view what) {
  return Error(Reason::kInternal, absl::StrCat("no ledger writes ", std::string(what)));
}

absl::StatusOr<Uuid> IdAt(const pqxx::row& row, int column) {
  return Uuid::Parse(row[column].c_str());
}

absl::StatusOr<merkle::Digest> DigestOf(const std::string& octets) {
  merkle::Digest digest;
  if (octets.size() != digest.size()) return NoLedgerWrote("a hash of that length");
  std::copy(octets.begin(), octets.end(), digest.begin());
  return digest;
}

// Whether the columns that `decision` does not show are as a ledger writes them: else a row could
// be altered without its record being another.
absl::Status CheckUnshownColumns(const pqxx::row& row, const Decision& decision) {
  const Action& action = decision.command.action;
  const auto* reverse = std::get_if<Reverse>(&action);
  const bool has_subject =
      AccountOf(action) != nullptr || HoldOf(action) != nullptr || reverse != nullptr;
  if (row[6].is_null() == has_subject) return NoLedgerWrote("that subject");
  const std::optional<std::string> request = WriteRequest(decision.command);
  if (row[11].is_null() == request.has_value()) return NoLedgerWrote("that request");
  if (request && json::parse(row[11].c_str()) != json::parse(*request)) {
    return NoLedgerWrote("that request");
  }
  if (!row[15].as<bool>()) return NoLedgerWrote("metadata that is not a map of texts");
  if (decision.refusal() != nullptr) {
    const bool has_postings = PostingsOf(action) != nullptr;
    if (!row[5].is_null()) return NoLedgerWrote("a refusal that expires");
    if (!has_postings && TextAt(row, 9) != "{}") return NoLedgerWrote("that refusal with postings");
    if (reverse != nullptr && reverse->at_original_time && !row[4].is_null()) {
      return NoLedgerWrote("two effective times");
    }
    return absl::OkStatus();
  }
  if (!row[13].is_null() || !row[14].is_null()) return NoLedgerWrote("a commit with a message");
  if (!MovesMoney(action) && !row[4].is_null()) return NoLedgerWrote("that effective time");
  return absl::OkStatus();
}

absl::StatusOr<std::string> RecordLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Decision decision, ReadDecision(row));
  FLORIN_RETURN_IF_ERROR(CheckUnshownColumns(row, decision));
  return proof::Write(RecordOf(decision));
}

absl::StatusOr<std::string> EntryLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id, IdAt(row, 0));
  return proof::Write(proof::EntryLine{.account_id = id,
                                       .sequence = NumberAt(row, 1),
                                       .version = NumberAt(row, 2),
                                       .debit_minor = NumberAt(row, 3),
                                       .credit_minor = NumberAt(row, 4),
                                       .debits_posted_after = NumberAt(row, 5),
                                       .credits_posted_after = NumberAt(row, 6),
                                       .debit_pending_minor = NumberIfAny(row, 7),
                                       .credit_pending_minor = NumberIfAny(row, 8),
                                       .debits_pending_after = NumberIfAny(row, 9),
                                       .credits_pending_after = NumberIfAny(row, 10),
                                       .effective_time = TimeIfAny(row, 11)});
}

absl::StatusOr<std::string> AccountLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id, IdAt(row, 0));
  return proof::Write(proof::AccountLine{.account_id = id,
                                         .currency = TextAt(row, 1),
                                         .normal_side = TextAt(row, 2),
                                         .debits_must_not_exceed_credits = row[3].as<bool>(),
                                         .credits_must_not_exceed_debits = row[4].as<bool>(),
                                         .credit_line_minor = NumberAt(row, 5),
                                         .counters = {.debits_posted = NumberAt(row, 6),
                                                      .credits_posted = NumberAt(row, 7),
                                                      .debits_pending = NumberAt(row, 8),
                                                      .credits_pending = NumberAt(row, 9)},
                                         .version = NumberAt(row, 10),
                                         .closed = row[11].as<bool>(),
                                         .frozen_debits = row[12].as<bool>(),
                                         .frozen_credits = row[13].as<bool>()});
}

absl::StatusOr<std::string> HoldLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Hold hold, ReadHold(row));
  proof::HoldLine line{
      .hold_id = hold.hold_id, .state = TextAt(row, 1), .expire_time = TimeIfAny(row, 2)};
  for (const Posting& posting : hold.postings) {
    line.postings.push_back({.debit_account_id = posting.debit_account_id,
                             .credit_account_id = posting.credit_account_id,
                             .amount_minor = posting.amount_minor});
  }
  return proof::Write(line);
}

absl::StatusOr<std::string> TileLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const merkle::Digest root, DigestOf(OctetsAt(row, 2)));
  if (NumberAt(row, 0) >= merkle::kTileLevels) return NoLedgerWrote("a tile on that level");
  merkle::Tile tile{.level = row[0].as<int>(),
                    .index = static_cast<std::uint64_t>(NumberAt(row, 1)),
                    .root = root};
  const std::string hashes = OctetsAt(row, 3);
  for (std::size_t i = 0; i < hashes.size(); i += root.size()) {
    FLORIN_ASSIGN_OR_RETURN(const merkle::Digest hash, DigestOf(hashes.substr(i, root.size())));
    tile.hashes.push_back(hash);
  }
  return proof::Write(tile);
}

absl::StatusOr<std::string> HeadLine(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const merkle::Digest root, DigestOf(OctetsAt(row, 1)));
  return proof::Write(proof::HeadLine{.size = NumberAt(row, 0),
                                      .root = root,
                                      .time = ReadTime(row[2]),
                                      .key_id = TextAt(row, 3),
                                      .signature = OctetsAt(row, 4)});
}

}  // namespace

class BookExport::Impl {
 public:
  Impl(const std::string& conninfo, std::string book, const std::string& log)
      : connection_(conninfo), snapshot_(connection_), quoted_(snapshot_.quote(book)) {
    line_.book = std::move(book);
    line_.origin = proof::OriginOf(log, line_.book);
    snapshot_.exec("SET LOCAL cursor_tuple_fraction = 1");
  }

  // The book's own row.
  absl::Status Begin() {
    const pqxx::result rows = snapshot_.exec(kBook + quoted_);
    if (rows.empty()) return BookNotFound();
    line_.last_sequence = NumberAt(rows[0], 0);
    line_.last_commit_time = ReadTime(rows[0][1]);
    line_.closed_until = TimeIfAny(rows[0], 2);
    FLORIN_ASSIGN_OR_RETURN(keys_, pg::ParseArray(rows[0][3].c_str()));
    std::sort(keys_.begin(), keys_.end());
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> NextChunk() {
    while (chunk_.size() < kChunk && next_ <= kLastSection) Continue();
    return std::exchange(chunk_, "");
  }

 private:
  static constexpr int kLastSection = 7;

  // Goes on with the section at hand until the chunk is full or the section ends.
  void Continue() {
    const bool ended = [this] {
      switch (next_) {
        case 0:
          Put(proof::Write(line_));
          return true;
        case 1:
          return Journal();
        case 2:
          return Rows("account", kAccounts, kAccountsOrder, AccountLine, counts_.accounts);
        case 3:
          return Rows("hold", kHolds, kHoldsOrder, HoldLine, counts_.holds);
        case 4:
          for (const std::string& key : keys_) Put(proof::Write(proof::KeyLine{.key = key}));
          counts_.keys = static_cast<std::int64_t>(keys_.size());
          return true;
        case 5:
          return Rows("tile", kTilesOf, kTilesOrder, TileLine, counts_.tiles, kTiles);
        case 6:
          return Rows("tree_head", kHeads, kHeadsOrder, HeadLine, counts_.tree_heads);
        default:
          Put(proof::Write(proof::EndLine{.counts = counts_, .sha256 = sha256_.digest()}));
          return true;
      }
    }();
    if (ended) ++next_;
  }

  // Records and entries in one order of sequence. An entry without record stands where its record
  // would.
  bool Journal() {
    if (!records_) {
      records_.emplace(snapshot_, "records", kJournal + quoted_ + kJournalOrder, kRows);
      entries_.emplace(snapshot_, "entries", kEntries + quoted_ + kEntriesOrder, kRows);
    }
    while (chunk_.size() < kChunk) {
      const std::optional<pqxx::row> record = records_->Peek();
      const std::optional<pqxx::row> entry = entries_->Peek();
      if (!record && !entry) return true;
      if (entry && (!record || NumberAt(*entry, 1) < NumberAt(*record, 0))) {
        PutRow("entry", *entry, EntryLine, counts_.entries);
        entries_->Pop();
      } else {
        PutRow("journal", *record, RecordLine, counts_.records);
        records_->Pop();
      }
    }
    return false;
  }

  using WriteRow = absl::StatusOr<std::string> (*)(const pqxx::row&);

  // A section of one table.
  bool Rows(const char* what, const char* select, const char* order, WriteRow write,
            std::int64_t& count, int rows = kRows) {
    if (!cursor_) {
      cursor_.emplace(snapshot_, absl::StrCat(what, "_rows"), select + quoted_ + order, rows);
    }
    while (chunk_.size() < kChunk) {
      const std::optional<pqxx::row> row = cursor_->Peek();
      if (!row) {
        cursor_.reset();
        return true;
      }
      PutRow(what, *row, write, count);
      cursor_->Pop();
    }
    return false;
  }

  void PutRow(const char* what, const pqxx::row& row, WriteRow write, std::int64_t& count) {
    absl::StatusOr<std::string> line = absl::UnknownError("");
    try {
      line = write(row);
    } catch (const std::exception&) {  // A column that is no value of its type, as read here.
      line = NoLedgerWrote("such a row");
    }
    if (line.ok()) {
      ++count;
      return Put(*std::move(line));
    }
    ++counts_.unreadable;
    const std::string_view kind = what;
    const bool numbered = kind == "journal" || kind == "tree_head";
    const int number = kind == "entry" ? 1 : 0;
    Put(proof::Write(
        proof::UnreadableLine{.what = what,
                              .number = numbered || kind == "entry" ? NumberAt(row, number) : 0,
                              .id = IdText(kind, row),
                              .message = std::string(line.status().message())}));
  }

  // As problems name them.
  static std::string IdText(std::string_view what, const pqxx::row& row) {
    if (what == "tree_head") return "";
    if (what == "tile") return absl::StrCat(row[0].c_str(), "/", row[1].c_str());
    const bool account = what == "account" || what == "entry";
    const absl::StatusOr<Uuid> id = IdAt(row, what == "journal" ? 1 : 0);
    if (!id.ok()) return "";
    return FormatId(account ? IdKind::kAccount : IdKind::kTransaction, *id);
  }

  void Put(std::string line) {
    line += '\n';
    sha256_.Add(line);
    chunk_ += line;
  }

  pqxx::connection connection_;
  ReadOnly snapshot_;
  const std::string quoted_;
  proof::BookLine line_;
  std::vector<std::string> keys_;
  int next_ = 0;  // Section
  std::optional<Cursor> records_, entries_, cursor_;
  proof::LineCounts counts_;
  crypto::Sha256Stream sha256_;
  std::string chunk_;
};

BookExport::BookExport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BookExport::~BookExport() = default;

absl::StatusOr<std::unique_ptr<BookExport>> BookExport::Open(const std::string& conninfo,
                                                             const std::string& book,
                                                             const std::string& log) {
  std::unique_ptr<Impl> impl;
  const pg::internal::Attempt attempt = pg::internal::Catch([&] {
    impl = std::make_unique<Impl>(conninfo, book, log);
    return impl->Begin();
  });
  FLORIN_RETURN_IF_ERROR(attempt.status);
  return std::unique_ptr<BookExport>(new BookExport(std::move(impl)));
}

absl::StatusOr<std::string> BookExport::NextChunk() {
  absl::StatusOr<std::string> chunk = std::string();
  const pg::internal::Attempt attempt = pg::internal::Catch([&] {
    chunk = impl_->NextChunk();
    return chunk.status();
  });
  FLORIN_RETURN_IF_ERROR(attempt.status);
  return chunk;
}

namespace {

absl::Status CannotWrite(const std::string& path) {
  return Error(Reason::kInternal, absl::StrCat("cannot write ", path));
}

// A file's descriptor, closed at the end.
class File {
 public:
  explicit File(const std::string& path, int flags) : fd_(open(path.c_str(), flags, 0600)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;

  bool ok() const { return fd_ >= 0; }
  bool Write(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t written = write(fd_, octets.data(), octets.size());
      if (written < 0) return false;
      octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool Sync() { return fsync(fd_) == 0; }

 private:
  const int fd_;
};

absl::Status WriteAll(BookExport& book, const std::string& path) {
  File file(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
  if (!file.ok()) return CannotWrite(path);
  while (true) {
    FLORIN_ASSIGN_OR_RETURN(const std::string chunk, book.NextChunk());
    if (chunk.empty()) break;
    if (!file.Write(chunk)) return CannotWrite(path);
  }
  return file.Sync() ? absl::OkStatus() : CannotWrite(path);
}

}  // namespace

absl::Status ExportBookToFile(const std::string& conninfo, const std::string& book,
                              const std::string& log, const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(const std::unique_ptr<BookExport> opened,
                          BookExport::Open(conninfo, book, log));
  const std::string partial = path + ".partial";
  absl::Status status = WriteAll(*opened, partial);
  if (status.ok() && std::rename(partial.c_str(), path.c_str()) != 0) status = CannotWrite(path);
  if (!status.ok()) {
    std::remove(partial.c_str());
    return status;
  }
  // The name, too.
  const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
  File opened_directory(directory.string(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return opened_directory.ok() && opened_directory.Sync() ? absl::OkStatus()
                                                          : CannotWrite(directory.string());
}

}  // namespace florin::ledger
