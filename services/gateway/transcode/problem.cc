#include "services/gateway/transcode/problem.h"

#include <cctype>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"
#include "services/gateway/transcode/json_writer.h"

namespace florin::gateway {
namespace {

// "Insufficient funds" of "insufficient_funds".
std::string TitleOf(std::string_view reason) {
  std::string title(reason);
  for (char& c : title) c = c == '_' ? ' ' : c;
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

bool IsOurFault(Reason reason) {
  return reason == Reason::kInternal || reason == Reason::kUnavailable ||
         reason == Reason::kDeadlineExceeded;
}

void AppendMember(std::string_view name, std::string_view value, std::string& json) {
  if (json.size() > 1) json += ',';
  AppendJsonString(name, json);
  json += ':';
  AppendJsonString(value, json);
}

void AppendMetadata(const ErrorDetail& detail, std::string& json) {
  json += ",\"metadata\":{";
  bool first = true;
  for (const auto& [key, value] : detail.metadata) {
    if (!std::exchange(first, false)) json += ',';
    AppendJsonString(key, json);
    json += ':';
    AppendJsonString(value, json);
  }
  json += '}';
}

std::string Challenge(Reason reason, const ErrorDetail& detail) {
  // RFC 9449 section 7.1.
  if (reason == Reason::kInvalidDpopProof)
    return "DPoP algs=\"ES256 PS256 EdDSA\", error=\"invalid_dpop_proof\"";
  if (reason == Reason::kUseDpopNonce)
    return "DPoP algs=\"ES256 PS256 EdDSA\", error=\"use_dpop_nonce\"";
  std::string challenge = "Bearer realm=\"florin\"";
  if (reason == Reason::kTokenInvalid || reason == Reason::kApiKeyWrongMode) {
    absl::StrAppend(&challenge, ", error=\"invalid_token\"");
  }
  if (reason == Reason::kTokenExpired) {
    absl::StrAppend(&challenge,
                    ", error=\"invalid_token\", error_description=\"the token has expired\"");
  }
  if (reason == Reason::kScopeMissing) {
    absl::StrAppend(&challenge, ", error=\"insufficient_scope\"");
    const auto scope = detail.metadata.find("scope");
    if (scope != detail.metadata.end())
      absl::StrAppend(&challenge, ", scope=\"", scope->second, "\"");
  }
  // RFC 9470 section 3.
  if (reason == Reason::kStepUpRequired) {
    absl::StrAppend(&challenge, ", error=\"insufficient_user_authentication\"");
    for (const char* name : {"acr_values", "max_age"}) {
      const auto value = detail.metadata.find(name);
      if (value != detail.metadata.end())
        absl::StrAppend(&challenge, ", ", name, "=\"", value->second, "\"");
    }
  }
  return challenge;
}

}  // namespace

absl::Status PublicError(const absl::Status& error) {
  FLORIN_CHECK(!error.ok(), "a problem is made of an error");
  Reason reason = *ReasonOf(error);
  // The caller that may not call is this gateway: the client cannot do anything about that.
  if (reason == Reason::kCallerNotAllowed) reason = Reason::kInternal;
  // The client is still here, so a service broke the call off, as one that stops does.
  if (reason == Reason::kCanceled) reason = Reason::kUnavailable;
  if (IsOurFault(reason)) return Error(reason, TitleOf(InfoOf(reason).name));
  return Error(reason, std::string(error.message()), DetailOf(error));
}

Problem MakeProblem(const absl::Status& error, std::string_view request_id) {
  const absl::Status shown = PublicError(error);
  const Reason reason = *ReasonOf(shown);
  const ReasonInfo& info = InfoOf(reason);
  const ErrorDetail detail = DetailOf(shown);

  Problem problem{.http_status = info.http_status, .reason = std::string(info.name)};
  std::string& json = problem.body;
  json.reserve(512);
  json += '{';
  AppendMember("type", absl::StrCat("urn:florin:reason:", problem.reason), json);
  AppendMember("title", TitleOf(info.name), json);
  absl::StrAppend(&json, ",\"status\":", info.http_status);
  AppendMember("reason", info.name, json);
  AppendMember("detail", std::string(shown.message()), json);
  if (!detail.param.empty()) AppendMember("param", detail.param, json);
  if (!detail.metadata.empty()) AppendMetadata(detail, json);
  AppendMember("request_id", request_id, json);
  AppendMember("advice", info.advice, json);
  json += '}';

  if (info.http_status == 401 || reason == Reason::kScopeMissing) {
    problem.headers.emplace_back("WWW-Authenticate", Challenge(reason, detail));
  }
  if (info.http_status == 429 || info.http_status == 503) {
    const auto seconds = detail.metadata.find("retry_after_seconds");
    problem.headers.emplace_back("Retry-After",
                                 seconds == detail.metadata.end() ? "1" : seconds->second);
  }
  return problem;
}

}  // namespace florin::gateway
