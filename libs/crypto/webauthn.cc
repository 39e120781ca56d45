#include "libs/crypto/webauthn.h"

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/crypto/authenticator_data.h"
#include "libs/crypto/json_members.h"
#include "libs/crypto/passkey_key.h"
#include "libs/crypto/sha256.h"

namespace florin::crypto {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxCredentialJson = 32 << 10;
constexpr std::size_t kMaxClientData = 4 << 10;
constexpr std::size_t kMaxAttestationObject = 16 << 10;
constexpr std::size_t kMinCredentialId = 16;
constexpr std::size_t kMaxCredentialId = 1023;
constexpr int kTimeoutMilliseconds = 300'000;

absl::Status Refuse(std::string_view why) {
  return Error(Reason::kPasskeyRefused, why, {.param = "credential"});
}

std::string_view ToView(const json::string& text) { return {text.data(), text.size()}; }

// The parsed text, which is one object.
absl::StatusOr<json::object> ParseObject(std::string_view text, std::size_t longest) {
  if (text.size() > longest) return Refuse("the credential is too long");
  json::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  json::value value = json::parse({text.data(), text.size()}, error, json::storage_ptr(), options);
  if (error || !value.is_object()) return Refuse("the credential is not a JSON object");
  return std::move(value.get_object());
}

const json::string* FindString(const json::object& object, const char* name) {
  const json::value* member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_string();
}

absl::StatusOr<std::string> DecodeMember(const json::object& object, const char* name) {
  const json::string* text = FindString(object, name);
  if (text == nullptr) return Refuse(absl::StrCat("the credential has no ", name));
  absl::StatusOr<std::string> octets = Base64UrlDecode(ToView(*text));
  if (!octets.ok()) return Refuse(absl::StrCat(name, " is not base64url"));
  return octets;
}

// The `response` of a public-key credential.
absl::StatusOr<json::object> ParseResponse(const json::object& credential) {
  const json::string* type = FindString(credential, "type");
  if (type == nullptr || ToView(*type) != "public-key") {
    return Refuse("the credential is not of type public-key");
  }
  const json::value* response = credential.if_contains("response");
  if (response == nullptr || !response->is_object())
    return Refuse("the credential has no response");
  return response->get_object();
}

// Sections 7.1 steps 5-10 and 7.2 steps 9-14: what the browser says happened.
absl::Status CheckClientData(const RelyingParty& party, std::string_view type,
                             std::string_view challenge, const std::string& text) {
  // Refuses duplicate members, so that every reader of these signed octets reads the same.
  if (text.size() > kMaxClientData || !ParseJsonMembers(text).ok()) {
    return Refuse("the client data is not one strict JSON object");
  }
  FLORIN_ASSIGN_OR_RETURN(const json::object data, ParseObject(text, kMaxClientData));
  const json::string* data_type = FindString(data, "type");
  if (data_type == nullptr || ToView(*data_type) != type) {
    return Refuse("the client data is of another ceremony");
  }
  const json::string* data_challenge = FindString(data, "challenge");
  if (data_challenge == nullptr ||
      !ConstantTimeEqual(ToView(*data_challenge), Base64UrlEncode(challenge))) {
    return Refuse("the client data has another challenge");
  }
  const json::string* origin = FindString(data, "origin");
  if (origin == nullptr ||
      std::none_of(party.origins.begin(), party.origins.end(),
                   [origin](const std::string& own) { return ToView(*origin) == own; })) {
    return Refuse("the client data has another origin");
  }
  const json::value* cross_origin = data.if_contains("crossOrigin");
  const bool embedded =
      cross_origin != nullptr && (!cross_origin->is_bool() || cross_origin->get_bool());
  if (embedded || data.if_contains("topOrigin") != nullptr) {
    return Refuse("the ceremony was embedded in another site's page");
  }
  return absl::OkStatus();
}

absl::Status CheckFlags(const RelyingParty& party, const AuthenticatorData& data) {
  if (data.rp_id_hash != AsOctets(Sha256(party.id))) {
    return Refuse("the authenticator answered another relying party");
  }
  if (!data.user_present || !data.user_verified) {
    return Refuse("the authenticator did not verify its user");
  }
  if (data.backed_up && !data.backup_eligible) {
    return Refuse("the authenticator's backup state contradicts itself");
  }
  return absl::OkStatus();
}

json::array Descriptors(const std::vector<std::string>& credential_ids) {
  json::array descriptors;
  for (const std::string& id : credential_ids) {
    descriptors.push_back(json::object{{"type", "public-key"}, {"id", Base64UrlEncode(id)}});
  }
  return descriptors;
}

}  // namespace

absl::StatusOr<PasskeyRegistration> ParsePasskeyRegistration(std::string_view text) {
  FLORIN_ASSIGN_OR_RETURN(const json::object credential, ParseObject(text, kMaxCredentialJson));
  FLORIN_ASSIGN_OR_RETURN(const json::object response, ParseResponse(credential));
  PasskeyRegistration registration;
  FLORIN_ASSIGN_OR_RETURN(registration.client_data_json, DecodeMember(response, "clientDataJSON"));
  FLORIN_ASSIGN_OR_RETURN(registration.attestation_object,
                          DecodeMember(response, "attestationObject"));
  return registration;
}

absl::StatusOr<PasskeyAssertion> ParsePasskeyAssertion(std::string_view text) {
  FLORIN_ASSIGN_OR_RETURN(const json::object credential, ParseObject(text, kMaxCredentialJson));
  FLORIN_ASSIGN_OR_RETURN(const json::object response, ParseResponse(credential));
  PasskeyAssertion assertion;
  FLORIN_ASSIGN_OR_RETURN(assertion.credential_id, DecodeMember(credential, "id"));
  FLORIN_ASSIGN_OR_RETURN(assertion.client_data_json, DecodeMember(response, "clientDataJSON"));
  FLORIN_ASSIGN_OR_RETURN(assertion.authenticator_data,
                          DecodeMember(response, "authenticatorData"));
  FLORIN_ASSIGN_OR_RETURN(assertion.signature, DecodeMember(response, "signature"));
  if (const json::value* handle = response.if_contains("userHandle");
      handle != nullptr && !handle->is_null()) {
    FLORIN_ASSIGN_OR_RETURN(assertion.user_handle, DecodeMember(response, "userHandle"));
  }
  return assertion;
}

absl::StatusOr<NewPasskey> VerifyPasskeyRegistration(const RelyingParty& party,
                                                     std::string_view challenge,
                                                     const PasskeyRegistration& registration) {
  FLORIN_RETURN_IF_ERROR(
      CheckClientData(party, "webauthn.create", challenge, registration.client_data_json));
  if (registration.attestation_object.size() > kMaxAttestationObject) {
    return Refuse("the attestation object is too large");
  }
  const std::optional<std::string_view> octets =
      AuthenticatorDataOf(registration.attestation_object);
  if (!octets) return Refuse("the attestation object is malformed");
  const std::optional<AuthenticatorData> data = ParseAuthenticatorData(*octets);
  if (!data || !data->attested) return Refuse("the authenticator data is malformed");
  FLORIN_RETURN_IF_ERROR(CheckFlags(party, *data));
  NewPasskey passkey;
  passkey.credential_id = data->attested->credential_id;
  if (passkey.credential_id.size() < kMinCredentialId ||
      passkey.credential_id.size() > kMaxCredentialId) {
    return Refuse("the credential id has an improper length");
  }
  std::optional<PasskeyKey> key = KeyOfAuthenticatorData(party.id, *octets);
  if (!key) return Refuse("the passkey's key is of no kind that was asked for");
  passkey.key = *std::move(key);
  passkey.sign_count = data->sign_count;
  passkey.backup_eligible = data->backup_eligible;
  passkey.backed_up = data->backed_up;
  return passkey;
}

absl::StatusOr<AssertedPasskey> VerifyPasskeyAssertion(const RelyingParty& party,
                                                       std::string_view challenge,
                                                       const StoredPasskey& stored,
                                                       const PasskeyAssertion& assertion) {
  FLORIN_RETURN_IF_ERROR(
      CheckClientData(party, "webauthn.get", challenge, assertion.client_data_json));
  const std::optional<AuthenticatorData> data =
      ParseAuthenticatorData(assertion.authenticator_data);
  if (!data || data->attested) return Refuse("the authenticator data is malformed");
  FLORIN_RETURN_IF_ERROR(CheckFlags(party, *data));
  if (data->backup_eligible != stored.backup_eligible) {
    return Refuse("the passkey is not the one that was registered");
  }
  if (!VerifyPasskeySignature(party.id, stored.key, assertion)) {
    return Refuse("the signature does not verify");
  }
  // Section 7.2 step 21. Both 0: an authenticator without a counter, as synced passkeys are.
  if ((data->sign_count != 0 || stored.sign_count != 0) && data->sign_count <= stored.sign_count) {
    return Refuse("the signature counter did not grow: the passkey may have been copied");
  }
  return AssertedPasskey{.sign_count = data->sign_count, .backed_up = data->backed_up};
}

std::string PasskeyCreationOptions(const RelyingParty& party, std::string_view challenge,
                                   const PasskeyUser& user,
                                   const std::vector<std::string>& excluded_credentials) {
  json::array algorithms;
  for (const int algorithm : kPasskeyAlgorithms) {
    algorithms.push_back(json::object{{"type", "public-key"}, {"alg", algorithm}});
  }
  return json::serialize(json::object{
      {"rp", {{"id", party.id}, {"name", party.name}}},
      {"user",
       {{"id", Base64UrlEncode(user.handle)}, {"name", user.name}, {"displayName", user.name}}},
      {"challenge", Base64UrlEncode(challenge)},
      {"pubKeyCredParams", std::move(algorithms)},
      {"timeout", kTimeoutMilliseconds},
      {"excludeCredentials", Descriptors(excluded_credentials)},
      {"authenticatorSelection",
       {{"residentKey", "required"},
        {"requireResidentKey", true},
        {"userVerification", "required"}}},
      {"attestation", "none"}});
}

std::string PasskeyRequestOptions(const RelyingParty& party, std::string_view challenge,
                                  const std::vector<std::string>& allowed_credentials) {
  return json::serialize(json::object{{"challenge", Base64UrlEncode(challenge)},
                                      {"rpId", party.id},
                                      {"timeout", kTimeoutMilliseconds},
                                      {"userVerification", "required"},
                                      {"allowCredentials", Descriptors(allowed_credentials)}});
}

std::string ApprovalChallenge(std::string_view nonce, std::string_view octets) {
  Sha256Stream stream;
  stream.Add("florin-approval-v1\n");
  stream.Add(nonce);
  stream.Add(octets);
  return std::string(AsOctets(stream.digest()));
}

}  // namespace florin::crypto
