// Ids of resources: UUIDs inside, prefixed and sortable text outside.
//
//   acc_01jd8x5t4wf6n8k2v7r3m9q0ze      prefix, underscore, 26 characters of lower-case Crockford
//   base32
//
// New ids are UUID version 7 (RFC 9562 section 5.7), so they sort by creation. Ids that follow from
// another id or a name are UUID version 8 from SHA-256 (section 5.8), so that a retry computes the
// same one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "libs/status/status.h"

namespace florin {

// 128 bits, ordered as bytes. Value type.
class Uuid {
 public:
  constexpr Uuid() : bytes_{} {}
  explicit constexpr Uuid(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  // "018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f00", as PostgreSQL writes a uuid.
  std::string ToString() const;
  // Reads that form (lower or upper case). Error: kInvalidId.
  static absl::StatusOr<Uuid> Parse(std::string_view text);

  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  bool is_nil() const { return *this == Uuid(); }

  friend bool operator==(const Uuid&, const Uuid&) = default;
  friend auto operator<=>(const Uuid&, const Uuid&) = default;  // NOLINT(modernize-use-nullptr)
  template <class H>
  friend H AbslHashValue(H state, const Uuid& id) {
    return H::combine(std::move(state), id.bytes_);
  }

 private:
  std::array<std::uint8_t, 16> bytes_;
};

// The kinds of resources and their prefixes.
enum class IdKind {
  kUser,
  kCustomer,
  kAccount,
  kPayment,
  kTransaction,
  kRequest,
  kToken,
  kSession,
  kFactor,
  kChallenge,
  kApproval,
  kApiKey,
  kProposal,
  kCapture,
  kRefund,
  kDispute,
  kQuote,
  kVerification,
  kLimit,
  kSchedule,
  kPaymentRequest,
  kBulk,
  kPayee,
  kDiscrepancy
};
// "usr", "cus", "acc", "pay", "txn", "req", "tok", "ses", "fac", "chl", "apr", "key", "prp",
// "cap", "ref", "dsp", "quo", "ver", "lim", "sch", "prq", "blk", "pye", "dcy"
std::string_view PrefixOf(IdKind kind);

// "acc_01jd8x…".
std::string FormatId(IdKind kind, const Uuid& id);

// Reads what FormatId writes, and nothing else: the right prefix, the right length, lower case, no
// overflow of 128 bits. Error: kInvalidId with `param`, which is the name of the request's field.
absl::StatusOr<Uuid> ParseId(IdKind kind, std::string_view text, std::string_view param);

// A UUIDv8 that depends on nothing but its arguments: the first bytes of SHA-256 over `purpose`,
// NUL and `name`. `purpose` keeps ids of different uses apart, e.g. "florin.payments.transaction".
Uuid DeriveId(std::string_view purpose, std::string_view name);

// Where new ids come from. Thread-safe. Domain code takes ids as arguments instead.
class IdSource {
 public:
  virtual ~IdSource() = default;
  virtual Uuid NewId() = 0;
};

// UUIDv7 from the system clock and the operating system's random numbers; strictly increasing
// within a process. Lives for ever.
IdSource& SystemIds();

// Ids 1, 2, 3, … for tests.
class SequentialIds : public IdSource {
 public:
  Uuid NewId() override;

 private:
  std::uint64_t last_ = 0;
};

}  // namespace florin

template <>
struct std::hash<florin::Uuid> {
  std::size_t operator()(const florin::Uuid& id) const noexcept;
};
