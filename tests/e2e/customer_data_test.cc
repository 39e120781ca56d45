// What Florin keeps of a person, seen from outside: everything is exported, everything is erased,
// and the proofs of money and of decisions hold all the same.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "libs/status/matchers.h"
#include "tests/e2e/api_user.h"
#include "tests/e2e/operator.h"
#include "tests/e2e/stack.h"

namespace florin::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Distinctive, so that finding one says where it came from.
struct Planted {
  std::string name = "Plantedia Quuxworthy";
  std::string account = "Quuxworthy's rainy days";
  std::string given = "Plantedia";
  std::string family = "Quuxworthy";
  std::string street = "77 Zyzzyva Crescent";
  std::string city = "Quuxbridge";
  std::string email = "plantedia.quuxworthy@zyzzyva.example";
  std::string phone = "+353879998877";
  std::string birth_date = "1987-06-05";

  std::vector<std::string> all() const {
    return {name, account, given, family, street, city, email, phone, birth_date};
  }
};

class Customer {
 public:
  explicit Customer(const Planted& planted) : planted_(planted) {
    const boost::json::object body = {{"display_name", planted.name}};
    const Answer made = user_.Post("/v1/customers", body);
    EXPECT_EQ(Outcome(made), "200") << made;
    id_ = made.Text("customer_id");
  }

  ApiUser& user() { return user_; }
  const std::string& id() const { return id_; }
  std::string Path(const std::string& rest) const {
    return absl::StrCat("/v1/customers/", id_, rest);
  }

  Answer SetProfile() {
    const boost::json::object address = {
        {"line1", planted_.street}, {"city", planted_.city}, {"country", "IE"}};
    const boost::json::object profile = {
        {"kind", "PERSON"},
        {"given_name", planted_.given},
        {"family_name", planted_.family},
        {"birth_date", planted_.birth_date},
        {"nationality", "IE"},
        {"address", address},
        {"email", planted_.email},
        {"phone", planted_.phone},
    };
    return user_.Patch(Path("/profile"), boost::json::object{{"profile", profile}});
  }
  std::string OpenAccount() {
    const Answer opened =
        user_.Post("/v1/accounts", boost::json::object{{"customer_id", id_},
                                                       {"currency", "EUR"},
                                                       {"display_name", planted_.account}});
    EXPECT_EQ(Outcome(opened), "200") << opened;
    return opened.Text("account_id");
  }
  // Waits for the verifier's result, which comes by a worker.
  std::string Verify() {
    const Answer asked = user_.Post(Path("/verifications"), boost::json::object{{"level", "FULL"}});
    EXPECT_EQ(Outcome(asked), "200") << asked;
    const std::string path = Path("/verifications/" + asked.Text("verification_id"));
    std::string state = asked.Text("state");
    for (int i = 0; i < 300 && state == "PENDING"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      state = user_.Get(path).Text("state");
    }
    return state;
  }

 private:
  Planted planted_;
  ApiUser user_{SharedStack()};
  std::string id_;
};

std::string ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Everything of a schema as SQL, in the form that pg_dump has for backups.
std::string Dump(const std::string& schema) {
  const std::string location = ReadWhole(SharedStack().home() + "/postgres/location");
  std::vector<std::string> lines = absl::StrSplit(location, '\n', absl::SkipEmpty());
  EXPECT_GE(lines.size(), 1u);
  const CommandResult dump = Run({"/usr/lib/postgresql/15/bin/pg_dump", "-h", lines.back(), "-U",
                                  "postgres", "-d", "florin", "--data-only", "-n", schema});
  EXPECT_EQ(dump.status, 0) << dump.output;
  return dump.output;
}

void ExpectNothingOf(const Planted& planted, const std::string& text, const std::string& where) {
  ASSERT_GT(text.size(), 100u) << where;
  for (const std::string& value : planted.all()) {
    for (const std::string& form :
         {value, absl::BytesToHexString(value), absl::Base64Escape(value)}) {
      EXPECT_EQ(text.find(form), std::string::npos) << value << " is in " << where;
    }
  }
}

CommandResult VerifyLedger() {
  const Stack& stack = SharedStack();
  return Run({absl::StrCat(std::getenv("FLORIN_BINARY_DIR"), "/bin/florin-verify"),
              "--key=" + stack.Variable("FLORIN_LOG_KEY"),
              "--ledger=" + stack.Variable("FLORIN_LEDGER"),
              "--certificates=" + stack.Variable("FLORIN_CERTS"), "--book=main"});
}

CommandResult VerifyAudit(const std::string& service, const std::string& variable) {
  const Stack& stack = SharedStack();
  return Run({absl::StrCat(std::getenv("FLORIN_BINARY_DIR"), "/bin/florin-audit-verify"),
              absl::StrCat("--key=", stack.Variable("FLORIN_AUDIT_KEYS"), "/", service, ".pub.pem"),
              "--service=" + service, "--target=" + stack.Variable(variable),
              "--certificates=" + stack.Variable("FLORIN_CERTS")});
}

TEST(CustomerData, IsExportedWholeAndErasedWithoutATraceOfThePerson) {
  const Planted planted;
  Customer customer(planted);
  ApiUser& user = customer.user();
  ASSERT_EQ(Outcome(customer.SetProfile()), "200");
  EXPECT_EQ(customer.Verify(), "APPROVED");
  const std::string a = customer.OpenAccount();
  ApiUser shop(SharedStack());
  const std::string till = shop.OpenAccount("EUR");
  user.Deposit(a, 1000);
  EXPECT_EQ(Outcome(user.Pay(a, till, 400)), "200");

  const Answer all = user.Get(customer.Path(":export"));
  ASSERT_EQ(Outcome(all), "200") << all;
  const std::string text = boost::json::serialize(all.body);
  for (const std::string& value : planted.all()) EXPECT_THAT(text, HasSubstr(value));
  EXPECT_THAT(text, HasSubstr(a));
  EXPECT_EQ(all.Text("user_id"), user.user_id());
  EXPECT_EQ(all.Text("customer.kyc_level"), "FULL");
  EXPECT_EQ(all.body.at("verifications").as_array().size(), 1u);

  // In use, the schema has nothing readable either, but where they live.
  ExpectNothingOf(planted, Dump("accounts"), "the schema accounts before the erasure");
  const std::string country =
      absl::StrCat("SELECT coalesce(country, 'none') FROM accounts.customers WHERE customer_id = '",
                   ParseId(IdKind::kCustomer, customer.id(), "id").value().ToString(), "'");
  EXPECT_EQ(SharedStack().Query(country), "IE");

  const Answer kept = user.Post(customer.Path(":erase"), boost::json::object());
  EXPECT_EQ(Outcome(kept), "409 customer_has_accounts") << kept;
  EXPECT_EQ(Outcome(user.Pay(a, till, 600)), "200");
  const Answer erased = user.Post(customer.Path(":erase"), boost::json::object());
  ASSERT_EQ(Outcome(erased), "200") << erased;
  EXPECT_EQ(erased.Text("state"), "ERASED");
  EXPECT_EQ(SharedStack().Query(country), "none");
  EXPECT_EQ(Outcome(user.Post(customer.Path(":erase"), boost::json::object())), "200");

  for (const char* rest : {"", "/profile", ":export"}) {
    EXPECT_EQ(Outcome(user.Get(customer.Path(rest))), "410 customer_erased") << rest;
  }
  EXPECT_EQ(Outcome(customer.SetProfile()), "410 customer_erased");
  EXPECT_EQ(Outcome(user.Get("/v1/accounts/" + a)), "404 account_not_found");
  // Money does not come any more, whoever remembers the account.
  EXPECT_EQ(Outcome(shop.Pay(till, a, 100)), "422 account_closed");

  ExpectNothingOf(planted, Dump("accounts"), "the schema accounts");
  ExpectNothingOf(planted, Dump("ledger"), "the schema ledger");
  // No payer approved anything here, so payments and auth have no name of a payee. Where they have
  // (docs/customers.md), nothing erases it yet; and the login's e-mail address is the user's, not
  // the customer's.
  ExpectNothingOf(planted, Dump("payments"), "the schema payments");
  ExpectNothingOf(planted, Dump("auth"), "the schema auth");
  for (const auto& file : std::filesystem::directory_iterator(SharedStack().home() + "/log")) {
    if (file.path().filename() == "setup.log") continue;
    ExpectNothingOf(planted, ReadWhole(file.path()), file.path().filename().string());
  }

  const CommandResult ledger = VerifyLedger();
  EXPECT_EQ(ledger.status, 0) << ledger.output;
  for (const auto& [service, variable] :
       {std::pair{"accounts", "FLORIN_ACCOUNTS"}, std::pair{"payments", "FLORIN_PAYMENTS"}}) {
    const CommandResult audit = VerifyAudit(service, variable);
    EXPECT_EQ(audit.status, 0) << audit.output;
  }
}

// As docs/customers.md says it: a new key in front, a restart, and then the old one can go.
TEST(CustomerData, TheKeyAboveTheCustomersKeysRotates) {
  const Planted planted;
  Customer customer(planted);
  ASSERT_EQ(Outcome(customer.SetProfile()), "200");
  const std::string path = SharedStack().home() + "/accounts-secrets/data.keys";
  const std::string others =
      "SELECT count(*) FROM accounts.customers WHERE data_key_id <> 'rotated'";
  EXPECT_NE(SharedStack().Query(others), "0");
  const std::string added =
      absl::StrCat("rotated ", absl::WebSafeBase64Escape(std::string(32, 'r')), "\n");
  const std::string both = added + ReadWhole(path);
  std::ofstream(path) << both;
  SharedStack().Restart("accounts");
  for (int i = 0; i < 300 && SharedStack().Query(others) != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ASSERT_EQ(SharedStack().Query(others), "0");
  std::ofstream(path) << added;
  SharedStack().Restart("accounts");
  const Answer read = customer.user().Get(customer.Path("/profile"));
  ASSERT_EQ(Outcome(read), "200") << read;
  EXPECT_EQ(read.Text("profile.family_name"), planted.family);
}

// What a crash would have left in the tables, and what the program before this one has.
TEST(CustomerData, WorkersFinishWhatWasLeft) {
  const Planted planted;
  Customer leaving(planted);
  Customer old(planted);
  const std::string account = leaving.OpenAccount();
  const auto row = [](const std::string& id) {
    return absl::StrCat(" WHERE customer_id = '",
                        ParseId(IdKind::kCustomer, id, "id").value().ToString(), "'");
  };
  SharedStack().Query(
      absl::StrCat("UPDATE accounts.customers SET leaving_to = 'erased', leaving_attempt = 1, "
                   "next_attempt_time = now()",
                   row(leaving.id()), " RETURNING 1"));
  SharedStack().Query(absl::StrCat(
      "UPDATE accounts.customers SET display_name = 'Plain Oldname', display_name_sealed = NULL, "
      "data_key = NULL, data_key_id = NULL",
      row(old.id()), " RETURNING 1"));
  const std::string plain =
      absl::StrCat("SELECT count(display_name) FROM accounts.customers", row(old.id()));
  const auto done = [&] {
    return Outcome(leaving.user().Get(leaving.Path(""))) == "410 customer_erased" &&
           SharedStack().Query(plain) == "0";
  };
  for (int i = 0; i < 300 && !done(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(done());
  EXPECT_EQ(Outcome(leaving.user().Get("/v1/accounts/" + account)), "404 account_not_found");
  EXPECT_EQ(old.user().Get(old.Path("")).Text("display_name"), "Plain Oldname");
}

TEST(CustomerData, OfAnotherUserDoesNotExist) {
  Customer customer{Planted()};
  ApiUser other(SharedStack());
  for (const char* rest : {"/profile", ":export"}) {
    EXPECT_EQ(Outcome(other.Get(customer.Path(rest))), "404 customer_not_found") << rest;
  }
  for (const char* rest : {":close", ":erase"}) {
    EXPECT_EQ(Outcome(other.Post(customer.Path(rest), boost::json::object())),
              "404 customer_not_found")
        << rest;
  }
  // An operator's business is not every user's.
  for (const char* path : {":suspend", ":reactivate"}) {
    EXPECT_EQ(Outcome(other.Post(customer.Path(path), boost::json::object())), "403 scope_missing");
  }
  EXPECT_EQ(Outcome(other.Post("/v1/customers:find", boost::json::object{{"email", "a@b.c"}})),
            "403 scope_missing");
}

TEST(CustomerData, AnOperatorFindsAndSuspendsButSeesNoData) {
  Planted planted;
  planted.email = "findme@zyzzyva.example";
  Customer customer(planted);
  ASSERT_EQ(Outcome(customer.SetProfile()), "200");
  ApiUser ann(SharedStack());
  ASSERT_THAT(AssignRole(ann.user_id(), "admin"), IsOk());
  const std::string token = TokenWith(ann, "customers:read customers:write");
  const Answer found =
      ann.Post("/v1/customers:find", boost::json::object{{"email", "FindMe@zyzzyva.example"}},
               {.token = token});
  ASSERT_EQ(Outcome(found), "200") << found;
  EXPECT_THAT(boost::json::serialize(found.body), HasSubstr(customer.id()));
  EXPECT_THAT(boost::json::serialize(found.body), Not(HasSubstr(planted.family)));
  const Sent as_operator = {.token = token};
  EXPECT_EQ(ann.Post(customer.Path(":suspend"), boost::json::object(), as_operator).Text("state"),
            "SUSPENDED");
  EXPECT_EQ(Outcome(customer.SetProfile()), "422 customer_not_active");
  EXPECT_EQ(
      ann.Post(customer.Path(":reactivate"), boost::json::object(), as_operator).Text("state"),
      "ACTIVE");
  EXPECT_EQ(Outcome(customer.SetProfile()), "200");
}

}  // namespace
}  // namespace florin::e2e
