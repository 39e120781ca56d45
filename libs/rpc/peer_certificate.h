// What a certificate says of its holder.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/status/status.h"

namespace florin::rpc {

// Its URI SANs, in order.
std::vector<std::string> UriNames(const X509* certificate);

// From when on it is no longer valid.
absl::Time NotAfter(const X509* certificate);

// The same of a certificate in PEM; remembers those it has seen. Thread-safe. Error:
// kCallerNotAllowed for what is no certificate.
absl::StatusOr<absl::Time> NotAfterOfPem(const std::string& pem);

}  // namespace florin::rpc
