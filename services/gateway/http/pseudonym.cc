#include "services/gateway/http/pseudonym.h"

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"

namespace florin::gateway {

std::string PseudonymOf(std::string_view id) {
  static const std::string* const key = new std::string(crypto::RandomOctets(32));
  const crypto::Digest digest = crypto::Sha256(absl::StrCat(*key, std::string(id)));
  return crypto::Hex(crypto::AsOctets(digest).substr(0, 8));
}

}  // namespace florin::gateway
