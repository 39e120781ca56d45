#include "libs/crypto/pkcs11_signer.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <p11-kit/pkcs11.h>

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/crypto/evp.h"
#include "libs/crypto/secret_file.h"
#include "libs/crypto/sha256.h"

namespace florin::crypto {
namespace {

// What Open signs to try the key. Starts like no text that anyone signs in earnest.
constexpr char kTrial[] = "florin.crypto.pkcs11 trial signature";
// DER of the curve's name, 1.2.840.10045.3.1.7 (RFC 5480 section 2.1.1.1).
constexpr std::string_view kP256Parameters("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
constexpr std::size_t kUncompressedPoint = 1 + 2 * evp::kCoordinate;

#define FLORIN_CKR(name) \
  { name, #name }
constexpr std::pair<CK_RV, const char*> kResults[] = {
    FLORIN_CKR(CKR_HOST_MEMORY),
    FLORIN_CKR(CKR_SLOT_ID_INVALID),
    FLORIN_CKR(CKR_GENERAL_ERROR),
    FLORIN_CKR(CKR_FUNCTION_FAILED),
    FLORIN_CKR(CKR_ARGUMENTS_BAD),
    FLORIN_CKR(CKR_CANT_LOCK),
    FLORIN_CKR(CKR_ATTRIBUTE_SENSITIVE),
    FLORIN_CKR(CKR_ATTRIBUTE_TYPE_INVALID),
    FLORIN_CKR(CKR_DEVICE_ERROR),
    FLORIN_CKR(CKR_DEVICE_MEMORY),
    FLORIN_CKR(CKR_DEVICE_REMOVED),
    FLORIN_CKR(CKR_FUNCTION_CANCELED),
    FLORIN_CKR(CKR_FUNCTION_NOT_SUPPORTED),
    FLORIN_CKR(CKR_KEY_HANDLE_INVALID),
    FLORIN_CKR(CKR_KEY_TYPE_INCONSISTENT),
    FLORIN_CKR(CKR_KEY_FUNCTION_NOT_PERMITTED),
    FLORIN_CKR(CKR_MECHANISM_INVALID),
    FLORIN_CKR(CKR_OBJECT_HANDLE_INVALID),
    FLORIN_CKR(CKR_OPERATION_ACTIVE),
    FLORIN_CKR(CKR_OPERATION_NOT_INITIALIZED),
    FLORIN_CKR(CKR_PIN_INCORRECT),
    FLORIN_CKR(CKR_PIN_INVALID),
    FLORIN_CKR(CKR_PIN_LEN_RANGE),
    FLORIN_CKR(CKR_PIN_EXPIRED),
    FLORIN_CKR(CKR_PIN_LOCKED),
    FLORIN_CKR(CKR_SESSION_CLOSED),
    FLORIN_CKR(CKR_SESSION_COUNT),
    FLORIN_CKR(CKR_SESSION_HANDLE_INVALID),
    FLORIN_CKR(CKR_TOKEN_NOT_PRESENT),
    FLORIN_CKR(CKR_TOKEN_NOT_RECOGNIZED),
    FLORIN_CKR(CKR_USER_NOT_LOGGED_IN),
    FLORIN_CKR(CKR_USER_PIN_NOT_INITIALIZED),
    FLORIN_CKR(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
    FLORIN_CKR(CKR_BUFFER_TOO_SMALL),
    FLORIN_CKR(CKR_CRYPTOKI_NOT_INITIALIZED),
    FLORIN_CKR(CKR_MUTEX_BAD),
    FLORIN_CKR(CKR_FUNCTION_REJECTED),
};
#undef FLORIN_CKR

std::string NameOf(CK_RV result) {
  for (const auto& [value, name] : kResults) {
    if (value == result) return name;
  }
  return absl::StrFormat("CKR 0x%x", result);
}

// OK, or kUnavailable for what `call` resulted in.
absl::Status Done(const char* call, CK_RV result) {
  if (result == CKR_OK) return absl::OkStatus();
  return Error(Reason::kUnavailable, absl::StrCat(call, ": ", NameOf(result)));
}

bool IsRefusedPin(CK_RV result) {
  return result == CKR_PIN_INCORRECT || result == CKR_PIN_INVALID || result == CKR_PIN_LEN_RANGE ||
         result == CKR_PIN_EXPIRED || result == CKR_PIN_LOCKED;
}

absl::StatusOr<CK_FUNCTION_LIST*> LoadModule(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return FileError(path, "cannot be loaded");
  const auto get_functions =
      reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  if (get_functions == nullptr) return FileError(path, "no PKCS #11 library");
  CK_FUNCTION_LIST* functions = nullptr;
  FLORIN_RETURN_IF_ERROR(Done("C_GetFunctionList", get_functions(&functions)));
  return functions;
}

CK_ATTRIBUTE Attribute(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
  return {type, const_cast<void*>(value), size};
}

// The point of a CKA_EC_POINT: the standard has it within an OCTET STRING, some tokens do not.
std::optional<evp::Point> ParsePoint(std::string_view octets) {
  if (octets.size() == kUncompressedPoint + 2 && octets.starts_with("\x04\x41")) {
    octets.remove_prefix(2);
  }
  if (octets.size() != kUncompressedPoint || octets[0] != 4) return std::nullopt;
  return evp::Point{std::string(octets.substr(1, evp::kCoordinate)),
                    std::string(octets.substr(1 + evp::kCoordinate))};
}

}  // namespace

// The session with the token and the key found in it. Calls exclude each other.
class Pkcs11Signer::Token {
 public:
  Token(Pkcs11Config config, CK_FUNCTION_LIST* functions)
      : config_(std::move(config)), p11_(functions) {}
  ~Token() { Disconnect(); }

  absl::StatusOr<SignerKey> PublicKey();
  absl::StatusOr<std::string> Sign(const Digest& digest);
  // Closes the session, as every failure does; the next call opens one.
  void Reset() {
    const std::lock_guard lock(mutex_);
    Disconnect();
  }

 private:
  absl::Status Connect();
  void Disconnect();
  absl::StatusOr<CK_SLOT_ID> FindSlot();
  absl::Status Login();
  absl::StatusOr<CK_OBJECT_HANDLE> FindKey(CK_OBJECT_CLASS half);
  absl::StatusOr<std::string> Read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

  const Pkcs11Config config_;
  CK_FUNCTION_LIST* const p11_;
  std::mutex mutex_;
  std::optional<CK_SESSION_HANDLE> session_;
  CK_OBJECT_HANDLE private_key_ = CK_INVALID_HANDLE;
  absl::Status pin_refusal_;  // Once the token refused the PIN: never to be tried again.
};

absl::Status Pkcs11Signer::Token::Connect() {
  if (session_) return absl::OkStatus();
  FLORIN_RETURN_IF_ERROR(pin_refusal_);
  CK_C_INITIALIZE_ARGS threads{};
  threads.flags = CKF_OS_LOCKING_OK;
  const CK_RV initialized = p11_->C_Initialize(&threads);
  if (initialized != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    FLORIN_RETURN_IF_ERROR(Done("C_Initialize", initialized));
  }
  FLORIN_ASSIGN_OR_RETURN(const CK_SLOT_ID slot, FindSlot());
  CK_SESSION_HANDLE session;
  FLORIN_RETURN_IF_ERROR(Done(
      "C_OpenSession", p11_->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session)));
  session_ = session;
  absl::Status status = Login();
  if (status.ok()) {
    const absl::StatusOr<CK_OBJECT_HANDLE> key = FindKey(CKO_PRIVATE_KEY);
    status = key.status();
    private_key_ = key.value_or(CK_INVALID_HANDLE);
  }
  if (!status.ok()) Disconnect();
  return status;
}

void Pkcs11Signer::Token::Disconnect() {
  if (session_) p11_->C_CloseSession(*session_);  // Of no use if it fails, too.
  session_.reset();
}

absl::StatusOr<CK_SLOT_ID> Pkcs11Signer::Token::FindSlot() {
  CK_ULONG count = 0;
  FLORIN_RETURN_IF_ERROR(Done("C_GetSlotList", p11_->C_GetSlotList(CK_TRUE, nullptr, &count)));
  std::vector<CK_SLOT_ID> slots(count);
  FLORIN_RETURN_IF_ERROR(Done("C_GetSlotList", p11_->C_GetSlotList(CK_TRUE, slots.data(), &count)));
  slots.resize(count);
  std::optional<CK_SLOT_ID> found;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO token;
    if (p11_->C_GetTokenInfo(slot, &token) != CKR_OK) continue;  // Another's that was pulled out.
    if ((token.flags & CKF_TOKEN_INITIALIZED) == 0) continue;    // Its label means nothing.
    std::string_view label(reinterpret_cast<const char*>(token.label), sizeof token.label);
    while (label.ends_with(' ')) label.remove_suffix(1);
    if (label != config_.token) continue;
    if (found) {
      return Error(Reason::kInvalidField, absl::StrCat("two tokens '", config_.token, "'"));
    }
    found = slot;
  }
  if (!found) return Error(Reason::kUnavailable, absl::StrCat("no token '", config_.token, "'"));
  return *found;
}

absl::Status Pkcs11Signer::Token::Login() {
  FLORIN_ASSIGN_OR_RETURN(std::string pin, ReadSecretFile(config_.pin_file));
  const std::size_t size = pin.ends_with('\n') ? pin.size() - 1 : pin.size();
  if (size == 0) return FileError(config_.pin_file, "no PIN in it");
  const CK_RV result =
      p11_->C_Login(*session_, CKU_USER, reinterpret_cast<unsigned char*>(pin.data()), size);
  OPENSSL_cleanse(pin.data(), pin.size());
  if (result == CKR_USER_ALREADY_LOGGED_IN) return absl::OkStatus();
  const absl::Status status = Done("C_Login", result);
  if (IsRefusedPin(result)) pin_refusal_ = status;
  return status;
}

absl::StatusOr<CK_OBJECT_HANDLE> Pkcs11Signer::Token::FindKey(CK_OBJECT_CLASS half) {
  const CK_KEY_TYPE type = CKK_EC;
  const CK_BBOOL on_token = CK_TRUE;  // Not an object that some session made up.
  CK_ATTRIBUTE wanted[] = {
      Attribute(CKA_CLASS, &half, sizeof half),
      Attribute(CKA_KEY_TYPE, &type, sizeof type),
      Attribute(CKA_TOKEN, &on_token, sizeof on_token),
      Attribute(CKA_LABEL, config_.key.data(), config_.key.size()),
  };
  CK_OBJECT_HANDLE found[2];
  CK_ULONG count = 0;
  FLORIN_RETURN_IF_ERROR(
      Done("C_FindObjectsInit", p11_->C_FindObjectsInit(*session_, wanted, std::size(wanted))));
  const CK_RV result = p11_->C_FindObjects(*session_, found, std::size(found), &count);
  p11_->C_FindObjectsFinal(*session_);
  FLORIN_RETURN_IF_ERROR(Done("C_FindObjects", result));
  const std::string what = absl::StrCat(half == CKO_PRIVATE_KEY ? "private" : "public", " key '",
                                        config_.key, "' on token '", config_.token, "'");
  if (count == 0) return Error(Reason::kUnavailable, absl::StrCat("no ", what));
  if (count > 1) return Error(Reason::kInvalidField, absl::StrCat("more than one ", what));
  return found[0];
}

absl::StatusOr<std::string> Pkcs11Signer::Token::Read(CK_OBJECT_HANDLE object,
                                                      CK_ATTRIBUTE_TYPE type) {
  char value[256];
  CK_ATTRIBUTE attribute = Attribute(type, value, sizeof value);
  FLORIN_RETURN_IF_ERROR(
      Done("C_GetAttributeValue", p11_->C_GetAttributeValue(*session_, object, &attribute, 1)));
  return std::string(value, attribute.ulValueLen);
}

absl::StatusOr<SignerKey> Pkcs11Signer::Token::PublicKey() {
  const std::lock_guard lock(mutex_);
  FLORIN_RETURN_IF_ERROR(Connect());
  FLORIN_ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE object, FindKey(CKO_PUBLIC_KEY));
  FLORIN_ASSIGN_OR_RETURN(const std::string parameters, Read(object, CKA_EC_PARAMS));
  FLORIN_ASSIGN_OR_RETURN(const std::string octets, Read(object, CKA_EC_POINT));
  const std::optional<evp::Point> point = ParsePoint(octets);
  const evp::Key key = point ? evp::PublicKeyOf(*point) : nullptr;
  if (parameters != kP256Parameters || key == nullptr) {
    return Error(Reason::kInvalidField, absl::StrCat("key '", config_.key, "' is not of P-256"));
  }
  return SignerKey::FromDer(evp::ToDer(key.get()));
}

absl::StatusOr<std::string> Pkcs11Signer::Token::Sign(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  FLORIN_RETURN_IF_ERROR(Connect());
  CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
  std::string signature(evp::kSignatureSize, '\0');
  CK_ULONG size = signature.size();
  absl::Status status = Done("C_SignInit", p11_->C_SignInit(*session_, &mechanism, private_key_));
  if (status.ok()) {
    status = Done("C_Sign",
                  p11_->C_Sign(*session_, const_cast<unsigned char*>(digest.data()), digest.size(),
                               reinterpret_cast<unsigned char*>(signature.data()), &size));
  }
  if (!status.ok()) {
    Disconnect();
    return status;
  }
  signature.resize(size);
  return signature;
}

Pkcs11Signer::Pkcs11Signer(std::unique_ptr<Token> token, SignerKey public_key)
    : token_(std::move(token)), public_key_(std::move(public_key)) {}
Pkcs11Signer::~Pkcs11Signer() = default;

absl::StatusOr<std::unique_ptr<Pkcs11Signer>> Pkcs11Signer::Open(const Pkcs11Config& config) {
  FLORIN_ASSIGN_OR_RETURN(CK_FUNCTION_LIST * functions, LoadModule(config.module));
  auto token = std::make_unique<Token>(config, functions);
  FLORIN_ASSIGN_OR_RETURN(SignerKey public_key, token->PublicKey());
  std::unique_ptr<Pkcs11Signer> signer(new Pkcs11Signer(std::move(token), std::move(public_key)));
  FLORIN_RETURN_IF_ERROR(signer->Sign(kTrial).status());
  return signer;
}

absl::StatusOr<std::string> Pkcs11Signer::Sign(std::string_view message) {
  const Digest digest = Sha256(message);
  absl::Status failure;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const absl::StatusOr<std::string> signature = token_->Sign(digest);
    if (signature.ok() && public_key_.Verify(message, *signature)) return signature;
    failure = signature.status();
    if (signature.ok()) {
      failure = Error(Reason::kUnavailable, "the token signed with another key, or wrongly");
      token_->Reset();
    }
  }
  return failure;
}

const SignerKey& Pkcs11Signer::public_key() const { return public_key_; }

}  // namespace florin::crypto
