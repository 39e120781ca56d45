// The program florin-verify as an auditor runs it: on files and on a live ledger, and after
// somebody has altered the book.
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signing_key.h"
#include "libs/merkle/test_tree.h"
#include "libs/rpc/server.h"
#include "libs/testing/certificates.h"
#include "services/ledger/flow/sealer.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/rpc/export_service.h"
#include "services/ledger/store/book_export.h"
#include "services/ledger/store/log_fixture.h"

namespace florin::ledger {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Ended {
  int status = -1;
  std::string output;
};

Ended Verify(const std::string& arguments) {
  const char* build = std::getenv("FLORIN_BINARY_DIR");
  const std::string command =
      absl::StrCat(build == nullptr ? "." : build, "/bin/florin-verify ", arguments, " 2>&1");
  Ended run;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return run;
  char buffer[4096];
  for (std::size_t count; (count = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    run.output.append(buffer, count);
  }
  const int ended = pclose(pipe);
  if (WIFEXITED(ended)) run.status = WEXITSTATUS(ended);
  return run;
}

MATCHER_P2(Ends, status, output, "ends with that status and output") {
  *result_listener << "which ended with " << arg.status << ":\n" << arg.output;
  return arg.status == status && ::testing::Value(arg.output, output);
}

// A sealed book of 302 records, of which 3 to 302 are posts; and its ledger.
class VerifyTest : public LogFixture {
 protected:
  VerifyTest() : LogFixture("postgres") {
    Fill(300);
    Seal();
    service_ = std::make_unique<ExportRpc>([](const std::string& book) {
      return BookExport::Open(LogServer().conninfo("ledger"), book, kTestLog);
    });
    rpc::ServerOptions options{
        .listen = "127.0.0.1:0",
        .certificates = rpc::CertificateFiles::In(certificates_.directory(), "ledger")};
    server_ = rpc::Server::Start(runtime_.executor(), options, {service_.get()}).value();
    std::ofstream(KeyPath()) << signer_->public_key().ToPem();
  }
  ~VerifyTest() override {
    server_->Drain(absl::Seconds(1));
    runtime_.Stop();
  }

  void Seal() {
    Sealer sealer(*store_, *log_store_, *signer_, clock_, kTestLog, {.chunk_records = 100});
    ASSERT_THAT(runtime_.Run(sealer.RunOnce()), IsOk());
  }
  std::string PathOf(const std::string& name) const {
    return absl::StrCat(::testing::TempDir(), "/florin_verify_", book_, "_", name);
  }
  std::string KeyPath() const { return PathOf("key.pem"); }
  Ended VerifyFile(const std::string& flags = "") {
    EXPECT_THAT(ExportBookToFile(LogServer().conninfo("ledger"), book_, kTestLog, PathOf("export")),
                IsOk());
    return Verify(absl::StrCat("--key=", KeyPath(), " ", flags, " ", PathOf("export")));
  }
  Ended VerifyLive(const std::string& identity, const std::string& book) {
    return Verify(absl::StrCat("--key=", KeyPath(), " --ledger=127.0.0.1:", server_->port(),
                               " --certificates=", certificates_.directory(),
                               " --identity=", identity, " --book=", book));
  }
  void Alter(const std::string& sql) {
    RunAsSuperuser(absl::StrReplaceAll(sql, {{"$BOOK", absl::StrCat("book = '", book_, "'")}}));
  }
  std::string TransactionAt(std::size_t sequence) {
    return FormatId(IdKind::kTransaction,
                    proof::ParseRecord(Records()[sequence - 1].line)->transaction_id);
  }

  FakeClock clock_{kOpened + absl::Hours(1)};
  testing::TestCertificates certificates_{{"ledger", "auditor", "payments"}};
  std::unique_ptr<crypto::FileSigner> signer_ =
      crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
  std::unique_ptr<ExportRpc> service_;
  std::unique_ptr<rpc::Server> server_;
};

TEST_F(VerifyTest, AWholeBookHolds) {
  EXPECT_THAT(VerifyFile(),
              Ends(0, AllOf(HasSubstr("everything holds"), HasSubstr("records    302"),
                            HasSubstr("debits     EUR"), HasSubstr("4 tree heads"),
                            HasSubstr("not sealed 0 records"), HasSubstr("MiB"))));
}

// The four that the ledger must show.
TEST_F(VerifyTest, AnAlteredAmountIsNamed) {
  const std::string id = TransactionAt(100);
  Alter("UPDATE journal SET amounts_minor = ARRAY[1000000] WHERE $BOOK AND sequence = 100");
  EXPECT_THAT(VerifyFile(), Ends(1, HasSubstr(absl::StrCat("PROBLEM    journal 100 ", id))));
}

TEST_F(VerifyTest, ADeletedEntryIsNamed) {
  const Uuid account = DeriveId("test.account", "b");
  Alter(absl::StrCat("DELETE FROM entries WHERE $BOOK AND sequence = 100 AND account_id = '",
                     account.ToString(), "'"));
  EXPECT_THAT(VerifyFile(),
              Ends(1, AllOf(HasSubstr(absl::StrCat("PROBLEM    entry 100 ",
                                                   FormatId(IdKind::kAccount, account))),
                            HasSubstr(" 1 problem(s)"))));
}

TEST_F(VerifyTest, ASwappedPairIsNamed) {
  Alter(
      "UPDATE journal SET sequence = 1000 WHERE $BOOK AND sequence = 100; "
      "UPDATE journal SET sequence = 100 WHERE $BOOK AND sequence = 101; "
      "UPDATE journal SET sequence = 101 WHERE $BOOK AND sequence = 1000");
  EXPECT_THAT(VerifyFile(), Ends(1, AllOf(HasSubstr("PROBLEM    journal 100 "),
                                          HasSubstr("PROBLEM    journal 101 "))));
}

TEST_F(VerifyTest, AForgedTreeHeadIsNamed) {
  Alter(
      "UPDATE tree_heads SET root = set_byte(root, 0, get_byte(root, 0) # 1) "
      "WHERE $BOOK AND size = 200");
  EXPECT_THAT(VerifyFile(), Ends(1, HasSubstr("PROBLEM    tree_head 200")));
}

TEST_F(VerifyTest, GoesOnFromATrustedHead) {
  EXPECT_EQ(VerifyFile(absl::StrCat("--save=", PathOf("head"))).status, 0);
  Fill(10);
  Seal();
  const std::string from = absl::StrCat("--from=", PathOf("head"));
  EXPECT_THAT(VerifyFile(from), Ends(0, HasSubstr("everything holds")));
  Alter("DELETE FROM tree_heads WHERE $BOOK AND size = 302");
  EXPECT_EQ(VerifyFile().status, 0) << "who knows no earlier head can't miss it";
  EXPECT_THAT(VerifyFile(from), Ends(1, HasSubstr("PROBLEM    tree_head 302")));
}

TEST_F(VerifyTest, ReadsALiveLedger) {
  EXPECT_THAT(VerifyLive("auditor", book_), Ends(0, HasSubstr("everything holds")));
  EXPECT_THAT(VerifyLive("auditor", "no-such-book"), Ends(2, HasSubstr("no such book")));
  EXPECT_THAT(VerifyLive("payments", book_), Ends(2, HasSubstr("cannot check")));
  Alter("UPDATE entries SET version = version + 1 WHERE $BOOK AND sequence = 100");
  EXPECT_THAT(VerifyLive("auditor", book_), Ends(1, HasSubstr("PROBLEM    entry 100 ")));
}

TEST_F(VerifyTest, ChecksAReceipt) {
  const std::vector<merkle::Digest> leaves = Leaves();
  const merkle::SignedTreeHead head = Heads().back();
  proof::Receipt receipt{.origin = proof::OriginOf(kTestLog, book_),
                         .record = Records()[99].line,
                         .leaf_index = 99,
                         .tree_size = head.head.size,
                         .path = merkle::test::NaiveInclusionPath(leaves, 99, head.head.size),
                         .checkpoint = merkle::CheckpointText(head.head),
                         .key_id = head.key_id,
                         .algorithm = "es256",
                         .signature = head.signature};
  const std::string check =
      absl::StrCat("--key=", KeyPath(), " --receipt=", PathOf("receipt.json"));
  std::ofstream(PathOf("receipt.json")) << proof::EncodeReceipt(receipt);
  EXPECT_THAT(Verify(check), Ends(0, HasSubstr(receipt.record)));
  receipt.record = Records()[98].line;
  std::ofstream(PathOf("receipt.json")) << proof::EncodeReceipt(receipt);
  EXPECT_THAT(Verify(check), Ends(1, HasSubstr("NOT OK")));
}

TEST_F(VerifyTest, SaysWhatItCannotCheck) {
  EXPECT_THAT(Verify("x"), Ends(2, HasSubstr("--key is needed")));
  const std::string key = absl::StrCat("--key=", KeyPath(), " ");
  EXPECT_THAT(Verify(key), Ends(2, HasSubstr("give one export file")));
  EXPECT_THAT(Verify(key + "a b"), Ends(2, HasSubstr("give one export file")));
  EXPECT_THAT(Verify(key + PathOf("missing")), Ends(2, HasSubstr("cannot read")));
  EXPECT_THAT(Verify("--key=" + PathOf("missing") + " x"), Ends(2, HasSubstr("cannot read")));
  EXPECT_THAT(Verify(key + "--from=" + KeyPath() + " x"), Ends(2, HasSubstr("cannot check")));
  EXPECT_THAT(Verify(key + KeyPath()), Ends(1, HasSubstr("it is no florin.ledger.export.v1")));
}

}  // namespace
}  // namespace florin::ledger
