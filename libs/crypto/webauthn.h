// Passkeys: what a relying party checks of WebAuthn ceremonies (W3C Web Authentication Level 2,
// sections 7.1 and 7.2), after a challenge was issued and before anything is stored.
//
// Pure: challenges, the stored credential and the relying party are arguments. CBOR is read by a
// strict reader of ours (definite lengths, no tags, bounded depth, nothing left over) before
// libfido2 sees any of it; libfido2 decodes COSE keys and verifies signatures. It checks neither
// type, challenge, origin nor counter: those are checked here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/status/status.h"

namespace florin::crypto {

// Who asks. `id` is the domain that passkeys are bound to; `origins` are the pages that may use
// them, compared octet by octet: "https://login.bank.example".
struct RelyingParty {
  std::string id;
  std::string name;
  std::vector<std::string> origins;
};

// A key as COSE names it (RFC 9053): ES256 (-7), EdDSA with Ed25519 (-8), RS256 (-257, 2048 bits).
// `octets` is x ‖ y, the key of RFC 8032, or the modulus ‖ the exponent in three octets.
struct PasskeyKey {
  int algorithm = 0;
  std::string octets;

  friend bool operator==(const PasskeyKey&, const PasskeyKey&) = default;
};

// A credential that was just made.
struct NewPasskey {
  std::string credential_id;  // 16 to 1023 octets.
  PasskeyKey key;
  std::uint32_t sign_count = 0;
  bool backup_eligible = false;  // It may be on several devices (a synced passkey).
  bool backed_up = false;
};

// What the browser gave, still unverified: RegistrationResponseJSON and AuthenticationResponseJSON
// of WebAuthn Level 3 section 5.1, as PublicKeyCredential.toJSON() writes them.
struct PasskeyRegistration {
  std::string client_data_json;
  std::string attestation_object;  // At most 16 KiB.
};
struct PasskeyAssertion {
  std::string credential_id;
  std::string user_handle;  // Empty if the authenticator gave none.
  std::string client_data_json;
  std::string authenticator_data;
  std::string signature;
};

// Read the JSON, at most 32 KiB. Error: kPasskeyRefused with param `credential`.
absl::StatusOr<PasskeyRegistration> ParsePasskeyRegistration(std::string_view json);
absl::StatusOr<PasskeyAssertion> ParsePasskeyAssertion(std::string_view json);

// Section 7.1: type, challenge, origin, not embedded in another site's page, the RP's id, user
// present and verified, backup state, the key and its algorithm. Attestation is not asked for: its
// statement is read past and never relied on, whatever its format. Error: kPasskeyRefused with
// param `credential`.
absl::StatusOr<NewPasskey> VerifyPasskeyRegistration(const RelyingParty& party,
                                                     std::string_view challenge,
                                                     const PasskeyRegistration& registration);

// Of a credential that was stored.
struct StoredPasskey {
  PasskeyKey key;
  std::uint32_t sign_count = 0;
  bool backup_eligible = false;
};
struct AssertedPasskey {
  std::uint32_t sign_count = 0;  // To be stored; greater than the stored one unless both are 0.
  bool backed_up = false;
};

// Section 7.2, the same checks, and the signature and the counter: one that does not grow means
// that the key was copied. Which user a credential belongs to, and that the user handle is that
// user's, is for the caller to check. Error: kPasskeyRefused with param `credential`.
absl::StatusOr<AssertedPasskey> VerifyPasskeyAssertion(const RelyingParty& party,
                                                       std::string_view challenge,
                                                       const StoredPasskey& stored,
                                                       const PasskeyAssertion& assertion);

// Options for navigator.credentials.create() and .get(), as JSON (Level 3 sections 5.1.8, 5.1.9):
// discoverable credentials and user verification required, no attestation, five minutes.
struct PasskeyUser {
  std::string handle;  // 1 to 64 octets that say nothing of the person.
  std::string name;
};
std::string PasskeyCreationOptions(const RelyingParty& party, std::string_view challenge,
                                   const PasskeyUser& user,
                                   const std::vector<std::string>& excluded_credentials);
// `allowed_credentials` empty: any passkey that the device has for this party.
std::string PasskeyRequestOptions(const RelyingParty& party, std::string_view challenge,
                                  const std::vector<std::string>& allowed_credentials);

// The challenge of an approval: SHA-256 over "florin-approval-v1", LF, `nonce` (32 octets) and
// `octets`, the canonical form of what is approved. Any other octets give another challenge.
std::string ApprovalChallenge(std::string_view nonce, std::string_view octets);

}  // namespace florin::crypto
