// Path templates of google.api.http (google/api/http.proto), as far as Florin's protos use them:
//
//   /v1/accounts/{account_id}/entries       a variable stands for one whole segment
//   /v1/payments/{payment_id}:cancel        a custom method (AIP-136)
//
// Wildcards (`*`, `**`, `{name=…}`) are refused: nothing binds them. Pure.
#pragma once

#include <string>
#include <vector>

#include "libs/status/status.h"

namespace florin::gateway {

struct TemplateSegment {
  std::string literal;   // Empty for a variable.
  std::string variable;  // The field's path in the request message, e.g. "account_id" or
                         // "account.account_id".
  bool is_variable() const { return literal.empty(); }
};

struct PathTemplate {
  std::vector<TemplateSegment> segments;
  std::string verb;  // "cancel" in the example; mostly empty.
};

// Error: kInternal, naming what is wrong: a template is our own, so the process must not start with
// it.
absl::StatusOr<PathTemplate> ParsePathTemplate(const std::string& text);

}  // namespace florin::gateway
