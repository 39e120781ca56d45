// Exports as auditors get them: a real server over mutual TLS, on a real PostgreSQL.
#include "services/ledger/rpc/export_service.h"

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>

#include "gtest/gtest.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/testing/certificates.h"
#include "services/ledger/store/log_fixture.h"

namespace florin::ledger {
namespace {

// Holds up whoever opens a book, while it is shut.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void WaitForArrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }
  void Set(bool open) {
    std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;  // Guarded by mutex_.
  int arrived_ = 0;   // Guarded by mutex_.
};

struct Taker {
  std::string text;
  int chunks = 0;

  Task<absl::Status> Take(v1::ExportChunk chunk) {
    EXPECT_FALSE(chunk.lines().empty());
    EXPECT_EQ(chunk.lines().back(), '\n');
    text += chunk.lines();
    ++chunks;
    co_return absl::OkStatus();
  }
};

class ExportServiceTest : public LogFixture {
 protected:
  ExportServiceTest() : LogFixture("postgres") {
    service_ = std::make_unique<ExportRpc>([this](const std::string& book) {
      gate_.Pass();
      return BookExport::Open(LogServer().conninfo("ledger"), book, kTestLog);
    });
    rpc::ServerOptions options{.listen = "127.0.0.1:0", .certificates = CertificatesOf("ledger")};
    server_ = rpc::Server::Start(runtime_.executor(), options, {service_.get()}).value();
    auditor_ = Connect("auditor");
    Fill(300);
  }
  ~ExportServiceTest() override {
    auditor_.reset();
    server_->Drain(absl::Seconds(1));
    runtime_.Stop();
  }

  rpc::CertificateFiles CertificatesOf(const std::string& name) const {
    return rpc::CertificateFiles::In(certificates_.directory(), name);
  }
  std::unique_ptr<rpc::Channel> Connect(const std::string& caller) {
    rpc::ChannelOptions options{.target = "127.0.0.1:" + std::to_string(server_->port()),
                                .service = "ledger",
                                .certificates = CertificatesOf(caller)};
    return std::make_unique<rpc::Channel>(runtime_.executor(), options);
  }
  absl::StatusOr<Taker> Read(rpc::Channel& channel, const std::string& book) {
    v1::ExportBookRequest request;
    request.set_book(book);
    Taker taker;
    std::function<Task<absl::Status>(v1::ExportChunk)> each = [&taker](v1::ExportChunk chunk) {
      return taker.Take(std::move(chunk));
    };
    const v1::LedgerExportClient client(&channel);
    const absl::Status status =
        runtime_.Run(client.ExportBook(rpc::Outgoing(), request, std::move(each)));
    if (!status.ok()) return status;
    return taker;
  }

  testing::TestCertificates certificates_{{"ledger", "auditor", "operator", "payments"}};
  Gate gate_;
  std::unique_ptr<ExportRpc> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> auditor_;
};

TEST_F(ExportServiceTest, StreamsTheWholeExport) {
  const auto read = Read(*auditor_, book_);
  ASSERT_THAT(read, IsOk());
  EXPECT_GT(read->chunks, 1);
  auto opened = BookExport::Open(LogServer().conninfo("ledger"), book_, kTestLog).value();
  std::string text;
  for (std::string chunk = opened->NextChunk().value(); !chunk.empty();
       chunk = opened->NextChunk().value()) {
    text += chunk;
  }
  EXPECT_EQ(read->text, text);
}

TEST_F(ExportServiceTest, OnlyForAuditorsAndOperators) {
  EXPECT_THAT(Read(*Connect("operator"), book_), IsOk());
  EXPECT_THAT(Read(*Connect("payments"), book_), StatusHasReason(Reason::kCallerNotAllowed));
}

TEST_F(ExportServiceTest, OfBooksThatThereAre) {
  EXPECT_THAT(Read(*auditor_, "nobody's"), StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(Read(*auditor_, "no-such-book"), StatusHasReason(Reason::kBookNotFound));
}

TEST_F(ExportServiceTest, RefusesMoreThanItHasThreadsFor) {
  gate_.Set(false);
  std::vector<std::future<absl::StatusOr<Taker>>> reads;
  for (int i = 0; i < ExportRpc::kMostExports; ++i) {
    reads.push_back(std::async(std::launch::async, [this] { return Read(*auditor_, book_); }));
  }
  gate_.WaitForArrivals(ExportRpc::kMostExports);
  EXPECT_THAT(Read(*auditor_, book_), StatusHasReason(Reason::kOverloaded));
  gate_.Set(true);
  for (auto& read : reads) EXPECT_THAT(read.get(), IsOk());
  EXPECT_THAT(Read(*auditor_, book_), IsOk());
}

}  // namespace
}  // namespace florin::ledger
