// Whether a book is what its journal makes of it, and whether its journal is what was signed: the
// check of an export (export_format.h), line by line, by nothing but the export, the log's public
// keys and, if there is one, a tree head that was trusted earlier.
//
//   BookCheck check({.keys = {key}});
//   while (…) check.Add(octets);     // cut anywhere
//   check.Finish();
//   for (const Problem& problem : check.problems().first) std::cout << problem << "\n";
//
// Checked, besides what book_replay.h (the journal's own rules) and log_check.h (the signed log)
// list: every entry is there and is what its record makes, and there is no other; so are all
// accounts and holds; where the book says that it stands; debits equal credits in each currency,
// posted and pending; the export is whole. What cannot be seen is in docs/proof.md.
//
// An alteration is named once where it was made, as far as that can be known: later numbers that
// agree with an altered one are not called wrong again. Problems are values; nothing fails.
//
// Memory as of BookReplay and LogCheck. Not thread-safe. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "libs/crypto/sha256.h"
#include "libs/crypto/signer.h"
#include "libs/merkle/tree_head.h"
#include "services/ledger/proof/book_replay.h"
#include "services/ledger/proof/export_format.h"
#include "services/ledger/proof/log_check.h"
#include "services/ledger/proof/problem.h"

namespace florin::ledger::proof {

class BookCheck {
 public:
  struct Options {
    // Those that may have signed the tree heads. None: signatures are not checked.
    std::vector<crypto::SignerKey> keys = {};
    std::optional<merkle::TreeHead> trusted = std::nullopt;
  };
  explicit BookCheck(Options options);

  void Add(std::string_view octets);
  // After the last octet; once.
  void Finish();

  const Problems& problems() const { return problems_; }

  // What was found so far.
  const BookLine& book() const { return book_; }
  const LineCounts& counts() const { return counts_; }
  struct Totals {
    absl::int128 debits_posted = 0;
    absl::int128 credits_posted = 0;
    absl::int128 debits_pending = 0;
    absl::int128 credits_pending = 0;
  };
  // By currency, in minor units.
  const std::map<std::string, Totals>& totals() const { return totals_; }
  // The last tree head that holds.
  const std::optional<merkle::TreeHead>& last_head() const { return log_.last_head(); }
  // Records that it does not cover.
  std::int64_t unsealed_records() const;

 private:
  enum class Section { kNone, kBook, kJournal, kAccounts, kHolds, kKeys, kTiles, kHeads, kEnd };

  // How far an account's stored numbers are from the recomputed ones, where that was said.
  struct Drift {
    std::int64_t version = 0;
    Counters counters;
  };

  static std::optional<Section> SectionOf(char letter);
  void Line(std::string_view line);
  bool Enter(Section section);
  void Leave(Section section);
  void Read(char letter, std::string_view line);
  void Malformed(const absl::Status& status);

  void ReadBook(std::string_view json);
  void ReadRecord(std::string_view json);
  void ReadEntry(std::string_view line);
  void ReadAccount(std::string_view json);
  void ReadHold(std::string_view json);
  void ReadTile(std::string_view json);
  void ReadHead(std::string_view json);
  void ReadUnreadable(std::string_view json);
  void ReadEnd(std::string_view json);

  void CompareEntry(const EntryLine& stated);
  void CloseRecord();
  void MissEntriesUpTo(std::size_t end);
  void NoteDrift(const EntryLine& stated);
  EntryLine Drifted(EntryLine entry) const;
  AccountLine Drifted(AccountLine account) const;
  void CheckStanding();
  void CheckTotals();
  void MissAccountsUpTo(const std::optional<Uuid>& end);
  void MissHoldsUpTo(const std::optional<Uuid>& end);

  void Wrong(std::string what, std::int64_t number, std::string id, std::string message);
  void BadExport(std::string message) { Wrong("export", 0, "", std::move(message)); }
  std::string NameOf(std::int64_t sequence) const;

  Problems problems_;
  BookReplay replay_;
  LogCheck log_;

  std::string rest_;  // An unfinished line
  bool hopeless_ = false;
  std::int64_t line_number_ = 0;
  Section section_ = Section::kNone;
  crypto::Sha256Stream sha256_;
  LineCounts counts_;

  BookLine book_;
  std::optional<Record> record_;     // The last one
  std::vector<EntryLine> expected_;  // Its entries …
  std::size_t next_expected_ = 0;    // … of which these have come
  absl::flat_hash_map<Uuid, Drift> drifts_;
  std::vector<Uuid> account_ids_;
  std::size_t next_account_ = 0;
  std::vector<Uuid> hold_ids_;
  std::size_t next_hold_ = 0;
  std::map<std::string, Totals> totals_;
};

}  // namespace florin::ledger::proof
