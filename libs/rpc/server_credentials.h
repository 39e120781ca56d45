// Mutual TLS of a server whose certificate is rotated.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "libs/rpc/certificate_watch.h"

namespace florin::rpc {

// Each handshake uses what `watch` has at that moment, and trusts only its CAs; every client needs
// a certificate. Outlives the server that it is given to.
//
// gRPC's own rotation (FileWatcherCertificateProvider) reads files by itself and fails every
// handshake while they do not fit together; its provider of given texts cannot be updated. So this
// uses the fetcher of the SSL credentials, whose C interface is public: asked before each
// handshake, it hands over checked texts and leaves no copy of a key on disk.
std::shared_ptr<grpc::ServerCredentials> WatchedServerCredentials(
    std::shared_ptr<CertificateWatch> watch);

}  // namespace florin::rpc
