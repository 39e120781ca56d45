// Passkeys' public keys and signatures, by libfido2. Only for sources of libs/crypto: webauthn.h is
// what others use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/crypto/webauthn.h"

namespace florin::crypto {

// COSE's numbers of what is accepted, in the order of preference: ES256, EdDSA, RS256.
inline constexpr int kPasskeyAlgorithms[] = {-7, -8, -257};

// The key in authenticator data that ParseAuthenticatorData() took for well-formed. Nothing unless
// it is a valid key of one of kPasskeyAlgorithms.
std::optional<PasskeyKey> KeyOfAuthenticatorData(const std::string& rp_id, std::string_view octets);

// Whether the assertion is signed by `key` for `rp_id`, with the user present and verified.
bool VerifyPasskeySignature(const std::string& rp_id, const PasskeyKey& key,
                            const PasskeyAssertion& assertion);

}  // namespace florin::crypto
