#include "services/ledger/store/rows.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/store/request_json.h"

namespace florin::ledger {
namespace {

absl::StatusOr<std::vector<Uuid>> ReadUuids(const pqxx::field& field) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> texts, pg::ParseArray(field.c_str()));
  std::vector<Uuid> ids;
  ids.reserve(texts.size());
  for (const std::string& text : texts) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(text));
    ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<std::vector<Posting>> ReadPostings(const pqxx::field& debit_ids,
                                                  const pqxx::field& credit_ids,
                                                  const pqxx::field& minor) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Uuid> debits, ReadUuids(debit_ids));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<Uuid> credits, ReadUuids(credit_ids));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<std::string> amounts, pg::ParseArray(minor.c_str()));
  if (debits.size() != amounts.size() || credits.size() != amounts.size()) {
    return Error(Reason::kInternal, "stored postings are arrays of different lengths");
  }
  std::vector<Posting> postings;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    postings.push_back({.debit_account_id = debits[i], .credit_account_id = credits[i]});
    if (!absl::SimpleAtoi(amounts[i], &postings.back().amount_minor)) {
      return Error(Reason::kInternal, "a stored amount is no number");
    }
  }
  return postings;
}

// The action of a kind, with its subject; ReadRequest adds the rest.
absl::StatusOr<Action> MakeAction(std::string_view kind, const Uuid& subject,
                                  const std::vector<Posting>& postings) {
  const Action actions[] = {
      Post{postings},
      MakeHold{postings, {}},
      Capture{subject, {}},
      VoidHold{subject},
      ExpireHold{subject},
      Reverse{subject, {}},
      CloseAccount{subject},
      ReopenAccount{subject},
      SetCreditLine{subject},
      ClosePeriod{},
      OpenAccount{{.account_id = subject, .currency = Currency::Parse("EUR").value()}}};
  for (const Action& action : actions) {
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

void AddText(pg::Array& array, const std::optional<std::string>& text) {
  text ? array.Add(std::string_view(*text)) : array.AddNull();
}

void AddUnlessZero(pg::Array& array, std::int64_t value) {
  value != 0 ? array.Add(value) : array.AddNull();
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
                 .closed = row[11].as<bool>()};
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
  pg::Array debit_ids, credit_ids, minor;
  for (const Posting& posting : postings) {
    debit_ids.Add(posting.debit_account_id);
    credit_ids.Add(posting.credit_account_id);
    minor.Add(posting.amount_minor);
  }
  debits.Add(std::string_view(debit_ids.literal()));
  credits.Add(std::string_view(credit_ids.literal()));
  amounts.Add(std::string_view(minor.literal()));
}

JournalColumns::JournalColumns(const std::vector<Outcome>& outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (IsNewDecision(outcome)) Add(outcome.decision);
  }
}

void JournalColumns::Add(const Decision& decision) {
  const Command& command = decision.command;
  const Commitment* commitment = decision.commitment();
  const Refusal* refusal = decision.refusal();
  sequences.Add(decision.sequence);
  ids.Add(command.transaction_id);
  kinds.Add(KindOf(command.action));
  committed.Add(Micros(decision.commit_time));
  AddTime(effective, EffectiveTimeOf(decision));
  AddTime(expires, commitment != nullptr ? commitment->expire_time : std::nullopt);
  const Uuid* subject = SubjectOf(command.action);
  subject != nullptr ? subjects.Add(*subject) : subjects.AddNull();
  const std::vector<Posting>* asked = PostingsOf(command.action);
  static const std::vector<Posting> kNone;
  postings.Add(commitment != nullptr ? commitment->postings : asked != nullptr ? *asked : kNone);
  pg::Array pairs;
  for (const auto& [key, value] : command.metadata) {
    pairs.Add(std::string_view(key));
    pairs.Add(std::string_view(value));
  }
  metadata.Add(std::string_view(pairs.literal()));
  AddText(requests, WriteRequest(command));
  if (refusal == nullptr) {
    reasons.AddNull();
    messages.AddNull();
    params.AddNull();
  } else {
    reasons.Add(InfoOf(refusal->reason).name);
    messages.Add(std::string_view(refusal->message));
    params.Add(std::string_view(refusal->param));
  }
}

EntryColumns::EntryColumns(const std::vector<Entry>& entries,
                           const std::vector<Outcome>& outcomes) {
  absl::flat_hash_map<std::int64_t, absl::Time> dated;
  for (const Outcome& outcome : outcomes) {
    const auto time = EffectiveTimeOf(outcome.decision);
    if (time && IsNewDecision(outcome)) dated.emplace(outcome.decision.sequence, *time);
  }
  for (const Entry& entry : entries) {
    accounts.Add(entry.account_id);
    sequences.Add(entry.sequence);
    versions.Add(entry.version);
    debits.Add(entry.change.debits_posted);
    credits.Add(entry.change.credits_posted);
    debits_after.Add(entry.after.debits_posted);
    credits_after.Add(entry.after.credits_posted);
    AddUnlessZero(debits_pending, entry.change.debits_pending);
    AddUnlessZero(credits_pending, entry.change.credits_pending);
    AddUnlessZero(debits_pending_after, entry.after.debits_pending);
    AddUnlessZero(credits_pending_after, entry.after.credits_pending);
    const auto time = dated.find(entry.sequence);
    time != dated.end() ? effective.Add(Micros(time->second)) : effective.AddNull();
  }
}

AccountColumns::AccountColumns(const std::vector<Account>& accounts) {
  for (const Account& account : accounts) {
    ids.Add(account.terms.account_id);
    currencies.Add(account.terms.currency.code());
    sides.Add(account.terms.normal_side == NormalSide::kDebit ? "debit" : "credit");
    debits_limited.Add(account.terms.debits_must_not_exceed_credits);
    credits_limited.Add(account.terms.credits_must_not_exceed_debits);
    lines.Add(account.terms.credit_line_minor);
    debits.Add(account.counters.debits_posted);
    credits.Add(account.counters.credits_posted);
    debits_pending.Add(account.counters.debits_pending);
    credits_pending.Add(account.counters.credits_pending);
    versions.Add(account.version);
    closed.Add(account.closed);
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

}  // namespace florin::ledger
