// For tests: a journal written record by record, and the export that a ledger would make of it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/crypto/signing_key.h"
#include "services/ledger/proof/book_check.h"
#include "services/ledger/proof/book_replay.h"
#include "services/ledger/proof/export_format.h"

namespace florin::ledger::proof::test {

inline const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

inline Uuid Id(const std::string& name) { return DeriveId("test", name); }
inline std::string Acc(const std::string& name) { return FormatId(IdKind::kAccount, Id(name)); }
inline std::string Txn(const std::string& name) { return FormatId(IdKind::kTransaction, Id(name)); }

inline Posting Between(const std::string& debit, const std::string& credit,
                       std::int64_t amount_minor) {
  return {
      .debit_account_id = Id(debit), .credit_account_id = Id(credit), .amount_minor = amount_minor};
}

class Journal {
 public:
  // The next record, a second after the last one, to be completed at once.
  Record& Add(const std::string& kind, const std::string& name, std::vector<Posting> postings = {},
              const std::string& subject = "", const std::string& request = "") {
    Record record;
    record.sequence = static_cast<std::int64_t>(records.size()) + 1;
    record.transaction_id = Id(name);
    record.kind = kind;
    record.commit_time = kStart + absl::Seconds(record.sequence);
    record.effective_time = record.commit_time;
    record.subject = subject;
    record.postings = std::move(postings);
    record.request = request;
    records.push_back(std::move(record));
    return records.back();
  }
  void Open(const std::string& name, const std::string& request) {
    Add("open_account", "open " + name, {}, Acc(name), request);
  }

  std::vector<Record> records;
};

// Something of each kind. a: 890 and a credit line of 500, 10 of it held by "forever".
inline Journal Everything() {
  Journal journal;
  journal.Open("rail", R"({"currency":"EUR","normal_side":"debit"})");
  for (const char* wallet : {"a", "b"}) {
    journal.Open(wallet, R"({"currency":"EUR","normal_side":"credit",)"
                         R"("debits_must_not_exceed_credits":true})");
  }
  journal.Open("asset", R"({"currency":"EUR","normal_side":"debit",)"
                        R"("credits_must_not_exceed_debits":true})");
  journal.Open("cash", R"({"currency":"USD","normal_side":"debit"})");
  journal.Open("closed", R"({"currency":"EUR","normal_side":"debit"})");
  journal.Add("close_account", "close", {}, Acc("closed"));
  journal.Add("post", "fund", {Between("rail", "a", 1000)});
  Record& hold =
      journal.Add("hold", "hold", {Between("a", "b", 300)}, "", R"({"timeout_us":60000000})");
  hold.expire_time = hold.commit_time + absl::Seconds(60);
  journal.Add("capture", "part", {Between("a", "b", 100)}, Txn("hold"), R"({"amounts":[100]})");
  journal.Add("void", "rest", {}, Txn("hold"));
  journal.Add("post", "pay", {Between("a", "b", 50)});
  journal.Add("reversal", "back", {Between("b", "a", 50)}, Txn("pay"));
  journal.Add("hold", "forever", {Between("a", "b", 10)});
  journal.Add("post", "refused", {Between("a", "b", 99'999)}).refused =
      Refused{"insufficient_funds", "no", "postings[0].amount_minor"};
  journal.Add("set_credit_line", "line", {}, Acc("a"), R"({"credit_line_minor":500})");
  const std::string until = std::to_string(absl::ToUnixMicros(kStart));
  journal.Add("close_period", "period", {}, "", R"({"until_us":)" + until + "}");
  return journal;
}

// Made once: making a key takes time.
inline crypto::FileSigner& LogKey() {
  static const auto signer =
      crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
  return *signer;
}

inline HeadLine SignHead(std::int64_t size, const merkle::Digest& root, absl::Time time) {
  const merkle::TreeHead head{.origin = "florin.test/main",
                              .size = static_cast<std::uint64_t>(size),
                              .root = root,
                              .time = time};
  const merkle::SignedTreeHead signed_head = merkle::Sign(head, LogKey()).value();
  return {.size = size,
          .root = root,
          .time = time,
          .key_id = signed_head.key_id,
          .signature = signed_head.signature};
}

// The log of `leaves`: its tiles, and a head for each of `sizes`.
inline std::vector<std::string> LogLines(const std::vector<merkle::Digest>& leaves,
                                         const std::vector<std::int64_t>& sizes) {
  merkle::TileBuilder builder;
  std::vector<merkle::Tile> tiles;
  std::vector<std::string> heads;
  for (const merkle::Digest& leaf : leaves) {
    const bool sealed = !sizes.empty() && static_cast<std::int64_t>(builder.size()) < sizes.back();
    for (merkle::Tile& tile : builder.Append(leaf)) {
      if (sealed) tiles.push_back(std::move(tile));
    }
    const auto size = static_cast<std::int64_t>(builder.size());
    if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) continue;
    heads.push_back(
        Write(SignHead(size, builder.Root(), kStart + absl::Hours(1) + absl::Seconds(size))));
  }
  std::stable_sort(tiles.begin(), tiles.end(),
                   [](const auto& a, const auto& b) { return a.level < b.level; });
  std::vector<std::string> lines;
  for (const merkle::Tile& tile : tiles) lines.push_back(Write(tile));
  lines.insert(lines.end(), heads.begin(), heads.end());
  return lines;
}

// The lines of book "main" but the last one, with heads of these sizes.
inline std::vector<std::string> Export(const Journal& journal, std::vector<std::int64_t> sizes) {
  BookReplay replay;
  std::vector<std::string> lines(1);
  std::vector<merkle::Digest> leaves;
  for (const Record& record : journal.records) {
    lines.push_back(Write(record));
    leaves.push_back(LeafOf(EncodeRecord(record)));
    for (const EntryLine& entry : replay.Apply(record).entries) lines.push_back(Write(entry));
  }
  lines[0] = Write(BookLine{.book = "main",
                            .origin = "florin.test/main",
                            .last_sequence = replay.last_sequence(),
                            .last_commit_time = replay.last_commit_time(),
                            .closed_until = replay.closed_until()});
  for (const Uuid& id : replay.AccountIds()) lines.push_back(Write(*replay.FindAccount(id)));
  for (const Uuid& id : replay.HoldIds()) lines.push_back(Write(*replay.FindHold(id)));
  lines.push_back(Write(KeyLine{.key = "payment_id"}));
  for (std::string& line : LogLines(leaves, sizes)) lines.push_back(std::move(line));
  return lines;
}

// The octets of an export with these lines, and the end that fits them.
inline std::string Whole(const std::vector<std::string>& lines) {
  std::string text;
  EndLine end;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, line, "\n");
    switch (line[0]) {
      case 'R':
        ++end.counts.records;
        break;
      case 'E':
        ++end.counts.entries;
        break;
      case 'A':
        ++end.counts.accounts;
        break;
      case 'H':
        ++end.counts.holds;
        break;
      case 'K':
        ++end.counts.keys;
        break;
      case 'T':
        ++end.counts.tiles;
        break;
      case 'S':
        ++end.counts.tree_heads;
        break;
      case 'X':
        ++end.counts.unreadable;
        break;
      default:
        break;
    }
  }
  end.sha256 = crypto::Sha256(text);
  return absl::StrCat(text, Write(end), "\n");
}

inline BookCheck::Options WithKey() { return {.keys = {LogKey().public_key()}}; }

inline Problems ProblemsIn(const std::string& text, BookCheck::Options options = WithKey()) {
  BookCheck check(std::move(options));
  check.Add(text);
  check.Finish();
  return check.problems();
}

}  // namespace florin::ledger::proof::test
