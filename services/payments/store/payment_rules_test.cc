// What PostgreSQL holds a payment's row to, whatever the program does: each rule of
// hold_rules_of_payment() (migrations/0017_payment_rules.sql) refuses a row that breaks it.
#include <map>
#include <regex>
#include <set>
#include <string>

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

// Columns and what they are set to, in SQL.
using Row = std::map<std::string, std::string>;

Row With(Row row, const Row& changes) {
  for (const auto& [column, value] : changes) row[column] = value;
  return row;
}

// A transfer that has succeeded, with the differences that `changes` makes.
Row RowWith(const Row& changes) {
  const Row row = {{"user_id", "gen_random_uuid()"},
                   {"payment_id", "gen_random_uuid()"},
                   {"kind", "'transfer'"},
                   {"idempotency_key", "gen_random_uuid()::text"},
                   {"fingerprint", "sha256('x')"},
                   {"state", "'succeeded'"},
                   {"source_account_id", "gen_random_uuid()"},
                   {"destination_account_id", "gen_random_uuid()"},
                   {"currency", "'EUR'"},
                   {"amount_minor", "1000"},
                   {"reference", "''"},
                   {"transaction_id", "gen_random_uuid()"},
                   {"create_time", "now()"},
                   {"update_time", "now()"},
                   {"next_attempt_time", "now()"}};
  return With(row, changes);
}

const Row kAuthorized = {{"state", "'requires_capture'"},
                         {"authorization_timeout_seconds", "60"},
                         {"authorization_expire_time", "now()"}};
const Row kApproved = {{"approval_id", "gen_random_uuid()"},
                       {"payee_name", "'Ben'"},
                       {"approval_nonce", "sha256('n')"},
                       {"approval_expire_time", "now()"},
                       {"approved_binding", "sha256('b')"}};

void Insert(pqxx::work& work, const Row& row) {
  const auto name = [](std::string* out, const auto& column) { out->append(column.first); };
  const auto value = [](std::string* out, const auto& column) { out->append(column.second); };
  work.exec(absl::StrCat("INSERT INTO payments.payments (", absl::StrJoin(row, ", ", name),
                         ") VALUES (", absl::StrJoin(row, ", ", value), ")"));
}

class PaymentRulesTest : public ::testing::Test {
 protected:
  // The rule that refuses the row, "" if none does. Keeps nothing.
  std::string RuleThatRefuses(const Row& changes) {
    pqxx::work work(connection_);
    try {
      Insert(work, RowWith(changes));
      return "";
    } catch (const pqxx::check_violation& error) {
      const std::string message = error.what();
      std::smatch found;
      return std::regex_search(message, found, std::regex("rule \"(\\w+)\"")) ? found[1].str()
                                                                              : message;
    }
  }

  std::set<std::string> Rules() {
    pqxx::work work(connection_);
    const std::string text =
        work.exec("SELECT prosrc FROM pg_proc WHERE proname = 'hold_rules_of_payment'")[0][0]
            .c_str();
    static const std::regex kRule("THEN '(\\w+)'");
    std::set<std::string> rules;
    for (std::sregex_iterator at(text.begin(), text.end(), kRule), end; at != end; ++at) {
      rules.insert((*at)[1].str());
    }
    return rules;
  }

 private:
  pqxx::connection connection_{Server().conninfo("postgres")};
};

TEST_F(PaymentRulesTest, TakeWhatIsSound) {
  for (const Row& row :
       {Row{}, kAuthorized, kApproved, Row{{"kind", "'deposit'"}, {"source_account_id", "NULL"}},
        Row{{"state", "'failed'"},
            {"failure_reason", "'x'"},
            {"limit_refusal", "'x'"},
            {"limit_uses", "'y'"}},
        Row{{"refunded_minor", "400"}, {"disputed_minor", "600"}},
        With(kAuthorized,
             {{"captured_minor", "400"}, {"capturing_minor", "600"}, {"refunded_minor", "400"}}),
        Row{{"kind", "'payout'"}, {"state", "'returned'"}, {"failure_reason", "'x'"}},
        Row{{"source_book", "'main'"}, {"target_book", "'other'"}}}) {
    EXPECT_EQ(RuleThatRefuses(row), "");
  }
}

TEST_F(PaymentRulesTest, RefuseWhatBreaksOne) {
  const Row between = {{"source_book", "'main'"}, {"target_book", "'other'"}};
  const std::multimap<std::string, Row> broken = {
      {"kind", {{"kind", "'gift'"}}},
      {"state", {{"state", "'lost'"}}},
      {"returned_payout", {{"state", "'returned'"}, {"failure_reason", "'x'"}}},
      {"failure_reason", {{"state", "'failed'"}}},
      {"failure_reason", {{"failure_reason", "'x'"}}},
      {"fingerprint", {{"fingerprint", "'short'"}}},
      {"amount", {{"amount_minor", "0"}}},
      {"currency", {{"currency", "'EURO'"}}},
      {"source", {{"source_account_id", "NULL"}}},
      {"source", {{"kind", "'deposit'"}}},
      {"destination",
       {{"source_account_id", "'00000000-0000-0000-0000-000000000001'"},
        {"destination_account_id", "'00000000-0000-0000-0000-000000000001'"}}},
      {"pricing", {{"pricing", "''"}}},
      {"request_id", {{"request_id", "''"}}},
      {"trace_id", {{"trace_id", "'f00'"}}},
      {"approval_is_whole", {{"approval_id", "gen_random_uuid()"}}},
      {"approval_nonce", With(kApproved, {{"approval_nonce", "'n'"}})},
      {"approved_binding", With(kApproved, {{"approved_binding", "'b'"}})},
      {"executed_as_approved", With(kApproved, {{"approved_binding", "NULL"}})},
      {"executed_as_approved", {{"approved_binding", "sha256('b')"}}},
      {"executed_as_approved", {{"state", "'requires_action'"}}},
      {"executed_as_approved", With(kApproved, {{"state", "'requires_action'"}})},
      {"executed_as_approved",
       {{"kind", "'payout'"},
        {"state", "'canceled'"},
        {"failure_reason", "'x'"},
        {"approved_binding", "sha256('b')"}}},
      {"limit_uses", {{"limit_uses", "''"}}},
      {"limit_refusal", {{"limit_refusal", "''"}}},
      {"refused_by_limits", {{"limit_refusal", "'x'"}}},
      {"used_or_refused",
       {{"state", "'processing'"}, {"limit_uses", "'x'"}, {"limit_refusal", "'x'"}}},
      {"authorization_timeout", With(kAuthorized, {{"authorization_timeout_seconds", "0"}})},
      {"authorization_timeout", With(kAuthorized, {{"kind", "'payout'"}})},
      {"authorization_expire_time", {{"authorization_expire_time", "now()"}}},
      {"authorized_until", With(kAuthorized, {{"authorization_expire_time", "NULL"}})},
      {"captures_fit", With(kAuthorized, {{"captured_minor", "1001"}})},
      {"captures_fit", With(kAuthorized, {{"captured_minor", "-1"}})},
      {"captures_fit", With(kAuthorized, {{"capturing_minor", "-1"}})},
      {"captures_fit", With(kAuthorized, {{"captured_minor", "400"}, {"capturing_minor", "601"}})},
      {"refunds_are_positive", {{"refunded_minor", "-1"}}},
      {"refunds_are_positive", {{"disputed_minor", "-1"}}},
      {"refunds_are_positive", {{"upheld_minor", "-1"}}},
      {"refunds_fit", {{"refunded_minor", "1001"}}},
      {"refunds_fit", {{"refunded_minor", "400"}, {"disputed_minor", "601"}}},
      {"refunds_fit", {{"state", "'processing'"}, {"refunded_minor", "1"}}},
      {"refunds_fit", {{"kind", "'payout'"}, {"refunded_minor", "1"}}},
      {"refunds_fit", With(kAuthorized, {{"captured_minor", "400"}, {"refunded_minor", "401"}})},
      {"returns_are_positive", {{"returned_minor", "-1"}}},
      {"returns_are_positive", {{"returned_spread_minor", "-1"}}},
      {"returns_are_positive", {{"returned_rounding_minor", "-1"}}},
      {"source_book", {{"source_book", "'Main'"}, {"target_book", "'main'"}}},
      {"target_book", {{"source_book", "'main'"}, {"target_book", "'Main'"}}},
      {"books", {{"source_book", "'main'"}}},
      {"between_books", With(between, {{"kind", "'payout'"}})},
      {"between_books", With(between, kAuthorized)},
      {"between_books", With(between, {{"refunded_minor", "1"}})},
      {"between_books", With(between, {{"disputed_minor", "1"}})}};
  std::set<std::string> tried;
  for (const auto& [rule, changes] : broken) {
    EXPECT_EQ(RuleThatRefuses(changes), rule);
    tried.insert(rule);
  }
  EXPECT_EQ(tried, Rules());
}

// An update is held to them, too.
TEST_F(PaymentRulesTest, HoldForChanges) {
  pqxx::connection connection(Server().conninfo("postgres"));
  pqxx::work work(connection);
  Insert(work, RowWith({}));
  EXPECT_THROW(work.exec("UPDATE payments.payments SET refunded_minor = 1001"),
               pqxx::check_violation);
}

}  // namespace
}  // namespace florin::payments
