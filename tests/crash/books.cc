#include "tests/crash/books.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {

void ExpectBalancedBooks() {
  EXPECT_EQ(
      SharedStack().Query(
          "SELECT book, currency, sum(debit_minor), sum(credit_minor) FROM ledger.entries "
          "JOIN ledger.accounts USING (book, account_id) GROUP BY book, currency "
          "HAVING sum(debit_minor) <> sum(credit_minor) "
          "OR coalesce(sum(debit_pending_minor), 0) <> coalesce(sum(credit_pending_minor), 0)"),
      "");
  EXPECT_EQ(
      SharedStack().Query(
          "SELECT account_id, sequence FROM (SELECT account_id, sequence, version, "
          "  debits_posted_after, credits_posted_after, sum(debit_minor) OVER w AS debits, "
          "  sum(credit_minor) OVER w AS credits, count(*) OVER w AS entries FROM ledger.entries "
          "  WINDOW w AS (PARTITION BY book, account_id ORDER BY sequence)) AS e "
          "WHERE debits_posted_after <> debits OR credits_posted_after <> credits "
          "OR version <> entries"),
      "");
  EXPECT_EQ(
      SharedStack().Query("SELECT account_id, sequence FROM ledger.entries "
                          "JOIN ledger.accounts USING (book, account_id) "
                          "WHERE debits_must_not_exceed_credits "
                          "AND debits_posted_after > credits_posted_after + credit_line_minor"),
      "");
}

void ExpectVerified() {
  const char* build = std::getenv("FLORIN_BINARY_DIR");
  const Stack& stack = SharedStack();
  const CommandResult result = Run(
      {absl::StrCat(build == nullptr ? "build/release" : build, "/bin/florin-verify"),
       "--key=" + stack.Variable("FLORIN_LOG_KEY"), "--ledger=" + stack.Variable("FLORIN_LEDGER"),
       "--certificates=" + stack.Variable("FLORIN_CERTS"), "--book=main"});
  EXPECT_EQ(result.status, 0) << result.output;
  std::cout << result.output << std::endl;
}

}  // namespace florin::e2e
