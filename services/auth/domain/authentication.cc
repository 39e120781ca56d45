#include "services/auth/domain/authentication.h"

namespace florin::auth {

Strength StrengthOf(Proofs proofs) {
  if (proofs.Has(Proof::kPasskey)) return Strength::kPhishingResistant;
  if (!proofs.Has(Proof::kPassword)) return Strength::kNone;
  const bool second = proofs.Has(Proof::kTotp) || proofs.Has(Proof::kRecoveryCode);
  return second ? Strength::kTwoFactors : Strength::kPassword;
}

std::string_view AcrOf(Strength strength) {
  switch (strength) {
    case Strength::kNone:
      return "";
    case Strength::kPassword:
      return "urn:florin:acr:pwd";
    case Strength::kTwoFactors:
      return "urn:florin:acr:mfa";
    case Strength::kPhishingResistant:
      return "urn:florin:acr:phr";
  }
  return "";
}

std::optional<Strength> StrengthFromAcr(std::string_view acr) {
  for (const Strength strength :
       {Strength::kPassword, Strength::kTwoFactors, Strength::kPhishingResistant}) {
    if (acr == AcrOf(strength)) return strength;
  }
  return std::nullopt;
}

std::vector<std::string_view> AmrOf(Proofs proofs) {
  std::vector<std::string_view> amr;
  if (proofs.Has(Proof::kPassword)) amr.push_back("pwd");
  if (proofs.Has(Proof::kTotp) || proofs.Has(Proof::kRecoveryCode)) amr.push_back("otp");
  if (proofs.Has(Proof::kPasskey)) {
    amr.push_back("swk");
    amr.push_back("user");
  }
  if (StrengthOf(proofs) >= Strength::kTwoFactors) amr.push_back("mfa");
  return amr;
}

}  // namespace florin::auth
