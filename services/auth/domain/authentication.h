// How somebody proved who they are, and how strong that is.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

namespace florin::auth {

// What can be shown at a login. Values are stored: never change one.
enum class Proof : std::uint8_t {
  kPassword = 1,
  kTotp = 2,
  kRecoveryCode = 4,
  kPasskey = 8,  // With user verification (PIN or biometric): two proofs by itself.
};

// A set of proofs. Value type.
class Proofs {
 public:
  constexpr Proofs() = default;
  constexpr Proofs(std::initializer_list<Proof> proofs) {
    for (const Proof proof : proofs) Add(proof);
  }
  // From bits(), as they were stored; unknown bits are dropped.
  static constexpr Proofs FromBits(std::uint8_t bits) {
    Proofs proofs;
    proofs.bits_ = bits & 0x0f;
    return proofs;
  }

  constexpr void Add(Proof proof) { bits_ |= static_cast<std::uint8_t>(proof); }
  constexpr bool Has(Proof proof) const { return (bits_ & static_cast<std::uint8_t>(proof)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint8_t bits() const { return bits_; }

  friend constexpr bool operator==(const Proofs&, const Proofs&) = default;

 private:
  std::uint8_t bits_ = 0;
};

// Ordered: a stronger one is greater.
enum class Strength : std::uint8_t {
  kNone,
  kPassword,           // urn:florin:acr:pwd
  kTwoFactors,         // urn:florin:acr:mfa
  kPhishingResistant,  // urn:florin:acr:phr
};

// A second factor without a first one is worth nothing. Pure.
Strength StrengthOf(Proofs proofs);

// The `acr` claim (OpenID Connect Core section 2); empty for kNone. Pure.
std::string_view AcrOf(Strength strength);

// The strength that an `acr` names, or nothing if it names none of ours. Pure.
std::optional<Strength> StrengthFromAcr(std::string_view acr);

// The `amr` claim (RFC 8176 section 2), in a fixed order. A recovery code is an `otp`: it is used
// once. A passkey is `swk`, since without attestation nothing says that its key is in hardware.
// Pure.
std::vector<std::string_view> AmrOf(Proofs proofs);

}  // namespace florin::auth
