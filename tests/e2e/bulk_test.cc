// Bulks of payments through HTTPS.
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

// A company with 1000.00 EUR and two employees.
class BulkTest : public ::testing::Test {
 protected:
  BulkTest() { company_.Deposit(source_, 100'000); }

  Answer Create(const std::string& mode, const Sent& sent = {}) {
    return company_.Post("/v1/bulks",
                         boost::json::object{{"source_account_id", source_}, {"mode", mode}}, sent);
  }
  static std::string Path(const Answer& bulk) {
    return absl::StrCat("/v1/bulks/", bulk.Text("bulk_id"));
  }
  static boost::json::object Item(const std::string& id, const std::string& destination,
                                  std::int64_t minor_units) {
    return {{"item_id", id},
            {"destination_account_id", destination},
            {"minor_units", absl::StrCat(minor_units)},
            {"reference", absl::StrCat("Salary ", id)}};
  }
  Answer Add(const Answer& bulk, const std::vector<boost::json::object>& items) {
    boost::json::array all;
    for (const boost::json::object& item : items) all.push_back(item);
    return company_.Post(Path(bulk) + "/items", boost::json::object{{"items", all}});
  }
  // `count` items of 1 each, in chunks.
  void AddMany(const Answer& bulk, int count) {
    for (int at = 0; at < count; at += 250) {
      std::vector<boost::json::object> items;
      for (int i = at; i < std::min(at + 250, count); ++i) {
        items.push_back(Item(absl::StrCat("n", i), i % 2 == 0 ? first_ : second_, 1));
      }
      EXPECT_EQ(Outcome(Add(bulk, items)), "200");
    }
  }
  Answer Submit(const Answer& bulk) { return company_.Post(Path(bulk) + ":submit", "{}"); }
  // Once it is over: "COMPLETED 2 SUCCEEDED 300, 1 FAILED 5".
  std::string After(const Answer& bulk) {
    Answer now;
    for (int i = 0; i < 600; ++i) {
      now = company_.Get(Path(bulk));
      if (now.Text("state") != "PROCESSING") break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::string text = now.Text("state");
    const char* separator = " ";
    if (now.body.contains("progress")) {
      for (const auto& value : now.body.at("progress").as_array()) {
        const boost::json::object& part = value.as_object();
        absl::StrAppend(&text, separator, part.at("items").as_int64(), " ",
                        std::string(part.at("state").as_string()), " ",
                        std::string(part.at("amount").as_object().at("minor_units").as_string()));
        separator = ", ";
      }
    }
    return text;
  }
  // "b insufficient_funds, "
  std::string Failed(const Answer& bulk) {
    const Answer answer = company_.Get(Path(bulk) + "/items?state=FAILED&page_size=100");
    EXPECT_EQ(Outcome(answer), "200") << answer;
    std::string text;
    for (const auto& value : answer.body.at("items").as_array()) {
      const boost::json::object& item = value.as_object();
      absl::StrAppend(&text, std::string(item.at("item_id").as_string()), " ",
                      std::string(item.at("failure_reason").as_string()), ", ");
    }
    return text;
  }

  ApiUser company_{SharedStack()};
  ApiUser employee_{SharedStack()};
  const std::string source_ = company_.OpenAccount("EUR");
  const std::string first_ = employee_.OpenAccount("EUR");
  const std::string second_ = employee_.OpenAccount("EUR");
};

TEST_F(BulkTest, BestEffortPaysWhatItCan) {
  const Answer bulk = Create("BEST_EFFORT");
  ASSERT_EQ(Outcome(bulk), "200") << bulk;
  EXPECT_EQ(bulk.Text("state"), "DRAFT");
  const std::string dollars = employee_.OpenAccount("USD");
  const std::string nobodys = FormatId(IdKind::kAccount, SystemIds().NewId());
  const Answer added =
      Add(bulk, {Item("a", first_, 100), Item("b", second_, 200'000), Item("c", nobodys, 1),
                 Item("d", dollars, 1), Item("e", second_, 50)});
  ASSERT_EQ(Outcome(added), "200") << added;
  EXPECT_EQ(added.Text("amount.minor_units"), "200152");
  EXPECT_EQ(Outcome(Submit(bulk)), "200");
  EXPECT_EQ(After(bulk), "COMPLETED 2 SUCCEEDED 150, 3 FAILED 200002");
  EXPECT_EQ(Failed(bulk), "b insufficient_funds, c account_not_found, d currency_mismatch, ");
  EXPECT_EQ(company_.Balance(source_), 99'850);
  EXPECT_EQ(employee_.Balance(first_), 100);
  const Answer items = company_.Get(Path(bulk) + "/items?page_size=1");
  const auto& item = items.body.at("items").as_array().at(0).as_object();
  const Answer payment =
      company_.Get(absl::StrCat("/v1/payments/", std::string(item.at("payment_id").as_string())));
  EXPECT_EQ(payment.Text("state"), "SUCCEEDED") << payment;
  EXPECT_EQ(payment.Text("reference"), "Salary a");
  const Answer rest = company_.Get(
      absl::StrCat(Path(bulk), "/items?page_size=100&page_token=", items.Text("next_page_token")));
  EXPECT_EQ(rest.body.at("items").as_array().size(), 4);
}

TEST_F(BulkTest, AllArePaid) {
  const Answer bulk = Create("ALL_OR_NOTHING");
  AddMany(bulk, 600);
  Submit(bulk);
  EXPECT_EQ(After(bulk), "COMPLETED 600 SUCCEEDED 600");
  EXPECT_EQ(company_.Balance(source_), 99'400);
  EXPECT_EQ(employee_.Balance(first_), 300);
  EXPECT_EQ(employee_.Balance(second_), 300);
  // Each is a payment like any other, with its proof in the ledger's log.
  const Answer payments = company_.Get("/v1/payments?page_size=1");
  const auto& payment = payments.body.at("payments").as_array().at(0).as_object();
  EXPECT_EQ(payment.at("state"), "SUCCEEDED");
  EXPECT_EQ(company_.Balance(source_), 99'400);
}

TEST_F(BulkTest, NothingIsPaidIfOneItemIsRefused) {
  const Answer bulk = Create("ALL_OR_NOTHING");
  AddMany(bulk, 450);
  ASSERT_EQ(Outcome(Add(bulk, {Item("last", first_, 99'551)})), "200");
  Submit(bulk);
  EXPECT_EQ(After(bulk), "FAILED 451 FAILED 100001");
  const Answer account = company_.Get(absl::StrCat("/v1/accounts/", source_));
  EXPECT_EQ(account.Text("balance.available.minor_units"), "100000") << account;
  EXPECT_EQ(employee_.Balance(first_), 0);
  const Answer items = company_.Get(Path(bulk) + "/items?state=FAILED&page_size=1");
  const auto& item = items.body.at("items").as_array().at(0).as_object();
  EXPECT_EQ(item.at("failure_reason"), "bulk_item_failed");
  EXPECT_TRUE(company_.Get("/v1/payments").body.at("payments").as_array().size() == 1);
}

TEST_F(BulkTest, AKilledServiceGoesOnWhereItWas) {
  for (const char* mode : {"BEST_EFFORT", "ALL_OR_NOTHING"}) {
    const std::int64_t before = company_.Balance(source_);
    const Answer bulk = Create(mode);
    AddMany(bulk, 1500);
    Submit(bulk);
    SharedStack().Kill("payments");
    SharedStack().Restart("payments");
    EXPECT_EQ(After(bulk), "COMPLETED 1500 SUCCEEDED 1500") << mode;
    EXPECT_EQ(company_.Balance(source_), before - 1500);
  }
  EXPECT_EQ(SharedStack().Query(
                "SELECT count(*), count(DISTINCT payment_id) FROM payments.payments WHERE "
                "idempotency_key LIKE 'item %' AND reference LIKE 'Salary n%' AND state <> "
                "'succeeded'"),
            "0|0");
}

TEST_F(BulkTest, ChunksMayBeRepeatedButNotChanged) {
  const Answer bulk = Create("BEST_EFFORT");
  EXPECT_EQ(Add(bulk, {Item("a", first_, 1)}).body.at("items").as_int64(), 1);
  EXPECT_EQ(Add(bulk, {Item("a", first_, 1), Item("b", first_, 2)}).body.at("items").as_int64(), 2);
  const Answer changed = Add(bulk, {Item("c", first_, 1), Item("a", first_, 2)});
  EXPECT_EQ(Outcome(changed), "409 id_conflict");
  EXPECT_EQ(changed.Text("param"), "items[1].minor_units");
  EXPECT_EQ(company_.Get(Path(bulk)).body.at("items").as_int64(), 2);
  Submit(bulk);
  EXPECT_EQ(Outcome(Submit(bulk)), "200");
  EXPECT_EQ(Outcome(Add(bulk, {Item("a", first_, 1)})), "200");
  EXPECT_EQ(Outcome(Add(bulk, {Item("d", first_, 1)})), "409 bulk_closed");
  EXPECT_EQ(Outcome(company_.Post(Path(bulk) + ":cancel", "{}")), "409 bulk_closed");
  EXPECT_EQ(After(bulk), "COMPLETED 2 SUCCEEDED 3");
}

TEST_F(BulkTest, IsCanceledBeforeItIsSubmitted) {
  const Answer bulk = Create("ALL_OR_NOTHING");
  Add(bulk, {Item("a", first_, 1)});
  EXPECT_EQ(company_.Post(Path(bulk) + ":cancel", "{}").Text("state"), "CANCELED");
  EXPECT_EQ(company_.Post(Path(bulk) + ":cancel", "{}").Text("state"), "CANCELED");
  EXPECT_EQ(Outcome(Submit(bulk)), "409 bulk_closed");
  EXPECT_EQ(Outcome(Add(bulk, {Item("b", first_, 1)})), "409 bulk_closed");
}

TEST_F(BulkTest, IsItsUsersOnly) {
  const Answer bulk = Create("BEST_EFFORT");
  Add(bulk, {Item("a", first_, 1)});
  const std::string body =
      boost::json::serialize(boost::json::object{{"items", {Item("b", first_, 1)}}});
  const std::string nobodys =
      absl::StrCat("/v1/bulks/", FormatId(IdKind::kBulk, SystemIds().NewId()));
  for (const std::string& path : {Path(bulk), nobodys}) {
    EXPECT_EQ(Outcome(employee_.Get(path)), "404 bulk_not_found");
    EXPECT_EQ(Outcome(employee_.Get(path + "/items")), "404 bulk_not_found");
    EXPECT_EQ(Outcome(employee_.Post(path + "/items", body)), "404 bulk_not_found");
    EXPECT_EQ(Outcome(employee_.Post(path + ":submit", "{}")), "404 bulk_not_found");
    EXPECT_EQ(Outcome(employee_.Post(path + ":cancel", "{}")), "404 bulk_not_found");
  }
}

TEST_F(BulkTest, EachBadInputIsNamed) {
  const Sent sent;
  EXPECT_EQ(Outcome(Create("BEST_EFFORT", sent)), "200");
  EXPECT_TRUE(Create("BEST_EFFORT", sent).replayed());
  EXPECT_EQ(Outcome(Create("ALL_OR_NOTHING", sent)), "409 idempotency_key_reused");
  EXPECT_EQ(Outcome(Create("BEST_EFFORT", {.key = ""})), "400 idempotency_key_missing");
  EXPECT_EQ(Outcome(Create("MODE_UNSPECIFIED")), "400 invalid_field");
  EXPECT_EQ(Outcome(company_.Post("/v1/bulks", boost::json::object{{"source_account_id", first_},
                                                                   {"mode", "BEST_EFFORT"}})),
            "404 account_not_found");
  const Answer bulk = Create("BEST_EFFORT");
  EXPECT_EQ(Outcome(Submit(bulk)), "400 invalid_field");
  EXPECT_EQ(Outcome(Add(bulk, {})), "400 invalid_field");
  const auto outcome = [&](const boost::json::object& item) {
    const Answer answer = Add(bulk, {Item("good", first_, 1), item});
    return absl::StrCat(Outcome(answer), " ", answer.Text("param"));
  };
  EXPECT_EQ(outcome(Item("", first_, 1)), "400 invalid_field items[1].item_id");
  EXPECT_EQ(outcome(Item("a b", first_, 1)), "400 invalid_field items[1].item_id");
  EXPECT_EQ(outcome(Item("a", first_, 0)), "400 invalid_amount items[1].minor_units");
  EXPECT_EQ(outcome(Item("a", first_, -5)), "400 invalid_amount items[1].minor_units");
  EXPECT_EQ(outcome(Item("a", source_, 1)), "400 same_account items[1].destination_account_id");
  EXPECT_EQ(outcome(Item("a", "acc_1", 1)), "400 invalid_id items[1].destination_account_id");
  EXPECT_EQ(outcome(Item(std::string(64, 'x'), first_, 1)), "200 ");
  boost::json::object item = Item("a", first_, 1);
  item["reference"] = boost::json::string(std::string(141, 'x'));
  EXPECT_EQ(outcome(item), "400 invalid_reference items[1].reference");
  EXPECT_EQ(Outcome(company_.Get(Path(bulk) + "/items?page_size=101")), "400 invalid_page_size");
  EXPECT_EQ(Outcome(company_.Get("/v1/bulks/blk_1")), "400 invalid_id");
}

}  // namespace
}  // namespace florin::e2e
