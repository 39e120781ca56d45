// Files that hold a secret: private keys, PINs.
#pragma once

#include <string>

#include "libs/status/status.h"

namespace florin::crypto {

// kInvalidField whose message begins with the path.
absl::Status FileError(const std::string& path, const std::string& what);

// The whole of a regular file of at most 64 KiB and of mode exactly 0600. The text is on the heap
// even if it is short, so that moving it leaves no copy behind; whoever is done with it cleanses it
// (OPENSSL_cleanse). Error: FileError, never with contents.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace florin::crypto
