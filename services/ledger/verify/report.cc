#include "services/ledger/verify/report.h"

#include <sys/resource.h>
#include <unistd.h>

#include <iostream>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace florin::ledger::verify {
namespace {

constexpr std::int64_t kRecordsBetween = 100'000;

void PrintLog(const proof::BookCheck& check) {
  std::cout << "log        " << check.counts().tree_heads << " tree heads, " << check.counts().tiles
            << " tiles; ";
  if (check.last_head()) {
    std::cout << "the last head that holds covers " << check.last_head()->size
              << " records and was signed at "
              << absl::FormatTime(check.last_head()->time, absl::UTCTimeZone());
  } else {
    std::cout << "no head holds";
  }
  std::cout << "\nnot sealed " << check.unsealed_records() << " records\n";
}

}  // namespace

Progress::Progress() : watched_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (next_ > 0) std::cerr << "\n";
}

void Progress::Note(const proof::BookCheck& check) {
  if (!watched_ || check.counts().records < next_) return;
  next_ = check.counts().records + kRecordsBetween;
  std::cerr << "\r" << check.counts().records << " records of " << check.book().last_sequence
            << std::flush;
}

std::string Effort::ToString() const {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return absl::StrFormat("%.1f s, at most %d MiB", took.count(), usage.ru_maxrss / 1024);
}

void PrintResult(const proof::BookCheck& check, const Effort& effort) {
  const proof::LineCounts& counts = check.counts();
  std::cout << "book       " << check.book().book << ", log " << check.book().origin
            << "\nrecords    " << counts.records << ", with " << counts.entries
            << " entries\naccounts   " << counts.accounts << ", holds " << counts.holds << "\n";
  for (const auto& [currency, totals] : check.totals()) {
    std::cout << "debits     " << currency << " " << totals.debits_posted << " posted, "
              << totals.debits_pending << " pending (minor units)\ncredits    " << currency << " "
              << totals.credits_posted << " posted, " << totals.credits_pending << " pending\n";
  }
  PrintLog(check);
  std::cout << "took       " << effort.ToString() << "\n";
  const proof::Problems& problems = check.problems();
  for (const proof::Problem& problem : problems.first)
    std::cout << "PROBLEM    " << problem << "\n";
  if (problems.count == 0) {
    std::cout << "OK         everything holds\n";
  } else {
    std::cout << "NOT OK     " << problems.count << " problem(s), the first "
              << problems.first.size() << " above\n";
  }
}

void PrintReceipt(const proof::Record& record) {
  std::cout << "OK         this is in the signed log:\n" << proof::EncodeRecord(record) << "\n";
}

}  // namespace florin::ledger::verify
