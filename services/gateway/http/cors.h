// Cross-origin resource sharing (WHATWG Fetch, section 3.2): which pages may call the API from a
// browser. Tokens travel in Authorization, which a page sets itself, so responses never allow
// credentials (cookies, client certificates): a page of another origin cannot use those that the
// browser holds. Pure, but for OriginPolicy's implementations.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/status/status.h"

namespace florin::gateway {

// The origins that clients have registered (registered_origins.h). Thread-safe.
class OriginPolicy {
 public:
  virtual ~OriginPolicy() = default;
  // `origin` is the field's value as it was sent.
  virtual bool Allows(const std::string& origin) const = 0;
};

// A list that does not change.
class OriginList : public OriginPolicy {
 public:
  explicit OriginList(std::set<std::string> origins) : origins_(std::move(origins)) {}
  bool Allows(const std::string& origin) const override { return origins_.contains(origin); }

 private:
  const std::set<std::string> origins_;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

// What a preflight asks (Fetch, section 4.8): before a request that a form could not send, a
// browser sends OPTIONS with these fields.
struct Preflight {
  std::string origin;
  std::string method;   // Access-Control-Request-Method
  std::string headers;  // Access-Control-Request-Headers; may be empty.
};

// The fields of the answer (204) to a preflight for a path that has `methods`. A browser remembers
// it for ten minutes. Errors: kOriginNotAllowed, also for a field that the API does not know;
// kMethodNotAllowed.
absl::StatusOr<Fields> AnswerPreflight(const Preflight& preflight,
                                       const std::vector<std::string>& methods,
                                       const OriginPolicy& origins);

// The fields that let a page read a response, for a request with that Origin: only
// `Vary: Origin` where the origin is not allowed or there is none.
Fields CorsFields(const std::optional<std::string>& origin, const OriginPolicy& origins);

}  // namespace florin::gateway
