#include "services/ledger/verify/inputs.h"

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "florin/ledger/v1/export.rpc.h"
#include "libs/async/runtime.h"
#include "libs/config/config.h"
#include "libs/rpc/channel.h"

namespace florin::ledger::verify {
namespace {

struct Taker {
  const Take& take;

  Task<absl::Status> Chunk(v1::ExportChunk chunk) {
    take(chunk.lines());
    co_return absl::OkStatus();
  }
};

absl::Status Bad(const std::string& path, const absl::Status& why) {
  return Error(Reason::kInvalidField, absl::StrCat(path, ": ", why.message()));
}

}  // namespace

absl::StatusOr<std::vector<crypto::SignerKey>> ReadKeys(const std::vector<std::string>& paths) {
  std::vector<crypto::SignerKey> keys;
  for (const std::string& path : paths) {
    FLORIN_ASSIGN_OR_RETURN(const std::string pem, config::ReadFile(path));
    const absl::StatusOr<crypto::SignerKey> key = crypto::SignerKey::FromPem(pem);
    if (!key.ok()) return Bad(path, key.status());
    keys.push_back(*key);
  }
  return keys;
}

absl::StatusOr<merkle::TreeHead> ReadTreeHead(const std::string& path) {
  FLORIN_ASSIGN_OR_RETURN(const std::string text, config::ReadFile(path));
  absl::StatusOr<merkle::TreeHead> head = merkle::ParseCheckpoint(text);
  if (!head.ok()) return Bad(path, head.status());
  return head;
}

absl::Status ReadExportFile(const std::string& path, const Take& take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Reason::kInvalidField, "cannot read " + path);
  std::string chunk(64 * 1024, '\0');
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    take(std::string_view(chunk).substr(0, static_cast<std::size_t>(file.gcount())));
  }
  return file.bad() ? Error(Reason::kInvalidField, "cannot read all of " + path) : absl::OkStatus();
}

absl::Status ReadLive(const LiveLedger& ledger, const Take& take) {
  async::Runtime runtime(1);
  const rpc::ChannelOptions options{
      .target = ledger.target,
      .service = "ledger",
      .certificates = rpc::CertificateFiles::In(ledger.certificates, ledger.identity)};
  rpc::Channel channel(runtime.executor(), options);
  const v1::LedgerExportClient client(&channel);
  v1::ExportBookRequest request;
  request.set_book(ledger.book);
  Taker taker{.take = take};
  std::function<Task<absl::Status>(v1::ExportChunk)> each = [&taker](v1::ExportChunk chunk) {
    return taker.Chunk(std::move(chunk));
  };
  return runtime.Run(client.ExportBook(rpc::Outgoing(), request, std::move(each)));
}

}  // namespace florin::ledger::verify
