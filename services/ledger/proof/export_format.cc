#include "services/ledger/proof/export_format.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ledger/proof/canonical_json.h"

namespace florin::ledger::proof {
namespace {

namespace json = boost::json;

// The letter, the space and the members that `write` gives.
template <class WriteMembers>
std::string WriteLine(char letter, const WriteMembers& write) {
  std::string line = {letter, ' '};
  {
    ObjectWriter object(line);
    write(object);
  }
  return line;
}

// What `read` makes of the object, if it is written again as it stood there.
template <class Line, class ReadMembers>
absl::StatusOr<Line> ReadLine(std::string_view text, const char* what, const ReadMembers& read) {
  std::string why = "not in its one form";
  try {
    Line line = read(ReadObject(text));
    if (std::string_view(Write(line)).substr(2) == text) return line;
  } catch (const std::exception& failure) {
    why = failure.what();
  }
  return Error(Reason::kInvalidField, absl::StrCat("not ", what, ": ", why));
}

std::optional<std::int64_t> OptionalNumber(const json::object& object, std::string_view key) {
  if (!object.contains(key)) return std::nullopt;
  return NumberOf(object, key);
}

std::optional<absl::Time> OptionalTime(const json::object& object, std::string_view key) {
  if (!object.contains(key)) return std::nullopt;
  return TimeOf(object, key);
}

void WriteOptional(ObjectWriter& object, std::string_view key, std::optional<std::int64_t> value) {
  if (value) object.Number(key, *value);
}

std::vector<merkle::Digest> HashesOf(std::string_view octets) {
  merkle::Digest digest;
  if (octets.size() % digest.size() != 0) throw Malformed();
  std::vector<merkle::Digest> hashes;
  for (; !octets.empty(); octets.remove_prefix(digest.size())) {
    std::copy_n(octets.begin(), digest.size(), digest.begin());
    hashes.push_back(digest);
  }
  return hashes;
}

LineCounts CountsOf(const json::object& object) {
  return {.records = NumberOf(object, "records"),
          .entries = NumberOf(object, "entries"),
          .accounts = NumberOf(object, "accounts"),
          .holds = NumberOf(object, "holds"),
          .keys = NumberOf(object, "keys"),
          .tiles = NumberOf(object, "tiles"),
          .tree_heads = NumberOf(object, "tree_heads"),
          .unreadable = NumberOf(object, "unreadable")};
}

}  // namespace

std::string Write(const BookLine& line) {
  return WriteLine('B', [&line](ObjectWriter& object) {
    object.Text("format", kExportFormat);
    object.Text("book", line.book);
    object.Text("origin", line.origin);
    object.Number("last_sequence", line.last_sequence);
    object.Time("last_commit_time", line.last_commit_time);
    if (line.closed_until) object.Time("closed_until", *line.closed_until);
  });
}

absl::StatusOr<BookLine> ReadBookLine(std::string_view text) {
  return ReadLine<BookLine>(text, "the beginning of an export", [](const json::object& object) {
    return BookLine{.book = TextOf(object, "book"),
                    .origin = TextOf(object, "origin"),
                    .last_sequence = NumberOf(object, "last_sequence"),
                    .last_commit_time = TimeOf(object, "last_commit_time"),
                    .closed_until = OptionalTime(object, "closed_until")};
  });
}

std::string Write(const Record& record) { return "R " + EncodeRecord(record); }

std::string Write(const EntryLine& line) {
  return WriteLine('E', [&line](ObjectWriter& object) {
    object.Text("account_id", FormatId(IdKind::kAccount, line.account_id));
    object.Number("sequence", line.sequence);
    object.Number("version", line.version);
    object.Number("debit", line.debit_minor);
    object.Number("credit", line.credit_minor);
    object.Number("debits_posted_after", line.debits_posted_after);
    object.Number("credits_posted_after", line.credits_posted_after);
    WriteOptional(object, "debit_pending", line.debit_pending_minor);
    WriteOptional(object, "credit_pending", line.credit_pending_minor);
    WriteOptional(object, "debits_pending_after", line.debits_pending_after);
    WriteOptional(object, "credits_pending_after", line.credits_pending_after);
    if (line.effective_time) object.Time("effective_time", *line.effective_time);
  });
}

absl::StatusOr<EntryLine> ReadEntryLine(std::string_view text) {
  return ReadLine<EntryLine>(text, "an entry", [](const json::object& object) {
    return EntryLine{.account_id = IdOf(object, "account_id", IdKind::kAccount),
                     .sequence = NumberOf(object, "sequence"),
                     .version = NumberOf(object, "version"),
                     .debit_minor = NumberOf(object, "debit"),
                     .credit_minor = NumberOf(object, "credit"),
                     .debits_posted_after = NumberOf(object, "debits_posted_after"),
                     .credits_posted_after = NumberOf(object, "credits_posted_after"),
                     .debit_pending_minor = OptionalNumber(object, "debit_pending"),
                     .credit_pending_minor = OptionalNumber(object, "credit_pending"),
                     .debits_pending_after = OptionalNumber(object, "debits_pending_after"),
                     .credits_pending_after = OptionalNumber(object, "credits_pending_after"),
                     .effective_time = OptionalTime(object, "effective_time")};
  });
}

std::string Write(const AccountLine& line) {
  return WriteLine('A', [&line](ObjectWriter& object) {
    object.Text("account_id", FormatId(IdKind::kAccount, line.account_id));
    object.Text("currency", line.currency);
    object.Text("normal_side", line.normal_side);
    object.Flag("debits_must_not_exceed_credits", line.debits_must_not_exceed_credits);
    object.Flag("credits_must_not_exceed_debits", line.credits_must_not_exceed_debits);
    object.Number("credit_line", line.credit_line_minor);
    object.Number("debits_posted", line.counters.debits_posted);
    object.Number("credits_posted", line.counters.credits_posted);
    object.Number("debits_pending", line.counters.debits_pending);
    object.Number("credits_pending", line.counters.credits_pending);
    object.Number("version", line.version);
    object.Flag("closed", line.closed);
    // Absent where they are false, so that a line from before there were any is as it was.
    if (line.frozen_debits) object.Flag("frozen_debits", true);
    if (line.frozen_credits) object.Flag("frozen_credits", true);
  });
}

absl::StatusOr<AccountLine> ReadAccountLine(std::string_view text) {
  return ReadLine<AccountLine>(text, "an account", [](const json::object& object) {
    return AccountLine{
        .account_id = IdOf(object, "account_id", IdKind::kAccount),
        .currency = TextOf(object, "currency"),
        .normal_side = TextOf(object, "normal_side"),
        .debits_must_not_exceed_credits = FlagOf(object, "debits_must_not_exceed_credits"),
        .credits_must_not_exceed_debits = FlagOf(object, "credits_must_not_exceed_debits"),
        .credit_line_minor = NumberOf(object, "credit_line"),
        .counters = {.debits_posted = NumberOf(object, "debits_posted"),
                     .credits_posted = NumberOf(object, "credits_posted"),
                     .debits_pending = NumberOf(object, "debits_pending"),
                     .credits_pending = NumberOf(object, "credits_pending")},
        .version = NumberOf(object, "version"),
        .closed = FlagOf(object, "closed"),
        .frozen_debits = object.contains("frozen_debits") && FlagOf(object, "frozen_debits"),
        .frozen_credits = object.contains("frozen_credits") && FlagOf(object, "frozen_credits")};
  });
}

std::string Write(const HoldLine& line) {
  return WriteLine('H', [&line](ObjectWriter& object) {
    object.Text("hold_id", FormatId(IdKind::kTransaction, line.hold_id));
    object.Text("state", line.state);
    if (line.expire_time) object.Time("expire_time", *line.expire_time);
    object.Postings("held", line.postings);
  });
}

absl::StatusOr<HoldLine> ReadHoldLine(std::string_view text) {
  return ReadLine<HoldLine>(text, "a hold", [](const json::object& object) {
    return HoldLine{.hold_id = IdOf(object, "hold_id", IdKind::kTransaction),
                    .state = TextOf(object, "state"),
                    .expire_time = OptionalTime(object, "expire_time"),
                    .postings = PostingsOf(object, "held")};
  });
}

std::string Write(const KeyLine& line) {
  return WriteLine('K', [&line](ObjectWriter& object) { object.Text("key", line.key); });
}

absl::StatusOr<KeyLine> ReadKeyLine(std::string_view text) {
  return ReadLine<KeyLine>(text, "a metadata key", [](const json::object& object) {
    return KeyLine{.key = TextOf(object, "key")};
  });
}

std::string Write(const merkle::Tile& tile) {
  std::string hashes;
  for (const merkle::Digest& hash : tile.hashes) hashes += crypto::AsOctets(hash);
  return WriteLine('T', [&tile, &hashes](ObjectWriter& object) {
    object.Number("level", tile.level);
    object.Number("tile", static_cast<std::int64_t>(tile.index));
    object.Octets("root", crypto::AsOctets(tile.root));
    object.Octets("hashes", hashes);
  });
}

absl::StatusOr<merkle::Tile> ReadTileLine(std::string_view text) {
  return ReadLine<merkle::Tile>(text, "a tile", [](const json::object& object) {
    const std::int64_t level = NumberOf(object, "level");
    if (level < 0 || level >= merkle::kTileLevels) throw Malformed();
    return merkle::Tile{.level = static_cast<int>(level),
                        .index = static_cast<std::uint64_t>(NumberOf(object, "tile")),
                        .root = DigestOf(object, "root"),
                        .hashes = HashesOf(OctetsOf(object, "hashes"))};
  });
}

std::string Write(const HeadLine& line) {
  return WriteLine('S', [&line](ObjectWriter& object) {
    object.Number("size", line.size);
    object.Octets("root", crypto::AsOctets(line.root));
    object.Time("time", line.time);
    object.Text("key_id", line.key_id);
    object.Octets("signature", line.signature);
  });
}

absl::StatusOr<HeadLine> ReadHeadLine(std::string_view text) {
  return ReadLine<HeadLine>(text, "a tree head", [](const json::object& object) {
    return HeadLine{.size = NumberOf(object, "size"),
                    .root = DigestOf(object, "root"),
                    .time = TimeOf(object, "time"),
                    .key_id = TextOf(object, "key_id"),
                    .signature = OctetsOf(object, "signature")};
  });
}

std::string Write(const UnreadableLine& line) {
  return WriteLine('X', [&line](ObjectWriter& object) {
    object.Text("what", line.what);
    object.Number("number", line.number);
    object.Text("id", line.id);
    object.Text("message", line.message);
  });
}

absl::StatusOr<UnreadableLine> ReadUnreadableLine(std::string_view text) {
  return ReadLine<UnreadableLine>(text, "an unreadable row", [](const json::object& object) {
    return UnreadableLine{.what = TextOf(object, "what"),
                          .number = NumberOf(object, "number"),
                          .id = TextOf(object, "id"),
                          .message = TextOf(object, "message")};
  });
}

std::string Write(const EndLine& line) {
  return WriteLine('Z', [&line](ObjectWriter& object) {
    object.Number("records", line.counts.records);
    object.Number("entries", line.counts.entries);
    object.Number("accounts", line.counts.accounts);
    object.Number("holds", line.counts.holds);
    object.Number("keys", line.counts.keys);
    object.Number("tiles", line.counts.tiles);
    object.Number("tree_heads", line.counts.tree_heads);
    object.Number("unreadable", line.counts.unreadable);
    object.Octets("sha256", crypto::AsOctets(line.sha256));
  });
}

absl::StatusOr<EndLine> ReadEndLine(std::string_view text) {
  return ReadLine<EndLine>(text, "the end of an export", [](const json::object& object) {
    return EndLine{.counts = CountsOf(object), .sha256 = DigestOf(object, "sha256")};
  });
}

}  // namespace florin::ledger::proof
