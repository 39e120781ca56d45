// The one spelling of JSON that evidence has: members in the order in which they are written, no
// white space, 64-bit integers as strings, times in UTC with microseconds, the escapes of RFC 8785
// section 3.2.2.2. What is read is written again and compared, so a value has exactly one text.
//
//   std::string line;
//   {
//     ObjectWriter object(line);
//     object.Number("sequence", 7);   // {"sequence":"7"}
//   }
//
// Pure. The readers throw, what Boost.JSON throws or Malformed: whoever parses catches
// std::exception where text comes in.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "absl/time/time.h"
#include "libs/crypto/sha256.h"
#include "libs/ids/ids.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger::proof {

// Writes the members of one object; closes it when it goes.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ~ObjectWriter() { out_ += '}'; }
  ObjectWriter(const ObjectWriter&) = delete;

  void Text(std::string_view key, std::string_view value);
  void Number(std::string_view key, std::int64_t value);
  void Flag(std::string_view key, bool value);
  void Time(std::string_view key, absl::Time value);
  void Octets(std::string_view key, std::string_view value);  // base64 with padding
  void Postings(std::string_view key, const std::vector<Posting>& value);
  void Raw(std::string_view key, std::string_view value);  // JSON already
  // The key alone; the value is the caller's to append.
  std::string& Key(std::string_view key);

 private:
  std::string& out_;
  bool any_ = false;
};

struct Malformed : std::exception {
  const char* what() const noexcept override { return "a value is malformed"; }
};

boost::json::object ReadObject(std::string_view text);

std::string TextOf(const boost::json::object& object, std::string_view key);
std::int64_t NumberOf(const boost::json::object& object, std::string_view key);
bool FlagOf(const boost::json::object& object, std::string_view key);
absl::Time TimeOf(const boost::json::object& object, std::string_view key);
Uuid IdOf(const boost::json::object& object, std::string_view key, IdKind kind);
std::string OctetsOf(const boost::json::object& object, std::string_view key);
crypto::Digest DigestOf(const boost::json::object& object, std::string_view key);
std::vector<Posting> PostingsOf(const boost::json::object& object, std::string_view key);

}  // namespace florin::ledger::proof
