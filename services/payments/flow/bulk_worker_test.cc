#include "services/payments/flow/bulk_worker.h"

#include "services/payments/flow/bulk_orders.h"
#include "services/payments/flow/payments_fixture.h"
#include "services/payments/store/fake_bulk_store.h"

namespace florin::payments {
namespace {

using ::testing::SizeIs;

class BulkWorkerTest : public PaymentsFixture {
 protected:
  // The coroutines of the fixture's runtime use what is here.
  ~BulkWorkerTest() override { runtime_.Stop(); }

  Bulk Make(BulkMode mode) {
    rpc::Outgoing context;
    auto made =
        runtime_.Run(orders_.Create(context, user_, a_, mode, SystemIds().NewId().ToString()));
    EXPECT_THAT(made, IsOk());
    return made->bulk;
  }
  static BulkItem Item(const std::string& id, const Uuid& destination, std::int64_t minor_units) {
    return {.item_id = id, .destination_account_id = destination, .amount_minor = minor_units};
  }
  absl::StatusOr<Bulk> Add(BulkOrders& orders, const Bulk& bulk, std::vector<BulkItem> items) {
    return runtime_.Run(orders.Add(user_, bulk.bulk_id, std::move(items)));
  }
  // `count` items of 1 each, to an account in turn.
  void AddMany(const Bulk& bulk, int count) {
    std::vector<BulkItem> items;
    for (int i = 0; i < count; ++i) {
      items.push_back(Item("many-" + std::to_string(i), i % 2 == 0 ? b_ : c_, 1));
    }
    EXPECT_THAT(Add(orders_, bulk, std::move(items)), IsOk());
  }
  void Submit(const Bulk& bulk) {
    EXPECT_THAT(
        runtime_.Run(bulks_.ChangeBulk(user_, bulk.bulk_id, BulkEvent::kSubmit, clock_.Now(), {})),
        IsOk());
  }
  absl::StatusOr<int> Work() { return runtime_.Run(worker_.RunOnce()); }
  std::string StateOf(const Bulk& bulk) {
    return std::string(NameOf(runtime_.Run(bulks_.GetBulk(user_, bulk.bulk_id))->state));
  }
  // "a succeeded, b failed insufficient_funds, "
  std::string Items(const Bulk& bulk) {
    std::string text;
    const std::vector<BulkItem> items =
        runtime_.Run(bulks_.ListItems(user_, bulk.bulk_id, {}, 0, 1000)).value();
    for (const BulkItem& item : items) {
      text += item.item_id + ' ' + std::string(NameOf(item.state));
      if (!item.failure_reason.empty()) text += ' ' + item.failure_reason;
      text += ", ";
    }
    return text;
  }

  FakeBulkStore bulks_{store_};
  ConfirmOrder confirm_order_{bulks_, approvals_, clock_};
  BulkOrders orders_{bulks_, directory_, clock_, SystemIds(), {}, confirm_order_};
  BulkWorker worker_{runtime_.executor(),
                     bulks_,
                     {create_, directory_, settlement_, chart_, *pricing_, {}},
                     clock_};
};

TEST_F(BulkWorkerTest, BestEffortPaysWhatItCan) {
  const Bulk bulk = Make(BulkMode::kBestEffort);
  ASSERT_THAT(Add(orders_, bulk,
                  {Item("a", b_, 100), Item("b", SystemIds().NewId(), 1), Item("c", c_, 1001),
                   Item("d", d_, 1), Item("e", c_, 900)}),
              IsOk());
  EXPECT_THAT(Work(), IsOk());
  EXPECT_EQ(StateOf(bulk), "draft");
  Submit(bulk);
  EXPECT_THAT(Work(), IsOk());
  EXPECT_EQ(StateOf(bulk), "completed");
  EXPECT_EQ(Items(bulk),
            "a succeeded, b failed account_not_found, c failed insufficient_funds, "
            "d failed currency_mismatch, e succeeded, ");
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 100);
  EXPECT_THAT(Payments(), SizeIs(3));
}

TEST_F(BulkWorkerTest, AllIsPaidIfAllCanBe) {
  const Bulk bulk = Make(BulkMode::kAllOrNothing);
  AddMany(bulk, 500);
  Submit(bulk);
  EXPECT_THAT(Work(), IsOk());
  EXPECT_EQ(StateOf(bulk), "completed");
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 500);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 250);
  const std::vector<Payment> payments = Payments();
  ASSERT_THAT(payments, SizeIs(500));
  for (const Payment& payment : payments) EXPECT_EQ(payment.state, State::kSucceeded);
  // Nothing is left for the recovery worker.
  EXPECT_EQ(Recover().value(), 0);
}

TEST_F(BulkWorkerTest, NothingIsPaidIfOneCannotBe) {
  struct Case {
    BulkItem item;
    const char* reason;
  };
  for (const Case& wrong : {Case{Item("z", c_, 999), "insufficient_funds"},
                            Case{Item("z", SystemIds().NewId(), 1), "account_not_found"},
                            Case{Item("z", d_, 1), "currency_mismatch"}}) {
    const Bulk bulk = Make(BulkMode::kAllOrNothing);
    ASSERT_THAT(Add(orders_, bulk, {Item("x", b_, 1), Item("y", c_, 1), wrong.item}), IsOk());
    Submit(bulk);
    EXPECT_THAT(Work(), IsOk());
    EXPECT_EQ(StateOf(bulk), "failed");
    EXPECT_EQ(Items(bulk), std::string("x failed bulk_item_failed, y failed bulk_item_failed, "
                                       "z failed ") +
                               wrong.reason + ", ");
    EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
    EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
    EXPECT_THAT(Payments(), SizeIs(0));
  }
}

// What is refused first keeps the rest from being touched at all.
TEST_F(BulkWorkerTest, ARefusalStopsTheHolding) {
  const Bulk bulk = Make(BulkMode::kAllOrNothing);
  ASSERT_THAT(Add(orders_, bulk, {Item("first", c_, 1001)}), IsOk());
  AddMany(bulk, 900);
  Submit(bulk);
  EXPECT_THAT(Work(), IsOk());
  EXPECT_EQ(StateOf(bulk), "failed");
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  const std::string requests = ledger_double_.all_requests();
  std::size_t holds = 0;
  for (std::size_t at = requests.find("hold {"); at != std::string::npos;
       at = requests.find("hold {", at + 1)) {
    ++holds;
  }
  // Placed, and placed again before they are voided.
  EXPECT_LE(holds, 2U * BulkWorker::kItemsAtOnce);
}

// A crash after whatever call of ledger or store: the outcome is that of no crash.
TEST_F(BulkWorkerTest, ACrashAnywhereChangesNothing) {
  for (const BulkMode mode : {BulkMode::kBestEffort, BulkMode::kAllOrNothing}) {
    for (const bool fails : {false, true}) {
      const std::int64_t before = ledger_double_.BalanceOf(a_);
      const Bulk bulk = Make(mode);
      AddMany(bulk, 10);
      if (fails) {
        ASSERT_THAT(Add(orders_, bulk, {Item("large", c_, 5000)}), IsOk());
      }
      Submit(bulk);
      for (int round = 0; round < 40 && StateOf(bulk) != "completed" && StateOf(bulk) != "failed";
           ++round) {
        // Each round gets as far as its fault lets it.
        ledger_double_.SetFault(round % 4 == 0   ? Fault::kAnswerLost
                                : round % 4 == 1 ? Fault::kUnavailable
                                                 : Fault::kNone);
        bulks_.FailRecords(round % 4 == 2);
        EXPECT_THAT(Work(), IsOk());
        ledger_double_.SetFault(Fault::kNone);
        bulks_.FailRecords(false);
        clock_.Advance(kBulkLease);
      }
      const bool paid = mode == BulkMode::kBestEffort || !fails;
      EXPECT_EQ(StateOf(bulk), paid ? "completed" : "failed");
      EXPECT_EQ(ledger_double_.BalanceOf(a_), before - (paid ? 10 : 0));
      EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
    }
  }
}

TEST_F(BulkWorkerTest, ALostHoldIsReleasedToo) {
  const Bulk bulk = Make(BulkMode::kAllOrNothing);
  AddMany(bulk, 3);
  Submit(bulk);
  // The holds are placed, and nobody is told.
  ledger_double_.SetFault(Fault::kAnswerLost);
  EXPECT_THAT(Work(), IsOk());
  ledger_double_.SetFault(Fault::kNone);
  EXPECT_EQ(ledger_double_.HeldOf(a_), 3);
  // Meanwhile a payee goes: its check refuses the item without asking the ledger.
  BulkItem item = runtime_.Run(bulks_.ListItems(user_, bulk.bulk_id, {}, 0, 1))->front();
  item.state = ItemState::kFailed;
  item.failure_reason = "account_not_found";
  std::vector<BulkItem> refused = {item};
  ASSERT_THAT(runtime_.Run(bulks_.RecordItems(bulk.bulk_id, refused)), IsOk());
  clock_.Advance(kBulkLease);
  EXPECT_THAT(Work(), IsOk());
  EXPECT_EQ(StateOf(bulk), "failed");
  EXPECT_EQ(ledger_double_.HeldOf(a_), 0);
  EXPECT_EQ(ledger_double_.BalanceOf(a_), 1000);
}

// Held money is paid although the payee has closed the account in between.
TEST_F(BulkWorkerTest, NothingRefusesWhatIsHeld) {
  const Bulk bulk = Make(BulkMode::kAllOrNothing);
  AddMany(bulk, 3);
  Submit(bulk);
  bulks_.FailRecords(true);
  EXPECT_THAT(Work(), IsOk());
  bulks_.FailRecords(false);
  ledger_double_.Close(c_);
  clock_.Advance(kBulkLease);
  EXPECT_THAT(Work(), IsOk());
  EXPECT_EQ(StateOf(bulk), "completed");
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 1);
}

// The policy has become stricter since.
TEST_F(BulkWorkerTest, WhatNeedsAnApprovalIsNotPaid) {
  BulkWorker strict(runtime_.executor(), bulks_,
                    {judging_create_,
                     directory_,
                     settlement_,
                     chart_,
                     *pricing_,
                     {.enabled = true, .low_value = {}}},
                    clock_);
  for (const BulkMode mode : {BulkMode::kBestEffort, BulkMode::kAllOrNothing}) {
    const Bulk bulk = Make(mode);
    ASSERT_THAT(Add(orders_, bulk, {Item("others", c_, 900)}), IsOk());
    Submit(bulk);
    EXPECT_THAT(runtime_.Run(strict.RunOnce()), IsOk());
    EXPECT_EQ(Items(bulk), "others failed approval_pending, ");
  }
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 0);
  EXPECT_THAT(Payments(), SizeIs(0));
}

// The policy has become stricter after it was paid and before that was noted.
TEST_F(BulkWorkerTest, WhatWasPaidStaysPaid) {
  BulkWorker strict(runtime_.executor(), bulks_,
                    {judging_create_,
                     directory_,
                     settlement_,
                     chart_,
                     *pricing_,
                     {.enabled = true, .low_value = {}}},
                    clock_);
  const Bulk bulk = Make(BulkMode::kBestEffort);
  ASSERT_THAT(Add(orders_, bulk, {Item("others", c_, 900)}), IsOk());
  Submit(bulk);
  bulks_.FailRecords(true);
  EXPECT_THAT(Work(), IsOk());
  bulks_.FailRecords(false);
  clock_.Advance(kBulkLease);
  EXPECT_THAT(runtime_.Run(strict.RunOnce()), IsOk());
  EXPECT_EQ(Items(bulk), "others succeeded, ");
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 900);
}

}  // namespace
}  // namespace florin::payments
