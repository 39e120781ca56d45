// A service's identity on the wire.
#pragma once

#include <string>

#include "libs/status/status.h"

namespace florin::rpc {

// PEM files in one directory: `ca.crt` (one CA or several: those that are trusted), `NAME.crt` (URI
// SAN spiffe://florin.local/NAME), `NAME.key` (mode 0600). They may be replaced at any time:
// certificate_watch.h says how.
struct CertificateFiles {
  std::string ca;
  std::string certificate;
  std::string key;
  std::string service;  // NAME: whose certificate it has to be

  static CertificateFiles In(const std::string& directory, const std::string& service);
};

inline constexpr char kTrustDomain[] = "spiffe://florin.local/";

}  // namespace florin::rpc
