#include "services/accounts/domain/payee.h"

#include <set>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;

TEST(PayeeRules, AnIbanIsRead) {
  // Examples of ISO 13616's registry.
  for (const char* iban : {"GB29NWBK60161331926819", "DE89370400440532013000", "NO9386011117947",
                           "MT84MALT011000012345MTLCAST001S"}) {
    EXPECT_EQ(CanonicalIban(iban).value(), iban);
  }
  EXPECT_EQ(CanonicalIban(" de89 3704 0044 0532 0130 00").value(), "DE89370400440532013000");
}

TEST(PayeeRules, EveryWrongCharacterOfAnIbanIsFound) {
  const std::string iban = "DE89370400440532013000";
  for (std::size_t i = 0; i < iban.size(); ++i) {
    for (const char c : std::string("0123456789ABCXYZ-\n")) {
      std::string wrong = iban;
      wrong[i] = c;
      if (wrong == iban) continue;
      EXPECT_THAT(CanonicalIban(wrong).status(),
                  AllOf(StatusHasReason(Reason::kInvalidField), StatusHasParam("iban")))
          << wrong;
    }
  }
  for (const char* wrong :
       {"", "DE", "DE89", "GB29NWBK6016133192681", "MT84MALT011000012345MTLCAST001SSSSS"}) {
    EXPECT_THAT(CanonicalIban(wrong), StatusHasReason(Reason::kInvalidField)) << wrong;
  }
}

TEST(PayeeRules, OnlyAnotherNameMustBeAccepted) {
  for (const bool accept : {false, true}) {
    EXPECT_THAT(CheckAccepted(NameMatch::kMatch, accept), IsOk());
    EXPECT_THAT(CheckAccepted(NameMatch::kNotAvailable, accept), IsOk());
  }
  for (const NameMatch match : {NameMatch::kCloseMatch, NameMatch::kNoMatch}) {
    EXPECT_THAT(CheckAccepted(match, true), IsOk());
    EXPECT_THAT(CheckAccepted(match, false), StatusHasReason(Reason::kPayeeNameMismatch));
  }
  EXPECT_EQ(DetailOf(CheckAccepted(NameMatch::kCloseMatch, false)).metadata.at("name_match"),
            "CLOSE_MATCH");
  EXPECT_EQ(DetailOf(CheckAccepted(NameMatch::kNoMatch, false)).metadata.at("name_match"),
            "NO_MATCH");
}

TEST(PayeeRules, DetailsComeBackWhole) {
  for (const PayeeDetails& details :
       {PayeeDetails{}, PayeeDetails{.name = "3:Zoë:1", .iban = ""},
        PayeeDetails{.name = "Zoë", .iban = "DE89370400440532013000"}}) {
    EXPECT_EQ(DecodeDetails(EncodeDetails(details)).value(), details);
  }
  for (const char* wrong : {"", "1:", "1:a", "1:a2:b", "1:a1:bc", "x:a1:b", ":1:b", "9999999:a"}) {
    EXPECT_THAT(DecodeDetails(wrong), StatusHasReason(Reason::kInternal)) << wrong;
  }
}

TEST(PayeeRules, EveryFieldOfARequestTells) {
  const Payee payee{.details = {.name = "Zoë", .iban = "DE"}};
  std::set<std::string> seen = {CanonicalPayee(payee, false), CanonicalPayee(payee, true)};
  const Uuid id = DeriveId("test", "id");
  Payee other = payee;
  other.customer_id = id;
  seen.insert(CanonicalPayee(other, false));
  other = payee;
  other.account_id = id;
  seen.insert(CanonicalPayee(other, false));
  other = payee;
  other.details.name = "Zoe";
  seen.insert(CanonicalPayee(other, false));
  other = payee;
  other.details.iban = "DE8";
  seen.insert(CanonicalPayee(other, false));
  EXPECT_EQ(seen.size(), 6u);
}

}  // namespace
}  // namespace florin::accounts
