// Checks an export offline, with nothing but public keys: what an auditor's program is made of.
//
//   audit::ExportCheck check(keys, known_head);
//   for (const std::string& line : lines) check.Line(line);
//   const audit::Verdict& verdict = check.Finish();
//
// What it finds, and names by number: an event that was altered (its line has another hash than the
// log), that is missing or not in its place, events that the log never had (the root of a head is
// another one), heads that were not signed by a key one trusts, and a tail that no head covers. A
// dropped tail shows when the export ends before a head that one has kept (Audit.GetHead): nothing
// in a shorter file says how long it was.
//
// Pure. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/audit/export_lines.h"
#include "libs/crypto/signer.h"
#include "libs/merkle/merkle.h"
#include "libs/merkle/tree_head.h"

namespace florin::audit {

struct Verdict {
  std::uint64_t events = 0;                    // Lines of events
  std::optional<merkle::SignedTreeHead> head;  // The last one that holds
  std::vector<std::string> findings;           // Empty: everything up to `head` is as it was signed
};

class ExportCheck {
 public:
  // `known`: a head that was trusted earlier; the log must go on from it.
  ExportCheck(std::vector<crypto::SignerKey> keys, std::optional<merkle::TreeHead> known);

  // Without the line feed.
  void Line(std::string_view line);
  // After the last line.
  const Verdict& Finish();

 private:
  void Take(const ExportStart& start);
  void Take(const ExportedEvent& event);
  void Take(const merkle::SignedTreeHead& head);
  bool Trusted(const merkle::SignedTreeHead& head) const;
  void CheckRoot(const merkle::TreeHead& head);
  void Find(std::string what);

  const std::vector<crypto::SignerKey> keys_;
  const std::optional<merkle::TreeHead> known_;
  Verdict verdict_;
  std::optional<std::string> origin_;
  std::uint64_t line_ = 0;
  std::uint64_t next_ = 1;     // The number that is to come
  merkle::Frontier frontier_;  // Over the leaves so far
  bool whole_ = true;          // The frontier is that of all events so far
  std::uint64_t covered_ = 0;  // By the last head that holds
};

}  // namespace florin::audit
