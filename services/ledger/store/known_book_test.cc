#include "services/ledger/store/known_book.h"

#include "gtest/gtest.h"
#include "libs/ids/ids.h"

namespace florin::ledger {
namespace {

Uuid Id(const char* name) { return DeriveId("test", name); }

// Of a batch that decided one command and left one account.
Effects EffectsOf(const char* decided, const char* account, std::int64_t version) {
  Effects effects;
  Outcome outcome{.decision = {.command = {}, .sequence = version, .fate = Commitment()}};
  outcome.decision.command.transaction_id = Id(decided);
  effects.outcomes.push_back(outcome);
  effects.accounts.push_back(
      {.terms = {.account_id = Id(account), .currency = Currency::Parse("EUR").value()},
       .counters = {},
       .version = version});
  effects.state.last_sequence = version;
  return effects;
}

TEST(KnownBookTest, KnowsWhatTheLastBatchLeft) {
  KnownBooks books;
  KnownBook& book = *books.Of("main");
  EXPECT_TRUE(book.last_batch().is_nil());
  book.Add(Id("first"), EffectsOf("t1", "a", 1));
  book.Add(Id("second"), EffectsOf("t2", "a", 2));
  EXPECT_EQ(book.last_batch(), Id("second"));
  EXPECT_EQ(book.state().last_sequence, 2);
  EXPECT_EQ(book.accounts().at(Id("a")).version, 2);
  EXPECT_EQ(books.Of("main").get(), &book);
  EXPECT_NE(books.Of("other").get(), &book);
}

TEST(KnownBookTest, WhatWasReadStaysTrueUnlessALaterBatchDecidedIt) {
  KnownBooks books;
  KnownBook& book = *books.Of("main");
  for (const char* name : {"1", "2", "3"}) book.Add(Id(name), EffectsOf(name, "a", 1));
  EXPECT_TRUE(book.StillTrue(Id("1"), {Id("1"), Id("x")}));
  EXPECT_FALSE(book.StillTrue(Id("1"), {Id("x"), Id("3")}));
  EXPECT_TRUE(book.StillTrue(Id("3"), {Id("2"), Id("3")}));
  EXPECT_FALSE(book.StillTrue(Id("of another process"), {Id("x")}));
  EXPECT_FALSE(book.StillTrue(Uuid(), {}));
}

TEST(KnownBookTest, ReadsOfLongAgoCountAsUntrue) {
  KnownBooks books;
  KnownBook& book = *books.Of("main");
  for (const char* name : {"1", "2", "3", "4", "5"}) book.Add(Id(name), EffectsOf(name, "a", 1));
  EXPECT_FALSE(book.StillTrue(Id("1"), {}));
  EXPECT_TRUE(book.StillTrue(Id("2"), {}));
}

TEST(KnownBookTest, ForgetsAll) {
  KnownBooks books;
  KnownBook& book = *books.Of("main");
  book.Add(Id("first"), EffectsOf("t1", "a", 1));
  book.Forget();
  EXPECT_TRUE(book.last_batch().is_nil());
  EXPECT_TRUE(book.accounts().empty());
  EXPECT_FALSE(book.StillTrue(Id("first"), {}));
}

TEST(KnownBooksTest, ForgetsThemAllBeforeMemoryGrowsWithoutBound) {
  KnownBooks books(2);
  const std::shared_ptr<KnownBook> held = books.Of("main");
  held->Add(Id("first"), EffectsOf("t1", "a", 1));
  held->Add(Id("second"), EffectsOf("t2", "b", 1));
  EXPECT_EQ(books.Of("main"), held);
  held->Add(Id("third"), EffectsOf("t3", "c", 1));
  EXPECT_NE(books.Of("main"), held) << "three accounts are too many";
  EXPECT_EQ(held->accounts().size(), 3u) << "who uses it keeps it";
}

}  // namespace
}  // namespace florin::ledger
