// What florin-verify tells people: progress on standard error, the result on standard output.
#pragma once

#include <chrono>
#include <string>

#include "services/ledger/proof/book_check.h"
#include "services/ledger/proof/record.h"

namespace florin::ledger::verify {

// Says now and then how far the check has come. Only where somebody watches: nothing if standard
// error is no terminal.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  void Note(const proof::BookCheck& check);

 private:
  const bool watched_;
  std::int64_t next_ = 0;
};

// Measures from its construction on.
class Effort {
 public:
  // "12.3 s, at most 240 MiB".
  std::string ToString() const;

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void PrintResult(const proof::BookCheck& check, const Effort& effort);
void PrintReceipt(const proof::Record& record);

}  // namespace florin::ledger::verify
