#include "libs/ids/ids.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <chrono>
#include <cstring>
#include <mutex>

#include "absl/hash/hash.h"
#include "libs/status/check.h"

namespace florin {
namespace {

constexpr char kHex[] = "0123456789abcdef";
// Crockford's alphabet: no i, l, o, u.
constexpr char kBase32[] = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kTextLength = 26;  // 130 bits, of which the first two are zero

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int Base32Value(char c) {
  const char* at = c == '\0' ? nullptr : std::strchr(kBase32, c);
  return at == nullptr ? -1 : static_cast<int>(at - kBase32);
}

unsigned __int128 ToInteger(const Uuid& id) {
  unsigned __int128 value = 0;
  for (const std::uint8_t byte : id.bytes()) value = value << 8 | byte;
  return value;
}

Uuid FromInteger(unsigned __int128 value) {
  std::array<std::uint8_t, 16> bytes;
  for (int i = 15; i >= 0; --i, value >>= 8) bytes[i] = static_cast<std::uint8_t>(value);
  return Uuid(bytes);
}

void SetVersion(std::array<std::uint8_t, 16>& bytes, int version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
}

class SystemIdSource : public IdSource {
 public:
  Uuid NewId() override {
    std::array<std::uint8_t, 16> bytes;
    FLORIN_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1, "the system gives random octets");
    // The two 12-bit fields rand_a and sub-milliseconds: RFC 9562 section 6.2, method 3. Together
    // with the last time given this makes ids of one process strictly increasing.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::uint64_t ticks =  // 1/4096 of a millisecond
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) /
        1000 * 4096 / 1000;
    {
      std::lock_guard lock(mutex_);
      ticks = last_ = std::max(ticks, last_ + 1);
    }
    const std::uint64_t milliseconds = ticks >> 12;
    for (int i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
    bytes[6] = static_cast<std::uint8_t>(ticks >> 8 & 0x0f);
    bytes[7] = static_cast<std::uint8_t>(ticks);
    SetVersion(bytes, 7);
    return Uuid(bytes);
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;
};

absl::Status Invalid(std::string_view param, std::string_view message) {
  return Error(Reason::kInvalidId, message, {.param = std::string(param)});
}

}  // namespace

std::string Uuid::ToString() const {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[bytes_[i] >> 4];
    text += kHex[bytes_[i] & 0x0f];
  }
  return text;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  std::array<std::uint8_t, 16> bytes;
  if (text.size() != 36) return Invalid("", "a UUID has 36 characters");
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-')
      return Invalid("", "not a UUID");
    const int high = HexValue(text[at]);
    const int low = HexValue(text[at + 1]);
    if (high < 0 || low < 0) return Invalid("", "not a UUID");
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return Uuid(bytes);
}

std::string_view PrefixOf(IdKind kind) {
  switch (kind) {
    case IdKind::kUser:
      return "usr";
    case IdKind::kCustomer:
      return "cus";
    case IdKind::kAccount:
      return "acc";
    case IdKind::kPayment:
      return "pay";
    case IdKind::kTransaction:
      return "txn";
    case IdKind::kRequest:
      return "req";
    case IdKind::kToken:
      return "tok";
    case IdKind::kSession:
      return "ses";
    case IdKind::kFactor:
      return "fac";
    case IdKind::kChallenge:
      return "chl";
    case IdKind::kApproval:
      return "apr";
    case IdKind::kApiKey:
      return "key";
    case IdKind::kProposal:
      return "prp";
    case IdKind::kCapture:
      return "cap";
    case IdKind::kRefund:
      return "ref";
    case IdKind::kDispute:
      return "dsp";
    case IdKind::kQuote:
      return "quo";
    case IdKind::kVerification:
      return "ver";
    case IdKind::kLimit:
      return "lim";
    case IdKind::kSchedule:
      return "sch";
    case IdKind::kPaymentRequest:
      return "prq";
    case IdKind::kBulk:
      return "blk";
    case IdKind::kPayee:
      return "pye";
    case IdKind::kDiscrepancy:
      return "dcy";
  }
  FLORIN_CHECK(false, "every kind of id has a prefix");
  return {};
}

std::string FormatId(IdKind kind, const Uuid& id) {
  std::string text(PrefixOf(kind));
  text += '_';
  const unsigned __int128 value = ToInteger(id);
  for (int shift = (kTextLength - 1) * 5; shift >= 0; shift -= 5) {
    text += kBase32[static_cast<unsigned>(value >> shift) & 0x1f];
  }
  return text;
}

absl::StatusOr<Uuid> ParseId(IdKind kind, std::string_view text, std::string_view param) {
  const std::string_view prefix = PrefixOf(kind);
  if (text.size() != prefix.size() + 1 + kTextLength || !text.starts_with(prefix) ||
      text[prefix.size()] != '_') {
    return Invalid(param, std::string("an id like ") + std::string(prefix) + "_… of " +
                              std::to_string(prefix.size() + 1 + kTextLength) +
                              " characters is expected");
  }
  text.remove_prefix(prefix.size() + 1);
  if (Base32Value(text[0]) > 7) return Invalid(param, "the id is larger than 128 bits");
  unsigned __int128 value = 0;
  for (const char c : text) {
    const int digit = Base32Value(c);
    if (digit < 0) return Invalid(param, "the id has a character that ids do not use");
    value = value << 5 | static_cast<unsigned>(digit);
  }
  return FromInteger(value);
}

Uuid DeriveId(std::string_view purpose, std::string_view name) {
  std::string input(purpose);
  input += '\0';
  input += name;
  std::array<std::uint8_t, 32> digest;
  SHA256(reinterpret_cast<const std::uint8_t*>(input.data()), input.size(), digest.data());
  std::array<std::uint8_t, 16> bytes;
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  SetVersion(bytes, 8);
  return Uuid(bytes);
}

IdSource& SystemIds() {
  static SystemIdSource source;
  return source;
}

Uuid SequentialIds::NewId() { return FromInteger(++last_); }

}  // namespace florin

std::size_t std::hash<florin::Uuid>::operator()(const florin::Uuid& id) const noexcept {
  return absl::HashOf(id);
}
