#include "services/accounts/domain/profile.h"

#include "libs/status/matchers.h"
#include "services/accounts/domain/verification.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::CivilDay kToday(2026, 11, 27);

Profile Person() {
  return {.kind = CustomerKind::kPerson,
          .given_name = "Zoë",
          .family_name = "O'Brien; 3:x",
          .birth_date = "1990-02-28",
          .nationality = "IE",
          .address = {.line1 = "1 Quay", .postal_code = "D02", .city = "Dublin", .country = "IE"},
          .email = "Zoe@Example.com",
          .phone = "+353871234567"};
}
Profile Business() {
  return {.kind = CustomerKind::kBusiness,
          .legal_name = "Söhne & Co",
          .registration_number = "HRB 12-3/4",
          .country_of_incorporation = "DE"};
}

struct Bad {
  const char* field;
  void (*make)(Profile&);
};

TEST(CheckProfile, TakesWhatKeepsTheRules) {
  EXPECT_THAT(CheckProfile(Profile(), kToday), IsOk());
  EXPECT_THAT(CheckProfile(Person(), kToday), IsOk());
  EXPECT_THAT(CheckProfile(Business(), kToday), IsOk());
  Profile leap = Person();
  leap.birth_date = "2024-02-29";
  EXPECT_THAT(CheckProfile(leap, kToday), IsOk());
  leap.birth_date = "2026-11-27";
  EXPECT_THAT(CheckProfile(leap, kToday), IsOk());
}

TEST(CheckProfile, NamesTheFieldThatDoesNot) {
  const Bad cases[] = {
      {"profile.kind", [](Profile& p) { p.kind = CustomerKind::kUnknown; }},
      {"profile.legal_name", [](Profile& p) { p.legal_name = "Ltd"; }},
      {"profile.given_name", [](Profile& p) { p.given_name = "a\nb"; }},
      {"profile.given_name", [](Profile& p) { p.given_name = std::string(101, 'a'); }},
      {"profile.family_name", [](Profile& p) { p.family_name = "\xff"; }},
      {"profile.birth_date", [](Profile& p) { p.birth_date = "2026-11-28"; }},
      {"profile.birth_date", [](Profile& p) { p.birth_date = "1899-12-31"; }},
      {"profile.birth_date", [](Profile& p) { p.birth_date = "2023-02-29"; }},
      {"profile.birth_date", [](Profile& p) { p.birth_date = "1990-2-28"; }},
      {"profile.birth_date", [](Profile& p) { p.birth_date = "28.02.1990"; }},
      {"profile.nationality", [](Profile& p) { p.nationality = "ie"; }},
      {"profile.nationality", [](Profile& p) { p.nationality = "IRL"; }},
      {"profile.address.line1", [](Profile& p) { p.address.line1 = ""; }},
      {"profile.address.city", [](Profile& p) { p.address.city = ""; }},
      {"profile.address.postal_code", [](Profile& p) { p.address.postal_code.assign(17, '1'); }},
      {"profile.address.country", [](Profile& p) { p.address.country = ""; }},
      {"profile.email", [](Profile& p) { p.email = "zoe"; }},
      {"profile.phone", [](Profile& p) { p.phone = "0871234567"; }},
      {"profile.phone", [](Profile& p) { p.phone = "+353 87 1234567"; }},
  };
  for (const Bad& bad : cases) {
    Profile profile = Person();
    bad.make(profile);
    EXPECT_THAT(CheckProfile(profile, kToday),
                AllOf(StatusHasReason(Reason::kInvalidPersonalData), StatusHasParam(bad.field)))
        << bad.field;
  }
  Profile business = Business();
  business.registration_number = "1\"2";
  EXPECT_THAT(CheckProfile(business, kToday), StatusHasParam("profile.registration_number"));
  business = Business();
  business.country_of_incorporation = "D";
  EXPECT_THAT(CheckProfile(business, kToday), StatusHasParam("profile.country_of_incorporation"));
  business = Business();
  business.birth_date = "1990-01-01";
  EXPECT_THAT(CheckProfile(business, kToday), StatusHasParam("profile.birth_date"));
}

TEST(CheckProfile, ErrorsHaveNothingOfTheData) {
  Profile profile = Person();
  profile.email = "planted value";
  const absl::Status refused = CheckProfile(profile, kToday);
  EXPECT_EQ(std::string(refused.message()).find("planted"), std::string::npos);
  EXPECT_THAT(DetailOf(refused).metadata, IsEmpty());
}

TEST(CheckComplete, WhatEachLevelNeeds) {
  EXPECT_THAT(CheckComplete(Person(), KycLevel::kFull), IsOk());
  EXPECT_THAT(CheckComplete(Business(), KycLevel::kBasic), IsOk());
  EXPECT_THAT(CheckComplete(Business(), KycLevel::kFull), StatusHasParam("profile.address"));
  EXPECT_THAT(CheckComplete(Profile(), KycLevel::kBasic), StatusHasParam("profile.kind"));
  Profile person = Person();
  person.birth_date = "";
  EXPECT_THAT(
      CheckComplete(person, KycLevel::kBasic),
      AllOf(StatusHasReason(Reason::kInvalidPersonalData), StatusHasParam("profile.birth_date")));
  EXPECT_THAT(CheckComplete(person, KycLevel::kNone), StatusHasReason(Reason::kInvalidField));
}

TEST(Merge, TakesWhatTheMaskNames) {
  Profile given;
  given.email = "new@example.com";
  Profile expected = Person();
  expected.email = "new@example.com";
  EXPECT_EQ(Merge(Person(), given, {}).value(), expected);
  EXPECT_EQ(Merge(Person(), given, {"email"}).value(), expected);
  expected.address = Address();
  EXPECT_EQ(Merge(Person(), given, {"email", "address"}).value(), expected);
  EXPECT_THAT(Merge(Person(), given, {"email", "address.city"}).status(),
              AllOf(StatusHasReason(Reason::kUnknownField), StatusHasParam("update_mask")));
  // Each field by its name.
  for (const std::string_view field : ProfileFields()) {
    const Profile from = field == "kind" ? Business() : Profile();
    const Profile after = Merge(Person(), from, {std::string(field)}).value();
    const bool of_a_business = field == "legal_name" || field == "registration_number" ||
                               field == "country_of_incorporation";
    if (of_a_business) continue;
    EXPECT_THAT(FieldsThatDiffer(Person(), after), ElementsAre(field)) << field;
  }
}

TEST(IdentityDiffers, ContactsAndAddressDoNotIdentify) {
  Profile other = Person();
  other.email = "";
  other.phone = "";
  other.address = Address();
  EXPECT_FALSE(IdentityDiffers(Person(), other));
  EXPECT_THAT(FieldsThatDiffer(Person(), other), ElementsAre("address", "email", "phone"));
  other.birth_date = "1990-02-27";
  EXPECT_TRUE(IdentityDiffers(Person(), other));
}

TEST(Normalize, EqualForWhatPeopleTakeForEqual) {
  EXPECT_EQ(NormalizeEmail("Zoe@Example.COM"), "zoe@example.com");
  for (const char* bad : {"", "zoe", "@a.b", "a@b", "a@b@c.d", "a b@c.d", "a@.b", "a@b.", "a@b..c",
                          "zoë@example.com"}) {
    EXPECT_EQ(NormalizeEmail(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(NormalizeEmail(std::string(65, 'a') + "@b.c"), std::nullopt);
  EXPECT_EQ(NormalizePhone("+353 (87) 123-45.67"), "+353871234567");
  for (const char* bad : {"", "+", "353871234567", "+0353871234567", "+12345", "+35387123x567",
                          "+1234567890123456"}) {
    EXPECT_EQ(NormalizePhone(bad), std::nullopt) << bad;
  }
}

TEST(EncodeProfile, IsReadAgain) {
  for (const Profile& profile : {Profile(), Person(), Business()}) {
    EXPECT_EQ(DecodeProfile(EncodeProfile(profile)).value(), profile);
  }
  const std::string octets = EncodeProfile(Person());
  for (std::size_t size = 0; size < octets.size(); ++size) {
    EXPECT_THAT(DecodeProfile(octets.substr(0, size)), StatusHasReason(Reason::kInternal)) << size;
  }
  EXPECT_THAT(DecodeProfile(octets + "x"), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(DecodeProfile("2;" + octets.substr(2)), StatusHasReason(Reason::kInternal));
}

TEST(IsReasonCode, IsNoSentence) {
  EXPECT_TRUE(IsReasonCode("document_expired"));
  EXPECT_FALSE(IsReasonCode(""));
  EXPECT_FALSE(IsReasonCode("Document expired"));
  EXPECT_FALSE(IsReasonCode(std::string(41, 'a')));
}

}  // namespace
}  // namespace florin::accounts
