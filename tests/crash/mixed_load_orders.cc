// What clients order ahead, ask others for, or dispute; and what payers with limits do.
#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "tests/crash/mixed_load.h"

namespace florin::e2e {
namespace {

// Until a schedule's next occurrence. More than the clock leaps while a request is asked again, and
// less than it goes on at the end.
constexpr int kLeastMinutesAhead = 5;
constexpr int kMostMinutesAhead = 12;
// Up to each payment's own limit, and more.
constexpr std::int64_t kMostLimited = 550;

boost::json::object Euros(std::int64_t minor_units) {
  return {{"currency", "EUR"}, {"minor_units", absl::StrCat(minor_units)}};
}

}  // namespace

// What may be asked of a client's own euros, and sometimes of what was paid.
void MixedLoad::Order(Client& client) {
  const std::size_t next = (client.number + 1) % euros_.size();
  switch (client.random() % 4) {
    case 0:
      Schedule(client, euros_[client.number], euros_[next]);
      break;
    case 1:
      PayMany(client);
      break;
    case 2:
      AskForMoney(client);
      break;
    default:
      Dispute(client);
  }
}

// Daily at a minute that comes soon: some days were missed, one falls due under way, others never.
void MixedLoad::Schedule(Client& client, const std::string& source,
                         const std::string& destination) {
  constexpr const char* kCatchUps[] = {"ALL", "ALL", "LATEST_ONLY", "SKIP"};
  WantedSchedule wanted{.past = static_cast<int>(client.random() % 4),
                        .catch_up = kCatchUps[client.random() % std::size(kCatchUps)],
                        .minor_units = static_cast<std::int64_t>(1 + client.random() % 100)};
  wanted.count = wanted.past + static_cast<int>(client.random() % 3);
  wanted.count = std::max(wanted.count, 1);
  const absl::CivilMinute due =
      absl::ToCivilMinute(
          Now() + absl::Minutes(kLeastMinutesAhead +
                                client.random() % (kMostMinutesAhead - kLeastMinutesAhead)),
          absl::UTCTimeZone()) -
      wanted.past * 24 * 60;
  wanted.first = absl::FromCivil(due, absl::UTCTimeZone());
  boost::json::object body =
      PaymentBody(source, destination, absl::StrCat(wanted.minor_units), "EUR");
  body["recurrence"] = boost::json::object{
      {"frequency", "DAILY"},
      {"first_date", absl::FormatCivilTime(absl::CivilDay(due))},
      {"local_time", absl::FormatTime("%H:%M", wanted.first, absl::UTCTimeZone())},
      {"time_zone", "UTC"},
      {"count", wanted.count}};
  body["catch_up"] = wanted.catch_up;
  const std::string key = Fresh("key");
  {
    std::lock_guard lock(mutex_);
    schedules_.emplace(key, wanted);
  }
  Ask(client, client.payer, "schedule", "/v1/schedules", body, key);
}

void MixedLoad::PayMany(Client& client) {
  const bool all = client.random() % 2 == 0;
  WantedBulk wanted{.mode = all ? "all_or_nothing" : "best_effort"};
  boost::json::array items;
  for (std::uint64_t i = 0; i <= client.random() % 6; ++i) {
    // Now and then more than there is.
    const auto amount =
        static_cast<std::int64_t>(1 + client.random() % (client.random() % 8 == 0 ? 20'000 : 60));
    const std::string id = absl::StrCat("i", i);
    wanted.items.emplace(id, amount);
    items.push_back(boost::json::object{
        {"item_id", id},
        {"destination_account_id", euros_[(client.number + 1 + i) % euros_.size()]},
        {"minor_units", absl::StrCat(amount)},
        {"reference", "Salary"}});
  }
  const std::string key = Fresh("key");
  {
    std::lock_guard lock(mutex_);
    bulks_.emplace(key, wanted);
  }
  const auto made = Ask(client, client.payer, "bulk", "/v1/bulks",
                        {{"source_account_id", euros_[client.number]},
                         {"mode", all ? "ALL_OR_NOTHING" : "BEST_EFFORT"}},
                        key);
  if (!made || made->status != 200) return;
  const std::string path = absl::StrCat("/v1/bulks/", made->Text("bulk_id"));
  const auto added = AskSafely(client, path + "/items", {{"items", items}});
  if (!added || added->status != 200) return;
  const auto submitted = AskSafely(client, path + ":submit", {});
  if (!submitted || submitted->status != 200) return;
  std::lock_guard lock(mutex_);
  bulks_.at(key).submitted = true;
}

// A payee's request, which the payer pays, and perhaps again: then it is closed.
void MixedLoad::AskForMoney(Client& client) {
  const std::size_t next = (client.number + 1) % euros_.size();
  const auto made = Ask(client, client.payee, "request", "/v1/payment_requests",
                        {{"destination_account_id", euros_[next]},
                         {"amount", Euros(static_cast<std::int64_t>(1 + client.random() % 300))},
                         {"reference", "Dinner"}});
  if (!made || made->status != 200) return;
  const std::string path =
      absl::StrCat("/v1/payment_requests/", made->Text("payment_request_id"), ":pay");
  for (std::uint64_t times = 1 + client.random() % 2; times > 0; --times) {
    Ask(client, client.payer, "pay", path, {{"source_account_id", euros_[client.number]}});
  }
}

void MixedLoad::Dispute(Client& client) {
  if (client.paid.empty()) return;
  boost::json::object body = {{"reason_code", "not_received"}};
  if (client.random() % 3 != 0) {
    body["amount"] = Euros(static_cast<std::int64_t>(1 + client.random() % 200));
  }
  const auto opened = Ask(
      client, client.payer, "dispute",
      absl::StrCat("/v1/payments/", client.paid[client.random() % client.paid.size()], "/disputes"),
      body);
  if (!opened || opened->status != 200) return;
  const std::string path = absl::StrCat("/v1/disputes/", opened->Text("dispute_id"));
  switch (client.random() % 3) {
    case 0:
      Ask(client, client.payee, "accept", path + ":accept", {});
      break;
    case 1:
      Ask(client, client.payer, "withdraw", path + ":withdraw", {});
      break;
    default:  // Nobody decides.
      break;
  }
}

// ---- Payers with limits

void MixedLoad::WorkLimited(std::size_t user, const LimitedPayer& limited, std::uint64_t seed) {
  Client client{.number = user,
                .random = std::mt19937_64(seed),
                .payer = Person(*users_[user], user),
                .payee = Person(*users_[user], user),
                .paid = {},
                .reference = {},
                .limited = &limited};
  while (!stopping_) StepLimited(client);
}

void MixedLoad::StepLimited(Client& client) {
  const LimitedPayer& limited = *client.limited;
  const auto amount = static_cast<std::int64_t>(
      1 + client.random() % (client.random() % 4 == 0 ? kMostLimited : 80));
  const std::string& payee = limited_.payees()[client.random() % limited_.payees().size()];
  boost::json::object body = PaymentBody(limited.euros, payee, absl::StrCat(amount), "EUR");
  const std::uint64_t kind = client.random() % 12;
  if (kind < 8) {
    Ask(client, client.payer, "transfer", "/v1/payments", body);
  } else if (kind < 9) {
    // Counts when it is authorized, and nobody captures it.
    body["capture_method"] = "MANUAL";
    Ask(client, client.payer, "transfer", "/v1/payments", body);
  } else if (kind < 11) {
    Ask(client, client.payer, "transfer", "/v1/payments",
        PaymentBody(limited.pounds, limited_.pounds_payee(), absl::StrCat(amount), "GBP"));
  } else {
    Schedule(client, limited.euros, payee);
  }
}

}  // namespace florin::e2e
