// Signed tree heads: what a log publishes so that it cannot later tell another story.
//
// The signed octets are the note text of C2SP tlog-checkpoint v1, with one extension line for the
// time (the C2SP advises against extension lines since monitors cannot audit them; Florin's head
// says when it was made, and a monitor does check that against its own clock):
//
//   florin.example/ledger⏎
//   20852163⏎
//   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=⏎
//   time 2026-11-25T09:39:22.000001Z⏎
//
// A head has exactly one text. The signature is over the text itself, by the algorithm of the key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/crypto/signer.h"
#include "libs/merkle/merkle.h"
#include "libs/status/status.h"

namespace florin::merkle {

struct TreeHead {
  std::string origin;      // Which log: 1 to 255 visible ASCII characters without '+'
  std::uint64_t size = 0;  // Leaves
  Digest root{};
  absl::Time time;  // Whole microseconds, years 1970 to 9999

  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

// The text above. For a head that breaks a rule of TreeHead, a text that ParseCheckpoint refuses or
// reads as another head.
std::string CheckpointText(const TreeHead& head);

// Reads what CheckpointText writes of a well-formed head, and nothing else: no leading zeros, no
// other base64 spelling, no further lines. Error: kInvalidField.
absl::StatusOr<TreeHead> ParseCheckpoint(std::string_view text);

struct SignedTreeHead {
  TreeHead head;
  std::string key_id;     // SignerKey::key_id() of the key that signed
  std::string signature;  // 64 octets over CheckpointText(head)
};

// Errors: kInvalidField for a head that breaks a rule of TreeHead; the signer's. May block as the
// signer does. A log must never sign two heads of which one is not the beginning of the other: that
// is for the caller to keep.
absl::StatusOr<SignedTreeHead> Sign(const TreeHead& head, crypto::Signer& signer);

// Whether `key` made this signature over exactly this head. A head that breaks a rule of TreeHead
// is never valid, whatever its signature.
bool Verify(const SignedTreeHead& signed_head, const crypto::SignerKey& key);

}  // namespace florin::merkle
