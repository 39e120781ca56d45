// florin-audit-verify: checks the audit trail of a service by nothing but the public key of its
// log. docs/audit.md is its manual. Exit status: 0 everything holds, 1 something was found, 2 it
// could not be checked.
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_split.h"
#include "florin/audit/v1/audit.rpc.h"
#include "libs/async/runtime.h"
#include "libs/audit/export_check.h"
#include "libs/config/config.h"
#include "libs/rpc/channel.h"

ABSL_FLAG(std::vector<std::string>, key, {},
          "Public keys of the log: PEM files, separated by commas where the log has had several.");
ABSL_FLAG(std::string, from, "",
          "A tree head that was trusted earlier (what --save wrote): the log must go on from it.");
ABSL_FLAG(std::string, save, "", "Write the last tree head that holds to this file, for --from.");
ABSL_FLAG(std::string, service, "", "Instead of a file: the service whose trail is fetched.");
ABSL_FLAG(std::string, target, "", "With --service: its host:port.");
ABSL_FLAG(std::string, certificates, "", "With --service: directory of ca.crt, NAME.crt, NAME.key");
ABSL_FLAG(std::string, identity, "auditor", "With --service: NAME of the certificate.");

namespace florin::audit::verify {
namespace {

[[noreturn]] void CannotCheck(const std::string& why) {
  std::cerr << "florin-audit-verify: cannot check: " << why << "\n";
  std::exit(2);
}

template <class T>
T OrCannotCheck(absl::StatusOr<T> result, const std::string& what) {
  if (!result.ok()) CannotCheck(what + ": " + std::string(result.status().message()));
  return *std::move(result);
}

std::vector<crypto::SignerKey> Keys() {
  std::vector<crypto::SignerKey> keys;
  for (const std::string& path : absl::GetFlag(FLAGS_key)) {
    const std::string pem = OrCannotCheck(config::ReadFile(path), "--key");
    keys.push_back(OrCannotCheck(crypto::SignerKey::FromPem(pem), "--key " + path));
  }
  if (keys.empty()) CannotCheck("--key is needed; see --help");
  return keys;
}

std::optional<merkle::TreeHead> Trusted() {
  const std::string path = absl::GetFlag(FLAGS_from);
  if (path.empty()) return std::nullopt;
  return OrCannotCheck(merkle::ParseCheckpoint(OrCannotCheck(config::ReadFile(path), "--from")),
                       "--from");
}

void ReadFileInto(const std::string& path, ExportCheck& check) {
  std::ifstream file(path, std::ios::binary);
  if (!file) CannotCheck(path + " cannot be read");
  for (std::string line; std::getline(file, line);) check.Line(line);
  if (file.bad()) CannotCheck(path + " cannot be read to its end");
}

Task<absl::Status> Take(ExportCheck* check, v1::ExportEventsChunk chunk) {
  for (const absl::string_view line : absl::StrSplit(chunk.lines(), '\n', absl::SkipEmpty()))
    check->Line({line.data(), line.size()});
  co_return absl::OkStatus();
}

void ReadLiveInto(ExportCheck& check) {
  async::Runtime runtime(1);
  rpc::ChannelOptions options;
  options.target = absl::GetFlag(FLAGS_target);
  options.service = absl::GetFlag(FLAGS_service);
  options.certificates =
      rpc::CertificateFiles::In(absl::GetFlag(FLAGS_certificates), absl::GetFlag(FLAGS_identity));
  rpc::Channel channel(runtime.executor(), options);
  v1::AuditClient client(&channel);
  std::function<Task<absl::Status>(v1::ExportEventsChunk)> take =
      [&check](v1::ExportEventsChunk chunk) { return Take(&check, std::move(chunk)); };
  const absl::Status ended =
      runtime.Run(client.ExportEvents(rpc::Outgoing(), v1::ExportEventsRequest(), take));
  if (!ended.ok()) CannotCheck(std::string(ended.message()));
}

int Check(const std::vector<std::string>& files) {
  if (files.size() + (absl::GetFlag(FLAGS_service).empty() ? 0 : 1) != 1)
    CannotCheck("give one export file, or --service; see --help");
  ExportCheck check(Keys(), Trusted());
  files.empty() ? ReadLiveInto(check) : ReadFileInto(files[0], check);
  const Verdict& verdict = check.Finish();
  for (const std::string& finding : verdict.findings) std::cout << "NOT OK     " << finding << "\n";
  if (verdict.head) {
    std::cout << (verdict.findings.empty() ? "OK         " : "up to      ")
              << verdict.head->head.size << " events of " << verdict.head->head.origin << "\n";
  }
  if (!verdict.findings.empty()) return 1;
  const std::string save = absl::GetFlag(FLAGS_save);
  if (!save.empty() && verdict.head &&
      !(std::ofstream(save) << merkle::CheckpointText(verdict.head->head) << std::flush)) {
    CannotCheck("everything holds, but cannot write " + save);
  }
  return 0;
}

}  // namespace
}  // namespace florin::audit::verify

int main(int argc, char** argv) {
  return florin::audit::verify::Check(florin::config::ParseFlagsAndArguments(
      argc, argv,
      "florin-audit-verify --key=PUBLIC.pem EXPORT_FILE, or … --service=NAME --target=HOST:PORT "
      "--certificates=DIR: checks the audit trail of a service by its log's public key."));
}
