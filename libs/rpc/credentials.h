// A service's identity on the wire.
#pragma once

#include <string>

#include "libs/status/status.h"

namespace florin::rpc {

// PEM files in one directory: `ca.crt`, `NAME.crt` (URI SAN spiffe://florin.local/NAME), `NAME.key`
// (mode 0600).
struct CertificateFiles {
  std::string ca;
  std::string certificate;
  std::string key;

  static CertificateFiles In(const std::string& directory, const std::string& service);
};

inline constexpr char kTrustDomain[] = "spiffe://florin.local/";

}  // namespace florin::rpc
