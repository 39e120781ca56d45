#include "services/ledger/proof/canonical_json.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace florin::ledger::proof {
namespace {

namespace json = boost::json;

constexpr char kTimeFormat[] = "%E4Y-%m-%dT%H:%M:%E6SZ";

void AppendText(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    static constexpr std::string_view kEscaped = "\"\\\b\t\n\f\r";
    static constexpr std::string_view kEscapes = "\"\\btnfr";
    const std::size_t escape = kEscaped.find(c);
    if (escape != std::string_view::npos) {
      out += '\\';
      out += kEscapes[escape];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string& ObjectWriter::Key(std::string_view key) {
  if (any_) out_ += ',';
  any_ = true;
  AppendText(key, out_);
  out_ += ':';
  return out_;
}

void ObjectWriter::Text(std::string_view key, std::string_view value) {
  AppendText(value, Key(key));
}

void ObjectWriter::Number(std::string_view key, std::int64_t value) {
  Text(key, std::to_string(value));
}

void ObjectWriter::Flag(std::string_view key, bool value) { Key(key) += value ? "true" : "false"; }

void ObjectWriter::Time(std::string_view key, absl::Time value) {
  Text(key, absl::FormatTime(kTimeFormat, value, absl::UTCTimeZone()));
}

void ObjectWriter::Octets(std::string_view key, std::string_view value) {
  Text(key, absl::Base64Escape(std::string(value)));
}

void ObjectWriter::Postings(std::string_view key, const std::vector<Posting>& value) {
  Key(key) += '[';
  for (const Posting& posting : value) {
    if (out_.back() != '[') out_ += ',';
    ObjectWriter members(out_);
    members.Text("debit", FormatId(IdKind::kAccount, posting.debit_account_id));
    members.Text("credit", FormatId(IdKind::kAccount, posting.credit_account_id));
    members.Number("amount", posting.amount_minor);
  }
  out_ += ']';
}

void ObjectWriter::Raw(std::string_view key, std::string_view value) { Key(key) += value; }

json::object ReadObject(std::string_view text) {
  return json::parse(json::string_view(text.data(), text.size())).as_object();
}

std::string TextOf(const json::object& object, std::string_view key) {
  const json::string& text = object.at(key).as_string();
  return {text.data(), text.size()};
}

std::int64_t NumberOf(const json::object& object, std::string_view key) {
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(TextOf(object, key), &number)) throw Malformed();
  return number;
}

bool FlagOf(const json::object& object, std::string_view key) { return object.at(key).as_bool(); }

absl::Time TimeOf(const json::object& object, std::string_view key) {
  absl::Time time;
  if (!absl::ParseTime(kTimeFormat, TextOf(object, key), &time, nullptr)) throw Malformed();
  return time;
}

Uuid IdOf(const json::object& object, std::string_view key, IdKind kind) {
  const absl::StatusOr<Uuid> id = ParseId(kind, TextOf(object, key), "id");
  if (!id.ok()) throw Malformed();
  return *id;
}

std::string OctetsOf(const json::object& object, std::string_view key) {
  std::string octets;
  if (!absl::Base64Unescape(TextOf(object, key), &octets)) throw Malformed();
  return octets;
}

crypto::Digest DigestOf(const json::object& object, std::string_view key) {
  const std::string octets = OctetsOf(object, key);
  crypto::Digest digest;
  if (octets.size() != digest.size()) throw Malformed();
  std::copy(octets.begin(), octets.end(), digest.begin());
  return digest;
}

std::vector<Posting> PostingsOf(const json::object& object, std::string_view key) {
  std::vector<Posting> postings;
  for (const json::value& value : object.at(key).as_array()) {
    const json::object& one = value.as_object();
    postings.push_back({.debit_account_id = IdOf(one, "debit", IdKind::kAccount),
                        .credit_account_id = IdOf(one, "credit", IdKind::kAccount),
                        .amount_minor = NumberOf(one, "amount")});
  }
  return postings;
}

}  // namespace florin::ledger::proof
