#include "services/ledger/store/rows.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/request_json.h"

namespace florin::ledger {
namespace {

// The elements of an array of ids or numbers, which are never quoted.
absl::StatusOr<std::vector<absl::string_view>> ReadPlainArray(const pqxx::field& field) {
  absl::string_view literal(field.c_str(), field.size());
  if (!absl::ConsumePrefix(&literal, "{") || !absl::ConsumeSuffix(&literal, "}")) {
    return Error(Reason::kInternal, "a stored array is none");
  }
  if (literal.empty()) return std::vector<absl::string_view>();
  return std::vector<absl::string_view>(absl::StrSplit(literal, ','));
}

absl::StatusOr<Uuid> ReadId(absl::string_view text) {
  return Uuid::Parse(std::string_view(text.data(), text.size()));
}

absl::StatusOr<std::vector<Posting>> ReadPostings(const pqxx::field& debit_ids,
                                                  const pqxx::field& credit_ids,
                                                  const pqxx::field& minor) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<absl::string_view> debits, ReadPlainArray(debit_ids));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<absl::string_view> credits, ReadPlainArray(credit_ids));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<absl::string_view> amounts, ReadPlainArray(minor));
  if (debits.size() != amounts.size() || credits.size() != amounts.size()) {
    return Error(Reason::kInternal, "stored postings are arrays of different lengths");
  }
  std::vector<Posting> postings(amounts.size());
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    FLORIN_ASSIGN_OR_RETURN(postings[i].debit_account_id, ReadId(debits[i]));
    FLORIN_ASSIGN_OR_RETURN(postings[i].credit_account_id, ReadId(credits[i]));
    if (!absl::SimpleAtoi(amounts[i], &postings[i].amount_minor)) {
      return Error(Reason::kInternal, "a stored amount is no number");
    }
  }
  return postings;
}

// The action of a kind, with its subject; ReadRequest adds the rest.
absl::StatusOr<Action> MakeAction(std::string_view kind, const Uuid& subject,
                                  const std::vector<Posting>& postings) {
  if (kind == KindOf(Post())) return Post{postings};
  if (kind == KindOf(MakeHold())) return MakeHold{postings, {}};
  const Action others[] = {
      Capture{subject, {}},
      VoidHold{subject},
      ExpireHold{subject},
      Reverse{subject, {}},
      CloseAccount{subject},
      ReopenAccount{subject},
      SetCreditLine{subject},
      FreezeAccount{subject},
      ClosePeriod{},
      OpenAccount{{.account_id = subject, .currency = Currency::Parse("EUR").value()}}};
  for (const Action& action : others) {
    if (KindOf(action) == kind) return action;
  }
  return Error(Reason::kInternal, "a stored kind is unknown");
}

const Uuid* SubjectOf(const Action& action) {
  if (const auto* reverse = std::get_if<Reverse>(&action)) return &reverse->transaction_id;
  if (const Uuid* hold = HoldOf(action)) return hold;
  return AccountOf(action);
}

void AddTime(pg::Array& array, std::optional<absl::Time> time) {
  time ? array.Add(Micros(*time)) : array.AddNull();
}

bool AtOriginalTime(const Action& action) {
  const auto* reverse = std::get_if<Reverse>(&action);
  return reverse != nullptr && reverse->at_original_time;
}

// As it is stored: nothing where it is the time of commit.
std::optional<absl::Time> EffectiveTimeOf(const Decision& decision) {
  const Commitment* commitment = decision.commitment();
  if (commitment != nullptr && AtOriginalTime(decision.command.action)) {
    return commitment->effective_time;
  }
  return decision.command.effective_time;
}

// Postings as the three arrays of a row.
struct PostingArrays {
  pg::Array debits, credits, amounts;
  explicit PostingArrays(const std::vector<Posting>& postings) {
    for (const Posting& posting : postings) {
      debits.Add(posting.debit_account_id);
      credits.Add(posting.credit_account_id);
      amounts.Add(posting.amount_minor);
    }
  }
};

// A field of COPY that may be NULL.
using Field = std::optional<std::string>;
const char* OrNull(const Field& field) { return field ? field->c_str() : nullptr; }

Field UnlessZero(std::int64_t value) { return value == 0 ? Field() : absl::StrCat(value); }

std::string TimestampOf(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone());
}
Field TimestampIfAny(const std::optional<absl::Time>& time) {
  return time ? TimestampOf(*time) : Field();
}

std::string JsonOf(const Metadata& metadata) {
  if (metadata.empty()) return "{}";
  boost::json::object object;
  for (const auto& [key, value] : metadata) object[key] = value;
  return boost::json::serialize(object);
}

}  // namespace

std::int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

absl::Time ReadTime(const pqxx::field& field) {
  return absl::FromUnixMicros(field.as<std::int64_t>());
}

const char* NameOf(HoldState state) {
  switch (state) {
    case HoldState::kOpen:
      return "open";
    case HoldState::kCaptured:
      return "captured";
    case HoldState::kVoided:
      return "voided";
    case HoldState::kExpired:
      break;
  }
  return "expired";
}

absl::StatusOr<Metadata> ReadMetadata(const pqxx::field& field) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> texts, pg::ParseArray(field.c_str()));
  Metadata metadata;
  for (std::size_t i = 0; i + 1 < texts.size(); i += 2) metadata[texts[i]] = texts[i + 1];
  return metadata;
}

absl::StatusOr<Account> ReadAccount(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[1].c_str()));
  const bool debit = std::string_view(row[2].c_str()) == "debit";
  return Account{.terms = {.account_id = id,
                           .currency = currency,
                           .normal_side = debit ? NormalSide::kDebit : NormalSide::kCredit,
                           .debits_must_not_exceed_credits = row[3].as<bool>(),
                           .credits_must_not_exceed_debits = row[4].as<bool>(),
                           .credit_line_minor = row[5].as<std::int64_t>()},
                 .counters = {.debits_posted = row[6].as<std::int64_t>(),
                              .credits_posted = row[7].as<std::int64_t>(),
                              .debits_pending = row[8].as<std::int64_t>(),
                              .credits_pending = row[9].as<std::int64_t>()},
                 .version = row[10].as<std::int64_t>(),
                 .closed = row[11].as<bool>(),
                 .frozen = {.debits = row[12].as<bool>(), .credits = row[13].as<bool>()}};
}

absl::StatusOr<Decision> ReadDecision(const pqxx::row& row) {
  Decision decision{.command = {}, .sequence = row[0].as<std::int64_t>(), .fate = Commitment()};
  Command& command = decision.command;
  FLORIN_ASSIGN_OR_RETURN(command.transaction_id, Uuid::Parse(row[1].c_str()));
  Uuid subject;
  if (!row[6].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(subject, Uuid::Parse(row[6].c_str()));
  }
  FLORIN_ASSIGN_OR_RETURN(std::vector<Posting> postings, ReadPostings(row[7], row[8], row[9]));
  FLORIN_ASSIGN_OR_RETURN(command.action, MakeAction(row[2].c_str(), subject, postings));
  FLORIN_ASSIGN_OR_RETURN(command.metadata, ReadMetadata(row[10]));
  if (!row[11].is_null()) FLORIN_RETURN_IF_ERROR(ReadRequest(row[11].c_str(), command));
  decision.commit_time = ReadTime(row[3]);
  const absl::Time effective_time = row[4].is_null() ? decision.commit_time : ReadTime(row[4]);
  if (!row[4].is_null() && !AtOriginalTime(command.action)) {
    command.effective_time = effective_time;
  }
  if (row[12].is_null()) {
    Commitment commitment{.postings = std::move(postings), .effective_time = effective_time};
    if (!row[5].is_null()) commitment.expire_time = ReadTime(row[5]);
    decision.fate = std::move(commitment);
    return decision;
  }
  const std::optional<Reason> reason = ReasonFromName(row[12].c_str());
  if (!reason) return Error(Reason::kInternal, "a stored refusal has an unknown reason");
  decision.fate = Refusal{.reason = *reason,
                          .message = row[13].as<std::string>(),
                          .param = row[14].as<std::string>(),
                          .remembered = true};
  return decision;
}

absl::StatusOr<Hold> ReadHold(const pqxx::row& row) {
  Hold hold;
  FLORIN_ASSIGN_OR_RETURN(hold.hold_id, Uuid::Parse(row[0].c_str()));
  for (const HoldState state :
       {HoldState::kOpen, HoldState::kCaptured, HoldState::kVoided, HoldState::kExpired}) {
    if (std::string_view(NameOf(state)) == row[1].c_str()) hold.state = state;
  }
  if (!row[2].is_null()) hold.expire_time = ReadTime(row[2]);
  FLORIN_ASSIGN_OR_RETURN(hold.postings, ReadPostings(row[3], row[4], row[5]));
  return hold;
}

Entry ReadEntry(const Uuid& account_id, const pqxx::row& row) {
  const auto number = [&row](int column) { return row[column].as<std::int64_t>(); };
  return {.account_id = account_id,
          .version = number(0),
          .sequence = number(1),
          .change = {.debits_posted = number(2),
                     .credits_posted = number(3),
                     .debits_pending = number(6),
                     .credits_pending = number(7)},
          .after = {.debits_posted = number(4),
                    .credits_posted = number(5),
                    .debits_pending = number(8),
                    .credits_pending = number(9)}};
}

std::string UuidsLiteral(const std::vector<Uuid>& ids) {
  pg::Array array;
  for (const Uuid& id : ids) array.Add(id);
  return array.literal();
}

// Arrays of arrays of different lengths don't unnest: each is a text, cast in the statement.
void PostingColumns::Add(const std::vector<Posting>& postings) {
  const PostingArrays arrays(postings);
  debits.Add(std::string_view(arrays.debits.literal()));
  credits.Add(std::string_view(arrays.credits.literal()));
  amounts.Add(std::string_view(arrays.amounts.literal()));
}

AccountColumns::AccountColumns(const std::vector<Account>& accounts) {
  for (const Account& account : accounts) {
    ids.Add(account.terms.account_id);
    currencies.Add(account.terms.currency.code());
    sides.Add(account.terms.normal_side == NormalSide::kDebit ? "debit" : "credit");
    debits_limited.Add(account.terms.debits_must_not_exceed_credits);
    credits_limited.Add(account.terms.credits_must_not_exceed_debits);
    lines.Add(account.terms.credit_line_minor);
    closed.Add(account.closed);
    frozen_debits.Add(account.frozen.debits);
    frozen_credits.Add(account.frozen.credits);
  }
}

HoldColumns::HoldColumns(const std::vector<Hold>& holds) {
  for (const Hold& hold : holds) {
    ids.Add(hold.hold_id);
    states.Add(NameOf(hold.state));
    const bool ends = hold.expire_time != absl::InfiniteFuture();
    AddTime(expires, ends ? std::optional(hold.expire_time) : std::nullopt);
    postings.Add(hold.postings);
  }
}

namespace {

void CopyDecision(pqxx::stream_to& rows, const std::string& book, const Decision& decision) {
  const Command& command = decision.command;
  const Commitment* commitment = decision.commitment();
  const Refusal* refusal = decision.refusal();
  const Field effective = TimestampIfAny(EffectiveTimeOf(decision));
  const Field expires =
      TimestampIfAny(commitment != nullptr ? commitment->expire_time : std::nullopt);
  const Uuid* subject_id = SubjectOf(command.action);
  const Field subject = subject_id != nullptr ? subject_id->ToString() : Field();
  const std::vector<Posting>* asked = PostingsOf(command.action);
  static const std::vector<Posting> kNone;
  const PostingArrays postings(commitment != nullptr ? commitment->postings
                               : asked != nullptr    ? *asked
                                                     : kNone);
  const Field request = WriteRequest(command);
  Field reason, message, param;
  if (refusal != nullptr) {
    reason = std::string(InfoOf(refusal->reason).name);
    message = refusal->message;
    param = refusal->param;
  }
  rows << std::make_tuple(book, decision.sequence, command.transaction_id.ToString(),
                          std::string(KindOf(command.action)), TimestampOf(decision.commit_time),
                          OrNull(effective), OrNull(expires), OrNull(subject),
                          postings.debits.literal(), postings.credits.literal(),
                          postings.amounts.literal(), JsonOf(command.metadata), OrNull(request),
                          OrNull(reason), OrNull(message), OrNull(param));
}

void CopyEntry(pqxx::stream_to& rows, const std::string& book, const Entry& entry,
               const Field& effective) {
  const Field debit_pending = UnlessZero(entry.change.debits_pending);
  const Field credit_pending = UnlessZero(entry.change.credits_pending);
  const Field debits_pending_after = UnlessZero(entry.after.debits_pending);
  const Field credits_pending_after = UnlessZero(entry.after.credits_pending);
  rows << std::make_tuple(
      book, entry.account_id.ToString(), entry.sequence, entry.version, entry.change.debits_posted,
      entry.change.credits_posted, entry.after.debits_posted, entry.after.credits_posted,
      OrNull(debit_pending), OrNull(credit_pending), OrNull(debits_pending_after),
      OrNull(credits_pending_after), OrNull(effective));
}

}  // namespace

void CopyDecisions(pqxx::transaction_base& transaction, const std::string& book,
                   const std::vector<Outcome>& outcomes) {
  static const std::vector<std::string> kColumns = {"book",
                                                    "sequence",
                                                    "transaction_id",
                                                    "kind",
                                                    "committed_at",
                                                    "effective_at",
                                                    "expires_at",
                                                    "subject_id",
                                                    "debit_account_ids",
                                                    "credit_account_ids",
                                                    "amounts_minor",
                                                    "metadata",
                                                    "request",
                                                    "reason",
                                                    "message",
                                                    "param"};
  pqxx::stream_to rows(transaction, "journal", kColumns);
  for (const Outcome& outcome : outcomes) {
    if (IsNewDecision(outcome)) CopyDecision(rows, book, outcome.decision);
  }
  rows.complete();
}

void CopyEntries(pqxx::transaction_base& transaction, const std::string& book,
                 const Effects& effects) {
  if (effects.entries.empty()) return;
  static const std::vector<std::string> kColumns = {"book",
                                                    "account_id",
                                                    "sequence",
                                                    "version",
                                                    "debit_minor",
                                                    "credit_minor",
                                                    "debits_posted_after",
                                                    "credits_posted_after",
                                                    "debit_pending_minor",
                                                    "credit_pending_minor",
                                                    "debits_pending_after",
                                                    "credits_pending_after",
                                                    "effective_at"};
  absl::flat_hash_map<std::int64_t, absl::Time> dated;
  for (const Outcome& outcome : effects.outcomes) {
    const auto time = EffectiveTimeOf(outcome.decision);
    if (time && IsNewDecision(outcome)) dated.emplace(outcome.decision.sequence, *time);
  }
  // In the order of the index, so that neighbours find their pages in the processor's caches.
  std::vector<const Entry*> ordered;
  ordered.reserve(effects.entries.size());
  for (const Entry& entry : effects.entries) ordered.push_back(&entry);
  std::stable_sort(ordered.begin(), ordered.end(), [](const Entry* one, const Entry* other) {
    return one->account_id < other->account_id;
  });
  pqxx::stream_to rows(transaction, "entries", kColumns);
  for (const Entry* entry : ordered) {
    const auto time = dated.find(entry->sequence);
    CopyEntry(rows, book, *entry, time == dated.end() ? Field() : TimestampOf(time->second));
  }
  rows.complete();
}

}  // namespace florin::ledger
