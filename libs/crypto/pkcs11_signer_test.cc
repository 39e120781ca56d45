#include "libs/crypto/pkcs11_signer.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gtest/gtest.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/check.h"
#include "libs/status/matchers.h"

namespace florin::crypto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kModule[] = "/usr/lib/softhsm/libsofthsm2.so";
constexpr char kPin[] = "271828";
constexpr char kP256[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
constexpr char kP384[] = "\x06\x05\x2b\x81\x04\x00\x22";

// Tokens of SoftHSM in a directory of their own, made once for all tests: SoftHSM reads its
// configuration when it is initialised. "florin" has the keys, both "twin"s have one label.
class Pkcs11Test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/florin_pkcs11_XXXXXX";
    directory_ = mkdtemp(name);
    std::filesystem::create_directory(directory_ + "/tokens");
    std::ofstream(directory_ + "/softhsm2.conf")
        << "directories.tokendir = " << directory_ << "/tokens\nobjectstore.backend = file\n"
        << "log.level = ERROR\n";
    setenv("SOFTHSM2_CONF", (directory_ + "/softhsm2.conf").c_str(), 1);
    for (const char* token : {"florin", "twin", "twin"}) {
      Softhsm(std::string("--init-token --free --so-pin 314159 --label ") + token);
    }
    WriteSecret("imported.pem", Imported().ToPem());
    Softhsm("--import " + directory_ + "/imported.pem --token florin --label imported --id 01");
    WriteSecret("pin", std::string(kPin) + "\n");
    WriteSecret("wrong_pin", "161803");
    GenerateKeys();
  }

  static void TearDownTestSuite() {
    Functions().C_Finalize(nullptr);
    unsetenv("SOFTHSM2_CONF");
    std::filesystem::remove_all(directory_);
  }

  // Nobody logs out the process but the last session of it, so none must be left over.
  void TearDown() override { EXPECT_EQ(Functions().C_CloseAllSessions(SlotOf("florin")), CKR_OK); }

  static void Softhsm(const std::string& arguments) {
    const std::string command = "softhsm2-util --pin 271828 " + arguments + " >/dev/null";
    FLORIN_CHECK(std::system(command.c_str()) == 0, "softhsm2-util makes tokens");
  }

  static void WriteSecret(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
  }

  // A key that OpenSSL made and knows: the independent judge of the token's signatures.
  static const SigningKey& Imported() {
    static const SigningKey key = SigningKey::Generate();
    return key;
  }

  // The library as the signer has it: it is loaded once in a process.
  static CK_FUNCTION_LIST& Functions() {
    static CK_FUNCTION_LIST* const functions = [] {
      void* const library = dlopen(kModule, RTLD_NOW);
      FLORIN_CHECK(library != nullptr, "the package softhsm2 is installed");
      CK_FUNCTION_LIST* list = nullptr;
      reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"))(&list);
      CK_C_INITIALIZE_ARGS threads{};
      threads.flags = CKF_OS_LOCKING_OK;
      FLORIN_CHECK(list->C_Initialize(&threads) == CKR_OK, "SoftHSM starts");
      return list;
    }();
    return *functions;
  }

  static CK_SLOT_ID SlotOf(std::string_view label) {
    CK_SLOT_ID slots[8];
    CK_ULONG count = std::size(slots);
    FLORIN_CHECK(Functions().C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK, "there are slots");
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info;
      Functions().C_GetTokenInfo(slots[i], &info);
      if (std::string_view(reinterpret_cast<char*>(info.label), label.size()) == label) {
        return slots[i];
      }
    }
    FLORIN_CHECK(false, "the token is there");
    return 0;
  }

  static CK_SESSION_HANDLE OpenSession(CK_SLOT_ID slot) {
    CK_SESSION_HANDLE session;
    FLORIN_CHECK(Functions().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                           nullptr, &session) == CKR_OK,
                 "SoftHSM opens sessions");
    FLORIN_CHECK(Functions().C_Login(session, CKU_USER, Octets(kPin), sizeof kPin - 1) == CKR_OK,
                 "the PIN is right");
    return session;
  }

  static unsigned char* Octets(const char* text) {
    return reinterpret_cast<unsigned char*>(const_cast<char*>(text));
  }

  // A pair made in the token, as one is for production. `private_label` shows what a signer does
  // with halves that do not belong together.
  static void Generate(CK_SESSION_HANDLE session, std::string label, std::string private_label,
                       std::string_view curve = {kP256, sizeof kP256 - 1}) {
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public_half[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_VERIFY, &yes, sizeof yes},
        {CKA_EC_PARAMS, const_cast<char*>(curve.data()), curve.size()},
        {CKA_LABEL, label.data(), label.size()},
    };
    CK_ATTRIBUTE private_half[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_LABEL, private_label.data(), private_label.size()},
    };
    CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    CK_OBJECT_HANDLE handles[2];
    FLORIN_CHECK(Functions().C_GenerateKeyPair(
                     session, &mechanism, public_half, std::size(public_half), private_half,
                     std::size(private_half), &handles[0], &handles[1]) == CKR_OK,
                 "SoftHSM makes key pairs");
  }

  static void GenerateKeys() {
    const CK_SESSION_HANDLE session = OpenSession(SlotOf("florin"));
    Generate(session, "generated", "generated");
    Generate(session, "double", "double");
    Generate(session, "double", "double");
    Generate(session, "crossed", "private only");
    Generate(session, "public only", "crossed");
    Generate(session, "p384", "p384", {kP384, sizeof kP384 - 1});
    Functions().C_CloseAllSessions(SlotOf("florin"));
  }

  static Pkcs11Config Config(const std::string& key = "generated") {
    return {.module = kModule, .token = "florin", .key = key, .pin_file = directory_ + "/pin"};
  }

  static std::unique_ptr<Pkcs11Signer> OpenGood() { return Pkcs11Signer::Open(Config()).value(); }

  // Opens with a bad configuration: fails with `reason`, says `what`, gives no PIN away.
  static void ExpectRefused(const Pkcs11Config& config, Reason reason, const std::string& what) {
    const auto signer = Pkcs11Signer::Open(config);
    EXPECT_THAT(signer, StatusHasReason(reason)) << what;
    EXPECT_THAT(signer.status().ToString(), HasSubstr(what));
    EXPECT_THAT(signer.status().ToString(), Not(HasSubstr(kPin)));
    EXPECT_THAT(signer.status().ToString(), Not(HasSubstr("161803")));
  }

  inline static std::string directory_;
};

TEST_F(Pkcs11Test, SignsWhatItsPublicKeyVerifies) {
  const auto signer = OpenGood();
  EXPECT_EQ(signer->public_key().algorithm(), "es256");
  for (const std::string& message : {std::string(), std::string("m"), std::string(100'000, 'x')}) {
    const auto signature = signer->Sign(message);
    ASSERT_THAT(signature, IsOk());
    EXPECT_EQ(signature->size(), 64u);
    const auto read = SignerKey::FromPem(signer->public_key().ToPem());
    EXPECT_TRUE(read->Verify(message, *signature));
    EXPECT_FALSE(read->Verify(message + "?", *signature));
  }
}

// OpenSSL has the same key in its own hands, and agrees.
TEST_F(Pkcs11Test, SignsAsTheImportedKeyItself) {
  const auto token = Pkcs11Signer::Open(Config("imported"));
  ASSERT_THAT(token, IsOk());
  const std::string signature = (*token)->Sign("evidence").value();
  EXPECT_TRUE(Imported().public_key().Verify("evidence", signature));
  const auto file = FileSigner::FromPem(Imported().ToPem()).value();
  EXPECT_EQ((*token)->public_key().key_id(), file->public_key().key_id());
  EXPECT_TRUE((*token)->public_key().Verify("evidence", file->Sign("evidence").value()));
}

TEST_F(Pkcs11Test, RefusesAWrongPinAndTellsNobody) {
  Pkcs11Config config = Config();
  config.pin_file = directory_ + "/wrong_pin";
  ExpectRefused(config, Reason::kUnavailable, "C_Login: CKR_PIN_INCORRECT");
}

TEST_F(Pkcs11Test, RefusesPinFilesThatOthersMayRead) {
  Pkcs11Config config = Config();
  config.pin_file = directory_ + "/open_pin";
  for (const mode_t mode : {0644, 0640, 0400, 0666}) {
    WriteSecret("open_pin", kPin, mode);
    ExpectRefused(config, Reason::kInvalidField, "must be 0600");
  }
  for (const char* empty : {"", "\n"}) {
    WriteSecret("open_pin", empty);
    ExpectRefused(config, Reason::kInvalidField, "no PIN");
  }
  config.pin_file = directory_ + "/absent";
  ExpectRefused(config, Reason::kInvalidField, "absent");
}

TEST_F(Pkcs11Test, RefusesWhatIsNotThereOrNotClear) {
  Pkcs11Config config = Config();
  config.token = "absent";
  ExpectRefused(config, Reason::kUnavailable, "no token 'absent'");
  config.token = "flor";
  ExpectRefused(config, Reason::kUnavailable, "no token 'flor'");
  config.token = "";
  ExpectRefused(config, Reason::kUnavailable, "no token ''");
  config.token = "twin";
  ExpectRefused(config, Reason::kInvalidField, "two tokens 'twin'");
  ExpectRefused(Config("absent"), Reason::kUnavailable, "no private key 'absent'");
  ExpectRefused(Config("public only"), Reason::kUnavailable, "no private key 'public only'");
  ExpectRefused(Config("private only"), Reason::kUnavailable, "no public key 'private only'");
  ExpectRefused(Config("double"), Reason::kInvalidField, "more than one private key 'double'");
  ExpectRefused(Config("p384"), Reason::kInvalidField, "not of P-256");
  ExpectRefused(Config("crossed"), Reason::kUnavailable, "signed with another key");
}

TEST_F(Pkcs11Test, RefusesOtherLibraries) {
  Pkcs11Config config = Config();
  config.module = directory_ + "/absent.so";
  ExpectRefused(config, Reason::kInvalidField, "cannot be loaded");
  config.module = "libm.so.6";
  ExpectRefused(config, Reason::kInvalidField, "no PKCS #11 library");
}

TEST_F(Pkcs11Test, OpensAnotherSessionWhenItsOwnIsGone) {
  const auto signer = OpenGood();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(Functions().C_CloseAllSessions(SlotOf("florin")), CKR_OK);
    const auto signature = signer->Sign("m");
    ASSERT_THAT(signature, IsOk());
    EXPECT_TRUE(signer->public_key().Verify("m", *signature));
  }
}

// As a token does that restarts: everything the library knew is gone.
TEST_F(Pkcs11Test, StartsTheLibraryAgain) {
  const auto signer = OpenGood();
  ASSERT_EQ(Functions().C_Finalize(nullptr), CKR_OK);
  EXPECT_THAT(signer->Sign("m"), IsOk());
}

// A few wrong PINs lock a real token: one attempt is all that a signer makes.
TEST_F(Pkcs11Test, NeverSendsARefusedPinAgain) {
  WriteSecret("changing_pin", kPin);
  Pkcs11Config config = Config();
  config.pin_file = directory_ + "/changing_pin";
  const auto signer = Pkcs11Signer::Open(config);
  ASSERT_THAT(signer, IsOk());
  WriteSecret("changing_pin", "161803");
  ASSERT_EQ(Functions().C_CloseAllSessions(SlotOf("florin")), CKR_OK);
  EXPECT_THAT((*signer)->Sign("m"), StatusHasReason(Reason::kUnavailable));
  WriteSecret("changing_pin", kPin);
  const auto refused = (*signer)->Sign("m");
  EXPECT_THAT(refused, StatusHasReason(Reason::kUnavailable)) << "only a new object tries again";
  EXPECT_THAT(refused.status().ToString(), HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_THAT(Pkcs11Signer::Open(config), IsOk());
}

// The label leads to another key after a reconnection: evidence under an unknown key is none.
TEST_F(Pkcs11Test, AnotherKeyUnderTheSameLabelSignsNothing) {
  CK_SESSION_HANDLE session = OpenSession(SlotOf("florin"));
  Generate(session, "exchanged", "exchanged");
  Functions().C_CloseAllSessions(SlotOf("florin"));
  const auto signer = Pkcs11Signer::Open(Config("exchanged"));
  ASSERT_THAT(signer, IsOk());
  Functions().C_CloseAllSessions(SlotOf("florin"));
  session = OpenSession(SlotOf("florin"));
  char label[] = "exchanged";
  CK_ATTRIBUTE by_label{CKA_LABEL, label, sizeof label - 1};
  CK_OBJECT_HANDLE old_pair[2];
  CK_ULONG count = 0;
  Functions().C_FindObjectsInit(session, &by_label, 1);
  Functions().C_FindObjects(session, old_pair, 2, &count);
  Functions().C_FindObjectsFinal(session);
  ASSERT_EQ(count, 2u);
  for (const CK_OBJECT_HANDLE half : old_pair) Functions().C_DestroyObject(session, half);
  EXPECT_THAT((*signer)->Sign("m"), StatusHasReason(Reason::kUnavailable)) << "no key at all";
  Generate(session, "exchanged", "exchanged");
  const auto refused = (*signer)->Sign("m");
  EXPECT_THAT(refused, StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(refused.status().ToString(), HasSubstr("signed with another key"));
}

TEST_F(Pkcs11Test, IsUsedByManyThreadsAtOnce) {
  const auto signer = OpenGood();
  const auto another = Pkcs11Signer::Open(Config("imported")).value();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Signer& mine = i % 2 == 0 ? *signer : *another;
      for (int j = 0; j < 100; ++j) good += mine.Sign("m").ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace florin::crypto
