// florin-verify: checks a book, or a receipt, by nothing but the public key of the ledger's log.
// docs/proof.md is its manual. Exit status: 0 everything holds, 1 a problem was found, 2 it could
// not be checked.
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "libs/config/config.h"
#include "libs/crypto/signer.h"
#include "libs/merkle/tree_head.h"
#include "services/ledger/proof/book_check.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/verify/inputs.h"
#include "services/ledger/verify/report.h"

ABSL_FLAG(std::vector<std::string>, key, {},
          "Public keys of the log: PEM files, separated by commas where the log has had several.");
ABSL_FLAG(std::string, from, "",
          "A tree head that was trusted earlier (what --save wrote): the log must go on from it.");
ABSL_FLAG(std::string, save, "", "Write the last tree head that holds to this file, for --from.");
ABSL_FLAG(std::string, receipt, "", "Check this receipt instead of a book.");
ABSL_FLAG(std::string, ledger, "", "host:port of a running ledger to export --book from.");
ABSL_FLAG(std::string, certificates, "", "With --ledger: directory of ca.crt, NAME.crt, NAME.key.");
ABSL_FLAG(std::string, identity, "auditor", "With --ledger: NAME of the certificate.");
ABSL_FLAG(std::string, book, "", "With --ledger: the book.");

namespace florin::ledger::verify {
namespace {

constexpr int kHolds = 0;
constexpr int kProblem = 1;

[[noreturn]] void CannotCheck(const std::string& why) {
  std::cerr << "florin-verify: cannot check: " << why << "\n";
  std::exit(2);
}

template <class T>
T OrCannotCheck(absl::StatusOr<T> result, const std::string& what) {
  if (!result.ok()) CannotCheck(what + ": " + std::string(result.status().message()));
  return *std::move(result);
}

std::vector<crypto::SignerKey> Keys() {
  const std::vector<std::string> paths = absl::GetFlag(FLAGS_key);
  if (paths.empty()) CannotCheck("--key is needed; see --help");
  return OrCannotCheck(ReadKeys(paths), "--key");
}

int CheckReceipt(const std::string& path) {
  const std::string text = OrCannotCheck(config::ReadFile(path), "--receipt");
  const absl::StatusOr<proof::Receipt> receipt = proof::ParseReceipt(text);
  absl::StatusOr<proof::Record> record = receipt.ok() ? absl::UnknownError("") : receipt.status();
  for (const crypto::SignerKey& key : Keys()) {
    if (receipt.ok() && !record.ok()) record = proof::VerifyReceipt(*receipt, key);
  }
  if (record.ok()) {
    PrintReceipt(*record);
    return kHolds;
  }
  std::cout << "NOT OK     " << record.status().message() << "\n";
  return kProblem;
}

// Gives all of the file or of the live export to the check.
void Feed(const std::vector<std::string>& files, proof::BookCheck& check) {
  Progress progress;
  const Take take = [&](std::string_view octets) {
    check.Add(octets);
    progress.Note(check);
  };
  const LiveLedger live{.target = absl::GetFlag(FLAGS_ledger),
                        .certificates = absl::GetFlag(FLAGS_certificates),
                        .identity = absl::GetFlag(FLAGS_identity),
                        .book = absl::GetFlag(FLAGS_book)};
  const absl::Status status = files.empty() ? ReadLive(live, take) : ReadExportFile(files[0], take);
  if (!status.ok()) CannotCheck(std::string(status.message()));
  if (files.empty() && check.book().book != live.book) CannotCheck("the ledger sent another book");
}

int CheckBook(const std::vector<std::string>& files) {
  if (files.size() + (absl::GetFlag(FLAGS_ledger).empty() ? 0 : 1) != 1) {
    CannotCheck("give one export file, or --ledger; see --help");
  }
  proof::BookCheck::Options options{.keys = Keys()};
  if (const std::string from = absl::GetFlag(FLAGS_from); !from.empty()) {
    options.trusted = OrCannotCheck(ReadTreeHead(from), "--from");
  }
  const Effort effort;
  proof::BookCheck check(std::move(options));
  Feed(files, check);
  check.Finish();
  PrintResult(check, effort);
  if (check.problems().count > 0) return kProblem;
  if (const std::string save = absl::GetFlag(FLAGS_save); !save.empty() && check.last_head()) {
    if (!(std::ofstream(save) << merkle::CheckpointText(*check.last_head()) << std::flush)) {
      CannotCheck("everything holds, but cannot write " + save);
    }
  }
  return kHolds;
}

}  // namespace
}  // namespace florin::ledger::verify

int main(int argc, char** argv) {
  using namespace florin::ledger::verify;  // NOLINT: main() only wires.
  const std::vector<std::string> files = florin::config::ParseFlagsAndArguments(
      argc, argv,
      "florin-verify --key=PUBLIC.pem EXPORT_FILE, or … --ledger=HOST:PORT --certificates=DIR "
      "--book=NAME, or … --receipt=FILE: checks a ledger's book by its log's public key.");
  const std::string receipt = absl::GetFlag(FLAGS_receipt);
  return receipt.empty() ? CheckBook(files) : CheckReceipt(receipt);
}
