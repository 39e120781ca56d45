#include "services/ledger/store/request_json.h"

#include <vector>

#include <boost/json.hpp>

namespace florin::ledger {
namespace {

namespace json = boost::json;

std::string BalancingOf(const Posting& posting) {
  std::string sides;
  if (posting.balancing_debit) sides += 'd';
  if (posting.balancing_credit) sides += 'c';
  return sides;
}

void WritePostings(const std::vector<Posting>& postings, json::object& object) {
  bool any = false;
  for (const Posting& posting : postings) any |= !BalancingOf(posting).empty();
  if (!any) return;
  json::array asked, balancing;
  for (const Posting& posting : postings) {
    asked.emplace_back(posting.amount_minor);
    balancing.emplace_back(BalancingOf(posting));
  }
  object["asked"] = std::move(asked);
  object["balancing"] = std::move(balancing);
}

void WriteTerms(const AccountTerms& terms, json::object& object) {
  object["currency"] = std::string(terms.currency.code());
  object["normal_side"] = terms.normal_side == NormalSide::kDebit ? "debit" : "credit";
  if (terms.debits_must_not_exceed_credits) object["debits_must_not_exceed_credits"] = true;
  if (terms.credits_must_not_exceed_debits) object["credits_must_not_exceed_debits"] = true;
  if (terms.credit_line_minor > 0) object["credit_line_minor"] = terms.credit_line_minor;
}

void WriteAction(const Action& action, json::object& object) {
  if (const auto* post = std::get_if<Post>(&action)) WritePostings(post->postings, object);
  if (const auto* hold = std::get_if<MakeHold>(&action)) {
    WritePostings(hold->postings, object);
    if (hold->timeout) object["timeout_us"] = absl::ToInt64Microseconds(*hold->timeout);
  }
  if (const auto* capture = std::get_if<Capture>(&action)) {
    if (!capture->amounts_minor.empty())
      object["amounts"] = json::value_from(capture->amounts_minor);
    if (capture->final) object["final"] = true;
  }
  if (const auto* reverse = std::get_if<Reverse>(&action)) {
    if (reverse->posting) object["posting"] = *reverse->posting;
    if (reverse->at_original_time) object["at_original_time"] = true;
  }
  if (const auto* open = std::get_if<OpenAccount>(&action)) WriteTerms(open->terms, object);
  if (const auto* line = std::get_if<SetCreditLine>(&action)) {
    object["credit_line_minor"] = line->credit_line_minor;
  }
  if (const auto* close = std::get_if<ClosePeriod>(&action)) {
    object["until_us"] = absl::ToUnixMicros(close->until);
  }
  if (const auto* freeze = std::get_if<FreezeAccount>(&action)) {
    if (freeze->frozen.debits) object["debits"] = true;
    if (freeze->frozen.credits) object["credits"] = true;
  }
}

json::array WritePreconditions(const std::vector<Precondition>& preconditions) {
  json::array array;
  for (const Precondition& one : preconditions) {
    json::object object;
    object["account_id"] = one.account_id.ToString();
    if (one.version) object["version"] = *one.version;
    if (one.least_balance_minor) object["least_balance_minor"] = *one.least_balance_minor;
    if (one.most_balance_minor) object["most_balance_minor"] = *one.most_balance_minor;
    array.push_back(std::move(object));
  }
  return array;
}

// Readers. They throw where the JSON is not ours; ReadRequest catches.

std::optional<std::int64_t> Number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  return value->as_int64();
}

bool Flag(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->as_bool();
}

std::string Text(const json::object& object, std::string_view key) {
  const json::string& text = object.at(key).as_string();
  return {text.data(), text.size()};
}

std::vector<std::int64_t> Numbers(const json::value& value) {
  std::vector<std::int64_t> numbers;
  for (const json::value& number : value.as_array()) numbers.push_back(number.as_int64());
  return numbers;
}

void ReadPostings(const json::object& object, std::vector<Posting>& postings) {
  const json::value* asked = object.if_contains("asked");
  if (asked == nullptr) return;
  const std::vector<std::int64_t> amounts = Numbers(*asked);
  const json::array& balancing = object.at("balancing").as_array();
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const std::string_view sides(balancing.at(i).as_string().data(),
                                 balancing.at(i).as_string().size());
    postings[i].amount_minor = amounts.at(i);
    postings[i].balancing_debit = sides.find('d') != std::string_view::npos;
    postings[i].balancing_credit = sides.find('c') != std::string_view::npos;
  }
}

absl::Status ReadTerms(const json::object& object, AccountTerms& terms) {
  FLORIN_ASSIGN_OR_RETURN(terms.currency, Currency::Parse(Text(object, "currency")));
  const bool debit = Text(object, "normal_side") == "debit";
  terms.normal_side = debit ? NormalSide::kDebit : NormalSide::kCredit;
  terms.debits_must_not_exceed_credits = Flag(object, "debits_must_not_exceed_credits");
  terms.credits_must_not_exceed_debits = Flag(object, "credits_must_not_exceed_debits");
  terms.credit_line_minor = Number(object, "credit_line_minor").value_or(0);
  return absl::OkStatus();
}

absl::Status ReadAction(const json::object& object, Action& action) {
  if (auto* post = std::get_if<Post>(&action)) ReadPostings(object, post->postings);
  if (auto* hold = std::get_if<MakeHold>(&action)) {
    ReadPostings(object, hold->postings);
    if (const auto timeout = Number(object, "timeout_us")) {
      hold->timeout = absl::Microseconds(*timeout);
    }
  }
  if (auto* capture = std::get_if<Capture>(&action)) {
    if (const json::value* amounts = object.if_contains("amounts")) {
      capture->amounts_minor = Numbers(*amounts);
    }
    capture->final = Flag(object, "final");
  }
  if (auto* reverse = std::get_if<Reverse>(&action)) {
    reverse->posting = Number(object, "posting");
    reverse->at_original_time = Flag(object, "at_original_time");
  }
  if (auto* line = std::get_if<SetCreditLine>(&action)) {
    line->credit_line_minor = Number(object, "credit_line_minor").value_or(0);
  }
  if (auto* close = std::get_if<ClosePeriod>(&action)) {
    close->until = absl::FromUnixMicros(Number(object, "until_us").value_or(0));
  }
  if (auto* freeze = std::get_if<FreezeAccount>(&action)) {
    freeze->frozen = {.debits = Flag(object, "debits"), .credits = Flag(object, "credits")};
  }
  auto* open = std::get_if<OpenAccount>(&action);
  return open == nullptr ? absl::OkStatus() : ReadTerms(object, open->terms);
}

absl::Status ReadPreconditions(const json::object& object, std::vector<Precondition>& read) {
  const json::value* preconditions = object.if_contains("preconditions");
  if (preconditions == nullptr) return absl::OkStatus();
  for (const json::value& value : preconditions->as_array()) {
    const json::object& one = value.as_object();
    Precondition precondition;
    FLORIN_ASSIGN_OR_RETURN(precondition.account_id, Uuid::Parse(Text(one, "account_id")));
    precondition.version = Number(one, "version");
    precondition.least_balance_minor = Number(one, "least_balance_minor");
    precondition.most_balance_minor = Number(one, "most_balance_minor");
    read.push_back(precondition);
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<std::string> WriteRequest(const Command& command) {
  json::object object;
  WriteAction(command.action, object);
  if (!command.preconditions.empty()) {
    object["preconditions"] = WritePreconditions(command.preconditions);
  }
  if (command.linked_to_next) object["linked_to_next"] = true;
  if (object.empty()) return std::nullopt;
  return json::serialize(object);
}

absl::Status ReadRequest(std::string_view text, Command& command) {
  try {
    const json::value value = json::parse(json::string_view(text.data(), text.size()));
    const json::object& object = value.as_object();
    FLORIN_RETURN_IF_ERROR(ReadAction(object, command.action));
    FLORIN_RETURN_IF_ERROR(ReadPreconditions(object, command.preconditions));
    command.linked_to_next = Flag(object, "linked_to_next");
    return absl::OkStatus();
  } catch (const std::exception& failure) {
    return Error(Reason::kInternal, std::string("a stored request is not ours: ") + failure.what());
  }
}

}  // namespace florin::ledger
