#include "tests/crash/mixed_load.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"

namespace florin::e2e {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kTokenUse = std::chrono::minutes(5);  // Of the ten that it is good for.
constexpr std::int64_t kFunds = 3'000;  // Little enough that some payments are refused.

// That the rail pays, rejects, and notifies of three times.
const std::string kBeneficiaries[] = {"DE97500105170600000000", "DE28500105170600009002",
                                      "DE71500105170600009004"};

// Also of an access token that nobody could verify at the time.
bool IsUnknown(const Answer& answer) {
  return answer.status == 0 || answer.status == 429 || answer.status >= 500;
}

boost::json::object Amount(std::int64_t minor_units, const std::string& currency) {
  return {{"currency", currency}, {"minor_units", absl::StrCat(minor_units)}};
}

// Of what was made; of a capture or a refund that failed, the payment's.
std::string IdOf(const std::string& kind, const Answer& answer) {
  if (kind == "request") return answer.Text("payment_request_id");
  for (const char* member : {"refund_id", "capture_id", "dispute_id", "schedule_id", "bulk_id",
                             "payment_id", "payment.payment_id", "metadata.payment_id"}) {
    if (!answer.Text(member).empty()) return answer.Text(member);
  }
  return "";
}

// What became of a payment or a step; whatever else was made is there.
std::string OutcomeOf(const std::string& kind, const Answer& answer) {
  if (answer.status != 200) return answer.reason();
  static const std::set<std::string> kOrders = {"schedule", "bulk",   "request",
                                                "dispute",  "accept", "withdraw"};
  if (kOrders.contains(kind)) return "succeeded";
  const std::string state =
      absl::AsciiStrToLower(answer.Text(kind == "payout" ? "payment.state" : "state"));
  return state.empty() || state == "paid" ? "succeeded" : state;
}

}  // namespace

MixedLoad::Person::Person(const ApiUser& of, std::size_t index)
    : user(SharedStack(), of),
      index(index),
      token(of.token()),
      until(SteadyClock::now() + kTokenUse) {}

MixedLoad::MixedLoad(int clients, const LimitedPayers& limited, std::uint64_t seed)
    : limited_(limited) {
  for (int i = 0; i < clients; ++i) {
    users_.push_back(std::make_unique<ApiUser>(SharedStack()));
    euros_.push_back(users_.back()->OpenAccount("EUR"));
    pounds_.push_back(users_.back()->OpenAccount("GBP"));
  }
  for (const LimitedPayer& payer : limited.payers()) {
    users_.push_back(std::make_unique<ApiUser>(SharedStack(), *payer.user));
  }
  for (std::size_t i = 0; i < euros_.size(); ++i) {
    threads_.emplace_back([this, i, seed] { Work(i, seed + i); });
  }
  std::size_t user = euros_.size();
  for (const LimitedPayer& payer : limited.payers()) {
    for (int i = 0; i < kConnectionsOfLimited; ++i) {
      const std::uint64_t own = seed + threads_.size();
      threads_.emplace_back([this, user, &payer, own] { WorkLimited(user, payer, own); });
    }
    ++user;
  }
}

MixedLoad::~MixedLoad() { Stop(); }

void MixedLoad::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void MixedLoad::GiveUp() {
  giving_up_ = true;
  Stop();
}

void MixedLoad::AwaitTold(std::size_t more) {
  std::unique_lock lock(mutex_);
  const std::size_t goal = told_.size() + more;
  ASSERT_TRUE(
      changed_.wait_for(lock, std::chrono::minutes(2), [&] { return told_.size() >= goal; }))
      << told_.size() << " answers, not " << goal;
}

absl::Time MixedLoad::Now() const { return absl::Now() + absl::Seconds(seconds_ahead_.load()); }

absl::Time MixedLoad::ReadClock() {
  Person person(*users_[0], 0);
  person.until = {};
  Answer answer;
  for (int i = 0; i < 100 && answer.status != 200; ++i) {
    Renew(person);
    answer = person.user.Get("/v1/sandbox/clock", {.token = person.token});
    if (answer.status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, answer.Text("current_time"), &time, &error))
      << answer;
  return time;
}

// The clock never goes back, so it may be asked for again.
void MixedLoad::AdvanceClock(absl::Duration by) {
  seconds_ahead_ += absl::ToInt64Seconds(by);
  const boost::json::object body = {
      {"target_time", absl::FormatTime(absl::RFC3339_sec, Now(), absl::UTCTimeZone())}};
  Person person(*users_[0], 0);
  person.until = {};  // The first token may be over.
  Answer answer;
  for (int i = 0; i < 100 && answer.status != 200; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    answer = Send(person, "/v1/sandbox/clock:advance", body, "");
  }
  EXPECT_EQ(answer.status, 200) << answer;
}

void MixedLoad::Work(std::size_t number, std::uint64_t seed) {
  const std::size_t next = (number + 1) % euros_.size();
  Client client{.number = number,
                .random = std::mt19937_64(seed),
                .payer = Person(*users_[number], number),
                .payee = Person(*users_[next], next),
                .paid = {},
                .reference = {}};
  client.reference =
      client.payer.user.Get(absl::StrCat("/v1/accounts/", euros_[number], "/deposit-reference"))
          .Text("virtual_iban");
  for (const bool pounds : {false, true}) {
    const boost::json::object body = {
        {"destination_account_id", pounds ? pounds_[number] : euros_[number]},
        {"amount", Amount(kFunds, pounds ? "GBP" : "EUR")}};
    Ask(client, client.payer, "deposit", "/v1/deposits", body);
  }
  while (!stopping_) Step(client);
}

void MixedLoad::Step(Client& client) {
  const std::size_t next = (client.number + 1) % euros_.size();
  const auto amount = static_cast<std::int64_t>(1 + client.random() % 400);
  const std::uint64_t kind = client.random() % 16;
  if (kind < 3) {
    const auto paid =
        Ask(client, client.payer, "transfer", "/v1/payments",
            PaymentBody(euros_[client.number], euros_[next], absl::StrCat(amount), "EUR"));
    if (paid && paid->status == 200) client.paid.push_back(paid->Text("payment_id"));
  } else if (kind < 5) {
    Ask(client, client.payer, "transfer", "/v1/payments",
        PaymentBody(pounds_[client.number], pounds_[next], absl::StrCat(amount), "GBP"));
  } else if (kind < 6) {
    const boost::json::object body = {{"destination_account_id", euros_[client.number]},
                                      {"amount", Amount(amount, "EUR")}};
    Ask(client, client.payer, "deposit", "/v1/deposits", body);
  } else if (kind < 8) {
    Charge(client);
  } else if (kind < 10) {
    PayOut(client, amount);
  } else if (kind < 11) {
    Arrive(client, amount);
  } else if (kind < 14) {
    Order(client);
  } else if (!client.paid.empty()) {
    boost::json::object body = {{"reason", "returned"}};
    if (client.random() % 3 != 0) body["amount"] = Amount(1 + amount / 3, "EUR");
    Ask(client, client.payee, "refund",
        absl::StrCat("/v1/payments/", client.paid[client.random() % client.paid.size()],
                     "/refunds"),
        body);
  }
}

void MixedLoad::PayOut(Client& client, std::int64_t amount) {
  const std::string& iban = kBeneficiaries[client.random() % std::size(kBeneficiaries)];
  const boost::json::object body = {{"source_account_id", euros_[client.number]},
                                    {"amount", Amount(amount, "EUR")},
                                    {"beneficiary", {{"name", "Somebody"}, {"iban", iban}}},
                                    {"reference", "Invoice"}};
  Ask(client, client.payer, "payout", "/v1/payouts", body);
}

// The rail's id of it stands for the key.
void MixedLoad::Arrive(Client& client, std::int64_t amount) {
  const std::string id = Fresh("dep");
  const boost::json::object body = {{"deposit_id", id},
                                    {"amount", Amount(amount, "EUR")},
                                    {"account_reference", client.reference},
                                    {"reference", "Salary"},
                                    {"notifications", 1 + static_cast<int>(client.random() % 3)}};
  const auto deadline = SteadyClock::now() + std::chrono::minutes(2);
  Answer answer = Send(client.payer, "/v1/sandbox/rail:deposit", body, "");
  while (IsUnknown(answer) && SteadyClock::now() < deadline && !giving_up_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answer = Send(client.payer, "/v1/sandbox/rail:deposit", body, "");
  }
  EXPECT_EQ(answer.status, 200) << answer;
  std::lock_guard lock(mutex_);
  arrived_.emplace(id, amount);
}

void MixedLoad::Charge(Client& client) {
  const std::size_t next = (client.number + 1) % euros_.size();
  const auto amount = static_cast<std::int64_t>(10 + client.random() % 400);
  boost::json::object body =
      PaymentBody(euros_[client.number], euros_[next], absl::StrCat(amount), "EUR");
  body["capture_method"] = "MANUAL";
  const auto authorized = Ask(client, client.payer, "transfer", "/v1/payments", body);
  if (!authorized || authorized->Text("state") != "REQUIRES_CAPTURE") return;
  CaptureSome(client, authorized->Text("payment_id"));
}

void MixedLoad::CaptureSome(Client& client, const std::string& payment) {
  const std::string path = absl::StrCat("/v1/payments/", payment);
  for (std::uint64_t parts = client.random() % 4; parts > 0; --parts) {
    boost::json::object part;
    if (client.random() % 4 != 0) {
      part["amount"] = Amount(static_cast<std::int64_t>(1 + client.random() % 150), "EUR");
    }
    if (client.random() % 5 == 0) part["final"] = true;
    const auto captured = Ask(client, client.payee, "capture", path + ":capture", part);
    if (captured && captured->status == 200) client.paid.push_back(payment);
  }
  // Without a key of its own; what it did is seen at the end.
  if (client.random() % 3 == 0) Send(client.payee, path + ":cancel", {}, "");
}

void MixedLoad::Renew(Person& person) {
  if (SteadyClock::now() <= person.until) return;
  const boost::json::object credentials = {{"email", person.user.email()},
                                           {"password", person.user.password()}};
  const Answer renewed = person.user.Post("/v1/login", credentials, {.key = "", .token = ""});
  if (renewed.status != 200) return;
  person.token = renewed.Text("access_token");
  person.until = SteadyClock::now() + kTokenUse;
}

Answer MixedLoad::Send(Person& person, const std::string& path, const boost::json::object& body,
                       const std::string& key) {
  Renew(person);
  return person.user.Post(path, body, {.key = key, .token = person.token});
}

std::optional<Answer> MixedLoad::Ask(Client& client, Person& person, const std::string& kind,
                                     const std::string& path, const boost::json::object& body,
                                     const std::string& key) {
  const auto deadline = SteadyClock::now() + std::chrono::minutes(2);
  Answer answer = Send(person, path, body, key);
  // Some clients are never seen again: then only the recovery worker can end what they began.
  if (IsUnknown(answer) && client.random() % 4 == 0) {
    std::lock_guard lock(mutex_);
    abandoned_.insert(key);
    return std::nullopt;
  }
  while (IsUnknown(answer) && SteadyClock::now() < deadline && !giving_up_) {
    ++answers_lost_;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // As a polite client.
    answer = Send(person, path, body, key);
  }
  EXPECT_FALSE(IsUnknown(answer)) << answer;
  Told told{.kind = kind,
            .id = IdOf(kind, answer),
            .outcome = OutcomeOf(kind, answer),
            .user = person.index,
            .path = path,
            .body = body};
  std::lock_guard lock(mutex_);
  told_.emplace(key, std::move(told));
  changed_.notify_all();
  return answer;
}

std::optional<Answer> MixedLoad::AskSafely(Client& client, const std::string& path,
                                           const boost::json::object& body) {
  const auto deadline = SteadyClock::now() + std::chrono::minutes(2);
  Answer answer = Send(client.payer, path, body, "");
  while (IsUnknown(answer) && SteadyClock::now() < deadline && !giving_up_) {
    if (client.random() % 4 == 0) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answer = Send(client.payer, path, body, "");
  }
  return answer;
}

Answer MixedLoad::AskAgain(const std::string& key, const Told& told) {
  Person person(*users_[told.user], told.user);
  person.until = {};  // The first token is long over.
  return Send(person, told.path, told.body, key);
}

}  // namespace florin::e2e
