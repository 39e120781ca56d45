// A book out of PostgreSQL and back; and that whatever a superuser alters in one row is found.
#include "services/ledger/store/book_export.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/config/config.h"
#include "libs/crypto/signing_key.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/proof/book_check.h"
#include "services/ledger/proof/receipt.h"
#include "services/ledger/store/book_import.h"
#include "services/ledger/store/log_fixture.h"

namespace florin::ledger {
namespace {

using proof::BookCheck;
using proof::Problem;
using ::testing::IsEmpty;

constexpr const char* kTables[] = {"books", "journal",        "entries", "accounts",
                                   "holds", "metadata_index", "tiles",   "tree_heads"};

Uuid AccountId(const std::string& name) { return DeriveId("test.account", name); }

Posting Between(const std::string& debit, const std::string& credit, std::int64_t amount_minor) {
  return {.debit_account_id = AccountId(debit),
          .credit_account_id = AccountId(credit),
          .amount_minor = amount_minor};
}

// A book of everything, sealed at 200 records and at all but the last five; the first 256 have a
// tile.
class BookExportTest : public LogFixture {
 protected:
  BookExportTest() : LogFixture("postgres") {
    EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_, {"number"})), IsOk());
    DoEverything();
    first_filled_ = static_cast<std::int64_t>(Records().size()) + 1;
    Fill(300);
    Seal(200);
    Seal(Records().size());
    Fill(5);
  }

  Command Do(const std::string& name, Action action) {
    Command command;
    command.transaction_id = DeriveId("test.transaction", name);
    command.action = std::move(action);
    return command;
  }
  Uuid Id(const std::string& name) { return DeriveId("test.transaction", name); }

  void DoEverything() {
    AccountTerms wallet{.account_id = AccountId("wallet"),
                        .currency = Currency::Parse("EUR").value()};
    wallet.normal_side = NormalSide::kCredit;
    wallet.debits_must_not_exceed_credits = true;
    const std::vector<AccountTerms> terms = {wallet};
    ASSERT_THAT(runtime_.Run(store_->OpenAccounts(book_, terms, kOpened)), IsOk());
    std::vector<Command> commands = {
        Do("fund", Post{{Between("a", "wallet", 1000), Between("a", "b", 5)}}),
        Do("held", MakeHold{{Between("wallet", "b", 300)}, absl::Seconds(60)}),
        Do("part", Capture{Id("held"), {100}, false}),
        Do("rest", Capture{Id("held"), {50}, true}),
        Do("open", MakeHold{{Between("wallet", "b", 10)}, {}}),
        Do("gone", MakeHold{{Between("wallet", "b", 10)}, absl::Hours(1)}),
        Do("void", VoidHold{Id("gone")}),
        Do("too much", Post{{Between("wallet", "b", 99'999)}}),
        Do("early", Post{{Between("a", "b", 7)}}),
        Do("back", Reverse{Id("early"), {}, true}),
        Do("one back", Reverse{Id("fund"), 1, false}),
        Do("line", SetCreditLine{AccountId("wallet"), 50}),
        Do("close", CloseAccount{AccountId("wallet")}),
        Do("reopen", ReopenAccount{AccountId("wallet")}),
        Do("period", ClosePeriod{kOpened - absl::Hours(2)})};
    commands[0].preconditions.push_back({.account_id = AccountId("wallet"), .version = 0});
    commands[8].effective_time = kOpened - absl::Hours(1);
    commands[0].metadata["number"] = "quoted \" and ü";
    Posting all = Between("wallet", "b", 99'999);
    all.balancing_debit = true;
    commands.push_back(Do("balanced", Post{{all}}));
    const auto outcomes = runtime_.Run(store_->Commit(book_, commands, kOpened));
    ASSERT_THAT(outcomes, IsOk());
    for (const Outcome& outcome : *outcomes) {
      const bool refused = outcome.decision.command.transaction_id == Id("too much");
      ASSERT_EQ(outcome.decision.refusal() != nullptr, refused)
          << KindOf(outcome.decision.command.action);
    }
  }

  void Seal(std::size_t size) {
    const std::vector<merkle::Digest> leaves = Leaves();
    LogExtension extension{.from_size = builder_.size()};
    while (builder_.size() < size) {
      for (merkle::Tile& tile : builder_.Append(leaves[builder_.size()])) {
        extension.tiles.push_back(std::move(tile));
      }
    }
    const merkle::TreeHead head{.origin = proof::OriginOf(kTestLog, book_),
                                .size = size,
                                .root = builder_.Root(),
                                .time = kOpened + absl::Seconds(static_cast<std::int64_t>(size))};
    extension.head = merkle::Sign(head, *signer_).value();
    ASSERT_THAT(runtime_.Run(log_store_->Append(book_, extension)), IsOk());
    head_ = head;
  }

  static std::string Conninfo() { return LogServer().conninfo("ledger"); }
  std::string Export() {
    auto opened = BookExport::Open(Conninfo(), book_, kTestLog);
    EXPECT_THAT(opened, IsOk());
    std::string text;
    while (true) {
      const auto chunk = (*opened)->NextChunk();
      EXPECT_THAT(chunk, IsOk());
      if (!chunk.ok() || chunk->empty()) return text;
      text += *chunk;
    }
  }
  std::vector<Problem> Problems(const std::string& text) {
    BookCheck check({.keys = {signer_->public_key()}, .trusted = head_});
    check.Add(text);
    check.Finish();
    return check.problems().first;
  }
  std::string InBook(const std::string& sql) const {
    return absl::StrReplaceAll(sql, {{"$BOOK", absl::StrCat("book = '", book_, "'")}});
  }
  void DeleteBook() {
    for (const char* table : kTables) {
      RunAsSuperuser(InBook(absl::StrCat("DELETE FROM ", table, " WHERE $BOOK")));
    }
  }
  std::string Ask(const std::string& sql) {
    pqxx::connection connection(LogServer().conninfo("postgres"));
    pqxx::work transaction(connection);
    transaction.exec("SET search_path = ledger");
    return transaction.exec(InBook(sql))[0][0].as<std::string>();
  }
  std::string FilePath() const {
    return absl::StrCat(::testing::TempDir(), "/florin_", book_, ".export");
  }

  std::int64_t first_filled_ = 0;
  merkle::TileBuilder builder_;
  merkle::TreeHead head_;
  std::unique_ptr<crypto::FileSigner> signer_ =
      crypto::FileSigner::FromPem(crypto::SigningKey::Generate().ToPem()).value();
};

TEST_F(BookExportTest, WhatTheLedgerWritesHolds) {
  const std::string text = Export();
  BookCheck check({.keys = {signer_->public_key()}, .trusted = head_});
  check.Add(text);
  check.Finish();
  EXPECT_THAT(check.problems().first, IsEmpty());
  EXPECT_EQ(check.counts().records, first_filled_ - 1 + 305);
  EXPECT_EQ(check.counts().holds, 3);
  EXPECT_EQ(check.counts().tiles, 1);
  EXPECT_EQ(check.counts().tree_heads, 2);
  EXPECT_EQ(check.counts().keys, 1);
  EXPECT_EQ(check.counts().unreadable, 0);
  EXPECT_EQ(check.unsealed_records(), 5);
}

TEST_F(BookExportTest, ComesInWholeLinesOfOneSnapshot) {
  const std::string before = Export();
  auto opened = BookExport::Open(Conninfo(), book_, kTestLog);
  ASSERT_THAT(opened, IsOk());
  std::string text;
  while (true) {
    const auto chunk = (*opened)->NextChunk();
    ASSERT_THAT(chunk, IsOk());
    if (chunk->empty()) break;
    EXPECT_EQ(chunk->back(), '\n');
    EXPECT_LT(chunk->size(), 96u * 1024);
    text += *chunk;
    Fill(1);
  }
  EXPECT_EQ(text, before);
  EXPECT_NE(Export(), before);
}

TEST_F(BookExportTest, AnUnknownBookIsSaidToBe) {
  EXPECT_THAT(BookExport::Open(Conninfo(), "nobody's", kTestLog),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_THAT(ExportBookToFile(Conninfo(), "nobody's", kTestLog, FilePath()),
              StatusHasReason(Reason::kBookNotFound));
  EXPECT_FALSE(std::filesystem::exists(FilePath()));
}

TEST_F(BookExportTest, AFileIsThereOnceItIsComplete) {
  std::ofstream(FilePath()) << "an old one";
  ASSERT_THAT(ExportBookToFile(Conninfo(), book_, kTestLog, FilePath()), IsOk());
  EXPECT_EQ(*config::ReadFile(FilePath()), Export());
  EXPECT_FALSE(std::filesystem::exists(FilePath() + ".partial"));
  EXPECT_THAT(ExportBookToFile(Conninfo(), book_, kTestLog, "/nowhere/at/all"),
              StatusHasReason(Reason::kInternal));
}

TEST_F(BookExportTest, AnImportedBookIsTheSameBook) {
  ASSERT_THAT(ExportBookToFile(Conninfo(), book_, kTestLog, FilePath()), IsOk());
  const std::string before = Export();
  const std::string index = "SELECT count(*) FROM metadata_index WHERE $BOOK";
  const std::string indexed = Ask(index);
  const std::string rows =
      "SELECT string_agg(j::text, ';' ORDER BY sequence) FROM journal AS j "
      "WHERE $BOOK";
  const std::string journal = Ask(rows);
  DeleteBook();
  const auto made = ImportBookFromFile(Conninfo(), FilePath());
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->book, book_);
  EXPECT_EQ(Export(), before);
  EXPECT_EQ(Ask(rows), journal);
  EXPECT_EQ(Ask(index), indexed);
  EXPECT_NE(indexed, "0");
  // Decisions stand, and new ones follow.
  std::vector<Command> commands = {Do("early", Post{{Between("a", "b", 7)}}),
                                   Do("new", Post{{Between("a", "b", 7)}})};
  commands[0].effective_time = kOpened - absl::Hours(1);
  const auto outcomes = runtime_.Run(store_->Commit(book_, commands, kOpened));
  ASSERT_THAT(outcomes, IsOk());
  EXPECT_TRUE(outcomes->at(0).replayed);
  EXPECT_EQ(outcomes->at(1).decision.sequence, made->last_sequence + 1);
  EXPECT_THAT(Problems(Export()), IsEmpty());
}

TEST_F(BookExportTest, OnlyAnEmptyBookIsImportedInto) {
  ASSERT_THAT(ExportBookToFile(Conninfo(), book_, kTestLog, FilePath()), IsOk());
  EXPECT_THAT(ImportBookFromFile(Conninfo(), FilePath()), StatusHasReason(Reason::kInvalidField));
  DeleteBook();
  EXPECT_THAT(runtime_.Run(store_->EnsureBook(book_, {"other"})), IsOk());
  EXPECT_THAT(ImportBookFromFile(Conninfo(), FilePath()), IsOk());
  EXPECT_EQ(Ask("SELECT indexed_metadata::text FROM books WHERE $BOOK"), "{number,other}");
}

TEST_F(BookExportTest, AFileWithAProblemLeavesNothingBehind) {
  const std::string text = Export();
  const std::string bad[] = {
      absl::StrReplaceAll(text, {{R"("state":"open")", R"("state":"voided")"}}),
      text.substr(0, text.size() / 2), text + "Q {}\n", "", "hello\n"};
  DeleteBook();
  for (const std::string& content : bad) {
    std::ofstream(FilePath(), std::ios::binary) << content;
    EXPECT_THAT(ImportBookFromFile(Conninfo(), FilePath()), StatusHasReason(Reason::kInvalidField));
    EXPECT_EQ(Ask("SELECT count(*) FROM books WHERE $BOOK"), "0");
    EXPECT_EQ(Ask("SELECT count(*) FROM journal WHERE $BOOK"), "0");
  }
  EXPECT_THAT(ImportBookFromFile(Conninfo(), FilePath() + ".missing"),
              StatusHasReason(Reason::kInvalidField));
}

// ---- What a superuser alters

struct Alteration {
  std::string sql;  // $BOOK confines it; $N is a sequence, $ACCOUNT an account of its entries
  std::function<bool(const Problem&, std::int64_t sequence, const std::string& account)> named;
};

bool NamesRecord(const Problem& problem, std::int64_t sequence, const std::string&) {
  return problem.what == "journal" && problem.number == sequence;
}
// A record that is gone shows in the one after it.
bool NamesGap(const Problem& problem, std::int64_t sequence, const std::string&) {
  return problem.what == "journal" && problem.number == sequence + 1;
}
bool NamesEntry(const Problem& problem, std::int64_t sequence, const std::string& account) {
  return problem.what == "entry" && problem.number == sequence && problem.id == account;
}
std::function<bool(const Problem&, std::int64_t, const std::string&)> Names(
    const std::string& what, const std::string& id, std::int64_t number = 0) {
  return [=](const Problem& problem, std::int64_t, const std::string&) {
    return problem.what == what && problem.id == id && problem.number == number;
  };
}

std::vector<Alteration> OfTheJournal() {
  std::vector<Alteration> alterations;
  for (const char* assignment :
       {"amounts_minor = ARRAY[amounts_minor[1] + 1]",
        "debit_account_ids = credit_account_ids",
        "debit_account_ids = credit_account_ids, credit_account_ids = debit_account_ids",
        "committed_at = committed_at - interval '1 microsecond'",
        "committed_at = committed_at + interval '1 hour'",
        "effective_at = committed_at - interval '1 hour'",
        "expires_at = committed_at",
        "subject_id = transaction_id",
        "metadata = metadata || '{\"x\": \"y\"}'",
        "metadata = '{\"number\": 1}'",
        "metadata = '[]'",
        "metadata = '{\"number\": null}'",
        "request = '{\"linked_to_next\": true}'",
        "request = '{\"unknown\": 1}'",
        "kind = 'hold'",
        "kind = 'close_account'",
        "reason = 'account_closed', message = '', param = ''",
        "reason = 'no such reason', message = '', param = ''",
        "message = 'x'",
        "param = ''",
        "transaction_id = '01234567-0123-8123-8123-0123456789ab'"}) {
    alterations.push_back(
        {absl::StrCat("UPDATE journal SET ", assignment, " WHERE $BOOK AND sequence = $N"),
         NamesRecord});
  }
  alterations.push_back({"DELETE FROM journal WHERE $BOOK AND sequence = $N", NamesGap});
  alterations.push_back(
      {"UPDATE journal SET sequence = sequence + 100000 WHERE $BOOK AND sequence = $N", NamesGap});
  // Two change places; the detour keeps sequences unique.
  alterations.push_back(
      {"UPDATE journal SET sequence = 1000000 WHERE $BOOK AND sequence = $N; "
       "UPDATE journal SET sequence = $N WHERE $BOOK AND sequence = $N + 1; "
       "UPDATE journal SET sequence = $N + 1 WHERE $BOOK AND sequence = 1000000",
       NamesRecord});
  alterations.push_back(
      {"UPDATE journal AS j SET amounts_minor = o.amounts_minor FROM journal AS o "
       "WHERE j.$BOOK AND o.$BOOK AND j.sequence IN ($N, $N + 1) "
       "AND o.sequence = 2 * $N + 1 - j.sequence",
       NamesRecord});
  return alterations;
}

std::vector<Alteration> OfEntries() {
  std::vector<Alteration> alterations;
  for (const char* assignment :
       {"debit_minor = debit_minor + 1", "credit_minor = credit_minor + 1",
        "debits_posted_after = debits_posted_after + 1",
        "credits_posted_after = credits_posted_after - 1", "version = version + 1000",
        "debit_pending_minor = 1", "credit_pending_minor = -1", "debit_pending_minor = 0",
        "debits_pending_after = 1", "credits_pending_after = 1",
        "effective_at = '2020-01-01 00:00:00+00'"}) {
    alterations.push_back({absl::StrCat("UPDATE entries SET ", assignment,
                                        " WHERE $BOOK AND sequence = $N AND account_id = $ACCOUNT"),
                           NamesEntry});
  }
  alterations.push_back(
      {"DELETE FROM entries WHERE $BOOK AND sequence = $N AND account_id = $ACCOUNT", NamesEntry});
  alterations.push_back(
      {"UPDATE entries SET sequence = sequence + 100000 "
       "WHERE $BOOK AND sequence = $N AND account_id = $ACCOUNT",
       NamesEntry});
  alterations.push_back(
      {"UPDATE entries SET sequence = 1000000 "
       "WHERE $BOOK AND sequence = $N AND account_id = $ACCOUNT; "
       "UPDATE entries SET sequence = $N "
       "WHERE $BOOK AND sequence = $N + 1 AND account_id = $ACCOUNT; "
       "UPDATE entries SET sequence = $N + 1 "
       "WHERE $BOOK AND sequence = 1000000 AND account_id = $ACCOUNT",
       NamesEntry});
  return alterations;
}

std::vector<Alteration> OfAccounts() {
  std::vector<Alteration> alterations;
  const std::string a = FormatId(IdKind::kAccount, AccountId("a"));
  const std::string at =
      absl::StrCat(" WHERE $BOOK AND account_id = '", AccountId("a").ToString(), "'");
  for (const char* assignment :
       {"currency = 'USD'", "normal_side = 'credit'", "credits_must_not_exceed_debits = true",
        "credit_line_minor = 1", "closed = true"}) {
    alterations.push_back(
        {absl::StrCat("UPDATE accounts SET ", assignment, at), Names("account", a)});
  }
  alterations.push_back({"DELETE FROM accounts" + at, Names("account", a)});
  alterations.push_back(
      {"UPDATE accounts SET account_id = '01234567-0123-8123-8123-0123456789ab'" + at,
       Names("account", a)});
  return alterations;
}

std::vector<Alteration> OfHolds() {
  std::vector<Alteration> alterations;
  const Uuid id = DeriveId("test.transaction", "open");
  const std::string name = FormatId(IdKind::kTransaction, id);
  const std::string at = absl::StrCat(" WHERE $BOOK AND hold_id = '", id.ToString(), "'");
  for (const char* assignment :
       {"state = 'voided'", "expires_at = '2100-01-01 00:00:00+00'", "held_minor = ARRAY[9]",
        "held_minor = ARRAY[0]", "debit_account_ids = credit_account_ids",
        "held_minor = held_minor || 1::bigint",
        "hold_id = '01234567-0123-8123-8123-0123456789ab'"}) {
    alterations.push_back({absl::StrCat("UPDATE holds SET ", assignment, at), Names("hold", name)});
  }
  alterations.push_back({"DELETE FROM holds" + at, Names("hold", name)});
  return alterations;
}

std::vector<Alteration> OfTheLog(std::int64_t last) {
  const auto first_head = Names("tree_head", "", 200);
  const auto last_head = Names("tree_head", "", last);
  const auto tile = Names("tile", "0/0");
  std::vector<Alteration> alterations = {
      {"UPDATE tiles SET root = set_byte(root, 5, get_byte(root, 5) # 1) WHERE $BOOK", tile},
      {"UPDATE tiles SET tile = 1 WHERE $BOOK", tile},
      {"UPDATE tiles SET hashes = set_byte(hashes, 32 * ($N - 1)::int, "
       "get_byte(hashes, 32 * ($N - 1)::int) # 1) WHERE $BOOK",
       NamesRecord},
      {"DELETE FROM tiles WHERE $BOOK", tile},
      {"DELETE FROM tree_heads WHERE $BOOK AND size > 200", last_head}};
  for (const char* assignment :
       {"root = set_byte(root, 5, get_byte(root, 5) # 1)", "key_id = '0123456789abcdef'",
        "signed_at = signed_at + interval '1 microsecond'",
        "signature = set_byte(signature, 5, get_byte(signature, 5) # 1)", "signature = ''"}) {
    alterations.push_back(
        {absl::StrCat("UPDATE tree_heads SET ", assignment, " WHERE $BOOK AND size = 200"),
         first_head});
    alterations.push_back(
        {absl::StrCat("UPDATE tree_heads SET ", assignment, " WHERE $BOOK AND size > 200"),
         last_head});
  }
  alterations.push_back(
      {"UPDATE tree_heads SET size = 201 WHERE $BOOK AND size = 200", Names("tree_head", "", 201)});
  return alterations;
}

std::vector<Alteration> OfTheBook(const std::string& book) {
  std::vector<Alteration> alterations;
  for (const char* assignment :
       {"last_sequence = last_sequence + 1", "closed_until = NULL",
        "last_committed_at = last_committed_at + interval '1 microsecond'"}) {
    alterations.push_back(
        {absl::StrCat("UPDATE books SET ", assignment, " WHERE $BOOK"), Names("book", book)});
  }
  return alterations;
}

TEST_F(BookExportTest, EveryAlterationIsFoundAndNamed) {
  RunAsSuperuser("CREATE SCHEMA saved");
  for (const char* table : kTables) {
    RunAsSuperuser(absl::StrCat("CREATE TABLE saved.", table, " AS TABLE ", table, "; DELETE FROM ",
                                "saved.", table, InBook(" WHERE NOT $BOOK")));
  }
  std::vector<Alteration> alterations;
  for (const auto& some : {OfTheJournal(), OfEntries(), OfAccounts(), OfHolds(),
                           OfTheLog(static_cast<std::int64_t>(head_.size)), OfTheBook(book_)}) {
    alterations.insert(alterations.end(), some.begin(), some.end());
  }
  std::mt19937_64 random(4);  // NOLINT: the same rows in each run.
  for (int round = 0; round < 3; ++round) {
    for (const Alteration& alteration : alterations) {
      // Two neighbours, both in the tile.
      const std::int64_t sequence =
          first_filled_ + static_cast<std::int64_t>(random() % (256 - first_filled_));
      const Uuid account = AccountId(random() % 2 == 0 ? "a" : "b");
      const std::string sql = absl::StrReplaceAll(
          InBook(alteration.sql),
          {{"$N", std::to_string(sequence)}, {"$ACCOUNT", "'" + account.ToString() + "'"}});
      RunAsSuperuser(sql);
      const std::vector<Problem> problems = Problems(Export());
      const std::string name = FormatId(IdKind::kAccount, account);
      EXPECT_TRUE(std::any_of(
          problems.begin(), problems.end(),
          [&](const Problem& problem) { return alteration.named(problem, sequence, name); }))
          << sql << "\n"
          << ::testing::PrintToString(problems);
      DeleteBook();
      for (const char* table : kTables) {
        RunAsSuperuser(absl::StrCat("INSERT INTO ", table, " TABLE saved.", table));
      }
    }
  }
  RunAsSuperuser("DROP SCHEMA saved CASCADE");
  EXPECT_THAT(Problems(Export()), IsEmpty());
}

}  // namespace
}  // namespace florin::ledger
