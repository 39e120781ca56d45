// What every SuspenseStore promises, held against PostgreSQL and the fake; and what the database
// refuses whatever the program does.
#include "services/payments/store/suspense_store.h"

#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/store/fake_suspense_store.h"
#include "services/payments/store/pg_suspense_store.h"
#include "services/payments/store/store.h"
#include "services/payments/store/store_subjects.h"

namespace florin::payments {
namespace {

using R = ResolutionState;
using ::testing::Contains;
using ::testing::Eq;
using ::testing::Not;
using ::testing::SizeIs;

struct FakeSuspense {
  FakeDepositStore deposit_store;
  FakeSuspenseStore store;
  DepositStore& deposits() { return deposit_store; }
  SuspenseStore& suspense() { return store; }
};

struct RealSuspense {
  static std::vector<pg::Statement> Statements() {
    std::vector<pg::Statement> all = PgSuspenseStore::Statements();
    for (const auto& more : {PgDepositStore::Statements(), audit::InsertStatements()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  pg::Pool pool{{.conninfo = Server().conninfo("payments"),
                 .connections = 2,
                 .statements = Statements(),
                 .settings = pg::KeyedAccessSettings()}};
  PgDepositStore deposit_store{pool};
  PgSuspenseStore store{pool};
  DepositStore& deposits() { return deposit_store; }
  SuspenseStore& suspense() { return store; }
};

template <typename T>
class SuspenseStoreTest : public ::testing::Test {
 protected:
  // An item, whose deposit is kept as it must be.
  SuspenseItem Keep() {
    const RailDeposit deposit{.rail = "rail",
                              .deposit_id = SystemIds().NewId().ToString(),
                              .amount = {.minor_units = 70, .currency = *Currency::Parse("EUR")},
                              .account_reference = "DE89370400440532013000",
                              .reference = "it's 'secret'",
                              .create_time = kStart};
    EXPECT_THAT(runtime_.Run(kept_.deposits().ReceiveDeposit(deposit)), IsOk());
    const SuspenseItem item = ItemOf(deposit, kStart);
    EXPECT_THAT(runtime_.Run(kept_.suspense().KeepItem(item)), IsOk());
    return item;
  }
  SuspenseResolution Assigning(const SuspenseItem& item) const {
    return {.resolution_id = SystemIds().NewId(),
            .item_id = item.item_id,
            .kind = ResolutionKind::kAssign,
            .account_id = SystemIds().NewId(),
            .owner_id = SystemIds().NewId(),
            .payment_id = SystemIds().NewId(),
            .operator_id = operator_,
            .proposal_id = SystemIds().NewId(),
            .create_time = kStart,
            .update_time = kStart};
  }
  SuspenseResolution Returning(const SuspenseItem& item) const {
    SuspenseResolution resolution = Assigning(item);
    resolution.kind = ResolutionKind::kReturn;
    resolution.account_id = resolution.owner_id = Uuid();
    return resolution;
  }
  absl::StatusOr<StoredResolution> Begin(const SuspenseResolution& resolution,
                                         const std::string& key,
                                         const std::string& request = "request") {
    const audit::Origin origin;
    return runtime_.Run(kept_.suspense().Begin(resolution, key, crypto::Sha256(request), origin));
  }
  absl::StatusOr<KeptSuspense> End(const SuspenseResolution& resolution, R state,
                                   const std::string& reason = "", const std::string& code = "") {
    return runtime_.Run(kept_.suspense().End(resolution.payment_id, state, reason, code,
                                             kStart + absl::Seconds(1)));
  }
  KeptSuspense Find(const SuspenseItem& item) {
    return runtime_.Run(kept_.suspense().FindItem(item.item_id)).value();
  }
  // All there are in a state; other tests' items are in the same database.
  std::vector<Uuid> In(std::optional<SuspenseState> state) {
    std::vector<Uuid> ids;
    std::optional<Uuid> before;
    while (true) {
      const auto page = runtime_.Run(kept_.suspense().ListItems(state, before, 2));
      EXPECT_THAT(page, IsOk());
      if (!page.ok() || page->empty()) return ids;
      for (const KeptSuspense& kept : *page) {
        if (before) {
          EXPECT_LT(kept.item.item_id, *before);
        }
        before = kept.item.item_id;
        ids.push_back(*before);
        if (state) {
          EXPECT_EQ(StateOf(kept), *state);
        }
      }
    }
  }

  async::Runtime runtime_{1};
  T kept_;
  const Uuid operator_ = SystemIds().NewId();
};

using SuspenseStores = ::testing::Types<FakeSuspense, RealSuspense>;
TYPED_TEST_SUITE(SuspenseStoreTest, SuspenseStores);

TYPED_TEST(SuspenseStoreTest, AnItemIsKeptOnce) {
  const SuspenseItem item = this->Keep();
  EXPECT_EQ(this->Find(item), (KeptSuspense{.item = item, .resolution = {}}));
  SuspenseItem again = item;
  again.create_time = kStart + absl::Hours(1);
  EXPECT_THAT(this->runtime_.Run(this->kept_.suspense().KeepItem(again)), IsOk());
  EXPECT_EQ(this->Find(item).item, item);
  EXPECT_THAT(this->runtime_.Run(this->kept_.suspense().FindItem(this->operator_)),
              StatusHasReason(Reason::kSuspenseItemNotFound));
}

TYPED_TEST(SuspenseStoreTest, ItemsAreListedByState) {
  const SuspenseItem open = this->Keep();
  const SuspenseItem assigned = this->Keep();
  const SuspenseResolution resolution = this->Assigning(assigned);
  ASSERT_THAT(this->Begin(resolution, "key"), IsOk());
  EXPECT_THAT(this->In(SuspenseState::kAssigning), Contains(assigned.item_id));
  ASSERT_THAT(this->End(resolution, R::kDone), IsOk());
  EXPECT_THAT(this->In(SuspenseState::kAssigned), Contains(assigned.item_id));
  EXPECT_THAT(this->In(SuspenseState::kAssigning), Not(Contains(assigned.item_id)));
  EXPECT_THAT(this->In(SuspenseState::kOpen), Contains(open.item_id));
  EXPECT_THAT(this->In(SuspenseState::kOpen), Not(Contains(assigned.item_id)));
  const std::vector<Uuid> all = this->In(std::nullopt);
  EXPECT_THAT(all, Contains(open.item_id));
  EXPECT_THAT(all, Contains(assigned.item_id));
}

TYPED_TEST(SuspenseStoreTest, AKeyIsOneResolution) {
  const SuspenseItem item = this->Keep();
  const SuspenseResolution resolution = this->Assigning(item);
  const crypto::Digest digest = crypto::Sha256("request");
  EXPECT_EQ(
      this->runtime_.Run(this->kept_.suspense().FindResolution(this->operator_, "key", digest))
          .value()
          .has_value(),
      false);
  const auto begun = this->Begin(resolution, "key");
  ASSERT_THAT(begun, IsOk());
  EXPECT_FALSE(begun->replayed);
  EXPECT_TRUE(begun->same_request);
  EXPECT_EQ(begun->kept.resolution, resolution);
  EXPECT_EQ(this->Find(item), (KeptSuspense{.item = item, .resolution = resolution}));
  const auto again = this->Begin(this->Assigning(item), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->kept.resolution, resolution);
  EXPECT_FALSE(this->Begin(this->Assigning(item), "key", "another")->same_request);
  const auto known =
      this->runtime_.Run(this->kept_.suspense().FindResolution(this->operator_, "key", digest));
  ASSERT_THAT(known, IsOk());
  ASSERT_TRUE(known->has_value());
  EXPECT_EQ((*known)->kept.resolution, resolution);
}

TYPED_TEST(SuspenseStoreTest, AnItemIsResolvedOnce) {
  const SuspenseItem item = this->Keep();
  const SuspenseResolution first = this->Assigning(item);
  ASSERT_THAT(this->Begin(first, "1"), IsOk());
  EXPECT_THAT(this->Begin(this->Assigning(item), "2"),
              StatusHasReason(Reason::kSuspenseItemClosed));
  const auto refused = this->End(first, R::kRefused, "account_closed");
  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(refused->resolution->failure_reason, "account_closed");
  EXPECT_EQ(refused->resolution->update_time, kStart + absl::Seconds(1));
  EXPECT_EQ(this->End(first, R::kDone)->resolution->state, R::kRefused) << "the first end stays";
  const SuspenseResolution second = this->Returning(item);
  ASSERT_THAT(this->Begin(second, "2"), IsOk()) << "it is open again";
  EXPECT_EQ(this->Find(item).resolution, second);
  EXPECT_EQ(this->Begin(first, "1")->kept.resolution->state, R::kRefused)
      << "a key stands for its own";
  ASSERT_THAT(this->End(second, R::kDone), IsOk());
  EXPECT_THAT(this->Begin(this->Assigning(item), "3"),
              StatusHasReason(Reason::kSuspenseItemClosed));
  EXPECT_THAT(
      this->Begin(this->Assigning({.item_id = this->operator_, .amount = item.amount}), "4"),
      StatusHasReason(Reason::kSuspenseItemNotFound));
  EXPECT_THAT(this->End(this->Assigning(item), R::kDone),
              StatusHasReason(Reason::kSuspenseItemNotFound));
}

TYPED_TEST(SuspenseStoreTest, OnlyWhatIsReturnedComesBack) {
  const SuspenseItem sent = this->Keep();
  const SuspenseResolution returning = this->Returning(sent);
  ASSERT_THAT(this->Begin(returning, "return"), IsOk());
  ASSERT_THAT(this->End(returning, R::kDone), IsOk());
  const auto back = this->End(returning, R::kRefused, "rail_returned", "AC04");
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(StateOf(*back), SuspenseState::kOpen);
  EXPECT_EQ(back->resolution->rail_code, "AC04");
  const SuspenseItem credited = this->Keep();
  const SuspenseResolution assigning = this->Assigning(credited);
  ASSERT_THAT(this->Begin(assigning, "assign"), IsOk());
  ASSERT_THAT(this->End(assigning, R::kDone), IsOk());
  EXPECT_EQ(StateOf(*this->End(assigning, R::kRefused, "rail_returned")), SuspenseState::kAssigned);
}

TYPED_TEST(SuspenseStoreTest, WhatIsPendingIsClaimedAfterItsLease) {
  const SuspenseItem item = this->Keep();
  const SuspenseResolution resolution = this->Assigning(item);
  ASSERT_THAT(this->Begin(resolution, "key"), IsOk());
  const auto claims = [this, &item](absl::Time now) {
    const auto claimed = this->runtime_.Run(this->kept_.suspense().ClaimPending(now, 1000));
    EXPECT_THAT(claimed, IsOk());
    int found = 0;
    for (const KeptSuspense& kept : *claimed) found += kept.item == item;
    return found;
  };
  EXPECT_EQ(claims(kStart), 0);
  EXPECT_EQ(claims(kStart + kLease), 1);
  EXPECT_EQ(claims(kStart + kLease), 0);
  EXPECT_EQ(claims(kStart + 2 * kLease), 1);
  ASSERT_THAT(this->End(resolution, R::kDone), IsOk());
  EXPECT_EQ(claims(kStart + 9 * kLease), 0);
}

// Who, what and by whose agreement.
TEST(SuspenseAuditTest, ItemAndResolutionAreInTheTrail) {
  FakeSuspenseStore store;
  async::Runtime runtime{1};
  const SuspenseItem item =
      ItemOf({.rail = "rail",
              .deposit_id = "d1",
              .amount = {.minor_units = 70, .currency = *Currency::Parse("EUR")},
              .account_reference = "secret",
              .reference = "secret",
              .create_time = kStart},
             kStart);
  ASSERT_THAT(runtime.Run(store.KeepItem(item)), IsOk());
  const SuspenseResolution resolution{.resolution_id = SystemIds().NewId(),
                                      .item_id = item.item_id,
                                      .account_id = SystemIds().NewId(),
                                      .owner_id = SystemIds().NewId(),
                                      .payment_id = SystemIds().NewId(),
                                      .operator_id = SystemIds().NewId(),
                                      .proposal_id = SystemIds().NewId(),
                                      .create_time = kStart,
                                      .update_time = kStart};
  const audit::Origin origin{.caller = "gateway", .client_address = "", .request_id = "req_1"};
  ASSERT_THAT(runtime.Run(store.Begin(resolution, "key", crypto::Sha256("x"), origin)), IsOk());
  ASSERT_THAT(
      runtime.Run(store.End(resolution.payment_id, R::kRefused, "account_closed", "", kStart)),
      IsOk());
  const std::vector<audit::Event> events = store.events();
  ASSERT_THAT(events, SizeIs(3));
  const char* const actions[] = {"payments.suspense.receive", "payments.suspense.assign",
                                 "payments.suspense.assign_refused"};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].action, actions[i]);
    EXPECT_EQ(events[i].subject, FormatSuspenseId(item.item_id));
    EXPECT_EQ(audit::EncodeEvent(events[i]).find("secret"), std::string::npos);
  }
  const std::string who = FormatId(IdKind::kUser, resolution.operator_id);
  EXPECT_EQ(events[1].actor, who);
  EXPECT_EQ(events[1].origin, origin);
  EXPECT_EQ(events[1].details.at("proposal"), FormatId(IdKind::kProposal, resolution.proposal_id));
  EXPECT_EQ(events[1].details.at("account"), FormatId(IdKind::kAccount, resolution.account_id));
  EXPECT_EQ(events[2].on_behalf_of, who);
  EXPECT_EQ(events[2].details.at("failure"), "account_closed");
}

// Whatever a program does: one resolution that was not refused, and none that begins again.
TEST(SuspenseTableTest, RefusesWhatNoMachineDoes) {
  pqxx::connection database(Server().conninfo("payments"));
  const auto run = [&database](const std::string& sql) -> std::string {
    try {
      pqxx::work transaction(database);
      transaction.exec(sql);
      transaction.commit();
      return "";
    } catch (const pqxx::sql_error& error) {
      return error.what();
    }
  };
  const std::string item = SystemIds().NewId().ToString();
  ASSERT_EQ(run("INSERT INTO rail_deposits (rail, deposit_id, currency, amount_minor, "
                "account_reference, reference, create_time) VALUES ('rail', '" +
                item + "', 'EUR', 1, 'a', '', now())"),
            "");
  ASSERT_EQ(run("INSERT INTO suspense_items (item_id, rail, deposit_id, currency, amount_minor, "
                "create_time) VALUES ('" +
                item + "', 'rail', '" + item + "', 'EUR', 1, now())"),
            "");
  const auto begin = [&](const std::string& id, const std::string& kind) {
    const std::string accounts = kind == "assign" ? "'" + id + "', '" + id + "'" : "NULL, NULL";
    return run(
        "INSERT INTO suspense_resolutions (resolution_id, item_id, kind, account_id, "
        "owner_id, payment_id, operator_id, proposal_id, idempotency_key, fingerprint, "
        "create_time, update_time, next_attempt_time) VALUES ('" +
        id + "', '" + item + "', '" + kind + "', " + accounts + ", '" + id + "', '" + id + "', '" +
        id + "', 'k', decode(repeat('00', 32), 'hex'), now(), now(), now())");
  };
  const auto end = [&run](const std::string& id, const std::string& state) {
    return run("UPDATE suspense_resolutions SET state = '" + state + "', failure_reason = '" +
               (state == "refused" ? "x" : "") + "' WHERE resolution_id = '" + id + "'");
  };
  const std::string first = SystemIds().NewId().ToString();
  const std::string second = SystemIds().NewId().ToString();
  ASSERT_EQ(begin(first, "assign"), "");
  EXPECT_NE(begin(second, "return"), "") << "the item has one";
  ASSERT_EQ(end(first, "done"), "");
  EXPECT_NE(end(first, "refused"), "") << "what was credited stays";
  EXPECT_NE(end(first, "pending"), "");
  EXPECT_NE(run("DELETE FROM suspense_resolutions WHERE resolution_id = '" + first + "'"), "");
  EXPECT_NE(run("UPDATE suspense_items SET amount_minor = 2"), "");
}

}  // namespace
}  // namespace florin::payments
