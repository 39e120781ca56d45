// What the contracts of this directory are held against: PostgreSQL and the fake. For tests.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/accounts/store/fake_interest_store.h"
#include "services/accounts/store/fake_store.h"
#include "services/accounts/store/pg_account_state_store.h"
#include "services/accounts/store/pg_customer_store.h"
#include "services/accounts/store/pg_holder_store.h"
#include "services/accounts/store/pg_interest_store.h"
#include "services/accounts/store/pg_payee_store.h"
#include "services/accounts/store/pg_sealing.h"
#include "services/accounts/store/pg_store.h"

namespace florin::accounts {

inline const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'000'001);

// Each test works for users of its own.
inline testing::Postgres& Server() { return pg::TestDatabase("accounts"); }

// "1 KEY" for each of the ids, the first of which is current; a key follows from its id.
inline crypto::SecretKeys KeysNamed(const std::string& ids) {
  std::string text;
  for (const char id : ids) {
    text += std::string(1, id) + " " + crypto::Base64UrlEncode(std::string(32, id)) + "\n";
  }
  return crypto::SecretKeys::Parse(text).value();
}

inline RequestKey KeyOf(const std::string& key, const std::string& content) {
  return {.idempotency_key = key, .fingerprint = crypto::Sha256(content)};
}

class FakeSubject {
 public:
  Store& store() { return store_; }
  CustomerStore& customers() { return store_; }
  AccountStateStore& states() { return store_; }
  HolderStore& holders() { return store_; }
  PayeeStore& payees() { return store_; }
  InterestStore& interest() { return interest_; }
  // "action details" of each event of the subject, in their order.
  std::vector<std::string> EventsOf(async::Runtime&, const std::string& subject) {
    std::vector<std::string> found;
    for (const audit::Event& event : store_.events()) {
      if (event.subject == subject) {
        found.push_back(event.action + " " + audit::EncodeDetails(event.details));
      }
    }
    for (const audit::Event& event : interest_.events()) {
      if (event.subject == subject) {
        found.push_back(event.action + " " + audit::EncodeDetails(event.details));
      }
    }
    return found;
  }

 private:
  FakeStore store_;
  FakeInterestStore interest_{store_};
};

class PgSubject {
 public:
  explicit PgSubject(const std::string& ring = "1", FakeClock* clock = nullptr)
      : data_(KeysNamed(ring), KeysNamed("i"), clock == nullptr ? clock_ : *clock) {}
  Store& store() { return store_; }
  CustomerStore& customers() { return customers_; }
  AccountStateStore& states() { return states_; }
  HolderStore& holders() { return holders_; }
  PayeeStore& payees() { return payees_; }
  InterestStore& interest() { return interest_; }
  PgSealing& sealing() { return sealing_; }
  PersonalData& data() { return data_; }

  std::vector<std::string> EventsOf(async::Runtime& runtime, const std::string& subject) {
    return Rows(runtime,
                "SELECT action || ' ' || details FROM audit_events WHERE subject = '" + subject +
                    "' AND action NOT IN ('accounts.customer.create', 'accounts.account.open') "
                    "ORDER BY xid, event_id");
  }
  // The first column of each row.
  std::vector<std::string> Rows(async::Runtime& runtime, const std::string& sql) {
    return TryRows(runtime, sql).value();
  }
  absl::StatusOr<std::vector<std::string>> TryRows(async::Runtime& runtime,
                                                   const std::string& sql) {
    std::function<absl::StatusOr<std::vector<std::string>>(pqxx::work&)> work =
        [&sql](pqxx::work& transaction) -> absl::StatusOr<std::vector<std::string>> {
      std::vector<std::string> found;
      for (const auto& row : transaction.exec(sql)) {
        found.emplace_back(row.empty() ? "" : row[0].c_str());
      }
      return found;
    };
    return runtime.Run(pool_.Transact(std::move(work)));
  }

 private:
  static std::vector<pg::Statement> Statements() {
    std::vector<pg::Statement> all = PgStore::Statements();
    for (const auto& more :
         {PgCustomerStore::Statements(), PgAccountStateStore::Statements(),
          PgHolderStore::Statements(), PgPayeeStore::Statements(), PgSealing::Statements(),
          PgInterestStore::Statements(), audit::InsertStatements()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }

  FakeClock clock_{kStart};
  PersonalData data_;
  pg::Pool pool_{{.conninfo = Server().conninfo("accounts"),
                  .connections = 2,
                  .statements = Statements(),
                  .settings = pg::KeyedAccessSettings()}};
  PgStore store_{pool_, data_};
  PgCustomerStore customers_{pool_, data_};
  PgAccountStateStore states_{pool_, data_};
  PgHolderStore holders_{pool_, data_};
  PgPayeeStore payees_{pool_, data_};
  PgSealing sealing_{pool_, data_};
  PgInterestStore interest_{pool_};
};

}  // namespace florin::accounts
