#include "libs/audit/export_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace florin::audit {
namespace {

std::string Numbers(std::uint64_t first, std::uint64_t last) {
  return first == last ? absl::StrCat("event ", first)
                       : absl::StrCat("events ", first, " to ", last);
}

}  // namespace

ExportCheck::ExportCheck(std::vector<crypto::SignerKey> keys, std::optional<merkle::TreeHead> known)
    : keys_(std::move(keys)), known_(std::move(known)) {}

void ExportCheck::Find(std::string what) { verdict_.findings.push_back(std::move(what)); }

void ExportCheck::Line(std::string_view line) {
  ++line_;
  const absl::StatusOr<ExportLine> parsed = ParseExportLine(line);
  if (!parsed.ok()) {
    Find(absl::StrCat("line ", line_, " is not a line of an export"));
    return;
  }
  std::visit([this](const auto& content) { Take(content); }, *parsed);
}

void ExportCheck::Take(const ExportStart& start) {
  if (line_ != 1) Find(absl::StrCat("line ", line_, " begins another export"));
  origin_ = start.origin;
}

void ExportCheck::Take(const ExportedEvent& event) {
  ++verdict_.events;
  const absl::StatusOr<Event> content = DecodeEvent(event.line);
  if (!content.ok() || merkle::LeafHash(event.line) != event.leaf)
    Find(absl::StrCat("event ", event.number, " was altered"));
  if (event.number < next_) {
    Find(absl::StrCat("event ", event.number, " is not in its place"));
    return;
  }
  if (event.number > next_) {
    Find(absl::StrCat(Numbers(next_, event.number - 1), " missing here"));
    whole_ = false;
  }
  next_ = event.number + 1;
  frontier_.Append(event.leaf);
  if (known_ && known_->size == event.number) CheckRoot(*known_);
}

bool ExportCheck::Trusted(const merkle::SignedTreeHead& head) const {
  return std::any_of(keys_.begin(), keys_.end(), [&head](const crypto::SignerKey& key) {
    return key.key_id() == head.key_id && merkle::Verify(head, key);
  });
}

// What was missing before makes every later root unknown; it has been named.
void ExportCheck::CheckRoot(const merkle::TreeHead& head) {
  if (!whole_ || frontier_.Root() == head.root) return;
  Find(absl::StrCat(Numbers(covered_ + 1, head.size),
                    " are not what was signed: one was altered together with its hash, put in, or "
                    "exchanged"));
  whole_ = false;
}

void ExportCheck::Take(const merkle::SignedTreeHead& head) {
  if (!origin_ || head.head.origin != *origin_) Find("a head is of another log");
  if (!Trusted(head)) {
    Find(absl::StrCat("the head of size ", head.head.size, " was not signed by a key given"));
    return;
  }
  const std::uint64_t last = next_ - 1;
  if (head.head.size > last) {
    Find(absl::StrCat(Numbers(last + 1, head.head.size),
                      " missing before the head that covers "
                      "them"));
    whole_ = false;
    next_ = head.head.size + 1;
  } else if (head.head.size < last) {
    Find(absl::StrCat("the head of size ", head.head.size, " is not in its place"));
    return;
  }
  if (head.head.size != 0) CheckRoot(head.head);
  if (!whole_) return;
  covered_ = head.head.size;
  verdict_.head = head;
}

const Verdict& ExportCheck::Finish() {
  if (!origin_) Find("the first line is not that of an export");
  const std::uint64_t last = next_ - 1;
  if (known_) {
    if (origin_ && known_->origin != *origin_) Find("the head that was kept is of another log");
    if (known_->size > last)
      Find(absl::StrCat("the tail is missing: ", Numbers(last + 1, known_->size)));
  }
  if (whole_ && covered_ < last)
    Find(absl::StrCat(Numbers(covered_ + 1, last), " not covered by a signed head"));
  return verdict_;
}

}  // namespace florin::audit
