// For tests of the signed log: a book with its store and its log, in memory or in PostgreSQL.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/pg/pool.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/ledger/proof/record.h"
#include "services/ledger/store/fake_log_store.h"
#include "services/ledger/store/fake_store.h"
#include "services/ledger/store/pg_log_store.h"
#include "services/ledger/store/pg_store.h"

namespace florin::ledger {

inline constexpr char kTestLog[] = "florin.test";

inline testing::Postgres& LogServer() { return pg::TestDatabase("ledger"); }

// What somebody with all rights does to the database.
inline void RunAsSuperuser(const std::string& sql) {
  pqxx::connection connection(LogServer().conninfo("postgres"));
  pqxx::work transaction(connection);
  transaction.exec("SET search_path = ledger");
  transaction.exec(sql);
  transaction.commit();
}

// A book of its own with accounts "a" and "b", whose openings are records 1 and 2.
class LogFixture : public ::testing::TestWithParam<const char*> {
 protected:
  explicit LogFixture(const std::string& kind) {
    if (kind == "fake") {
      auto fake = std::make_unique<FakeStore>();
      log_store_ = std::make_unique<FakeLogStore>(*fake);
      store_ = std::move(fake);
    } else {
      std::vector<pg::Statement> statements = PgStore::Statements();
      for (pg::Statement& one : PgLogStore::Statements()) statements.push_back(std::move(one));
      pool_ = std::make_unique<pg::Pool>(pg::PoolOptions{.conninfo = LogServer().conninfo("ledger"),
                                                         .connections = 3,
                                                         .statements = std::move(statements),
                                                         .settings = PgStore::Settings()});
      store_ = std::make_unique<PgStore>(*pool_);
      log_store_ = std::make_unique<PgLogStore>(*pool_, kTestLog);
    }
    MakeBook(book_);
  }
  LogFixture() : LogFixture(GetParam()) {}
  ~LogFixture() override {
    runtime_.Stop();  // Before the parts go: no coroutine may be running in them.
    // A sealer visits all books: leave none to the next test.
    for (const std::string& book : made_) {
      if (pool_ != nullptr)
        RunAsSuperuser(absl::StrCat("DELETE FROM books WHERE book = '", book, "'"));
    }
  }

  void MakeBook(const std::string& book) {
    made_.push_back(book);
    EXPECT_THAT(runtime_.Run(store_->EnsureBook(book, {})), IsOk());
    std::vector<AccountTerms> terms;
    for (const char* name : {"a", "b"}) {
      terms.push_back({.account_id = DeriveId("test.account", name),
                       .currency = Currency::Parse("EUR").value()});
    }
    EXPECT_THAT(runtime_.Run(store_->OpenAccounts(book, terms, kOpened)), IsOk());
  }

  // Decides `count` more transactions of the book.
  void Fill(int count) { Fill(book_, count); }
  void Fill(const std::string& book, int count) {
    std::vector<Command> commands;
    for (int i = 0; i < count; ++i) {
      Command command;
      command.transaction_id = ids_.NewId();
      command.action = Post{{{.debit_account_id = DeriveId("test.account", "a"),
                              .credit_account_id = DeriveId("test.account", "b"),
                              .amount_minor = 1 + i}}};
      command.metadata["number"] = std::to_string(i);
      commands.push_back(std::move(command));
    }
    const auto outcomes = runtime_.Run(store_->Commit(book, std::move(commands), kOpened));
    ASSERT_THAT(outcomes, IsOk());
    for (const Outcome& outcome : *outcomes) {
      ASSERT_EQ(outcome.decision.refusal(), nullptr) << outcome.decision.refusal()->message;
    }
  }

  std::vector<LogRecord> Records() {
    return runtime_.Run(log_store_->Records(book_, 0, 1'000'000)).value();
  }
  // Of all records, in order.
  std::vector<merkle::Digest> Leaves() {
    std::vector<merkle::Digest> leaves;
    for (const LogRecord& record : Records()) leaves.push_back(proof::LeafOf(record.line));
    return leaves;
  }
  // All tree heads, the smallest first.
  std::vector<merkle::SignedTreeHead> Heads() {
    std::vector<merkle::SignedTreeHead> heads;
    while (true) {
      const std::uint64_t size = heads.empty() ? 0 : heads.back().head.size;
      const auto next = runtime_.Run(log_store_->HeadAtLeast(book_, size + 1));
      EXPECT_THAT(next, IsOk());
      if (!next.ok() || !*next) return heads;
      heads.push_back(**next);
    }
  }

  static std::string NewBook() {
    static std::atomic<int> count = 0;
    return absl::StrCat("log-", ++count);
  }

  const absl::Time kOpened = absl::FromUnixSeconds(1'700'000'000);
  const std::string book_ = NewBook();
  std::vector<std::string> made_;
  SequentialIds ids_;
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<LogStore> log_store_;
  async::Runtime runtime_{2};
};

}  // namespace florin::ledger
