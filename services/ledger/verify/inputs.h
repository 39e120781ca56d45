// What florin-verify reads: keys, a trusted tree head, and exports from files or from a running
// ledger.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/crypto/signer.h"
#include "libs/merkle/tree_head.h"
#include "libs/status/status.h"

namespace florin::ledger::verify {

// Messages of errors name the file.
absl::StatusOr<std::vector<crypto::SignerKey>> ReadKeys(const std::vector<std::string>& paths);
absl::StatusOr<merkle::TreeHead> ReadTreeHead(const std::string& path);

using Take = std::function<void(std::string_view octets)>;

// Gives the octets of the export to `take`, in order.
absl::Status ReadExportFile(const std::string& path, const Take& take);

struct LiveLedger {
  std::string target;        // host:port
  std::string certificates;  // Directory with ca.crt, and NAME.crt and NAME.key of `identity`
  std::string identity;      // Whom the ledger lets export: "auditor" or "operator"
  std::string book;
};

// The same from a running ledger. Blocks until all have come. Errors: the ledger's (kBookNotFound,
// kOverloaded, kCallerNotAllowed, …); kUnavailable if it can't be reached or was lost on the way.
absl::Status ReadLive(const LiveLedger& ledger, const Take& take);

}  // namespace florin::ledger::verify
