#include "libs/rpc/credentials.h"

namespace florin::rpc {

CertificateFiles CertificateFiles::In(const std::string& directory, const std::string& service) {
  return {.ca = directory + "/ca.crt",
          .certificate = directory + "/" + service + ".crt",
          .key = directory + "/" + service + ".key",
          .service = service};
}

}  // namespace florin::rpc
