#include "services/ledger/proof/book_replay.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ledger/proof/canonical_json.h"

namespace florin::ledger::proof {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostPostings = 64;
constexpr __int128 kMost = std::numeric_limits<std::int64_t>::max();

std::string AccountName(const Uuid& id) { return FormatId(IdKind::kAccount, id); }

std::int64_t BalanceOf(const AccountLine& account) {
  std::int64_t balance = 0;
  const Counters& counters = account.counters;
  const bool debit = account.normal_side == "debit";
  (void)__builtin_sub_overflow(debit ? counters.debits_posted : counters.credits_posted,
                               debit ? counters.credits_posted : counters.debits_posted, &balance);
  return balance;
}

std::optional<std::int64_t> NumberIn(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  return value->as_int64();
}

bool FlagIn(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->as_bool();
}

// Of the least number: itself.
std::int64_t Negative(std::int64_t value) {
  return static_cast<std::int64_t>(-static_cast<std::uint64_t>(value));
}

std::optional<std::int64_t> UnlessZero(std::int64_t value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

}  // namespace

std::optional<BookReplay::Kind> BookReplay::KindOf(std::string_view name) {
  static constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"post", Kind::kPost},
      {"hold", Kind::kHold},
      {"capture", Kind::kCapture},
      {"void", Kind::kVoid},
      {"expire", Kind::kExpire},
      {"reversal", Kind::kReversal},
      {"open_account", Kind::kOpenAccount},
      {"close_account", Kind::kCloseAccount},
      {"reopen_account", Kind::kReopenAccount},
      {"set_credit_line", Kind::kSetCreditLine},
      {"close_period", Kind::kClosePeriod},
      {"freeze_account", Kind::kFreezeAccount}};
  for (const auto& [known, kind] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::optional<std::int64_t> BookReplay::Asked(std::string_view key) const {
  return NumberIn(request_, key);
}

bool BookReplay::AskedFlag(std::string_view key) const { return FlagIn(request_, key); }

BookReplay::Effect BookReplay::Apply(const Record& record) {
  record_ = &record;
  effect_ = {};
  touches_.clear();
  request_ = {};
  const std::optional<Kind> kind = KindOf(record.kind);
  if (!kind) Object(absl::StrCat("its kind is unknown: ", record.kind));
  CheckPlace();
  past_.push_back(
      {.sequence = record.sequence,
       .effective_us = absl::ToUnixMicros(record.effective_time.value_or(record.commit_time)),
       .first_posting = postings_.size(),
       .kind = kind.value_or(Kind::kPost),
       .committed = kind && !record.refused});
  if (record.refused && !ReasonFromName(record.refused->reason)) {
    Object(absl::StrCat("it was refused for an unknown reason: ", record.refused->reason));
  }
  if (past_.back().committed) {
    try {
      if (!record.request.empty()) request_ = ReadObject(record.request);
      Commit(*kind);
    } catch (const std::exception&) {
      Object("its request is malformed");
    }
    WriteEntries();
  }
  past_.back().posting_count =
      static_cast<std::uint16_t>(postings_.size() - past_.back().first_posting);
  return std::move(effect_);
}

void BookReplay::CheckPlace() {
  if (record().sequence != __int128{last_sequence_} + 1) {
    Object(absl::StrCat(
        "sequence ", last_sequence_, " comes before it: ",
        record().sequence > last_sequence_ ? "records are missing" : "records are out of order"));
  }
  last_sequence_ = record().sequence;
  if (record().commit_time <= last_commit_time_) {
    Object("its commit time is not after that of the record before it");
  }
  last_commit_time_ = record().commit_time;
  const auto index = static_cast<RecordIndex>(past_.size());
  if (!record_index_.emplace(record().transaction_id, index).second) {
    Object("its transaction id was used before");
  }
}

void BookReplay::CheckDates(Kind kind) {
  if (!record().effective_time) return Object("it has no effective time");
  const absl::Time effective = *record().effective_time;
  if (effective > record().commit_time) Object("its effective time is after its commit");
  if (closed_until_ && effective < *closed_until_) {
    Object("its effective time is in a period that was closed");
  }
  if (kind >= Kind::kOpenAccount && effective != record().commit_time) {
    Object("it moves no money, so its effective time is that of its commit");
  }
  std::optional<absl::Time> expires;
  if (kind == Kind::kHold) {
    if (const auto timeout = Asked("timeout_us")) {
      expires = record().commit_time + absl::Microseconds(*timeout);
    }
  }
  if (record().expire_time != expires) Object("its expire time is not that of its timeout");
}

void BookReplay::CheckPreconditions() {
  const json::value* preconditions = request_.if_contains("preconditions");
  if (preconditions == nullptr) return;
  for (const json::value& value : preconditions->as_array()) {
    const json::object& wanted = value.as_object();
    const absl::StatusOr<Uuid> id = Uuid::Parse(TextOf(wanted, "account_id"));
    if (!id.ok()) throw Malformed();
    const AccountLine& account = accounts_[IndexOf(*id)].line;
    const std::int64_t balance = BalanceOf(account);
    if (NumberIn(wanted, "version").value_or(account.version) != account.version ||
        balance < NumberIn(wanted, "least_balance_minor").value_or(balance) ||
        balance > NumberIn(wanted, "most_balance_minor").value_or(balance)) {
      Object(absl::StrCat("its precondition on ", AccountName(*id), " did not hold"));
    }
  }
}

void BookReplay::Commit(Kind kind) {
  CheckDates(kind);
  CheckPreconditions();
  if (kind >= Kind::kOpenAccount) CheckMoved({});
  switch (kind) {
    case Kind::kPost:
      return PostOrHold(false);
    case Kind::kHold:
      PostOrHold(true);
      return AddHold();
    case Kind::kCapture:
    case Kind::kVoid:
    case Kind::kExpire:
      return Resolve(kind);
    case Kind::kReversal:
      return Reverse();
    case Kind::kOpenAccount:
      return OpenAccount();
    case Kind::kCloseAccount:
      return SetClosed(true);
    case Kind::kReopenAccount:
      return SetClosed(false);
    case Kind::kSetCreditLine:
      return SetCreditLine();
    case Kind::kClosePeriod:
      return ClosePeriod();
    case Kind::kFreezeAccount:
      return FreezeAccount();
  }
}

// ---- What moves or is held

void BookReplay::PostOrHold(bool pending) {
  const std::vector<Posting>& postings = record().postings;
  if (postings.empty() || postings.size() > kMostPostings) Object("it has not 1 to 64 postings");
  for (std::size_t i = 0; i < postings.size() && i < kMostPostings; ++i) {
    const Moved moved = {IndexOf(postings[i].debit_account_id),
                         IndexOf(postings[i].credit_account_id), postings[i].amount_minor};
    CheckPosting(i, moved);
    CheckBalancing(i, moved);
    Move(moved, moved.amount_minor, pending);
    postings_.push_back(moved);
    reversed_.push_back(false);
  }
}

void BookReplay::CheckPosting(std::size_t i, const Moved& moved) {
  const Account& debit = accounts_[moved.debit];
  const Account& credit = accounts_[moved.credit];
  if (moved.debit == moved.credit) Object(absl::StrCat("posting ", i, " is within one account"));
  if (moved.amount_minor <= 0) Object(absl::StrCat("posting ", i, " moves nothing"));
  if (debit.opened && credit.opened && debit.line.currency != credit.line.currency) {
    Object(absl::StrCat("posting ", i, " is between ", debit.line.currency, " and ",
                        credit.line.currency));
  }
  CheckOpen(moved.debit);
  CheckOpen(moved.credit);
  CheckNotFrozen(moved);
}

void BookReplay::CheckBalancing(std::size_t i, const Moved& moved) {
  const json::value* asked = request_.if_contains("asked");
  if (asked == nullptr) return;
  const std::string_view sides(request_.at("balancing").as_array().at(i).as_string().data(),
                               request_.at("balancing").as_array().at(i).as_string().size());
  __int128 amount = asked->as_array().at(i).as_int64();
  const Counters& debit = accounts_[moved.debit].line.counters;
  const Counters& credit = accounts_[moved.credit].line.counters;
  if (sides.find('d') != std::string_view::npos) {
    amount = std::min(amount,
                      __int128{debit.credits_posted} - debit.debits_posted - debit.debits_pending);
  }
  if (sides.find('c') != std::string_view::npos) {
    amount = std::min(
        amount, __int128{credit.debits_posted} - credit.credits_posted - credit.credits_pending);
  }
  if (amount != moved.amount_minor) {
    Object(absl::StrCat("posting ", i, " moves ", moved.amount_minor, ", not what was asked"));
  }
}

void BookReplay::AddHold() {
  holds_.emplace(record().transaction_id,
                 Hold{.made_by = static_cast<RecordIndex>(past_.size() - 1),
                      .expire_time = record().expire_time});
}

void BookReplay::Resolve(Kind kind) {
  const std::optional<Uuid> id = SubjectTransaction();
  const auto found = id ? holds_.find(*id) : holds_.end();
  if (found == holds_.end()) return Object("it is about a hold that was never made");
  Hold& hold = found->second;
  if (std::string_view(hold.state) != "open") {
    return Object(absl::StrCat("it is about a hold that was ", hold.state, " before"));
  }
  CheckHoldTime(kind, hold);
  const Past made = past_[hold.made_by];
  const std::vector<std::int64_t> captured = CapturedAmounts(kind, made);
  const bool releases = kind != Kind::kCapture || AskedFlag("final");
  std::vector<Posting> expected;
  bool left = false;
  for (std::size_t i = 0; i < made.posting_count; ++i) {
    const Moved held = postings_[made.first_posting + i];
    const std::int64_t resolved = releases ? held.amount_minor : captured[i];
    Moved moved = held;
    moved.amount_minor = captured[i];
    if (resolved != 0) {
      Move(held, Negative(resolved), true);
      Move(held, captured[i], false);
    }
    if (captured[i] > 0) {
      expected.push_back(PostingOf(moved));
      postings_.push_back(moved);
      reversed_.push_back(false);
    }
    postings_[made.first_posting + i].amount_minor -= resolved;
    left |= postings_[made.first_posting + i].amount_minor > 0;
  }
  CheckMoved(expected);
  if (left) return;
  hold.state = kind == Kind::kCapture ? "captured" : kind == Kind::kVoid ? "voided" : "expired";
}

void BookReplay::CheckHoldTime(Kind kind, const Hold& hold) {
  const bool over = hold.expire_time && *hold.expire_time <= record().commit_time;
  if (over && kind != Kind::kExpire) Object("the hold's time was over");
  if (!over && kind == Kind::kExpire) Object("the hold's time was not over");
}

// One for each posting of the hold, no more than it holds.
std::vector<std::int64_t> BookReplay::CapturedAmounts(Kind kind, const Past& made) {
  std::vector<std::int64_t> amounts(made.posting_count, 0);
  if (kind != Kind::kCapture) return amounts;
  const json::value* asked = request_.if_contains("amounts");
  const bool fits = asked == nullptr || asked->as_array().size() == amounts.size();
  if (!fits) Object("it captures another number of postings than are held");
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const std::int64_t held = postings_[made.first_posting + i].amount_minor;
    amounts[i] = asked == nullptr || !fits ? held : asked->as_array().at(i).as_int64();
    if (amounts[i] >= 0 && amounts[i] <= held) continue;
    Object(absl::StrCat("it captures ", amounts[i], " of posting ", i, ", of which ", held,
                        " is held"));
    amounts[i] = amounts[i] < 0 ? 0 : held;
  }
  return amounts;
}

void BookReplay::Reverse() {
  const std::vector<std::uint64_t> originals = Reversed();
  std::vector<Posting> expected;
  for (const std::uint64_t original : originals) {
    const Moved moved = {postings_[original].credit, postings_[original].debit,
                         postings_[original].amount_minor};
    if (reversed_[original]) Object("it reverses what was reversed before");
    reversed_[original] = true;
    CheckOpen(moved.debit);
    CheckOpen(moved.credit);
    CheckNotFrozen(moved);
    Move(moved, moved.amount_minor, false);
    expected.push_back(PostingOf(moved));
  }
  if (!originals.empty()) return CheckMoved(expected);
  // Nothing to hold it to: it counts for what it says.
  for (const Posting& posting : record().postings) {
    const Moved moved = {IndexOf(posting.debit_account_id), IndexOf(posting.credit_account_id),
                         posting.amount_minor};
    Move(moved, moved.amount_minor, false);
  }
}

std::vector<std::uint64_t> BookReplay::Reversed() {
  const std::optional<Uuid> id = SubjectTransaction();
  const auto found = id ? record_index_.find(*id) : record_index_.end();
  std::vector<std::uint64_t> originals;
  if (found == record_index_.end() || !past_[found->second].committed) {
    Object("it reverses a transaction that never was");
    return originals;
  }
  const Past& original = past_[found->second];
  if (original.kind != Kind::kPost && original.kind != Kind::kCapture) {
    Object("it reverses what is neither a post nor a capture");
    return originals;
  }
  if (AskedFlag("at_original_time") && absl::ToUnixMicros(record().effective_time.value_or(
                                           record().commit_time)) != original.effective_us) {
    Object("its effective time is not that of the original");
  }
  const std::optional<std::int64_t> only = Asked("posting");
  for (std::int64_t i = 0; i < original.posting_count; ++i) {
    if (only.value_or(i) == i) originals.push_back(original.first_posting + i);
  }
  if (originals.empty()) Object("it reverses a posting that never was");
  return originals;
}

// ---- What is about accounts and the book

void BookReplay::OpenAccount() {
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kAccount, record().subject, "subject");
  if (!id.ok()) return Object("it is about no account");
  AccountLine line;
  line.account_id = *id;
  line.currency = TextOf(request_, "currency");
  line.normal_side = TextOf(request_, "normal_side");
  line.debits_must_not_exceed_credits = AskedFlag("debits_must_not_exceed_credits");
  line.credits_must_not_exceed_debits = AskedFlag("credits_must_not_exceed_debits");
  line.credit_line_minor = Asked("credit_line_minor").value_or(0);
  if (line.credit_line_minor < 0 ||
      (line.credit_line_minor > 0 && !line.debits_must_not_exceed_credits)) {
    Object("its credit line is impossible");
  }
  const auto [place, is_new] =
      account_index_.emplace(*id, static_cast<AccountIndex>(accounts_.size()));
  if (is_new) {
    accounts_.push_back({.line = std::move(line)});
    return;
  }
  Account& account = accounts_[place->second];
  Object(account.opened ? "it opens an account that was opened before"
                        : "it opens an account that was used before");
  if (account.opened) return;
  line.counters = account.line.counters;
  line.version = account.line.version;
  account = {.line = std::move(line)};
}

void BookReplay::SetClosed(bool closed) {
  Account* account = SubjectAccount();
  if (account == nullptr) return;
  if (account->line.closed == closed) {
    Object(closed ? "it closes an account that is closed" : "it reopens an account that is open");
  }
  account->line.closed = closed;
}

void BookReplay::SetCreditLine() {
  Account* account = SubjectAccount();
  if (account == nullptr) return;
  const std::int64_t credit_line_minor = Asked("credit_line_minor").value_or(0);
  if (credit_line_minor < 0 ||
      (credit_line_minor > 0 && !account->line.debits_must_not_exceed_credits)) {
    Object("its credit line is impossible");
  }
  account->line.credit_line_minor = credit_line_minor;
  CheckLimits(*account);
}

void BookReplay::ClosePeriod() {
  const absl::Time until = absl::FromUnixMicros(Asked("until_us").value_or(0));
  if (until > record().commit_time) Object("it closes a period that was not over");
  if (closed_until_ && until <= *closed_until_) Object("it closes a period that was closed before");
  closed_until_ = until;
}

void BookReplay::FreezeAccount() {
  Account* account = SubjectAccount();
  if (account == nullptr) return;
  account->line.frozen_debits = AskedFlag("debits");
  account->line.frozen_credits = AskedFlag("credits");
}

// ---- Looking up

BookReplay::AccountIndex BookReplay::IndexOf(const Uuid& account_id) {
  const auto [place, is_new] =
      account_index_.emplace(account_id, static_cast<AccountIndex>(accounts_.size()));
  if (is_new) {
    Object(absl::StrCat("it names ", AccountName(account_id), ", which was never opened"));
    AccountLine line;
    line.account_id = account_id;
    accounts_.push_back({.line = std::move(line), .opened = false});
  }
  return place->second;
}

BookReplay::Account* BookReplay::SubjectAccount() {
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kAccount, record().subject, "subject");
  if (id.ok()) return &accounts_[IndexOf(*id)];
  Object("it is about no account");
  return nullptr;
}

std::optional<Uuid> BookReplay::SubjectTransaction() {
  const absl::StatusOr<Uuid> id = ParseId(IdKind::kTransaction, record().subject, "subject");
  return id.ok() ? std::optional(*id) : std::nullopt;
}

Posting BookReplay::PostingOf(const Moved& moved) const {
  return {.debit_account_id = accounts_[moved.debit].line.account_id,
          .credit_account_id = accounts_[moved.credit].line.account_id,
          .amount_minor = moved.amount_minor};
}

void BookReplay::CheckMoved(const std::vector<Posting>& expected) {
  if (record().postings != expected) Object("its postings are not what it moves");
}

void BookReplay::CheckOpen(AccountIndex account) {
  const AccountLine& line = accounts_[account].line;
  if (line.closed) Object(absl::StrCat(AccountName(line.account_id), " was closed"));
}

void BookReplay::CheckNotFrozen(const Moved& moved) {
  const AccountLine& debit = accounts_[moved.debit].line;
  const AccountLine& credit = accounts_[moved.credit].line;
  if (debit.frozen_debits) Object(AccountName(debit.account_id) + "'s debits were frozen");
  if (credit.frozen_credits) Object(AccountName(credit.account_id) + "'s credits were frozen");
}

// ---- Counting

void BookReplay::Move(const Moved& moved, std::int64_t amount_minor, bool pending) {
  Counters& debit = accounts_[moved.debit].line.counters;
  Counters& debit_change = ChangeOf(moved.debit);
  pending ? Add(amount_minor, debit_change.debits_pending, debit.debits_pending)
          : Add(amount_minor, debit_change.debits_posted, debit.debits_posted);
  Counters& credit = accounts_[moved.credit].line.counters;
  Counters& credit_change = ChangeOf(moved.credit);
  pending ? Add(amount_minor, credit_change.credits_pending, credit.credits_pending)
          : Add(amount_minor, credit_change.credits_posted, credit.credits_posted);
}

void BookReplay::Add(std::int64_t amount_minor, std::int64_t& change, std::int64_t& counter) {
  const bool change_fits = !__builtin_add_overflow(change, amount_minor, &change);
  const bool counter_fits = !__builtin_add_overflow(counter, amount_minor, &counter);
  if (!change_fits || !counter_fits) Object("an account cannot count that much");
}

Counters& BookReplay::ChangeOf(AccountIndex account) {
  for (Touch& touch : touches_) {
    if (touch.account == account) return touch.change;
  }
  touches_.push_back({.account = account, .change = {}});
  return touches_.back().change;
}

void BookReplay::WriteEntries() {
  const auto id_of = [this](const Touch& touch) -> const Uuid& {
    return accounts_[touch.account].line.account_id;
  };
  std::sort(touches_.begin(), touches_.end(),
            [&](const Touch& a, const Touch& b) { return id_of(a) < id_of(b); });
  std::optional<absl::Time> effective = record().effective_time;
  if (effective == record().commit_time) effective.reset();
  for (const Touch& touch : touches_) {
    AccountLine& line = accounts_[touch.account].line;
    (void)__builtin_add_overflow(line.version, 1, &line.version);
    effect_.entries.push_back({.account_id = line.account_id,
                               .sequence = record().sequence,
                               .version = line.version,
                               .debit_minor = touch.change.debits_posted,
                               .credit_minor = touch.change.credits_posted,
                               .debits_posted_after = line.counters.debits_posted,
                               .credits_posted_after = line.counters.credits_posted,
                               .debit_pending_minor = UnlessZero(touch.change.debits_pending),
                               .credit_pending_minor = UnlessZero(touch.change.credits_pending),
                               .debits_pending_after = UnlessZero(line.counters.debits_pending),
                               .credits_pending_after = UnlessZero(line.counters.credits_pending),
                               .effective_time = effective});
    CheckLimits(accounts_[touch.account]);
  }
}

void BookReplay::CheckLimits(const Account& account) {
  const AccountLine& line = account.line;
  const Counters& now = line.counters;
  if (now.debits_posted < 0 || now.credits_posted < 0 || now.debits_pending < 0 ||
      now.credits_pending < 0 || __int128{now.debits_posted} + now.debits_pending > kMost ||
      __int128{now.credits_posted} + now.credits_pending > kMost) {
    Object(absl::StrCat("the counters of ", AccountName(line.account_id), " leave their range"));
  }
  const __int128 debits_less_credits = __int128{now.debits_posted} - now.credits_posted;
  const __int128 line_left = __int128{line.credit_line_minor} - now.debits_pending;
  if (line.debits_must_not_exceed_credits && debits_less_credits > line_left) {
    Object(absl::StrCat("the debits of ", AccountName(line.account_id), " exceed its credits"));
  }
  if (line.credits_must_not_exceed_debits && debits_less_credits < now.credits_pending) {
    Object(absl::StrCat("the credits of ", AccountName(line.account_id), " exceed its debits"));
  }
}

// ---- The result

std::vector<Uuid> BookReplay::AccountIds() const {
  std::vector<Uuid> ids;
  ids.reserve(accounts_.size());
  for (const Account& account : accounts_) ids.push_back(account.line.account_id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<Uuid> BookReplay::HoldIds() const {
  std::vector<Uuid> ids;
  ids.reserve(holds_.size());
  for (const auto& [id, hold] : holds_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::optional<AccountLine> BookReplay::FindAccount(const Uuid& id) const {
  const auto found = account_index_.find(id);
  if (found == account_index_.end()) return std::nullopt;
  return accounts_[found->second].line;
}

std::optional<HoldLine> BookReplay::FindHold(const Uuid& id) const {
  const auto found = holds_.find(id);
  if (found == holds_.end()) return std::nullopt;
  const Hold& hold = found->second;
  HoldLine line{.hold_id = id, .state = hold.state, .expire_time = hold.expire_time};
  const Past& made = past_[hold.made_by];
  for (std::size_t i = 0; i < made.posting_count; ++i) {
    line.postings.push_back(PostingOf(postings_[made.first_posting + i]));
  }
  return line;
}

void BookReplay::Correct(const AccountLine& line) {
  const auto found = account_index_.find(line.account_id);
  if (found == account_index_.end()) return;
  accounts_[found->second].line.counters = line.counters;
  accounts_[found->second].line.version = line.version;
}

std::optional<Uuid> BookReplay::TransactionAt(std::int64_t sequence) const {
  for (const auto& [id, index] : record_index_) {
    if (past_[index].sequence == sequence) return id;
  }
  return std::nullopt;
}

}  // namespace florin::ledger::proof
