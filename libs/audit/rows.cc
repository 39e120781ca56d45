#include "libs/audit/rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"

namespace florin::audit {

absl::Status Inconsistent(std::string what) {
  return Error(Reason::kAuditInconsistent, std::move(what));
}

absl::StatusOr<Event> ReadEvent(const pqxx::row& row) {
  Event event;
  FLORIN_ASSIGN_OR_RETURN(event.event_id, Uuid::Parse(row[0].c_str()));
  event.time = absl::FromUnixMicros(row[1].as<std::int64_t>());
  event.action = row[2].c_str();
  event.actor = row[3].c_str();
  event.on_behalf_of = row[4].c_str();
  event.subject = row[5].c_str();
  event.decision = row[6].as<bool>() ? Decision::kAllowed : Decision::kRefused;
  event.reason = row[7].c_str();
  event.origin = {
      .caller = row[8].c_str(), .client_address = row[9].c_str(), .request_id = row[10].c_str()};
  auto details = DecodeDetails(row[11].c_str());
  if (!details.ok()) return Inconsistent("the details of " + event.event_id.ToString());
  event.details = *std::move(details);
  return event;
}

absl::StatusOr<std::vector<merkle::Digest>> ReadDigests(const pqxx::field& field) {
  const std::string octets = absl::HexStringToBytes(field.c_str());
  merkle::Digest digest{};
  if (octets.size() % digest.size() != 0) return Inconsistent("a stored hash has a wrong length");
  std::vector<merkle::Digest> digests;
  for (std::size_t at = 0; at < octets.size(); at += digest.size()) {
    std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), digest.size(), digest.begin());
    digests.push_back(digest);
  }
  return digests;
}

std::string HexOf(const std::vector<merkle::Digest>& digests) {
  std::string hex;
  for (const merkle::Digest& digest : digests) hex += crypto::Hex(crypto::AsOctets(digest));
  return hex;
}

absl::StatusOr<merkle::SignedTreeHead> ReadHead(const std::string& origin, const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const std::vector<merkle::Digest> root, ReadDigests(row[1]));
  if (root.size() != 1) return Inconsistent("a stored root is not one hash");
  return merkle::SignedTreeHead{.head = {.origin = origin,
                                         .size = row[0].as<std::uint64_t>(),
                                         .root = root[0],
                                         .time = absl::FromUnixMicros(row[2].as<std::int64_t>())},
                                .key_id = row[3].as<std::string>(),
                                .signature = absl::HexStringToBytes(row[4].c_str())};
}

}  // namespace florin::audit
