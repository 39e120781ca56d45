// A book recomputed from its journal: what each record does to accounts and holds, and which rules
// of accounting it breaks. Written apart from the ledger's own rules (services/ledger/domain), from
// what records say: an error there does not hide here.
//
// What is held against every record that was not refused:
//   * its place: the sequence has no gaps, commit times strictly increase, no id occurs twice;
//   * its dates: not after the commit, not in a closed period, a reversal's as its original's where
//     it says so; a hold ends when its timeout says;
//   * its accounts: opened before, not closed (where it is not about a hold), of one currency;
//   * its amounts: more than zero; of a balancing posting, what the accounts had; of a capture, no
//     more than is held; of a reversal, those of the original, once;
//   * its preconditions;
//   * after it: every account within its limits, holds included, and every counter within 64 bits.
//
// Debits equal credits by construction here; that the stored balances do is for whoever compares
// (book_check.h). A record that breaks a rule has its effect all the same, as far as it has one, so
// that one wrong record is not taken for many.
//
// Memory: a few hundred octets for each account, about 110 for each record and 17 for each posting
// (since any transaction may be reversed later), 40 for each hold. Not thread-safe. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "absl/container/flat_hash_map.h"
#include "services/ledger/proof/export_format.h"

namespace florin::ledger::proof {

class BookReplay {
 public:
  struct Effect {
    std::vector<EntryLine> entries;       // In order of account id
    std::vector<std::string> objections;  // One sentence for each rule broken
  };
  Effect Apply(const Record& record);

  // Where the book stands after the records so far.
  std::int64_t last_sequence() const { return last_sequence_; }
  absl::Time last_commit_time() const { return last_commit_time_; }
  std::optional<absl::Time> closed_until() const { return closed_until_; }

  // In order of id.
  std::vector<Uuid> AccountIds() const;
  std::vector<Uuid> HoldIds() const;
  // Nothing if the journal has no such one.
  std::optional<AccountLine> FindAccount(const Uuid& id) const;
  std::optional<HoldLine> FindHold(const Uuid& id) const;

  // Has the account stand as in `line`, counters and version, from here on: for whoever has learnt
  // that a record was altered, not what came after it. Nothing for an account that is not known.
  void Correct(const AccountLine& line);

  // The id of the record with this sequence; nothing if there is none. Slow: for messages.
  std::optional<Uuid> TransactionAt(std::int64_t sequence) const;

 private:
  enum class Kind : std::uint8_t {
    kPost,
    kHold,
    kCapture,
    kVoid,
    kExpire,
    kReversal,
    kOpenAccount,
    kCloseAccount,
    kReopenAccount,
    kSetCreditLine,
    kClosePeriod,
    kFreezeAccount
  };
  using AccountIndex = std::uint32_t;
  using RecordIndex = std::uint32_t;

  struct Account {
    AccountLine line;
    bool opened = true;  // False: named before, or without, its opening.
  };
  struct Moved {
    AccountIndex debit = 0;
    AccountIndex credit = 0;
    std::int64_t amount_minor = 0;  // Of a hold: what is left.
  };
  struct Past {
    std::int64_t sequence = 0;
    std::int64_t effective_us = 0;
    std::uint64_t first_posting = 0;  // In postings_
    std::uint16_t posting_count = 0;
    Kind kind = Kind::kPost;
    bool committed = false;
  };
  struct Hold {
    RecordIndex made_by = 0;
    const char* state = "open";
    std::optional<absl::Time> expire_time;
  };
  struct Touch {
    AccountIndex account = 0;
    Counters change;
  };

  static std::optional<Kind> KindOf(std::string_view name);
  void Object(std::string why) { effect_.objections.push_back(std::move(why)); }
  const Record& record() const { return *record_; }
  std::optional<std::int64_t> Asked(std::string_view key) const;  // A number of the request
  bool AskedFlag(std::string_view key) const;

  void CheckPlace();
  void CheckDates(Kind kind);
  void CheckPreconditions();
  void Commit(Kind kind);

  void PostOrHold(bool pending);
  void CheckPosting(std::size_t i, const Moved& moved);
  void CheckBalancing(std::size_t i, const Moved& moved);
  void AddHold();
  void Resolve(Kind kind);
  std::vector<std::int64_t> CapturedAmounts(Kind kind, const Past& made);
  void CheckHoldTime(Kind kind, const Hold& hold);
  void Reverse();
  // The postings of the original that this record reverses, as indices of postings_; nothing if
  // there are none such.
  std::vector<std::uint64_t> Reversed();
  void OpenAccount();
  void SetClosed(bool closed);
  void SetCreditLine();
  void ClosePeriod();
  void FreezeAccount();

  AccountIndex IndexOf(const Uuid& account_id);
  Account* SubjectAccount();
  std::optional<Uuid> SubjectTransaction();
  Posting PostingOf(const Moved& moved) const;
  void CheckMoved(const std::vector<Posting>& expected);
  void CheckOpen(AccountIndex account);
  void CheckNotFrozen(const Moved& moved);

  void Move(const Moved& moved, std::int64_t amount_minor, bool pending);
  void Add(std::int64_t amount_minor, std::int64_t& change, std::int64_t& counter);
  Counters& ChangeOf(AccountIndex account);
  void WriteEntries();
  void CheckLimits(const Account& account);

  std::vector<Account> accounts_;
  absl::flat_hash_map<Uuid, AccountIndex> account_index_;
  std::vector<Past> past_;
  absl::flat_hash_map<Uuid, RecordIndex> record_index_;
  std::vector<Moved> postings_;  // Of all posts, holds and captures
  std::vector<bool> reversed_;   // Whether the posting was
  absl::flat_hash_map<Uuid, Hold> holds_;
  std::int64_t last_sequence_ = 0;
  absl::Time last_commit_time_ = absl::UnixEpoch();
  std::optional<absl::Time> closed_until_;

  // Of the record being applied.
  const Record* record_ = nullptr;
  boost::json::object request_;
  std::vector<Touch> touches_;
  Effect effect_;
};

}  // namespace florin::ledger::proof
