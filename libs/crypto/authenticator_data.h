// The octets that an authenticator signs (WebAuthn Level 2 sections 6.1 and 6.5). Only for sources
// of libs/crypto: webauthn.h is what others use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace florin::crypto {

struct AttestedCredential {
  std::string credential_id;
};

struct AuthenticatorData {
  std::string_view rp_id_hash;
  bool user_present = false;
  bool user_verified = false;
  bool backup_eligible = false;
  bool backed_up = false;
  std::uint32_t sign_count = 0;
  std::optional<AttestedCredential> attested;
};

// Nothing unless the octets are exactly that: what the flags announce, and nothing after it. Refers
// to `octets`.
std::optional<AuthenticatorData> ParseAuthenticatorData(std::string_view octets);

// The authenticator data of an attestation object: a map of exactly `fmt`, `attStmt` and `authData`
// (section 6.5.4). Nothing for anything else. Refers to `object`.
std::optional<std::string_view> AuthenticatorDataOf(std::string_view object);

}  // namespace florin::crypto
