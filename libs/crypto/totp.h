// One-time codes: HOTP (RFC 4226) and TOTP (RFC 6238) with SHA-1, which is what authenticator apps
// have; HMAC does not rest on the collision resistance that SHA-1 has lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace florin::crypto {

inline constexpr int kTotpDigits = 6;
inline constexpr absl::Duration kTotpStep = absl::Seconds(30);

// RFC 4226 section 5.3. `digits` is at most 9.
std::string HotpCode(std::string_view secret, std::uint64_t counter, int digits);

// The counter of RFC 6238 section 4.2 with T0 = 0.
std::int64_t TotpCounter(absl::Time now);

// Which counter `code` belongs to: that of now, or the one before or after it (RFC 6238 section
// 5.2: one step for the network's delay and the user's clock). Nothing if it is none of them, or
// not six digits. Whoever accepts a code stores its counter and takes none that is not greater: a
// code counts once. The time does not depend on which one matches. Pure.
std::optional<std::int64_t> MatchTotp(std::string_view secret, std::string_view code,
                                      absl::Time now);

// 160 random bits, the length that RFC 4226 section 4 recommends.
std::string NewTotpSecret();

// Base32 (RFC 4648 section 6) without padding, as apps want it.
std::string Base32Encode(std::string_view octets);

// otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER&algorithm=SHA1&digits=6&period=30, as
// described in the Key Uri Format of Google Authenticator.
std::string TotpUri(std::string_view secret, std::string_view issuer, std::string_view account);

}  // namespace florin::crypto
