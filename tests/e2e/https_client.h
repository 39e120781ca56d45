// A small HTTPS/1.1 client over one keep-alive connection, as an app's HTTP library would be.
//
//   HttpsClient client("https://localhost:8443", "certificates/ca.crt");
//   const absl::StatusOr<HttpsResponse> response = client.Send({"GET", "/v1/accounts", {}, ""});
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace florin::e2e {

struct HttpsRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct HttpsResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
};

// Blocking; not thread-safe: one client for each thread. The server's certificate must be signed by
// the CA and name the host.
class HttpsClient {
 public:
  // `url` is https://HOST:PORT.
  HttpsClient(std::string url, std::string ca_file, absl::Duration timeout = absl::Seconds(30));
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;

  // Shows a certificate (PEM files) on connections from now on.
  void Show(const std::string& certificate_file, const std::string& key_file);

  // Connects if there is no connection, or no longer. Sends each request once: after an error its
  // outcome is unknown, and the next request connects anew. An answer that comes before the request
  // was sent whole (a body too large) counts.
  absl::StatusOr<HttpsResponse> Send(const HttpsRequest& request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace florin::e2e
