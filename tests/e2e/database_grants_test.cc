// What the database lets each role do, whatever the code would try: history is append-only, and
// schemas are apart.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_user.h"

namespace florin::e2e {
namespace {

constexpr const char* kServices[] = {"ledger", "auth", "accounts", "payments"};

// Runs every statement as `role`, in one session; each must be refused for want of a right.
void ExpectDenied(const std::string& role, const std::vector<std::string>& statements) {
  const std::vector<std::string> answers = SharedStack().SqlEach(role, statements);
  ASSERT_EQ(answers.size(), statements.size()) << role << ": " << absl::StrJoin(answers, "\n");
  for (std::size_t i = 0; i < answers.size(); ++i)
    EXPECT_TRUE(absl::StrContains(answers[i], "permission denied") ||
                absl::StrContains(answers[i], "must be owner"))
        << role << ": " << statements[i] << ": " << answers[i];
}

std::vector<std::string> Tables(const std::string& schema) {
  return absl::StrSplit(SharedStack().Query(absl::StrCat(
                            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                            "WHERE schemaname = '",
                            schema, "'")),
                        '\n', absl::SkipEmpty());
}

TEST(DatabaseGrants, TheLedgersHistoryIsAppendOnly) {
  // Something to change, so that nothing is denied only because there is nothing.
  ApiUser user(SharedStack());
  user.Deposit(user.OpenAccount("EUR"), 1);
  for (const std::string table :
       {"ledger.entries", "ledger.journal", "ledger.metadata_index", "ledger.tree_heads"}) {
    if (table != "ledger.tree_heads") {
      EXPECT_NE(SharedStack().Query(absl::StrCat("SELECT count(*) FROM ", table)), "0");
    }
    ExpectDenied("ledger", {absl::StrCat("UPDATE ", table, " SET book = book"),
                            absl::StrCat("DELETE FROM ", table), absl::StrCat("TRUNCATE ", table)});
  }
}

// What ends and is no history: attempts, ceremonies and logins under way, sessions, what clients
// were granted and is over, authenticators that their user has removed, and quotes that nobody
// used.
const std::set<std::string> kForgotten = {"auth.challenges",          "auth.logins",
                                          "auth.oauth_access_tokens", "auth.oauth_assertions",
                                          "auth.oauth_codes",         "auth.oauth_consents",
                                          "auth.oauth_grants",        "auth.oauth_refresh_tokens",
                                          "auth.oauth_requests",      "auth.passkeys",
                                          "auth.recovery_codes",      "auth.sessions",
                                          "auth.throttles",           "auth.totp_secrets",
                                          "payments.quotes"};

TEST(DatabaseGrants, NoRuntimeRoleDeletesOrDefines) {
  for (const std::string service : kServices) {
    std::vector<std::string> statements = {
        absl::StrCat("CREATE TABLE ", service, ".intruder (id int)"),
        "CREATE TABLE public.intruder (id int)"};
    for (const std::string& table : Tables(service))
      for (const std::string before : {"DELETE FROM ", "TRUNCATE ", "DROP TABLE "})
        if (before != "DELETE FROM " || !kForgotten.contains(table))
          statements.push_back(absl::StrCat(before, table));
    ExpectDenied(service, statements);
  }
}

TEST(DatabaseGrants, NoRoleReadsAnotherSchema) {
  for (const std::string owner : kServices) {
    std::vector<std::string> statements;
    for (const std::string& table : Tables(owner))
      statements.push_back(absl::StrCat("SELECT count(*) FROM ", table));
    ASSERT_FALSE(statements.empty()) << owner;
    for (const std::string reader : kServices) {
      if (reader == owner) continue;
      ExpectDenied(reader, statements);
      ExpectDenied(absl::StrCat(reader, "_owner"), statements);
    }
  }
}

}  // namespace
}  // namespace florin::e2e
