#include "services/ledger/proof/record.h"

#include "absl/strings/str_cat.h"
#include "services/ledger/proof/canonical_json.h"

namespace florin::ledger::proof {
namespace {

namespace json = boost::json;

constexpr char kLeafDomain[] = "florin.ledger.record.v1\n";

void AppendMetadata(const std::map<std::string, std::string>& metadata, std::string& out) {
  ObjectWriter members(out);
  for (const auto& [key, value] : metadata) members.Text(key, value);
}

void AppendRefused(const Refused& refused, std::string& out) {
  ObjectWriter members(out);
  members.Text("reason", refused.reason);
  members.Text("message", refused.message);
  members.Text("param", refused.param);
}

// Readers throw; ParseRecord catches.

Record Read(const json::object& object) {
  Record record;
  record.sequence = NumberOf(object, "sequence");
  record.transaction_id = IdOf(object, "transaction_id", IdKind::kTransaction);
  record.kind = TextOf(object, "kind");
  record.commit_time = TimeOf(object, "commit_time");
  if (object.contains("effective_time")) record.effective_time = TimeOf(object, "effective_time");
  if (object.contains("expire_time")) record.expire_time = TimeOf(object, "expire_time");
  if (object.contains("subject")) record.subject = TextOf(object, "subject");
  if (object.contains("postings")) record.postings = PostingsOf(object, "postings");
  if (object.contains("request"))
    record.request = json::serialize(object.at("request").as_object());
  if (object.contains("metadata")) {
    for (const auto& member : object.at("metadata").as_object()) {
      const json::string& value = member.value().as_string();
      record.metadata[std::string(member.key())] = std::string(value.data(), value.size());
    }
  }
  if (object.contains("refused")) {
    const json::object& refused = object.at("refused").as_object();
    record.refused = Refused{.reason = TextOf(refused, "reason"),
                             .message = TextOf(refused, "message"),
                             .param = TextOf(refused, "param")};
  }
  return record;
}

absl::Status NotARecord(std::string_view why) {
  return Error(Reason::kInvalidField, absl::StrCat("not a journal record: ", std::string(why)));
}

}  // namespace

std::string EncodeRecord(const Record& record) {
  std::string line;
  {
    ObjectWriter members(line);
    members.Number("sequence", record.sequence);
    members.Text("transaction_id", FormatId(IdKind::kTransaction, record.transaction_id));
    members.Text("kind", record.kind);
    members.Time("commit_time", record.commit_time);
    if (record.effective_time) members.Time("effective_time", *record.effective_time);
    if (record.expire_time) members.Time("expire_time", *record.expire_time);
    if (!record.subject.empty()) members.Text("subject", record.subject);
    if (!record.postings.empty()) members.Postings("postings", record.postings);
    if (!record.request.empty()) members.Raw("request", record.request);
    if (!record.metadata.empty()) AppendMetadata(record.metadata, members.Key("metadata"));
    if (record.refused) AppendRefused(*record.refused, members.Key("refused"));
  }
  return line;
}

absl::StatusOr<Record> ParseRecord(std::string_view line) {
  try {
    Record record = Read(ReadObject(line));
    if (EncodeRecord(record) != line) return NotARecord("not in its one form");
    return record;
  } catch (const std::exception& failure) {
    return NotARecord(failure.what());
  }
}

merkle::Digest LeafOf(std::string_view line) {
  std::string leaf = kLeafDomain;
  leaf += line;
  return merkle::LeafHash(leaf);
}

}  // namespace florin::ledger::proof
