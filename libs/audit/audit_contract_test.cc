// The trail on a real PostgreSQL: commits in any order while chainers run, insiders who alter rows,
// and what auditors get to see.
#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/audit_rpc.h"
#include "libs/audit/export_check.h"
#include "libs/audit/pg_audit.h"
#include "libs/audit/pg_chainer.h"
#include "libs/audit/pg_reader.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signing_key.h"
#include "libs/pg/test_database.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"

namespace florin::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kOrigin[] = "florin.local/audit/auth";

std::unique_ptr<crypto::Signer> NewSigner() {
  return crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
}

Event NewEvent(const std::string& actor = "usr_1", const std::string& subject = "usr_1") {
  Event event;
  event.event_id = SystemIds().NewId();
  event.time = SystemClock().Now();
  event.action = "auth.session.begin";
  event.actor = actor;
  event.subject = subject;
  event.details = {{"method", "password"}};
  return event;
}

// Statements of all parts, as a service's pool has them.
std::vector<pg::Statement> Statements() {
  std::vector<pg::Statement> all = InsertStatements();
  for (auto& statement : ChainStatements()) all.push_back(std::move(statement));
  for (auto& statement : PgReader::Statements()) all.push_back(std::move(statement));
  return all;
}

class AuditTest : public ::testing::Test {
 protected:
  AuditTest() { pg::CreateTables(postgres_, "auth"); }
  ~AuditTest() override { runtime_.Stop(); }

  void Record(const Event& event) { EXPECT_THAT(runtime_.Run(recorder_.Record(event)), IsOk()); }
  void Chain(ChainLimits limits = {}) {
    PgChainer chainer(pool_, *signer_, clock_, kOrigin, limits);
    EXPECT_THAT(runtime_.Run(chainer.RunOnce()), IsOk());
  }

  // A connection of the runtime role on which transactions can be left open.
  std::unique_ptr<pqxx::connection> Connection() {
    auto connection = std::make_unique<pqxx::connection>(postgres_.conninfo("auth"));
    for (const pg::Statement& statement : InsertStatements())
      connection->prepare(statement.name, statement.sql);
    return connection;
  }

  std::string Sql(const std::string& role, const std::string& sql) {
    pqxx::connection connection(postgres_.conninfo(role));
    pqxx::work transaction(connection);
    try {
      const pqxx::result rows = transaction.exec(sql);
      transaction.commit();
      return rows.empty() ? "" : rows[0][0].c_str();
    } catch (const pqxx::sql_error& error) {
      return error.what();
    }
  }
  std::string AsSuperuser(const std::string& sql) {
    return Sql("postgres",
               "SET search_path = auth; SET session_replication_role = replica; " + sql);
  }

  Verdict Check(std::optional<merkle::TreeHead> known = std::nullopt) {
    ExportCheck check({signer_->public_key()}, std::move(known));
    check.Line(FirstLine(kOrigin));
    const auto stretch = runtime_.Run(reader_.Read(0, UINT32_MAX, INT32_MAX));
    EXPECT_THAT(stretch, IsOk());
    auto head = stretch->heads.begin();
    for (const ChainedEvent& event : stretch->events) {
      check.Line(EventLine(event.number, event.leaf, event.event));
      for (; head != stretch->heads.end() && head->head.size == event.number; ++head)
        check.Line(HeadLine(*head));
    }
    for (; head != stretch->heads.end(); ++head) check.Line(HeadLine(*head));
    return check.Finish();
  }

  testing::Postgres postgres_;
  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  pg::Pool pool_{
      {.conninfo = postgres_.conninfo("auth"), .connections = 3, .statements = Statements()}};
  PgRecorder recorder_{pool_};
  PgReader reader_{pool_, kOrigin};
  const std::unique_ptr<crypto::Signer> signer_ = NewSigner();
};

TEST_F(AuditTest, EveryCommittedEventIsChainedOnceWhateverTheOrderOfCommits) {
  constexpr int kInserters = 8;
  constexpr int kTransactions = 150;
  std::mutex mutex;
  std::set<std::string> committed;  // Guarded by mutex.
  std::atomic<int> at_work = kInserters;
  std::vector<std::thread> threads;
  for (int i = 0; i < kInserters; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      const auto connection = Connection();
      for (int j = 0; j < kTransactions; ++j) {
        pqxx::work transaction(*connection);
        std::vector<Event> events;
        for (unsigned k = 0; k < 1 + random() % 4; ++k) events.push_back(NewEvent());
        Insert(transaction, events);
        // Late, so that transactions end in another order than they began.
        transaction.exec("SELECT pg_sleep(" + std::to_string(random() % 8) + " * 0.001)");
        if (random() % 4 == 0) {
          Insert(transaction, {NewEvent()});
          transaction.abort();
          continue;
        }
        transaction.commit();
        const std::lock_guard lock(mutex);
        for (const Event& event : events) committed.insert(event.event_id.ToString());
      }
      --at_work;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      PgChainer chainer(pool_, *signer_, clock_, kOrigin, {.chunk_events = 16, .chunks = 4});
      while (at_work > 0) EXPECT_THAT(runtime_.Run(chainer.RunOnce()), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  Chain();

  const auto stretch = runtime_.Run(reader_.Read(0, UINT32_MAX, INT32_MAX));
  ASSERT_THAT(stretch, IsOk());
  std::set<std::string> chained;
  for (std::size_t i = 0; i < stretch->events.size(); ++i) {
    EXPECT_EQ(stretch->events[i].number, i + 1);
    EXPECT_TRUE(chained.insert(stretch->events[i].event.event_id.ToString()).second);
  }
  EXPECT_EQ(chained, committed);
  EXPECT_GT(stretch->heads.size(), 10u);
  const Verdict verdict = Check();
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_EQ(verdict.events, committed.size());
}

TEST_F(AuditTest, NothingIsChainedBeforeWhatMayStillComeInFrontOfIt) {
  const auto first = Connection();
  const auto second = Connection();
  pqxx::work early(*first);
  Insert(early, {NewEvent("usr_early")});
  {
    pqxx::work late(*second);
    Insert(late, {NewEvent("usr_late")});
    late.commit();
  }
  Chain();
  EXPECT_EQ(Check().events, 0u);
  early.commit();
  Chain();
  const auto stretch = runtime_.Run(reader_.Read(0, 10, 10));
  ASSERT_THAT(stretch, IsOk());
  ASSERT_EQ(stretch->events.size(), 2u);
  EXPECT_EQ(stretch->events[0].event.actor, "usr_early");
  EXPECT_EQ(stretch->events[1].event.actor, "usr_late");
  EXPECT_THAT(Check().findings, IsEmpty());
}

TEST_F(AuditTest, RecordingAgainHasNoEffect) {
  const Event event = NewEvent();
  Record(event);
  Chain();
  Event other = event;
  other.actor = "usr_2";
  Record(other);
  Chain();
  const auto stretch = runtime_.Run(reader_.Read(0, 10, 10));
  ASSERT_EQ(stretch->events.size(), 1u);
  EXPECT_EQ(stretch->events[0].event, Fit(event));
}

TEST_F(AuditTest, WhatAnInsiderDoesToTheTablesIsNamed) {
  for (int i = 1; i <= 20; ++i) Record(NewEvent("usr_" + std::to_string(i)));
  Chain({.chunk_events = 5});
  EXPECT_THAT(Check().findings, IsEmpty());
  const merkle::TreeHead known = runtime_.Run(reader_.LatestHead())->value().head;

  AsSuperuser("UPDATE audit_events SET actor = 'usr_x' WHERE actor = 'usr_7'");
  EXPECT_THAT(Check().findings, ElementsAre("event 7 was altered"));
  AsSuperuser("UPDATE audit_events SET actor = 'usr_7' WHERE actor = 'usr_x'");

  const std::string swap =
      "UPDATE audit_links AS l SET event_id = o.event_id, leaf = o.leaf FROM audit_links AS o "
      "WHERE (l.number, o.number) IN ((12, 14), (14, 12))";
  AsSuperuser("DROP INDEX audit_links_event_id_key CASCADE");
  AsSuperuser("ALTER TABLE audit_links DROP CONSTRAINT audit_links_event_id_key");
  AsSuperuser(swap);
  EXPECT_THAT(Check().findings, ElementsAre(HasSubstr("events 11 to 15 are not what was signed")));
  AsSuperuser(swap);
  EXPECT_THAT(Check().findings, IsEmpty());

  AsSuperuser("DELETE FROM audit_heads WHERE size > 15");
  AsSuperuser("DELETE FROM audit_links WHERE number > 15");
  EXPECT_THAT(Check().findings, IsEmpty());
  EXPECT_THAT(Check(known).findings, ElementsAre("the tail is missing: events 16 to 20"));

  AsSuperuser("DELETE FROM audit_links WHERE number = 3");
  EXPECT_THAT(Check().findings, ElementsAre("event 3 missing here"));
}

TEST_F(AuditTest, TheChainerGoesOnFromNothingThatWasAltered) {
  Record(NewEvent());
  Record(NewEvent());
  Chain();
  Record(NewEvent());
  PgChainer chainer(pool_, *signer_, clock_, kOrigin);
  AsSuperuser("UPDATE audit_heads SET root = decode(repeat('00', 32), 'hex')");
  EXPECT_THAT(runtime_.Run(chainer.RunOnce()), StatusHasReason(Reason::kAuditInconsistent));
  AsSuperuser("UPDATE audit_heads SET frontier = decode(repeat('00', 32), 'hex')");
  EXPECT_THAT(runtime_.Run(chainer.RunOnce()), StatusHasReason(Reason::kAuditInconsistent));
  AsSuperuser("DELETE FROM audit_heads");
  EXPECT_THAT(runtime_.Run(chainer.RunOnce()), StatusHasReason(Reason::kAuditInconsistent));
}

TEST_F(AuditTest, TheRuntimeRoleMayOnlyAddAndRead) {
  Record(NewEvent());
  Chain();
  for (const char* table : {"audit_events", "audit_links", "audit_heads"}) {
    const std::string name(table);
    EXPECT_THAT(Sql("auth", "DELETE FROM " + name), HasSubstr("permission denied"));
    EXPECT_THAT(Sql("auth", "TRUNCATE " + name), HasSubstr("permission denied"));
  }
  EXPECT_THAT(Sql("auth", "UPDATE audit_events SET actor = ''"), HasSubstr("permission denied"));
  EXPECT_THAT(Sql("auth", "UPDATE audit_links SET number = 2"), HasSubstr("permission denied"));
  EXPECT_THAT(Sql("auth", "UPDATE audit_heads SET size = 2"), HasSubstr("permission denied"));
  EXPECT_THAT(Sql("auth",
                  "INSERT INTO audit_events (event_id, xid) VALUES "
                  "('00000000-0000-0000-0000-000000000001', '1')"),
              HasSubstr("permission denied"));
}

TEST_F(AuditTest, WhatAnOutsiderSentIsRecordedOnOneLine) {
  Event event = NewEvent("a\r\n{\"number\":\"2\"}\x1B[2J\xFF");
  event.details = {{"user_agent", std::string("x\0\n", 3)}};
  Record(event);
  Chain();
  const auto stretch = runtime_.Run(reader_.Read(0, 10, 10));
  ASSERT_EQ(stretch->events.size(), 1u);
  EXPECT_EQ(stretch->events[0].event, Fit(event));
  const std::string line = EventLine(1, stretch->events[0].leaf, stretch->events[0].event);
  for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
  EXPECT_THAT(Check().findings, IsEmpty());
}

class NoToken : public rpc::Authenticator {
 public:
  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string) override {
    co_return Error(Reason::kTokenInvalid, "there are none");
  }
};

class AuditRpcTest : public AuditTest {
 protected:
  AuditRpcTest() {
    rpc::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.certificates = rpc::CertificateFiles::In(certificates_.directory(), "auth");
    server_ = *rpc::Server::Start(runtime_.executor(), options, {&service_});
  }
  ~AuditRpcTest() override { server_.reset(); }

  rpc::Channel ChannelOf(const std::string& who) {
    rpc::ChannelOptions to;
    to.target = "127.0.0.1:" + std::to_string(server_->port());
    to.service = "auth";
    to.certificates = rpc::CertificateFiles::In(certificates_.directory(), who);
    return rpc::Channel(runtime_.executor(), to);
  }

  static Task<absl::Status> Keep(std::string* lines, v1::ExportEventsChunk chunk) {
    *lines += chunk.lines();
    co_return absl::OkStatus();
  }
  std::string Export(v1::AuditClient& client, std::uint64_t after = 0) {
    std::string lines;
    v1::ExportEventsRequest request;
    request.set_after_number(after);
    std::function<Task<absl::Status>(v1::ExportEventsChunk)> keep =
        [&lines](v1::ExportEventsChunk chunk) { return Keep(&lines, std::move(chunk)); };
    EXPECT_THAT(runtime_.Run(client.ExportEvents(rpc::Outgoing(), request, keep)), IsOk());
    return lines;
  }
  Verdict CheckText(const std::string& text) {
    ExportCheck check({signer_->public_key()}, std::nullopt);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) check.Line(line);
    return check.Finish();
  }

  testing::TestCertificates certificates_{{"auth", "auditor", "operator", "payments"}};
  NoToken no_token_;
  AuditRpc service_{reader_};
  std::unique_ptr<rpc::Server> server_;
};

TEST_F(AuditRpcTest, AnAuditorFindsAndPages) {
  rpc::Channel channel = ChannelOf("auditor");
  v1::AuditClient client(&channel);
  EXPECT_THAT(runtime_.Run(client.GetHead(rpc::Outgoing(), v1::GetHeadRequest())),
              StatusHasReason(Reason::kAuditLogEmpty));
  for (int i = 0; i < 7; ++i) Record(NewEvent(i % 2 == 0 ? "usr_even" : "usr_odd", "usr_s"));
  Chain();
  v1::QueryEventsRequest request;
  request.set_actor("usr_even");
  request.set_page_size(3);
  auto page = runtime_.Run(client.QueryEvents(rpc::Outgoing(), request));
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->events_size(), 3);
  EXPECT_EQ(page->events(2).number(), 5u);
  EXPECT_EQ(page->events(0).details().at("method"), "password");
  request.set_page_token(page->next_page_token());
  page = runtime_.Run(client.QueryEvents(rpc::Outgoing(), request));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->events_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
  request.set_actor("usr_odd");
  EXPECT_THAT(runtime_.Run(client.QueryEvents(rpc::Outgoing(), request)),
              StatusHasReason(Reason::kInvalidPageToken));
  v1::QueryEventsRequest none;
  none.mutable_to_time()->set_seconds(1);
  page = runtime_.Run(client.QueryEvents(rpc::Outgoing(), none));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->events_size(), 0);
  const auto head = runtime_.Run(client.GetHead(rpc::Outgoing(), v1::GetHeadRequest()));
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(merkle::ParseCheckpoint(head->checkpoint())->size, 7u);
}

TEST_F(AuditRpcTest, AnExportHoldsAlsoWhenItWasResumed) {
  for (int i = 0; i < 450; ++i) Record(NewEvent());
  Chain({.chunk_events = 70});
  rpc::Channel channel = ChannelOf("operator");
  v1::AuditClient client(&channel);
  const std::string whole = Export(client);
  const Verdict verdict = CheckText(whole);
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_EQ(verdict.events, 450u);
  // Broken off just before the head of size 210.
  const std::size_t cut = whole.find("{\"number\":\"211\"");
  const std::size_t head = whole.rfind("{\"head\"", cut);
  const Verdict resumed = CheckText(whole.substr(0, head) + Export(client, 210));
  EXPECT_THAT(resumed.findings, IsEmpty());
  EXPECT_EQ(resumed.events, 450u);
}

TEST_F(AuditRpcTest, OthersSeeNothing) {
  rpc::Channel channel = ChannelOf("payments");
  v1::AuditClient client(&channel);
  EXPECT_THAT(runtime_.Run(client.QueryEvents(rpc::Outgoing(), v1::QueryEventsRequest())),
              StatusHasReason(Reason::kCallerNotAllowed));
  EXPECT_THAT(runtime_.Run(client.GetHead(rpc::Outgoing(), v1::GetHeadRequest())),
              StatusHasReason(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace florin::audit
