#include "services/payments/domain/bulk.h"

#include <limits>

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

Bulk NewBulk(BulkMode mode = BulkMode::kBestEffort) {
  return {.bulk_id = SystemIds().NewId(),
          .user_id = SystemIds().NewId(),
          .mode = mode,
          .source_account_id = SystemIds().NewId(),
          .currency = *Currency::Parse("EUR"),
          .create_time = kNow,
          .update_time = kNow};
}

BulkItem NewItem(std::int64_t minor_units = 100) {
  return {.item_id = "salary-1",
          .destination_account_id = SystemIds().NewId(),
          .amount_minor = minor_units,
          .reference = "Salary",
          .reserved_id = SystemIds().NewId()};
}

TEST(BulkItems, EachWrongFieldIsNamed) {
  const Bulk bulk = NewBulk();
  const auto check = [&bulk](const BulkItem& item) { return CheckItem(bulk, item, "items[7]"); };
  EXPECT_THAT(check(NewItem()), IsOk());
  for (const std::string& id : {std::string(), std::string(65, 'x'), std::string("a b"),
                                std::string("ä"), std::string("a/b")}) {
    BulkItem item = NewItem();
    item.item_id = id;
    EXPECT_THAT(check(item), StatusHasReason(Reason::kInvalidField)) << id;
    EXPECT_THAT(check(item), StatusHasParam("items[7].item_id"));
  }
  EXPECT_THAT(check(NewItem(0)), StatusHasReason(Reason::kInvalidAmount));
  EXPECT_THAT(check(NewItem(-1)), StatusHasParam("items[7].minor_units"));
  BulkItem item = NewItem();
  item.destination_account_id = bulk.source_account_id;
  EXPECT_THAT(check(item), StatusHasReason(Reason::kSameAccount));
  EXPECT_THAT(check(item), StatusHasParam("items[7].destination_account_id"));
  item = NewItem();
  item.reference = std::string(141, 'x');
  EXPECT_THAT(check(item), StatusHasReason(Reason::kInvalidReference));
}

TEST(BulkItems, TheFieldThatDiffersIsNamed) {
  const BulkItem kept = NewItem();
  BulkItem item = kept;
  item.reserved_id = SystemIds().NewId();
  EXPECT_EQ(Difference(kept, item), "");
  item.reference = "x";
  EXPECT_EQ(Difference(kept, item), "reference");
  item.amount_minor += 1;
  EXPECT_EQ(Difference(kept, item), "minor_units");
  item.destination_account_id = SystemIds().NewId();
  EXPECT_EQ(Difference(kept, item), "destination_account_id");
}

TEST(Bulks, CountWhatIsAdded) {
  Bulk bulk = NewBulk();
  EXPECT_THAT(Count(bulk, {NewItem(1), NewItem(2)}), IsOk());
  EXPECT_EQ(bulk.item_count, 2);
  EXPECT_EQ(bulk.total_minor, 3);
  Bulk large = bulk;
  EXPECT_THAT(Count(large, {NewItem(std::numeric_limits<std::int64_t>::max() - 2)}),
              StatusHasReason(Reason::kInvalidAmount));
  large.item_count = kMostBulkItems - 1;
  EXPECT_THAT(Count(large, {NewItem(), NewItem()}), StatusHasReason(Reason::kBulkFull));
  EXPECT_THAT(Count(large, {NewItem()}), IsOk());
  large.state = BulkState::kPaying;
  EXPECT_THAT(Count(large, {NewItem()}), StatusHasReason(Reason::kBulkClosed));
  // A chunk that is sent again.
  EXPECT_THAT(Count(large, {}), IsOk());
}

TEST(Bulks, AreSubmittedOrCanceledOnce) {
  Bulk bulk = NewBulk();
  EXPECT_THAT(Apply(bulk, BulkEvent::kSubmit, kNow), StatusHasReason(Reason::kInvalidField));
  ASSERT_THAT(Count(bulk, {NewItem()}), IsOk());
  Bulk canceled = bulk;
  EXPECT_THAT(Apply(canceled, BulkEvent::kCancel, kNow), IsOk());
  EXPECT_EQ(canceled.state, BulkState::kCanceled);
  EXPECT_THAT(Apply(canceled, BulkEvent::kCancel, kNow), IsOk());
  EXPECT_THAT(Apply(canceled, BulkEvent::kSubmit, kNow), StatusHasReason(Reason::kBulkClosed));
  Bulk all = bulk;
  all.mode = BulkMode::kAllOrNothing;
  EXPECT_THAT(Apply(all, BulkEvent::kSubmit, kNow), IsOk());
  EXPECT_EQ(all.state, BulkState::kHolding);
  EXPECT_THAT(Apply(bulk, BulkEvent::kSubmit, kNow), IsOk());
  EXPECT_EQ(bulk.state, BulkState::kPaying);
  for (const BulkState state :
       {BulkState::kPaying, BulkState::kHolding, BulkState::kCompleted, BulkState::kFailed}) {
    bulk.state = state;
    EXPECT_THAT(Apply(bulk, BulkEvent::kSubmit, kNow), IsOk());
    EXPECT_EQ(bulk.state, state);
    EXPECT_THAT(Apply(bulk, BulkEvent::kCancel, kNow), StatusHasReason(Reason::kBulkClosed));
  }
}

// Nothing is captured while an item is not held, and nothing is over while something is held.
TEST(Bulks, GoOnOnlyWhenNothingIsLeft) {
  for (int bits = 0; bits < 16; ++bits) {
    const bool pending = bits & 1, held = bits & 2, failed = bits & 4, open = bits & 8;
    const auto next = [=](BulkState state) { return NextOf(state, pending, held, failed, open); };
    EXPECT_EQ(next(BulkState::kPaying) == BulkState::kCompleted, !pending) << bits;
    EXPECT_EQ(next(BulkState::kHolding) == BulkState::kCapturing, !pending && !failed) << bits;
    EXPECT_EQ(next(BulkState::kHolding) == BulkState::kReleasing, failed) << bits;
    EXPECT_EQ(next(BulkState::kCapturing) == BulkState::kCompleted, !held) << bits;
    EXPECT_EQ(next(BulkState::kReleasing) == BulkState::kFailed, !pending && !held && !open)
        << bits;
    for (const BulkState state :
         {BulkState::kDraft, BulkState::kCanceled, BulkState::kCompleted, BulkState::kFailed}) {
      EXPECT_EQ(next(state), state);
      EXPECT_FALSE(IsWorkedOn(state));
    }
  }
}

TEST(Bulks, IdsOfAnItemsTransactionsDiffer) {
  const Payment payment = HeldPayment(NewBulk(), NewItem(), kNow);
  EXPECT_NE(HoldIdOf(payment), VoidIdOf(payment));
  EXPECT_NE(HoldIdOf(payment), payment.transaction_id);
  EXPECT_EQ(payment.state, State::kProcessing);
  EXPECT_NE(ItemKey(Uuid(), "1").find(' '), std::string::npos);
}

}  // namespace
}  // namespace florin::payments
