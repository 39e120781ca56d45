// Receipts: all that an outsider needs, besides the log's public key, to see that a decision is in
// the signed log of its book. One JSON object that explains itself:
//
//   {"format":"florin.ledger.receipt.v1","origin":"florin.local/main",
//    "record":"{\"sequence\":\"7\",…}","leaf_index":"6","tree_size":"9",
//    "path":["kZ3…=","…"],"checkpoint":"florin.local/main\n9\n…\n",
//    "key_id":"0123456789abcdef","algorithm":"ed25519","signature":"…=="}
//
// `record` is the text of one line (record.h), which the leaf hashes as it stands; `checkpoint` the
// signed text of a tree head (libs/merkle/tree_head.h). Integers are decimal strings, octets are
// base64 (RFC 4648 section 4, padded). The order of members and white space are free, so that a
// receipt may pass through any JSON tool. GET /v1/payments/{payment_id}/receipt gives one.
//
// Pure. Errors: kInvalidField; `param` names the member that is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/crypto/signer.h"
#include "libs/merkle/merkle.h"
#include "libs/status/status.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger::proof {

struct Receipt {
  std::string origin;
  std::string record;
  std::uint64_t leaf_index = 0;
  std::uint64_t tree_size = 0;
  std::vector<merkle::Digest> path;
  std::string checkpoint;
  std::string key_id;
  std::string algorithm;  // May be empty: the key says it.
  std::string signature;

  friend bool operator==(const Receipt&, const Receipt&) = default;
};

// The origin that a book's tree heads bear: "florin.local" and "main" give "florin.local/main".
std::string OriginOf(std::string_view log, std::string_view book);

// In the order of members above, without white space.
std::string EncodeReceipt(const Receipt& receipt);

// The shape only. Every member but `algorithm` must be there, and no other.
absl::StatusOr<Receipt> ParseReceipt(std::string_view json);

// What was decided, if the receipt proves by `key` that it is in the log of `origin`, whose trust
// is the caller's matter. Checks that everything in the receipt agrees: key, checkpoint and its
// signature, path, record.
absl::StatusOr<Record> VerifyReceipt(const Receipt& receipt, const crypto::SignerKey& key);

}  // namespace florin::ledger::proof
