// How the stores of auth write and read octets and times in SQL. Only for pg_*.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <pqxx/pqxx>

#include "absl/time/time.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "libs/status/check.h"

// A time from a parameter in microseconds, a column as microseconds (null stays null), octets from
// hexadecimal digits and a column as such.
#define FLORIN_AT(parameter) \
  "(timestamptz 'epoch' + " parameter "::bigint * interval '1 microsecond')"
#define FLORIN_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
#define FLORIN_OCTETS(parameter) "decode(" parameter ", 'hex')"
#define FLORIN_HEX(column) "encode(" column ", 'hex')"

namespace florin::auth::pgvalues {

inline std::int64_t ToSql(absl::Time time) { return absl::ToUnixMicros(time); }
inline std::string ToSql(std::string_view octets) { return crypto::Hex(octets); }
inline std::string ToSql(const crypto::Digest& digest) {
  return crypto::Hex(crypto::AsOctets(digest));
}

inline absl::Time TimeOf(const pqxx::field& field) {
  return absl::FromUnixMicros(field.as<std::int64_t>());
}
inline std::optional<absl::Time> OptionalTimeOf(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return TimeOf(field);
}
std::string OctetsOf(const pqxx::field& field);
Uuid UuidOf(const pqxx::field& field);

}  // namespace florin::auth::pgvalues
