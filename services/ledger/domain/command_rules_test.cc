#include "services/ledger/domain/command_rules.h"

#include <functional>

#include "gtest/gtest.h"

namespace florin::ledger {
namespace {

Uuid Id(const std::string& name) { return DeriveId("test", name); }

Command With(Action action) {
  Command command;
  command.transaction_id = Id("command");
  command.action = std::move(action);
  return command;
}

AccountTerms Terms() {
  return {.account_id = Id("account"), .currency = Currency::Parse("EUR").value()};
}

Posting Move() {
  return {.debit_account_id = Id("A"), .credit_account_id = Id("B"), .amount_minor = 1};
}

template <class Kind>
std::function<void(Command&)> Set(void (*change)(Kind&)) {
  return [change](Command& command) { change(std::get<Kind>(command.action)); };
}

// Each field that is changed must be found, and named.
TEST(FirstDifferenceTest, NamesEveryField) {
  const struct {
    Action action;
    std::function<void(Command&)> change;
    const char* field;
  } rows[] = {
      {Post{{Move()}}, Set<Post>([](Post& post) { post.postings.clear(); }), "postings"},
      {Post{{Move()}}, Set<Post>([](Post& p) { p.postings[0].debit_account_id = Id("C"); }),
       "postings[0].debit_account_id"},
      {Post{{Move()}}, Set<Post>([](Post& p) { p.postings[0].credit_account_id = Id("C"); }),
       "postings[0].credit_account_id"},
      {Post{{Move()}}, Set<Post>([](Post& p) { p.postings[0].amount_minor = 2; }),
       "postings[0].amount_minor"},
      {Post{{Move()}}, Set<Post>([](Post& p) { p.postings[0].balancing_debit = true; }),
       "postings[0].balancing_debit"},
      {Post{{Move()}}, Set<Post>([](Post& p) { p.postings[0].balancing_credit = true; }),
       "postings[0].balancing_credit"},
      {MakeHold{{Move()}, {}}, Set<MakeHold>([](MakeHold& h) { h.postings.clear(); }), "postings"},
      {MakeHold{{Move()}, {}}, Set<MakeHold>([](MakeHold& h) { h.timeout = absl::Seconds(1); }),
       "hold.timeout"},
      {Capture{Id("H"), {1}}, Set<Capture>([](Capture& c) { c.hold_id = Id("I"); }),
       "capture.hold_id"},
      {Capture{Id("H"), {1}}, Set<Capture>([](Capture& c) { c.amounts_minor = {2}; }),
       "capture.amounts_minor"},
      {Capture{Id("H"), {1}}, Set<Capture>([](Capture& c) { c.final = true; }), "capture.final"},
      {VoidHold{Id("H")}, Set<VoidHold>([](VoidHold& v) { v.hold_id = Id("I"); }), "void.hold_id"},
      {ExpireHold{Id("H")}, Set<ExpireHold>([](ExpireHold& e) { e.hold_id = Id("I"); }),
       "expire.hold_id"},
      {Reverse{Id("T"), {}}, Set<Reverse>([](Reverse& r) { r.transaction_id = Id("U"); }),
       "reversal.transaction_id"},
      {Reverse{Id("T"), {}}, Set<Reverse>([](Reverse& r) { r.posting = 0; }), "reversal.posting"},
      {Reverse{Id("T"), {}}, Set<Reverse>([](Reverse& r) { r.at_original_time = true; }),
       "reversal.at_original_time"},
      {OpenAccount{Terms()},
       Set<OpenAccount>([](OpenAccount& o) { o.terms.credit_line_minor = 1; }),
       "credit_line_minor"},
      {CloseAccount{Id("A")}, Set<CloseAccount>([](CloseAccount& c) { c.account_id = Id("B"); }),
       "account_id"},
      {ReopenAccount{Id("A")}, Set<ReopenAccount>([](ReopenAccount& r) { r.account_id = Id("B"); }),
       "account_id"},
      {SetCreditLine{Id("A"), 1},
       Set<SetCreditLine>([](SetCreditLine& l) { l.account_id = Id("B"); }), "account_id"},
      {SetCreditLine{Id("A"), 1},
       Set<SetCreditLine>([](SetCreditLine& l) { l.credit_line_minor = 2; }), "credit_line_minor"},
      {FreezeAccount{Id("A")}, Set<FreezeAccount>([](FreezeAccount& f) { f.account_id = Id("B"); }),
       "account_id"},
      {FreezeAccount{Id("A")}, Set<FreezeAccount>([](FreezeAccount& f) { f.frozen.debits = true; }),
       "freeze.debits"},
      {FreezeAccount{Id("A")},
       Set<FreezeAccount>([](FreezeAccount& f) { f.frozen.credits = true; }), "freeze.credits"},
      {ClosePeriod{absl::UnixEpoch()},
       Set<ClosePeriod>([](ClosePeriod& p) { p.until += absl::Seconds(1); }), "until"},
      {Post{{Move()}},
       [](Command& c) {
         c.action = MakeHold{{Move()}, {}};
       },
       "kind"},
      {Post{{Move()}}, [](Command& c) { c.effective_time = absl::UnixEpoch(); }, "effective_time"},
      {Post{{Move()}}, [](Command& c) { c.metadata["key"] = "value"; }, "metadata"},
      {Post{{Move()}}, [](Command& c) { c.preconditions.resize(1); }, "preconditions"},
      {Post{{Move()}}, [](Command& c) { c.linked_to_next = true; }, "linked_to_next"},
      {Post{{Move()}}, [](Command& c) { c.malformed = Refuse(Reason::kInvalidId, "", "field"); },
       "field"},
  };
  std::set<std::size_t> kinds;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.field);
    const Command first = With(row.action);
    Command second = first;
    EXPECT_EQ(FirstDifference(first, second), std::nullopt);
    row.change(second);
    EXPECT_EQ(FirstDifference(first, second), row.field);
    kinds.insert(row.action.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Action>);
}

TEST(CommandRulesTest, KindsHaveTheirNames) {
  EXPECT_EQ(KindOf(Post()), "post");
  EXPECT_EQ(KindOf(MakeHold()), "hold");
  EXPECT_EQ(KindOf(Capture()), "capture");
  EXPECT_EQ(KindOf(VoidHold()), "void");
  EXPECT_EQ(KindOf(ExpireHold()), "expire");
  EXPECT_EQ(KindOf(Reverse()), "reversal");
  EXPECT_EQ(KindOf(OpenAccount{Terms()}), "open_account");
  EXPECT_EQ(KindOf(CloseAccount()), "close_account");
  EXPECT_EQ(KindOf(ReopenAccount()), "reopen_account");
  EXPECT_EQ(KindOf(SetCreditLine()), "set_credit_line");
  EXPECT_EQ(KindOf(ClosePeriod()), "close_period");
  EXPECT_EQ(KindOf(FreezeAccount()), "freeze_account");
}

TEST(CommandRulesTest, MoneyMovesInSixKinds) {
  EXPECT_TRUE(MovesMoney(Post()) && MovesMoney(MakeHold()) && MovesMoney(Capture()) &&
              MovesMoney(VoidHold()) && MovesMoney(ExpireHold()) && MovesMoney(Reverse()));
  EXPECT_FALSE(MovesMoney(OpenAccount{Terms()}) || MovesMoney(CloseAccount()) ||
               MovesMoney(ReopenAccount()) || MovesMoney(SetCreditLine()) ||
               MovesMoney(ClosePeriod()) || MovesMoney(FreezeAccount()));
}

TEST(CommandRulesTest, OpeningAndExpiryHaveIdsOfTheirOwn) {
  EXPECT_EQ(OpeningIdOf(Id("A")), OpeningIdOf(Id("A")));
  EXPECT_NE(OpeningIdOf(Id("A")), OpeningIdOf(Id("B")));
  EXPECT_NE(OpeningIdOf(Id("A")), ExpiryIdOf(Id("A")));
}

TEST(CommandRulesTest, PreconditionsAreAtMostSixteen) {
  Command command = With(Post{{Move()}});
  command.preconditions.resize(16, {.account_id = Id("A"), .version = 1});
  EXPECT_EQ(CheckShape(command), std::nullopt);
  command.preconditions.resize(17, {.account_id = Id("A"), .version = 1});
  EXPECT_EQ(CheckShape(command)->reason, Reason::kInvalidPrecondition);
}

}  // namespace
}  // namespace florin::ledger
