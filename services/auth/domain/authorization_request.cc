#include "services/auth/domain/authorization_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>

#include "services/auth/domain/scope.h"

namespace florin::auth {
namespace {

constexpr std::size_t kMaxParameters = 32;
constexpr std::size_t kMaxParameter = 4096;
constexpr std::size_t kMaxOpaque = 512;     // state, nonce
constexpr std::size_t kMaxLoginHint = 254;  // As an e-mail address.
constexpr std::size_t kChallenge = 43;      // SHA-256 in base64url.
constexpr int kMaxAge = 365 * 24 * 3600;

absl::Status Invalid(std::string_view param, std::string_view why) {
  return Error(Reason::kInvalidRequest, std::string(param) + ": " + std::string(why),
               {.param = std::string(param)});
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Visible ASCII and spaces (RFC 6749 appendix A, VSCHAR).
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string Value(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

// Space separated, each once, at most eight.
absl::StatusOr<std::vector<std::string>> Words(const Parameters& parameters,
                                               const std::string& name) {
  std::vector<std::string> words;
  const std::string text = Value(parameters, name);
  for (std::size_t at = 0; !text.empty();) {
    const std::size_t space = text.find(' ', at);
    words.push_back(text.substr(at, space - at));
    if (words.back().empty() || !IsPlain(words.back())) return Invalid(name, "single spaces");
    if (space == text.npos) break;
    at = space + 1;
  }
  if (words.size() > 8 || std::set(words.begin(), words.end()).size() != words.size()) {
    return Invalid(name, "at most eight values, each once");
  }
  return words;
}

// What this server has not: other ways to pass a request, and other ways to answer it.
absl::Status CheckKind(const Parameters& parameters) {
  for (const char* name : {"request", "request_uri", "claims"}) {
    if (parameters.contains(name)) return Invalid(name, "is not supported");
  }
  const std::string type = Value(parameters, "response_type");
  if (type.empty()) return Invalid("response_type", "is required");
  if (type != "code") return Error(Reason::kUnsupportedResponseType, "response_type is code");
  const std::string mode = Value(parameters, "response_mode");
  if (!mode.empty() && mode != "query") return Invalid("response_mode", "is query");
  return absl::OkStatus();
}

absl::Status ReadChallenge(const Parameters& parameters, AuthorizationRequest& request) {
  request.code_challenge = Value(parameters, "code_challenge");
  const std::string& challenge = request.code_challenge;
  if (challenge.size() != kChallenge ||
      !std::all_of(challenge.begin(), challenge.end(),
                   [](char c) { return IsUnreserved(c) && c != '.' && c != '~'; })) {
    return Invalid("code_challenge", "is required, 43 characters of base64url");
  }
  // Absent means plain (RFC 7636 section 4.3).
  if (Value(parameters, "code_challenge_method") != "S256") {
    return Invalid("code_challenge_method", "is S256");
  }
  return absl::OkStatus();
}

absl::Status ReadOpenId(const Parameters& parameters, AuthorizationRequest& request) {
  FLORIN_ASSIGN_OR_RETURN(request.prompt, Words(parameters, "prompt"));
  static constexpr std::string_view kPrompts[] = {"none", "login", "consent", "select_account"};
  for (const std::string& prompt : request.prompt) {
    if (std::find(std::begin(kPrompts), std::end(kPrompts), prompt) == std::end(kPrompts) ||
        (prompt == "none" && request.prompt.size() > 1)) {
      return Invalid("prompt", "is none alone, or login, consent, select_account");
    }
  }
  FLORIN_ASSIGN_OR_RETURN(request.acr_values, Words(parameters, "acr_values"));
  if (const std::string age = Value(parameters, "max_age"); !age.empty()) {
    std::int64_t seconds = 0;
    const bool digits = age.size() <= 8 && std::all_of(age.begin(), age.end(),
                                                       [](char c) { return c >= '0' && c <= '9'; });
    for (const char c : age) seconds = seconds * 10 + (c - '0');
    if (!digits || seconds > kMaxAge) return Invalid("max_age", "is seconds, at most a year");
    request.max_age = absl::Seconds(seconds);
  }
  request.login_hint = Value(parameters, "login_hint");
  if (request.login_hint.size() > kMaxLoginHint) return Invalid("login_hint", "is too long");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Parameters> OneOfEach(
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  if (parameters.size() > kMaxParameters) {
    return Error(Reason::kInvalidRequest, "there are more than 32 parameters");
  }
  std::set<std::string_view> names;
  Parameters once;
  for (const auto& [name, value] : parameters) {
    // The name is a stranger's, so no message has it.
    if (!names.insert(name).second) {
      return Error(Reason::kInvalidRequest, "a parameter occurs twice");
    }
    if (value.size() > kMaxParameter) {
      return Error(Reason::kInvalidRequest, "a parameter is longer than 4096 octets");
    }
    if (!value.empty()) once.emplace(name, value);
  }
  return once;
}

absl::StatusOr<AuthorizationRequest> ReadAuthorizationRequest(const Client& client,
                                                              const Parameters& parameters) {
  if (!client.Grants(kAuthorizationCode)) {
    return Error(Reason::kUnauthorizedClient, "the client does not use authorization codes");
  }
  FLORIN_RETURN_IF_ERROR(CheckKind(parameters));
  AuthorizationRequest request;
  request.redirect_uri = Value(parameters, "redirect_uri");
  const std::vector<std::string>& registered = client.redirect_uris;
  if (std::find(registered.begin(), registered.end(), request.redirect_uri) == registered.end()) {
    return Invalid("redirect_uri", "is required, as registered, character for character");
  }
  FLORIN_RETURN_IF_ERROR(ReadChallenge(parameters, request));
  FLORIN_ASSIGN_OR_RETURN(request.scopes, SplitScopes(Value(parameters, "scope")));
  for (const std::string& scope : request.scopes) {
    if (!client.MayAsk(scope)) {
      return Error(Reason::kInvalidScope, "the client may not ask for this scope",
                   {.param = "scope"});
    }
  }
  for (const auto& [name, field] :
       {std::pair{"state", &request.state}, std::pair{"nonce", &request.nonce}}) {
    *field = Value(parameters, name);
    if (field->size() > kMaxOpaque || !IsPlain(*field)) {
      return Invalid(name, "at most 512 characters of printable ASCII");
    }
  }
  FLORIN_RETURN_IF_ERROR(ReadOpenId(parameters, request));
  return request;
}

bool IsCodeVerifier(std::string_view text) {
  return text.size() >= 43 && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), IsUnreserved);
}

}  // namespace florin::auth
