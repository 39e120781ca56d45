#include "libs/crypto/webauthn.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "libs/crypto/cbor.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

namespace json = boost::json;

// What a browser really sent: testdata/webauthn.json says how it was made.
const json::object& Vectors() {
  static const json::value file = [] {
    std::ifstream in(std::string(std::getenv("FLORIN_SOURCE_DIR")) +
                     "/libs/crypto/testdata/webauthn.json");
    std::ostringstream text;
    text << in.rdbuf();
    return json::parse(text.str());
  }();
  return file.as_object();
}

std::string Text(const json::object& object, const char* name) {
  return std::string(object.at(name).as_string());
}
std::string Octets(const json::object& object, const char* name) {
  return Base64UrlDecode(Text(object, name)).value();
}

const RelyingParty& Party() {
  static const RelyingParty party{.id = Text(Vectors(), "rp_id"),
                                  .name = "Florin",
                                  .origins = {"https://bank.example", Text(Vectors(), "origin")}};
  return party;
}

class PasskeyTest : public ::testing::TestWithParam<int> {
 protected:
  const json::object& vector() const {
    return Vectors().at("passkeys").as_array().at(GetParam()).as_object();
  }
  std::string challenge() const {
    return Octets(vector().at("registration").as_object(), "challenge");
  }
  PasskeyRegistration registration() const {
    return ParsePasskeyRegistration(Text(vector().at("registration").as_object(), "credential"))
        .value();
  }
  NewPasskey passkey() const {
    return VerifyPasskeyRegistration(Party(), challenge(), registration()).value();
  }
  StoredPasskey stored() const {
    const NewPasskey made = passkey();
    return {
        .key = made.key, .sign_count = made.sign_count, .backup_eligible = made.backup_eligible};
  }
  std::string assertion_challenge(int i) const {
    return Octets(vector().at("assertions").as_array().at(i).as_object(), "challenge");
  }
  PasskeyAssertion assertion(int i) const {
    return ParsePasskeyAssertion(
               Text(vector().at("assertions").as_array().at(i).as_object(), "credential"))
        .value();
  }
  // The first assertion, with that done to it.
  absl::StatusOr<AssertedPasskey> Verify(
      const std::function<void(PasskeyAssertion&)>& alter) const {
    PasskeyAssertion altered = assertion(0);
    alter(altered);
    return VerifyPasskeyAssertion(Party(), assertion_challenge(0), stored(), altered);
  }
  absl::StatusOr<NewPasskey> Register(
      const std::function<void(PasskeyRegistration&)>& alter) const {
    PasskeyRegistration altered = registration();
    alter(altered);
    return VerifyPasskeyRegistration(Party(), challenge(), altered);
  }
};

std::string NameOf(const ::testing::TestParamInfo<int>& test) {
  const char* names[] = {"Es256", "Eddsa", "Rs256"};
  return names[test.param];
}
INSTANTIATE_TEST_SUITE_P(Algorithms, PasskeyTest, ::testing::Values(0, 1, 2), NameOf);

constexpr std::size_t kFlags = 32;

TEST_P(PasskeyTest, ARegistrationOfAnAuthenticatorIsAccepted) {
  const NewPasskey made = passkey();
  const std::map<std::string, std::pair<int, std::size_t>> expected = {
      {"ES256", {-7, 64}}, {"EdDSA", {-8, 32}}, {"RS256", {-257, 259}}};
  const auto& [algorithm, size] = expected.at(Text(vector(), "algorithm"));
  EXPECT_EQ(made.key.algorithm, algorithm);
  EXPECT_EQ(made.key.octets.size(), size);
  EXPECT_EQ(made.credential_id, assertion(0).credential_id);
  EXPECT_EQ(made.sign_count, 1u);
  EXPECT_EQ(made.backup_eligible, algorithm == -7);
  EXPECT_EQ(made.backed_up, algorithm == -7);
}

TEST_P(PasskeyTest, ItsAssertionsAreAccepted) {
  StoredPasskey passkey = stored();
  for (int i = 0; i < 2; ++i) {
    const auto asserted =
        VerifyPasskeyAssertion(Party(), assertion_challenge(i), passkey, assertion(i));
    ASSERT_THAT(asserted, IsOk());
    EXPECT_GT(asserted->sign_count, passkey.sign_count);
    EXPECT_EQ(assertion(i).user_handle, Octets(vector(), "user_handle"));
    passkey.sign_count = asserted->sign_count;
  }
}

// Every bit of what is signed, and of the signature.
TEST_P(PasskeyTest, NoBitOfAnAssertionMayChange) {
  for (std::string PasskeyAssertion::*field :
       {&PasskeyAssertion::client_data_json, &PasskeyAssertion::authenticator_data,
        &PasskeyAssertion::signature}) {
    const std::size_t bits = 8 * (assertion(0).*field).size();
    for (std::size_t bit = 0; bit < bits; ++bit) {
      const auto flip = [field, bit](PasskeyAssertion& each) {
        (each.*field)[bit / 8] ^= static_cast<char>(1 << bit % 8);
      };
      ASSERT_THAT(Verify(flip), StatusHasReason(Reason::kPasskeyRefused)) << bit;
    }
    ASSERT_THAT(Verify([field](auto& each) { (each.*field) += '\0'; }),
                StatusHasReason(Reason::kPasskeyRefused));
    for (std::size_t size = 0; size < (assertion(0).*field).size(); ++size) {
      ASSERT_THAT(Verify([field, size](auto& each) { (each.*field).resize(size); }),
                  StatusHasReason(Reason::kPasskeyRefused));
    }
  }
}

TEST_P(PasskeyTest, AnotherKeyOrPartyIsRefused) {
  const auto verify = [this](const RelyingParty& party, const StoredPasskey& stored) {
    return VerifyPasskeyAssertion(party, assertion_challenge(0), stored, assertion(0));
  };
  ASSERT_THAT(verify(Party(), stored()), IsOk());
  RelyingParty other = Party();
  other.id = "login.bank.example";
  EXPECT_THAT(verify(other, stored()), StatusHasReason(Reason::kPasskeyRefused));
  for (std::size_t octet = 0; octet < stored().key.octets.size(); ++octet) {
    StoredPasskey altered = stored();
    altered.key.octets[octet] ^= 1;
    EXPECT_THAT(verify(Party(), altered), StatusHasReason(Reason::kPasskeyRefused)) << octet;
  }
  for (const int algorithm : {-7, -8, -257, -35, 0}) {
    StoredPasskey altered = stored();
    if (altered.key.algorithm == algorithm) continue;
    altered.key.algorithm = algorithm;
    EXPECT_THAT(verify(Party(), altered), StatusHasReason(Reason::kPasskeyRefused)) << algorithm;
  }
}

// WebAuthn Level 2 section 7.2 step 21.
TEST_P(PasskeyTest, ACounterThatDoesNotGrowIsRefused) {
  StoredPasskey passkey = stored();
  passkey.sign_count = 2;
  EXPECT_THAT(VerifyPasskeyAssertion(Party(), assertion_challenge(0), passkey, assertion(0)),
              StatusHasReason(Reason::kPasskeyRefused));
  passkey.sign_count = 1;
  EXPECT_THAT(VerifyPasskeyAssertion(Party(), assertion_challenge(0), passkey, assertion(0)),
              IsOk());
}

TEST_P(PasskeyTest, ABackupEligibilityThatChangedIsRefused) {
  StoredPasskey passkey = stored();
  passkey.backup_eligible = !passkey.backup_eligible;
  EXPECT_THAT(VerifyPasskeyAssertion(Party(), assertion_challenge(0), passkey, assertion(0)),
              StatusHasReason(Reason::kPasskeyRefused));
}

// Nothing of a registration is signed where there is no attestation, so that every check here is
// the only one.
TEST_P(PasskeyTest, ARegistrationIsHeldToItsFlags) {
  const std::size_t data = registration().attestation_object.find(AsOctets(Sha256(Party().id)));
  ASSERT_NE(data, std::string::npos);
  const auto with_flags = [&](int clear, int set) {
    return Register([&](auto& each) {
      char& flags = each.attestation_object[data + kFlags];
      flags = static_cast<char>((flags & ~clear) | set);
    });
  };
  EXPECT_THAT(with_flags(0, 0), IsOk());
  EXPECT_THAT(with_flags(0x01, 0), StatusHasReason(Reason::kPasskeyRefused));     // User present.
  EXPECT_THAT(with_flags(0x04, 0), StatusHasReason(Reason::kPasskeyRefused));     // User verified.
  EXPECT_THAT(with_flags(0x08, 0x10), StatusHasReason(Reason::kPasskeyRefused));  // BS without BE.
  EXPECT_THAT(with_flags(0x40, 0), StatusHasReason(Reason::kPasskeyRefused));     // Not attested.
  EXPECT_THAT(with_flags(0, 0x80), StatusHasReason(Reason::kPasskeyRefused));  // Extensions: none.
  EXPECT_THAT(Register([&](auto& each) { each.attestation_object[data] ^= 1; }),
              StatusHasReason(Reason::kPasskeyRefused));  // The party's hash.
}

TEST_P(PasskeyTest, NothingMayFollowOrBeMissing) {
  EXPECT_THAT(Register([](auto& each) { each.attestation_object += '\0'; }),
              StatusHasReason(Reason::kPasskeyRefused));
  EXPECT_THAT(Register([](auto& each) { each.attestation_object.append(16 << 10, '\0'); }),
              StatusHasReason(Reason::kPasskeyRefused));
  const std::size_t whole = registration().attestation_object.size();
  for (std::size_t size = 0; size < whole; ++size) {
    EXPECT_THAT(Register([size](auto& each) { each.attestation_object.resize(size); }),
                StatusHasReason(Reason::kPasskeyRefused));
  }
  // An octet after the key, within the authenticator data: libfido2 would not see it.
  EXPECT_THAT(Register([](auto& each) {
                std::string& object = each.attestation_object;
                const std::size_t data = object.find(AsOctets(Sha256(Party().id)));
                object += '\0';
                if (static_cast<unsigned char>(object[data - 2]) == 0x58) {
                  ++object[data - 1];
                } else {
                  const int size = (static_cast<unsigned char>(object[data - 2]) << 8 |
                                    static_cast<unsigned char>(object[data - 1])) +
                                   1;
                  object[data - 2] = static_cast<char>(size >> 8);
                  object[data - 1] = static_cast<char>(size);
                }
              }),
              StatusHasReason(Reason::kPasskeyRefused));
}

// None may crash, and what is accepted differs only in what says nothing: the AAGUID, the counter,
// the credential's id.
TEST_P(PasskeyTest, BitsOfARegistrationMayFlip) {
  const std::size_t bits = 8 * registration().attestation_object.size();
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const auto made = Register(
        [bit](auto& each) { each.attestation_object[bit / 8] ^= static_cast<char>(1 << bit % 8); });
    if (made.ok()) continue;
    ASSERT_THAT(made, StatusHasReason(Reason::kPasskeyRefused)) << bit;
    ASSERT_THAT(made, StatusHasParam("credential"));
  }
}

TEST(Passkey, AnAttestationIsReadPastAndNotReliedOn) {
  const json::object& vector = Vectors().at("attested").as_object();
  const auto registration = ParsePasskeyRegistration(Text(vector, "credential"));
  ASSERT_THAT(registration, IsOk());
  ASSERT_NE(registration->attestation_object.find("packed"), std::string::npos);
  EXPECT_THAT(VerifyPasskeyRegistration(Party(), Octets(vector, "challenge"), *registration),
              IsOk());
}

class ClientDataTest : public ::testing::Test {
 protected:
  static absl::Status Check(const std::string& client_data) {
    const json::object& vector =
        Vectors().at("passkeys").as_array().at(0).as_object().at("registration").as_object();
    PasskeyRegistration registration = ParsePasskeyRegistration(Text(vector, "credential")).value();
    registration.client_data_json =
        absl::StrReplaceAll(client_data, {{"CHALLENGE", Text(vector, "challenge")}});
    return VerifyPasskeyRegistration(Party(), Octets(vector, "challenge"), registration).status();
  }
};

TEST_F(ClientDataTest, IsAcceptedAsBrowsersWriteIt) {
  for (const char* text : {
           R"({"type":"webauthn.create","challenge":"CHALLENGE","origin":"https://bank.example",)"
           R"("crossOrigin":false})",
           R"({"type":"webauthn.create","challenge":"CHALLENGE","origin":)"
           R"("https://login.bank.example"})",
           R"({"more":[1],"origin":"https://bank.example","challenge":"CHALLENGE",)"
           R"("type":"webauthn.create"})",
       }) {
    EXPECT_THAT(Check(text), IsOk()) << text;
  }
}

TEST_F(ClientDataTest, IsRefusedForWhatIsWrongInIt) {
  const std::string origin = R"("origin":"https://bank.example")";
  const std::string challenge = R"("challenge":"CHALLENGE")";
  const std::string type = R"("type":"webauthn.create")";
  const std::string good = type + "," + challenge + "," + origin;
  ASSERT_THAT(Check("{" + good + "}"), IsOk());
  for (const std::string& members : {
           R"("type":"webauthn.get",)" + challenge + "," + origin,
           R"("type":"",)" + challenge + "," + origin,
           challenge + "," + origin,
           type + R"(,"challenge":"Q0hBTExFTkdF",)" + origin,
           type + R"(,"challenge":"CHALLENGE=",)" + origin,
           type + R"(,"challenge":"",)" + origin,
           type + "," + origin,
           type + "," + challenge,
           type + "," + challenge + R"(,"origin":"https://evil.example")",
           type + "," + challenge + R"(,"origin":"https://bank.example.evil.example")",
           type + "," + challenge + R"(,"origin":"https://bank.example/")",
           type + "," + challenge + R"(,"origin":"https://bank.example:444")",
           type + "," + challenge + R"(,"origin":"http://bank.example")",
           type + "," + challenge + R"(,"origin":"https://BANK.example")",
           type + "," + challenge + R"(,"origin":["https://bank.example"])",
           good + R"(,"crossOrigin":true)",
           good + R"(,"crossOrigin":"false")",
           good + R"(,"crossOrigin":null)",
           good + R"(,"topOrigin":"https://bank.example")",
           good + "," + type,
           good + R"(,"origin":"https://evil.example")",
       }) {
    EXPECT_THAT(Check("{" + members + "}"), StatusHasReason(Reason::kPasskeyRefused)) << members;
  }
  EXPECT_THAT(Check("{" + good + "} "), IsOk());
  EXPECT_THAT(Check("{" + good + "}x"), StatusHasReason(Reason::kPasskeyRefused));
  EXPECT_THAT(Check(""), StatusHasReason(Reason::kPasskeyRefused));
  EXPECT_THAT(Check("[]"), StatusHasReason(Reason::kPasskeyRefused));
}

TEST(ParsePasskey, RefusesWhatIsNoCredential) {
  for (const char* text : {
           "",
           "{}",
           "[]",
           "null",
           "{",
           R"({"type":"public-key"})",
           R"({"type":"password","response":{}})",
           R"({"type":"public-key","response":[]})",
           R"({"type":"public-key","response":{"clientDataJSON":1}})",
           R"({"type":"public-key","id":"AA","response":{"clientDataJSON":"A","signature":""}})",
       }) {
    EXPECT_THAT(ParsePasskeyRegistration(text), StatusHasReason(Reason::kPasskeyRefused)) << text;
    EXPECT_THAT(ParsePasskeyAssertion(text), StatusHasReason(Reason::kPasskeyRefused)) << text;
  }
  const std::string huge = R"({"type":"public-key","x":")" + std::string(32 << 10, 'x') + "\"}";
  EXPECT_THAT(ParsePasskeyAssertion(huge), StatusHasReason(Reason::kPasskeyRefused));
}

TEST(PasskeyOptions, SayWhatIsRequired) {
  const json::value made = json::parse(
      PasskeyCreationOptions(Party(), "challenge", {.handle = "user", .name = "a@b.c"}, {"id"}));
  EXPECT_EQ(json::serialize(made),
            R"({"rp":{"id":"bank.example","name":"Florin"},"user":{"id":"dXNlcg","name":"a@b.c",)"
            R"("displayName":"a@b.c"},"challenge":"Y2hhbGxlbmdl","pubKeyCredParams":[)"
            R"({"type":"public-key","alg":-7},{"type":"public-key","alg":-8},)"
            R"({"type":"public-key","alg":-257}],"timeout":300000,"excludeCredentials":[)"
            R"({"type":"public-key","id":"aWQ"}],"authenticatorSelection":{)"
            R"("residentKey":"required","requireResidentKey":true,"userVerification":"required"},)"
            R"("attestation":"none"})");
  EXPECT_EQ(PasskeyRequestOptions(Party(), "challenge", {}),
            R"({"challenge":"Y2hhbGxlbmdl","rpId":"bank.example","timeout":300000,)"
            R"("userVerification":"required","allowCredentials":[]})");
}

TEST(ApprovalChallenge, IsOfTheNonceAndTheOctets) {
  const std::string nonce(32, 'n');
  const std::string challenge = ApprovalChallenge(nonce, "octets");
  EXPECT_EQ(challenge, AsOctets(Sha256("florin-approval-v1\n" + nonce + "octets")));
  EXPECT_NE(ApprovalChallenge(nonce, "octet5"), challenge);
  EXPECT_NE(ApprovalChallenge(std::string(32, 'm'), "octets"), challenge);
}

TEST(Cbor, CountsWhatAnItemTakes) {
  const std::pair<std::string, std::optional<std::size_t>> rows[] = {
      {std::string("\x00", 1), 1},
      {"\x18\xff", 2},
      {"\x20", 1},
      {"\x63"
       "abc",
       4},
      {"\x63"
       "ab",
       std::nullopt},
      {"\xa1\x01\x02", 3},
      {"\xa1\x01", std::nullopt},
      {"\x83\x01\x02\x03\x04", 4},
      {"\xf4", 1},
      {"\xf6", 1},
      {"\xf7", std::nullopt},
      {"\xf9\x3c"
       "a",
       std::nullopt},
      {"\xc0\x01", std::nullopt},
      {"\x9f\x01\xff", std::nullopt},
      {"\xbf\xff", std::nullopt},
      {"\x5f\x41"
       "a\xff",
       std::nullopt},
      {"\x1c", std::nullopt},
      {"", std::nullopt},
      {"\x81\x81\x81\x81\x01", 5},
      {"\x81\x81\x81\x81\x81\x01", std::nullopt},
      // Lengths that must not be believed.
      {"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", std::nullopt},
      {"\xbb\x80\x00\x00\x00\x00\x00\x00\x00", std::nullopt},
      {std::string("\x9a\x00\x00\x00\x05\x01", 6), std::nullopt},
  };
  for (const auto& [octets, size] : rows) {
    EXPECT_EQ(cbor::ItemSize(octets), size) << Hex(octets);
  }
}

}  // namespace
}  // namespace florin::crypto
