#include "libs/merkle/tree_head.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace florin::merkle {
namespace {

constexpr std::string_view kTimePrefix = "time ";
constexpr char kTimeFormat[] = "%E4Y-%m-%dT%H:%M:%E6SZ";
constexpr std::size_t kMaxOrigin = 255;

absl::Status NoCheckpoint(const char* why) {
  return Error(Reason::kInvalidField, absl::StrCat("no checkpoint: ", why),
               {.param = "checkpoint"});
}

bool IsOrigin(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOrigin &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

bool ParseTime(const std::string& line, absl::Time& time) {
  return line.starts_with(kTimePrefix) &&
         absl::ParseTime(kTimeFormat, line.substr(kTimePrefix.size()), absl::UTCTimeZone(), &time,
                         nullptr) &&
         time >= absl::UnixEpoch() && time < absl::InfiniteFuture();
}

bool ParseRoot(const std::string& line, Digest& root) {
  std::string octets;
  if (!absl::Base64Unescape(line, &octets) || octets.size() != root.size()) return false;
  std::copy(octets.begin(), octets.end(), root.begin());
  return true;
}

absl::Status CheckHead(const TreeHead& head) {
  const absl::StatusOr<TreeHead> read = ParseCheckpoint(CheckpointText(head));
  FLORIN_RETURN_IF_ERROR(read.status());
  // Such as a time finer than its text.
  if (*read != head) return NoCheckpoint("the text does not say all that the head does");
  return absl::OkStatus();
}

}  // namespace

std::string CheckpointText(const TreeHead& head) {
  return absl::StrCat(head.origin, "\n", head.size, "\n",
                      absl::Base64Escape(std::string(crypto::AsOctets(head.root))), "\ntime ",
                      absl::FormatTime(kTimeFormat, head.time, absl::UTCTimeZone()), "\n");
}

absl::StatusOr<TreeHead> ParseCheckpoint(std::string_view text) {
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  if (lines.size() != 5 || !lines[4].empty()) return NoCheckpoint("not four lines");
  TreeHead head;
  head.origin = lines[0];
  if (!IsOrigin(head.origin)) return NoCheckpoint("the origin");
  if (!absl::SimpleAtoi(lines[1], &head.size)) return NoCheckpoint("the size");
  if (!ParseRoot(lines[2], head.root)) return NoCheckpoint("the root");
  if (!ParseTime(lines[3], head.time)) return NoCheckpoint("the time");
  // Abseil's readers forgive signs, zeros, white space and stray bits. One head, one text.
  if (CheckpointText(head) != text) return NoCheckpoint("another spelling of the same head");
  return head;
}

absl::StatusOr<SignedTreeHead> Sign(const TreeHead& head, crypto::Signer& signer) {
  FLORIN_RETURN_IF_ERROR(CheckHead(head));
  FLORIN_ASSIGN_OR_RETURN(std::string signature, signer.Sign(CheckpointText(head)));
  return SignedTreeHead{head, signer.public_key().key_id(), std::move(signature)};
}

bool Verify(const SignedTreeHead& signed_head, const crypto::SignerKey& key) {
  return signed_head.key_id == key.key_id() && CheckHead(signed_head.head).ok() &&
         key.Verify(CheckpointText(signed_head.head), signed_head.signature);
}

}  // namespace florin::merkle
