#include "services/ledger/proof/book_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ledger/proof/canonical_json.h"

namespace florin::ledger::proof {
namespace {

namespace json = boost::json;

// Far longer than any line that an exporter writes.
constexpr std::size_t kLongestLine = 1 << 20;

std::int64_t Less(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::int64_t More(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::optional<std::int64_t> UnlessZero(std::int64_t value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

std::string ValueText(const json::value* value) {
  if (value == nullptr) return "absent";
  if (!value->is_string()) return json::serialize(*value);
  return {value->get_string().data(), value->get_string().size()};
}

// "debit is 5, not 4": the first member in which two lines of one section differ.
std::string Difference(std::string_view expected, std::string_view stated) {
  const json::object right = ReadObject(expected.substr(2));
  const json::object wrong = ReadObject(stated.substr(2));
  for (const json::object* object : {&right, &wrong}) {
    for (const auto& member : *object) {
      const std::string_view key(member.key().data(), member.key().size());
      const std::string is = ValueText(wrong.if_contains(key));
      const std::string should_be = ValueText(right.if_contains(key));
      if (is != should_be) return absl::StrCat(std::string(key), " is ", is, ", not ", should_be);
    }
  }
  return "it is written in another way";
}

std::string AccountName(const Uuid& id) { return FormatId(IdKind::kAccount, id); }
std::string TransactionName(const Uuid& id) { return FormatId(IdKind::kTransaction, id); }

}  // namespace

BookCheck::BookCheck(Options options)
    : log_(std::move(options.keys), std::move(options.trusted), problems_) {}

void BookCheck::Wrong(std::string what, std::int64_t number, std::string id, std::string message) {
  problems_.Add({.what = std::move(what),
                 .number = number,
                 .id = std::move(id),
                 .message = std::move(message)});
}

std::string BookCheck::NameOf(std::int64_t sequence) const {
  const std::optional<Uuid> id = replay_.TransactionAt(sequence);
  return id ? TransactionName(*id) : "";
}

std::int64_t BookCheck::unsealed_records() const {
  const std::int64_t sealed = last_head() ? static_cast<std::int64_t>(last_head()->size) : 0;
  return std::max<std::int64_t>(replay_.last_sequence(), 0) - sealed;
}

// ---- Lines and sections

void BookCheck::Add(std::string_view octets) {
  while (!octets.empty() && !hopeless_) {
    const std::size_t end = octets.find('\n');
    const std::string_view piece = octets.substr(0, end);
    if (rest_.size() + piece.size() > kLongestLine) {
      BadExport(absl::StrCat("line ", line_number_ + 1, " is too long"));
      hopeless_ = true;
      return;
    }
    if (end == std::string_view::npos) {
      rest_ += piece;
      return;
    }
    if (rest_.empty()) {
      Line(piece);
    } else {
      rest_ += piece;
      Line(rest_);
      rest_.clear();
    }
    octets.remove_prefix(end + 1);
  }
}

void BookCheck::Finish() {
  if (hopeless_) return;
  if (section_ != Section::kEnd || !rest_.empty()) BadExport("it is cut off: its end is missing");
}

std::optional<BookCheck::Section> BookCheck::SectionOf(char letter) {
  switch (letter) {
    case 'B':
      return Section::kBook;
    case 'R':
    case 'E':
      return Section::kJournal;
    case 'A':
      return Section::kAccounts;
    case 'H':
      return Section::kHolds;
    case 'K':
      return Section::kKeys;
    case 'T':
      return Section::kTiles;
    case 'S':
      return Section::kHeads;
    case 'Z':
      return Section::kEnd;
    default:
      return std::nullopt;
  }
}

void BookCheck::Line(std::string_view line) {
  ++line_number_;
  if (line_number_ == 1 && line.substr(0, 2) != "B ") {
    BadExport(absl::StrCat("it is no ", kExportFormat));
    hopeless_ = true;
    return;
  }
  if (line.size() < 3 || line[1] != ' ') {
    return Malformed(Error(Reason::kInvalidField, "no letter and object"));
  }
  const char letter = line[0];
  if (letter != 'Z') {
    sha256_.Add(line);
    sha256_.Add("\n");
  }
  if (letter == 'X') return ReadUnreadable(line.substr(2));
  const std::optional<Section> section = SectionOf(letter);
  if (!section) return Malformed(Error(Reason::kInvalidField, "its letter is unknown"));
  if (Enter(*section)) Read(letter, line);
}

bool BookCheck::Enter(Section section) {
  const bool once = section == Section::kBook || section == Section::kEnd;
  if (section < section_ || (once && section == section_)) {
    BadExport(absl::StrCat("line ", line_number_, " is out of order"));
    return false;
  }
  while (section_ < section) {
    Leave(section_);
    section_ = static_cast<Section>(static_cast<int>(section_) + 1);
  }
  return true;
}

void BookCheck::Leave(Section section) {
  if (section == Section::kJournal) {
    CloseRecord();
    CheckStanding();
    account_ids_ = replay_.AccountIds();
  }
  if (section == Section::kAccounts) {
    MissAccountsUpTo(std::nullopt);
    CheckTotals();
    hold_ids_ = replay_.HoldIds();
  }
  if (section == Section::kHolds) MissHoldsUpTo(std::nullopt);
  if (section == Section::kHeads) log_.Finish();
}

void BookCheck::Read(char letter, std::string_view line) {
  const std::string_view json = line.substr(2);
  switch (letter) {
    case 'B':
      return ReadBook(json);
    case 'R':
      return ReadRecord(json);
    case 'E':
      return ReadEntry(line);
    case 'A':
      return ReadAccount(json);
    case 'H':
      return ReadHold(json);
    case 'T':
      return ReadTile(json);
    case 'S':
      return ReadHead(json);
    case 'Z':
      return ReadEnd(json);
    default:
      break;
  }
  ++counts_.keys;
  if (const auto key = ReadKeyLine(json); !key.ok()) Malformed(key.status());
}

void BookCheck::Malformed(const absl::Status& status) {
  BadExport(absl::StrCat("line ", line_number_, ": ", status.message()));
}

void BookCheck::ReadBook(std::string_view json) {
  const absl::StatusOr<BookLine> book = ReadBookLine(json);
  if (!book.ok()) {
    Malformed(book.status());
    hopeless_ = true;
    return;
  }
  book_ = *book;
  log_.Start(book_.origin);
  if (!book_.origin.ends_with("/" + book_.book)) {
    Wrong("book", 0, book_.book, absl::StrCat("its log's origin is another's: ", book_.origin));
  }
}

void BookCheck::ReadUnreadable(std::string_view json) {
  ++counts_.unreadable;
  const absl::StatusOr<UnreadableLine> line = ReadUnreadableLine(json);
  if (!line.ok()) return Malformed(line.status());
  Wrong(line->what, line->number, line->id, line->message);
}

void BookCheck::ReadEnd(std::string_view json) {
  const absl::StatusOr<EndLine> end = ReadEndLine(json);
  if (!end.ok()) return Malformed(end.status());
  if (end->counts != counts_) BadExport("it has not the lines that it says it has");
  if (end->sha256 != sha256_.digest()) BadExport("its SHA-256 is another one");
}

// ---- The journal and its entries

void BookCheck::ReadRecord(std::string_view json) {
  ++counts_.records;
  CloseRecord();
  absl::StatusOr<Record> record = ParseRecord(json);
  if (!record.ok()) return Malformed(record.status());
  record_ = *std::move(record);
  BookReplay::Effect effect = replay_.Apply(*record_);
  for (std::string& objection : effect.objections) {
    Wrong("journal", record_->sequence, TransactionName(record_->transaction_id),
          std::move(objection));
  }
  expected_ = std::move(effect.entries);
  next_expected_ = 0;
  log_.AddRecord(record_->sequence, LeafOf(json));
}

void BookCheck::ReadEntry(std::string_view line) {
  ++counts_.entries;
  if (next_expected_ < expected_.size() && line == Write(expected_[next_expected_])) {
    if (!drifts_.empty()) drifts_.erase(expected_[next_expected_].account_id);
    ++next_expected_;
    return;
  }
  absl::StatusOr<EntryLine> stated = ReadEntryLine(line.substr(2));
  if (!stated.ok()) return Malformed(stated.status());
  // Both say the same.
  if (record_ && stated->effective_time == record_->commit_time) stated->effective_time.reset();
  CompareEntry(*stated);
}

void BookCheck::CompareEntry(const EntryLine& stated) {
  const auto found = std::find_if(
      expected_.begin() + static_cast<std::ptrdiff_t>(next_expected_), expected_.end(),
      [&stated](const EntryLine& entry) { return entry.account_id == stated.account_id; });
  std::string why;
  if (!record_ || stated.sequence != record_->sequence) {
    why = "no record has this entry";
  } else if (found == expected_.end()) {
    why = absl::StrCat(TransactionName(record_->transaction_id), " makes no such entry");
  } else {
    MissEntriesUpTo(static_cast<std::size_t>(found - expected_.begin()));
    ++next_expected_;
    if (stated == *found) {
      drifts_.erase(stated.account_id);
      return;
    }
    if (stated == Drifted(*found)) {
      // What follows agrees with what was said to be wrong: it was the record that was altered.
      replay_.Correct(Drifted(*replay_.FindAccount(stated.account_id)));
      drifts_.erase(stated.account_id);
      return;
    }
    why = Difference(Write(*found), Write(stated));
  }
  Wrong("entry", stated.sequence, AccountName(stated.account_id), std::move(why));
  NoteDrift(stated);
}

void BookCheck::CloseRecord() {
  MissEntriesUpTo(expected_.size());
  expected_.clear();
  next_expected_ = 0;
}

void BookCheck::MissEntriesUpTo(std::size_t end) {
  for (; next_expected_ < end; ++next_expected_) {
    const EntryLine& entry = expected_[next_expected_];
    Wrong(
        "entry", entry.sequence, AccountName(entry.account_id),
        absl::StrCat(TransactionName(record_->transaction_id), " makes an entry that is missing"));
  }
}

void BookCheck::NoteDrift(const EntryLine& stated) {
  const AccountLine now = replay_.FindAccount(stated.account_id).value_or(AccountLine());
  const Counters& counters = now.counters;
  drifts_[stated.account_id] = {
      .version = Less(stated.version, now.version),
      .counters = {
          .debits_posted = Less(stated.debits_posted_after, counters.debits_posted),
          .credits_posted = Less(stated.credits_posted_after, counters.credits_posted),
          .debits_pending = Less(stated.debits_pending_after.value_or(0), counters.debits_pending),
          .credits_pending =
              Less(stated.credits_pending_after.value_or(0), counters.credits_pending)}};
}

EntryLine BookCheck::Drifted(EntryLine entry) const {
  const auto drift = drifts_.find(entry.account_id);
  if (drift == drifts_.end()) return entry;
  const Counters& by = drift->second.counters;
  entry.version = More(entry.version, drift->second.version);
  entry.debits_posted_after = More(entry.debits_posted_after, by.debits_posted);
  entry.credits_posted_after = More(entry.credits_posted_after, by.credits_posted);
  entry.debits_pending_after =
      UnlessZero(More(entry.debits_pending_after.value_or(0), by.debits_pending));
  entry.credits_pending_after =
      UnlessZero(More(entry.credits_pending_after.value_or(0), by.credits_pending));
  return entry;
}

AccountLine BookCheck::Drifted(AccountLine account) const {
  const auto drift = drifts_.find(account.account_id);
  if (drift == drifts_.end()) return account;
  const Counters& by = drift->second.counters;
  Counters& counters = account.counters;
  account.version = More(account.version, drift->second.version);
  counters.debits_posted = More(counters.debits_posted, by.debits_posted);
  counters.credits_posted = More(counters.credits_posted, by.credits_posted);
  counters.debits_pending = More(counters.debits_pending, by.debits_pending);
  counters.credits_pending = More(counters.credits_pending, by.credits_pending);
  return account;
}

void BookCheck::CheckStanding() {
  BookLine expected = book_;
  expected.last_sequence = replay_.last_sequence();
  expected.last_commit_time = replay_.last_commit_time();
  expected.closed_until = replay_.closed_until();
  if (expected == book_) return;
  Wrong("book", 0, book_.book, Difference(Write(expected), Write(book_)));
}

// ---- Where accounts and holds stand

void BookCheck::ReadAccount(std::string_view json) {
  ++counts_.accounts;
  const absl::StatusOr<AccountLine> stated = ReadAccountLine(json);
  if (!stated.ok()) return Malformed(stated.status());
  Totals& totals = totals_[stated->currency];
  totals.debits_posted += stated->counters.debits_posted;
  totals.credits_posted += stated->counters.credits_posted;
  totals.debits_pending += stated->counters.debits_pending;
  totals.credits_pending += stated->counters.credits_pending;
  MissAccountsUpTo(stated->account_id);
  if (next_account_ == account_ids_.size() || account_ids_[next_account_] != stated->account_id) {
    return Wrong("account", 0, AccountName(stated->account_id), "it was never opened");
  }
  ++next_account_;
  const AccountLine expected = *replay_.FindAccount(stated->account_id);
  if (*stated == expected || *stated == Drifted(expected)) return;
  Wrong("account", 0, AccountName(stated->account_id), Difference(Write(expected), Write(*stated)));
}

void BookCheck::MissAccountsUpTo(const std::optional<Uuid>& end) {
  for (; next_account_ < account_ids_.size(); ++next_account_) {
    if (end && account_ids_[next_account_] >= *end) return;
    Wrong("account", 0, AccountName(account_ids_[next_account_]), "it is missing");
  }
}

void BookCheck::CheckTotals() {
  for (const auto& [currency, totals] : totals_) {
    if (totals.debits_posted != totals.credits_posted) {
      Wrong("totals", 0, currency, "posted debits and credits are not equal");
    }
    if (totals.debits_pending != totals.credits_pending) {
      Wrong("totals", 0, currency, "pending debits and credits are not equal");
    }
  }
}

void BookCheck::ReadHold(std::string_view json) {
  ++counts_.holds;
  const absl::StatusOr<HoldLine> stated = ReadHoldLine(json);
  if (!stated.ok()) return Malformed(stated.status());
  MissHoldsUpTo(stated->hold_id);
  if (next_hold_ == hold_ids_.size() || hold_ids_[next_hold_] != stated->hold_id) {
    return Wrong("hold", 0, TransactionName(stated->hold_id), "it was never made");
  }
  ++next_hold_;
  const HoldLine expected = *replay_.FindHold(stated->hold_id);
  if (*stated == expected) return;
  Wrong("hold", 0, TransactionName(stated->hold_id), Difference(Write(expected), Write(*stated)));
}

void BookCheck::MissHoldsUpTo(const std::optional<Uuid>& end) {
  for (; next_hold_ < hold_ids_.size(); ++next_hold_) {
    if (end && hold_ids_[next_hold_] >= *end) return;
    Wrong("hold", 0, TransactionName(hold_ids_[next_hold_]), "it is missing");
  }
}

// ---- The signed log

void BookCheck::ReadTile(std::string_view json) {
  ++counts_.tiles;
  const absl::StatusOr<merkle::Tile> tile = ReadTileLine(json);
  if (!tile.ok()) return Malformed(tile.status());
  log_.AddTile(*tile, [this](std::int64_t sequence) { return NameOf(sequence); });
}

void BookCheck::ReadHead(std::string_view json) {
  ++counts_.tree_heads;
  const absl::StatusOr<HeadLine> head = ReadHeadLine(json);
  if (!head.ok()) return Malformed(head.status());
  log_.AddHead(*head);
}

}  // namespace florin::ledger::proof
