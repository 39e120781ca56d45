#include "services/ledger/proof/receipt.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/merkle/tree_head.h"

namespace florin::ledger::proof {
namespace {

namespace json = boost::json;

constexpr char kFormat[] = "florin.ledger.receipt.v1";

absl::Status Wrong(const char* member, std::string_view why) {
  return Error(Reason::kInvalidField, absl::StrCat("the receipt's ", member, " ", std::string(why)),
               {.param = member});
}

std::string Base64(std::string_view octets) { return absl::Base64Escape(std::string(octets)); }

// Only what Base64 writes: Abseil's reader forgives white space and missing padding.
std::optional<std::string> FromBase64(const std::string& text) {
  std::string octets;
  if (!absl::Base64Unescape(text, &octets) || Base64(octets) != text) return std::nullopt;
  return octets;
}

absl::StatusOr<std::string> TextOf(const json::object& object, const char* member) {
  const json::value* value = object.if_contains(member);
  if (value == nullptr || !value->is_string()) return Wrong(member, "is no string");
  const json::string& text = value->get_string();
  return std::string(text.data(), text.size());
}

absl::StatusOr<std::uint64_t> NumberOf(const json::object& object, const char* member) {
  FLORIN_ASSIGN_OR_RETURN(const std::string text, TextOf(object, member));
  std::uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || absl::StrCat(number) != text) {
    return Wrong(member, "is no decimal number");
  }
  return number;
}

absl::StatusOr<std::vector<merkle::Digest>> PathOf(const json::object& object) {
  const json::value* value = object.if_contains("path");
  if (value == nullptr || !value->is_array()) return Wrong("path", "is no array");
  std::vector<merkle::Digest> path;
  for (const json::value& node : value->get_array()) {
    if (!node.is_string()) return Wrong("path", "has a node that is no string");
    const auto octets = FromBase64({node.get_string().data(), node.get_string().size()});
    merkle::Digest digest{};
    if (!octets || octets->size() != digest.size()) {
      return Wrong("path", "has a node that is not base64 of 32 octets");
    }
    std::copy(octets->begin(), octets->end(), digest.begin());
    path.push_back(digest);
  }
  return path;
}

absl::Status CheckMembers(const json::object& object) {
  static const std::set<std::string> kMembers = {
      "format", "origin",     "record", "leaf_index", "tree_size",
      "path",   "checkpoint", "key_id", "algorithm",  "signature"};
  for (const auto& member : object) {
    const std::string key(member.key().data(), member.key().size());
    if (!kMembers.contains(key)) {
      return Error(Reason::kInvalidField, absl::StrCat("a receipt has no member ", key),
                   {.param = key});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Receipt> Read(const json::object& object) {
  FLORIN_RETURN_IF_ERROR(CheckMembers(object));
  FLORIN_ASSIGN_OR_RETURN(const std::string format, TextOf(object, "format"));
  if (format != kFormat) return Wrong("format", "is unknown");
  Receipt receipt;
  FLORIN_ASSIGN_OR_RETURN(receipt.origin, TextOf(object, "origin"));
  FLORIN_ASSIGN_OR_RETURN(receipt.record, TextOf(object, "record"));
  FLORIN_ASSIGN_OR_RETURN(receipt.leaf_index, NumberOf(object, "leaf_index"));
  FLORIN_ASSIGN_OR_RETURN(receipt.tree_size, NumberOf(object, "tree_size"));
  FLORIN_ASSIGN_OR_RETURN(receipt.path, PathOf(object));
  FLORIN_ASSIGN_OR_RETURN(receipt.checkpoint, TextOf(object, "checkpoint"));
  FLORIN_ASSIGN_OR_RETURN(receipt.key_id, TextOf(object, "key_id"));
  if (object.contains("algorithm")) {
    FLORIN_ASSIGN_OR_RETURN(receipt.algorithm, TextOf(object, "algorithm"));
  }
  FLORIN_ASSIGN_OR_RETURN(const std::string signature, TextOf(object, "signature"));
  const std::optional<std::string> octets = FromBase64(signature);
  if (!octets) return Wrong("signature", "is not base64");
  receipt.signature = *octets;
  return receipt;
}

// That `key` signed the head which the receipt speaks of.
absl::StatusOr<merkle::TreeHead> CheckHead(const Receipt& receipt, const crypto::SignerKey& key) {
  if (receipt.key_id != key.key_id()) return Wrong("key_id", "names another key");
  if (!receipt.algorithm.empty() && receipt.algorithm != key.algorithm()) {
    return Wrong("algorithm", "is not the key's");
  }
  const absl::StatusOr<merkle::TreeHead> head = merkle::ParseCheckpoint(receipt.checkpoint);
  if (!head.ok()) return head.status();
  if (head->origin != receipt.origin) return Wrong("origin", "is not the checkpoint's");
  if (head->size != receipt.tree_size) return Wrong("tree_size", "is not the checkpoint's");
  const merkle::SignedTreeHead signed_head{*head, receipt.key_id, receipt.signature};
  if (!merkle::Verify(signed_head, key)) {
    return Wrong("signature", "is not the key's over this checkpoint");
  }
  return *head;
}

}  // namespace

std::string OriginOf(std::string_view log, std::string_view book) {
  return absl::StrCat(std::string(log), "/", std::string(book));
}

std::string EncodeReceipt(const Receipt& receipt) {
  json::array path;
  for (const merkle::Digest& node : receipt.path) {
    path.emplace_back(json::string(Base64(crypto::AsOctets(node))));
  }
  json::object object;
  object["format"] = kFormat;
  object["origin"] = receipt.origin;
  object["record"] = receipt.record;
  object["leaf_index"] = std::to_string(receipt.leaf_index);
  object["tree_size"] = std::to_string(receipt.tree_size);
  object["path"] = std::move(path);
  object["checkpoint"] = receipt.checkpoint;
  object["key_id"] = receipt.key_id;
  object["algorithm"] = receipt.algorithm;
  object["signature"] = Base64(receipt.signature);
  return json::serialize(object);
}

absl::StatusOr<Receipt> ParseReceipt(std::string_view json_text) {
  boost::system::error_code error;
  const json::value value =
      json::parse(json::string_view(json_text.data(), json_text.size()), error);
  if (error || !value.is_object()) {
    return Error(Reason::kInvalidField, "a receipt is one JSON object");
  }
  return Read(value.get_object());
}

absl::StatusOr<Record> VerifyReceipt(const Receipt& receipt, const crypto::SignerKey& key) {
  FLORIN_ASSIGN_OR_RETURN(const merkle::TreeHead head, CheckHead(receipt, key));
  if (receipt.leaf_index >= head.size) return Wrong("leaf_index", "is beyond the tree");
  // Covers the record, too: any other one hashes to another leaf.
  if (!merkle::VerifyInclusion(LeafOf(receipt.record), receipt.leaf_index, head.size, receipt.path,
                               head.root)) {
    return Wrong("path", "does not lead from the record to the signed root");
  }
  const absl::StatusOr<Record> record = ParseRecord(receipt.record);
  if (!record.ok()) return Wrong("record", std::string(record.status().message()));
  if (record->sequence < 1 ||
      static_cast<std::uint64_t>(record->sequence) != receipt.leaf_index + 1) {
    return Wrong("record", "is not the one of this leaf");
  }
  return record;
}

}  // namespace florin::ledger::proof
